/*
 * transport_group.c - the server's half of a group exchange that other key exchanges
 * lack: a question to the monitor before the one for the signature (RFC 4419 3).
 *
 * The peer's bounds go out as they came, and count in H as they came.  The monitor's
 * group is trusted, but not to be a number that we could not send.
 */
#include "proto/transport_state.h"

/* The peer's deadline goes on: nobody has to think about this. */
enum proto_error
transport_group_ask(struct transport *t, struct span payload, struct transport_event *ev)
{
	struct kex *k = &t->x->kex;
	enum proto_error e = kex_take_request(k, payload);

	if (e != PROTO_OK)
		return e;
	ev->type = TE_GROUP;
	ev->gex_min = k->min;
	ev->gex_n = k->n;
	ev->gex_max = k->max;
	t->waiting = TE_GROUP;
	return PROTO_OK;
}

static enum proto_error
send_group(struct transport *t, struct span p, struct span g)
{
	struct wr w;
	enum proto_error e;

	if (t->waiting != TE_GROUP)
		return PROTO_E_LOCAL_BUG;
	t->waiting = TE_NONE;
	w = transport_own_begin(t, KEX_GROUP_MESSAGE_MAX);
	e = kex_put_group(&t->x->kex, &w, p, g);
	return e != PROTO_OK ? e : transport_own_end(t, &w);
}

enum proto_error
transport_group(struct transport *t, struct span p, struct span g, uint64_t now_ms)
{
	enum proto_error e;

	t->now_ms = now_ms;
	if (t->error != PROTO_OK || t->goodbye)
		return t->error;
	e = send_group(t, p, g);
	return e != PROTO_OK ? transport_fail(t, e) : PROTO_OK;
}
