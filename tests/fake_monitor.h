/*
 * fake_monitor.h - a monitor and its workers in one forked process, for the tests
 * of the application side.
 *
 * It stands in for privsep/spawn.c: the test program that includes this gets its own
 * spawn_helper, which forks a puppet instead of exec'ing postern-monitor.  A client
 * chooses what happens by the host name, user, password, channel kind and command; a
 * server's network descriptor carries lines of orders from the test to the puppet,
 * and lines about what the application said back.
 */
#ifndef TESTS_FAKE_MONITOR_H
#define TESTS_FAKE_MONITOR_H

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/ipc.h"
#include "privsep/spawn.h"
#include "tests/fake_resolver.h"

enum { FAKE_CONNS = 32, FAKE_CHANS = 32, FAKE_MANY = 1000, FAKE_HELD = 1200 };

/* What the test wants to know about what the puppet got. */
struct fake_seen {
	int spawned, resolvers, sealed, config, closes, closes_now, drops, host_keys, trust_files,
	    trust_keys, trust_revoked;
	int channel_closes, late_closes, answers, refusals, infos;
	uint64_t last_conn, added_key;	/* AGENT_ADD */
	uint64_t again;		/* the AGENT that is connected to again; 0: none */
	int backs, aways;
	char back[8];		/* what lay in the socket               */
	uint32_t added_for;
	uint8_t added_confirm;
	size_t added_comment;
	uint32_t startups_full, startups_source, port, rsa_bits, hostkey_rsa_min, channel_max, window, alive_max, login_ms, rekey_ms;
	uint8_t hash_names, ask_none, keys_may_leave, update, source_bits_ipv4, source_bits_ipv6;
	uint32_t own_files;
	char kex[256], ciphers[512], version[256], methods[256], host[256], peer[256];
	char environment[256], info[256], changes[256], hostkey_algs[256];
	uint32_t ignore;
	int takes, takes_before_ignore;
	int hexdumps, keepalives, rekey_limits, signs;
	uint64_t rekey_bytes;
	uint32_t rekey_interval_ms;
	int pairs;		/* connections of two descriptors */
	char compression[64];
	uint32_t alive_interval_ms;
	uint8_t hexdump;
};
/* How the puppet behaves, set before postern_context_new. */
struct fake_how {
	int other_build;	/* wrong schema in its HELLO            */
	int mute;		/* says nothing at all                  */
	int no_sandbox;		/* NOT_SERVING                          */
	int deaf;		/* does not end when its link closes    */
	int missing;		/* spawn_helper fails                   */
	int keeps_quiet;	/* TAKEN only as ordered, client or not */
};
static struct fake_seen *fake_seen;
static struct fake_how fake_how;
static pid_t fake_pid;

struct fake_chan { uint64_t id; int data, err; };
struct fake_conn {
	uint64_t id;
	uint8_t role;
	char host[256];
	int net, worker;
	uint64_t question;
	uint64_t held[FAKE_HELD];	/* calls of GLOBAL_DO "hold", with their payloads */
	uint32_t payloads[FAKE_HELD];
	size_t n_held;
	struct fake_chan chans[FAKE_CHANS];
};
struct fake {
	int app;
	struct fake_conn conns[FAKE_CONNS];
	struct fake_conn *c;	/* of the message in hand */
};

static inline void
fake_text(char *out, size_t cap, struct span s)
{
	size_t n = s.n < cap - 1 ? s.n : cap - 1;

	if (n > 0)
		memcpy(out, s.p, n);
	out[n] = '\0';
}

static inline void
fake_pause(int ms)
{
	(void)poll(NULL, 0, ms);
}

/* A line to the test, over the server's network descriptor. */
__attribute__((format(printf, 2, 3))) static inline void
fake_say(struct fake_conn *c, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	(void)!write(c->net, line, strlen(line));
}

static inline struct fake_conn *
fake_find(struct fake *f, uint64_t id)
{
	for (size_t i = 0; i < FAKE_CONNS; i++) {
		if (f->conns[i].id == id)
			return &f->conns[i];
	}
	return NULL;
}

static inline struct fake_chan *
fake_chan(struct fake_conn *c, uint64_t id)
{
	for (size_t i = 0; i < FAKE_CHANS; i++) {
		if (c->chans[i].id == id)
			return &c->chans[i];
	}
	return NULL;
}

static inline struct fake_chan *
fake_new_chan(struct fake_conn *c, uint64_t id)
{
	struct fake_chan *ch = fake_chan(c, 0);

	if (ch == NULL)
		_exit(3);
	*ch = (struct fake_chan){ id, -1, -1 };
	return ch;
}

static inline void
fake_end_chan(struct fake_chan *ch)
{
	ipc_close_fds(&ch->data, 1);
	ipc_close_fds(&ch->err, 1);
	ch->id = 0;
}

static inline void
fake_end(struct fake *f, struct fake_conn *c, uint32_t outcome, const char *text)
{
	struct ipc_END_OF m = { .conn = c->id, .outcome = outcome, .phase = span_str("open"),
		.side = IPC_PEER, .text = span_str(text), .ours = span_str(""),
		.theirs = span_str(""), .disconnect = 2 };

	if (outcome == IPC_NO_MATCH) {
		m.ours = span_str("aes256-ctr\x1b\nWarning: more");
		m.theirs = span_str("des-cbc\x1b");
	}
	if (outcome == IPC_WORKER_DIED)
		m.signal = SIGSYS;
	for (size_t i = 0; i < FAKE_CHANS; i++)
		fake_end_chan(&c->chans[i]);
	ipc_close_fds(&c->worker, 1);
	ipc_close_fds(&c->net, 1);
	(void)ipc_send_END_OF(f->app, &m);
	c->id = 0;
}

static inline void
fake_kex_done(struct fake *f, uint64_t count)
{
	struct ipc_KEX_DONE m = { .conn = f->c->id, .count = count,
		.session_id = span_str("session"), .host_key = span_str("KEY"),
		.kex = span_str("curve25519-sha256"), .hostkey_alg = span_str("ssh-ed25519"),
		.peer_version = span_str("SSH-2.0-Fake\x07\n"), .cipher_c2s = span_str("aes1"),
		.cipher_s2c = span_str("aes2"), .mac_c2s = span_str("mac1"),
		.mac_s2c = span_str("mac2"), .compression_c2s = span_str("none"),
		.compression_s2c = span_str("none"), .strict = 1 };

	(void)ipc_send_KEX_DONE(f->app, &m);
}

/* Of a host whose name begins with "changed": two new keys, one old one. */
static inline void
fake_changed(struct fake *f)
{
	static const char added[] = "\0\0\0\5\0\0\0\1a" "\0\0\0\5" "a key"
	    "\0\0\0\6\0\0\0\2bc" "\0\0\0\4" "bkey";
	static const char gone[] = "\0\0\0\1" "\0\0\0\7" "\0\0\0\5\0\0\0\1d";
	struct ipc_HOSTKEYS_CHANGED m = { .conn = f->c->id, .host = span_str("[host]:7"),
		.added = span_of(added, sizeof(added) - 1), .gone = span_of(gone, sizeof(gone) - 1) };

	if (strcmp(f->c->host, "changed-short") == 0)
		m.gone.n--;
	if (strcmp(f->c->host, "changed-long") == 0)
		m.added.n++;
	if (strcmp(f->c->host, "changed-nameless") == 0)
		m.gone = span_of("\0\0\0\1" "\0\0\0\7" "\0\0\0\0", 12);
	if (strncmp(f->c->host, "changed", 7) == 0)
		(void)ipc_send_HOSTKEYS_CHANGED(f->app, &m);
}

