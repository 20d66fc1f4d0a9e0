/*
 * krlmake.h - what a KRL is to revoke, collected from anywhere, for postern-keygen.
 *
 * A struct krlmake begins as zeros.  What is added is copied; a call says NULL, or why it
 * added nothing, in a sentence of ours.
 */
#ifndef CRYPTO_KRLMAKE_H
#define CRYPTO_KRLMAKE_H

#include "crypto/krl.h"

enum {
	KRLMAKE_ENTRIES_MAX = KRL_FILE_MAX / 8,		/* as many as serials fit a file */
	KRLMAKE_CAS_MAX = 1024,
	KRLMAKE_KEY_ID_MAX = KRL_LINE_MAX,
	KRLMAKE_COMMENT_MAX = 1024,
};

struct krlmake_entry {
	enum krl_kind kind;		/* never KRL_BITMAP            */
	uint32_t ca;			/* index; of keys: 0           */
	uint64_t low, high;		/* KRL_SERIALS                 */
	uint8_t *bytes;			/* the others; freed with them */
	size_t n;
};
struct krlmake {
	uint64_t version, date, flags;
	char comment[KRLMAKE_COMMENT_MAX];
	struct krlmake_entry *entries;
	size_t n, room;
	struct { uint8_t *blob; size_t n; } cas[KRLMAKE_CAS_MAX];	/* n of 0: any CA */
	size_t n_cas;
};

/* All that a KRL has; its version, date and comment too. */
const char *krlmake_load(struct krlmake *, const uint8_t *file, size_t n);
/* Certificates of a CA (no bytes: of any) by serial numbers, or by the key id. */
const char *krlmake_serials(struct krlmake *, struct blob ca, uint64_t low, uint64_t high);
const char *krlmake_key_id(struct krlmake *, struct blob ca, struct blob id);
/* A key, or its certificate's, as KRL_KEY or by its digest. */
const char *krlmake_key(struct krlmake *, enum krl_kind, const uint8_t *blob, size_t n);
/* A certificate by its serial number; by its key id if it has none. */
const char *krlmake_cert(struct krlmake *, const struct cert *);
const char *krlmake_sha256(struct krlmake *, const uint8_t digest[32]);
/* Sorted: by CA, in the order they came in, then keys and digests; each once, and serials
 * that touch as one. */
void krlmake_settle(struct krlmake *);
void krlmake_free(struct krlmake *);

/* ---- krlwrite.c ---- */
/* The file of what is settled, in memory that the caller frees. */
const char *krlwrite(const struct krlmake *, uint8_t **file, size_t *n);

#endif
