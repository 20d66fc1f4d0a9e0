/*
 * kex_hybrid.c - key exchanges that hold as long as one of two does: a key encapsulation
 * that no quantum computer is known to break, and a curve that has been looked at for
 * longer.  A row is data: which KEM, which curve, which hash.  Of ML-KEM there are two,
 * OpenSSL's and ours; OpenSSL's is taken where its provider has it.
 *
 * mlkem768x25519-sha256 and its two NIST relatives after draft-ietf-sshm-mlkem-hybrid-kex,
 * sntrup761x25519-sha512 after draft-ietf-sshm-ntruprime-ssh.  Both public values stand behind each other, the KEM's first; K is the hash of both
 * secrets in that order, in their fixed lengths, and enters the exchange hash as a string.
 * Public values are any bytes an attacker likes, of the right length: either half's refusal
 * ends the exchange.  A ciphertext that does not fit is no refusal (kem.h); then the two
 * sides have different secrets, and the exchange hash's signature does not verify.
 */
#include "crypto/kex.h"
#include "crypto/kex_curve.h"
#include "crypto/mlkem.h"
#include "crypto/sha3.h"
#include "crypto/sntrup761.h"

struct hybrid {
	const struct kem *kem;
	const struct kex_curve *curve;
	enum hash_id hash;
};

_Static_assert(KEM_SECRET_MAX + KEX_CURVE_PRIVATE_MAX <= sizeof(struct kex_state),
    "both private halves fit");
_Static_assert(KEM_PUBLIC_MAX + NISTP521_PUBLIC <= KEX_PUBLIC_MAX &&
    KEM_CIPHER_MAX + NISTP521_PUBLIC <= KEX_PUBLIC_MAX, "both public halves fit");

static const struct kem *
kem_of(const struct hybrid *h)
{
	const struct kem *theirs = mlkem_by_provider(h->kem);

	return theirs != NULL ? theirs : h->kem;
}

/* The two secrets, the KEM's first. */
struct shared { uint8_t bytes[KEM_SHARED + KEX_CURVE_SECRET_MAX]; };

static int
combine(const struct hybrid *h, const struct shared *shared, uint8_t *secret)
{
	return hash_once(h->hash, shared->bytes, KEM_SHARED + h->curve->secret_len, secret);
}

static int
hybrid_start(const struct hybrid *h, struct kex_state *state, uint8_t *client_public)
{
	if (kem_of(h)->keygen(client_public, state->bytes) != 0 ||
	    h->curve->keygen(client_public + h->kem->public_len,
	    state->bytes + h->kem->secret_len) != 0) {
		crypto_wipe(state, sizeof(*state));
		return -1;
	}
	return 0;
}

static int
hybrid_answer(const struct hybrid *h, const uint8_t *client_public, uint8_t *server_public,
    uint8_t *secret)
{
	struct shared shared;
	int r = -1;

	if (kem_of(h)->encaps(client_public, server_public, shared.bytes) == 0 &&
	    kex_curve_answer(h->curve, client_public + h->kem->public_len,
	    server_public + h->kem->cipher_len, shared.bytes + KEM_SHARED) == 0)
		r = combine(h, &shared, secret);
	crypto_wipe(&shared, sizeof(shared));
	return r;
}

/* The curve first: its private half tells whether there is a state at all. */
static int
hybrid_finish(const struct hybrid *h, struct kex_state *state, const uint8_t *server_public,
    uint8_t *secret)
{
	struct shared shared;
	int r = -1;

	if (h->curve->derive(state->bytes + h->kem->secret_len,
	    server_public + h->kem->cipher_len, shared.bytes + KEM_SHARED) == 0 &&
	    kem_of(h)->decaps(state->bytes, server_public, shared.bytes) == 0)
		r = combine(h, &shared, secret);
	crypto_wipe(&shared, sizeof(shared));
	crypto_wipe(state, sizeof(*state));
	return r;
}

