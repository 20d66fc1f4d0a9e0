/*
 * monitor_keytypes_test.c - keys of several types in one monitor: which host key signs
 * what, which algorithm a user's key signs by, and that an algorithm which was not
 * agreed on counts for nothing.
 */
#include <sys/mman.h>

#include "tests/monitor_play.h"
#include "tests/sign_lab.h"

static struct lab rsa, big, p256, p384;
static struct play_start start;
static uint32_t client_rsa_bits;	/* of the next client's plan */

static int
setup(void **state)
{
	(void)state;
	play_begin();
	assert_int_equal(sign_start(), 0);
	lab_first("rsa-sha2-512", &rsa);
	lab_first("rsa-sha2-256", &big);
	lab_first("ecdsa-sha2-nistp256", &p256);
	lab_first("ecdsa-sha2-nistp384", &p384);
	return 0;
}

static void
serve(void)
{
	struct ipc_CONFIG cfg = play_config();

	play_seal(&cfg);
}

static struct span
span(const struct bytes *b)
{
	return span_of(b->p, b->n);
}

/* Through a keyload that answers with this key, by its type's name. */
static uint64_t
load(enum ipc_key_use use, const struct lab *l)
{
	struct ipc_KEY_LOADED loaded;
	struct ipc_KEY_FILE file;
	struct play_child *k;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	PLAY_TELL(KEY_LOAD, .call = 7, .use = (uint8_t)use, .file = fd);
	close(fd);
	k = play_last(PLAY_KEYLOAD);
	PLAY_WORKER_EXPECT(k, KEY_FILE, &file);
	close(file.file);
	PLAY_SAY(k, KEY_FORM, .result = KEYFILE_OK, .alg = span_str(l->alg->key_type),
	    .blob = span(&l->blob), .secret = span(&l->secret));
	PLAY_EXPECT(KEY_LOADED, &loaded);
	assert_int_equal(loaded.result, KEYFILE_OK);
	assert_true(span_is(loaded.alg, l->alg->key_type));
	assert_true(span_eq(loaded.blob, span(&l->blob)));
	return loaded.key;
}

static uint32_t rsa_min;		/* of the next connections */

static struct play_child *
connect_with(enum ipc_role role, uint64_t conn, const char *host_keys, const char *signatures)
{
	struct ipc_NEW plan = play_plan(conn, role);

	plan.hostkey_algs = span_str(host_keys);
	plan.hostkey_rsa_min = rsa_min;
	plan.sig_algs = span_str(signatures);
	plan.rsa_bits = client_rsa_bits;
	play_new(&plan);
	if (role == IPC_CLIENT)
		PLAY_TELL(TRUST_KEY, .conn = conn, .key = span(&rsa.blob));
	play_attach(conn);
	return play_started(conn, &start);
}

/* ---- host keys ---- */

static void
test_offers_what_it_has_keys_for(void **state)
{
	struct ipc_NEW plan = play_plan(1, IPC_SERVER);
	struct ipc_STARTED started;
	struct ipc_START q;
	const struct lab *const in_order[] = { &big, &p384, NULL, &big };
	static const char *const names[] = { "rsa-sha2-256", "ecdsa-sha2-nistp384",
		"ssh-ed25519", "rsa-sha2-512" };
	struct play_child *w;
	struct rd r;

	(void)state;
	(void)load(IPC_HOST_KEY, &rsa);
	(void)load(IPC_HOST_KEY, &p384);
	(void)load(IPC_HOST_KEY, &big);		/* replaces the other RSA key, and no other */
	serve();
	plan.hostkey_algs = span_str("rsa-sha2-256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp256,"
	    "ssh-ed25519,rsa-sha2-512");
	play_new(&plan);
	play_attach(1);
	PLAY_EXPECT(STARTED, &started);
	w = play_by_pid((pid_t)started.worker_pid);
	PLAY_WORKER_EXPECT(w, START, &q);
	close(q.in);
	close(q.out);
	r = rd_of(q.hostkeys);
	for (size_t i = 0; i < 4; i++) {
		assert_true(span_is(rd_blob(&r, 64), names[i]));
		assert_true(span_eq(rd_blob(&r, 8192), in_order[i] != NULL ?
		    span(&in_order[i]->blob) : span_of(play.host_blob, play.host_blob_len)));
	}
	assert_true(rd_done(&r));
	r = rd_of(q.kexinit);
	(void)rd_take(&r, 17);
	(void)rd_blob(&r, 2048);
	assert_true(span_is(rd_blob(&r, 2048),
	    "rsa-sha2-256,ecdsa-sha2-nistp384,ssh-ed25519,rsa-sha2-512"));
}

