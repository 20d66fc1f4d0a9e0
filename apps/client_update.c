/*
 * client_update.c - UpdateHostKeys: a server's new host keys come into the user's
 * known_hosts files, and the lines of its old ones go.
 *
 * What comes here was told by the server over this connection and no more: the keys are
 * proven, that they are this server's is not.  So a person sees it, and is asked unless
 * the configuration has said yes beforehand; a key that was itself accepted unasked
 * brings no others.
 */
#include <bsd/readpassphrase.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "apps/client_hosts.h"
#include "apps/client_log.h"
#include "apps/client_tty.h"
#include "apps/client_update.h"

enum { TRIES = 3 };

bool
client_update_is_wanted(const struct trust *t)
{
	/* nobody to be asked, or no file to be written (/dev/null is none) */
	if (strcasecmp(t->conf->update_host_keys, "no") == 0 || t->write_path == NULL ||
	    (t->writes < t->n_own && !S_ISREG(t->seen[t->writes].st_mode)))
		return false;
	return t->conf->batch <= 0 || strcasecmp(t->conf->update_host_keys, "ask") != 0;
}

static void
show(const struct postern_known_hosts_change *c)
{
	client_log_error("The server has other host keys than known_hosts says of '%s'.", c->host);
	for (size_t i = 0; i < c->n_added; i++)
		client_log_error("Learned new hostkey: %s %s", c->added[i].algorithm,
		    c->added[i].fingerprint);
	for (size_t i = 0; i < c->n_gone; i++)
		client_log_error("Deprecating obsolete hostkey: %s %s", c->gone[i].algorithm,
		    c->gone[i].fingerprint);
}

/* The terminal may be the session's by now. */
static bool
ask(void)
{
	bool was_raw = client_tty_is_raw(), yes = false;
	char answer[16];

	client_tty_restore();
	for (int i = 0; i < TRIES; i++) {
		if (readpassphrase(i == 0 ? "Accept updated hostkeys? (yes/no): " :
		    "Please type 'yes' or 'no': ", answer, sizeof(answer),
		    RPP_REQUIRE_TTY | RPP_ECHO_ON) == NULL)
			break;
		yes = strcasecmp(answer, "yes") == 0;
		if (yes || strcasecmp(answer, "no") == 0)
			break;
	}
	if (was_raw)
		client_tty_raw();
	return yes;
}

static bool
touches(const struct postern_known_hosts_change *c, size_t file)
{
	for (size_t i = 0; i < c->n_gone; i++)
		if (c->gone[i].clash_file == file)
			return true;
	return false;
}

/* New keys first: a host that loses its old lines and gains none would be unknown. */
static void
write_files(struct trust *t, const struct postern_known_hosts_change *c)
{
	size_t first = t->writes;

	if (first < t->n_own) {
		if ((c->n_added > 0 || touches(c, first)) &&
		    client_hosts_rewrite(t->path[first], &t->seen[first], c, (unsigned)first, true) != 0)
			return;
	} else {
		for (size_t i = 0; i < c->n_added; i++)
			if (client_hosts_append(t->write_path, c->added[i].line) != 0)
				return;
	}
	for (size_t i = 0; i < t->n_own; i++)
		if (i != first && touches(c, i) &&
		    client_hosts_rewrite(t->path[i], &t->seen[i], c, (unsigned)i, false) != 0)
			return;
}

void
client_update_apply(struct trust *t, const struct postern_known_hosts_change *c)
{
	if (t->unasked) {
		client_log_verbose("no further host keys of %s: this one was accepted unasked", c->host);
		return;
	}
	show(c);
	if (strcasecmp(t->conf->update_host_keys, "ask") != 0 || ask())
		write_files(t, c);
}
