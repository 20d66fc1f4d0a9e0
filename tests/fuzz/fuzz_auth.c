/*
 * fuzz_auth.c - both halves of user authentication against bytes without sense.
 *
 * The first octet chooses the half; then the input is a program of packets and
 * orders.  Checked: the phase becomes OPEN only by a SUCCESS that was ordered (server)
 * or that answers a request (client), and what is handed out keeps its bounds.
 * Links only proto's auth files, see tests/fake_transport.h.
 */
#include <stdio.h>

#include "proto/auth.h"
#include "tests/fake_transport.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MUST(what) do { if (!(what)) { \
	fprintf(stderr, "violated: %s\n", #what); abort(); } } while (0)

static const uint8_t no_list[4];

/* A packet of its exact size: the start that the input chooses, so that it need not
 * find out names by chance, and then bytes of the input. */
static uint8_t *
next_packet(struct rd *in, const struct span *starts, size_t n_starts, size_t *n)
{
	struct span start = starts[rd_u8(in) % n_starts];
	size_t want = rd_u8(in);
	struct span s = rd_take(in, want < in->n ? want : in->n);
	uint8_t *p = malloc(start.n + s.n + 1);

	MUST(p != NULL);
	memcpy(p, start.p, start.n);
	if (s.n > 0)
		memcpy(p + start.n, s.p, s.n);
	*n = start.n + s.n;
	p = realloc(p, *n);
	MUST(p != NULL);
	return p;
}

#define START(s_) { (const uint8_t *)(s_), sizeof(s_) - 1 }
#define REQUEST "\62\0\0\0\3joe\0\0\0\16ssh-connection"

static enum proto_error
server_order(struct auth_server *a, struct transport *t, uint8_t what)
{
	bool asked = a->state == AS_ASKED;

	switch (what % 5) {
	case 0:
		return a->state == AS_SERVICE ? PROTO_OK :
		    auth_server_banner(a, t, span_str("hello"));
	case 1:
		return asked || a->state == AS_PROMPTED ?
		    auth_server_failure(a, t, span_str("publickey"), what & 1) : PROTO_OK;
	case 2:
		return asked && a->probe_len > 0 ? auth_server_pk_ok(a, t) : PROTO_OK;
	case 3:
		return asked ? auth_server_prompts(a, t, span_str(""), span_str(""),
		    span_of(no_list, 4)) : PROTO_OK;
	default:
		return asked && what > 250 ? auth_server_success(a, t) : PROTO_OK;
	}
}

static void
fuzz_server(struct rd *in, struct transport *t)
{
	static const struct span starts[] = {
		START("\5"), START("\5\0\0\0\14ssh-userauth"), START("\62"), START("\75"),
		START("\75\0\0\0"), START(REQUEST), START(REQUEST "\0\0\0\4none"),
		START(REQUEST "\0\0\0\10password"), START(REQUEST "\0\0\0\11publickey"),
		START(REQUEST "\0\0\0\11publickey\0\0\0\0\3alg\0\0\0"),
		START(REQUEST "\0\0\0\24keyboard-interactive"),
		START(REQUEST "\0\0\0\24keyboard-interactive\0\0\0\0\0\0\0\0"),
	};
	struct auth_server a = { .state = AS_SERVICE };

	while (in->n > 1 && t->phase != PH_OPEN) {
		uint8_t what = rd_u8(in);
		struct auth_request req = { 0 };
		uint8_t *p;
		size_t n;
		enum proto_error e;

		if ((what & 1) != 0 || a.state == AS_ASKED) {
			MUST(server_order(&a, t, what) == PROTO_OK);
			continue;
		}
		p = next_packet(in, starts, sizeof(starts) / sizeof(starts[0]), &n);
		e = auth_server_packet(&a, t, span_of(p, n), &req);
		MUST(t->phase != PH_OPEN);
		if (e == PROTO_OK) {
			MUST(req.type >= AR_NONE && req.type <= AR_SERVICE);
			MUST(req.user.n <= AUTH_USER_MAX && req.method.n <= AUTH_METHOD_MAX);
			MUST(req.key.n <= KEY_BLOB_MAX && req.signature.n <= SIGNATURE_MAX);
			MUST(req.type == AR_SERVICE || a.state == AS_ASKED);
			MUST(req.type != AR_PUBLICKEY || req.is_signed == (a.probe_len == 0));
			MUST(req.type != AR_RESPONSES || auth_interactive_answers(req.answers));
		}
		free(p);
		if (e != PROTO_OK)
			return;
	}
}

static enum proto_error
client_order(struct auth_client *a, struct transport *t, uint8_t what)
{
	struct span joe = span_str("joe");

	if (a->state == AC_START)
		return auth_client_start(a, t);
	if (a->state == AC_INFO)
		return auth_client_responses(a, t, span_of(no_list, 4));
	if (a->state != AC_IDLE)
		return PROTO_OK;
	switch (what % 5) {
	case 0:
		return auth_client_none(a, t, joe);
	case 1:
		return auth_client_password(a, t, joe, span_str("secret"));
	case 2:
		return auth_client_publickey(a, t, joe, span_str("a"), span_str("k"), span_of("", 0));
	case 3:
		return auth_client_publickey(a, t, joe, span_str("a"), span_str("k"), span_str("s"));
	default:
		return auth_client_kbdint(a, t, joe, span_of("", 0));
	}
}

static void
fuzz_client(struct rd *in, struct transport *t)
{
	static const struct span starts[] = {
		START("\6"), START("\6\0\0\0\14ssh-userauth"), START("\63"), START("\64"),
		START("\65"), START("\65\0\0\0\2hi\0\0\0\0"), START("\74"),
		START("\74\0\0\0\1a\0\0\0\1k"), START("\74\0\0\0\0\0\0\0\0\0\0\0\0"),
		START("\63\0\0\0\10password"),
	};
	struct auth_client a = { .state = AC_START };

	while (in->n > 1 && t->phase != PH_OPEN) {
		uint8_t what = rd_u8(in);
		struct auth_reply reply = { 0 };
		enum auth_client_state before = a.state;
		uint8_t *p;
		size_t n;
		enum proto_error e;

		if ((what & 1) != 0) {
			MUST(client_order(&a, t, what >> 1) == PROTO_OK);
			continue;
		}
		p = next_packet(in, starts, sizeof(starts) / sizeof(starts[0]), &n);
		e = auth_client_packet(&a, t, span_of(p, n), &reply);
		if (t->phase == PH_OPEN)
			MUST(e == PROTO_OK && n == 1 && p[0] == SSH_MSG_USERAUTH_SUCCESS &&
			    (before == AC_NONE || before == AC_PASSWORD ||
			    before == AC_PUBLICKEY || before == AC_KBDINT));
		if (e == PROTO_OK && reply.type == AP_PK_OK)
			MUST(span_is(reply.alg, "a") && span_is(reply.key, "k"));
		if (e == PROTO_OK && reply.type == AP_INFO)
			MUST(auth_interactive_prompts(reply.prompts));
		if (e != PROTO_OK)
			MUST(a.state == before);
		free(p);
		if (e != PROTO_OK)
			return;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rd in = rd_of(span_of(data, n));
	struct transport *t = fake_new();

	if (rd_bool(&in))
		fuzz_client(&in, t);
	else
		fuzz_server(&in, t);
	fake_free(t);
	return 0;
}