/* An RSA key of too few bits for the connection is none; and if there is no other, that is
 * what is said. */
static void
test_small_rsa_is_not_offered(void **state)
{
	unsigned bits = sign_rsa_bits(rsa.blob.p, rsa.blob.n);
	struct ipc_NEW plan = play_plan(2, IPC_SERVER);
	struct ipc_STARTED started;
	struct ipc_END_OF end;
	struct rd r;

	(void)state;
	assert_in_range(bits, 2048, 3071);
	(void)load(IPC_HOST_KEY, &rsa);
	serve();
	for (rsa_min = bits; rsa_min <= bits + 1; rsa_min++) {
		(void)connect_with(IPC_SERVER, rsa_min, "rsa-sha2-512,ssh-ed25519", "ssh-ed25519");
		r = rd_of(span_of(start.kexinit, start.kexinit_len));
		(void)rd_take(&r, 17);
		(void)rd_blob(&r, 2048);
		assert_true(span_is(rd_blob(&r, 2048), rsa_min == bits ?
		    "rsa-sha2-512,ssh-ed25519" : "ssh-ed25519"));
	}
	plan.conn = 10000;
	plan.hostkey_algs = span_str("rsa-sha2-512");
	plan.hostkey_rsa_min = bits + 1;
	play_new(&plan);
	play_attach(10000);
	PLAY_EXPECT(STARTED, &started);
	PLAY_EXPECT(END_OF, &end);
	assert_non_null(memmem(end.text.p, end.text.n, "too few bits", 12));
	rsa_min = 0;
}

/* The signature is by the algorithm that was asked for, whatever else the key can do. */
static void
test_signs_by_the_agreed_algorithm(void **state)
{
	static const char *const names[] = { "rsa-sha2-512", "rsa-sha2-256", "ecdsa-sha2-nistp256" };
	const struct lab *const keys[] = { &rsa, &rsa, &p256 };

	(void)state;
	(void)load(IPC_HOST_KEY, &rsa);
	(void)load(IPC_HOST_KEY, &p256);
	serve();
	for (size_t i = 0; i < 3; i++) {
		struct play_child *w = connect_with(IPC_SERVER, i + 1, names[i], "ssh-ed25519");
		struct play_kex x;
		struct ipc_SIGN sign;
		struct ipc_SIGNED sig;
		struct ipc_KEX_DONE done;
		struct bytes h, s;

		play_kex(&x);
		sign = play_sign_of(&x);
		sign.hostkey_alg = span_str(names[i]);
		assert_int_equal(ipc_send_SIGN(w->link, &sign), 0);
		play_run();
		PLAY_WORKER_EXPECT(w, SIGNED, &sig);
		h.n = sig.hash.n;
		memcpy(h.p, sig.hash.p, h.n);
		s.n = sig.signature.n;
		memcpy(s.p, sig.signature.p, s.n);
		assert_int_equal(lab_check(lab_alg(names[i]), &keys[i]->blob, &h, &s), 0);
		play_agree(w);
		PLAY_EXPECT(KEX_DONE, &done);
		assert_true(span_is(done.hostkey_alg, names[i]));
	}
}

/* No list has it: the worker lied. */
static void
test_signs_by_no_other(void **state)
{
	struct play_child *w;
	struct ipc_END_OF end;
	struct play_kex x;
	struct ipc_SIGN sign;

	(void)state;
	(void)load(IPC_HOST_KEY, &rsa);
	serve();
	w = connect_with(IPC_SERVER, 1, "rsa-sha2-512", "ssh-ed25519");
	play_kex(&x);
	sign = play_sign_of(&x);
	sign.hostkey_alg = span_str("rsa-sha2-256");
	assert_int_equal(ipc_send_SIGN(w->link, &sign), 0);
	play_run();
	assert_true(w->dead);
	PLAY_EXPECT(END_OF, &end);
	assert_int_equal(end.outcome, IPC_WORKER_LIED);
}

