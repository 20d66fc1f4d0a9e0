/*
 * api_options.c - algorithms and limits of a connection: the caller's wishes,
 * checked against what there is, with every default filled in.
 *
 * What comes out goes to the monitor as it stands; nothing is left for it to guess.
 */
#include <errno.h>
#include <stdio.h>

#include "privsep/api.h"

enum {
	BANNER_MS = 15000, KEX_MS = 30000, LOGIN_MS = 120000, REKEY_MS = 60000,
	CLOSE_MS = 5000,
	REKEY_BURST = 32, REKEY_PER_SECOND = 2,
	ALIVE_MAX = 3,
	CHANNELS_SERVER = 10, CHANNELS_CLIENT = 64, CHANNELS_MOST = 1024,
	WINDOW = 2 * 1024 * 1024, WINDOW_SUM = 16 * 1024 * 1024,
	RSA_BITS_MOST = 16384,
	VERSION_MAX = 200,		/* RFC 4253 4.2: 255 with the rest of the line */
};

/* 0: the default; negative: none, which messages.def writes as 0. */
static uint32_t
limit_ms(int value, uint32_t by_default)
{
	if (value < 0)
		return 0;
	return value > 0 ? (uint32_t)value : by_default;
}

static uint32_t
or_default(uint32_t value, uint32_t by_default)
{
	return value != 0 ? value : by_default;
}

/* RFC 4253 4.2: printable US-ASCII without minus signs; what follows a blank is a
 * comment, which may have any of it. */
static int
take_version(char out[256], const char *software)
{
	bool is_comment = false;
	size_t n;

	if (software == NULL)
		software = "Postern_" POSTERN_VERSION;
	n = strlen(software);
	if (n == 0 || n > VERSION_MAX || software[0] == ' ')
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		if (software[i] < ' ' || software[i] > '~' || (software[i] == '-' && !is_comment))
			return -EINVAL;
		is_comment = is_comment || software[i] == ' ';
	}
	(void)snprintf(out, 256, "SSH-2.0-%s", software);	/* bounded above */
	return 0;
}

static int
take_list(int list, const char *preset, const char *edit, char *out, size_t size,
    char *problem, size_t cap)
{
	char quoted[200];
	int r = postern_edit_preset(list, preset, edit, out, size);

	if (r == -ENOENT) {
		(void)snprintf(problem, cap, "there is no preset \"%s\"",
		    api_log_quote(quoted, sizeof(quoted), span_str(preset)));
		return -EINVAL;
	}
	if (r == -EINVAL)
		(void)snprintf(problem, cap, "\"%s\" is not supported here, or nothing is left",
		    api_log_quote(quoted, sizeof(quoted), span_str(out)));
	return r;
}

static int
take_lists(struct api_options *o, const struct postern_options *in, char *problem, size_t cap)
{
	const struct {
		int list;
		const char *edit;
		char *out;
		size_t size;
	} rows[] = {
		{ POSTERN_KEX,         in->kex,         o->kex,         sizeof(o->kex) },
		{ POSTERN_HOST_KEYS,   in->host_keys,   o->host_keys,   sizeof(o->host_keys) },
		{ POSTERN_SIGNATURES,  in->signatures,  o->signatures,  sizeof(o->signatures) },
		{ POSTERN_CIPHERS,     in->ciphers,     o->ciphers,     sizeof(o->ciphers) },
		{ POSTERN_MACS,        in->macs,        o->macs,        sizeof(o->macs) },
		{ POSTERN_COMPRESSION, in->compression, o->compression, sizeof(o->compression) },
		{ POSTERN_CA_SIGNATURES, in->ca_signatures, o->ca_signatures,
		  sizeof(o->ca_signatures) },
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(rows) / sizeof(rows[0]); i++)
		r = take_list(rows[i].list, in->preset, rows[i].edit, rows[i].out, rows[i].size,
		    problem, cap);
	return r;
}

