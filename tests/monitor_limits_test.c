/*
 * monitor_limits_test.c - how many, how often, how long: MaxStartups, buckets, timers,
 * backstop deadlines, layouts.
 */
#include "tests/monitor_play.h"

/* "begin:rate:full" with every possible random number: exact percentages. */
static unsigned
refused_percent(const struct ipc_CONFIG *cfg, unsigned startups)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < 100; i++)
		n += monitor_limits_drop(cfg, startups, i);
	return n;
}

static void
test_max_startups(void **state)
{
	struct ipc_CONFIG cfg = { .startups_begin = 10, .startups_rate = 30, .startups_full = 100 };

	(void)state;
	assert_int_equal(refused_percent(&cfg, 0), 0);
	assert_int_equal(refused_percent(&cfg, 9), 0);
	assert_int_equal(refused_percent(&cfg, 10), 30);
	assert_int_equal(refused_percent(&cfg, 55), 65);
	assert_int_equal(refused_percent(&cfg, 99), 99);
	assert_int_equal(refused_percent(&cfg, 100), 100);
	assert_int_equal(refused_percent(&cfg, UINT32_MAX), 100);
	cfg.startups_begin = cfg.startups_full = 10;
	assert_int_equal(refused_percent(&cfg, 9), 0);
	assert_int_equal(refused_percent(&cfg, 10), 100);
	cfg.startups_begin = 20;		/* nonsense refuses, at full */
	assert_int_equal(refused_percent(&cfg, 20), 100);
	cfg = (struct ipc_CONFIG){ .startups_begin = 1, .startups_rate = 200, .startups_full = 9 };
	assert_int_equal(refused_percent(&cfg, 1), 100);
	cfg.startups_full = 0;			/* no limit */
	assert_int_equal(refused_percent(&cfg, 1000), 0);
}

static void
test_buckets(void **state)
{
	struct bucket b = { 0 };
	uint64_t now = 5000;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(monitor_bucket_take(&b, 3, 4, now), 0);
	assert_int_equal(monitor_bucket_take(&b, 3, 4, now), 250);
	assert_int_equal(monitor_bucket_take(&b, 3, 4, now), 500);
	/* it fills again, up to the burst and not beyond */
	now += 1000000;
	for (int i = 0; i < 3; i++)
		assert_int_equal(monitor_bucket_take(&b, 3, 4, now), 0);
	assert_int_equal(monitor_bucket_take(&b, 3, 4, now), 250);
	b = (struct bucket){ 0 };
	assert_int_equal(monitor_bucket_take(&b, 0, 1, now), 0);
	assert_int_equal(monitor_bucket_take(&b, 0, 1, now), 1000);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(monitor_bucket_take(&b, 0, 0, now), 0);
	b = (struct bucket){ 0 };
	assert_true(monitor_bucket_try(&b, 2, 1, now));
	assert_true(monitor_bucket_try(&b, 2, 1, now));
	for (int i = 0; i < 100; i++)		/* a refused try costs nothing */
		assert_false(monitor_bucket_try(&b, 2, 1, now + 999));
	assert_true(monitor_bucket_try(&b, 2, 1, now + 1000));
}

/* ---- timers, against a plain sorted list ---- */

enum { TIMERS = 200 };
static uint64_t fired[TIMERS];
static size_t n_fired;

static void
fire(struct monitor *m, void *owner)
{
	struct timer *t = owner;

	(void)m;
	fired[n_fired++] = t->at;
}

static void
test_timers(void **state)
{
	struct timer t[TIMERS];
	size_t cleared = 0;

	(void)state;
	n_fired = 0;
	for (size_t i = 0; i < TIMERS; i++) {
		assert_int_equal(monitor_timer_init(play.m, &t[i], fire, &t[i]), 0);
		monitor_timer_set(play.m, &t[i], 2000000 + randombytes_uniform(500));
	}
	for (size_t i = 0; i < TIMERS; i += 3) {	/* some move, some go */
		monitor_timer_set(play.m, &t[i], 2000000 + randombytes_uniform(500));
		if (i % 2 == 0) {
			monitor_timer_clear(play.m, &t[i]);
			monitor_timer_clear(play.m, &t[i]);
			cleared++;
		}
	}
	monitor_timer_run(play.m, 1999999);
	assert_int_equal(n_fired, 0);
	monitor_timer_run(play.m, 2000250);
	for (size_t i = 0; i < n_fired; i++)
		assert_true(fired[i] <= 2000250);
	monitor_timer_run(play.m, 2000500);
	assert_int_equal(n_fired, TIMERS - cleared);
	for (size_t i = 1; i < n_fired; i++)
		assert_true(fired[i - 1] <= fired[i]);
	for (size_t i = 0; i < TIMERS; i++)
		monitor_timer_deinit(play.m, &t[i]);
}