static inline void
fake_log_in(struct fake *f, const char *user, const char *how)
{
	struct ipc_USER_LOGGED_IN m = { .conn = f->c->id, .user = span_str(user),
		.methods = span_str(how), .alg = span_str("ssh-ed25519"),
		.key = span_str("KEY") };
	int pair[2];

	if (ipc_pair(pair) != 0)
		_exit(3);
	m.worker = pair[1];
	(void)ipc_send_USER_LOGGED_IN(f->app, &m);
	(void)close(pair[1]);
	fake_changed(f);
	f->c->worker = pair[0];
}

static inline void
fake_failed(struct fake *f, const char *methods)
{
	(void)ipc_send_LOGIN_RESULT(f->app, &(struct ipc_LOGIN_RESULT){ .conn = f->c->id,
	    .result = IPC_LOGIN_FAILED, .methods = span_str(methods), .text = span_str("") });
}

static inline void
fake_result(struct fake *f, uint8_t result, const char *text)
{
	(void)ipc_send_LOGIN_RESULT(f->app, &(struct ipc_LOGIN_RESULT){ .conn = f->c->id,
	    .result = result, .methods = span_str("password,publickey"),
	    .text = span_str(text) });
}

/* ---- application -> monitor ---- */

static inline int
on_APP_HELLO(struct fake *f, const struct ipc_APP_HELLO *m)
{
	uint8_t schema[IPC_SCHEMA_LEN];

	(void)m;
	ipc_schema(schema);
	schema[0] ^= (uint8_t)fake_how.other_build;
	if (!fake_how.mute)
		(void)ipc_send_MONITOR_HELLO(f->app, &(struct ipc_MONITOR_HELLO){
		    .magic = IPC_MAGIC, .schema = span_of(schema, sizeof(schema)) });
	return 0;
}

static inline int
on_CONFIG(struct fake *f, const struct ipc_CONFIG *m)
{
	(void)f;
	fake_seen->config++;
	fake_seen->startups_full = m->startups_full;
	fake_seen->keys_may_leave = m->keys_may_leave;
	fake_seen->startups_source = m->startups_source;
	fake_seen->source_bits_ipv4 = m->source_bits_ipv4;
	fake_seen->source_bits_ipv6 = m->source_bits_ipv6;
	return 0;
}

static inline int
on_KEY_LOAD(struct fake *f, const struct ipc_KEY_LOAD *m)
{
	char content[64] = "";
	struct ipc_KEY_LOADED a = { .call = m->call, .key = m->call, .alg = span_str("ssh-ed25519"),
		.blob = span_str("BLOB"), .comment = span_str("a key") };

	(void)!read(m->file, content, sizeof(content) - 1);
	(void)close(m->file);
	if (strcmp(content, "slow") == 0)
		fake_pause(300);
	if (strcmp(content, "locked") == 0 && m->passphrase.n == 0)
		a.result = 1;
	if (strcmp(content, "junk") == 0)
		a.result = 5;
	if (strcmp(content, "token") == 0)
		a.result = 7;
	return ipc_send_KEY_LOADED(f->app, &a);
}

static inline int
on_KEY_DROP(struct fake *f, const struct ipc_KEY_DROP *m)
{
	(void)m;
	fake_seen->drops++;
	if (fake_seen->again != 0)	/* a test's way to have it wanted */
		return ipc_send_AGENT_GONE(f->app,
		    &(struct ipc_AGENT_GONE){ .call = fake_seen->again });
	return 0;
}

static inline int
on_HOST_KEY(struct fake *f, const struct ipc_HOST_KEY *m)
{
	(void)f;
	(void)m;
	fake_seen->host_keys++;
	return 0;
}

static inline int
on_SEALED(struct fake *f, const struct ipc_SEALED *m)
{
	(void)m;
	fake_seen->sealed++;
	if (fake_how.no_sandbox) {
		(void)ipc_send_NOT_SERVING(f->app, &(struct ipc_NOT_SERVING){
		    .is_sandbox = 1, .text = span_str("no seccomp here") });
		_exit(1);
	}
	return ipc_send_SERVING(f->app, &(struct ipc_SERVING){ .layers = 31,
	    .report = span_str("five layers"), .monitor_pid = (uint32_t)getpid(),
	    .zygote_pid = 77 });
}

static inline int
on_NEW(struct fake *f, const struct ipc_NEW *m)
{
	struct fake_conn *c = fake_find(f, 0);

	if (c == NULL)
		_exit(3);
	*c = (struct fake_conn){ .id = m->conn, .role = m->role, .net = -1, .worker = -1 };
	for (size_t i = 0; i < FAKE_CHANS; i++)
		c->chans[i] = (struct fake_chan){ 0, -1, -1 };
	fake_text(c->host, sizeof(c->host), m->host);
	fake_text(fake_seen->host, sizeof(fake_seen->host), m->host);
	fake_seen->hash_names = m->hash_names;
	fake_seen->update = m->update;
	fake_seen->own_files = m->own_files;
	fake_text(fake_seen->peer, sizeof(fake_seen->peer), m->peer);
	fake_text(fake_seen->kex, sizeof(fake_seen->kex), m->kex);
	fake_text(fake_seen->ciphers, sizeof(fake_seen->ciphers), m->ciphers);
	fake_text(fake_seen->compression, sizeof(fake_seen->compression), m->compression);
	fake_seen->hexdump = m->hexdump;
	fake_text(fake_seen->version, sizeof(fake_seen->version), m->version);
	fake_text(fake_seen->methods, sizeof(fake_seen->methods), m->methods);
	fake_seen->last_conn = m->conn;
	fake_seen->port = m->port;
	fake_text(fake_seen->hostkey_algs, sizeof(fake_seen->hostkey_algs), m->hostkey_algs);
	fake_seen->channel_max = m->channel_max;
	fake_seen->rsa_bits = m->rsa_bits;
	fake_seen->hostkey_rsa_min = m->hostkey_rsa_min;
	fake_seen->window = m->window;
	fake_seen->alive_max = m->alive_max;
	fake_seen->login_ms = m->login_ms;
	fake_seen->rekey_ms = m->rekey_ms;
	fake_seen->ask_none = m->ask_none;
	return 0;
}

static inline int
on_TRUST_FILE(struct fake *f, const struct ipc_TRUST_FILE *m)
{
	(void)f;
	(void)close(m->file);
	fake_seen->trust_files++;
	return 0;
}

static inline int
on_TRUST_REVOKED(struct fake *f, const struct ipc_TRUST_REVOKED *m)
{
	(void)f;
	(void)close(m->file);
	fake_seen->trust_revoked++;
	return 0;
}

