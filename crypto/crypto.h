/*
 * crypto.h - what the rest of Postern may ask of the algorithms.
 *
 * Everything sits behind const tables: an algorithm is one row in algs.c and
 * one file.  Names are those of the SSH registries.  This folder knows neither
 * SSH messages nor processes.  Functions return 0 or -1; a -1 from anything
 * that opens, verifies or derives means "refuse", with no further detail an
 * attacker could use.  Bulk work is OpenSSL's; X25519, Ed25519 and guarded
 * memory are libsodium's (the faster of the two, each).
 */
#ifndef CRYPTO_CRYPTO_H
#define CRYPTO_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRYPTO_CHECKED __attribute__((warn_unused_result))

enum {
	HASH_MAX = 64,			/* SHA-512                            */
	KEX_PUBLIC_MAX = 2048,		/* largest public value of a kex      */
	KEX_SECRET_MAX = 1088,		/* largest shared secret              */
	CIPHER_KEY_MAX = 64,		/* chacha20-poly1305@openssh.com      */
	CIPHER_IV_MAX = 16,
	MAC_KEY_MAX = 64,
	CIPHER_TAG_MAX = 64,		/* tag or MAC behind a packet         */
	KEY_BLOB_MAX = 8192,		/* a public key blob                  */
	SIGNATURE_MAX = 4096,		/* a signature blob                   */
	NAME_MAX_LEN = 64,		/* an algorithm name (RFC 4251 6)     */
};

/* Once per process, before any other call here: initialises both libraries
 * and fetches every algorithm of the tables, so that a sandboxed process need
 * not look for one later.  One that the provider does not have (a FIPS provider has
 * fewer) is in no table from then on.  Returns -1 when one computes wrongly, or too few
 * are left; crypto_problem says which, in a sentence. */
CRYPTO_CHECKED int crypto_init(void);
const char *crypto_problem(void);
/* The names that the provider lacks, i from 0; NULL at the end. */
const char *crypto_missing(size_t i);

/* ---- secrets (mem.c) ---- */
void crypto_wipe(void *p, size_t n);
bool crypto_equal(const void *a, const void *b, size_t n);	/* constant time */
/* Guarded, locked, undumpable memory for key material; NULL when there is
 * none.  crypto_secret_free wipes and accepts NULL. */
void *crypto_secret_alloc(size_t n);
void  crypto_secret_free(void *p);

/* ---- random (random.c) ---- */
/* Never fails visibly: a kernel without randomness ends the process.  The
 * generator buffers; crypto_random_fork() must be called in each fresh clone,
 * so that no two siblings ever share a byte of the buffer. */
void crypto_random(void *p, size_t n);
void crypto_random_fork(void);

/* ---- hashes (hash.c) ---- */
enum hash_id { HASH_SHA1 = 1, HASH_SHA256, HASH_SHA384, HASH_SHA512 };
struct hash;						/* a running hash    */
size_t hash_size(enum hash_id);
CRYPTO_CHECKED struct hash *hash_new(enum hash_id);	/* NULL: no memory   */
void hash_add(struct hash *, const void *p, size_t n);
/* Writes hash_size() bytes and frees. */
CRYPTO_CHECKED int hash_end(struct hash *, uint8_t *out);
CRYPTO_CHECKED int hash_once(enum hash_id, const void *p, size_t n, uint8_t *out);

/* ---- key exchange (kex_*.c, rows in algs.c) ---- */
/* A group of Diffie-Hellman modulo a prime: numbers, big end first, without leading
 * zero. */
enum {
	KEX_GROUP_BITS_MIN = 2048,	/* RFC 8270 */
	KEX_GROUP_BITS_MAX = 8192,
	KEX_GROUP_MAX = KEX_GROUP_BITS_MAX / 8,
};
struct kex_group {
	size_t p_len, g_len;
	uint8_t p[KEX_GROUP_MAX], g[KEX_GROUP_MAX];
};
/* Copies it, unless it is not one to use: p of a size outside the bounds, even, with a
 * factor that a glance finds; or not 1 < g < p-1.  It does not prove p to be prime. */
CRYPTO_CHECKED int kex_group_set(struct kex_group *, const uint8_t *p, size_t p_len,
    const uint8_t *g, size_t g_len);
size_t kex_group_bits(const struct kex_group *);
/* Of RFC 3526: 2048 (group 14), 4096 (16) or 8192 bits (18); another size is an error. */
CRYPTO_CHECKED int kex_group_modp(struct kex_group *, unsigned bits);

