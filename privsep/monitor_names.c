/*
 * monitor_names.c - comma-separated lists of names, and the counted lists of
 * strings that keyboard-interactive carries.  Pure.
 */
#include "privsep/monitor.h"

bool
monitor_names_next(struct span *list, struct span *name)
{
	const uint8_t *comma;

	if (list->n == 0)
		return false;
	comma = memchr(list->p, ',', list->n);
	name->p = list->p;
	name->n = comma == NULL ? list->n : (size_t)(comma - list->p);
	if (comma == NULL)
		list->n = 0;
	else
		*list = span_of(comma + 1, list->n - name->n - 1);
	return true;
}

/* An empty name, or one with a comma inside, is in no list. */
bool
monitor_names_has(struct span list, struct span name)
{
	struct span one;

	if (name.n == 0)
		return false;
	while (monitor_names_next(&list, &one))
		if (span_eq(one, name))
			return true;
	return false;
}

bool
monitor_names_add(char *list, size_t cap, struct span name)
{
	size_t n = strlen(list), comma = n > 0;

	if (name.n >= cap || n + comma >= cap - name.n)
		return false;
	if (comma)
		list[n++] = ',';
	if (name.n > 0)
		memcpy(list + n, name.p, name.n);
	list[n + name.n] = 0;
	return true;
}

bool
monitor_names_counted(struct span blob, bool with_bool, uint32_t *count)
{
	struct rd r = rd_of(blob);
	uint32_t n = rd_u32(&r);

	/* each takes at least its length field: no count makes this loop longer
	 * than the blob */
	if (r.bad || n > r.n / 4)
		return false;
	*count = n;
	while (n-- > 0) {
		(void)rd_blob(&r, blob.n);
		if (with_bool)
			(void)rd_bool(&r);
	}
	return rd_done(&r);
}

void
monitor_names_copy(char *out, size_t cap, struct span s)
{
	size_t n = s.n < cap ? s.n : cap - 1;

	if (n > 0)
		memcpy(out, s.p, n);
	out[n] = 0;
}
