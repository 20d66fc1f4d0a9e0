/*
 * random.c - random bytes for keys, cookies and padding.
 *
 * ChaCha20 keyed by the kernel, with fast key erasure: each refill gives the next
 * key first, so whoever reads this memory later learns nothing that was handed
 * out.  Its one system call is getrandom, which the worker's filter allows; a
 * padding byte costs a copy.  It must never hand the same bytes to two
 * processes: clones call crypto_random_fork, and for those that forget the
 * kernel wipes the page.  It never returns without having delivered.
 */
#include "crypto/random.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "crypto/crypto.h"

enum {
	RANDOM_KEY = crypto_stream_chacha20_KEYBYTES,
	RANDOM_BUFFER = 1024,
	RANDOM_RESEED = 1 << 20,	/* bytes until the kernel is asked again */
};

struct generator {
	uint32_t seeded;		/* 0 after the kernel wiped the page */
	uint32_t left;			/* bytes at the end of buffer        */
	uint32_t until_reseed;
	uint8_t key[RANDOM_KEY];
	uint8_t buffer[RANDOM_BUFFER];
};

/* One per process: which process it belongs to is the point of this file. */
static struct generator *generator;

int
random_start(void)
{
	void *page;

	if (generator != NULL)
		return 0;
	page = mmap(NULL, sizeof(struct generator), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return -1;
	if (madvise(page, sizeof(struct generator), MADV_WIPEONFORK) != 0 ||
	    madvise(page, sizeof(struct generator), MADV_DONTDUMP) != 0) {
		(void)munmap(page, sizeof(struct generator));
		return -1;
	}
	generator = page;
	return 0;
}

static void
random_kernel(uint8_t *out, size_t n)
{
	ssize_t got;

	while (n > 0) {
		got = getrandom(out, n, 0);
		if (got <= 0) {
			if (got < 0 && errno == EINTR)
				continue;
			abort();
		}
		out += got;
		n -= (size_t)got;
	}
}

static void
random_seed(struct generator *g)
{
	uint8_t fresh[RANDOM_KEY];

	/* Mixed in, not put in place: two sources are as good as the better. */
	random_kernel(fresh, sizeof(fresh));
	for (size_t i = 0; i < sizeof(fresh); i++)
		g->key[i] ^= fresh[i];
	crypto_wipe(fresh, sizeof(fresh));
	crypto_wipe(g->buffer, sizeof(g->buffer));
	g->left = 0;
	g->until_reseed = RANDOM_RESEED;
	g->seeded = 1;
}

static void
random_refill(struct generator *g)
{
	static const uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];

	if (g->until_reseed < RANDOM_BUFFER)
		random_seed(g);
	g->until_reseed -= RANDOM_BUFFER;
	/* The nonce may stay zero: every key makes one buffer. */
	(void)crypto_stream_chacha20(g->buffer, sizeof(g->buffer), nonce, g->key);
	memcpy(g->key, g->buffer, sizeof(g->key));
	crypto_wipe(g->buffer, sizeof(g->key));
	g->left = RANDOM_BUFFER - RANDOM_KEY;
}

void
crypto_random(void *p, size_t n)
{
	uint8_t *out = p, *from;
	size_t piece;

	if (random_start() != 0)
		abort();
	if (generator->seeded == 0)
		random_seed(generator);
	while (n > 0) {
		if (generator->left == 0)
			random_refill(generator);
		piece = n < generator->left ? n : generator->left;
		from = generator->buffer + (RANDOM_BUFFER - generator->left);
		memcpy(out, from, piece);
		crypto_wipe(from, piece);
		generator->left -= (uint32_t)piece;
		out += piece;
		n -= piece;
	}
}

void
crypto_random_fork(void)
{
	if (random_start() != 0)
		abort();
	random_seed(generator);
}