static inline int
on_TRUST_KEY(struct fake *f, const struct ipc_TRUST_KEY *m)
{
	(void)f;
	(void)m;
	fake_seen->trust_keys++;
	return 0;
}

static inline void
fake_ask_host_key(struct fake *f)
{
	f->c->question = 4711;
	(void)ipc_send_HOSTKEY_ASK(f->app, &(struct ipc_HOSTKEY_ASK){ .conn = f->c->id,
	    .question = 4711, .verdict = IPC_CHANGED, .host = span_str("[unknown]:22"),
	    .alg = span_str("ssh-ed25519"), .key = span_str("KEY"),
	    .line = span_str("unknown ssh-ed25519 S0VZ"), .clash_line = 3, .clash_file = 1,
	    .why = span_str("a\x1b" "b") });
}

static inline bool
fake_is_one(int a, int b)
{
	struct stat sa, sb;

	return fstat(a, &sa) == 0 && fstat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
	    sa.st_ino == sb.st_ino;
}

static inline int
on_ATTACH(struct fake *f, const struct ipc_ATTACH *m)
{
	const char *host = f->c->host;

	f->c->net = m->in;
	fake_seen->pairs += !fake_is_one(m->in, m->out);
	(void)close(m->out);		/* most tests give one twice */
	if (strcmp(host, "die") == 0)
		_exit(1);
	if (strcmp(host, "limit") == 0) {
		fake_end(f, f->c, IPC_LIMIT, "too many");
		return 0;
	}
	(void)ipc_send_STARTED(f->app, &(struct ipc_STARTED){ .conn = m->conn,
	    .worker_pid = 4242, .layers = 31, .report = span_str("all on") });
	if (strcmp(host, "hang") == 0)
		return 0;
	if (strcmp(host, "nomatch") == 0)
		fake_end(f, f->c, IPC_NO_MATCH, "no cipher");
	else if (strcmp(host, "unknown") == 0)
		fake_ask_host_key(f);
	else if (strcmp(host, "twice") == 0)	/* breaks ONCE */
		(void)ipc_send_STARTED(f->app, &(struct ipc_STARTED){ .conn = m->conn,
		    .report = span_str("") });
	else
		fake_kex_done(f, 1);
	return 0;
}

static inline int
on_HOSTKEY_ANSWER(struct fake *f, const struct ipc_HOSTKEY_ANSWER *m)
{
	if (m->question != f->c->question)
		_exit(4);
	if (m->accept)
		fake_kex_done(f, 1);
	else
		fake_end(f, f->c, IPC_BAD_HOST_KEY, "the host key has changed");
	return 0;
}

static inline int
on_LOGIN_ANSWER(struct fake *f, const struct ipc_LOGIN_ANSWER *m)
{
	char methods[256];

	fake_text(methods, sizeof(methods), m->methods);
	fake_say(f->c, "login %llu %u \"%s\"%s%s\n", (unsigned long long)m->question, m->verdict,
	    methods, m->flags & IPC_LOGIN_NO_TOUCH ? " no-touch" : "",
	    m->flags & IPC_LOGIN_VERIFIED ? " verified" : "");
	return 0;
}

static inline int
on_LOGIN_TERMS(struct fake *f, const struct ipc_LOGIN_TERMS *m)
{
	char banner[64], sigs[64], cas[64];

	fake_text(banner, sizeof(banner), m->banner);
	fake_text(sigs, sizeof(sigs), m->sig_algs);
	fake_text(cas, sizeof(cas), m->ca_algs);
	fake_say(f->c, "terms %u \"%s\"%s%s%s%s\n", m->tries_max, banner, sigs[0] != 0 ? " keys " : "",
	    sigs, cas[0] != 0 ? " cas " : "", cas);
	return 0;
}

static inline int
on_PROMPT_ANSWER(struct fake *f, const struct ipc_PROMPT_ANSWER *m)
{
	char name[64];

	fake_text(name, sizeof(name), m->name);
	fake_say(f->c, "prompts %llu %s %zu\n", (unsigned long long)m->question, name,
	    m->prompts.n);
	return 0;
}

static inline int
on_CHANGE_ANSWER(struct fake *f, const struct ipc_CHANGE_ANSWER *m)
{
	char prompt[64];

	fake_text(prompt, sizeof(prompt), m->prompt);
	fake_say(f->c, "change %llu %s\n", (unsigned long long)m->question, prompt);
	return 0;
}

static inline int
on_TRY_NONE(struct fake *f, const struct ipc_TRY_NONE *m)
{
	(void)m;
	fake_result(f, IPC_LOGIN_FAILED, "");
	return 0;
}

static inline int
on_TRY_PASSWORD(struct fake *f, const struct ipc_TRY_PASSWORD *m)
{
	char user[256];

	fake_text(user, sizeof(user), m->user);
	if (span_is(m->password, "slow"))
		fake_pause(300);
	if (span_is(m->password, "never"))
		return 0;
	if (span_is(m->password, "elsewhere") || span_is(m->password, "forever")) {	/* "password" is not taken here */
		fake_failed(f, "publickey,keyboard-interactive");
		return 0;
	}
	if (span_is(m->password, "nowhere")) {
		fake_failed(f, "publickey,keyboard-interactive-too");
		return 0;
	}
	if (span_is(m->password, "both")) {
		fake_failed(f, "keyboard-interactive,password");
		return 0;
	}
	if (span_is(m->password, "good"))
		fake_log_in(f, user, "password");
	else if (span_is(m->password, "partial"))
		fake_result(f, IPC_LOGIN_PARTIAL, "");
	else if (span_is(m->password, "change"))
		fake_result(f, IPC_LOGIN_CHANGEREQ, "too old\x1b[2J");
	else
		fake_result(f, IPC_LOGIN_FAILED, "");
	return 0;
}

static inline int
on_TRY_PUBLICKEY(struct fake *f, const struct ipc_TRY_PUBLICKEY *m)
{
	if (span_is(m->user, "signer"))
		return ipc_send_SIGN_ASK(f->app, &(struct ipc_SIGN_ASK){ .conn = m->conn,
		    .question = 78, .key = m->key, .alg = span_str("ssh-ed25519"),
		    .data = span_str("DATA") });
	/* the monitor's own no, of which the server hears nothing */
	if (span_is(m->user, "unusable") || (span_is(m->user, "certified") && m->certified != 0))
		return ipc_send_LOGIN_RESULT(f->app, &(struct ipc_LOGIN_RESULT){ .conn = m->conn,
		    .result = IPC_LOGIN_FAILED, .methods = span_str(""),
		    .text = span_str("no signature algorithm") });
	if (m->key != 0 && span_is(m->user, "certified"))
		fake_log_in(f, "certified", "publickey");
	else if (m->key != 0 && span_is(m->user, "robey"))
		fake_log_in(f, "robey", "publickey");
	else
		fake_result(f, IPC_LOGIN_FAILED, "");
	return 0;
}

