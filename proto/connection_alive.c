/*
 * connection_alive.c - is the peer still there?  keepalive@openssh.com.
 *
 * Any packet of the peer is a sign of life, whatever it says; so is the answer that a
 * keepalive asks for, whether yes or no.  A peer that only keeps silent is given up
 * after alive_max questions; one that lives but never answers cannot fill our queue.
 */
#include "proto/connection_state.h"

void
connection_heard(struct connection *c, uint64_t now_ms)
{
	c->missed = 0;
	c->alive_at = c->alive_interval_ms == 0 ? UINT64_MAX :
	    now_ms + c->alive_interval_ms;
}

void
connection_set_alive(struct connection *c, uint32_t interval_ms, uint32_t max,
    uint64_t now_ms)
{
	c->alive_interval_ms = interval_ms;
	c->alive_max = max;
	connection_heard(c, now_ms);
}

/* A peer may leave keepalives unanswered and live (it says UNIMPLEMENTED, or is
 * slow): those in a row are one entry, so they never fill the queue. */
static enum proto_error
send_keepalive(struct connection *c)
{
	int i = reply_latest(&c->calls, NULL);

	if (!transport_can_send(c->transport) ||
	    !transport_has_room(c->transport, CONNECTION_ROOM))
		return PROTO_OK;	/* counts as unanswered all the same */
	if (i != REPLY_NONE && c->calls.at[i].id == 0 && c->calls.at[i].times < UINT32_MAX)
		c->calls.at[i].times++;
	else if (!connection_can_call(c))
		return PROTO_OK;
	else if (reply_add(&c->calls, NULL, 0) == NULL)
		return PROTO_E_LOCAL_MEMORY;
	return connection_send_global(c, true, span_str(KEEPALIVE), span_str(""));
}

enum proto_error
connection_tick(struct connection *c, uint64_t now_ms)
{
	struct transport_agreed agreed;

	if (now_ms < c->alive_at)
		return PROTO_OK;
	transport_agreed(c->transport, &agreed);
	/* while nothing is read because we are full, silence says nothing */
	if (agreed.packets_in != c->packets_in || connection_is_full(c)) {
		c->packets_in = agreed.packets_in;
		connection_heard(c, now_ms);
		return PROTO_OK;
	}
	if (c->alive_max > 0 && c->missed >= c->alive_max)
		return PROTO_E_PEER_SILENT;
	if (c->missed < UINT32_MAX)
		c->missed++;
	c->alive_at = now_ms + c->alive_interval_ms;
	return send_keepalive(c);
}

uint64_t
connection_deadline(const struct connection *c)
{
	return c->alive_at;
}
