/*
 * monitor_play.h - the real monitor in the test's own process, while the test plays
 * everybody else: application, keyload and workers.
 */
#ifndef TESTS_MONITOR_PLAY_H
#define TESTS_MONITOR_PLAY_H

#include "tests/monitor_os_play.h"

#include <sodium.h>

#include "crypto/keyfile.h"

/* ---- keys ---- */

static inline size_t
play_blob(const uint8_t *public, uint8_t *out)
{
	struct wr w = wr_of(out, 64);

	wr_str(&w, "ssh-ed25519");
	wr_blob(&w, span_of(public, 32), 32);
	return w.n;
}

static inline void
play_make_key(uint8_t *seed, uint8_t *blob, size_t *blob_len)
{
	uint8_t pk[32], sk[64];

	randombytes_buf(seed, 32);
	crypto_sign_seed_keypair(pk, sk, seed);
	*blob_len = play_blob(pk, blob);
}

/* A signature blob by a seed's key. */
static inline size_t
play_sign(const uint8_t *seed, struct span data, uint8_t *out, size_t cap)
{
	uint8_t pk[32], sk[64], sig[64];
	struct wr w = wr_of(out, cap);

	crypto_sign_seed_keypair(pk, sk, seed);
	crypto_sign_detached(sig, NULL, data.p, data.n, sk);
	wr_str(&w, "ssh-ed25519");
	wr_blob(&w, span_of(sig, 64), 64);
	return w.n;
}

static inline struct play_child *
play_last(enum play_kind kind)
{
	for (size_t i = play.n; i > 0; i--)
		if (play.child[i - 1].kind == kind && !play.child[i - 1].dead)
			return &play.child[i - 1];
	fail_msg("no living child of that kind");
	return NULL;
}

/* KEY_LOAD through a keyload that answers with this key. */
static inline uint64_t
play_load(enum ipc_key_use use, const uint8_t *seed, struct span blob)
{
	struct ipc_KEY_LOADED loaded;
	struct ipc_KEY_FILE file;
	struct play_child *k;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	PLAY_TELL(KEY_LOAD, .call = 77, .use = (uint8_t)use, .passphrase = span_str("open sesame"),
	    .file = fd);
	close(fd);
	k = play_last(PLAY_KEYLOAD);
	PLAY_WORKER_EXPECT(k, KEY_FILE, &file);
	assert_true(span_is(file.passphrase, "open sesame"));
	close(file.file);
	PLAY_SAY(k, KEY_FORM, .result = KEYFILE_OK, .alg = span_str("ssh-ed25519"), .blob = blob,
	    .secret = span_of(seed, 32), .comment = span_str("a comment"));
	PLAY_EXPECT(KEY_LOADED, &loaded);
	assert_int_equal(loaded.result, KEYFILE_OK);
	assert_int_equal(loaded.call, 77);
	assert_true(span_eq(loaded.blob, blob));
	assert_true(k->reaped);
	return loaded.key;
}

/* ---- beginning and end ---- */

static inline struct ipc_CONFIG
play_config(void)
{
	return (struct ipc_CONFIG){ .startups_begin = 10, .startups_rate = 30,
		.startups_full = 100, .connections_max = 100, .spares = 1,
		.layout_connections = 64, .layout_ms = 60000, .log_level = IPC_DEBUG,
		.hexdump_max = IPC_HEXDUMP_WHOLE };
}

static inline void
play_begin(void)
{
	uint8_t schema[IPC_SCHEMA_LEN];
	struct ipc_MONITOR_HELLO hello;
	int pair[2];

	assert_int_equal(crypto_init(), 0);
	memset(&play, 0, sizeof(play));
	for (size_t i = 0; i < IPC_FDS_MAX; i++)
		play.rx_fds[i] = -1;
	play.now = 1000000;
	assert_int_equal(ipc_pair(pair), 0);
	play.app = pair[0];
	play.m = monitor_new(&play_os, "/where/helpers/are", pair[1], -1);
	assert_non_null(play.m);
	play_make_key(play.seed, play.host_blob, &play.host_blob_len);
	play_make_key(play.user_seed, play.user_blob, &play.user_blob_len);
	ipc_schema(schema);
	PLAY_TELL(APP_HELLO, .magic = IPC_MAGIC, .schema = span_of(schema, sizeof(schema)));
	PLAY_EXPECT(MONITOR_HELLO, &hello);
	assert_true(span_eq(hello.schema, span_of(schema, sizeof(schema))));
}

