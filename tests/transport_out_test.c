/*
 * transport_out_test.c - what is held and in which order, bulk data in its slots,
 * full buffers and slow networks.
 */
#include "tests/transport_pair.h"

/* ---- held messages ---- */

static void
held_messages_keep_their_order(void **state)
{
	struct pair *p = pair_open();

	(void)state;
	assert_int_equal(side_send(&p->c, 90, "a", 1), PROTO_OK);
	assert_int_equal(transport_rekey(p->c.t, p->now), PROTO_OK);
	assert_false(transport_can_send(p->c.t));
	assert_int_equal(side_send(&p->c, 91, "b", 1), PROTO_OK);
	assert_int_equal(side_send(&p->c, 93, "c", 1), PROTO_OK);
	carry(p, &p->c, &p->s);
	assert_int_equal(p->s.packets, 1);
	/* the server was asked for a rekey and holds its own, too */
	assert_int_equal(side_send(&p->s, 96, "d", 1), PROTO_OK);
	pair_run(p);
	assert_int_equal(side_send(&p->c, 97, "e", 1), PROTO_OK);
	pair_run(p);
	assert_int_equal(p->s.packets, 4);
	assert_memory_equal(p->s.numbers, "\x5a\x5b\x5d\x61", 4);
	assert_int_equal(p->c.packets, 1);
	assert_int_equal(p->c.numbers[0], 96);
	assert_null(p->c.t->held);
	pair_free(p);
}

static void
held_messages_are_bounded(void **state)
{
	struct pair *p = pair_open();
	static uint8_t body[2000];
	enum proto_error e = PROTO_OK;
	int i;

	(void)state;
	assert_int_equal(transport_rekey(p->c.t, p->now), PROTO_OK);
	for (i = 0; i < 1000 && transport_has_room(p->c.t, 1 + sizeof(body)); i++)
		assert_int_equal(side_send(&p->c, 98, body, sizeof(body)), PROTO_OK);
	assert_in_range(i, 30, 33);
	e = side_send(&p->c, 98, body, sizeof(body));
	assert_int_equal(e, PROTO_E_TOO_MANY_HELD);
	side_run(&p->c, p->now);
	assert_int_equal(p->c.error, PROTO_E_TOO_MANY_HELD);
	pair_free(p);
}

/* A full tx: messages wait their turn, nothing is lost, nothing overtakes. */
static void
messages_when_tx_is_full(void **state)
{
	struct pair *p = pair_new();
	static uint8_t body[1000];
	unsigned n = 0;

	(void)state;
	p->c.c.tx_cap = TRANSPORT_TX_MIN;
	pair_start(p);
	pair_run(p);
	pair_phase(p, PH_OPEN);
	while (transport_has_room(p->c.t, 1 + sizeof(body))) {
		body[0] = (uint8_t)n++;
		assert_int_equal(side_send(&p->c, 98, body, sizeof(body)), PROTO_OK);
	}
	assert_true(n > 50);
	for (int i = 0; i < 20; i++) {
		body[0] = (uint8_t)n++;
		assert_int_equal(side_send(&p->c, 99, body, sizeof(body)), PROTO_OK);
	}
	assert_false(transport_can_send(p->c.t));
	assert_false(transport_has_data_room(p->c.t, 1));
	assert_int_equal(side_send_data(&p->c, 10, 10, 1), 0);
	pair_run(p);
	assert_true(transport_can_send(p->c.t));
	assert_int_equal(p->s.packets, n);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(p->s.numbers[i], i < n - 20 ? 98 : 99);
	assert_int_equal(p->s.text[1], (uint8_t)(n - 1));
	pair_free(p);
}

static void
messages_before_the_first_keys(void **state)
{
	struct pair *p = pair_new();

	(void)state;
	pair_start(p);
	assert_int_equal(side_send(&p->c, 5, "\0\0\0\1x", 5), PROTO_OK);
	pair_run(p);
	assert_int_equal(p->s.packets, 1);
	assert_int_equal(p->s.numbers[0], 5);
	pair_free(p);
}

static void
messages_that_are_mistakes(void **state)
{
	struct pair *p = pair_open();
	struct wr w;

	(void)state;
	w = transport_begin(p->c.t, 4);
	wr_u64(&w, 1);
	assert_int_equal(transport_end(p->c.t, &w), PROTO_E_LOCAL_BUG);
	assert_int_equal(transport_end(p->s.t, &w), PROTO_E_LOCAL_BUG);	/* none begun */
	pair_free(p);
	p = pair_open();
	w = transport_begin(p->c.t, 4);
	assert_int_equal(transport_end(p->c.t, &w), PROTO_E_LOCAL_BUG);	/* empty */
	assert_int_equal(side_send(&p->c, 80, "x", 1), PROTO_E_LOCAL_BUG);
	pair_free(p);
}

/* ---- bulk data ---- */

