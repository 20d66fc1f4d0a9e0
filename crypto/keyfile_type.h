/* keyfile_type.h - what the formats of key files and the types of keys know of each
 * other.  Numbers are bytes without sign, big end first. */
#ifndef CRYPTO_KEYFILE_TYPE_H
#define CRYPTO_KEYFILE_TYPE_H

#include <openssl/bn.h>

#include "crypto/blob.h"
#include "crypto/keyfile.h"

enum {
	KEYFILE_RSA_BITS_MIN = 2048,
	KEYFILE_RSA_BITS_MAX = 16384,
	KEYFILE_NUMBER_MAX = KEYFILE_RSA_BITS_MAX / 8,	/* bytes of any number of any key */
};

/* A type of key, in the two formats that name types as SSH does.  Both fill in all of
 * *out but the comment; whether the public half is the one that stands outside is the
 * format's to compare. */
struct keyfile_type {
	const char *name;
	/* The fields behind the name in PROTOCOL.key's private section; *in is left
	 * where they end. */
	enum keyfile_result (*openssh)(const struct keyfile_type *, struct blob *in,
	    struct keyfile_key *out);
	/* The fields behind the name of the public blob; and PuTTY's private blob, which
	 * is left where its fields end. */
	enum keyfile_result (*putty)(const struct keyfile_type *, struct blob public,
	    struct blob *private, struct keyfile_key *out);
	bool is_token;			/* there is no private half in a file         */
};
extern const struct keyfile_type keyfile_ed25519, keyfile_rsa, keyfile_dsa;
extern const struct keyfile_type keyfile_ecdsa[3];
extern const struct keyfile_type keyfile_sk_ed25519, keyfile_sk_ecdsa;
/* Or NULL. */
const struct keyfile_type *keyfile_type_find(struct blob name);
/* A number of a file, which may be of any length there; false: none, or too large. */
bool keyfile_type_number(BIGNUM **, struct blob number);

/* A token's key by its public blob alone. */
enum keyfile_result keyfile_sk_public(const struct keyfile_type *, struct blob public,
    struct keyfile_key *out);

/* From its numbers to the fixed form, if they belong together.  A public half of no
 * bytes is one that the file does not have: it is computed. */
enum keyfile_result keyfile_ed25519_make(struct blob seed, struct blob public,
    struct keyfile_key *out);
/* curve by SSH's name or by OpenSSL's; UNSUPPORTED if it is none of ours. */
enum keyfile_result keyfile_ecdsa_make(const char *curve, struct blob scalar, struct blob point,
    struct keyfile_key *out);
struct keyfile_rsa_numbers { struct blob n, e, d, iqmp, p, q; };
enum keyfile_result keyfile_rsa_make(const struct keyfile_rsa_numbers *, struct keyfile_key *out);
struct keyfile_dsa_numbers { struct blob p, q, g, y, x; };
enum keyfile_result keyfile_dsa_make(const struct keyfile_dsa_numbers *, struct keyfile_key *out);

#endif
