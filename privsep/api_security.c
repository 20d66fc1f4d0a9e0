/*
 * api_security.c - the algorithm lists of one transport (paramiko's SecurityOptions).
 *
 * A list is chosen before the start or not at all: what a peer has seen cannot be
 * taken back.  Every name was checked when the list was set, so what goes out here
 * is never more than the build supports.  What an edit with + - ^ begins with is known
 * at the start only: the preset and lists of the start's options.
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
	case POSTERN_CA_SIGNATURES:
		return &m->ca_algs;
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
	char names[API_LIST_MAX + 1], *copy = NULL;
	int r = api_context_enter(t->ctx);

	if (r < 0)
		return r;
	if (t->is_announced || t->is_over)
		return POSTERN_ESTATE;
	if (!is_list(list))
		return api_error_set(t, -EINVAL, "start", POSTERN_LOCAL, false,
		    span_str("there is no such list"));
	r = api_list_edit(list, postern_supported(list), edit, names, sizeof(names));
	if (r == -EINVAL)
		return refuse_unknown(t, names);
	if (r < 0)
		return r;
	if (edit != NULL && (copy = api_context_copy(span_str(edit))) == NULL)
		return -ENOMEM;
	free(t->security.edits[list]);
	t->security.edits[list] = copy;
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
	names = t->security.names[list];
	if (names == NULL && t->server != NULL)
		names = api_options_list(&t->server->options, list);
	if (names == NULL)
		return postern_edit_list(list, t->security.edits[list], out, size);
	n = strlen(names);
	if (n >= size) {
		out[0] = '\0';
		return -ERANGE;
	}
	memcpy(out, names, n + 1);
	return 0;
}

/* The list in force goes with the transport: an earlier start, which failed, may have left
 * another there. */
static int
apply(postern_transport *t, int list, struct span *place)
{
	struct api_security *s = &t->security;
	char names[API_LIST_MAX + 1], *base = api_context_copy(*place);
	int r;

	if (base == NULL)
		return -ENOMEM;
	if (s->edits[list] != NULL) {
		r = api_list_edit(list, base, s->edits[list], names, sizeof(names));
		free(base);
		if (r < 0)
			return r == -EINVAL ? refuse_unknown(t, names) : r;
		if ((base = api_context_copy(span_str(names))) == NULL)
			return -ENOMEM;
	}
	free(s->names[list]);
	s->names[list] = base;
	*place = span_str(base);
	return 0;
}

int
api_security_apply(postern_transport *t, struct ipc_NEW *m)
{
	int r = 0;

	for (int list = POSTERN_KEX; r == 0 && list <= POSTERN_COMPRESSION; list++) {
		/* a server's are kept with it, once for all that connect */
		if (t->security.edits[list] != NULL || m->role != IPC_SERVER)
			r = apply(t, list, place_of(m, list));
	}
	return r;
}

void
api_security_free(struct api_security *s)
{
	for (int list = POSTERN_KEX; list <= POSTERN_COMPRESSION; list++) {
		free(s->edits[list]);
		free(s->names[list]);
		s->edits[list] = s->names[list] = NULL;
	}
}
