/*
 * packet_test.c - the binary packet protocol in every protection: bad lengths, all
 * paddings, every truncation, every changed byte, counters at their end; then what
 * is good.  Bad packets are sealed by crypto/ directly, as a hostile peer would.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proto/packet.h"

static const struct mode { const char *cipher, *mac; } modes[] = {
	{ NULL, NULL },
	{ "chacha20-poly1305@openssh.com", NULL },
	{ "aes256-gcm@openssh.com", NULL },
	{ "aes128-gcm@openssh.com", NULL },
	{ "aes128-ctr", "hmac-sha2-256" },
	{ "aes256-ctr", "hmac-sha2-512" },
	{ "aes192-ctr", "hmac-sha2-256-etm@openssh.com" },
	{ "aes256-ctr", "hmac-sha2-512-etm@openssh.com" },
	{ "aes128-ctr", "umac-64@openssh.com" },
	{ "aes128-cbc", "umac-128-etm@openssh.com" },
	{ "aes128-cbc", "hmac-sha1" },
	{ "aes256-cbc", "umac-64@openssh.com" },
};
enum { MODES = sizeof(modes) / sizeof(modes[0]), BIG = 64 * 1024 };

/* CBC with a plain MAC: a refusal is put off. */
static bool
chained(const struct mode *m)
{
	return m->cipher != NULL && strstr(m->cipher, "-cbc") != NULL && strstr(m->mac, "-etm@") == NULL;
}

/* What there is to see of a forged packet as soon as it is whole. */
static enum proto_error
at_once(const struct mode *m)
{
	return m->cipher == NULL ? PROTO_E_PACKET_LENGTH : chained(m) ? PROTO_OK : PROTO_E_PACKET_MAC;
}

static struct protect *
protection(const struct mode *m, bool encrypt)
{
	static const uint8_t key[64] = { 1, 2, 3 }, iv[16] = { 4, 5 }, mac[64] = { 6, 7 };
	const struct protect_keys keys = { key, iv, mac };
	struct protect *p;

	if (m->cipher == NULL)
		return NULL;
	p = protect_new(cipher_find(m->cipher, strlen(m->cipher)),
	    m->mac != NULL ? mac_find(m->mac, strlen(m->mac)) : NULL, &keys, encrypt);
	assert_non_null(p);
	return p;
}

static void
flow_of(struct packet_flow *f, const struct mode *m, bool encrypt)
{
	memset(f, 0, sizeof(*f));
	packet_rekey(f, protection(m, encrypt), true);
}

/* A packet of any packet_length and padding_length, rightly sealed.  Its bytes. */
static size_t
hostile(const struct mode *m, uint8_t *p, uint32_t length, uint8_t padding)
{
	struct packet_flow f;
	struct wr w = wr_of(p, PACKET_HEAD);
	size_t n;

	flow_of(&f, m, true);
	n = 4 + (size_t)length + f.tag;
	wr_u32(&w, length);
	wr_u8(&w, padding);
	if (f.keys != NULL)
		assert_int_equal(protect_seal(f.keys, 0, p, 4 + (size_t)length), 0);
	packet_free(&f);
	return n;
}

static enum proto_error
open_one(const struct mode *m, const uint8_t *bytes, size_t n, size_t *used, size_t *payload)
{
	struct packet_flow f;
	struct span s = span_of(NULL, 0);
	uint8_t *copy = malloc(n > 0 ? n : 1);
	enum proto_error e;

	assert_non_null(copy);
	memcpy(copy, bytes, n);
	flow_of(&f, m, false);
	e = packet_open(&f, copy, n, &s, used);
	*payload = s.n;
	packet_free(&f);
	free(copy);
	return e;
}

/* The length a hostile peer writes: in clear, or hidden under the right key.  For
 * CTR with a plain MAC and for chacha20 that is done by sealing a good packet and
 * changing the length by exclusive or, which a stream cipher lets through. */
static void
with_length(const struct mode *m, uint8_t *p, uint32_t length)
{
	struct packet_flow f;
	uint32_t honest;

	memset(p, 0, BIG);
	flow_of(&f, m, true);
	honest = f.aad == 4 ? 64 : 60;
	packet_free(&f);
	(void)hostile(m, p, honest, 10);
	for (int i = 0; i < 4; i++)
		p[i] ^= (uint8_t)((honest ^ length) >> (24 - 8 * i));
}

