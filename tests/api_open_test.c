/* api_open_test.c - channels of ours, of all kinds, and what is known about them. */
#include "tests/api_play.h"

static int
setup(void **state)
{
	if (fake_setup(state) != 0)
		return -1;
	play_client(NULL);
	return 0;
}

/* The monitor takes orders from the network's end. */
static int
setup_ordered(void **state)
{
	if (fake_setup(state) != 0)
		return -1;
	fake_how.keeps_quiet = 1;
	play_client(NULL);
	return 0;
}

static int
teardown_ordered(void **state)
{
	fake_how.keeps_quiet = 0;
	return play_teardown(state);
}

static struct postern_forward
forward(int kind, const char *host, uint32_t port)
{
	struct postern_forward f = POSTERN_FORWARD;

	f.kind = kind;
	f.host = host;
	f.port = port;
	f.origin_host = "me";
	f.origin_port = 5;
	return f;
}

/* ---- a worker that lies ---- */

static void
answers_that_belong_to_nothing_change_nothing(void **state)
{
	postern_channel *ch = play_session();
	struct ipc_OPEN m;

	(void)state;
	/* opened twice, refused after it was opened, and what was never asked for */
	SAY(OPENED, .chan = ch->id, .extra = span_str(""));
	SAY(NOT_OPENED, .chan = ch->id, .reason = 1, .text = span_str(""));
	SAY(OPENED, .chan = API_OURS | 99999, .extra = span_str(""));
	SAY(NOT_OPENED, .chan = 12, .reason = 1, .text = span_str(""));
	settle();
	assert_int_equal(ch->state, API_OPEN);
	nothing_more();
	/* an opening is not confirmed by a DONE, whatever number it names */
	assert_int_equal(postern_transport_open_session_async(t, &ch, NULL), 0);
	HEAR(OPEN, &m);
	SAY(DONE, .call = ch->opening, .ok = 1, .payload = span_str(""));
	settle();
	assert_int_equal(ch->state, API_OPENING);
	assert_int_equal(t->n_calls, 1);
}

static void
a_refusal_tells_its_reason(void **state)
{
	struct postern_exception e = POSTERN_EXCEPTION;
	postern_channel *ch = NULL;
	struct ipc_OPEN m;

	(void)state;
	assert_int_equal(postern_transport_open_session_async(t, &ch, NULL), 0);
	HEAR(OPEN, &m);
	SAY(NOT_OPENED, .chan = m.chan, .reason = 4, .text = span_str("full\x1b"));
	settle();
	assert_int_equal(event(POSTERN_EVENT_DONE).result, POSTERN_EREFUSED);
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_int_equal(e.refusal, 4);
	assert_string_equal(e.text, "the peer refused a channel, resource shortage: full\\x1b");
	assert_int_equal(postern_channel_fd(ch), POSTERN_ESTATE);
	assert_int_equal(postern_channel_invoke_shell(ch, SOON), POSTERN_ECLOSED);
	postern_channel_free(ch);	/* as ever */
	assert_int_equal(t->n_channels, 0);
	/* a number of nobody's, and no word */
	for (uint32_t reason = 0; reason <= 5; reason += 5) {
		assert_int_equal(postern_transport_open_session_async(t, &ch, NULL), 0);
		HEAR(OPEN, &m);
		SAY(NOT_OPENED, .chan = m.chan, .reason = reason, .text = span_str(""));
		settle();
		assert_int_equal(event(POSTERN_EVENT_DONE).result, POSTERN_EREFUSED);
		assert_int_equal(postern_transport_get_exception(t, &e), 0);
		assert_int_equal(e.refusal, reason);
		assert_string_equal(e.text, "the peer refused a channel, for a reason of its own");
		postern_channel_free(ch);
	}
	nothing_more();
}

