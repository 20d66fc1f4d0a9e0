/*
 * transport_rekey_test.c - rekeys from either side and both at once, by bytes,
 * packets and time, with data in flight, and peers that break their rules.
 */
#include "tests/transport_pair.h"

/* ---- rekeys ---- */

static void
rekey_from_either_side_or_both(void **state)
{
	(void)state;
	for (int who = 1; who <= 3; who++) {
		struct pair *p = pair_open();
		uint8_t sid[32];

		memcpy(sid, p->s.session_id, 32);
		for (unsigned i = 0; i < 20; i++) {
			if (who & 1)
				assert_int_equal(transport_rekey(p->c.t, p->now), PROTO_OK);
			if (who & 2)
				assert_int_equal(transport_rekey(p->s.t, p->now), PROTO_OK);
			assert_false(transport_can_send(who & 1 ? p->c.t : p->s.t));
			pair_run(p);
			assert_int_equal(p->c.keys, i + 2);
			assert_int_equal(p->s.keys, i + 2);
			assert_int_equal(p->s.questions, i + 2);
			assert_memory_equal(p->c.hash, p->s.hash, 32);
			assert_memory_not_equal(p->c.hash, sid, 32);
			assert_true(transport_can_send(p->c.t) && transport_can_send(p->s.t));
			assert_int_equal(side_send_data(&p->c, 1000, 1000, 1), 1000);
			pair_run(p);
		}
		assert_memory_equal(p->s.t->session_id, sid, 32);
		assert_memory_equal(p->c.t->session_id, sid, 32);
		assert_int_equal(p->s.data, 20 * 1000);
		pair_free(p);
	}
}

/* What the peer had under way when our KEXINIT left still arrives; ours waits. */
static void
data_in_flight_during_a_rekey(void **state)
{
	struct pair *p = pair_open();

	(void)state;
	assert_int_equal(side_send_data(&p->s, 32768, 200000, 16), 200000);
	assert_int_equal(transport_rekey(p->c.t, p->now), PROTO_OK);
	assert_int_equal(side_send_data(&p->c, 1000, 1000, 1), 0);
	while (p->c.data < 200000 && carry(p, &p->s, &p->c) > 0)
		continue;
	assert_int_equal(p->c.data, 200000);
	assert_true(transport_in_kex(p->c.t));
	assert_int_equal(p->c.error, PROTO_OK);
	pair_run(p);
	assert_int_equal(p->c.keys, 2);
	assert_int_equal(side_send_data(&p->c, 1000, 1000, 1), 1000);
	pair_run(p);
	assert_int_equal(p->s.data, 1000);
	pair_free(p);
}

/* After the peer's own KEXINIT it may send nothing but the key exchange. */
static void
data_after_the_peers_kexinit(void **state)
{
	static const uint8_t data[] = { 94, 0, 0, 0, 0, 0, 0, 0, 1, 'x' }, unknown[] = { 200 };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct pair *p = pair_open();

		assert_int_equal(transport_rekey(p->c.t, p->now), PROTO_OK);
		if (i == 0)
			side_inject(&p->c, data, sizeof(data));
		else
			side_inject(&p->c, unknown, sizeof(unknown));
		pair_run(p);
		assert_int_equal(p->s.error, PROTO_E_MESSAGE_ORDER);
		assert_int_equal(p->s.packets, 0);
		pair_free(p);
	}
}

static void
second_kexinit_in_one_exchange(void **state)
{
	struct pair *p = pair_open();

	(void)state;
	assert_int_equal(transport_rekey(p->c.t, p->now), PROTO_OK);
	side_inject(&p->c, p->c.kexinit, p->c.kexinit_len);
	pair_run(p);
	assert_int_equal(p->s.error, PROTO_E_MESSAGE_ORDER);
	pair_free(p);
}

static void
a_malformed_kexinit(void **state)
{
	struct pair *p = pair_open();

	(void)state;
	side_inject(&p->c, p->c.kexinit, p->c.kexinit_len - 1);
	pair_run(p);
	assert_int_equal(p->s.error, PROTO_E_MESSAGE_FORMAT);
	pair_free(p);
}

static void
newkeys_with_a_body(void **state)
{
	static const uint8_t newkeys[] = { 21, 0 };
	struct pair *p = pair_open();

	(void)state;
	assert_int_equal(transport_rekey(p->c.t, p->now), PROTO_OK);
	carry(p, &p->c, &p->s);
	carry(p, &p->s, &p->c);
	p->c.hold_answer = true;
	carry(p, &p->c, &p->s);
	carry(p, &p->s, &p->c);
	assert_int_equal(p->c.question.type, TE_VERIFY);
	side_inject(&p->c, newkeys, 2);
	carry(p, &p->c, &p->s);
	assert_int_equal(p->s.error, PROTO_E_MESSAGE_FORMAT);
	pair_free(p);
}

/* By bytes, packets and time, each from the one side that has the limit. */
static void
rekey_by_bytes_and_packets(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++) {
		struct pair *p = pair_new();
		struct side *limited = i & 1 ? &p->c : &p->s, *sender = i & 2 ? &p->c : &p->s;
		uint64_t want = 0;

		if (i & 4)
			limited->c.rekey_bytes = 65536;
		else
			limited->c.rekey_packets = 16;
		pair_start(p);
		pair_run(p);
		pair_phase(p, PH_OPEN);
		for (int k = 0; k < 64; k++) {
			size_t n = side_send_data(sender, 4096, 4096, 1);

			assert_int_equal(n, 4096);
			want += n;
			pair_run(p);
		}
		assert_int_equal((sender == &p->c ? &p->s : &p->c)->data, want);
		/* 64 packets of 4 KiB: after each 16 packets, or 64 KiB with headers */
		assert_in_range(limited->keys, 4, 6);
		assert_int_equal(p->c.keys, p->s.keys);
		pair_free(p);
	}
}

