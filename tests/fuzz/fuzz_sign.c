/*
 * fuzz_sign.c - a public key blob and a signature, as a peer sends both, against every
 * row: by the row they name and by all others.
 *
 * Input: u16 length of the blob, blob, signature.
 */
#include <stdlib.h>
#include <string.h>

#include "crypto/blob.h"
#include "crypto/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t message[] = "what was signed";
	static bool ready;
	struct blob in = blob_of(data, size), head = blob_take(&in, 2);
	struct blob blob;
	struct sign_facts facts;
	const struct sign_alg *alg;

	if (!ready && (crypto_init() != 0 || sign_start() != 0))
		abort();
	ready = true;
	if (head.n != 2)
		return 0;
	blob = blob_take(&in, (size_t)(head.p[0] << 8 | head.p[1]));
	if (in.bad || blob.n > KEY_BLOB_MAX || in.n > SIGNATURE_MAX)
		return 0;
	(void)sign_rsa_bits(blob.p, blob.n);
	for (size_t i = 0; (alg = sign_at(i)) != NULL; i++) {
		int plain = alg->verify(blob.p, blob.n, message, sizeof(message), in.p, in.n);
		int told = sign_verify(alg, blob.p, blob.n, message, sizeof(message), in.p, in.n,
		    &facts);

		/* who asks for facts is told more, and is not told yes when it is no */
		if (plain == 0 && told != 0)
			abort();
		if (told == 0 && plain != 0 && (!facts.is_sk || (facts.flags & SIGN_PRESENT) != 0))
			abort();
		/* the secret's form is keyload's, but its blob is a file's */
		if (alg->load != NULL)
			sign_key_free(alg->load(blob.p, blob.n, in.p, in.n));
	}
	return 0;
}
