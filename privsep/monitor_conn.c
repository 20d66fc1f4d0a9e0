/*
 * monitor_conn.c - a connection from NEW to its worker's START.
 *
 * The application says how (NEW), what a client believes in (TRUST_*), and hands
 * over the network descriptors (ATTACH).  The monitor never reads from or writes to
 * them; it passes them on and closes its copies.
 */
#include "privsep/monitor.h"

#include <stdlib.h>
#include <unistd.h>

struct span
monitor_span_copy(struct span s)
{
	uint8_t *p = malloc(s.n > 0 ? s.n : 1);

	if (p == NULL)
		return (struct span){ NULL, 0 };
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return span_of(p, s.n);
}

static struct conn **
bucket(struct monitor *m, uint64_t id)
{
	return &m->table[id % MONITOR_BUCKETS];
}

struct conn *
monitor_conn_find(struct monitor *m, uint64_t id)
{
	struct conn *c = *bucket(m, id);

	while (c != NULL && c->id != id)
		c = c->next;
	return c;
}

unsigned
monitor_conn_admits(const struct conn *c)
{
	return c->end.on ? (unsigned)L_END : c->phase;
}

/* The plan's spans borrow from the message: all texts move into one block. */
static bool
keep_texts(struct conn *c)
{
	struct span *all[] = { &c->plan.peer, &c->plan.host, &c->plan.version, &c->plan.kex,
		&c->plan.hostkey_algs, &c->plan.sig_algs, &c->plan.ciphers, &c->plan.macs,
		&c->plan.compression, &c->plan.methods, &c->plan.banner, &c->plan.ca_algs };
	size_t n = sizeof(all) / sizeof(all[0]), total = 1;
	struct wr w;

	for (size_t i = 0; i < n; i++)
		total += all[i]->n;
	c->plan_text = malloc(total);
	if (c->plan_text == NULL)
		return false;
	w = wr_of(c->plan_text, total);
	for (size_t i = 0; i < n; i++) {
		size_t at = w.n;

		wr_raw(&w, *all[i]);
		all[i]->p = c->plan_text + at;
	}
	return true;
}

/* The worker did not keep its own deadline: it is not asked again. */
static void
too_late(struct monitor *m, void *owner)
{
	struct conn *c = owner;
	struct zygote *current = m->current;

	if (c->end.on && c->worker != NULL) {
		c->end.killed = true;
		monitor_worker_kill(c->worker);
	} else if (c->phase == L_NEW) {
		monitor_end(c, IPC_RESOURCE, IPC_LOCAL, "no worker was ready in time");
		if (current != NULL)
			monitor_zygote_failed(m, current, "it made no worker in time");
	} else if (c->phase == L_KEX) {
		monitor_end(c, IPC_TIMED_OUT, IPC_PEER, "key exchange not finished in time");
	} else {
		monitor_end(c, IPC_TIMED_OUT, IPC_PEER, "no login in time");
	}
}

int
monitor_conn_new(struct monitor *m, const struct ipc_NEW *q)
{
	struct conn *c;

	/* serials rise: one that was used before names another connection */
	if (q->conn <= m->last_conn || (q->role != IPC_SERVER && q->role != IPC_CLIENT) ||
	    q->hexdump > IPC_HEXDUMP_WHOLE || q->update > 1)
		return IPC_BROKEN;
	m->last_conn = q->conn;
	c = calloc(1, sizeof(*c));
	if (c == NULL) {
		monitor_stop(m, "out of memory");
		return 0;
	}
	c->m = m;
	c->id = q->conn;
	c->plan = *q;
	c->phase = L_NEW;
	c->kex = K_NONE;
	c->in = c->out = -1;
	if (!keep_texts(c) ||
	    monitor_timer_init(m, &c->deadline, too_late, c) != 0 ||
	    monitor_timer_init(m, &c->quota_timer, monitor_exchange_release, c) != 0 ||
	    monitor_timer_init(m, &c->sign_timer, monitor_signer_late, c) != 0 ||
	    monitor_timer_init(m, &c->proof.deadline, monitor_prove_late, c) != 0) {
		monitor_timer_deinit(m, &c->sign_timer);
		monitor_timer_deinit(m, &c->quota_timer);
		monitor_timer_deinit(m, &c->deadline);
		free(c->plan_text);
		free(c);
		monitor_stop(m, "out of memory");
		return 0;
	}
	c->next = *bucket(m, c->id);
	*bucket(m, c->id) = c;
	return 0;
}

