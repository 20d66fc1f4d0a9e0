/*
 * conf_match.c - reads Match lines and keeps the lines that stand below them.
 *
 * The grammar is checked here, once, when the file is read: a criterion that is not
 * known or an address that cannot match is an error with file and line, because a
 * block that silently never holds is a restriction nobody enforces.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "apps/conf_block.h"
#include "apps/conf_match.h"
#include "apps/conf_pattern.h"

/* sshd's own list, as far as posternd has the keywords. */
static const bool allowed[CONF_ROWS] = {
	[CONF_AcceptEnv] = true,               [CONF_AllowAgentForwarding] = true,
	[CONF_AllowGroups] = true,             [CONF_AllowStreamLocalForwarding] = true,
	[CONF_AllowTcpForwarding] = true,      [CONF_AllowUsers] = true,
	[CONF_AuthenticationMethods] = true,   [CONF_AuthorizedKeysFile] = true,
	[CONF_Banner] = true,                  [CONF_ClientAliveCountMax] = true,
	[CONF_ClientAliveInterval] = true,     [CONF_DenyGroups] = true,
	[CONF_DenyUsers] = true,               [CONF_DisableForwarding] = true,
	[CONF_ForceCommand] = true,            [CONF_GatewayPorts] = true,
	[CONF_KbdInteractiveAuthentication] = true, [CONF_LogLevel] = true,
	[CONF_MaxAuthTries] = true,            [CONF_MaxSessions] = true,
	[CONF_PasswordAuthentication] = true,  [CONF_PermitListen] = true,
	[CONF_PermitOpen] = true,              [CONF_PermitOpenAddress] = true,
	[CONF_PermitRootLogin] = true,
	[CONF_PermitTTY] = true,               [CONF_PubkeyAuthentication] = true,
	[CONF_SetEnv] = true,                  [CONF_StreamLocalBindMask] = true,
	[CONF_StreamLocalBindUnlink] = true,   [CONF_Subsystem] = true,
	[CONF_X11DisplayOffset] = true,        [CONF_X11Forwarding] = true,
	[CONF_X11UseLocalhost] = true,         [CONF_PermitUserRC] = true,
	[CONF_PubkeyAuthOptions] = true,       [CONF_PermitEmptyPasswords] = true,
	[CONF_AuthorizedKeysCommand] = true,   [CONF_AuthorizedKeysCommandUser] = true,
	[CONF_AuthorizedPrincipalsCommand] = true, [CONF_AuthorizedPrincipalsCommandUser] = true,
	[CONF_TrustedUserCAKeys] = true,       [CONF_AuthorizedPrincipalsFile] = true,
	[CONF_PubkeyAcceptedAlgorithms] = true, [CONF_CASignatureAlgorithms] = true,
	[CONF_ExposeAuthInfo] = true,          [CONF_RekeyLimit] = true,
	[CONF_PAMServiceName] = true,
};

static const struct { const char *name; enum conf_criterion which; bool has_argument; } criteria[] = {
	{ "all",          CONF_IS_ALL,           false },
	{ "user",         CONF_IS_USER,          true  },
	{ "group",        CONF_IS_GROUP,         true  },
	{ "host",         CONF_IS_HOST,          true  },
	{ "address",      CONF_IS_ADDRESS,       true  },
	{ "localaddress", CONF_IS_LOCAL_ADDRESS, true  },
	{ "localport",    CONF_IS_LOCAL_PORT,    true  },
	{ "version",      CONF_IS_VERSION,       true  },
	{ "invalid-user", CONF_IS_INVALID,       false },
};
enum { N_CRITERIA = sizeof(criteria) / sizeof(criteria[0]) };

bool conf_match_allows(const struct conf_row *row)
{
	return allowed[row - conf_rows];
}

const char *conf_match_value(const struct conf *c, enum conf_id id, size_t n)
{
	for (size_t i = 0; i < c->n_blocks; i++)
		for (size_t k = 0; k < c->blocks[i].n_lines; k++) {
			const struct conf_block_line *l = &c->blocks[i].lines[k];

			if (l->row == &conf_rows[id] && n-- == 0)
				return l->n > 0 ? l->words[0] : l->rest;
		}
	return NULL;
}

static const char *argument_wrong(enum conf_criterion which, const char *argument)
{
	if (argument[0] == '\0')
		return "has no value";
	if ((which == CONF_IS_ADDRESS || which == CONF_IS_LOCAL_ADDRESS) &&
	    !conf_pattern_address_valid(argument))
		return "takes addresses, patterns and address/bits";
	if (which == CONF_IS_LOCAL_PORT && conf_check_port(argument) != NULL)
		return "takes one port";
	return NULL;
}

/* Names of hosts are compared in lower case. */
static void lower(char *text)
{
	for (; *text != '\0'; text++)
		*text = (char)tolower((unsigned char)*text);
}

