/*
 * foreign_names.c - algorithms that OpenSSH has and this library has not.
 *
 * A configuration that was written for OpenSSH names some of them, most often in a list
 * that hardens it.  Leaving one out only makes that list shorter; a name that stands
 * nowhere here is a misspelt one, and must stay an error: in a list with - it would be an
 * algorithm that somebody forbids.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <postern.h>

#include "apps/foreign_names.h"

/* A name that ends with * is all that begin so: GSSAPI's end with a hash of their
 * mechanism [RFC 4462 2.1]. */
static const struct { int list; const char *name; } foreign[] = {
	{ POSTERN_KEX, "gss-*" },
	{ POSTERN_KEX, "diffie-hellman-group1-sha1" },
	{ POSTERN_KEX, "diffie-hellman-group-exchange-sha1" },
	/* a host does not keep its key in a token that somebody has to touch */
	{ POSTERN_HOST_KEYS, "sk-ssh-ed25519@openssh.com" },
	{ POSTERN_HOST_KEYS, "sk-ssh-ed25519-cert-v01@openssh.com" },
	{ POSTERN_HOST_KEYS, "sk-ecdsa-sha2-nistp256@openssh.com" },
	{ POSTERN_HOST_KEYS, "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com" },
	{ POSTERN_HOST_KEYS, "webauthn-sk-ecdsa-sha2-nistp256@openssh.com" },
	{ POSTERN_HOST_KEYS, "webauthn-sk-ecdsa-sha2-nistp256-cert-v01@openssh.com" },
	{ POSTERN_SIGNATURES, "webauthn-sk-ecdsa-sha2-nistp256-cert-v01@openssh.com" },
	{ POSTERN_CIPHERS, "3des-cbc" },
	{ POSTERN_CIPHERS, "blowfish-cbc" },
	{ POSTERN_CIPHERS, "cast128-cbc" },
	{ POSTERN_CIPHERS, "arcfour" },
	{ POSTERN_CIPHERS, "arcfour128" },
	{ POSTERN_CIPHERS, "arcfour256" },
	{ POSTERN_CIPHERS, "rijndael-cbc@lysator.liu.se" },
	{ POSTERN_MACS, "hmac-md5" },
	{ POSTERN_MACS, "hmac-md5-96" },
	{ POSTERN_MACS, "hmac-md5-etm@openssh.com" },
	{ POSTERN_MACS, "hmac-md5-96-etm@openssh.com" },
	{ POSTERN_MACS, "hmac-sha1-96" },
	{ POSTERN_MACS, "hmac-sha1-96-etm@openssh.com" },
	{ POSTERN_MACS, "hmac-ripemd160" },
	{ POSTERN_MACS, "hmac-ripemd160@openssh.com" },
	{ POSTERN_MACS, "hmac-ripemd160-etm@openssh.com" },
};

static bool
is_foreign(int list, const char *name, size_t n)
{
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		const char *f = foreign[i].name;
		size_t len = strlen(f);
		bool fits = f[len - 1] == '*' ? n >= len && memcmp(f, name, len - 1) == 0 :
		    n == len && memcmp(f, name, n) == 0;

		if (foreign[i].list == list && fits)
			return true;
	}
	return false;
}

/* to has room: what is put there comes of an edit that fits. */
static void
append(char *to, const char *name, size_t n)
{
	size_t at = strlen(to);

	if (at > 0)
		to[at++] = ',';
	memcpy(to + at, name, n);
	to[at + n] = '\0';
}

int
foreign_names_drop(int list, const char *edit, char *out, char *passed, size_t size)
{
	const char *name = edit;
	char how = '\0', *kept = out;

	if (strlen(edit) >= size)
		return -ERANGE;
	if (*name == '+' || *name == '-' || *name == '^')
		how = *kept++ = *name++;
	*kept = passed[0] = '\0';
	while (*name != '\0') {
		size_t n = strcspn(name, ",");

		append(is_foreign(list, name, n) ? passed : kept, name, n);
		name += n;
		name += *name == ',';
	}
	if (passed[0] == '\0' || (*kept == '\0' && how != '-')) {
		memcpy(out, edit, strlen(edit) + 1);
		passed[0] = '\0';
	}
	return 0;
}
