/*
 * transport_in_test.c - the transport layer's small messages, floods of them, tampered
 * streams, and the rx buffer.
 */
#include "tests/transport_pair.h"

/* ---- the small messages ---- */

static void
ping_is_answered_in_order(void **state)
{
	struct pair *p = pair_open();
	struct packet_flow copy;
	struct span out, payload;
	uint8_t bytes[128];
	size_t used;
	static const uint8_t ping[] = { 192, 0, 0, 0, 3, 'a', 'b', 'c' };

	(void)state;
	side_inject(&p->c, ping, sizeof(ping));
	carry(p, &p->c, &p->s);
	out = transport_pending(p->s.t);
	assert_int_equal(out.n, packet_size(&p->s.t->out, sizeof(ping)));
	memcpy(bytes, out.p, out.n);
	copy = p->c.t->in;		/* opened with the client's own keys */
	assert_int_equal(packet_open(&copy, bytes, out.n, &payload, &used), PROTO_OK);
	assert_int_equal(payload.n, sizeof(ping));
	assert_int_equal(payload.p[0], 193);
	assert_memory_equal(payload.p + 1, ping + 1, sizeof(ping) - 1);
	pair_run(p);
	assert_int_equal(p->c.error, PROTO_OK);
	assert_int_equal(p->c.packets, 0);
	/* while a rekey is under way the answer waits */
	assert_int_equal(transport_rekey(p->s.t, p->now), PROTO_OK);
	side_inject(&p->c, ping, sizeof(ping));
	carry(p, &p->c, &p->s);
	assert_int_equal(p->s.t->held_n, 4 + sizeof(ping));
	pair_run(p);
	assert_int_equal(p->c.keys, 2);
	assert_int_equal(p->s.t->held_n, 0);
	pair_free(p);
}

/* A peer that pings and never reads costs the tx buffer and no more. */
static void
ping_flood(void **state)
{
	static uint8_t ping[30005] = { 192, 0, 0, 0x75, 0x30 };
	struct pair *p = pair_open();
	uint64_t fed = 0;

	(void)state;
	for (int i = 0; i < 200; i++) {
		struct span out;
		size_t n;

		if (transport_pending(p->c.t).n == 0)
			side_inject(&p->c, ping, sizeof(ping));
		out = transport_pending(p->c.t);
		n = side_feed(&p->s, out.p, out.n, p->now);
		transport_sent(p->c.t, n);
		fed += n;
	}
	assert_int_equal(p->s.error, PROTO_OK);
	assert_true(fed < SIDE_RX + SIDE_TX + TRANSPORT_HELD_MAX);
	assert_true(p->s.t->held_n <= TRANSPORT_HELD_MAX);
	{	/* nothing is read either */
		size_t room = 1;

		side_run(&p->s, p->now);
		(void)transport_rx_room(p->s.t, &room);
		assert_int_equal(room, 0);
	}
	/* once it reads, all is answered */
	pair_run(p);
	assert_int_equal(p->s.t->held_n, 0);
	assert_true(transport_rx_empty(p->s.t));
	assert_int_equal(p->s.error, PROTO_OK);
	pair_free(p);
}

/* ...and during a rekey that it does not finish it is ended. */
static void
ping_flood_during_a_rekey(void **state)
{
	static uint8_t ping[10005] = { 192, 0, 0, 0x27, 0x10 };
	struct pair *p = pair_open();

	(void)state;
	assert_int_equal(transport_rekey(p->s.t, p->now), PROTO_OK);
	for (int i = 0; i < 20 && p->s.error == PROTO_OK; i++) {
		side_inject(&p->c, ping, sizeof(ping));
		carry(p, &p->c, &p->s);
	}
	assert_int_equal(p->s.error, PROTO_E_TOO_MANY_HELD);
	pair_free(p);
}

static void
small_messages_malformed(void **state)
{
	static const struct { const char *bytes; size_t n; enum proto_error e; } rows[] = {
		{ "\3", 1, PROTO_E_MESSAGE_FORMAT },
		{ "\3\0\0\0\1x", 6, PROTO_E_MESSAGE_FORMAT },
		{ "\3\0\0\0\1", 5, PROTO_OK },
		{ "\4", 1, PROTO_E_MESSAGE_FORMAT },
		{ "\4\1\0\0\0\1a\0\0\0", 10, PROTO_E_MESSAGE_FORMAT },
		{ "\4\1\0\0\0\1a\0\0\0\0.", 12, PROTO_E_MESSAGE_FORMAT },
		{ "\4\1\xff\xff\xff\xff", 6, PROTO_E_MESSAGE_FORMAT },
		{ "\4\1\0\0\0\1a\0\0\0\0", 11, PROTO_OK },
		{ "\2", 1, PROTO_OK },
		{ "\2rubbish", 8, PROTO_OK },
		{ "\xc0", 1, PROTO_E_MESSAGE_FORMAT },
		{ "\xc0\0\0\0\1", 5, PROTO_E_MESSAGE_FORMAT },
		{ "\xc0\0\0\0\0.", 6, PROTO_E_MESSAGE_FORMAT },
		{ "\xc0\0\0\0\0", 5, PROTO_OK },
		{ "\xc1\0\0\0\0", 5, PROTO_OK },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pair *p = pair_open();

		side_inject(&p->c, rows[i].bytes, rows[i].n);
		pair_run(p);
		assert_int_equal(p->s.error, rows[i].e);
		assert_int_equal(p->s.debugs, rows[i].e == PROTO_OK && rows[i].bytes[0] == 4);
		assert_int_equal(p->s.packets, 0);
		pair_free(p);
	}
}

