/*
 * monitor_keys.c - keys, named by serials: private ones, brought in by keyload and kept
 * in guarded memory, and those whose private half is elsewhere.
 *
 * The monitor parses no key file: each is read by a process of its own, which is
 * handed the opened file and gives back one fixed form.  That form is believed only
 * as far as the algorithm's loader can check it.
 */
#include "privsep/monitor.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "crypto/keyfile.h"
#include "privsep/spawn.h"

struct keyload {
	struct dead dead;
	struct keyload *next;
	struct monitor *m;
	uint64_t call;
	enum ipc_key_use use;
	struct watch link, child;
	bool over;			/* answered; only to be reaped */
	struct ipc_once once;
	struct timer deadline;
};

/* ---- the keys ---- */

static const char *
type_of(const struct key *k)
{
	return k->alg->key_type;
}

const struct sign_alg *
monitor_keys_alg(struct span blob)
{
	const struct sign_alg *alg;

	for (size_t i = 0; (alg = sign_at(i)) != NULL; i++) {
		if (!monitor_exchange_key_is(blob, alg->key_type))
			continue;
		/* one that no signature could be checked with is not offered */
		return strcmp(alg->key_type, "ssh-rsa") == 0 &&
		    sign_rsa_bits(blob.p, blob.n) == 0 ? NULL : alg;
	}
	return NULL;
}

bool
monitor_keys_large(struct span blob, uint32_t rsa_bits)
{
	return !monitor_exchange_key_is(blob, "ssh-rsa") ||
	    sign_rsa_bits(blob.p, blob.n) >= rsa_bits;
}

static void
remove_key(struct monitor *m, struct key **at)
{
	struct key *k = *at;

	*at = k->next;
	m->user_keys -= k->use == IPC_USER_KEY;
	sign_key_free(k->secret);
	if (k->agent != NULL)
		monitor_agent_drop(k->agent);
	free((void *)(uintptr_t)k->cert.p);
	free(k);
}

/* One host key of a type: a second replaces the first. */
static void
replace_others(struct monitor *m, const struct key *k)
{
	struct key **at = &m->keys;

	while (*at != NULL) {
		if (*at != k && (*at)->use == IPC_HOST_KEY && strcmp(type_of(*at), type_of(k)) == 0)
			remove_key(m, at);
		else
			at = &(*at)->next;
	}
}

struct key *
monitor_keys_add(struct monitor *m, const struct key *like, struct span blob)
{
	struct key *k = malloc(sizeof(*k) + blob.n);
	enum ipc_key_use use = like->use;

	if (k == NULL || (use == IPC_USER_KEY && m->user_keys >= MONITOR_USER_KEYS_MAX)) {
		sign_key_free(like->secret);
		free(k);
		return NULL;
	}
	*k = (struct key){ .serial = ++m->serial, .use = use, .alg = like->alg,
		.secret = like->secret, .agent = like->agent, .blob_len = blob.n };
	if (k->agent != NULL)
		monitor_agent_hold(k->agent);
	memcpy(k->blob, blob.p, blob.n);
	if (use == IPC_HOST_KEY)
		replace_others(m, k);
	m->user_keys += use == IPC_USER_KEY;
	k->next = m->keys;
	m->keys = k;
	return k;
}

const struct key *
monitor_keys_host(const struct monitor *m, const char *type)
{
	const struct key *k = m->keys;

	while (k != NULL && (k->use != IPC_HOST_KEY || strcmp(type_of(k), type) != 0))
		k = k->next;
	return k;
}

struct key *
monitor_keys_of_host(struct monitor *m, struct span blob)
{
	struct key *k = m->keys;

	while (k != NULL && (k->use != IPC_HOST_KEY ||
	    !span_eq(span_of(k->blob, k->blob_len), blob)))
		k = k->next;
	return k;
}

struct key *
monitor_keys_of_user(struct monitor *m, uint64_t serial)
{
	struct key *k = m->keys;

	while (k != NULL && (k->use != IPC_USER_KEY || k->serial != serial))
		k = k->next;
	return k;
}

const struct key *
monitor_keys_user(const struct monitor *m, uint64_t serial)
{
	return monitor_keys_of_user((struct monitor *)(uintptr_t)m, serial);
}

int
monitor_keys_on_drop(struct monitor *m, const struct ipc_KEY_DROP *q)
{
	for (struct key **at = &m->keys; *at != NULL; at = &(*at)->next) {
		if ((*at)->serial != q->key)
			continue;
		/* connections count on host keys once the context is sealed */
		if ((*at)->use == IPC_HOST_KEY && m->sealed)
			return IPC_BROKEN;
		remove_key(m, at);
		return 0;
	}
	return 0;		/* it was replaced */
}

