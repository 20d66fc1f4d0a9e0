/*
 * attack_test.c - a hostile worker against the real monitor.
 *
 * It sends every message in every state it can bring about, floods, claims logins,
 * attaches descriptors, and dies at bad moments.  What must hold each time: it is
 * ended or heard exactly as the table below says, nothing is signed and nobody is
 * logged in unless the table says so, and a bystander's connection notices nothing.
 */
#include <openssl/bn.h>
#include <sys/socket.h>

#include "tests/monitor_play.h"

enum { MINE = 2, BYSTANDER = 1 };

static struct play_child *bystander, *worker;
static struct play_start start;
static uint8_t session[32];

/* ---- a message of any number, well-formed and as meaningless as can be ---- */

static const uint8_t nothing[4] = { 0, 0, 0, 0 };
static size_t
build(unsigned number, uint8_t *out)
{
	struct wr w = wr_of(out, IPC_MESSAGE_MAX);
	struct span blob = span_of(nothing, sizeof(nothing));
	struct span text = span_str("x");

	wr_u8(&w, (uint8_t)number);
	switch (number) {
#define MSG(link, NAME, id, phases, kex, flags) case id:
#define U8(f_)        wr_u8(&w, 1);
#define U32(f_)       wr_u32(&w, 1);
#define U64(f_)       wr_u64(&w, 1);
#define BLOB(f_, max) wr_blob(&w, blob, max);
#define TEXT(f_, max) wr_blob(&w, text, max);
#define FD(f_)
#define END           break;
#include "ipc/messages.def"
	}
	(void)blob;
	(void)text;
	assert_false(w.bad);
	return w.n;
}

/* ---- the states ---- */

static void
server_kex(void)
{
	worker = play_connect(MINE, IPC_SERVER, &start);
}

static void
server_signed(void)
{
	struct ipc_SIGNED sig;
	struct ipc_SIGN sign;
	struct play_kex x;

	server_kex();
	play_kex(&x);
	sign = play_sign_of(&x);
	assert_int_equal(ipc_send_SIGN(worker->link, &sign), 0);
	play_run();
	PLAY_WORKER_EXPECT(worker, SIGNED, &sig);
}

/* A server whose one group is that of RFC 3526 3. */
static void
server_gex(void)
{
	struct ipc_NEW plan = play_plan(MINE, IPC_SERVER);
	char path[] = "/tmp/attack_moduli_XXXXXX";
	struct ipc_MODULI_LOADED loaded;
	BIGNUM *p = BN_get_rfc3526_prime_2048(NULL);
	char *hex = BN_bn2hex(p);
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(unlink(path), 0);
	assert_true(dprintf(fd, "20260101000000 2 6 100 2047 2 %s\n", hex) > 512);
	OPENSSL_free(hex);
	BN_free(p);
	PLAY_TELL(MODULI, .call = 4, .file = fd);
	close(fd);
	PLAY_EXPECT(MODULI_LOADED, &loaded);
	assert_int_equal(loaded.count, 1);
	plan.kex = span_str("diffie-hellman-group-exchange-sha256");
	play_new(&plan);
	play_attach(MINE);
	worker = play_started(MINE, &start);
}

static void
server_grouped(void)
{
	struct ipc_GROUP group;

	server_gex();
	PLAY_SAY(worker, GROUP_ASK, .min = 2048, .n = 2048, .max = 8192);
	PLAY_WORKER_EXPECT(worker, GROUP, &group);
	assert_int_equal(group.p.n, 256);
}

static void
server_dumping(void)
{
	struct ipc_HEXDUMP mode;

	server_kex();
	PLAY_TELL(SET_HEXDUMP, .conn = MINE, .mode = IPC_HEXDUMP_BLANKED);
	PLAY_WORKER_EXPECT(worker, HEXDUMP, &mode);
}

/* Turned off again: what was under way is dropped, and no lie. */
static void
server_dumped(void)
{
	struct ipc_HEXDUMP mode;

	server_dumping();
	PLAY_TELL(SET_HEXDUMP, .conn = MINE, .mode = IPC_HEXDUMP_OFF);
	PLAY_WORKER_EXPECT(worker, HEXDUMP, &mode);
}

static void
server_auth(void)
{
	worker = play_server(MINE, session);
}

