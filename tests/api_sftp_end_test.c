/*
 * api_sftp_end_test.c - an sftp opening that is given up, freed, or ended by its channel or
 * its connection, at each stage of it.
 */
#include "tests/sftp_play.h"

/* ---- by its peer ---- */

enum ending { EOF_THEN_WORD, WORD_THEN_EOF, OVER, ENDINGS };

static void
end_by(const struct opening *o, enum ending ending)
{
	if (ending == WORD_THEN_EOF) {
		SAY(PEER_EOF, .chan = o->chan);
		quiet();
	}
	assert_int_equal(shutdown(o->data, SHUT_WR), 0);
	if (ending == EOF_THEN_WORD) {
		/* an end that may be the connection's: nobody has said whose */
		quiet();
		assert_false(is_watched(postern_channel_fd(postern_sftp_get_channel(o->s))));
		SAY(PEER_EOF, .chan = o->chan);
	}
	if (ending == OVER)
		SAY(CHANNEL_OVER, .chan = o->chan);
	settle();
}

static void
an_end_at_each_byte(void **state)
{
	int before = fake_open_fds();

	(void)state;
	for (int n = 0; n < ANSWER_LEN; n++) {
		for (int ending = 0; ending < ENDINGS; ending++) {
			struct opening o = sftp_at(AWAITED);

			if (n > 0)
				sftp_says(&o, ANSWER, (size_t)n);
			quiet();
			end_by(&o, (enum ending)ending);
			sftp_done(&o, POSTERN_ECLOSED);
			sftp_over(&o);
		}
	}
	quiet();
	assert_int_equal(fake_open_fds(), before);
}

/* The worker closes what we wrote into, unread: an error for who reads there. */
static void
a_server_that_reads_nothing(void **state)
{
	struct opening o = sftp_at(ASKED);

	(void)state;
	done(o.call, 1, span_str(""));
	ipc_close_fds(&o.data, 1);
	quiet();
	SAY(CHANNEL_OVER, .chan = o.chan);
	settle();
	sftp_done(&o, POSTERN_ECLOSED);
	sftp_over(&o);
	/* and before that: there is nobody to write to */
	o = sftp_at(ASKED);
	ipc_close_fds(&o.data, 1);
	done(o.call, 1, span_str(""));
	quiet();
	SAY(PEER_EOF, .chan = o.chan);
	settle();
	sftp_done(&o, POSTERN_ECLOSED);
	sftp_over(&o);
}

/* What came before the channel's end counts, whichever of them is heard first. */
static void
last_words_are_heard(void **state)
{
	static const struct { const char *words; size_t n; int result; } rows[] = {
		{ ANSWER, ANSWER_LEN, 0 },
		{ ANSWER, ANSWER_LEN - 1, POSTERN_ECLOSED },
		{ "No shell for you.\n", 18, POSTERN_EPROTO },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct opening o = sftp_at(AWAITED);

		assert_int_equal(write(o.data, rows[i].words, rows[i].n), rows[i].n);
		ctx->depth++;
		api_channel_closed(postern_sftp_get_channel(o.s), true);
		ctx->depth--;
		sftp_done(&o, rows[i].result);
		sftp_over(&o);
	}
}

static void
its_channel_ends_at_each_stage(void **state)
{
	(void)state;
	for (int stage = ASKED; stage < STAGES; stage++) {
		struct opening o = sftp_at((enum stage)stage);

		SAY(CHANNEL_OVER, .chan = o.chan);
		settle();
		sftp_done(&o, POSTERN_ECLOSED);
		/* a late yes belongs to nothing */
		done(o.call, 1, span_str(""));
		sftp_over(&o);
	}
	quiet();
}

/* ---- by us ---- */

/* Whatever comes after it was given up at this stage. */
static void
late_words(struct opening *o, enum stage stage)
{
	struct rd r = { 0 };

	if (stage == OPENING) {
		SAY(OPENED, .chan = o->chan, .extra = span_str(""));
		/* an open session of the application's, and no subsystem is asked for */
		assert_int_equal(next_said(&r), 0);
		return;
	}
	if (stage == ASKED) {
		done(o->call, 1, span_str(""));
		assert_int_equal(recv(o->data, said.buf, 1, MSG_DONTWAIT), -1);
	}
	sftp_says(o, ANSWER, ANSWER_LEN);
	assert_int_equal(recv(postern_channel_fd(postern_sftp_get_channel(o->s)), said.buf,
	    sizeof(said.buf), MSG_DONTWAIT), ANSWER_LEN);
}

static void
cancelled_at_each_stage(void **state)
{
	int before = fake_open_fds();

	(void)state;
	for (int stage = 0; stage < STAGES; stage++) {
		struct opening o = sftp_at((enum stage)stage);
		postern_channel *ch = postern_sftp_get_channel(o.s);

		postern_cancel(ctx, o.call);
		assert_int_equal(t->n_calls, 0);
		if (ch->fd >= 0)
			assert_false(is_watched(ch->fd));
		late_words(&o, (enum stage)stage);
		quiet();
		postern_sftp_free(o.s);
		assert_true(was_closed());
		ipc_close_fds(&o.data, 1);
		assert_int_equal(t->n_channels, 0);
	}
	/* complete, and not told yet */
	struct opening o = sftp_at(AWAITED);

	sftp_says(&o, ANSWER, ANSWER_LEN);
	postern_cancel(ctx, o.call);
	quiet();
	sftp_over(&o);
	assert_int_equal(fake_open_fds(), before);
}

