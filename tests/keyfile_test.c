/*
 * keyfile_test.c - private key files: those of ssh-keygen, and what a hostile file
 * may look like.  Files are taken apart and put together again here, so that a
 * change inside is not hidden by broken base64.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "crypto/keyfile.h"
#include "tests/hex.h"
#include "tests/keyfile_samples.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define BEGIN "-----BEGIN OPENSSH PRIVATE KEY-----\n"
#define END "-----END OPENSSH PRIVATE KEY-----\n"

enum { BYTES_MAX = 4096, TEXT_MAX = 3 * BYTES_MAX };

static struct keyfile_key key;

/* Over a block of exactly that size: a read beyond its end is seen. */
static enum keyfile_result
read_text(const char *text, size_t n, const char *passphrase)
{
	uint8_t *copy = malloc(n == 0 ? 1 : n);
	enum keyfile_result r;

	assert_non_null(copy);
	memcpy(copy, text, n);
	r = keyfile_read(copy, n, passphrase, passphrase == NULL ? 0 : strlen(passphrase), &key);
	free(copy);
	return r;
}

static enum keyfile_result
read_sample(const struct keyfile_sample *s, const char *passphrase)
{
	return read_text(s->file, strlen(s->file), passphrase);
}

/* The bytes inside the armour. */
static size_t
inside(const struct keyfile_sample *s, uint8_t *out)
{
	const char *from = s->file + strlen(BEGIN), *to = strstr(s->file, END);
	size_t n;

	assert_non_null(to);
	assert_int_equal(sodium_base642bin(out, BYTES_MAX, from, (size_t)(to - from), "\n", &n,
	    NULL, sodium_base64_VARIANT_ORIGINAL), 0);
	return n;
}

static enum keyfile_result
read_bytes(const uint8_t *bytes, size_t n, const char *passphrase)
{
	static char text[TEXT_MAX];
	size_t at = strlen(BEGIN);

	memcpy(text, BEGIN, at);
	(void)sodium_bin2base64(text + at, sizeof(text) - at, bytes, n,
	    sodium_base64_VARIANT_ORIGINAL);
	at += strlen(text + at);
	text[at++] = '\n';
	memcpy(text + at, END, strlen(END));
	return read_text(text, at + strlen(END), passphrase);
}

static void
expect_key(const struct keyfile_sample *s)
{
	uint8_t blob[128], public[32], secret[64];
	size_t n;

	assert_int_equal(sodium_base642bin(blob, sizeof(blob), s->public, strlen(s->public),
	    NULL, &n, NULL, sodium_base64_VARIANT_ORIGINAL), 0);
	assert_string_equal(key.alg, "ssh-ed25519");
	assert_int_equal(key.blob_len, n);
	assert_memory_equal(key.blob, blob, n);
	assert_int_equal(key.secret_len, 32);
	assert_int_equal(crypto_sign_seed_keypair(public, secret, key.secret), 0);
	assert_memory_equal(public, blob + n - 32, 32);
	assert_string_equal(key.comment, s->comment);
}

static void
clear_keys_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(samples_clear); i++) {
		memset(&key, 0x5a, sizeof(key));
		assert_int_equal(read_sample(&samples_clear[i], NULL), KEYFILE_OK);
		expect_key(&samples_clear[i]);
		/* A passphrase too many does no harm. */
		assert_int_equal(read_sample(&samples_clear[i], "x"), KEYFILE_OK);
	}
}

static void
every_cipher_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(samples_encrypted); i++) {
		memset(&key, 0x5a, sizeof(key));
		assert_int_equal(read_sample(&samples_encrypted[i], SAMPLE_PASSPHRASE), KEYFILE_OK);
		expect_key(&samples_encrypted[i]);
	}
}

