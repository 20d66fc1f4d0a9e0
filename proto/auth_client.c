/*
 * auth_client.c - the client's half of RFC 4252 and 4256.
 *
 * The server is not trusted: what a message means depends on the request that we
 * made, never on what the server would like it to mean, and a SUCCESS counts only
 * while a request is open that can succeed.  Whether it is believed is decided
 * elsewhere.  Passwords and answers pass through here into the packet and are kept
 * nowhere.
 */
#include "proto/auth.h"

enum { OVERHEAD = 128 };

static const char service_auth[] = "ssh-userauth";
static const char service_connection[] = "ssh-connection";

enum proto_error
auth_client_start(struct auth_client *a, struct transport *t)
{
	struct wr w;

	if (a->state != AC_START)
		return PROTO_E_LOCAL_BUG;
	a->state = AC_SERVICE;
	w = transport_begin(t, OVERHEAD);
	wr_u8(&w, SSH_MSG_SERVICE_REQUEST);
	wr_str(&w, service_auth);
	return transport_end(t, &w);
}

/* ---- what the server says ---- */

/* Is the server to speak about a request of ours? */
static bool
is_waiting(const struct auth_client *a)
{
	switch (a->state) {
	case AC_NONE:
	case AC_PASSWORD:
	case AC_PROBE:
	case AC_PUBLICKEY:
	case AC_KBDINT:
		return true;
	case AC_START:
	case AC_SERVICE:
	case AC_IDLE:
	case AC_INFO:
		break;
	}
	return false;
}

static enum proto_error
on_accept(struct auth_client *a, struct transport *t, struct rd *r, struct auth_reply *reply)
{
	struct span name = rd_text(r, NAME_MAX_LEN);

	if (a->state != AC_SERVICE)
		return PROTO_E_MESSAGE_ORDER;
	if (!rd_done(r))
		return PROTO_E_AUTH_FORMAT;
	if (!span_is(name, service_auth))
		return PROTO_E_SERVICE;
	a->state = AC_IDLE;
	transport_set_phase(t, PH_AUTH);
	reply->type = AP_SERVICE;
	return PROTO_OK;
}

static enum proto_error
on_failure(struct auth_client *a, struct rd *r, struct auth_reply *reply)
{
	if (!is_waiting(a))
		return PROTO_E_MESSAGE_ORDER;
	reply->methods = rd_text(r, AUTH_METHODS_MAX);
	reply->partial = rd_bool(r);
	if (!rd_done(r))
		return PROTO_E_AUTH_FORMAT;
	a->state = AC_IDLE;
	reply->type = AP_FAILURE;
	return PROTO_OK;
}

static enum proto_error
on_success(struct auth_client *a, struct transport *t, struct rd *r, struct auth_reply *reply)
{
	/* a question about a key is no request to be let in */
	if (!is_waiting(a) || a->state == AC_PROBE)
		return PROTO_E_MESSAGE_ORDER;
	if (!rd_done(r))
		return PROTO_E_AUTH_FORMAT;
	a->state = AC_IDLE;
	transport_set_phase(t, PH_OPEN);
	reply->type = AP_SUCCESS;
	return PROTO_OK;
}

static enum proto_error
on_banner(struct auth_client *a, struct rd *r, struct auth_reply *reply)
{
	if (a->state == AC_START || a->state == AC_SERVICE)
		return PROTO_E_MESSAGE_ORDER;
	if (a->banners >= AUTH_BANNERS_MAX)
		return PROTO_E_AUTH_FORMAT;
	a->banners++;
	reply->text = rd_text(r, AUTH_BANNER_MAX);
	(void)rd_text(r, NAME_MAX_LEN);		/* language */
	if (!rd_done(r))
		return PROTO_E_AUTH_FORMAT;
	reply->type = AP_BANNER;
	return PROTO_OK;
}

/* RFC 4252 7.  A server that names another key than the one asked about would have
 * us sign with that one.  Some name the key's type where the request had a signature's
 * name (npm's ssh2: ssh-rsa for rsa-sha2-512); what was asked about is what is told. */
