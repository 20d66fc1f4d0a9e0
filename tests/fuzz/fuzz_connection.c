/*
 * fuzz_connection.c - the connection layer against bytes and orders without sense.
 *
 * The input is a program: an octet that says what happens next (mostly a packet of
 * the peer, else an order of the owner), then its operands.  Checked all along: the
 * windows add up, nothing leaves on a channel after its CLOSE, queues keep their
 * bounds.  Links only proto's connection layer, see tests/fake_transport.h.
 */
#include <stdio.h>

#include "proto/connection_state.h"
#include "proto/request.h"
#include "tests/fake_transport.h"

enum { WINDOW_SUM = 4 << 20, QUESTIONS_SEEN = 64 };

struct run {
	struct transport *t;
	struct connection *c;
	uint64_t now, serial, call;
	uint64_t questions[QUESTIONS_SEEN];
	size_t n_questions;
};

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MUST(what) do { if (!(what)) { \
	fprintf(stderr, "violated: %s\n", #what); abort(); } } while (0)

static void
check(struct run *r)
{
	uint64_t sum = 0;
	size_t n = 0, asked = 0;

	for (struct channel *ch = connection_each(r->c, NULL); ch != NULL;
	    ch = connection_each(r->c, ch)) {
		n++;
		asked += ch->state == CH_ASKED && !ch->close_out;
		sum += ch->window_max;
		MUST((uint64_t)ch->window + ch->owed <= ch->window_max);
		MUST(connection_find(r->c, ch->serial) == ch);
	}
	MUST(n == connection_count(r->c));
	MUST(asked == r->c->asked);
	MUST(sum <= WINDOW_SUM);
	MUST(r->c->questions.n + asked <= QUESTIONS_MAX);
	MUST(r->c->calls.n <= CALLS_MAX);
	MUST(r->c->questions.held <= REPLY_HELD_MAX);
}

/* What was sent since the last look is well-formed as far as it matters. */
static void
look(struct run *r)
{
	while (fake_waiting(r->t) > 0) {
		struct rd m = rd_of(fake_next(r->t));
		uint8_t number = rd_u8(&m);

		MUST(number >= SSH_MSG_GLOBAL_REQUEST && number <= SSH_MSG_CHANNEL_FAILURE);
		if (number == SSH_MSG_CHANNEL_WINDOW_ADJUST) {
			(void)rd_u32(&m);
			MUST(rd_u32(&m) > 0);
			MUST(rd_done(&m));
		}
	}
}

static void
on_event(struct run *r, const struct connection_event *ev)
{
	if (ev->question != 0) {
		MUST(connection_has_question(r->c, ev->question));
		r->questions[r->n_questions++ % QUESTIONS_SEEN] = ev->question;
	}
	if (ev->type == CE_DATA)
		MUST(ev->data.n > 0 && ev->data.n <= SSH_DATA_MAX);
	if (ev->type == CE_NOT_OPENED) {
		MUST(connection_is_over(ev->channel));
		connection_release(r->c, ev->channel);
	}
}

static struct channel *
pick(struct run *r, uint8_t which)
{
	struct channel *ch = NULL;

	for (unsigned i = 0; i <= which % 8u; i++)
		ch = connection_each(r->c, ch);
	return ch;
}

static enum proto_error
order_on(struct run *r, uint8_t what, struct channel *ch, uint8_t arg)
{
	struct request req = { .kind = (enum request_kind)(1 + arg % RQ_OTHER),
		.name = span_str("name"), .value = span_str("value") };
	uint32_t waiting = ch->window_max - ch->window - ch->owed;
	bool dead = ch->close_out;
	size_t before;
	enum proto_error e = PROTO_OK;

	look(r);
	before = r->t->n_sent;
	switch (what) {
	case 0:
		if (ch->state == CH_ASKED && !dead)
			e = connection_grant(r->c, ch);
		break;
	case 1:
		if (ch->state == CH_ASKED && !dead)
			return connection_refuse(r->c, ch, arg, span_str("no"));
		break;
	case 2:
		e = connection_taken(r->c, ch, arg < 128 ? waiting : waiting * arg / 256);
		break;
	case 3:
		connection_sent(r->c, ch, connection_may_send(r->c, ch));
		break;
	case 4:
		if (ch->state == CH_OPEN)
			e = connection_eof(r->c, ch);
		break;
	case 5:
		e = connection_close(r->c, ch);
		break;
	case 6:
		if (ch->state == CH_OPEN && connection_can_call(r->c))
			e = connection_request(r->c, ch, arg < 128 ? 0 : ++r->call, &req);
		break;
	default:
		if (connection_is_over(ch)) {
			connection_release(r->c, ch);
			return PROTO_OK;
		}
		break;
	}
	if (dead)
		MUST(r->t->n_sent == before);
	return e;
}

static enum proto_error
order(struct run *r, uint8_t what, uint8_t which, uint8_t arg)
{
	static const uint8_t payload[256];
	struct channel *ch = pick(r, which);

	switch (what) {
	case 8:
		if (!connection_can_open(r->c))
			return PROTO_OK;
		r->serial += 2;
		return connection_open(r->c, r->serial, span_str("session"), span_of(payload, arg),
		    (struct channel_limits){ (uint32_t)which << 14, (uint32_t)arg << 8 });
	case 9:
		if (!connection_can_call(r->c))
			return PROTO_OK;
		return connection_global(r->c, arg < 128 ? 0 : ++r->call, span_str("x"),
		    span_of(payload, arg));
	case 10:
		return connection_answer(r->c, r->questions[which % QUESTIONS_SEEN], arg & 1,
		    span_of(payload, arg));
	case 11:
		r->now += (uint64_t)arg * 100;
		r->t->blocked = which & 1;
		return connection_tick(r->c, r->now);
	default:
		return ch == NULL ? PROTO_OK : order_on(r, what, ch, arg);
	}
}

static enum proto_error
packet(struct run *r, struct rd *in, uint8_t what)
{
	struct span given = rd_take(in, what < in->n ? what : in->n);
	struct connection_event ev;
	uint8_t *p;
	enum proto_error e;

	/* the owner does not read on when the layer is full */
	if (connection_is_full(r->c) || given.n == 0)
		return PROTO_OK;
	p = malloc(given.n);
	MUST(p != NULL);
	memcpy(p, given.p, given.n);
	/* most packets should be of this layer */
	if (p[0] < 80)
		p[0] = (uint8_t)(80 + p[0] % 21);
	r->t->packets_in++;
	e = connection_packet(r->c, span_of(p, given.n), r->now, &ev);
	if (e == PROTO_OK)
		on_event(r, &ev);
	free(p);
	return e;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct connection_config config = { .channel_max = 8,
		.window = 1 << 20, .window_sum = WINDOW_SUM, .alive_interval_ms = 1000,
		.alive_max = 3, .first_serial = 1000001 };
	struct rd in = rd_of(span_of(data, n));
	struct run r = { .t = fake_new(), .now = 1 };
	enum proto_error e = PROTO_OK;

	r.c = connection_new(r.t, &config, r.now);
	MUST(r.c != NULL);
	while (in.n > 0 && (e == PROTO_OK)) {
		uint8_t what = rd_u8(&in);

		if (what >= 16)
			e = packet(&r, &in, what);
		else {
			uint8_t which = rd_u8(&in), arg = rd_u8(&in);

			e = order(&r, what, which, arg);
			/* an owner that keeps the rules never breaks the contract */
			MUST(e != PROTO_E_LOCAL_BUG);
		}
		look(&r);
		check(&r);
	}
	connection_free(r.c);
	fake_free(r.t);
	return 0;
}