static uint64_t
server_asked_question(void)
{
	struct ipc_ASK_PASSWORD ask;

	server_auth();
	PLAY_SAY(worker, AUTH_PASSWORD, .user = span_str("x"), .password = span_str("x"));
	PLAY_EXPECT(ASK_PASSWORD, &ask);
	return ask.question;
}

static void
server_asked(void)
{
	(void)server_asked_question();
}

static void
server_refusing(void)
{
	struct ipc_ATTEMPT attempt;
	uint64_t question = server_asked_question();

	PLAY_TELL(LOGIN_ANSWER, .conn = MINE, .question = question, .verdict = IPC_REFUSED);
	PLAY_EXPECT(ATTEMPT, &attempt);
}

static void
server_prompted(void)
{
	struct ipc_ASK_KBDINT ask;
	struct ipc_PROMPTS prompts;

	server_auth();
	PLAY_SAY(worker, AUTH_KBDINT, .user = span_str("x"), .submethods = span_str(""));
	PLAY_EXPECT(ASK_KBDINT, &ask);
	PLAY_TELL(PROMPT_ANSWER, .conn = MINE, .question = ask.question,
	    .prompts = span_of(nothing, sizeof(nothing)));
	PLAY_WORKER_EXPECT(worker, PROMPTS, &prompts);
}

static void
opened(void)
{
	struct ipc_USER_LOGGED_IN in;
	struct ipc_LOGGED_IN gate;

	PLAY_EXPECT(USER_LOGGED_IN, &in);
	close(in.worker);
	PLAY_WORKER_EXPECT(worker, LOGGED_IN, &gate);
	close(gate.app);
}

static void
server_open(void)
{
	struct ipc_ATTEMPT attempt;
	uint64_t question = server_asked_question();

	PLAY_TELL(LOGIN_ANSWER, .conn = MINE, .question = question, .verdict = IPC_ACCEPTED);
	PLAY_EXPECT(ATTEMPT, &attempt);
	opened();
}

static void
server_stopping(void)
{
	struct ipc_STOP stop;

	server_open();
	PLAY_TELL(CLOSE, .conn = MINE, .disconnect = 11, .text = span_str("enough"));
	PLAY_WORKER_EXPECT(worker, STOP, &stop);
}

static void
client_kex(void)
{
	worker = play_connect(MINE, IPC_CLIENT, &start);
}

static void
client_verify(void)
{
	struct span host = span_of(play.host_blob, play.host_blob_len), i_s = span_str("\024x");
	struct play_kex x;
	uint8_t h[32], sig[256];
	size_t n;

	client_kex();
	play_kex(&x);
	play_h(span_str("SSH-2.0-Ours"), span_str("SSH-2.0-S"),
	    span_of(start.kexinit, start.kexinit_len), i_s, host, &x, h);
	n = play_sign(play.seed, span_of(h, 32), sig, sizeof(sig));
	assert_int_equal(ipc_send_VERIFY(worker->link, &(struct ipc_VERIFY){
	    .kex = span_str("curve25519-sha256"), .hostkey_alg = span_str("ssh-ed25519"),
	    .v_s = span_str("SSH-2.0-S"), .i_s = i_s, .k_s = host, .q_c = span_of(x.q_c, 32),
	    .q_s = span_of(x.q_s, 32), .k = span_of(x.k, 32), .signature = span_of(sig, n) }), 0);
	play_run();
}

static uint64_t
client_hostkey_question(void)
{
	struct ipc_HOSTKEY_ASK ask;

	client_verify();
	PLAY_EXPECT(HOSTKEY_ASK, &ask);
	return ask.question;
}

static void
client_hostkey(void)
{
	(void)client_hostkey_question();
}

static void
client_verified(void)
{
	uint64_t question = client_hostkey_question();
	struct ipc_VERIFIED v;

	PLAY_TELL(HOSTKEY_ANSWER, .conn = MINE, .question = question, .accept = 1);
	PLAY_WORKER_EXPECT(worker, VERIFIED, &v);
}

static void
client_auth(void)
{
	struct ipc_KEX_DONE done;

	client_verified();
	play_agree(worker);
	PLAY_EXPECT(KEX_DONE, &done);
}

