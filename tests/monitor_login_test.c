/*
 * monitor_login_test.c - the client: is it the server we mean, and what may a worker
 * make of a login.
 */
#include "tests/monitor_play.h"

static struct play_child *worker;
static struct play_start start;
static uint8_t session[32], server_seed[32], server_blob[64];
static size_t server_blob_len;
static char kexinit_next[16384];
static size_t kexinit_next_len;

static struct span
server_key(void)
{
	return span_of(server_blob, server_blob_len);
}

/* A connection with these known_hosts lines (NULL: none) or this one key. */
static void
attach(const char *known_hosts, struct span key)
{
	struct ipc_NEW plan = play_plan(1, IPC_CLIENT);

	play_new(&plan);
	if (known_hosts != NULL) {
		char path[] = "/tmp/monitor_login_XXXXXX";
		int fd = mkstemp(path);

		assert_true(fd >= 0);
		assert_int_equal(unlink(path), 0);
		assert_int_equal(write(fd, known_hosts, strlen(known_hosts)),
		    strlen(known_hosts));
		PLAY_TELL(TRUST_FILE, .conn = 1, .file = fd);
		close(fd);
	}
	if (key.n > 0)
		PLAY_TELL(TRUST_KEY, .conn = 1, .key = key);
	play_attach(1);
	worker = play_started(1, &start);
}

/* VERIFY over these KEXINITs, signed by this seed. */
static void
verify(const uint8_t *seed, struct span blob, struct span i_c, int spoil)
{
	struct play_kex x;
	uint8_t h[32], sig[256];
	struct span i_s = span_str("\024server kexinit");
	struct span v_s = span_str("SSH-2.0-Server");
	size_t n;

	play_kex(&x);
	play_h(span_str("SSH-2.0-Ours"), v_s, i_c, i_s, blob, &x, h);
	memcpy(session, h, 32);
	n = play_sign(seed, span_of(h, 32), sig, sizeof(sig));
	if (spoil != 0)
		sig[n - (size_t)spoil] ^= 1;
	assert_int_equal(ipc_send_VERIFY(worker->link, &(struct ipc_VERIFY){
	    .kex = span_str("curve25519-sha256"), .hostkey_alg = span_str("ssh-ed25519"),
	    .v_s = v_s, .i_s = i_s, .k_s = blob, .q_c = span_of(x.q_c, 32),
	    .q_s = span_of(x.q_s, 32), .k = span_of(x.k, 32), .signature = span_of(sig, n) }), 0);
	play_run();
}

static void
verify_first(void)
{
	verify(server_seed, server_key(), span_of(start.kexinit, start.kexinit_len), 0);
}

static void
expect_verified(uint64_t count)
{
	struct ipc_VERIFIED v;
	struct ipc_KEX_DONE done;

	PLAY_WORKER_EXPECT(worker, VERIFIED, &v);
	assert_memory_equal(v.hash.p, session, 32);
	kexinit_next_len = v.kexinit.n;
	memcpy(kexinit_next, v.kexinit.p, v.kexinit.n);
	play_agree(worker);
	PLAY_EXPECT(KEX_DONE, &done);
	assert_int_equal(done.count, count);
	assert_true(span_eq(done.host_key, server_key()));
}

static void
line_for(char out[512], const char *prefix, struct span key)
{
	char b64[128];

	sodium_bin2base64(b64, sizeof(b64), key.p, key.n, sodium_base64_VARIANT_ORIGINAL);
	(void)snprintf(out, 512, "%s ssh-ed25519 %s\n", prefix, b64);
}

/* Told to stop with this outcome, without a VERIFIED. */
static void
expect_end(enum ipc_outcome outcome, const char *text)
{
	struct ipc_END_OF end;
	struct ipc_STOP stop;

	PLAY_WORKER_EXPECT(worker, STOP, &stop);
	play_die(worker, 0, 0);
	play_run();
	PLAY_ENDED(1, outcome, &end);
	assert_true(span_is(end.text, text));
}

static int
setup(void **state)
{
	(void)play_setup(state);
	play_make_key(server_seed, server_blob, &server_blob_len);
	return 0;
}

/* ---- the host key ---- */