int
api_options_take(struct api_options *o, const struct postern_options *given, bool is_server,
    char *problem, size_t cap)
{
	struct postern_options in = POSTERN_OPTIONS;
	int r = 0;

	(void)snprintf(problem, cap, "bad options");
	if (given != NULL)
		r = api_context_struct(&in, sizeof(in), given);
	if (r < 0)
		return r;
	*o = (struct api_options){
		.rsa_min = api_preset_rsa_min(in.preset),
		.banner_ms = limit_ms(in.banner_ms, BANNER_MS),
		.kex_ms = limit_ms(in.kex_ms, KEX_MS),
		.login_ms = limit_ms(in.login_ms, LOGIN_MS),
		.rekey_ms = limit_ms(in.rekey_ms, REKEY_MS),
		.close_ms = limit_ms(in.close_ms, CLOSE_MS),
		.rekey_bytes = in.rekey_bytes, .rekey_packets = in.rekey_packets,
		.rekey_interval_ms = limit_ms(in.rekey_interval_ms, 0),
		.rekey_burst = or_default(in.rekey_burst, REKEY_BURST),
		.rekey_per_second = or_default(in.rekey_per_second, REKEY_PER_SECOND),
		.alive_interval_ms = limit_ms(in.alive_interval_ms, 0),
		.alive_max = or_default(in.alive_max, ALIVE_MAX),
		.channel_max = or_default(in.channel_max,
		    is_server ? CHANNELS_SERVER : CHANNELS_CLIENT),
		.window = or_default(in.window, WINDOW),
		.window_sum = or_default(in.window_sum, WINDOW_SUM),
		.rsa_bits = in.rsa_bits,
	};
	if (o->channel_max > CHANNELS_MOST)
		o->channel_max = CHANNELS_MOST;
	if (in.rsa_bits > RSA_BITS_MOST) {
		(void)snprintf(problem, cap, "no RSA key has as many bits");
		return -EINVAL;
	}
	if (o->rsa_min < in.rsa_bits)
		o->rsa_min = in.rsa_bits;
	r = take_version(o->version, in.version);
	if (r < 0) {
		(void)snprintf(problem, cap, "the software version may not hold -, nor anything unprintable");
		return r;
	}
	return take_lists(o, &in, problem, cap);
}

const char *
api_options_list(const struct api_options *o, int list)
{
	switch ((enum postern_list)list) {
	case POSTERN_KEX:
		return o->kex;
	case POSTERN_HOST_KEYS:
		return o->host_keys;
	case POSTERN_SIGNATURES:
		return o->signatures;
	case POSTERN_CIPHERS:
		return o->ciphers;
	case POSTERN_MACS:
		return o->macs;
	case POSTERN_COMPRESSION:
		return o->compression;
	case POSTERN_CA_SIGNATURES:
		return o->ca_signatures;
	}
	return NULL;
}

void
api_options_fill(const struct api_options *o, struct ipc_NEW *m)
{
	m->version = span_str(o->version);
	m->kex = span_str(o->kex);
	m->hostkey_algs = span_str(o->host_keys);
	m->hostkey_rsa_min = o->rsa_min;
	m->sig_algs = span_str(o->signatures);
	m->ciphers = span_str(o->ciphers);
	m->macs = span_str(o->macs);
	m->compression = span_str(o->compression);
	m->ca_algs = span_str(o->ca_signatures);
	m->banner_ms = o->banner_ms;
	m->kex_ms = o->kex_ms;
	m->login_ms = o->login_ms;
	m->rekey_ms = o->rekey_ms;
	m->close_ms = o->close_ms;
	m->rekey_bytes = o->rekey_bytes;
	m->rekey_packets = o->rekey_packets;
	m->rekey_interval_ms = o->rekey_interval_ms;
	m->rekey_burst = o->rekey_burst;
	m->rekey_per_second = o->rekey_per_second;
	m->alive_interval_ms = o->alive_interval_ms;
	m->alive_max = o->alive_max;
	m->channel_max = o->channel_max;
	m->window = o->window;
	m->window_sum = o->window_sum;
	m->rsa_bits = o->rsa_bits;
}
