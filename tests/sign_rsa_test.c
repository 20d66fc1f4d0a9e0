/* sign_rsa_test.c - rsa-sha2-512 and rsa-sha2-256: known answers, keys that are not fit,
 * and everything that is not a signature. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <time.h>

#include "tests/sign_lab.h"
#include "tests/sign_wycheproof.h"

enum { BIT_MAX = 16384 };

/* A key blob of these numbers. */
static void
make_blob(struct bytes *out, const uint8_t *e, size_t e_len, const uint8_t *n, size_t n_len)
{
	struct blob_out w = blob_out_of(out->p, sizeof(out->p));

	blob_put_string(&w, "ssh-rsa", 7);
	blob_put_mpint(&w, e, e_len);
	blob_put_mpint(&w, n, n_len);
	assert_false(w.bad);
	out->n = w.n;
}

static struct blob
modulus_of(const struct lab *l)
{
	struct blob b = blob_of(l->blob.p, l->blob.n);

	(void)blob_string(&b, NAME_MAX_LEN);
	(void)blob_mpint(&b, 8);
	return blob_mpint(&b, BIT_MAX / 8);
}

static void
known_answers(void **state)
{
	struct lab l;
	struct bytes sig;
	struct sign_key *key;
	unsigned found = 0;

	(void)state;
	for (size_t i = 0; i < SIGN_PAIRS; i++) {
		if (strncmp(sign_pairs[i].alg, "rsa-", 4) != 0)
			continue;
		lab_pair(i, &l);
		assert_int_equal(lab_verify(&l), 0);
		key = lab_load(&l);
		assert_non_null(key);
		assert_ptr_equal(sign_key_alg(key), lab_alg("rsa-sha2-512"));
		assert_int_equal(l.alg->sign(key, l.data.p, l.data.n, sig.p, SIGNATURE_MAX, &sig.n), 0);
		assert_int_equal(sig.n, l.sig.n);
		assert_memory_equal(sig.p, l.sig.p, sig.n);
		sign_key_free(key);
		found++;
	}
	assert_int_equal(found, 2);
}

static void
openssh_samples(void **state)
{
	struct lab l;
	unsigned found = 0;

	(void)state;
	for (size_t i = 0; i < SIGN_OPENSSH; i++) {
		if (strncmp(sign_openssh[i].alg, "rsa-", 4) != 0)
			continue;
		lab_openssh(&sign_openssh[i], &l);
		assert_int_equal(lab_verify(&l), 0);
		found++;
	}
	assert_int_equal(found, 1);
}

static void
wycheproof(void **state)
{
	unsigned done = 0;

	(void)state;
	for (size_t g = 0; g < WYCHEPROOF_GROUPS; g++) {
		const struct wycheproof_group *group = &wycheproof_groups[g];
		uint8_t n[BIT_MAX / 8], e[8], value[4096];
		struct lab l;

		if (group->n == NULL)
			continue;
		l.alg = lab_alg(group->alg);
		make_blob(&l.blob, e, unhex(group->e, e, sizeof(e)), n,
		    unhex(group->n, n, sizeof(n)));
		for (unsigned i = 0; i < group->count; i++) {
			const struct wycheproof *t = &group->tests[i];

			l.data.n = unhex(t->message, l.data.p, sizeof(l.data.p));
			lab_named(&l.sig, group->alg, value, unhex(t->signature, value,
			    sizeof(value)));
			if (lab_verify(&l) != (t->good ? 0 : -1))
				fail_msg("%s: test %d: %s", group->alg, t->id, t->comment);
			done++;
		}
	}
	assert_true(done > 60);
}

static void
damage_is_refused(void **state)
{
	struct lab l;

	(void)state;
	lab_first("rsa-", &l);
	lab_truncate(&l);
	lab_flip(&l);
	lab_misname(&l);
}

/* The agreed algorithm is the row; the same key signs by both. */
static void
each_hash_is_its_own(void **state)
{
	const struct sign_alg *const rows[] = { lab_alg("rsa-sha2-512"), lab_alg("rsa-sha2-256"),
		lab_alg("ssh-rsa") };
	struct lab l;
	struct bytes sig, renamed;
	struct sign_key *key;

	(void)state;
	lab_first("rsa-", &l);
	key = lab_load(&l);
	assert_non_null(key);
	for (size_t i = 0; i < 3; i++) {
		const struct sign_alg *other = rows[(i + 1) % 3];

		assert_string_equal(rows[i]->key_type, "ssh-rsa");
		assert_int_equal(rows[i]->sign(key, l.data.p, l.data.n, sig.p, SIGNATURE_MAX, &sig.n), 0);
		assert_int_equal(lab_check(rows[i], &l.blob, &l.data, &sig), 0);
		assert_int_equal(lab_check(other, &l.blob, &l.data, &sig), -1);
		lab_named(&renamed, other->name, lab_value(&sig).p, lab_value(&sig).n);
		assert_int_equal(lab_check(other, &l.blob, &l.data, &renamed), -1);
		lab_sign(rows[i], &l);
	}
	sign_key_free(key);
}

