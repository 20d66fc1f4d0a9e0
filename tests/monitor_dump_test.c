/*
 * monitor_dump_test.c - packets for the debug log: who may turn them on, that no
 * worker sends any uninvited, and that a flood of them is nobody's trouble.
 */
#include "tests/monitor_play.h"

static struct play_child *worker;
static uint8_t session[32], big[35000];

/* A context whose log may show so much, and a connection that wants so much. */
static void
begin(uint8_t max, uint8_t wish, uint8_t started)
{
	struct ipc_CONFIG cfg = play_config();
	struct ipc_NEW plan = play_plan(1, IPC_SERVER);
	struct ipc_STARTED told;
	struct ipc_START q;

	play_begin();
	cfg.hexdump_max = max;
	play_seal(&cfg);
	plan.hexdump = wish;
	play_new(&plan);
	play_attach(1);
	PLAY_EXPECT(STARTED, &told);
	worker = play_by_pid((pid_t)told.worker_pid);
	PLAY_WORKER_EXPECT(worker, START, &q);
	assert_int_equal(q.hexdump, started);
	close(q.in);
	close(q.out);
}

static void
set(uint8_t mode)
{
	PLAY_TELL(SET_HEXDUMP, .conn = 1, .mode = mode);
}

static void
expect_hexdump(uint8_t mode)
{
	struct ipc_HEXDUMP q;

	PLAY_WORKER_EXPECT(worker, HEXDUMP, &q);
	assert_int_equal(q.mode, mode);
}

static void
expect_dumped(uint8_t is_out, uint32_t skipped, struct span packet)
{
	struct ipc_DUMPED q;

	PLAY_EXPECT(DUMPED, &q);
	assert_int_equal(q.conn, 1);
	assert_int_equal(q.is_out, is_out);
	assert_int_equal(q.skipped, skipped);
	assert_true(span_eq(q.packet, packet));
}

static void
dump(uint8_t is_out, struct span packet)
{
	PLAY_SAY(worker, DUMP, .is_out = is_out, .packet = packet);
}

static void
expect_lied(void)
{
	struct ipc_END_OF end;

	PLAY_ENDED(1, IPC_WORKER_LIED, &end);
	assert_true(play_contains(end.text, "DUMP"));
	PLAY_QUIET();
}

static void
test_never_on(void **state)
{
	(void)state;
	begin(IPC_HEXDUMP_WHOLE, IPC_HEXDUMP_OFF, IPC_HEXDUMP_OFF);
	dump(0, span_str("\024"));
	expect_lied();
}

/* The context's cap outranks every connection's wish. */
static void
test_capped(void **state)
{
	begin(IPC_HEXDUMP_OFF, IPC_HEXDUMP_WHOLE, IPC_HEXDUMP_OFF);
	set(IPC_HEXDUMP_WHOLE);
	PLAY_WORKER_QUIET(worker);
	dump(0, span_str("\024"));
	expect_lied();
	(void)play_teardown(state);
	begin(IPC_HEXDUMP_BLANKED, IPC_HEXDUMP_WHOLE, IPC_HEXDUMP_BLANKED);
	set(IPC_HEXDUMP_WHOLE);
	PLAY_WORKER_QUIET(worker);		/* it is that already */
	set(IPC_HEXDUMP_OFF);
	expect_hexdump(IPC_HEXDUMP_OFF);
	set(IPC_HEXDUMP_WHOLE);
	expect_hexdump(IPC_HEXDUMP_BLANKED);
}

static void
test_on_and_off(void **state)
{
	(void)state;
	begin(IPC_HEXDUMP_WHOLE, IPC_HEXDUMP_OFF, IPC_HEXDUMP_OFF);
	set(IPC_HEXDUMP_BLANKED);
	expect_hexdump(IPC_HEXDUMP_BLANKED);
	dump(0, span_str("\024in"));
	expect_dumped(0, 0, span_str("\024in"));
	set(IPC_HEXDUMP_WHOLE);
	expect_hexdump(IPC_HEXDUMP_WHOLE);
	dump(1, span_of(big, sizeof(big)));
	expect_dumped(1, 0, span_of(big, sizeof(big)));
	dump(1, span_of("", 0));
	expect_dumped(1, 0, span_of("", 0));
	set(IPC_HEXDUMP_OFF);
	expect_hexdump(IPC_HEXDUMP_OFF);
	dump(0, span_str("\024"));		/* it was under way */
	PLAY_QUIET();
	assert_false(worker->dead);
	set(IPC_HEXDUMP_BLANKED);
	expect_hexdump(IPC_HEXDUMP_BLANKED);
	dump(2, span_str("\024"));		/* neither in nor out */
	expect_lied();
}

/* Asked for before the worker is there. */
static void
test_before_start(void **state)
{
	struct ipc_NEW plan = play_plan(2, IPC_CLIENT);
	struct ipc_STARTED told;
	struct ipc_START q;

	(void)state;
	begin(IPC_HEXDUMP_WHOLE, IPC_HEXDUMP_OFF, IPC_HEXDUMP_OFF);
	play_new(&plan);
	PLAY_TELL(SET_HEXDUMP, .conn = 2, .mode = IPC_HEXDUMP_WHOLE);
	play_attach(2);
	PLAY_EXPECT(STARTED, &told);
	worker = play_by_pid((pid_t)told.worker_pid);
	PLAY_WORKER_EXPECT(worker, START, &q);
	assert_int_equal(q.hexdump, IPC_HEXDUMP_WHOLE);
	close(q.in);
	close(q.out);
	PLAY_WORKER_QUIET(worker);
}