/* One prompt for each letter: "h" is hidden, "e" is shown, "-" is none. */
static inline int
fake_ask_prompts(struct fake *f, struct span letters)
{
	uint8_t buf[256];
	struct wr w = wr_of(buf, sizeof(buf));
	bool none = span_is(letters, "-");

	wr_u32(&w, none ? 0 : (uint32_t)letters.n);
	for (size_t i = 0; !none && i < letters.n; i++) {
		wr_str(&w, "?");
		wr_u8(&w, letters.p[i] == 'e');
	}
	return ipc_send_INFO_ASK(f->app, &(struct ipc_INFO_ASK){ .conn = f->c->id,
	    .question = 6, .name = span_str(""), .instruction = span_str(""),
	    .prompts = wr_span(&w) });
}

static inline int
on_TRY_KBDINT(struct fake *f, const struct ipc_TRY_KBDINT *m)
{
	uint8_t buf[8192];
	struct wr w = wr_of(buf, sizeof(buf));

	if (span_is(m->user, "many")) {
		wr_u32(&w, FAKE_MANY);
		for (int i = 0; i < FAKE_MANY; i++) {
			wr_str(&w, "");
			wr_u8(&w, 0);
		}
		return ipc_send_INFO_ASK(f->app, &(struct ipc_INFO_ASK){ .conn = m->conn,
		    .question = 5, .name = span_str(""), .instruction = span_str(""),
		    .prompts = wr_span(&w) });
	}
	if (m->user.n > 2 && span_is(span_of(m->user.p, 2), "p-"))
		return fake_ask_prompts(f, span_of(m->user.p + 2, m->user.n - 2));
	wr_u32(&w, 2);
	wr_str(&w, "Colour? \x1b");
	wr_u8(&w, 1);
	wr_str(&w, "Code: ");
	wr_u8(&w, 0);
	if (span_is(m->user, "malformed"))
		wr_u8(&w, 0);
	(void)ipc_send_BANNER(f->app, &(struct ipc_BANNER){ .conn = m->conn,
	    .text = span_str("hello\x1b[1m\n") });
	return ipc_send_INFO_ASK(f->app, &(struct ipc_INFO_ASK){ .conn = m->conn,
	    .question = 5, .name = span_str("Test"), .instruction = span_str(""),
	    .prompts = wr_span(&w) });
}

static inline int
on_INFO_ANSWER(struct fake *f, const struct ipc_INFO_ANSWER *m)
{
	struct rd r = rd_of(m->answers);
	uint32_t n = rd_u32(&r);
	struct span a = rd_blob(&r, 64), b = rd_blob(&r, 64);

	fake_seen->infos++;
	if (m->question == 6) {		/* of fake_ask_prompts */
		fake_text(fake_seen->info, sizeof(fake_seen->info), a);
		if (n == 0 || (n == 1 && span_is(a, "elsewhere")))
			fake_log_in(f, "robey", "keyboard-interactive");
		else if (n == 1 && span_is(a, "forever"))
			(void)fake_ask_prompts(f, span_str("h"));
		else
			fake_failed(f, "hostbased");
		return 0;
	}
	if (n == FAKE_MANY)		/* that many, or the contract is broken */
		fake_result(f, IPC_LOGIN_FAILED, "");
	else if (n == 2 && rd_done(&r) && span_is(a, "blue") && span_is(b, "1234"))
		fake_log_in(f, "robey", "keyboard-interactive");
	else if (n == 2 && rd_done(&r) && a.n == 0 && b.n == 0)
		fake_result(f, IPC_LOGIN_FAILED, "");
	else
		_exit(7);
	return 0;
}

static inline int
on_TRY_PROBE(struct fake *f, const struct ipc_TRY_PROBE *m)
{
	fake_result(f, span_is(m->key, "GOOD") ? IPC_LOGIN_PROBE_OK : IPC_LOGIN_FAILED, "");
	return 0;
}

static inline int
on_TRY_CHANGE(struct fake *f, const struct ipc_TRY_CHANGE *m)
{
	char user[256];

	fake_text(user, sizeof(user), m->user);
	(void)snprintf(fake_seen->changes + strlen(fake_seen->changes),
	    sizeof(fake_seen->changes) - strlen(fake_seen->changes), "%.*s>%.*s ",
	    (int)m->password.n, (const char *)m->password.p,
	    (int)m->new_password.n, (const char *)m->new_password.p);
	if (span_is(m->new_password, "good"))
		fake_log_in(f, user, "password");
	else
		fake_result(f, span_is(m->new_password, "weak") ? IPC_LOGIN_CHANGEREQ :
		    IPC_LOGIN_FAILED, "");
	return 0;
}

static inline int
on_SIGN_ANSWER(struct fake *f, const struct ipc_SIGN_ANSWER *m)
{
	if (m->question != 78)
		_exit(8);
	fake_seen->signs++;
	if (span_is(m->signature, "SIGNED DATA"))
		fake_log_in(f, "signer", "publickey");
	else
		fake_result(f, IPC_LOGIN_FAILED, "");
	return 0;
}

/* One packet is shown for each time that it is turned on. */
static inline int
on_SET_HEXDUMP(struct fake *f, const struct ipc_SET_HEXDUMP *m)
{
	fake_seen->hexdumps++;
	fake_seen->hexdump = m->mode;
	if (m->mode == IPC_HEXDUMP_OFF)
		return 0;
	return ipc_send_DUMPED(f->app, &(struct ipc_DUMPED){ .conn = m->conn, .is_out = 1,
	    .skipped = 3, .packet = span_str("\002hello\033") });
}

static inline int
on_HOST_CERT(struct fake *f, const struct ipc_HOST_CERT *m)
{
	return ipc_send_CERT_ADDED(f->app, &(struct ipc_CERT_ADDED){ .call = m->call,
	    .ok = span_is(m->cert, "good"), .why = m->cert });
}

static inline int
on_KEY_CERT(struct fake *f, const struct ipc_KEY_CERT *m)
{
	return ipc_send_CERT_ADDED(f->app, &(struct ipc_CERT_ADDED){ .call = m->call,
	    .ok = m->key != 0 && span_is(m->cert, "good"), .why = m->cert });
}

static inline int
on_REVOKED(struct fake *f, const struct ipc_REVOKED *m)
{
	char content[64] = "";
	ssize_t n = read(m->file, content, sizeof(content) - 1);

	(void)close(m->file);
	return ipc_send_REVOKED_LOADED(f->app, &(struct ipc_REVOKED_LOADED){ .call = m->call,
	    .ok = n > 0 && strcmp(content, "bad") != 0, .why = span_str(content) });
}

static inline int
on_MODULI(struct fake *f, const struct ipc_MODULI *m)
{
	char content[64] = "";
	ssize_t n = read(m->file, content, sizeof(content) - 1);

	(void)close(m->file);
	return ipc_send_MODULI_LOADED(f->app, &(struct ipc_MODULI_LOADED){ .call = m->call,
	    .count = n > 0 ? (uint32_t)n : 0 });
}

