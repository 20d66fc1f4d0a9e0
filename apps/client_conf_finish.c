/*
 * client_conf_finish.c - a configuration begins with what lines have set and ends
 * whole: defaults for the rest, and no word that nobody will look at.
 */
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <postern.h>

#include "apps/client_conf.h"
#include "apps/client_log.h"
#include "apps/client_token.h"
#include "apps/foreign_names.h"

enum { RSA_BITS_MIN = 2048, RSA_BITS_MAX = 16384, ALGORITHMS_MAX = 4096 };

/* "SIZE [TIME]" with K, M, G; "default" and "none" leave it to the library. */
static int
parse_rekey(struct client_conf *c)
{
	char *text, *s, *size, *time, *end;
	unsigned long long n;
	int r = -1;

	if (c->rekey == NULL)
		return 0;
	s = text = client_conf_copy(c->rekey);
	size = client_conf_word(&s);
	time = client_conf_word(&s);
	if (size != NULL && strcasecmp(size, "default") != 0 && strcasecmp(size, "none") != 0) {
		errno = 0;
		n = strtoull(size, &end, 10);
		if (errno != 0 || end == size || n > UINT64_MAX >> 31)
			goto out;
		for (size_t i = 0; *end != '\0' && i < 3; i++)
			if (toupper((unsigned char)*end) == "KMG"[i]) {
				n <<= 10 * (i + 1);
				end++;
				break;
			}
		if (*end != '\0' || n < 16)
			goto out;
		c->rekey_bytes = n;
	}
	if (time != NULL && strcasecmp(time, "none") != 0 &&
	    (c->rekey_seconds = client_conf_time(time)) < 0)
		goto out;
	r = 0;
out:
	if (r != 0)
		client_log_error("RekeyLimit: bad value \"%s\"", c->rekey);
	free(text);
	return r;
}

/* What stands where nothing was said. */
static const struct { size_t offset; int value; } numbers[] = {
#define NUMBER(field, value) { offsetof(struct client_conf, field), value }
	NUMBER(port, 22), NUMBER(hash_known_hosts, 0), NUMBER(pubkey, 1), NUMBER(password, 1),
	NUMBER(interactive, 1), NUMBER(password_prompts, 3), NUMBER(rsa_bits, 2048), NUMBER(batch, 0),
	NUMBER(permit_local, 0), NUMBER(connect_timeout, 0), NUMBER(attempts, 1), NUMBER(alive_interval, 0),
	NUMBER(alive_max, 3), NUMBER(tcp_keepalive, 1), NUMBER(stdin_null, 0), NUMBER(fork_after, 0),
	NUMBER(compression, 0), NUMBER(clear_forwards, 0), NUMBER(exit_on_failure, 0),
	NUMBER(gateway_ports, 0), NUMBER(bind_unlink, 0), NUMBER(identities_only, 0),
	NUMBER(forward_x11, 0), NUMBER(x11_trusted, 0), NUMBER(x11_timeout, 1200),
#undef NUMBER
};
static const struct { size_t offset; const char *value; } strings[] = {
#define STRING(field, value) { offsetof(struct client_conf, field), value }
	STRING(user_known_hosts, "~/.ssh/known_hosts ~/.ssh/known_hosts2"),
	STRING(global_known_hosts, "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2"),
	/* not ssh's yes: a list of keys is as sure as the worker that it came through */
	STRING(update_host_keys, "no"),
	STRING(strict, "ask"), STRING(preferred, "publickey,keyboard-interactive,password"),
	STRING(tty, "auto"), STRING(escape, "~"), STRING(family, "any"),
	STRING(session_type, "default"), STRING(log_level, "ERROR"), STRING(bind_mask, "0177"),
	STRING(jump, "none"), STRING(proxy_command, "none"), STRING(forward_agent, "no"),
	STRING(identity_agent, "SSH_AUTH_SOCK"), STRING(add_keys, "no"), STRING(xauth, "/usr/bin/xauth"),
#undef STRING
};