/* A server that signs by by; the client's worker says that said was agreed on. */
static struct play_child *
server_signs(uint64_t conn, const char *by, const char *said)
{
	struct play_child *w = connect_with(IPC_CLIENT, conn, "rsa-sha2-512,rsa-sha2-256",
	    "ssh-ed25519");
	struct span i_s = span_str("\024x");
	struct sign_key *key = lab_load(&rsa);
	struct play_kex x;
	struct bytes sig;
	uint8_t h[32];

	assert_non_null(key);
	play_kex(&x);
	play_h(span_str("SSH-2.0-Ours"), span_str("SSH-2.0-S"), span_of(start.kexinit,
	    start.kexinit_len), i_s, span(&rsa.blob), &x, h);
	assert_int_equal(lab_alg(by)->sign(key, h, sizeof(h), sig.p, SIGNATURE_MAX, &sig.n), 0);
	sign_key_free(key);
	PLAY_SAY(w, VERIFY, .kex = span_str("curve25519-sha256"), .hostkey_alg = span_str(said),
	    .v_s = span_str("SSH-2.0-S"), .i_s = i_s, .k_s = span(&rsa.blob),
	    .q_c = span_of(x.q_c, 32), .q_s = span_of(x.q_s, 32), .k = span_of(x.k, 32),
	    .signature = span(&sig));
	return w;
}

static void
test_client_wants_the_agreed_algorithm(void **state)
{
	struct ipc_VERIFIED v;
	struct ipc_STOP stop;

	(void)state;
	serve();
	PLAY_WORKER_EXPECT(server_signs(1, "rsa-sha2-256", "rsa-sha2-256"), VERIFIED, &v);
	PLAY_WORKER_EXPECT(server_signs(2, "rsa-sha2-256", "rsa-sha2-512"), STOP, &stop);
	assert_true(span_is(stop.text, "the server's signature is not its host key's"));
}

/* However well it is known. */
static void
test_client_wants_enough_bits(void **state)
{
	unsigned bits = sign_rsa_bits(rsa.blob.p, rsa.blob.n);
	struct ipc_VERIFIED v;
	struct ipc_STOP stop;
	struct ipc_END_OF end;
	struct play_child *w;
	char want[100];

	(void)state;
	serve();
	rsa_min = bits;
	PLAY_WORKER_EXPECT(server_signs(1, "rsa-sha2-256", "rsa-sha2-256"), VERIFIED, &v);
	rsa_min = bits + 1;
	w = server_signs(2, "rsa-sha2-256", "rsa-sha2-256");
	PLAY_WORKER_EXPECT(w, STOP, &stop);
	play_die(w, 0, 0);
	play_run();
	rsa_min = 0;
	(void)snprintf(want, sizeof(want), "the host key is RSA of %u bits, and at least %u are wanted",
	    bits, bits + 1);
	PLAY_ENDED(2, IPC_BAD_HOST_KEY, &end);
	assert_true(span_is(end.text, want));
}

/* ---- users ---- */

static size_t
login_data(const uint8_t session[32], const char *alg, const struct lab *l, struct bytes *out)
{
	struct wr w = wr_of(out->p, sizeof(out->p));

	wr_blob(&w, span_of(session, 32), 32);
	wr_u8(&w, 50);
	wr_str(&w, "bob");
	wr_str(&w, "ssh-connection");
	wr_str(&w, "publickey");
	wr_u8(&w, 1);
	wr_str(&w, alg);
	wr_blob(&w, span(&l->blob), 8192);
	assert_false(w.bad);
	return out->n = w.n;
}

/* Named as one algorithm, and signed by by, a key that the application accepts; true: it
 * logs in. */
static bool
user_logs_in(struct play_child *w, const uint8_t session[32], const struct lab *l,
    const char *named, const char *by)
{
	struct sign_key *key = lab_load(l);
	struct ipc_USER_LOGGED_IN in;
	struct ipc_ASK_PUBLICKEY ask;
	struct ipc_ATTEMPT attempt;
	struct bytes data, sig;

	(void)login_data(session, named, l, &data);
	assert_non_null(key);
	assert_int_equal(lab_alg(by)->sign(key, data.p, data.n, sig.p, SIGNATURE_MAX, &sig.n), 0);
	sign_key_free(key);
	PLAY_SAY(w, AUTH_PUBLICKEY, .user = span_str("bob"), .alg = span_str(named),
	    .key = span(&l->blob), .is_signed = 1, .signature = span(&sig));
	if (play_next() == IPC_MSG_ASK_PUBLICKEY) {
		PLAY_DECODE(ASK_PUBLICKEY, &ask);
		PLAY_TELL(LOGIN_ANSWER, .conn = ask.conn, .question = ask.question,
		    .verdict = IPC_ACCEPTED);
		assert_int_equal(play_next(), IPC_MSG_ATTEMPT);
	}
	PLAY_DECODE(ATTEMPT, &attempt);
	if (attempt.verdict == IPC_ACCEPTED) {
		PLAY_EXPECT(USER_LOGGED_IN, &in);
		close(in.worker);
		return true;
	}
	play_wait(50);
	return false;
}

