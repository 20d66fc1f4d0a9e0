/*
 * api_sftp.c - a session with its sftp subsystem begun: versions are exchanged, and that
 * is all.
 *
 * The answer of the server is read here, in the host program, where no byte of a peer's
 * is parsed otherwise.  So only its head of nine bytes is looked at, a length, a number
 * and a version, each of fixed size; the extensions behind it, whose length the peer
 * chooses, are bounded, read past and never interpreted.
 *
 * It is one call in three steps: OPEN, the request, and the answer's bytes, as they come,
 * by the loop.  The server says how fast they come and where they end: nothing here waits,
 * and not a byte behind the answer is read.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "privsep/api.h"

/* draft-ietf-secsh-filexfer-02 3 and 4 */
enum { FXP_INIT = 1, FXP_VERSION = 2, OUR_VERSION = 3, HEAD = 9,
	LENGTH_LEAST = 5, LENGTH_MAX = 34000, PIECE = 512 };

struct postern_sftp {			/* goes with its channel */
	LIST_ENTRY(postern_sftp) next;	/* of the context's whose answer is awaited */
	postern_channel *ch;
	struct api_call *call;		/* that awaits the answer, or NULL */
	uint8_t head[HEAD];
	size_t n_head;			/* of it, so far */
	uint32_t rest;			/* bytes behind it that are still to be read */
	bool is_watched;		/* not any more when its descriptor is at its end */
	bool has_eof;			/* the worker says that the peer has ended it */
	unsigned version;
};

/* ---- the answer ---- */

static int
judge_head(postern_sftp *s)
{
	struct rd r = rd_of(span_of(s->head, HEAD));
	uint32_t length = rd_u32(&r), type = rd_u8(&r), version = rd_u32(&r);

	if (!rd_done(&r) || length < LENGTH_LEAST || length > LENGTH_MAX ||
	    type != FXP_VERSION || version != OUR_VERSION)
		return api_error_set(s->ch->t, POSTERN_EPROTO, "open", POSTERN_PEER, false,
		    span_str("the server does not speak version 3 of sftp"));
	s->rest = length - LENGTH_LEAST;
	return 0;
}

/* At most n bytes.  How many; -EAGAIN: not now; POSTERN_ECLOSED: there are no more. */
static ssize_t
take(const postern_sftp *s, void *to, size_t n)
{
	ssize_t got;

	do {
		got = recv(s->ch->fd, to, n, MSG_DONTWAIT);
	} while (got < 0 && errno == EINTR);
	/* reset: the other end went without having read what we say first */
	if (got == 0 || (got < 0 && errno == ECONNRESET))
		return POSTERN_ECLOSED;
	return got < 0 ? -errno : got;
}

/* All that there is of the answer, and nothing behind it.  0: it is whole, and good. */
static int
recv_answer(postern_sftp *s)
{
	uint8_t past[PIECE];
	ssize_t n;

	while (s->n_head < HEAD) {
		n = take(s, &s->head[s->n_head], HEAD - s->n_head);
		if (n < 0)
			return (int)n;
		s->n_head += (size_t)n;
		if (s->n_head == HEAD) {
			int r = judge_head(s);

			if (r < 0)
				return r;
		}
	}
	while (s->rest > 0) {
		n = take(s, past, s->rest < PIECE ? s->rest : PIECE);
		if (n < 0)
			return (int)n;
		s->rest -= (uint32_t)n;
	}
	s->version = OUR_VERSION;	/* the only one that is accepted */
	return 0;
}

/* ---- while it is awaited ---- */

static void
unwatch(postern_sftp *s)
{
	if (s->is_watched)
		api_loop_del(s->ch->t->ctx, s->ch->fd);
	s->is_watched = false;
}

static void
stop(postern_sftp *s)
{
	unwatch(s);
	s->ch->is_read = false;
	s->call = NULL;
	LIST_REMOVE(s, next);
}

static int
ending(struct api_call *call, int result)
{
	postern_sftp *s = call->own;
	const postern_channel *ch = s->ch;

	/* what a server says and then closes is heard first: its answer, or what is none */
	if (result == POSTERN_ECLOSED && s->is_watched && !ch->is_freed && !ch->t->is_over) {
		int r = recv_answer(s);

		if (r != -EAGAIN)
			result = r;
	}
	stop(s);
	return result;
}

