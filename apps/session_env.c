/* session_env.c - the environment of a program, built from nothing: what posternd
 * itself was started with never reaches a user. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/conf.h"
#include "apps/session.h"

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
	/* there is room for ours beside the peer's; without memory the program starts
	 * with fewer variables, as it would under sshd not start at all: say so */
	if (session_env_put(e, name, value) < 0)
		fprintf(stderr, "posternd: no memory for %s\n", name);
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

/* Later ones replace earlier ones: the peer's never outweigh the login's, and the
 * administrator's outweigh all. */
void session_program_env(const struct session_program *p, struct session_env *e)
{
	const struct account_user *u = p->user;
	const char *zone = getenv("TZ");
	char mail[ACCOUNT_USER_MAX + 32];

	*e = (struct session_env){ 0 };
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
	put_connection(e, p->from);
	if (p->tty != NULL) {
		put(e, "SSH_TTY", p->tty);
		put(e, "TERM", p->term);
	}
	if (p->display != NULL) {
		char display[512];

		session_x11_name(p->display, display, sizeof(display));
		put(e, "DISPLAY", display);
	}
	if (p->agent != NULL)
		put(e, "SSH_AUTH_SOCK", p->agent);
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
