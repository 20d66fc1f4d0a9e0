/*
 * fuzz_authorized_keys.c - files of keys that a user, or a program, wrote, for libFuzzer.
 *
 * The first byte says whether a key or a certificate is looked for, and who may set what;
 * "@K" in the rest is that key.  Besides the sanitizers: what is granted is whole, what
 * is refused leaves nothing, and a file without the key's name in it grants nothing.
 */
#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "apps/account.h"
#include "tests/fuzz/must.h"

enum { BLOB = 51, FUZZ_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t blob[BLOB] = { 0, 0, 0, 11, 's', 's', 'h', '-', 'e', 'd', '2', '5', '5',
		'1', '9', 0, 0, 0, 32 };
	static const struct account_grant none;
	static char key[128] = "ssh-ed25519 ", text[FUZZ_MAX * 64];
	struct account_wanted w = { .blob = blob, .len = BLOB, .user = "bob", .address = "192.0.2.1",
	    .principals = "", .now = 1700000000 };
	struct account_grant grant;
	char why[ACCOUNT_NOTE_MAX] = "";
	bool has_key = false, found;
	size_t n = 0;

	if (size == 0 || size > FUZZ_MAX)
		return 0;
	sodium_bin2base64(key + 12, sizeof(key) - 12, blob, BLOB, sodium_base64_VARIANT_ORIGINAL);
	w.is_certificate = (data[0] & 1) != 0;
	w.principals = data[0] & 1 ? "bob\0ops\0" : "";
	w.user_environment = data[0] & 2 ? "yes" : data[0] & 4 ? "A*,!AB" : NULL;
	for (size_t i = 1; i < size; i++) {
		if (data[i] == '@' && i + 1 < size && data[i + 1] == 'K' &&
		    n + sizeof(key) + size < sizeof(text)) {
			memcpy(text + n, key, strlen(key));
			n += strlen(key);
			i++;
			has_key = true;
		} else {
			text[n++] = (char)data[i];
		}
	}
	text[n] = '\0';
	found = account_keys_search(text, n, &w, &grant, why);
	must(account_grant_valid(&grant));
	must(found || memcmp(&grant, &none, sizeof(none)) == 0);
	must(!found || has_key || n > strlen(key));
	must(memchr(why, '\0', sizeof(why)) != NULL);
	return 0;
}
