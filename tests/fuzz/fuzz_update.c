/*
 * fuzz_update.c - what a server's list of host keys does to a known_hosts file (ssh_config(5)
 * UpdateHostKeys), for libFuzzer: the monitor itself, with one client's connection.
 *
 * An input is a list, a letter for each key, then a newline and the file, in which @ and a
 * letter become a key's type and text.  K is the key in use.  Besides the sanitizers: a
 * line that is to go is one of this host's own, and its key neither the one in use nor in
 * the list; nothing is proven or removed by a list without the key in use; what is to be
 * proven is in the list and was not known.
 */
#include "tests/monitor_play.h"
#include "tests/fuzz/must.h"

enum { FUZZ_MAX = 2048, TEXT_MAX = FUZZ_MAX * 64, KEYS = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char name[] = "host.example";
static struct { uint8_t blob[64]; char text[128]; } keys[KEYS];	/* K, L, M... */
static struct play_child *worker;
static struct conn *conn;

static size_t blob_len;

static struct span
key(size_t i)
{
	return span_of(keys[i].blob, blob_len);
}

static void
start(void)
{
	struct play_proof proof;
	void *state = NULL;
	char base64[96];

	must(play_setup(&state) == 0);
	worker = play_client(1, &proof);
	conn = monitor_conn_find(play.m, 1);
	conn->plan.own_files = 1;
	blob_len = play.host_blob_len;
	for (size_t i = 0; i < KEYS; i++) {
		memcpy(keys[i].blob, play.host_blob, blob_len);
		keys[i].blob[blob_len - 1] = (uint8_t)(keys[i].blob[blob_len - 1] + i);
		sodium_bin2base64(base64, sizeof(base64), keys[i].blob, blob_len,
		    sodium_base64_VARIANT_ORIGINAL);
		(void)snprintf(keys[i].text, sizeof(keys[i].text), "ssh-ed25519 %s", base64);
	}
}

/* KEYS: no letter of a key. */
static size_t
letter(uint8_t c)
{
	return c >= 'K' && c < 'K' + KEYS ? (size_t)(c - 'K') : KEYS;
}

static struct trust *
file_of(const uint8_t *data, size_t size)
{
	struct trust *t = malloc(sizeof(*t) + TEXT_MAX);

	must(t != NULL);
	*t = (struct trust){ .n = 0 };
	for (size_t i = 0; i < size; i++) {
		size_t k = data[i] == '@' && i + 1 < size ? letter(data[i + 1]) : KEYS;

		if (k == KEYS) {
			t->bytes[t->n++] = data[i];
			continue;
		}
		memcpy(t->bytes + t->n, keys[k].text, strlen(keys[k].text));
		t->n += strlen(keys[k].text);
		i++;
	}
	return t;
}

static bool
has(struct span list, struct span blob)
{
	struct rd r = rd_of(list);

	while (r.n > 0 && !r.bad)
		if (span_eq(rd_blob(&r, KEY_BLOB_MAX), blob))
			return true;
	return false;
}

/* Is this line what it is said to be? */
static void
check_gone(struct span text, uint32_t line, struct span blob)
{
	struct known_hosts_entry e = { .line = 0 };

	while (e.line != line)
		must(monitor_known_hosts_next(&text, name, &e));
	must(e.is_host && e.is_simple && span_eq(span_of(e.key, e.key_len), blob));
}

static void
check_said(struct span text, struct span list)
{
	struct ipc_HOSTKEYS_CHANGED changed;
	struct ipc_HOSTKEYS_ASK ask;
	struct rd r;

	while (play_next() != 0) {
		PLAY_DECODE(HOSTKEYS_CHANGED, &changed);
		must(changed.added.n == 0 && has(list, key(0)));	/* nothing was proven */
		for (r = rd_of(changed.gone); r.n > 0;) {
			uint32_t file = rd_u32(&r), line = rd_u32(&r);
			struct span blob = rd_blob(&r, KEY_BLOB_MAX);

			must(!r.bad && file == 0 && !has(list, blob));
			check_gone(text, line, blob);
		}
	}
	while (play_take(worker->link)) {
		PLAY_DECODE(HOSTKEYS_ASK, &ask);
		must(has(list, key(0)));
		for (r = rd_of(ask.keys); r.n > 0;) {
			struct span blob = rd_blob(&r, KEY_BLOB_MAX);

			must(!r.bad && has(list, blob) && !span_eq(blob, key(0)));
			must(monitor_known_hosts_check(text, name, blob).trust != 0);
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t buf[8192];
	struct wr list = wr_of(buf, sizeof(buf));
	struct trust *copy;
	size_t at = 0;

	if (size > FUZZ_MAX)
		return 0;
	if (conn == NULL)
		start();
	for (; at < size && data[at] != '\n' && at < IPC_HOSTKEYS_MAX; at++) {
		size_t k = letter(data[at]);

		wr_blob(&list, k < KEYS ? key(k) : span_of(data + at, 1), KEY_BLOB_MAX);
	}
	conn->trust = file_of(data + at, size - at);
	copy = file_of(data + at, size - at);
	conn->may_update = true;
	must(monitor_update_on_told(conn, &(struct ipc_HOSTKEYS_TOLD){ .keys = wr_span(&list) }) ==
	    (list.n > 0 ? 0 : IPC_BROKEN));
	monitor_conn_distrust(conn);
	monitor_app_flush(play.m);
	check_said(span_of(copy->bytes, copy->n), wr_span(&list));
	monitor_update_free(conn);
	free(copy);
	return 0;
}