static void
bad_lengths(void **state)
{
	static const uint32_t bad[] = { 0, 1, 2, 3, 4, 5, 6, 7, 35001, 35004, 35008, 36000,
		0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff };
	static uint8_t p[BIG];
	size_t used, payload;

	(void)state;
	for (size_t i = 0; i < MODES; i++) {
		for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++) {
			with_length(&modes[i], p, bad[k]);
			assert_int_equal(open_one(&modes[i], p, 256, &used, &payload),
			    at_once(&modes[i]));
			assert_int_equal(used, 0);
		}
	}
}

/* 35000 is a multiple of 8: legal where the length is not padded over and the
 * block is 8; the largest legal one elsewhere is a little below. */
static void
greatest_lengths(void **state)
{
	static uint8_t p[BIG];
	size_t used, payload;

	(void)state;
	for (size_t i = 0; i < MODES; i++) {
		struct packet_flow f;
		uint32_t length = SSH_PACKET_LENGTH_MAX;
		size_t n;

		flow_of(&f, &modes[i], false);
		while ((4 - f.aad + length) % f.block != 0)
			length--;
		packet_free(&f);
		memset(p, 0, sizeof(p));
		n = hostile(&modes[i], p, length, 4);
		assert_int_equal(open_one(&modes[i], p, n - 1, &used, &payload), PROTO_OK);
		assert_int_equal(used, 0);
		assert_int_equal(open_one(&modes[i], p, n, &used, &payload), PROTO_OK);
		assert_int_equal(used, n);
		assert_int_equal(payload, length - 5);
	}
}

/* Every packet_length to 300 with every padding_length, in every mode. */
static void
all_paddings(void **state)
{
	static uint8_t p[BIG];
	size_t used, payload;

	(void)state;
	for (size_t i = 0; i < MODES; i++) {
		struct packet_flow f;
		size_t block, aad;

		flow_of(&f, &modes[i], false);
		block = f.block;
		aad = f.aad;
		packet_free(&f);
		for (uint32_t length = 8; length <= 300; length += 4) {
			if ((4 - aad + length) % block != 0)
				continue;
			for (unsigned padding = 0; padding <= 255; padding++) {
				enum proto_error want = PROTO_OK;
				size_t n;

				memset(p, 0, 512);
				n = hostile(&modes[i], p, length, (uint8_t)padding);
				if (padding < 4 || padding > length - 1)
					want = PROTO_E_PACKET_PADDING;
				else if (padding == length - 1)
					want = PROTO_E_PACKET_EMPTY;
				assert_int_equal(open_one(&modes[i], p, n, &used, &payload), want);
				assert_int_equal(payload, want == PROTO_OK ?
				    length - 1 - padding : 0);
			}
		}
	}
}

static void
lengths_that_do_not_fill_blocks(void **state)
{
	static uint8_t p[BIG];
	size_t used, payload;

	(void)state;
	for (size_t i = 0; i < MODES; i++) {
		struct packet_flow f;
		size_t block, aad;

		flow_of(&f, &modes[i], false);
		block = f.block;
		aad = f.aad;
		packet_free(&f);
		for (uint32_t length = 8; length < 200; length++) {
			if ((4 - aad + length) % block == 0)
				continue;
			with_length(&modes[i], p, length);
			assert_int_equal(open_one(&modes[i], p, 512, &used, &payload),
			    at_once(&modes[i]));
		}
	}
}

static size_t
honest(const struct mode *m, uint8_t *p, size_t payload)
{
	struct packet_flow f;
	size_t n;

	flow_of(&f, m, true);
	n = packet_size(&f, payload);
	for (size_t i = 0; i < payload; i++)
		p[PACKET_HEAD + i] = (uint8_t)(i * 7 + 1);
	assert_int_equal(packet_seal(&f, p, payload), PROTO_OK);
	packet_free(&f);
	return n;
}