/* The three steps of a Diffie-Hellman or a KEM.  The client starts, the server
 * answers (with its ephemeral key made inside), the client finishes.  A row is of one
 * of two kinds: its values have the lengths it says and group is NULL; or it works in a
 * group (kex_in_group), and every value and the secret are numbers of exactly p_len
 * bytes, big end first, which both messages and hash have as mpint.  Such a group is
 * fixed by the row, and then neither messages nor hash name it; or it is asked for first,
 * with messages of its own, and enters the hash. */
struct kex_state { uint8_t bytes[4096]; };		/* wiped by the user */
struct kex_alg {
	const char *name;
	enum hash_id hash;
	bool asks_group;		/* RFC 4419 */
	unsigned group_bits;		/* RFC 3526's of that size; 0: not such a row */
	bool secret_is_string;		/* K enters the hash as string, not mpint */
	size_t client_len, server_len;	/* exact lengths of the public values */
	size_t secret_len;
	/* The row whose trial run counts for this one too, being the same code with other
	 * numbers; or NULL. */
	const struct kex_alg *like;
	bool (*has)(void);		/* has the provider what it needs beside the hash? NULL: yes */
	int (*start)(struct kex_state *, const struct kex_group *, uint8_t *client_public);
	int (*answer)(const struct kex_group *, const uint8_t *client_public,
	    uint8_t *server_public, uint8_t *secret);
	int (*finish)(struct kex_state *, const struct kex_group *,
	    const uint8_t *server_public, uint8_t *secret);
};
const struct kex_alg *kex_find(const char *name, size_t n);	/* or NULL */
bool kex_in_group(const struct kex_alg *);
/* The row that a trial of this one's steps may use in its place: the one it is like, or
 * the first that has the same, and differs in name, hash or group only. */
const struct kex_alg *kex_stand_in(const struct kex_alg *);

/* ---- ciphers and MACs, as packet protection (cipher_*.c) ---- */
/* A row of the cipher table says what it needs; tag_len 0 means that it needs
 * a MAC beside it. */
struct cipher_alg {
	const char *name;
	uint8_t key_len, iv_len, block, tag_len;
	uint64_t max_blocks;		/* rekey before this many (RFC 4344 3.2) */
	const struct cipher_ops *ops;
};
struct mac_alg {
	const char *name;
	uint8_t key_len, tag_len;
	bool etm;			/* MAC over the ciphertext, length in clear */
	enum hash_id hash;		/* of HMAC; 0 for another construction */
	const struct mac_ops *ops;
};
const struct cipher_alg *cipher_find(const char *name, size_t n);
const struct mac_alg *mac_find(const char *name, size_t n);

/*
 * One direction's packet protection.  A packet in memory is
 *	packet_length(4) padding_length(1) payload padding | tag
 * and all work is done in place.
 *   protect_aad      how many of the first bytes stand outside the blocks that
 *                    must fill the cipher's block size (4 for AEAD and -etm:
 *                    the length is not padded over, RFC 5647 / PROTOCOL; else 0)
 *   protect_tag      bytes behind the packet
 *   protect_head     bytes protect_length needs to see
 *   protect_length   reads packet_length from the first protect_head bytes;
 *                    call exactly once per packet (CTR with a plain MAC decrypts
 *                    its first block in place; the others leave it alone)
 *   protect_open     checks the tag in constant time, and decrypts the packet of
 *                    total bytes (4 + packet_length, without the tag) in place,
 *                    so that afterwards the whole of it is in clear
 *   protect_seal     encrypts in place and writes the tag behind
 *   protect_reads_on true for CBC with a plain MAC, where what is refused must look like
 *                    what is not whole yet (CVE-2008-5161): the caller reads on for as
 *                    long as a packet can be, whatever its length said, spends the rest
 *                    of the work with protect_spend, and refuses then
 * seq is the packet's sequence number.  No key has more than one packet of a
 * sequence number: the caller rekeys before 2^31 packets.
 */
struct protect;
struct protect_keys { const uint8_t *key, *iv, *mac; };
CRYPTO_CHECKED struct protect *protect_new(const struct cipher_alg *,
    const struct mac_alg *, const struct protect_keys *, bool encrypt);
void protect_free(struct protect *);			/* wipes; accepts NULL */
size_t protect_aad(const struct protect *);
size_t protect_tag(const struct protect *);
size_t protect_head(const struct protect *);
size_t protect_block(const struct protect *);
bool protect_reads_on(const struct protect *);
/* The time a MAC over n bytes takes, for nothing. */
void protect_spend(struct protect *, const uint8_t *bytes, size_t n);
CRYPTO_CHECKED int protect_length(struct protect *, uint32_t seq, uint8_t *packet,
    uint32_t *packet_length);
