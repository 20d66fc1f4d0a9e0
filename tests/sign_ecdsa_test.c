/* sign_ecdsa_test.c - ECDSA over the three NIST curves: known answers, points and numbers
 * that are not fit, and everything that is not a signature. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/sign_lab.h"
#include "tests/sign_wycheproof.h"

enum { CURVES = 3 };
static const struct {
	const char *alg, *curve;
	size_t len;
	const char *order;		/* FIPS 186-4 D.1.2 */
} curves[CURVES] = {
	{ "ecdsa-sha2-nistp256", "nistp256", 32,
	  "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551" },
	{ "ecdsa-sha2-nistp384", "nistp384", 48,
	  "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf"
	  "581a0db248b0a77aecec196accc52973" },
	{ "ecdsa-sha2-nistp521", "nistp521", 66,
	  "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa"
	  "51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409" },
};

static void
make_blob(struct bytes *out, const char *type, const char *curve, const uint8_t *point, size_t n)
{
	struct blob_out w = blob_out_of(out->p, sizeof(out->p));

	blob_put_string(&w, type, strlen(type));
	blob_put_string(&w, curve, strlen(curve));
	blob_put_string(&w, point, n);
	assert_false(w.bad);
	out->n = w.n;
}

static void
point_of(const struct lab *l, uint8_t *point, size_t n)
{
	struct blob b = blob_of(l->blob.p, l->blob.n);

	(void)blob_string(&b, NAME_MAX_LEN);
	(void)blob_string(&b, NAME_MAX_LEN);
	b = blob_string(&b, n);
	assert_int_equal(b.n, n);
	memcpy(point, b.p, n);
}

/* The two numbers as they stand, however they are encoded. */
static void
make_sig(struct bytes *out, const char *alg, const void *r, size_t r_len, const void *s,
    size_t s_len)
{
	uint8_t pair[512];
	struct blob_out w = blob_out_of(pair, sizeof(pair));

	blob_put_string(&w, r, r_len);
	blob_put_string(&w, s, s_len);
	assert_false(w.bad);
	lab_named(out, alg, pair, w.n);
}

static void
make_sig_numbers(struct bytes *out, const char *alg, const uint8_t *r, const uint8_t *s, size_t n)
{
	uint8_t pair[512];
	struct blob_out w = blob_out_of(pair, sizeof(pair));

	blob_put_mpint(&w, r, n);
	blob_put_mpint(&w, s, n);
	assert_false(w.bad);
	lab_named(out, alg, pair, w.n);
}

static void
known_answers(void **state)
{
	struct lab l;
	struct sign_key *key;

	(void)state;
	for (size_t i = 0; i < CURVES; i++) {
		lab_first(curves[i].alg, &l);
		assert_int_equal(lab_verify(&l), 0);
		key = lab_load(&l);
		assert_non_null(key);
		assert_ptr_equal(sign_key_alg(key), l.alg);
		sign_key_free(key);
		lab_sign(l.alg, &l);
	}
	for (size_t i = 0; i < SIGN_OPENSSH; i++) {
		if (strncmp(sign_openssh[i].alg, "ecdsa-", 6) != 0)
			continue;
		lab_openssh(&sign_openssh[i], &l);
		assert_int_equal(lab_verify(&l), 0);
		return;
	}
	fail();
}

static void
wycheproof(void **state)
{
	unsigned done = 0;

	(void)state;
	for (size_t g = 0; g < WYCHEPROOF_GROUPS; g++) {
		const struct wycheproof_group *group = &wycheproof_groups[g];
		uint8_t point[133], value[256];
		struct lab l;

		if (group->point == NULL)
			continue;
		l.alg = lab_alg(group->alg);
		make_blob(&l.blob, group->alg, &group->alg[strlen("ecdsa-sha2-")], point,
		    unhex(group->point, point, sizeof(point)));
		for (unsigned i = 0; i < group->count; i++) {
			const struct wycheproof *t = &group->tests[i];
			size_t n = unhex(t->signature, value, sizeof(value)) / 2;

			l.data.n = unhex(t->message, l.data.p, sizeof(l.data.p));
			make_sig_numbers(&l.sig, group->alg, value, &value[n], n);
			if (lab_verify(&l) != (t->good ? 0 : -1))
				fail_msg("%s: test %d: %s", group->alg, t->id, t->comment);
			done++;
		}
	}
	assert_true(done > 100);
}

static void
damage_is_refused(void **state)
{
	struct lab l;

	(void)state;
	for (size_t i = 0; i < CURVES; i++) {
		lab_first(curves[i].alg, &l);
		lab_truncate(&l);
		lab_flip(&l);
		lab_misname(&l);
	}
}

/* Type and curve name, each right for itself, must be one. */
static void
curve_is_the_types(void **state)
{
	uint8_t point[133];
	struct lab l;

	(void)state;
	for (size_t i = 0; i < CURVES; i++) {
		for (size_t type = 0; type < CURVES; type++) {
			for (size_t curve = 0; curve < CURVES; curve++) {
				lab_first(curves[i].alg, &l);
				point_of(&l, point, 1 + 2 * curves[i].len);
				make_blob(&l.blob, curves[type].alg, curves[curve].curve, point,
				    1 + 2 * curves[i].len);
				assert_int_equal(lab_verify(&l), type == i && curve == i ? 0 : -1);
				for (size_t row = 0; row < CURVES; row++) {
					if (row != i)
						assert_int_equal(lab_check(lab_alg(curves[row].alg),
						    &l.blob, &l.data, &l.sig), -1);
				}
			}
		}
	}
}

