/*
 * random_openssl.c - what OpenSSL wants of randomness comes from our generator.
 *
 * It asks for some when it multiplies points of a curve (blinding) or signs.  Its own
 * generator would not do in a worker: it asks the kernel for the process's id, which the
 * filter does not allow, to find out whether it was copied by a fork; and crypto_random
 * knows that already.  OpenSSL 3 calls this way of setting a generator old; the new one is
 * a provider, which is more code for the same bytes.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <openssl/rand.h>

#include "crypto/random.h"

static int
give(unsigned char *p, int n)
{
	if (n < 0)
		return 0;
	crypto_random(p, (size_t)n);
	return 1;
}

static int
is_seeded(void)
{
	return 1;
}

int
random_openssl_start(void)
{
	static const RAND_METHOD ours = { .bytes = give, .pseudorand = give, .status = is_seeded };

	return RAND_set_rand_method(&ours) == 1 ? 0 : -1;
}
