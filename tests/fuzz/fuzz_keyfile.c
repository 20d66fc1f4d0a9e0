/*
 * fuzz_keyfile.c - hostile private key files of every format, for libFuzzer.
 *
 * Seeds are the files of tests/keyfile_make.sh (make fuzz puts them into the corpus).
 * Whatever the bytes, with a passphrase or without: the reader comes back, writes
 * nothing unless it says OK, and then a form that says what it is.
 */
#include <stdlib.h>
#include <string.h>

#include "crypto/keyfile.h"
#include "tests/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
one(const uint8_t *data, size_t size, const char *passphrase)
{
	static struct keyfile_key key, before;
	enum keyfile_result r;

	memset(&before, 0x5a, sizeof(before));
	key = before;
	r = keyfile_read(data, size, passphrase, passphrase == NULL ? 0 : strlen(passphrase), &key);
	must(r >= KEYFILE_OK && r <= KEYFILE_TOKEN);
	if (r != KEYFILE_OK) {
		must(memcmp(&key, &before, sizeof(key)) == 0);
		return;
	}
	must(key.blob_len > 0 && key.blob_len <= sizeof(key.blob));
	must(key.secret_len > 0 && key.secret_len <= sizeof(key.secret));
	must(memchr(key.alg, 0, sizeof(key.alg)) != NULL);
	must(memchr(key.comment, 0, sizeof(key.comment)) != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;

	if (!ready) {
		must(keyfile_init() == 0);
		ready = true;
	}
	one(data, size, NULL);
	one(data, size, "correct horse");
	return 0;
}