static void
client_password(void)
{
	struct ipc_LOGIN_PASSWORD q;

	client_auth();
	PLAY_TELL(TRY_PASSWORD, .conn = MINE, .user = span_str("x"), .password = span_str("x"));
	PLAY_WORKER_EXPECT(worker, LOGIN_PASSWORD, &q);
}

static void
client_change(void)
{
	struct ipc_LOGIN_CHANGE q;

	client_auth();
	PLAY_TELL(TRY_CHANGE, .conn = MINE, .user = span_str("x"), .password = span_str("old"),
	    .new_password = span_str("new"));
	PLAY_WORKER_EXPECT(worker, LOGIN_CHANGE, &q);
}

/* The application makes the signature: the worker has no request yet. */
static void
client_signing(void)
{
	struct ipc_KEY_LOADED loaded;

	PLAY_TELL(KEY_SIGNER, .call = 3, .alg = span_str("ssh-ed25519"),
	    .blob = span_of(play.user_blob, play.user_blob_len));
	PLAY_EXPECT(KEY_LOADED, &loaded);
	client_auth();
	PLAY_TELL(TRY_PUBLICKEY, .conn = MINE, .user = span_str("x"), .key = loaded.key);
	assert_int_equal(play_next(), IPC_MSG_SIGN_ASK);
}

/* The request is answered: nothing is outstanding, so nothing can succeed. */
static void
client_failed(void)
{
	client_password();
	PLAY_SAY(worker, LOGIN_FAILURE, .methods = span_str("password"));
	assert_int_equal(play_next(), IPC_MSG_LOGIN_RESULT);
}

static void
client_kbdint(void)
{
	struct ipc_LOGIN_KBDINT q;

	client_auth();
	PLAY_TELL(TRY_KBDINT, .conn = MINE, .user = span_str("x"), .submethods = span_str("x"));
	PLAY_WORKER_EXPECT(worker, LOGIN_KBDINT, &q);
}

static void
client_prompts(void)
{
	client_kbdint();
	PLAY_SAY(worker, LOGIN_INFO, .prompts = span_of(nothing, sizeof(nothing)));
	assert_int_equal(play_next(), IPC_MSG_INFO_ASK);
}

static void
client_probe(void)
{
	struct ipc_LOGIN_PUBLICKEY q;

	client_auth();
	PLAY_TELL(TRY_PROBE, .conn = MINE, .user = span_str("x"), .alg = span_str("x"),
	    .key = span_of(nothing, sizeof(nothing)));
	PLAY_WORKER_EXPECT(worker, LOGIN_PUBLICKEY, &q);
}

static void
client_open(void)
{
	client_password();
	PLAY_SAY(worker, LOGIN_SUCCESS, .empty_ = 0);
	opened();
}

/* Every state, and by hand the messages that a worker survives in it.  All others
 * of all 256 numbers end it. */
#define NOTE_BYE IPC_MSG_NOTE, IPC_MSG_BYE
#define AUTHS IPC_MSG_AUTH_NONE, IPC_MSG_AUTH_PASSWORD, IPC_MSG_AUTH_CHANGE, IPC_MSG_AUTH_PUBLICKEY, \
	IPC_MSG_AUTH_KBDINT, IPC_MSG_AUTH_OTHER
