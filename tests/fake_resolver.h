/*
 * fake_resolver.h - a postern-resolve that knows the names of the tests, and some that
 * make it say what no resolver should.
 */
#ifndef TESTS_FAKE_RESOLVER_H
#define TESTS_FAKE_RESOLVER_H

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "ipc/ipc.h"

#define FAKE_V4(a, b, c, d) "\4" a b c d
#define FAKE_MAPPED "\6\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1\0\0\0\0"
#define FAKE_ANY6 "\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define FAKE_LOOPBACK FAKE_V4("\x7f", "\0", "\0", "\1")

static const struct fake_name {
	const char *name;
	uint32_t error;
	const char *list;
	size_t n;
} fake_names[] = {
#define FAKE_NAME(name, list) { name, 0, list, sizeof(list) - 1 }
	FAKE_NAME("localhost", FAKE_LOOPBACK),
	/* nobody listens on the first */
	FAKE_NAME("two.test", FAKE_V4("\x7f", "\0", "\0", "\2") FAKE_LOOPBACK),
	FAKE_NAME("mapped.test", FAKE_MAPPED),
	FAKE_NAME("any.test", FAKE_V4("\0", "\0", "\0", "\0") FAKE_ANY6),
	/* not addresses, or not whole */
	FAKE_NAME("empty.test", ""),
	FAKE_NAME("family.test", "\5\x7f\0\0\1"),
	FAKE_NAME("cut4.test", FAKE_LOOPBACK "\4\x7f\0\0"),
	FAKE_NAME("cut6.test", "\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0"),
	FAKE_NAME("bare.test", FAKE_LOOPBACK "\4"),
	FAKE_NAME("many.test", FAKE_LOOPBACK FAKE_LOOPBACK FAKE_LOOPBACK FAKE_LOOPBACK
	    FAKE_LOOPBACK FAKE_LOOPBACK FAKE_LOOPBACK FAKE_LOOPBACK FAKE_LOOPBACK FAKE_LOOPBACK
	    FAKE_LOOPBACK FAKE_LOOPBACK FAKE_LOOPBACK FAKE_LOOPBACK FAKE_LOOPBACK FAKE_LOOPBACK
	    FAKE_LOOPBACK),
	{ "again.test", EAGAIN, "", 0 },
	{ "strange.test", 0x80000000, "", 0 },
#undef FAKE_NAME
};

static inline void
fake_resolver_say(int link, struct span host)
{
	struct ipc_ADDRESSES m = { .error = ENOENT, .list = span_str("") };

	if (span_is(host, "slow.test"))
		(void)poll(NULL, 0, -1);
	if (span_is(host, "dies.test"))
		_exit(1);
	if (span_is(host, "babbles.test"))
		_exit(write(link, "\xd5", 1) != 1);
	for (size_t i = 0; i < sizeof(fake_names) / sizeof(fake_names[0]); i++) {
		if (span_is(host, fake_names[i].name)) {
			m.error = fake_names[i].error;
			m.list = span_of(fake_names[i].list, fake_names[i].n);
		}
	}
	_exit(ipc_send_ADDRESSES(link, &m) != 0);
}

/* The whole process. */
static inline void
fake_resolver_main(int link)
{
	static uint8_t buf[IPC_MAX_RESOLVE];
	struct pollfd p = { .fd = link, .events = POLLIN };
	struct ipc_once once = { { 0 } };
	struct ipc_RESOLVE m;
	struct rd r;
	ssize_t n;

	(void)poll(&p, 1, -1);
	n = ipc_recv_plain(link, buf, sizeof(buf));
	if (n <= 0 || ipc_admit(IPC_A2R, P_HELLO, K_ANY, &once, buf, (size_t)n, 0, NULL) == NULL)
		_exit(2);
	r = rd_of(span_of(buf + 1, (size_t)n - 1));
	if (!ipc_get_RESOLVE(&r, NULL, &m))
		_exit(2);
	fake_resolver_say(link, m.host);
}

#endif
