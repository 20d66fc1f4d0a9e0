/*
 * api_security.c - the algorithm lists of one transport (paramiko's SecurityOptions).
 *
 * A list is chosen before the start or not at all: what a peer has seen cannot be
 * taken back.  Every name was checked when the list was set, so what goes out here
 * is never more than the build supports.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "privsep/api.h"

static bool
is_list(int list)
{
	return list >= POSTERN_KEX && list <= POSTERN_COMPRESSION;
}

/* Where a list stands in NEW. */
static struct span *
place_of(struct ipc_NEW *m, int list)
{
	switch ((enum postern_list)list) {
	case POSTERN_KEX:
		return &m->kex;
	case POSTERN_HOST_KEYS:
		return &m->hostkey_algs;
	case POSTERN_SIGNATURES:
		return &m->sig_algs;
	case POSTERN_CIPHERS:
		return &m->ciphers;
	case POSTERN_MACS:
		return &m->macs;
	case POSTERN_COMPRESSION:
		return &m->compression;
	}
	return NULL;
}

static int
refuse_unknown(postern_transport *t, const char *unknown)
{
	char text[300], quoted[200];
	int n = snprintf(text, sizeof(text), "\"%s\" is not supported here, or nothing is left",
	    api_log_quote(quoted, sizeof(quoted), span_str(unknown)));

	return api_error_set(t, -EINVAL, "start", POSTERN_LOCAL, false,
	    span_of(text, n > 0 ? (size_t)n : 0));
}

int
postern_transport_set_security_option(postern_transport *t, int list, const char *edit)
{
	char names[API_LIST_MAX + 1], *copy;
	int r = api_context_enter(t->ctx);

	if (r < 0)
		return r;
	if (t->is_announced || t->is_over)
		return POSTERN_ESTATE;
	if (!is_list(list))
		return api_error_set(t, -EINVAL, "start", POSTERN_LOCAL, false,
		    span_str("there is no such list"));
	r = postern_edit_list(list, edit, names, sizeof(names));
	if (r == -EINVAL)
		return refuse_unknown(t, names);
	if (r < 0)
		return r;
	copy = api_context_copy(span_str(names));
	if (copy == NULL)
		return -ENOMEM;
	free(t->security.names[list]);
	t->security.names[list] = copy;
	t->security.chosen |= 1u << list;
	return 0;
}

int
postern_transport_use_compression(postern_transport *t, int on)
{
	/* "zlib" would inflate what a stranger sends before the login */
	return postern_transport_set_security_option(t, POSTERN_COMPRESSION,
	    on ? "zlib@openssh.com,none" : "none");
}

int
postern_transport_get_security_option(const postern_transport *t, int list, char *out,
    size_t size)
{
	const char *names = NULL;
	size_t n;
	int r = api_context_enter(t->ctx);

	if (r < 0)
		return r;
	if (!is_list(list) || size == 0)
		return -EINVAL;
	if (t->security.names[list] != NULL)
		names = t->security.names[list];
	else if (t->server != NULL)
		names = api_options_list(&t->server->options, list);
	else
		names = api_list_default(list);
	n = strlen(names);
	if (n >= size) {
		out[0] = '\0';
		return -ERANGE;
	}
	memcpy(out, names, n + 1);
	return 0;
}

int
api_security_apply(postern_transport *t, struct ipc_NEW *m)
{
	struct api_security *s = &t->security;

	for (int list = POSTERN_KEX; list <= POSTERN_COMPRESSION; list++) {
		struct span *place = place_of(m, list);

		if ((s->chosen & 1u << list) == 0) {
			/* a server's are kept with it, once for all that connect */
			if (m->role == IPC_SERVER)
				continue;
			/* of a start that failed: this one has its own options */
			free(s->names[list]);
			s->names[list] = api_context_copy(*place);
			if (s->names[list] == NULL)
				return -ENOMEM;
		}
		*place = span_str(s->names[list]);
	}
	return 0;
}

void
api_security_free(struct api_security *s)
{
	for (int list = POSTERN_KEX; list <= POSTERN_COMPRESSION; list++) {
		free(s->names[list]);
		s->names[list] = NULL;
	}
}