static void
a_late_success_is_closed(void **state)
{
	postern_channel *ch = NULL;
	struct ipc_CHANNEL_CLOSE c;
	struct ipc_OPEN m;

	(void)state;
	for (int i = 0; i < 3; i++) {
		/* given up by time, by freeing it, and refused after that */
		if (i == 0) {
			assert_int_equal(postern_transport_open_session(t, &ch, 0),
			    POSTERN_ETIMEOUT);
		} else {
			assert_int_equal(postern_transport_open_session_async(t, &ch, NULL), 0);
			postern_channel_free(ch);
		}
		HEAR(OPEN, &m);
		assert_int_equal(t->n_channels, 1);
		assert_int_equal(t->n_calls, 0);
		if (i == 2) {
			SAY(NOT_OPENED, .chan = m.chan, .reason = 1, .text = span_str(""));
			nothing_more();
		} else {
			SAY(OPENED, .chan = m.chan, .extra = span_str(""));
			HEAR(CHANNEL_CLOSE, &c);
			assert_int_equal(c.chan, m.chan);
			nothing_more();
		}
		assert_int_equal(t->n_channels, 0);
	}
}

static void
openings_end_with_the_connection(void **state)
{
	struct postern_event ev;
	postern_channel *ch = NULL, *given_up = NULL;
	uint64_t id;

	(void)state;
	assert_int_equal(postern_transport_open_session_async(t, &ch, &id), 0);
	assert_int_equal(postern_transport_open_session_async(t, &given_up, NULL), 0);
	postern_channel_free(given_up);
	assert_int_equal(postern_transport_close(t, SOON), 0);
	ev = event(POSTERN_EVENT_DONE);
	assert_int_equal(ev.call, id);
	assert_true(ev.result < 0);
	assert_int_equal(t->n_channels, 1);
	postern_channel_free(ch);
	assert_int_equal(t->n_channels, 0);
}

/* What the worker said before is read after the monitor's last word, which stands. */
static void
a_refusal_of_before_is_not_the_end(void **state)
{
	struct postern_exception e = POSTERN_EXCEPTION;
	struct pollfd p = { .fd = ctx->monitor.fd, .events = POLLIN };
	postern_channel *ch = NULL;
	struct ipc_OPEN m;
	char order[32];
	int n = snprintf(order, sizeof(order), "end %d\n", IPC_CUT);

	(void)state;
	assert_int_equal(postern_transport_open_session_async(t, &ch, NULL), 0);
	HEAR(OPEN, &m);
	assert_int_equal(write(peer, order, (size_t)n), n);
	assert_int_equal(poll(&p, 1, SOON), 1);
	SAY(NOT_OPENED, .chan = m.chan, .reason = 4, .text = span_str("full"));
	assert_int_equal(event(POSTERN_EVENT_DONE).result, POSTERN_EREFUSED);
	(void)event(POSTERN_EVENT_END);
	assert_int_equal(postern_transport_get_exception(t, &e), 0);
	assert_int_equal(e.code, POSTERN_ECUT);
	assert_int_equal(e.refusal, 0);
	assert_null(strstr(e.text, "refused"));
	postern_channel_free(ch);
}

/* ---- arguments ---- */

