/*
 * algs.c - the tables of algorithms, and getting them ready.
 *
 * Order of preference and names for lists are names.def's; what a name means is
 * the row here.  crypto_init fetches and uses every row once, while the process
 * may still open files and map memory: afterwards, inside the sandbox, OpenSSL
 * has nothing left to look for.  A row whose trial run fails ends the start;
 * a connection must never be the first to find out.  A row that the provider does not
 * have is found by nobody and listed nowhere from then on: not offered, not agreed on.
 */
#include <openssl/crypto.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "crypto/cipher.h"
#include "crypto/crypto.h"
#include "crypto/hash.h"
#include "crypto/kex.h"
#include "crypto/random.h"

static const struct kex_alg *const kex_rows[] = {
	&kex_mlkem768x25519_sha256,
	&kex_mlkem768nistp256_sha256,
	&kex_mlkem1024nistp384_sha384,
	&kex_sntrup761x25519_sha512,
	&kex_sntrup761x25519_sha512_openssh,
	&kex_curve25519,
	&kex_curve25519_libssh,
	&kex_ecdh_nistp256,
	&kex_ecdh_nistp384,
	&kex_ecdh_nistp521,
	&kex_gex_sha256,
	&kex_group14_sha256,		/* the smallest first: it is tried for the others */
	&kex_group16_sha512,
	&kex_group18_sha512,
	&kex_group14_sha1,
};

/* RFC 4344 section 3.2: 2^(L/4) blocks for a block of L = 128 bits.  ChaCha20 has no
 * such bound; it gets the same 64 GiB. */
#define AES_BLOCKS	(UINT64_C(1) << 32)
#define CHACHA_BLOCKS	(UINT64_C(1) << 33)

static const struct cipher_alg cipher_rows[] = {
	/* name				  key iv block tag  blocks	    ops */
	{ "chacha20-poly1305@openssh.com", 64,  0,  8, 16, CHACHA_BLOCKS, &cipher_chachapoly },
	{ "aes256-gcm@openssh.com",	   32, 12, 16, 16, AES_BLOCKS,	  &cipher_aesgcm },
	{ "aes128-gcm@openssh.com",	   16, 12, 16, 16, AES_BLOCKS,	  &cipher_aesgcm },
	{ "aes256-ctr",			   32, 16, 16,  0, AES_BLOCKS,	  &cipher_mac_ctr },
	{ "aes192-ctr",			   24, 16, 16,  0, AES_BLOCKS,	  &cipher_mac_ctr },
	{ "aes128-ctr",			   16, 16, 16,  0, AES_BLOCKS,	  &cipher_mac_ctr },
	{ "aes256-cbc",			   32, 16, 16,  0, AES_BLOCKS,	  &cipher_mac_cbc },
	{ "aes192-cbc",			   24, 16, 16,  0, AES_BLOCKS,	  &cipher_mac_cbc },
	{ "aes128-cbc",			   16, 16, 16,  0, AES_BLOCKS,	  &cipher_mac_cbc },
};

static const struct mac_alg mac_rows[] = {
	/* name				   key tag  etm	   hash		construction */
	{ "hmac-sha2-256-etm@openssh.com", 32, 32, true,  HASH_SHA256,	&mac_hmac },
	{ "hmac-sha2-512-etm@openssh.com", 64, 64, true,  HASH_SHA512,	&mac_hmac },
	{ "umac-128-etm@openssh.com",	   16, 16, true,  0,		&mac_umac },
	{ "umac-64-etm@openssh.com",	   16,  8, true,  0,		&mac_umac },
	{ "hmac-sha2-256",		   32, 32, false, HASH_SHA256,	&mac_hmac },
	{ "hmac-sha2-512",		   64, 64, false, HASH_SHA512,	&mac_hmac },
	{ "umac-128@openssh.com",	   16, 16, false, 0,		&mac_umac },
	{ "umac-64@openssh.com",	   16,  8, false, 0,		&mac_umac },
	{ "hmac-sha1-etm@openssh.com",	   20, 20, true,  HASH_SHA1,	&mac_hmac },
	{ "hmac-sha1",			   20, 20, false, HASH_SHA1,	&mac_hmac },
};

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

/* Set by crypto_init, read only afterwards. */
static bool kex_missing[ROWS(kex_rows)], cipher_missing[ROWS(cipher_rows)],
    mac_missing[ROWS(mac_rows)];
