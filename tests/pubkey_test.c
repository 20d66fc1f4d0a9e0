/*
 * pubkey_test.c - public key blobs: described, cut, and to OpenSSL and back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "crypto/keyfile.h"
#include "crypto/pubkey.h"
#include "tests/keyfile_files.h"

static const struct { const char *file, *name, *type; unsigned bits; } known[] = {
	{ "ed25519.openssh", "ED25519", "ssh-ed25519", 256 },
	{ "p256.openssh", "ECDSA", "ecdsa-sha2-nistp256", 256 },
	{ "p384.openssh", "ECDSA", "ecdsa-sha2-nistp384", 384 },
	{ "p521.openssh", "ECDSA", "ecdsa-sha2-nistp521", 521 },
	{ "rsa.openssh", "RSA", "ssh-rsa", 2048 },
	{ "rsa3072.openssh", "RSA", "ssh-rsa", 3072 },
	{ "dsa.openssh", "DSA", "ssh-dss", 1024 },
};
enum { KNOWN = sizeof(known) / sizeof(known[0]) };

static const struct keyfile_file *
named(const char *name)
{
	for (size_t i = 0; i < keyfile_files_n; i++)
		if (strcmp(keyfile_files[i].name, name) == 0)
			return &keyfile_files[i];
	fail_msg("no file %s", name);
	return NULL;
}

static void
keys_are_described(void **state)
{
	struct pubkey_about about;

	(void)state;
	for (size_t i = 0; i < KNOWN; i++) {
		const struct keyfile_file *f = named(known[i].file);

		assert_int_equal(pubkey_describe(f->blob, f->blob_len, &about), 0);
		assert_string_equal(about.name, known[i].name);
		assert_string_equal(about.type, known[i].type);
		assert_int_equal(about.bits, known[i].bits);
		assert_false(about.is_cert);
	}
}

static void
no_cut_or_longer_blob_is_a_key(void **state)
{
	struct pubkey_about about;
	uint8_t copy[KEYFILE_FILES_BLOB + 1];

	(void)state;
	for (size_t i = 0; i < KNOWN; i++) {
		const struct keyfile_file *f = named(known[i].file);

		for (size_t n = 0; n < f->blob_len; n++) {
			uint8_t *cut = malloc(n == 0 ? 1 : n);

			assert_non_null(cut);
			memcpy(cut, f->blob, n);
			assert_int_equal(pubkey_describe(cut, n, &about), -1);
			free(cut);
		}
		memcpy(copy, f->blob, f->blob_len);
		copy[f->blob_len] = 0;
		assert_int_equal(pubkey_describe(copy, f->blob_len + 1, &about), -1);
	}
}

static void
openssl_and_back(void **state)
{
	uint8_t out[KEYFILE_FILES_BLOB];
	size_t n;

	(void)state;
	for (size_t i = 0; i < KNOWN; i++) {
		const struct keyfile_file *f = named(known[i].file);
		EVP_PKEY *pkey = pubkey_to_openssl(f->blob, f->blob_len);

		assert_non_null(pkey);
		assert_int_equal(pubkey_from_openssl(pkey, out, sizeof(out), &n), 0);
		assert_int_equal(n, f->blob_len);
		assert_memory_equal(out, f->blob, n);
		assert_int_equal(pubkey_from_openssl(pkey, out, f->blob_len - 1, &n), -1);
		EVP_PKEY_free(pkey);
		for (n = 0; n < f->blob_len; n++) {
			/* a number cut short is none; a name alone neither */
			pkey = pubkey_to_openssl(f->blob, n);
			assert_null(pkey);
		}
	}
}

static void
digests_are_of_known_kinds(void **state)
{
	static const struct { const char *name; size_t len; } hashes[] = { { "sha256", 32 },
		{ "SHA256", 32 }, { "md5", 16 }, { "sha1", 20 }, { "sha384", 48 }, { "sha512", 64 } };
	const struct keyfile_file *f = named("ed25519.openssh");
	uint8_t out[PUBKEY_DIGEST_MAX];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
		assert_int_equal(pubkey_digest(hashes[i].name, f->blob, f->blob_len, out, &n), 0);
		assert_int_equal(n, hashes[i].len);
	}
	assert_int_equal(pubkey_digest("crc32", f->blob, f->blob_len, out, &n), -1);
	assert_int_equal(pubkey_digest("", f->blob, f->blob_len, out, &n), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_described),
		cmocka_unit_test(no_cut_or_longer_blob_is_a_key),
		cmocka_unit_test(openssl_and_back),
		cmocka_unit_test(digests_are_of_known_kinds),
	};

	if (keyfile_init() != 0)
		return 1;
	return cmocka_run_group_tests(tests, keyfile_files_make, keyfile_files_forget);
}
