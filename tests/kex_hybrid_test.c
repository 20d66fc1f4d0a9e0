/*
 * kex_hybrid_test.c - that a hybrid key exchange is what its draft says: which halves, in
 * which order, of which lengths, and K a hash of both; and that either half alone ends it.
 *
 * Each half has its official vectors in a test of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <string.h>

#include "crypto/crypto.h"
#include "crypto/kex_curve.h"
#include "crypto/mlkem.h"
#include "crypto/sntrup761.h"

/* draft-ietf-sshm-mlkem-hybrid-kex and draft-ietf-sshm-ntruprime-ssh, as numbers and not as
 * sums. */
static const struct {
	const char *name;
	const struct kem *kem;
	const struct kex_curve *curve;
	enum hash_id hash;
	const char *md;			/* the same hash, asked elsewhere */
	size_t client_len, server_len, secret_len;
} rows[] = {
	{ "mlkem768x25519-sha256", &kem_mlkem768, &kex_x25519, HASH_SHA256, "SHA256",
	  1216, 1120, 32 },
	{ "mlkem768nistp256-sha256", &kem_mlkem768, &kex_nistp256, HASH_SHA256, "SHA256",
	  1249, 1153, 32 },
	{ "mlkem1024nistp384-sha384", &kem_mlkem1024, &kex_nistp384, HASH_SHA384, "SHA384",
	  1665, 1665, 48 },
	{ "sntrup761x25519-sha512", &kem_sntrup761, &kex_x25519, HASH_SHA512, "SHA512",
	  1190, 1071, 64 },
	{ "sntrup761x25519-sha512@openssh.com", &kem_sntrup761, &kex_x25519, HASH_SHA512, "SHA512",
	  1190, 1071, 64 },
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

struct exchange {
	struct kex_state state;
	uint8_t client[KEX_PUBLIC_MAX], server[KEX_PUBLIC_MAX];
	uint8_t ours[KEX_SECRET_MAX], theirs[KEX_SECRET_MAX];
};

static const struct kex_alg *
row(size_t i)
{
	const struct kex_alg *kex = kex_find(rows[i].name, strlen(rows[i].name));

	assert_non_null(kex);
	return kex;
}

static void
rows_are_those_of_the_draft(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		const struct kex_alg *k = row(i);

		assert_int_equal(k->client_len, rows[i].client_len);
		assert_int_equal(k->server_len, rows[i].server_len);
		assert_int_equal(k->secret_len, rows[i].secret_len);
		assert_int_equal(k->secret_len, hash_size(k->hash));
		assert_int_equal(k->hash, rows[i].hash);
		assert_true(k->secret_is_string);
		assert_int_equal(k->client_len, rows[i].kem->public_len + rows[i].curve->public_len);
		assert_int_equal(k->server_len, rows[i].kem->cipher_len + rows[i].curve->public_len);
	}
}

static void
both_sides_agree_and_differ_each_time(void **state)
{
	uint8_t last[KEX_SECRET_MAX] = { 0 };
	static struct exchange x;

	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		const struct kex_alg *k = row(i);

		x.client[k->client_len] = x.server[k->server_len] = 0x5a;
		x.ours[k->secret_len] = x.theirs[k->secret_len] = 0x5a;
		for (int n = 0; n < 5; n++) {
			assert_int_equal(k->start(&x.state, NULL, x.client), 0);
			assert_int_equal(k->answer(NULL, x.client, x.server, x.theirs), 0);
			assert_int_equal(k->finish(&x.state, NULL, x.server, x.ours), 0);
			assert_memory_equal(x.ours, x.theirs, k->secret_len);
			assert_memory_not_equal(x.ours, last, k->secret_len);
			memcpy(last, x.ours, k->secret_len);
		}
		assert_int_equal(x.client[k->client_len] & x.server[k->server_len] &
		    x.ours[k->secret_len] & x.theirs[k->secret_len], 0x5a);
	}
}

