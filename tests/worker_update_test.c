/*
 * worker_update_test.c - a client's worker hears of host keys: what it passes on, what it
 * asks for, and that no answer of the server's, nor its silence, ends anything.
 */
#include "tests/worker_lab.h"

static const struct lab_options client = { .role = SSH_CLIENT, .close_ms = 300 };
static const struct lab_options server = { .role = SSH_SERVER, .close_ms = 300 };

static const char told[] = "hostkeys-00@openssh.com";
static const char prove[] = "hostkeys-prove-00@openssh.com";

static void
peer_tells(struct lab *l, const char *keys, size_t n)
{
	assert_int_equal(connection_global(l->pc, 0, span_str(told), span_of(keys, n)), PROTO_OK);
}
#define TELLS(l, keys) peer_tells(l, keys, sizeof(keys) - 1)

static void
expect_told(struct lab *l, const char *keys, size_t n)
{
	struct ipc_HOSTKEYS_TOLD m;

	LAB_UNTIL(l, l->said[IPC_MSG_HOSTKEYS_TOLD] == 1);
	LAB_WORDS(l, HOSTKEYS_TOLD, &m);
	assert_int_equal(m.keys.n, n);
	assert_memory_equal(m.keys.p, keys, n);
}

static void
test_what_is_passed_on_and_once(void **state)
{
	struct lab *l = lab_open(&client);

	(void)state;
	TELLS(l, "\0\0\0\1k\0\0\0\2rs");
	expect_told(l, "\0\0\0\1k\0\0\0\2rs", 11);
	TELLS(l, "\0\0\0\1k");
	TELLS(l, "");
	lab_rest(l);
	assert_int_equal(l->said[IPC_MSG_HOSTKEYS_TOLD], 1);
	assert_int_equal(l->said[IPC_MSG_GLOBAL_ASK], 0);
	assert_true(l->alive);
	lab_free(l);
}

/* Strings to the last byte, or nothing is told; the connection goes on.  The first list
 * counts, so that a bad one is not made good behind it. */
static void
not_a_list(const char *keys, size_t n)
{
	struct lab *l = lab_open(&client);

	peer_tells(l, keys, n);
	TELLS(l, "\0\0\0\1k");
	lab_rest(l);
	assert_int_equal(l->said[IPC_MSG_HOSTKEYS_TOLD], 0);
	assert_int_equal(l->said[IPC_MSG_GLOBAL_ASK], 0);
	assert_true(l->alive);
	lab_free(l);
}

static void
test_every_truncation(void **state)
{
	static const char keys[] = "\0\0\0\1k\0\0\0\2rs";

	(void)state;
	for (size_t n = 0; n < sizeof(keys) - 1; n++)
		if (n != 5)		/* the first key alone is a list */
			not_a_list(keys, n);
	not_a_list(keys, sizeof(keys));		/* one byte too many */
	not_a_list("\xff\xff\xff\xffk", 5);
}

/* n keys of one byte. */
static size_t
many(char *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		memcpy(out + 5 * i, "\0\0\0\1k", 5);
	return 5 * n;
}

static void
test_how_many(void **state)
{
	static char keys[5 * 10000];
	struct lab *l = lab_open(&client);
	size_t n = many(keys, IPC_HOSTKEYS_MAX);

	(void)state;
	peer_tells(l, keys, n);
	expect_told(l, keys, n);
	lab_free(l);
	not_a_list(keys, many(keys, IPC_HOSTKEYS_MAX + 1));
	not_a_list(keys, many(keys, CHANNEL_EXTRA_MAX / 5));
}

/* As many as a packet holds; the peer's own connection would not send them. */
static void
test_6000_keys(void **state)
{
	struct lab *l = lab_open(&client);
	struct wr w = transport_begin(l->peer, 32000);

	(void)state;
	wr_u8(&w, SSH_MSG_GLOBAL_REQUEST);
	wr_str(&w, told);
	wr_u8(&w, 0);
	for (size_t i = 0; i < 6000; i++)
		wr_str(&w, "k");
	assert_false(w.bad);
	assert_int_equal(transport_end(l->peer, &w), PROTO_OK);
	lab_rest(l);
	assert_int_equal(l->said[IPC_MSG_HOSTKEYS_TOLD], 0);
	assert_true(l->alive);
	lab_free(l);
}

