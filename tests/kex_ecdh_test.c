/* kex_ecdh_test.c - the NIST curves against NIST's vectors, and the points to refuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "crypto/crypto.h"
#include "crypto/kex_curve.h"
#include "tests/hex.h"

enum { PUBLIC_MAX = NISTP521_PUBLIC, SECRET_MAX = NISTP521_SECRET };

/* CAVS 14.1, ECC CDH primitive (SP 800-56A), count 0 of each curve; the zeros in front of
 * P-521's numbers cut to the field's length.  And the base point and the order, of SEC 2. */
static const struct {
	const char *name;
	enum hash_id hash;
	const struct kex_curve *curve;
	const char *private, *public, *peer, *secret, *base, *order;
} rows[] = {
	{ "ecdh-sha2-nistp256", HASH_SHA256, &kex_nistp256,
	  "7d7dc5f71eb29ddaf80d6214632eeae03d9058af1fb6d22ed80badb62bc1a534",
	  "04ead218590119e8876b29146ff89ca61770c4edbbf97d38ce385ed281d8a6b230"
	  "28af61281fd35e2fa7002523acc85a429cb06ee6648325389f59edfce1405141",
	  "04700c48f77f56584c5cc632ca65640db91b6bacce3a4df6b42ce7cc838833d287"
	  "db71e509e3fd9b060ddb20ba5c51dcc5948d46fbf640dfe0441782cab85fa4ac",
	  "46fc62106420ff012e54a434fbdd2d25ccc5852060561e68040dd7778997bd7b",
	  "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
	  "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
	  "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551" },
	{ "ecdh-sha2-nistp384", HASH_SHA384, &kex_nistp384,
	  "3cc3122a68f0d95027ad38c067916ba0eb8c38894d22e1b15618b6818a661774ad463b205da88cf699ab4d43c9cf98a1",
	  "049803807f2f6d2fd966cdd0290bd410c0190352fbec7ff6247de1302df86f25d34fe4a97bef60cff548355c015dbb3e5f"
	  "ba26ca69ec2f5b5d9dad20cc9da711383a9dbe34ea3fa5a2af75b46502629ad54dd8b7d73a8abb06a3a3be47d650cc99",
	  "04a7c76b970c3b5fe8b05d2838ae04ab47697b9eaf52e764592efda27fe7513272734466b400091adbf2d68c58e0c50066"
	  "ac68f19f2e1cb879aed43a9969b91a0839c4c38a49749b661efedf243451915ed0905a32b060992b468c64766fc8437a",
	  "5f9d29dc5e31a163060356213669c8ce132e22f57c9a04f40ba7fcead493b457e5621e766c40a2e3d4d6a04b25e533f1",
	  "04aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7"
	  "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f",
	  "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973" },
	{ "ecdh-sha2-nistp521", HASH_SHA512, &kex_nistp521,
	  "017eecc07ab4b329068fba65e56a1f8890aa935e57134ae0ffcce802735151f4eac6564f6ee9974c5e6887a1fefee5743a"
	  "e2241bfeb95d5ce31ddcb6f9edb4d6fc47",
	  "0400602f9d0cf9e526b29e22381c203c48a886c2b0673033366314f1ffbcba240ba42f4ef38a76174635f91e6b4ed34275eb"
	  "01c8467d05ca80315bf1a7bbd945f550a5"
	  "01b7c85f26f5d4b2d7355cf6b02117659943762b6d1db5ab4f1dbc44ce7b2946eb6c7de342962893fd387d1b73d7a8672d"
	  "1f236961170b7eb3579953ee5cdc88cd2d",
	  "0400685a48e86c79f0f0875f7bc18d25eb5fc8c0b07e5da4f4370f3a9490340854334b1e1b87fa395464c60626124a4e70d0"
	  "f785601d37c09870ebf176666877a2046d"
	  "01ba52c56fc8776d9e8f5db4f0cc27636d0b741bbe05400697942e80b739884a83bde99e0f6716939e632bc8986fa18dcc"
	  "d443a348b6c3e522497955a4f3c302f676",
	  "005fc70477c3e63bc3954bd0df3ea0d1f41ee21746ed95fc5e1fdf90930d5e136672d72cc770742d1711c3c3a4c334a0ad"
	  "9759436a4d3c5bf6e74b9578fac148c831",
	  "0400c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8"
	  "de3348b3c1856a429bf97e7e31c2e5bd66"
	  "011839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b9013fad07"
	  "61353c7086a272c24088be94769fd16650",
	  "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5"
	  "d03bb5c9b8899c47aebb6fb71e91386409" },
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static const struct kex_alg *
row(size_t i)
{
	const struct kex_alg *kex = kex_find(rows[i].name, strlen(rows[i].name));

	assert_non_null(kex);
	return kex;
}

static void
known_answers(void **state)
{
	uint8_t private[SECRET_MAX], public[PUBLIC_MAX], peer[PUBLIC_MAX], want[SECRET_MAX];
	uint8_t got[SECRET_MAX];

	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		const struct kex_curve *c = rows[i].curve;

		assert_int_equal(unhex(rows[i].private, private, sizeof(private)), c->private_len);
		assert_int_equal(unhex(rows[i].public, public, sizeof(public)), c->public_len);
		assert_int_equal(unhex(rows[i].peer, peer, sizeof(peer)), c->public_len);
		assert_int_equal(unhex(rows[i].secret, want, sizeof(want)), c->secret_len);
		assert_int_equal(c->derive(private, peer, got), 0);
		assert_memory_equal(got, want, c->secret_len);
		/* and the public value's coordinate, which is that number times the base */
		assert_int_equal(unhex(rows[i].base, peer, sizeof(peer)), c->public_len);
		assert_int_equal(c->derive(private, peer, got), 0);
		assert_memory_equal(got, public + 1, c->secret_len);
	}
}

