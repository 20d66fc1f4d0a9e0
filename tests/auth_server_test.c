/*
 * auth_server_test.c - hostile login messages first, then honest ones.
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
	struct auth_server a;
};

static uint8_t buf[64 * 1024];
static uint8_t filler[64 * 1024];

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

/* To the point where requests may come. */
static void
begin(struct fixture *f)
{
	f->a = (struct auth_server){ .state = AS_IDLE };
	transport_set_phase(f->t, PH_AUTH);
	fake_skip(f->t);
}

static struct wr
request(struct span user, const char *service, struct span method)
{
	struct wr w = wr_of(buf, sizeof(buf));

	wr_u8(&w, SSH_MSG_USERAUTH_REQUEST);
	wr_blob(&w, user, SIZE_MAX);
	wr_str(&w, service);
	wr_blob(&w, method, SIZE_MAX);
	return w;
}

static struct wr
request_of(const char *method)
{
	return request(span_str("joe"), "ssh-connection", span_str(method));
}

static enum proto_error
feed(struct fixture *f, const struct wr *w, struct auth_request *req)
{
	/* a copy of the exact size, so that a read past the end is seen */
	uint8_t *p = malloc(w->n + 1);
	enum proto_error e;

	assert_non_null(p);
	assert_false(w->bad);
	p = realloc(p, w->n == 0 ? 1 : w->n);
	assert_non_null(p);
	memcpy(p, w->p, w->n);
	memset(req, 0xee, sizeof(*req));
	e = auth_server_packet(&f->a, f->t, span_of(p, w->n), req);
	if (e == PROTO_OK && req->type != AR_SERVICE) {
		/* spans borrow: point them to bytes that outlive this call */
		uint8_t *from = p;
		struct span *all[] = { &req->user, &req->method, &req->password,
		    &req->alg, &req->key, &req->host_key, &req->signature,
		    &req->submethods, &req->answers };

		for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
			if (all[i]->n > 0)
				all[i]->p = w->p + (all[i]->p - from);
	}
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

/* ---- the service ---- */

static struct wr
service(struct span name)
{
	struct wr w = wr_of(buf, sizeof(buf));

	wr_u8(&w, SSH_MSG_SERVICE_REQUEST);
	wr_blob(&w, name, SIZE_MAX);
	return w;
}

static void
test_service_bad(void **state)
{
	struct fixture *f = *state;
	struct auth_request req;
	struct wr w = service(span_str("ssh-userauth"));
	size_t whole = w.n;

	for (size_t n = 1; n < whole; n++) {
		w.n = n;
		assert_int_equal(feed(f, &w, &req), PROTO_E_AUTH_FORMAT);
	}
	w.n = whole;
	wr_u8(&w, 0);
	assert_int_equal(feed(f, &w, &req), PROTO_E_AUTH_FORMAT);
	w = service(span_str("ssh-connection"));
	assert_int_equal(feed(f, &w, &req), PROTO_E_SERVICE);
	w = service(span_of("ssh-userauth\0", 13));
	assert_int_equal(feed(f, &w, &req), PROTO_E_AUTH_FORMAT);
	w = service(fill(NAME_MAX_LEN));
	assert_int_equal(feed(f, &w, &req), PROTO_E_SERVICE);
	w = service(fill(NAME_MAX_LEN + 1));
	assert_int_equal(feed(f, &w, &req), PROTO_E_AUTH_FORMAT);
	assert_int_equal(transport_phase(f->t), PH_SERVICE);
	assert_int_equal(f->a.state, AS_SERVICE);
	assert_int_equal(fake_waiting(f->t), 0);
	w = request_of("none");
	assert_int_equal(feed(f, &w, &req), PROTO_E_MESSAGE_ORDER);
}

static void
test_service(void **state)
{
	struct fixture *f = *state;
	struct auth_request req;

	/* again and again, as some clients do */
	for (int i = 0; i < 3; i++) {
		struct wr w = service(span_str("ssh-userauth"));

		assert_int_equal(feed(f, &w, &req), PROTO_OK);
		assert_int_equal(req.type, AR_SERVICE);
		assert_int_equal(f->a.state, AS_IDLE);
		assert_int_equal(transport_phase(f->t), PH_AUTH);
		EXPECT_SENT(f, "\6\0\0\0\14ssh-userauth");
	}
}

/* ---- requests ---- */

static void
test_wrong_number(void **state)
{
	struct fixture *f = *state;
	struct auth_request req;

	for (unsigned n = 0; n < 256; n++) {
		struct wr w = wr_of(buf, sizeof(buf));

		if (n == SSH_MSG_SERVICE_REQUEST || n == SSH_MSG_USERAUTH_REQUEST)
			continue;
		begin(f);
		wr_u8(&w, (uint8_t)n);
		assert_int_equal(feed(f, &w, &req), PROTO_E_MESSAGE_ORDER);
	}
	begin(f);
	assert_int_equal(auth_server_packet(&f->a, f->t, span_of(buf, 0), &req),
	    PROTO_E_MESSAGE_ORDER);
}

static void
test_outer_bounds(void **state)
{
	struct fixture *f = *state;
	struct auth_request req;
	struct wr w;

	begin(f);
	w = request(fill(AUTH_USER_MAX), "ssh-connection", span_str("none"));
	assert_int_equal(feed(f, &w, &req), PROTO_OK);
	assert_int_equal(req.user.n, AUTH_USER_MAX);
	begin(f);
	w = request(fill(AUTH_USER_MAX + 1), "ssh-connection", span_str("none"));
	assert_int_equal(feed(f, &w, &req), PROTO_E_AUTH_FORMAT);
	begin(f);
	w = request(span_of("ro\0ot", 5), "ssh-connection", span_str("none"));
	assert_int_equal(feed(f, &w, &req), PROTO_E_AUTH_FORMAT);
	begin(f);
	w = request(span_str("joe"), "ssh-connection", fill(AUTH_METHOD_MAX));
	assert_int_equal(feed(f, &w, &req), PROTO_OK);
	assert_int_equal(req.type, AR_OTHER);
	assert_int_equal(req.method.n, AUTH_METHOD_MAX);
	begin(f);
	w = request(span_str("joe"), "ssh-connection", fill(AUTH_METHOD_MAX + 1));
	assert_int_equal(feed(f, &w, &req), PROTO_E_AUTH_FORMAT);
	begin(f);
	w = request(span_str("joe"), "ssh-userauth", span_str("none"));
	assert_int_equal(feed(f, &w, &req), PROTO_E_SERVICE);
	assert_int_equal(f->a.state, AS_IDLE);
	begin(f);
	w = request(span_str(""), "ssh-connection", span_str("none"));
	assert_int_equal(feed(f, &w, &req), PROTO_OK);
	assert_int_equal(req.user.n, 0);
}

/* Cut short: before the method's own part the end, in it a failure. */
static void
every_truncation(struct fixture *f, const struct wr *whole, size_t outer, int type)
{
	struct auth_request req;
	struct wr w = *whole;

	for (size_t n = 1; n < whole->n; n++) {
		begin(f);
		w.n = n;
		if (n < outer) {
			assert_int_equal(feed(f, &w, &req), PROTO_E_AUTH_FORMAT);
			assert_int_equal(f->a.state, AS_IDLE);
			continue;
		}
		assert_int_equal(feed(f, &w, &req), PROTO_OK);
		assert_int_equal(req.type, AR_OTHER);
		assert_true(span_is(req.user, "joe"));
		assert_int_equal(req.password.n + req.key.n + req.signature.n +
		    req.alg.n + req.submethods.n, 0);
		assert_int_equal(f->a.state, AS_ASKED);
		assert_int_equal(auth_server_pk_ok(&f->a, f->t), PROTO_E_LOCAL_BUG);
	}
	begin(f);
	w.n = whole->n;
	wr_u8(&w, 0);
	assert_int_equal(feed(f, &w, &req), PROTO_OK);
	assert_int_equal(req.type, AR_OTHER);
	assert_int_equal(auth_server_pk_ok(&f->a, f->t), PROTO_E_LOCAL_BUG);
	begin(f);
	w.n = whole->n;
	assert_int_equal(feed(f, &w, &req), PROTO_OK);
	assert_int_equal(req.type, type);
}

static void
test_truncations(void **state)
{
	struct fixture *f = *state;
	struct wr w = request_of("none");
	size_t outer;

	every_truncation(f, &w, w.n, AR_NONE);

	w = request_of("password");
	outer = w.n;
	wr_u8(&w, 0);
	wr_str(&w, "secret");
	every_truncation(f, &w, outer, AR_PASSWORD);

	for (int is_signed = 0; is_signed < 2; is_signed++) {
		w = request_of("publickey");
		outer = w.n;
		wr_u8(&w, (uint8_t)is_signed);
		wr_str(&w, "ssh-ed25519");
		wr_str(&w, "blob");
		if (is_signed)
			wr_str(&w, "signature");
		every_truncation(f, &w, outer, AR_PUBLICKEY);

		w = request_of("publickey-hostbound-v00@openssh.com");
		outer = w.n;
		wr_u8(&w, (uint8_t)is_signed);
		wr_str(&w, "ssh-ed25519");
		wr_str(&w, "blob");
		wr_str(&w, "host key");
		if (is_signed)
			wr_str(&w, "signature");
		every_truncation(f, &w, outer, AR_PUBLICKEY);
	}

	w = request_of("keyboard-interactive");
	outer = w.n;
	wr_str(&w, "en");
	wr_str(&w, "pam");
	every_truncation(f, &w, outer, AR_KBDINT);
}

static void
password_of(struct fixture *f, uint8_t change, struct span password, int type)
{
	struct auth_request req;
	struct wr w = request_of("password");

	begin(f);
	wr_u8(&w, change);
	wr_blob(&w, password, SIZE_MAX);
	assert_int_equal(feed(f, &w, &req), PROTO_OK);
	assert_int_equal(req.type, type);
	assert_true(span_is(req.method, "password"));
	if (type == AR_PASSWORD)
		assert_true(span_eq(req.password, password));
	else
		assert_int_equal(req.password.n, 0);
}

static void
test_password(void **state)
{
	struct fixture *f = *state;

	password_of(f, 0, span_str("secret"), AR_PASSWORD);
	password_of(f, 0, span_str(""), AR_PASSWORD);
	password_of(f, 0, fill(AUTH_PASSWORD_MAX), AR_PASSWORD);
	password_of(f, 0, fill(AUTH_PASSWORD_MAX + 1), AR_OTHER);
	password_of(f, 0, span_of("se\0cret", 7), AR_OTHER);
	password_of(f, 1, span_str("secret"), AR_OTHER);
	password_of(f, 2, span_str("secret"), AR_OTHER);
}

/* RFC 4252 8 */
static void
test_change_of_password(void **state)
{
	static const size_t lengths[] = { 0, 3, AUTH_PASSWORD_MAX, AUTH_PASSWORD_MAX + 1 };
	struct fixture *f = *state;
	struct auth_request req;
	size_t outer;
	struct wr w;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		bool is_good = lengths[i] <= AUTH_PASSWORD_MAX;

		begin(f);
		w = request_of("password");
		wr_u8(&w, 1);
		wr_str(&w, "old");
		wr_blob(&w, fill(lengths[i]), SIZE_MAX);
		assert_int_equal(feed(f, &w, &req), PROTO_OK);
		assert_int_equal(req.type, is_good ? AR_PASSWORD : AR_OTHER);
		assert_int_equal(req.is_change, is_good);
		if (is_good) {
			assert_true(span_is(req.password, "old"));
			assert_int_equal(req.new_password.n, lengths[i]);
		}
	}
	w = request_of("password");
	outer = w.n;
	wr_u8(&w, 1);
	wr_str(&w, "old");
	wr_str(&w, "new");
	every_truncation(f, &w, outer, AR_PASSWORD);
}

