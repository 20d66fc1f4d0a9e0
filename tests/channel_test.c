/*
 * channel_test.c - the channel table and its windows, against a simple model.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <malloc.h>

#include "proto/channel.h"

static uint32_t seed;

/* A small generator of its own, so that a failure can be repeated. */
static uint32_t
draw(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)(((uint64_t)(seed >> 1) * below) >> 31);
}

static struct channel *
add_open(struct channel_table *t, uint64_t serial)
{
	struct channel *ch = channel_add(t, serial);

	assert_non_null(ch);
	ch->state = CH_OPEN;
	return ch;
}

/* ---- the table ---- */

static void
test_limits(void **state)
{
	static const struct { uint32_t max, got; } cases[] = {
		{ 0, 1 }, { 1, 1 }, { 3, 3 }, { CHANNELS_MAX, CHANNELS_MAX },
		{ CHANNELS_MAX + 1, CHANNELS_MAX }, { UINT32_MAX, CHANNELS_MAX },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct channel_table t;

		channel_table_init(&t, cases[i].max, 1 << 21, 1 << 24);
		for (uint32_t n = 0; n < cases[i].got; n++) {
			struct channel *ch = add_open(&t, n);

			assert_int_equal(ch->local, n);
			assert_ptr_equal(channel_at(&t, n), ch);
		}
		assert_null(channel_add(&t, 9999));
		assert_int_equal(t.used, cases[i].got);
		assert_null(channel_at(&t, t.cap));
		assert_null(channel_at(&t, UINT32_MAX));
		channel_table_deinit(&t);
	}
}

static void
test_find(void **state)
{
	struct channel_table t;
	struct channel *ch;
	size_t n = 0;

	(void)state;
	channel_table_init(&t, 100, 1 << 21, 1 << 24);
	assert_null(channel_next(&t, NULL));
	assert_null(channel_at(&t, 0));
	assert_null(channel_find(&t, 0));
	for (uint64_t i = 0; i < 10; i++)
		(void)add_open(&t, 1000 + 2 * i);
	channel_drop(&t, channel_at(&t, 4));
	assert_null(channel_at(&t, 4));
	assert_null(channel_find(&t, 1008));
	assert_ptr_equal(channel_find(&t, 1010), channel_at(&t, 5));
	for (ch = channel_next(&t, NULL); ch != NULL; ch = channel_next(&t, ch))
		n++;
	assert_int_equal(n, 9);
	assert_int_equal(add_open(&t, 5)->local, 4);
	channel_table_deinit(&t);
}

static void
test_who_may_speak(void **state)
{
	static const enum channel_state not_open[] = { CH_FREE, CH_ASKED, CH_OPENING };
	struct channel_table t;
	struct channel *ch, *got;

	(void)state;
	channel_table_init(&t, 100, 1 << 21, 1 << 24);
	assert_int_equal(channel_of_peer(&t, 0, &got), PROTO_E_CHANNEL_UNKNOWN);
	ch = channel_add(&t, 1);
	for (size_t i = 0; i < 3; i++) {
		ch->state = not_open[i];
		assert_int_equal(channel_of_peer(&t, 0, &got), PROTO_E_CHANNEL_UNKNOWN);
	}
	ch->state = CH_OPEN;
	assert_int_equal(channel_of_peer(&t, 1, &got), PROTO_E_CHANNEL_UNKNOWN);
	assert_int_equal(channel_of_peer(&t, UINT32_MAX, &got), PROTO_E_CHANNEL_UNKNOWN);
	assert_int_equal(channel_of_peer(&t, 0, &got), PROTO_OK);
	assert_ptr_equal(got, ch);
	assert_int_equal(channel_eof_in(ch), PROTO_OK);
	assert_int_equal(channel_eof_in(ch), PROTO_E_CHANNEL_STATE);
	assert_int_equal(channel_data_in(ch, 1, 0), PROTO_E_CHANNEL_STATE);
	assert_int_equal(channel_close_in(ch), PROTO_OK);
	assert_int_equal(channel_close_in(ch), PROTO_E_CHANNEL_STATE);
	assert_int_equal(channel_of_peer(&t, 0, &got), PROTO_E_CHANNEL_UNKNOWN);
	channel_table_deinit(&t);
}