/* What lies in the socket says how it goes: "bad", or how many keys. */
static inline int
on_AGENT(struct fake *f, const struct ipc_AGENT *m)
{
	char said[8] = "";
	ssize_t n = recv(m->socket, said, sizeof(said) - 1, MSG_DONTWAIT);
	uint8_t ok = n <= 0 || strcmp(said, "bad") != 0;

	(void)close(m->socket);
	fake_seen->again = m->again ? m->call : 0;
	for (int i = 0; ok && n > 0 && i < atoi(said); i++)
		(void)ipc_send_AGENT_KEY(f->app, &(struct ipc_AGENT_KEY){ .call = m->call,
		    .key = m->call + 1000 + (uint64_t)i, .alg = span_str("ssh-ed25519"),
		    .blob = span_str("BLOB"), .comment = span_str("an agent's") });
	return ipc_send_AGENT_DONE(f->app, &(struct ipc_AGENT_DONE){ .call = m->call, .ok = ok });
}

static inline int
on_AGENT_BACK(struct fake *f, const struct ipc_AGENT_BACK *m)
{
	(void)f;
	memset(fake_seen->back, 0, sizeof(fake_seen->back));
	(void)!recv(m->socket, fake_seen->back, sizeof(fake_seen->back) - 1, MSG_DONTWAIT);
	(void)close(m->socket);
	fake_seen->backs += m->call == fake_seen->again;
	return 0;
}

static inline int
on_AGENT_AWAY(struct fake *f, const struct ipc_AGENT_AWAY *m)
{
	(void)f;
	fake_seen->aways += m->call == fake_seen->again;
	return 0;
}

/* "bad" in the socket: it is refused.  What was asked for is remembered. */
static inline int
on_AGENT_ADD(struct fake *f, const struct ipc_AGENT_ADD *m)
{
	char said[8] = "";
	ssize_t n = recv(m->socket, said, sizeof(said) - 1, MSG_DONTWAIT);

	(void)close(m->socket);
	fake_seen->added_key = m->key;
	fake_seen->added_for = m->lifetime;
	fake_seen->added_confirm = m->confirm;
	fake_seen->added_comment = m->comment.n;
	return ipc_send_AGENT_DONE(f->app, &(struct ipc_AGENT_DONE){ .call = m->call,
	    .ok = n <= 0 || strcmp(said, "bad") != 0 });
}

static inline int
on_KEY_SIGNER(struct fake *f, const struct ipc_KEY_SIGNER *m)
{
	return ipc_send_KEY_LOADED(f->app, &(struct ipc_KEY_LOADED){ .call = m->call,
	    .result = m->blob.n > 0 ? 0 : 5, .key = m->call, .alg = m->alg, .blob = m->blob,
	    .comment = span_str("") });
}

static inline int
on_CLOSE(struct fake *f, const struct ipc_CLOSE *m)
{
	fake_seen->closes++;
	fake_seen->closes_now += m->now;
	if (strcmp(f->c->host, "stubborn") != 0 || m->now)
		fake_end(f, f->c, IPC_DONE_BY_US, "");
	return 0;
}

/* ---- application -> worker ---- */

#define W(f) ((f)->c->worker)

static inline int
on_OPEN(struct fake *f, const struct ipc_OPEN *m)
{
	if (span_is(m->type, "refused"))
		return ipc_send_NOT_OPENED(W(f), &(struct ipc_NOT_OPENED){ .chan = m->chan,
		    .reason = 4, .text = span_str("full\n") });
	if (span_is(m->type, "never"))
		return 0;
	if (span_is(m->type, "late"))
		fake_pause(300);
	(void)fake_new_chan(f->c, m->chan);
	return ipc_send_OPENED(W(f), &(struct ipc_OPENED){ .chan = m->chan,
	    .extra = span_str("") });
}

static inline int
on_GRANT(struct fake *f, const struct ipc_GRANT *m)
{
	(void)fake_new_chan(f->c, m->chan);
	fake_say(f->c, "grant %llu\n", (unsigned long long)m->chan);
	return 0;
}

static inline int
on_REFUSE(struct fake *f, const struct ipc_REFUSE *m)
{
	fake_seen->refusals++;
	fake_say(f->c, "refuse %llu %u\n", (unsigned long long)m->chan, m->reason);
	return 0;
}

static inline int
on_ANSWER_ASK(struct fake *f, const struct ipc_ANSWER_ASK *m)
{
	fake_seen->answers++;
	fake_say(f->c, "answer %llu %u\n", (unsigned long long)m->question, m->ok);
	return 0;
}

static inline int
fake_take(struct fake *f, uint64_t chan, const char *kind, int data, int err)
{
	struct fake_chan *ch = fake_chan(f->c, chan);

	if (ch == NULL || ch->data >= 0)
		_exit(5);
	ch->data = data;
	ch->err = err;
	fake_seen->takes++;
	if (!fake_how.keeps_quiet)
		(void)ipc_send_TAKEN(W(f), &(struct ipc_TAKEN){ .chan = chan });
	if (f->c->role == IPC_SERVER)
		fake_say(f->c, "take %llu %s\n", (unsigned long long)chan, kind);
	return 0;
}

static inline int
on_TAKE_SOCKET(struct fake *f, const struct ipc_TAKE_SOCKET *m)
{
	return fake_take(f, m->chan, "socket", m->data, -1);
}

static inline int
on_TAKE_SOCKETS(struct fake *f, const struct ipc_TAKE_SOCKETS *m)
{
	return fake_take(f, m->chan, "sockets", m->data, m->err);
}

static inline int
on_TAKE_PTY(struct fake *f, const struct ipc_TAKE_PTY *m)
{
	return fake_take(f, m->chan, "pty", m->master, -1);
}

static inline int
on_TAKE_PIPES(struct fake *f, const struct ipc_TAKE_PIPES *m)
{
	(void)close(m->in);
	return fake_take(f, m->chan, "pipes", m->out, m->err);
}

static inline int
fake_done(struct fake *f, uint64_t call, bool ok)
{
	if (call == 0)
		return 0;
	return ipc_send_DONE(W(f), &(struct ipc_DONE){ .call = call, .ok = ok,
	    .payload = span_str("") });
}

static inline int
on_PTY_DO(struct fake *f, const struct ipc_PTY_DO *m)
{
	return fake_done(f, m->call, m->columns == 80);
}

static inline int
on_ENV_DO(struct fake *f, const struct ipc_ENV_DO *m)
{
	(void)f;
	fake_text(fake_seen->environment, sizeof(fake_seen->environment), m->value);
	return 0;
}

static inline int
on_SHELL_DO(struct fake *f, const struct ipc_SHELL_DO *m)
{
	return fake_done(f, m->call, true);
}

/* The worker's link is drained before END_OF counts: so END_OF goes out first. */
static inline void
fake_cut(struct fake *f, struct fake_chan *ch)
{
	uint64_t conn = f->c->id;

	(void)ipc_send_STATUS_TOLD(W(f), &(struct ipc_STATUS_TOLD){ .chan = ch->id });
	(void)ipc_send_PEER_EOF(W(f), &(struct ipc_PEER_EOF){ .chan = ch->id });
	fake_end(f, fake_find(f, conn), IPC_CUT, "connection reset");
}

