/* sock.c: whole messages, declared descriptors, nothing left behind. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "ipc/ipc.h"

static int a, b;		/* the two ends */
static uint8_t buf[IPC_MESSAGE_MAX + 1];

static unsigned
count_fds(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			n++;
	return n;
}

static int
open_pair(void **state)
{
	int pair[2];

	(void)state;
	if (ipc_pair(pair) != 0)
		return -1;
	a = pair[0];
	b = pair[1];
	return 0;
}

static int
close_pair(void **state)
{
	(void)state;
	(void)close(a);
	(void)close(b);
	return 0;
}

static void
pair_is_closed_on_exec(void **state)
{
	(void)state;
	assert_true(fcntl(a, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(b, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(a, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(b, F_GETFL) & O_NONBLOCK);
}

static void
empty_link(void **state)
{
	int fds[IPC_FDS_MAX];
	size_t nfds = 9;

	(void)state;
	assert_int_equal(ipc_recv(a, buf, sizeof(buf), fds, &nfds), -EAGAIN);
	assert_int_equal(nfds, 0);
	assert_int_equal(ipc_recv_plain(a, buf, sizeof(buf)), -EAGAIN);
	close(b);
	assert_int_equal(ipc_recv(a, buf, sizeof(buf), fds, &nfds), 0);
	assert_int_equal(ipc_recv_plain(a, buf, sizeof(buf)), 0);
	/* no SIGPIPE either: its default would end this test */
	assert_int_equal(signal(SIGPIPE, SIG_DFL) == SIG_ERR, 0);
	assert_int_equal(ipc_send(a, span_str("x"), NULL, 0), -EPIPE);
	assert_int_equal(ipc_send(a, span_str("x"), &a, 1), -EPIPE);
	b = -1;
}

/* A process that ends says why, and leaves unread what came at that moment: the
 * kernel tells a reset before it hands out those last words. */
static void
last_words_of_one_that_did_not_listen(void **state)
{
	int fds[IPC_FDS_MAX];
	size_t nfds;

	for (int plain = 0; plain < 2; plain++) {
		assert_int_equal(ipc_send(a, span_str("unread"), NULL, 0), 0);
		assert_int_equal(ipc_send(b, span_str("because"), NULL, 0), 0);
		assert_int_equal(ipc_send(b, span_str("so"), NULL, 0), 0);
		close(b);
		assert_int_equal(plain ? ipc_recv_plain(a, buf, sizeof(buf)) :
		    ipc_recv(a, buf, sizeof(buf), fds, &nfds), 7);
		assert_memory_equal(buf, "because", 7);
		assert_int_equal(plain ? ipc_recv_plain(a, buf, sizeof(buf)) :
		    ipc_recv(a, buf, sizeof(buf), fds, &nfds), 2);
		assert_int_equal(plain ? ipc_recv_plain(a, buf, sizeof(buf)) :
		    ipc_recv(a, buf, sizeof(buf), fds, &nfds), 0);
		close(a);
		assert_int_equal(open_pair(state), 0);
	}
}

static void
boundaries_stay(void **state)
{
	int fds[IPC_FDS_MAX];
	size_t nfds;

	(void)state;
	assert_int_equal(ipc_send(a, span_str("one"), NULL, 0), 0);
	assert_int_equal(ipc_send(a, span_str("three"), NULL, 0), 0);
	assert_int_equal(ipc_recv(b, buf, sizeof(buf), fds, &nfds), 3);
	assert_int_equal(ipc_recv_plain(b, buf, sizeof(buf)), 5);
	assert_memory_equal(buf, "three", 5);
}

static void
sizes(void **state)
{
	static uint8_t big[IPC_MESSAGE_MAX + 1];
	int fds[IPC_FDS_MAX];
	size_t nfds;

	(void)state;
	assert_int_equal(ipc_send(a, span_of(big, 0), NULL, 0), -EINVAL);
	assert_int_equal(ipc_send(a, span_of(big, sizeof(big)), NULL, 0), -EINVAL);
	assert_int_equal(ipc_send(a, span_of(big, sizeof(big) - 1), NULL, 0), 0);
	assert_int_equal(ipc_recv(b, buf, sizeof(buf), fds, &nfds), IPC_MESSAGE_MAX);
	/* one byte more than there is room for */
	for (int plain = 0; plain < 2; plain++) {
		assert_int_equal(ipc_send(a, span_of(big, 11), NULL, 0), 0);
		assert_int_equal(ipc_send(a, span_of(big, 10), NULL, 0), 0);
		assert_int_equal(plain ? ipc_recv_plain(b, buf, 10) :
		    ipc_recv(b, buf, 10, fds, &nfds), -EPROTO);
		assert_int_equal(plain ? ipc_recv_plain(b, buf, 10) :
		    ipc_recv(b, buf, 10, fds, &nfds), 10);
	}
}

static void
never_blocks(void **state)
{
	static uint8_t big[IPC_MESSAGE_MAX];
	int rc, n = 0;

	(void)state;
	/* even where somebody made the descriptor block */
	assert_int_equal(fcntl(a, F_SETFL, 0), 0);
	assert_int_equal(fcntl(b, F_SETFL, 0), 0);
	assert_int_equal(ipc_recv_plain(b, buf, sizeof(buf)), -EAGAIN);
	while ((rc = ipc_send(a, span_of(big, sizeof(big)), NULL, 0)) == 0)
		n++;
	assert_int_equal(rc, -EAGAIN);
	assert_true(n >= 1);
	assert_int_equal(ipc_send(a, span_of(big, sizeof(big)), &b, 1), -EAGAIN);
}

static void
descriptors_arrive(void **state)
{
	int pipe_fds[2], fds[IPC_FDS_MAX], sent[3];
	size_t nfds;
	char c;

	(void)state;
	assert_int_equal(pipe(pipe_fds), 0);
	sent[0] = pipe_fds[0];
	sent[1] = pipe_fds[1];
	sent[2] = 0;
	for (size_t n = 1; n <= IPC_FDS_MAX; n++) {
		unsigned before = count_fds();

		assert_int_equal(ipc_send(a, span_str("m"), sent, n), 0);
		assert_int_equal(ipc_recv(b, buf, sizeof(buf), fds, &nfds), 1);
		assert_int_equal(nfds, n);
		assert_int_equal(count_fds(), before + n);
		for (size_t i = 0; i < n; i++)
			assert_true(fcntl(fds[i], F_GETFD) & FD_CLOEXEC);
		ipc_close_fds(fds, nfds);
		assert_int_equal(count_fds(), before);
		assert_int_equal(fds[0], -1);
	}
	/* the order is kept, and the sender's stay the sender's */
	assert_int_equal(ipc_send(a, span_str("m"), sent, 2), 0);
	assert_int_equal(ipc_recv(b, buf, sizeof(buf), fds, &nfds), 1);
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_int_equal(read(pipe_fds[0], &c, 1), 1);
	assert_int_equal(c, 'x');
	ipc_close_fds(fds, nfds);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	assert_int_equal(ipc_send(a, span_str("m"), sent, IPC_FDS_MAX + 1), -EINVAL);
}

/* Sends n descriptors past ipc_send's own check, as a hostile peer would. */
static void
smuggle(size_t n, const char *bytes, size_t len)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(64 * sizeof(int))];
	} control = { .room = { 0 } };
	struct iovec iov = { (void *)(uintptr_t)bytes, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room,
		.msg_controllen = CMSG_SPACE(n * sizeof(int)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	int zero = 0;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	for (size_t i = 0; i < n; i++)
		memcpy(CMSG_DATA(c) + i * sizeof(int), &zero, sizeof(int));
	assert_int_equal(sendmsg(a, &msg, 0), (ssize_t)len);
}

static void
too_many_descriptors(void **state)
{
	unsigned before = count_fds();
	int fds[IPC_FDS_MAX];
	size_t nfds;

	(void)state;
	for (size_t n = IPC_FDS_MAX + 1; n <= 64; n++) {
		smuggle(n, "m", 1);
		assert_int_equal(ipc_recv(b, buf, sizeof(buf), fds, &nfds), -EPROTO);
		assert_int_equal(nfds, 0);
		assert_int_equal(count_fds(), before);
	}
}

static void
descriptors_on_odd_messages(void **state)
{
	unsigned before = count_fds();
	int fds[IPC_FDS_MAX];
	size_t nfds;

	(void)state;
	smuggle(1, "longer", 6);
	assert_int_equal(ipc_recv(b, buf, 5, fds, &nfds), -EPROTO);
	smuggle(1, "", 0);		/* not the end of the link */
	assert_int_equal(ipc_recv(b, buf, 5, fds, &nfds), -EPROTO);
	assert_int_equal(nfds, 0);
	assert_int_equal(count_fds(), before);
}

/* No place for what came: the message is there, without it.  Whoever fills our table
 * of descriptors must not be able to make a whole link look broken. */
static void
no_place_for_descriptors(void **state)
{
	struct rlimit old, low;
	int fds[IPC_FDS_MAX];
	size_t nfds = 9;
	ssize_t n;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	for (size_t room = 0; room < 3; room++) {
		unsigned before;
		int next = dup(0);

		assert_true(next > 0);
		close(next);
		before = count_fds();
		low = (struct rlimit){ (rlim_t)next + room, old.rlim_max };
		smuggle(3, "m", 1);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
		n = ipc_recv(b, buf, sizeof(buf), fds, &nfds);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
		assert_int_equal(n, 1);
		assert_int_equal(nfds, 0);
		assert_int_equal(count_fds(), before);
	}
}

/* From who may send none: dropped by the kernel, and the message still read. */
static void
plain_takes_none(void **state)
{
	unsigned before = count_fds();

	(void)state;
	smuggle(3, "m", 1);
	assert_int_equal(ipc_recv_plain(b, buf, sizeof(buf)), 1);
	assert_int_equal(count_fds(), before);
}

static void
credentials_are_not_asked_for(void **state)
{
	int on = 1, fds[IPC_FDS_MAX];
	size_t nfds;

	(void)state;
	assert_int_equal(setsockopt(b, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
	assert_int_equal(ipc_send(a, span_str("m"), NULL, 0), 0);
	assert_int_equal(ipc_recv(b, buf, sizeof(buf), fds, &nfds), -EPROTO);
}

static void
encoded(void **state)
{
	uint8_t room[8] = "secret!";
	struct wr w = wr_of(room, sizeof(room));

	(void)state;
	w.n = 3;
	assert_int_equal(ipc_send_encoded(a, &w, NULL, 0, 0), 0);
	assert_int_equal(room[0], 's');
	assert_int_equal(ipc_send_encoded(a, &w, NULL, 0, SECRET), 0);
	/* all of it, what lay behind the message too */
	for (size_t i = 0; i < sizeof(room); i++)
		assert_int_equal(room[i], 0);
	memcpy(room, "secret!", 8);
	w.bad = true;
	assert_int_equal(ipc_send_encoded(a, &w, NULL, 0, SECRET), -EMSGSIZE);
	assert_int_equal(room[6], 0);
	assert_int_equal(ipc_recv_plain(b, buf, sizeof(buf)), 3);
	assert_int_equal(ipc_recv_plain(b, buf, sizeof(buf)), 3);
	assert_int_equal(ipc_recv_plain(b, buf, sizeof(buf)), -EAGAIN);
}

static void
generated_sender(void **state)
{
	struct ipc_KEY_DROP m = { .key = 0x0102030405060708 };
	struct ipc_TRUST_KEY long_one = { .key = span_of(buf, 8193) };

	(void)state;
	assert_int_equal(ipc_send_KEY_DROP(a, &m), 0);
	assert_int_equal(ipc_recv_plain(b, buf, sizeof(buf)), 9);
	assert_memory_equal(buf, "\x43\1\2\3\4\5\6\7\10", 9);
	assert_int_equal(ipc_send_TRUST_KEY(a, &long_one), -EMSGSIZE);
	assert_int_equal(ipc_recv_plain(b, buf, sizeof(buf)), -EAGAIN);
}

#define T(f) cmocka_unit_test_setup_teardown(f, open_pair, close_pair)
int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(pair_is_closed_on_exec), T(empty_link),
		T(last_words_of_one_that_did_not_listen), T(boundaries_stay), T(sizes),
		T(never_blocks), T(descriptors_arrive), T(too_many_descriptors),
		T(descriptors_on_odd_messages), T(no_place_for_descriptors), T(plain_takes_none),
		T(credentials_are_not_asked_for), T(encoded), T(generated_sender),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
