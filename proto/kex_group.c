/*
 * kex_group.c - asking for a group, and being given one (RFC 4419 3, RFC 8270).
 *
 * A client takes what is within the bounds it asked for and could be a group at all;
 * which group is good is the server's to know, and both sides put bounds and group into
 * H.  A server gives what the monitor chose, which this process does not choose among.
 * The old request without bounds (message 30) is not spoken.
 */
#include "proto/kex.h"

/* What a client wants: about 128 bits of strength. */
enum { BITS_WANTED = 3072 };

enum proto_error
kex_put_request(struct kex *k, struct wr *w)
{
	k->min = KEX_GROUP_BITS_MIN;
	k->n = BITS_WANTED;
	k->max = KEX_GROUP_BITS_MAX;
	wr_u8(w, SSH_MSG_KEX_DH_GEX_REQUEST);
	wr_u32(w, k->min);
	wr_u32(w, k->n);
	wr_u32(w, k->max);
	return PROTO_OK;
}

enum proto_error
kex_take_request(struct kex *k, struct span payload)
{
	struct rd r = rd_of(payload);

	(void)rd_u8(&r);		/* REQUEST, by which we were called */
	k->min = rd_u32(&r);
	k->n = rd_u32(&r);
	k->max = rd_u32(&r);
	if (!rd_done(&r) || k->min > k->n || k->n > k->max)
		return PROTO_E_MESSAGE_FORMAT;
	k->expects = 0;			/* until there is a group */
	return PROTO_OK;
}

enum proto_error
kex_put_group(struct kex *k, struct wr *w, struct span p, struct span g)
{
	if (p.n == 0)
		return PROTO_E_NO_GROUP;
	if (kex_group_set(&k->group, p.p, p.n, g.p, g.n) != 0)
		return PROTO_E_LOCAL_BUG;
	wr_u8(w, SSH_MSG_KEX_DH_GEX_GROUP);
	wr_mpint(w, p);
	wr_mpint(w, g);
	k->expects = SSH_MSG_KEX_DH_GEX_INIT;
	return PROTO_OK;
}

enum proto_error
kex_take_group(struct kex *k, struct span payload)
{
	struct rd r = rd_of(payload);
	struct span p, g;

	(void)rd_u8(&r);		/* GROUP, by which we were called */
	p = rd_mpint(&r, KEX_PUBLIC_MAX);
	g = rd_mpint(&r, KEX_PUBLIC_MAX);
	if (!rd_done(&r))
		return PROTO_E_MESSAGE_FORMAT;
	if (kex_group_set(&k->group, p.p, p.n, g.p, g.n) != 0 ||
	    kex_group_bits(&k->group) < k->min || kex_group_bits(&k->group) > k->max)
		return PROTO_E_KEX_PUBLIC;
	k->expects = SSH_MSG_KEX_DH_GEX_REPLY;
	return PROTO_OK;
}