static void
passphrases_are_told_apart(void **state)
{
	static const struct keyfile_key untouched;

	(void)state;
	memset(&key, 0, sizeof(key));
	for (size_t i = 0; i < COUNT(samples_encrypted); i++) {
		const struct keyfile_sample *s = &samples_encrypted[i];

		assert_int_equal(read_sample(s, NULL), KEYFILE_NEEDS_PASSPHRASE);
		assert_int_equal(read_sample(s, ""), KEYFILE_NEEDS_PASSPHRASE);
		assert_int_equal(read_sample(s, "correct hors"), KEYFILE_WRONG_PASSPHRASE);
		assert_int_equal(read_sample(s, "correct horse "), KEYFILE_WRONG_PASSPHRASE);
		assert_memory_equal(&key, &untouched, sizeof(key));
	}
}

static void
other_kinds_are_unsupported(void **state)
{
	static const char *const other[] = {
		"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n",
		"\n \r\nSSH PRIVATE KEY FILE FORMAT 1.1\n", "PuTTY-User-Key-File-3: ssh-ed448\n",
		"PuTTY-User-Key-File-1: ssh-rsa\n",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(other); i++)
		assert_int_equal(read_text(other[i], strlen(other[i]), NULL), KEYFILE_UNSUPPORTED);
}

/* ---- keys in security tokens ---- */

static size_t
public_of(const struct keyfile_sample *s, uint8_t blob[256])
{
	size_t n;

	assert_int_equal(sodium_base642bin(blob, 256, s->public, strlen(s->public), NULL, &n, NULL,
	    sodium_base64_VARIANT_ORIGINAL), 0);
	return n;
}

static void
expect_token(const struct keyfile_sample *s, const char *comment)
{
	uint8_t blob[256];
	size_t n = public_of(s, blob);

	assert_string_equal(key.alg, s->name);
	assert_int_equal(key.blob_len, n);
	assert_memory_equal(key.blob, blob, n);
	assert_int_equal(key.secret_len, 0);
	assert_string_equal(key.comment, comment);
}

static void
tokens_keys_are_their_public_halves(void **state)
{
	const struct keyfile_sample *locked = &samples_token[COUNT(samples_token) - 1];

	(void)state;
	for (size_t i = 0; i < COUNT(samples_token) - 1; i++) {
		memset(&key, 0x5a, sizeof(key));
		assert_int_equal(read_sample(&samples_token[i], NULL), KEYFILE_TOKEN);
		expect_token(&samples_token[i], samples_token[i].comment);
		assert_int_equal(read_sample(&samples_token[i], "x"), KEYFILE_TOKEN);
	}
	/* nobody is asked for a passphrase: behind it is nothing of use */
	assert_int_equal(read_sample(locked, NULL), KEYFILE_TOKEN);
	expect_token(locked, "");
	assert_int_equal(read_sample(locked, SAMPLE_PASSPHRASE), KEYFILE_TOKEN);
	expect_token(locked, locked->comment);
	assert_int_equal(read_sample(locked, "correct hors"), KEYFILE_WRONG_PASSPHRASE);
}

static void
no_part_of_a_tokens_file_is_enough(void **state)
{
	static uint8_t bytes[BYTES_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(samples_token); i++) {
		size_t n = inside(&samples_token[i], bytes);

		for (size_t cut = 0; cut < n; cut++)
			assert_int_not_equal(read_bytes(bytes, cut, NULL), KEYFILE_TOKEN);
		bytes[n] = 0;
		assert_int_not_equal(read_bytes(bytes, n + 1, NULL), KEYFILE_TOKEN);
	}
}