static void
test_known(void **state)
{
	char line[512];

	(void)state;
	line_for(line, "host.example", server_key());
	attach(line, span_of(NULL, 0));
	verify_first();
	expect_verified(1);
}

static void
test_one_key(void **state)
{
	(void)state;
	attach(NULL, server_key());
	verify_first();
	expect_verified(1);
}

static void
test_another_key(void **state)
{
	char got[FINGERPRINT_MAX], wanted[FINGERPRINT_MAX], text[512];

	(void)state;
	attach(NULL, span_of(play.user_blob, play.user_blob_len));
	verify_first();
	PLAY_QUIET();			/* nothing to be asked */
	assert_int_equal(fingerprint(server_blob, server_blob_len, got), 0);
	assert_int_equal(fingerprint(play.user_blob, play.user_blob_len, wanted), 0);
	(void)snprintf(text, sizeof(text), "the host key is not the expected one: %s instead of %s",
	    got, wanted);
	expect_end(IPC_BAD_HOST_KEY, text);
}

static void
asked(enum ipc_trust trust, struct ipc_HOSTKEY_ASK *ask)
{
	PLAY_WORKER_QUIET(worker);
	PLAY_EXPECT(HOSTKEY_ASK, ask);
	assert_int_equal(ask->verdict, trust);
	assert_true(span_eq(ask->key, server_key()));
	assert_true(span_is(ask->host, "host.example"));
}

static void
test_unknown_accepted(void **state)
{
	struct ipc_HOSTKEY_ASK ask;
	char line[512];

	(void)state;
	attach("", span_of(NULL, 0));
	verify_first();
	asked(IPC_UNKNOWN, &ask);
	assert_int_equal(ask.clash_line, 0);
	line_for(line, "host.example", server_key());
	line[strlen(line) - 1] = 0;
	assert_true(span_is(ask.line, line));
	/* people think for longer than a key exchange may take */
	play_wait(60000);
	assert_false(worker->dead);
	PLAY_TELL(HOSTKEY_ANSWER, .conn = 1, .question = ask.question + 1, .accept = 1);
	PLAY_WORKER_QUIET(worker);
	PLAY_TELL(HOSTKEY_ANSWER, .conn = 1, .question = ask.question, .accept = 1);
	expect_verified(1);
	PLAY_TELL(HOSTKEY_ANSWER, .conn = 1, .question = ask.question, .accept = 0);
	PLAY_WORKER_QUIET(worker);	/* late */
}

/* Somebody else may show a type that nothing is known of: whoever is asked learns it. */
static void
test_unknown_beside_another_type(void **state)
{
	struct ipc_HOSTKEY_ASK ask;

	(void)state;
	attach("# a comment\nhost.example ssh-rsa AAAAB3NzaC1yc2EAAAABAwAAAAEF\n", span_of(NULL, 0));
	verify_first();
	asked(IPC_UNKNOWN, &ask);
	assert_int_equal(ask.clash_line, 2);
	assert_int_equal(ask.clash_file, 0);
	PLAY_TELL(HOSTKEY_ANSWER, .conn = 1, .question = ask.question, .accept = 0);
	expect_end(IPC_BAD_HOST_KEY, "the host key is not known");
}

static void
test_unknown_refused(void **state)
{
	struct ipc_HOSTKEY_ASK ask;

	(void)state;
	attach(NULL, span_of(NULL, 0));
	verify_first();
	asked(IPC_UNKNOWN, &ask);
	PLAY_TELL(HOSTKEY_ANSWER, .conn = 1, .question = ask.question, .accept = 0);
	expect_end(IPC_BAD_HOST_KEY, "the host key is not known");
}

static void
test_changed(void **state)
{
	struct ipc_HOSTKEY_ASK ask;
	char line[512];

	(void)state;
	line_for(line, "host.example", span_of(play.user_blob, play.user_blob_len));
	attach(line, span_of(NULL, 0));
	verify_first();
	asked(IPC_CHANGED, &ask);
	assert_int_equal(ask.clash_line, 1);
	assert_int_equal(ask.clash_file, 0);
	PLAY_TELL(HOSTKEY_ANSWER, .conn = 1, .question = ask.question, .accept = 0);
	expect_end(IPC_BAD_HOST_KEY, "the host key has changed");
}

