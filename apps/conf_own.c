/*
 * conf_own.c - keywords whose values have a grammar of their own, and the checks of
 * single words.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "apps/conf.h"
#include "apps/conf_number.h"
#include "apps/conf_pattern.h"

/* start, or start:rate:full. */
int conf_set_startups(struct conf *c, char **words, size_t n, const char *rest,
    struct conf_source *s)
{
	uint64_t v[3] = { 0, 30, 0 };
	char copy[64], *at = copy, *part;
	size_t parts = 0;

	(void)rest;
	if (n == 1 && strlen(words[0]) < sizeof(copy)) {
		memcpy(copy, words[0], strlen(words[0]) + 1);
		while ((part = strsep(&at, ":")) != NULL && parts < 4) {
			if (parts == 3 || conf_number(part, 1000000, &v[parts]) < 0)
				parts = 4;
			else
				parts++;
		}
	}
	if (parts == 1)
		v[2] = v[0];
	if ((parts != 1 && parts != 3) || v[0] < 1 || v[1] < 1 || v[1] > 100 || v[0] > v[2]) {
		conf_complain(s, "MaxStartups: start, or start:rate:full with a rate of 1 to 100");
		return -1;
	}
	c->max_startups = (struct conf_startups){ (unsigned)v[0], (unsigned)v[1], (unsigned)v[2] };
	return 0;
}

/* none, or how many. */
int conf_set_source_startups(struct conf *c, char **words, size_t n, const char *rest,
    struct conf_source *s)
{
	uint64_t most = 0;

	(void)rest;
	if (n != 1 || (strcasecmp(words[0], "none") != 0 &&
	    (conf_number(words[0], 1000000, &most) < 0 || most < 1))) {
		conf_complain(s, "PerSourceMaxStartups: none or a number");
		return -1;
	}
	c->source_startups = (unsigned)most;
	return 0;
}

/* ipv4, or ipv4:ipv6. */
int conf_set_source_bits(struct conf *c, char **words, size_t n, const char *rest,
    struct conf_source *s)
{
	uint64_t ipv4 = 0, ipv6 = 128;
	char copy[16] = "", *colon;

	(void)rest;
	if (n == 1 && strlen(words[0]) < sizeof(copy))
		memcpy(copy, words[0], strlen(words[0]) + 1);
	colon = strchr(copy, ':');
	if (colon != NULL)
		*colon = '\0';
	if (conf_number(copy, 32, &ipv4) < 0 || ipv4 < 1 ||
	    (colon != NULL && (conf_number(colon + 1, 128, &ipv6) < 0 || ipv6 < 1))) {
		conf_complain(s, "PerSourceNetBlockSize: 1 to 32, or that and 1 to 128 behind a colon");
		return -1;
	}
	c->source_bits = (struct conf_netblock){ (unsigned)ipv4, (unsigned)ipv6 };
	return 0;
}

/* bytes [time]; fewer than 16 bytes would renew keys for ever. */
/* 0 is the default, as sshd -T prints it. */
int conf_set_rekey(struct conf *c, char **words, size_t n, const char *rest,
    struct conf_source *s)
{
	uint64_t bytes = 0, seconds = 0;

	(void)rest;
	if (n < 1 || n > 2 ||
	    (strcasecmp(words[0], "default") != 0 && strcasecmp(words[0], "none") != 0 &&
	    (conf_number_size(words[0], UINT64_C(1) << 62, &bytes) < 0 ||
	    (bytes > 0 && bytes < 16))) ||
	    (n == 2 && strcasecmp(words[1], "none") != 0 &&
	    conf_number_time(words[1], &seconds) < 0)) {
		conf_complain(s, "RekeyLimit: default or at least 16 bytes (K, M, G), then "
		    "none or a time");
		return -1;
	}
	c->rekey_limit = (struct conf_rekey){ bytes, (unsigned)seconds };
	return 0;
}

/* A peer may renew keys so many times at once, then so many times a second. */
int conf_set_quota(struct conf *c, char **words, size_t n, const char *rest,
    struct conf_source *s)
{
	uint64_t burst, rate;

