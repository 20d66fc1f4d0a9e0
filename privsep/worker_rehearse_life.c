/*
 * worker_rehearse_life.c - the rehearsal's second half: one worker, its real loop and
 * real descriptors, with a pretended monitor, application and peer in this process.
 *
 * What a worker is sent with a descriptor has to be sent before the filter, which
 * knows no sendmsg: so START waits in the link, and the descriptors that would come
 * with LOGGED_IN and TAKE_PIPES are handed over by hand.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "privsep/worker_rehearse.h"

enum { TURNS = 200, CHUNK = 96 * 1024, BUFFER = 256 * 1024, TEXT = 256 };

struct rehearsal {
	int link[2], net[2], app[2];	/* [0] is the worker's end */
	int in[2], out[2], err[2];	/* pipes: read end, write end */
	uint8_t kexinit[2048];
	struct span first;
	struct worker *w;
	struct transport *peer;
	bool opened, over, fed;
	size_t echoed;
};
static struct rehearsal the_rehearsal;

static int
send_start(struct rehearsal *r)
{
	static const uint8_t hostkeys[] = "\0\0\0\013ssh-ed25519\0\0\0\001k";
	struct ipc_START m = { .role = IPC_SERVER, .version = span_str("SSH-2.0-rehearsal"),
		.kexinit = r->first, .hostkeys = span_of(hostkeys, sizeof(hostkeys) - 1),
		.sig_algs = span_str("ssh-ed25519"), .kex_ms = 30000, .login_ms = 30000,
		.close_ms = 1000, .channel_max = 4, .window = 1024 * 1024,
		.window_sum = 4 * 1024 * 1024, .in = r->net[0],
		.out = r->net[0] };

	return ipc_send_START(r->link[1], &m);
}

int
worker_rehearse_prepare(void)
{
	struct rehearsal *r = &the_rehearsal;
	int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;

	if (ipc_pair(r->link) != 0 || ipc_pair(r->app) != 0 ||
	    socketpair(AF_UNIX, type, 0, r->net) != 0 ||
	    pipe2(r->in, O_CLOEXEC | O_NONBLOCK) != 0 ||
	    pipe2(r->out, O_CLOEXEC | O_NONBLOCK) != 0 ||
	    pipe2(r->err, O_CLOEXEC | O_NONBLOCK) != 0)
		return -1;
	r->first = worker_rehearse_kexinit(r->kexinit, sizeof(r->kexinit), 0);
	if (send_start(r) != 0)
		return -1;
	/* the worker has the copy that is in the link */
	return close(r->net[0]);
}

/* ---- the pretended peer ---- */

static int
say(struct rehearsal *r, struct span payload)
{
	struct wr w = transport_begin(r->peer, payload.n);

	wr_raw(&w, payload);
	return transport_end(r->peer, &w);
}

static int
say_number(struct rehearsal *r, uint8_t number, const char *a, const char *b, const char *c)
{
	uint8_t buf[TEXT];
	struct wr w = wr_of(buf, sizeof(buf));

	wr_u8(&w, number);
	wr_str(&w, a);
	if (b != NULL)
		wr_str(&w, b);
	if (c != NULL)
		wr_str(&w, c);
	return say(r, wr_span(&w));
}

static int
say_open(struct rehearsal *r)
{
	uint8_t buf[TEXT];
	struct wr w = wr_of(buf, sizeof(buf));

	wr_u8(&w, SSH_MSG_CHANNEL_OPEN);
	wr_str(&w, "session");
	wr_u32(&w, 0);
	wr_u32(&w, 16 * CHUNK);
	wr_u32(&w, SSH_DATA_MAX);
	transport_set_phase(r->peer, PH_OPEN);
	return say(r, wr_span(&w));
}

static int
say_data(struct rehearsal *r, uint8_t number)
{
	uint8_t buf[TEXT] = { 0 };
	struct wr w = wr_of(buf, sizeof(buf));

	wr_u8(&w, number);
	wr_u32(&w, 0);
	if (number == SSH_MSG_CHANNEL_DATA)
		wr_str(&w, "rehearsal");
	return say(r, wr_span(&w));
}

static int
peer_packet(struct rehearsal *r, uint8_t number)
{
	switch (number) {
	case SSH_MSG_SERVICE_ACCEPT:
		transport_set_phase(r->peer, PH_AUTH);
		return say_number(r, SSH_MSG_USERAUTH_REQUEST, "user", "ssh-connection", "none");
	case SSH_MSG_USERAUTH_SUCCESS:
		return say_open(r);
	case SSH_MSG_CHANNEL_OPEN_CONFIRMATION:
		if (say_data(r, SSH_MSG_CHANNEL_DATA) != 0)
			return -1;
		return say_data(r, SSH_MSG_CHANNEL_EOF);
	case SSH_MSG_CHANNEL_CLOSE:
		r->over = true;
		return say_data(r, SSH_MSG_CHANNEL_CLOSE);
	default:
		return 0;
	}
}

