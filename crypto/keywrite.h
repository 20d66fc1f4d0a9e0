/* keywrite.h - private keys into files, for postern-keygen. */
#ifndef CRYPTO_KEYWRITE_H
#define CRYPTO_KEYWRITE_H

#include "crypto/blob.h"
#include "crypto/keyfile.h"

enum keywrite_format { KEYWRITE_OPENSSH = 1, KEYWRITE_PEM, KEYWRITE_PKCS8 };
enum keywrite_result {
	KEYWRITE_OK = 0,
	KEYWRITE_FAILED = 1,		/* no memory, or the library failed           */
	KEYWRITE_UNSUPPORTED = 2,	/* that format does not have that type        */
	KEYWRITE_NO_CIPHER = 3,
};
enum {
	KEYWRITE_ROUNDS = 24,		/* bcrypt, unless it is said otherwise        */
	KEYWRITE_PBKDF2 = 600 * 1000,	/* iterations of PBKDF2 with SHA-256          */
	KEYWRITE_MAX = 32 * 1024,	/* the largest file, of an RSA key            */
};

struct keywrite {
	enum keywrite_format format;
	const char *passphrase;		/* NULL or empty: in clear */
	/* of OpenSSH's format; NULL and 0 for the defaults */
	const char *cipher;
	uint32_t rounds;
};
/* The file's text; out has KEYWRITE_MAX bytes, and the caller wipes it. */
enum keywrite_result keywrite(const struct keyfile_key *, const struct keywrite *, char *out,
    size_t *n);

/* keywrite's parts */
enum keywrite_result keywrite_openssh(const struct keyfile_key *, const struct keywrite *,
    char *out, size_t *n);
enum keywrite_result keywrite_openssl(const struct keyfile_key *, const struct keywrite *,
    char *out, size_t *n);

#endif