static enum proto_error
on_pk_ok(struct auth_client *a, struct rd *r, struct auth_reply *reply)
{
	struct rd asked = rd_of(span_of(a->probe, a->probe_len)), blob;
	struct span alg = rd_text(r, NAME_MAX_LEN), key = rd_blob(r, KEY_BLOB_MAX), type;

	reply->alg = rd_text(&asked, NAME_MAX_LEN);
	reply->key = rd_blob(&asked, KEY_BLOB_MAX);
	if (!rd_done(r) || !rd_done(&asked) || !span_eq(key, reply->key))
		return PROTO_E_AUTH_FORMAT;
	blob = rd_of(key);
	type = rd_text(&blob, NAME_MAX_LEN);
	if (!span_eq(alg, reply->alg) && (blob.bad || !span_eq(alg, type)))
		return PROTO_E_AUTH_FORMAT;
	a->state = AC_IDLE;
	reply->type = AP_PK_OK;
	return PROTO_OK;
}

static enum proto_error
on_changereq(struct auth_client *a, struct rd *r, struct auth_reply *reply)
{
	reply->text = rd_text(r, AUTH_TEXT_MAX);
	(void)rd_text(r, NAME_MAX_LEN);		/* language */
	if (!rd_done(r))
		return PROTO_E_AUTH_FORMAT;
	a->state = AC_IDLE;
	reply->type = AP_CHANGEREQ;
	return PROTO_OK;
}

static enum proto_error
on_info(struct auth_client *a, struct rd *r, struct auth_reply *reply)
{
	reply->name = rd_text(r, AUTH_NAME_MAX);
	reply->instruction = rd_text(r, AUTH_TEXT_MAX);
	(void)rd_text(r, NAME_MAX_LEN);		/* language: deprecated */
	reply->prompts = rd_rest(r);
	if (r->bad || !auth_interactive_prompts(reply->prompts))
		return PROTO_E_AUTH_FORMAT;
	a->state = AC_INFO;
	reply->type = AP_INFO;
	return PROTO_OK;
}

/* 60 has three meanings; only our own request says which. */
static enum proto_error
on_60(struct auth_client *a, struct rd *r, struct auth_reply *reply)
{
	switch (a->state) {
	case AC_PROBE:
		return on_pk_ok(a, r, reply);
	case AC_PASSWORD:
		return on_changereq(a, r, reply);
	case AC_KBDINT:
		return on_info(a, r, reply);
	case AC_START:
	case AC_SERVICE:
	case AC_IDLE:
	case AC_NONE:
	case AC_PUBLICKEY:
	case AC_INFO:
		break;
	}
	return PROTO_E_MESSAGE_ORDER;
}

enum proto_error
auth_client_packet(struct auth_client *a, struct transport *t, struct span payload,
    struct auth_reply *ret)
{
	struct rd r = rd_of(payload);
	uint8_t number = rd_u8(&r);
	struct auth_reply reply = { .text = span_of(payload.p, 0) };
	enum proto_error e;

	switch (number) {
	case SSH_MSG_SERVICE_ACCEPT:
		e = on_accept(a, t, &r, &reply);
		break;
	case SSH_MSG_USERAUTH_FAILURE:
		e = on_failure(a, &r, &reply);
		break;
	case SSH_MSG_USERAUTH_SUCCESS:
		e = on_success(a, t, &r, &reply);
		break;
	case SSH_MSG_USERAUTH_BANNER:
		e = on_banner(a, &r, &reply);
		break;
	case SSH_MSG_USERAUTH_60:
		e = on_60(a, &r, &reply);
		break;
	default:
		e = PROTO_E_MESSAGE_ORDER;
		break;
	}
	if (e == PROTO_OK)
		*ret = reply;
	return e;
}

/* ---- what we ask ---- */

/* The fields that all requests share (RFC 4252 5). */
static struct wr
begin_request(struct transport *t, struct span user, const char *method, size_t rest)
{
	struct wr w = transport_begin(t, user.n + rest + OVERHEAD);

	wr_u8(&w, SSH_MSG_USERAUTH_REQUEST);
	wr_blob(&w, user, AUTH_USER_MAX);
	wr_str(&w, service_connection);
	wr_str(&w, method);
	return w;
}

