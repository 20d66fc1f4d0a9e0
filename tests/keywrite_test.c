/*
 * keywrite_test.c - keys that are written are read again as the same key: every type in
 * every format and cipher.  The peers read them in interop/keys_test.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "crypto/keyfile_format.h"
#include "crypto/keyfile_type.h"
#include "crypto/keymake.h"
#include "crypto/keywrite.h"
#include "tests/keyfile_files.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct { const char *type; unsigned bits; } kinds[] = {
	{ "ed25519", 256 }, { "ecdsa", 256 }, { "ecdsa", 384 }, { "ecdsa", 521 }, { "rsa", 2048 },
};
static const char *const ciphers[] = { NULL, "aes128-ctr", "aes192-ctr", "aes256-ctr",
    "aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc", "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com" };
static struct keyfile_key keys[COUNT(kinds) + 1], back;
static char text[KEYWRITE_MAX];

static int
make_keys(void **state)
{
	if (keyfile_files_make(state) != 0)
		return -1;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		if (keymake(keymake_find(kinds[i].type), kinds[i].bits, &keys[i]) != 0)
			return -1;
		(void)snprintf(keys[i].comment, sizeof(keys[i].comment), "%s %u", kinds[i].type,
		    kinds[i].bits);
	}
	/* DSA keys are read and written, but none are made any more */
	for (size_t i = 0; i < keyfile_files_n; i++)
		if (strcmp(keyfile_files[i].name, "dsa.openssh") == 0)
			return keyfile_read((const uint8_t *)keyfile_files[i].text, keyfile_files[i].n,
			    NULL, 0, &keys[COUNT(kinds)]) == KEYFILE_OK ? 0 : -1;
	return -1;
}

static void
there_and_back(const struct keyfile_key *key, const struct keywrite *how)
{
	const char *passphrase = how->passphrase;
	size_t n;

	memset(text, 0x5a, sizeof(text));
	assert_int_equal(keywrite(key, how, text, &n), KEYWRITE_OK);
	assert_in_range(n, 100, sizeof(text));
	if (passphrase != NULL) {
		assert_int_equal(keyfile_read((uint8_t *)text, n, NULL, 0, &back),
		    KEYFILE_NEEDS_PASSPHRASE);
		assert_int_equal(keyfile_read((uint8_t *)text, n, "wrong", 5, &back),
		    KEYFILE_WRONG_PASSPHRASE);
	}
	assert_int_equal(keyfile_read((uint8_t *)text, n, passphrase,
	    passphrase == NULL ? 0 : strlen(passphrase), &back), KEYFILE_OK);
	assert_string_equal(back.alg, key->alg);
	assert_int_equal(back.blob_len, key->blob_len);
	assert_memory_equal(back.blob, key->blob, key->blob_len);
	assert_int_equal(back.secret_len, key->secret_len);
	assert_memory_equal(back.secret, key->secret, key->secret_len);
	assert_string_equal(back.comment, how->format == KEYWRITE_OPENSSH ? key->comment : "");
}

static void
every_type_in_every_format(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(keys); i++) {
		for (int f = KEYWRITE_OPENSSH; f <= KEYWRITE_PKCS8; f++) {
			struct keywrite how = { .format = (enum keywrite_format)f, .rounds = 2 };
			size_t n;

			if (f == KEYWRITE_PEM && i == 0) {
				assert_int_equal(keywrite(&keys[i], &how, text, &n), KEYWRITE_UNSUPPORTED);
				continue;
			}
			there_and_back(&keys[i], &how);
			how.passphrase = "open sesame";
			there_and_back(&keys[i], &how);
		}
	}
}

static void
every_cipher(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(ciphers); i++) {
		struct keywrite how = { .format = KEYWRITE_OPENSSH, .rounds = 1,
			.passphrase = "open sesame", .cipher = ciphers[i] };

		there_and_back(&keys[1], &how);
		there_and_back(&keys[4], &how);
	}
}

static void
what_cannot_be_written_is_said(void **state)
{
	struct keywrite how = { .format = KEYWRITE_OPENSSH, .passphrase = "x", .cipher = "rot13" };
	static struct keyfile_key large;
	size_t n;

	(void)state;
	assert_int_equal(keywrite(&keys[0], &how, text, &n), KEYWRITE_NO_CIPHER);
	how.cipher = "none";		/* with a passphrase: it would not be asked for */
	assert_int_equal(keywrite(&keys[0], &how, text, &n), KEYWRITE_NO_CIPHER);
	how.cipher = NULL;
	how.rounds = KEYFILE_ROUNDS_MAX + 1;
	assert_int_equal(keywrite(&keys[0], &how, text, &n), KEYWRITE_FAILED);
	/* the largest comment fits beside the largest key there is */
	large = keys[4];
	memset(large.comment, 'c', KEYFILE_COMMENT_MAX);
	large.comment[KEYFILE_COMMENT_MAX] = '\0';
	there_and_back(&large, &(struct keywrite){ .format = KEYWRITE_OPENSSH });
	/* an empty passphrase is none */
	assert_int_equal(keywrite(&keys[0], &(struct keywrite){ .format = KEYWRITE_OPENSSH,
	    .passphrase = "" }, text, &n), KEYWRITE_OK);
	assert_int_equal(keyfile_read((uint8_t *)text, n, NULL, 0, &back), KEYFILE_OK);
}

static void
two_files_of_a_key_share_no_salt(void **state)
{
	struct keywrite how = { .format = KEYWRITE_OPENSSH, .rounds = 1, .passphrase = "x" };
	static char other[KEYWRITE_MAX];
	size_t n, m;

	(void)state;
	assert_int_equal(keywrite(&keys[0], &how, text, &n), KEYWRITE_OK);
	assert_int_equal(keywrite(&keys[0], &how, other, &m), KEYWRITE_OK);
	assert_int_equal(n, m);
	assert_memory_not_equal(text, other, n);
}

static void
sizes_are_bounded(void **state)
{
	static const struct { const char *type; unsigned bits; } wrong[] = {
		{ "ecdsa", 255 }, { "ecdsa", 257 }, { "ecdsa", 512 }, { "ecdsa", 522 },
	};

	(void)state;
	assert_null(keymake_find("dsa"));
	assert_null(keymake_find(""));
	assert_int_equal(keymake_find("rsa")->bits_min, 2048);
	assert_int_equal(keymake_find("rsa")->bits_max, 16384);
	for (size_t i = 0; i < COUNT(wrong); i++)
		assert_int_equal(keymake(keymake_find(wrong[i].type), wrong[i].bits, &back), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_in_every_format),
		cmocka_unit_test(every_cipher),
		cmocka_unit_test(what_cannot_be_written_is_said),
		cmocka_unit_test(two_files_of_a_key_share_no_salt),
		cmocka_unit_test(sizes_are_bounded),
	};

	if (keyfile_init() != 0)
		return 1;
	return cmocka_run_group_tests(tests, make_keys, keyfile_files_forget);
}