/* Nobody can accept a revoked key, not even the application. */
static void
test_revoked(void **state)
{
	struct ipc_HOSTKEY_ASK ask;
	char text[1024];

	(void)state;
	line_for(text, "host.example", server_key());
	line_for(text + strlen(text), "@revoked *", server_key());
	attach(text, server_key());
	verify_first();
	asked(IPC_REVOKED, &ask);
	assert_int_equal(ask.clash_line, 2);
	PLAY_TELL(HOSTKEY_ANSWER, .conn = 1, .question = ask.question, .accept = 1);
	expect_end(IPC_BAD_HOST_KEY, "the host key is revoked");
}

/* A host key that anybody could show, with a signature that is not its own. */
static void
test_bad_signature(void **state)
{
	(void)state;
	attach(NULL, server_key());
	verify(play.user_seed, server_key(), span_of(start.kexinit, start.kexinit_len), 0);
	expect_end(IPC_BAD_HOST_KEY, "the server's signature is not its host key's");
}

static void
test_flipped_signature(void **state)
{
	(void)state;
	attach(NULL, server_key());
	verify(server_seed, server_key(), span_of(start.kexinit, start.kexinit_len), 7);
	expect_end(IPC_BAD_HOST_KEY, "the server's signature is not its host key's");
}

/* A transcript with a KEXINIT that we did not send. */
static void
test_foreign_kexinit(void **state)
{
	(void)state;
	attach(NULL, server_key());
	verify(server_seed, server_key(), span_str("\024not ours"), 0);
	expect_end(IPC_BAD_HOST_KEY, "the server's signature is not its host key's");
}

/* A known algorithm, but not one that we offered. */
static void
test_algorithm_not_offered(void **state)
{
	struct ipc_NEW plan = play_plan(1, IPC_CLIENT);
	struct ipc_END_OF end;

	(void)state;
	plan.hostkey_algs = span_str("rsa-sha2-512");
	play_new(&plan);
	PLAY_TELL(TRUST_KEY, .conn = 1, .key = server_key());
	play_attach(1);
	worker = play_started(1, &start);
	verify_first();
	assert_true(worker->dead);
	PLAY_ENDED(1, IPC_WORKER_LIED, &end);
}

static void
test_rekey_other_key(void **state)
{
	(void)state;
	attach(NULL, server_key());
	verify_first();
	expect_verified(1);
	verify(play.user_seed, span_of(play.user_blob, play.user_blob_len),
	    span_of(kexinit_next, kexinit_next_len), 0);
	expect_end(IPC_BAD_HOST_KEY, "the host key changed during the connection");
}

static void
test_rekey(void **state)
{
	(void)state;
	attach(NULL, server_key());
	verify_first();
	expect_verified(1);
	verify(server_seed, server_key(), span_of(kexinit_next, kexinit_next_len), 0);
	expect_verified(2);
}

/* ---- logging in ---- */

static void
connected(void)
{
	attach(NULL, server_key());
	verify_first();
	expect_verified(1);
}

static void
expect_result(enum ipc_login_result result, const char *methods)
{
	struct ipc_LOGIN_RESULT r;

	PLAY_EXPECT(LOGIN_RESULT, &r);
	assert_int_equal(r.result, result);
	assert_true(span_is(r.methods, methods));
}

static void
fails(const char *methods, uint8_t partial)
{
	PLAY_SAY(worker, LOGIN_FAILURE, .methods = span_str(methods), .partial = partial);
}

/* The password is not with the worker before the server is known. */
static void
test_password_waits(void **state)
{
	struct ipc_HOSTKEY_ASK ask;
	struct ipc_LOGIN_PASSWORD pass;
	struct ipc_KEX_DONE done;
	struct ipc_VERIFIED v;

	(void)state;
	attach("", span_of(NULL, 0));
	PLAY_TELL(TRY_PASSWORD, .conn = 1, .user = span_str("bob"), .password = span_str("secret"));
	PLAY_WORKER_QUIET(worker);
	verify_first();
	asked(IPC_UNKNOWN, &ask);
	PLAY_TELL(HOSTKEY_ANSWER, .conn = 1, .question = ask.question, .accept = 1);
	PLAY_WORKER_EXPECT(worker, VERIFIED, &v);
	PLAY_WORKER_QUIET(worker);	/* nor before keys are in use */
	play_agree(worker);
	PLAY_EXPECT(KEX_DONE, &done);
	PLAY_WORKER_EXPECT(worker, LOGIN_PASSWORD, &pass);
	assert_true(span_is(pass.user, "bob"));
	assert_true(span_is(pass.password, "secret"));
}

