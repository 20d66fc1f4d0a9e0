/*
 * monitor_revoked.c - keys and certificates that may not log in any more: the
 * administrator's file, kept as it was read.
 *
 * A file that cannot be read to its end is not taken at all: of a list of revocations
 * half is worse than an error.  The application says what becomes of a server then.
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
		free(m->revoked);
		m->revoked = fresh;
	}
	tell_REVOKED_LOADED(m, &(struct ipc_REVOKED_LOADED){ .call = q->call, .ok = r == 0,
	    .why = span_str(why) });
	return 0;
}

bool
monitor_revoked_has(const struct monitor *m, struct span plain, const struct cert *cert)
{
	const struct revoked *all = m->revoked;

	return all != NULL && krl_revokes(all->bytes, all->n, plain.p, plain.n, cert);
}
