/*
 * api_hexdump.c - packets in clear for the debug log, in paramiko's format.
 *
 * What is shown is the worker's word about bytes of the peer's: hexadecimal and
 * printable ASCII leave nothing in it that could forge a line, and the lines stand on
 * the worker's channel.  Which fields are blanked, and whether anything comes at all,
 * the monitor decides; a packet that comes after it was switched off is not shown.
 */
#include <errno.h>
#include <stdio.h>

#include "privsep/api.h"

enum { PER_LINE = 16, NAME_MAX_LEN = 48 };

/* Names only: nothing of the protocol is linked here. */
static const struct {
	uint8_t number;
	const char *name;
} names[] = {
#define SSHMSG(number_, NAME, sender, phases, kex, strict, layer) { number_, #NAME },
#include "proto/messages.def"
};

/* "CHANNEL_OPEN" as "channel-open"; "$64" for a number that no row has. */
static void
name_packet(struct span packet, char out[NAME_MAX_LEN])
{
	const char *name = NULL;
	size_t n = 0;

	if (packet.n == 0) {
		(void)snprintf(out, NAME_MAX_LEN, "empty");
		return;
	}
	for (size_t i = 0; name == NULL && i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].number == packet.p[0])
			name = names[i].name;
	}
	if (name == NULL) {
		(void)snprintf(out, NAME_MAX_LEN, "$%x", packet.p[0]);
		return;
	}
	for (; name[n] != '\0' && n + 1 < NAME_MAX_LEN; n++) {
		char c = name[n];

		out[n] = c == '_' ? '-' : c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	out[n] = '\0';
}

static void
write_line(const postern_transport *t, const char *way, struct span bytes)
{
	static const char digits[] = "0123456789ABCDEF";
	char hex[3 * PER_LINE + 1], text[PER_LINE + 1];
	size_t n = 0;

	for (size_t i = 0; i < bytes.n; i++) {
		uint8_t c = bytes.p[i];

		if (i > 0)
			hex[n++] = ' ';
		hex[n++] = digits[c >> 4];
		hex[n++] = digits[c & 15];
		text[i] = c >= 0x20 && c < 0x7f ? (char)c : '.';
	}
	hex[n] = text[bytes.n] = '\0';
	api_log_worker(t, POSTERN_DEBUG, "%s: %-50s %s", way, hex, text);
}

void
api_hexdump_show(postern_transport *t, const struct ipc_DUMPED *m)
{
	const char *way = m->is_out ? "OUT" : "IN";
	struct rd r = rd_of(m->packet);
	char name[NAME_MAX_LEN];

	if (t->hexdump == POSTERN_HEXDUMP_OFF || t->ctx->log_level < POSTERN_DEBUG)
		return;
	if (m->skipped > 0)
		api_log_worker(t, POSTERN_DEBUG, "%u packets before this are not shown",
		    m->skipped);
	name_packet(m->packet, name);
	api_log_worker(t, POSTERN_DEBUG, "%s packet <%s>, length %zu",
	    m->is_out ? "Write" : "Read", name, m->packet.n);
	/* the log's function may have given the transport up */
	while (r.n > 0 && !t->is_freed)
		write_line(t, way, rd_take(&r, r.n < PER_LINE ? r.n : PER_LINE));
}

int
postern_transport_set_hexdump(postern_transport *t, int mode)
{
	struct ipc_SET_HEXDUMP m = { .conn = t->id, .mode = (uint8_t)mode };
	int r = api_context_enter(t->ctx);

	if (r < 0)
		return r;
	if (mode < POSTERN_HEXDUMP_OFF || mode > POSTERN_HEXDUMP_WHOLE)
		return -EINVAL;
	if (mode > t->ctx->hexdump_max)
		return -EPERM;
	if (t->is_over)
		return api_transport_end_code(t);
	/* before the start it goes with NEW */
	if (t->is_announced)
		r = api_context_sent(api_send_SET_HEXDUMP(&t->ctx->monitor, &m));
	if (r == 0)
		t->hexdump = mode;
	return r;
}

int
postern_transport_get_hexdump(const postern_transport *t)
{
	return t->hexdump;
}
