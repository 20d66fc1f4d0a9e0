/* certmake.h - new certificates (PROTOCOL.certkeys), signed, for postern-keygen. */
#ifndef CRYPTO_CERTMAKE_H
#define CRYPTO_CERTMAKE_H

#include "crypto/cert.h"
#include "crypto/keyfile.h"

struct certmake_option {		/* a critical option, or an extension */
	bool critical;
	const char *name, *value;	/* NULL: it has none */
};
struct certmake {
	enum cert_type type;
	uint64_t serial, valid_after, valid_before;
	const char *key_id;
	const char *const *principals;
	size_t n_principals;
	/* Sorted here; of two of one name the later counts. */
	struct certmake_option options[CERT_OPTIONS_MAX];
	size_t n_options;
	const char *sign_alg;		/* NULL: the best that the CA's key has */
};
enum { CERTMAKE_MAX = KEY_BLOB_MAX };

/* The blob, into CERTMAKE_MAX bytes of out.  NULL: it was made; else why not. */
const char *certmake(const struct certmake *, const uint8_t *key, size_t key_len,
    const struct keyfile_key *ca, uint8_t *out, size_t *n);

#endif
