/*
 * update_play.h - a client whose server tells of its host keys (OpenSSH PROTOCOL 2.5): the
 * test is the worker, as hostile as it can be, and has the files and all the keys.
 */
#ifndef TESTS_UPDATE_PLAY_H
#define TESTS_UPDATE_PLAY_H

#include "tests/monitor_play.h"

#include <sys/mman.h>

#include "tests/sign_lab.h"

enum { KEYS = 6 };
static struct { uint8_t seed[32], blob[64]; size_t n; } other[KEYS];
static struct lab rsa;
static struct play_child *w;
static uint8_t session[32];
static struct ipc_NEW plan;
static char known[8192];		/* the next file                             */
static struct span revoked;		/* of the next connection; empty: none       */

static inline int
setup(void **state)
{
	int r = play_setup(state);

	for (size_t i = 0; i < KEYS; i++)
		play_make_key(other[i].seed, other[i].blob, &other[i].n);
	lab_first("rsa-sha2-512", &rsa);
	plan = play_plan(1, IPC_CLIENT);
	plan.hostkey_algs = span_str("ssh-ed25519,rsa-sha2-512,rsa-sha2-256");
	plan.hostkey_rsa_min = 2048;
	plan.update = 1;
	plan.own_files = 1;
	return r;
}

static inline int
teardown(void **state)
{
	known[0] = 0;
	revoked.n = 0;
	return play_teardown(state);
}

static inline struct span
host(void)
{
	return span_of(play.host_blob, play.host_blob_len);
}

static inline struct span
key(size_t i)
{
	return span_of(other[i].blob, other[i].n);
}

static inline struct span
rsa_key(void)
{
	return span_of(rsa.blob.p, rsa.blob.n);
}

/* ---- files ---- */

/* Adds to the next file. */
static inline char *
known_add(const char *more)
{
	size_t n = strlen(known);

	assert_true(snprintf(known + n, sizeof(known) - n, "%s", more) < (int)(sizeof(known) - n));
	return known;
}

/* ...and begins another. */
static inline void
known_take(char *copy, size_t cap)
{
	assert_true(snprintf(copy, cap, "%s", known) < (int)cap);
	known[0] = 0;
}

static inline char *
line(const char *before, struct span blob)
{
	char base64[2048];
	struct rd r = rd_of(blob);
	struct span type = rd_blob(&r, 64);
	size_t n = strlen(known);

	sodium_bin2base64(base64, sizeof(base64), blob.p, blob.n,
	    sodium_base64_VARIANT_ORIGINAL);
	assert_true(snprintf(known + n, sizeof(known) - n, "%s %.*s %s\n", before, (int)type.n,
	    (const char *)type.p, base64) < (int)(sizeof(known) - n));
	return known;
}

static inline void
trust_revoked(void)
{
	int fd = memfd_create("revoked", MFD_CLOEXEC);
	char base64[256];

	sodium_bin2base64(base64, sizeof(base64), revoked.p, revoked.n,
	    sodium_base64_VARIANT_ORIGINAL);
	assert_true(dprintf(fd, "ssh-ed25519 %s\n", base64) > 0);
	PLAY_TELL(TRUST_REVOKED, .conn = plan.conn, .file = fd);
	close(fd);
}

static inline void
trust(const char *text)
{
	int fd = memfd_create("known_hosts", MFD_CLOEXEC);

	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	PLAY_TELL(TRUST_FILE, .conn = plan.conn, .file = fd);
	close(fd);
}

/* ---- a connection ---- */

/* own and global: what the files say; NULL: there is no such file.  Until keys are in use. */
static inline void
keyed(const char *own, const char *global, bool asked)
{
	struct ipc_HOSTKEY_ASK ask;
	struct ipc_KEX_DONE done;
	struct play_proof proof;
	struct play_start start;

	play_new(&plan);
	if (own != NULL)
		trust(own);
	if (global != NULL)
		trust(global);
	if (revoked.n > 0)
		trust_revoked();
	play_attach(plan.conn);
	w = play_started(plan.conn, &start);
	play_verify(w, &start, "ssh-ed25519", host(), &proof);
	if (asked) {
		PLAY_EXPECT(HOSTKEY_ASK, &ask);
		PLAY_TELL(HOSTKEY_ANSWER, .conn = plan.conn, .question = ask.question, .accept = 1);
	}
	play_verified(w, &proof, &done);
	memcpy(session, proof.session, sizeof(session));
}

static inline void
login(void)
{
	struct ipc_LOGIN_NONE none;

	PLAY_TELL(TRY_NONE, .conn = plan.conn, .user = span_str("u"));
	PLAY_WORKER_EXPECT(w, LOGIN_NONE, &none);
	PLAY_SAY(w, LOGIN_SUCCESS, .empty_ = 0);
	play_logged_in(w);
}

static inline void
opened(const char *own)
{
	keyed(own, NULL, false);
	login();
}

static uint8_t list_buf[8192];

