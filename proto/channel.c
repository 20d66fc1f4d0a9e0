/*
 * channel.c - the table of channels, their windows, and when EOF and CLOSE may come.
 *
 * The numbers come from the peer; none is used as an index or added before it is
 * compared.  Of a window three numbers are kept whose sum never changes but by
 * growth: what the peer may still send (window), what it sent and is not yet
 * delivered, and what is delivered but not given back (owed).  So a peer can never
 * have more than window_max bytes with us, nor all channels together more than the
 * configured sum.  A number on the wire is given out again only after channel_drop,
 * which the owner calls when CLOSE went both ways.
 */
#include <stdlib.h>

#include "proto/channel.h"

enum { FIRST_CAP = 4 };
#define NO_SLOT UINT32_MAX

void
channel_table_init(struct channel_table *t, uint32_t max, uint32_t window,
    uint32_t window_sum)
{
	*t = (struct channel_table){ .first_free = NO_SLOT };
	t->max = max < 1 ? 1 : max > CHANNELS_MAX ? CHANNELS_MAX : max;
	t->window = window < 1 ? 1 : window;
	/* Every channel is sure of its first window: opening one never fails for the
	 * windows of others.  At most half of the sum goes into that. */
	t->initial = WINDOW_MIN;
	if (t->initial > t->window)
		t->initial = t->window;
	if (t->initial > window_sum / 2 / t->max)
		t->initial = window_sum / 2 / t->max;
	if (t->initial < 1)
		t->initial = 1;
	if (window_sum > (uint64_t)t->initial * t->max)
		t->elastic = window_sum - (uint64_t)t->initial * t->max;
}

void
channel_table_deinit(struct channel_table *t)
{
	for (uint32_t i = 0; i < t->cap; i++)
		free(t->at[i].channel);
	free(t->at);
	*t = (struct channel_table){ .first_free = NO_SLOT };
}

static bool
grow_table(struct channel_table *t)
{
	uint32_t cap = t->cap == 0 ? FIRST_CAP : 2 * t->cap;
	struct channel_slot *at = reallocarray(t->at, cap, sizeof(*at));

	if (at == NULL)
		return false;
	for (uint32_t i = cap; i > t->cap; i--) {
		at[i - 1] = (struct channel_slot){ NULL, t->first_free };
		t->first_free = i - 1;
	}
	t->at = at;
	t->cap = cap;
	return true;
}

struct channel *
channel_add(struct channel_table *t, uint64_t serial)
{
	struct channel *ch;

	if (t->used >= t->max)
		return NULL;
	ch = calloc(1, sizeof(*ch));
	if (ch == NULL)
		return NULL;
	if (t->first_free == NO_SLOT && !grow_table(t)) {
		free(ch);
		return NULL;
	}
	ch->local = t->first_free;
	ch->serial = serial;
	ch->window = ch->window_max = ch->window_first = t->initial;
	ch->window_ceiling = t->window;
	ch->packet = SSH_DATA_MAX;
	t->first_free = t->at[ch->local].next_free;
	t->at[ch->local].channel = ch;
	t->used++;
	return ch;
}

static uint32_t
within(uint32_t n, uint32_t least, uint32_t most)
{
	return n < least ? least : n > most ? most : n;
}

void
channel_limit(struct channel *ch, struct channel_limits limits)
{
	if (limits.window != 0)
		ch->window_ceiling = within(limits.window, CHANNEL_WINDOW_LEAST, CHANNEL_WINDOW_MOST);
	if (ch->window_first > ch->window_ceiling)
		ch->window = ch->window_max = ch->window_first = ch->window_ceiling;
	if (limits.packet != 0)
		ch->packet = within(limits.packet, CHANNEL_PACKET_LEAST, SSH_DATA_MAX);
}

void
channel_drop(struct channel_table *t, struct channel *ch)
{
	uint32_t local = ch->local;

	t->elastic += ch->window_max - ch->window_first;
	t->at[local] = (struct channel_slot){ NULL, t->first_free };
	t->first_free = local;
	t->used--;
	free(ch);
}

struct channel *
channel_at(const struct channel_table *t, uint32_t local)
{
	return local < t->cap ? t->at[local].channel : NULL;
}