/* Opened and dropped without end: the same memory, the same time. */
static void
test_constant_memory(void **state)
{
	struct channel_table t;
	size_t before = 0;

	(void)state;
	channel_table_init(&t, 10, 1 << 21, 1 << 24);
	for (uint64_t i = 0; i < 100000; i++) {
		channel_drop(&t, add_open(&t, i));
		if (i == 10)
			before = mallinfo2().uordblks;
	}
	assert_int_equal(mallinfo2().uordblks, before);
	assert_int_equal(t.used, 0);
	assert_int_equal(t.cap, 4);
	channel_table_deinit(&t);
}

/* ---- windows ---- */

static void
test_window_bounds(void **state)
{
	struct channel_table t;
	struct channel *ch;

	(void)state;
	channel_table_init(&t, 10, 100000, 1 << 24);
	ch = add_open(&t, 1);
	assert_int_equal(ch->window, WINDOW_MIN);
	assert_int_equal(channel_data_in(ch, SSH_DATA_MAX + 1, 0), PROTO_E_CHANNEL_PACKET);
	assert_int_equal(channel_data_in(ch, SIZE_MAX, 0), PROTO_E_CHANNEL_PACKET);
	assert_int_equal(ch->window, WINDOW_MIN);
	assert_int_equal(channel_data_in(ch, SSH_DATA_MAX, 0), PROTO_OK);
	assert_int_equal(channel_data_in(ch, SSH_DATA_MAX, 0), PROTO_OK);
	assert_int_equal(ch->window, 0);
	assert_int_equal(channel_data_in(ch, 0, 0), PROTO_OK);
	assert_int_equal(channel_data_in(ch, 1, 0), PROTO_E_WINDOW_OVERRUN);
	ch->window = 5;
	assert_int_equal(channel_data_in(ch, 6, 0), PROTO_E_WINDOW_OVERRUN);
	assert_int_equal(channel_data_in(ch, 5, 0), PROTO_OK);
	channel_table_deinit(&t);
}

/* A channel's own limits: within bounds, kept by the peer and by growth, and nothing
 * is lost of what all may have together. */
static void
test_own_limits(void **state)
{
	static const struct { uint32_t window, packet, first, ceiling, most; } cases[] = {
		{ 0, 0, WINDOW_MIN, 1 << 21, SSH_DATA_MAX },
		{ 1, 1, CHANNEL_WINDOW_LEAST, CHANNEL_WINDOW_LEAST, CHANNEL_PACKET_LEAST },
		{ CHANNEL_WINDOW_LEAST, CHANNEL_PACKET_LEAST, CHANNEL_WINDOW_LEAST,
		    CHANNEL_WINDOW_LEAST, CHANNEL_PACKET_LEAST },
		{ CHANNEL_WINDOW_LEAST + 1, CHANNEL_PACKET_LEAST + 1, CHANNEL_WINDOW_LEAST + 1,
		    CHANNEL_WINDOW_LEAST + 1, CHANNEL_PACKET_LEAST + 1 },
		{ 4 << 20, SSH_DATA_MAX + 1, WINDOW_MIN, 4 << 20, SSH_DATA_MAX },
		{ UINT32_MAX, UINT32_MAX, WINDOW_MIN, CHANNEL_WINDOW_MOST, SSH_DATA_MAX },
	};
	struct channel_table t;

	(void)state;
	channel_table_init(&t, 10, 1 << 21, 1 << 24);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t elastic = t.elastic;
		struct channel *ch = add_open(&t, i);

		channel_limit(ch, (struct channel_limits){ cases[i].window, cases[i].packet });
		assert_int_equal(ch->window, cases[i].first);
		assert_int_equal(ch->window_max, cases[i].first);
		assert_int_equal(ch->window_ceiling, cases[i].ceiling);
		assert_int_equal(channel_data_in(ch, cases[i].most + 1, 0), PROTO_E_CHANNEL_PACKET);
		assert_int_equal(channel_data_in(ch, cases[i].most, 0), PROTO_OK);
		for (uint32_t n = cases[i].most; n > 0; n = ch->window < cases[i].most ?
		    ch->window : cases[i].most) {
			uint32_t give;

			assert_int_equal(channel_taken(&t, ch, n, &give), PROTO_OK);
			assert_true(ch->window_max <= ch->window_ceiling);
			if (ch->window_max == ch->window_ceiling || t.elastic == 0)
				break;
			assert_int_equal(channel_data_in(ch, ch->window < cases[i].most ?
			    ch->window : cases[i].most, 0), PROTO_OK);
		}
		assert_true(ch->window_max == ch->window_ceiling || t.elastic == 0);
		channel_drop(&t, ch);
		assert_int_equal(t.elastic, elastic);
	}
	channel_table_deinit(&t);
}

