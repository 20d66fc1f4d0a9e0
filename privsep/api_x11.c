/*
 * api_x11.c - lending a display or an agent to the programs of a session.
 *
 * The cookie that the server gets is made for this session and opens nothing here: who
 * serves the channels compares it and puts the display's own in its place, so that a
 * server that keeps it has nothing.  Agent forwarding lends the use of keys for as
 * long as the session lives; the server's administrator is lent them too.
 */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

#include "privsep/api.h"

enum { COOKIE_BYTES = 16, PROTOCOL_MAX = 64, COOKIE_MAX = 1024,	/* as in X11_ASK */
	PAYLOAD_MAX = 1 + 4 + PROTOCOL_MAX + 4 + COOKIE_MAX + 4 };

static void
release(struct api_call *call)
{
	api_forward_free(call->own);
}

/* From now on the server may open channels for it. */
static void
granted(struct api_call *call, bool ok, struct span payload)
{
	struct api_forward *f = call->own;

	(void)payload;
	if (!ok || call->result < 0 || call->channel == NULL ||
	    call->channel->state != API_OPEN)
		return;
	call->own = NULL;
	call->result = api_forward_add(call->t, f);
}

static int
begin(postern_channel *ch, int kind, const char *request, struct span payload,
    struct api_forward *f, struct api_call **out, int *sent)
{
	struct ipc_OTHER_DO m = { .chan = ch->id, .kind = span_str(request),
		.payload = payload };
	int r = api_call_begin(ch->t, ch, out);

	if (r < 0) {
		api_forward_free(f);
		return r;
	}
	f->kind = kind;
	f->chan = ch->id;
	m.call = (*out)->id;
	(*out)->own = f;
	(*out)->release = release;
	(*out)->answered = granted;
	*sent = api_send_OTHER_DO(&ch->t->worker, &m);
	return 0;
}

static int
check(const postern_channel *ch)
{
	int r = api_call_usable(ch->t);

	if (r < 0)
		return r;
	if (ch->state == API_OVER)
		return POSTERN_ECLOSED;
	if (ch->state != API_OPEN || !ch->is_session || ch->t->is_server)
		return POSTERN_ESTATE;
	return ch->t->n_forwards >= API_FORWARDS_MAX ? POSTERN_ELIMIT : 0;
}

static int
keep_cookie(postern_channel *ch, const char *given)
{
	uint8_t random[COOKIE_BYTES];
	char hex[2 * COOKIE_BYTES + 1], *copy;

	if (given == NULL) {
		randombytes_buf(random, sizeof(random));
		given = sodium_bin2hex(hex, sizeof(hex), random, sizeof(random));
	}
	copy = api_context_copy(span_str(given));
	sodium_memzero(random, sizeof(random));
	sodium_memzero(hex, sizeof(hex));
	if (copy == NULL)
		return -ENOMEM;
	api_x11_forget(ch);
	ch->x11_cookie = copy;
	return 0;
}

void
api_x11_forget(postern_channel *ch)
{
	if (ch->x11_cookie != NULL)
		sodium_memzero(ch->x11_cookie, strlen(ch->x11_cookie));
	free(ch->x11_cookie);
	ch->x11_cookie = NULL;
}

struct asking {
	int is_single;
	const char *protocol, *cookie;
	uint32_t screen;
	postern_forward_handler *handler;
	void *user;
};

static int
begin_x11(postern_channel *ch, const struct asking *a, struct api_call **call, int *sent)
{
	const char *protocol = a->protocol != NULL ? a->protocol : "MIT-MAGIC-COOKIE-1";
	uint8_t buf[PAYLOAD_MAX];
	struct wr w = wr_of(buf, sizeof(buf));
	struct api_forward *f;
	int r = check(ch);

	if (r < 0)
		return r;
	if (strlen(protocol) > PROTOCOL_MAX ||
	    (a->cookie != NULL && strlen(a->cookie) > COOKIE_MAX))
		return -EMSGSIZE;
	f = api_forward_new(POSTERN_X11, "", 0);
	r = f != NULL ? keep_cookie(ch, a->cookie) : -ENOMEM;
	if (r < 0) {
		api_forward_free(f);
		return r;
	}
	f->is_single = a->is_single != 0;
	f->handler = a->handler;
	f->user = a->user;
	/* RFC 4254 6.3.1; it fits */
	wr_u8(&w, f->is_single);
	wr_str(&w, protocol);
	wr_str(&w, ch->x11_cookie);
	wr_u32(&w, a->screen);
	r = begin(ch, POSTERN_X11, "x11-req", wr_span(&w), f, call, sent);
	sodium_memzero(buf, sizeof(buf));
	return r;
}

/* The name that servers have known for twenty years; RFC 9987's agent-req is the same
 * request, and no server knows that one only. */
static int
begin_agent(postern_channel *ch, postern_forward_handler *handler, void *user,
    struct api_call **call, int *sent)
{
	struct api_forward *f;
	int r = check(ch);

	if (r < 0)
		return r;
	f = api_forward_new(POSTERN_AGENT, "", 0);
	if (f == NULL)
		return -ENOMEM;
	f->handler = handler;
	f->user = user;
	return begin(ch, POSTERN_AGENT, "auth-agent-req@openssh.com", span_str(""), f, call,
	    sent);
}

int
postern_channel_request_x11(postern_channel *ch, int single_connection, const char *protocol,
    const char *cookie, uint32_t screen, postern_forward_handler *handler, void *user,
    int timeout_ms)
{
	struct asking a = { single_connection, protocol, cookie, screen, handler, user };
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct api_call *call;
	int sent, r = begin_x11(ch, &a, &call, &sent);

	return r < 0 ? r : api_call_end(call, sent, d);
}

int
postern_channel_request_x11_async(postern_channel *ch, int single_connection,
    const char *protocol, const char *cookie, uint32_t screen,
    postern_forward_handler *handler, void *user, uint64_t *id)
{
	struct asking a = { single_connection, protocol, cookie, screen, handler, user };
	struct api_call *call;
	int sent, r = begin_x11(ch, &a, &call, &sent);

	return r < 0 ? r : api_call_detach(call, sent, id);
}

const char *
postern_channel_get_x11_cookie(const postern_channel *ch)
{
	return ch->x11_cookie;
}

int
postern_channel_request_forward_agent(postern_channel *ch, postern_forward_handler *handler,
    void *user, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct api_call *call;
	int sent, r = begin_agent(ch, handler, user, &call, &sent);

	return r < 0 ? r : api_call_end(call, sent, d);
}

int
postern_channel_request_forward_agent_async(postern_channel *ch,
    postern_forward_handler *handler, void *user, uint64_t *id)
{
	struct api_call *call;
	int sent, r = begin_agent(ch, handler, user, &call, &sent);

	return r < 0 ? r : api_call_detach(call, sent, id);
}