static bool add_test(struct conf_block *b, enum conf_criterion which, const char *argument)
{
	struct conf_test *t = b->n_tests < CONF_TESTS_MAX ?
	    reallocarray(b->tests, b->n_tests + 1, sizeof(*t)) : NULL;

	if (t == NULL)
		return false;
	b->tests = t;
	t[b->n_tests] = (struct conf_test){ which, argument != NULL ? strdup(argument) : NULL };
	if (argument != NULL && t[b->n_tests].argument == NULL)
		return false;
	if (which == CONF_IS_HOST)
		lower(t[b->n_tests].argument);
	b->n_tests++;
	return true;
}

/* One criterion, "name value" or "name=value": how many words it took, 0 after a
 * complaint. */
static size_t criterion(struct conf_block *b, char **words, size_t n, struct conf_source *s)
{
	size_t len = strcspn(words[0], "="), took = 1;
	const char *argument = NULL, *wrong;
	size_t i = 0;

	while (i < N_CRITERIA && (strlen(criteria[i].name) != len ||
	    strncasecmp(criteria[i].name, words[0], len) != 0))
		i++;
	if (i == N_CRITERIA || (!criteria[i].has_argument && words[0][len] != '\0')) {
		conf_complain(s, "Match %s: no such criterion%s", words[0],
		    strncasecmp(words[0], "rdomain", len) == 0 ? " here; posternd does not look at routing domains" : "");
		return 0;
	}
	if (criteria[i].has_argument) {
		argument = words[0][len] == '=' ? words[0] + len + 1 : n > 1 ? words[1] : "";
		took = words[0][len] == '=' ? 1 : 2;
		if ((wrong = argument_wrong(criteria[i].which, argument)) != NULL) {
			conf_complain(s, "Match: %.*s %s", (int)len, words[0], wrong);
			return 0;
		}
	}
	if (!add_test(b, criteria[i].which, argument)) {
		conf_complain(s, "Match: more than %d criteria, or no memory", CONF_TESTS_MAX);
		return 0;
	}
	return took;
}

static struct conf_block *block_new(struct conf *c, struct conf_source *s)
{
	struct conf_block *b;

	if (c->n_blocks == CONF_BLOCKS_MAX) {
		conf_complain(s, "more than %d Match blocks", CONF_BLOCKS_MAX);
		return NULL;
	}
	if ((b = reallocarray(c->blocks, c->n_blocks + 1, sizeof(*b))) == NULL) {
		conf_complain(s, "Match: no memory");
		return NULL;
	}
	c->blocks = b;
	b += c->n_blocks++;
	*b = (struct conf_block){ .outer = s->outer };
	return b;
}

void conf_match_begin(struct conf *c, char **words, size_t n, struct conf_source *s)
{
	struct conf_block *b;
	bool has_all = false;

	if (s->line == 0) {
		conf_complain(s, "Match: only in a file");
		return;
	}
	if ((b = block_new(c, s)) == NULL)
		return;
	s->block = (int)c->n_blocks;
	for (size_t i = 0, took; i < n; i += took)
		if ((took = criterion(b, words + i, n - i, s)) == 0)
			return;
	for (size_t i = 0; i < b->n_tests; i++)
		has_all = has_all || b->tests[i].which == CONF_IS_ALL;
	if (has_all && b->n_tests > 1)
		conf_complain(s, "Match: \"all\" stands alone");
}

static void line_free(struct conf_block_line *l)
{
	conf_line_free(l->words, l->n);
	free(l->words);
	free(l->rest);
}

void conf_match_add(struct conf *c, const struct conf_row *row, char **words, size_t n,
    const char *rest, struct conf_source *s)
{
	struct conf_block *b = &c->blocks[s->block - 1];
	struct conf_block_line l = { .row = row, .n = n, .words = calloc(n + 1, sizeof(*l.words)),
	    .rest = strdup(rest) }, *more = NULL;
	bool whole = l.words != NULL && l.rest != NULL;

	for (size_t i = 0; l.words != NULL && i < n; i++)
		whole = (l.words[i] = strdup(words[i])) != NULL && whole;
	if (whole && b->n_lines < CONF_BLOCK_LINES_MAX)
		more = reallocarray(b->lines, b->n_lines + 1, sizeof(*more));
	if (more == NULL) {
		conf_complain(s, "Match: more than %d lines, or no memory", CONF_BLOCK_LINES_MAX);
		if (l.words == NULL)
			l.n = 0;
		line_free(&l);
		return;
	}
	b->lines = more;
	b->lines[b->n_lines++] = l;
}

void conf_match_free(struct conf *c)
{
	for (size_t i = 0; i < c->n_blocks; i++) {
		struct conf_block *b = &c->blocks[i];

		for (size_t k = 0; k < b->n_tests; k++)
			free(b->tests[k].argument);
		for (size_t k = 0; k < b->n_lines; k++)
			line_free(&b->lines[k]);
		free(b->tests);
		free(b->lines);
	}
	free(c->blocks);
	c->blocks = NULL;
	c->n_blocks = 0;
}
