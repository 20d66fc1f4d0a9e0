/*
 * kex.h - one key exchange's mathematics and its two messages (RFC 4253 8, RFC
 * 5656 4, RFC 8731), for client and server, over a row of the kex table; and the
 * keys that come out of it (RFC 4253 7.2).
 */
#ifndef PROTO_KEX_H
#define PROTO_KEX_H

#include "proto/kexinit.h"

struct kex {
	const struct kex_alg *alg;
	struct kex_state state;			/* the client's private half */
	uint8_t q_c[KEX_PUBLIC_MAX], q_s[KEX_PUBLIC_MAX];
	uint8_t secret[KEX_SECRET_MAX];
	uint8_t k_s[KEY_BLOB_MAX], signature[SIGNATURE_MAX];	/* client: from REPLY */
	size_t k_s_len, signature_len;
};
enum {	/* most bytes of the two messages */
	KEX_INIT_MAX = 1 + 4 + KEX_PUBLIC_MAX,
	KEX_REPLY_MAX = 1 + 4 + KEY_BLOB_MAX + 4 + KEX_PUBLIC_MAX + 4 + SIGNATURE_MAX,
};

/* Client: makes the ephemeral key and writes KEX_ECDH_INIT; takes the answer. */
CRYPTO_CHECKED enum proto_error kex_put_init(struct kex *, struct wr *);
CRYPTO_CHECKED enum proto_error kex_take_reply(struct kex *, struct span payload);
/* Server: takes KEX_ECDH_INIT and computes the secret; writes the answer. */
CRYPTO_CHECKED enum proto_error kex_take_init(struct kex *, struct span payload);
CRYPTO_CHECKED enum proto_error kex_put_reply(const struct kex *, struct wr *,
    struct span k_s, struct span signature);

struct span kex_q_c(const struct kex *);
struct span kex_q_s(const struct kex *);
struct span kex_secret(const struct kex *);

/* n bytes of key stream for one letter of RFC 4253 7.2. */
CRYPTO_CHECKED enum proto_error kex_derive(const struct kex *, struct span hash,
    struct span session_id, char letter, uint8_t *out, size_t n);
/* The protection of one direction; NULL if that failed. */
CRYPTO_CHECKED struct protect *kex_protect(const struct kex *, struct span hash,
    struct span session_id, enum ssh_sender, const struct kexinit_flow *, bool encrypt);

#endif