static char problem[160];

enum { NAME_KEX = ALG_KEX, NAME_CIPHER = ALG_CIPHER, NAME_MAC = ALG_MAC,
	NAME_COMPRESSION = ALG_COMPRESSION, NAME_SIGNATURE = -1, NAME_USER_SIGNATURE = -1,
	NAME_CERTIFICATE = -1, NAME_USER_CERTIFICATE = -1 };
static const struct {
	int class;
	const char *name;
} names[] = {
#define ALG(class_, name_, presets) { NAME_##class_, name_ },
#include "crypto/names.def"
};

static bool
name_is(const char *row, const char *name, size_t n)
{
	return strlen(row) == n && memcmp(row, name, n) == 0;
}

const struct kex_alg *
kex_find(const char *name, size_t n)
{
	for (size_t i = 0; i < ROWS(kex_rows); i++)
		if (!kex_missing[i] && name_is(kex_rows[i]->name, name, n))
			return kex_rows[i];
	return NULL;
}

bool
kex_in_group(const struct kex_alg *kex)
{
	return kex->asks_group || kex->group_bits != 0;
}

const struct kex_alg *
kex_stand_in(const struct kex_alg *kex)
{
	if (kex->like != NULL)
		return kex->like;
	for (size_t i = 0; i < ROWS(kex_rows); i++)
		if (kex_rows[i]->start == kex->start)
			return kex_rows[i];
	return kex;
}

const struct cipher_alg *
cipher_find(const char *name, size_t n)
{
	for (size_t i = 0; i < ROWS(cipher_rows); i++)
		if (!cipher_missing[i] && name_is(cipher_rows[i].name, name, n))
			return &cipher_rows[i];
	return NULL;
}

const struct mac_alg *
mac_find(const char *name, size_t n)
{
	for (size_t i = 0; i < ROWS(mac_rows); i++)
		if (!mac_missing[i] && name_is(mac_rows[i].name, name, n))
			return &mac_rows[i];
	return NULL;
}

static bool
is_missing(int class, const char *name)
{
	size_t n = strlen(name);

	return (class == NAME_KEX && kex_find(name, n) == NULL) ||
	    (class == NAME_CIPHER && cipher_find(name, n) == NULL) ||
	    (class == NAME_MAC && mac_find(name, n) == NULL);
}

const char *
alg_name(enum alg_class class, size_t i)
{
	for (size_t row = 0; row < ROWS(names); row++)
		if (names[row].class == (int)class && !is_missing(class, names[row].name) &&
		    i-- == 0)
			return names[row].name;
	return NULL;
}

const char *
crypto_missing(size_t i)
{
	for (size_t row = 0; row < ROWS(names); row++)
		if (is_missing(names[row].class, names[row].name) && i-- == 0)
			return names[row].name;
	return NULL;
}

const char *
crypto_problem(void)
{
	return problem;
}

static int
fail(const char *what, const char *name)
{
	(void)snprintf(problem, sizeof(problem), "the crypto libraries %s%s", what, name);
	return -1;
}

/* Both sides in one process: the secrets must agree.  Of rows that differ in name, hash
 * or group only, the first is enough, and of the others that there is their group: one
 * exchange in group 18 would take longer than all the rest of the start. */
static int
try_kex(const struct kex_alg *kex)
{
	struct kex_state state;
	struct kex_group group;
	const struct kex_group *in = kex_in_group(kex) ? &group : NULL;
	uint8_t client[KEX_PUBLIC_MAX], server[KEX_PUBLIC_MAX];
	uint8_t ours[KEX_SECRET_MAX], theirs[KEX_SECRET_MAX];
	int r = -1;

	if (in != NULL && kex_group_modp(&group, kex->asks_group ? KEX_GROUP_BITS_MIN :
	    kex->group_bits) != 0)
		return -1;
	if (kex_stand_in(kex) != kex)
		return 0;
	if (kex->start(&state, in, client) == 0 &&
	    kex->answer(in, client, server, theirs) == 0 &&
	    kex->finish(&state, in, server, ours) == 0 &&
	    crypto_equal(ours, theirs, in != NULL ? group.p_len : kex->secret_len))
		r = 0;
	crypto_wipe(&state, sizeof(state));
	crypto_wipe(ours, sizeof(ours));
	crypto_wipe(theirs, sizeof(theirs));
	return r;
}

