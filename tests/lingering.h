/*
 * lingering.h - a descriptor that holds up who closes its last copy.
 */
#ifndef TESTS_LINGERING_H
#define TESTS_LINGERING_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LINGER_S = 20 };

/* A connection with more unsent than its peer takes, that was told to linger. */
static inline int
lingering(int *peer)
{
	const struct linger on = { .l_onoff = 1, .l_linger = LINGER_S };
	struct sockaddr_in here = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	static char much[1 << 16];
	socklen_t len = sizeof(here);
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&here, sizeof(here)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&here, &len), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&here, sizeof(here)), 0);
	*peer = accept(listener, NULL, NULL);
	assert_true(*peer >= 0);
	close(listener);
	while (send(fd, much, sizeof(much), MSG_DONTWAIT) > 0)
		;
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &on, sizeof(on)), 0);
	return fd;
}

#endif