static inline int
on_EXEC_DO(struct fake *f, const struct ipc_EXEC_DO *m)
{
	struct fake_chan *ch = fake_chan(f->c, m->chan);

	if (ch == NULL || ch->data < 0)		/* descriptors come first */
		_exit(6);
	if (span_is(m->command, "never"))
		return 0;
	if (span_is(m->command, "fail"))
		return fake_done(f, m->call, false);
	(void)fake_done(f, m->call, true);
	if (span_is(m->command, "worker")) {
		fake_end(f, f->c, IPC_WORKER_DIED, "bad system call");
		return 0;
	}
	if (span_is(m->command, "lie"))		/* a message of another link */
		return ipc_send(W(f), span_of("\x6c", 1), NULL, 0);
	if (span_is(m->command, "reuse"))	/* a serial that is ours */
		return ipc_send_CHANNEL_ASK(W(f), &(struct ipc_CHANNEL_ASK){
		    .chan = m->chan, .type = span_str("session"), .extra = span_str("") });
	if (span_is(m->command, "nosuch")) {	/* unknown things: dropped */
		(void)ipc_send_STATUS_TOLD(W(f), &(struct ipc_STATUS_TOLD){ .chan = 99 });
		(void)fake_done(f, 999999, true);
	}
	(void)!write(ch->data, "out", 3);
	if (ch->err >= 0)
		(void)!write(ch->err, "err", 3);
	if (span_is(m->command, "cut")) {
		fake_cut(f, ch);
		return 0;
	}
	if (span_is(m->command, "signal"))
		(void)ipc_send_EXIT_SIGNAL_TOLD(W(f), &(struct ipc_EXIT_SIGNAL_TOLD){
		    .chan = m->chan, .name = span_str("TERM"), .core_dumped = 1,
		    .text = span_str("gone\x1b") });
	else if (!span_is(m->command, "nostatus"))
		(void)ipc_send_STATUS_TOLD(W(f), &(struct ipc_STATUS_TOLD){ .chan = m->chan,
		    .status = 7 });
	(void)ipc_send_PEER_EOF(W(f), &(struct ipc_PEER_EOF){ .chan = m->chan });
	fake_end_chan(ch);
	return ipc_send_CHANNEL_OVER(W(f), &(struct ipc_CHANNEL_OVER){ .chan = m->chan,
	    .had_eof = 1 });
}

static inline int
on_SUBSYSTEM_DO(struct fake *f, const struct ipc_SUBSYSTEM_DO *m)
{
	struct fake_chan *ch = fake_chan(f->c, m->chan);
	bool is_sftp = span_is(m->name, "sftp");

	/* its version, and one byte of what the application is to read */
	if (is_sftp && ch != NULL)
		(void)!write(ch->data, "\0\0\0\5\2\0\0\0\3!", 10);
	return fake_done(f, m->call, is_sftp);
}

static inline int
on_WINDOW_DO(struct fake *f, const struct ipc_WINDOW_DO *m)
{
	(void)f;
	(void)m;
	return 0;
}

static inline int
on_SIGNAL_DO(struct fake *f, const struct ipc_SIGNAL_DO *m)
{
	(void)f;
	(void)m;
	return 0;
}

static inline int
on_BREAK_DO(struct fake *f, const struct ipc_BREAK_DO *m)
{
	return fake_done(f, m->call, true);
}

static inline int
on_OTHER_DO(struct fake *f, const struct ipc_OTHER_DO *m)
{
	return fake_done(f, m->call, false);
}

static inline int
on_EXIT_DO(struct fake *f, const struct ipc_EXIT_DO *m)
{
	struct fake_chan *ch = fake_chan(f->c, m->chan);
	char buf[64];
	ssize_t n = -1;

	/* the application has ended its side: the rest, then the end */
	for (int i = 0; i < 8 && ch->data >= 0; i++) {
		n = read(ch->data, buf, sizeof(buf));
		if (n <= 0)
			break;
	}
	fake_say(f->c, "exit %llu %u %s\n", (unsigned long long)m->chan, m->status,
	    n == 0 ? "eof" : "open");
	fake_end_chan(ch);
	return ipc_send_CHANNEL_OVER(W(f), &(struct ipc_CHANNEL_OVER){ .chan = m->chan,
	    .had_eof = 1 });
}

static inline int
on_EXIT_SIGNAL_DO(struct fake *f, const struct ipc_EXIT_SIGNAL_DO *m)
{
	fake_say(f->c, "exit-signal %llu\n", (unsigned long long)m->chan);
	return 0;
}

static inline int
on_CHANNEL_CLOSE(struct fake *f, const struct ipc_CHANNEL_CLOSE *m)
{
	struct fake_chan *ch = fake_chan(f->c, m->chan);

	fake_seen->channel_closes++;
	if (ch == NULL)
		return 0;
	fake_end_chan(ch);
	return ipc_send_CHANNEL_OVER(W(f), &(struct ipc_CHANNEL_OVER){ .chan = m->chan });
}

/* What a hijacked worker says of calls that are not to be answered, and of its own. */
static inline int
fake_lie(struct fake *f, uint64_t call)
{
	for (uint64_t other = call > 20 ? call - 20 : 1; other < call + 20; other++) {
		if (other != call)
			(void)fake_done(f, other, true);
	}
	(void)fake_done(f, call, false);
	return fake_done(f, call, true);
}

/* Answers all that is held, the last first, and each twice: with its own payload,
 * odd ones with no. */
static inline int
fake_release(struct fake *f)
{
	uint8_t payload[4];

	while (f->c->n_held > 0) {
		size_t i = --f->c->n_held;
		struct wr w = wr_of(payload, sizeof(payload));
		struct ipc_DONE m = { .call = f->c->held[i], .ok = f->c->payloads[i] % 2 == 0 };

		wr_u32(&w, f->c->payloads[i]);
		m.payload = wr_span(&w);
		while (ipc_send_DONE(W(f), &m) == -EAGAIN)
			fake_pause(1);
		m.ok = !m.ok;
		while (ipc_send_DONE(W(f), &m) == -EAGAIN)
			fake_pause(1);
	}
	return 0;
}

static inline int
on_GLOBAL_DO(struct fake *f, const struct ipc_GLOBAL_DO *m)
{
	struct rd r = rd_of(m->payload);

	if (span_is(m->kind, "never"))
		return 0;
	if (span_is(m->kind, "end")) {
		fake_end(f, f->c, IPC_CUT, "connection reset");
		return 0;
	}
	if (span_is(m->kind, "lies"))
		return fake_lie(f, m->call);
	if (span_is(m->kind, "hold")) {
		if (f->c->n_held == FAKE_HELD)
			_exit(9);
		f->c->held[f->c->n_held] = m->call;
		f->c->payloads[f->c->n_held++] = rd_u32(&r);
		return 0;
	}
	if (span_is(m->kind, "release"))
		return fake_release(f);
	if (span_is(m->kind, "echo"))
		return ipc_send_DONE(W(f), &(struct ipc_DONE){ .call = m->call, .ok = 1,
		    .payload = m->payload });
	return fake_done(f, m->call, span_is(m->kind, "yes"));
}

static inline int
on_GLOBAL_ANSWER(struct fake *f, const struct ipc_GLOBAL_ANSWER *m)
{
	fake_say(f->c, "global %llu %u\n", (unsigned long long)m->question, m->ok);
	return 0;
}

