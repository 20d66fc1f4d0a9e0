/*
 * api_update.c - what known_hosts should say of a server from now on, told to the
 * application.
 *
 * The monitor has judged and verified; the files are the application's to change.  All
 * that is shown is borrowed from the message.
 */
#include <stdlib.h>

#include "privsep/api.h"

enum { PRINT_MAX = 64, ALGORITHM_MAX = 64 };

struct names { char algorithm[ALGORITHM_MAX + 1], print[PRINT_MAX]; };
struct shown {				/* what a change points into                 */
	struct postern_host_key added[IPC_HOSTKEYS_MAX], gone[IPC_GONE_MAX];
	struct span line[IPC_HOSTKEYS_MAX];
	struct names added_names[IPC_HOSTKEYS_MAX], gone_names[IPC_GONE_MAX];
	size_t n_added, n_gone;
};

/* A key's type is the first string of its blob. */
static bool
show_key(struct postern_host_key *k, struct names *n, struct span key)
{
	struct rd r = rd_of(key);
	struct span type = rd_text(&r, ALGORITHM_MAX);

	if (r.bad || type.n == 0)
		return false;
	memcpy(n->algorithm, type.p, type.n);
	n->algorithm[type.n] = '\0';
	/* the room suffices for every key */
	(void)!postern_fingerprint(key.p, key.n, n->print, sizeof(n->print));
	*k = (struct postern_host_key){ .size = sizeof(*k), .trust = POSTERN_TRUST_UNKNOWN,
		.algorithm = n->algorithm, .key = key.p, .key_len = key.n,
		.fingerprint = n->print, .line = "" };
	return true;
}

static bool
show_added(struct shown *s, struct span added)
{
	struct rd r = rd_of(added);

	while (r.n > 0 && s->n_added < IPC_HOSTKEYS_MAX) {
		size_t i = s->n_added++;
		struct span key = rd_blob(&r, r.n);

		s->line[i] = rd_text(&r, r.n);
		if (!show_key(&s->added[i], &s->added_names[i], key))
			return false;
	}
	return rd_done(&r);
}

static bool
show_gone(struct shown *s, struct span gone)
{
	struct rd r = rd_of(gone);

	while (r.n > 0 && s->n_gone < IPC_GONE_MAX) {
		size_t i = s->n_gone++;
		uint32_t file = rd_u32(&r), line = rd_u32(&r);

		if (!show_key(&s->gone[i], &s->gone_names[i], rd_blob(&r, r.n)))
			return false;
		s->gone[i].clash_file = file;
		s->gone[i].clash_line = line;
	}
	return rd_done(&r);
}

int
api_update_changed(postern_transport *t, const struct ipc_HOSTKEYS_CHANGED *m)
{
	struct postern_known_hosts_change change = { .size = sizeof(change) };
	struct shown *s;

	if (t->client.known_hosts_changed == NULL)
		return IPC_BROKEN;
	s = calloc(1, sizeof(*s));
	if (s == NULL)			/* the next connection tells the same */
		return 0;
	if (!show_added(s, m->added) || !show_gone(s, m->gone)) {
		free(s);
		return IPC_BROKEN;
	}
	change.host = api_text(m->host);
	/* only now: each NUL overwrites the length of the next */
	for (size_t i = 0; i < s->n_added; i++) {
		s->added[i].line = api_text(s->line[i]);
		s->added[i].host = change.host;
	}
	for (size_t i = 0; i < s->n_gone; i++)
		s->gone[i].host = change.host;
	change.added = s->added;
	change.n_added = s->n_added;
	change.gone = s->gone;
	change.n_gone = s->n_gone;
	t->client.known_hosts_changed(t->client.user, t, &change);
	free(s);
	return 0;
}