static struct lab *
asked(const char *keys)
{
	struct lab *l = lab_open(&client);

	assert_int_equal(ipc_send_HOSTKEYS_ASK(l->link, &(struct ipc_HOSTKEYS_ASK){
	    .keys = span_str(keys) }), 0);
	LAB_UNTIL(l, l->events[CE_GLOBAL] == 1);
	return l;
}

static void
answers(const char *signatures, size_t n, bool ok, bool passed)
{
	struct lab *l = asked("the keys");
	struct ipc_HOSTKEYS_PROVED m;

	assert_string_equal(l->global_kind, prove);
	assert_int_equal(l->global_n, 8);
	assert_memory_equal(l->global_payload, "the keys", 8);
	assert_true(l->peer_question != 0);
	assert_int_equal(connection_answer(l->pc, l->peer_question, ok,
	    span_of(signatures, n)), PROTO_OK);
	LAB_UNTIL(l, l->said[IPC_MSG_HOSTKEYS_PROVED] == 1);
	LAB_WORDS(l, HOSTKEYS_PROVED, &m);
	assert_int_equal(m.signatures.n, passed ? n : 0);
	if (passed)
		assert_memory_equal(m.signatures.p, signatures, n);
	assert_int_equal(l->said[IPC_MSG_DONE], 0);	/* nothing of the application's */
	assert_true(l->alive);
	lab_free(l);
}

static void
test_proofs(void **state)
{
	static char keys[5 * (IPC_HOSTKEYS_MAX + 1)];

	(void)state;
	answers("\0\0\0\1s\0\0\0\1t", 10, true, true);
	answers("", 0, false, false);
	answers("", 0, true, false);
	for (size_t n = 1; n < 10; n++)
		if (n != 5)
			answers("\0\0\0\1s\0\0\0\1t", n, true, false);
	answers("\0\0\0\1s\0", 6, true, false);
	answers(keys, many(keys, IPC_HOSTKEYS_MAX), true, true);
	answers(keys, many(keys, IPC_HOSTKEYS_MAX + 1), true, false);
}

/* It does not answer at all. */
static void
test_no_answer(void **state)
{
	struct lab *l = asked("k");

	(void)state;
	lab_rest(l);
	assert_int_equal(l->said[IPC_MSG_HOSTKEYS_PROVED], 0);
	assert_true(l->alive);
	lab_free(l);
}

/* Before the login a packet of that number ends the connection, whatever is in it. */
static void
test_not_before_the_login(void **state)
{
	struct lab *l = lab_new(&client);
	struct ipc_BYE bye;
	struct wr w;

	(void)state;
	LAB_UNTIL(l, l->said[IPC_MSG_AGREED] == 1);
	w = transport_begin(l->peer, 64);
	wr_u8(&w, SSH_MSG_GLOBAL_REQUEST);
	wr_str(&w, told);
	wr_u8(&w, 0);
	wr_str(&w, "k");
	assert_int_equal(transport_end(l->peer, &w), PROTO_OK);
	lab_bye(l, &bye);
	assert_int_equal(l->said[IPC_MSG_HOSTKEYS_TOLD], 0);
	lab_free(l);
}

static void
test_a_server_hears_nothing(void **state)
{
	struct lab *l = lab_open(&server);

	(void)state;
	TELLS(l, "\0\0\0\1k");
	lab_rest(l);
	assert_int_equal(l->said[IPC_MSG_HOSTKEYS_TOLD], 0);
	assert_int_equal(l->said[IPC_MSG_GLOBAL_ASK], 0);
	assert_true(l->alive);
	lab_free(l);
}

static void
test_a_server_asks_for_nothing(void **state)
{
	struct lab *l = lab_open(&server);
	struct ipc_BYE bye;

	(void)state;
	assert_int_equal(ipc_send_HOSTKEYS_ASK(l->link, &(struct ipc_HOSTKEYS_ASK){
	    .keys = span_str("k") }), 0);
	lab_bye(l, &bye);
	lab_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_passed_on_and_once),
		cmocka_unit_test(test_every_truncation),
		cmocka_unit_test(test_how_many),
		cmocka_unit_test(test_6000_keys),
		cmocka_unit_test(test_proofs),
		cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_not_before_the_login),
		cmocka_unit_test(test_a_server_hears_nothing),
		cmocka_unit_test(test_a_server_asks_for_nothing),
	};

	return lab_setup() != 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