static const struct state {
	const char *name;
	void (*reach)(void);
	uint8_t alive[16];
} states[] = {
	{ "server kex",      server_kex,      { NOTE_BYE } },
	{ "server gex",      server_gex,      { NOTE_BYE, IPC_MSG_GROUP_ASK } },
	{ "server grouped",  server_grouped,  { NOTE_BYE } },
	{ "server dumping",  server_dumping,  { NOTE_BYE, IPC_MSG_DUMP } },
	{ "server dumped",   server_dumped,   { NOTE_BYE, IPC_MSG_DUMP } },
	{ "server signed",   server_signed,   { NOTE_BYE, IPC_MSG_AGREED } },
	{ "server auth",     server_auth,     { NOTE_BYE, AUTHS } },
	{ "server asked",    server_asked,    { NOTE_BYE } },
	{ "server refusing", server_refusing, { NOTE_BYE } },
	{ "server prompted", server_prompted, { NOTE_BYE, AUTHS, IPC_MSG_AUTH_RESPONSES } },
	{ "server open",     server_open,     { NOTE_BYE } },
	{ "client kex",      client_kex,      { NOTE_BYE, IPC_MSG_LOGIN_SIG_ALGS } },
	{ "client host key", client_hostkey,  { NOTE_BYE, IPC_MSG_LOGIN_SIG_ALGS } },
	{ "client verified", client_verified, { NOTE_BYE, IPC_MSG_LOGIN_SIG_ALGS,
	  IPC_MSG_AGREED } },
	{ "client auth",     client_auth,     { NOTE_BYE, IPC_MSG_LOGIN_SIG_ALGS,
	  IPC_MSG_LOGIN_BANNER } },
	{ "client password", client_password, { NOTE_BYE, IPC_MSG_LOGIN_SIG_ALGS,
	  IPC_MSG_LOGIN_BANNER, IPC_MSG_LOGIN_SUCCESS, IPC_MSG_LOGIN_FAILURE,
	  IPC_MSG_LOGIN_CHANGEREQ } },
	{ "client change",   client_change,   { NOTE_BYE, IPC_MSG_LOGIN_SIG_ALGS,
	  IPC_MSG_LOGIN_BANNER, IPC_MSG_LOGIN_SUCCESS, IPC_MSG_LOGIN_FAILURE,
	  IPC_MSG_LOGIN_CHANGEREQ } },
	{ "client signing",  client_signing,  { NOTE_BYE, IPC_MSG_LOGIN_SIG_ALGS,
	  IPC_MSG_LOGIN_BANNER } },
	{ "client failed",   client_failed,   { NOTE_BYE, IPC_MSG_LOGIN_SIG_ALGS,
	  IPC_MSG_LOGIN_BANNER } },
	{ "client prompts",  client_prompts,  { NOTE_BYE, IPC_MSG_LOGIN_SIG_ALGS,
	  IPC_MSG_LOGIN_BANNER } },
	{ "client kbdint",   client_kbdint,   { NOTE_BYE, IPC_MSG_LOGIN_SIG_ALGS,
	  IPC_MSG_LOGIN_BANNER, IPC_MSG_LOGIN_SUCCESS, IPC_MSG_LOGIN_FAILURE,
	  IPC_MSG_LOGIN_INFO } },
	/* SUCCESS there is told to stop, politely: the server's fault */
	{ "client probe",    client_probe,    { NOTE_BYE, IPC_MSG_LOGIN_SIG_ALGS,
	  IPC_MSG_LOGIN_BANNER, IPC_MSG_LOGIN_SUCCESS, IPC_MSG_LOGIN_FAILURE,
	  IPC_MSG_LOGIN_PK_OK } },
	/* host keys that nobody wants to learn are passed over */
	{ "client open",     client_open,     { NOTE_BYE, IPC_MSG_LOGIN_SIG_ALGS,
	  IPC_MSG_HOSTKEYS_TOLD } },
};
enum { STATES = sizeof(states) / sizeof(states[0]) };

static bool
survives(const struct state *s, unsigned number)
{
	return number != 0 && memchr(s->alive, (int)number, sizeof(s->alive)) != NULL;
}

static void
begin(void)
{
	(void)play_setup(NULL);
	bystander = play_server(BYSTANDER, session);
}

static void
end(void)
{
	assert_false(play.m->over);
	assert_false(bystander->dead);
	PLAY_WORKER_QUIET(bystander);
	(void)play_teardown(NULL);
}

/* Sends raw bytes and runs; the worker's link may close under it. */
static void
inject(const uint8_t *bytes, size_t n)
{
	assert_int_equal(ipc_send(worker->link, span_of(bytes, n), NULL, 0), 0);
	play_run();
}

/* Ended as a liar; nothing else came of it. */
static void
expect_ended(const char *state, unsigned number)
{
	struct ipc_END_OF over;

	if (!worker->dead || !worker->reaped)
		fail_msg("%s: message %u did not end the worker", state, number);
	PLAY_ENDED(MINE, IPC_WORKER_LIED, &over);
	assert_int_equal(over.is_claim, 0);
	PLAY_QUIET();
}

