/* posternd_address_test.c - where a peer comes from, as the configuration is to see it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "apps/posternd.h"

/* Two ends of a connection by IPv4 to a socket of both families; false: there is no IPv6. */
static bool connect_both(struct sockaddr_in6 *at, int *client, int *server)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET6, SOCK_STREAM, 0), off = 0;
	socklen_t n = sizeof(*at);

	if (listener < 0 && errno == EAFNOSUPPORT)
		return false;
	assert_int_equal(setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)), 0);
	assert_int_equal(bind(listener, (struct sockaddr *)at, n), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)at, &n), 0);
	*client = socket(AF_INET, SOCK_STREAM, 0);
	to.sin_port = at->sin6_port;
	assert_int_equal(connect(*client, (struct sockaddr *)&to, sizeof(to)), 0);
	*server = accept(listener, NULL, NULL);
	assert_true(*server >= 0);
	close(listener);
	return true;
}

/* inetd and systemd listen with one socket for both: "Match address 10.0.0.0/8" is about
 * the peers that come through it too. */
static void an_ipv4_peer_is_one_through_a_socket_of_ipv6_too(void **state)
{
	struct sockaddr_in6 both = { .sin6_family = AF_INET6, .sin6_addr = in6addr_any };
	struct sockaddr_in own;
	char address[ACCOUNT_ADDRESS_MAX];
	socklen_t n = sizeof(own);
	int client, server;
	uint32_t port;

	(void)state;
	if (!connect_both(&both, &client, &server)) {
		print_message("# no IPv6 here, and no such socket\n");
		return;
	}
	assert_int_equal(getsockname(client, (struct sockaddr *)&own, &n), 0);
	posternd_address(server, getpeername, address, &port);
	assert_string_equal(address, "127.0.0.1");
	assert_int_equal(port, ntohs(own.sin_port));
	posternd_address(server, getsockname, address, &port);
	assert_string_equal(address, "127.0.0.1");
	assert_int_equal(port, ntohs(both.sin6_port));
	close(client);
	close(server);
}

static void what_has_no_address_is_unknown(void **state)
{
	char address[ACCOUNT_ADDRESS_MAX];
	uint32_t port;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	posternd_address(pair[0], getpeername, address, &port);
	assert_string_equal(address, "UNKNOWN");
	assert_int_equal(port, 65535);
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_ipv4_peer_is_one_through_a_socket_of_ipv6_too),
		cmocka_unit_test(what_has_no_address_is_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