static void
any_changed_byte(void **state)
{
	static uint8_t p[BIG];
	size_t used, payload;

	(void)state;
	for (size_t i = 1; i < MODES; i++) {
		size_t n = honest(&modes[i], p, 50);

		for (size_t k = 0; k < n; k++) {
			enum proto_error e;

			p[k] ^= 0x20;
			e = open_one(&modes[i], p, n, &used, &payload);
			/* a changed length may ask for more bytes; nothing else may pass */
			assert_true((e == at_once(&modes[i]) && used == 0) ||
			    (k < 4 && e == PROTO_OK && used == 0));
			assert_int_equal(payload, 0);
			p[k] ^= 0x20;
		}
		assert_int_equal(open_one(&modes[i], p, n, &used, &payload), PROTO_OK);
	}
}

static void
every_truncation_waits(void **state)
{
	static uint8_t p[BIG];
	size_t used, payload;

	(void)state;
	for (size_t i = 0; i < MODES; i++) {
		size_t n = honest(&modes[i], p, 100);

		for (size_t k = 0; k < n; k++) {
			assert_int_equal(open_one(&modes[i], p, k, &used, &payload), PROTO_OK);
			assert_int_equal(used, 0);
		}
	}
}

/* Byte by byte into one flow: packet_length is read once, whatever comes when. */
static void
trickle(void **state)
{
	static uint8_t p[BIG];

	(void)state;
	for (size_t i = 0; i < MODES; i++) {
		struct packet_flow f;
		struct span s;
		size_t n = honest(&modes[i], p, 77), used;

		flow_of(&f, &modes[i], false);
		for (size_t k = 0; k < n; k++) {
			assert_int_equal(packet_open(&f, p, k, &s, &used), PROTO_OK);
			assert_int_equal(used, 0);
		}
		assert_int_equal(packet_open(&f, p, n, &s, &used), PROTO_OK);
		assert_int_equal(used, n);
		assert_int_equal(s.n, 77);
		for (size_t k = 0; k < 77; k++)
			assert_int_equal(s.p[k], (uint8_t)(k * 7 + 1));
		packet_free(&f);
	}
}

static void
all_payload_sizes(void **state)
{
	static uint8_t p[BIG];

	(void)state;
	for (size_t i = 0; i < MODES; i++) {
		struct packet_flow out, in;

		flow_of(&out, &modes[i], true);
		flow_of(&in, &modes[i], false);
		assert_int_equal(packet_seal(&out, p, 0), PROTO_E_LOCAL_BUG);
		assert_int_equal(packet_seal(&out, p, PACKET_PAYLOAD_MAX + 1), PROTO_E_LOCAL_BUG);
		for (size_t n = 1; n <= PACKET_PAYLOAD_MAX; n = n < 300 ? n + 1 : n + 3853) {
			size_t size = packet_size(&out, n), used;
			struct span s;

			assert_true(size <= PACKET_TOTAL_MAX);
			assert_int_equal(packet_seal(&out, p, n), PROTO_OK);
			assert_int_equal(packet_open(&in, p, size, &s, &used), PROTO_OK);
			assert_int_equal(used, size);
			assert_int_equal(s.n, n);
			assert_int_equal(in.seq, out.seq);
		}
		assert_int_equal(in.packets, out.packets);
		assert_int_equal(in.blocks, out.blocks);
		packet_free(&out);
		packet_free(&in);
	}
}

/* A sequence number of another packet is a wrong tag. */
static void
replay_and_reorder(void **state)
{
	static uint8_t one[BIG], two[BIG];

	(void)state;
	for (size_t i = 1; i < MODES; i++) {
		struct packet_flow out, in;
		struct span s;
		size_t n, used;

		flow_of(&out, &modes[i], true);
		n = packet_size(&out, 20);
		memset(one, 1, n);
		memset(two, 2, n);
		assert_int_equal(packet_seal(&out, one, 20), PROTO_OK);
		assert_int_equal(packet_seal(&out, two, 20), PROTO_OK);
		packet_free(&out);

		flow_of(&in, &modes[i], false);
		assert_int_equal(packet_open(&in, two, n, &s, &used), at_once(&modes[i]));
		assert_int_equal(used, 0);
		packet_free(&in);
	}
}

/* Bytes that begin with a refused packet of n: nothing is to be seen before as many have
 * come as the longest packet has, then always the same. */
