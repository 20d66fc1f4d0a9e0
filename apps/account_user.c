/*
 * account_user.c - who is it, may they log in at all, and becoming them.
 *
 * NSS is asked here and nowhere else, in a process that a deadline can end.  A
 * posternd that is not root serves the account it runs as; every other name is
 * unknown to it.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <shadow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "apps/account.h"
#include "apps/conf.h"
#include "apps/conf_pattern.h"
#include "apps/session_link.h"

enum { NSS_BUFFER = 64 * 1024, GROUP_BUFFER_MAX = 16 * 1024 * 1024, NOBODY = 65534 };

static bool fill(struct account_user *u, const struct passwd *pw)
{
	const char *shell = pw->pw_shell == NULL || pw->pw_shell[0] == '\0' ? "/bin/sh" :
	    pw->pw_shell;

	if (pw->pw_dir == NULL || !session_link_put(u->name, sizeof(u->name), pw->pw_name) ||
	    !session_link_put(u->home, sizeof(u->home), pw->pw_dir) ||
	    !session_link_put(u->shell, sizeof(u->shell), shell))
		return false;
	u->uid = pw->pw_uid;
	u->gid = pw->pw_gid;
	u->n_groups = ACCOUNT_GROUPS_MAX;
	return getgrouplist(u->name, u->gid, u->groups, &u->n_groups) >= 0;
}

static void stand_in(struct account_user *u)
{
	*u = (struct account_user){ .uid = NOBODY, .gid = NOBODY, .n_groups = 1,
	    .groups = { NOBODY } };
	(void)session_link_put(u->name, sizeof(u->name), "nobody");
	(void)session_link_put(u->home, sizeof(u->home), "/nonexistent");
	(void)session_link_put(u->shell, sizeof(u->shell), "/bin/sh");
	if (geteuid() != 0) {
		u->uid = geteuid();
		u->gid = getegid();
	}
}

void account_user_warm(void)
{
	struct account_user u;
	struct passwd *root = getpwuid(0);

	(void)(root != NULL && fill(&u, root));	/* what it says is of no interest */
}

void account_user_find(const struct conf *c, const char *name, struct account_user *u)
{
	static char buf[NSS_BUFFER];
	struct passwd pw, *found = NULL;
	int r;

	*u = (struct account_user){ 0 };
	if (geteuid() == 0) {
		r = getpwnam_r(name, &pw, buf, sizeof(buf), &found);
	} else {
		r = getpwuid_r(geteuid(), &pw, buf, sizeof(buf), &found);
		if (r == 0 && found != NULL && strcmp(found->pw_name, name) != 0) {
			u->is_virtual = account_password_listed(c, name);
			if (!u->is_virtual)
				found = NULL;
		}
	}
	if (name[0] == '\0' || r != 0 || found == NULL || !fill(u, found))
		stand_in(u);
	else
		u->exists = true;
}

/* A group's name, in a buffer of its own until the next call; its entry has all members in
 * it and may be long.  0: *name, or NULL if it has none.  -1: that cannot be told, and a
 * rule about groups must not be passed over for it. */
static int group_name(gid_t gid, const char **name)
{
	static char *buf;
	static size_t size;
	struct group gr, *found = NULL;
	int r = size == 0 ? ERANGE : EINTR;

	*name = NULL;
	while (r == ERANGE || r == EINTR) {
		char *more = buf;

		if (r == ERANGE) {
			size_t want = size == 0 ? NSS_BUFFER : 2 * size;

			if (want > GROUP_BUFFER_MAX || (more = realloc(buf, want)) == NULL)
				return -1;
			size = want;
		}
		buf = more;
		r = getgrgid_r(gid, &gr, buf, size, &found);
	}
	if (r == 0 && found != NULL)
		*name = gr.gr_name;
	return r == EIO || r == EMFILE || r == ENFILE || r == ENOMEM ? -1 : 0;
}

int account_user_group_names(const struct account_user *u, struct conf_words *out)
{
	const char *name;

	for (int i = 0; i < u->n_groups; i++)
		if (group_name(u->groups[i], &name) < 0 ||
		    (name != NULL && conf_words_add(out, name) < 0))
			return -1;
	return 0;
}

