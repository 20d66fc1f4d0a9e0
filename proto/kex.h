/*
 * kex.h - one key exchange's mathematics and its messages (RFC 4253 8, RFC 8268, RFC 5656
 * 4, RFC 8731; RFC 4419 for those in a group that the server gives), for client and server,
 * over a row of the kex table; and the keys that come out of it (RFC 4253 7.2).
 */
#ifndef PROTO_KEX_H
#define PROTO_KEX_H

#include "proto/kexinit.h"

struct kex {
	const struct kex_alg *alg;
	uint8_t expects;			/* the peer's next message; 0: none */
	uint32_t min, n, max;			/* bits of p, as the client asked   */
	struct kex_group group;			/* p_len 0: not known yet           */
	struct kex_state state;			/* the client's private half */
	uint8_t q_c[KEX_PUBLIC_MAX], q_s[KEX_PUBLIC_MAX];
	uint8_t secret[KEX_SECRET_MAX];
	uint8_t k_s[KEY_BLOB_MAX], signature[SIGNATURE_MAX];	/* client: from REPLY */
	size_t k_s_len, signature_len;
};
enum {	/* most bytes of the messages; an mpint may begin with a zero more */
	KEX_REQUEST_MAX = 1 + 3 * 4,
	KEX_GROUP_MESSAGE_MAX = 1 + 2 * (4 + 1 + KEX_GROUP_MAX),
	KEX_INIT_MAX = 1 + 4 + KEX_PUBLIC_MAX,
	KEX_REPLY_MAX = 1 + 4 + KEY_BLOB_MAX + 4 + KEX_PUBLIC_MAX + 4 + SIGNATURE_MAX,
};
_Static_assert((int)KEX_GROUP_MAX < (int)KEX_PUBLIC_MAX, "so that an mpint fits too");

/* The numbers that several methods share: a Diffie-Hellman in a fixed group has 30 and 31
 * too, as KEXDH_INIT and KEXDH_REPLY, with mpints where these have strings. */
enum { SSH_MSG_KEX_ECDH_REPLY = SSH_MSG_KEX_31, SSH_MSG_KEX_DH_GEX_GROUP = SSH_MSG_KEX_31 };

/* The row is settled: what the peer says first, and the group if it is fixed. */
CRYPTO_CHECKED enum proto_error kex_begin(struct kex *, const struct kex_alg *, enum ssh_role);

/* Client: makes the ephemeral key and writes INIT; takes the answer. */
CRYPTO_CHECKED enum proto_error kex_put_init(struct kex *, struct wr *);
CRYPTO_CHECKED enum proto_error kex_take_reply(struct kex *, struct span payload);
/* Server: takes INIT and computes the secret; writes the answer. */
CRYPTO_CHECKED enum proto_error kex_take_init(struct kex *, struct span payload);
CRYPTO_CHECKED enum proto_error kex_put_reply(const struct kex *, struct wr *,
    struct span k_s, struct span signature);

/* Before those, if the row asks for its group (kex_group.c).  Client: asks, takes it.
 * Server: takes the question; gives one, or fails when p is empty. */
CRYPTO_CHECKED enum proto_error kex_put_request(struct kex *, struct wr *);
CRYPTO_CHECKED enum proto_error kex_take_group(struct kex *, struct span payload);
CRYPTO_CHECKED enum proto_error kex_take_request(struct kex *, struct span payload);
CRYPTO_CHECKED enum proto_error kex_put_group(struct kex *, struct wr *, struct span p,
    struct span g);

/* In a group all three are as long as p, big end first. */
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