static void
refused_late(const struct mode *m, uint8_t *p, size_t n)
{
	const size_t counts[] = { n, n + 1, 1000, PACKET_TOTAL_MAX / 2, PACKET_TOTAL_MAX - 1 };
	struct packet_flow f;
	struct span s;
	size_t used;

	flow_of(&f, m, false);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		assert_int_equal(packet_open(&f, p, counts[i], &s, &used), PROTO_OK);
		assert_int_equal(used, 0);
	}
	for (size_t more = 0; more < 2; more++) {
		assert_int_equal(packet_open(&f, p, PACKET_TOTAL_MAX + more, &s, &used),
		    PROTO_E_PACKET_MAC);
		assert_int_equal(used, 0);
	}
	packet_free(&f);
}

/* CVE-2008-5161: a length that cannot be, one that can, a changed byte in any place. */
static void
chained_refusals_are_all_alike(void **state)
{
	static const uint32_t lengths[] = { 0, 5, 11, 13, 29, 35000, 35001, 36000, 0x80000000,
		0xffffffff };
	static uint8_t good[BIG], p[BIG];
	size_t n, used, payload, modes_seen = 0;

	(void)state;
	for (size_t i = 0; i < MODES; i++) {
		if (!chained(&modes[i]))
			continue;
		modes_seen++;
		for (size_t k = 0; k < sizeof(lengths) / sizeof(lengths[0]); k++) {
			struct packet_flow f;
			struct wr w = wr_of(p, PACKET_HEAD);

			memset(p, 0, BIG);
			wr_u32(&w, lengths[k]);
			wr_u8(&w, 10);
			flow_of(&f, &modes[i], true);	/* with a right MAC, for 64 bytes */
			assert_int_equal(protect_seal(f.keys, 0, p, 64), 0);
			n = 64 + f.tag;
			packet_free(&f);
			refused_late(&modes[i], p, n);
		}
		n = honest(&modes[i], good, 50);
		for (size_t k = 0; k < n; k++) {
			memcpy(p, good, n);
			p[k] ^= 0x20;
			refused_late(&modes[i], p, n);
		}
		assert_int_equal(open_one(&modes[i], good, n, &used, &payload), PROTO_OK);
		assert_int_equal(payload, 50);
	}
	assert_int_equal(modes_seen, 2);
}

static void
no_sequence_number_twice(void **state)
{
	static uint8_t p[BIG];

	(void)state;
	for (size_t i = 0; i < MODES; i++) {
		struct packet_flow out, in;
		struct span s;
		size_t used;

		flow_of(&out, &modes[i], true);
		flow_of(&in, &modes[i], false);
		out.seq = in.seq = 0xfffffff0;
		out.packets = in.packets = 0xfffffffe;
		for (int k = 0; k < 2; k++) {	/* the number itself may wrap */
			assert_int_equal(packet_seal(&out, p, 9), PROTO_OK);
			assert_int_equal(packet_open(&in, p, packet_size(&out, 9), &s, &used),
			    PROTO_OK);
		}
		assert_int_equal(packet_seal(&out, p, 9), PROTO_E_SEQUENCE);
		assert_int_equal(packet_open(&in, p, 100, &s, &used), PROTO_E_SEQUENCE);
		/* new keys, and all is well, with the old number or from 0 */
		packet_rekey(&out, protection(&modes[i], true), i % 2 == 0);
		assert_int_equal(out.seq, i % 2 == 0 ? 0 : 0xfffffff2);
		assert_int_equal(packet_seal(&out, p, 9), PROTO_OK);
		packet_free(&out);
		packet_free(&in);
	}
}

static int
setup(void **state)
{
	(void)state;
	return crypto_init();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_lengths),
		cmocka_unit_test(greatest_lengths),
		cmocka_unit_test(all_paddings),
		cmocka_unit_test(lengths_that_do_not_fill_blocks),
		cmocka_unit_test(any_changed_byte),
		cmocka_unit_test(every_truncation_waits),
		cmocka_unit_test(trickle),
		cmocka_unit_test(all_payload_sizes),
		cmocka_unit_test(replay_and_reorder),
		cmocka_unit_test(no_sequence_number_twice),
		cmocka_unit_test(chained_refusals_are_all_alike),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
