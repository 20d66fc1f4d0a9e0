/*
 * api_log.c - lines for the application's log.
 *
 * Names, commands and texts in them come from the peer or the worker: whoever
 * writes them wants to forge lines, move a cursor or fill a disk, so they are
 * quoted and bounded here before they stand in a line.
 */
#include <errno.h>
#include <stdio.h>

#include "privsep/api.h"

/* a name, and the longest that can hang on it: ".chan." and a number */
enum { CHANNEL_MAX = API_LOG_NAME_MAX + 32 };

/* Where a line belongs: the transport's channel, and what below it. */
struct place {
	const postern_transport *t;	/* NULL: none */
	const char *below;		/* "" */
	uint64_t chan;			/* 0: none */
};

static const char *
own_channel(const postern_transport *t)
{
	return t->log_channel[0] != '\0' ? t->log_channel : "postern.transport";
}

static void
name_channel(const struct place *where, char out[CHANNEL_MAX])
{
	const char *name = where->t != NULL ? own_channel(where->t) : "";

	if (where->t == NULL && where->below[0] != '\0')
		name = "postern";	/* nobody's: a sub-channel hangs on the library's own */
	if (where->chan != 0)
		(void)snprintf(out, CHANNEL_MAX, "%s.chan.%llu", name,
		    (unsigned long long)(where->chan & ~API_OURS));
	else
		(void)snprintf(out, CHANNEL_MAX, "%s%s", name, where->below);
}

__attribute__((format(printf, 4, 0)))
static void
write_line(postern_context *ctx, const struct place *where, int level, const char *fmt,
    va_list ap)
{
	char text[API_LINE_MAX], channel[CHANNEL_MAX];
	struct postern_log_line line = { .size = sizeof(line), .level = level,
		.channel = channel, .peer = "", .text = text };

	if (ctx->log == NULL || level > ctx->log_level)
		return;
	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		return;
	name_channel(where, channel);
	if (where->t != NULL) {
		line.conn = where->t->id;
		line.peer = where->t->peer;
	}
	ctx->log(ctx->user, &line);
}

void
api_log(postern_context *ctx, const postern_transport *t, int level, const char *fmt, ...)
{
	struct place where = { t, "", 0 };
	va_list ap;

	va_start(ap, fmt);
	write_line(ctx, &where, level, fmt, ap);
	va_end(ap);
}

void
api_log_worker(const postern_transport *t, int level, const char *fmt, ...)
{
	struct place where = { t, ".worker", 0 };
	va_list ap;

	va_start(ap, fmt);
	write_line(t->ctx, &where, level, fmt, ap);
	va_end(ap);
}

void
api_log_monitor(postern_context *ctx, const postern_transport *t, int level, const char *fmt,
    ...)
{
	struct place where = { t, ".monitor", 0 };
	va_list ap;

	va_start(ap, fmt);
	write_line(ctx, &where, level, fmt, ap);
	va_end(ap);
}

void
api_log_chan(const postern_transport *t, uint64_t chan, int level, const char *fmt, ...)
{
	struct place where = { t, "", chan };
	va_list ap;

	va_start(ap, fmt);
	write_line(t->ctx, &where, level, fmt, ap);
	va_end(ap);
}

int
postern_transport_set_log_channel(postern_transport *t, const char *name)
{
	size_t n = strlen(name);
	int r = api_context_enter(t->ctx);

	if (r < 0)
		return r;
	if (n > API_LOG_NAME_MAX)
		return -EMSGSIZE;
	/* it stands in front of lines: what cannot be told from a line may not be in it */
	for (size_t i = 0; i < n; i++) {
		if (name[i] <= ' ' || name[i] > '~')
			return -EINVAL;
	}
	if (n == 0)
		return -EINVAL;
	memcpy(t->log_channel, name, n + 1);
	return 0;
}

const char *
postern_transport_get_log_channel(const postern_transport *t)
{
	return own_channel(t);
}

const char *
api_log_quote(char *out, size_t cap, struct span s)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];
		/* a quote would end the quotation, and what follows be ours */
		bool is_plain = c >= 0x20 && c < 0x7f && c != '\\' && c != '"';
		size_t need = is_plain ? 1 : 4;

		/* room for this, "..." and the NUL */
		if (n + need + 4 > cap) {
			if (cap >= n + 4) {
				memcpy(&out[n], "...", 3);
				n += 3;
			}
			break;
		}
		if (is_plain) {
			out[n++] = (char)c;
			continue;
		}
		out[n++] = '\\';
		out[n++] = 'x';
		out[n++] = hex[c >> 4];
		out[n++] = hex[c & 15];
	}
	if (cap > 0)
		out[n] = '\0';
	return out;
}

/* Bytes of the UTF-8 character at s (RFC 3629 4), or 0: none begins there.  Stops at
 * the NUL, which continues nothing. */
static size_t
character(const uint8_t *s)
{
	size_t n = s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;

	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	/* longer than need be; what no character is: a terminal may read them its way */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] >= 0x90))
		return 0;
	return n;
}

void
api_log_tame(char *s)
{
	for (size_t i = 0; s[i] != '\0'; i++) {
		uint8_t c = (uint8_t)s[i];
		size_t n = c < 0x80 ? 1 : character((const uint8_t *)&s[i]);

		if (c == '\n' || c == '\t')
			continue;
		/* 0x9b alone is ESC [ to a terminal that is not in UTF-8 */
		if (c < 0x20 || c == 0x7f || n == 0)
			s[i] = '?';
		/* the C1 controls in UTF-8 are that to one that is */
		else if (c == 0xc2 && (uint8_t)s[i + 1] < 0xa0)
			s[i] = s[i + 1] = '?';
		else
			i += n - 1;
	}
}

void
api_log_tame_line(char *s)
{
	api_log_tame(s);
	for (; *s != '\0'; s++)
		if (*s == '\n' || *s == '\t')
			*s = ' ';
}