static inline int
on_REKEY(struct fake *f, const struct ipc_REKEY *m)
{
	fake_kex_done(f, 2);
	return fake_done(f, m->call, true);
}

static inline int
on_KEEPALIVE(struct fake *f, const struct ipc_KEEPALIVE *m)
{
	(void)f;
	fake_seen->keepalives++;
	fake_seen->alive_interval_ms = m->interval_ms;
	fake_seen->alive_max = m->max;
	return 0;
}

static inline int
on_REKEY_LIMIT(struct fake *f, const struct ipc_REKEY_LIMIT *m)
{
	(void)f;
	fake_seen->rekey_limits++;
	fake_seen->rekey_bytes = m->bytes;
	fake_seen->rekey_interval_ms = m->interval_ms;
	return 0;
}

static inline int
on_IGNORE(struct fake *f, const struct ipc_IGNORE *m)
{
	(void)f;
	fake_seen->ignore = m->length;
	fake_seen->takes_before_ignore = fake_seen->takes;
	return 0;
}

/* ---- orders of a server test, or of one about TAKEN: one line each ---- */

static inline struct span
fake_word(char **rest)
{
	char *s = strsep(rest, " ");

	return span_str(s != NULL ? s : "");
}

static inline uint64_t
fake_number(char **rest)
{
	char *s = strsep(rest, " ");

	return s != NULL ? strtoull(s, NULL, 10) : 0;
}

static inline void
fake_order_login(struct fake *f, const char *what, char *rest)
{
	uint64_t conn = f->c->id;

	if (strcmp(what, "none") == 0)
		(void)ipc_send_ASK_NONE(f->app, &(struct ipc_ASK_NONE){ .conn = conn,
		    .question = 1, .user = fake_word(&rest) });
	if (strcmp(what, "password") == 0)
		(void)ipc_send_ASK_PASSWORD(f->app, &(struct ipc_ASK_PASSWORD){ .conn = conn,
		    .question = 2, .user = fake_word(&rest), .password = fake_word(&rest),
		    .proven = span_str("publickey") });
	if (strcmp(what, "change") == 0)
		(void)ipc_send_ASK_CHANGE(f->app, &(struct ipc_ASK_CHANGE){ .conn = conn,
		    .question = 2, .user = fake_word(&rest), .password = fake_word(&rest),
		    .new_password = fake_word(&rest), .proven = span_str("") });
	if (strcmp(what, "key") == 0)
		(void)ipc_send_ASK_PUBLICKEY(f->app, &(struct ipc_ASK_PUBLICKEY){ .conn = conn,
		    .question = 3, .user = fake_word(&rest), .proven = span_str(""),
		    .alg = span_str("ssh-ed25519"), .key = fake_word(&rest) });
	if (strcmp(what, "certificate") == 0)
		(void)ipc_send_ASK_PUBLICKEY(f->app, &(struct ipc_ASK_PUBLICKEY){ .conn = conn,
		    .question = 3, .user = fake_word(&rest), .proven = span_str(""),
		    .alg = span_str("ssh-ed25519-cert-v01@openssh.com"), .key = span_str("CERT"),
		    .ca = span_str("CA"), .plain = span_str("PLAIN"), .serial = 1234567890123,
		    .key_id = span_str("the id"), .principals = span_of("\0\0\0\5" "robey"
		    "\0\0\0\0" "\0\0\0\3" "ops", 20), .permits = IPC_PERMIT_PTY | IPC_PERMIT_X11,
		    .is_forced = 1, .force_command = span_str("date") });
	if (strcmp(what, "interactive") == 0)
		(void)ipc_send_ASK_KBDINT(f->app, &(struct ipc_ASK_KBDINT){ .conn = conn,
		    .question = 4, .user = fake_word(&rest), .proven = span_str(""),
		    .submethods = span_str("pam") });
	if (strcmp(what, "responses") == 0)
		(void)ipc_send_ASK_RESPONSES(f->app, &(struct ipc_ASK_RESPONSES){ .conn = conn,
		    .question = 5, .user = fake_word(&rest), .proven = span_str(""),
		    .answers = span_of("\0\0\0\2" "\0\0\0\1" "a" "\0\0\0\2" "bc", 15) });
	if (strcmp(what, "malformed") == 0)
		(void)ipc_send_ASK_RESPONSES(f->app, &(struct ipc_ASK_RESPONSES){ .conn = conn,
		    .question = 6, .user = fake_word(&rest), .proven = span_str(""),
		    .answers = span_of("\xff\xff\xff\xff" "\0\0\0\1" "a", 9) });
	if (strcmp(what, "attempt") == 0)
		(void)ipc_send_ATTEMPT(f->app, &(struct ipc_ATTEMPT){ .conn = conn,
		    .user = span_str("ro\nbey"), .method = span_str("password"),
		    .alg = span_str(""), .fingerprint = span_str(""), .verdict = IPC_REFUSED,
		    .failures = 2, .why = span_str("a ce\nrtificate") });
	if (strcmp(what, "success") == 0)
		fake_log_in(f, rest, "publickey,password");
}

static inline void
fake_order_channel(struct fake *f, const char *what, char *rest)
{
	uint64_t chan = fake_number(&rest);
	int w = W(f);

	if (strcmp(what, "open") == 0)
		(void)ipc_send_CHANNEL_ASK(w, &(struct ipc_CHANNEL_ASK){ .chan = chan,
		    .type = fake_word(&rest), .extra = span_str("extra") });
	if (strcmp(what, "exec") == 0)
		(void)ipc_send_EXEC_ASK(w, &(struct ipc_EXEC_ASK){ .chan = chan,
		    .question = fake_number(&rest), .command = fake_word(&rest) });
	if (strcmp(what, "shell") == 0)
		(void)ipc_send_SHELL_ASK(w, &(struct ipc_SHELL_ASK){ .chan = chan,
		    .question = fake_number(&rest) });
	if (strcmp(what, "pty") == 0)
		(void)ipc_send_PTY_ASK(w, &(struct ipc_PTY_ASK){ .chan = chan,
		    .question = fake_number(&rest), .term = span_str("xterm"), .columns = 80,
		    .rows = 24, .modes = span_of("\0", 1) });
	if (strcmp(what, "env") == 0)
		(void)ipc_send_ENV_ASK(w, &(struct ipc_ENV_ASK){ .chan = chan,
		    .question = fake_number(&rest), .name = fake_word(&rest),
		    .value = fake_word(&rest) });
	if (strcmp(what, "window") == 0)
		(void)ipc_send_WINDOW_TOLD(w, &(struct ipc_WINDOW_TOLD){ .chan = chan,
		    .columns = 132, .rows = 50 });
	if (strcmp(what, "signal") == 0)
		(void)ipc_send_SIGNAL_TOLD(w, &(struct ipc_SIGNAL_TOLD){ .chan = chan,
		    .name = span_str("INT") });
	if (strcmp(what, "global") == 0)
		(void)ipc_send_GLOBAL_ASK(w, &(struct ipc_GLOBAL_ASK){ .question = chan,
		    .kind = fake_word(&rest), .payload = span_str("data") });
	if (strcmp(what, "eof") == 0)
		(void)ipc_send_PEER_EOF(w, &(struct ipc_PEER_EOF){ .chan = chan });
	if (strcmp(what, "over") == 0)
		(void)ipc_send_CHANNEL_OVER(w, &(struct ipc_CHANNEL_OVER){ .chan = chan });
	if (strcmp(what, "taken") == 0)
		(void)ipc_send_TAKEN(w, &(struct ipc_TAKEN){ .chan = chan });
	if (strcmp(what, "end") == 0)
		fake_end(f, f->c, (uint32_t)chan, "as ordered");
}

