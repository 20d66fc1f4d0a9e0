/*
 * kem.h - key encapsulation, the half of a hybrid key exchange that a quantum computer
 * does not break.  One KEM is one const row and one file; kex_hybrid.c combines a row
 * with a curve.
 *
 * Every shared secret has KEM_SHARED bytes.  Lengths are exact, and the caller has
 * compared them before he calls.  public and cipher are any bytes an attacker likes;
 * what a row does with a secret takes the same time and touches the same memory whatever
 * the secret is.  A call that returns -1 has left no secret in what it was to write.
 */
#ifndef CRYPTO_KEM_H
#define CRYPTO_KEM_H

#include "crypto/crypto.h"

enum {
	KEM_SHARED = 32,
	KEM_PUBLIC_MAX = 1568,		/* ML-KEM-1024, and the next two */
	KEM_CIPHER_MAX = 1568,
	KEM_SECRET_MAX = 3168,
};

struct kem {
	const char *name;
	size_t public_len, secret_len, cipher_len;
	/* A fresh pair. */
	int (*keygen)(uint8_t *public, uint8_t *secret);
	/* -1 if public is not the encoding of a key. */
	int (*encaps)(const uint8_t *public, uint8_t *cipher, uint8_t *shared);
	/* A cipher that was not made for this pair is no error: shared is then what nobody
	 * else can compute (implicit rejection), so that nothing can be learnt from an
	 * answer.  -1 if secret is damaged. */
	int (*decaps)(const uint8_t *secret, const uint8_t *cipher, uint8_t *shared);
};

#endif
