/*
 * krl.h - revoked keys: OpenSSH's KRLs (PROTOCOL.krl), and plain lists of public keys.
 *
 * Of a KRL nothing is allocated and nothing is kept: each question reads the file's bytes
 * again, from end to end (2 ms for the longest), and one that is not well formed revokes
 * everything.  A list, whose lines are base64, is read once.
 */
#ifndef CRYPTO_KRL_H
#define CRYPTO_KRL_H

#include "crypto/cert.h"

enum {
	KRL_FILE_MAX = 16 * 1024 * 1024,
	KRL_LINE_MAX = 16 * 1024,	/* of a list of public keys                 */
	KRL_LIST_KEYS_MAX = 256 * 1024,	/* more than a file has place for of real ones */
	KRL_BITMAP_MAX = 2048 + 1,	/* bytes of a bitmap of serial numbers      */
};

/* One thing that a KRL revokes, borrowed from its bytes. */
enum krl_kind { KRL_SERIALS, KRL_BITMAP, KRL_KEY_ID, KRL_KEY, KRL_SHA1, KRL_SHA256 };
struct krl_item {
	enum krl_kind kind;
	struct blob ca;			/* of the first three; empty: any           */
	uint64_t low, high;		/* serials; of a bitmap: its first bit's    */
	struct blob data;		/* of all but serials                       */
};
struct krl_about {
	uint64_t version, date, flags;	/* date: seconds since 1970 */
	struct blob comment;
};
typedef void krl_visit(void *, const struct krl_item *);

/* Is this a KRL, and no list?  Well formed or not. */
bool krl_is(const uint8_t *file, size_t n);
/* What is in a KRL, in its order.  NULL, or why it is unfit: then what was visited until
 * there is not to be relied on. */
const char *krl_each(const uint8_t *file, size_t n, struct krl_about *, krl_visit *, void *);

/* Is this a KRL that can be read to its end and asked?  0, or -1 and why. */
CRYPTO_CHECKED int krl_check(const uint8_t *file, size_t n, const char **why);
/* Does the KRL, which krl_check has passed, revoke this plain key, or its certificate
 * (NULL: it has none) by serial number, key id or CA? */
bool krl_revokes(const uint8_t *file, size_t n, const uint8_t *plain, size_t plain_len,
    const struct cert *);

/* A list of public keys, a line each (krl_list.c): their digests. */
struct krl_list;
/* NULL and why: it cannot be read to its end; line: from 1, or 0. */
struct krl_list *krl_list_read(const uint8_t *file, size_t n, const char **why, uint32_t *line);
void krl_list_free(struct krl_list *);
/* Is this key in it, or the CA of its certificate (NULL: it has none)? */
bool krl_list_revokes(const struct krl_list *, const uint8_t *plain, size_t plain_len,
    const struct cert *);

#endif