static void
test_password_never_sent(void **state)
{
	struct ipc_HOSTKEY_ASK ask;

	(void)state;
	attach("", span_of(NULL, 0));
	PLAY_TELL(TRY_PASSWORD, .conn = 1, .user = span_str("bob"), .password = span_str("secret"));
	verify_first();
	asked(IPC_UNKNOWN, &ask);
	PLAY_TELL(HOSTKEY_ANSWER, .conn = 1, .question = ask.question, .accept = 0);
	expect_end(IPC_BAD_HOST_KEY, "the host key is not known");
}

static void
expect_login(const char *methods, const char *alg)
{
	struct ipc_USER_LOGGED_IN in;
	struct ipc_LOGGED_IN gate;

	PLAY_EXPECT(USER_LOGGED_IN, &in);
	assert_true(span_is(in.user, "bob"));
	assert_true(span_is(in.methods, methods));
	assert_true(span_is(in.alg, alg));
	close(in.worker);
	PLAY_WORKER_EXPECT(worker, LOGGED_IN, &gate);
	close(gate.app);
	PLAY_QUIET();
}

static void
test_password(void **state)
{
	struct ipc_LOGIN_PASSWORD pass;
	struct ipc_LOGIN_NONE none;

	(void)state;
	connected();
	PLAY_TELL(TRY_NONE, .conn = 1, .user = span_str("bob"));
	PLAY_WORKER_EXPECT(worker, LOGIN_NONE, &none);
	fails("publickey,password", 0);
	expect_result(IPC_LOGIN_FAILED, "publickey,password");
	PLAY_TELL(TRY_PASSWORD, .conn = 1, .user = span_str("bob"), .password = span_str("x"));
	PLAY_WORKER_EXPECT(worker, LOGIN_PASSWORD, &pass);
	fails("publickey", 1);
	expect_result(IPC_LOGIN_PARTIAL, "publickey");
	PLAY_TELL(TRY_PASSWORD, .conn = 1, .user = span_str("bob"), .password = span_str("y"));
	PLAY_WORKER_EXPECT(worker, LOGIN_PASSWORD, &pass);
	PLAY_SAY(worker, LOGIN_CHANGEREQ, .prompt = span_str("too old"));
	{
		struct ipc_LOGIN_RESULT r;

		PLAY_EXPECT(LOGIN_RESULT, &r);
		assert_int_equal(r.result, IPC_LOGIN_CHANGEREQ);
		assert_true(span_is(r.text, "too old"));
	}
	PLAY_TELL(TRY_PASSWORD, .conn = 1, .user = span_str("bob"), .password = span_str("z"));
	PLAY_WORKER_EXPECT(worker, LOGIN_PASSWORD, &pass);
	PLAY_SAY(worker, LOGIN_SUCCESS, .empty_ = 0);
	expect_login("password,password", "");
}

static void
expect_change(const char *old, const char *new)
{
	struct ipc_LOGIN_CHANGE q;

	PLAY_WORKER_EXPECT(worker, LOGIN_CHANGE, &q);
	assert_true(span_is(q.user, "bob"));
	assert_true(span_is(q.password, old));
	assert_true(span_is(q.new_password, new));
}

static void
try_change(const char *old, const char *new)
{
	PLAY_TELL(TRY_CHANGE, .conn = 1, .user = span_str("bob"), .password = span_str(old),
	    .new_password = span_str(new));
}