static inline void
play_seal(const struct ipc_CONFIG *cfg)
{
	struct ipc_SERVING serving;

	assert_int_equal(ipc_send_CONFIG(play.app, cfg), 0);
	play_run();
	(void)play_load(IPC_HOST_KEY, play.seed, span_of(play.host_blob, play.host_blob_len));
	play.user_key = play_load(IPC_USER_KEY, play.user_seed,
	    span_of(play.user_blob, play.user_blob_len));
	PLAY_TELL(SEALED, .empty_ = 0);
	PLAY_EXPECT(SERVING, &serving);
	assert_true(span_is(serving.report, "in a test"));
}

static inline int
play_setup(void **state)
{
	struct ipc_CONFIG cfg = play_config();

	(void)state;
	play_begin();
	play_seal(&cfg);
	return 0;
}

static inline int
play_teardown(void **state)
{
	(void)state;
	ipc_close_fds(play.rx_fds, play.rx_nfds);
	monitor_free(play.m);
	(void)close(play.app);
	for (size_t i = 0; i < play.n; i++) {
		/* nobody is left behind */
		assert_true(play.child[i].dead || play.child[i].event < 0);
		if (play.child[i].link >= 0)
			close(play.child[i].link);
	}
	return 0;
}

/* ---- a connection ---- */

static inline struct ipc_NEW
play_plan(uint64_t conn, enum ipc_role role)
{
	return (struct ipc_NEW){ .conn = conn, .role = (uint8_t)role,
		.peer = span_str("192.0.2.1:22"), .host = span_str("host.example"), .port = 22,
		.version = span_str("SSH-2.0-Ours"), .kex = span_str("curve25519-sha256"),
		.hostkey_algs = span_str("ssh-ed25519"), .sig_algs = span_str("ssh-ed25519"),
		.ciphers = span_str("aes256-gcm@openssh.com"), .macs = span_str("hmac-sha2-256"),
		.compression = span_str("zlib@openssh.com,none"),
		.methods = span_str("publickey,password,keyboard-interactive"),
		.banner_ms = 15000, .kex_ms = 30000, .login_ms = 120000, .rekey_ms = 60000,
		.close_ms = 5000, .tries_max = 6, .fail_delay_ms = 50, .rekey_burst = 3,
		.rekey_per_second = 2, .channel_max = 10, .window = 2 << 20,
		.window_sum = 16 << 20 };
}

static inline void
play_new(const struct ipc_NEW *plan)
{
	assert_int_equal(ipc_send_NEW(play.app, plan), 0);
	play_run();
}

static inline void
play_attach(uint64_t conn)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	PLAY_TELL(ATTACH, .conn = conn, .in = fd, .out = fd);
	close(fd);
}

/* What START told, kept beyond the next message. */
struct play_start {
	uint8_t kexinit[16384];
	size_t kexinit_len;
	uint8_t role;
	char sig_algs[256];
};

static inline struct play_child *
play_started(uint64_t conn, struct play_start *start)
{
	struct ipc_STARTED started;
	struct ipc_START q;
	struct play_child *w;

	PLAY_EXPECT(STARTED, &started);
	assert_int_equal(started.conn, conn);
	w = play_by_pid((pid_t)started.worker_pid);
	assert_non_null(w);
	PLAY_WORKER_EXPECT(w, START, &q);
	start->role = q.role;
	start->kexinit_len = q.kexinit.n;
	memcpy(start->kexinit, q.kexinit.p, q.kexinit.n);
	monitor_names_copy(start->sig_algs, sizeof(start->sig_algs), q.sig_algs);
	close(q.in);
	close(q.out);
	return w;
}

static inline struct play_child *
play_connect(uint64_t conn, enum ipc_role role, struct play_start *start)
{
	struct ipc_NEW plan = play_plan(conn, role);

	play_new(&plan);
	play_attach(conn);
	return play_started(conn, start);
}

/* Real values of a key exchange, so that lengths are right. */
struct play_kex { uint8_t q_c[32], q_s[32], k[32]; };

static inline void
play_kex(struct play_kex *x)
{
	const struct kex_alg *kex = kex_find("curve25519-sha256", 17);
	struct kex_state state;

	assert_non_null(kex);
	assert_int_equal(kex->start(&state, NULL, x->q_c), 0);
	assert_int_equal(kex->answer(NULL, x->q_c, x->q_s, x->k), 0);
}

