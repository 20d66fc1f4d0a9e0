/*
 * monitor_app.c - what the application may ask.
 *
 * The application is trusted with policy, not with keys, and not with breaking the
 * contract: then the monitor ends rather than guess.  What comes too late (for a
 * connection that is over, for a question that was withdrawn) is dropped in silence,
 * with its descriptors.
 */
#include "privsep/monitor.h"

#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "crypto/keyfile.h"

enum { APP_TURN_MAX = 32, L_ALL = L_NEW | L_KEX | L_AUTH | L_OPEN | L_END };

/* ---- about the context ---- */

static int
on_app_hello(struct monitor *m, const struct ipc_APP_HELLO *q)
{
	uint8_t schema[IPC_SCHEMA_LEN];

	ipc_schema(schema);
	/* ours goes out either way: the application says what does not match */
	tell_MONITOR_HELLO(m, &(struct ipc_MONITOR_HELLO){ .magic = IPC_MAGIC,
	    .schema = span_of(schema, sizeof(schema)) });
	if (q->magic != IPC_MAGIC || !span_eq(q->schema, span_of(schema, sizeof(schema))))
		return IPC_BROKEN;
	m->phase = P_SETUP;
	return 0;
}

static int
on_config(struct monitor *m, const struct ipc_CONFIG *q)
{
	if (q->hexdump_max > IPC_HEXDUMP_WHOLE || q->keys_may_leave > 1 ||
	    q->source_bits_ipv4 > 32 || q->source_bits_ipv6 > 128)
		return IPC_BROKEN;
	m->config = *q;
	m->configured = true;
	/* started now, so that it warms up while keys are loaded */
	if (monitor_zygote_start(m) != 0)
		monitor_stop(m, "no zygote can be started");
	return 0;
}

static int
on_sealed(struct monitor *m, const struct ipc_SEALED *q)
{
	(void)q;
	if (!m->configured)
		return IPC_BROKEN;
	m->sealed = true;
	m->phase = P_SERVE;
	monitor_app_serving(m);
	return 0;
}

/* A worker stands ready: the whole chain down to its filter has been gone through. */
void
monitor_app_serving(struct monitor *m)
{
	struct worker *w;
	const char *missing;

	if (m->serving || !m->sealed || m->over || monitor_keys_loading_host(m))
		return;
	w = monitor_worker_spare(m);
	if (w == NULL)
		return;
	m->serving = true;
	tell_SERVING(m, &(struct ipc_SERVING){ .layers = w->layers | m->current->layers,
	    .report = span_str(w->report), .monitor_pid = (uint32_t)getpid(),
	    .zygote_pid = (uint32_t)m->current->pid });
	/* who asked for one by its name finds it here */
	for (size_t i = 0; (missing = crypto_missing(i)) != NULL; i++)
		monitor_remark(m, IPC_INFO, "the crypto provider does not have %s: not offered",
		    missing);
	for (size_t i = 0; (missing = sign_missing(i)) != NULL; i++)
		monitor_remark(m, IPC_INFO, "the crypto provider does not have %s: not offered",
		    missing);
}

/* ---- dispatch ---- */

#define on_APP_HELLO      on_app_hello
#define on_CONFIG         on_config
#define on_KEY_LOAD       monitor_keys_on_load
#define on_KEY_DROP       monitor_keys_on_drop
#define on_HOST_KEY       monitor_keys_on_host_key
#define on_SEALED         on_sealed
#define on_NEW            monitor_conn_new
#define on_TRUST_FILE     monitor_conn_trust_file
#define on_TRUST_KEY      monitor_conn_trust_key
#define on_ATTACH         monitor_conn_attach
#define on_HOSTKEY_ANSWER monitor_verify_on_answer
#define on_LOGIN_ANSWER   monitor_auth_on_answer
#define on_PROMPT_ANSWER  monitor_auth_on_prompts
#define on_CHANGE_ANSWER  monitor_auth_on_change_wanted
#define on_LOGIN_TERMS    monitor_auth_on_terms
#define on_TRY_NONE       monitor_try_none
#define on_TRY_PASSWORD   monitor_try_password
#define on_TRY_PUBLICKEY  monitor_try_publickey
#define on_TRY_KBDINT     monitor_try_kbdint
#define on_TRY_PROBE      monitor_try_probe
#define on_INFO_ANSWER    monitor_try_info
#define on_TRY_CHANGE     monitor_try_change
#define on_SET_HEXDUMP    monitor_dump_on_set
#define on_MODULI         monitor_moduli_on_load
#define on_REVOKED        monitor_revoked_on_load
#define on_TRUST_REVOKED  monitor_revoked_on_trust
#define on_KEY_CERT       monitor_cert_on_key
#define on_HOST_CERT      monitor_cert_on_host
#define on_AGENT          monitor_agent_on_agent
#define on_AGENT_ADD      monitor_agent_on_add
#define on_AGENT_BACK     monitor_agent_on_back
#define on_AGENT_AWAY     monitor_agent_on_away
#define on_KEY_SIGNER     monitor_signer_on_key
#define on_SIGN_ANSWER    monitor_signer_on_answer
#define on_CLOSE          monitor_end_on_close

static int
dispatch(struct monitor *actor, struct rd r, uint8_t number, int *fds)
{
#define IPC_LINK_A2M
#include "ipc/dispatch.h"
	return IPC_BROKEN;
}