/* RFC 4252 8: refused, too weak, changed but another method must follow, changed. */
static void
test_change(void **state)
{
	struct ipc_LOGIN_RESULT r;

	(void)state;
	connected();
	try_change("old", "older");
	expect_change("old", "older");
	fails("password", 0);
	expect_result(IPC_LOGIN_FAILED, "password");
	try_change("old", "1234");
	expect_change("old", "1234");
	PLAY_SAY(worker, LOGIN_CHANGEREQ, .prompt = span_str("longer, please"));
	PLAY_EXPECT(LOGIN_RESULT, &r);
	assert_int_equal(r.result, IPC_LOGIN_CHANGEREQ);
	assert_true(span_is(r.text, "longer, please"));
	try_change("old", "12345");
	expect_change("old", "12345");
	fails("publickey", 1);
	expect_result(IPC_LOGIN_PARTIAL, "publickey");
	try_change("old", "123456");
	expect_change("old", "123456");
	PLAY_SAY(worker, LOGIN_SUCCESS, .empty_ = 0);
	expect_login("password,password", "");
}

/* Neither the old nor the new one before the server is known. */
static void
test_change_waits(void **state)
{
	struct ipc_HOSTKEY_ASK ask;

	(void)state;
	attach("", span_of(NULL, 0));
	try_change("old", "new");
	verify_first();
	asked(IPC_UNKNOWN, &ask);
	PLAY_WORKER_QUIET(worker);
	PLAY_TELL(HOSTKEY_ANSWER, .conn = 1, .question = ask.question, .accept = 1);
	expect_verified(1);
	expect_change("old", "new");
}

/* The server may ask for a new password only where one was sent. */
static void
test_change_unasked(void **state)
{
	struct ipc_LOGIN_NONE none;
	struct ipc_END_OF end;

	(void)state;
	connected();
	PLAY_TELL(TRY_NONE, .conn = 1, .user = span_str("bob"));
	PLAY_WORKER_EXPECT(worker, LOGIN_NONE, &none);
	PLAY_SAY(worker, LOGIN_CHANGEREQ, .prompt = span_str("give me one"));
	PLAY_ENDED(1, IPC_WORKER_LIED, &end);
}

/* The signature is over our session id, and nothing the worker chose. */
static void
test_publickey(void **state)
{
	struct ipc_LOGIN_PUBLICKEY q;
	struct wr w;
	uint8_t data[1024];
	struct rd r;
	struct span sig;

	(void)state;
	connected();
	PLAY_SAY(worker, LOGIN_SIG_ALGS, .algs = span_str("rsa-sha2-512"));
	PLAY_TELL(TRY_PUBLICKEY, .conn = 1, .user = span_str("bob"), .key = play.user_key);
	PLAY_WORKER_EXPECT(worker, LOGIN_PUBLICKEY, &q);
	assert_true(span_is(q.alg, "ssh-ed25519"));
	assert_true(span_eq(q.key, span_of(play.user_blob, play.user_blob_len)));
	w = wr_of(data, sizeof(data));
	wr_blob(&w, span_of(session, 32), 32);
	wr_u8(&w, 50);
	wr_str(&w, "bob");
	wr_str(&w, "ssh-connection");
	wr_str(&w, "publickey");
	wr_u8(&w, 1);
	wr_str(&w, "ssh-ed25519");
	wr_blob(&w, q.key, 64);
	r = rd_of(q.signature);
	assert_true(span_is(rd_blob(&r, 64), "ssh-ed25519"));
	sig = rd_blob(&r, 64);
	assert_true(rd_done(&r));
	assert_int_equal(crypto_sign_verify_detached(sig.p, data, w.n,
	    play.user_blob + play.user_blob_len - 32), 0);
	PLAY_SAY(worker, LOGIN_SUCCESS, .empty_ = 0);
	expect_login("publickey", "ssh-ed25519");
}