static void
test_every_message_in_every_state(void **state)
{
	static uint8_t message[IPC_MESSAGE_MAX];

	(void)state;
	for (size_t i = 0; i < STATES; i++)
		for (unsigned number = 0; number < 256; number++) {
			size_t n = build(number, message);
			bool login = number == IPC_MSG_LOGIN_SUCCESS &&
			    states[i].reach != client_probe;

			begin();
			states[i].reach();
			inject(message, n);
			if (!survives(&states[i], number)) {
				expect_ended(states[i].name, number);
				end();
				continue;
			}
			if (worker->dead)
				fail_msg("%s: message %u ended the worker", states[i].name, number);
			while (play_next() != 0)
				if (play.rx[0] == IPC_MSG_USER_LOGGED_IN && !login)
					fail_msg("%s: message %u logged in", states[i].name,
					    number);
			while (play_take(worker->link))
				assert_true(play.rx[0] != IPC_MSG_SIGNED &&
				    (play.rx[0] != IPC_MSG_LOGGED_IN || login));
			end();
		}
}

/* Truncated everywhere, and one byte too many. */
static void
test_every_truncation(void **state)
{
	static uint8_t message[IPC_MESSAGE_MAX];

	(void)state;
	for (size_t i = 0; i < STATES; i++)
		for (size_t j = 0; j < sizeof(states[i].alive) && states[i].alive[j] != 0; j++) {
			unsigned number = states[i].alive[j];
			size_t n = build(number, message);

			for (size_t cut = 1; cut <= n + 1; cut++) {
				if (cut == n)
					continue;
				message[n] = 0;
				begin();
				states[i].reach();
				inject(message, cut);
				expect_ended(states[i].name, number);
				end();
			}
		}
}

/* The waiting worker has no connection to lie about: it goes, and its layout. */
static void
test_spare(void **state)
{
	static uint8_t message[IPC_MESSAGE_MAX];

	(void)state;
	for (unsigned number = 0; number < 256; number++) {
		struct play_child *zygote;
		size_t n = build(number, message);

		begin();
		worker = play_last(PLAY_WORKER);
		zygote = play_last(PLAY_ZYGOTE);
		inject(message, n);
		assert_true(worker->dead && worker->reaped);
		assert_true(zygote->dead && zygote->reaped);
		PLAY_QUIET();
		server_auth();			/* the next is served */
		end();
	}
}

/* Told to stop: nothing it says is heard any more, but for its goodbye. */
static void
test_after_the_end(void **state)
{
	static uint8_t message[IPC_MESSAGE_MAX];
	struct ipc_END_OF over;

	(void)state;
	for (unsigned number = 0; number < 256; number++) {
		size_t n = build(number, message);

		begin();
		server_stopping();
		inject(message, n);
		PLAY_QUIET();
		play_die(worker, 0, 0);
		play_run();
		PLAY_ENDED(MINE, IPC_DONE_BY_US, &over);
		assert_true(span_is(over.text, "enough"));
		PLAY_QUIET();
		end();
	}
}

/* The second of two that are good once. */
static void
test_twice(void **state)
{
	(void)state;
	begin();
	server_signed();
	play_agree(worker);
	assert_int_equal(play_next(), IPC_MSG_KEX_DONE);
	play_agree(worker);
	expect_ended("server auth", IPC_MSG_AGREED);
	end();
	begin();
	server_auth();
	PLAY_SAY(worker, AUTH_NONE, .user = span_str("x"));
	PLAY_SAY(worker, READY, .layers = 1, .report = span_str(""));
	expect_ended("server auth", IPC_MSG_READY);
	end();
	begin();
	server_auth();
	PLAY_SAY(worker, BYE, .outcome = IPC_CUT, .side = IPC_PEER);
	PLAY_SAY(worker, BYE, .outcome = IPC_CUT, .side = IPC_PEER);
	expect_ended("goodbye", IPC_MSG_BYE);
	end();
}

