/*
 * client_agent.c - the user's SSH agent: its keys for logging in, and lending it.
 *
 * For logging in, and to add a key, the socket goes to the monitor, and nothing of the
 * agent's or of a private key passes here.
 * Lending it lets the server's programs, and whoever is root there, ask it to sign
 * whatever they like: only when the user says so.
 */
#include <bsd/readpassphrase.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "apps/client_agent.h"
#include "apps/client_forward_connect.h"
#include "apps/client_log.h"

enum { AGENT_WAIT_MS = 30 * 1000 };

/* "SSH_AUTH_SOCK", "$NAME" or a path; NULL: none. */
static char *
path_of(const struct client_conf *c, const char *said)
{
	const char *value = said;

	if (strcasecmp(said, "none") == 0)
		return NULL;
	if (strcmp(said, "SSH_AUTH_SOCK") == 0)
		value = getenv(said);
	else if (said[0] == '$' && said[1] != '{')
		value = getenv(said + 1);
	else
		return client_conf_expand(c, said);
	return value != NULL && value[0] != '\0' ? client_conf_copy(value) : NULL;
}

static int
connect_agent(const struct client_conf *c, const char *said)
{
	char *path = path_of(c, said);
	int fd = path != NULL ? client_forward_connect_path(path) : -ENOENT;

	if (path != NULL && fd < 0)
		client_log_verbose("agent at %s: %s", path, strerror(-fd));
	free(path);
	return fd;
}

void
client_agent_keys(postern_context *context, const struct client_conf *c, postern_key ***keys,
    size_t *n)
{
	int fd = connect_agent(c, c->identity_agent), r;

	*keys = NULL;
	*n = 0;
	if (fd < 0)
		return;
	if ((r = postern_agent_keys(context, fd, keys, n, AGENT_WAIT_MS)) != 0) {
		client_log_error("agent: %s", postern_strerror(r));
		*keys = NULL;
		*n = 0;
	}
}

static bool
may_add(const struct client_conf *c, const postern_key *key, const char *path)
{
	char prompt[PATH_MAX + 128], answer[16];

	if (c->adding != CLIENT_ADD_ASK)
		return c->adding != CLIENT_ADD_NO;
	(void)snprintf(prompt, sizeof(prompt), "Add key %s (%s) to agent (yes/no)? ", path,
	    postern_key_comment(key));
	return c->batch <= 0 && readpassphrase(prompt, answer, sizeof(answer),
	    RPP_REQUIRE_TTY | RPP_ECHO_ON) != NULL && strcasecmp(answer, "yes") == 0;
}

void
client_agent_add(postern_context *context, const struct client_conf *c, const postern_key *key,
    const char *path)
{
	int fd = may_add(c, key, path) ? connect_agent(c, c->identity_agent) : -ENOENT, r;
	const char *comment = postern_key_comment(key);

	if (fd < 0)
		return;
	if (comment[0] == '\0')
		comment = path;
	r = postern_agent_add_key(context, fd, key, comment, (uint32_t)c->adding_seconds,
	    c->adding == CLIENT_ADD_CONFIRM, AGENT_WAIT_MS);
	if (r != 0)
		client_log_error("the agent did not take the key %s: %s", path, postern_strerror(r));
	else
		client_log_verbose("identity added to the agent: %s (%s)", path, comment);
}

/* ForwardAgent's own words, apart from a path: yes is the agent of the login. */
static const char *
lent(const struct client_conf *c)
{
	if (strcasecmp(c->forward_agent, "no") == 0)
		return "none";
	return strcasecmp(c->forward_agent, "yes") == 0 ? c->identity_agent : c->forward_agent;
}

static int
arrived(void *user, postern_transport *t, uint64_t question, postern_channel *ch,
    const struct postern_forward *w)
{
	const struct client_conf *c = user;
	int fd = connect_agent(c, lent(c));

	(void)t;
	(void)question;
	(void)w;
	if (fd < 0 || postern_channel_take_socket(ch, fd) != 0)
		return POSTERN_REFUSE;
	return POSTERN_ACCEPT;
}

void
client_agent_forward(const struct client_conf *c, postern_channel *session)
{
	char *path = path_of(c, lent(c));
	int r;

	if (path == NULL)
		return;
	free(path);
	r = postern_channel_request_forward_agent(session, arrived, (void *)(uintptr_t)c,
	    AGENT_WAIT_MS);
	if (r != 0)
		client_log_verbose("the agent is not forwarded: %s", postern_strerror(r));
}