	(void)rest;
	if (n != 2 || conf_number(words[0], 1000000, &burst) < 0 || burst < 1 ||
	    conf_number(words[1], 1000000, &rate) < 0 || rate < 1) {
		conf_complain(s, "RekeyQuota: two numbers, a burst and how many a second");
		return -1;
	}
	c->rekey_quota = (struct conf_quota){ (unsigned)burst, (unsigned)rate };
	return 0;
}

/* Octal, as umask(1) reads it. */
int conf_set_mask(struct conf *c, char **words, size_t n, const char *rest,
    struct conf_source *s)
{
	size_t len = n == 1 ? strlen(words[0]) : 0;
	unsigned mask = 0;

	(void)rest;
	if (len < 1 || len > 5 || strspn(words[0], "01234567") != len) {
		conf_complain(s, "StreamLocalBindMask: an octal number");
		return -1;
	}
	for (const char *p = words[0]; *p != '\0'; p++)
		mask = mask * 8 + (unsigned)(*p - '0');
	if (mask > 0777) {
		conf_complain(s, "StreamLocalBindMask: at most 0777");
		return -1;
	}
	c->streamlocal_mask = mask;
	return 0;
}

/* none, or what is asked of every authenticator's signature. */
int conf_set_pubkey_options(struct conf *c, char **words, size_t n, const char *rest,
    struct conf_source *s)
{
	unsigned bits = 0;

	(void)rest;
	for (size_t i = 0; i < n; i++) {
		if (strcasecmp(words[i], "touch-required") == 0) {
			bits |= CONF_TOUCH_REQUIRED;
		} else if (strcasecmp(words[i], "verify-required") == 0) {
			bits |= CONF_VERIFY_REQUIRED;
		} else if (n > 1 || strcasecmp(words[i], "none") != 0) {
			conf_complain(s, "PubkeyAuthOptions: none, or touch-required and "
			    "verify-required, not \"%s\"", words[i]);
			return -1;
		}
	}
	c->pubkey_options = bits;
	return 0;
}

const char *conf_subsystem(const struct conf *c, const char *name)
{
	for (size_t i = 0; i + 1 < c->subsystems.n; i += 2)
		if (strcmp(c->subsystems.v[i], name) == 0)
			return c->subsystems.v[i + 1];
	return NULL;
}

/* name command...: the command is the rest of the line as it stands. */
int conf_set_subsystem(struct conf *c, char **words, size_t n, const char *rest,
    struct conf_source *s)
{
	struct conf_words *l = &c->subsystems;
	char **v;

	if (n < 2) {
		conf_complain(s, "Subsystem: a name and a command");
		return -1;
	}
	if (strchr("\"'\\", rest[0]) != NULL) {
		conf_complain(s, "Subsystem: the name is one plain word");
		return -1;
	}
	if (strcmp(words[1], "internal-sftp") == 0 && conf_sftp_path() == NULL) {
		conf_complain(s, "Subsystem %s: internal-sftp needs an sftp-server, and none is "
		    "installed", words[0]);
		return -1;
	}
	if (conf_subsystem(c, words[0]) != NULL) {
		conf_complain(s, "Subsystem %s: is there already", words[0]);
		return -1;
	}
	rest += strcspn(rest, " \t");
	rest += strspn(rest, " \t");
	if (l->n + 2 > CONF_LIST_MAX || (v = reallocarray(l->v, l->n + 2, sizeof(*v))) == NULL)
		return -1;
	l->v = v;
	v[l->n] = strdup(words[0]);
	v[l->n + 1] = strdup(rest);
	l->n += 2;
	if (v[l->n - 2] == NULL || v[l->n - 1] == NULL) {
		conf_complain(s, "Subsystem: no memory");
		return -1;
	}
	return 0;
}

/* A file below /etc/pam.d, and nowhere else. */
const char *conf_check_service(const char *word)
{
	return strchr(word, '/') != NULL || word[0] == '.' ? "the name of a service" : NULL;
}

const char *conf_check_port(const char *word)
{
	uint64_t v;

	return conf_number(word, 65535, &v) < 0 || v < 1 ? "no port" : NULL;
}

