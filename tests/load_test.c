/*
 * load_test.c - many things at once on one connection: 64 channels with data both ways
 * while both sides renew their keys every 64 KiB, over a network that takes odd pieces;
 * and a hundred thousand opens and refusals that leave nothing behind.
 */
#include <dirent.h>
#include <sys/epoll.h>

#include "tests/seed.h"

enum { CHANNELS = 64, ODD = 9973, EVENTS = 64 };
#ifdef POSTERN_SAN
/* freed memory is kept in quarantine */
enum { PER_CHANNEL = 256 << 10, OPENS = 2000, GROWTH_KIB = 65536 };
#else
enum { PER_CHANNEL = 8 << 20, OPENS = 100000, GROWTH_KIB = 512 };	/* 8 MiB there and back, 64 times */
#endif

/* ---- 64 channels ---- */

struct stream {
	postern_channel *ch;
	int fd;
	uint32_t out, in;		/* generators: what is next           */
	size_t sent, got, at, have;
	uint8_t piece[ODD];
	bool shut;
};

/* The same bytes for the same channel on both ways, others for every other. */
static uint8_t
next_byte(uint32_t *g)
{
	*g = *g * 1664525u + 1013904223u;
	return (uint8_t)(*g >> 24);
}

static void
stream_write(struct stream *s)
{
	while (s->sent < PER_CHANNEL) {
		ssize_t n;

		if (s->at == s->have) {
			/* a length that fits nothing */
			s->have = 1 + (s->sent * 31 + (size_t)s->fd * 7) % (ODD - 1);
			if (s->have > PER_CHANNEL - s->sent)
				s->have = PER_CHANNEL - s->sent;
			for (size_t i = 0; i < s->have; i++)
				s->piece[i] = next_byte(&s->out);
			s->at = 0;
		}
		n = send(s->fd, s->piece + s->at, s->have - s->at, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0) {
			assert_int_equal(errno, EAGAIN);
			return;
		}
		s->at += (size_t)n;
		s->sent += (size_t)n;
	}
	if (!s->shut)
		assert_int_equal(shutdown(s->fd, SHUT_WR), 0);
	s->shut = true;
}

