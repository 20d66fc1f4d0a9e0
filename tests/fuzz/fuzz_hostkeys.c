/*
 * fuzz_hostkeys.c - what a client may ask to have proven of our host keys (OpenSSH's
 * PROTOCOL 2.5), for libFuzzer: one login, and each input is a request on it.
 *
 * The first byte says which proofs the monitor gives, the rest are keys.  Besides the
 * sanitizers: one answer to each request, yes only if each key was ours and proven, as
 * many signatures as keys; and the connection lives on.
 */
#include "proto/transport_state.h"
#include "tests/worker_lab.h"
#include "tests/fuzz/must.h"

enum { FUZZ_MAX = 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct lab *lab;

/* Two keys, one of them with two algorithms, and a certificate. */
static void
start(void)
{
	static const char *const pair[][2] = { { "rsa-sha2-512", "r" }, { "ssh-ed25519", "kk" },
		{ "rsa-sha2-256", "r" }, { "ssh-ed25519-cert-v01@openssh.com", "c" } };
	static const struct lab_options server = { .role = SSH_SERVER };
	static uint8_t buf[256];
	struct wr w = wr_of(buf, sizeof(buf));

	must(lab_setup() == 0);
	for (size_t i = 0; i < 4; i++) {
		wr_str(&w, pair[i][0]);
		wr_str(&w, pair[i][1]);
	}
	lab = lab_open(&server);
	free(lab->w->tr->hostkeys);
	lab->w->tr->hostkeys = malloc(w.n);
	must(lab->w->tr->hostkeys != NULL);
	memcpy(lab->w->tr->hostkeys, w.p, w.n);
	lab->w->tr->cfg.hostkeys = span_of(lab->w->tr->hostkeys, w.n);
}

static void
proofs(uint8_t given, unsigned asked)
{
	struct ipc_PROVE m;
	struct rd r = rd_of(span_of(lab->words[IPC_MSG_PROVE], lab->words_n[IPC_MSG_PROVE]));

	(void)rd_u8(&r);
	must(ipc_get_PROVE(&r, NULL, &m));
	must(span_is(m.key, "r") || span_is(m.key, "kk"));
	must(ipc_send_PROOF(lab->link, &(struct ipc_PROOF){
	    .signature = span_str(given >> (asked % 8) & 1 ? "signature" : "") }) == 0);
}

static unsigned
strings(struct rd r)
{
	unsigned n = 0;

	for (; r.n > 0 && !r.bad; n++)
		(void)rd_blob(&r, CHANNEL_EXTRA_MAX);
	must(rd_done(&r));
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned done, asked, proven = 0, all = 1;

	if (size == 0 || size > FUZZ_MAX)
		return 0;
	if (lab == NULL)
		start();
	lab->w->proven = 0;		/* each input is the first on its connection */
	done = lab->events[CE_CALL_DONE];
	asked = lab->said[IPC_MSG_PROVE];
	must(connection_global(lab->pc, 7, span_str("hostkeys-prove-00@openssh.com"),
	    span_of(data + 1, size - 1)) == PROTO_OK);
	for (int turns = 0; lab->events[CE_CALL_DONE] == done; turns++) {
		must(turns < LAB_TURNS);
		lab_turn(lab, 0);
		if (lab->said[IPC_MSG_PROVE] == asked + proven)
			continue;
		proofs(data[0], proven);
		all &= (unsigned)data[0] >> (proven % 8) & 1;
		proven++;
	}
	must(lab->alive && lab->w->prove == NULL && lab->events[CE_CALL_DONE] == done + 1);
	must(lab->call_ok == (proven > 0 && all == 1));
	if (lab->call_ok) {
		must(strings(rd_of(span_of(data + 1, size - 1))) == proven);
		must(strings(rd_of(span_of(lab->call_payload, lab->call_n))) == proven);
	}
	return 0;
}