int conf_listen_split(const char *word, struct conf_listen *out)
{
	const char *host = word, *end = strchr(word, '\0'), *port = "";
	const char *colon = strchr(word, ':');

	if (word[0] == '[') {
		host = word + 1;
		end = strchr(word, ']');
		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return -1;
		if (end[1] == ':' && *(port = end + 2) == '\0')
			return -1;
	} else if (colon != NULL && strchr(colon + 1, ':') == NULL) {
		end = colon;		/* one colon: a port; more: an IPv6 address */
		if (*(port = colon + 1) == '\0')
			return -1;
	}
	if (end == host || (size_t)(end - host) >= sizeof(out->host) ||
	    (*port != '\0' && conf_check_port(port) != NULL) || strlen(port) >= sizeof(out->port))
		return -1;
	memcpy(out->host, host, (size_t)(end - host));
	out->host[end - host] = '\0';
	memcpy(out->port, port, strlen(port) + 1);
	return 0;
}

const char *conf_check_listen(const char *word)
{
	struct conf_listen l;

	return conf_listen_split(word, &l) < 0 ? "host, host:port or [host]:port" : NULL;
}

/* The device behind keyboard-interactive: PAM's is the only one. */
static bool method_known(const char *name, size_t len)
{
	static const char *const known[] = { "publickey", "password", "keyboard-interactive",
	    "keyboard-interactive:pam" };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i]) == len && memcmp(known[i], name, len) == 0)
			return true;
	return false;
}

const char *conf_check_methods(const char *word)
{
	if (strcmp(word, "any") == 0)
		return NULL;
	for (const char *p = word;; p++) {
		size_t len = strcspn(p, ",");

		if (!method_known(p, len))
			return "lists of publickey, password, keyboard-interactive and "
			    "keyboard-interactive:pam";
		p += len;
		if (*p == '\0')
			return NULL;
	}
}

const char *conf_check_setenv(const char *word)
{
	const char *eq = strchr(word, '=');

	return eq == NULL || eq == word ? "NAME=VALUE" : NULL;
}

const char *conf_check_path(const char *word)
{
	return word[0] != '/' ? "an absolute path, or none" : NULL;
}

const char *conf_check_agent(const char *word)
{
	return strcmp(word, "SSH_AUTH_SOCK") == 0 || word[0] == '/' ? NULL :
	    "an absolute path, SSH_AUTH_SOCK or none";
}

/* A path and arguments with these tokens; the same words are split when it is run. */
static const char *check_command(const char *line, const char *tokens)
{
	char *words[CONF_WORDS_MAX];
	const char *wrong = NULL;
	size_t n = 0;
	int r = conf_line_split(line, words, CONF_WORDS_MAX, &n);

	if (r < 0 || n == 0)
		return r == -1 ? "a quote is not closed" : "no command, or too many words";
	if (words[0][0] != '/')
		wrong = "an absolute path, or none";
	for (size_t i = 1; i < n && wrong == NULL; i++)
		for (const char *p = words[i]; *p != '\0' && wrong == NULL; p++)
			if (*p == '%' && (*++p == '\0' || strchr(tokens, *p) == NULL)) {
				wrong = "an unknown % token";
				break;
			}
	conf_line_free(words, n);
	return wrong;
}

const char *conf_check_keys_command(const char *line)
{
	return check_command(line, "%CDfhktUu");
}

const char *conf_check_principals_command(const char *line)
{
	return check_command(line, "%CDFfhiKksTtUu");
}

/* It stands in a line of the protocol, RFC 4253 4.2. */
const char *conf_check_addendum(const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			return "printable ASCII";
	return strlen(text) > CONF_ADDENDUM_MAX ? "too long" : NULL;
}

const char *conf_check_host_key(const char *word)
{
	return strcmp(word, "none") == 0 ? "a file" : NULL;
}

/* user@address patterns must be right from the start: a CIDR that cannot match
 * would let in, or shut out, the wrong people. */
const char *conf_check_pattern(const char *word)
{
	const char *at = strrchr(word, '@');

	if (at != NULL && !conf_pattern_address_valid(at + 1))
		return "the address part is no pattern and no address/bits";
	return NULL;
}
