/*
 * worker_dump_test.c - HEXDUMP: what is shown, when, and that it holds nothing up.
 */
#include "tests/worker_lab.h"

#include "proto/blank.h"

static const char word[] = "correct horse battery staple";

/* What the dumps had in them. */
struct seen {
	size_t n, in, out;
	bool has_word, has_blank, numbers[2][256];
};

static void
look(struct lab *l, struct seen *s)
{
	/* the lab keeps the last of each number; so look after each of its turns */
	struct ipc_DUMP dump;

	if (l->said[IPC_MSG_DUMP] == s->n)
		return;
	s->n = l->said[IPC_MSG_DUMP];
	LAB_WORDS(l, DUMP, &dump);
	assert_true(dump.packet.n > 0);
	*(dump.is_out ? &s->out : &s->in) += 1;
	s->numbers[dump.is_out][dump.packet.p[0]] = true;
	s->has_word = s->has_word ||
	    memmem(dump.packet.p, dump.packet.n, word, sizeof(word) - 1) != NULL;
	s->has_blank = s->has_blank ||
	    memmem(dump.packet.p, dump.packet.n, BLANK, sizeof(BLANK) - 1) != NULL;
}

/* One message of the worker at a time. */
static void
turn(struct lab *l, struct seen *s)
{
	static uint8_t m[IPC_MESSAGE_MAX];
	struct span h = worker_rehearse_hash(0);
	ssize_t n;

	if (l->alive)
		l->alive = worker_turn(l->w, 0);
	while ((n = ipc_recv_plain(l->link, m, sizeof(m))) > 0) {
		lab_note(l, m, (size_t)n);
		look(l, s);
		if (m[0] == IPC_MSG_SIGN)
			assert_int_equal(ipc_send_SIGNED(l->link, &(struct ipc_SIGNED){
			    .signature = span_str("s"), .hash = h, .kexinit = l->kex }), 0);
	}
	lab_app_turn(l);
	lab_peer_turn(l);
}

#define UNTIL(l, s, condition) do { \
	for (int i_ = 0; !(condition) && i_ < LAB_TURNS; i_++) \
		turn(l, s); \
	assert_true(condition); \
} while (0)

static struct lab *
password_login(uint8_t mode, struct seen *s)
{
	struct lab *l = lab_new(&(struct lab_options){ .role = SSH_SERVER, .close_ms = 300,
	    .hexdump = mode });
	struct ipc_AUTH_PASSWORD asked;

	UNTIL(l, s, l->replies[AP_SERVICE] == 1);
	assert_int_equal(auth_client_password(&l->ac, l->peer, span_str("user"), span_str(word)),
	    PROTO_OK);
	UNTIL(l, s, l->said[IPC_MSG_AUTH_PASSWORD] == 1);
	LAB_WORDS(l, AUTH_PASSWORD, &asked);
	assert_true(span_is(asked.password, word));	/* the login itself has it */
	lab_let_in(l);
	UNTIL(l, s, l->pc != NULL && l->w->phase == L_OPEN);
	return l;
}

static void
test_nothing_unless_asked(void **state)
{
	struct seen s = { 0 };
	struct lab *l = password_login(IPC_HEXDUMP_OFF, &s);

	(void)state;
	assert_int_equal(s.n, 0);
	lab_free(l);
}

static void
test_blanked(void **state)
{
	struct seen s = { 0 };
	struct lab *l = password_login(IPC_HEXDUMP_BLANKED, &s);

	(void)state;
	/* both ways, from the first packet on */
	assert_true(s.numbers[0][SSH_MSG_KEXINIT] && s.numbers[1][SSH_MSG_KEXINIT]);
	assert_true(s.numbers[0][SSH_MSG_KEX_ECDH_INIT] && s.numbers[1][SSH_MSG_KEX_31]);
	assert_true(s.numbers[0][SSH_MSG_NEWKEYS] && s.numbers[1][SSH_MSG_NEWKEYS]);
	assert_true(s.numbers[0][SSH_MSG_USERAUTH_REQUEST]);
	assert_true(s.numbers[1][SSH_MSG_USERAUTH_SUCCESS]);
	assert_true(s.has_blank);
	assert_false(s.has_word);
	lab_free(l);
}

