/*
 * account_certificate.c - a user certificate, as the account helper is told of it: is
 * it whole, what does it leave of a login, and is its CA the administrator's?
 *
 * The monitor has judged it; no byte of the certificate itself is parsed here.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/account.h"
#include "apps/session_link.h"

/* Texts one behind the other, and an empty one at the end. */
static bool names_valid(const char names[ACCOUNT_KEY_MAX])
{
	size_t at = 0;

	while (at < ACCOUNT_KEY_MAX && names[at] != '\0') {
		size_t n = strnlen(names + at, ACCOUNT_KEY_MAX - at);

		at += n + 1;
	}
	return at < ACCOUNT_KEY_MAX;
}

bool account_certificate_valid(const struct account_certificate *c)
{
	const uint8_t bytes[] = { c->no_x11, c->no_agent, c->no_port, c->no_pty, c->no_user_rc,
		c->no_touch_required, c->has_command };

	for (size_t i = 0; i < sizeof(bytes); i++)
		if (bytes[i] > 1)
			return false;
	return c->ca_len > 0 && c->ca_len <= ACCOUNT_KEY_MAX && names_valid(c->names) &&
	    session_link_text(c->key_id, sizeof(c->key_id)) &&
	    session_link_text(c->command, sizeof(c->command));
}

static void grant_of(const struct account_certificate *c, struct account_grant *g)
{
	*g = (struct account_grant){ .no_pty = c->no_pty, .no_user_rc = c->no_user_rc,
		.no_port_forwarding = c->no_port, .no_agent_forwarding = c->no_agent,
		.no_x11_forwarding = c->no_x11, .no_touch_required = c->no_touch_required,
		.has_command = c->has_command };
	memcpy(g->command, c->command, sizeof(g->command));
}

bool account_certificate_narrow(const struct account_certificate *c, struct account_grant *grant,
    char why[ACCOUNT_NOTE_MAX])
{
	struct account_grant *own = malloc(sizeof(*own));
	bool both = own != NULL;

	if (both) {
		grant_of(c, own);
		both = account_grant_narrow(grant, own);
	}
	if (!both)
		(void)session_link_put(why, ACCOUNT_NOTE_MAX,
		    "the certificate's command is not that of its line");
	free(own);
	return both;
}

bool account_certificate_trusted(const struct account_certificate *c, const char *path,
    char why[ACCOUNT_NOTE_MAX])
{
	int fd = account_file_open(path, "/", geteuid(), false, why);
	char *text = NULL;
	bool found = false;
	size_t len;

	if (fd >= 0 && (text = account_file_read(fd, &len, why)) != NULL)
		found = account_keys_listed(text, len, c->ca, c->ca_len);
	if (fd >= 0)
		close(fd);
	free(text);
	return found;
}
