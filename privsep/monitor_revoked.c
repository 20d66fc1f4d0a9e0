/*
 * monitor_revoked.c - keys and certificates that may not log in any more, and those that a
 * client takes for no host's: files of the administrator or the user, a KRL kept as it was
 * read, a list of keys as their digests.
 *
 * A file that cannot be read to its end is not taken at all: of a list of revocations
 * half is worse than an error.  The application says what becomes of a server then; a
 * client's connection is over.
 */
#include "privsep/monitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct revoked {
	struct revoked *next;
	struct span krl;		/* its bytes, which krl_check has passed     */
	struct krl_list *list;		/* NULL: it is a KRL                         */
};

/* Takes the text.  False: why says why not. */
static bool
take_text(struct revoked *r, struct span text, char why[MONITOR_WHY_MAX + 1])
{
	const char *bad;
	uint32_t line = 0;

	if (krl_is(text.p, text.n)) {
		r->krl = text;
		if (krl_check(text.p, text.n, &bad) == 0)
			return true;
	} else {
		r->list = krl_list_read(text.p, text.n, &bad, &line);
		free((void *)(uintptr_t)text.p);
		if (r->list != NULL)
			return true;
	}
	if (line > 0)
		(void)snprintf(why, MONITOR_WHY_MAX + 1, "line %u: %s", line, bad);
	else
		monitor_names_copy(why, MONITOR_WHY_MAX + 1, span_str(bad));
	return false;
}

/* NULL, and why.  The longest list, KRL_FILE_MAX, takes the monitor 0.2 s here, once for
 * each time it is loaded, and nothing when it is asked. */
static struct revoked *
read_file(int fd, char why[MONITOR_WHY_MAX + 1])
{
	struct revoked *fresh = calloc(1, sizeof(*fresh));
	struct span text;
	int r = fresh == NULL ? -ENOMEM : monitor_file_read(fd, KRL_FILE_MAX, &text);

	if (r != 0)
		monitor_names_copy(why, MONITOR_WHY_MAX + 1, span_str(r == -EFBIG ? "too large" :
		    r == -EINVAL ? "not a file" : r == -ENOMEM ? "out of memory" :
		    "it cannot be read"));
	if (r == 0 && take_text(fresh, text, why))
		return fresh;
	monitor_revoked_free(&fresh);
	return NULL;
}

int
monitor_revoked_on_load(struct monitor *m, const struct ipc_REVOKED *q)
{
	char why[MONITOR_WHY_MAX + 1] = "";
	struct revoked *fresh = read_file(q->file, why);

	(void)close(q->file);		/* only read */
	if (fresh != NULL) {
		monitor_revoked_free(&m->revoked);
		m->revoked = fresh;
	}
	tell_REVOKED_LOADED(m, &(struct ipc_REVOKED_LOADED){ .call = q->call, .ok = fresh != NULL,
	    .why = span_str(why) });
	return 0;
}

int
monitor_revoked_on_trust(struct monitor *m, const struct ipc_TRUST_REVOKED *q)
{
	struct conn *c = monitor_conn_find(m, q->conn);
	char why[MONITOR_WHY_MAX + 1] = "";
	struct revoked *fresh;

	if (c == NULL || c->attached || c->n_trust >= MONITOR_TRUST_MAX ||
	    c->plan.role != IPC_CLIENT) {
		(void)close(q->file);	/* only read */
		return c == NULL ? 0 : IPC_BROKEN;
	}
	fresh = read_file(q->file, why);
	(void)close(q->file);		/* only read */
	if (fresh == NULL) {
		monitor_end(c, IPC_BAD_HOST_KEY, IPC_LOCAL, "the file of revoked host keys: %s", why);
		return 0;
	}
	fresh->next = c->revoked;
	c->revoked = fresh;
	c->n_trust++;
	return 0;
}

static bool
revokes(const struct revoked *r, struct span plain, const struct cert *cert)
{
	return r->list != NULL ? krl_list_revokes(r->list, plain.p, plain.n, cert) :
	    krl_revokes(r->krl.p, r->krl.n, plain.p, plain.n, cert);
}

bool
monitor_revoked_has(const struct revoked *all, struct span plain, const struct cert *cert)
{
	while (all != NULL && !revokes(all, plain, cert))
		all = all->next;
	return all != NULL;
}

void
monitor_revoked_free(struct revoked **all)
{
	while (*all != NULL) {
		struct revoked *first = *all;

		*all = first->next;
		free((void *)(uintptr_t)first->krl.p);
		krl_list_free(first->list);
		free(first);
	}
}