static void
both_sides_agree_and_differ_each_time(void **state)
{
	uint8_t client[PUBLIC_MAX + 1], server[PUBLIC_MAX + 1], ours[SECRET_MAX + 1];
	uint8_t theirs[SECRET_MAX + 1], last[SECRET_MAX] = { 0 };
	struct kex_state kex;

	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		const struct kex_alg *k = row(i);

		client[k->client_len] = server[k->server_len] = 0x5a;
		ours[k->secret_len] = theirs[k->secret_len] = 0x5a;
		for (int n = 0; n < 5; n++) {
			assert_int_equal(k->start(&kex, NULL, client), 0);
			assert_int_equal(k->answer(NULL, client, server, theirs), 0);
			assert_int_equal(k->finish(&kex, NULL, server, ours), 0);
			assert_memory_equal(ours, theirs, k->secret_len);
			assert_memory_not_equal(ours, last, k->secret_len);
			assert_memory_not_equal(client, server, k->client_len);
			memcpy(last, ours, k->secret_len);
		}
		assert_int_equal(client[k->client_len] & server[k->server_len] &
		    ours[k->secret_len] & theirs[k->secret_len], 0x5a);
	}
}

/* Both steps that take a point. */
static void
is_refused(size_t i, const uint8_t *point)
{
	static const uint8_t zero[SECRET_MAX];
	const struct kex_alg *k = row(i);
	uint8_t public[PUBLIC_MAX], secret[SECRET_MAX];
	struct kex_state kex;

	assert_int_equal(k->answer(NULL, point, public, secret), -1);
	assert_memory_equal(secret, zero, k->secret_len);
	assert_int_equal(k->start(&kex, NULL, public), 0);
	assert_int_equal(k->finish(&kex, NULL, point, secret), -1);
	assert_memory_equal(secret, zero, k->secret_len);
}

static void
points_off_the_curve_are_refused(void **state)
{
	uint8_t point[PUBLIC_MAX];

	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		size_t n = unhex(rows[i].peer, point, sizeof(point));

		for (size_t at = 1; at < n; at += 7) {
			point[at] ^= 1;
			is_refused(i, point);
			point[at] ^= 1;
		}
		/* 0,0 and all ones, whose coordinates are above the field's prime */
		memset(point + 1, 0, n - 1);
		is_refused(i, point);
		memset(point + 1, 0xff, n - 1);
		is_refused(i, point);
	}
}

/* Only the uncompressed form: what else OpenSSL would read is not what we announced. */
static void
other_forms_of_a_point_are_refused(void **state)
{
	uint8_t point[PUBLIC_MAX];

	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		size_t n = unhex(rows[i].peer, point, sizeof(point));

		for (unsigned form = 0; form < 256; form++) {
			point[0] = (uint8_t)form;
			if (form != 4 && (form < 9 || form % 50 == 0))
				is_refused(i, point);
		}
		memset(point, 0, n);		/* infinity, in the length of a point */
		is_refused(i, point);
	}
}

static void
private_numbers_that_lead_nowhere_are_refused(void **state)
{
	uint8_t private[SECRET_MAX] = { 0 }, peer[PUBLIC_MAX], secret[SECRET_MAX];

	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		const struct kex_curve *c = rows[i].curve;

		(void)unhex(rows[i].peer, peer, sizeof(peer));
		memset(private, 0, sizeof(private));
		assert_int_equal(c->derive(private, peer, secret), -1);
		/* the order: infinity comes out */
		assert_int_equal(unhex(rows[i].order, private, sizeof(private)), c->private_len);
		assert_int_equal(c->derive(private, peer, secret), -1);
		/* one: the point itself */
		memset(private, 0, sizeof(private));
		private[c->private_len - 1] = 1;
		assert_int_equal(c->derive(private, peer, secret), 0);
		assert_memory_equal(secret, peer + 1, c->secret_len);
	}
}

static void
a_state_serves_once(void **state)
{
	uint8_t client[PUBLIC_MAX], server[PUBLIC_MAX], secret[SECRET_MAX];
	struct kex_state kex;

	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		const struct kex_alg *k = row(i);

		memset(&kex, 0, sizeof(kex));
		assert_int_equal(k->start(&kex, NULL, client), 0);
		assert_int_equal(k->answer(NULL, client, server, secret), 0);
		assert_int_equal(k->finish(&kex, NULL, server, secret), 0);
		assert_int_equal(k->finish(&kex, NULL, server, secret), -1);
	}
}

static void
rows_are_those_of_the_rfc(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		const struct kex_alg *k = row(i);

		assert_int_equal(k->hash, rows[i].hash);
		assert_int_equal(k->client_len, rows[i].curve->public_len);
		assert_int_equal(k->server_len, rows[i].curve->public_len);
		assert_int_equal(k->secret_len, rows[i].curve->secret_len);
		assert_int_equal(k->client_len, 1 + 2 * k->secret_len);
		assert_false(k->secret_is_string);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answers),
		cmocka_unit_test(both_sides_agree_and_differ_each_time),
		cmocka_unit_test(points_off_the_curve_are_refused),
		cmocka_unit_test(other_forms_of_a_point_are_refused),
		cmocka_unit_test(private_numbers_that_lead_nowhere_are_refused),
		cmocka_unit_test(a_state_serves_once),
		cmocka_unit_test(rows_are_those_of_the_rfc),
	};

	if (crypto_init() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