/* OpenSSH PROTOCOL 3.1: the worker may say that the server takes it, but not whose. */
static void
test_host_bound(void **state)
{
	struct ipc_LOGIN_PUBLICKEY q;
	uint8_t data[1024];
	struct wr w = wr_of(data, sizeof(data));
	struct span sig;
	struct rd r;

	(void)state;
	connected();
	PLAY_SAY(worker, LOGIN_SIG_ALGS, .algs = span_str("ssh-ed25519"), .hostbound = 1);
	PLAY_TELL(TRY_PROBE, .conn = 1, .user = span_str("bob"), .alg = span_str("ssh-ed25519"),
	    .key = span_of(play.user_blob, play.user_blob_len));
	PLAY_WORKER_EXPECT(worker, LOGIN_PUBLICKEY, &q);
	assert_true(span_eq(q.host_key, server_key()));
	PLAY_SAY(worker, LOGIN_FAILURE, .methods = span_str("publickey"));
	expect_result(IPC_LOGIN_FAILED, "publickey");
	PLAY_TELL(TRY_PUBLICKEY, .conn = 1, .user = span_str("bob"), .key = play.user_key);
	PLAY_WORKER_EXPECT(worker, LOGIN_PUBLICKEY, &q);
	assert_true(span_eq(q.host_key, server_key()));
	wr_blob(&w, span_of(session, 32), 32);
	wr_u8(&w, 50);
	wr_str(&w, "bob");
	wr_str(&w, "ssh-connection");
	wr_str(&w, "publickey-hostbound-v00@openssh.com");
	wr_u8(&w, 1);
	wr_str(&w, "ssh-ed25519");
	wr_blob(&w, q.key, 64);
	wr_blob(&w, server_key(), 64);
	r = rd_of(q.signature);
	(void)rd_blob(&r, 64);
	sig = rd_blob(&r, 64);
	assert_true(rd_done(&r) && sig.n == 64);
	assert_int_equal(crypto_sign_verify_detached(sig.p, data, w.n,
	    play.user_blob + play.user_blob_len - 32), 0);
	PLAY_SAY(worker, LOGIN_SUCCESS, .empty_ = 0);
	expect_login("publickey", "ssh-ed25519");
}

/* Dropped, unknown, or a host key: not usable, and the worker hears nothing. */
static void
test_keys_that_do_not_sign(void **state)
{
	(void)state;
	connected();
	PLAY_TELL(TRY_PUBLICKEY, .conn = 1, .user = span_str("bob"), .key = play.user_key - 1);
	expect_result(IPC_LOGIN_FAILED, "");
	PLAY_TELL(TRY_PUBLICKEY, .conn = 1, .user = span_str("bob"), .key = 12345);
	expect_result(IPC_LOGIN_FAILED, "");
	PLAY_TELL(KEY_DROP, .key = play.user_key);
	PLAY_TELL(TRY_PUBLICKEY, .conn = 1, .user = span_str("bob"), .key = play.user_key);
	expect_result(IPC_LOGIN_FAILED, "");
	PLAY_WORKER_QUIET(worker);
}

static void
test_probe(void **state)
{
	struct span key = span_of(play.user_blob, play.user_blob_len);
	struct ipc_LOGIN_PUBLICKEY q;

	(void)state;
	connected();
	PLAY_TELL(TRY_PROBE, .conn = 1, .user = span_str("bob"), .alg = span_str("ssh-ed25519"),
	    .key = key);
	PLAY_WORKER_EXPECT(worker, LOGIN_PUBLICKEY, &q);
	assert_int_equal(q.signature.n, 0);
	PLAY_SAY(worker, LOGIN_PK_OK, .alg = span_str("ssh-ed25519"), .key = key);
	expect_result(IPC_LOGIN_PROBE_OK, "");
	PLAY_TELL(TRY_PROBE, .conn = 1, .user = span_str("bob"), .alg = span_str("ssh-ed25519"),
	    .key = key);
	PLAY_WORKER_EXPECT(worker, LOGIN_PUBLICKEY, &q);
	PLAY_SAY(worker, LOGIN_SUCCESS, .empty_ = 0);	/* nothing was proven */
	expect_end(IPC_PROTOCOL, "the server let in a mere question about a key");
}

static const uint8_t prompt[] = { 0, 0, 0, 1, 0, 0, 0, 1, '?', 0 };
static const uint8_t reply[] = { 0, 0, 0, 1, 0, 0, 0, 2, '4', '2' };

static void
info_asked(struct ipc_INFO_ASK *ask)
{
	struct ipc_LOGIN_KBDINT q;

	PLAY_TELL(TRY_KBDINT, .conn = 1, .user = span_str("bob"), .submethods = span_str(""));
	PLAY_WORKER_EXPECT(worker, LOGIN_KBDINT, &q);
	PLAY_SAY(worker, LOGIN_INFO, .name = span_str("n"), .instruction = span_str("i"),
	    .prompts = span_of(prompt, sizeof(prompt)));
	PLAY_EXPECT(INFO_ASK, ask);
}