void
api_sftp_ready(postern_context *ctx, uint64_t id)
{
	postern_sftp *s;
	int r;

	LIST_FOREACH(s, &ctx->sftps, next) {
		if (s->call->id == id)
			break;
	}
	if (s == NULL || !s->is_watched)
		return;
	r = recv_answer(s);
	if (r == -EAGAIN)
		return;
	if (r == POSTERN_ECLOSED) {
		unwatch(s);	/* it would be readable for ever */
		/* a worker that died looks the same: whose end it is will be said */
		if (!s->has_eof)
			return;
	}
	api_call_complete(s->call, r);
}

void
api_sftp_eof(postern_sftp *s)
{
	s->has_eof = true;
	if (s->call != NULL && !s->is_watched)
		api_call_complete(s->call, POSTERN_ECLOSED);
}

/* ---- its steps ---- */

static void
release(struct api_call *call)
{
	/* a complete one outlives its event, and its handle need not */
	if (call->kind == API_CALL_SFTP && !call->is_done)
		stop(call->own);
}

static int
send_init(postern_channel *ch)
{
	uint8_t buf[HEAD];
	struct wr w = wr_of(buf, sizeof(buf));
	int r;

	wr_u32(&w, LENGTH_LEAST);
	wr_u8(&w, FXP_INIT);
	wr_u32(&w, OUR_VERSION);
	/* the first bytes of an empty socket */
	r = postern_send_all(ch->fd, buf, w.n, NULL, 0);
	/* nobody reads it: what was said before is still to be read, and whose end it is */
	return r == POSTERN_ECLOSED ? 0 : r;
}

/* The server has the subsystem. */
static int
greet(struct api_call *call)
{
	postern_sftp *s = call->own;
	postern_channel *ch = s->ch;
	int r;

	if (ch->fd < 0)
		return POSTERN_ESTATE;	/* the application has taken or replaced it */
	r = send_init(ch);
	if (r == 0)
		r = api_loop_add(call->ctx, ch->fd, API_SFTP, call->id, EPOLLIN);
	if (r < 0)
		return r;
	call->kind = API_CALL_SFTP;	/* from here on no word of the worker's completes it */
	call->ending = ending;
	ch->is_read = s->is_watched = true;
	s->call = call;
	LIST_INSERT_HEAD(&call->ctx->sftps, s, next);
	return 0;
}

/* The session is open. */
static int
ask_subsystem(struct api_call *call)
{
	call->then = greet;
	return api_request_subsystem(call, "sftp");
}

static int
begin(postern_transport *t, postern_sftp **out, struct api_call **call, int *sent)
{
	postern_sftp *s = calloc(1, sizeof(*s));
	int r;

	if (s == NULL)
		return -ENOMEM;
	r = api_open_session_begin(t, &s->ch, call, sent);
	if (r < 0) {
		free(s);
		return r;
	}
	s->ch->sftp = s;
	(*call)->own = s;
	(*call)->release = release;
	(*call)->then = ask_subsystem;
	*out = s;
	return 0;
}

int
postern_transport_open_sftp_client(postern_transport *t, postern_sftp **out, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct api_call *call;
	postern_sftp *s;
	int sent, r = begin(t, &s, &call, &sent);

	if (r < 0)
		return r;
	r = api_call_end(call, sent, d);
	if (r < 0)
		api_open_give_up(s->ch, r);
	else
		*out = s;
	return r;
}

int
postern_transport_open_sftp_client_async(postern_transport *t, postern_sftp **out, uint64_t *id)
{
	struct api_call *call;
	postern_sftp *s;
	int sent, r = begin(t, &s, &call, &sent);

	if (r < 0)
		return r;
	r = api_call_detach(call, sent, id);
	if (r < 0)
		api_open_give_up(s->ch, r);
	else
		*out = s;
	return r;
}

/* ---- the handle ---- */

postern_channel *
postern_sftp_get_channel(const postern_sftp *s)
{
	return s->ch;
}

unsigned
postern_sftp_get_version(const postern_sftp *s)
{
	return s->version;
}

void
postern_sftp_free(postern_sftp *s)
{
	if (s != NULL)
		postern_channel_free(s->ch);
}
