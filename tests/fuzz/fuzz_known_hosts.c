/*
 * fuzz_known_hosts.c - known_hosts files, damaged ones and hostile ones, for libFuzzer.
 *
 * "@K" in an input is a key's type and text, "@L" that of another.  Besides the
 * sanitizers: a key that stands nowhere is never trusted, an authority's key is none of
 * the host's, a line of our own in front is found whatever follows but a revocation, and
 * what is seen line by line is what is seen of the whole.
 */
#include <sodium.h>

#include "privsep/monitor.h"
#include "tests/fuzz/must.h"

enum { BLOB = 51, FUZZ_MAX = 4096, TEXT_MAX = FUZZ_MAX * 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char name[] = "host.example";

/* The blob, and as a line has it. */
struct host_key { uint8_t blob[BLOB]; char text[128]; };

static struct host_key
key_of(uint8_t fill)
{
	struct host_key k = { { 0, 0, 0, 11, 's', 's', 'h', '-', 'e', 'd', '2', '5', '5', '1', '9', 0, 0, 0,
	    32 }, "ssh-ed25519 " };

	memset(k.blob + BLOB - 32, fill, 32);
	sodium_bin2base64(k.text + 12, sizeof(k.text) - 12, k.blob, BLOB,
	    sodium_base64_VARIANT_ORIGINAL);
	return k;
}

static size_t
expand(const uint8_t *data, size_t size, const struct host_key *k, const struct host_key *l, char *text)
{
	size_t n = 0;

	for (size_t i = 0; i < size; i++) {
		const struct host_key *put = data[i] != '@' || i + 1 == size ? NULL :
		    data[i + 1] == 'K' ? k : data[i + 1] == 'L' ? l : NULL;

		if (put == NULL) {
			text[n++] = (char)data[i];
			continue;
		}
		memcpy(text + n, put->text, strlen(put->text));
		n += strlen(put->text);
		i++;
	}
	return n;
}

/* What an update sees line by line is what a check sees as a whole; and a line that an
 * update may remove is one that trusts its key. */
static void
walk(struct span text, struct span key)
{
	struct known_hosts_verdict v = monitor_known_hosts_check(text, name, key);
	struct known_hosts_entry e = { .line = 0 };
	uint32_t lines = 1, last = 0;
	struct span rest = text;

	for (size_t i = 0; i < text.n; i++)
		lines += text.p[i] == '\n';
	while (monitor_known_hosts_next(&rest, name, &e)) {
		must(e.line > last && e.line <= lines && !(e.is_revoked && e.is_simple));
		last = e.line;
		if (!e.is_host || !span_eq(span_of(e.key, e.key_len), key))
			continue;
		must(!e.is_revoked || v.trust == IPC_REVOKED);
		must(!e.is_simple || v.trust == 0 || v.trust == IPC_REVOKED);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char text[TEXT_MAX], with[TEXT_MAX + KNOWN_HOSTS_LINE_MAX + 2];
	static const uint8_t no_bytes[1];
	static bool started;
	struct host_key k = key_of('k'), l = key_of('l'), stranger = key_of('s');
	struct known_hosts_verdict v, again;
	char types[64] = "", line[KNOWN_HOSTS_LINE_MAX + 1];
	size_t n, head;

	if (size > FUZZ_MAX)
		return 0;
	must(started || crypto_init() == 0);
	started = true;
	/* one that no input can have in it */
	must(hash_once(HASH_SHA256, size > 0 ? data : no_bytes, size, stranger.blob + BLOB - 32) == 0);
	n = expand(data, size, &k, &l, text);
	v = monitor_known_hosts_check(span_of(text, n), name, span_of(stranger.blob, BLOB));
	must(v.trust != 0 && v.trust != IPC_REVOKED);
	must(!monitor_known_hosts_authority(span_of(text, n), name, span_of(stranger.blob, BLOB)));
	monitor_known_hosts_types(span_of(text, n), name, types, sizeof(types));
	must(memchr(types, 0, sizeof(types)) != NULL);

	walk(span_of(text, n), span_of(k.blob, BLOB));
	v = monitor_known_hosts_check(span_of(text, n), name, span_of(k.blob, BLOB));
	must(monitor_known_hosts_line(name, span_of(k.blob, BLOB), size % 2 == 0, line) == 0);
	head = strlen(line);
	memcpy(with, line, head);
	with[head++] = '\n';
	memcpy(with + head, text, n);
	again = monitor_known_hosts_check(span_of(with, head + n), name, span_of(k.blob, BLOB));
	must(again.trust == (v.trust == IPC_REVOKED ? IPC_REVOKED : 0));
	return 0;
}