int
monitor_app_replay(struct monitor *m, struct span message)
{
	struct span outer = m->current_message;
	int r, fds[IPC_FDS_MAX] = { -1, -1, -1 };

	m->current_message = message;
	r = dispatch(m, (struct rd){ message.p + 1, message.n - 1, false }, message.p[0], fds);
	m->current_message = outer;
	return r;
}

/* Whose phase counts: the connection's, or the context's.  late: not admitted, and
 * no offence. */
static const struct ipc_row *
admit(struct monitor *m, size_t n, size_t nfds, bool *late, const char **why)
{
	const struct ipc_row *row = &ipc_rows[m->rx[0]];
	struct rd r = { m->rx + 1, n - 1, false };
	struct conn *c;
	uint64_t id;

	*late = false;
	if (row->name == NULL || row->link != IPC_A2M || (row->phases & L_ALL) == 0)
		return ipc_admit(IPC_A2M, m->phase, K_ANY, &m->once, m->rx, n, nfds, why);
	id = rd_u64(&r);
	c = monitor_conn_find(m, id);
	if (m->phase == P_HELLO || r.bad || (c == NULL && id > m->last_conn)) {
		*why = "message about no connection";
		return NULL;
	}
	if (c == NULL || (row->phases & monitor_conn_admits(c)) == 0) {
		/* an answer crosses the event that made it pointless */
		*late = c == NULL || c->end.on || (row->flags & ANSWER) != 0;
		*why = "message in the wrong phase";
		return NULL;
	}
	return ipc_admit(IPC_A2M, monitor_conn_admits(c), K_ANY, &c->once, m->rx, n, nfds, why);
}

static bool
lost_call(struct monitor *m, uint64_t call)
{
	monitor_remark(m, IPC_ERROR, "no descriptor left for a file or an agent");
	switch (m->rx[0]) {
	case IPC_MSG_KEY_LOAD:
		tell_KEY_LOADED(m, &(struct ipc_KEY_LOADED){ .call = call,
		    .result = KEYFILE_DAMAGED });
		return true;
	case IPC_MSG_MODULI:
		tell_MODULI_LOADED(m, &(struct ipc_MODULI_LOADED){ .call = call });
		return true;
	case IPC_MSG_REVOKED:
		tell_REVOKED_LOADED(m, &(struct ipc_REVOKED_LOADED){ .call = call });
		return true;
	case IPC_MSG_AGENT:
	case IPC_MSG_AGENT_ADD:
		tell_AGENT_DONE(m, &(struct ipc_AGENT_DONE){ .call = call });
		return true;
	case IPC_MSG_AGENT_BACK:
		return monitor_agent_on_away(m, &(struct ipc_AGENT_AWAY){ .call = call }) == 0;
	default:
		return false;
	}
}

/* Our table of descriptors is full: what the message was about fails, and nothing
 * else.  False: it is none that should have brought one. */
static bool
lost_descriptor(struct monitor *m, size_t n, size_t nfds)
{
	const struct ipc_row *row = &ipc_rows[m->rx[0]];
	struct rd r = { m->rx + 1, n - 1, false };
	uint64_t id = rd_u64(&r);
	struct conn *c;

	if (m->phase == P_HELLO || nfds > 0 || row->link != IPC_A2M || row->nfds == 0 || r.bad)
		return false;
	if ((row->phases & L_ALL) == 0)
		return lost_call(m, id);
	c = monitor_conn_find(m, id);
	if (c != NULL && !c->end.on)
		monitor_end(c, IPC_RESOURCE, IPC_LOCAL, "no descriptor left for it");
	return c != NULL || id <= m->last_conn;
}

static void
take(struct monitor *m, size_t n, int *fds, size_t nfds)
{
	char text[MONITOR_TEXT_MAX];
	const char *why = "malformed, or not possible now", *name = ipc_rows[m->rx[0]].name;
	const struct ipc_row *row;
	bool late;
	int r = IPC_BROKEN;

	if (lost_descriptor(m, n, nfds)) {
		crypto_wipe(m->rx, n);
		return;
	}
	row = admit(m, n, nfds, &late, &why);
	if (row != NULL) {
		m->current_message = span_of(m->rx, n);
		r = dispatch(m, (struct rd){ m->rx + 1, n - 1, false }, m->rx[0], fds);
		m->current_message = span_of(NULL, 0);
	}
	ipc_close_fds(fds, nfds);	/* those that no handler took */
	crypto_wipe(m->rx, n);
	if (r == 0 || late)
		return;
	(void)snprintf(text, sizeof(text), "the application broke messages.def: %s: %s",
	    name != NULL ? name : "message", why);
	monitor_stop(m, text);
}

void
monitor_app_ready(struct monitor *m, void *owner, uint32_t events)
{
	int fds[IPC_FDS_MAX] = { -1, -1, -1 };

	(void)owner;
	if ((events & EPOLLOUT) != 0)
		monitor_app_flush(m);
	for (int i = 0; i < APP_TURN_MAX && !m->over; i++) {
		size_t nfds = 0;
		ssize_t n = ipc_recv(m->app.fd, m->rx, sizeof(m->rx), fds, &nfds);

		if (n == -EAGAIN)
			return;
		if (n == -EPROTO) {
			monitor_stop(m, "the application sent a message too long");
			return;
		}
		if (n <= 0) {		/* it is gone, and so are we */
			m->over = true;
			return;
		}
		take(m, (size_t)n, fds, nfds);
	}
}
