/*
 * ct.c - runs what works on secrets under valgrind, with the secrets marked undefined:
 * memcheck then reports every branch and every address that depends on one.
 *
 * tests/ct_test.sh builds this with POSTERN_CT, in which crypto/ct.h's ct_public is real,
 * and with the compiler's options of the ordinary build.  Two subjects are planted and
 * must be reported, or the test could not fail.
 *
 * A new algorithm is one function and one line in the table: mark its secrets, run it,
 * say what of its results is public.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <valgrind/memcheck.h>

#include "crypto/ct.h"
#include "crypto/mlkem.h"
#include "crypto/random.h"
#include "crypto/sntrup761.h"
#include "crypto/umac.h"

static struct {
	uint8_t public[KEM_PUBLIC_MAX], secret[KEM_SECRET_MAX], cipher[KEM_CIPHER_MAX];
	uint8_t shared[KEM_SHARED];
} mem;

static void
secret(void *p, size_t n)
{
	(void)VALGRIND_MAKE_MEM_UNDEFINED(p, n);
}

/* Everything may be known again; nothing of a subject reaches the next. */
static void
all_public(void)
{
	(void)VALGRIND_MAKE_MEM_DEFINED(&mem, sizeof(mem));
}

/* ---- ML-KEM ---- */

static bool
mlkem_keygen_of(const struct mlkem_size *size)
{
	uint8_t d[MLKEM_SEED], z[MLKEM_SEED];

	crypto_random(d, sizeof(d));
	crypto_random(z, sizeof(z));
	secret(d, sizeof(d));
	secret(z, sizeof(z));
	return mlkem_keygen_from(size, d, z, mem.public, mem.secret) == 0;
}

static bool
mlkem_encaps_of(const struct kem *kem, const struct mlkem_size *size)
{
	uint8_t m[MLKEM_SEED];

	if (kem->keygen(mem.public, mem.secret) != 0)
		return false;
	all_public();
	crypto_random(m, sizeof(m));
	secret(m, sizeof(m));
	return mlkem_encaps_from(size, mem.public, m, mem.cipher, mem.shared) == 0;
}

/* Whether the ciphertext is rejected must not be seen either.  Of the secret key the
 * public key and its hash are no secrets (FIPS 203 algorithm 16 has the places). */
static bool
mlkem_decaps_of(const struct kem *kem, bool damaged)
{
	if (kem->keygen(mem.public, mem.secret) != 0 ||
	    kem->encaps(mem.public, mem.cipher, mem.shared) != 0)
		return false;
	all_public();
	mem.cipher[7] ^= damaged;
	secret(mem.secret, kem->public_len - MLKEM_SEED);
	secret(mem.secret + kem->secret_len - MLKEM_SEED, MLKEM_SEED);
	return kem->decaps(mem.secret, mem.cipher, mem.shared) == 0;
}

static bool keygen_768(void) { return mlkem_keygen_of(&mlkem_768); }
static bool keygen_1024(void) { return mlkem_keygen_of(&mlkem_1024); }
static bool encaps_768(void) { return mlkem_encaps_of(&kem_mlkem768, &mlkem_768); }
static bool encaps_1024(void) { return mlkem_encaps_of(&kem_mlkem1024, &mlkem_1024); }
static bool decaps_768(void) { return mlkem_decaps_of(&kem_mlkem768, false); }
static bool decaps_1024(void) { return mlkem_decaps_of(&kem_mlkem1024, false); }
static bool reject_768(void) { return mlkem_decaps_of(&kem_mlkem768, true); }
static bool reject_1024(void) { return mlkem_decaps_of(&kem_mlkem1024, true); }

/* ---- sntrup761 ---- */

static void
secret_random(void *p, size_t n)
{
	crypto_random(p, n);
	secret(p, n);
}

static bool
sntrup761_keygen_secret(void)
{
	return sntrup761_keygen_from(secret_random, mem.public, mem.secret) == 0;
}

static bool
sntrup761_encaps_secret(void)
{
	if (kem_sntrup761.keygen(mem.public, mem.secret) != 0)
		return false;
	all_public();
	return sntrup761_encaps_from(secret_random, mem.public, mem.cipher, mem.shared) == 0;
}

/* A secret key there: twice a polynomial of small numbers, the public key, what a refusal
 * is made from, a hash. */
