/* sign_dsa_test.c - ssh-dss: a known answer, domains that are not fit, and everything that
 * is not a signature. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/sign_lab.h"

enum { P, Q, G, Y, NUMBERS };

static void
numbers_of(const struct lab *l, struct blob out[NUMBERS])
{
	struct blob in = blob_of(l->blob.p, l->blob.n);

	(void)blob_string(&in, NAME_MAX_LEN);
	for (size_t i = 0; i < NUMBERS; i++)
		out[i] = blob_mpint(&in, 128);
	assert_true(blob_done(&in));
}

static void
make_blob(struct bytes *out, const struct blob number[NUMBERS])
{
	struct blob_out w = blob_out_of(out->p, sizeof(out->p));

	blob_put_string(&w, "ssh-dss", 7);
	for (size_t i = 0; i < NUMBERS; i++)
		blob_put_mpint(&w, number[i].p, number[i].n);
	assert_false(w.bad);
	out->n = w.n;
}

static void
known_answer(void **state)
{
	struct sign_key *key;
	struct lab l;

	(void)state;
	lab_first("ssh-dss", &l);
	assert_int_equal(lab_verify(&l), 0);
	key = lab_load(&l);
	assert_non_null(key);
	assert_ptr_equal(sign_key_alg(key), l.alg);
	sign_key_free(key);
	lab_sign(l.alg, &l);
}

static void
damage_is_refused(void **state)
{
	struct lab l;

	(void)state;
	lab_first("ssh-dss", &l);
	lab_truncate(&l);
	lab_flip(&l);
	lab_misname(&l);
}

static void
signatures_are_forty_bytes(void **state)
{
	uint8_t value[48] = { 0 };
	struct lab l;

	(void)state;
	lab_first("ssh-dss", &l);
	memcpy(value, lab_value(&l.sig).p, 40);
	for (size_t n = 0; n <= sizeof(value); n++) {
		lab_named(&l.sig, "ssh-dss", value, n);
		assert_int_equal(lab_verify(&l), n == 40 ? 0 : -1);
	}
	for (int half = 0; half < 2; half++) {	/* r or s is 0, or beyond q */
		lab_first("ssh-dss", &l);
		memset(&l.sig.p[l.sig.n - (half == 0 ? 40 : 20)], 0, 20);
		assert_int_equal(lab_verify(&l), -1);
		lab_first("ssh-dss", &l);
		memset(&l.sig.p[l.sig.n - (half == 0 ? 40 : 20)], 0xff, 20);
		assert_int_equal(lab_verify(&l), -1);
	}
}

/* y = 1 or g = 1 would verify what anybody makes; other sizes are other algorithms. */
static void
unfit_domains_are_refused(void **state)
{
	static const uint8_t small[] = { 1, 2 };
	struct blob number[NUMBERS], other[NUMBERS];
	uint8_t changed[128];
	struct lab l;

	(void)state;
	lab_first("ssh-dss", &l);
	numbers_of(&l, number);
	for (size_t i = 0; i < NUMBERS; i++) {
		struct lab t = l;

		memcpy(other, number, sizeof(other));
		for (size_t n = 0; n < 2; n++) {
			other[i] = blob_of(&small[n], 1);
			make_blob(&t.blob, other);
			assert_int_equal(lab_verify(&t), -1);
			assert_null(lab_load(&t));
		}
		other[i] = blob_of(small, 0);
		make_blob(&t.blob, other);
		assert_int_equal(lab_verify(&t), -1);
		memcpy(changed, number[i].p, number[i].n);
		changed[number[i].n - 1] ^= 1;		/* even, or of no subgroup */
		other[i] = blob_of(changed, number[i].n);
		make_blob(&t.blob, other);
		assert_int_equal(lab_verify(&t), -1);
		changed[number[i].n - 1] ^= 1;
		changed[0] &= 0x7f;			/* one bit less */
		make_blob(&t.blob, other);
		if (i == P || i == Q)
			assert_int_equal(lab_verify(&t), -1);
	}
	for (size_t i = G; i <= Y; i++) {		/* p itself, which is 0 */
		struct lab t = l;

		memcpy(other, number, sizeof(other));
		other[i] = number[P];
		make_blob(&t.blob, other);
		assert_int_equal(lab_verify(&t), -1);
	}
}

static void
halves_must_belong_together(void **state)
{
	struct lab l, other;

	(void)state;
	lab_first("ssh-dss", &l);
	other = l;
	other.secret.p[other.secret.n - 1] ^= 1;
	assert_null(lab_load(&other));
	for (other = l, other.secret.n = 0; other.secret.n < l.secret.n; other.secret.n++)
		assert_null(lab_load(&other));
	other.secret.p[other.secret.n++] = 0;
	assert_null(lab_load(&other));
	memset(other.secret.p, 0, 4);		/* 0 */
	other.secret.n = 4;
	assert_null(lab_load(&other));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answer),
		cmocka_unit_test(damage_is_refused),
		cmocka_unit_test(signatures_are_forty_bytes),
		cmocka_unit_test(unfit_domains_are_refused),
		cmocka_unit_test(halves_must_belong_together),
	};

	if (crypto_init() != 0 || sign_start() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
