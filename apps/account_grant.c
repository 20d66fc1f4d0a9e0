/*
 * account_grant.c - what a key leaves of a login: is it whole, as it comes out of a
 * process that was the user, and what do two keys leave together?
 *
 * Whatever two leave is permitted by both.  Where that cannot be said, nothing is.
 */
#include <string.h>

#include "apps/account.h"
#include "apps/session_link.h"

/* It becomes a program's environment: each is a name, '=' and a value in one line. */
bool account_environment_valid(const char *p)
{
	while (*p != '\0') {
		size_t len = strcspn(p, "\n"), name = strcspn(p, "=");

		if (p[len] != '\n' || name == 0 || name >= len)
			return false;
		p += len + 1;
	}
	return true;
}

bool account_grant_valid(const struct account_grant *g)
{
	const uint8_t bytes[] = { g->no_pty, g->no_user_rc, g->no_port_forwarding,
		g->no_agent_forwarding, g->no_x11_forwarding, g->no_touch_required,
		g->verify_required, g->has_command };

	for (size_t i = 0; i < sizeof(bytes); i++)
		if (bytes[i] > 1)
			return false;
	return session_link_text(g->permit_open, sizeof(g->permit_open)) &&
	    session_link_text(g->permit_listen, sizeof(g->permit_listen)) &&
	    session_link_text(g->environment, sizeof(g->environment)) &&
	    account_environment_valid(g->environment);
}

/* Two lists that differ permit nothing together: no host is in doubt. */
static void narrow_permits(char all[ACCOUNT_PERMIT_MAX + 1], const char *one)
{
	if (one[0] != '\0' && all[0] != '\0' && strcmp(all, one) != 0)
		one = "none";
	if (one[0] != '\0')
		memcpy(all, one, strlen(one) + 1);
}

bool account_grant_narrow(struct account_grant *all, const struct account_grant *one)
{
	size_t at = strlen(all->environment), more = strlen(one->environment);

	/* two forced commands have no common meaning */
	if (more > ACCOUNT_ENVIRONMENT_MAX - at || (all->has_command && one->has_command &&
	    strcmp(all->command, one->command) != 0))
		return false;
	all->no_pty |= one->no_pty;
	all->no_user_rc |= one->no_user_rc;
	all->no_port_forwarding |= one->no_port_forwarding;
	all->no_agent_forwarding |= one->no_agent_forwarding;
	all->no_x11_forwarding |= one->no_x11_forwarding;
	all->no_touch_required &= one->no_touch_required;
	all->verify_required |= one->verify_required;
	narrow_permits(all->permit_open, one->permit_open);
	narrow_permits(all->permit_listen, one->permit_listen);
	memcpy(all->environment + at, one->environment, more + 1);
	if (one->has_command)
		memcpy(all->command, one->command, sizeof(all->command));
	all->has_command |= one->has_command;
	return true;
}
