/*
 * auth_server.c - the server's half of RFC 4252 and 4256.
 *
 * It parses requests and writes verdicts and takes none itself: no user, key or
 * password is looked at here.  A request that is malformed as a message ends the
 * connection; one that is only wrong as its method is AR_OTHER, so that it costs
 * the peer a try like any other failure.  It must never write SUCCESS unless told
 * to, nor PK_OK for anything but the very bytes that were asked about.
 */
#include "proto/auth.h"

enum { OVERHEAD = 64 };

static const char service_auth[] = "ssh-userauth";
static const char service_connection[] = "ssh-connection";

static enum proto_error
on_service(struct auth_server *a, struct transport *t, struct rd *r)
{
	struct span name = rd_text(r, NAME_MAX_LEN);
	struct wr w;
	enum proto_error e;

	if (!rd_done(r))
		return PROTO_E_AUTH_FORMAT;
	if (!span_is(name, service_auth))
		return PROTO_E_SERVICE;
	w = transport_begin(t, OVERHEAD);
	wr_u8(&w, SSH_MSG_SERVICE_ACCEPT);
	wr_str(&w, service_auth);
	e = transport_end(t, &w);
	if (e != PROTO_OK)
		return e;
	/* some clients ask again before each request; that changes nothing */
	if (a->state == AS_SERVICE) {
		a->state = AS_IDLE;
		transport_set_phase(t, PH_AUTH);
	}
	return PROTO_OK;
}

/* ---- the methods: true if the rest of the message is as it should be ---- */

static bool
parse_password(struct rd *r, struct auth_request *req)
{
	req->type = AR_PASSWORD;
	req->is_change = rd_bool(r);
	req->password = rd_text(r, AUTH_PASSWORD_MAX);
	if (req->is_change)
		req->new_password = rd_text(r, AUTH_PASSWORD_MAX);
	return rd_done(r);
}

static bool
parse_publickey(struct auth_server *a, struct rd *r, bool is_bound, struct auth_request *req)
{
	struct wr w = wr_of(a->probe, sizeof(a->probe));

	req->type = AR_PUBLICKEY;
	req->is_signed = rd_bool(r);
	req->alg = rd_text(r, NAME_MAX_LEN);
	req->key = rd_blob(r, KEY_BLOB_MAX);
	if (is_bound)
		req->host_key = rd_blob(r, KEY_BLOB_MAX);
	if (req->is_signed)
		req->signature = rd_blob(r, SIGNATURE_MAX);
	if (!rd_done(r) || req->alg.n == 0 || req->key.n == 0 ||
	    (is_bound && req->host_key.n == 0))
		return false;
	if (req->is_signed)
		return req->signature.n > 0;
	wr_blob(&w, req->alg, NAME_MAX_LEN);
	wr_blob(&w, req->key, KEY_BLOB_MAX);
	a->probe_len = wr_span(&w).n;
	return true;
}

static bool
parse_kbdint(struct rd *r, struct auth_request *req)
{
	req->type = AR_KBDINT;
	(void)rd_text(r, NAME_MAX_LEN);		/* language: deprecated */
	req->submethods = rd_text(r, AUTH_USER_MAX);
	return rd_done(r);
}

static bool
parse_method(struct auth_server *a, struct rd *r, struct auth_request *req)
{
	if (span_is(req->method, "none")) {
		req->type = AR_NONE;
		return rd_done(r);
	}
	if (span_is(req->method, "password"))
		return parse_password(r, req);
	if (span_is(req->method, "publickey"))
		return parse_publickey(a, r, false, req);
	if (span_is(req->method, "publickey-hostbound-v00@openssh.com"))
		return parse_publickey(a, r, true, req);	/* OpenSSH PROTOCOL 3.1 */
	if (span_is(req->method, "keyboard-interactive"))
		return parse_kbdint(r, req);
	return false;
}

static enum proto_error
on_request(struct auth_server *a, struct rd *r, struct auth_request *ret)
{
	struct auth_request req = { .type = AR_OTHER };
	struct span service;

	if (a->state != AS_IDLE && a->state != AS_PROMPTED)
		return PROTO_E_MESSAGE_ORDER;
	req.user = rd_text(r, AUTH_USER_MAX);
	service = rd_text(r, NAME_MAX_LEN);
	req.method = rd_text(r, AUTH_METHOD_MAX);
	if (r->bad)
		return PROTO_E_AUTH_FORMAT;
	/* RFC 4252 5: nobody may be logged in for a service that is not there */
	if (!span_is(service, service_connection))
		return PROTO_E_SERVICE;
	a->state = AS_ASKED;
	a->probe_len = 0;
	if (!parse_method(a, r, &req))
		req = (struct auth_request){ .type = AR_OTHER, .user = req.user,
		    .method = req.method };
	a->is_password = req.type == AR_PASSWORD;
	*ret = req;
	return PROTO_OK;
}

