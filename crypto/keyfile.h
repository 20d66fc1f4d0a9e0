/*
 * keyfile.h - private key files, read by keyload and, offline, by postern-keygen.
 *
 * Input is a file's bytes; output is one fixed form per key type that the
 * monitor's sign_alg.load understands:
 *	ssh-ed25519		the 32 bytes of the seed
 *	ecdsa-sha2-nistp256,	the scalar in exactly 32, 48 or 66 bytes, big end first
 *	-nistp384, -nistp521
 *	ssh-rsa			four mpints: d, iqmp, p, q (n and e are in the blob)
 *	ssh-dss			one mpint: x
 */
#ifndef CRYPTO_KEYFILE_H
#define CRYPTO_KEYFILE_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/crypto.h"

enum {
	KEYFILE_MAX = 256 * 1024,	/* bytes of a key file              */
	KEYFILE_SECRET_MAX = 8192,	/* RSA of 16384 bits                */
	KEYFILE_COMMENT_MAX = 1024,
	/* what a hostile file may make its reader spend */
	KEYFILE_ROUNDS_MAX = 4096,	/* bcrypt                           */
	KEYFILE_PBKDF2_MAX = 5 * 1000 * 1000,
	KEYFILE_ARGON2_KIB_MAX = 64 * 1024,
	KEYFILE_ARGON2_PASSES_MAX = 4096,
	KEYFILE_ARGON2_WORK_MAX = 16 * 1024 * 1024,	/* memory times passes */
};

enum keyfile_result {			/* crosses a process: numbers are fixed */
	KEYFILE_OK = 0,
	KEYFILE_NEEDS_PASSPHRASE = 1,
	KEYFILE_WRONG_PASSPHRASE = 2,
	KEYFILE_UNSUPPORTED = 3,	/* known format, unknown type or cipher */
	KEYFILE_DAMAGED = 4,
	KEYFILE_NOT_A_KEY = 5,
	KEYFILE_TOO_SHORT = 6,		/* RSA below 2048 bits */
	KEYFILE_TOKEN = 7,		/* the private half is in a security token */
};

struct keyfile_key {			/* wipe with crypto_wipe after use */
	char alg[64];			/* key type */
	uint8_t blob[8192];		/* public key blob */
	size_t blob_len;
	uint8_t secret[KEYFILE_SECRET_MAX];
	size_t secret_len;
	char comment[KEYFILE_COMMENT_MAX + 1];
};

/* Once per process, before its sandbox and any keyfile_read: initialises both
 * libraries without a configuration file and fetches what key files need, so that
 * no file is opened later.  0, or -1. */
CRYPTO_CHECKED int keyfile_init(void);
/* passphrase may be NULL.  *out is written only if the answer is OK, or TOKEN, which has no
 * secret and, without the passphrase that its file has, no comment.  OpenSSH's own format, traditional PEM, PKCS#8, PuTTY's versions 2 and 3. */
enum keyfile_result keyfile_read(const uint8_t *file, size_t n,
    const char *passphrase, size_t passphrase_len, struct keyfile_key *out);

#endif
