/*
 * fuzz_forward.c - forwarding's parts of messages, and what is shown of a packet.
 *
 * The first octet picks the parser.  Checked: fields lie inside the input and within
 * their bounds; a blanked packet is blanked no further, so nothing that parses as a
 * secret is left in it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "proto/blank.h"
#include "proto/forward.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MUST(what) do { if (!(what)) { \
	fprintf(stderr, "violated: %s\n", #what); abort(); } } while (0)

static void
check(struct span in, struct span field, size_t max)
{
	MUST(field.n <= max && field.n <= in.n);
	MUST(field.n == 0 || memchr(field.p, 0, field.n) == NULL);
	MUST(field.n == 0 || memmem(in.p, in.n, field.p, field.n) != NULL);
}

static void
opens(enum forward_kind kind, struct span in)
{
	struct forward_open o;

	if (!forward_parse_open(kind, in, &o))
		return;
	check(in, o.host, FORWARD_HOST_MAX);
	check(in, o.origin, FORWARD_HOST_MAX);
	MUST(o.port <= FORWARD_PORT_MAX && o.origin_port <= FORWARD_PORT_MAX);
}

static void
listens(const char *request, struct span in)
{
	struct forward_listen l;

	if (!forward_parse_listen(span_str(request), in, &l))
		return;
	check(in, l.host, FORWARD_HOST_MAX);
	MUST(l.port <= FORWARD_PORT_MAX);
}

static void
x11(struct span in)
{
	struct forward_x11 x;

	if (!forward_parse_x11(in, &x))
		return;
	check(in, x.protocol, FORWARD_X11_PROTOCOL_MAX);
	check(in, x.cookie, FORWARD_X11_COOKIE_MAX);
}

static void
blanks(struct span in)
{
	static uint8_t once[BLANK_OUT_MAX], twice[BLANK_OUT_MAX];
	struct span a, b;

	if (in.n == 0 || in.n > BLANK_OUT_MAX)
		return;
	a = blank_payload(in, once, sizeof(once));
	MUST(a.n > 0 && a.n <= sizeof(once) && a.p[0] == in.p[0]);
	b = blank_payload(a, twice, sizeof(twice));
	MUST(span_eq(a, b));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const requests[] = { "tcpip-forward", "cancel-tcpip-forward",
		"streamlocal-forward@openssh.com", "cancel-streamlocal-forward@openssh.com" };
	struct rd r = rd_of(span_of(data, n));
	uint8_t which = rd_u8(&r) % 16;
	struct span in = rd_rest(&r);

	if (which <= FW_AGENT)
		opens((enum forward_kind)which, in);
	else if (which < FW_AGENT + 5)
		listens(requests[which - FW_AGENT - 1], in);
	else if (which == FW_AGENT + 5)
		x11(in);
	else
		blanks(in);
	return 0;
}