CRYPTO_CHECKED int protect_open(struct protect *, uint32_t seq, uint8_t *packet,
    size_t total);
CRYPTO_CHECKED int protect_seal(struct protect *, uint32_t seq, uint8_t *packet,
    size_t total);

/* ---- signatures: linked into the monitor only (sign_*.c) ---- */
/* A private key in crypto_secret memory, opaque; public blob and signature blob
 * are the SSH encodings (RFC 4253 section 6.6, RFC 8709). */
struct sign_key;
struct blob_out;
enum { SIGN_RSA_BITS_MIN = 2048 };	/* smaller ones are refused everywhere */
/* What an authenticator says beside its signature (OpenSSH's PROTOCOL.u2f); all 0 for
 * keys that are not one's. */
enum { SIGN_PRESENT = 0x01, SIGN_VERIFIED = 0x04 };	/* somebody touched it; by PIN or finger */
struct sign_facts {
	bool is_sk;
	uint8_t flags;
	uint32_t counter;		/* of its signatures; it rises, if it counts */
};
struct sign_alg {
	const char *name;		/* of the signature, RFC 8332 */
	const char *key_type;		/* of the key blob */
	bool is_browsers;		/* no program of ours or agent makes it */
	bool (*has)(void);		/* has the provider what it needs? NULL: yes */
	/* 0 if signature (a blob: string alg, string sig) is this alg's over data
	 * by the public key blob; by an authenticator, only if somebody was present. */
	int (*verify)(const uint8_t *blob, size_t blob_len,
	    const uint8_t *data, size_t data_len,
	    const uint8_t *sig, size_t sig_len);
	/* The same, present or not: that is told.  Authenticators only, else NULL. */
	int (*facts)(const uint8_t *blob, size_t blob_len,
	    const uint8_t *data, size_t data_len,
	    const uint8_t *sig, size_t sig_len, struct sign_facts *);
	/* Writes a signature blob.  NULL, as is load: such keys are elsewhere. */
	int (*sign)(const struct sign_key *, const uint8_t *data, size_t data_len,
	    uint8_t *sig, size_t cap, size_t *sig_len);
	/* Takes the fixed form that keyload hands over (see keyfile.h), copies it
	 * into guarded memory, checks that public and private half belong
	 * together.  The same for all rows of a key type. */
	struct sign_key *(*load)(const uint8_t *blob, size_t blob_len,
	    const uint8_t *secret, size_t secret_len);
	/* Writes the key as an agent takes it (RFC 9987 3.2), private numbers and all but
	 * the comment; blob is its public one.  What is written to is the caller's to wipe.
	 * In the first row of a type. */
	void (*put)(const struct sign_key *, const uint8_t *blob, size_t blob_len,
	    struct blob_out *);
};
/* After crypto_init, by who holds keys: fetches what the rows need.  One that the provider
 * does not have is found by nobody from then on. */
CRYPTO_CHECKED int sign_start(void);
/* The names that the provider lacks, i from 0; NULL at the end. */
const char *sign_missing(size_t i);
const struct sign_alg *sign_find(const char *name, size_t n);
const struct sign_alg *sign_at(size_t i);		/* rows in preference order; NULL ends */
/* alg->facts, or alg->verify for a row that has none. */
CRYPTO_CHECKED int sign_verify(const struct sign_alg *, const uint8_t *blob, size_t blob_len,
    const uint8_t *data, size_t data_len, const uint8_t *sig, size_t sig_len,
    struct sign_facts *);
/* The first row of its type: one RSA key serves several. */
const struct sign_alg *sign_key_alg(const struct sign_key *);
/* The size of an RSA key that is fit to use; else 0. */
unsigned sign_rsa_bits(const uint8_t *blob, size_t blob_len);
void sign_key_free(struct sign_key *);			/* wipes; accepts NULL */

/* ---- names for lists and logs (algs.c) ---- */
/* Compression has names only: what they mean is in proto/. */
enum alg_class { ALG_KEX = 1, ALG_CIPHER, ALG_MAC, ALG_COMPRESSION };
/* Row i's name of that table in order of preference, NULL at the end. */
const char *alg_name(enum alg_class, size_t i);
/* SHA256:... of a key blob, as ssh-keygen prints it (no padding). */
enum { FINGERPRINT_MAX = 64 };
CRYPTO_CHECKED int fingerprint(const uint8_t *blob, size_t n, char out[FINGERPRINT_MAX]);

#endif