static void
arguments_are_checked(void **state)
{
	struct postern_forward f = forward(POSTERN_DIRECT_TCPIP, "db", 5432);
	struct postern_open_options o = { .size = 3 };
	char longest[API_HOST_MAX + 2];
	postern_channel *ch = NULL;

	(void)state;
	memset(longest, 'h', sizeof(longest));
	longest[API_HOST_MAX + 1] = '\0';
#define OPEN(kind, fwd, extra, len, opt) \
	postern_transport_open_channel_async(t, &ch, kind, fwd, extra, len, opt, NULL)
	assert_int_equal(OPEN("forwarded-tcpip", &f, NULL, 0, NULL), -EINVAL);
	assert_int_equal(OPEN("session", &f, NULL, 0, NULL), -EINVAL);
	assert_int_equal(OPEN("direct-tcpip", &f, "x", 1, NULL), -EINVAL);
	assert_int_equal(OPEN(NULL, NULL, NULL, 0, NULL), -EINVAL);
	assert_int_equal(OPEN("session", NULL, NULL, 0, &o), -EINVAL);
	assert_int_equal(OPEN("session", NULL, longest, 8193, NULL), -EMSGSIZE);
	f.port = 65536;
	assert_int_equal(postern_transport_open_forward_async(t, &ch, &f, NULL), -EINVAL);
	f.port = 1;
	f.origin_port = 65536;
	assert_int_equal(postern_transport_open_forward_async(t, &ch, &f, NULL), -EINVAL);
	f.origin_port = 1;
	f.host = longest;
	assert_int_equal(postern_transport_open_forward_async(t, &ch, &f, NULL), -EMSGSIZE);
	f.host = "";
	f.origin_host = longest;
	assert_int_equal(postern_transport_open_forward_async(t, &ch, &f, NULL), -EMSGSIZE);
	f.kind = 0;
	assert_int_equal(postern_transport_open_forward_async(t, &ch, &f, NULL), -EINVAL);
	f.kind = 7;
	assert_int_equal(postern_transport_open_forward_async(t, &ch, &f, NULL), -EINVAL);
	nothing_more();
	assert_null(ch);
	assert_int_equal(t->n_channels, 0);
	assert_int_equal(t->n_calls, 0);
}

/* ---- what is sent ---- */

static void
every_kind_says_what_the_rfcs_say(void **state)
{
	static const struct { int kind; const char *type; struct span extra; } rows[] = {
		{ POSTERN_DIRECT_TCPIP, "direct-tcpip",
		    { (const uint8_t *)"\0\0\0\2db\0\0\x15\x38\0\0\0\2me\0\0\0\5", 20 } },
		{ POSTERN_FORWARDED_TCPIP, "forwarded-tcpip",
		    { (const uint8_t *)"\0\0\0\2db\0\0\x15\x38\0\0\0\2me\0\0\0\5", 20 } },
		{ POSTERN_DIRECT_STREAMLOCAL, "direct-streamlocal@openssh.com",
		    { (const uint8_t *)"\0\0\0\2db\0\0\0\0\0\0\0\0", 14 } },
		{ POSTERN_FORWARDED_STREAMLOCAL, "forwarded-streamlocal@openssh.com",
		    { (const uint8_t *)"\0\0\0\2db\0\0\0\0", 10 } },
		{ POSTERN_X11, "x11", { (const uint8_t *)"\0\0\0\2me\0\0\0\5", 10 } },
		{ POSTERN_AGENT, "auth-agent@openssh.com", { (const uint8_t *)"", 0 } },
	};
	struct ipc_TAKE_SOCKET take;
	struct ipc_OPEN m;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct postern_forward f = forward(rows[i].kind, "db", 5432);
		postern_channel *ch = NULL;

		assert_int_equal(postern_transport_open_forward_async(t, &ch, &f, NULL), 0);
		HEAR(OPEN, &m);
		assert_true(span_is(m.type, rows[i].type));
		assert_true(span_eq(m.extra, rows[i].extra));
		assert_int_equal(m.window, 0);
		SAY(OPENED, .chan = m.chan, .extra = span_str(""));
		HEAR(TAKE_SOCKET, &take);
		(void)close(take.data);
		SAY(TAKEN, .chan = m.chan);
		assert_int_equal(postern_channel_get_forward(ch)->kind, rows[i].kind);
		assert_ptr_not_equal(postern_channel_get_forward(ch)->host, f.host);
	}
}

static void
options_and_other_kinds_pass(void **state)
{
	struct postern_open_options o = POSTERN_OPEN_OPTIONS;
	postern_channel *ch = NULL;
	struct ipc_OPEN m;

	(void)state;
	o.window = 70000;
	o.packet = 5000;
	assert_int_equal(postern_transport_open_channel_async(t, &ch, "mine@example.com", NULL,
	    "abc", 3, &o, NULL), 0);
	HEAR(OPEN, &m);
	assert_true(span_is(m.type, "mine@example.com"));
	assert_true(span_is(m.extra, "abc"));
	assert_int_equal(m.window, 70000);
	assert_int_equal(m.packet, 5000);
	assert_null(postern_channel_get_forward(ch));
}