/* ---- rows ---- */

#define HYBRID(id, kem_, curve_, hash_)							\
static const struct hybrid id = { &(kem_), &(curve_), hash_ };				\
static int										\
id##_start(struct kex_state *state, const struct kex_group *none,			\
    uint8_t *client_public)								\
{											\
	(void)none;									\
	return hybrid_start(&id, state, client_public);					\
}											\
static int										\
id##_answer(const struct kex_group *none, const uint8_t *client_public,			\
    uint8_t *server_public, uint8_t *secret)						\
{											\
	(void)none;									\
	return hybrid_answer(&id, client_public, server_public, secret);		\
}											\
static int										\
id##_finish(struct kex_state *state, const struct kex_group *none,			\
    const uint8_t *server_public, uint8_t *secret)					\
{											\
	(void)none;									\
	return hybrid_finish(&id, state, server_public, secret);			\
}

/* Ours needs the provider's SHA-3 at least. */
static bool
has_mlkem768(void)
{
	return mlkem_by_provider(&kem_mlkem768) != NULL || sha3_start() == 0;
}

static bool
has_mlkem768_and_nist(void)
{
	return has_mlkem768() && kex_ecdh_start() == 0;
}

static bool
has_mlkem1024_and_nist(void)
{
	return (mlkem_by_provider(&kem_mlkem1024) != NULL || sha3_start() == 0) &&
	    kex_ecdh_start() == 0;
}

/* kem_ and curve_ as the lengths' names begin; 32 bytes come out of SHA-256, and so on. */
#define HYBRID_ROW(id, name_, kem_, curve_, hash_, secret_len_, has_, like_) {		\
	.name = name_, .hash = hash_, .secret_is_string = true, .has = has_, .like = like_, \
	.client_len = kem_##_PUBLIC + curve_##_PUBLIC,					\
	.server_len = kem_##_CIPHER + curve_##_PUBLIC, .secret_len = secret_len_,	\
	.start = id##_start, .answer = id##_answer, .finish = id##_finish }

HYBRID(mlkem768x25519, kem_mlkem768, kex_x25519, HASH_SHA256)
HYBRID(mlkem768nistp256, kem_mlkem768, kex_nistp256, HASH_SHA256)
HYBRID(mlkem1024nistp384, kem_mlkem1024, kex_nistp384, HASH_SHA384)
HYBRID(sntrup761x25519, kem_sntrup761, kex_x25519, HASH_SHA512)

const struct kex_alg kex_mlkem768x25519_sha256 = HYBRID_ROW(mlkem768x25519,
    "mlkem768x25519-sha256", MLKEM768, X25519, HASH_SHA256, 32, has_mlkem768, NULL);
const struct kex_alg kex_mlkem768nistp256_sha256 = HYBRID_ROW(mlkem768nistp256,
    "mlkem768nistp256-sha256", MLKEM768, NISTP256, HASH_SHA256, 32, has_mlkem768_and_nist,
    &kex_mlkem768x25519_sha256);
const struct kex_alg kex_mlkem1024nistp384_sha384 = HYBRID_ROW(mlkem1024nistp384,
    "mlkem1024nistp384-sha384", MLKEM1024, NISTP384, HASH_SHA384, 48, has_mlkem1024_and_nist,
    &kex_mlkem768x25519_sha256);
const struct kex_alg kex_sntrup761x25519_sha512 = HYBRID_ROW(sntrup761x25519,
    "sntrup761x25519-sha512", SNTRUP761, X25519, HASH_SHA512, 64, NULL, NULL);
/* The name it had before it was registered; the same bytes. */
const struct kex_alg kex_sntrup761x25519_sha512_openssh = HYBRID_ROW(sntrup761x25519,
    "sntrup761x25519-sha512@openssh.com", SNTRUP761, X25519, HASH_SHA512, 64, NULL, NULL);
