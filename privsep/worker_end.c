/*
 * worker_end.c - every way in which a connection ends, told once.
 *
 * The first cause stands; later ones are its consequences.  A side that is at fault
 * or that we leave is told with SSH_MSG_DISCONNECT, our last bytes get close_ms to
 * leave, and what the peer had sent before it went away still reaches the channels'
 * descriptors.  Then BYE tells the monitor, as a claim.  A network that just ends is
 * CUT, never PEER_CLOSED: whoever reads our channels must be able to tell a whole
 * output from a truncated one.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "privsep/worker_tell.h"

enum { NOTE_MAX = 256, LIST_MAX = 4096, BYE_MS = 1000 };

/* Copies text that came from outside to where BYE can quote it: no NUL. */
static size_t
copy_text(char *out, size_t cap, struct span text)
{
	size_t n = text.n < cap ? text.n : cap;

	for (size_t i = 0; i < n; i++)
		out[i] = text.p[i] == 0 ? '?' : (char)text.p[i];
	return n;
}

static const char *
phase_now(const struct worker *w, enum proto_error error)
{
	struct transport_agreed a = { 0 };

	if (w->tr == NULL)
		return "start";
	transport_agreed(w->tr, &a);
	switch (error) {
	case PROTO_E_BANNER_TIMEOUT:
	case PROTO_E_BANNER_FORMAT:
	case PROTO_E_BANNER_LONG:
	case PROTO_E_BANNER_VERSION:
		return "banner";
	case PROTO_E_LOGIN_TIMEOUT:
		return "auth";
	case PROTO_E_REKEY_TIMEOUT:
		return "rekey";
	default:
		break;
	}
	if (!w->keyed)
		return a.peer_version == NULL || a.peer_version[0] == '\0' ? "banner" : "kex";
	if (transport_in_kex(w->tr))
		return "rekey";
	return w->phase == L_OPEN ? "open" : "auth";
}

static void
end(struct worker *w, enum ipc_outcome outcome, enum ipc_side side, const char *phase,
    uint32_t disconnect, struct span text)
{
	w->end = END_LINGER;
	w->outcome = outcome;
	w->side = (uint8_t)side;
	w->end_phase = phase;
	w->disconnect = disconnect;
	w->end_text[copy_text(w->end_text, sizeof(w->end_text) - 1, text)] = '\0';
	w->end_at = w->close_ms > 0 ? w->now + w->close_ms : UINT64_MAX;
	w->wait = WAIT_NOTHING;
}

static void
say_goodbye(struct worker *w)
{
	if (w->tr != NULL && !w->net_dead && w->disconnect != 0)
		transport_say_goodbye(w->tr, w->disconnect, w->end_text);
}

void
worker_fail(struct worker *w, enum proto_error e)
{
	static const uint8_t outcome[] = {
		[PC_TIMEOUT] = IPC_TIMED_OUT, [PC_PROTOCOL] = IPC_PROTOCOL,
		[PC_NO_MATCH] = IPC_NO_MATCH, [PC_SILENT] = IPC_SILENT,
		[PC_LOCAL] = IPC_RESOURCE,
	};
	enum proto_class class = proto_error_class(e);

	if (w->end != END_NOT)
		return;
	end(w, outcome[class], class == PC_LOCAL ? IPC_LOCAL : IPC_PEER, phase_now(w, e),
	    proto_error_disconnect(e), span_str(proto_error_text(e)));
	say_goodbye(w);
}

void
worker_check(struct worker *w, enum proto_error e)
{
	if (e != PROTO_OK)
		worker_fail(w, e);
}

void
worker_cut(struct worker *w, const char *text)
{
	if (w->end != END_NOT)
		return;
	end(w, IPC_CUT, IPC_SYSTEM, phase_now(w, PROTO_OK), 0, span_str(text));
	w->net_dead = true;
	w->deliver = true;
}