static void
the_named_opens_are_those_kinds(void **state)
{
	postern_channel *ch = NULL;
	struct ipc_OPEN m;

	(void)state;
	assert_int_equal(postern_transport_open_x11_channel(t, &ch, "me", 5, 0), POSTERN_ETIMEOUT);
	HEAR(OPEN, &m);
	assert_true(span_is(m.type, "x11"));
	assert_int_equal(m.extra.n, 10);
	assert_int_equal(postern_transport_open_forwarded_tcpip_channel(t, &ch, "me", 5, "db",
	    5432, 0), POSTERN_ETIMEOUT);
	HEAR(OPEN, &m);
	assert_true(span_is(m.type, "forwarded-tcpip"));
	assert_true(span_eq(m.extra, span_of("\0\0\0\2db\0\0\x15\x38\0\0\0\2me\0\0\0\5", 20)));
	assert_int_equal(postern_transport_open_forward_agent_channel(t, &ch, 0),
	    POSTERN_ETIMEOUT);
	HEAR(OPEN, &m);
	assert_true(span_is(m.type, "auth-agent@openssh.com"));
	assert_null(ch);
}

static void
descriptors_can_be_chosen_while_it_opens(void **state)
{
	struct postern_forward f = forward(POSTERN_DIRECT_TCPIP, "db", 5432);
	struct ipc_TAKE_SOCKET take;
	postern_channel *ch = NULL;
	struct ipc_OPEN m;
	int pair[2];

	(void)state;
	assert_int_equal(postern_transport_open_forward_async(t, &ch, &f, NULL), 0);
	HEAR(OPEN, &m);
	assert_int_equal(postern_channel_invoke_shell(ch, SOON), POSTERN_ESTATE);
	assert_int_equal(postern_channel_send_eow(ch), POSTERN_ESTATE);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(postern_channel_take_socket(ch, pair[0]), 0);
	nothing_more();			/* not before the answer */
	SAY(OPENED, .chan = m.chan, .extra = span_str(""));
	HEAR(TAKE_SOCKET, &take);
	assert_int_equal(write(pair[1], "x", 1), 1);
	assert_int_equal(read(take.data, said.buf, 1), 1);
	(void)close(take.data);
	(void)close(pair[1]);
	assert_int_equal(event(POSTERN_EVENT_DONE).result, 0);
}

/* ---- whoever closing them could wait for ---- */

static int discarded, n_discarded;

static void
discard(void *user, int fd)
{
	assert_ptr_equal(user, &n_discarded);
	discarded = fd;
	n_discarded++;
	(void)close(fd);
}

/* A channel of ours that is opening, with a socket whose number is returned. */
static int
opening_with_socket(postern_channel **ch, struct ipc_OPEN *m)
{
	struct postern_forward f = forward(POSTERN_FORWARDED_STREAMLOCAL, "/s", 0);
	int pair[2];

	t->ctx->discard = discard;
	t->ctx->user = &n_discarded;
	n_discarded = 0;
	assert_int_equal(postern_transport_open_forward_async(t, ch, &f, NULL), 0);
	HEAR(OPEN, m);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	(void)close(pair[1]);
	assert_int_equal(postern_channel_take_socket(*ch, pair[0]), 0);
	assert_int_equal(n_discarded, 0);
	return pair[0];
}