/* A worker claims only what a worker can know. */
static void
test_bye_claims(void **state)
{
	static const uint8_t ok[] = { IPC_DONE_BY_US, IPC_PEER_CLOSED, IPC_CUT, IPC_TIMED_OUT,
		IPC_PROTOCOL, IPC_NO_MATCH, IPC_RESOURCE, IPC_SILENT };
	struct ipc_END_OF over;

	(void)state;
	for (unsigned outcome = 0; outcome < 20; outcome++) {
		begin();
		server_auth();
		PLAY_SAY(worker, BYE, .outcome = outcome, .side = IPC_PEER,
		    .phase = span_str("auth"), .disconnect = 11, .text = span_str("the peer"),
		    .ours = span_str("a,b"), .theirs = span_str("c"));
		if (outcome == 0 || memchr(ok, (int)outcome, sizeof(ok)) == NULL) {
			expect_ended("bye", outcome);
			end();
			continue;
		}
		play_die(worker, 0, 0);
		play_run();
		PLAY_ENDED(MINE, outcome, &over);
		assert_int_equal(over.is_claim, 1);
		assert_int_equal(over.disconnect, 11);
		assert_true(span_is(over.text, "the peer"));
		assert_true(span_is(over.ours, "a,b"));
		assert_true(span_is(over.theirs, "c"));
		end();
	}
	begin();
	server_auth();
	PLAY_SAY(worker, BYE, .outcome = IPC_CUT, .side = 4);
	expect_ended("bye", 4);
	end();
	/* a claim does not cover up how it died */
	begin();
	server_auth();
	PLAY_SAY(worker, BYE, .outcome = IPC_PEER_CLOSED, .side = IPC_PEER,
	    .phase = span_str("auth"), .text = span_str("all is well"));
	play_die(worker, SIGSYS, 0);
	play_run();
	PLAY_ENDED(MINE, IPC_WORKER_DIED, &over);
	assert_true(span_is(over.text, "worker died (SIGSYS)"));
	end();
}

/* The last words of a worker that is dead already are read first. */
static void
test_last_words(void **state)
{
	struct ipc_END_OF over;
	struct ipc_CLAIM claim;

	(void)state;
	begin();
	server_auth();
	assert_int_equal(ipc_send_NOTE(worker->link, &(struct ipc_NOTE){ .level = IPC_INFO,
	    .text = span_str("one") }), 0);
	assert_int_equal(ipc_send_BYE(worker->link, &(struct ipc_BYE){ .outcome = IPC_CUT,
	    .side = IPC_SYSTEM, .phase = span_str("auth"), .text = span_str("reset") }), 0);
	play_die(worker, 0, 0);
	play_run();
	PLAY_EXPECT(CLAIM, &claim);
	assert_true(span_is(claim.text, "one"));
	PLAY_ENDED(MINE, IPC_CUT, &over);
	assert_true(span_is(over.text, "reset"));
	end();
}

/* ---- floods ---- */

static void
test_notes(void **state)
{
	struct ipc_CLAIM claim;

	(void)state;
	begin();
	server_auth();
	for (int i = 0; i < 500; i++) {
		assert_int_equal(ipc_send_NOTE(worker->link, &(struct ipc_NOTE){
		    .level = IPC_INFO, .text = span_str("look at me") }), 0);
		(void)monitor_turn(play.m, 0);
	}
	for (int i = 0; i < MONITOR_NOTE_BURST; i++)
		PLAY_EXPECT(CLAIM, &claim);
	PLAY_QUIET();
	PLAY_SAY(worker, NOTE, .level = 0, .text = span_str(""));
	expect_ended("note", IPC_MSG_NOTE);
	end();
}

/* One message a turn: a flood does not come before a neighbour's single word. */
static void
test_fair_turns(void **state)
{
	struct ipc_CLAIM claim;
	struct ipc_NOTE note = { .level = IPC_INFO, .text = span_str("x") };
	unsigned mine = 0, theirs = 0;

	(void)state;
	begin();
	server_auth();
	for (int i = 0; i < 50; i++)
		assert_int_equal(ipc_send_NOTE(worker->link, &note), 0);
	assert_int_equal(ipc_send_NOTE(bystander->link, &note), 0);
	(void)monitor_turn(play.m, 0);
	while (play_next() == IPC_MSG_CLAIM) {
		struct rd r = { play.rx + 1, play.rx_len - 1, false };

		assert_true(ipc_get_CLAIM(&r, play.rx_fds, &claim));
		mine += claim.conn == MINE;
		theirs += claim.conn == BYSTANDER;
	}
	assert_int_equal(mine, 1);
	assert_int_equal(theirs, 1);
	(void)play_teardown(NULL);
}

/* The application reads nothing: dumps are dropped and counted, and the bystander is
 * heard all the same. */