static inline struct ipc_SIGN
play_sign_of(const struct play_kex *x)
{
	return (struct ipc_SIGN){ .kex = span_str("curve25519-sha256"),
		.hostkey_alg = span_str("ssh-ed25519"), .v_c = span_str("SSH-2.0-Theirs"),
		.i_c = span_str("\024their kexinit"), .q_c = span_of(x->q_c, 32),
		.q_s = span_of(x->q_s, 32), .k = span_of(x->k, 32) };
}

/* The client's question, with the server's key and signature made by the test. */
static inline void
play_h(struct span v_c, struct span v_s, struct span i_c, struct span i_s, struct span k_s,
    const struct play_kex *x, uint8_t h[32])
{
	static uint8_t buf[65536];
	struct wr w = wr_of(buf, sizeof(buf));

	/* RFC 8731 3.1, computed without the monitor's code */
	wr_blob(&w, v_c, 255);
	wr_blob(&w, v_s, 255);
	wr_blob(&w, i_c, 35000);
	wr_blob(&w, i_s, 35000);
	wr_blob(&w, k_s, 8192);
	wr_blob(&w, span_of(x->q_c, 32), 32);
	wr_blob(&w, span_of(x->q_s, 32), 32);
	wr_mpint(&w, span_of(x->k, 32));
	assert_false(w.bad);
	crypto_hash_sha256(h, buf, w.n);
}

static inline void
play_agree(struct play_child *w)
{
	PLAY_SAY(w, AGREED, .peer_version = span_str("SSH-2.0-Theirs"),
	    .kex = span_str("curve25519-sha256"), .hostkey_alg = span_str("ssh-ed25519"),
	    .cipher_c2s = span_str("aes256-gcm@openssh.com"),
	    .cipher_s2c = span_str("aes256-gcm@openssh.com"), .mac_c2s = span_str(""),
	    .mac_s2c = span_str(""), .compression_c2s = span_str("none"),
	    .compression_s2c = span_str("zlib@openssh.com"), .strict = 1);
}

/* A server's connection up to the login, by this plan; hash is the session id. */
static inline struct play_child *
play_served(const struct ipc_NEW *plan, uint8_t session[32])
{
	struct play_start start;
	struct play_kex x;
	struct ipc_SIGN sign;
	struct ipc_SIGNED sig;
	struct ipc_KEX_DONE done;
	struct play_child *w;

	play_new(plan);
	play_attach(plan->conn);
	w = play_started(plan->conn, &start);
	play_kex(&x);
	sign = play_sign_of(&x);
	assert_int_equal(ipc_send_SIGN(w->link, &sign), 0);
	play_run();
	PLAY_WORKER_EXPECT(w, SIGNED, &sig);
	assert_int_equal(sig.hash.n, 32);
	memcpy(session, sig.hash.p, 32);
	play_agree(w);
	PLAY_EXPECT(KEX_DONE, &done);
	return w;
}

static inline struct play_child *
play_server(uint64_t conn, uint8_t session[32])
{
	struct ipc_NEW plan = play_plan(conn, IPC_SERVER);

	return play_served(&plan, session);
}

/* The server's signature over the hash of the first key exchange, which is the session id. */
struct play_proof { uint8_t session[32], signature[256]; size_t len; };

/* A client's worker asks: the server has shown k_s as a key of this algorithm, and the host
 * key of the test has signed. */
static inline void
play_verify(struct play_child *w, const struct play_start *start, const char *alg, struct span k_s,
    struct play_proof *proof)
{
	struct span v_s = span_str("SSH-2.0-S"), i_s = span_str("\024x");
	struct play_kex x;

	play_kex(&x);
	play_h(span_str("SSH-2.0-Ours"), v_s, span_of(start->kexinit, start->kexinit_len), i_s, k_s,
	    &x, proof->session);
	proof->len = play_sign(play.seed, span_of(proof->session, 32), proof->signature,
	    sizeof(proof->signature));
	PLAY_SAY(w, VERIFY, .kex = span_str("curve25519-sha256"), .hostkey_alg = span_str(alg),
	    .v_s = v_s, .i_s = i_s, .k_s = k_s, .q_c = span_of(x.q_c, 32),
	    .q_s = span_of(x.q_s, 32), .k = span_of(x.k, 32),
	    .signature = span_of(proof->signature, proof->len));
}

