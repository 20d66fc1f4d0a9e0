/*
 * compression_test.c - both contexts, hostile streams first: bombs, damage, ends, and
 * what a conforming peer may send.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <zlib.h>

#include "proto/compression.h"

enum { BUF = 128 * 1024 };

/* A peer that compresses what it likes, as it likes. */
struct peer {
	z_stream z;
	uint8_t bytes[BUF];
	struct span last;
};

static struct peer *
peer_new(int level)
{
	struct peer *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	assert_int_equal(deflateInit(&p->z, level), Z_OK);
	return p;
}

static void
peer_free(struct peer *p)
{
	(void)deflateEnd(&p->z);
	free(p);
}

static struct span
peer_packs(struct peer *p, const void *bytes, size_t n, int flush)
{
	p->z.next_in = (Bytef *)(uintptr_t)bytes;
	p->z.avail_in = (uInt)n;
	p->z.next_out = p->bytes;
	p->z.avail_out = BUF;
	assert_true(deflate(&p->z, flush) >= 0);
	assert_int_equal(p->z.avail_in, 0);
	p->last = span_of(p->bytes, BUF - p->z.avail_out);
	return p->last;
}

static const uint8_t *
zeros(size_t n)
{
	static const uint8_t z[BUF];

	assert_true(n <= sizeof(z));
	return z;
}

/* ---- hostile streams ---- */

static void
a_bomb_ends_it(void **state)
{
	static uint8_t much[2 * 1024 * 1024];
	static uint8_t packed[64 * 1024];
	struct compression_in *c = compression_in_new();
	struct span clear = { NULL, 0 };
	uLongf n = sizeof(packed);

	(void)state;
	assert_non_null(c);
	assert_int_equal(compress2(packed, &n, much, sizeof(much), 9), Z_OK);
	assert_true(n < 4096);
	assert_int_equal(compression_inflate(c, span_of(packed, n), &clear), PROTO_E_INFLATED_LONG);
	assert_null(clear.p);
	compression_in_free(c);
}

static void
the_bound_and_one_more(void **state)
{
	(void)state;
	for (size_t n = COMPRESSION_IN_MAX - 1; n <= COMPRESSION_IN_MAX + 2; n++) {
		struct compression_in *c = compression_in_new();
		struct peer *p = peer_new(6);
		struct span clear = { NULL, 0 }, s = peer_packs(p, zeros(n), n, Z_PARTIAL_FLUSH);
		enum proto_error e = compression_inflate(c, s, &clear);

		assert_int_equal(e, n <= COMPRESSION_IN_MAX ? PROTO_OK : PROTO_E_INFLATED_LONG);
		assert_int_equal(clear.n, n <= COMPRESSION_IN_MAX ? n : 0);
		peer_free(p);
		compression_in_free(c);
	}
}

static void
a_packet_of_nothing(void **state)
{
	struct compression_in *c = compression_in_new();
	struct peer *p = peer_new(6);
	struct span clear, s = peer_packs(p, "a", 1, Z_PARTIAL_FLUSH);

	(void)state;
	assert_int_equal(compression_inflate(c, s, &clear), PROTO_OK);
	s = peer_packs(p, "", 0, Z_FULL_FLUSH);
	assert_true(s.n > 0);
	assert_int_equal(compression_inflate(c, s, &clear), PROTO_E_PACKET_EMPTY);
	compression_in_free(c);

	/* the header alone, and half of it */
	c = compression_in_new();
	assert_int_equal(compression_inflate(c, span_of("\x78\x9c", 2), &clear), PROTO_E_PACKET_EMPTY);
	compression_in_free(c);
	c = compression_in_new();
	assert_int_equal(compression_inflate(c, span_of("\x78", 1), &clear), PROTO_E_PACKET_EMPTY);
	compression_in_free(c);
	c = compression_in_new();
	assert_int_equal(compression_inflate(c, span_of("", 0), &clear), PROTO_E_INFLATE);
	compression_in_free(c);
	peer_free(p);
}