static void
test_kbdint(void **state)
{
	struct ipc_INFO_ASK ask;
	struct ipc_LOGIN_RESPONSES q;

	(void)state;
	connected();
	info_asked(&ask);
	PLAY_TELL(INFO_ANSWER, .conn = 1, .question = ask.question + 1,
	    .answers = span_of(reply, sizeof(reply)));
	PLAY_WORKER_QUIET(worker);
	PLAY_TELL(INFO_ANSWER, .conn = 1, .question = ask.question,
	    .answers = span_of(reply, sizeof(reply)));
	PLAY_WORKER_EXPECT(worker, LOGIN_RESPONSES, &q);
	assert_true(span_eq(q.answers, span_of(reply, sizeof(reply))));
	PLAY_SAY(worker, LOGIN_SUCCESS, .empty_ = 0);
	expect_login("keyboard-interactive", "");
}

static void
test_wrong_number_of_answers(void **state)
{
	struct ipc_INFO_ASK ask;

	(void)state;
	connected();
	info_asked(&ask);
	PLAY_TELL(INFO_ANSWER, .conn = 1, .question = ask.question,
	    .answers = span_of("\0\0\0\0", 4));
	assert_true(play.m->over);
}

/* Given up by the application: the prompts get no answer, the next request follows. */
static void
test_next_request_follows(void **state)
{
	struct ipc_INFO_ASK ask;
	struct ipc_LOGIN_RESPONSES none;
	struct ipc_LOGIN_PASSWORD pass;

	(void)state;
	connected();
	info_asked(&ask);
	PLAY_TELL(TRY_PASSWORD, .conn = 1, .user = span_str("bob"), .password = span_str("p"));
	PLAY_WORKER_EXPECT(worker, LOGIN_RESPONSES, &none);
	assert_int_equal(none.answers.n, 4);
	PLAY_WORKER_QUIET(worker);
	PLAY_TELL(INFO_ANSWER, .conn = 1, .question = ask.question,
	    .answers = span_of(reply, sizeof(reply)));
	PLAY_WORKER_QUIET(worker);			/* late */
	fails("password", 0);
	expect_result(IPC_LOGIN_FAILED, "password");
	PLAY_WORKER_EXPECT(worker, LOGIN_PASSWORD, &pass);
	assert_true(span_is(pass.password, "p"));
}

static void
test_two_kept(void **state)
{
	(void)state;
	connected();
	PLAY_TELL(TRY_NONE, .conn = 1, .user = span_str("bob"));
	PLAY_TELL(TRY_NONE, .conn = 1, .user = span_str("bob"));
	assert_false(play.m->over);
	PLAY_TELL(TRY_NONE, .conn = 1, .user = span_str("bob"));
	assert_true(play.m->over);
}

static void
test_banners(void **state)
{
	struct ipc_BANNER b;
	struct ipc_END_OF end;

	(void)state;
	connected();
	for (int i = 0; i < MONITOR_BANNERS_MAX; i++) {
		PLAY_SAY(worker, LOGIN_BANNER, .text = span_str("hello"));
		PLAY_EXPECT(BANNER, &b);
	}
	PLAY_SAY(worker, LOGIN_BANNER, .text = span_str("hello"));
	PLAY_ENDED(1, IPC_WORKER_LIED, &end);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, play_teardown)
	const struct CMUnitTest tests[] = {
		T(test_known), T(test_one_key), T(test_another_key), T(test_unknown_accepted),
		T(test_unknown_beside_another_type),
		T(test_unknown_refused), T(test_changed), T(test_revoked), T(test_bad_signature),
		T(test_flipped_signature), T(test_foreign_kexinit),
		T(test_algorithm_not_offered), T(test_rekey_other_key),
		T(test_rekey), T(test_password_waits), T(test_password_never_sent),
		T(test_password), T(test_change), T(test_change_waits), T(test_change_unasked),
		T(test_publickey), T(test_host_bound), T(test_keys_that_do_not_sign),
		T(test_probe), T(test_kbdint), T(test_wrong_number_of_answers),
		T(test_next_request_follows), T(test_two_kept), T(test_banners),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