static void
bulk_data_in_slots(void **state)
{
	static const size_t reads[] = { 0, 1, 999, 1000, 1001, 2500, 7999, 8000 };
	struct pair *p = pair_open();

	(void)state;
	for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
		for (uint32_t ext = 0; ext < 2; ext++) {
			struct iovec iov[8];
			size_t n = transport_data_begin(p->c.t, 3, ext, 1000, 8000, iov, 8);
			unsigned before = p->s.packets;
			size_t left = reads[i], packets = (reads[i] + 999) / 1000;

			assert_int_equal(n, 8);
			for (size_t k = 0; k < n && left > 0; k++) {
				size_t bytes = left < iov[k].iov_len ? left : iov[k].iov_len;

				memset(iov[k].iov_base, 'a' + (int)k, bytes);
				left -= bytes;
			}
			assert_int_equal(transport_data_end(p->c.t, reads[i]), PROTO_OK);
			pair_run(p);
			assert_int_equal(p->s.packets - before, packets);
			if (packets > 0) {	/* the last of them */
				struct rd r = rd_of(span_of(p->s.text, p->s.text_len));
				size_t rest = reads[i] - (packets - 1) * 1000;
				struct span s;

				assert_int_equal(rd_u8(&r), ext ? 95 : 94);
				assert_int_equal(rd_u32(&r), 3);
				if (ext)
					assert_int_equal(rd_u32(&r), 1);
				s = rd_blob(&r, 1000);
				assert_true(rd_done(&r));
				assert_int_equal(s.n, rest);
				assert_int_equal(s.p[rest - 1], 'a' + (int)packets - 1);
			}
		}
	}
	/* the window's end is a short slot; more than was offered is a mistake */
	assert_int_equal(side_send_data(&p->c, 1000, 2300, 8), 2300);
	assert_int_equal(side_send_data(&p->c, 1000, 0, 8), 0);
	assert_int_equal(side_send_data(&p->c, 0, 100, 8), 0);
	assert_int_equal(transport_data_end(p->c.t, 1), PROTO_E_LOCAL_BUG);
	pair_free(p);
}

/* The smallest tx takes a full packet; a large one eight and more; a peer's packet
 * size over what everybody takes is not used. */
static void
bulk_data_fills_tx_but_for_messages(void **state)
{
	struct pair *p = pair_new();
	size_t n;

	(void)state;
	p->c.c.tx_cap = TRANSPORT_TX_MIN;
	pair_start(p);
	pair_run(p);
	pair_phase(p, PH_OPEN);
	assert_true(transport_has_data_room(p->c.t, 32768));
	assert_true(transport_has_data_room(p->c.t, SIZE_MAX));
	assert_true(side_send_data(&p->c, 32768, 1000000, 64) >= 32768);
	assert_true(side_send_data(&p->s, SIZE_MAX, 1000000, 64) >= 8 * 32768);
	assert_false(transport_has_data_room(p->c.t, 32768));
	assert_int_equal(side_send_data(&p->c, 32768, 1000000, 64), 0);
	/* small messages still go, and so does a rekey and a goodbye */
	assert_true(transport_has_room(p->c.t, 1000));
	assert_int_equal(side_send(&p->c, 93, "12345678", 8), PROTO_OK);
	assert_true(transport_can_send(p->c.t));
	assert_int_equal(transport_rekey(p->c.t, p->now), PROTO_OK);
	assert_true(transport_in_kex(p->c.t));
	n = transport_pending(p->c.t).n;
	transport_say_goodbye(p->c.t, 11, "bye");
	assert_true(transport_pending(p->c.t).n > n);
	pair_free(p);
}

/* Both sides as full of data as they can be: each still takes packets in. */
static void
two_full_sides_never_both_wait(void **state)
{
	struct pair *p = pair_new();
	static const uint8_t ask[] = { 98, 0, 0, 0, 0 };

	(void)state;
	p->c.c.tx_cap = p->s.c.tx_cap = TRANSPORT_TX_MIN;
	pair_start(p);
	pair_run(p);
	pair_phase(p, PH_OPEN);
	side_inject(&p->c, ask, sizeof(ask));
	for (int i = 0; i < 100; i++) {
		(void)side_send_data(&p->c, 900, 900, 1);
		(void)side_send_data(&p->s, 900, 900, 1);
	}
	assert_false(transport_has_data_room(p->s.t, 32768));
	assert_true(transport_has_room(p->s.t, 48 * 1024));	/* what a worker asks for */
	assert_true(transport_has_room(p->c.t, 48 * 1024));
	/* the server sends nothing off and still reads */
	assert_true(carry(p, &p->c, &p->s) > 0);
	assert_true(p->s.packets > 20);
	assert_true(transport_rx_empty(p->s.t));
	pair_free(p);
}

/* A network that takes a little at a time. */
static void
bulk_data_through_a_slow_network(void **state)
{
	static const size_t chunks[] = { 700, 33000, 100000 };

	(void)state;
	for (size_t c = 0; c < 3; c++) {
		struct pair *p = pair_open();
		uint64_t sent = 0, turns = 0;

		p->chunk = chunks[c];
		while (sent < 6000000 && turns++ < 100000) {
			bool room = transport_has_data_room(p->c.t, 30000);
			size_t n = side_send_data(&p->c, 30000, 500000, 16);

			assert_true(n > 0 || !room);
			assert_true(n > 0 || transport_pending(p->c.t).n > 0);
			sent += n;
			carry(p, &p->c, &p->s);
		}
		pair_run(p);
		assert_int_equal(p->s.data, sent);
		assert_true(sent >= 6000000);
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
		cmocka_unit_test(held_messages_keep_their_order),
		cmocka_unit_test(held_messages_are_bounded),
		cmocka_unit_test(messages_when_tx_is_full),
		cmocka_unit_test(messages_before_the_first_keys),
		cmocka_unit_test(messages_that_are_mistakes),
		cmocka_unit_test(bulk_data_in_slots),
		cmocka_unit_test(bulk_data_fills_tx_but_for_messages),
		cmocka_unit_test(two_full_sides_never_both_wait),
		cmocka_unit_test(bulk_data_through_a_slow_network),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