static void
test_dumps(void **state)
{
	static const uint8_t packet[35000];
	struct ipc_DUMP dump = { .is_out = 1, .packet = span_of(packet, sizeof(packet)) };
	struct ipc_CLAIM claim;
	unsigned seen = 0;

	(void)state;
	begin();
	server_dumping();
	for (int i = 0; i < 2000; i++) {
		(void)ipc_send_DUMP(worker->link, &dump);	/* as fast as it can */
		(void)monitor_turn(play.m, 0);
		assert_int_equal(play.m->queue.bytes, 0);
	}
	PLAY_SAY(bystander, NOTE, .level = IPC_INFO, .text = span_str("x"));
	assert_int_equal(play.m->queue.bytes, 0);
	while (play_next() == IPC_MSG_DUMPED)
		seen++;
	PLAY_DECODE(CLAIM, &claim);
	assert_int_equal(claim.conn, BYSTANDER);
	assert_in_range(seen, 1, 8);
	assert_false(worker->dead);
	end();
}

/* Login requests without waiting for the verdict. */
static void
test_impatient_logins(void **state)
{
	struct ipc_END_OF over;
	struct ipc_ASK_PASSWORD ask;

	(void)state;
	begin();
	server_auth();
	for (int i = 0; i < 50; i++)
		assert_int_equal(ipc_send_AUTH_PASSWORD(worker->link, &(struct ipc_AUTH_PASSWORD){
		    .user = span_str("x"), .password = span_str("x") }), 0);
	play_run();
	PLAY_EXPECT(ASK_PASSWORD, &ask);
	PLAY_ENDED(MINE, IPC_WORKER_LIED, &over);
	PLAY_QUIET();
	end();
}

/* The application reads nothing: workers are not read either, nothing is lost, and
 * what was queued arrives in order with its descriptors. */
static void
test_slow_application(void **state)
{
	enum { ROUNDS = 4000 };
	static const char words[256] = { [0 ... 254] = 'w' };
	struct ipc_NOTE note = { .level = IPC_INFO, .text = span_str(words) };
	unsigned sent = 0, claims = 0, logins = 0;
	uint64_t question;
	int type;

	(void)state;
	begin();
	question = server_asked_question();
	for (int i = 0; i < ROUNDS && !play.m->workers_paused; i++) {
		sent += ipc_send_NOTE(bystander->link, &note) == 0;
		play.now += 1000;		/* the bucket lets one through */
		play.m->table[MINE]->deadline.at = play.now + 1000000;
		play.m->table[BYSTANDER]->deadline.at = play.now + 1000000;
		(void)monitor_turn(play.m, 0);
	}
	assert_true(play.m->workers_paused);
	PLAY_TELL(LOGIN_ANSWER, .conn = MINE, .question = question, .verdict = IPC_ACCEPTED);
	/* the workers' messages stay where they are until their sockets are full */
	while (ipc_send_NOTE(bystander->link, &note) == 0)
		(void)monitor_turn(play.m, 0);
	assert_int_equal(monitor_turn(play.m, 0), true);
	assert_true(play.m->workers_paused);
	for (;;) {
		type = play_next();
		if (type == IPC_MSG_CLAIM) {
			assert_int_equal(logins, 0);
			claims++;
		} else if (type == IPC_MSG_USER_LOGGED_IN) {
			assert_int_equal(play.rx_nfds, 1);
			logins++;
			break;
		} else if (type == 0) {
			monitor_app_flush(play.m);
			assert_true(claims <= sent);
		}
	}
	assert_int_equal(claims, sent);
	assert_int_equal(logins, 1);
	play_run();
	assert_false(play.m->workers_paused);
	assert_false(worker->dead);
	(void)play_teardown(NULL);
}

/* It does not read what it is told: it is not waited for. */
static void
test_worker_does_not_read(void **state)
{
	struct ipc_END_OF over;
	int type, n = 0;

	(void)state;
	begin();
	client_auth();
	do {
		assert_int_equal(ipc_send_TRY_PASSWORD(play.app, &(struct ipc_TRY_PASSWORD){
		    .conn = MINE, .user = span_str("x"), .password = span_str("x") }), 0);
		assert_int_equal(ipc_send_LOGIN_FAILURE(worker->link, &(struct ipc_LOGIN_FAILURE){
		    .methods = span_str("password") }), 0);
		play_run();
		type = play_next();
	} while (type == IPC_MSG_LOGIN_RESULT && ++n < 100000);
	assert_int_equal(type, IPC_MSG_END_OF);
	{
		struct rd r = { play.rx + 1, play.rx_len - 1, false };

		assert_true(ipc_get_END_OF(&r, play.rx_fds, &over));
	}
	assert_int_equal(over.outcome, IPC_WORKER_LIED);
	assert_true(play_contains(over.text, "does not read"));
	end();
}

