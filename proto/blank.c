/*
 * blank.c - blanks the secrets of a payload: passwords, answers to prompts, X11's
 * cookie.
 *
 * The payload may be anybody's bytes, and what is not understood may be a secret in
 * an odd place: a message that does not parse as what it claims to be is blanked as
 * a whole, and of a login method that is not known here nothing is shown but its name.
 * The messages of a key exchange are shown: they carry public values alone, for the
 * shared secret never travels (RFC 4253 8).  So is a channel's data, which is the
 * session itself.
 */
#include "proto/blank.h"

enum { STRING_MAX = SSH_PACKET_LENGTH_MAX, METHOD_NUMBERS = 60, METHOD_NUMBERS_END = 80 };

static void
copy_u8(struct rd *r, struct wr *w)
{
	wr_u8(w, rd_u8(r));
}

static void
copy_u32(struct rd *r, struct wr *w)
{
	wr_u32(w, rd_u32(r));
}

static struct span
copy_string(struct rd *r, struct wr *w)
{
	struct span s = rd_blob(r, STRING_MAX);

	wr_blob(w, s, STRING_MAX);
	return s;
}

static void
blank_string(struct rd *r, struct wr *w)
{
	(void)rd_blob(r, STRING_MAX);
	wr_str(w, BLANK);
}

static void
blank_rest(struct rd *r, struct wr *w)
{
	(void)rd_rest(r);
	wr_raw(w, span_str(BLANK));
}

/* RFC 4252 5, 7, 8; RFC 4256 3.1 */
static void
login_request(struct rd *r, struct wr *w)
{
	struct span method;
	bool also;

	(void)copy_string(r, w);	/* user */
	(void)copy_string(r, w);	/* service */
	method = copy_string(r, w);
	if (span_is(method, "none"))
		return;
	if (span_is(method, "password")) {
		also = rd_bool(r);
		wr_u8(w, also);
		blank_string(r, w);
		if (also)
			blank_string(r, w);
	} else if (span_is(method, "publickey")) {
		also = rd_bool(r);
		wr_u8(w, also);
		(void)copy_string(r, w);
		(void)copy_string(r, w);
		if (also)
			(void)copy_string(r, w);
	} else if (span_is(method, "keyboard-interactive")) {
		(void)copy_string(r, w);
		(void)copy_string(r, w);
	} else {
		blank_rest(r, w);
	}
}

/* RFC 4256 3.4 */
static void
answers(struct rd *r, struct wr *w)
{
	uint32_t count = rd_u32(r);

	wr_u32(w, count);
	for (uint32_t i = 0; i < count && !r->bad && !w->bad; i++)
		blank_string(r, w);
}

static void
channel_request(struct rd *r, struct wr *w)
{
	struct span type;

	copy_u32(r, w);
	type = copy_string(r, w);
	copy_u8(r, w);
	if (!span_is(type, "x11-req")) {
		wr_raw(w, rd_rest(r));
		return;
	}
	/* RFC 4254 6.3.1: whoever knows the cookie may use the display */
	copy_u8(r, w);
	(void)copy_string(r, w);
	blank_string(r, w);
	copy_u32(r, w);
}

struct span
blank_payload(struct span payload, uint8_t *out, size_t cap)
{
	struct rd r = rd_of(payload);
	struct wr w = wr_of(out, cap);
	uint8_t number = rd_u8(&r);

	wr_u8(&w, number);
	if (number == SSH_MSG_USERAUTH_REQUEST)
		login_request(&r, &w);
	else if (number == SSH_MSG_USERAUTH_INFO_RESPONSE)
		answers(&r, &w);
	else if (number == SSH_MSG_CHANNEL_REQUEST)
		channel_request(&r, &w);
	else if (number >= METHOD_NUMBERS && number < METHOD_NUMBERS_END &&
	    number != SSH_MSG_USERAUTH_60)
		blank_rest(&r, &w);	/* of methods that are not known here */
	else
		wr_raw(&w, rd_rest(&r));
	if (rd_done(&r) && !w.bad)
		return wr_span(&w);
	w = wr_of(out, cap);
	wr_u8(&w, number);
	wr_raw(&w, span_str(BLANK));
	return wr_span(&w);
}