/* The application names keys that it has not dropped, and no others. */
int
monitor_keys_on_host_key(struct monitor *m, const struct ipc_HOST_KEY *q)
{
	struct key *k = monitor_keys_of_user(m, q->key);

	if (k == NULL)
		return IPC_BROKEN;
	free((void *)(uintptr_t)k->cert.p);	/* a user's: not to be shown as a host's */
	k->cert = span_of(NULL, 0);
	m->user_keys--;
	k->use = IPC_HOST_KEY;
	replace_others(m, k);
	return 0;
}

/* ---- loading ---- */

bool
monitor_keys_loading_host(const struct monitor *m)
{
	const struct keyload *k = m->keyloads;

	while (k != NULL && (k->use != IPC_HOST_KEY || k->over))
		k = k->next;
	return k != NULL;
}

static void
forget(struct keyload *k)
{
	struct monitor *m = k->m;
	struct keyload **at = &m->keyloads;

	while (*at != k)
		at = &(*at)->next;
	*at = k->next;
	m->n_keyloads--;
	monitor_unwatch(&k->link);
	monitor_unwatch(&k->child);
	monitor_timer_deinit(m, &k->deadline);
	monitor_bury(m, &k->dead);
}

/* Killed, and reaped when it is dead: it may hang in a file system. */
static void
end_load(struct keyload *k)
{
	k->over = true;
	monitor_unwatch(&k->link);
	monitor_timer_clear(k->m, &k->deadline);
	k->m->os->kill(k->child.fd);
}

static void
answer(struct keyload *k, enum keyfile_result result, const struct key *key,
    const struct ipc_KEY_FORM *form)
{
	struct monitor *m = k->m;
	struct ipc_KEY_LOADED loaded = { .call = k->call, .result = (uint32_t)result };

	if (result == KEYFILE_TOKEN) {	/* to find it in an agent by */
		loaded.alg = form->alg;
		loaded.blob = form->blob;
		loaded.comment = form->comment;
	}
	if (key != NULL) {
		loaded.key = key->serial;
		loaded.alg = span_str(type_of(key));
		loaded.blob = span_of(key->blob, key->blob_len);
		loaded.comment = form->comment;
	}
	tell_KEY_LOADED(m, &loaded);
	end_load(k);
	monitor_app_serving(m);
}

static int
on_KEY_FORM(struct keyload *k, const struct ipc_KEY_FORM *q)
{
	const struct sign_alg *alg = monitor_keys_alg(q->blob);
	struct sign_key *secret;
	const struct key *key;

	if (q->result > KEYFILE_TOKEN || (q->result == KEYFILE_TOKEN && alg == NULL))
		return IPC_BROKEN;
	if (q->result != KEYFILE_OK) {
		answer(k, (enum keyfile_result)q->result, NULL, q);
		return 0;
	}
	if (alg != NULL && (alg->load == NULL || !span_is(q->alg, alg->key_type)))
		alg = NULL;
	if (alg == NULL) {
		answer(k, KEYFILE_UNSUPPORTED, NULL, NULL);
		return 0;
	}
	secret = alg->load(q->blob.p, q->blob.n, q->secret.p, q->secret.n);
	if (secret == NULL) {
		answer(k, KEYFILE_DAMAGED, NULL, NULL);
		return 0;
	}
	key = monitor_keys_add(k->m, &(struct key){ .use = k->use, .alg = sign_key_alg(secret),
	    .secret = secret }, q->blob);
	answer(k, key != NULL ? KEYFILE_OK : KEYFILE_UNSUPPORTED, key, q);
	return 0;
}

static int
dispatch(struct keyload *actor, struct rd r, uint8_t number)
{
	int fds[IPC_FDS_MAX] = { -1, -1, -1 };
#define IPC_LINK_K2M
#include "ipc/dispatch.h"
	return IPC_BROKEN;
}

static void
failed(struct keyload *k, const char *why)
{
	monitor_remark(k->m, IPC_ERROR, "reading a key file: %s", why);
	answer(k, KEYFILE_DAMAGED, NULL, NULL);
}

