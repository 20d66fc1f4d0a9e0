/*
 * account_password.c - passwords, against shadow(5) or against PasswordFile.
 *
 * PasswordFile (argon2id, "user:$argon2id$...") takes the place of shadow when it is
 * configured.  A user who does not exist, is locked or has no password is checked
 * against a stand-in hash of the same cost, so that the time says nothing.
 */
#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <shadow.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "apps/account.h"
#include "apps/conf.h"

enum { HASH_MAX = 512, SHADOW_BUFFER = 64 * 1024 };

/* 64 MiB, 2 passes: what crypto_pwhash's INTERACTIVE gives, of a password that
 * nobody knows; for a file that has no entry whose cost could be taken. */
static const char argon_stand_in[] = "$argon2id$v=19$m=65536,t=2,p=1$c29tZSBzYWx0IG9mIG91cg$"
    "RFx1X0WzBOuOqR0iR8aMGcYYaOCWmZgHnXQ0HTy4Qts";

/* Hashes are worth as much as passwords: nobody else may write, or look. */
static FILE *file_open(const char *path, char *why)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	FILE *f;

	if (fd < 0) {
		snprintf(why, ACCOUNT_NOTE_MAX, "PasswordFile: %s", strerror(errno));
		return NULL;
	}
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
	    (st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & 027) != 0) {
		snprintf(why, ACCOUNT_NOTE_MAX, "PasswordFile: must be a regular file of mode 0640 "
		    "or less, owned by root or by posternd's user");
		close(fd);
		return NULL;
	}
	if ((f = fdopen(fd, "r")) == NULL)
		close(fd);
	return f;
}

/* The hash of name, or of anybody as a stand-in.  True: it is name's own. */
static bool file_find(const char *path, const char *name, char hash[HASH_MAX], char *why)
{
	FILE *f = file_open(path, why);
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;
	bool found = false;

	memcpy(hash, argon_stand_in, sizeof(argon_stand_in));
	while (f != NULL && !found && (len = getline(&line, &cap, f)) > 0) {
		char *colon;

		if (line[len - 1] == '\n')
			line[--len] = '\0';
		if (line[0] == '#' || strlen(line) != (size_t)len ||
		    (colon = strchr(line, ':')) == NULL || colon == line)
			continue;
		*colon++ = '\0';
		if (strncmp(colon, "$argon2id$", 10) != 0 || strlen(colon) >= HASH_MAX)
			continue;
		found = strcmp(line, name) == 0;
		memcpy(hash, colon, strlen(colon) + 1);
	}
	if (line != NULL)
		sodium_memzero(line, cap);
	free(line);
	if (f != NULL)
		(void)fclose(f);	/* only read */
	return found;
}

bool account_password_listed(const struct conf *c, const char *name)
{
	char hash[HASH_MAX], why[ACCOUNT_NOTE_MAX];
	bool found = c->password_file != NULL && file_find(c->password_file, name, hash, why);

	sodium_memzero(hash, sizeof(hash));
	return found;
}

static bool file_check(const struct conf *c, const char *name, const char *password, char *why)
{
	char hash[HASH_MAX];
	bool listed, right;

	listed = file_find(c->password_file, name, hash, why);
	right = crypto_pwhash_str_verify(hash, password, strlen(password)) == 0;
	sodium_memzero(hash, sizeof(hash));
	return listed && right;
}

/* A hash of the system's usual kind, taken from whoever has one: crypt(3) needs a
 * setting, and only the method and its cost must be like a real user's. */
static void shadow_stand_in(char hash[HASH_MAX])
{
	struct spwd *sp;

	hash[0] = '\0';
	setspent();
	while (hash[0] == '\0' && (sp = getspent()) != NULL)
		if (sp->sp_pwdp != NULL && sp->sp_pwdp[0] == '$' && strlen(sp->sp_pwdp) < HASH_MAX)
			memcpy(hash, sp->sp_pwdp, strlen(sp->sp_pwdp) + 1);
	endspent();
	if (hash[0] == '\0' &&
	    crypt_gensalt_rn(NULL, 0, NULL, 0, hash, HASH_MAX) == NULL)
		memcpy(hash, "$6$postern$", sizeof("$6$postern$"));
}

static bool shadow_expired(const struct spwd *sp)
{
	long today = time(NULL) / (24L * 60 * 60);

	return sp->sp_lstchg == 0 || (sp->sp_max >= 0 && sp->sp_lstchg > 0 &&
	    today > sp->sp_lstchg + sp->sp_max);
}

static bool shadow_check(const struct account_user *u, const char *password, bool empty_too,
    char *why)
{
	static char buf[SHADOW_BUFFER];
	static struct crypt_data data;
	struct spwd sp, *found = NULL;
	char hash[HASH_MAX];
	bool usable = false, empty = false, right;
	const char *got;

	shadow_stand_in(hash);
	if (u->exists && getspnam_r(u->name, &sp, buf, sizeof(buf), &found) == 0 &&
	    found != NULL && found->sp_pwdp != NULL) {
		/* "" is no password at all; ! and * begin what crypt never gives */
		empty = empty_too && found->sp_pwdp[0] == '\0' && password[0] == '\0';
		usable = found->sp_pwdp[0] != '\0' && strchr("!*", found->sp_pwdp[0]) == NULL &&
		    strlen(found->sp_pwdp) < HASH_MAX;
		if ((usable || empty) && shadow_expired(found)) {
			snprintf(why, ACCOUNT_NOTE_MAX, "the password has expired");
			usable = empty = false;
		}
		if (usable)
			memcpy(hash, found->sp_pwdp, strlen(found->sp_pwdp) + 1);
	}
	got = crypt_rn(password, hash, &data, sizeof(data));
	right = got != NULL && strlen(got) == strlen(hash) &&
	    sodium_memcmp(got, hash, strlen(hash)) == 0;
	sodium_memzero(&data, sizeof(data));
	sodium_memzero(buf, sizeof(buf));
	sodium_memzero(hash, sizeof(hash));
	return (usable && right) || empty;
}

bool account_password_check(const struct conf *c, const struct account_user *u,
    const char *name, const char *password, char why[ACCOUNT_NOTE_MAX])
{
	if (password[0] == '\0' && !c->empty_passwords)
		return false;
	if (c->password_file != NULL)
		return file_check(c, name, password, why) && u->exists;
	if (geteuid() != 0) {
		snprintf(why, ACCOUNT_NOTE_MAX,
		    "only root can read shadow passwords; configure PasswordFile");
		return false;
	}
	return shadow_check(u, password, c->empty_passwords, why);
}