/* ...and is told yes; done lives as long as the message. */
static inline void
play_verified(struct play_child *w, const struct play_proof *proof, struct ipc_KEX_DONE *done)
{
	struct ipc_VERIFIED v;

	PLAY_WORKER_EXPECT(w, VERIFIED, &v);
	assert_true(span_eq(v.hash, span_of(proof->session, 32)));
	play_agree(w);
	PLAY_EXPECT(KEX_DONE, done);
}

/* A client's connection up to the login, by this plan: the host key of the test is trusted. */
static inline struct play_child *
play_planned(const struct ipc_NEW *plan, struct play_start *start, struct play_proof *proof)
{
	struct span host = span_of(play.host_blob, play.host_blob_len);
	struct ipc_KEX_DONE done;
	struct play_child *w;

	play_new(plan);
	PLAY_TELL(TRUST_KEY, .conn = plan->conn, .key = host);
	play_attach(plan->conn);
	w = play_started(plan->conn, start);
	play_verify(w, start, "ssh-ed25519", host, proof);
	play_verified(w, proof, &done);
	return w;
}

static inline struct play_child *
play_client(uint64_t conn, struct play_proof *proof)
{
	struct ipc_NEW plan = play_plan(conn, IPC_CLIENT);
	struct play_start start;

	return play_planned(&plan, &start, proof);
}

/* ---- a login ---- */

/* It has succeeded: both ends have what they go on with. */
static inline void
play_logged_in(struct play_child *w)
{
	struct ipc_USER_LOGGED_IN in;
	struct ipc_LOGGED_IN gate;

	PLAY_EXPECT(USER_LOGGED_IN, &in);
	close(in.worker);
	PLAY_WORKER_EXPECT(w, LOGGED_IN, &gate);
	close(gate.app);
}

/* A client logs in to us, by a password. */
static inline void
play_log_in(struct play_child *w, uint64_t conn)
{
	struct ipc_ASK_PASSWORD ask;
	struct ipc_ATTEMPT attempt;

	PLAY_SAY(w, AUTH_PASSWORD, .user = span_str("bob"), .password = span_str("x"));
	PLAY_EXPECT(ASK_PASSWORD, &ask);
	PLAY_TELL(LOGIN_ANSWER, .conn = conn, .question = ask.question, .verdict = IPC_ACCEPTED);
	PLAY_EXPECT(ATTEMPT, &attempt);
	play_logged_in(w);
}

/* Signed by the key of blob; host: empty, or the method has it said, too. */
static inline size_t
play_auth_data(const struct play_proof *proof, const char *user, const char *method,
    struct span blob, struct span host, uint8_t *out, size_t cap)
{
	struct wr w = wr_of(out, cap);

	wr_blob(&w, span_of(proof->session, 32), 32);
	wr_u8(&w, 50);
	wr_str(&w, user);
	wr_str(&w, "ssh-connection");
	wr_str(&w, method);
	wr_u8(&w, 1);
	wr_str(&w, "ssh-ed25519");
	wr_blob(&w, blob, 64);
	if (host.n > 0)
		wr_blob(&w, host, 64);
	assert_false(w.bad);
	return w.n;
}

/* RFC 4252 7. */
static inline size_t
play_login_data(const struct play_proof *proof, const char *user, struct span blob,
    uint8_t *out, size_t cap)
{
	return play_auth_data(proof, user, "publickey", blob, span_of(NULL, 0), out, cap);
}

/* OpenSSH PROTOCOL 3.1, for the host key of the test. */
static inline size_t
play_bound_data(const struct play_proof *proof, const char *user, struct span blob,
    uint8_t *out, size_t cap)
{
	return play_auth_data(proof, user, "publickey-hostbound-v00@openssh.com", blob,
	    span_of(play.host_blob, play.host_blob_len), out, cap);
}

static inline int
play_open_descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* A login of ours came to nothing, for this reason, and the monitor goes on. */
static inline void
play_failed(const char *why)
{
	struct ipc_LOGIN_RESULT r;

	PLAY_EXPECT(LOGIN_RESULT, &r);
	assert_int_equal(r.result, IPC_LOGIN_FAILED);
	assert_true(span_is(r.text, why));
	assert_false(play.m->over);
}

#endif