static void
test_a_new_password_is_asked_for(void **state)
{
	struct fixture *f = *state;
	struct auth_request req;
	struct wr w;

	begin(f);
	w = request_of("password");
	wr_u8(&w, 0);
	wr_str(&w, "old");
	assert_int_equal(feed(f, &w, &req), PROTO_OK);
	assert_false(req.is_change);
	assert_int_equal(auth_server_changereq(&f->a, f->t, span_str("expired")), PROTO_OK);
	EXPECT_SENT(f, "\74\0\0\0\7expired\0\0\0\0");
	assert_int_equal(f->a.state, AS_IDLE);
	/* once */
	assert_int_equal(auth_server_changereq(&f->a, f->t, span_str("x")), PROTO_E_LOCAL_BUG);
	/* and of nothing but a password */
	w = request_of("none");
	assert_int_equal(feed(f, &w, &req), PROTO_OK);
	assert_int_equal(auth_server_changereq(&f->a, f->t, span_str("x")), PROTO_E_LOCAL_BUG);
	assert_int_equal(fake_waiting(f->t), 0);
}

/* OpenSSH PROTOCOL 3.1: it names a host key, and not one too long. */
static void
test_host_bound(void **state)
{
	struct fixture *f = *state;
	static const size_t lengths[] = { 0, 1, KEY_BLOB_MAX, KEY_BLOB_MAX + 1 };
	struct auth_request req;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct wr w = request_of("publickey-hostbound-v00@openssh.com");
		size_t n = lengths[i];

		begin(f);
		wr_u8(&w, 1);
		wr_str(&w, "ssh-ed25519");
		wr_str(&w, "blob");
		wr_blob(&w, fill(n), SIZE_MAX);
		wr_str(&w, "sig");
		assert_int_equal(feed(f, &w, &req), PROTO_OK);
		if (n == 0 || n > KEY_BLOB_MAX) {
			assert_int_equal(req.type, AR_OTHER);
			continue;
		}
		assert_int_equal(req.type, AR_PUBLICKEY);
		assert_true(span_eq(req.host_key, fill(n)));
		assert_true(span_is(req.signature, "sig"));
	}
}