static void
unknown_numbers_are_unimplemented(void **state)
{
	static const uint8_t unknown[] = { 200, 1, 2 }, ours[] = { 52 };
	struct pair *p = pair_open();
	struct span out;
	struct packet_flow copy;
	struct span payload;
	uint32_t seq;
	size_t used;
	uint8_t bytes[256];

	(void)state;
	side_inject(&p->c, ours, 1);	/* a server's message, from a client */
	side_inject(&p->c, unknown, sizeof(unknown));
	seq = p->c.t->out.seq - 1;
	carry(p, &p->c, &p->s);
	out = transport_pending(p->s.t);
	assert_int_equal(out.n, 2 * packet_size(&p->s.t->out, 5));
	/* the second one, opened with the client's own keys */
	memcpy(bytes, out.p, out.n);
	copy = p->c.t->in;
	assert_int_equal(packet_open(&copy, bytes, out.n, &payload, &used), PROTO_OK);
	assert_int_equal(packet_open(&copy, bytes + used, out.n - used, &payload, &used), PROTO_OK);
	assert_int_equal(payload.n, 5);
	assert_int_equal(payload.p[0], 3);
	assert_int_equal(payload.p[4], seq);
	p->c.t->in = copy;
	transport_sent(p->s.t, out.n);
	pair_free(p);
}