static void
what_was_given_the_application_closes(void **state)
{
	struct ipc_TAKE_SOCKET take;
	postern_channel *ch = NULL;
	struct ipc_OPEN m;
	int fd, two = dup(0);

	(void)state;
	fd = opening_with_socket(&ch, &m);	/* passed on */
	SAY(OPENED, .chan = m.chan, .extra = span_str(""));
	HEAR(TAKE_SOCKET, &take);
	(void)close(take.data);
	assert_int_equal(event(POSTERN_EVENT_DONE).result, 0);
	assert_int_equal(n_discarded, 1);
	assert_int_equal(discarded, fd);
	/* one too many */
	assert_int_equal(postern_channel_take_socket(ch, two), POSTERN_ESTATE);
	assert_int_equal(n_discarded, 2);
	assert_int_equal(discarded, two);
	fd = opening_with_socket(&ch, &m);	/* refused */
	SAY(NOT_OPENED, .chan = m.chan, .reason = 1, .text = span_str(""));
	assert_int_equal(event(POSTERN_EVENT_DONE).result, POSTERN_EREFUSED);
	assert_int_equal(n_discarded, 1);
	assert_int_equal(discarded, fd);
	fd = opening_with_socket(&ch, &m);	/* given up */
	postern_channel_free(ch);
	assert_int_equal(n_discarded, 1);
	assert_int_equal(discarded, fd);
	fd = opening_with_socket(&ch, &m);	/* and with its connection */
	assert_int_equal(postern_transport_close(t, SOON), 0);
	postern_channel_free(ch);
	assert_int_equal(n_discarded, 1);
	assert_int_equal(discarded, fd);
}

/* Copies of what a worker has not received yet are no others. */
static void
what_waits_for_a_worker_too(void **state)
{
	postern_channel *ch = NULL;
	struct ipc_OPEN m;

	(void)state;
	for (unsigned i = 0; i <= API_TAKES_MAX; i++) {
		(void)opening_with_socket(&ch, &m);
		SAY(OPENED, .chan = m.chan, .extra = span_str(""));
		settle();
		assert_int_equal(n_discarded, 1);
		if (i < API_TAKES_MAX) {
			struct ipc_TAKE_SOCKET take;

			HEAR(TAKE_SOCKET, &take);
			(void)close(take.data);
		}
	}
	assert_int_equal(t->worker.out_count, 1);
	assert_int_equal(postern_transport_close(t, SOON), 0);
	assert_int_equal(n_discarded, 2);
}

/* ---- requests that have no function of their own ---- */

static void
requests_of_any_kind(void **state)
{
	postern_channel *ch = play_session();
	postern_message *p = postern_message_new();
	struct ipc_OTHER_DO m;
	uint64_t id;

	(void)state;
	postern_message_add_int(p, 5);
	assert_int_equal(postern_channel_request_async(ch, "mine@example.com", p, &id), 0);
	HEAR(OTHER_DO, &m);
	assert_int_equal(m.call, id);
	assert_true(span_eq(m.payload, span_of("\0\0\0\5", 4)));
	done(id, 0, span_str(""));
	assert_int_equal(event(POSTERN_EVENT_DONE).result, POSTERN_EREFUSED);
	SAY(DONE, .call = ctx->serial + 1, .ok = 1, .payload = span_str(""));
	assert_int_equal(postern_channel_request(ch, "mine@example.com", NULL, SOON), 0);
	HEAR(OTHER_DO, &m);
	assert_int_equal(m.payload.n, 0);
	assert_int_equal(postern_channel_notice(ch, "note@example.com", p), 0);
	HEAR(OTHER_DO, &m);
	assert_int_equal(m.call, 0);
	assert_int_equal(postern_channel_send_xon_xoff(ch, 2), 0);
	HEAR(OTHER_DO, &m);
	assert_true(span_is(m.kind, "xon-xoff"));
	assert_true(span_eq(m.payload, span_of("\1", 1)));
	assert_int_equal(m.call, 0);
	assert_int_equal(postern_channel_send_eow(ch), 0);
	HEAR(OTHER_DO, &m);
	assert_true(span_is(m.kind, "eow@openssh.com"));
	assert_int_equal(m.payload.n, 0);
	for (int i = 0; i < 2000; i++)
		postern_message_add_int64(p, 1);
	assert_int_equal(postern_channel_notice(ch, "note@example.com", p), -EINVAL);
	assert_int_equal(postern_channel_request(ch, "note@example.com", p, SOON), -EINVAL);
	nothing_more();
	postern_message_free(p);
}

