/*
 * posternd_dump.c - posternd -T, and with -C for one connection that might come.
 *
 * Runs in the foreground for whoever typed it: here, and in the account helper, NSS
 * may be asked; in the daemon's loop it may not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/conf_match.h"
#include "apps/conf_number.h"
#include "apps/posternd.h"
#include "apps/posternd_start.h"

/* One "name=value" of -C.  False: told. */
static bool take(struct conf_who *w, char *part)
{
	const struct { const char *name; const char **to; } texts[] = {
		{ "user=", &w->user }, { "host=", &w->host }, { "addr=", &w->address },
		{ "laddr=", &w->local },
	};
	uint64_t port;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		size_t len = strlen(texts[i].name);

		if (strncmp(part, texts[i].name, len) == 0) {
			*texts[i].to = part + len;
			return true;
		}
	}
	if (strcmp(part, "invalid-user") == 0) {
		w->is_invalid = true;
		return true;
	}
	if (strncmp(part, "lport=", 6) == 0 && conf_number(part + 6, 65535, &port) == 0 && port > 0) {
		w->local_port = (unsigned)port;
		return true;
	}
	if (strncmp(part, "rdomain=", 8) == 0)
		return true;		/* sshd's; no criterion here asks for it */
	fprintf(stderr, "Invalid test mode specification -C %s\n", part);
	return false;
}

static int dump_for(const struct conf *c, char *spec)
{
	struct conf_who w = { 0 };
	struct conf_words groups = { 0 };
	struct conf_bits bits;
	struct conf view;
	const char *missing;
	char *part;
	int r = 1;

	while ((part = strsep(&spec, ",")) != NULL)
		if (*part != '\0' && !take(&w, part))
			return 1;
	if (w.user != NULL && !w.is_invalid && account_user_groups(w.user, &groups) < 0) {
		fprintf(stderr, "no memory\n");
		return 1;
	}
	w.groups = &groups;
	if ((missing = conf_match_test(c, &w, &bits)) != NULL) {
		fprintf(stderr, "a Match line asks for what -C does not say: %s=\n", missing);
	} else if (conf_match_view(c, &bits, &view) < 0) {
		fprintf(stderr, "no memory\n");
	} else {
		conf_dump(&view, stdout);
		conf_free(&view);
		r = 0;
	}
	conf_words_free(&groups);
	return r;
}

int posternd_dump(const struct conf *c, const struct posternd_options *o)
{
	char all[POSTERND_SPEC_MAX + 1];

	memcpy(all, o->spec, sizeof(all));
	if (all[0] == '\0')
		conf_dump(c, stdout);
	else if (dump_for(c, all) != 0)
		return 1;
	return fflush(stdout) == 0 ? 0 : 1;
}