static void
test_users_of_every_type(void **state)
{
	static const struct { const char *named, *by; bool good; } tries[] = {
		{ "rsa-sha2-512", "rsa-sha2-512", true },
		{ "rsa-sha2-256", "rsa-sha2-256", true },
		{ "rsa-sha2-512", "rsa-sha2-256", false },
		{ "rsa-sha2-256", "rsa-sha2-512", false },
		{ "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", true },
		{ "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384", false },	/* not in the list */
		{ "ssh-rsa", "rsa-sha2-512", false },
		{ "rsa-sha2-512", "ssh-rsa", false },
		{ "ssh-rsa", "ssh-rsa", false },
	};
	uint8_t session[32];

	(void)state;
	serve();
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		struct play_child *w = connect_with(IPC_SERVER, i + 1, "ssh-ed25519",
		    "rsa-sha2-512,rsa-sha2-256,ecdsa-sha2-nistp256");
		const struct lab *l = strstr(tries[i].named, "384") != NULL ? &p384 :
		    strstr(tries[i].named, "256") != NULL && tries[i].named[0] == 'e' ? &p256 : &rsa;
		struct play_kex x;
		struct ipc_SIGN sign;
		struct ipc_SIGNED sig;
		struct ipc_KEX_DONE done;

		play_kex(&x);
		sign = play_sign_of(&x);
		assert_int_equal(ipc_send_SIGN(w->link, &sign), 0);
		play_run();
		PLAY_WORKER_EXPECT(w, SIGNED, &sig);
		memcpy(session, sig.hash.p, 32);
		play_agree(w);
		PLAY_EXPECT(KEX_DONE, &done);
		assert_int_equal(user_logs_in(w, session, l, tries[i].named, tries[i].by),
		    tries[i].good);
	}
}

/* ---- authenticators ---- */

static void
make_sk(uint8_t sk[64], struct lab *l)
{
	struct blob_out w = blob_out_of(l->blob.p, sizeof(l->blob.p));
	uint8_t pk[32];

	crypto_sign_keypair(pk, sk);
	l->alg = lab_alg("sk-ssh-ed25519@openssh.com");
	blob_put_string(&w, l->alg->name, strlen(l->alg->name));
	blob_put_string(&w, pk, sizeof(pk));
	blob_put_string(&w, "ssh:", 4);
	l->blob.n = w.n;
}

/* OpenSSH's PROTOCOL.u2f, byte by byte. */
static void
sign_sk(const uint8_t sk[64], uint8_t flags, const struct bytes *data, struct bytes *out)
{
	uint8_t text[32 + 5 + 32], value[64];
	struct blob_out w = blob_out_of(out->p, sizeof(out->p));

	crypto_hash_sha256(text, (const uint8_t *)"ssh:", 4);
	text[32] = flags;
	memcpy(&text[33], "\0\0\0\1", 4);
	crypto_hash_sha256(&text[37], data->p, data->n);
	crypto_sign_detached(value, NULL, text, sizeof(text), sk);
	blob_put_string(&w, "sk-ssh-ed25519@openssh.com", 26);
	blob_put_string(&w, value, sizeof(value));
	blob_put(&w, &text[32], 5);
	out->n = w.n;
}

/* The application accepts the key on these terms; probed: it was asked about before the
 * proof came.  Who was logged in? */