static void
test_no_such_mode(void **state)
{
	struct ipc_CONFIG cfg = play_config();
	struct ipc_NEW plan = play_plan(2, IPC_CLIENT);

	begin(IPC_HEXDUMP_WHOLE, IPC_HEXDUMP_OFF, IPC_HEXDUMP_OFF);
	set(IPC_HEXDUMP_WHOLE + 1);
	assert_true(play.m->over);
	(void)play_teardown(state);
	begin(IPC_HEXDUMP_WHOLE, IPC_HEXDUMP_OFF, IPC_HEXDUMP_OFF);
	plan.hexdump = IPC_HEXDUMP_WHOLE + 1;
	play_new(&plan);
	assert_true(play.m->over);
	(void)play_teardown(state);
	play_begin();
	cfg.hexdump_max = IPC_HEXDUMP_WHOLE + 1;
	assert_int_equal(ipc_send_CONFIG(play.app, &cfg), 0);
	play_run();
	assert_true(play.m->over);
}

static void
test_too_late(void **state)
{
	struct ipc_END_OF end;

	(void)state;
	begin(IPC_HEXDUMP_WHOLE, IPC_HEXDUMP_WHOLE, IPC_HEXDUMP_WHOLE);
	PLAY_TELL(CLOSE, .conn = 1, .now = 1);
	PLAY_ENDED(1, IPC_DONE_BY_US, &end);
	set(IPC_HEXDUMP_OFF);
	assert_false(play.m->over);
}

/* The application reads nothing while a worker shows all it can: nothing is queued,
 * no other worker waits, and afterwards it learns how many it missed. */
static void
test_flood(void **state)
{
	enum { ROUNDS = 500 };
	struct play_child *other;
	struct ipc_CLAIM claim;
	struct ipc_DUMPED q;
	unsigned seen = 0;

	(void)state;
	begin(IPC_HEXDUMP_WHOLE, IPC_HEXDUMP_WHOLE, IPC_HEXDUMP_WHOLE);
	other = play_server(2, session);
	for (int i = 0; i < ROUNDS; i++) {
		(void)ipc_send_DUMP(worker->link, &(struct ipc_DUMP){
		    .packet = span_of(big, sizeof(big)) });
		(void)monitor_turn(play.m, 0);
		assert_int_equal(play.m->queue.bytes, 0);
		assert_false(play.m->workers_paused);
	}
	/* half the room is still there for what others have to say */
	for (int i = 0; i < MONITOR_NOTE_BURST; i++)
		PLAY_SAY(other, NOTE, .level = IPC_INFO, .text = span_str("hello"));
	assert_int_equal(play.m->queue.bytes, 0);
	while (play_next() == IPC_MSG_DUMPED) {
		PLAY_DECODE(DUMPED, &q);
		assert_int_equal(q.skipped, 0);
		seen++;
	}
	PLAY_DECODE(CLAIM, &claim);
	for (int i = 1; i < MONITOR_NOTE_BURST; i++)
		PLAY_EXPECT(CLAIM, &claim);
	assert_in_range(seen, 1, 8);
	PLAY_QUIET();
	dump(0, span_str("\024"));
	expect_dumped(0, ROUNDS - seen, span_str("\024"));
	dump(0, span_str("\024"));
	expect_dumped(0, 0, span_str("\024"));
}

/* Nor while anything else waits for the application. */
static void
test_behind_a_queue(void **state)
{
	struct play_child *other;

	(void)state;
	begin(IPC_HEXDUMP_WHOLE, IPC_HEXDUMP_WHOLE, IPC_HEXDUMP_WHOLE);
	other = play_server(2, session);
	while (!play.m->workers_paused) {
		PLAY_SAY(other, NOTE, .level = IPC_INFO, .text = span_str("x"));
		play.now += 1000;		/* the bucket lets one through */
		play.m->table[1]->deadline.at = play.now + 1000000;
		play.m->table[2]->deadline.at = play.now + 1000000;
	}
	for (int i = 0; i < 3; i++)		/* as if it had been read just then */
		assert_int_equal(monitor_dump_on_dump(play.m->table[1], &(struct ipc_DUMP){
		    .packet = span_str("\024") }), 0);
	assert_int_equal(play.m->table[1]->dump.skipped, 3);
	while (play_next() != 0 || play.m->queue.bytes > 0)
		monitor_app_flush(play.m);
	play_run();
	dump(0, span_str("\024"));
	expect_dumped(0, 3, span_str("\024"));
}

int
main(void)
{
#define T(f) cmocka_unit_test_teardown(f, play_teardown)
	const struct CMUnitTest tests[] = {
		T(test_never_on), T(test_capped), T(test_on_and_off), T(test_before_start),
		T(test_no_such_mode), T(test_too_late), T(test_flood), T(test_behind_a_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
