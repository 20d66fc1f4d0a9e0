/*
 * api_request.c - requests to the peer about a channel, and how its program ended.
 *
 * An exit status alone proves nothing about the output: 0 is returned only when the
 * channel was closed in order as well, which the peer cannot be made to say by one
 * who cuts the network.
 */
#include <errno.h>

#include "privsep/api.h"

static int
usable(const postern_channel *ch)
{
	int r = api_call_usable(ch->t);

	if (r < 0)
		return r;
	if (ch->state == API_OVER)
		return POSTERN_ECLOSED;
	return ch->state == API_OPEN ? 0 : POSTERN_ESTATE;
}

static int
begin(postern_channel *ch, struct api_call **call)
{
	int r = usable(ch);

	return r < 0 ? r : api_call_begin(ch->t, ch, call);
}

static void
program_answered(struct api_call *call, bool ok, struct span payload)
{
	(void)payload;
	if (call->channel != NULL && ok)
		call->channel->is_started = true;
}

/* Shell, exec, subsystem: the worker has the descriptors before the peer can
 * answer, so no byte of output comes too early. */
static int
make_ready(postern_channel *ch)
{
	int r = usable(ch);

	if (r == 0 && ch->is_started)
		r = POSTERN_ESTATE;
	return r < 0 ? r : api_descriptor_give(ch);
}

static int
begin_program(postern_channel *ch, struct api_call **call)
{
	int r = make_ready(ch);

	if (r == 0)
		r = api_call_begin(ch->t, ch, call);
	if (r == 0)
		(*call)->answered = program_answered;
	return r;
}

static int
begin_pty(postern_channel *ch, struct ipc_PTY_DO *m, struct api_call **call, int *sent)
{
	int r = begin(ch, call);

	if (r < 0)
		return r;
	m->chan = ch->id;
	m->call = (*call)->id;
	*sent = api_send_PTY_DO(&ch->t->worker, m);
	return 0;
}

int
postern_channel_get_pty(postern_channel *ch, const char *term, uint32_t columns, uint32_t rows,
    uint32_t width, uint32_t height, const void *modes, size_t modes_len, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct ipc_PTY_DO m = { .term = span_str(term), .columns = columns, .rows = rows,
		.width = width, .height = height, .modes = span_of(modes, modes_len) };
	struct api_call *call;
	int sent, r = begin_pty(ch, &m, &call, &sent);

	return r < 0 ? r : api_call_end(call, sent, d);
}

int
postern_channel_get_pty_async(postern_channel *ch, const char *term, uint32_t columns,
    uint32_t rows, uint32_t width, uint32_t height, const void *modes, size_t modes_len,
    uint64_t *id)
{
	struct ipc_PTY_DO m = { .term = span_str(term), .columns = columns, .rows = rows,
		.width = width, .height = height, .modes = span_of(modes, modes_len) };
	struct api_call *call;
	int sent, r = begin_pty(ch, &m, &call, &sent);

	return r < 0 ? r : api_call_detach(call, sent, id);
}

int
postern_channel_set_environment_variable(postern_channel *ch, const char *name,
    const char *value)
{
	struct ipc_ENV_DO m = { .chan = ch->id, .name = span_str(name),
		.value = span_str(value) };
	int r = usable(ch);

	return r < 0 ? r : api_call_sent(ch->t, api_send_ENV_DO(&ch->t->worker, &m));
}

static int
begin_shell(postern_channel *ch, struct api_call **call, int *sent)
{
	int r = begin_program(ch, call);

	if (r == 0)
		*sent = api_send_SHELL_DO(&ch->t->worker, &(struct ipc_SHELL_DO){
		    .chan = ch->id, .call = (*call)->id });
	return r;
}

int
postern_channel_invoke_shell(postern_channel *ch, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct api_call *call;
	int sent, r = begin_shell(ch, &call, &sent);

	return r < 0 ? r : api_call_end(call, sent, d);
}

int
postern_channel_invoke_shell_async(postern_channel *ch, uint64_t *id)
{
	struct api_call *call;
	int sent, r = begin_shell(ch, &call, &sent);

	return r < 0 ? r : api_call_detach(call, sent, id);
}

static int
begin_exec(postern_channel *ch, const char *command, struct api_call **call, int *sent)
{
	int r = begin_program(ch, call);

	if (r == 0)
		*sent = api_send_EXEC_DO(&ch->t->worker, &(struct ipc_EXEC_DO){
		    .chan = ch->id, .call = (*call)->id, .command = span_str(command) });
	return r;
}

int
postern_channel_exec_command(postern_channel *ch, const char *command, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct api_call *call;
	int sent, r = begin_exec(ch, command, &call, &sent);

	return r < 0 ? r : api_call_end(call, sent, d);
}

int
postern_channel_exec_command_async(postern_channel *ch, const char *command, uint64_t *id)
{
	struct api_call *call;
	int sent, r = begin_exec(ch, command, &call, &sent);

	return r < 0 ? r : api_call_detach(call, sent, id);
}

static int
send_subsystem(const struct api_call *call, const char *name)
{
	return api_send_SUBSYSTEM_DO(&call->t->worker, &(struct ipc_SUBSYSTEM_DO){
	    .chan = call->channel->id, .call = call->id, .name = span_str(name) });
}

