/*
 * monitor_agent_list_test.c - the keys and certificates that an agent says it has: which are
 * taken, and lists that are malformed, too long, late, or never come.
 */
#include "tests/agent_login_play.h"

#include "tests/cert_make.h"

static void
test_list(void **state)
{
	uint8_t rsa[] = "\0\0\0\7ssh-rsa....", long_comment[2000];
	static uint8_t huge[KEY_BLOB_MAX + 1] = "\0\0\0\013ssh-ed25519";
	struct span blobs[] = { own(), span_of(rsa, sizeof(rsa) - 1), span_of("", 0),
		span_of("\0\0\0\011", 4), span_of(huge, sizeof(huge)), own() };

	(void)state;
	connect_agent();
	expect_said(span_of("\013", 1));
	say(identities(blobs, 6, span_of("a\0b\033[2J\177c", 9)));
	expect_key(span_str("a?b?[2J?c"));
	expect_key(span_str("a?b?[2J?c"));
	expect_done(1);
	close(agent);
	memset(long_comment, 'x', sizeof(long_comment));
	connect_agent();
	say(identities(blobs, 1, span_of(long_comment, sizeof(long_comment))));
	expect_key(span_of(long_comment, 1024));
	expect_done(1);
}

/* Not one that we can use: nobody needs it. */
static void
test_empty_list(void **state)
{
	struct span rsa = span_of("\0\0\0\7ssh-rsa", 11);

	(void)state;
	connect_agent();
	say(identities(NULL, 0, span_of("", 0)));
	expect_done(1);
	expect_closed();
	close(agent);
	connect_agent();
	say(identities(&rsa, 1, span_of("", 0)));
	expect_done(1);
	expect_closed();
	assert_null(play.m->agents);
}

/* None of its keys counts, not even those before the mistake. */
static void
list_is_refused(struct span body)
{
	unsigned keys = play.m->user_keys;

	connect_agent();
	say(body);
	expect_done(0);
	expect_closed();
	close(agent);
	agent = -1;
	assert_null(play.m->agents);
	assert_int_equal(play.m->user_keys, keys);
}

static void
test_malformed_lists(void **state)
{
	struct span blobs[] = { own(), own() };
	uint8_t body[512];
	struct span good = identities(blobs, 2, span_str("c"));
	size_t n = good.n;

	(void)state;
	memcpy(body, good.p, n);
	body[n] = 0;
	for (size_t cut = 1; cut <= n + 1; cut++)
		if (cut != n)
			list_is_refused(span_of(body, cut));
	for (unsigned type = 0; type < 256; type++) {
		body[0] = (uint8_t)type;
		if (type != 12)
			list_is_refused(span_of(body, n));
	}
	body[0] = 12;
	body[4] = 3;				/* one more than there are */
	list_is_refused(span_of(body, n));
	body[4] = 1;				/* one fewer */
	list_is_refused(span_of(body, n));
	memset(&body[1], 0xff, 4);
	list_is_refused(span_of(body, n));
	list_is_refused(span_of("\005", 1));
	list_is_refused(span_of("\005\0", 2));
}

static void
test_longest_list(void **state)
{
	static uint8_t comment[AGENT_REPLY_MAX];
	struct span one = own();
	size_t room = AGENT_REPLY_MAX - (1 + 4 + 4 + blob_len + 4);

	(void)state;
	memset(comment, 'x', sizeof(comment));
	connect_agent();
	say(identities(&one, 1, span_of(comment, room)));
	expect_key(span_of(comment, 1024));
	expect_done(1);
	close(agent);
	connect_agent();
	say_raw("\0\4\0\1", 4);			/* one byte more */
	expect_done(0);
	expect_closed();
}

/* As many as there is room for, the others are passed over. */
static void
test_most_keys(void **state)
{
	enum { KEYS = MONITOR_USER_KEYS_MAX + 6 };
	static struct span blobs[KEYS];
	unsigned room = MONITOR_USER_KEYS_MAX - play.m->user_keys;

	(void)state;
	for (size_t i = 0; i < KEYS; i++)
		blobs[i] = own();
	connect_agent();
	say(identities(blobs, KEYS, span_str("c")));
	for (size_t i = 0; i < room; i++) {
		expect_key(span_str("c"));
		play_run();
	}
	expect_done(1);
	assert_int_equal(play.m->agents->keys, room);
}

/* The bound on all user keys holds for an agent's too. */
static void
test_no_room_for_keys(void **state)
{
	struct span blobs[] = { own(), own() };
	unsigned had = play.m->user_keys;

	(void)state;
	play.m->user_keys = MONITOR_USER_KEYS_MAX - 1;
	connect_agent();
	say(identities(blobs, 2, span_str("c")));
	expect_key(span_str("c"));
	expect_done(1);
	play.m->user_keys = had + 1;
}

static void
test_slow_list(void **state)
{
	(void)state;
	connect_agent();
	say_raw("\0\0\0", 3);
	play_wait(AGENT_LIST_MS - 1);
	PLAY_QUIET();
	play_wait(1);
	expect_done(0);
	expect_closed();
	close(agent);
	agent = -1;
	assert_null(play.m->agents);
}

static void
test_dies_before_list(void **state)
{
	int theirs;

	(void)state;
	connect_agent();
	agent_dies();
	expect_done(0);
	theirs = agent_socket();
	agent_dies();				/* before it is handed over */
	hand_over(theirs);
	expect_done(0);
	assert_null(play.m->agents);
}

/* ---- certificates ---- */

static void
expect_certificate(struct span cert)
{
	struct ipc_AGENT_KEY k;

	PLAY_EXPECT(AGENT_KEY, &k);
	assert_int_equal(k.key, key);
	assert_true(span_is(k.alg, "ssh-ed25519"));
	assert_true(span_eq(k.blob, cert));
}

/* It is of the agent's own key, before or behind it in the list; what is of none, or no
 * user's, is passed over. */
static void
test_certificates(void **state)
{
	static uint8_t good[CERT_MAKE_MAX], second[CERT_MAKE_MAX], host[CERT_MAKE_MAX],
	    other[CERT_MAKE_MAX];
	struct cert_plan plan = { .kind = CERT_USER, .before = UINT64_MAX };
	struct span blobs[6];

	(void)state;
	memcpy(plan.subject, blob + blob_len - 32, 32);
	blobs[0] = span_of(good, cert_make(&plan, good));
	plan.serial = 2;
	blobs[4] = span_of(second, cert_make(&plan, second));
	plan.kind = CERT_HOST;
	blobs[1] = span_of(host, cert_make(&plan, host));
	plan.kind = CERT_USER;
	plan.subject[0] ^= 1;
	blobs[2] = span_of(other, cert_make(&plan, other));
	blobs[3] = own();
	blobs[5] = span_of(good, blobs[0].n - 1);
	connect_agent();
	say(identities(blobs, 6, span_str("c")));
	expect_key(span_str("c"));
	expect_certificate(blobs[0]);	/* the first of two */
	expect_done(1);
	assert_true(span_eq(monitor_keys_user(play.m, key)->cert, blobs[0]));
	close(agent);
	/* without the key itself it is of no use */
	connect_agent();
	say(identities(blobs, 3, span_str("c")));
	expect_done(1);
	expect_closed();
}

int
main(void)
{
#define B(f) cmocka_unit_test_setup_teardown(f, bare_setup, teardown)
	const struct CMUnitTest tests[] = {
		B(test_list), B(test_empty_list), B(test_malformed_lists),
		B(test_longest_list), B(test_most_keys), B(test_no_room_for_keys),
		B(test_slow_list), B(test_dies_before_list), B(test_certificates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
