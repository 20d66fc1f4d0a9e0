/*
 * certmake_test.c - certificates that are made: parsed by cert.c to what was asked for,
 * signed by CAs of every type, refused by nobody.  ssh-keygen and sshd have their say in
 * interop/keys_test.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>

#include "crypto/certmake.h"
#include "crypto/keymake.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct { const char *type; unsigned bits; } kinds[] = {
	{ "ed25519", 256 }, { "ecdsa", 256 }, { "ecdsa", 384 }, { "ecdsa", 521 }, { "rsa", 2048 },
};
static struct keyfile_key keys[COUNT(kinds)];
static uint8_t blob[CERTMAKE_MAX];

static int
make_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(kinds); i++)
		if (keymake(keymake_find(kinds[i].type), kinds[i].bits, &keys[i]) != 0)
			return -1;
	return 0;
}

static const char *
make(const struct certmake *c, size_t subject, size_t ca, struct cert *out)
{
	const char *why, *parse;
	size_t n = 0;

	why = certmake(c, keys[subject].blob, keys[subject].blob_len, &keys[ca], blob, &n);
	if (why == NULL)
		assert_int_equal(cert_parse(blob, n, out, &parse), 0);
	return why;
}

static void
every_type_is_certified_by_every_other(void **state)
{
	static const char *const principals[] = { "alice", "bob" };
	const struct certmake c = { .type = CERT_USER, .serial = 0x1122334455667788,
		.valid_after = 100, .valid_before = 200, .key_id = "id", .principals = principals,
		.n_principals = 2, .options = { { true, "force-command", "ls" },
		    { false, "permit-pty", NULL } }, .n_options = 2 };
	uint8_t plain[KEY_BLOB_MAX];
	struct cert made;
	size_t n;

	(void)state;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		for (size_t j = 0; j < COUNT(kinds); j++) {
			assert_null(make(&c, i, j, &made));
			assert_null(cert_verify(&made, CERT_CA_ALGORITHMS, strlen(CERT_CA_ALGORITHMS)));
			assert_int_equal(made.serial, c.serial);
			assert_int_equal(made.type, CERT_USER);
			assert_int_equal(made.valid_after, 100);
			assert_int_equal(made.valid_before, 200);
			assert_true(blob_is_name(made.key_id, "id"));
			assert_true(cert_has_principal(&made, "bob", 3));
			assert_false(cert_has_principal(&made, "eve", 3));
			assert_true(made.has_force_command);
			assert_int_equal(made.permits, CERT_PERMIT_PTY);
			assert_true(blob_is(made.ca_key, keys[j].blob, keys[j].blob_len));
			assert_null(cert_judge(&made, CERT_USER, 150));
			assert_non_null(cert_judge(&made, CERT_USER, 99));
			assert_non_null(cert_judge(&made, CERT_HOST, 150));
			assert_int_equal(cert_plain(&made, plain, sizeof(plain), &n), 0);
			assert_true(blob_is(blob_of(plain, n), keys[i].blob, keys[i].blob_len));
		}
	}
}

static void
options_are_sorted_and_once(void **state)
{
	struct certmake c = { .type = CERT_USER, .key_id = "", .valid_before = UINT64_MAX,
		.options = { { false, "z", NULL }, { false, "a", "1" }, { true, "b@x", "2" },
		    { false, "a", "3" }, { true, "a@x", NULL } }, .n_options = 5 };
	struct blob name, data, list;
	struct cert made;

	(void)state;
	assert_null(make(&c, 0, 0, &made));
	list = made.extensions;
	assert_true(cert_option_next(&list, &name, &data));
	assert_true(blob_is_name(name, "a"));
	assert_true(blob_is(data, "\0\0\0\0013", 5));
	assert_true(cert_option_next(&list, &name, &data));
	assert_true(blob_is_name(name, "z") && data.n == 0);
	assert_false(cert_option_next(&list, &name, &data));
	list = made.critical;
	assert_true(cert_option_next(&list, &name, &data) && blob_is_name(name, "a@x"));
	assert_true(cert_option_next(&list, &name, &data) && blob_is_name(name, "b@x"));
	assert_false(cert_option_next(&list, &name, &data));
}

static void
what_cannot_be_made_is_said(void **state)
{
	static char id[CERT_KEY_ID_MAX + 2], longer[KEY_BLOB_MAX + 1];
	struct certmake c = { .type = CERT_USER, .key_id = "", .valid_before = UINT64_MAX };
	struct cert made;
	size_t n = 0;

	(void)state;
	assert_null(make(&c, 0, 0, &made));
	c.sign_alg = "rsa-sha2-256";
	assert_null(make(&c, 0, 4, &made));
	assert_non_null(cert_verify(&made, "rsa-sha2-512", 12));
	assert_non_null(make(&c, 0, 0, &made));		/* an Ed25519 key has none such */
	c.sign_alg = NULL;
	memset(id, 'i', sizeof(id) - 1);
	c.key_id = id;
	assert_non_null(make(&c, 0, 0, &made));
	id[CERT_KEY_ID_MAX] = '\0';
	assert_null(make(&c, 0, 0, &made));
	c.key_id = "";
	memset(longer, 'v', sizeof(longer) - 1);
	c.options[0] = (struct certmake_option){ true, "x", longer };
	c.n_options = 1;
	assert_non_null(make(&c, 0, 0, &made));
	c.n_options = 0;
	/* no certificate for a certificate, nor for nothing */
	assert_null(certmake(&c, keys[0].blob, keys[0].blob_len, &keys[0], blob, &n));
	static uint8_t cert[CERTMAKE_MAX];

	memcpy(cert, blob, n);
	assert_non_null(certmake(&c, cert, n, &keys[0], blob, &n));
	assert_non_null(certmake(&c, cert, 0, &keys[0], blob, &n));
	for (n = 0; n < keys[0].blob_len; n++) {
		size_t len;

		assert_non_null(certmake(&c, keys[0].blob, n, &keys[0], blob, &len));
	}
}

static void
no_two_are_the_same(void **state)
{
	const struct certmake c = { .type = CERT_HOST, .key_id = "", .valid_before = UINT64_MAX };
	static uint8_t other[CERTMAKE_MAX];
	size_t n, m;

	(void)state;
	assert_null(certmake(&c, keys[0].blob, keys[0].blob_len, &keys[0], blob, &n));
	assert_null(certmake(&c, keys[0].blob, keys[0].blob_len, &keys[0], other, &m));
	assert_int_equal(n, m);
	assert_memory_not_equal(blob, other, n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_is_certified_by_every_other),
		cmocka_unit_test(options_are_sorted_and_once),
		cmocka_unit_test(what_cannot_be_made_is_said),
		cmocka_unit_test(no_two_are_the_same),
	};

	if (keyfile_init() != 0 || crypto_init() != 0 || sign_start() != 0)
		return 1;
	return cmocka_run_group_tests(tests, make_keys, NULL);
}