static int
publickey_of(struct fixture *f, uint8_t is_signed, struct span alg, struct span key,
    struct span signature)
{
	struct auth_request req;
	struct wr w = request_of("publickey");

	begin(f);
	wr_u8(&w, is_signed);
	wr_blob(&w, alg, SIZE_MAX);
	wr_blob(&w, key, SIZE_MAX);
	if (is_signed)
		wr_blob(&w, signature, SIZE_MAX);
	assert_int_equal(feed(f, &w, &req), PROTO_OK);
	if (req.type == AR_PUBLICKEY) {
		assert_true(span_eq(req.alg, alg));
		assert_true(span_eq(req.key, key));
		assert_int_equal(req.is_signed, is_signed != 0);
		assert_true(span_eq(req.signature, is_signed ? signature : fill(0)));
	}
	return (int)req.type;
}

static void
test_publickey(void **state)
{
	struct fixture *f = *state;
	struct span alg = span_str("ssh-ed25519");

	assert_int_equal(publickey_of(f, 1, alg, fill(51), fill(83)), AR_PUBLICKEY);
	/* a signed request is no probe: there is nothing to say PK_OK to */
	assert_int_equal(auth_server_pk_ok(&f->a, f->t), PROTO_E_LOCAL_BUG);
	assert_int_equal(publickey_of(f, 255, alg, fill(51), fill(83)), AR_PUBLICKEY);
	assert_int_equal(publickey_of(f, 1, alg, fill(51), fill(0)), AR_OTHER);
	assert_int_equal(publickey_of(f, 1, alg, fill(0), fill(83)), AR_OTHER);
	assert_int_equal(publickey_of(f, 1, fill(0), fill(51), fill(83)), AR_OTHER);
	assert_int_equal(publickey_of(f, 1, fill(NAME_MAX_LEN), fill(KEY_BLOB_MAX),
	    fill(SIGNATURE_MAX)), AR_PUBLICKEY);
	assert_int_equal(publickey_of(f, 1, fill(NAME_MAX_LEN + 1), fill(51), fill(83)),
	    AR_OTHER);
	assert_int_equal(publickey_of(f, 1, alg, fill(KEY_BLOB_MAX + 1), fill(83)), AR_OTHER);
	assert_int_equal(publickey_of(f, 1, alg, fill(51), fill(SIGNATURE_MAX + 1)),
	    AR_OTHER);
	assert_int_equal(publickey_of(f, 0, alg, fill(KEY_BLOB_MAX + 1), fill(0)), AR_OTHER);
	assert_int_equal(publickey_of(f, 0, fill(NAME_MAX_LEN), fill(KEY_BLOB_MAX), fill(0)),
	    AR_PUBLICKEY);
	assert_int_equal(auth_server_pk_ok(&f->a, f->t), PROTO_OK);
	assert_int_equal(fake_next(f->t).n, 1 + 4 + NAME_MAX_LEN + 4 + KEY_BLOB_MAX);
}

