/*
 * request.c - channel requests: bytes to fields and back, in one table of names.
 *
 * Trusts nothing of what it reads: every string is bounded, none has a NUL where a
 * text belongs, and nothing may be left over.  It never acts on a request and never
 * looks into a command, a variable or a mode: that is for those who are asked.
 */
#include "proto/request.h"

static const struct {
	const char *type;
	enum request_kind kind;
	bool is_told;
} kinds[] = {
	{ "pty-req",       RQ_PTY,         false },
	{ "env",           RQ_ENV,         false },
	{ "shell",         RQ_SHELL,       false },
	{ "exec",          RQ_EXEC,        false },
	{ "subsystem",     RQ_SUBSYSTEM,   false },
	{ "window-change", RQ_WINDOW,      true  },
	{ "signal",        RQ_SIGNAL,      true  },
	{ "break",         RQ_BREAK,       false },
	{ "exit-status",   RQ_EXIT_STATUS, true  },
	{ "exit-signal",   RQ_EXIT_SIGNAL, true  },
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* RFC 4254 8 */
enum { TTY_OP_END = 0, TTY_OP_STOPS = 160 };

static enum request_kind
kind_of(struct span type)
{
	for (size_t i = 0; i < KINDS; i++)
		if (span_is(type, kinds[i].type))
			return kinds[i].kind;
	return RQ_OTHER;
}

bool
request_is_told(enum request_kind kind)
{
	for (size_t i = 0; i < KINDS; i++)
		if (kinds[i].kind == kind)
			return kinds[i].is_told;
	return false;
}

bool
request_modes_ok(struct span modes)
{
	struct rd r = rd_of(modes);

	while (r.n > 0) {
		uint8_t op = rd_u8(&r);

		if (op >= TTY_OP_STOPS)
			return true;
		if (op == TTY_OP_END)
			return rd_done(&r);
		(void)rd_u32(&r);	/* the value is the terminal's affair */
		if (r.bad)
			return false;
	}
	return true;
}

/* A text that is well-formed at any length a packet can have, and ours up to max. */
static struct span
text_up_to(struct rd *r, size_t max, bool *fits)
{
	struct span s = rd_text(r, SSH_PACKET_LENGTH_MAX);

	if (s.n > max)
		*fits = false;
	return s;
}

static enum proto_error
parse_pty(struct rd *r, struct request *req, bool *fits)
{
	req->name = text_up_to(r, REQUEST_TERM_MAX, fits);
	req->columns = rd_u32(r);
	req->rows = rd_u32(r);
	req->width = rd_u32(r);
	req->height = rd_u32(r);
	req->value = rd_blob(r, SSH_PACKET_LENGTH_MAX);
	if (r->bad || !request_modes_ok(req->value))
		return PROTO_E_MESSAGE_FORMAT;
	if (req->value.n > REQUEST_MODES_MAX)
		*fits = false;
	return PROTO_OK;
}

static void
parse_exit_signal(struct rd *r, struct request *req, bool *fits)
{
	req->name = text_up_to(r, REQUEST_SIGNAL_MAX, fits);
	req->core_dumped = rd_bool(r);
	req->value = rd_text(r, SSH_PACKET_LENGTH_MAX);
	(void)rd_text(r, NAME_MAX_LEN);		/* the text's language: not shown */
	/* how a program died must not be lost because its epitaph is long */
	if (req->value.n > REQUEST_TEXT_MAX)
		req->value.n = REQUEST_TEXT_MAX;
}

enum proto_error
request_parse(struct rd *r, struct span type, struct request *ret, bool *ret_fits)
{
	struct request req = { .kind = kind_of(type) };
	bool fits = true;

	switch (req.kind) {
	case RQ_PTY:
		if (parse_pty(r, &req, &fits) != PROTO_OK)
			return PROTO_E_MESSAGE_FORMAT;
		break;
	case RQ_ENV:
		req.name = text_up_to(r, REQUEST_ENV_NAME_MAX, &fits);
		req.value = text_up_to(r, REQUEST_ENV_VALUE_MAX, &fits);
		break;
	case RQ_SHELL:
		break;
	case RQ_EXEC:
		req.name = text_up_to(r, REQUEST_COMMAND_MAX, &fits);
		break;
	case RQ_SUBSYSTEM:
		req.name = text_up_to(r, REQUEST_SUBSYSTEM_MAX, &fits);
		break;
	case RQ_WINDOW:
		req.columns = rd_u32(r);
		req.rows = rd_u32(r);
		req.width = rd_u32(r);
		req.height = rd_u32(r);
		break;
	case RQ_SIGNAL:
		req.name = text_up_to(r, REQUEST_SIGNAL_MAX, &fits);
		break;
	case RQ_BREAK:
	case RQ_EXIT_STATUS:
		req.number = rd_u32(r);
		break;
	case RQ_EXIT_SIGNAL:
		parse_exit_signal(r, &req, &fits);
		break;
	case RQ_OTHER:
		req.name = type;
		req.value = rd_rest(r);
		fits = req.value.n <= REQUEST_OTHER_MAX;
		break;
	}
	if (!rd_done(r))
		return PROTO_E_MESSAGE_FORMAT;
	*ret = req;
	*ret_fits = fits;
	return PROTO_OK;
}

size_t
request_room(const struct request *req)
{
	return req->name.n + req->value.n + REQUEST_OVERHEAD;
}

static void
write_size(struct wr *w, const struct request *req)
{
	wr_u32(w, req->columns);
	wr_u32(w, req->rows);
	wr_u32(w, req->width);
	wr_u32(w, req->height);
}

static void
write_type(struct wr *w, bool want_reply, const struct request *req)
{
	const char *type = NULL;

	for (size_t i = 0; i < KINDS; i++)
		if (kinds[i].kind == req->kind)
			type = kinds[i].type;
	if (type != NULL)
		wr_str(w, type);
	else
		wr_blob(w, req->name, NAME_MAX_LEN);
	wr_u8(w, want_reply ? 1 : 0);
}

void
request_write(struct wr *w, bool want_reply, const struct request *req)
{
	write_type(w, want_reply, req);
	switch (req->kind) {
	case RQ_PTY:
		wr_blob(w, req->name, REQUEST_TERM_MAX);
		write_size(w, req);
		wr_blob(w, req->value, REQUEST_MODES_MAX);
		return;
	case RQ_ENV:
		wr_blob(w, req->name, REQUEST_ENV_NAME_MAX);
		wr_blob(w, req->value, REQUEST_ENV_VALUE_MAX);
		return;
	case RQ_SHELL:
		return;
	case RQ_EXEC:
		wr_blob(w, req->name, REQUEST_COMMAND_MAX);
		return;
	case RQ_SUBSYSTEM:
		wr_blob(w, req->name, REQUEST_SUBSYSTEM_MAX);
		return;
	case RQ_WINDOW:
		write_size(w, req);
		return;
	case RQ_SIGNAL:
		wr_blob(w, req->name, REQUEST_SIGNAL_MAX);
		return;
	case RQ_BREAK:
	case RQ_EXIT_STATUS:
		wr_u32(w, req->number);
		return;
	case RQ_EXIT_SIGNAL:
		wr_blob(w, req->name, REQUEST_SIGNAL_MAX);
		wr_u8(w, req->core_dumped ? 1 : 0);
		wr_blob(w, req->value, REQUEST_TEXT_MAX);
		wr_str(w, "");
		return;
	case RQ_OTHER:
		if (req->value.n > REQUEST_OTHER_MAX)
			w->bad = true;
		wr_raw(w, req->value);
		return;
	}
	w->bad = true;		/* not a kind */
}
