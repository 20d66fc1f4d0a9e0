/*
 * auth_client_test.c - what a hostile server may say, in every state of the client.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/auth.h"
#include "tests/fake_transport.h"

struct fixture {
	struct transport *t;
	struct auth_client a;
};

static uint8_t buf[64 * 1024];
static uint8_t filler[64 * 1024];
static const uint8_t no_answers[4];

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -1;
	f->t = fake_new();
	memset(filler, 'x', sizeof(filler));
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	fake_free(f->t);
	free(f);
	return 0;
}

static struct span
fill(size_t n)
{
	return span_of(filler, n);
}

static struct wr
message(uint8_t number)
{
	struct wr w = wr_of(buf, sizeof(buf));

	wr_u8(&w, number);
	return w;
}

/* Spans of the reply borrow from w. */
static enum proto_error
feed(struct fixture *f, const struct wr *w, struct auth_reply *reply)
{
	assert_false(w->bad);
	return auth_client_packet(&f->a, f->t, wr_span(w), reply);
}

/* The same from a buffer of exactly that size, so that a read past it is seen. */
static enum proto_error
feed_tight(struct fixture *f, const struct wr *w)
{
	uint8_t *p = malloc(w->n > 0 ? w->n : 1);
	struct auth_reply reply;
	enum proto_error e;

	assert_non_null(p);
	memcpy(p, w->p, w->n);
	e = auth_client_packet(&f->a, f->t, span_of(p, w->n), &reply);
	free(p);
	return e;
}

static void
expect_sent(struct fixture *f, const char *bytes, size_t n)
{
	struct span s = fake_next(f->t);

	assert_int_equal(s.n, n);
	assert_memory_equal(s.p, bytes, n);
	assert_int_equal(fake_waiting(f->t), 0);
}
#define EXPECT_SENT(f, bytes) expect_sent(f, bytes, sizeof(bytes) - 1)