/* RFC 5656 3.1: compressed ones MAY be taken, the neutral one never; lengths are exact. */
static void
points_are_whole_and_on_the_curve(void **state)
{
	uint8_t point[134] = { 0 };
	struct lab l;

	(void)state;
	for (size_t i = 0; i < CURVES; i++) {
		size_t len = curves[i].len, whole = 1 + 2 * len;

		lab_first(curves[i].alg, &l);
		point_of(&l, point, whole);
		for (size_t n = 0; n <= whole + 1; n++) {
			make_blob(&l.blob, curves[i].alg, curves[i].curve, point, n);
			assert_int_equal(lab_verify(&l), n == whole ? 0 : -1);
		}
		for (unsigned form = 0; form < 256; form++) {
			point[0] = (uint8_t)form;
			make_blob(&l.blob, curves[i].alg, curves[i].curve, point, whole);
			assert_int_equal(lab_verify(&l), form == 4 ? 0 : -1);
			make_blob(&l.blob, curves[i].alg, curves[i].curve, point, 1 + len);
			assert_int_equal(lab_verify(&l), -1);
			make_blob(&l.blob, curves[i].alg, curves[i].curve, point, 1);
			assert_int_equal(lab_verify(&l), -1);
		}
		memset(point, 0, whole);		/* not on any of these curves */
		point[0] = 4;
		make_blob(&l.blob, curves[i].alg, curves[i].curve, point, whole);
		assert_int_equal(lab_verify(&l), -1);
		memset(&point[1], 0xff, whole - 1);	/* coordinates beyond the field */
		make_blob(&l.blob, curves[i].alg, curves[i].curve, point, whole);
		assert_int_equal(lab_verify(&l), -1);
	}
}

/* 0, the order, and one beyond, for either; with zeros too many; negative. */
static void
numbers_are_in_range_and_have_one_encoding(void **state)
{
	static const uint8_t zeros[80];

	(void)state;
	for (size_t i = 0; i < CURVES; i++) {
		struct lab good, l;
		struct blob pair, r, s;
		size_t len = curves[i].len;
		uint8_t order[1 + 66] = { 0 }, padded[1 + 1 + 66] = { 0 };

		lab_first(curves[i].alg, &good);
		l = good;
		pair = lab_value(&good.sig);
		r = blob_string(&pair, 80);
		s = blob_string(&pair, 80);
		assert_int_equal(unhex(curves[i].order, &order[1], len), len);
		for (unsigned beyond = 0; beyond < 2; beyond++) {
			order[len] = (uint8_t)(order[len] + beyond);
			make_sig(&l.sig, l.alg->name, order + (i == 2), 1 + len - (i == 2), s.p, s.n);
			assert_int_equal(lab_verify(&l), -1);
			make_sig(&l.sig, l.alg->name, r.p, r.n, order + (i == 2), 1 + len - (i == 2));
			assert_int_equal(lab_verify(&l), -1);
		}
		for (size_t n = 0; n < 3; n++) {
			make_sig(&l.sig, l.alg->name, zeros, n, s.p, s.n);
			assert_int_equal(lab_verify(&l), -1);
			make_sig(&l.sig, l.alg->name, r.p, r.n, zeros, n);
			assert_int_equal(lab_verify(&l), -1);
		}
		make_sig(&l.sig, l.alg->name, r.p, r.n, s.p, s.n);
		assert_int_equal(lab_verify(&l), 0);
		memcpy(&padded[1], r.p, r.n);
		make_sig(&l.sig, l.alg->name, padded, 1 + r.n, s.p, s.n);
		assert_int_equal(lab_verify(&l), -1);
		memset(padded, 0xff, sizeof(padded));
		make_sig(&l.sig, l.alg->name, padded, len, s.p, s.n);
		assert_int_equal(lab_verify(&l), -1);
		/* a third number, or half of one */
		lab_named(&l.sig, l.alg->name, lab_value(&good.sig).p, lab_value(&good.sig).n - 1);
		assert_int_equal(lab_verify(&l), -1);
		lab_named(&l.sig, l.alg->name, lab_value(&good.sig).p, 0);
		assert_int_equal(lab_verify(&l), -1);
	}
}

static void
scalars_are_in_range_and_the_points(void **state)
{
	struct lab l, other;

	(void)state;
	for (size_t i = 0; i < CURVES; i++) {
		size_t len = curves[i].len;
		unsigned carry = 0;

		lab_first(curves[i].alg, &l);
		other = l;
		for (size_t n = 0; n <= len + 1; n++) {
			if (n == len)
				continue;
			other.secret.n = n;
			assert_null(lab_load(&other));
		}
		other = l;
		other.secret.p[len - 1] ^= 1;
		assert_null(lab_load(&other));
		memset(other.secret.p, 0, len);
		assert_null(lab_load(&other));
		assert_int_equal(unhex(curves[i].order, other.secret.p, len), len);
		assert_null(lab_load(&other));
		/* the scalar plus the order has the same point, where it still fits */
		for (size_t at = len; at-- > 0;) {
			carry += (unsigned)other.secret.p[at] + l.secret.p[at];
			other.secret.p[at] = (uint8_t)carry;
			carry >>= 8;
		}
		assert_null(lab_load(&other));
		other = l;
		for (other.blob.n = 0; other.blob.n < l.blob.n; other.blob.n++)
			assert_null(lab_load(&other));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answers),
		cmocka_unit_test(wycheproof),
		cmocka_unit_test(damage_is_refused),
		cmocka_unit_test(curve_is_the_types),
		cmocka_unit_test(points_are_whole_and_on_the_curve),
		cmocka_unit_test(numbers_are_in_range_and_have_one_encoding),
		cmocka_unit_test(scalars_are_in_range_and_the_points),
	};

	if (crypto_init() != 0 || sign_start() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
