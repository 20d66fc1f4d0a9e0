/* session_env.c - the environment of a program, built from nothing: what posternd
 * itself was started with never reaches a user. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/conf.h"
#include "apps/conf_permit.h"
#include "apps/session.h"

enum { FILE_MAX = 64 * 1024,		/* ~/.ssh/environment                     */
	PUT_LATER = 5 };		/* SSH_CLIENT, _CONNECTION, _USER_AUTH, _TTY, _ORIGINAL_COMMAND */

/* Debian's, for a user and for root. */
static const char path_user[] = "/usr/local/bin:/usr/bin:/bin:/usr/games";
static const char path_root[] =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

int session_env_put(struct session_env *e, const char *name, const char *value)
{
	size_t len = strlen(name), at = 0;
	char *entry;

	while (at < e->n && (strncmp(e->v[at], name, len) != 0 || e->v[at][len] != '='))
		at++;
	if (at == 2 * SESSION_ENV_MAX || asprintf(&entry, "%s=%s", name, value) < 0)
		return -1;
	if (at < e->n)
		free(e->v[at]);
	else
		e->v[++e->n] = NULL;
	e->v[at] = entry;
	return 0;
}

void session_env_free(struct session_env *e)
{
	for (size_t i = 0; i < e->n; i++)
		free(e->v[i]);
	*e = (struct session_env){ 0 };
}

static void put(struct session_env *e, const char *name, const char *value)
{
	/* there is room for ours beside the peer's; without room for more the program starts
	 * with fewer variables, as it would under sshd not start at all: say so */
	if (session_env_put(e, name, value) < 0)
		fprintf(stderr, "posternd: no room for %s\n", name);
}

static void put_accepted(struct session_env *e, const struct session_env *accepted)
{
	for (size_t i = 0; accepted != NULL && i < accepted->n; i++) {
		char name[SESSION_NAME_MAX + 1];
		size_t len = strcspn(accepted->v[i], "=");

		if (len >= sizeof(name))
			continue;
		memcpy(name, accepted->v[i], len);
		name[len] = '\0';
		put(e, name, accepted->v[i] + len + 1);
	}
}

static void put_connection(struct session_env *e, const struct account_session_ask *from)
{
	char text[2 * ACCOUNT_ADDRESS_MAX + 32];

	(void)snprintf(text, sizeof(text), "%s %u %u", from->address, from->port,
	    from->local_port);
	put(e, "SSH_CLIENT", text);
	(void)snprintf(text, sizeof(text), "%s %u %s %u", from->address, from->port, from->local,
	    from->local_port);
	put(e, "SSH_CONNECTION", text);
}

/* One of the user's own.  They may not fill the table: a forced command that does not
 * find what was wanted, or the administrator's variables, could be fooled. */
static void put_own(struct session_env *e, const struct conf *c, const char *name,
    const char *value)
{
	size_t reserved = PUT_LATER + c->set_env.n;

	if (reserved < 2 * SESSION_ENV_MAX && e->n < 2 * SESSION_ENV_MAX - reserved)
		put(e, name, value);
	else
		fprintf(stderr, "posternd: no room for %s\n", name);
}

/* What the login's keys set: a text of NAME=value, each with its newline. */
static void put_lines(struct session_env *e, const struct conf *c, const char *at)
{
	while (*at != '\0') {
		size_t len = strcspn(at, "\n"), n = strcspn(at, "=");
		char name[ACCOUNT_ENVIRONMENT_MAX + 1], value[ACCOUNT_ENVIRONMENT_MAX + 1];

		(void)snprintf(name, sizeof(name), "%.*s", (int)n, at);
		(void)snprintf(value, sizeof(value), "%.*s", (int)(len - n - 1), at + n + 1);
		/* its word was a process's that had become the user */
		if (conf_permit_environment(c->user_environment, name))
			put_own(e, c, name, value);
		at += len + 1;
	}
}

/* One line of ~/.ssh/environment, ended. */
static void put_line(struct session_env *e, const struct conf *c, char *line)
{
	char *value;

	line += strspn(line, " \t");
	if (*line == '#' || *line == '\0')
		return;
	if ((value = strchr(line, '=')) == NULL || value == line) {
		fprintf(stderr, "~/.ssh/environment: a line without NAME=value\n");
		return;
	}
	*value++ = '\0';
	if (conf_permit_environment(c->user_environment, line))
		put_own(e, c, line, value);
}