enum proto_error
auth_client_none(struct auth_client *a, struct transport *t, struct span user)
{
	struct wr w;

	if (a->state != AC_IDLE)
		return PROTO_E_LOCAL_BUG;
	a->state = AC_NONE;
	w = begin_request(t, user, "none", 0);
	return transport_end(t, &w);
}

enum proto_error
auth_client_password(struct auth_client *a, struct transport *t, struct span user,
    struct span password)
{
	struct wr w;

	if (a->state != AC_IDLE)
		return PROTO_E_LOCAL_BUG;
	a->state = AC_PASSWORD;
	w = begin_request(t, user, "password", password.n);
	wr_u8(&w, 0);
	wr_blob(&w, password, AUTH_PASSWORD_MAX);
	return transport_end(t, &w);
}

enum proto_error
auth_client_change(struct auth_client *a, struct transport *t, struct span user,
    struct span password, struct span new_password)
{
	struct wr w;

	if (a->state != AC_IDLE)
		return PROTO_E_LOCAL_BUG;
	/* the answer may be another CHANGEREQ: the new one does not please either */
	a->state = AC_PASSWORD;
	w = begin_request(t, user, "password", password.n + new_password.n);
	wr_u8(&w, 1);
	wr_blob(&w, password, AUTH_PASSWORD_MAX);
	wr_blob(&w, new_password, AUTH_PASSWORD_MAX);
	return transport_end(t, &w);
}

enum proto_error
auth_client_publickey(struct auth_client *a, struct transport *t, struct span user,
    struct span alg, struct span key, struct span signature)
{
	return auth_client_hostbound(a, t, user, alg, key, span_of(NULL, 0), signature);
}

enum proto_error
auth_client_hostbound(struct auth_client *a, struct transport *t, struct span user,
    struct span alg, struct span key, struct span host_key, struct span signature)
{
	bool is_signed = signature.n > 0, is_bound = host_key.n > 0;
	struct wr probe = wr_of(a->probe, sizeof(a->probe));
	struct wr w;

	if (a->state != AC_IDLE || alg.n == 0 || key.n == 0)
		return PROTO_E_LOCAL_BUG;
	wr_blob(&probe, alg, NAME_MAX_LEN);
	wr_blob(&probe, key, KEY_BLOB_MAX);
	if (probe.bad)
		return PROTO_E_LOCAL_BUG;
	a->probe_len = probe.n;
	a->state = is_signed ? AC_PUBLICKEY : AC_PROBE;
	w = begin_request(t, user, is_bound ? "publickey-hostbound-v00@openssh.com" : "publickey",
	    alg.n + key.n + host_key.n + signature.n);
	wr_u8(&w, is_signed ? 1 : 0);
	wr_raw(&w, wr_span(&probe));
	if (is_bound)
		wr_blob(&w, host_key, KEY_BLOB_MAX);
	if (is_signed)
		wr_blob(&w, signature, SIGNATURE_MAX);
	return transport_end(t, &w);
}

enum proto_error
auth_client_kbdint(struct auth_client *a, struct transport *t, struct span user,
    struct span submethods)
{
	struct wr w;

	if (a->state != AC_IDLE)
		return PROTO_E_LOCAL_BUG;
	a->state = AC_KBDINT;
	w = begin_request(t, user, "keyboard-interactive", submethods.n);
	wr_str(&w, "");
	wr_blob(&w, submethods, AUTH_USER_MAX);
	return transport_end(t, &w);
}

enum proto_error
auth_client_responses(struct auth_client *a, struct transport *t, struct span answers)
{
	struct wr w;

	if (a->state != AC_INFO || !auth_interactive_answers(answers))
		return PROTO_E_LOCAL_BUG;
	a->state = AC_KBDINT;
	w = transport_begin(t, answers.n + OVERHEAD);
	wr_u8(&w, SSH_MSG_USERAUTH_INFO_RESPONSE);
	wr_raw(&w, answers);
	return transport_end(t, &w);
}
