/*
 * fake_transport.h - a transport that only writes down what it is told to send.
 *
 * Included once by a test or fuzz program of the layers above transport.h; it
 * defines the functions of transport.h that those layers call, so the program is
 * linked without proto/transport.c.
 */
#ifndef TESTS_FAKE_TRANSPORT_H
#define TESTS_FAKE_TRANSPORT_H

#include <stdlib.h>

#include "proto/transport.h"

enum { FAKE_PAYLOAD_MAX = 64 * 1024, FAKE_KEPT = 256 };

struct transport {
	enum ssh_phase phase;
	bool blocked;				/* a key exchange is under way      */
	bool no_room;
	uint64_t packets_in;
	uint8_t buf[FAKE_PAYLOAD_MAX];		/* the message being written        */
	size_t asked;				/* ...and how much was asked for    */
	struct { uint8_t *p; size_t n; } sent[FAKE_KEPT];
	size_t n_sent, n_read;			/* all ever sent, read by the test  */
};

struct wr
transport_begin(struct transport *t, size_t max)
{
	t->asked = max;
	/* exactly what was asked for: a message that needs more is a bug to be seen */
	return wr_of(t->buf, max < FAKE_PAYLOAD_MAX ? max : FAKE_PAYLOAD_MAX);
}

enum proto_error
transport_end(struct transport *t, const struct wr *w)
{
	size_t i = t->n_sent % FAKE_KEPT;

	if (w->bad || w->n == 0)
		return PROTO_E_LOCAL_BUG;
	free(t->sent[i].p);
	t->sent[i].p = malloc(w->n);
	if (t->sent[i].p == NULL)
		abort();
	memcpy(t->sent[i].p, t->buf, w->n);
	t->sent[i].n = w->n;
	t->n_sent++;
	return PROTO_OK;
}

bool
transport_can_send(const struct transport *t)
{
	return !t->blocked;
}

bool
transport_has_room(const struct transport *t, size_t max)
{
	return !t->no_room && max <= FAKE_PAYLOAD_MAX;
}

void
transport_set_phase(struct transport *t, enum ssh_phase phase)
{
	t->phase = phase;
}

enum ssh_phase
transport_phase(const struct transport *t)
{
	return t->phase;
}

void
transport_agreed(const struct transport *t, struct transport_agreed *a)
{
	*a = (struct transport_agreed){ .packets_in = t->packets_in };
}

static inline struct transport *
fake_new(void)
{
	struct transport *t = calloc(1, sizeof(*t));

	if (t == NULL)
		abort();
	t->phase = PH_SERVICE;
	return t;
}

static inline void
fake_free(struct transport *t)
{
	for (size_t i = 0; i < FAKE_KEPT; i++)
		free(t->sent[i].p);
	free(t);
}

/* The next message not yet read; n 0: none. */
static inline struct span
fake_next(struct transport *t)
{
	size_t i = t->n_read % FAKE_KEPT;

	if (t->n_read == t->n_sent)
		return span_of("", 0);
	if (t->n_sent - t->n_read > FAKE_KEPT)
		abort();
	t->n_read++;
	return span_of(t->sent[i].p, t->sent[i].n);
}

/* Forgets what was sent and not read. */
static inline void
fake_skip(struct transport *t)
{
	t->n_read = t->n_sent;
}

/* How many messages wait to be read. */
static inline size_t
fake_waiting(const struct transport *t)
{
	return t->n_sent - t->n_read;
}

#endif
