/*
 * posternd_conn.c - the table of connections.  A slot has a generation: an answer
 * that comes for a connection that is gone finds nothing.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/posternd.h"

static struct conn **free_slot(struct daemon *d)
{
	struct conn **more;
	size_t old = d->n_slots, n = old > 0 ? 2 * old : 64;

	for (size_t i = 0; d->n_conns < old && i < old; i++)
		if (d->conns[i] == NULL)
			return &d->conns[i];
	if (n > UINT32_MAX / 2 || (more = reallocarray(d->conns, n, sizeof(*more))) == NULL)
		return NULL;
	memset(more + old, 0, (n - old) * sizeof(*more));
	d->conns = more;
	d->n_slots = n;
	return &d->conns[old];
}

struct conn *posternd_conn_new(struct daemon *d, int in, int out)
{
	struct conn **slot = free_slot(d), *c = slot != NULL ? calloc(1, sizeof(*c)) : NULL;

	if (c == NULL) {
		close(in);
		if (out != in)
			close(out);
		return NULL;
	}
	c->session = -1;
	if ((in == out ? postern_transport_new(&c->transport, d->context, in) :
	    postern_transport_new_pair(&c->transport, d->context, in, out)) < 0) {
		free(c);
		return NULL;
	}
	c->daemon = d;
	c->conf = &d->conf;
	c->slot = (uint32_t)(slot - d->conns);
	c->generation = ++d->generation;
	postern_transport_set_user(c->transport, c);
	*slot = c;
	d->n_conns++;
	d->served++;
	return c;
}

void posternd_conn_free(struct conn *c)
{
	struct daemon *d = c->daemon;
	struct grant *g;

	posternd_talk_leave(c);
	posternd_session_stop(c);
	while ((g = c->grants) != NULL) {
		c->grants = g->next;
		free(g->text);
		free(g);
	}
	free(c->asked_text);
	free(c->auth_info);
	postern_transport_free(c->transport);
	conf_free(&c->view);
	d->conns[c->slot] = NULL;
	d->n_conns--;
	sodium_memzero(c, sizeof(*c));
	free(c);
}

struct conn *posternd_conn_find(struct daemon *d, uint32_t slot, uint32_t generation)
{
	struct conn *c = slot < d->n_slots ? d->conns[slot] : NULL;

	return c != NULL && c->generation == generation ? c : NULL;
}

void posternd_conn_end(struct conn *c, const char *why)
{
	posternd_log(POSTERN_ERROR, c, "Connection of user %s from %s port %u ended: %s",
	    posternd_log_name(c->user), c->address, c->port, why);
	posternd_conn_free(c);
}
