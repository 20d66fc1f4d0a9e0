/*
 * api_notice.c - requests for a channel of a kind that only the application knows, and
 * the small ones that nobody answers.
 */
#include <errno.h>

#include "privsep/api.h"

static int
usable(const postern_channel *ch)
{
	int r = api_call_usable(ch->t);

	if (r < 0)
		return r;
	if (ch->state == API_OVER)
		return POSTERN_ECLOSED;
	return ch->state == API_OPEN ? 0 : POSTERN_ESTATE;
}

static int
begin(postern_channel *ch, const char *kind, const postern_message *payload,
    struct api_call **call, int *sent)
{
	struct ipc_OTHER_DO m = { .chan = ch->id, .kind = span_str(kind) };
	int r = usable(ch);

	if (r == 0)
		r = api_message_span(payload, &m.payload);
	if (r == 0)
		r = api_call_begin(ch->t, ch, call);
	if (r < 0)
		return r;
	m.call = (*call)->id;
	*sent = api_send_OTHER_DO(&ch->t->worker, &m);
	return 0;
}

int
postern_channel_request(postern_channel *ch, const char *kind, const postern_message *payload,
    int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct api_call *call;
	int sent, r = begin(ch, kind, payload, &call, &sent);

	return r < 0 ? r : api_call_end(call, sent, d);
}

int
postern_channel_request_async(postern_channel *ch, const char *kind,
    const postern_message *payload, uint64_t *id)
{
	struct api_call *call;
	int sent, r = begin(ch, kind, payload, &call, &sent);

	return r < 0 ? r : api_call_detach(call, sent, id);
}

static int
send_notice(postern_channel *ch, const char *kind, struct span payload)
{
	struct ipc_OTHER_DO m = { .chan = ch->id, .kind = span_str(kind), .payload = payload };
	int r = usable(ch);

	return r < 0 ? r : api_call_sent(ch->t, api_send_OTHER_DO(&ch->t->worker, &m));
}

int
postern_channel_notice(postern_channel *ch, const char *kind, const postern_message *payload)
{
	struct span s;
	int r = api_message_span(payload, &s);

	return r < 0 ? r : send_notice(ch, kind, s);
}

int
postern_channel_send_xon_xoff(postern_channel *ch, int client_can_do)
{
	uint8_t flag = client_can_do != 0;

	return send_notice(ch, "xon-xoff", span_of(&flag, 1));	/* RFC 4254 6.8 */
}

int
postern_channel_send_eow(postern_channel *ch)
{
	return send_notice(ch, "eow@openssh.com", span_str(""));
}
