/*
 * api_forward.c - forwarding: what the peer asks of us is refused.
 */
#include "privsep/api.h"

enum { OPEN_PROHIBITED = 1 };	/* RFC 4254 5.1 */

void
api_forward_asked(postern_transport *t, const struct ipc_FORWARD_ASK *m)
{
	struct ipc_REFUSE no = { .chan = m->chan, .reason = OPEN_PROHIBITED,
		.text = span_str("") };

	(void)api_call_sent(t, api_send_REFUSE(&t->worker, &no));	/* fits */
}

void
api_listen_asked(postern_transport *t, const struct ipc_LISTEN_ASK *m)
{
	struct ipc_GLOBAL_ANSWER no = { .question = m->question, .payload = span_str("") };

	if (m->question != 0)
		(void)api_call_sent(t, api_send_GLOBAL_ANSWER(&t->worker, &no));
}

void
api_x11_asked(postern_transport *t, const struct ipc_X11_ASK *m)
{
	struct ipc_ANSWER_ASK no = { .question = m->question };

	if (m->question != 0)
		(void)api_call_sent(t, api_send_ANSWER_ASK(&t->worker, &no));
}