/* The user's own file, read as the user: it may be no file, or have no end. */
static void put_file(struct session_env *e, const struct conf *c, const struct account_user *u)
{
	char path[ACCOUNT_PATH_MAX + 32], *text, *at, *line;
	struct stat st;
	ssize_t n;
	int fd;

	if (c->user_environment == NULL || strcasecmp(c->user_environment, "no") == 0)
		return;
	(void)snprintf(path, sizeof(path), "%s/.ssh/environment", u->home);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
	    (text = malloc(FILE_MAX + 1)) == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	n = read(fd, text, FILE_MAX + 1);
	close(fd);
	if (n < 0 || n > FILE_MAX) {
		fprintf(stderr, "~/.ssh/environment: not readable, or longer than %d bytes\n", FILE_MAX);
		n = 0;
	}
	text[n] = '\0';
	for (at = text; (line = strsep(&at, "\n")) != NULL;)
		put_line(e, c, line);
	free(text);
}

/* The administrator's modules may set what they like but what tells of the connection; some
 * read it from a file of the user's. */
static void put_pam(struct session_env *e, const struct conf *c, char *const *environment)
{
	for (; environment != NULL && *environment != NULL; environment++) {
		char name[SESSION_NAME_MAX + 1];
		size_t len = strcspn(*environment, "=");

		if (len == 0 || len >= sizeof(name) || (*environment)[len] == '\0')
			continue;
		memcpy(name, *environment, len);
		name[len] = '\0';
		put_own(e, c, name, *environment + len + 1);
	}
}

/* sshd serves files by itself, and no variable makes it run anything; the program that does
 * it here would load what the peer or a file of the user's names in LD_PRELOAD, which the
 * same peer may have put there. */
static bool is_for_files(const struct session_program *p)
{
	return p->sftp != SESSION_SFTP_NOT;
}

/* Later ones replace earlier ones: the peer's never outweigh the login's, the user's own
 * do where PermitUserEnvironment lets them, but not what tells a forced command who
 * asks for what; and the administrator's outweigh all. */
void session_program_env(const struct session_program *p, struct session_env *e)
{
	const struct account_user *u = p->user;
	const char *zone = getenv("TZ");
	char mail[ACCOUNT_USER_MAX + 32];

	*e = (struct session_env){ 0 };
	if (!is_for_files(p))
		put_accepted(e, p->accepted);
	put(e, "USER", u->name);
	put(e, "LOGNAME", u->name);
	put(e, "HOME", u->home);
	put(e, "PATH", u->uid == 0 ? path_root : path_user);
	(void)snprintf(mail, sizeof(mail), "/var/mail/%s", u->name);
	put(e, "MAIL", mail);
	put(e, "SHELL", u->shell);
	if (zone != NULL)
		put(e, "TZ", zone);
	if (p->tty != NULL)
		put(e, "TERM", p->term);
	if (p->display != NULL) {
		char display[512];

		session_x11_name(p->display, display, sizeof(display));
		put(e, "DISPLAY", display);
	}
	if (p->agent != NULL)
		put(e, "SSH_AUTH_SOCK", p->agent);
	if (!is_for_files(p)) {
		put_pam(e, p->conf, p->pam_environment);
		put_lines(e, p->conf, p->from->environment);
		put_file(e, p->conf, u);
	}
	put_connection(e, p->from);
	if (p->auth_info != NULL)
		put(e, "SSH_USER_AUTH", p->auth_info);
	if (p->tty != NULL)
		put(e, "SSH_TTY", p->tty);
	if (p->original != NULL)
		put(e, "SSH_ORIGINAL_COMMAND", p->original);
	for (size_t i = 0; i < p->conf->set_env.n; i++) {
		const char *both = p->conf->set_env.v[i], *eq = strchr(both, '=');
		char name[SESSION_NAME_MAX + 1];

		if ((size_t)(eq - both) >= sizeof(name))
			continue;
		memcpy(name, both, (size_t)(eq - both));
		name[eq - both] = '\0';
		put(e, name, eq + 1);
	}
}
