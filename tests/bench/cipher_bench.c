/*
 * cipher_bench.c - what packet protection costs: CPU seconds per GiB of 32 KiB
 * packets in place, each way, per cipher (and MAC).  Best of some runs: the
 * machine's noise only ever adds.
 *
 *	mkdir -p build/one/bench && make one T=bench/cipher_bench SRC="crypto/mem.c crypto/hash.c \
 *	  crypto/sha3.c crypto/algs.c $(ls crypto/random*.c crypto/kex_*.c crypto/mlkem*.c \
 *	  crypto/sntrup761*.c crypto/cipher_*.c crypto/mac_*.c crypto/umac.c)"
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/crypto.h"

enum {
	PIECE = 32 * 1024,
	PACKETS = 8,			/* as many as the data plane keeps in cache */
	TURNS = 512,			/* 128 MiB per run */
	RUNS = 5,
};

struct slot { uint8_t bytes[4 + PIECE + CIPHER_TAG_MAX]; };

static double
cpu_seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
fail(const char *what)
{
	(void)fprintf(stderr, "cipher_bench: %s\n", what);
	exit(1);
}

static void
run(const struct cipher_alg *cipher, const struct mac_alg *mac, double *seal, double *open)
{
	static struct slot slots[PACKETS];
	uint8_t key[CIPHER_KEY_MAX];
	struct protect_keys keys = { key, key, key };
	struct protect *out, *in;
	uint32_t seq = 0, len;
	size_t total;
	double t;

	crypto_random(key, sizeof(key));
	out = protect_new(cipher, mac, &keys, true);
	in = protect_new(cipher, mac, &keys, false);
	if (out == NULL || in == NULL)
		fail("no context");
	total = protect_aad(out) + PIECE;
	*seal = *open = 0;
	for (int turn = 0; turn < TURNS; turn++) {
		t = cpu_seconds();
		for (uint32_t i = 0; i < PACKETS; i++) {
			memcpy(slots[i].bytes, "\0\0\200\0", 4);
			if (protect_seal(out, seq + i, slots[i].bytes, total) != 0)
				fail("seal");
		}
		*seal += cpu_seconds() - t;
		t = cpu_seconds();
		for (uint32_t i = 0; i < PACKETS; i++)
			if (protect_length(in, seq + i, slots[i].bytes, &len) != 0 ||
			    protect_open(in, seq + i, slots[i].bytes, total) != 0)
				fail("open");
		*open += cpu_seconds() - t;
		seq += PACKETS;
	}
	protect_free(out);
	protect_free(in);
}

static void
measure(const struct cipher_alg *cipher, const struct mac_alg *mac)
{
	double seal, open, best_seal = 1e9, best_open = 1e9, gib;
	char name[2 * NAME_MAX_LEN + 2];

	for (int i = 0; i < RUNS; i++) {
		run(cipher, mac, &seal, &open);
		best_seal = seal < best_seal ? seal : best_seal;
		best_open = open < best_open ? open : best_open;
	}
	gib = (double)TURNS * PACKETS * PIECE / (1 << 30);
	(void)snprintf(name, sizeof(name), "%s%s%s", cipher->name,
	    cipher->tag_len ? "" : " ", cipher->tag_len ? "" : mac->name);
	(void)printf("%-45s %6.2f %6.2f\n", name, best_seal / gib, best_open / gib);
}

int
main(void)
{
	const struct cipher_alg *cipher;
	const struct mac_alg *mac;
	const char *name, *mac_name;

	if (crypto_init() != 0)
		fail("crypto_init");
	(void)printf("%-45s %6s %6s   (s/GiB)\n", "", "seal", "open");
	for (size_t i = 0; (name = alg_name(ALG_CIPHER, i)) != NULL; i++) {
		cipher = cipher_find(name, strlen(name));
		if (cipher == NULL)
			fail(name);
		for (size_t j = 0; (mac_name = alg_name(ALG_MAC, j)) != NULL; j++) {
			mac = mac_find(mac_name, strlen(mac_name));
			if (mac == NULL)
				fail(mac_name);
			measure(cipher, mac);
			if (cipher->tag_len != 0)
				break;
		}
	}
	return 0;
}