static inline struct span
list(const struct span *s, size_t n)
{
	struct wr o = wr_of(list_buf, sizeof(list_buf));

	for (size_t i = 0; i < n; i++)
		wr_blob(&o, s[i], KEY_BLOB_MAX);
	assert_false(o.bad);
	return wr_span(&o);
}
#define LIST(...) list((struct span[]){ __VA_ARGS__ }, \
    sizeof((struct span[]){ __VA_ARGS__ }) / sizeof(struct span))
#define TELL(...) PLAY_SAY(w, HOSTKEYS_TOLD, .keys = LIST(__VA_ARGS__))

static uint8_t wanted[2048];
static size_t wanted_n;

static inline void
expect_proof_asked(size_t n, const struct span *keys)
{
	struct ipc_HOSTKEYS_ASK ask;
	struct wr o = wr_of(wanted, sizeof(wanted));

	for (size_t i = 0; i < n; i++)
		wr_blob(&o, keys[i], KEY_BLOB_MAX);
	PLAY_WORKER_EXPECT(w, HOSTKEYS_ASK, &ask);
	wanted_n = o.n;
	assert_true(span_eq(ask.keys, span_of(wanted, wanted_n)));
	PLAY_QUIET();
}
#define EXPECT_ASKED(...) expect_proof_asked(sizeof((struct span[]){ __VA_ARGS__ }) / \
    sizeof(struct span), (struct span[]){ __VA_ARGS__ })

/* Nothing comes of it, and nobody's connection ends. */
static inline void
expect_nothing(void)
{
	PLAY_WORKER_QUIET(w);
	PLAY_QUIET();
	assert_false(w->dead);
}

static inline void
expect_lie(const char *what)
{
	struct ipc_END_OF end;

	PLAY_ENDED(plan.conn, IPC_WORKER_LIED, &end);
	assert_true(play_contains(end.text, what));
}

/* OpenSSH PROTOCOL 2.5, put together without the monitor's code. */
static inline size_t
to_be_signed(const char *word, const uint8_t *id, struct span blob, uint8_t *out, size_t cap)
{
	struct wr o = wr_of(out, cap);

	wr_str(&o, word);
	wr_blob(&o, span_of(id, 32), 32);
	wr_blob(&o, blob, KEY_BLOB_MAX);
	assert_false(o.bad);
	return o.n;
}

static uint8_t proof_buf[4][2048];

static inline struct span
proof_by(size_t place, const uint8_t *seed, const char *word, const uint8_t *id,
    struct span blob)
{
	uint8_t data[2048];
	size_t n = to_be_signed(word, id, blob, data, sizeof(data));

	return span_of(proof_buf[place], play_sign(seed, span_of(data, n), proof_buf[place],
	    sizeof(proof_buf[place])));
}

static inline struct span
proof(size_t i)
{
	return proof_by(i, other[i].seed, "hostkeys-prove-00@openssh.com", session, key(i));
}

static inline struct span
rsa_proof(const char *name)
{
	const struct sign_alg *alg = lab_alg(name);
	struct sign_key *k = rsa.alg->load(rsa.blob.p, rsa.blob.n, rsa.secret.p, rsa.secret.n);
	uint8_t data[2048];
	size_t n = to_be_signed("hostkeys-prove-00@openssh.com", session, rsa_key(), data,
	    sizeof(data)), len;

	assert_non_null(k);
	assert_int_equal(alg->sign(k, data, n, proof_buf[3], sizeof(proof_buf[3]), &len), 0);
	sign_key_free(k);
	return span_of(proof_buf[3], len);
}

#define PROVE(...) PLAY_SAY(w, HOSTKEYS_PROVED, .signatures = LIST(__VA_ARGS__))

static struct ipc_HOSTKEYS_CHANGED changed;
static struct rd added, gone;

static inline void
expect_changed(void)
{
	PLAY_EXPECT(HOSTKEYS_CHANGED, &changed);
	assert_int_equal(changed.conn, plan.conn);
	added = rd_of(changed.added);
	gone = rd_of(changed.gone);
}

static inline void
expect_added(struct span blob, const char *name)
{
	char text[2048];
	struct span got;

	known[0] = 0;
	(void)line(name, blob);
	assert_true(span_eq(rd_blob(&added, KEY_BLOB_MAX), blob));
	got = rd_blob(&added, 2048);
	memcpy(text, got.p, got.n);
	text[got.n] = '\n';
	text[got.n + 1] = 0;
	assert_string_equal(text, known);
}

static inline void
expect_gone(uint32_t file, uint32_t number, struct span blob)
{
	assert_int_equal(rd_u32(&gone), file);
	assert_int_equal(rd_u32(&gone), number);
	assert_true(span_eq(rd_blob(&gone, KEY_BLOB_MAX), blob));
}

static inline void
expect_no_more(void)
{
	assert_true(rd_done(&added));
	assert_true(rd_done(&gone));
	PLAY_WORKER_QUIET(w);
	assert_false(w->dead);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