static void
test_idle_never_wakes(void **state)
{
	(void)state;
	assert_int_equal(monitor_timer_wait(play.m, play.now), -1);
}

/* ---- through the monitor ---- */

static void
test_startups_refuse(void **state)
{
	struct ipc_CONFIG cfg = play_config();
	struct play_start start;
	struct play_child *first, *second;
	struct ipc_END_OF end;
	uint8_t session[32];

	(void)state;
	play_begin();
	cfg.startups_begin = cfg.startups_full = 2;
	play_seal(&cfg);
	first = play_connect(1, IPC_SERVER, &start);
	second = play_connect(2, IPC_SERVER, &start);
	play_new(&(struct ipc_NEW[]){ play_plan(3, IPC_SERVER) }[0]);
	play_attach(3);
	PLAY_ENDED(3, IPC_LIMIT, &end);
	assert_true(play_contains(end.text, "MaxStartups"));
	/* a client of ours is not a startup */
	(void)play_connect(4, IPC_CLIENT, &start);
	/* one ends: there is room for one */
	play_die(first, 0, 0);
	play_run();
	PLAY_ENDED(1, IPC_WORKER_DIED, &end);
	(void)second;
	(void)play_server(5, session);
	assert_int_equal(play.m->startups, 2);
}

static const struct { const char *peer, *same, *other; uint8_t bits4, bits6; } sources[] = {
	{ "192.0.2.1:22", "192.0.2.1:23", "192.0.2.2:22", 32, 128 },
	{ "192.0.2.1:22", "192.0.2.254:22", "192.0.3.1:22", 24, 128 },
	{ "192.0.2.1:22", "192.0.3.1:22", "192.0.4.1:22", 23, 128 },
	{ "192.0.2.1:22", "223.1.2.3:22", "127.0.0.1:22", 1, 128 },
	{ "[2001:db8::1]:22", "[2001:db8::1]:1", "[2001:db8::2]:22", 32, 128 },
	{ "[2001:db8::1]:22", "[2001:db8::ffff:1]:22", "[2001:db8:0:1::1]:22", 32, 64 },
	{ "[2001:db8:ff00::]:22", "[2001:db8:ff80::]:22", "[2001:db8:fe80::]:22", 32, 40 },
	/* the same bytes, and not the same place */
	{ "[c000:201::]:22", "[c000:201::]:9", "192.0.2.1:22", 32, 128 },
};

static void
test_sources(void **state)
{
	struct source one, two;

	(void)state;
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		struct ipc_CONFIG cfg = { .source_bits_ipv4 = sources[i].bits4,
			.source_bits_ipv6 = sources[i].bits6 };

		one = monitor_source_of(&cfg, span_str(sources[i].peer));
		assert_int_not_equal(one.version, 0);
		two = monitor_source_of(&cfg, span_str(sources[i].same));
		assert_memory_equal(&one, &two, sizeof(one));
		two = monitor_source_of(&cfg, span_str(sources[i].other));
		assert_memory_not_equal(&one, &two, sizeof(one));
	}
	for (const char **nowhere = (const char *[]){ "", "local", ":22", "192.0.2.1", "[::1]",
	    "host.example:22", "192.0.2.256:22", NULL }; *nowhere != NULL; nowhere++)
		assert_int_equal(monitor_source_of(&(struct ipc_CONFIG){ .source_bits_ipv4 = 32 },
		    span_str(*nowhere)).version, 0);
}

static void
from(uint64_t conn, const char *peer)
{
	struct ipc_NEW plan = play_plan(conn, IPC_SERVER);

	plan.peer = span_str(peer);
	play_new(&plan);
	play_attach(conn);
}

/* One place fills its share, and the others do not hear of it; who logs in or leaves
 * makes room. */
