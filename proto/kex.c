/*
 * kex.c - the key exchange itself.
 *
 * The peer's public value is checked for its exact length here and for being a
 * value at all by the row that uses it; both are one error (a group's values are numbers
 * and may be shorter than p).  A fixed group is the row's, whatever the peer says.  What
 * this file never
 * has: a host key, or H, which the monitor computes and hands in.  The shared
 * secret lives in struct kex until the keys are derived; whoever owns that struct
 * wipes it.
 */
#include "proto/kex.h"

static const struct kex_group *
group_of(const struct kex *k)
{
	return kex_in_group(k->alg) ? &k->group : NULL;
}

static size_t
length_of(const struct kex *k, size_t fixed)
{
	return kex_in_group(k->alg) ? k->group.p_len : fixed;
}

struct span
kex_q_c(const struct kex *k)
{
	return span_of(k->q_c, length_of(k, k->alg->client_len));
}

struct span
kex_q_s(const struct kex *k)
{
	return span_of(k->q_s, length_of(k, k->alg->server_len));
}

struct span
kex_secret(const struct kex *k)
{
	return span_of(k->secret, length_of(k, k->alg->secret_len));
}

/* A row longer than the buffers would be a mistake in crypto/'s table. */
static bool
fits(const struct kex *k)
{
	return kex_q_c(k).n <= KEX_PUBLIC_MAX && kex_q_s(k).n <= KEX_PUBLIC_MAX &&
	    kex_secret(k).n <= KEX_SECRET_MAX && kex_q_c(k).n > 0;
}

enum proto_error
kex_begin(struct kex *k, const struct kex_alg *alg, enum ssh_role role)
{
	k->alg = alg;
	if (role == SSH_CLIENT)
		k->expects = alg->asks_group ? SSH_MSG_KEX_DH_GEX_GROUP : SSH_MSG_KEX_ECDH_REPLY;
	else
		k->expects = alg->asks_group ? SSH_MSG_KEX_DH_GEX_REQUEST : SSH_MSG_KEX_ECDH_INIT;
	if (alg->group_bits != 0 && kex_group_modp(&k->group, alg->group_bits) != 0)
		return PROTO_E_LOCAL_CRYPTO;
	return PROTO_OK;
}

/* ---- public values: a string of a fixed length, or an mpint of a group ---- */

static void
put_public(const struct kex *k, struct wr *w, struct span q)
{
	if (kex_in_group(k->alg))
		wr_mpint(w, q);
	else
		wr_blob(w, q, KEX_PUBLIC_MAX);
}

static struct span
read_public(const struct kex *k, struct rd *r)
{
	return kex_in_group(k->alg) ? rd_mpint(r, KEX_PUBLIC_MAX) : rd_blob(r, KEX_PUBLIC_MAX);
}

/* out is len bytes; a number gets its leading zeros. */
static enum proto_error
keep_public(const struct kex *k, struct span q, uint8_t *out, size_t len)
{
	size_t zeros;

	if (q.n > len || (q.n < len && !kex_in_group(k->alg)))
		return PROTO_E_KEX_PUBLIC;
	zeros = len - q.n;
	memset(out, 0, zeros);
	if (q.n > 0)
		memcpy(out + zeros, q.p, q.n);
	return PROTO_OK;
}

/* ---- INIT and REPLY ---- */

enum proto_error
kex_put_init(struct kex *k, struct wr *w)
{
	if (!fits(k))
		return PROTO_E_LOCAL_BUG;
	if (k->alg->start(&k->state, group_of(k), k->q_c) != 0)
		return k->alg->asks_group ? PROTO_E_KEX_PUBLIC : PROTO_E_LOCAL_CRYPTO;
	wr_u8(w, k->alg->asks_group ? SSH_MSG_KEX_DH_GEX_INIT : SSH_MSG_KEX_ECDH_INIT);
	put_public(k, w, kex_q_c(k));
	return PROTO_OK;
}

enum proto_error
kex_take_init(struct kex *k, struct span payload)
{
	struct rd r = rd_of(payload);
	struct span q_c;
	enum proto_error e;

	(void)rd_u8(&r);		/* INIT, by which we were called */
	q_c = read_public(k, &r);
	if (!rd_done(&r))
		return PROTO_E_MESSAGE_FORMAT;
	if (!fits(k))
		return PROTO_E_LOCAL_BUG;
	if ((e = keep_public(k, q_c, k->q_c, kex_q_c(k).n)) != PROTO_OK)
		return e;
	if (k->alg->answer(group_of(k), k->q_c, k->q_s, k->secret) != 0)
		return PROTO_E_KEX_PUBLIC;
	k->expects = 0;
	return PROTO_OK;
}