static void
test_peer_window(void **state)
{
	struct channel ch = { .state = CH_OPEN };

	(void)state;
	assert_int_equal(channel_adjust_in(&ch, UINT32_MAX), PROTO_OK);
	assert_int_equal(channel_adjust_in(&ch, 0), PROTO_OK);
	assert_int_equal(channel_adjust_in(&ch, 1), PROTO_E_WINDOW_OVERFLOW);
	assert_int_equal(ch.peer_window, UINT32_MAX);
	assert_int_equal(channel_may_send(&ch), UINT32_MAX);
	channel_sent(&ch, UINT32_MAX - 10);
	assert_int_equal(channel_adjust_in(&ch, UINT32_MAX - 9), PROTO_E_WINDOW_OVERFLOW);
	assert_int_equal(channel_adjust_in(&ch, UINT32_MAX - 10), PROTO_OK);
	ch.peer_window = 7;
	channel_sent(&ch, 8);
	assert_int_equal(ch.peer_window, 0);
	ch.peer_window = 7;
	ch.eof_out = true;
	assert_int_equal(channel_may_send(&ch), 0);
	ch.eof_out = false;
	ch.close_out = true;
	assert_int_equal(channel_may_send(&ch), 0);
	ch.close_out = false;
	ch.close_in = true;
	assert_int_equal(channel_may_send(&ch), 0);
	ch.close_in = false;
	ch.state = CH_OPENING;
	assert_int_equal(channel_may_send(&ch), 0);
}

static void
test_taken_too_much(void **state)
{
	struct channel_table t;
	struct channel *ch;
	uint32_t give;

	(void)state;
	channel_table_init(&t, 10, 100000, 1 << 24);
	ch = add_open(&t, 1);
	assert_int_equal(channel_taken(&t, ch, 1, &give), PROTO_E_LOCAL_BUG);
	assert_int_equal(channel_data_in(ch, 100, 0), PROTO_OK);
	assert_int_equal(channel_taken(&t, ch, 101, &give), PROTO_E_LOCAL_BUG);
	assert_int_equal(channel_taken(&t, ch, 60, &give), PROTO_OK);
	assert_int_equal(channel_taken(&t, ch, 41, &give), PROTO_E_LOCAL_BUG);
	assert_int_equal(channel_taken(&t, ch, 40, &give), PROTO_OK);
	assert_int_equal(give, 0);
	channel_table_deinit(&t);
}