/* RFC 8332 3 lets zeros be cut off: not here; nor may there be more of them. */
static void
signature_is_as_long_as_the_modulus(void **state)
{
	struct lab l;
	uint8_t value[2048 / 8 + 1] = { 0 };

	(void)state;
	lab_first("rsa-", &l);
	assert_int_equal(lab_value(&l.sig).n, sizeof(value) - 1);
	memcpy(&value[1], lab_value(&l.sig).p, sizeof(value) - 1);
	lab_named(&l.sig, l.alg->name, value, sizeof(value));
	assert_int_equal(lab_verify(&l), -1);
	for (size_t n = 0; n < sizeof(value) - 1; n++) {
		lab_named(&l.sig, l.alg->name, &value[1], n);
		assert_int_equal(lab_verify(&l), -1);
	}
	/* a signature that begins with zeros, as one of 256 does */
	for (unsigned i = 0; i < 5000; i++) {
		struct sign_key *key = lab_load(&l);
		struct blob s;
		size_t n;

		assert_non_null(key);
		do {
			l.data.n = 4;
			memcpy(l.data.p, &i, 4);
			assert_int_equal(l.alg->sign(key, l.data.p, 4, l.sig.p, SIGNATURE_MAX, &n), 0);
			l.sig.n = n;
			s = lab_value(&l.sig);
		} while (s.p[0] != 0 && ++i < 5000);
		sign_key_free(key);
		assert_int_equal(s.p[0], 0);
		assert_int_equal(lab_verify(&l), 0);
		memcpy(value, s.p, s.n);
		lab_named(&l.sig, l.alg->name, &value[1], s.n - 1);
		assert_int_equal(lab_verify(&l), -1);
		return;
	}
}

static void
refused_quickly(const struct lab *l)
{
	struct timespec a, b;
	double ms;

	assert_int_equal(sign_rsa_bits(l->blob.p, l->blob.n), 0);
	assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a), 0);
	assert_int_equal(lab_verify(l), -1);
	assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b), 0);
	ms = (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) / 1e6;
	assert_true(ms < 5);
	assert_null(lab_load(l));
}

/* The time of a check grows with modulus and exponent, which a peer chooses. */
static void
unfit_keys_are_refused_before_arithmetic(void **state)
{
	static const uint8_t three[] = { 3 }, one[] = { 1 }, even[] = { 1, 0 }, none[] = { 0 };
	uint8_t n[BIT_MAX / 8 + 1], e[9];
	struct lab l;
	struct blob modulus;

	(void)state;
	lab_first("rsa-", &l);
	modulus = modulus_of(&l);
	assert_int_equal(sign_rsa_bits(l.blob.p, l.blob.n), 2048);
	memcpy(n, modulus.p, modulus.n);
	make_blob(&l.blob, three, 1, n, modulus.n);
	assert_int_equal(sign_rsa_bits(l.blob.p, l.blob.n), 2048);
	make_blob(&l.blob, one, 1, n, modulus.n);
	refused_quickly(&l);
	make_blob(&l.blob, even, 2, n, modulus.n);
	refused_quickly(&l);
	make_blob(&l.blob, none, 1, n, modulus.n);
	refused_quickly(&l);
	memset(e, 0xff, sizeof(e));
	make_blob(&l.blob, e, 8, n, modulus.n);
	assert_int_equal(sign_rsa_bits(l.blob.p, l.blob.n), 2048);
	make_blob(&l.blob, e, 9, n, modulus.n);
	refused_quickly(&l);
	make_blob(&l.blob, n, modulus.n, n, modulus.n);
	refused_quickly(&l);
	n[0] = 0x7f;			/* 2047 bits */
	make_blob(&l.blob, three, 1, n, modulus.n);
	refused_quickly(&l);
	n[0] = 0xff;
	n[modulus.n - 1] &= 0xfe;
	make_blob(&l.blob, three, 1, n, modulus.n);
	refused_quickly(&l);
	memset(n, 0xff, sizeof(n));
	make_blob(&l.blob, three, 1, n, BIT_MAX / 8);
	assert_int_equal(sign_rsa_bits(l.blob.p, l.blob.n), BIT_MAX);
	make_blob(&l.blob, three, 1, n, BIT_MAX / 8 + 1);
	refused_quickly(&l);
	n[0] = 1;			/* one bit more */
	make_blob(&l.blob, three, 1, n, BIT_MAX / 8 + 1);
	refused_quickly(&l);
	make_blob(&l.blob, three, 1, n, 0);
	refused_quickly(&l);
}