enum proto_error
kex_put_reply(const struct kex *k, struct wr *w, struct span k_s, struct span signature)
{
	if (k_s.n == 0 || signature.n == 0)
		return PROTO_E_LOCAL_BUG;
	wr_u8(w, k->alg->asks_group ? SSH_MSG_KEX_DH_GEX_REPLY : SSH_MSG_KEX_ECDH_REPLY);
	wr_blob(w, k_s, KEY_BLOB_MAX);
	put_public(k, w, kex_q_s(k));
	wr_blob(w, signature, SIGNATURE_MAX);
	return w->bad ? PROTO_E_LOCAL_BUG : PROTO_OK;
}

enum proto_error
kex_take_reply(struct kex *k, struct span payload)
{
	struct rd r = rd_of(payload);
	struct span k_s, q_s, signature;
	enum proto_error e;

	(void)rd_u8(&r);		/* REPLY, by which we were called */
	k_s = rd_blob(&r, KEY_BLOB_MAX);
	q_s = read_public(k, &r);
	signature = rd_blob(&r, SIGNATURE_MAX);
	if (!rd_done(&r) || k_s.n == 0 || signature.n == 0)
		return PROTO_E_MESSAGE_FORMAT;
	if (!fits(k))
		return PROTO_E_LOCAL_BUG;
	if ((e = keep_public(k, q_s, k->q_s, kex_q_s(k).n)) != PROTO_OK)
		return e;
	memcpy(k->k_s, k_s.p, k_s.n);
	k->k_s_len = k_s.n;
	memcpy(k->signature, signature.p, signature.n);
	k->signature_len = signature.n;
	if (k->alg->finish(&k->state, group_of(k), k->q_s, k->secret) != 0)
		return PROTO_E_KEX_PUBLIC;
	k->expects = 0;
	return PROTO_OK;
}

/* HASH(K || H || tail...), the shape of every block of key stream. */
static enum proto_error
stream_block(const struct kex *k, struct span hash, struct span a, struct span b, uint8_t *out)
{
	uint8_t encoded[4 + 1 + KEX_SECRET_MAX];
	struct wr w = wr_of(encoded, sizeof(encoded));
	struct hash *h = hash_new(k->alg->hash);
	int r = -1;

	if (k->alg->secret_is_string)
		wr_blob(&w, kex_secret(k), KEX_SECRET_MAX);
	else
		wr_mpint(&w, kex_secret(k));
	if (h != NULL) {
		hash_add(h, w.p, w.n);
		hash_add(h, hash.p, hash.n);
		hash_add(h, a.p, a.n);
		hash_add(h, b.p, b.n);
		r = hash_end(h, out);
	}
	crypto_wipe(encoded, sizeof(encoded));
	return r == 0 ? PROTO_OK : PROTO_E_LOCAL_CRYPTO;
}

enum proto_error
kex_derive(const struct kex *k, struct span hash, struct span session_id, char letter,
    uint8_t *out, size_t n)
{
	/* K1 || K2 || ...: each further block hashes all those before it */
	uint8_t stream[CIPHER_KEY_MAX + HASH_MAX];
	size_t size = hash_size(k->alg->hash), have = 0;
	enum proto_error e = PROTO_OK;

	if (n > CIPHER_KEY_MAX || size == 0 || size > HASH_MAX)
		return PROTO_E_LOCAL_BUG;
	while (have < n && e == PROTO_OK) {
		if (have == 0)
			e = stream_block(k, hash, span_of(&letter, 1), session_id, stream);
		else
			e = stream_block(k, hash, span_of(stream, have), span_of(NULL, 0),
			    stream + have);
		have += size;
	}
	if (e == PROTO_OK && n > 0)
		memcpy(out, stream, n);
	crypto_wipe(stream, sizeof(stream));
	return e;
}

struct protect *
kex_protect(const struct kex *k, struct span hash, struct span session_id,
    enum ssh_sender sender, const struct kexinit_flow *flow, bool encrypt)
{
	struct {
		uint8_t iv[CIPHER_IV_MAX], key[CIPHER_KEY_MAX], mac[MAC_KEY_MAX];
	} keys;
	struct protect_keys borrowed = { keys.key, keys.iv, keys.mac };
	struct protect *p = NULL;
	size_t mac_len = flow->mac != NULL ? flow->mac->key_len : 0;
	int step = sender == C2S ? 0 : 1;

	if (flow->cipher->iv_len <= sizeof(keys.iv) &&
	    kex_derive(k, hash, session_id, (char)('A' + step), keys.iv,
	    flow->cipher->iv_len) == PROTO_OK &&
	    kex_derive(k, hash, session_id, (char)('C' + step), keys.key,
	    flow->cipher->key_len) == PROTO_OK &&
	    kex_derive(k, hash, session_id, (char)('E' + step), keys.mac, mac_len) == PROTO_OK)
		p = protect_new(flow->cipher, flow->mac, &borrowed, encrypt);
	crypto_wipe(&keys, sizeof(keys));
	return p;
}