/* Made again from the client's two private halves: KEM first, fixed lengths, one hash. */
static void
the_secret_is_the_hash_of_both_halves(void **state)
{
	uint8_t both[KEM_SHARED + KEX_CURVE_SECRET_MAX], want[HASH_MAX];
	static struct exchange x;
	unsigned n;

	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		const struct kex_alg *k = row(i);
		const struct kem *kem = rows[i].kem;

		assert_int_equal(k->start(&x.state, NULL, x.client), 0);
		assert_int_equal(k->answer(NULL, x.client, x.server, x.theirs), 0);
		assert_int_equal(kem->decaps(x.state.bytes, x.server, both), 0);
		assert_int_equal(rows[i].curve->derive(x.state.bytes + kem->secret_len,
		    x.server + kem->cipher_len, both + KEM_SHARED), 0);
		assert_int_equal(EVP_Digest(both, KEM_SHARED + rows[i].curve->secret_len, want, &n,
		    EVP_get_digestbyname(rows[i].md), NULL), 1);
		assert_int_equal(n, k->secret_len);
		assert_memory_equal(x.theirs, want, n);
	}
}

/* A bad half is refused by whoever sees it, though the other half is good. */
static void
a_bad_half_is_refused(void **state)
{
	static struct exchange x;

	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		const struct kex_alg *k = row(i);
		size_t kem_len = rows[i].kem->public_len, cipher_len = rows[i].kem->cipher_len;

		assert_int_equal(k->start(&x.state, NULL, x.client), 0);
		/* coefficients of 4095; every public key of sntrup761 decodes to something */
		memset(x.client, 0xff, 3);
		assert_int_equal(k->answer(NULL, x.client, x.server, x.theirs),
		    rows[i].kem == &kem_sntrup761 ? 0 : -1);
		/* the curve's half all zero: X25519's result would be, too */
		assert_int_equal(k->start(&x.state, NULL, x.client), 0);
		memset(x.client + kem_len, 0, k->client_len - kem_len);
		assert_int_equal(k->answer(NULL, x.client, x.server, x.theirs), -1);

		assert_int_equal(k->start(&x.state, NULL, x.client), 0);
		assert_int_equal(k->answer(NULL, x.client, x.server, x.theirs), 0);
		memset(x.server + cipher_len, 0, k->server_len - cipher_len);
		assert_int_equal(k->finish(&x.state, NULL, x.server, x.ours), -1);
	}
}

/* No error, as the KEM has none, but nobody else has that secret. */
static void
a_damaged_ciphertext_gives_another_secret(void **state)
{
	static struct exchange x;

	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		const struct kex_alg *k = row(i);

		for (size_t at = 0; at < rows[i].kem->cipher_len; at += 100) {
			assert_int_equal(k->start(&x.state, NULL, x.client), 0);
			assert_int_equal(k->answer(NULL, x.client, x.server, x.theirs), 0);
			x.server[at] ^= 1;
			assert_int_equal(k->finish(&x.state, NULL, x.server, x.ours), 0);
			assert_memory_not_equal(x.ours, x.theirs, k->secret_len);
		}
	}
}

static void
a_state_serves_once_and_is_wiped(void **state)
{
	static const struct kex_state none;
	static struct exchange x;

	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		const struct kex_alg *k = row(i);

		memset(&x.state, 0, sizeof(x.state));
		assert_int_equal(k->start(&x.state, NULL, x.client), 0);
		assert_int_equal(k->answer(NULL, x.client, x.server, x.theirs), 0);
		assert_int_equal(k->finish(&x.state, NULL, x.server, x.ours), 0);
		assert_memory_equal(&x.state, &none, sizeof(none));
		assert_int_equal(k->finish(&x.state, NULL, x.server, x.ours), -1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_those_of_the_draft),
		cmocka_unit_test(both_sides_agree_and_differ_each_time),
		cmocka_unit_test(the_secret_is_the_hash_of_both_halves),
		cmocka_unit_test(a_bad_half_is_refused),
		cmocka_unit_test(a_damaged_ciphertext_gives_another_secret),
		cmocka_unit_test(a_state_serves_once_and_is_wiped),
	};

	if (crypto_init() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