int
api_request_subsystem(struct api_call *call, const char *name)
{
	int r = api_call_admit(call->t);

	if (r == 0)
		r = make_ready(call->channel);
	if (r < 0)
		return r;
	call->kind = API_CALL_WORKER;
	call->answered = program_answered;
	return api_call_sent(call->t, send_subsystem(call, name));
}

static int
begin_subsystem(postern_channel *ch, const char *name, struct api_call **call, int *sent)
{
	int r = begin_program(ch, call);

	if (r == 0)
		*sent = send_subsystem(*call, name);
	return r;
}

int
postern_channel_invoke_subsystem(postern_channel *ch, const char *name, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct api_call *call;
	int sent, r = begin_subsystem(ch, name, &call, &sent);

	return r < 0 ? r : api_call_end(call, sent, d);
}

int
postern_channel_invoke_subsystem_async(postern_channel *ch, const char *name, uint64_t *id)
{
	struct api_call *call;
	int sent, r = begin_subsystem(ch, name, &call, &sent);

	return r < 0 ? r : api_call_detach(call, sent, id);
}

int
postern_channel_resize_pty(postern_channel *ch, uint32_t columns, uint32_t rows,
    uint32_t width, uint32_t height)
{
	struct ipc_WINDOW_DO m = { .chan = ch->id, .columns = columns, .rows = rows,
		.width = width, .height = height };
	int r = usable(ch);

	return r < 0 ? r : api_call_sent(ch->t, api_send_WINDOW_DO(&ch->t->worker, &m));
}

int
postern_channel_send_signal(postern_channel *ch, const char *name)
{
	struct ipc_SIGNAL_DO m = { .chan = ch->id, .name = span_str(name) };
	int r = usable(ch);

	return r < 0 ? r : api_call_sent(ch->t, api_send_SIGNAL_DO(&ch->t->worker, &m));
}

static int
begin_break(postern_channel *ch, uint32_t ms, struct api_call **call, int *sent)
{
	int r = begin(ch, call);

	if (r == 0)
		*sent = api_send_BREAK_DO(&ch->t->worker, &(struct ipc_BREAK_DO){
		    .chan = ch->id, .call = (*call)->id, .length_ms = ms });
	return r;
}

int
postern_channel_send_break(postern_channel *ch, uint32_t ms, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct api_call *call;
	int sent, r = begin_break(ch, ms, &call, &sent);

	return r < 0 ? r : api_call_end(call, sent, d);
}

int
postern_channel_send_break_async(postern_channel *ch, uint32_t ms, uint64_t *id)
{
	struct api_call *call;
	int sent, r = begin_break(ch, ms, &call, &sent);

	return r < 0 ? r : api_call_detach(call, sent, id);
}

/* ---- the end of a program ---- */

static bool
is_over(const void *what)
{
	const postern_channel *ch = what;

	return ch->state == API_OVER || ch->t->is_over;
}

int
postern_channel_recv_exit_status(postern_channel *ch, struct postern_exit *out, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	postern_transport *t = ch->t;
	int r = api_context_enter(t->ctx);

	if (r == 0 && !is_over(ch))
		r = api_loop_wait(t->ctx, d, is_over, ch, (struct api_held){ t, ch });
	if (r < 0)
		return r;
	if (ch->is_freed)
		return POSTERN_ESTATE;
	api_shelf_drop(t->ctx, &ch->item, API_PENDING_EXIT);
	if (!ch->had_close) {
		/* a goodbye of the connection is none of the channel's: cut all the same */
		r = api_transport_end_code(t);
		return r == POSTERN_ECLOSED ? POSTERN_ECUT : r;
	}
	if (!ch->has_status)
		return POSTERN_ECLOSED;
	api_context_fill(out, &ch->exit, sizeof(ch->exit));
	return 0;
}

/* The end may be told within the callback that grants the program: its descriptors go
 * first, or the worker would find nothing to drain and close at once. */
static int
may_exit(postern_channel *ch)
{
	int r = usable(ch);

	if (r == 0 && ch->sent_exit)
		r = POSTERN_ESTATE;
	if (r == 0 && ch->is_started && ch->take != API_TAKE_SENT)
		r = api_descriptor_give(ch);
	return r;
}

int
postern_channel_send_exit_status(postern_channel *ch, uint32_t status)
{
	struct ipc_EXIT_DO m = { .chan = ch->id, .status = status };
	int r = may_exit(ch);

	if (r < 0)
		return r;
	api_descriptor_finish(ch);
	ch->sent_exit = true;
	return api_call_sent(ch->t, api_send_EXIT_DO(&ch->t->worker, &m));
}

int
postern_channel_send_exit_signal(postern_channel *ch, const char *name, int core_dumped,
    const char *text)
{
	struct ipc_EXIT_SIGNAL_DO m = { .chan = ch->id, .name = span_str(name),
		.core_dumped = core_dumped != 0, .text = span_str(text != NULL ? text : "") };
	int r = may_exit(ch);

	if (r < 0)
		return r;
	r = api_call_sent(ch->t, api_send_EXIT_SIGNAL_DO(&ch->t->worker, &m));
	if (r < 0)
		return r;
	api_descriptor_finish(ch);
	ch->sent_exit = true;
	return 0;
}