/* ---- what it must not bring along ---- */

/* Descriptors on a message: the kernel drops them, the message counts. */
static void
test_descriptors(void **state)
{
	static uint8_t message[IPC_MESSAGE_MAX];
	size_t n = build(IPC_MSG_NOTE, message);
	int p[2], before;
	char c;

	(void)state;
	begin();
	server_auth();
	assert_int_equal(pipe(p), 0);
	before = play_open_descriptors();
	assert_int_equal(ipc_send(worker->link, span_of(message, n), (int[]){ p[1], p[1], p[1] },
	    3), 0);
	play_run();
	assert_int_equal(play_next(), IPC_MSG_CLAIM);
	assert_int_equal(play_open_descriptors(), before);
	close(p[1]);
	assert_int_equal(read(p[0], &c, 1), 0);	/* nobody holds it */
	close(p[0]);
	end();
}

static void
test_too_long(void **state)
{
	static uint8_t big[IPC_MESSAGE_MAX + 1] = { IPC_MSG_NOTE };

	(void)state;
	begin();
	server_auth();
	inject(big, IPC_MESSAGE_MAX);
	expect_ended("server auth", IPC_MSG_NOTE);
	end();
	begin();
	server_auth();
	assert_int_equal(send(worker->link, big, sizeof(big), MSG_DONTWAIT), sizeof(big));
	play_run();
	expect_ended("server auth", IPC_MSG_NOTE);
	end();
}

/* It closes its link and stays: that is no way to escape the reaper. */
static void
test_closed_link(void **state)
{
	struct ipc_END_OF over;

	(void)state;
	begin();
	server_open();
	close(worker->link);
	worker->link = -1;
	play_run();
	assert_true(worker->dead && worker->reaped);
	PLAY_ENDED(MINE, IPC_WORKER_DIED, &over);
	end();
}

/* ---- the zygote's lies ---- */

static void
fork_answer(uint32_t pid, bool right_serial)
{
	struct play_child *zygote = play_last(PLAY_ZYGOTE), *fork;
	uint64_t serial;

	play.worker_silent = true;
	server_kex();				/* takes the spare: one more is asked for */
	fork = play_last(PLAY_WORKER);
	serial = fork->serial;
	assert_int_equal(ipc_send_FORKED(zygote->link, &(struct ipc_FORKED){
	    .serial = right_serial ? serial : serial + 100, .pid = pid }), 0);
	play.worker_silent = false;
	play_run();
	assert_true(zygote->dead && zygote->reaped);
	assert_false(worker->dead);
	assert_false(bystander->dead);
}

static void
test_foreign_pid(void **state)
{
	(void)state;
	begin();
	fork_answer(1, true);
	end();
	begin();
	fork_answer(0, true);
	end();
	begin();
	fork_answer(UINT32_MAX, true);
	end();
	begin();
	fork_answer((uint32_t)bystander->pid, true);	/* a child, but another's */
	end();
	begin();
	fork_answer((uint32_t)play_last(PLAY_ZYGOTE)->pid, true);
	end();
	begin();
	fork_answer(1, false);
	end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_message_in_every_state),
		cmocka_unit_test(test_every_truncation), cmocka_unit_test(test_spare),
		cmocka_unit_test(test_after_the_end), cmocka_unit_test(test_twice),
		cmocka_unit_test(test_bye_claims), cmocka_unit_test(test_last_words),
		cmocka_unit_test(test_notes), cmocka_unit_test(test_fair_turns),
		cmocka_unit_test(test_dumps), cmocka_unit_test(test_impatient_logins), cmocka_unit_test(test_slow_application),
		cmocka_unit_test(test_worker_does_not_read), cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_too_long), cmocka_unit_test(test_closed_link),
		cmocka_unit_test(test_foreign_pid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