/* PK_OK says the very bytes of the probe, once, and never those of an earlier one. */
static void
test_pk_ok(void **state)
{
	struct fixture *f = *state;
	struct auth_request req;
	struct wr w;

	assert_int_equal(publickey_of(f, 0, span_str("alg-a"), span_str("key-a"), fill(0)),
	    AR_PUBLICKEY);
	assert_int_equal(auth_server_pk_ok(&f->a, f->t), PROTO_OK);
	EXPECT_SENT(f, "\74\0\0\0\5alg-a\0\0\0\5key-a");
	assert_int_equal(f->a.state, AS_IDLE);
	assert_int_equal(auth_server_pk_ok(&f->a, f->t), PROTO_E_LOCAL_BUG);
	w = request_of("none");
	assert_int_equal(feed(f, &w, &req), PROTO_OK);
	assert_int_equal(auth_server_pk_ok(&f->a, f->t), PROTO_E_LOCAL_BUG);
	assert_int_equal(fake_waiting(f->t), 0);
}

/* ---- keyboard-interactive ---- */

static void
prompted(struct fixture *f)
{
	struct auth_request req;
	struct wr w = request_of("keyboard-interactive");

	begin(f);
	wr_str(&w, "");
	wr_str(&w, "");
	assert_int_equal(feed(f, &w, &req), PROTO_OK);
	assert_int_equal(req.type, AR_KBDINT);
	assert_int_equal(auth_server_prompts(&f->a, f->t, span_str("N"), span_str("I"),
	    span_of("\0\0\0\2\0\0\0\3P1:\0\0\0\0\3P2:\1", 20)), PROTO_OK);
	assert_int_equal(f->a.state, AS_PROMPTED);
}

