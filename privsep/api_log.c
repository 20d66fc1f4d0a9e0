/*
 * api_log.c - lines for the application's log.
 *
 * Names, commands and texts in them come from the peer or the worker: whoever
 * writes them wants to forge lines, move a cursor or fill a disk, so they are
 * quoted and bounded here before they stand in a line.
 */
#include <stdio.h>

#include "privsep/api.h"

void
api_log(postern_context *ctx, const postern_transport *t, int level, const char *fmt, ...)
{
	char line[API_LINE_MAX];
	va_list ap;
	int n;

	if (ctx->log == NULL || level > ctx->log_level)
		return;
	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	ctx->log(ctx->user, level, t != NULL ? t->id : 0, t != NULL ? t->peer : "", line);
}

const char *
api_log_quote(char *out, size_t cap, struct span s)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];
		bool is_plain = c >= 0x20 && c < 0x7f && c != '\\';
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

void
api_log_tame(char *s)
{
	for (size_t i = 0; s[i] != '\0'; i++) {
		uint8_t c = (uint8_t)s[i], next = (uint8_t)s[i + 1];

		if (c == '\n' || c == '\t')
			continue;
		if (c < 0x20 || c == 0x7f)
			s[i] = '?';
		/* the C1 controls in UTF-8: a terminal takes 0x9b for ESC [ */
		if (c == 0xc2 && next >= 0x80 && next < 0xa0)
			s[i] = s[i + 1] = '?';
	}
}
