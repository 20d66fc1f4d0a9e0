/*
 * client_query.c - the algorithms of this build by name, as ssh -Q prints them.
 *
 * It asks the library's lists and nobody else: no process is started, and what the
 * crypto provider of this machine refuses is told when a connection is made.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <postern.h>

#include "apps/client_log.h"
#include "apps/client_query.h"

enum { QUERY_FAILED = 255 };

/* The keywords are ssh's, its configuration's words among them. */
static const struct query {
	const char *name;
	int list;			/* enum postern_list */
	bool types_only;		/* of keys: not the names of their signatures */
} queries[] = {
	{ "kex",                      POSTERN_KEX,         false },
	{ "key",                      POSTERN_SIGNATURES,  true },
	{ "cipher",                   POSTERN_CIPHERS,     false },
	{ "mac",                      POSTERN_MACS,        false },
	{ "compression",              POSTERN_COMPRESSION, false },
	{ "sig",                      POSTERN_SIGNATURES,  false },
	{ "KexAlgorithms",            POSTERN_KEX,         false },
	{ "HostKeyAlgorithms",        POSTERN_HOST_KEYS,   false },
	{ "PubkeyAcceptedAlgorithms", POSTERN_SIGNATURES,  false },
	{ "Ciphers",                  POSTERN_CIPHERS,     false },
	{ "MACs",                     POSTERN_MACS,        false },
};
enum { QUERIES = sizeof(queries) / sizeof(queries[0]) };

/* RFC 8332 and webauthn: signatures of keys that have another name. */
static bool
is_type(const char *name, int len)
{
	static const char *const others[] = { "rsa-sha2-", "webauthn-" };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if ((size_t)len > strlen(others[i]) &&
		    strncmp(name, others[i], strlen(others[i])) == 0)
			return false;
	return true;
}

static void
print_list(const struct query *q)
{
	const char *s = postern_supported(q->list);

	while (*s != '\0') {
		int len = (int)strcspn(s, ",");

		if (!q->types_only || is_type(s, len))
			(void)printf("%.*s\n", len, s);
		s += len;
		s += *s == ',';
	}
}

int
client_query(const char *what)
{
	bool help = strcasecmp(what, "help") == 0;
	bool known = help;

	for (size_t i = 0; i < QUERIES; i++) {
		if (help) {
			(void)printf("%s\n", queries[i].name);
		} else if (strcasecmp(what, queries[i].name) == 0) {
			print_list(&queries[i]);
			known = true;
		}
	}
	if (!known) {
		client_log_error("Unsupported query \"%s\"", what);
		return QUERY_FAILED;
	}
	return fflush(stdout) == 0 ? 0 : QUERY_FAILED;
}
