/*
 * client_login.c - proving who the user is, method after method.
 *
 * Secrets are typed on the terminal, handed to the library and wiped.  Private
 * keys are never read here: a descriptor goes to the monitor.
 */
#include <bsd/readpassphrase.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "apps/client_agent.h"
#include "apps/client_identity.h"
#include "apps/client_log.h"
#include "apps/client_login.h"

enum { SECRET_MAX = 1024, PASSPHRASE_TRIES = 3, STEPS_MAX = 32,
	LOGIN_WAIT_MS = 120 * 1000 };

static bool
read_secret(const char *prompt, char *buf, size_t cap)
{
	return readpassphrase(prompt, buf, cap,
	    RPP_REQUIRE_TTY | RPP_ECHO_OFF) != NULL;
}

static const char *
problem_text(int problem)
{
	static const char *const text[] = {
		[POSTERN_KEY_FINE] = "no problem",
		[POSTERN_KEY_NEEDS_PASSPHRASE] = "a passphrase is needed",
		[POSTERN_KEY_WRONG_PASSPHRASE] = "wrong passphrase",
		[POSTERN_KEY_UNSUPPORTED] = "key type or format not supported",
		[POSTERN_KEY_DAMAGED] = "the file is damaged",
		[POSTERN_KEY_NOT_A_KEY] = "not a private key file",
		[POSTERN_KEY_TOO_SHORT] = "an RSA key of less than 2048 bits",
		[POSTERN_KEY_TOKEN] = "its private half is in a security token, and no agent has it",
	};

	return problem >= 0 && (size_t)problem < sizeof(text) / sizeof(text[0]) ? text[problem] :
	    "unknown problem";
}

static bool
agent_knows(const struct login *l, const void *blob, size_t n)
{
	for (size_t i = 0; i < l->n_agent; i++) {
		size_t len;
		const void *theirs = postern_key_blob(l->agent[i], &len);

		if (n == len && memcmp(theirs, blob, n) == 0)
			return true;
	}
	return false;
}

/* A token's key whose turn was with the agent's, under the name of this file. */
static bool
was_the_agents(const struct login *l)
{
	size_t n;
	const void *blob = postern_context_key_public(l->context, &n);

	return blob != NULL && agent_knows(l, blob, n);
}

static void
tell_problem(const char *path, const char *what)
{
	client_log_error("load key \"%s\": %s", path, what);
}

/* Loads a key, asking for its passphrase as often as ssh does. */
static postern_key *
load_key(struct login *l, const char *path)
{
	char secret[SECRET_MAX], prompt[PATH_MAX + 64];
	postern_key *key = NULL;
	int fd, r = POSTERN_EKEY, problem = 0;

	for (int i = 0; i <= PASSPHRASE_TRIES && key == NULL; i++) {
		secret[0] = '\0';
		if (i > 0) {
			(void)snprintf(prompt, sizeof(prompt), "Enter passphrase for key '%s': ", path);
			if (l->conf->batch > 0 || !read_secret(prompt, secret, sizeof(secret)) ||
			    secret[0] == '\0')
				break;
		}
		if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) < 0) {
			client_log_verbose("%s: %s", path, strerror(errno));
			return NULL;
		}
		r = postern_key_load(&key, l->context, fd, i > 0 ? secret : NULL, LOGIN_WAIT_MS);
		problem = r == POSTERN_EKEY ? postern_context_key_problem(l->context) : 0;
		if (r != POSTERN_EKEY || (problem != POSTERN_KEY_NEEDS_PASSPHRASE &&
		    problem != POSTERN_KEY_WRONG_PASSPHRASE))
			break;
	}
	sodium_memzero(secret, sizeof(secret));
	if (key == NULL && !was_the_agents(l))
		tell_problem(path, r == POSTERN_EKEY ? problem_text(problem) : postern_strerror(r));
	return key;
}

/* ---- certificates ---- */

static bool
add_certificate(postern_key *key, const char *file)
{
	struct client_public cert;
	int r = !client_identity_line(file, &cert) ? -ENOENT :
	    postern_key_add_certificate(key, cert.blob, cert.n, LOGIN_WAIT_MS);

	if (r == 0)
		client_log_verbose("with the certificate %s: %s", file, cert.alg);
	return r == 0;
}

/* The one beside its file, or else the first of CertificateFile that is of this key. */
static bool
certify(const struct login *l, postern_key *key, const char *path)
{
	char beside[PATH_MAX];
	bool done = path != NULL && (size_t)snprintf(beside, sizeof(beside), "%s-cert.pub", path) <
	    sizeof(beside) && access(beside, R_OK) == 0 && add_certificate(key, beside);

	for (size_t i = 0; !done && i < l->conf->certificates.n; i++) {
		char *file = client_conf_expand(l->conf, l->conf->certificates.word[i]);

		done = add_certificate(key, file);
		free(file);
	}
	return done;
}