static bool
sk_login(uint64_t conn, uint8_t shown, uint8_t wanted, bool probed)
{
	struct play_child *w = connect_with(IPC_SERVER, conn, "ssh-ed25519",
	    "sk-ssh-ed25519@openssh.com");
	struct ipc_USER_LOGGED_IN in;
	struct ipc_ASK_PUBLICKEY ask;
	struct ipc_KEX_DONE done;
	struct ipc_ATTEMPT attempt;
	struct ipc_SIGNED sig;
	struct ipc_SIGN sign;
	struct play_kex x;
	struct bytes data, proof;
	uint8_t sk[64];
	struct lab l;

	play_kex(&x);
	sign = play_sign_of(&x);
	assert_int_equal(ipc_send_SIGN(w->link, &sign), 0);
	play_run();
	PLAY_WORKER_EXPECT(w, SIGNED, &sig);
	make_sk(sk, &l);
	(void)login_data(sig.hash.p, l.alg->name, &l, &data);
	sign_sk(sk, shown, &data, &proof);
	play_agree(w);
	PLAY_EXPECT(KEX_DONE, &done);
	for (int step = probed ? 0 : 1; step < 2; step++) {
		PLAY_SAY(w, AUTH_PUBLICKEY, .user = span_str("bob"), .alg = span_str(l.alg->name),
		    .key = span(&l.blob), .is_signed = step == 1,
		    .signature = step == 1 ? span(&proof) : span_str(""));
		if (step == 1 && probed)
			break;			/* nobody is asked twice */
		PLAY_EXPECT(ASK_PUBLICKEY, &ask);
		PLAY_TELL(LOGIN_ANSWER, .conn = conn, .question = ask.question,
		    .verdict = IPC_ACCEPTED, .flags = wanted);
	}
	PLAY_EXPECT(ATTEMPT, &attempt);
	if (attempt.verdict == IPC_ACCEPTED) {
		PLAY_EXPECT(USER_LOGGED_IN, &in);
		close(in.worker);
		assert_true(span_eq(in.key, span(&l.blob)));
	}
	play_die(w, 0, 0);
	play_run();
	while (play_next() != 0)
		;
	return attempt.verdict == IPC_ACCEPTED;
}

static void
test_presence_is_required(void **state)
{
	uint64_t conn = 0;

	(void)state;
	serve();
	for (unsigned shown = 0; shown < 8; shown++) {
		for (uint8_t wanted = 0; wanted < 4; wanted++) {
			bool touched = (shown & SIGN_PRESENT) != 0;
			bool verified = (shown & SIGN_VERIFIED) != 0;
			bool good = (touched || (wanted & IPC_LOGIN_NO_TOUCH) != 0) &&
			    (verified || (wanted & IPC_LOGIN_VERIFIED) == 0);

			assert_int_equal(sk_login(++conn, (uint8_t)shown, wanted, false), good);
			assert_int_equal(sk_login(++conn, (uint8_t)shown, wanted, true), good);
		}
	}
}

/* Nobody can touch a key that is no authenticator's: nothing more is asked of it. */
static void
test_other_keys_show_nothing(void **state)
{
	struct ipc_ASK_PUBLICKEY ask;
	struct ipc_ATTEMPT attempt;
	struct play_child *w;
	uint8_t session[32];
	struct bytes data, proof;
	struct lab user;

	(void)state;
	serve();
	w = play_server(1, session);
	user.alg = lab_alg("ssh-ed25519");
	user.blob.n = play.user_blob_len;
	memcpy(user.blob.p, play.user_blob, play.user_blob_len);
	(void)login_data(session, user.alg->name, &user, &data);
	proof.n = play_sign(play.user_seed, span(&data), proof.p, sizeof(proof.p));
	PLAY_SAY(w, AUTH_PUBLICKEY, .user = span_str("bob"), .alg = span_str("ssh-ed25519"),
	    .key = span_of(play.user_blob, play.user_blob_len), .is_signed = 1,
	    .signature = span(&proof));
	PLAY_EXPECT(ASK_PUBLICKEY, &ask);
	PLAY_TELL(LOGIN_ANSWER, .conn = 1, .question = ask.question, .verdict = IPC_ACCEPTED,
	    .flags = IPC_LOGIN_VERIFIED);
	PLAY_EXPECT(ATTEMPT, &attempt);
	assert_int_equal(attempt.verdict, IPC_ACCEPTED);
}

/* ---- the client's own keys ---- */

static struct play_child *
client(uint64_t conn, const char *signatures)
{
	struct ipc_NEW plan = play_plan(conn, IPC_CLIENT);
	struct play_proof proof;

	plan.sig_algs = span_str(signatures);
	plan.rsa_bits = client_rsa_bits;
	return play_planned(&plan, &start, &proof);
}