static bool
sntrup761_decaps_of(bool damaged)
{
	enum { SMALL = (SNTRUP761_SECRET - SNTRUP761_PUBLIC - 32) / 3 };

	if (kem_sntrup761.keygen(mem.public, mem.secret) != 0 ||
	    kem_sntrup761.encaps(mem.public, mem.cipher, mem.shared) != 0)
		return false;
	all_public();
	mem.cipher[7] ^= damaged;
	secret(mem.secret, 2 * SMALL);
	secret(mem.secret + 2 * SMALL + SNTRUP761_PUBLIC, SMALL);
	return kem_sntrup761.decaps(mem.secret, mem.cipher, mem.shared) == 0;
}

static bool sntrup761_decaps_good(void) { return sntrup761_decaps_of(false); }
static bool sntrup761_decaps_bad(void) { return sntrup761_decaps_of(true); }

/* ---- UMAC ---- */

/* The key and the message; of every kind of length. */
static bool
umac(void)
{
	static const size_t lengths[] = { 0, 1, 31, 1024, 1025, 5000 };
	static uint8_t message[5000];
	const uint8_t nonce[UMAC_NONCE] = { 0 };
	uint8_t key[UMAC_KEY], tag[UMAC_TAG_MAX];
	struct umac *u;
	bool ok;

	secret_random(key, sizeof(key));
	secret_random(message, sizeof(message));
	u = umac_new(key, UMAC_TAG_MAX);
	ok = u != NULL;
	for (size_t i = 0; ok && i < sizeof(lengths) / sizeof(lengths[0]); i++)
		ok = umac_tag(u, nonce, message, lengths[i], tag) == 0;
	umac_free(u);
	return ok;
}

/* ---- what all of them use ---- */

static bool
compare(void)
{
	uint8_t other[KEM_SHARED];
	bool equal;

	crypto_random(mem.shared, sizeof(mem.shared));
	memcpy(other, mem.shared, sizeof(other));
	secret(mem.shared, sizeof(mem.shared));
	equal = crypto_equal(mem.shared, other, sizeof(other));
	ct_public(&equal, sizeof(equal));
	return equal;
}

/* ---- planted ---- */

static volatile unsigned seen;

static bool
branch_on_a_secret(void)
{
	crypto_random(mem.shared, sizeof(mem.shared));
	secret(mem.shared, sizeof(mem.shared));
	if (mem.shared[0] & 1)
		seen = 1;
	return true;
}

static bool
index_by_a_secret(void)
{
	static volatile uint8_t table[256];

	crypto_random(mem.shared, sizeof(mem.shared));
	secret(mem.shared, sizeof(mem.shared));
	seen = table[mem.shared[0]];
	return true;
}

static const struct {
	const char *name;
	bool (*run)(void);
	bool planted;
} subjects[] = {
	{ "ML-KEM-768 keygen",			keygen_768,		 false },
	{ "ML-KEM-768 encaps",			encaps_768,		 false },
	{ "ML-KEM-768 decaps",			decaps_768,		 false },
	{ "ML-KEM-768 decaps, rejected",	reject_768,		 false },
	{ "ML-KEM-1024 keygen",			keygen_1024,		 false },
	{ "ML-KEM-1024 encaps",			encaps_1024,		 false },
	{ "ML-KEM-1024 decaps",			decaps_1024,		 false },
	{ "ML-KEM-1024 decaps, rejected",	reject_1024,		 false },
	{ "sntrup761 keygen",			sntrup761_keygen_secret, false },
	{ "sntrup761 encaps",			sntrup761_encaps_secret, false },
	{ "sntrup761 decaps",			sntrup761_decaps_good,	 false },
	{ "sntrup761 decaps, rejected",		sntrup761_decaps_bad,	 false },
	{ "UMAC",				umac,			 false },
	{ "crypto_equal",			compare,		 false },
	{ "planted branch is found",		branch_on_a_secret,	 true },
	{ "planted index is found",		index_by_a_secret,	 true },
};

int
main(int argc, char **argv)
{
	const char *compiler = argc > 1 ? argv[1] : "";
	int failed = 0;

	if (RUNNING_ON_VALGRIND == 0 || random_start() != 0) {
		printf("not ok constant time%s: not under valgrind\n", compiler);
		return 1;
	}
	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
		unsigned before = VALGRIND_COUNT_ERRORS, reports;
		bool ran = subjects[i].run();

		all_public();
		reports = VALGRIND_COUNT_ERRORS - before;
		if (ran && (reports > 0) == subjects[i].planted) {
			printf("ok constant time%s, %s\n", compiler, subjects[i].name);
			continue;
		}
		printf("not ok constant time%s, %s: %s, %u reports\n", compiler, subjects[i].name,
		    ran ? "ran" : "did not work", reports);
		failed = 1;
	}
	return failed;
}
