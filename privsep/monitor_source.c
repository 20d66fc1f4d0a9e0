/*
 * monitor_source.c - where peers come from, and how many from one place have not logged in.
 *
 * The address is the kernel's, by way of the application; a peer without one (a local
 * socket, a descriptor of another kind) comes from nowhere and is not counted.  A source
 * is the first bits of an address, for who has one address often has its neighbours too.
 */
#include "privsep/monitor.h"

#include <arpa/inet.h>

enum { IPV4 = 4, IPV6 = 6, IPV4_BYTES = 4, IPV6_BYTES = 16 };

void
monitor_source_address(struct span peer, char out[SOURCE_ADDRESS_MAX])
{
	struct span s = peer;

	while (s.n > 0 && s.p[s.n - 1] != ':')
		s.n--;
	if (s.n > 0)
		s.n--;
	if (s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
		s = span_of(s.p + 1, s.n - 2);
	monitor_names_copy(out, SOURCE_ADDRESS_MAX, s);
}

static void
keep_bits(uint8_t *bytes, size_t n, unsigned bits)
{
	for (size_t i = 0; i < n; i++) {
		unsigned kept = bits > 8 ? 8 : bits;

		bytes[i] &= (uint8_t)(0xff00 >> kept);
		bits -= kept;
	}
}

struct source
monitor_source_of(const struct ipc_CONFIG *cfg, struct span peer)
{
	char address[SOURCE_ADDRESS_MAX];
	struct source s = { .version = 0 };

	monitor_source_address(peer, address);
	if (inet_pton(AF_INET, address, s.bytes) == 1) {
		s.version = IPV4;
		keep_bits(s.bytes, IPV4_BYTES, cfg->source_bits_ipv4);
	} else if (inet_pton(AF_INET6, address, s.bytes) == 1) {
		s.version = IPV6;
		keep_bits(s.bytes, IPV6_BYTES, cfg->source_bits_ipv6);
	}
	return s;
}

unsigned
monitor_source_startups(const struct monitor *m, const struct source *s)
{
	unsigned n = 0;

	if (s->version == 0)
		return 0;
	for (size_t i = 0; i < MONITOR_BUCKETS; i++)
		for (const struct conn *c = m->table[i]; c != NULL; c = c->next)
			n += c->counted && c->source.version == s->version &&
			    memcmp(c->source.bytes, s->bytes, sizeof(s->bytes)) == 0;
	return n;
}