/* Into a state, by the calls that lead there. */
static void
enter(struct fixture *f, enum auth_client_state state)
{
	struct span joe = span_str("joe");
	enum proto_error e = PROTO_OK;

	f->a = (struct auth_client){ .state = AC_IDLE };
	transport_set_phase(f->t, PH_AUTH);
	switch (state) {
	case AC_START:
		f->a.state = AC_START;
		transport_set_phase(f->t, PH_SERVICE);
		break;
	case AC_SERVICE:
		f->a.state = AC_START;
		transport_set_phase(f->t, PH_SERVICE);
		e = auth_client_start(&f->a, f->t);
		break;
	case AC_IDLE:
		break;
	case AC_NONE:
		e = auth_client_none(&f->a, f->t, joe);
		break;
	case AC_PASSWORD:
		e = auth_client_password(&f->a, f->t, joe, span_str("secret"));
		break;
	case AC_PROBE:
	case AC_PUBLICKEY:
		e = auth_client_publickey(&f->a, f->t, joe, span_str("alg"),
		    span_str("key"), span_str(state == AC_PROBE ? "" : "signature"));
		break;
	case AC_KBDINT:
		e = auth_client_kbdint(&f->a, f->t, joe, span_str(""));
		break;
	case AC_INFO: {
		struct auth_reply reply;
		struct wr w = message(60);

		e = auth_client_kbdint(&f->a, f->t, joe, span_str(""));
		assert_int_equal(e, PROTO_OK);
		wr_raw(&w, span_of("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16));
		e = feed(f, &w, &reply);
		break;
	}
	}
	assert_int_equal(e, PROTO_OK);
	assert_int_equal(f->a.state, state);
	fake_skip(f->t);
}

/* ---- what may be said in which state ---- */

/* A well-formed message of each number; 60 in its three forms. */
static struct wr
well_formed(unsigned which)
{
	struct wr w;

	switch (which) {
	case 0:
		w = message(SSH_MSG_SERVICE_ACCEPT);
		wr_str(&w, "ssh-userauth");
		return w;
	case 1:
		w = message(SSH_MSG_USERAUTH_FAILURE);
		wr_str(&w, "publickey,password");
		wr_u8(&w, 1);
		return w;
	case 2:
		return message(SSH_MSG_USERAUTH_SUCCESS);
	case 3:
		w = message(SSH_MSG_USERAUTH_BANNER);
		wr_str(&w, "hello");
		wr_str(&w, "en");
		return w;
	case 4:				/* PK_OK */
		w = message(60);
		wr_str(&w, "alg");
		wr_str(&w, "key");
		return w;
	case 5:				/* PASSWD_CHANGEREQ */
		w = message(60);
		wr_str(&w, "change it");
		wr_str(&w, "en");
		return w;
	default:			/* INFO_REQUEST */
		w = message(60);
		wr_str(&w, "name");
		wr_str(&w, "instruction");
		wr_str(&w, "");
		wr_u32(&w, 1);
		wr_str(&w, "Password: ");
		wr_u8(&w, 0);
		return w;
	}
}
enum { FORMS = 7 };

#define NO PROTO_E_MESSAGE_ORDER
#define BAD PROTO_E_AUTH_FORMAT
static const struct {
	enum auth_client_state state;
	int verdict[FORMS];		/* accept failure success banner pk_ok change info */
} table[] = {
	{ AC_START,     { NO, NO, NO, NO, NO, NO, NO } },
	{ AC_SERVICE,   { 0,  NO, NO, NO, NO, NO, NO } },
	{ AC_IDLE,      { NO, NO, NO, 0,  NO, NO, NO } },
	{ AC_NONE,      { NO, 0,  0,  0,  NO, NO, NO } },
	{ AC_PASSWORD,  { NO, 0,  0,  0,  0 /* same grammar */, 0, BAD } },
	{ AC_PROBE,     { NO, 0,  NO, 0,  0,  BAD, BAD } },
	{ AC_PUBLICKEY, { NO, 0,  0,  0,  NO, NO, NO } },
	{ AC_KBDINT,    { NO, 0,  0,  0,  BAD, BAD, 0 } },
	{ AC_INFO,      { NO, NO, NO, 0,  NO, NO, NO } },
};

static void
test_every_message_in_every_state(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		for (unsigned form = 0; form < FORMS; form++) {
			struct auth_reply reply = { 0 };
			enum ssh_phase before;
			struct wr w;

			enter(f, table[i].state);
			before = transport_phase(f->t);
			w = well_formed(form);
			assert_int_equal(feed(f, &w, &reply), table[i].verdict[form]);
			assert_int_equal(fake_waiting(f->t), 0);
			if (table[i].verdict[form] != PROTO_OK) {
				assert_int_equal(reply.type, 0);
				assert_int_equal(f->a.state, table[i].state);
				assert_int_equal(transport_phase(f->t), before);
			}
		}
}

static void
test_wrong_number(void **state)
{
	struct fixture *f = *state;

	for (unsigned n = 0; n < 256; n++) {
		struct wr w = message((uint8_t)n);

		if (n == 6 || (n >= 51 && n <= 53) || n == 60)
			continue;
		enter(f, AC_PASSWORD);
		w = message((uint8_t)n);
		assert_int_equal(feed_tight(f, &w), PROTO_E_MESSAGE_ORDER);
	}
	assert_int_equal(feed_tight(f, &(struct wr){ buf, 0, 0, false }),
	    PROTO_E_MESSAGE_ORDER);
}

static void
test_truncations(void **state)
{
	static const enum auth_client_state in[FORMS] = { AC_SERVICE, AC_NONE, AC_NONE,
	    AC_IDLE, AC_PROBE, AC_PASSWORD, AC_KBDINT };
	struct fixture *f = *state;

	for (unsigned form = 0; form < FORMS; form++) {
		struct wr w = well_formed(form);
		size_t whole = w.n;

		for (size_t n = 1; n < whole; n++) {
			enter(f, in[form]);
			w = well_formed(form);
			w.n = n;
			assert_int_equal(feed_tight(f, &w), PROTO_E_AUTH_FORMAT);
			assert_int_equal(f->a.state, in[form]);
		}
		enter(f, in[form]);
		w = well_formed(form);
		wr_u8(&w, 0);
		assert_int_equal(feed_tight(f, &w), PROTO_E_AUTH_FORMAT);
		assert_int_equal(f->a.state, in[form]);
		w = well_formed(form);
		assert_int_equal(feed_tight(f, &w), PROTO_OK);
	}
}

/* ---- one by one ---- */

static void
test_service(void **state)
{
	struct fixture *f = *state;
	struct auth_reply reply;
	struct wr w;

	enter(f, AC_START);
	assert_int_equal(auth_client_start(&f->a, f->t), PROTO_OK);
	EXPECT_SENT(f, "\5\0\0\0\14ssh-userauth");
	assert_int_equal(auth_client_start(&f->a, f->t), PROTO_E_LOCAL_BUG);
	w = message(SSH_MSG_SERVICE_ACCEPT);
	wr_str(&w, "ssh-connection");
	assert_int_equal(feed(f, &w, &reply), PROTO_E_SERVICE);
	assert_int_equal(transport_phase(f->t), PH_SERVICE);
	w = well_formed(0);
	assert_int_equal(feed(f, &w, &reply), PROTO_OK);
	assert_int_equal(reply.type, AP_SERVICE);
	assert_int_equal(f->a.state, AC_IDLE);
	assert_int_equal(transport_phase(f->t), PH_AUTH);
}

static void
test_requests(void **state)
{
	struct fixture *f = *state;
	struct span joe = span_str("joe");

	enter(f, AC_IDLE);
	assert_int_equal(auth_client_none(&f->a, f->t, joe), PROTO_OK);
	EXPECT_SENT(f, "\62\0\0\0\3joe\0\0\0\16ssh-connection\0\0\0\4none");
	enter(f, AC_IDLE);
	assert_int_equal(auth_client_password(&f->a, f->t, joe, span_str("pw")), PROTO_OK);
	EXPECT_SENT(f, "\62\0\0\0\3joe\0\0\0\16ssh-connection\0\0\0\10password\0\0\0\0\2pw");
	/* RFC 4252 8: the old one and the new one */
	enter(f, AC_IDLE);
	assert_int_equal(auth_client_change(&f->a, f->t, joe, span_str("pw"), span_str("new")),
	    PROTO_OK);
	EXPECT_SENT(f, "\62\0\0\0\3joe\0\0\0\16ssh-connection\0\0\0\10password\1\0\0\0\2pw"
	    "\0\0\0\3new");
	assert_int_equal(f->a.state, AC_PASSWORD);
	enter(f, AC_IDLE);
	assert_int_equal(auth_client_publickey(&f->a, f->t, joe, span_str("a"),
	    span_str("k"), fill(0)), PROTO_OK);
	EXPECT_SENT(f, "\62\0\0\0\3joe\0\0\0\16ssh-connection\0\0\0\11publickey\0"
	    "\0\0\0\1a\0\0\0\1k");
	enter(f, AC_IDLE);
	assert_int_equal(auth_client_publickey(&f->a, f->t, joe, span_str("a"),
	    span_str("k"), span_str("s")), PROTO_OK);
	EXPECT_SENT(f, "\62\0\0\0\3joe\0\0\0\16ssh-connection\0\0\0\11publickey\1"
	    "\0\0\0\1a\0\0\0\1k\0\0\0\1s");
	/* OpenSSH PROTOCOL 3.1 */
	enter(f, AC_IDLE);
	assert_int_equal(auth_client_hostbound(&f->a, f->t, joe, span_str("a"),
	    span_str("k"), span_str("host"), span_str("s")), PROTO_OK);
	EXPECT_SENT(f, "\62\0\0\0\3joe\0\0\0\16ssh-connection"
	    "\0\0\0\43publickey-hostbound-v00@openssh.com\1"
	    "\0\0\0\1a\0\0\0\1k\0\0\0\4host\0\0\0\1s");
	enter(f, AC_IDLE);
	assert_int_equal(auth_client_kbdint(&f->a, f->t, joe, span_str("pam")), PROTO_OK);
	EXPECT_SENT(f, "\62\0\0\0\3joe\0\0\0\16ssh-connection"
	    "\0\0\0\24keyboard-interactive\0\0\0\0\0\0\0\3pam");
	enter(f, AC_INFO);
	assert_int_equal(auth_client_responses(&f->a, f->t,
	    span_of("\0\0\0\1\0\0\0\3yes", 11)), PROTO_OK);
	EXPECT_SENT(f, "\75\0\0\0\1\0\0\0\3yes");
	assert_int_equal(f->a.state, AC_KBDINT);
}

/* One at a time, and answers only to a question. */
static void
test_requests_out_of_order(void **state)
{
	struct fixture *f = *state;
	struct span joe = span_str("joe");
	struct span none = span_of(no_answers, 4);

	for (int s = AC_START; s <= AC_INFO; s++) {
		enter(f, (enum auth_client_state)s);
		if (s != AC_INFO)
			assert_int_equal(auth_client_responses(&f->a, f->t, none),
			    PROTO_E_LOCAL_BUG);
		if (s != AC_IDLE) {
			assert_int_equal(auth_client_none(&f->a, f->t, joe),
			    PROTO_E_LOCAL_BUG);
			assert_int_equal(auth_client_password(&f->a, f->t, joe, fill(1)),
			    PROTO_E_LOCAL_BUG);
			assert_int_equal(auth_client_change(&f->a, f->t, joe, fill(1), fill(1)),
			    PROTO_E_LOCAL_BUG);
			assert_int_equal(auth_client_publickey(&f->a, f->t, joe, fill(1),
			    fill(1), fill(1)), PROTO_E_LOCAL_BUG);
			assert_int_equal(auth_client_kbdint(&f->a, f->t, joe, fill(0)),
			    PROTO_E_LOCAL_BUG);
		}
		if (s != AC_START)
			assert_int_equal(auth_client_start(&f->a, f->t), PROTO_E_LOCAL_BUG);
		assert_int_equal(f->a.state, s);
		assert_int_equal(fake_waiting(f->t), 0);
	}
	enter(f, AC_INFO);
	assert_int_equal(auth_client_responses(&f->a, f->t, fill(4)), PROTO_E_LOCAL_BUG);
}

static void
test_request_bounds(void **state)
{
	struct fixture *f = *state;
	struct span joe = span_str("joe");

	enter(f, AC_IDLE);
	assert_int_not_equal(auth_client_none(&f->a, f->t, fill(AUTH_USER_MAX + 1)), PROTO_OK);
	enter(f, AC_IDLE);
	assert_int_equal(auth_client_none(&f->a, f->t, fill(AUTH_USER_MAX)), PROTO_OK);
	enter(f, AC_IDLE);
	assert_int_not_equal(auth_client_password(&f->a, f->t, joe,
	    fill(AUTH_PASSWORD_MAX + 1)), PROTO_OK);
	enter(f, AC_IDLE);
	assert_int_equal(auth_client_password(&f->a, f->t, fill(AUTH_USER_MAX),
	    fill(AUTH_PASSWORD_MAX)), PROTO_OK);
	for (size_t i = 0; i < 3; i++) {
		enter(f, AC_IDLE);
		assert_int_equal(auth_client_change(&f->a, f->t, fill(AUTH_USER_MAX + (i == 0)),
		    fill(AUTH_PASSWORD_MAX + (i == 1)), fill(AUTH_PASSWORD_MAX + (i == 2))),
		    PROTO_E_LOCAL_BUG);
	}
	enter(f, AC_IDLE);
	assert_int_equal(auth_client_change(&f->a, f->t, fill(AUTH_USER_MAX),
	    fill(AUTH_PASSWORD_MAX), fill(AUTH_PASSWORD_MAX)), PROTO_OK);
	enter(f, AC_IDLE);
	assert_int_equal(auth_client_publickey(&f->a, f->t, joe, fill(NAME_MAX_LEN + 1),
	    fill(1), fill(1)), PROTO_E_LOCAL_BUG);
	assert_int_equal(auth_client_publickey(&f->a, f->t, joe, fill(1),
	    fill(KEY_BLOB_MAX + 1), fill(1)), PROTO_E_LOCAL_BUG);
	assert_int_not_equal(auth_client_publickey(&f->a, f->t, joe, fill(1), fill(1),
	    fill(SIGNATURE_MAX + 1)), PROTO_OK);
	enter(f, AC_IDLE);
	assert_int_equal(auth_client_publickey(&f->a, f->t, fill(AUTH_USER_MAX),
	    fill(NAME_MAX_LEN), fill(KEY_BLOB_MAX), fill(SIGNATURE_MAX)), PROTO_OK);
	enter(f, AC_IDLE);
	assert_int_equal(auth_client_kbdint(&f->a, f->t, fill(AUTH_USER_MAX),
	    fill(AUTH_USER_MAX)), PROTO_OK);
	/* neither a key without a name nor a name without a key */
	enter(f, AC_IDLE);
	assert_int_equal(auth_client_publickey(&f->a, f->t, joe, fill(0), fill(1), fill(1)),
	    PROTO_E_LOCAL_BUG);
	assert_int_equal(auth_client_publickey(&f->a, f->t, joe, fill(1), fill(0), fill(1)),
	    PROTO_E_LOCAL_BUG);
	/* the longest probe, and the longest answer */
	assert_int_equal(auth_client_publickey(&f->a, f->t, fill(AUTH_USER_MAX),
	    fill(NAME_MAX_LEN), fill(KEY_BLOB_MAX), fill(0)), PROTO_OK);
	enter(f, AC_INFO);
	{
		static uint8_t list[AUTH_ANSWERS_MAX];
		struct wr w = wr_of(list, sizeof(list));

		wr_u32(&w, 1);
		wr_blob(&w, fill(AUTH_ANSWERS_MAX - 8), SIZE_MAX);
		assert_int_equal(auth_client_responses(&f->a, f->t, wr_span(&w)), PROTO_OK);
		assert_int_equal(fake_next(f->t).n, 1 + AUTH_ANSWERS_MAX);
	}
}

static void
test_failure(void **state)
{
	struct fixture *f = *state;
	struct auth_reply reply;
	struct wr w;

	enter(f, AC_PASSWORD);
	w = well_formed(1);
	assert_int_equal(feed(f, &w, &reply), PROTO_OK);
	assert_int_equal(reply.type, AP_FAILURE);
	assert_true(span_is(reply.methods, "publickey,password"));
	assert_true(reply.partial);
	assert_int_equal(f->a.state, AC_IDLE);
	/* answered: a second one answers nothing */
	w = well_formed(1);
	assert_int_equal(feed(f, &w, &reply), PROTO_E_MESSAGE_ORDER);

	enter(f, AC_NONE);
	w = message(SSH_MSG_USERAUTH_FAILURE);
	wr_blob(&w, fill(AUTH_METHODS_MAX + 1), SIZE_MAX);
	wr_u8(&w, 0);
	assert_int_equal(feed(f, &w, &reply), PROTO_E_AUTH_FORMAT);
	w = message(SSH_MSG_USERAUTH_FAILURE);
	wr_blob(&w, fill(AUTH_METHODS_MAX), SIZE_MAX);
	wr_u8(&w, 0);
	assert_int_equal(feed(f, &w, &reply), PROTO_OK);
	assert_false(reply.partial);
}

static void
test_success(void **state)
{
	struct fixture *f = *state;
	struct auth_reply reply;
	struct wr w;

	enter(f, AC_PUBLICKEY);
	w = well_formed(2);
	assert_int_equal(feed(f, &w, &reply), PROTO_OK);
	assert_int_equal(reply.type, AP_SUCCESS);
	assert_int_equal(transport_phase(f->t), PH_OPEN);
	assert_int_equal(feed(f, &w, &reply), PROTO_E_MESSAGE_ORDER);
}

static void
test_banner(void **state)
{
	struct fixture *f = *state;
	struct auth_reply reply;
	struct wr w;

	enter(f, AC_IDLE);
	w = message(SSH_MSG_USERAUTH_BANNER);
	wr_blob(&w, fill(AUTH_BANNER_MAX + 1), SIZE_MAX);
	wr_str(&w, "");
	assert_int_equal(feed(f, &w, &reply), PROTO_E_AUTH_FORMAT);
	enter(f, AC_IDLE);
	w = message(SSH_MSG_USERAUTH_BANNER);
	wr_blob(&w, fill(1), SIZE_MAX);
	wr_blob(&w, fill(NAME_MAX_LEN + 1), SIZE_MAX);
	assert_int_equal(feed(f, &w, &reply), PROTO_E_AUTH_FORMAT);
	enter(f, AC_PASSWORD);
	for (int i = 0; i < AUTH_BANNERS_MAX; i++) {
		w = message(SSH_MSG_USERAUTH_BANNER);
		wr_blob(&w, fill(AUTH_BANNER_MAX), SIZE_MAX);
		wr_str(&w, "");
		assert_int_equal(feed(f, &w, &reply), PROTO_OK);
		assert_int_equal(reply.type, AP_BANNER);
		assert_int_equal(reply.text.n, AUTH_BANNER_MAX);
		assert_int_equal(f->a.state, AC_PASSWORD);
	}
	assert_int_equal(feed(f, &w, &reply), PROTO_E_AUTH_FORMAT);
}

/* PK_OK must name the very key that was asked about. */
static void
test_pk_ok(void **state)
{
	static const struct { const char *alg, *key; bool ok; } cases[] = {
		{ "alg", "key", true }, { "alg", "kez", false }, { "alh", "key", false },
		{ "algk", "ey", false }, { "", "", false }, { "alg", "keyy", false },
		{ "alg", "ke", false },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct auth_reply reply;
		struct wr w;

		enter(f, AC_PROBE);
		w = message(60);
		wr_str(&w, cases[i].alg);
		wr_str(&w, cases[i].key);
		assert_int_equal(feed(f, &w, &reply), cases[i].ok ? PROTO_OK :
		    PROTO_E_AUTH_FORMAT);
		if (!cases[i].ok)
			continue;
		assert_int_equal(reply.type, AP_PK_OK);
		assert_true(span_is(reply.alg, "alg"));
		assert_true(span_is(reply.key, "key"));
		assert_int_equal(f->a.state, AC_IDLE);
	}
}

/* Some peers answer with the key's type, which is not the signature's name for RSA. */
static void
test_pk_ok_by_type(void **state)
{
	static const char blob[] = "\0\0\0\7ssh-rsak";
	static const struct { const char *alg; bool ok; } cases[] = {
		{ "rsa-sha2-512", true }, { "ssh-rsa", true }, { "rsa-sha2-256", false },
		{ "ssh-rsak", false }, { "", false },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct auth_reply reply;
		struct wr w;

		enter(f, AC_IDLE);
		assert_int_equal(auth_client_publickey(&f->a, f->t, span_str("joe"),
		    span_str("rsa-sha2-512"), span_of(blob, sizeof(blob) - 1), span_str("")),
		    PROTO_OK);
		w = message(60);
		wr_str(&w, cases[i].alg);
		wr_blob(&w, span_of(blob, sizeof(blob) - 1), KEY_BLOB_MAX);
		assert_int_equal(feed(f, &w, &reply), cases[i].ok ? PROTO_OK : PROTO_E_AUTH_FORMAT);
		if (!cases[i].ok)
			continue;
		assert_int_equal(reply.type, AP_PK_OK);
		assert_true(span_is(reply.alg, "rsa-sha2-512"));
	}
}

static void
test_changereq(void **state)
{
	struct fixture *f = *state;
	struct auth_reply reply;
	struct wr w;

	enter(f, AC_PASSWORD);
	w = message(60);
	wr_blob(&w, fill(AUTH_TEXT_MAX + 1), SIZE_MAX);
	wr_str(&w, "");
	assert_int_equal(feed(f, &w, &reply), PROTO_E_AUTH_FORMAT);
	w = message(60);
	wr_blob(&w, fill(AUTH_TEXT_MAX), SIZE_MAX);
	wr_str(&w, "");
	assert_int_equal(feed(f, &w, &reply), PROTO_OK);
	assert_int_equal(reply.type, AP_CHANGEREQ);
	assert_int_equal(reply.text.n, AUTH_TEXT_MAX);
	assert_int_equal(f->a.state, AC_IDLE);
}

/* A new password may displease as well: the server asks again, or says yes or no. */
static void
test_change(void **state)
{
	struct fixture *f = *state;
	struct auth_reply reply;
	struct wr w;

	enter(f, AC_IDLE);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(auth_client_change(&f->a, f->t, span_str("joe"),
		    span_str("old"), span_str("new")), PROTO_OK);
		w = message(60);
		wr_str(&w, "too short");
		wr_str(&w, "");
		assert_int_equal(feed(f, &w, &reply), PROTO_OK);
		assert_int_equal(reply.type, AP_CHANGEREQ);
	}
	assert_int_equal(auth_client_change(&f->a, f->t, span_str("joe"), span_str("old"),
	    span_str("new")), PROTO_OK);
	w = message(SSH_MSG_USERAUTH_SUCCESS);
	assert_int_equal(feed(f, &w, &reply), PROTO_OK);
	assert_int_equal(reply.type, AP_SUCCESS);
	assert_int_equal(transport_phase(f->t), PH_OPEN);
}

static enum proto_error
info(struct fixture *f, size_t name, size_t instruction, uint32_t claimed,
    uint32_t given, size_t each, struct auth_reply *reply)
{
	struct wr w;

	enter(f, AC_KBDINT);
	w = message(60);
	wr_blob(&w, fill(name), SIZE_MAX);
	wr_blob(&w, fill(instruction), SIZE_MAX);
	wr_str(&w, "");
	wr_u32(&w, claimed);
	for (uint32_t i = 0; i < given; i++) {
		wr_blob(&w, fill(each), SIZE_MAX);
		wr_u8(&w, 1);
	}
	return feed(f, &w, reply);
}

static void
test_info(void **state)
{
	static const uint32_t lies[] = { 0, 1, 3, AUTH_PROMPTS_MAX, AUTH_PROMPTS_MAX + 1,
	    0x33333334, 0x40000000, 0x80000000, 0xffffffff };
	struct fixture *f = *state;
	struct auth_reply reply;

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
		assert_int_equal(info(f, 1, 1, lies[i], 2, 3, &reply), PROTO_E_AUTH_FORMAT);
	assert_int_equal(info(f, AUTH_NAME_MAX + 1, 1, 0, 0, 0, &reply), PROTO_E_AUTH_FORMAT);
	assert_int_equal(info(f, 1, AUTH_TEXT_MAX + 1, 0, 0, 0, &reply), PROTO_E_AUTH_FORMAT);
	assert_int_equal(info(f, 1, 1, AUTH_PROMPTS_MAX + 1, AUTH_PROMPTS_MAX + 1, 1, &reply),
	    PROTO_E_AUTH_FORMAT);
	assert_int_equal(info(f, 1, 1, 1, 1, AUTH_ANSWERS_MAX - 8, &reply),
	    PROTO_E_AUTH_FORMAT);
	assert_int_equal(info(f, AUTH_NAME_MAX, AUTH_TEXT_MAX, 1, 1, AUTH_ANSWERS_MAX - 9,
	    &reply), PROTO_OK);
	assert_int_equal(reply.prompts.n, AUTH_ANSWERS_MAX);
	assert_int_equal(info(f, 1, 1, AUTH_PROMPTS_MAX, AUTH_PROMPTS_MAX, 1, &reply),
	    PROTO_OK);
	assert_int_equal(reply.type, AP_INFO);
	assert_int_equal(reply.name.n, 1);
	assert_int_equal(reply.instruction.n, 1);
	assert_true(auth_interactive_prompts(reply.prompts));
	assert_int_equal(f->a.state, AC_INFO);
}

/* Several rounds, as a server with two questions asks them. */
static void
test_dialogue(void **state)
{
	struct fixture *f = *state;
	struct auth_reply reply;
	struct wr w;

	enter(f, AC_KBDINT);
	for (int i = 0; i < 3; i++) {
		w = well_formed(6);
		assert_int_equal(feed(f, &w, &reply), PROTO_OK);
		assert_int_equal(reply.type, AP_INFO);
		assert_true(span_is(reply.name, "name"));
		assert_int_equal(feed(f, &w, &reply), PROTO_E_MESSAGE_ORDER);
		assert_int_equal(auth_client_responses(&f->a, f->t,
		    span_of("\0\0\0\1\0\0\0\3yes", 11)), PROTO_OK);
	}
	w = well_formed(2);
	assert_int_equal(feed(f, &w, &reply), PROTO_OK);
	assert_int_equal(reply.type, AP_SUCCESS);
}

#define T(f_) cmocka_unit_test_setup_teardown(f_, set_up, tear_down)
int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_every_message_in_every_state), T(test_wrong_number),
		T(test_truncations), T(test_service), T(test_requests),
		T(test_requests_out_of_order), T(test_request_bounds), T(test_failure),
		T(test_success), T(test_banner), T(test_pk_ok), T(test_pk_ok_by_type), T(test_changereq), T(test_change),
		T(test_info), T(test_dialogue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