static inline void
fake_orders(struct fake *f)
{
	char buf[4096], *rest = buf, *line;
	ssize_t n = read(f->c->net, buf, sizeof(buf) - 1);

	if (n <= 0) {
		fake_end(f, f->c, IPC_CUT, "the peer hung up");
		return;
	}
	buf[n] = '\0';
	while (f->c->id != 0 && (line = strsep(&rest, "\n")) != NULL && line[0] != '\0') {
		char *words = line, *what = strsep(&words, " ");

		fake_order_login(f, what, words);
		fake_order_channel(f, what, words);
	}
}

/* ---- the puppet's loop ---- */

static inline int
fake_dispatch_app(struct fake *actor, uint8_t number, struct rd r, int *fds)
{
#define IPC_LINK_A2M
#include "ipc/dispatch.h"
	return IPC_BROKEN;
}

static inline int
fake_dispatch_worker(struct fake *actor, uint8_t number, struct rd r, int *fds)
{
#define IPC_LINK_A2W
#include "ipc/dispatch.h"
	return IPC_BROKEN;
}

static inline void
fake_hear_app(struct fake *f)
{
	static uint8_t buf[IPC_MESSAGE_MAX];
	int fds[IPC_FDS_MAX];
	size_t nfds;
	ssize_t n = ipc_recv(f->app, buf, sizeof(buf), fds, &nfds);
	struct rd r = rd_of(span_of(buf, n > 0 ? (size_t)n : 0)), peek;
	const struct ipc_row *row;

	if (n == -EAGAIN)
		return;
	if (n <= 0) {
		if (fake_how.deaf)
			(void)pause();
		_exit(0);
	}
	row = &ipc_rows[rd_u8(&r)];
	peek = r;
	f->c = NULL;
	if ((row->phases & (L_NEW | L_KEX | L_AUTH | L_OPEN)) != 0) {
		f->c = fake_find(f, rd_u64(&peek));
		if (f->c == NULL) {	/* late: dropped */
			fake_seen->late_closes++;
			ipc_close_fds(fds, nfds);
			return;
		}
	}
	if (row->link != IPC_A2M || row->nfds != nfds ||
	    fake_dispatch_app(f, buf[0], r, fds) < 0)
		_exit(2);
}

static inline void
fake_hear_worker(struct fake *f)
{
	static uint8_t buf[IPC_MESSAGE_MAX];
	int fds[IPC_FDS_MAX];
	size_t nfds;
	ssize_t n = ipc_recv(f->c->worker, buf, sizeof(buf), fds, &nfds);
	struct rd r = rd_of(span_of(buf, n > 0 ? (size_t)n : 0));

	if (n == -EAGAIN)
		return;
	if (n <= 0) {
		ipc_close_fds(&f->c->worker, 1);
		return;
	}
	(void)rd_u8(&r);
	if (ipc_rows[buf[0]].link != IPC_A2W || fake_dispatch_worker(f, buf[0], r, fds) < 0)
		_exit(2);
}

_Noreturn static inline void
fake_main(int app)
{
	static struct fake f;
	struct pollfd p[1 + 2 * FAKE_CONNS];

	f.app = app;
	for (;;) {
		p[0] = (struct pollfd){ .fd = app, .events = POLLIN };
		for (size_t i = 0; i < FAKE_CONNS; i++) {
			struct fake_conn *c = &f.conns[i];
			bool orders = c->id != 0 &&
			    (c->role == IPC_SERVER || fake_how.keeps_quiet);

			p[1 + 2 * i] = (struct pollfd){ .fd = c->id != 0 ? c->worker : -1,
				.events = POLLIN };
			p[2 + 2 * i] = (struct pollfd){ .fd = orders ? c->net : -1,
				.events = POLLIN };
		}
		if (poll(p, 1 + 2 * FAKE_CONNS, -1) < 0)
			_exit(1);
		for (size_t i = 0; i < FAKE_CONNS; i++) {
			f.c = &f.conns[i];
			if (p[1 + 2 * i].revents != 0 && f.c->id != 0)
				fake_hear_worker(&f);
			f.c = &f.conns[i];
			if (p[2 + 2 * i].revents != 0 && f.c->id != 0 && f.c->net >= 0)
				fake_orders(&f);
		}
		if (p[0].revents != 0)
			fake_hear_app(&f);
	}
}

/* ---- instead of privsep/spawn.c ---- */

int
spawn_helper(const char *dir, const char *name, int link, pid_t *pid, int *pidfd)
{
	bool is_resolver = strcmp(name, "postern-resolve") == 0;
	int app;

	(void)dir;
	if (fake_how.missing)
		return -ENOENT;
	*(is_resolver ? &fake_seen->resolvers : &fake_seen->spawned) += 1;
	*pid = fork();
	if (*pid == 0) {
		app = fcntl(link, F_DUPFD_CLOEXEC, 200);
		(void)close_range(3, 199, 0);
		(void)close_range(201, ~0u, 0);
		if (is_resolver)
			fake_resolver_main(app);
		fake_main(app);
	}
	if (*pid < 0)
		return -errno;
	if (!is_resolver)
		fake_pid = *pid;
	*pidfd = pidfd_open(*pid, 0);
	return *pidfd < 0 ? -errno : 0;
}

int
spawn_reap(int pidfd, int *signal, int *status)
{
	siginfo_t info = { .si_pid = 0 };

	if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0)
		return 0;
	*signal = info.si_code == CLD_EXITED ? 0 : info.si_status;
	*status = info.si_code == CLD_EXITED ? info.si_status : 0;
	return 1;
}

int
spawn_end(int pidfd)
{
	siginfo_t info = { .si_pid = 0 };

	(void)pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
	(void)waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED);
	(void)close(pidfd);
	return info.si_status;
}

static inline int
fake_setup(void **state)
{
	(void)state;
	if (fake_seen == NULL)
		fake_seen = mmap(NULL, sizeof(*fake_seen), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (fake_seen == MAP_FAILED)
		return -1;
	memset(fake_seen, 0, sizeof(*fake_seen));
	fake_how = (struct fake_how){ 0 };
	return 0;
}

/* A descriptor that reads as this content. */
static inline int
fake_file(const char *content)
{
	int fd = memfd_create("file", MFD_CLOEXEC);

	(void)!write(fd, content, strlen(content));
	(void)lseek(fd, 0, SEEK_SET);
	return fd;
}

static inline int
fake_open_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

#endif