/* Negative, or with a zero too many: another key than the one that was named. */
static void
numbers_have_one_encoding(void **state)
{
	struct lab l;
	struct blob n;
	struct blob_out w;
	static const uint8_t zeros[2] = { 0 };

	(void)state;
	for (int how = 0; how < 5; how++) {
		struct bytes number;

		lab_first("rsa-", &l);
		n = modulus_of(&l);
		w = blob_out_of(number.p, sizeof(number.p));
		blob_put(&w, zeros, how == 1 ? 0 : how == 2 ? 2 : 1);
		blob_put(&w, n.p, n.n);
		number.n = w.n;
		w = blob_out_of(l.blob.p, sizeof(l.blob.p));
		blob_put_string(&w, "ssh-rsa", 7);
		blob_put_string(&w, how == 3 ? "\0\1\0\1" : how == 4 ? "\x81\0\1" : "\1\0\1",
		    how == 3 ? 4 : 3);
		blob_put_string(&w, number.p, number.n);
		l.blob.n = w.n;
		assert_int_equal(lab_verify(&l), how == 0 ? 0 : -1);
	}
}

/* ---- private halves ---- */

/* The form again with one of its four numbers another. */
static void
with_number(struct lab *l, unsigned which, const uint8_t *p, size_t n)
{
	struct bytes old = l->secret;
	struct blob in = blob_of(old.p, old.n), s;
	struct blob_out w = blob_out_of(l->secret.p, sizeof(l->secret.p));

	for (unsigned i = 0; i < 4; i++) {
		s = blob_mpint(&in, KEY_BLOB_MAX);
		if (i == which)
			blob_put_mpint(&w, p, n);
		else
			blob_put_mpint(&w, s.p, s.n);
	}
	assert_true(blob_done(&in));
	l->secret.n = w.n;
}

static void
halves_must_belong_together(void **state)
{
	struct lab l, other;
	static const uint8_t small[] = { 3 };
	struct blob in, s;

	(void)state;
	for (unsigned which = 0; which < 4; which++) {
		lab_first("rsa-", &l);
		with_number(&l, which, small, 1);
		assert_null(lab_load(&l));
		lab_first("rsa-", &l);
		with_number(&l, which, small, 0);
		assert_null(lab_load(&l));
		lab_first("rsa-", &l);
		in = blob_of(l.secret.p, l.secret.n);
		for (unsigned i = 0; i <= which; i++)
			s = blob_mpint(&in, KEY_BLOB_MAX);
		other = l;
		other.secret.p[l.secret.n - in.n - 1] ^= 2;	/* the last byte of it */
		assert_true(s.n > 0);
		assert_null(lab_load(&other));
	}
	lab_first("rsa-", &l);
	lab_first("rsa-sha2-256", &other);
	l.blob = other.blob;
	assert_null(lab_load(&l));
}

static void
parts_of_a_form_are_refused(void **state)
{
	struct lab l;
	size_t n;

	(void)state;
	lab_first("rsa-", &l);
	n = l.secret.n;
	for (l.secret.n = 0; l.secret.n < n; l.secret.n++)
		assert_null(lab_load(&l));
	l.secret.p[l.secret.n++] = 0;
	assert_null(lab_load(&l));
	l.secret.n--;
	for (size_t b = 0; b < l.blob.n; b++) {
		struct lab cut = l;

		cut.blob.n = b;
		assert_null(lab_load(&cut));
	}
}

/* A key of another type signs nothing here. */
static void
other_keys_do_not_sign(void **state)
{
	struct lab l;
	struct sign_key *key;
	uint8_t sig[SIGNATURE_MAX];
	size_t n;

	(void)state;
	lab_first("ecdsa-", &l);
	key = lab_load(&l);
	assert_non_null(key);
	assert_int_equal(lab_alg("rsa-sha2-512")->sign(key, sig, 1, sig, sizeof(sig), &n), -1);
	assert_int_equal(lab_alg("ssh-ed25519")->sign(key, sig, 1, sig, sizeof(sig), &n), -1);
	sign_key_free(key);
	lab_first("rsa-", &l);
	key = lab_load(&l);
	assert_int_equal(lab_alg("ecdsa-sha2-nistp256")->sign(key, sig, 1, sig, sizeof(sig), &n), -1);
	sign_key_free(key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answers),
		cmocka_unit_test(openssh_samples),
		cmocka_unit_test(wycheproof),
		cmocka_unit_test(damage_is_refused),
		cmocka_unit_test(each_hash_is_its_own),
		cmocka_unit_test(signature_is_as_long_as_the_modulus),
		cmocka_unit_test(unfit_keys_are_refused_before_arithmetic),
		cmocka_unit_test(numbers_have_one_encoding),
		cmocka_unit_test(halves_must_belong_together),
		cmocka_unit_test(parts_of_a_form_are_refused),
		cmocka_unit_test(other_keys_do_not_sign),
	};

	if (crypto_init() != 0 || sign_start() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
