/*
 * keygen_sign.c - certificates for public keys, signed with a CA's private key file.
 *
 * User certificates get the extensions that sshd's users expect, unless the options
 * take them away; host certificates get what is named and no more.
 */
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "apps/keygen_cert.h"
#include "crypto/certmake.h"

/* What -O has by name; of a host's certificate, none of it. */
struct option { const char *name, *cert_name; bool critical, has_value, removes; };
static const struct option options[] = {
	{ "force-command",	  "force-command",	     true,  true,  false },
	{ "source-address",	  "source-address",	     true,  true,  false },
	{ "verify-required",	  "verify-required",	     true,  false, false },
	{ "no-touch-required",	  "no-touch-required",	     false, false, false },
	{ "no-agent-forwarding",  "permit-agent-forwarding", false, false, true  },
	{ "no-port-forwarding",	  "permit-port-forwarding",  false, false, true  },
	{ "no-pty",		  "permit-pty",		     false, false, true  },
	{ "no-user-rc",		  "permit-user-rc",	     false, false, true  },
	{ "no-x11-forwarding",	  "permit-X11-forwarding",   false, false, true  },
	{ "permit-agent-forwarding", "permit-agent-forwarding", false, false, false },
	{ "permit-port-forwarding", "permit-port-forwarding", false, false, false },
	{ "permit-pty",		  "permit-pty",		     false, false, false },
	{ "permit-user-rc",	  "permit-user-rc",	     false, false, false },
	{ "permit-X11-forwarding", "permit-X11-forwarding",  false, false, false },
};

static const char *const by_default[] = { "permit-X11-forwarding", "permit-agent-forwarding",
	"permit-port-forwarding", "permit-pty", "permit-user-rc" };

static void
drop(struct certmake *c, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_options; i++)
		if (name != NULL && strcmp(c->options[i].name, name) != 0)
			c->options[n++] = c->options[i];
	c->n_options = n;
}

static bool
add(struct certmake *c, bool critical, const char *name, const char *value)
{
	if (c->n_options == CERT_OPTIONS_MAX || *name == '\0')
		return false;
	c->options[c->n_options++] = (struct certmake_option){ critical, name, value };
	return true;
}

/* critical:name=value, extension:name: of which we need not know anything. */
static bool
add_foreign(struct certmake *c, char *text)
{
	bool critical = strncmp(text, "critical:", 9) == 0;
	char *name = strchr(text, ':') + 1, *value = strchr(name, '=');

	if (value != NULL)
		*value++ = '\0';
	return add(c, critical, name, value);
}

static bool
add_option(struct certmake *c, char *text)
{
	if (strcmp(text, "clear") == 0) {
		drop(c, NULL);
		return true;
	}
	if (strncmp(text, "critical:", 9) == 0 || strncmp(text, "extension:", 10) == 0)
		return add_foreign(c, text);
	if (c->type == CERT_HOST)
		return false;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		/* in any case of letters, as ssh-keygen takes them */
		size_t n = strlen(options[i].name);
		const char *rest = text + n;

		if (strncasecmp(text, options[i].name, n) != 0 ||
		    *rest != (options[i].has_value ? '=' : '\0'))
			continue;
		drop(c, options[i].cert_name);
		return options[i].removes || add(c, options[i].critical, options[i].cert_name,
		    options[i].has_value ? rest + 1 : NULL);
	}
	return false;
}

static enum keygen_status
take_options(const struct keygen *k, struct certmake *c)
{
	for (size_t i = 0; i < sizeof(by_default) / sizeof(by_default[0]) && !k->host; i++)
		(void)add(c, false, by_default[i], NULL);	/* there is room for these */
	for (size_t i = 0; i < k->n_options; i++)
		if (!add_option(c, k->options[i]))
			return keygen_fail(KEYGEN_FAILED, "no option \"%s\" of certificates",
			    k->options[i]);
	return KEYGEN_FINE;
}

