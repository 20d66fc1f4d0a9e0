/*
 * keygen_cert.c - certificates as people read them: ssh-keygen's -L, to the byte.
 *
 * A certificate that is shown has been parsed, and its signature is not looked at; the
 * file may be anybody's, so what is text in it is tamed before a terminal sees it.
 */
#include <stdlib.h>

#include "apps/keygen_cert.h"
#include "crypto/cert.h"
#include "crypto/pubkey.h"

enum { CERTS_FILE_MAX = 1 << 20 };

static void
print_text(struct blob b)
{
	char raw[KEY_BLOB_MAX + 1], tame[KEY_BLOB_MAX + 1];

	memcpy(raw, b.n > 0 ? b.p : (const uint8_t *)"", b.n);
	raw[b.n] = '\0';
	keygen_public_tame(raw, tame, sizeof(tame));
	(void)fputs(tame, stdout);
}

static bool
is_known_flag(struct blob name, bool critical)
{
	static const char *const flags[] = { "permit-X11-forwarding", "permit-agent-forwarding",
		"permit-port-forwarding", "permit-pty", "permit-user-rc", "no-touch-required" };

	if (critical)
		return blob_is_name(name, "verify-required");
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (blob_is_name(name, flags[i]))
			return true;
	return false;
}

static void
print_options(const char *title, struct blob list, bool critical)
{
	struct blob name, data;

	(void)printf("        %s:%s\n", title, list.n == 0 ? " (none)" : " ");
	while (cert_option_next(&list, &name, &data)) {
		(void)printf("                ");
		print_text(name);
		if (critical && (blob_is_name(name, "force-command") ||
		    blob_is_name(name, "source-address"))) {
			(void)putchar(' ');
			print_text(blob_string(&data, KEY_BLOB_MAX));
		} else if (data.n == 0 && !is_known_flag(name, critical)) {
			(void)printf(" UNKNOWN FLAG OPTION");
		} else if (!is_known_flag(name, critical)) {
			(void)printf(" UNKNOWN OPTION: ");
			for (size_t i = 0; i < data.n; i++)
				(void)printf("%02x", data.p[i]);
			(void)printf(" (len %zu)", data.n);
		}
		(void)putchar('\n');
	}
}

static void
print_principals(struct blob list)
{
	struct blob one;

	(void)printf("        Principals:%s\n", list.n == 0 ? " (none)" : " ");
	while (cert_principal_next(&list, &one)) {
		(void)printf("                ");
		print_text(one);
		(void)putchar('\n');
	}
}

/* "ED25519 SHA256:..." */
static void
print_key(const char *title, struct blob blob)
{
	char text[KEYGEN_FINGERPRINT_MAX];
	struct pubkey_about about;

	(void)printf("        %s: ", title);
	if (pubkey_describe(blob.p, blob.n, &about) == 0 &&
	    keygen_print_hash("sha256", blob.p, blob.n, text) == KEYGEN_FINE)
		(void)printf("%s %s", about.name, text);
}

static void
print_cert(const struct cert *c, struct blob blob)
{
	char validity[KEYGEN_VALIDITY_MAX];
	struct blob signature = c->signature;

	(void)printf("        Type: %s %s certificate\n", c->alg->cert_type,
	    c->type == CERT_USER ? "user" : c->type == CERT_HOST ? "host" : "unknown");
	print_key("Public key", blob);
	(void)putchar('\n');
	print_key("Signing CA", c->ca_key);
	(void)printf(" (using ");
	print_text(blob_string(&signature, NAME_MAX_LEN));
	(void)printf(")\n        Key ID: \"");
	print_text(c->key_id);
	keygen_validity_format(c->valid_after, c->valid_before, validity);
	(void)printf("\"\n        Serial: %llu\n        Valid: %s\n", (unsigned long long)c->serial,
	    validity);
	print_principals(c->principals);
	print_options("Critical Options", c->critical, true);
	print_options("Extensions", c->extensions, false);
}

static enum keygen_status
print_line(const char *name, char *line, size_t number, bool many)
{
	static struct keygen_public public;
	const char *why;
	struct cert cert;

	if (!keygen_public_line(line, &public) || !cert_is(public.blob, public.blob_len))
		return KEYGEN_DAMAGED;
	if (cert_parse(public.blob, public.blob_len, &cert, &why) != 0)
		return keygen_fail(KEYGEN_DAMAGED, "%s:%zu: %s", name, number, why);
	if (many)
		(void)printf("%s:%zu:\n", name, number);
	else
		(void)printf("%s:\n", name);
	print_cert(&cert, blob_of(public.blob, public.blob_len));
	return KEYGEN_FINE;
}

enum keygen_status
keygen_print_certs(const struct keygen *k)
{
	char path[KEYGEN_PATH_MAX], *text;
	enum keygen_status s;
	size_t n, number = 0, found = 0;
	bool from_stdin;

	s = keygen_file_name(k, "Enter file in which the key is", path);
	if (s == KEYGEN_FINE)
		s = keygen_file_slurp(path, CERTS_FILE_MAX, &text, &n);
	if (s != KEYGEN_FINE)
		return s;
	from_stdin = strcmp(path, "-") == 0;
	for (char *line = text, *next; line != NULL; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		number++;
		found += print_line(from_stdin ? "(stdin)" : path, line, number,
		    from_stdin || number > 1) == KEYGEN_FINE;
	}
	free(text);
	return found > 0 ? KEYGEN_FINE : keygen_fail(KEYGEN_DAMAGED, "%s: no certificate", path);
}