static void
test_prompts(void **state)
{
	struct fixture *f = *state;

	prompted(f);
	EXPECT_SENT(f, "\74\0\0\0\1N\0\0\0\1I\0\0\0\0"
	    "\0\0\0\2\0\0\0\3P1:\0\0\0\0\3P2:\1");
	/* not while answers are awaited */
	assert_int_equal(auth_server_prompts(&f->a, f->t, fill(0), fill(0),
	    span_of("\0\0\0\0", 4)), PROTO_E_LOCAL_BUG);
	assert_int_equal(auth_server_success(&f->a, f->t), PROTO_E_LOCAL_BUG);
	/* given up */
	assert_int_equal(auth_server_failure(&f->a, f->t, span_str("password"), false),
	    PROTO_OK);
	EXPECT_SENT(f, "\63\0\0\0\10password\0");
}

static struct wr
answers(uint32_t claimed, uint32_t given, struct span each)
{
	struct wr w = wr_of(buf, sizeof(buf));

	wr_u8(&w, SSH_MSG_USERAUTH_INFO_RESPONSE);
	wr_u32(&w, claimed);
	for (uint32_t i = 0; i < given; i++)
		wr_blob(&w, each, SIZE_MAX);
	return w;
}

static enum proto_error
answer(struct fixture *f, const struct wr *w)
{
	struct auth_request req;
	enum proto_error e;

	prompted(f);
	e = feed(f, w, &req);
	if (e == PROTO_OK) {
		assert_int_equal(req.type, AR_RESPONSES);
		assert_int_equal(req.answers.n, w->n - 1);
		assert_int_equal(f->a.state, AS_ASKED);
	}
	return e;
}

static void
test_answers(void **state)
{
	static const uint32_t lies[] = { 0, 1, 3, AUTH_PROMPTS_MAX, AUTH_PROMPTS_MAX + 1,
	    0x3fffffff, 0x40000000, 0x80000000, 0xffffffff };
	struct fixture *f = *state;
	struct auth_request req;
	uint8_t keep[64];
	struct wr w;
	size_t whole;

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		prompted(f);
		w = answers(lies[i], 2, span_str("yes"));
		assert_int_equal(feed(f, &w, &req), PROTO_E_AUTH_FORMAT);
		assert_int_equal(f->a.state, AS_PROMPTED);
	}
	w = answers(2, 2, span_str("yes"));
	whole = w.n;
	assert_true(whole < sizeof(keep));
	memcpy(keep, buf, whole);
	for (size_t n = 1; n < whole; n++) {
		prompted(f);
		memcpy(buf, keep, whole);
		w.n = n;
		assert_int_equal(feed(f, &w, &req), PROTO_E_AUTH_FORMAT);
	}
	w.n = whole;
	wr_u8(&w, 0);
	assert_int_equal(feed(f, &w, &req), PROTO_E_AUTH_FORMAT);
}

