/*
 * fingerprint.c - a public key as people compare it: "SHA256:" and the hash in
 * base64 without padding, byte for byte what ssh-keygen -l prints.
 */
#include <sodium.h>
#include <string.h>

#include "crypto/crypto.h"

static const char prefix[] = "SHA256:";

enum { FINGERPRINT_HASH = 32 };
_Static_assert(sizeof(prefix) - 1 + sodium_base64_ENCODED_LEN(FINGERPRINT_HASH,
    sodium_base64_VARIANT_ORIGINAL_NO_PADDING) <= FINGERPRINT_MAX, "fingerprint fits");

int
fingerprint(const uint8_t *blob, size_t n, char out[FINGERPRINT_MAX])
{
	uint8_t hash[HASH_MAX];

	if (hash_once(HASH_SHA256, blob, n, hash) != 0)
		return -1;
	memcpy(out, prefix, sizeof(prefix));
	(void)sodium_bin2base64(out + sizeof(prefix) - 1, FINGERPRINT_MAX - (sizeof(prefix) - 1),
	    hash, FINGERPRINT_HASH, sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
	return 0;
}
