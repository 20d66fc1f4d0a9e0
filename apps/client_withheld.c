/*
 * client_withheld.c - user keys that our own side does not show to a server.
 *
 * A server that says "permission denied" to somebody whose only key it has never seen is
 * the wrong place to look.  What is said here is of our own configuration alone.
 */
#include <stdio.h>
#include <string.h>

#include "apps/client_log.h"
#include "apps/client_withheld.h"

enum { LIST_MAX = 4096 };

void
client_withheld_note(struct client_withheld *w, postern_transport *t, const char *type)
{
	struct postern_exception e = POSTERN_EXCEPTION;

	if (postern_transport_get_exception(t, &e) != 0 || e.side != POSTERN_LOCAL) {
		w->shown++;
		return;
	}
	client_log_verbose("not used: %s", e.text);
	if (w->withheld++ > 0)
		return;
	(void)snprintf(w->type, sizeof(w->type), "%s", type);
	(void)snprintf(w->why, sizeof(w->why), "%s", e.text);
}

/* A signature of this name, or of its type's names [RFC 8332]. */
static bool
signs(const char *name, size_t n, const char *type)
{
	if (strcmp(type, "ssh-rsa") == 0)
		return n > 9 && strncmp(name, "rsa-sha2-", 9) == 0;
	return n == strlen(type) && strncmp(name, type, n) == 0;
}

/* With what PubkeyAcceptedAlgorithms makes of this preset. */
static bool
preset_shows(const struct client_conf *c, const char *preset, const char *type)
{
	char list[LIST_MAX];
	const char *at = list;

	if (postern_edit_preset(POSTERN_SIGNATURES, preset, c->signatures, list, sizeof(list)) != 0)
		return false;
	while (*at != '\0') {
		size_t n = strcspn(at, ",");

		if (signs(at, n, type))
			return true;
		at += n;
		at += *at == ',';
	}
	return false;
}

void
client_withheld_tell(const struct client_withheld *w, const struct client_conf *c)
{
	static const char *const presets[] = { "modern", "compat" };

	if (w->withheld == 0 || w->shown > 0)
		return;
	client_log_error("no key was shown to the server: %s (%s)", w->why, w->type);
	for (size_t i = 0; !preset_shows(c, c->preset, w->type) &&
	    i < sizeof(presets) / sizeof(presets[0]); i++)
		if (preset_shows(c, presets[i], w->type)) {
			client_log_error("  it would be with AlgorithmPreset=%s", presets[i]);
			return;
		}
}