static enum proto_error
on_answers(struct auth_server *a, struct rd *r, struct auth_request *ret)
{
	struct span answers = rd_rest(r);

	if (a->state != AS_PROMPTED)
		return PROTO_E_MESSAGE_ORDER;
	if (!auth_interactive_answers(answers))
		return PROTO_E_AUTH_FORMAT;
	a->state = AS_ASKED;
	a->is_password = false;
	*ret = (struct auth_request){ .type = AR_RESPONSES, .answers = answers };
	return PROTO_OK;
}

enum proto_error
auth_server_packet(struct auth_server *a, struct transport *t, struct span payload,
    struct auth_request *ret)
{
	struct rd r = rd_of(payload);
	uint8_t number = rd_u8(&r);

	/* one at a time: its verdict must be about this request and no other */
	if (a->state == AS_ASKED)
		return PROTO_E_MESSAGE_ORDER;
	if (number == SSH_MSG_SERVICE_REQUEST) {
		*ret = (struct auth_request){ .type = AR_SERVICE };
		return on_service(a, t, &r);
	}
	if (a->state == AS_SERVICE)
		return PROTO_E_MESSAGE_ORDER;
	if (number == SSH_MSG_USERAUTH_REQUEST)
		return on_request(a, &r, ret);
	if (number == SSH_MSG_USERAUTH_INFO_RESPONSE)
		return on_answers(a, &r, ret);
	return PROTO_E_MESSAGE_ORDER;
}

/* ---- verdicts ---- */

enum proto_error
auth_server_banner(struct auth_server *a, struct transport *t, struct span text)
{
	struct wr w;

	if (a->state == AS_SERVICE || text.n > AUTH_BANNER_MAX)
		return PROTO_E_LOCAL_BUG;
	if (a->banner_sent)
		return PROTO_OK;
	a->banner_sent = true;
	w = transport_begin(t, text.n + OVERHEAD);
	wr_u8(&w, SSH_MSG_USERAUTH_BANNER);
	wr_blob(&w, text, AUTH_BANNER_MAX);
	wr_str(&w, "");
	return transport_end(t, &w);
}

enum proto_error
auth_server_failure(struct auth_server *a, struct transport *t, struct span methods,
    bool partial)
{
	struct wr w;

	/* prompts may be given up without an answer */
	if (a->state != AS_ASKED && a->state != AS_PROMPTED)
		return PROTO_E_LOCAL_BUG;
	a->state = AS_IDLE;
	w = transport_begin(t, methods.n + OVERHEAD);
	wr_u8(&w, SSH_MSG_USERAUTH_FAILURE);
	wr_blob(&w, methods, AUTH_METHODS_MAX);
	wr_u8(&w, partial ? 1 : 0);
	return transport_end(t, &w);
}

enum proto_error
auth_server_pk_ok(struct auth_server *a, struct transport *t)
{
	struct span probe = span_of(a->probe, a->probe_len);
	struct wr w;

	if (a->state != AS_ASKED || probe.n == 0)
		return PROTO_E_LOCAL_BUG;
	a->state = AS_IDLE;
	w = transport_begin(t, probe.n + OVERHEAD);
	wr_u8(&w, SSH_MSG_USERAUTH_60);
	wr_raw(&w, probe);
	return transport_end(t, &w);
}

enum proto_error
auth_server_changereq(struct auth_server *a, struct transport *t, struct span prompt)
{
	struct wr w;

	/* to a client that asked anything else, 60 would be something else */
	if (a->state != AS_ASKED || !a->is_password)
		return PROTO_E_LOCAL_BUG;
	a->state = AS_IDLE;
	w = transport_begin(t, prompt.n + OVERHEAD);
	wr_u8(&w, SSH_MSG_USERAUTH_60);
	wr_blob(&w, prompt, AUTH_TEXT_MAX);
	wr_str(&w, "");
	return transport_end(t, &w);
}

enum proto_error
auth_server_prompts(struct auth_server *a, struct transport *t, struct span name,
    struct span instruction, struct span prompts)
{
	struct wr w;

	if (a->state != AS_ASKED || !auth_interactive_prompts(prompts))
		return PROTO_E_LOCAL_BUG;
	a->state = AS_PROMPTED;
	w = transport_begin(t, name.n + instruction.n + prompts.n + OVERHEAD);
	wr_u8(&w, SSH_MSG_USERAUTH_60);
	wr_blob(&w, name, AUTH_NAME_MAX);
	wr_blob(&w, instruction, AUTH_TEXT_MAX);
	wr_str(&w, "");
	wr_raw(&w, prompts);
	return transport_end(t, &w);
}

enum proto_error
auth_server_success(struct auth_server *a, struct transport *t)
{
	struct wr w;
	enum proto_error e;

	if (a->state != AS_ASKED)
		return PROTO_E_LOCAL_BUG;
	w = transport_begin(t, OVERHEAD);
	wr_u8(&w, SSH_MSG_USERAUTH_SUCCESS);
	e = transport_end(t, &w);
	if (e != PROTO_OK)
		return e;
	a->state = AS_IDLE;
	transport_set_phase(t, PH_OPEN);
	return PROTO_OK;
}