static void
test_answers_bounds(void **state)
{
	struct fixture *f = *state;
	struct auth_request req;
	struct wr w;

	prompted(f);
	w = answers(AUTH_PROMPTS_MAX, AUTH_PROMPTS_MAX, span_str("a"));
	assert_int_equal(feed(f, &w, &req), PROTO_OK);
	prompted(f);
	w = answers(AUTH_PROMPTS_MAX + 1, AUTH_PROMPTS_MAX + 1, span_str("a"));
	assert_int_equal(feed(f, &w, &req), PROTO_E_AUTH_FORMAT);
	prompted(f);
	w = answers(1, 1, fill(AUTH_ANSWERS_MAX - 8));
	assert_int_equal(feed(f, &w, &req), PROTO_OK);
	assert_int_equal(req.answers.n, AUTH_ANSWERS_MAX);
	prompted(f);
	w = answers(1, 1, fill(AUTH_ANSWERS_MAX - 7));
	assert_int_equal(feed(f, &w, &req), PROTO_E_AUTH_FORMAT);
	prompted(f);
	w = answers(1, 1, span_of("a\0b", 3));
	assert_int_equal(feed(f, &w, &req), PROTO_E_AUTH_FORMAT);
	/* none asked for: nobody may answer */
	begin(f);
	w = answers(0, 0, fill(0));
	assert_int_equal(feed(f, &w, &req), PROTO_E_MESSAGE_ORDER);
	/* twice */
	prompted(f);
	w = answers(0, 0, fill(0));
	assert_int_equal(feed(f, &w, &req), PROTO_OK);
	assert_int_equal(feed(f, &w, &req), PROTO_E_MESSAGE_ORDER);
	assert_int_equal(answer(f, &(struct wr){ (uint8_t *)"\75\0\0\0\1\0\0\0\0", 9, 9,
	    false }), PROTO_OK);
}