static void
disconnect_both_ways(void **state)
{
	static const struct { const char *bytes; size_t n, text; } rows[] = {
		{ "\1\0\0\0\13\0\0\0\3bye\0\0\0\0", 16, 3 },
		{ "\1\0\0\0\13\0\0\0\3bye", 12, 3 },	/* no language: some do that */
		{ "\1\0\0\0\13\0\0\0\3b\0e", 12, 0 },
		{ "\1\0\0\0\13\0\0\0\377bye", 12, 0 },
		{ "\1", 1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		struct pair *p = pair_open();

		side_inject(&p->c, rows[i].bytes, rows[i].n);
		assert_int_equal(side_send(&p->c, 80, "x", 1), PROTO_OK);
		pair_run(p);
		assert_int_equal(p->s.disconnects, 1);
		assert_int_equal(p->s.text_len, rows[i].text);
		assert_int_equal(p->s.packets, 0);	/* nothing after it is looked at */
		assert_int_equal(p->s.error, PROTO_OK);
		pair_free(p);
	}
	{
		struct pair *p = pair_open();

		transport_say_goodbye(p->s.t, 12, "too many");
		transport_say_goodbye(p->s.t, 12, "once is enough");
		assert_int_equal(side_send(&p->s, 80, "x", 1), PROTO_OK);
		assert_false(transport_has_room(p->s.t, 1));
		assert_int_equal(side_send_data(&p->s, 10, 10, 1), 0);
		pair_run(p);
		assert_int_equal(p->c.disconnects, 1);
		assert_int_equal(p->c.last.disconnect, 12);
		assert_memory_equal(p->c.text, "too many", 8);
		assert_int_equal(p->c.packets, 0);
		pair_free(p);
	}
}

/* ---- buffers ---- */

/* A whole buffer of packets at once, again and again, ending anywhere. */
static void
large_reads(void **state)
{
	struct pair *p = pair_open();
	uint64_t sent = 0;
	size_t room, least = SIZE_MAX;

	(void)state;
	for (int i = 0; i < 60; i++) {
		sent += side_send_data(&p->c, 32768, 400000, 16);
		p->chunk = 190001;
		carry(p, &p->c, &p->s);
		(void)transport_rx_room(p->s.t, &room);
		if (room < least)
			least = room;
	}
	p->chunk = 0;
	pair_run(p);
	assert_int_equal(p->s.data, sent);
	assert_true(least >= SIDE_RX / 2);
	(void)transport_rx_room(p->s.t, &room);
	assert_int_equal(room, SIDE_RX);
	pair_free(p);
}

/* RFC 4252 5.1: sent before SUCCESS was heard, and ignored; none of it stays. */
static void
login_requests_after_the_login(void **state)
{
	static const uint8_t request[] = { 50, 0, 0, 0, 1, 'u', 's', 'e', 'c', 'r', 'e', 't' };
	struct pair *p = pair_open();
	size_t room;

	(void)state;
	for (size_t n = 1; n <= sizeof(request); n++) {
		side_inject(&p->c, request, n);
		pair_run(p);
	}
	assert_int_equal(p->s.error, PROTO_OK);
	assert_int_equal(p->s.packets, 0);
	assert_int_equal(transport_pending(p->s.t).n, 0);
	(void)transport_rx_room(p->s.t, &room);
	assert_null(memmem(p->s.c.rx, 4096, "secret", 6));
	/* not during a key exchange, and never from a server */
	assert_int_equal(transport_rekey(p->c.t, p->now), PROTO_OK);
	side_inject(&p->c, request, sizeof(request));
	side_inject(&p->s, request, sizeof(request));
	pair_run(p);
	assert_int_equal(p->s.error, PROTO_E_MESSAGE_ORDER);
	assert_int_equal(p->c.error, PROTO_OK);
	assert_int_equal(p->c.packets, 0);
	pair_free(p);
}

static void
passwords_do_not_stay(void **state)
{
	static const char body[] = "user and secret password";
	struct pair *p = pair_open();
	size_t room;

	(void)state;
	pair_phase(p, PH_AUTH);
	assert_int_equal(side_send(&p->c, 50, body, strlen(body)), PROTO_OK);
	pair_run(p);
	assert_int_equal(p->s.packets, 1);
	assert_non_null(memmem(p->s.c.rx, 4096, body, strlen(body)));
	(void)transport_rx_room(p->s.t, &room);
	assert_null(memmem(p->s.c.rx, 4096, body, strlen(body)));
	/* nor in a sender that had to hold it */
	pair_phase(p, PH_AUTH);
	assert_int_equal(transport_rekey(p->c.t, p->now), PROTO_OK);
	assert_int_equal(side_send(&p->c, 50, body, strlen(body)), PROTO_OK);
	pair_run(p);
	assert_int_equal(p->s.packets, 2);
	assert_null(memmem(p->c.c.tx, 65536, body, strlen(body)));
	pair_free(p);
}

static void
limits_of_a_key_by_cipher(void **state)
{
	struct pair *p = pair_open();
	const struct cipher_alg *c = cipher_find("chacha20-poly1305@openssh.com", 29);

	(void)state;
	assert_int_equal(p->c.t->out_blocks_max, c->max_blocks);
	assert_int_equal(p->s.t->in_blocks_max, c->max_blocks);
	p->s.t->in.blocks = c->max_blocks - 1;
	assert_int_equal(side_send(&p->c, 80, "x", 1), PROTO_OK);
	pair_run(p);
	assert_int_equal(p->s.keys, 2);
	/* and by packets, whatever the cipher says */
	p->c.t->out.packets = ((uint64_t)1 << 31) - 2;
	assert_int_equal(side_send(&p->c, 80, "x", 1), PROTO_OK);
	assert_false(transport_in_kex(p->c.t));
	assert_int_equal(side_send(&p->c, 80, "x", 1), PROTO_OK);
	assert_true(transport_in_kex(p->c.t));
	pair_run(p);
	assert_int_equal(p->s.keys, 3);
	/* a peer that does not let us rekey is stopped before a number repeats */
	p->s.t->in.packets = UINT32_MAX;
	side_inject(&p->c, ignore, sizeof(ignore));
	side_inject(&p->c, ignore, sizeof(ignore));
	carry(p, &p->c, &p->s);
	assert_int_equal(p->s.error, PROTO_E_SEQUENCE);
	pair_free(p);
}

static void
tampered_stream(void **state)
{
	(void)state;
	for (size_t at = 0; at < 40; at++) {
		struct pair *p = pair_open();
		struct span out;
		uint8_t bytes[64];

		side_inject(&p->c, ignore, sizeof(ignore));
		out = transport_pending(p->c.t);
		assert_true(out.n < sizeof(bytes));
		if (at >= out.n) {
			pair_free(p);
			continue;
		}
		memcpy(bytes, out.p, out.n);
		bytes[at] ^= 1;
		(void)side_feed(&p->s, bytes, out.n, p->now);
		/* a longer length may still be waited for */
		if (at >= 4)
			assert_int_equal(p->s.error, PROTO_E_PACKET_MAC);
		assert_int_equal(p->s.packets, 0);
		pair_free(p);
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
		cmocka_unit_test(ping_is_answered_in_order),
		cmocka_unit_test(ping_flood),
		cmocka_unit_test(ping_flood_during_a_rekey),
		cmocka_unit_test(small_messages_malformed),
		cmocka_unit_test(unknown_numbers_are_unimplemented),
		cmocka_unit_test(disconnect_both_ways),
		cmocka_unit_test(large_reads),
		cmocka_unit_test(login_requests_after_the_login),
		cmocka_unit_test(passwords_do_not_stay),
		cmocka_unit_test(limits_of_a_key_by_cipher),
		cmocka_unit_test(tampered_stream),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