static void
an_end_of_the_stream(void **state)
{
	static const char tail[] = "behind";
	struct compression_in *c = compression_in_new();
	struct peer *p = peer_new(6);
	uint8_t bytes[256];
	struct span clear, s = peer_packs(p, "abc", 3, Z_FINISH);
	struct wr w = wr_of(bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(compression_inflate(c, s, &clear), PROTO_E_INFLATE);
	assert_int_equal(compression_inflate(c, s, &clear), PROTO_E_INFLATE);	/* nothing follows */
	compression_in_free(c);
	c = compression_in_new();
	wr_raw(&w, s);
	wr_raw(&w, span_str(tail));
	assert_int_equal(compression_inflate(c, wr_span(&w), &clear), PROTO_E_INFLATE);
	compression_in_free(c);
	peer_free(p);
}

static void
no_stream_at_all(void **state)
{
	static const struct { const char *p; size_t n; } rows[] = {
		{ "\x5e\x00\x00\x00", 4 },		/* a payload as it is     */
		{ "\x78\x9d\x00\x00", 4 },		/* check bits of the head */
		{ "\x88\x1c\x00\x00", 4 },		/* window of 64 KiB       */
		{ "\x78\xbb\x00\x00\x00\x01\x01", 7 },	/* a preset dictionary    */
		{ "\x78\x9c\x07\x00", 4 },		/* block of type 3        */
		{ "\x78\x9c\x00\x05\x00\x05\x00", 7 },	/* stored, bad complement */
		{ "\x1f\x8b\x08\x00\x00\x00\x00\x00", 8 },	/* gzip           */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct compression_in *c = compression_in_new();
		struct span clear;

		assert_int_equal(compression_inflate(c, span_of(rows[i].p, rows[i].n), &clear),
		    PROTO_E_INFLATE);
		compression_in_free(c);
	}
}

/* A distance that points to before the beginning of the stream. */
static void
nothing_comes_out_of_memory_that_was_not_put_in(void **state)
{
	/* fixed block: length 3, distance 1, with nothing before */
	static const uint8_t far[] = { 0x78, 0x9c, 0x02, 0x02, 0x00, 0x00 };
	struct compression_in *c = compression_in_new();
	struct span clear;

	(void)state;
	assert_int_equal(compression_inflate(c, span_of(far, sizeof(far)), &clear), PROTO_E_INFLATE);
	compression_in_free(c);
}

/* Every byte of a packet changed, every truncation: an error or some bounded payload,
 * and under a sanitizer nothing else. */
static void
damage_everywhere(void **state)
{
	uint8_t text[600], bytes[BUF / 64];
	struct peer *p = peer_new(6);
	unsigned refused = 0;
	struct span s, clear;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(i * i >> 3);
	s = peer_packs(p, text, sizeof(text), Z_PARTIAL_FLUSH);
	assert_true(s.n < sizeof(bytes));
	for (size_t i = 0; i < s.n; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			struct compression_in *c = compression_in_new();

			memcpy(bytes, s.p, s.n);
			bytes[i] ^= (uint8_t)(1u << bit);
			if (compression_inflate(c, span_of(bytes, s.n), &clear) != PROTO_OK)
				refused++;
			else
				assert_in_range(clear.n, 1, COMPRESSION_IN_MAX);
			compression_in_free(c);
		}
	}
	assert_true(refused > 16);	/* the header's bits at least */
	for (size_t n = 0; n < s.n; n++) {
		struct compression_in *c = compression_in_new();

		if (compression_inflate(c, span_of(s.p, n), &clear) == PROTO_OK)
			assert_memory_equal(clear.p, text, clear.n);
		compression_in_free(c);
	}
	peer_free(p);
}

/* ---- what conforms ---- */

/* Flushes of any kind, levels, small windows: a peer may choose. */
static void
peers_choices(void **state)
{
	static const int flushes[] = { Z_PARTIAL_FLUSH, Z_SYNC_FLUSH, Z_FULL_FLUSH };

	(void)state;
	for (int bits = 9; bits <= 15; bits++) {
		struct compression_in *c = compression_in_new();
		struct peer *p = calloc(1, sizeof(*p));

		assert_non_null(p);
		assert_int_equal(deflateInit2(&p->z, bits % 10, Z_DEFLATED, bits, 8,
		    Z_DEFAULT_STRATEGY), Z_OK);
		for (size_t i = 0; i < 30; i++) {
			struct span clear, s;
			uint8_t text[700];

			for (size_t k = 0; k < sizeof(text); k++)
				text[k] = (uint8_t)(k % (i + 2));
			s = peer_packs(p, text, 1 + 23 * i, flushes[i % 3]);
			assert_int_equal(compression_inflate(c, s, &clear), PROTO_OK);
			assert_true(span_eq(clear, span_of(text, 1 + 23 * i)));
		}
		peer_free(p);
		compression_in_free(c);
	}
}

static void
round_trip(struct compression_out *out, struct compression_in *in, struct span s)
{
	static uint8_t packed[PACKET_PAYLOAD_MAX + 64];
	size_t bound = compression_out_bound(out, s.n), n = 0;
	struct span clear;

	memset(packed, 0x5a, sizeof(packed));
	assert_true(bound <= s.n + COMPRESSION_GROWTH_MAX);
	assert_true(bound <= PACKET_PAYLOAD_MAX);
	assert_int_equal(compression_deflate(out, s, packed, bound, &n), PROTO_OK);
	assert_true(n > 0 && n < bound);
	for (size_t i = bound; i < bound + 64; i++)
		assert_int_equal(packed[i], 0x5a);
	assert_int_equal(compression_inflate(in, span_of(packed, n), &clear), PROTO_OK);
	assert_true(span_eq(clear, s));
}