/* ---- trust ---- */

static void
add_trust(struct conn *c, struct trust *t)
{
	struct trust **at = &c->trust;

	while (*at != NULL)
		at = &(*at)->next;
	t->next = NULL;
	*at = t;
	c->n_trust++;
}

int
monitor_conn_trust_file(struct monitor *m, const struct ipc_TRUST_FILE *q)
{
	struct conn *c = monitor_conn_find(m, q->conn);
	struct trust *t = NULL;
	int r;

	if (c == NULL || c->attached || c->n_trust >= MONITOR_TRUST_MAX ||
	    c->plan.role != IPC_CLIENT) {
		(void)close(q->file);	/* only read */
		return c == NULL ? 0 : IPC_BROKEN;
	}
	r = monitor_known_hosts_read(q->file, &t);
	(void)close(q->file);		/* only read */
	/* half a file would lack revoked keys: none is better */
	if (r != 0) {
		monitor_end(c, IPC_RESOURCE, IPC_LOCAL, "known_hosts file: %s",
		    r == -EFBIG ? "too large" : r == -EINVAL ? "not a file" : "cannot be read");
		return 0;
	}
	add_trust(c, t);
	return 0;
}

int
monitor_conn_trust_key(struct monitor *m, const struct ipc_TRUST_KEY *q)
{
	struct conn *c = monitor_conn_find(m, q->conn);
	struct trust *t;

	if (c == NULL)
		return 0;
	if (c->attached || c->n_trust >= MONITOR_TRUST_MAX || c->plan.role != IPC_CLIENT ||
	    q->key.n == 0)
		return IPC_BROKEN;
	t = malloc(sizeof(*t) + q->key.n);
	if (t == NULL) {
		monitor_end(c, IPC_RESOURCE, IPC_LOCAL, "out of memory");
		return 0;
	}
	*t = (struct trust){ .is_key = true, .n = q->key.n };
	memcpy(t->bytes, q->key.p, q->key.n);
	add_trust(c, t);
	return 0;
}

void
monitor_conn_distrust(struct conn *c)
{
	struct trust *t;

	while ((t = c->trust) != NULL) {
		c->trust = t->next;
		free(t);
	}
	monitor_revoked_free(&c->revoked);
}

/* ---- attaching ---- */

static void
close_network(struct conn *c)
{
	if (c->in >= 0)
		(void)close(c->in);	/* nothing of ours is buffered there */
	if (c->out >= 0)
		(void)close(c->out);
	c->in = c->out = -1;
}

int
monitor_conn_attach(struct monitor *m, const struct ipc_ATTACH *q)
{
	struct conn *c = monitor_conn_find(m, q->conn);
	const char *why;

	if (c == NULL || c->attached) {
		(void)close(q->in);	/* the peer sees the end */
		(void)close(q->out);
		return c == NULL ? 0 : IPC_BROKEN;
	}
	c->attached = true;
	c->in = q->in;
	c->out = q->out;
	c->source = monitor_source_of(&m->config, c->plan.peer);
	why = monitor_limits_refuse(m, c);
	m->connections++;
	c->counted = c->plan.role == IPC_SERVER;
	m->startups += c->counted;
	if (why != NULL) {
		monitor_end(c, IPC_LIMIT, IPC_LOCAL, "%s", why);
		return 0;
	}
	*m->waiting_last = c;
	m->waiting_last = &c->wait_next;
	m->n_waiting++;
	monitor_timer_set(m, &c->deadline, monitor_now(m) + MONITOR_WAIT_MS);
	monitor_conn_start(m);
	monitor_worker_refill(m);
	return 0;
}

static void
unwait(struct conn *c)
{
	struct monitor *m = c->m;
	struct conn **at = &m->waiting;

	while (*at != NULL && *at != c)
		at = &(*at)->wait_next;
	if (*at == NULL)
		return;
	*at = c->wait_next;
	if (c->wait_next == NULL)
		m->waiting_last = at;
	c->wait_next = NULL;
	m->n_waiting--;
}