static void
test_algorithm_is_one_the_server_takes(void **state)
{
	static const struct { const char *ours, *theirs, *used; } choices[] = {
		{ "rsa-sha2-512,rsa-sha2-256", "ssh-ed25519,rsa-sha2-256,rsa-sha2-512", "rsa-sha2-512" },
		{ "rsa-sha2-256,rsa-sha2-512", "rsa-sha2-512,rsa-sha2-256", "rsa-sha2-256" },
		{ "rsa-sha2-512,rsa-sha2-256", "ssh-rsa,rsa-sha2-256", "rsa-sha2-256" },
		{ "rsa-sha2-512,rsa-sha2-256", NULL, "rsa-sha2-512" },
		{ "rsa-sha2-512,rsa-sha2-256", "ssh-rsa", "rsa-sha2-512" },
		{ "ssh-ed25519", "rsa-sha2-256", NULL },
	};
	uint64_t key;

	(void)state;
	key = load(IPC_USER_KEY, &rsa);
	serve();
	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		struct play_child *w = client(i + 1, choices[i].ours);
		struct ipc_LOGIN_PUBLICKEY q;
		struct ipc_LOGIN_RESULT r;
		struct rd sig;

		if (choices[i].theirs != NULL)
			PLAY_SAY(w, LOGIN_SIG_ALGS, .algs = span_str(choices[i].theirs));
		PLAY_TELL(TRY_PUBLICKEY, .conn = i + 1, .user = span_str("bob"), .key = key);
		if (choices[i].used == NULL) {
			PLAY_EXPECT(LOGIN_RESULT, &r);
			assert_true(span_is(r.text,
			    "no signature algorithm is allowed for this key"));
			continue;
		}
		PLAY_WORKER_EXPECT(w, LOGIN_PUBLICKEY, &q);
		assert_true(span_is(q.alg, choices[i].used));
		assert_true(span_eq(q.key, span(&rsa.blob)));
		sig = rd_of(q.signature);
		assert_true(span_is(rd_blob(&sig, 64), choices[i].used));
	}
}

/* Without its flag an agent would sign by SHA-1 (RFC 9987). */
static void
test_agents_are_told_the_hash(void **state)
{
	static const struct { const char *alg; uint32_t flags; } tries[] = {
		{ "rsa-sha2-512", 4 }, { "rsa-sha2-256", 2 }, { "ecdsa-sha2-nistp256", 0 },
	};
	struct ipc_AGENT_KEY k;
	struct ipc_AGENT_DONE done;
	struct bytes said;
	uint64_t keys[2];
	int pair[2];

	(void)state;
	serve();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	PLAY_TELL(AGENT, .call = 5, .socket = pair[1]);
	close(pair[1]);
	{
		struct wr w = wr_of(said.p, sizeof(said.p));
		struct bytes frame;
		struct wr f = wr_of(frame.p, sizeof(frame.p));

		wr_u8(&w, 12);
		wr_u32(&w, 2);
		wr_blob(&w, span(&rsa.blob), 8192);
		wr_str(&w, "one");
		wr_blob(&w, span(&p256.blob), 8192);
		wr_str(&w, "two");
		wr_blob(&f, wr_span(&w), 8192);
		assert_int_equal(send(pair[0], frame.p, f.n, 0), f.n);
	}
	play_run();
	for (size_t i = 0; i < 2; i++) {
		PLAY_EXPECT(AGENT_KEY, &k);
		assert_true(span_is(k.alg, i == 0 ? "ssh-rsa" : "ecdsa-sha2-nistp256"));
		keys[i] = k.key;
	}
	PLAY_EXPECT(AGENT_DONE, &done);
	assert_int_equal(recv(pair[0], said.p, sizeof(said.p), MSG_DONTWAIT), 5);
	for (size_t i = 0; i < 3; i++) {
		struct rd r;
		ssize_t n;

		(void)client(i + 1, tries[i].alg);
		PLAY_TELL(TRY_PUBLICKEY, .conn = i + 1, .user = span_str("bob"),
		    .key = keys[i == 2]);
		n = recv(pair[0], said.p, sizeof(said.p), MSG_DONTWAIT);
		assert_true(n > 4 && said.p[4] == 27);	/* session-bind first */
		assert_int_equal(send(pair[0], "\0\0\0\1\5", 5, 0), 5);
		play_run();
		n = recv(pair[0], said.p, sizeof(said.p), MSG_DONTWAIT);
		assert_true(n > 5);
		r = rd_of(span_of(said.p, (size_t)n));
		(void)rd_u32(&r);
		assert_int_equal(rd_u8(&r), 13);
		assert_true(span_eq(rd_blob(&r, 8192), i == 2 ? span(&p256.blob) : span(&rsa.blob)));
		(void)rd_blob(&r, 8192);
		assert_int_equal(rd_u32(&r), tries[i].flags);
		assert_true(rd_done(&r));
		assert_int_equal(send(pair[0], "\0\0\0\1\5", 5, 0), 5);	/* it does not sign */
		play_run();
		assert_int_equal(play_next(), IPC_MSG_LOGIN_RESULT);
	}
	close(pair[0]);
}