/* Both limited, both full of data: every byte arrives, however often keys change. */
static void
rekey_storm_with_data_both_ways(void **state)
{
	struct pair *p = pair_new();
	uint64_t sent[2] = { 0 };

	(void)state;
	p->c.c.rekey_bytes = 40000;
	p->s.c.rekey_bytes = 50000;
	p->chunk = 5000;
	pair_start(p);
	pair_run(p);
	pair_phase(p, PH_OPEN);
	for (int k = 0; k < 3000; k++) {
		sent[0] += side_send_data(&p->c, 3000, 3000, 4);
		sent[1] += side_send_data(&p->s, 2000, 2500, 4);
		carry(p, &p->c, &p->s);
		carry(p, &p->s, &p->c);
		if (k % 50 == 0)
			assert_int_equal(side_send(&p->c, 80, "window", 6), PROTO_OK);
	}
	pair_run(p);
	assert_int_equal(p->c.error, PROTO_OK);
	assert_int_equal(p->s.error, PROTO_OK);
	assert_int_equal(p->s.data, sent[0]);
	assert_int_equal(p->c.data, sent[1]);
	assert_true(sent[0] > 1000000 && sent[1] > 1000000);
	assert_true(p->c.keys > 30);
	assert_int_equal(p->c.keys, p->s.keys);
	pair_free(p);
}

static void
rekey_by_time(void **state)
{
	struct pair *p = pair_new();

	(void)state;
	p->s.c.rekey_interval_ms = 10000;
	pair_start(p);
	pair_run(p);
	assert_int_equal(transport_deadline(p->s.t), UINT64_MAX);	/* not before login */
	pair_phase(p, PH_OPEN);
	assert_int_equal(transport_deadline(p->s.t), 15000);
	assert_int_equal(transport_tick(p->s.t, 14999), PROTO_OK);
	assert_false(transport_in_kex(p->s.t));
	p->now = 15000;
	assert_int_equal(transport_tick(p->s.t, p->now), PROTO_OK);
	assert_true(transport_in_kex(p->s.t));
	pair_run(p);
	assert_int_equal(p->s.keys, 2);
	assert_int_equal(transport_deadline(p->s.t), 25000);
	pair_free(p);
}

/* A login's own limit holds for the keys that are in use when it is set. */
static void
another_limit_while_running(void **state)
{
	struct pair *p = pair_new();

	(void)state;
	pair_start(p);
	pair_run(p);
	pair_phase(p, PH_OPEN);
	for (int i = 0; i < 50; i++)
		(void)side_send_data(&p->s, 3000, 3000, 4);
	pair_run(p);
	assert_int_equal(p->s.keys, 1);
	transport_set_rekey_limit(p->s.t, 100000, 0);	/* more than that has gone */
	assert_int_equal(transport_deadline(p->s.t), UINT64_MAX);
	(void)side_send_data(&p->s, 100, 100, 4);
	pair_run(p);
	assert_int_equal(p->s.keys, 2);
	/* the next keys have it too, and time counts from when they came */
	for (int i = 0; i < 50; i++)
		(void)side_send_data(&p->s, 3000, 3000, 4);
	pair_run(p);
	assert_true(p->s.keys > 2);
	transport_set_rekey_limit(p->s.t, 0, 7000);
	assert_int_equal(transport_deadline(p->s.t), p->now + 7000);
	transport_set_rekey_limit(p->s.t, 0, 0);
	assert_int_equal(transport_deadline(p->s.t), UINT64_MAX);
	pair_free(p);
}

static void
no_rekey_by_itself_before_login(void **state)
{
	struct pair *p = pair_new();

	(void)state;
	p->s.c.rekey_packets = 2;
	pair_start(p);
	pair_run(p);
	pair_phase(p, PH_AUTH);
	for (int i = 0; i < 10; i++)
		assert_int_equal(side_send(&p->s, 53, "banner", 6), PROTO_OK);
	pair_run(p);
	assert_int_equal(p->s.keys, 1);
	pair_phase(p, PH_OPEN);
	assert_int_equal(side_send(&p->s, 80, "x", 1), PROTO_OK);
	pair_run(p);
	assert_int_equal(p->s.keys, 2);
	pair_free(p);
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
		cmocka_unit_test(rekey_from_either_side_or_both),
		cmocka_unit_test(data_in_flight_during_a_rekey),
		cmocka_unit_test(data_after_the_peers_kexinit),
		cmocka_unit_test(second_kexinit_in_one_exchange),
		cmocka_unit_test(a_malformed_kexinit),
		cmocka_unit_test(newkeys_with_a_body),
		cmocka_unit_test(rekey_by_bytes_and_packets),
		cmocka_unit_test(rekey_storm_with_data_both_ways),
		cmocka_unit_test(rekey_by_time),
		cmocka_unit_test(another_limit_while_running),
		cmocka_unit_test(no_rekey_by_itself_before_login),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
