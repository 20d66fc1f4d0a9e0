/*
 * account_record.c - utmp and wtmp, through libc, keyed by the terminal's name.
 *
 * Needs root, so the helper's child does it.  The terminal's name comes from a
 * process that is the user: only a pts that this user owns is recorded.
 */
#include <arpa/inet.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>
#include <utmp.h>
#include <utmpx.h>

#include "apps/account.h"

static bool is_pts_of(const char *line, const char *user)
{
	static char buf[16 * 1024];
	struct passwd pw, *found = NULL;
	char path[ACCOUNT_LINE_MAX + 8];
	struct stat st;

	if (strncmp(line, "pts/", 4) != 0 || line[4] == '\0' ||
	    strspn(line + 4, "0123456789") != strlen(line + 4) ||
	    getpwnam_r(user, &pw, buf, sizeof(buf), &found) != 0 || found == NULL)
		return false;
	(void)snprintf(path, sizeof(path), "/dev/%s", line);
	return stat(path, &st) == 0 && S_ISCHR(st.st_mode) && st.st_uid == pw.pw_uid;
}

/* Does another login's record stand for line?  A name that was refused at its login
 * comes again at the logout, and must not end a stranger's record. */
static bool is_others(const struct account_record_ask *r)
{
	struct utmpx want = { .ut_type = USER_PROCESS };
	const struct utmpx *found;

	strncpy(want.ut_line, r->line, sizeof(want.ut_line) - 1);
	setutxent();
	found = getutxline(&want);
	return found != NULL && found->ut_type == USER_PROCESS && (found->ut_pid != r->pid ||
	    strncmp(found->ut_user, r->user, sizeof(found->ut_user)) != 0);
}

/* The id is what pairs a logout with its login: the end of the line's name. */
static void set_id(char *id, size_t size, const char *line)
{
	const char *number = line + 4;
	size_t len = strlen(number);

	strncpy(id, len > size ? number + (len - size) : number, size);
}

void account_record(const struct account_record_ask *r)
{
	struct utmpx u = { .ut_type = r->is_login ? USER_PROCESS : DEAD_PROCESS, .ut_pid = r->pid };
	struct timeval now;
	struct utmp w;
	struct in6_addr v6;

	if (geteuid() != 0 || strncmp(r->line, "pts/", 4) != 0 ||
	    (r->is_login ? !is_pts_of(r->line, r->user) : is_others(r)))
		return;
	set_id(u.ut_id, sizeof(u.ut_id), r->line);
	strncpy(u.ut_line, r->line, sizeof(u.ut_line) - 1);
	if (r->is_login) {
		strncpy(u.ut_user, r->user, sizeof(u.ut_user) - 1);
		strncpy(u.ut_host, r->address, sizeof(u.ut_host) - 1);
		if (inet_pton(AF_INET, r->address, &u.ut_addr_v6[0]) != 1 &&
		    inet_pton(AF_INET6, r->address, &v6) == 1)
			memcpy(u.ut_addr_v6, &v6, sizeof(v6));
	}
	gettimeofday(&now, NULL);
	u.ut_tv.tv_sec = (int32_t)now.tv_sec;
	u.ut_tv.tv_usec = (int32_t)now.tv_usec;
	setutxent();
	(void)pututxline(&u);		/* a system without the files has no records */
	endutxent();
	/* struct utmp and utmpx are one layout on Linux, as utmpx(5) says */
	_Static_assert(sizeof(u) == sizeof(w), "utmp and utmpx differ");
	memcpy(&w, &u, sizeof(w));
	updwtmp("/var/log/wtmp", &w);
}