void
worker_peer_left(struct worker *w, uint32_t code, struct span text)
{
	if (w->end != END_NOT)
		return;
	end(w, IPC_PEER_CLOSED, IPC_PEER, phase_now(w, PROTO_OK), code, text);
	w->deliver = true;
}

void
worker_stop(struct worker *w, uint32_t code, struct span text)
{
	if (w->end != END_NOT)
		return;
	end(w, IPC_DONE_BY_US, IPC_LOCAL, phase_now(w, PROTO_OK),
	    code != 0 ? code : SSH_DISCONNECT_BY_APPLICATION, text);
	say_goodbye(w);
}

void
worker_broken(struct worker *w, const char *who, const char *why)
{
	char text[NOTE_MAX];
	struct wr t = wr_of(text, sizeof(text));

	if (w->end != END_NOT)
		return;
	wr_raw(&t, span_str(who));
	wr_raw(&t, span_str(" broke the rules between our processes: "));
	wr_raw(&t, span_str(why));
	end(w, IPC_RESOURCE, IPC_LOCAL, phase_now(w, PROTO_OK),
	    SSH_DISCONNECT_BY_APPLICATION, wr_span(&t));
	say_goodbye(w);
}

/* The peer has all, or its time is up.  Closing a TCP socket with bytes unread sends
 * a reset, which can overtake our DISCONNECT: so what is here is read and dropped. */
static void
leave_network(struct worker *w)
{
	size_t room, dropped = 0;
	ssize_t n;

	if (w->net_in < 0)
		return;
	(void)shutdown(w->net_out, SHUT_WR);	/* it may be gone already, or a pipe */
	do {
		n = read(w->net_in, w->inbox, sizeof(w->inbox));
		room = n > 0 ? (size_t)n : 0;
		dropped += room;
	} while (room > 0 && dropped < WORKER_DRAIN_MAX);
	worker_net_close(w);
}

static struct span
list_of(struct span s)
{
	return span_of(s.p, s.n < LIST_MAX ? s.n : LIST_MAX);
}

static void
say_bye(struct worker *w)
{
	struct ipc_BYE m = { .outcome = w->outcome, .phase = span_str(w->end_phase),
		.side = w->side, .disconnect = w->disconnect, .text = span_str(w->end_text),
		.ours = list_of(w->ours), .theirs = list_of(w->theirs) };

	if (worker_tell_BYE(w, &m))
		return;
	/* a NUL in the peer's list: it is only shown to people */
	m.theirs = span_of(NULL, 0);
	if (!worker_tell_BYE(w, &m))
		w->end = END_DONE;
}

void
worker_end_step(struct worker *w)
{
	bool late = w->now >= w->end_at;

	if (w->end == END_LINGER) {
		bool unsent = w->tr != NULL && !w->net_dead && transport_pending(w->tr).n > 0;

		if (!late && (unsent || (w->deliver && worker_flow_undelivered(w))))
			return;
		if (late && unsent && w->outcome == IPC_DONE_BY_US) {
			struct span why = span_str(proto_error_text(PROTO_E_CLOSE_TIMEOUT));

			end(w, IPC_TIMED_OUT, IPC_PEER, "close", w->disconnect, why);
		}
		if (w->deliver)
			worker_flow_tell_over(w);
		leave_network(w);
		w->end = END_BYE;
		w->end_at = w->now + BYE_MS;
		say_bye(w);
		late = false;
	}
	if (w->end == END_BYE && (late || !worker_clogged(w)))
		w->end = END_DONE;
}

void
worker_note(struct worker *w, enum ipc_level level, struct span text)
{
	char quoted[NOTE_MAX];
	struct ipc_NOTE m = { .level = (uint8_t)level };

	if (w->notes >= WORKER_NOTES_MAX || w->phase == L_SPARE)
		return;
	w->notes++;
	m.text = span_of(quoted, copy_text(quoted, sizeof(quoted), text));
	worker_must(w, worker_tell_NOTE(w, &m));
}
