/*
 * fuzz_agent.c - hostile bytes from an SSH agent, for libFuzzer.
 *
 * The first byte of an input says whether the rest comes in place of the agent's list
 * of keys, or after a good list, while a login waits for its signature.  Besides the
 * sanitizers: the monitor lives, no worker is handed a signature, and nothing of the
 * agent is left when it is gone.
 */
#include "tests/monitor_play.h"
#include "tests/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct play_child *worker;
static int agent;

static void
run(void)
{
	for (int i = 0; i < PLAY_TURNS; i++)
		must(monitor_turn(play.m, 0));
}

static void
feed(const uint8_t *p, size_t n)
{
	(void)send(agent, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	run();
}

static void
good_list(void)
{
	uint8_t frame[256], body[200];
	struct wr w = wr_of(frame, sizeof(frame)), b = wr_of(body, sizeof(body));

	wr_u8(&b, 12);
	wr_u32(&b, 1);
	wr_blob(&b, span_of(play.user_blob, play.user_blob_len), 64);
	wr_str(&b, "");
	wr_blob(&w, wr_span(&b), sizeof(body));
	feed(frame, w.n);
}

/* Drops the agent's keys as the application learns of them; the last key's serial. */
static uint64_t
hear(bool drop)
{
	struct ipc_AGENT_KEY k;
	uint64_t last = 0;

	while (play_next() != 0) {
		struct rd r = { play.rx + 1, play.rx_len - 1, false };

		if (play.rx[0] != IPC_MSG_AGENT_KEY)
			continue;
		must(ipc_get_AGENT_KEY(&r, play.rx_fds, &k));
		last = k.key;
		if (drop)
			must(monitor_keys_on_drop(play.m, &(struct ipc_KEY_DROP){ .key = last }) == 0);
	}
	return last;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	struct play_proof proof;
	uint64_t key = 0;
	int pair[2];

	if (!ready) {
		(void)play_setup(NULL);
		worker = play_client(1, &proof);
		ready = true;
	}
	if (size == 0)
		return 0;
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	agent = pair[0];
	must(monitor_agent_on_agent(play.m, &(struct ipc_AGENT){ .call = 1,
	    .socket = pair[1] }) == 0);
	if (data[0] % 2 == 1) {
		good_list();
		key = hear(false);
		must(key != 0);
		must(monitor_try_publickey(play.m, &(struct ipc_TRY_PUBLICKEY){ .conn = 1,
		    .user = span_str("bob"), .key = key }) == 0);
	}
	feed(data + 1, size - 1);
	(void)hear(true);
	close(agent);
	run();
	(void)hear(true);
	if (key != 0)
		must(monitor_keys_on_drop(play.m, &(struct ipc_KEY_DROP){ .key = key }) == 0);
	run();
	must(play.m->agents == NULL && !play_take(worker->link));
	return 0;
}