/* ---- sizes ---- */

/* A plan with this bound. */
static struct ipc_NEW
bounded(uint64_t conn, enum ipc_role role, uint32_t bits)
{
	struct ipc_NEW plan = play_plan(conn, role);

	plan.hostkey_algs = plan.sig_algs = span_str("rsa-sha2-512,ssh-ed25519");
	plan.rsa_bits = bits;
	return plan;
}

static void
test_users_keys_have_a_size(void **state)
{
	static const struct { uint32_t bits; bool good; } tries[] = {
		{ 0, true }, { 2048, true }, { 2049, false }, { 3072, false },
	};

	(void)state;
	serve();
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		struct ipc_NEW plan = bounded(i + 1, IPC_SERVER, tries[i].bits);
		struct ipc_SIGNED sig;
		struct ipc_KEX_DONE done;
		struct play_child *w;
		struct ipc_SIGN sign;
		struct play_kex x;
		uint8_t session[32];

		play_new(&plan);
		play_attach(i + 1);
		w = play_started(i + 1, &start);
		play_kex(&x);
		sign = play_sign_of(&x);
		assert_int_equal(ipc_send_SIGN(w->link, &sign), 0);
		play_run();
		PLAY_WORKER_EXPECT(w, SIGNED, &sig);
		memcpy(session, sig.hash.p, 32);
		play_agree(w);
		PLAY_EXPECT(KEX_DONE, &done);
		assert_int_equal(user_logs_in(w, session, &rsa, "rsa-sha2-512", "rsa-sha2-512"),
		    tries[i].good);
	}
}

static void
test_own_keys_have_a_size(void **state)
{
	struct ipc_LOGIN_RESULT r;
	uint64_t key;

	(void)state;
	key = load(IPC_USER_KEY, &rsa);
	serve();
	client_rsa_bits = 2049;
	(void)client(1, "rsa-sha2-512");
	client_rsa_bits = 0;
	PLAY_TELL(TRY_PUBLICKEY, .conn = 1, .user = span_str("bob"), .key = key);
	PLAY_EXPECT(LOGIN_RESULT, &r);
	assert_int_equal(r.result, IPC_LOGIN_FAILED);
	assert_true(span_is(r.text, "the key is a smaller RSA key than is allowed"));
}

/* Named by its type, as a public key file does. */
static void
test_probe_is_by_an_algorithm(void **state)
{
	static const struct { const char *ours, *named, *used; } tries[] = {
		{ "rsa-sha2-512,rsa-sha2-256", "ssh-rsa", "rsa-sha2-512" },
		{ "rsa-sha2-256", "ssh-rsa", "rsa-sha2-256" },
		{ "ssh-rsa,rsa-sha2-256", "ssh-rsa", "ssh-rsa" },
		{ "rsa-sha2-512", "rsa-sha2-256", "rsa-sha2-256" },
		{ "ssh-ed25519", "ssh-rsa", NULL },
	};

	(void)state;
	serve();
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		struct play_child *w = client(i + 1, tries[i].ours);
		struct ipc_LOGIN_PUBLICKEY q;
		struct ipc_LOGIN_RESULT r;

		PLAY_TELL(TRY_PROBE, .conn = i + 1, .user = span_str("bob"),
		    .alg = span_str(tries[i].named), .key = span(&rsa.blob));
		if (tries[i].used == NULL) {
			PLAY_EXPECT(LOGIN_RESULT, &r);
			assert_int_equal(r.result, IPC_LOGIN_FAILED);
			continue;
		}
		PLAY_WORKER_EXPECT(w, LOGIN_PUBLICKEY, &q);
		assert_true(span_is(q.alg, tries[i].used));
		PLAY_SAY(w, LOGIN_PK_OK, .alg = span_str(tries[i].used), .key = span(&rsa.blob));
		PLAY_EXPECT(LOGIN_RESULT, &r);
		assert_int_equal(r.result, IPC_LOGIN_PROBE_OK);
	}
}

