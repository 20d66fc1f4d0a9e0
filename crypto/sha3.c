/*
 * sha3.c - SHA3 and SHAKE, by OpenSSL: 0.3 us a block, of which setting up is a third.
 *
 * It trusts OpenSSL's default provider, which it asks once per process: a sandboxed
 * process never looks for one.  What goes in may be secret, and OpenSSL wipes its state.
 * An output after any failed step must never be used: errors stick.
 */
#include "crypto/sha3.h"

#include <openssl/evp.h>

static const struct {
	const char *name;
	bool any_length;
} sha3_rows[] = {
	[SHA3_256] = { "SHA3-256", false },
	[SHA3_512] = { "SHA3-512", false },
	[SHAKE128] = { "SHAKE128", true },
	[SHAKE256] = { "SHAKE256", true },
};
enum { SHA3_ROWS = sizeof(sha3_rows) / sizeof(sha3_rows[0]) };

/* Set once by sha3_start, read only afterwards. */
static EVP_MD *sha3_fetched[SHA3_ROWS];

int
sha3_start(void)
{
	for (size_t i = 0; i < SHA3_ROWS; i++) {
		if (sha3_fetched[i] != NULL)
			continue;
		sha3_fetched[i] = EVP_MD_fetch(NULL, sha3_rows[i].name, NULL);
		if (sha3_fetched[i] == NULL)
			return -1;
	}
	return 0;
}

void
sha3_init(struct sha3 *h)
{
	h->ctx = EVP_MD_CTX_new();
	h->bad = h->ctx == NULL || sha3_start() != 0;
}

void
sha3_once(struct sha3 *h, enum sha3_id id, const void *a, size_t a_len,
    const void *b, size_t b_len, uint8_t *out, size_t out_len)
{
	if (h->bad)
		return;
	if (EVP_DigestInit_ex2(h->ctx, sha3_fetched[id], NULL) != 1 ||
	    (a_len > 0 && EVP_DigestUpdate(h->ctx, a, a_len) != 1) ||
	    (b_len > 0 && EVP_DigestUpdate(h->ctx, b, b_len) != 1) ||
	    (!sha3_rows[id].any_length && EVP_MD_get_size(sha3_fetched[id]) != (int)out_len) ||
	    (sha3_rows[id].any_length ? EVP_DigestFinalXOF(h->ctx, out, out_len) :
	    EVP_DigestFinal_ex(h->ctx, out, NULL)) != 1)
		h->bad = true;
}

int
sha3_deinit(struct sha3 *h)
{
	EVP_MD_CTX_free(h->ctx);
	h->ctx = NULL;
	return h->bad ? -1 : 0;
}