/* In clear both halves are compared; the handle and the flags are the token's affair. */
static void
no_flip_makes_another_token(void **state)
{
	static uint8_t bytes[BYTES_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(samples_token) - 1; i++) {
		size_t n = inside(&samples_token[i], bytes);

		for (size_t bit = 0; bit < 8 * n; bit++) {
			bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
			if (read_bytes(bytes, n, NULL) == KEYFILE_TOKEN) {
				uint8_t blob[256];

				assert_int_equal(key.blob_len, public_of(&samples_token[i], blob));
				assert_memory_equal(key.blob, blob, key.blob_len);
			}
			bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
}

/* In both halves alike, or in the clear one of a locked file. */
static void
change_all(const struct keyfile_sample *s, const char *from, const char *to, size_t len,
    enum keyfile_result want)
{
	static uint8_t bytes[BYTES_MAX];
	size_t n = inside(s, bytes), found = 0;

	for (size_t at = 0; at + len <= n; at++) {
		if (memcmp(bytes + at, from, len) != 0)
			continue;
		memcpy(bytes + at, to, len);
		found++;
	}
	assert_true(found > 0);
	assert_int_equal(read_bytes(bytes, n, NULL), want);
}

static void
tokens_fields_are_checked(void **state)
{
	(void)state;
	for (size_t i = 1; i < COUNT(samples_token); i++) {
		const struct keyfile_sample *s = &samples_token[i];

		change_all(s, "nistp256\0\0\0\101", "nistp384\0\0\0\101", 12, KEYFILE_DAMAGED);
		change_all(s, "nistp256\0\0\0\101\4", "nistp256\0\0\0\101\2", 13, KEYFILE_DAMAGED);
		change_all(s, "nistp256\0\0\0\101\4", "nistp256\0\0\0\100\4", 13, KEYFILE_DAMAGED);
		change_all(s, "nistp256\0\0\0\101\4", "nistp256\0\0\0\102\4", 13, KEYFILE_DAMAGED);
		change_all(s, "\0\0\0\4ssh:", "\xff\xff\xff\xffssh:", 8, KEYFILE_DAMAGED);
		change_all(s, "\0\0\0\4ssh:", "\0\0\0\3ssh:", 8, KEYFILE_DAMAGED);
		/* another application is another key, and as good a one */
		change_all(s, "\0\0\0\4ssh:", "\0\0\0\4own:", 8, KEYFILE_TOKEN);
	}
	change_all(&samples_token[0], "\0\0\0\040\0\1\2", "\0\0\0\037\0\1\2", 7, KEYFILE_DAMAGED);
}

static void
what_is_no_key_is_said_to_be_none(void **state)
{
	static const char *const none[] = {
		"", "\n\n", "hello\n", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGho me\n",
		"-----BEGIN CERTIFICATE-----\n", "-----BEGIN OPENSSH PRIVATE KEY----",
		"-----BEGIN OPENSSH PUBLIC KEY-----\n", "openssh-key-v1",
	};
	static uint8_t big[KEYFILE_MAX + 1];

	(void)state;
	for (size_t i = 0; i < COUNT(none); i++)
		assert_int_equal(read_text(none[i], strlen(none[i]), NULL), KEYFILE_NOT_A_KEY);
	assert_int_equal(keyfile_read(big, sizeof(big), NULL, 0, &key), KEYFILE_NOT_A_KEY);
	assert_int_equal(keyfile_read(big, sizeof(big) - 1, NULL, 0, &key), KEYFILE_NOT_A_KEY);
	memset(big, '\n', sizeof(big));
	assert_int_equal(keyfile_read(big, sizeof(big) - 1, NULL, 0, &key), KEYFILE_NOT_A_KEY);
	/* Armour full of the largest base64 there can be. */
	memset(big, 'A', sizeof(big));
	memcpy(big, BEGIN, strlen(BEGIN));
	assert_int_equal(keyfile_read(big, KEYFILE_MAX, NULL, 0, &key), KEYFILE_DAMAGED);
	memcpy(big + KEYFILE_MAX - strlen(END), END, strlen(END));
	assert_int_equal(keyfile_read(big, KEYFILE_MAX, NULL, 0, &key), KEYFILE_DAMAGED);
}

static void
every_truncation_of_the_text_is_refused(void **state)
{
	const struct keyfile_sample *s = &samples_clear[0];
	size_t n = strlen(s->file);
	enum keyfile_result r;

	(void)state;
	/* The last line break alone may be missing. */
	assert_int_equal(read_text(s->file, n - 1, NULL), KEYFILE_OK);
	for (size_t len = 0; len < n - 1; len++) {
		r = read_text(s->file, len, NULL);
		assert_int_equal(r, len < strlen(BEGIN) - 1 ? KEYFILE_NOT_A_KEY : KEYFILE_DAMAGED);
	}
}

static void
armour_is_read_as_people_leave_it(void **state)
{
	const struct keyfile_sample *s = &samples_clear[0];
	char text[2 * TEXT_MAX];
	size_t n = 0;

	(void)state;
	for (const char *p = s->file; *p != '\0'; p++) {	/* from Windows */
		if (*p == '\n')
			text[n++] = '\r';
		text[n++] = *p;
	}
	assert_int_equal(read_text(text, n, NULL), KEYFILE_OK);
	expect_key(s);
	(void)snprintf(text, sizeof(text), "\n\t %s\n \n", s->file);
	assert_int_equal(read_text(text, strlen(text), NULL), KEYFILE_OK);
	expect_key(s);
	/* Two keys, or anything else behind the first. */
	(void)snprintf(text, sizeof(text), "%s%s", s->file, samples_clear[1].file);
	assert_int_equal(read_text(text, strlen(text), NULL), KEYFILE_DAMAGED);
	(void)snprintf(text, sizeof(text), "%sx", s->file);
	assert_int_equal(read_text(text, strlen(text), NULL), KEYFILE_DAMAGED);
	(void)snprintf(text, sizeof(text), "%s", s->file);
	text[strlen(BEGIN) + 20] = '*';
	assert_int_equal(read_text(text, strlen(text), NULL), KEYFILE_DAMAGED);
	text[strlen(BEGIN) + 20] = '\0';
	assert_int_equal(read_text(text, strlen(s->file), NULL), KEYFILE_DAMAGED);
}

static void
every_truncation_inside_is_refused(void **state)
{
	uint8_t bytes[BYTES_MAX] = { 0 };
	size_t n;

	(void)state;
	for (size_t i = 0; i < COUNT(samples_clear); i++) {
		n = inside(&samples_clear[i], bytes);
		assert_int_equal(read_bytes(bytes, n, NULL), KEYFILE_OK);
		for (size_t len = 0; len < n; len++)
			assert_int_equal(read_bytes(bytes, len, NULL), KEYFILE_DAMAGED);
		bytes[n] = 0;
		assert_int_equal(read_bytes(bytes, n + 1, NULL), KEYFILE_DAMAGED);
	}
	for (size_t i = 0; i < COUNT(samples_encrypted); i++) {
		n = inside(&samples_encrypted[i], bytes);
		for (size_t len = 0; len < n; len++)
			assert_int_equal(read_bytes(bytes, len, SAMPLE_PASSPHRASE), KEYFILE_DAMAGED);
		bytes[n] = 0;
		assert_int_equal(read_bytes(bytes, n + 1, SAMPLE_PASSPHRASE), KEYFILE_DAMAGED);
	}
}

/* A flip may be noticed or change the comment, never the key. */
static void
no_flip_makes_another_key(void **state)
{
	uint8_t bytes[BYTES_MAX], copy[BYTES_MAX];
	struct keyfile_key right;
	enum keyfile_result r;
	size_t n, comments = 0;

	(void)state;
	n = inside(&samples_clear[0], bytes);
	assert_int_equal(read_bytes(bytes, n, NULL), KEYFILE_OK);
	right = key;
	for (size_t bit = 0; bit < 8 * n; bit++) {
		memcpy(copy, bytes, n);
		copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
		r = read_bytes(copy, n, NULL);
		if (r != KEYFILE_OK)
			continue;
		comments++;
		assert_string_not_equal(key.comment, right.comment);
		assert_int_equal(key.blob_len, right.blob_len);
		assert_memory_equal(key.blob, right.blob, right.blob_len);
		assert_memory_equal(key.secret, right.secret, right.secret_len);
	}
	assert_in_range(comments, 1, 8 * strlen(right.comment));
}

static void
no_flip_passes_an_aead(void **state)
{
	uint8_t bytes[BYTES_MAX];
	enum keyfile_result r;
	size_t n, private;

	(void)state;
	for (size_t i = 0; i < COUNT(samples_encrypted); i++) {
		if (strchr(samples_encrypted[i].name, '@') == NULL)
			continue;
		n = inside(&samples_encrypted[i], bytes);
		private = n - 16 - 100;		/* well inside, to the end of the tag */
		for (size_t at = private; at < n; at += at < n - 16 ? 7 : 1) {
			bytes[at] ^= 0x20;
			r = read_bytes(bytes, n, SAMPLE_PASSPHRASE);
			assert_int_equal(r, KEYFILE_WRONG_PASSPHRASE);
			bytes[at] ^= 0x20;
		}
	}
}

/* Where the fields of an unencrypted file with one Ed25519 key are. */
enum {
	AT_CIPHER = 15, AT_KDF = AT_CIPHER + 8, AT_OPTIONS = AT_KDF + 8, AT_COUNT = AT_OPTIONS + 4,
	AT_PUBLIC = AT_COUNT + 4, AT_TYPE = AT_PUBLIC + 4, AT_POINT = AT_TYPE + 15,
	AT_PRIVATE = AT_POINT + 36, AT_CHECK = AT_PRIVATE + 4, AT_TYPE2 = AT_CHECK + 8,
	AT_POINT2 = AT_TYPE2 + 15, AT_SECRET = AT_POINT2 + 36, AT_COMMENT = AT_SECRET + 68,
};

static void
put_u32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void
hostile_lengths_are_refused(void **state)
{
	static const size_t fields[] = { AT_CIPHER, AT_KDF, AT_OPTIONS, AT_PUBLIC, AT_TYPE,
	    AT_POINT, AT_PRIVATE, AT_TYPE2, AT_POINT2, AT_SECRET, AT_COMMENT };
	uint8_t bytes[BYTES_MAX], copy[BYTES_MAX];
	uint32_t was;
	size_t n;

	(void)state;
	n = inside(&samples_clear[0], bytes);
	assert_memory_equal(bytes + AT_COMMENT + 4, "plain@example", 13);
	for (size_t i = 0; i < COUNT(fields); i++) {
		was = bytes[fields[i] + 3];
		const uint32_t values[] = { 0, was - 1, was + 1, was + 8, 0x1000, 0x40000, 0x40001,
		    0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffff };

		for (size_t v = 0; v < COUNT(values); v++) {
			if (values[v] == was)
				continue;
			memcpy(copy, bytes, n);
			put_u32(copy + fields[i], values[v]);
			assert_int_not_equal(read_bytes(copy, n, NULL), KEYFILE_OK);
		}
	}
}

static void
counts_other_than_one_are_refused(void **state)
{
	uint8_t bytes[BYTES_MAX];
	size_t n;

	(void)state;
	n = inside(&samples_clear[0], bytes);
	put_u32(bytes + AT_COUNT, 0);
	assert_int_equal(read_bytes(bytes, n, NULL), KEYFILE_DAMAGED);
	put_u32(bytes + AT_COUNT, 2);
	assert_int_equal(read_bytes(bytes, n, NULL), KEYFILE_UNSUPPORTED);
	put_u32(bytes + AT_COUNT, 0xffffffff);
	assert_int_equal(read_bytes(bytes, n, NULL), KEYFILE_UNSUPPORTED);
}

static void
halves_must_belong_together(void **state)
{
	uint8_t bytes[BYTES_MAX], other[BYTES_MAX];
	size_t n;

	(void)state;
	n = inside(&samples_clear[0], bytes);
	(void)inside(&samples_clear[1], other);
	/* Another key's public half, in one place, two and all three. */
	memcpy(bytes + AT_POINT + 4, other + AT_POINT + 4, 32);
	assert_int_equal(read_bytes(bytes, n, NULL), KEYFILE_DAMAGED);
	memcpy(bytes + AT_POINT2 + 4, other + AT_POINT + 4, 32);
	assert_int_equal(read_bytes(bytes, n, NULL), KEYFILE_DAMAGED);
	memcpy(bytes + AT_SECRET + 4 + 32, other + AT_POINT + 4, 32);
	assert_int_equal(read_bytes(bytes, n, NULL), KEYFILE_DAMAGED);
	memcpy(bytes + AT_SECRET + 4, other + AT_SECRET + 4, 32);
	assert_int_equal(read_bytes(bytes, n, NULL), KEYFILE_OK);
}

static void
padding_and_comment_are_checked(void **state)
{
	uint8_t bytes[BYTES_MAX];
	size_t n, pad;

	(void)state;
	n = inside(&samples_clear[1], bytes);		/* 5 bytes of padding */
	pad = AT_COMMENT + 4;
	assert_int_equal(n, pad + 5);
	for (size_t i = 0; i < 5; i++) {
		bytes[pad + i] ^= 0x80;
		assert_int_equal(read_bytes(bytes, n, NULL), KEYFILE_DAMAGED);
		bytes[pad + i] ^= 0x80;
	}
	/* Right to the last byte, but no whole block. */
	bytes[n] = 6;
	put_u32(bytes + AT_PRIVATE, (uint32_t)(n + 1 - AT_CHECK));
	assert_int_equal(read_bytes(bytes, n + 1, NULL), KEYFILE_DAMAGED);
	/* Whole blocks, but too many. */
	for (size_t i = 5; i < 5 + 16; i++)
		bytes[pad + i] = (uint8_t)(i + 1);
	put_u32(bytes + AT_PRIVATE, (uint32_t)(pad + 5 + 8 - AT_CHECK));
	assert_int_equal(read_bytes(bytes, n + 8, NULL), KEYFILE_OK);
	put_u32(bytes + AT_PRIVATE, (uint32_t)(pad + 5 + 16 - AT_CHECK));
	assert_int_equal(read_bytes(bytes, n + 16, NULL), KEYFILE_DAMAGED);

	n = inside(&samples_clear[0], bytes);
	bytes[AT_COMMENT + 4 + 3] = 0;
	assert_int_equal(read_bytes(bytes, n, NULL), KEYFILE_DAMAGED);
}

/* A comment of len bytes, padded to whole blocks. */
static enum keyfile_result
read_with_comment(size_t len)
{
	uint8_t bytes[BYTES_MAX];
	size_t n = AT_COMMENT + 4 + len;

	(void)inside(&samples_clear[0], bytes);
	put_u32(bytes + AT_COMMENT, (uint32_t)len);
	memset(bytes + AT_COMMENT + 4, 'c', len);
	for (uint8_t i = 1; (n - AT_CHECK) % 8 != 0; i++)
		bytes[n++] = i;
	put_u32(bytes + AT_PRIVATE, (uint32_t)(n - AT_CHECK));
	return read_bytes(bytes, n, NULL);
}

static void
comments_are_bounded(void **state)
{
	(void)state;
	for (size_t len = 0; len < 20; len++) {
		assert_int_equal(read_with_comment(len), KEYFILE_OK);
		assert_int_equal(strlen(key.comment), len);
	}
	assert_int_equal(read_with_comment(KEYFILE_COMMENT_MAX), KEYFILE_OK);
	assert_int_equal(strlen(key.comment), KEYFILE_COMMENT_MAX);
	assert_int_equal(read_with_comment(KEYFILE_COMMENT_MAX + 1), KEYFILE_DAMAGED);
}

/* Replaces the string at by name, moving what follows. */
static size_t
replace(uint8_t *bytes, size_t n, size_t at, const void *with, size_t with_len)
{
	size_t was = bytes[at + 2] * 256u + bytes[at + 3];

	memmove(bytes + at + 4 + with_len, bytes + at + 4 + was, n - at - 4 - was);
	put_u32(bytes + at, (uint32_t)with_len);
	memcpy(bytes + at + 4, with, with_len);
	return n - was + with_len;
}

static void
ciphers_and_kdfs_come_in_pairs(void **state)
{
	static const uint8_t options[] = { 0, 0, 0, 1, 'x', 0, 0, 0, 1 };
	uint8_t bytes[BYTES_MAX];
	size_t n;

	(void)state;
	n = replace(bytes, inside(&samples_clear[0], bytes), AT_CIPHER, "aes256-ctr", 10);
	assert_int_equal(read_bytes(bytes, n, "x"), KEYFILE_DAMAGED);
	n = replace(bytes, inside(&samples_clear[0], bytes), AT_KDF, "bcrypt", 6);
	assert_int_equal(read_bytes(bytes, n, "x"), KEYFILE_DAMAGED);
	n = replace(bytes, inside(&samples_clear[0], bytes), AT_OPTIONS, options, sizeof(options));
	assert_int_equal(read_bytes(bytes, n, "x"), KEYFILE_DAMAGED);
	n = replace(bytes, inside(&samples_clear[0], bytes), AT_CIPHER, "rot13", 5);
	assert_int_equal(read_bytes(bytes, n, "x"), KEYFILE_UNSUPPORTED);
	/* encrypted: the KDF's name follows a cipher name of 10 bytes */
	assert_string_equal(samples_encrypted[0].name, "aes256-ctr");
	n = replace(bytes, inside(&samples_encrypted[0], bytes), AT_CIPHER + 14, "scrypt", 6);
	assert_int_equal(read_bytes(bytes, n, SAMPLE_PASSPHRASE), KEYFILE_UNSUPPORTED);
	n = replace(bytes, inside(&samples_encrypted[0], bytes), AT_CIPHER + 14, "none", 4);
	assert_int_equal(read_bytes(bytes, n, SAMPLE_PASSPHRASE), KEYFILE_DAMAGED);
}

static void
rounds_and_salt_are_bounded(void **state)
{
	enum { OPTIONS = AT_CIPHER + 14 + 10, SALT = OPTIONS + 4, ROUNDS = SALT + 20 };
	uint8_t bytes[BYTES_MAX], options[4 + 100 + 4] = { 0 };
	size_t n;
	time_t start = time(NULL);

	(void)state;
	n = inside(&samples_encrypted[0], bytes);
	assert_int_equal(bytes[ROUNDS + 3], 16);
	put_u32(bytes + ROUNDS, 0);
	assert_int_equal(read_bytes(bytes, n, SAMPLE_PASSPHRASE), KEYFILE_DAMAGED);
	put_u32(bytes + ROUNDS, KEYFILE_ROUNDS_MAX + 1);
	assert_int_equal(read_bytes(bytes, n, SAMPLE_PASSPHRASE), KEYFILE_UNSUPPORTED);
	put_u32(bytes + ROUNDS, 0xffffffff);
	assert_int_equal(read_bytes(bytes, n, SAMPLE_PASSPHRASE), KEYFILE_UNSUPPORTED);
	put_u32(bytes + ROUNDS, 0x80000000);
	assert_int_equal(read_bytes(bytes, n, SAMPLE_PASSPHRASE), KEYFILE_UNSUPPORTED);
	put_u32(bytes + ROUNDS, 1);
	assert_int_equal(read_bytes(bytes, n, SAMPLE_PASSPHRASE), KEYFILE_WRONG_PASSPHRASE);
	assert_true(time(NULL) - start < 5);

	for (size_t salt = 0; salt <= 100; salt++) {
		put_u32(options, (uint32_t)salt);
		put_u32(options + 4 + salt, 1);
		n = replace(bytes, inside(&samples_encrypted[0], bytes), OPTIONS, options, salt + 8);
		if (salt > 2 && salt < 62)
			continue;
		assert_int_equal(read_bytes(bytes, n, SAMPLE_PASSPHRASE),
		    salt == 0 || salt > 64 ? KEYFILE_DAMAGED : KEYFILE_WRONG_PASSPHRASE);
	}
}

static void
a_failed_read_writes_nothing(void **state)
{
	static struct keyfile_key before;
	uint8_t bytes[BYTES_MAX];
	size_t n;

	(void)state;
	memset(&before, 0x5a, sizeof(before));
	n = inside(&samples_clear[0], bytes);
	for (size_t at = 0; at < AT_COMMENT; at++) {
		key = before;
		bytes[at] ^= 1;
		assert_int_not_equal(read_bytes(bytes, n, NULL), KEYFILE_OK);
		assert_memory_equal(&key, &before, sizeof(key));
		bytes[at] ^= 1;
	}
}

#ifndef POSTERN_SAN	/* the sanitizers make calls of their own */

/* Every sample; 0, or 1 if one was not read. */
static int
read_all(void)
{
	for (size_t i = 0; i < COUNT(samples_encrypted); i++)
		if (read_sample(&samples_encrypted[i], SAMPLE_PASSPHRASE) != KEYFILE_OK)
			return 1;
	return read_sample(&samples_clear[0], NULL) == KEYFILE_OK ? 0 : 1;
}

static void
reading_takes_memory_and_nothing_else(void **state)
{
	static const int allowed[] = { SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mremap),
	    SCMP_SYS(brk), SCMP_SYS(exit_group) };
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int status;
	pid_t pid;

	(void)state;
	assert_non_null(filter);
	for (size_t i = 0; i < COUNT(allowed); i++)
		assert_int_equal(seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (seccomp_load(filter) != 0)
			_exit(99);
		_exit(read_all());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	seccomp_release(filter);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

#endif

int
main(void)
{
	const struct CMUnitTest tests[] = {
#ifndef POSTERN_SAN	/* first: nobody has read a key before it */
		cmocka_unit_test(reading_takes_memory_and_nothing_else),
#endif
		cmocka_unit_test(what_is_no_key_is_said_to_be_none),
		cmocka_unit_test(every_truncation_of_the_text_is_refused),
		cmocka_unit_test(every_truncation_inside_is_refused),
		cmocka_unit_test(no_flip_makes_another_key),
		cmocka_unit_test(no_flip_passes_an_aead),
		cmocka_unit_test(hostile_lengths_are_refused),
		cmocka_unit_test(counts_other_than_one_are_refused),
		cmocka_unit_test(halves_must_belong_together),
		cmocka_unit_test(padding_and_comment_are_checked),
		cmocka_unit_test(comments_are_bounded),
		cmocka_unit_test(ciphers_and_kdfs_come_in_pairs),
		cmocka_unit_test(rounds_and_salt_are_bounded),
		cmocka_unit_test(a_failed_read_writes_nothing),
		cmocka_unit_test(other_kinds_are_unsupported),
		cmocka_unit_test(tokens_keys_are_their_public_halves),
		cmocka_unit_test(no_part_of_a_tokens_file_is_enough),
		cmocka_unit_test(no_flip_makes_another_token),
		cmocka_unit_test(tokens_fields_are_checked),
		cmocka_unit_test(passphrases_are_told_apart),
		cmocka_unit_test(armour_is_read_as_people_leave_it),
		cmocka_unit_test(clear_keys_are_read),
		cmocka_unit_test(every_cipher_is_read),
	};

	if (keyfile_init() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