static void
start(struct conn *c, struct worker *w)
{
	const struct ipc_NEW *p = &c->plan;
	uint8_t pairs[16384];
	struct wr hostkeys = wr_of(pairs, sizeof(pairs));
	char sig_algs[MONITOR_NAMES_MAX + 1] = "";
	const char *problem;

	tell_STARTED(c->m, &(struct ipc_STARTED){ .conn = c->id, .worker_pid = (uint32_t)w->pid,
	    .layers = w->layers, .report = span_str(w->report) });
	if (monitor_kexinit_hostkeys(c, &hostkeys) != 0) {
		monitor_end(c, IPC_RESOURCE, IPC_LOCAL, "no host key for this connection: "
		    "no type of its list, or RSA of too few bits");
		return;
	}
	if ((problem = monitor_kexinit_issue(c, true)) != NULL) {
		monitor_end(c, IPC_RESOURCE, IPC_LOCAL, "%s", problem);
		return;
	}
	/* the extension names signatures (RFC 8308 3.1), and so does OpenSSH's */
	if (p->role == IPC_SERVER)
		monitor_cert_names(p->sig_algs, sig_algs, sizeof(sig_algs));
	c->kex = K_READY;
	monitor_dump_start(c);
	monitor_conn_phase(c, L_KEX);
	say_START(c, &(struct ipc_START){ .role = p->role, .version = p->version,
	    .kexinit = c->kexinit, .hostkeys = wr_span(&hostkeys),
	    .sig_algs = span_str(sig_algs),
	    .banner = p->banner, .banner_ms = p->banner_ms, .kex_ms = p->kex_ms,
	    .login_ms = p->login_ms, .rekey_ms = p->rekey_ms, .close_ms = p->close_ms,
	    .rekey_bytes = p->rekey_bytes, .rekey_packets = p->rekey_packets,
	    .rekey_interval_ms = p->rekey_interval_ms,
	    .alive_interval_ms = p->alive_interval_ms, .alive_max = p->alive_max,
	    .channel_max = p->channel_max, .window = p->window, .window_sum = p->window_sum,
	    .hexdump = c->dump.mode, .in = c->in, .out = c->out });
	close_network(c);		/* the worker has its own */
}

/* Gives those who wait the workers that are there, in order. */
void
monitor_conn_start(struct monitor *m)
{
	struct worker *w;

	while (m->waiting != NULL && !m->over && (w = monitor_worker_spare(m)) != NULL) {
		struct conn *c = m->waiting;

		unwait(c);
		monitor_worker_bind(w, c);
		start(c, w);
		/* may retire the layout: the worker goes on with its connection */
		monitor_zygote_used(m, w->zygote);
	}
	monitor_worker_refill(m);
}

/* Backstops, a little behind the worker's own deadlines. */
void
monitor_conn_phase(struct conn *c, unsigned phase)
{
	const struct ipc_NEW *p = &c->plan;
	uint64_t ms = 0;

	c->phase = phase;
	if (phase == L_KEX && p->banner_ms != 0 && p->kex_ms != 0)
		ms = (uint64_t)p->banner_ms + p->kex_ms;
	else if (phase == L_AUTH)
		ms = p->login_ms;
	if (ms != 0)
		monitor_timer_set(c->m, &c->deadline, monitor_now(c->m) + ms + MONITOR_SLACK_MS);
	else
		monitor_timer_clear(c->m, &c->deadline);
}

void
monitor_conn_free(struct conn *c)
{
	struct monitor *m = c->m;
	struct conn **at = bucket(m, c->id);

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	unwait(c);
	if (c->attached)
		m->connections--;
	m->startups -= c->counted;
	close_network(c);		/* no worker ever had it */
	if (c->worker != NULL)
		c->worker->conn = NULL;
	monitor_auth_free(c);
	monitor_login_free(c);
	monitor_end_bye_free(c->bye);
	monitor_timer_deinit(m, &c->deadline);
	monitor_timer_deinit(m, &c->quota_timer);
	monitor_timer_deinit(m, &c->sign_timer);
	monitor_prove_stop(c);
	monitor_timer_deinit(m, &c->proof.deadline);
	monitor_conn_distrust(c);
	monitor_update_free(c);
	free(c->terms_text);
	free((void *)(uintptr_t)c->kexinit.p);
	free((void *)(uintptr_t)c->hostkey_algs.p);
	free(c->gex);
	free((void *)(uintptr_t)c->host_key.p);
	free((void *)(uintptr_t)c->host_plain.p);
	free((void *)(uintptr_t)c->first_host_key.p);
	free((void *)(uintptr_t)c->held_signature.p);
	free(c->plan_text);
	crypto_wipe(c->session_id, sizeof(c->session_id));
	monitor_bury(m, &c->dead);
}