static void
freed_at_each_stage(void **state)
{
	int before = fake_open_fds();

	(void)state;
	for (int stage = 0; stage < STAGES; stage++) {
		for (int i = 0; i < 2; i++) {
			struct opening o = sftp_at((enum stage)stage);

			if (i == 0)
				postern_sftp_free(o.s);
			else
				postern_channel_free(postern_sftp_get_channel(o.s));
			assert_int_equal(t->n_calls, 0);
			if (stage == OPENING)
				SAY(OPENED, .chan = o.chan, .extra = span_str(""));
			else
				SAY(DONE, .call = o.call, .ok = 1, .payload = span_str(""));
			assert_true(was_closed());
			ipc_close_fds(&o.data, 1);
			assert_int_equal(t->n_channels, 0);
			quiet();
		}
	}
	assert_int_equal(fake_open_fds(), before);
}

static void
its_transport_is_freed_at_each_stage(void **state)
{
	(void)state;
	for (int stage = 0; stage < STAGES; stage++) {
		struct opening o = sftp_at((enum stage)stage), other = sftp_begin();

		assert_int_not_equal(o.call, other.call);
		postern_transport_free(t);	/* and the handles */
		assert_true(LIST_EMPTY(&ctx->sftps));
		quiet();
		ipc_close_fds(&o.data, 1);
		assert_int_equal(sftp_teardown(state), 0);
		assert_int_equal(sftp_setup(state), 0);
	}
}

/* ---- by us, in a callback of the same turn ---- */

static struct opening ours;
static enum { FREE_SFTP, FREE_TRANSPORT, CANCEL, DEEDS } deed;

static int
do_it(void *user, postern_transport *transport, uint64_t question, const char *kind,
    const void *data, size_t len)
{
	(void)user, (void)question, (void)kind, (void)data, (void)len;
	if (deed == FREE_SFTP) {
		postern_sftp_free(ours.s);
		postern_sftp_free(ours.s);	/* as every handle within a callback */
	} else if (deed == FREE_TRANSPORT) {
		postern_transport_free(transport);
	} else {
		postern_cancel(ctx, ours.call);
	}
	return POSTERN_REFUSE;
}

static void
from_a_callback(void **state)
{
	for (int stage = 0; stage < STAGES; stage++) {
		for (int i = 0; i < DEEDS; i++) {
			ours = sftp_at((enum stage)stage);
			deed = i;
			t->client.check_global_request = do_it;
			SAY(GLOBAL_ASK, .kind = span_str("x@test"), .payload = span_str(""));
			/* ready in the same turn, behind it */
			if (stage == OPENING)
				SAY(OPENED, .chan = ours.chan, .extra = span_str(""));
			else if (stage == ASKED)
				SAY(DONE, .call = ours.call, .ok = 1, .payload = span_str(""));
			else
				assert_int_equal(write(ours.data, "\0", 1), 1);
			quiet();
			assert_true(LIST_EMPTY(&ctx->sftps));
			ipc_close_fds(&ours.data, 1);
			assert_int_equal(sftp_teardown(state), 0);
			assert_int_equal(sftp_setup(state), 0);
		}
	}
}

/* ---- by the connection's end ---- */

static void
end_connection(int how)
{
	char order[32];
	int n;

	if (how == POSTERN_ECLOSED) {
		assert_int_equal(postern_transport_close_async(t, NULL), 0);
		return;
	}
	if (how == POSTERN_EMONITOR) {
		assert_int_equal(kill(fake_pid, SIGKILL), 0);
		return;
	}
	n = snprintf(order, sizeof(order), "end %d\n",
	    how == POSTERN_ECUT ? IPC_CUT : IPC_WORKER_DIED);
	assert_int_equal(write(peer, order, (size_t)n), n);
}

static void
its_connection_ends_at_each_stage(void **state)
{
	static const int codes[] = { POSTERN_ECUT, POSTERN_EWORKER, POSTERN_ECLOSED,
		POSTERN_EMONITOR };

	for (size_t i = 0; i < 2 * sizeof(codes) / sizeof(codes[0]); i++) {
		for (int stage = 0; stage < STAGES; stage++) {
			struct opening o = sftp_at((enum stage)stage);
			struct postern_event ev = POSTERN_EVENT;
			int code = codes[i / 2];

			/* the worker's descriptors end before anybody knows why */
			if (i % 2 == 0) {
				ipc_close_fds(&o.data, 1);
				quiet();
			}
			end_connection(code);
			do {
				assert_int_equal(postern_next(ctx, &ev, SOON), 1);
			} while (ev.type != POSTERN_EVENT_DONE || ev.call != o.call);
			assert_int_equal(ev.result, code);
			assert_true(LIST_EMPTY(&ctx->sftps));
			postern_sftp_free(o.s);
			assert_int_equal(t->n_channels, 0);
			ipc_close_fds(&o.data, 1);
			assert_int_equal(sftp_teardown(state), 0);
			assert_int_equal(sftp_setup(state), 0);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, sftp_setup, sftp_teardown)
		T(an_end_at_each_byte),
		T(a_server_that_reads_nothing),
		T(last_words_are_heard),
		T(its_channel_ends_at_each_stage),
		T(cancelled_at_each_stage),
		T(freed_at_each_stage),
		T(its_transport_is_freed_at_each_stage),
		T(from_a_callback),
		T(its_connection_ends_at_each_stage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