static void
fill_string(char **field, const char *value)
{
	if (*field == NULL)
		*field = client_conf_copy(value);
}

static void
fill_defaults(struct client_conf *c)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		int *field = (int *)(void *)((char *)c + numbers[i].offset);

		if (*field == -1)
			*field = numbers[i].value;
	}
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
		fill_string((char **)(void *)((char *)c + strings[i].offset), strings[i].value);
}

/* Octal, as umask(2). */
static int
parse_mask(struct client_conf *c)
{
	char *end;

	errno = 0;
	c->bind_mask_bits = (unsigned)strtoul(c->bind_mask, &end, 8);
	if (errno == 0 && end != c->bind_mask && *end == '\0' && c->bind_mask_bits <= 0777)
		return 0;
	client_log_error("StreamLocalBindMask: bad value \"%s\"", c->bind_mask);
	return -1;
}

/* yes, no, ask, confirm, a lifetime, or confirm and a lifetime. */
static int
parse_adding(struct client_conf *c)
{
	char *text = client_conf_copy(c->add_keys), *s = text, *word = client_conf_word(&s);
	char *time = word;
	int r = -1;

	c->adding = CLIENT_ADD_YES;
	if (word != NULL && strcasecmp(word, "confirm") == 0) {
		c->adding = CLIENT_ADD_CONFIRM;
		time = client_conf_word(&s);
	} else if (word != NULL && strcasecmp(word, "yes") == 0) {
		time = NULL;
	} else if (word != NULL && (strcasecmp(word, "no") == 0 || strcasecmp(word, "ask") == 0)) {
		c->adding = strcasecmp(word, "no") == 0 ? CLIENT_ADD_NO : CLIENT_ADD_ASK;
		time = NULL;
	}
	c->adding_seconds = time != NULL ? client_conf_time(time) : 0;
	if (word != NULL && (time == NULL || c->adding_seconds > 0) && client_conf_word(&s) == NULL)
		r = 0;
	else
		client_log_error("AddKeysToAgent: bad value \"%s\"", c->add_keys);
	free(text);
	return r;
}

/* A misspelt "yes" must not become whatever the last comparison leaves. */
static const struct choice {
	const char *name, *words;
	size_t offset;
} choices[] = {
	{ "StrictHostKeyChecking", "yes,no,ask,accept-new,off",
	    offsetof(struct client_conf, strict) },
	{ "UpdateHostKeys", "yes,no,ask", offsetof(struct client_conf, update_host_keys) },
	{ "AddressFamily", "any,inet,inet6", offsetof(struct client_conf, family) },
	{ "RequestTTY", "auto,yes,no,force", offsetof(struct client_conf, tty) },
	{ "SessionType", "default,subsystem,none", offsetof(struct client_conf, session_type) },
	{ "LogLevel", "QUIET,FATAL,ERROR,INFO,VERBOSE,DEBUG,DEBUG1,DEBUG2,DEBUG3",
	    offsetof(struct client_conf, log_level) },
};

static int
check_choices(const struct client_conf *c)
{
	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		const struct choice *k = &choices[i];
		const char *value = *(char *const *)((const char *)c + k->offset);

		if (!client_conf_listed(k->words, value)) {
			client_log_error("%s: bad value \"%s\", it takes %s", k->name, value, k->words);
			return -1;
		}
	}
	return 0;
}

/* Before anybody is connected to: who misspelt what he forbids must not find out later. */
static const struct {
	const char *name;
	int list;
	size_t offset;
} lists[] = {
	{ "KexAlgorithms", POSTERN_KEX, offsetof(struct client_conf, kex) },
	{ "HostKeyAlgorithms", POSTERN_HOST_KEYS, offsetof(struct client_conf, host_keys) },
	{ "PubkeyAcceptedAlgorithms", POSTERN_SIGNATURES, offsetof(struct client_conf, signatures) },
	{ "CASignatureAlgorithms", POSTERN_CA_SIGNATURES, offsetof(struct client_conf, ca_signatures) },
	{ "Ciphers", POSTERN_CIPHERS, offsetof(struct client_conf, ciphers) },
	{ "MACs", POSTERN_MACS, offsetof(struct client_conf, macs) },
};