/* One packet there and back, then one with a wrong tag, which must be refused:
 * a provider that checks nothing would otherwise go unnoticed. */
static int
try_cipher(const struct cipher_alg *cipher, const struct mac_alg *mac)
{
	enum { BODY = 64 };		/* whole blocks of every cipher */
	static const uint8_t key[CIPHER_KEY_MAX] = { 1 };
	const struct protect_keys keys = { key, key, key };
	struct protect *out = protect_new(cipher, mac, &keys, true);
	struct protect *in = protect_new(cipher, mac, &keys, false);
	uint8_t packet[PACKET_LENGTH + BODY + CIPHER_TAG_MAX] = { 0 };
	size_t total;
	uint32_t len;
	int r = -1;

	if (out == NULL || in == NULL)
		goto end;
	total = protect_aad(out) + BODY;
	for (unsigned round = 0; round < 2; round++) {
		packet_put_u32(packet, (uint32_t)total - PACKET_LENGTH);
		if (protect_seal(out, round, packet, total) != 0)
			goto end;
		packet[total] ^= (uint8_t)round;
		if (protect_length(in, round, packet, &len) != 0 ||
		    len != total - PACKET_LENGTH)
			goto end;
		if ((protect_open(in, round, packet, total) == 0) != (round == 0))
			goto end;
	}
	r = 0;
end:
	protect_free(out);
	protect_free(in);
	return r;
}

/* ---- the start ---- */

static void
ask_provider(void)
{
	for (size_t i = 0; i < ROWS(kex_rows); i++)
		kex_missing[i] = !hash_has(kex_rows[i]->hash) ||
		    (kex_rows[i]->has != NULL && !kex_rows[i]->has());
	for (size_t i = 0; i < ROWS(cipher_rows); i++)
		cipher_missing[i] = !cipher_rows[i].ops->has(&cipher_rows[i]);
	for (size_t i = 0; i < ROWS(mac_rows); i++)
		mac_missing[i] = !mac_rows[i].ops->has(&mac_rows[i]);
}

static int
try_all_kex(void)
{
	for (size_t i = 0; i < ROWS(kex_rows); i++)
		if (!kex_missing[i] && try_kex(kex_rows[i]) != 0)
			return fail("compute wrongly: ", kex_rows[i]->name);
	return 0;
}

static int
try_all_ciphers(void)
{
	for (size_t i = 0; i < ROWS(cipher_rows); i++) {
		bool is_aead = cipher_rows[i].tag_len != 0;

		for (size_t j = 0; !cipher_missing[i] && j < ROWS(mac_rows); j++) {
			if (!is_aead && mac_missing[j])
				continue;
			if (try_cipher(&cipher_rows[i], &mac_rows[j]) != 0)
				return fail("compute wrongly: ", cipher_rows[i].name);
			if (is_aead)
				break;	/* it takes no MAC, so once is enough */
		}
	}
	return 0;
}

/* Less than this agrees with nobody.  A MAC is needed even beside AEAD ciphers alone: our
 * KEXINIT may have no empty list (RFC 4253 7.1), and keys and logins need SHA-256. */
static int
is_enough(void)
{
	static const struct { enum alg_class class; const char *what; } needed[] = {
		{ ALG_KEX, "have no key exchange for us" }, { ALG_CIPHER, "have no cipher for us" },
		{ ALG_MAC, "have no MAC for us" },
	};

	for (size_t i = 0; i < ROWS(needed); i++)
		if (alg_name(needed[i].class, 0) == NULL)
			return fail(needed[i].what, "");
	return hash_has(HASH_SHA256) ? 0 : fail("have no SHA-256", "");
}

int
crypto_init(void)
{
	uint8_t byte;

	problem[0] = '\0';
	/* No configuration file: whoever could write one, or set OPENSSL_CONF, would
	 * choose our algorithms.  No atexit: a clone leaves with _exit. */
	if (sodium_init() < 0 ||
	    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT |
	    OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL) != 1 ||
	    random_start() != 0 || random_openssl_start() != 0)
		return fail("do not start", "");
	if (hash_start() != 0)
		return fail("compute wrongly: ", "a hash");
	crypto_random(&byte, sizeof(byte));
	ask_provider();
	if (try_all_kex() != 0 || try_all_ciphers() != 0)
		return -1;
	return is_enough();
}