static void
test_startups_per_source(void **state)
{
	struct ipc_CONFIG cfg = play_config();
	struct play_start start;
	struct play_child *first;
	struct ipc_END_OF end;

	(void)state;
	play_begin();
	cfg.startups_source = 2;
	cfg.source_bits_ipv4 = 24;
	cfg.source_bits_ipv6 = 64;
	play_seal(&cfg);
	from(1, "198.51.100.1:1");
	first = play_started(1, &start);
	from(2, "198.51.100.2:1");
	(void)play_started(2, &start);
	from(3, "198.51.100.3:1");
	PLAY_ENDED(3, IPC_LIMIT, &end);
	assert_true(play_contains(end.text, "PerSourceMaxStartups"));
	from(4, "198.51.101.1:1");
	(void)play_started(4, &start);
	for (uint64_t i = 5; i < 8; i++) {	/* from nowhere */
		from(i, "local");
		(void)play_started(i, &start);
	}
	play_die(first, 0, 0);
	play_run();
	PLAY_ENDED(1, IPC_WORKER_DIED, &end);
	from(8, "198.51.100.3:1");
	(void)play_started(8, &start);
	from(9, "198.51.100.3:2");
	PLAY_ENDED(9, IPC_LIMIT, &end);
	/* a client of ours is not counted, wherever it goes */
	(void)play_connect(10, IPC_CLIENT, &start);
	assert_int_equal(play.m->startups, 6);
}

static void
test_connections_max(void **state)
{
	struct ipc_CONFIG cfg = play_config();
	struct play_start start;
	struct ipc_NEW plan = play_plan(3, IPC_CLIENT);
	struct ipc_END_OF end;

	(void)state;
	play_begin();
	cfg.connections_max = 2;
	play_seal(&cfg);
	(void)play_connect(1, IPC_CLIENT, &start);
	(void)play_connect(2, IPC_SERVER, &start);
	play_new(&plan);
	play_attach(3);
	PLAY_ENDED(3, IPC_LIMIT, &end);
	assert_int_equal(play.m->connections, 2);
}

/* The worker says nothing: its backstop comes, and kills. */
static void
test_backstops(void **state)
{
	struct play_start start;
	struct ipc_END_OF end;
	struct play_child *w;
	uint8_t session[32];

	(void)state;
	w = play_connect(1, IPC_SERVER, &start);
	play_wait(15000 + 30000 + MONITOR_SLACK_MS - 1);
	assert_false(w->dead);
	play_wait(1);
	assert_true(w->dead);
	PLAY_ENDED(1, IPC_TIMED_OUT, &end);
	assert_true(span_is(end.phase, "kex"));
	assert_int_equal(end.signal, 0);

	w = play_server(2, session);
	play_wait(120000 + MONITOR_SLACK_MS - 1);
	assert_false(w->dead);
	play_wait(1);
	assert_true(w->dead);
	PLAY_ENDED(2, IPC_TIMED_OUT, &end);
	assert_true(span_is(end.phase, "auth"));

	/* told to stop, it does not */
	w = play_server(3, session);
	PLAY_TELL(CLOSE, .conn = 3, .disconnect = 11, .text = span_str("enough"));
	play_wait(5000 + MONITOR_SLACK_MS - 1);
	assert_false(w->dead);
	play_wait(1);
	assert_true(w->dead);
	PLAY_ENDED(3, IPC_DONE_BY_US, &end);
	assert_true(span_is(end.text, "enough"));

	/* it said goodbye, and stays */
	w = play_server(4, session);
	PLAY_SAY(w, BYE, .outcome = IPC_CUT, .side = IPC_PEER, .phase = span_str("auth"),
	    .text = span_str("reset"));
	play_wait(5000 + MONITOR_SLACK_MS);
	assert_true(w->dead);
	PLAY_ENDED(4, IPC_CUT, &end);
	assert_int_equal(end.is_claim, 1);
}

/* No deadline where none is configured. */
static void
test_no_deadline(void **state)
{
	struct ipc_NEW plan = play_plan(1, IPC_SERVER);
	struct play_start start;
	struct play_child *w;

	(void)state;
	plan.kex_ms = plan.login_ms = 0;
	play_new(&plan);
	play_attach(1);
	w = play_started(1, &start);
	play_wait(100000000);
	assert_false(w->dead);
}

