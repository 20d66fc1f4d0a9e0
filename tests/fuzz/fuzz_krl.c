/*
 * fuzz_krl.c - files of revoked keys, hostile ones: looked at, and asked about a key and
 * about a certificate.  What is not well formed revokes everything.
 */
#include <stdint.h>
#include <stdlib.h>

#include "crypto/krl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t key[] = "\0\0\0\013ssh-ed25519\0\0\0\040"
	    "0123456789abcdef0123456789abcdef", ca[] = "\0\0\0\013ssh-ed25519\0\0\0\040"
	    "fedcba9876543210fedcba9876543210";
	const struct cert cert = { .serial = 7, .key_id = blob_of("id", 2),
		.ca_key = blob_of(ca, sizeof(ca) - 1) };
	static bool started;
	const char *why;
	uint32_t line;
	struct krl_list *list;
	bool good;

	if (!started && crypto_init() != 0)
		abort();
	started = true;
	list = krl_list_read(data, size, &why, &line);
	if ((list == NULL) != (why != NULL) || (list != NULL &&
	    krl_list_revokes(list, key, sizeof(key) - 1, NULL) &&
	    !krl_list_revokes(list, key, sizeof(key) - 1, &cert)))
		abort();
	krl_list_free(list);
	good = krl_check(data, size, &why) == 0;
	if (!good && (why == NULL || !krl_revokes(data, size, key, sizeof(key) - 1, NULL)))
		abort();
	/* whatever revokes the key revokes it with a certificate too */
	if (krl_revokes(data, size, key, sizeof(key) - 1, NULL) &&
	    !krl_revokes(data, size, key, sizeof(key) - 1, &cert))
		abort();
	return 0;
}
