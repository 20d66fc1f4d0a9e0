/*
 * api_sftp.c - a session with its sftp subsystem begun: versions are exchanged, and that
 * is all.
 *
 * The answer of the server is read here, in the host program, where no byte of a peer's
 * is parsed otherwise.  So only its head of nine bytes is looked at, a length, a number
 * and a version, each of fixed size; the extensions behind it, whose length the peer
 * chooses, are bounded, read past and never interpreted.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "privsep/api.h"

/* draft-ietf-secsh-filexfer-02 3 and 4 */
enum { FXP_INIT = 1, FXP_VERSION = 2, OUR_VERSION = 3, HEAD = 9,
	LENGTH_LEAST = 5, LENGTH_MAX = 34000, PIECE = 512 };

struct postern_sftp {
	postern_channel *ch;
	unsigned version;
};

/*
 * Bytes of the channel, while the context does its work: whoever answers may be in this
 * very program and wait for a question to be asked.
 */
static int
recv_all(postern_channel *ch, void *to, size_t len, struct api_deadline d)
{
	postern_context *ctx = ch->t->ctx;
	struct wr w = wr_of(to, len);

	while (w.n < len) {
		struct pollfd p[2] = { { .fd = ch->fd, .events = POLLIN },
			{ .fd = ctx->set, .events = POLLIN } };
		int left = api_deadline_left(d), n, r;
		ssize_t got;

		got = recv(ch->fd, w.p + w.n, len - w.n, MSG_DONTWAIT);
		if (got > 0) {
			(void)wr_room(&w, (size_t)got);	/* not more than was asked for */
			continue;
		}
		if (got == 0)
			return ch->t->is_over ? api_transport_end_code(ch->t) : POSTERN_ECLOSED;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		n = poll(p, 2, api_io_wait(ctx, left));
		if (n < 0 && errno != EINTR)
			return -errno;
		/* others may keep the context busy for ever */
		if (left == 0 && (n <= 0 || p[0].revents == 0))
			return POSTERN_ETIMEOUT;
		r = ctx->dead < 0 ? ctx->dead : api_loop_turn(ctx, 0);
		if (r < 0 && r != -EINTR)
			return r;
		if (ch->is_freed)
			return POSTERN_ESTATE;
	}
	return 0;
}

static int
send_init(postern_channel *ch)
{
	uint8_t buf[HEAD];
	struct wr w = wr_of(buf, sizeof(buf));

	wr_u32(&w, LENGTH_LEAST);
	wr_u8(&w, FXP_INIT);
	wr_u32(&w, OUR_VERSION);
	/* the first bytes of an empty socket */
	return postern_send_all(ch->fd, buf, w.n, NULL, 0);
}

static int
recv_version(postern_channel *ch, unsigned *version, struct api_deadline d)
{
	uint8_t buf[PIECE];
	uint32_t length, type;
	struct rd r;
	int rc = recv_all(ch, buf, HEAD, d);

	if (rc < 0)
		return rc;
	r = rd_of(span_of(buf, HEAD));
	length = rd_u32(&r);
	type = rd_u8(&r);
	*version = rd_u32(&r);
	if (!rd_done(&r) || length < LENGTH_LEAST || length > LENGTH_MAX ||
	    type != FXP_VERSION || *version != OUR_VERSION)
		return api_error_set(ch->t, POSTERN_EPROTO, "open", POSTERN_PEER, false,
		    span_str("the server does not speak version 3 of sftp"));
	for (length -= LENGTH_LEAST; rc == 0 && length > 0; ) {
		uint32_t n = length < PIECE ? length : PIECE;

		rc = recv_all(ch, buf, n, d);
		length -= n;
	}
	return rc;
}

static int
greet(postern_channel *ch, unsigned *version, struct api_deadline d)
{
	postern_context *ctx = ch->t->ctx;
	int r = postern_channel_invoke_subsystem(ch, "sftp", api_deadline_left(d));

	if (r == 0)
		r = postern_channel_fd(ch) >= 0 ? send_init(ch) : POSTERN_ESTATE;
	if (r < 0)
		return r;
	/* as in api_loop_wait: neither may be buried by a callback that frees it */
	if (ctx->waits++ == 0)
		ctx->held = (struct api_held){ ch->t, ch };
	r = recv_version(ch, version, d);
	if (--ctx->waits == 0)
		ctx->held = (struct api_held){ NULL, NULL };
	return r;
}

int
postern_transport_open_sftp_client(postern_transport *t, postern_sftp **out, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	postern_sftp *s = calloc(1, sizeof(*s));
	int r;

	if (s == NULL)
		return -ENOMEM;
	r = postern_transport_open_session(t, &s->ch, timeout_ms);
	if (r < 0) {
		free(s);
		return r;
	}
	r = greet(s->ch, &s->version, d);
	if (r < 0) {
		postern_sftp_free(s);
		return r;
	}
	*out = s;
	return 0;
}

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
	if (s == NULL)
		return;
	postern_channel_free(s->ch);
	free(s);
}
