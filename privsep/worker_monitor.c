/*
 * worker_monitor.c - what the monitor says to a worker: START, answers, STOP.
 *
 * The monitor is trusted; admission has checked link, number, phase and size before
 * anything here runs.  A handler that does not return 0 ends the worker.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "privsep/worker_state.h"

/* A reservation: pages come with their first byte and go when the peer is silent. */
static uint8_t *
reserve(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static bool
keep_banner(struct worker *w, struct span banner)
{
	if (banner.n == 0)
		return true;
	if ((w->banner = malloc(banner.n)) == NULL)
		return false;
	memcpy(w->banner, banner.p, banner.n);
	w->banner_len = banner.n;
	return true;
}

static void
keep_limits(struct worker *w, const struct ipc_START *m)
{
	w->login_ms = m->login_ms;
	w->close_ms = m->close_ms;
	w->alive_interval_ms = m->alive_interval_ms;
	w->alive_max = m->alive_max;
	w->channel_max = m->channel_max;
	if (w->channel_max > WORKER_CHANNELS_MAX)
		w->channel_max = WORKER_CHANNELS_MAX;	/* three descriptors each */
	w->window = m->window;
	w->window_sum = m->window_sum;
}

static int
on_START(struct worker *w, const struct ipc_START *m)
{
	struct transport_config cfg = { .version = m->version, .kexinit = m->kexinit,
		.hostkeys = m->hostkeys, .sig_algs = m->sig_algs,
		.banner_ms = m->banner_ms, .kex_ms = m->kex_ms, .rekey_ms = m->rekey_ms,
		.rekey_bytes = m->rekey_bytes, .rekey_packets = m->rekey_packets,
		.rekey_interval_ms = m->rekey_interval_ms,
		.rx_cap = WORKER_RX_CAP, .tx_cap = WORKER_TX_CAP };

	w->net_in = m->in;
	w->net_out = m->out;
	if ((m->role != IPC_SERVER && m->role != IPC_CLIENT) || m->hexdump > IPC_HEXDUMP_WHOLE)
		return -1;
	w->role = cfg.role = m->role == IPC_SERVER ? SSH_SERVER : SSH_CLIENT;
	w->phase = L_KEX;
	w->kex = K_READY;
	keep_limits(w, m);
	cfg.rx = w->rx = reserve(WORKER_RX_CAP);
	cfg.tx = w->tx = reserve(WORKER_TX_CAP);
	if (w->rx != NULL && w->tx != NULL && keep_banner(w, m->banner))
		w->tr = transport_new(&cfg, w->now);
	if (w->tr == NULL) {
		worker_fail(w, PROTO_E_LOCAL_MEMORY);
		return 0;
	}
	worker_dump_set(w, m->hexdump);
	/* it left before there could be a tap */
	worker_dump(w, true, m->kexinit);
	return 0;
}

static int
on_SIGNED(struct worker *w, const struct ipc_SIGNED *m)
{
	return worker_kex_signed(w, m);
}

static int
on_VERIFIED(struct worker *w, const struct ipc_VERIFIED *m)
{
	return worker_kex_verified(w, m);
}

static int
on_VERDICT(struct worker *w, const struct ipc_VERDICT *m)
{
	return worker_auth_verdict(w, m);
}

static int
on_CHANGE_WANTED(struct worker *w, const struct ipc_CHANGE_WANTED *m)
{
	return worker_auth_change_wanted(w, m->prompt);
}

static int
on_PROMPTS(struct worker *w, const struct ipc_PROMPTS *m)
{
	return worker_auth_prompts(w, m);
}

static int
on_SHOW_BANNER(struct worker *w, const struct ipc_SHOW_BANNER *m)
{
	return worker_auth_show_banner(w, m->text);
}

static int
on_LOGGED_IN(struct worker *w, const struct ipc_LOGGED_IN *m)
{
	return worker_auth_open(w, m->app);
}

static int
on_LOGIN_NONE(struct worker *w, const struct ipc_LOGIN_NONE *m)
{
	return worker_login_none(w, m);
}

static int
on_LOGIN_PASSWORD(struct worker *w, const struct ipc_LOGIN_PASSWORD *m)
{
	return worker_login_password(w, m);
}

static int
on_LOGIN_PUBLICKEY(struct worker *w, const struct ipc_LOGIN_PUBLICKEY *m)
{
	return worker_login_publickey(w, m);
}

static int
on_LOGIN_KBDINT(struct worker *w, const struct ipc_LOGIN_KBDINT *m)
{
	return worker_login_kbdint(w, m);
}

static int
on_LOGIN_RESPONSES(struct worker *w, const struct ipc_LOGIN_RESPONSES *m)
{
	return worker_login_responses(w, m);
}

static int
on_LOGIN_CHANGE(struct worker *w, const struct ipc_LOGIN_CHANGE *m)
{
	return worker_login_change(w, m);
}

static int
on_GROUP(struct worker *w, const struct ipc_GROUP *m)
{
	return worker_kex_group(w, m);
}

static int
on_PROOF(struct worker *w, const struct ipc_PROOF *m)
{
	return worker_hostkeys_proof(w, m);
}

static int
on_HOSTKEYS_ASK(struct worker *w, const struct ipc_HOSTKEYS_ASK *m)
{
	return worker_update_ask(w, m);
}

static int
on_HEXDUMP(struct worker *w, const struct ipc_HEXDUMP *m)
{
	if (m->mode > IPC_HEXDUMP_WHOLE)
		return -1;
	worker_dump_set(w, m->mode);
	return 0;
}

static int
on_STOP(struct worker *w, const struct ipc_STOP *m)
{
	if (w->end != END_NOT)
		w->end_at = w->now;	/* it is ending already: be quick */
	worker_stop(w, m->disconnect, m->text);
	return 0;
}

int
worker_monitor_message(struct worker *actor, uint8_t number, struct rd r, int *fds)
{
	if (worker_login_must_wait(actor, number))
		return worker_login_hold(actor, number, r);
#define IPC_LINK_M2W
#include "ipc/dispatch.h"
	return IPC_BROKEN;
}