/* ---- what the server is known by ---- */

/* The list of a client that has this known_hosts file and, if so, this key. */
static void
expect_order(uint64_t conn, const char *known_hosts, const struct bytes *key, const char *want)
{
	struct ipc_NEW plan = play_plan(conn, IPC_CLIENT);
	int fd = memfd_create("known_hosts", MFD_CLOEXEC);
	struct rd r;

	plan.hostkey_algs = span_str("ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-512,rsa-sha2-256");
	play_new(&plan);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, known_hosts, strlen(known_hosts)), strlen(known_hosts));
	PLAY_TELL(TRUST_FILE, .conn = conn, .file = fd);
	close(fd);
	if (key != NULL)
		PLAY_TELL(TRUST_KEY, .conn = conn, .key = span(key));
	play_attach(conn);
	(void)play_started(conn, &start);
	r = rd_of(span_of(start.kexinit, start.kexinit_len));
	(void)rd_take(&r, 17);
	(void)rd_blob(&r, 2048);
	assert_true(span_is(rd_blob(&r, 2048), want));
}

static void
test_known_types_come_first(void **state)
{
	static const char usual[] = "ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-512,rsa-sha2-256";
	char text[8192], rsa64[2048], p64[512];

	(void)state;
	serve();
	sodium_bin2base64(rsa64, sizeof(rsa64), rsa.blob.p, rsa.blob.n,
	    sodium_base64_VARIANT_ORIGINAL);
	sodium_bin2base64(p64, sizeof(p64), p256.blob.p, p256.blob.n,
	    sodium_base64_VARIANT_ORIGINAL);
	expect_order(1, "", NULL, usual);
	(void)snprintf(text, sizeof(text), "host.example ssh-rsa %s\n", rsa64);
	expect_order(2, text, NULL, "rsa-sha2-512,rsa-sha2-256,ssh-ed25519,ecdsa-sha2-nistp256");
	expect_order(3, text, &p256.blob,
	    "ecdsa-sha2-nistp256,rsa-sha2-512,rsa-sha2-256,ssh-ed25519");
	(void)snprintf(text, sizeof(text), "host.example ecdsa-sha2-nistp256 %s\n", p64);
	expect_order(4, text, NULL, "ecdsa-sha2-nistp256,ssh-ed25519,rsa-sha2-512,rsa-sha2-256");
	(void)snprintf(text, sizeof(text), "other.example ssh-rsa %s\n", rsa64);
	expect_order(5, text, NULL, usual);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_offers_what_it_has_keys_for, setup, play_teardown),
		cmocka_unit_test_setup_teardown(test_signs_by_the_agreed_algorithm, setup, play_teardown),
		cmocka_unit_test_setup_teardown(test_signs_by_no_other, setup, play_teardown),
		cmocka_unit_test_setup_teardown(test_client_wants_the_agreed_algorithm, setup,
		    play_teardown),
		cmocka_unit_test_setup_teardown(test_small_rsa_is_not_offered, setup, play_teardown),
		cmocka_unit_test_setup_teardown(test_client_wants_enough_bits, setup, play_teardown),
		cmocka_unit_test_setup_teardown(test_users_of_every_type, setup, play_teardown),
		cmocka_unit_test_setup_teardown(test_presence_is_required, setup, play_teardown),
		cmocka_unit_test_setup_teardown(test_other_keys_show_nothing, setup, play_teardown),
		cmocka_unit_test_setup_teardown(test_algorithm_is_one_the_server_takes, setup,
		    play_teardown),
		cmocka_unit_test_setup_teardown(test_users_keys_have_a_size, setup, play_teardown),
		cmocka_unit_test_setup_teardown(test_own_keys_have_a_size, setup, play_teardown),
		cmocka_unit_test_setup_teardown(test_probe_is_by_an_algorithm, setup, play_teardown),
		cmocka_unit_test_setup_teardown(test_known_types_come_first, setup, play_teardown),
		cmocka_unit_test_setup_teardown(test_agents_are_told_the_hash, setup, play_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
