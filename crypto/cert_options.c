/*
 * cert_options.c - critical options and extensions of certificates, and the one that
 * needs work, source-address.
 *
 * A critical option restricts: one that is not understood forbids the certificate
 * altogether.  An extension permits: one that is not understood permits nothing.
 * Order and uniqueness are checked (PROTOCOL.certkeys), or of two force-commands the
 * reader would choose.
 */
#include "crypto/cert_options.h"

#include <arpa/inet.h>

static const struct { const char *name; unsigned bit; } permits[] = {
	{ "permit-X11-forwarding", CERT_PERMIT_X11 },
	{ "permit-agent-forwarding", CERT_PERMIT_AGENT },
	{ "permit-port-forwarding", CERT_PERMIT_PORT },
	{ "permit-pty", CERT_PERMIT_PTY },
	{ "permit-user-rc", CERT_PERMIT_USER_RC },
	{ "no-touch-required", CERT_NO_TOUCH },
};

bool
cert_option_next(struct blob *options, struct blob *name, struct blob *data)
{
	if (options->n == 0 || options->bad)
		return false;
	*name = blob_string(options, CERT_OPTION_NAME_MAX);
	*data = blob_string(options, KEY_BLOB_MAX);
	return !options->bad;
}

/* Lexical order, as bytes: a before b and not the same. */
static bool
precedes(struct blob a, struct blob b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int r = n > 0 ? memcmp(a.p, b.p, n) : 0;

	return r < 0 || (r == 0 && a.n < b.n);
}

static const char *
check_form(struct blob list)
{
	struct blob name, data, last = blob_of(NULL, 0);
	unsigned count = 0;

	while (cert_option_next(&list, &name, &data)) {
		if (name.n == 0 || memchr(name.p, 0, name.n) != NULL)
			return "an option of the certificate has no proper name";
		if (++count > CERT_OPTIONS_MAX)
			return "the certificate has too many options";
		if (count > 1 && !precedes(last, name))
			return "the certificate's options are out of order or repeated";
		last = name;
	}
	return blob_done(&list) ? NULL : "the certificate's options are malformed";
}

/* Data that is one string of text. */
static bool
take_text(struct blob data, struct blob *text)
{
	*text = blob_string(&data, KEY_BLOB_MAX);
	return blob_done(&data) && (text->n == 0 || memchr(text->p, 0, text->n) == NULL);
}

static const char *
read_critical(struct cert *c, struct blob name, struct blob data)
{
	bool good = true;

	if (blob_is_name(name, "force-command")) {
		c->has_force_command = true;
		good = take_text(data, &c->force_command);
	} else if (blob_is_name(name, "source-address")) {
		c->has_source_address = true;
		good = take_text(data, &c->source_address);
	} else if (blob_is_name(name, "verify-required")) {
		c->verify_required = true;
		good = data.n == 0;
	} else {
		c->unknown = name;
	}
	return good ? NULL : "a critical option of the certificate is malformed";
}

static const char *
read_extension(struct cert *c, struct blob name, struct blob data)
{
	for (size_t i = 0; i < sizeof(permits) / sizeof(permits[0]); i++) {
		if (!blob_is_name(name, permits[i].name))
			continue;
		if (data.n > 0)
			return "an extension of the certificate is malformed";
		c->permits |= permits[i].bit;
	}
	return NULL;
}

const char *
cert_options_parse(struct cert *c)
{
	struct blob list = c->critical, name, data;
	const char *why = check_form(c->critical);

	if (why == NULL)
		why = check_form(c->extensions);
	while (why == NULL && cert_option_next(&list, &name, &data)) {
		if (c->type == CERT_USER)
			why = read_critical(c, name, data);
		else
			c->unknown = name;
	}
	list = c->extensions;
	while (why == NULL && c->type == CERT_USER && cert_option_next(&list, &name, &data))
		why = read_extension(c, name, data);
	return why;
}

/* ---- source-address ---- */

enum { ADDRESS_TEXT_MAX = INET6_ADDRSTRLEN, V4_BITS = 32, V6_BITS = 128 };
struct address { unsigned bits; uint8_t bytes[V6_BITS / 8]; };

/* IPv4 in IPv6's clothes is IPv4: the peer of a socket for both comes so. */
static bool
read_address(const char *text, struct address *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	*a = (struct address){ .bits = V4_BITS };
	if (inet_pton(AF_INET, text, a->bytes) == 1)
		return true;
	a->bits = V6_BITS;
	if (inet_pton(AF_INET6, text, a->bytes) != 1)
		return false;
	if (memcmp(a->bytes, mapped, sizeof(mapped)) == 0) {
		memmove(a->bytes, a->bytes + sizeof(mapped), V4_BITS / 8);
		a->bits = V4_BITS;
	}
	return true;
}

static bool
bit(const struct address *a, unsigned i)
{
	return (a->bytes[i / 8] >> (7 - i % 8) & 1) != 0;
}

/* Decimal, without sign, blank or surplus zero. */
static bool
read_length(struct blob text, unsigned max, unsigned *out)
{
	unsigned n = 0;

	if (text.n == 0 || text.n > 3 || (text.n > 1 && text.p[0] == '0'))
		return false;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		n = n * 10 + (unsigned)(text.p[i] - '0');
	}
	*out = n;
	return n <= max;
}

/* address[/length]: 1 it covers the address, 0 not, -1 malformed.  Bits behind the
 * length must be 0, or the CA meant something else than it wrote. */
static int
covers(struct blob entry, const struct address *peer)
{
	const uint8_t *slash = entry.n > 0 ? memchr(entry.p, '/', entry.n) : NULL;
	size_t n = slash != NULL ? (size_t)(slash - entry.p) : entry.n;
	char text[ADDRESS_TEXT_MAX + 1];
	struct address net;
	unsigned length;

	if (n == 0 || n > ADDRESS_TEXT_MAX)
		return -1;
	memcpy(text, blob_take(&entry, n).p, n);
	text[n] = 0;
	if (!read_address(text, &net))
		return -1;
	length = net.bits;
	if (slash != NULL) {
		(void)blob_take(&entry, 1);	/* the slash */
		if (!read_length(entry, net.bits, &length))
			return -1;
	}
	for (unsigned i = length; i < net.bits; i++)
		if (bit(&net, i))
			return -1;
	if (net.bits != peer->bits)
		return 0;
	for (unsigned i = 0; i < length; i++)
		if (bit(&net, i) != bit(peer, i))
			return 0;
	return 1;
}

const char *
cert_source(const struct cert *c, const char *address)
{
	struct blob list = c->source_address;
	struct address peer;
	bool found = false;
	unsigned count = 0;

	if (!c->has_source_address)
		return NULL;
	if (!read_address(address, &peer))
		return "the certificate is bound to addresses, and the peer has none";
	for (bool more = true; more;) {
		const uint8_t *comma = list.n > 0 ? memchr(list.p, ',', list.n) : NULL;
		size_t n = comma != NULL ? (size_t)(comma - list.p) : list.n;
		int r = covers(blob_take(&list, n), &peer);

		if (r < 0 || ++count > CERT_SOURCES_MAX)
			return "the certificate's source-address is malformed";
		found = found || r > 0;
		more = comma != NULL;
		if (more)
			(void)blob_take(&list, 1);	/* the comma */
	}
	return found ? NULL : "the certificate may not be used from this address";
}
