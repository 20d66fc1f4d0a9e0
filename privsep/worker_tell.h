/*
 * worker_tell.h - sending a row of messages.def to the monitor or the application.
 *
 * worker_tell_NAME(w, &message) encodes into the worker's outbox and sends; what the
 * other side has no room for waits in order.  False: a field is longer than its row
 * allows, or a text holds a NUL, and nothing was sent.  Much of what a worker tells
 * comes from the peer, and a receiver ends a worker that sends what its row forbids;
 * so the rows' bounds are asked here, and the caller refuses the peer's request.
 */
#ifndef PRIVSEP_WORKER_TELL_H
#define PRIVSEP_WORKER_TELL_H

#include "privsep/worker_state.h"

static inline bool
worker_is_text(struct span s)
{
	return s.n == 0 || memchr(s.p, 0, s.n) == NULL;
}

#define MSG(link, NAME, id, phases, kex, flags) __attribute__((warn_unused_result)) \
	static inline bool worker_tell_##NAME(struct worker *w_, const struct ipc_##NAME *m_) { \
	const enum ipc_link link_ = IPC_##link; \
	const unsigned flags_ = flags; \
	int fds_[IPC_FDS_MAX]; \
	struct wr o_ = wr_of(w_->outbox, IPC_MAX_##NAME); \
	bool fits_ = true; \
	ipc_put_##NAME(&o_, fds_, m_);
#define TEXT(f_, max) fits_ = fits_ && worker_is_text(m_->f_);
#define END return worker_send(w_, link_, &o_, flags_, fits_); }
#include "ipc/messages.def"

/* For rows whose fields are our own or already bounded: they fit, or we are wrong. */
static inline void
worker_must(struct worker *w, bool told)
{
	if (!told)
		worker_fail(w, PROTO_E_LOCAL_BUG);
}

#endif