int account_user_groups(const char *name, struct conf_words *out)
{
	static struct account_user u;
	static char buf[NSS_BUFFER];
	struct passwd pw, *found = NULL;

	u = (struct account_user){ 0 };
	u.exists = getpwnam_r(name, &pw, buf, sizeof(buf), &found) == 0 && found != NULL &&
	    fill(&u, found);
	return account_user_group_names(&u, out);
}

/* 1 one matches, 0 none, -1: that cannot be told. */
static int in_groups(const struct account_user *u, const struct conf_words *patterns)
{
	const char *name;

	for (int i = 0; i < u->n_groups; i++) {
		if (group_name(u->groups[i], &name) < 0)
			return -1;
		for (size_t k = 0; name != NULL && k < patterns->n; k++)
			if (conf_pattern_list(patterns->v[k], name) > 0)
				return 1;
	}
	return 0;
}

/* 1 matched, 0 not; an entry with ! that matches ends the search with 0. */
static bool in_users(const char *name, const char *address, const struct conf_words *patterns)
{
	bool found = false;

	for (size_t i = 0; i < patterns->n; i++) {
		int r = conf_pattern_user(patterns->v[i], name, address);

		if (r < 0)
			return false;
		found = found || r > 0;
	}
	return found;
}

/* As sshd: a shell that is no program locks an account. */
static bool shell_fits(const struct account_user *u, char why[ACCOUNT_NOTE_MAX])
{
	struct stat st;

	if (stat(u->shell, &st) != 0)
		snprintf(why, ACCOUNT_NOTE_MAX, "the shell does not exist");
	else if (!S_ISREG(st.st_mode) || (st.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0)
		snprintf(why, ACCOUNT_NOTE_MAX, "the shell is not executable");
	else
		return true;
	return false;
}

/* Only root can read shadow; as a normal user whoever may run posternd may use it.
 * A locked password ("!") shuts out passwords, not keys: that is what passwd(1)
 * promises of -l, and what Debian's sshd does.  Expiry shuts out both. */
static bool expired(const struct account_user *u)
{
	static char buf[NSS_BUFFER];
	struct spwd sp, *found = NULL;

	if (geteuid() != 0 || getspnam_r(u->name, &sp, buf, sizeof(buf), &found) != 0 ||
	    found == NULL)
		return false;
	return found->sp_expire > 0 && time(NULL) / (24L * 60 * 60) > found->sp_expire;
}

bool account_user_allowed(const struct conf *c, const struct account_user *u,
    const char *address, char why[ACCOUNT_NOTE_MAX])
{
	if (!shell_fits(u, why))
		return false;
	if (!c->use_pam && expired(u))	/* else its modules judge that */
		snprintf(why, ACCOUNT_NOTE_MAX, "the account has expired");
	else if (c->deny_users.n > 0 && in_users(u->name, address, &c->deny_users))
		snprintf(why, ACCOUNT_NOTE_MAX, "listed in DenyUsers");
	else if (c->allow_users.n > 0 && !in_users(u->name, address, &c->allow_users))
		snprintf(why, ACCOUNT_NOTE_MAX, "not listed in AllowUsers");
	else if (c->deny_groups.n > 0 && in_groups(u, &c->deny_groups) != 0)
		snprintf(why, ACCOUNT_NOTE_MAX, "a group is listed in DenyGroups, or cannot be looked up");
	else if (c->allow_groups.n > 0 && in_groups(u, &c->allow_groups) <= 0)
		snprintf(why, ACCOUNT_NOTE_MAX, "no group is listed in AllowGroups");
	else
		return true;
	return false;
}

int account_user_become(const struct account_user *u)
{
	uid_t r, e, s;
	gid_t gr, ge, gs;

	if (geteuid() != 0)		/* we are who we are, and serve nobody else */
		return u->uid == geteuid() && getuid() == geteuid() ? 0 : -1;
	if (setgroups((size_t)u->n_groups, u->groups) != 0 ||
	    setresgid(u->gid, u->gid, u->gid) != 0 || setresuid(u->uid, u->uid, u->uid) != 0)
		return -1;
	if (getresuid(&r, &e, &s) != 0 || r != u->uid || e != u->uid || s != u->uid ||
	    getresgid(&gr, &ge, &gs) != 0 || gr != u->gid || ge != u->gid || gs != u->gid)
		return -1;
	/* the way back must be shut, or the rest is theatre */
	if (u->uid != 0 && (setuid(0) == 0 || seteuid(0) == 0))
		return -1;
	return 0;
}
