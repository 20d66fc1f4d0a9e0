/*
 * packet.c - RFC 4253 6, in place.
 *
 * What comes in is hostile until its tag was checked: before that nothing but
 * packet_length is looked at, and it is bounded at once.  Under keys every failure
 * of length or tag is one and the same error, told at once and identically, so
 * that nobody who changes bytes on the way learns anything by the kind of answer.
 * In a counter mode the moment of the answer gives away the length alone, and that is
 * visible in the traffic anyway.
 *
 * With CBC and a plain MAC it would give away more (CVE-2008-5161): whoever puts an old
 * block of ciphertext in a packet's first place has it decrypted for a length, and
 * counts the bytes until we refuse.  So there every refusal comes when as many bytes
 * have come as the longest packet has, and after as much work.
 *
 * No sequence number is ever used twice under one key.
 */
#include "proto/packet.h"

enum { CLEAR_BLOCK = 8 };		/* RFC 4253 6: 8 or the cipher's, the larger */

void
packet_rekey(struct packet_flow *f, struct protect *keys, bool restart)
{
	protect_free(f->keys);
	f->keys = keys;
	f->packets = f->blocks = 0;
	f->length = 0;
	if (restart)
		f->seq = 0;
	f->block = CLEAR_BLOCK;
	f->aad = f->tag = 0;
	f->head = 4;
	f->reads_on = f->refused = false;
	if (keys == NULL)
		return;
	if (protect_block(keys) > CLEAR_BLOCK)
		f->block = (uint8_t)protect_block(keys);
	f->aad = (uint8_t)protect_aad(keys);
	f->tag = (uint8_t)protect_tag(keys);
	f->head = (uint8_t)protect_head(keys);
	f->reads_on = protect_reads_on(keys);
}

void
packet_free(struct packet_flow *f)
{
	packet_rekey(f, NULL, true);
}

static size_t
block_of(const struct packet_flow *f)
{
	return f->block > 0 ? f->block : CLEAR_BLOCK;
}

static void
count(struct packet_flow *f, size_t total)
{
	f->seq++;
	f->packets++;
	f->blocks += (total + block_of(f) - 1) / block_of(f);
}

static enum proto_error
read_length(struct packet_flow *f, uint8_t *p)
{
	struct rd r = rd_of(span_of(p, 4));
	uint32_t length = rd_u32(&r);
	enum proto_error bad = PROTO_E_PACKET_LENGTH;

	if (f->keys != NULL) {
		bad = PROTO_E_PACKET_MAC;
		if (protect_length(f->keys, f->seq, p, &length) != 0)
			return bad;
	}
	if (length < 1 + SSH_PADDING_MIN || length > SSH_PACKET_LENGTH_MAX)
		return bad;
	/* the length field itself is padded over, unless it is not in a block */
	if ((4 - f->aad + length) % block_of(f) != 0)
		return bad;
	f->length = length;
	return PROTO_OK;
}

/* A packet that fails with e; p has n bytes from its beginning. */
static enum proto_error
refuse(struct packet_flow *f, enum proto_error e, const uint8_t *p, size_t n)
{
	size_t done = f->length > 0 ? 4 + (size_t)f->length : 0;	/* under a MAC already */

	if (!f->reads_on)
		return e;
	f->refused = true;
	if (n < PACKET_TOTAL_MAX)
		return PROTO_OK;
	protect_spend(f->keys, p, PACKET_TOTAL_MAX - done);
	return PROTO_E_PACKET_MAC;
}

enum proto_error
packet_open(struct packet_flow *f, uint8_t *p, size_t n, struct span *payload, size_t *used)
{
	size_t total, padding, head = f->head > 4 ? f->head : 4;
	enum proto_error e;

	*used = 0;
	if (f->refused)
		return refuse(f, PROTO_E_PACKET_MAC, p, n);
	if (f->length == 0) {
		if (n < head)
			return PROTO_OK;
		if (f->packets > UINT32_MAX)
			return PROTO_E_SEQUENCE;
		if ((e = read_length(f, p)) != PROTO_OK)
			return refuse(f, e, p, n);
	}
	total = 4 + (size_t)f->length;
	if (n < total + f->tag)
		return PROTO_OK;
	if (f->keys != NULL && protect_open(f->keys, f->seq, p, total) != 0)
		return refuse(f, PROTO_E_PACKET_MAC, p, n);

	padding = p[4];
	if (padding < SSH_PADDING_MIN || padding > f->length - 1)
		return PROTO_E_PACKET_PADDING;
	if (padding == f->length - 1)
		return PROTO_E_PACKET_EMPTY;
	*payload = span_of(p + PACKET_HEAD, f->length - 1 - padding);
	*used = total + f->tag;
	f->length = 0;
	count(f, total);
	return PROTO_OK;
}

/* The least padding that fills the block (RFC 4253 6: 4 bytes or more). */
static size_t
padding_for(const struct packet_flow *f, size_t payload)
{
	size_t block = block_of(f);
	size_t padding = block - (PACKET_HEAD - f->aad + payload) % block;

	return padding < SSH_PADDING_MIN ? padding + block : padding;
}

size_t
packet_size(const struct packet_flow *f, size_t payload)
{
	return PACKET_HEAD + payload + padding_for(f, payload) + f->tag;
}

enum proto_error
packet_seal(struct packet_flow *f, uint8_t *p, size_t payload)
{
	size_t padding = padding_for(f, payload), total = PACKET_HEAD + payload + padding;
	struct wr w = wr_of(p, PACKET_HEAD);

	if (payload == 0 || payload > PACKET_PAYLOAD_MAX)
		return PROTO_E_LOCAL_BUG;
	if (f->packets > UINT32_MAX)
		return PROTO_E_SEQUENCE;
	wr_u32(&w, (uint32_t)(total - 4));
	wr_u8(&w, (uint8_t)padding);
	crypto_random(p + PACKET_HEAD + payload, padding);
	if (f->keys != NULL && protect_seal(f->keys, f->seq, p, total) != 0)
		return PROTO_E_LOCAL_CRYPTO;
	count(f, total);
	return PROTO_OK;
}
