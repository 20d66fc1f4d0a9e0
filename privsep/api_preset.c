/*
 * api_preset.c - what a preset makes of each list, and which preset would have agreed
 * with a peer that could not be agreed with.
 *
 * Membership is data: the last column of crypto/names.def.  A peer's list is any bytes;
 * nothing of it is kept or shown here.
 */
#include <errno.h>
#include <limits.h>

#include "privsep/api.h"

enum { BY_NAME = 0, MODERN = 1, COMPAT = 2, PQ_ONLY = 4, EVERY = MODERN | COMPAT | PQ_ONLY };
enum { KEX = 1 << POSTERN_KEX, CIPHER = 1 << POSTERN_CIPHERS, MAC = 1 << POSTERN_MACS,
	COMPRESSION = 1 << POSTERN_COMPRESSION,
	CERTIFICATE = 1 << POSTERN_HOST_KEYS | 1 << POSTERN_SIGNATURES,
	USER_CERTIFICATE = 1 << POSTERN_SIGNATURES,
	USER_SIGNATURE = 1 << POSTERN_SIGNATURES | 1 << POSTERN_CA_SIGNATURES,
	SIGNATURE = CERTIFICATE | 1 << POSTERN_CA_SIGNATURES };

static const struct {
	int lists;			/* bits 1 << list */
	const char *name;
	unsigned presets;
} names[] = {
#define ALG(class_, name_, presets_) { class_, name_, presets_ },
#include "crypto/names.def"
};

/* In the order in which one is recommended to whom none was enough. */
static const struct {
	const char *name;
	unsigned bit;
	unsigned rsa_min;		/* bits of a host key: 128 bits of strength, or 112 */
} presets[] = {
	{ "modern",  MODERN,  3072 },
	{ "compat",  COMPAT,  2048 },
	{ "pq-only", PQ_ONLY, 3072 },
};

unsigned
api_preset_rsa_min(const char *preset)
{
	for (size_t i = 0; i < sizeof(presets) / sizeof(presets[0]); i++) {
		if (strcmp(presets[i].name, preset != NULL ? preset : "modern") == 0)
			return presets[i].rsa_min;
	}
	return UINT_MAX;		/* none that there is not */
}

/* 0: there is no such preset. */
static unsigned
bit_of(const char *preset)
{
	if (preset == NULL)
		return MODERN;
	for (size_t i = 0; i < sizeof(presets) / sizeof(presets[0]); i++) {
		if (strcmp(presets[i].name, preset) == 0)
			return presets[i].bit;
	}
	return 0;
}

/* What an authority signed was signed long ago: it may use whatever is not by name only
 * (as with OpenSSH: what does not rest on SHA-1). */
static bool
is_in(size_t i, int list, unsigned bit)
{
	if (list == POSTERN_CA_SIGNATURES)
		bit = EVERY;
	return (names[i].lists & 1 << list) != 0 && (names[i].presets & bit) != 0;
}

int
api_preset_list(int list, const char *preset, char *out, size_t size)
{
	unsigned bit = bit_of(preset);
	struct wr w = wr_of(out, size);

	if (postern_supported(list) == NULL || size == 0)
		return -EINVAL;
	out[0] = '\0';
	if (bit == 0)
		return -ENOENT;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!is_in(i, list, bit))
			continue;
		if (w.n > 0)
			wr_u8(&w, ',');
		wr_raw(&w, span_str(names[i].name));
	}
	wr_u8(&w, 0);
	if (!w.bad)
		return 0;
	out[0] = '\0';
	return -ERANGE;
}

/* ---- a failed negotiation ---- */

static bool
has(struct span list, const char *wanted)
{
	struct rd r = rd_of(list);
	struct span name;

	while (api_list_next(&r, &name)) {
		if (span_is(name, wanted))
			return true;
	}
	return false;
}

/* By its first name, which is in no other: the peer's may be in none. */
static int
list_of(struct span ours)
{
	struct rd r = rd_of(ours);
	struct span first = { NULL, 0 };

	(void)api_list_next(&r, &first);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!span_is(first, names[i].name))
			continue;
		for (int list = POSTERN_KEX; list <= POSTERN_COMPRESSION; list++)
			if ((names[i].lists & 1 << list) != 0)
				return list;
	}
	return 0;
}

/* Of a public key that our monitor has taken: string, e and n (RFC 4253 6.6). */
static size_t
rsa_bits(const postern_key *k)
{
	struct rd r = rd_of(span_of(k->blob, k->blob_len));
	struct span n;
	size_t bits;

	(void)rd_blob(&r, k->blob_len);
	(void)rd_mpint(&r, k->blob_len);
	n = rd_mpint(&r, k->blob_len);
	if (!rd_done(&r) || n.n == 0)
		return 0;
	bits = n.n * 8;
	for (uint8_t top = n.p[0]; (top & 0x80) == 0 && top != 0; top = (uint8_t)(top << 1))
		bits--;
	return bits;
}

/* One type of key has several signatures (RFC 8332), and a name that is its own. */
static bool
signs(const postern_key *k, struct span name, unsigned rsa_min)
{
	if (strcmp(k->alg, "ssh-rsa") != 0)
		return span_is(name, k->alg);
	return (span_is(name, k->alg) || (name.n > 9 && memcmp(name.p, "rsa-sha2-", 9) == 0)) &&
	    rsa_bits(k) >= rsa_min;
}

static bool
has_host_key(const postern_context *ctx, const char *name, unsigned rsa_min)
{
	const postern_key *k;

	TAILQ_FOREACH(k, &ctx->host_keys, next) {
		if (signs(k, span_str(name), rsa_min))
			return true;
	}
	return false;
}

bool
api_preset_offers(const postern_key *k, struct span list, unsigned rsa_min)
{
	struct rd r = rd_of(list);
	struct span name;

	while (api_list_next(&r, &name)) {
		if (signs(k, name, rsa_min))
			return true;
	}
	return false;
}

/* A server can only show what it has: a preset makes neither keys nor moduli. */
static bool
could_be_offered(const postern_transport *t, int list, const char *name, unsigned rsa_min)
{
	if (!t->is_server)
		return true;
	if (list == POSTERN_HOST_KEYS)
		return has_host_key(t->ctx, name, rsa_min);
	return t->ctx->has_moduli ||
	    strncmp(name, "diffie-hellman-group-exchange-", 30) != 0;
}

const char *
api_preset_that_agrees(const postern_transport *t, struct span ours, struct span theirs)
{
	int list = list_of(ours);

	for (size_t p = 0; list != 0 && p < sizeof(presets) / sizeof(presets[0]); p++) {
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			if (is_in(i, list, presets[p].bit) && has(theirs, names[i].name) &&
			    could_be_offered(t, list, names[i].name, presets[p].rsa_min))
				return presets[p].name;
		}
	}
	return NULL;
}