static void
test_prompts_grammar(void **state)
{
	static const struct { const char *p; size_t n; bool ok; } cases[] = {
		{ "", 0, false }, { "\0\0\0", 3, false }, { "\0\0\0\0", 4, true },
		{ "\0\0\0\0\0", 5, false }, { "\0\0\0\1", 4, false },
		{ "\0\0\0\1\0\0\0\0", 8, false }, { "\0\0\0\1\0\0\0\0\0", 9, true },
		{ "\0\0\0\1\0\0\0\1\0\0", 10, false }, { "\0\0\0\1\0\0\0\1a\0", 10, true },
		{ "\xff\xff\xff\xff\0\0\0\1a\0", 10, false },
		{ "\0\0\1\1\0\0\0\1a\0", 10, false },
		{ "\0\0\0\1\xff\xff\xff\xff" "a\0", 10, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(auth_interactive_prompts(span_of(cases[i].p, cases[i].n)),
		    cases[i].ok);
}

/* A new request in place of answers abandons the prompts. */
static void
test_abandoned_prompts(void **state)
{
	struct fixture *f = *state;
	struct auth_request req;
	struct wr w;

	prompted(f);
	fake_skip(f->t);
	w = request_of("none");
	assert_int_equal(feed(f, &w, &req), PROTO_OK);
	assert_int_equal(req.type, AR_NONE);
	assert_int_equal(f->a.state, AS_ASKED);
	w = answers(0, 0, fill(0));
	assert_int_equal(feed(f, &w, &req), PROTO_E_MESSAGE_ORDER);
	assert_int_equal(fake_waiting(f->t), 0);
}

/* ---- verdicts ---- */

static void
test_one_at_a_time(void **state)
{
	struct fixture *f = *state;
	struct auth_request req;
	struct wr w;

	begin(f);
	w = request_of("none");
	assert_int_equal(feed(f, &w, &req), PROTO_OK);
	assert_int_equal(feed(f, &w, &req), PROTO_E_MESSAGE_ORDER);
	w = service(span_str("ssh-userauth"));
	assert_int_equal(feed(f, &w, &req), PROTO_E_MESSAGE_ORDER);
	assert_int_equal(fake_waiting(f->t), 0);
}

static void
test_verdicts_without_request(void **state)
{
	struct fixture *f = *state;

	begin(f);
	assert_int_equal(auth_server_success(&f->a, f->t), PROTO_E_LOCAL_BUG);
	assert_int_equal(auth_server_failure(&f->a, f->t, fill(0), false), PROTO_E_LOCAL_BUG);
	assert_int_equal(auth_server_pk_ok(&f->a, f->t), PROTO_E_LOCAL_BUG);
	assert_int_equal(auth_server_prompts(&f->a, f->t, fill(0), fill(0),
	    span_of("\0\0\0\0", 4)), PROTO_E_LOCAL_BUG);
	f->a.state = AS_SERVICE;
	assert_int_equal(auth_server_banner(&f->a, f->t, span_str("hi")), PROTO_E_LOCAL_BUG);
	assert_int_equal(transport_phase(f->t), PH_AUTH);
	assert_int_equal(fake_waiting(f->t), 0);
}

static void
test_verdicts(void **state)
{
	struct fixture *f = *state;
	struct auth_request req;
	struct wr w;

	begin(f);
	w = request_of("none");
	assert_int_equal(feed(f, &w, &req), PROTO_OK);
	assert_int_equal(auth_server_banner(&f->a, f->t, span_str("hello\n")), PROTO_OK);
	EXPECT_SENT(f, "\65\0\0\0\6hello\n\0\0\0\0");
	/* once is enough */
	assert_int_equal(auth_server_banner(&f->a, f->t, span_str("hello\n")), PROTO_OK);
	assert_int_equal(fake_waiting(f->t), 0);
	assert_int_equal(auth_server_failure(&f->a, f->t, span_str("publickey,password"),
	    true), PROTO_OK);
	EXPECT_SENT(f, "\63\0\0\0\22publickey,password\1");
	assert_int_equal(auth_server_failure(&f->a, f->t, span_str(""), false),
	    PROTO_E_LOCAL_BUG);
	assert_int_equal(feed(f, &w, &req), PROTO_OK);
	assert_int_equal(auth_server_success(&f->a, f->t), PROTO_OK);
	EXPECT_SENT(f, "\64");
	assert_int_equal(transport_phase(f->t), PH_OPEN);
	assert_int_equal(auth_server_success(&f->a, f->t), PROTO_E_LOCAL_BUG);
}

/* One prompt, n bytes in all. */
static struct span
prompts_of(size_t n)
{
	static uint8_t list[AUTH_ANSWERS_MAX];
	struct wr w = wr_of(list, sizeof(list));

	wr_u32(&w, 1);
	wr_blob(&w, fill(n - 9), SIZE_MAX);
	wr_u8(&w, 0);
	return wr_span(&w);
}

static void
test_long_verdicts(void **state)
{
	struct fixture *f = *state;
	struct auth_request req;
	struct wr w = request_of("none");

	begin(f);
	assert_int_equal(auth_server_banner(&f->a, f->t, fill(AUTH_BANNER_MAX + 1)),
	    PROTO_E_LOCAL_BUG);
	assert_int_equal(auth_server_banner(&f->a, f->t, fill(AUTH_BANNER_MAX)), PROTO_OK);
	assert_int_equal(feed(f, &w, &req), PROTO_OK);
	assert_int_equal(auth_server_failure(&f->a, f->t, fill(AUTH_METHODS_MAX), false),
	    PROTO_OK);
	assert_int_equal(feed(f, &w, &req), PROTO_OK);
	assert_true(req.type == AR_NONE && f->a.state == AS_ASKED);
	assert_int_not_equal(auth_server_failure(&f->a, f->t, fill(AUTH_METHODS_MAX + 1),
	    false), PROTO_OK);
	assert_int_equal(feed(f, &w, &req), PROTO_OK);
	assert_int_equal(auth_server_prompts(&f->a, f->t, fill(AUTH_NAME_MAX),
	    fill(AUTH_TEXT_MAX), prompts_of(AUTH_ANSWERS_MAX)), PROTO_OK);
	assert_int_equal(fake_waiting(f->t), 3);
}

#define T(f_) cmocka_unit_test_setup_teardown(f_, set_up, tear_down)
int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_service_bad), T(test_service), T(test_wrong_number),
		T(test_outer_bounds), T(test_truncations), T(test_password),
		T(test_change_of_password), T(test_a_new_password_is_asked_for),
		T(test_host_bound), T(test_publickey), T(test_pk_ok), T(test_prompts), T(test_answers),
		T(test_answers_bounds), T(test_prompts_grammar), T(test_abandoned_prompts),
		T(test_one_at_a_time), T(test_verdicts_without_request), T(test_verdicts),
		T(test_long_verdicts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