static void
test_first_window(void **state)
{
	static const struct { uint32_t max, window, sum, first; } cases[] = {
		{ 10, 2 << 20, 16 << 20, WINDOW_MIN }, { 1024, 2 << 20, 16 << 20, 8192 },
		{ 10, 1000, 16 << 20, 1000 }, { 10, 2 << 20, 0, 1 }, { 10, 0, 16 << 20, 1 },
		{ 10, 2 << 20, 19, 1 }, { 10, 2 << 20, 40, 2 },
		{ 10, UINT32_MAX, UINT32_MAX, WINDOW_MIN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct channel_table t;

		channel_table_init(&t, cases[i].max, cases[i].window, cases[i].sum);
		assert_int_equal(add_open(&t, 1)->window, cases[i].first);
		channel_table_deinit(&t);
	}
}

/* One transfer that is drained at once: the window doubles up to what is
 * configured, once per window's worth of bytes, and there are far fewer adjusts than
 * packets. */
static void
test_growth(void **state)
{
	struct channel_table t;
	struct channel *ch;
	unsigned adjusts = 0, packets = 0, doubled = 0;
	uint32_t give, last = WINDOW_MIN;
	size_t since = 0;

	(void)state;
	channel_table_init(&t, 10, 2 << 20, 16 << 20);
	ch = add_open(&t, 1);
	for (size_t total = 0; total < 64 << 20; total += SSH_DATA_MAX, packets++) {
		assert_int_equal(channel_data_in(ch, SSH_DATA_MAX, 1000000 + packets),
		    PROTO_OK);
		since += SSH_DATA_MAX;
		assert_int_equal(channel_taken(&t, ch, SSH_DATA_MAX, &give), PROTO_OK);
		adjusts += give > 0;
		if (ch->window_max == last)
			continue;
		assert_int_equal(ch->window_max, 2 * last);
		assert_true(since >= last && since <= 2 * (size_t)last);
		last = ch->window_max;
		since = 0;
		doubled++;
	}
	assert_int_equal(doubled, 5);
	assert_int_equal(ch->window_max, 2 << 20);
	assert_true(adjusts < packets / 20);
	channel_table_deinit(&t);
}

/* Nobody's window grows who fills it slowly, or whose data is not taken away. */
static void
test_no_growth(void **state)
{
	struct channel_table t;
	struct channel *ch;
	uint64_t now = 0;
	uint32_t give;

	(void)state;
	channel_table_init(&t, 10, 2 << 20, 16 << 20);
	ch = add_open(&t, 1);
	for (int i = 0; i < 1000; i++, now += CHANNEL_ROUND_MS / 2) {
		assert_int_equal(channel_data_in(ch, 1000, now), PROTO_OK);
		assert_int_equal(channel_taken(&t, ch, 1000, &give), PROTO_OK);
	}
	assert_int_equal(ch->window_max, WINDOW_MIN);
	ch = add_open(&t, 2);
	assert_int_equal(channel_data_in(ch, SSH_DATA_MAX, now), PROTO_OK);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(channel_data_in(ch, SSH_DATA_MAX, now), PROTO_OK);
		assert_int_equal(channel_taken(&t, ch, SSH_DATA_MAX, &give), PROTO_OK);
	}
	assert_int_equal(ch->window_max, WINDOW_MIN);
	channel_table_deinit(&t);
}

/* A channel that will say no more is given nothing back. */
static void
test_no_window_after_the_end(void **state)
{
	(void)state;
	for (int which = 0; which < 3; which++) {
		struct channel_table t;
		struct channel *ch;
		uint32_t give;

		channel_table_init(&t, 10, 2 << 20, 16 << 20);
		ch = add_open(&t, 1);
		assert_int_equal(channel_data_in(ch, SSH_DATA_MAX, 0), PROTO_OK);
		assert_int_equal(channel_data_in(ch, SSH_DATA_MAX, 0), PROTO_OK);
		ch->eof_in = which == 0;
		ch->close_in = which == 1;
		ch->close_out = which == 2;
		assert_int_equal(channel_taken(&t, ch, 2 * SSH_DATA_MAX, &give), PROTO_OK);
		assert_int_equal(give, 0);
		channel_table_deinit(&t);
	}
}

/* ---- the property: random sequences against a model ---- */

enum { MODEL_CHANNELS = 12 };
struct model {
	struct channel *ch;
	uint64_t allowed;	/* all that the peer was ever told it may send */
	uint64_t sent, taken;
};

static void
check_sum(const struct channel_table *t, const struct model *m, uint64_t cap)
{
	uint64_t sum = 0;

	for (int i = 0; i < MODEL_CHANNELS; i++) {
		const struct channel *ch = m[i].ch;

		if (ch == NULL)
			continue;
		/* what the peer believes is what we believe */
		assert_int_equal(ch->window, m[i].allowed - m[i].sent);
		/* nothing is lost or made */
		assert_int_equal((uint64_t)ch->window + ch->owed + (m[i].sent - m[i].taken),
		    ch->window_max);
		assert_true(ch->window_max <= t->window);
		/* the peer is never left without: what is not in flight comes back */
		if (m[i].sent == m[i].taken)
			assert_true(ch->window > 0);
		sum += ch->window_max;
	}
	assert_true(sum <= cap);
}

