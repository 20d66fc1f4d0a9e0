/*
 * transport_compression.c - when a transport compresses: zlib@openssh.com, the delayed
 * form of RFC 4253 6.2.
 *
 * It begins in both directions with SSH_MSG_USERAUTH_SUCCESS, in the server behind the
 * packet that it went out in, in the client behind the one that it came in.  (A client
 * that says anything between the request that succeeds and the answer cannot know
 * which it is: RFC 8308 3.2 speaks of that race.  Ours is silent.)  Later key
 * exchanges end it, begin it anew, or begin it for the first time, each direction at
 * its own NEWKEYS.
 *
 * Contexts are made when they are first needed: a connection without compression has
 * none, nor has any peer before it has logged in.
 */
#include "proto/transport_state.h"

static bool
compresses(const struct transport *t, const struct kexinit_flow *flow)
{
	return t->logged_in && flow->compression != NULL &&
	    strcmp(flow->compression, "none") != 0;
}

enum proto_error
transport_compression_out(struct transport *t)
{
	bool server = t->cfg.role == SSH_SERVER;

	if (!compresses(t, server ? &t->agreed_s2c : &t->agreed_c2s)) {
		compression_out_free(t->deflate);
		t->deflate = NULL;
		return PROTO_OK;
	}
	if (t->deflate != NULL)
		return compression_out_restart(t->deflate);
	t->deflate = compression_out_new();
	return t->deflate != NULL ? PROTO_OK : PROTO_E_LOCAL_MEMORY;
}

enum proto_error
transport_compression_in(struct transport *t)
{
	bool server = t->cfg.role == SSH_SERVER;

	if (!compresses(t, server ? &t->agreed_c2s : &t->agreed_s2c)) {
		compression_in_free(t->inflate);
		t->inflate = NULL;
		return PROTO_OK;
	}
	if (t->inflate != NULL)
		return compression_in_restart(t->inflate);
	t->inflate = compression_in_new();
	return t->inflate != NULL ? PROTO_OK : PROTO_E_LOCAL_MEMORY;
}

enum proto_error
transport_compression_login(struct transport *t)
{
	enum proto_error e;

	t->logged_in = true;
	if ((e = transport_compression_out(t)) != PROTO_OK)
		return e;
	/* A SUCCESS that was held back leaves right behind our NEWKEYS.  What is agreed
	 * on now begins with the peer's, which it may send before it has heard. */
	return t->kx == KX_NEWKEYS ? PROTO_OK : transport_compression_in(t);
}

bool
transport_payload_is_brief(const struct transport *t)
{
	return t->inflate != NULL;
}