/* Random bytes are the worst there is; every size, one context, and a bound that holds
 * in whatever state the packet before has left it. */
static void
round_trips_of_every_kind(void **state)
{
	static uint8_t bytes[COMPRESSION_OUT_MAX];
	struct compression_out *out = compression_out_new();
	struct compression_in *in = compression_in_new();

	(void)state;
	assert_true(out != NULL && in != NULL);
	for (size_t i = 0; i < 1500; i++) {
		size_t n = i < 600 ? i + 1 : 1 + (i * 7919) % sizeof(bytes);

		if (i % 3 == 0)
			crypto_random(bytes, n);
		else if (i % 3 == 1)
			memset(bytes, (int)i, n / 2 + 1);
		round_trip(out, in, span_of(bytes, n));
	}
	crypto_random(bytes, sizeof(bytes));
	for (size_t i = 0; i < 20; i++)
		round_trip(out, in, span_of(bytes, sizeof(bytes)));
	compression_out_free(out);
	compression_in_free(in);
}

static void
the_context_lasts_from_packet_to_packet(void **state)
{
	uint8_t text[400], packed[1024];
	struct compression_out *out = compression_out_new();
	struct compression_in *in = compression_in_new();
	size_t first, later;
	struct span clear;

	(void)state;
	crypto_random(text, sizeof(text));
	assert_int_equal(compression_deflate(out, span_of(text, sizeof(text)), packed, 1024, &first),
	    PROTO_OK);
	assert_int_equal(compression_inflate(in, span_of(packed, first), &clear), PROTO_OK);
	assert_int_equal(compression_deflate(out, span_of(text, sizeof(text)), packed, 1024, &later),
	    PROTO_OK);
	assert_true(first >= sizeof(text) && later < 40);
	assert_int_equal(compression_inflate(in, span_of(packed, later), &clear), PROTO_OK);
	assert_true(span_eq(clear, span_of(text, sizeof(text))));

	/* after a key exchange nothing of that is known any more */
	assert_int_equal(compression_out_restart(out), PROTO_OK);
	assert_int_equal(compression_deflate(out, span_of(text, sizeof(text)), packed, 1024, &later),
	    PROTO_OK);
	assert_int_equal(later, first);
	assert_int_equal(packed[0], 0x78);
	assert_int_equal(compression_in_restart(in), PROTO_OK);
	assert_int_equal(compression_inflate(in, span_of(packed, later), &clear), PROTO_OK);
	assert_true(span_eq(clear, span_of(text, sizeof(text))));
	compression_out_free(out);
	compression_in_free(in);
}

static void
contexts_that_differ(void **state)
{
	static const char text[] = "the same words again, the same words again";
	uint8_t packed[256];
	struct compression_out *out = compression_out_new();
	struct compression_in *in = compression_in_new();
	struct span clear;
	size_t n;

	(void)state;
	/* one side begins anew, the other does not */
	assert_int_equal(compression_deflate(out, span_str(text), packed, 256, &n), PROTO_OK);
	assert_int_equal(compression_inflate(in, span_of(packed, n), &clear), PROTO_OK);
	assert_int_equal(compression_deflate(out, span_str(text), packed, 256, &n), PROTO_OK);
	assert_int_equal(compression_in_restart(in), PROTO_OK);
	assert_int_equal(compression_inflate(in, span_of(packed, n), &clear), PROTO_E_INFLATE);
	compression_out_free(out);
	compression_in_free(in);
}

static void
our_own_mistakes(void **state)
{
	static uint8_t bytes[COMPRESSION_OUT_MAX + 1], packed[PACKET_PAYLOAD_MAX];
	struct compression_out *out = compression_out_new();
	size_t n = 77;

	(void)state;
	crypto_random(bytes, sizeof(bytes));
	assert_int_equal(compression_deflate(out, span_of(bytes, sizeof(bytes)), packed,
	    sizeof(packed), &n), PROTO_E_LOCAL_BUG);
	assert_int_equal(compression_deflate(out, span_of(bytes, 1000), packed, 1000, &n),
	    PROTO_E_LOCAL_BUG);
	assert_int_equal(n, 77);
	compression_out_free(out);
	compression_out_free(NULL);
	compression_in_free(NULL);
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
		cmocka_unit_test(a_bomb_ends_it),
		cmocka_unit_test(the_bound_and_one_more),
		cmocka_unit_test(a_packet_of_nothing),
		cmocka_unit_test(an_end_of_the_stream),
		cmocka_unit_test(no_stream_at_all),
		cmocka_unit_test(nothing_comes_out_of_memory_that_was_not_put_in),
		cmocka_unit_test(damage_everywhere),
		cmocka_unit_test(peers_choices),
		cmocka_unit_test(round_trips_of_every_kind),
		cmocka_unit_test(the_context_lasts_from_packet_to_packet),
		cmocka_unit_test(contexts_that_differ),
		cmocka_unit_test(our_own_mistakes),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