static void
step(struct channel_table *t, struct model *m, uint64_t now)
{
	uint32_t give, n;

	if (m->ch == NULL) {
		m->ch = channel_add(t, now + 1);
		if (m->ch == NULL)
			return;
		m->ch->state = CH_OPEN;
		m->allowed = m->ch->window;
		m->sent = m->taken = 0;
		return;
	}
	switch (draw(40)) {
	case 0:
		channel_drop(t, m->ch);
		m->ch = NULL;
		return;
	case 1:				/* more than is allowed */
		n = (uint32_t)(m->allowed - m->sent) + 1 + draw(1000);
		assert_int_equal(channel_data_in(m->ch, n, now), n > SSH_DATA_MAX ?
		    PROTO_E_CHANNEL_PACKET : PROTO_E_WINDOW_OVERRUN);
		return;
	default:
		break;
	}
	if (draw(2) == 0) {		/* the peer sends, often all it may */
		n = (uint32_t)(m->allowed - m->sent);
		if (n > SSH_DATA_MAX)
			n = SSH_DATA_MAX;
		if (draw(3) == 0)
			n = draw(n + 1);
		assert_int_equal(channel_data_in(m->ch, n, now), PROTO_OK);
		m->sent += n;
		return;
	}
	n = (uint32_t)(m->sent - m->taken);
	if (draw(3) == 0)
		n = draw(n + 1);
	assert_int_equal(channel_taken(t, m->ch, n, &give), PROTO_OK);
	m->taken += n;
	m->allowed += give;
}

static void
test_random_windows(void **state)
{
	static const struct { uint32_t window, sum; } sizes[] = {
		{ 2 << 20, 16 << 20 }, { 2 << 20, 1 << 20 }, { 1 << 20, 3 << 20 },
		{ 1, 1000 }, { 1000, 10000 }, { UINT32_MAX, UINT32_MAX }, { 70000, 1 << 20 },
	};

	(void)state;
	for (seed = 1; seed <= 40; seed++) {
		size_t which = seed % (sizeof(sizes) / sizeof(sizes[0]));
		struct model m[MODEL_CHANNELS] = { { NULL, 0, 0, 0 } };
		struct channel_table t;
		uint32_t first = seed;
		uint64_t now = 0;

		channel_table_init(&t, MODEL_CHANNELS - 2, sizes[which].window,
		    sizes[which].sum);
		for (int i = 0; i < 5000; i++) {
			now += draw(50);
			step(&t, &m[draw(MODEL_CHANNELS)], now);
			check_sum(&t, m, sizes[which].sum);
		}
		for (int i = 0; i < MODEL_CHANNELS; i++)
			if (m[i].ch != NULL)
				channel_drop(&t, m[i].ch);
		/* all that was lent came back */
		assert_int_equal(t.elastic + (uint64_t)t.initial * t.max, sizes[which].sum);
		channel_table_deinit(&t);
		seed = first;
	}
}

/* One greedy channel takes what there is; the others still open with theirs. */
static void
test_fair_start(void **state)
{
	struct channel_table t;
	struct channel *ch;
	uint64_t sum = 0;
	uint32_t give;

	(void)state;
	channel_table_init(&t, 64, 64 << 20, 16 << 20);
	ch = add_open(&t, 1);
	for (int i = 0; i < 10000; i++) {
		assert_int_equal(channel_data_in(ch, SSH_DATA_MAX, 0), PROTO_OK);
		assert_int_equal(channel_taken(&t, ch, SSH_DATA_MAX, &give), PROTO_OK);
	}
	assert_int_equal(t.elastic, 0);
	for (uint64_t i = 2; i <= 64; i++)
		assert_int_equal(add_open(&t, i)->window, WINDOW_MIN);
	for (ch = channel_next(&t, NULL); ch != NULL; ch = channel_next(&t, ch))
		sum += ch->window_max;
	assert_int_equal(sum, 16 << 20);
	channel_table_deinit(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits), cmocka_unit_test(test_find),
		cmocka_unit_test(test_who_may_speak), cmocka_unit_test(test_constant_memory),
		cmocka_unit_test(test_window_bounds), cmocka_unit_test(test_own_limits),
		cmocka_unit_test(test_peer_window),
		cmocka_unit_test(test_taken_too_much),
		cmocka_unit_test(test_first_window), cmocka_unit_test(test_growth),
		cmocka_unit_test(test_no_growth),
		cmocka_unit_test(test_no_window_after_the_end),
		cmocka_unit_test(test_random_windows), cmocka_unit_test(test_fair_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