/* Names of ssh's that the library lacks go from a line that has others. */
static void
drop_foreign(const char *name, int list, char **edit)
{
	char kept[ALGORITHMS_MAX], passed[ALGORITHMS_MAX];

	if (*edit == NULL || foreign_names_drop(list, *edit, kept, passed, sizeof(kept)) != 0 ||
	    passed[0] == '\0')
		return;
	client_log_verbose("%s: passed over, ssh has it and postern does not: %s", name, passed);
	free(*edit);
	*edit = client_conf_copy(kept);
}

static int
check_lists(struct client_conf *c)
{
	char out[ALGORITHMS_MAX];

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		char **field = (char **)(void *)((char *)c + lists[i].offset);
		const char *edit;
		int r;

		drop_foreign(lists[i].name, lists[i].list, field);
		edit = *field;
		r = postern_edit_preset(lists[i].list, c->preset, edit, out, sizeof(out));
		if (r == 0)
			continue;
		if (r == -ENOENT)
			client_log_error("AlgorithmPreset: there is no preset \"%s\"", c->preset);
		else if (r == -EINVAL && out[0] != '\0')
			client_log_error("%s: \"%s\" is not supported", lists[i].name, out);
		else
			client_log_error("%s: \"%s\" leaves nothing, or too much", lists[i].name, edit);
		return -1;
	}
	return 0;
}

/* HostName first: the others have it in their tokens. */
static int
expand_names(struct client_conf *c)
{
	char *host = client_token_hostname(c), *jump;

	if (host == NULL)
		return -1;
	free(c->hostname);
	c->hostname = host;
	c->has_host = true;
	if ((jump = client_token_expand(c, c->jump, TOKENS_JUMP, 0)) == NULL)
		return -1;
	free(c->jump);
	c->jump = jump;
	return 0;
}

int
client_conf_finish(struct client_conf *c)
{
	/* ssh(1)'s, in its order; those of tokens, for an agent that has them */
	static const char *const usual[] = { "~/.ssh/id_rsa", "~/.ssh/id_ecdsa",
		"~/.ssh/id_ecdsa_sk", "~/.ssh/id_ed25519", "~/.ssh/id_ed25519_sk" };
	const struct passwd *pw = getpwuid(getuid());
	bool chosen = c->identities.n > 0;

	c->home = pw != NULL ? pw->pw_dir : getenv("HOME");
	if (c->home == NULL) {
		client_log_error("no home directory for uid %u", (unsigned)getuid());
		return -1;
	}
	if (c->user == NULL) {
		if (pw == NULL) {
			client_log_error("no user name for uid %u: use -l", (unsigned)getuid());
			return -1;
		}
		c->user = client_conf_copy(pw->pw_name);
	}
	fill_defaults(c);
	for (size_t i = 0; !chosen && i < sizeof(usual) / sizeof(usual[0]); i++)
		c->identities.word[c->identities.n++] = client_conf_copy(usual[i]);
	if (c->rsa_bits < RSA_BITS_MIN) {
		client_log_verbose("RequiredRSASize %d: keys below %d bits are never taken",
		    c->rsa_bits, RSA_BITS_MIN);
		c->rsa_bits = RSA_BITS_MIN;
	}
	if (c->rsa_bits > RSA_BITS_MAX) {
		client_log_error("RequiredRSASize is %d at most", RSA_BITS_MAX);
		return -1;
	}
	if (c->port < 1 || c->port > 65535) {
		client_log_error("bad port %d", c->port);
		return -1;
	}
	if (check_choices(c) != 0 || check_lists(c) != 0 || expand_names(c) != 0)
		return -1;
	return parse_mask(c) != 0 || parse_rekey(c) != 0 || parse_adding(c) != 0 ? -1 : 0;
}