/* ---- what is known about a channel ---- */

static void
names_and_descriptions(void **state)
{
	struct postern_forward f = forward(POSTERN_DIRECT_TCPIP, "d\x1b" "b", 5432);
	postern_channel *ch = play_session(), *direct = NULL;
	char number[32], text[256], name[66];

	(void)state;
	(void)snprintf(number, sizeof(number), "%llu", (unsigned long long)postern_channel_id(ch));
	assert_string_equal(postern_channel_get_name(ch), number);
	memset(name, 'n', sizeof(name));
	name[65] = '\0';
	assert_int_equal(postern_channel_set_name(ch, name), -EMSGSIZE);
	assert_string_equal(postern_channel_get_name(ch), number);
	name[64] = '\0';
	assert_int_equal(postern_channel_set_name(ch, name), 0);
	assert_string_equal(postern_channel_get_name(ch), name);
	assert_int_equal(postern_channel_set_name(ch, "a\nb"), 0);
	assert_string_equal(postern_channel_get_name(ch), "a b");
	assert_int_equal(postern_channel_describe(ch, text, sizeof(text)), 0);
	assert_string_equal(text, "<channel a b (open) session of local>");
	/* never more than size, always with a NUL */
	for (size_t i = 1; i <= strlen("<channel a b (open) session of local>"); i++) {
		memset(text, 'x', sizeof(text));
		assert_int_equal(postern_channel_describe(ch, text, i), -ERANGE);
		assert_int_equal(strlen(text), i - 1);
		assert_int_equal(text[i], 'x');
	}
	assert_int_equal(postern_transport_open_forward_async(t, &direct, &f, NULL), 0);
	assert_int_equal(postern_channel_set_name(direct, "d"), 0);
	assert_int_equal(postern_channel_describe(direct, text, sizeof(text)), 0);
	assert_string_equal(text,
	    "<channel d (opening) direct-tcpip to d\\x1bb:5432 from me:5 of local>");
	SAY(CHANNEL_OVER, .chan = ch->id, .had_eof = 1);
	settle();
	assert_int_equal(postern_channel_describe(ch, text, sizeof(text)), 0);
	assert_non_null(strstr(text, "(closed)"));
}

static void
a_status_is_ready_when_it_is(void **state)
{
	postern_channel *a = play_session(), *b = play_session();

	(void)state;
	assert_int_equal(postern_channel_exit_status_ready(a), 0);
	SAY(STATUS_TOLD, .chan = a->id, .status = 3);
	settle();
	assert_int_equal(postern_channel_exit_status_ready(a), 1);
	assert_int_equal(postern_channel_exit_status_ready(b), 0);
	/* none will come: who waits for it must not wait for ever */
	SAY(CHANNEL_OVER, .chan = b->id, .had_eof = 1);
	settle();
	assert_int_equal(postern_channel_exit_status_ready(b), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, play_teardown)
		T(answers_that_belong_to_nothing_change_nothing),
		T(a_refusal_tells_its_reason),
		T(a_late_success_is_closed),
		T(openings_end_with_the_connection),
		cmocka_unit_test_setup_teardown(a_refusal_of_before_is_not_the_end, setup_ordered,
		    teardown_ordered),
		T(arguments_are_checked),
		T(every_kind_says_what_the_rfcs_say),
		T(options_and_other_kinds_pass),
		T(the_named_opens_are_those_kinds),
		T(descriptors_can_be_chosen_while_it_opens),
		T(what_was_given_the_application_closes),
		T(what_waits_for_a_worker_too),
		T(requests_of_any_kind),
		T(names_and_descriptions),
		T(a_status_is_ready_when_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