/* Could the key in this file have one?  Then the server's opinion of the key alone says
 * nothing. */
static bool
may_be_certified(const struct login *l, const char *path)
{
	char beside[PATH_MAX];

	return l->conf->certificates.n > 0 || ((size_t)snprintf(beside, sizeof(beside),
	    "%s-cert.pub", path) < sizeof(beside) && access(beside, R_OK) == 0);
}

/* ---- the agent's keys ---- */

static bool
has_token(postern_key *const *keys, size_t n)
{
	bool found = false;

	for (size_t i = 0; i < n && !found; i++)
		found = strncmp(postern_key_algorithm(keys[i]), "sk-", 3) == 0;
	return found;
}

/* The public halves of the files that IdentityFile names.  A private file alone is asked
 * for its half when that may be in the agent: tokens' are in nothing else. */
static struct client_public *
named_files(const struct login *l, bool tokens)
{
	const struct client_conf *c = l->conf;
	struct client_public *named = calloc(c->identities.n + 1, sizeof(*named));

	if (named == NULL)
		err(255, "calloc");
	for (size_t i = 0; i < c->identities.n; i++) {
		char *path = client_conf_expand(c, c->identities.word[i]);

		if (!client_identity_public(path, &named[i]) && tokens)
			(void)client_identity_token(l->context, path, &named[i]);
		free(path);
	}
	return named;
}

static bool
is_named(const struct login *l, const struct client_public *named, const postern_key *key)
{
	size_t len;
	const void *theirs = postern_key_blob(key, &len);
	bool found = false;

	for (size_t i = 0; i < l->conf->identities.n && !found; i++)
		found = named[i].n > 0 && named[i].n == len && memcmp(named[i].blob, theirs, len) == 0;
	return found;
}

/* Named ones first, others behind them unless IdentitiesOnly. */
static void
ask_agent(struct login *l)
{
	struct client_public *files = NULL;
	postern_key **keys;
	size_t n, named = 0;

	l->asked_agent = true;
	client_agent_keys(l->context, l->conf, &keys, &n);
	if (n > 0)
		files = named_files(l, has_token(keys, n));
	for (size_t i = 0; i < n; i++) {
		postern_key *key = keys[i];

		if (!is_named(l, files, key))
			continue;
		memmove(&keys[named + 1], &keys[named], (i - named) * sizeof(*keys));
		keys[named++] = key;
	}
	if (l->conf->identities_only > 0)
		while (n > named)
			postern_key_free(keys[--n]);
	free(files);
	l->agent = keys;
	l->n_agent = n;
}

/* The server is asked first: some agents ask a person for each signature. */
static int
try_agent(struct login *l, postern_transport *t)
{
	int r = POSTERN_EAUTH;

	while (r == POSTERN_EAUTH && l->next_agent < l->n_agent) {
		postern_key *key = l->agent[l->next_agent++];
		const char *alg = postern_key_algorithm(key);
		size_t len;
		const void *blob = postern_key_blob(key, &len);

		client_log_verbose("offering the agent's key: %s %s", alg, postern_key_comment(key));
		/* the server's opinion of the key alone says nothing of its certificate */
		r = certify(l, key, NULL) || postern_key_has_certificate(key) ? 0 :
		    postern_transport_probe_publickey(t, l->conf->user, alg, blob, len, LOGIN_WAIT_MS);
		if (r == 0)
			r = postern_transport_auth_publickey(t, l->conf->user, key, LOGIN_WAIT_MS);
		if (r == POSTERN_EAUTH)
			client_withheld_note(&l->withheld, t, alg);
	}
	return r;
}

void
client_login_free(struct login *l)
{
	for (size_t i = 0; i < l->n_agent; i++)
		postern_key_free(l->agent[i]);
	free(l->agent);
	l->agent = NULL;
	l->n_agent = 0;
}

/* ---- files ---- */