/* No worker comes: the connection does not wait forever, the zygote is replaced. */
static void
test_no_worker(void **state)
{
	struct ipc_CONFIG cfg = play_config();
	struct ipc_NEW plan = play_plan(1, IPC_CLIENT);
	struct play_start start;
	struct ipc_END_OF end;
	struct play_child *z;

	(void)state;
	play_begin();
	cfg.spares = 0;
	play_seal(&cfg);
	(void)play_connect(1, IPC_CLIENT, &start);	/* takes the one of SERVING */
	play.worker_silent = true;
	z = play_last(PLAY_ZYGOTE);
	plan = play_plan(2, IPC_CLIENT);
	play_new(&plan);
	play_attach(2);
	PLAY_QUIET();
	play_wait(MONITOR_WAIT_MS);
	PLAY_ENDED(2, IPC_RESOURCE, &end);
	assert_true(z->dead);
	play.worker_silent = false;
	play_wait(10000);
	(void)play_connect(3, IPC_CLIENT, &start);
}

/* ---- layouts ---- */

static void
test_layout_by_count(void **state)
{
	struct ipc_CONFIG cfg = play_config();
	struct play_start start;
	struct play_child *z, *w;

	(void)state;
	play_begin();
	cfg.layout_connections = 4;
	play_seal(&cfg);
	z = play_last(PLAY_ZYGOTE);
	w = play_connect(1, IPC_CLIENT, &start);
	for (uint64_t i = 2; i <= 3; i++)
		(void)play_connect(i, IPC_CLIENT, &start);
	assert_false(z->dead);
	assert_ptr_not_equal(play_last(PLAY_ZYGOTE), z);	/* the successor is up */
	(void)play_connect(4, IPC_CLIENT, &start);
	assert_true(z->dead && z->reaped);
	assert_false(w->dead);			/* live workers run on */
	(void)play_connect(5, IPC_CLIENT, &start);
}

static void
test_layout_by_age(void **state)
{
	struct play_start start;
	struct play_child *z = play_last(PLAY_ZYGOTE), *w, *spare;

	(void)state;
	play_wait(100000000);			/* unused, it has no age */
	assert_false(z->dead);
	w = play_connect(1, IPC_CLIENT, &start);
	spare = play_last(PLAY_WORKER);
	assert_ptr_not_equal(w, spare);
	play_wait(59999);
	assert_false(z->dead);
	play_wait(1);
	play_run();
	assert_true(z->dead && z->reaped);
	assert_true(spare->dead && spare->reaped);
	assert_true(w->dead);			/* its own kex deadline, long past */
}

static void
test_layout_after_crash(void **state)
{
	struct play_start start;
	struct play_child *z = play_last(PLAY_ZYGOTE), *w, *other, *spare;
	struct ipc_END_OF end;

	(void)state;
	w = play_connect(1, IPC_CLIENT, &start);
	other = play_connect(2, IPC_CLIENT, &start);
	spare = play_last(PLAY_WORKER);
	play_die(w, SIGSYS, 0);
	play_run();
	PLAY_ENDED(1, IPC_WORKER_DIED, &end);
	assert_true(span_is(end.text, "worker died (SIGSYS)"));
	assert_int_equal(end.signal, SIGSYS);
	assert_int_equal(end.is_claim, 0);
	assert_true(z->dead && z->reaped);
	assert_true(spare->dead && spare->reaped);
	assert_false(other->dead);
	assert_ptr_not_equal(play_last(PLAY_ZYGOTE), z);
	(void)play_connect(3, IPC_CLIENT, &start);
}

static void
test_zygote_killed(void **state)
{
	struct play_start start;
	struct play_child *w;

	(void)state;
	w = play_connect(1, IPC_CLIENT, &start);
	play_die(play_last(PLAY_ZYGOTE), SIGKILL, 0);
	play_run();
	assert_false(w->dead);
	(void)play_connect(2, IPC_CLIENT, &start);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, play_setup, play_teardown)
#define O(f) cmocka_unit_test_setup_teardown(f, NULL, play_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_max_startups), cmocka_unit_test(test_buckets),
		T(test_timers), T(test_idle_never_wakes), O(test_startups_refuse),
		cmocka_unit_test(test_sources), O(test_startups_per_source),
		O(test_connections_max), T(test_backstops), T(test_no_deadline), O(test_no_worker),
		O(test_layout_by_count), T(test_layout_by_age), T(test_layout_after_crash),
		T(test_zygote_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