static void
link_ready(struct monitor *m, void *owner, uint32_t events)
{
	struct keyload *k = owner;
	const char *why = NULL;
	ssize_t n = ipc_recv_plain(k->link.fd, m->rx, sizeof(m->rx));

	(void)events;
	if (n == -EAGAIN)
		return;
	if (n <= 0) {
		failed(k, "the reader died");
		return;
	}
	if (ipc_admit(IPC_K2M, P_SERVE, K_ANY, &k->once, m->rx, (size_t)n, 0, &why) == NULL ||
	    dispatch(k, (struct rd){ m->rx + 1, (size_t)n - 1, false }, m->rx[0]) != 0)
		failed(k, why != NULL ? why : "the reader broke messages.def");
	crypto_wipe(m->rx, (size_t)n);
}

/* Its death alone is no answer: what it said before stands in its link, which ends
 * after that. */
static void
child_ready(struct monitor *m, void *owner, uint32_t events)
{
	struct keyload *k = owner;
	int signal, status;

	(void)events;
	if (!k->over)
		link_ready(m, k, 0);
	if (!k->over)
		failed(k, "the reader died");
	if (m->os->reap(k->child.fd, &signal, &status) == 1)
		forget(k);
}

static void
too_late(struct monitor *m, void *owner)
{
	(void)m;
	failed(owner, "the reader was too slow");
}

static int
start_load(struct keyload *k, const struct ipc_KEY_LOAD *q)
{
	struct monitor *m = k->m;
	uint8_t schema[IPC_SCHEMA_LEN];
	int pair[2], r, pidfd;
	pid_t pid;

	r = ipc_pair(pair);
	if (r != 0)
		return r;
	r = m->os->spawn(m->dir, "postern-keyload", pair[1], &pid, &pidfd);
	(void)close(pair[1]);		/* the child has its own */
	if (r != 0)
		goto err0;
	r = monitor_watch(&k->child, m->ep, pidfd, EPOLLIN, child_ready, k);
	if (r != 0)
		goto err1;
	ipc_schema(schema);
	r = ipc_send_KEY_FILE(pair[0], &(struct ipc_KEY_FILE){
	    .schema = span_of(schema, sizeof(schema)), .passphrase = q->passphrase,
	    .file = q->file });
	if (r == 0)
		r = monitor_watch(&k->link, m->ep, pair[0], EPOLLIN, link_ready, k);
	if (r == 0)
		return 0;
	(void)epoll_ctl(m->ep, EPOLL_CTL_DEL, pidfd, NULL);	/* it is in there */
err1:
	(void)m->os->end(pidfd);	/* it was told nothing: it is idle and dies at once */
err0:
	(void)close(pair[0]);
	return r;
}

int
monitor_keys_on_load(struct monitor *m, const struct ipc_KEY_LOAD *q)
{
	struct keyload *k = NULL;
	int r = -ENOMEM;

	if ((q->use != IPC_HOST_KEY && q->use != IPC_USER_KEY) ||
	    (q->use == IPC_HOST_KEY && m->sealed) || m->n_keyloads >= MONITOR_KEYLOADS_MAX) {
		(void)close(q->file);	/* only to be read */
		return IPC_BROKEN;
	}
	k = calloc(1, sizeof(*k));
	if (k != NULL) {
		k->m = m;
		k->call = q->call;
		k->use = (enum ipc_key_use)q->use;
		k->link.fd = k->child.fd = -1;
		if (monitor_timer_init(m, &k->deadline, too_late, k) == 0)
			r = start_load(k, q);
	}
	(void)close(q->file);		/* the reader has its own */
	if (r != 0) {
		monitor_remark(m, IPC_ERROR, "no reader for a key file: error %d", -r);
		tell_KEY_LOADED(m, &(struct ipc_KEY_LOADED){ .call = q->call,
		    .result = KEYFILE_DAMAGED });
		if (k != NULL)
			monitor_timer_deinit(m, &k->deadline);
		free(k);
		return 0;
	}
	k->next = m->keyloads;
	m->keyloads = k;
	m->n_keyloads++;
	monitor_timer_set(m, &k->deadline, monitor_now(m) + MONITOR_KEYLOAD_MS);
	return 0;
}

void
monitor_keys_free(struct monitor *m)
{
	while (m->keyloads != NULL) {
		struct keyload *k = m->keyloads;

		(void)epoll_ctl(m->ep, EPOLL_CTL_DEL, k->child.fd, NULL);
		(void)m->os->end(k->child.fd);
		k->child.fd = -1;
		forget(k);
	}
	while (m->keys != NULL)
		remove_key(m, &m->keys);
	monitor_agent_free(m);
}
