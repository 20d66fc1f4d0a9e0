/*
 * monitor_revoked.c - keys and certificates that may not log in any more, and those that a
 * client takes for no host's: files of the administrator or the user, kept as they were read.
 *
 * A file that cannot be read to its end is not taken at all: of a list of revocations
 * half is worse than an error.  The application says what becomes of a server then; a
 * client's connection is over.
 */
#include "privsep/monitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int
read_file(int fd, struct revoked **out, char why[MONITOR_WHY_MAX + 1])
{
	struct revoked *all;
	struct span text;
	const char *bad;
	uint32_t line;
	int r = monitor_file_read(fd, KRL_FILE_MAX, &text);

	if (r != 0) {
		monitor_names_copy(why, MONITOR_WHY_MAX + 1, span_str(r == -EFBIG ? "too large" :
		    r == -EINVAL ? "not a file" : "it cannot be read"));
		return -1;
	}
	r = krl_check(text.p, text.n, &bad, &line);
	if (r != 0 && line > 0)
		(void)snprintf(why, MONITOR_WHY_MAX + 1, "line %u: %s", line, bad);
	else if (r != 0)
		monitor_names_copy(why, MONITOR_WHY_MAX + 1, span_str(bad));
	all = r == 0 ? malloc(sizeof(*all) + text.n) : NULL;
	if (all != NULL) {
		all->next = NULL;
		all->n = text.n;
		memcpy(all->bytes, text.p, text.n);
		*out = all;
	} else if (r == 0) {
		monitor_names_copy(why, MONITOR_WHY_MAX + 1, span_str("out of memory"));
	}
	free((void *)(uintptr_t)text.p);
	return all != NULL ? 0 : -1;
}

int
monitor_revoked_on_load(struct monitor *m, const struct ipc_REVOKED *q)
{
	char why[MONITOR_WHY_MAX + 1] = "";
	struct revoked *fresh;
	int r = read_file(q->file, &fresh, why);

	(void)close(q->file);		/* only read */
	if (r == 0) {
		monitor_revoked_free(&m->revoked);
		m->revoked = fresh;
	}
	tell_REVOKED_LOADED(m, &(struct ipc_REVOKED_LOADED){ .call = q->call, .ok = r == 0,
	    .why = span_str(why) });
	return 0;
}

int
monitor_revoked_on_trust(struct monitor *m, const struct ipc_TRUST_REVOKED *q)
{
	struct conn *c = monitor_conn_find(m, q->conn);
	char why[MONITOR_WHY_MAX + 1] = "";
	struct revoked *fresh;
	int r;

	if (c == NULL || c->attached || c->n_trust >= MONITOR_TRUST_MAX ||
	    c->plan.role != IPC_CLIENT) {
		(void)close(q->file);	/* only read */
		return c == NULL ? 0 : IPC_BROKEN;
	}
	r = read_file(q->file, &fresh, why);
	(void)close(q->file);		/* only read */
	if (r != 0) {
		monitor_end(c, IPC_BAD_HOST_KEY, IPC_LOCAL, "the file of revoked host keys: %s", why);
		return 0;
	}
	fresh->next = c->revoked;
	c->revoked = fresh;
	c->n_trust++;
	return 0;
}

bool
monitor_revoked_has(const struct revoked *all, struct span plain, const struct cert *cert)
{
	while (all != NULL && !krl_revokes(all->bytes, all->n, plain.p, plain.n, cert))
		all = all->next;
	return all != NULL;
}

void
monitor_revoked_free(struct revoked **all)
{
	while (*all != NULL) {
		struct revoked *first = *all;

		*all = first->next;
		free(first);
	}
}