static int
try_key(struct login *l, postern_transport *t, const char *path)
{
	struct client_public pub;
	postern_key *key;
	int r;

	if (client_identity_public(path, &pub)) {
		if (agent_knows(l, pub.blob, pub.n))
			return POSTERN_EAUTH;	/* it was tried */
		client_log_verbose("offering public key: %s %s", path, pub.alg);
		r = may_be_certified(l, path) ? 0 : postern_transport_probe_publickey(t,
		    l->conf->user, pub.alg, pub.blob, pub.n, LOGIN_WAIT_MS);
		if (r == POSTERN_EAUTH)
			client_withheld_note(&l->withheld, t, pub.alg);
		if (r != 0)
			return r;
		if (pub.is_token) {
			tell_problem(path, problem_text(POSTERN_KEY_TOKEN));
			return POSTERN_EAUTH;
		}
	}
	if ((key = load_key(l, path)) == NULL)
		return POSTERN_EAUTH;
	(void)certify(l, key, path);	/* it has one, or not */
	client_agent_add(l->context, l->conf, key, path);
	client_log_verbose("logging in with %s", path);
	r = postern_transport_auth_publickey(t, l->conf->user, key, LOGIN_WAIT_MS);
	if (r == POSTERN_EAUTH)
		client_withheld_note(&l->withheld, t, postern_key_algorithm(key));
	postern_key_free(key);
	return r;
}

static int
try_keys(struct login *l, postern_transport *t, size_t *next)
{
	int r = POSTERN_EAUTH;

	while (*next < l->conf->identities.n) {
		char *path = client_conf_expand(l->conf, l->conf->identities.word[(*next)++]);

		if (access(path, R_OK) == 0)
			r = try_key(l, t, path);
		else
			client_log_verbose("%s: %s", path, strerror(errno));
		free(path);
		if (r != POSTERN_EAUTH)
			break;
	}
	return r;
}

static int
try_password(struct login *l, postern_transport *t)
{
	char secret[SECRET_MAX], prompt[512];
	int r;

	(void)snprintf(prompt, sizeof(prompt), "%s@%s's password: ", l->conf->user,
	    l->conf->hostname);
	if (!read_secret(prompt, secret, sizeof(secret))) {
		l->gave_up = true;
		return POSTERN_EAUTH;
	}
	r = postern_transport_auth_password(t, l->conf->user, secret, POSTERN_NO_FALLBACK,
	    LOGIN_WAIT_MS);
	sodium_memzero(secret, sizeof(secret));
	return r;
}

/* One attempt with the first method of our preference that the server offers and
 * that still has something to try.  1: nothing left. */
static int
step(struct login *l, postern_transport *t, size_t *next_key, int *result)
{
	const struct client_conf *c = l->conf;
	const char *offered = postern_transport_auth_methods(t);
	char *text = strdup(c->preferred), *s = text, *word;
	int done = 1;

	if (text == NULL)
		err(255, "strdup");
	while (done != 0 && (word = strsep(&s, ", ")) != NULL) {
		if (offered == NULL || !client_conf_listed(offered, word))
			continue;
		done = 0;
		if (strcasecmp(word, "publickey") == 0 && c->pubkey > 0 && !l->asked_agent)
			ask_agent(l);
		if (strcasecmp(word, "publickey") == 0 && c->pubkey > 0 &&
		    (l->next_agent < l->n_agent || *next_key < c->identities.n)) {
			*result = l->next_agent < l->n_agent ? try_agent(l, t) : POSTERN_EAUTH;
			if (*result == POSTERN_EAUTH)
				*result = try_keys(l, t, next_key);
		} else if (strcasecmp(word, "keyboard-interactive") == 0 && c->interactive > 0 &&
		    c->batch <= 0 && !l->no_passwords && l->prompts_left > 0 && !l->gave_up) {
			l->prompts_left--;
			*result = postern_transport_auth_interactive(t, c->user, "", LOGIN_WAIT_MS);
		} else if (strcasecmp(word, "password") == 0 && c->password > 0 && c->batch <= 0 &&
		    !l->no_passwords && l->prompts_left > 0 && !l->gave_up) {
			l->prompts_left--;
			*result = try_password(l, t);
		} else {
			done = 1;
		}
	}
	free(text);
	return done;
}

int
client_login_run(struct login *l, postern_transport *t)
{
	size_t next_key = 0;
	int r;

	l->prompts_left = (unsigned)l->conf->password_prompts;
	r = postern_transport_auth_none(t, l->conf->user, LOGIN_WAIT_MS);
	for (int i = 0; i < STEPS_MAX && (r == POSTERN_EAUTH || r == 1); i++) {
		bool first = i == 0;

		if (r == 1)
			client_log_verbose("authenticated with partial success");
		else if (!first && l->prompts_left < (unsigned)l->conf->password_prompts &&
		    l->prompts_left > 0 && !l->gave_up && l->conf->batch <= 0)
			client_log_error("Permission denied, please try again.");
		if (step(l, t, &next_key, &r) != 0)
			break;
	}
	if (r == POSTERN_EAUTH || r == 1) {
		client_log_error("%s@%s: Permission denied (%s).", l->conf->user, l->conf->hostname,
		    postern_transport_auth_methods(t));
		client_withheld_tell(&l->withheld, l->conf);
	}
	return r == 1 ? POSTERN_EAUTH : r;
}