struct channel *
channel_find(const struct channel_table *t, uint64_t serial)
{
	for (uint32_t i = 0; i < t->cap; i++)
		if (t->at[i].channel != NULL && t->at[i].channel->serial == serial)
			return t->at[i].channel;
	return NULL;
}

struct channel *
channel_next(const struct channel_table *t, const struct channel *last)
{
	for (uint32_t i = last == NULL ? 0 : last->local + 1; i < t->cap; i++)
		if (t->at[i].channel != NULL)
			return t->at[i].channel;
	return NULL;
}

enum proto_error
channel_of_peer(const struct channel_table *t, uint32_t local, struct channel **ret)
{
	struct channel *ch = channel_at(t, local);

	if (ch == NULL || ch->state != CH_OPEN)
		return PROTO_E_CHANNEL_UNKNOWN;
	if (ch->close_in)
		return PROTO_E_CHANNEL_UNKNOWN;
	*ret = ch;
	return PROTO_OK;
}

/* ---- what the peer sent ---- */

enum proto_error
channel_data_in(struct channel *ch, size_t n, uint64_t now_ms)
{
	if (n > ch->packet)
		return PROTO_E_CHANNEL_PACKET;
	if (ch->eof_in)
		return PROTO_E_CHANNEL_STATE;
	if (n > ch->window)
		return PROTO_E_WINDOW_OVERRUN;
	ch->window -= (uint32_t)n;
	if (now_ms - ch->round_ms > CHANNEL_ROUND_MS) {
		ch->round_ms = now_ms;
		ch->round_bytes = 0;
	}
	ch->round_bytes += n;
	if (ch->round_bytes >= ch->window_max)
		ch->eager = true;
	return PROTO_OK;
}

enum proto_error
channel_adjust_in(struct channel *ch, uint32_t n)
{
	if (n > UINT32_MAX - ch->peer_window)
		return PROTO_E_WINDOW_OVERFLOW;
	ch->peer_window += n;
	return PROTO_OK;
}

enum proto_error
channel_eof_in(struct channel *ch)
{
	if (ch->eof_in)
		return PROTO_E_CHANNEL_STATE;
	ch->eof_in = true;
	return PROTO_OK;
}

enum proto_error
channel_close_in(struct channel *ch)
{
	if (ch->close_in)
		return PROTO_E_CHANNEL_STATE;
	ch->close_in = true;
	return PROTO_OK;
}

/* ---- what goes back ---- */

/* By how much the window grows now: it doubles when the peer filled all of it in a
 * short time and next to nothing of that still waits for its destination, so that
 * only the window can have held the peer up. */
static uint32_t
growth(struct channel_table *t, struct channel *ch)
{
	uint32_t waiting = ch->window_max - ch->window - ch->owed;
	uint32_t more = ch->window_max;

	if (!ch->eager || waiting > ch->window_max / 4)
		return 0;
	if (more > ch->window_ceiling - ch->window_max)
		more = ch->window_ceiling - ch->window_max;
	if (more > t->elastic)
		more = (uint32_t)t->elastic;
	t->elastic -= more;
	ch->eager = false;
	ch->round_bytes = 0;
	return more;
}

enum proto_error
channel_taken(struct channel_table *t, struct channel *ch, uint32_t n, uint32_t *give)
{
	uint32_t more;

	*give = 0;
	if (n > ch->window_max - ch->window - ch->owed)
		return PROTO_E_LOCAL_BUG;
	ch->owed += n;
	/* one that will send no more needs no window */
	if (ch->eof_in || ch->close_in || ch->close_out)
		return PROTO_OK;
	if (ch->owed == 0 || ch->owed < ch->window_max / 2)
		return PROTO_OK;
	more = growth(t, ch);
	*give = ch->owed + more;
	ch->window += *give;
	ch->window_max += more;
	ch->owed = 0;
	return PROTO_OK;
}

uint32_t
channel_may_send(const struct channel *ch)
{
	if (ch->state != CH_OPEN || ch->eof_out || ch->close_out || ch->close_in)
		return 0;
	return ch->peer_window;
}

void
channel_sent(struct channel *ch, uint32_t n)
{
	ch->peer_window -= n < ch->peer_window ? n : ch->peer_window;
}