static void
test_whole(void **state)
{
	struct seen s = { 0 };
	struct lab *l = password_login(IPC_HEXDUMP_WHOLE, &s);

	(void)state;
	assert_true(s.has_word);
	assert_false(s.has_blank);
	lab_free(l);
}

static void
peer_says_hello(struct lab *l)
{
	struct wr w = transport_begin(l->peer, 64);

	wr_u8(&w, SSH_MSG_IGNORE);
	wr_str(&w, "hello");
	assert_int_equal(transport_end(l->peer, &w), PROTO_OK);
}

static void
test_on_and_off_at_run_time(void **state)
{
	struct seen s = { 0 };
	struct lab *l = password_login(IPC_HEXDUMP_OFF, &s);

	(void)state;
	assert_int_equal(ipc_send_HEXDUMP(l->link, &(struct ipc_HEXDUMP){
	    .mode = IPC_HEXDUMP_BLANKED }), 0);
	turn(l, &s);
	peer_says_hello(l);
	UNTIL(l, &s, s.numbers[0][SSH_MSG_IGNORE]);
	assert_int_equal(ipc_send_HEXDUMP(l->link, &(struct ipc_HEXDUMP){
	    .mode = IPC_HEXDUMP_OFF }), 0);
	turn(l, &s);
	s.n = l->said[IPC_MSG_DUMP];
	peer_says_hello(l);
	for (int i = 0; i < 50; i++)
		turn(l, &s);
	assert_int_equal(l->said[IPC_MSG_DUMP], s.n);
	lab_free(l);
}

static void
test_an_unknown_mode_ends_the_worker(void **state)
{
	struct seen s = { 0 };
	struct lab *l = password_login(IPC_HEXDUMP_OFF, &s);
	struct ipc_BYE bye;

	(void)state;
	assert_int_equal(ipc_send_HEXDUMP(l->link, &(struct ipc_HEXDUMP){ .mode = 3 }), 0);
	lab_bye(l, &bye);
	assert_int_equal(bye.outcome, IPC_RESOURCE);
	lab_free(l);
}

/* A monitor that reads nothing: dumps are dropped, and the data goes on. */
static void
test_a_full_link_drops_dumps(void **state)
{
	static uint8_t much[SSH_DATA_MAX];
	struct seen s = { 0 };
	struct lab *l = password_login(IPC_HEXDUMP_BLANKED, &s);
	struct lab_channel *c;
	uint64_t chan = lab_session(l, &c);
	int fd = lab_take_socket(l, chan);
	uint64_t sent = 0, came = 0;

	(void)state;
	for (int i = 0; came < 8 * 1024 * 1024 && i < LAB_TURNS; i++) {
		static uint8_t bytes[65536];
		ssize_t n;

		if (connection_may_send(l->pc, c->ch) > 0)
			sent += lab_peer_send(l, c->ch, 0, much, sizeof(much));
		l->alive = worker_turn(l->w, 0);
		assert_int_equal(l->w->monitor.count, 0);
		lab_peer_turn(l);
		while ((n = read(fd, bytes, sizeof(bytes))) > 0)
			came += (uint64_t)n;
	}
	assert_true(came >= 8 * 1024 * 1024 && sent >= came);
	/* far fewer than there were packets */
	lab_monitor_turn(l);
	assert_true(l->said[IPC_MSG_DUMP] < 100);
	assert_true(l->alive);
	(void)close(fd);
	lab_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_unless_asked), cmocka_unit_test(test_blanked),
		cmocka_unit_test(test_whole), cmocka_unit_test(test_on_and_off_at_run_time),
		cmocka_unit_test(test_an_unknown_mode_ends_the_worker),
		cmocka_unit_test(test_a_full_link_drops_dumps),
	};

	return lab_setup() != 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