/* -n's list, cut at its commas. */
static enum keygen_status
take_principals(const struct keygen *k, struct certmake *c, const char *list[CERT_PRINCIPALS_MAX])
{
	char *rest = k->principals, *one;

	c->principals = list;
	while (rest != NULL && (one = strsep(&rest, ",")) != NULL) {
		if (c->n_principals == CERT_PRINCIPALS_MAX || *one == '\0')
			return keygen_fail(KEYGEN_FAILED, "an empty principal, or more than %d",
			    CERT_PRINCIPALS_MAX);
		list[c->n_principals++] = one;
	}
	return KEYGEN_FINE;
}

static void
report(const struct keygen *k, const struct certmake *c, const char *path)
{
	char validity[KEYGEN_VALIDITY_MAX];

	if (k->quiet)
		return;
	keygen_validity_format(c->valid_after, c->valid_before, validity);
	(void)fprintf(stderr, "Signed %s key %s: id \"%s\" serial %llu", k->host ? "host" : "user", path,
	    c->key_id, (unsigned long long)c->serial);
	for (size_t i = 0; i < c->n_principals; i++)
		(void)fprintf(stderr, "%s%s", i == 0 ? " for " : ",", c->principals[i]);
	(void)fprintf(stderr, " valid %s\n", validity);
}

static enum keygen_status
sign_one(const struct keygen *k, const struct certmake *c, const struct keyfile_key *ca,
    const char *path)
{
	static struct keygen_public public;
	static char line[KEYGEN_LINE_MAX];
	uint8_t cert[CERTMAKE_MAX];
	char out[KEYGEN_PATH_MAX], *text = NULL;
	size_t base = strlen(path), n = 0;
	enum keygen_status s;
	const char *why;
	FILE *f;

	if (!keygen_public_file(path, line, &public))
		return keygen_fail(KEYGEN_DAMAGED, "%s: not a public key file", path);
	why = certmake(c, public.blob, public.blob_len, ca, cert, &n);
	if (why != NULL)
		return keygen_fail(KEYGEN_UNSUPPORTED, "%s: %s", path, why);
	if (base > 4 && strcmp(&path[base - 4], ".pub") == 0)
		base -= 4;
	if (snprintf(out, sizeof(out), "%.*s-cert.pub", (int)base, path) >= (int)sizeof(out))
		return keygen_fail(KEYGEN_FAILED, "the path is too long");
	f = open_memstream(&text, &base);
	if (f == NULL)
		return keygen_fail(KEYGEN_FAILED, "no memory");
	keygen_public_print(f, cert, n, public.comment);
	if (fclose(f) != 0)
		s = keygen_fail(KEYGEN_FAILED, "no memory");
	else
		s = keygen_file_write(out, 0644, text, base, true);
	free(text);
	if (s == KEYGEN_FINE)
		report(k, c, out);
	return s;
}

enum keygen_status
keygen_sign(const struct keygen *k)
{
	static const char *principals[CERT_PRINCIPALS_MAX];
	struct certmake c = { .type = k->host ? CERT_HOST : CERT_USER, .key_id = k->key_id,
		.serial = k->serial, .valid_before = UINT64_MAX, .sign_alg = k->type };
	struct keyfile_key ca;
	enum keygen_status s;

	if (k->key_id == NULL || k->n_files == 0)
		return keygen_fail(KEYGEN_FAILED, "to sign, -I names the key, and files follow the flags");
	if (k->validity != NULL && !keygen_validity_parse(k->validity, (uint64_t)time(NULL),
	    &c.valid_after, &c.valid_before))
		return keygen_fail(KEYGEN_FAILED, "no interval of validity: \"%s\"", k->validity);
	s = take_principals(k, &c, principals);
	if (s == KEYGEN_FINE)
		s = take_options(k, &c);
	if (s == KEYGEN_FINE)
		s = keygen_file_private(k, k->ca, &ca, NULL);
	for (size_t i = 0; i < k->n_files && s == KEYGEN_FINE; i++) {
		s = sign_one(k, &c, &ca, k->files[i]);
		c.serial += k->counts;		/* -z +N */
	}
	crypto_wipe(&ca, sizeof(ca));
	return s;
}