static int
peer_event(struct rehearsal *r, const struct transport_event *ev)
{
	switch (ev->type) {
	case TE_VERIFY:
		return transport_verified(r->peer, worker_rehearse_hash(0), r->first, worker_clock());
	case TE_KEYS:
		return say_number(r, SSH_MSG_SERVICE_REQUEST, "ssh-userauth", NULL, NULL);
	case TE_PACKET:
		return peer_packet(r, ev->number);
	case TE_ERROR:
		return -1;
	default:
		return 0;
	}
}

static int
peer_turn(struct rehearsal *r)
{
	struct transport_event ev;
	size_t room;
	uint8_t *p = transport_rx_room(r->peer, &room);
	ssize_t n = room > 0 ? read(r->net[1], p, room) : 0;
	struct span s;

	if (n > 0)
		transport_rx_add(r->peer, (size_t)n);
	do {
		transport_next(r->peer, worker_clock(), &ev);
		if (peer_event(r, &ev) != 0)
			return -1;
	} while (ev.type != TE_NONE);
	s = transport_pending(r->peer);
	n = s.n > 0 ? write(r->net[1], s.p, s.n) : 0;
	if (n > 0)
		transport_sent(r->peer, (size_t)n);
	return 0;
}

/* ---- the pretended monitor and application ---- */

static int
monitor_turn(struct rehearsal *r)
{
	static uint8_t buf[IPC_MESSAGE_MAX];
	/* read, not ipc_recv_plain: a worker's list has no recvfrom */
	ssize_t n = read(r->link[1], buf, sizeof(buf));
	struct ipc_SIGNED m = { .signature = span_str("s"), .hash = worker_rehearse_hash(0),
		.kexinit = r->first };

	if (n <= 0)
		return 0;
	switch (buf[0]) {
	case IPC_MSG_SIGN:
		return ipc_send_SIGNED(r->link[1], &m);
	case IPC_MSG_AUTH_NONE:
		return worker_auth_open(r->w, r->app[0]);
	case IPC_MSG_BYE:
		return -1;
	default:
		return 0;
	}
}

/* The program: reads what came in, writes more than one packet, and ends. */
static int
feed(struct rehearsal *r, struct flow *f)
{
	static const uint8_t chunk[CHUNK];

	worker_flow_take(r->w, f, FLOW_PIPES, r->in[1], r->out[0], r->err[0]);
	r->fed = write(r->out[1], chunk, sizeof(chunk)) > 0 && write(r->err[1], "e", 1) == 1;
	return close(r->out[1]) == 0 && close(r->err[1]) == 0 && r->fed ? 0 : -1;
}

static int
application_turn(struct rehearsal *r)
{
	uint8_t buf[16 * 1024];
	ssize_t n = read(r->app[1], buf, sizeof(buf));
	struct rd rd = rd_of(span_of(buf, n > 0 ? (size_t)n : 0));
	uint8_t number = rd_u8(&rd);
	uint64_t chan = rd_u64(&rd);

	if (number == IPC_MSG_CHANNEL_ASK)
		return ipc_send_GRANT(r->app[1], &(struct ipc_GRANT){ .chan = chan });
	if (!r->fed && r->w->flows != NULL && r->w->flows->ch->state == CH_OPEN) {
		if (feed(r, r->w->flows) != 0)
			return -1;
		return ipc_send_EXIT_DO(r->app[1],
		    &(struct ipc_EXIT_DO){ .chan = r->w->flows->ch->serial });
	}
	return 0;
}

int
worker_rehearse_life(uint8_t *rx, uint8_t *tx)
{
	struct rehearsal *r = &the_rehearsal;
	int rc = 0;

	r->peer = worker_rehearse_transport(SSH_CLIENT, r->first, rx, tx);
	r->w = calloc(1, sizeof(*r->w));
	if (r->peer == NULL || r->w == NULL)
		return -1;
	worker_init(r->w, r->link[0]);
	for (int i = 0; rc == 0 && i < TURNS && !(r->over && r->w->flows == NULL); i++) {
		rc = worker_turn(r->w, 0) ? 0 : -1;
		if (rc == 0)
			rc = monitor_turn(r) != 0 || application_turn(r) != 0 ? -1 : peer_turn(r);
	}
	if (rc == 0 && !(r->over && r->w->flows == NULL))
		rc = -1;
	/* a rest, and the last things that a worker does */
	r->w->trim_at = r->w->last_traffic = 0;
	if (rc == 0 && (!worker_turn(r->w, 0) || r->w->trim_at != UINT64_MAX))
		rc = -1;
	worker_stop(r->w, 0, span_str("over"));
	for (int i = 0; i < TURNS && worker_turn(r->w, 0); i++)
		;
	worker_deinit(r->w);
	free(r->w);
	transport_free(r->peer);
	return rc;
}