/* False: its end. */
static bool
stream_read(struct stream *s)
{
	uint8_t buf[65536];
	ssize_t n;

	while ((n = recv(s->fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			if (buf[i] != next_byte(&s->in))
				fail_msg("channel %d: byte %zu is another", s->fd, s->got + (size_t)i);
		s->got += (size_t)n;
	}
	if (n < 0)
		assert_int_equal(errno, EAGAIN);
	return n != 0;
}

static long
odd_send(void *user, const void *data, size_t len)
{
	static size_t step;
	ssize_t n;

	step = step * 5 % 65521 + 7;
	n = send(*(int *)user, data, len > step ? step : len, MSG_DONTWAIT | MSG_NOSIGNAL);
	return n < 0 ? -errno : n;
}

static long
odd_recv(void *user, void *data, size_t len)
{
	static size_t step;
	ssize_t n;

	step = step * 3 % 65521 + 11;
	n = recv(*(int *)user, data, len > step ? step : len, MSG_DONTWAIT);
	return n < 0 ? -errno : n;
}

static postern_transport *
over_odd_pieces(int *socket_of_client, const struct postern_options *o)
{
	struct postern_client_config cfg = seed_client();
	struct postern_io io = POSTERN_IO;
	postern_transport *ours, *theirs;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	*socket_of_client = pair[1];
	io.user = socket_of_client;
	io.fd = pair[1];
	io.send = odd_send;
	io.recv = odd_recv;
	assert_int_equal(postern_transport_new(&theirs, house.ctx, pair[0]), 0);
	assert_int_equal(postern_transport_new_io(&ours, house.ctx, &io), 0);
	assert_int_equal(postern_transport_start_server_async(theirs, seed_server(0, o), NULL), 0);
	cfg.options = o;
	assert_int_equal(postern_transport_connect(ours, &cfg, "robey", "foo", NULL, SOON), 0);
	return ours;
}

static void
sixty_four_channels(void **state)
{
	static struct stream streams[CHANNELS];
	struct postern_options o = POSTERN_OPTIONS;
	struct postern_agreement a = POSTERN_AGREEMENT;
	struct postern_event ev = POSTERN_EVENT;
	struct epoll_event e[EVENTS];
	int set = epoll_create1(EPOLL_CLOEXEC), network, open_streams = CHANNELS;
	postern_transport *t;

	(void)state;
	o.rekey_bytes = 64 * 1024;
	o.rekey_burst = 1u << 30;
	o.rekey_per_second = 1u << 20;
	o.channel_max = CHANNELS;
	t = over_odd_pieces(&network, &o);
	for (int i = 0; i < CHANNELS; i++) {
		struct stream *s = &streams[i];

		*s = (struct stream){ .ch = seed_session(t), .out = (uint32_t)i, .in = (uint32_t)i };
		s->fd = postern_channel_fd(s->ch);
		assert_int_equal(postern_channel_exec_command(s->ch, "cat", SOON), 0);
		e[0] = (struct epoll_event){ .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = s };
		assert_int_equal(epoll_ctl(set, EPOLL_CTL_ADD, s->fd, &e[0]), 0);
	}
	e[0] = (struct epoll_event){ .events = EPOLLIN, .data.ptr = NULL };
	assert_int_equal(epoll_ctl(set, EPOLL_CTL_ADD, postern_context_fd(house.ctx), &e[0]), 0);
	while (open_streams > 0) {
		int n = epoll_wait(set, e, EVENTS, SOON);

		assert_true(n > 0);
		for (int i = 0; i < n; i++) {
			struct stream *s = e[i].data.ptr;

			if (s == NULL) {
				while (postern_next(house.ctx, &ev, 0) == 1)
					assert_int_not_equal(ev.type, POSTERN_EVENT_END);
				continue;
			}
			stream_write(s);
			if (!stream_read(s)) {
				assert_int_equal(epoll_ctl(set, EPOLL_CTL_DEL, s->fd, NULL), 0);
				open_streams--;
			}
		}
	}
	for (int i = 0; i < CHANNELS; i++) {
		assert_int_equal(streams[i].got, PER_CHANNEL);
		postern_channel_free(streams[i].ch);
	}
	assert_int_equal(postern_transport_get_agreement(t, &a), 0);
	print_message("# %d MiB each way, %llu key exchanges\n", CHANNELS * (PER_CHANNEL >> 10) >> 10,
	    (unsigned long long)a.exchanges);
	assert_true(a.exchanges > (uint64_t)CHANNELS * PER_CHANNEL / (1 << 20));
	assert_int_equal(close(set), 0);
	postern_transport_free(t);
	assert_int_equal(close(network), 0);
}

/* ---- a hundred thousand ---- */

static size_t
entries(const char *path)
{
	DIR *d = opendir(path);
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	assert_int_equal(closedir(d), 0);
	return n;
}

static size_t
resident_kib(int pid)
{
	char path[64], line[256];
	size_t kib = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		(void)sscanf(line, "VmRSS: %zu", &kib);
	assert_int_equal(fclose(f), 0);
	assert_true(kib > 0);
	return kib;
}

struct holding { size_t fds[4], kib[4]; };

static struct holding
holdings(const int pids[4])
{
	struct holding h;
	char path[64];

	for (int i = 0; i < 4; i++) {
		(void)snprintf(path, sizeof(path), "/proc/%d/fd", pids[i]);
		h.fds[i] = entries(path);
		h.kib[i] = resident_kib(pids[i]);
	}
	return h;
}

static void
open_and_refuse(postern_transport *t, int times)
{
	postern_channel *ch;

	for (int i = 0; i < times; i++) {
		if (i % 2 == 0) {
			assert_int_equal(postern_transport_open_channel(t, &ch, "odd@test", NULL, NULL, 0,
			    NULL, SOON), POSTERN_EREFUSED);
		} else {
			assert_int_equal(postern_transport_open_session(t, &ch, SOON), 0);
			postern_channel_free(ch);
		}
	}
}

static void
a_hundred_thousand_opens(void **state)
{
	postern_transport *t = seed_logged_in();
	int pids[4] = { getpid(), postern_context_monitor_pid(house.ctx),
	    postern_transport_worker_pid(t), postern_transport_worker_pid(house.theirs) };
	struct holding before, after;

	(void)state;
	open_and_refuse(t, OPENS / 50);
	before = holdings(pids);
	open_and_refuse(t, OPENS);
	(void)seed_session(t);		/* what was on its way has arrived */
	after = holdings(pids);
	for (int i = 0; i < 4; i++) {
		print_message("# process %d: %zu -> %zu KiB, %zu -> %zu descriptors\n", i,
		    before.kib[i], after.kib[i], before.fds[i], after.fds[i]);
		/* the last session's own pair, and one that is on its way out */
		assert_true(after.fds[i] <= before.fds[i] + 4);
		assert_true(after.kib[i] <= before.kib[i] + GROWTH_KIB);
	}
	assert_true(postern_transport_is_active(t));
}

#define T(f) cmocka_unit_test_setup_teardown(f, seed_setup, seed_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(sixty_four_channels), T(a_hundred_thousand_opens),
	};

	return cmocka_run_group_tests_name("load", tests, NULL, NULL);
}
