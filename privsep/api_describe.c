/*
 * api_describe.c - a transport in one line for people (paramiko's repr).
 *
 * Names in it were told by a worker or a peer: they are quoted, so that the line stays
 * one and says nothing that is not in it.
 */
#include <errno.h>
#include <stdio.h>

#include "privsep/api.h"

enum { NAME_LEN = 80 };

/* Bits of a cipher's key, for those who read them. */
static const struct {
	const char *cipher;
	unsigned bits;
} keys[] = {
	{ "chacha20-poly1305@openssh.com", 256 },
	{ "aes256-gcm@openssh.com",        256 },
	{ "aes128-gcm@openssh.com",        128 },
	{ "aes256-ctr",                    256 },
	{ "aes192-ctr",                    192 },
	{ "aes128-ctr",                    128 },
};

static unsigned
bits_of(const char *cipher)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strcmp(keys[i].cipher, cipher) == 0)
			return keys[i].bits;
	}
	return 0;
}

static unsigned
open_channels(const postern_transport *t)
{
	const postern_channel *ch;
	unsigned n = 0;

	TAILQ_FOREACH(ch, &t->channels, next)
		n += ch->state == API_OPEN;
	return n;
}

__attribute__((format(printf, 2, 3)))
static void
add(struct wr *w, const char *fmt, ...)
{
	char text[2 * NAME_LEN];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* cut is better than nothing: as much as there is room for */
	if (n > 0)
		wr_raw(w, span_of(text, (size_t)n < w->cap - w->n ? (size_t)n : w->cap - w->n));
	w->bad |= n < 0;
}

static void
add_state(struct wr *w, const postern_transport *t)
{
	char cipher[NAME_LEN];
	unsigned n = open_channels(t);

	if (!t->is_announced || t->is_over || t->is_closing) {
		add(w, " (unconnected)");
		return;
	}
	if (t->is_started && t->ciphers[0] != NULL) {
		add(w, " (cipher %s", api_log_quote(cipher, sizeof(cipher),
		    span_str(t->ciphers[0])));
		if (bits_of(t->ciphers[0]) != 0)
			add(w, ", %u bits", bits_of(t->ciphers[0]));
		add(w, ")");
	}
	if (t->is_authenticated)
		add(w, " (active; %u open channel%s)", n, n == 1 ? "" : "s");
	else if (t->is_started)
		add(w, " (connected; awaiting auth)");
	else
		add(w, " (connecting)");
}

int
postern_transport_describe(const postern_transport *t, char *out, size_t size)
{
	char whole[6 * NAME_LEN], peer[NAME_LEN];
	struct wr w = wr_of(whole, sizeof(whole));
	size_t n;
	int r = api_context_enter(t->ctx);

	if (r < 0)
		return r;
	if (size == 0)
		return -ERANGE;
	add(&w, "<postern transport %llu", (unsigned long long)t->id);
	if (t->is_announced)
		add(&w, ", %s", t->is_server ? "server" : "client");
	if (t->peer[0] != '\0')
		add(&w, ", peer %s", api_log_quote(peer, sizeof(peer), span_str(t->peer)));
	add_state(&w, t);
	add(&w, ">");
	n = w.n < size - 1 ? w.n : size - 1;
	memcpy(out, whole, n);
	out[n] = '\0';
	return n < w.n ? -ERANGE : 0;
}
