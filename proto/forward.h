/*
 * forward.h - what belongs to forwarding: the extra parts of CHANNEL_OPEN, global
 * requests and x11-req, parsed to fields; and which side may open what.
 *
 * Pure: no state, nothing is written, spans borrow from the packet.
 */
#ifndef PROTO_FORWARD_H
#define PROTO_FORWARD_H

#include "crypto/crypto.h"
#include "proto/ssh.h"

enum {
	FORWARD_HOST_MAX = 1024,	/* a name, an address or a path             */
	FORWARD_PORT_MAX = 65535,
	FORWARD_X11_PROTOCOL_MAX = 64, FORWARD_X11_COOKIE_MAX = 1024,
};

/* The values are those that cross processes (ipc_forward). */
enum forward_kind { FW_OTHER = 0, FW_DIRECT_TCPIP = 1, FW_FORWARDED_TCPIP = 2,
	FW_DIRECT_STREAMLOCAL = 3, FW_FORWARDED_STREAMLOCAL = 4, FW_X11 = 5, FW_AGENT = 6 };

/* May the peer of a receiver in this role open such a channel?  Types that are not
 * in the table may come from either side: they are for the application to know. */
bool forward_may_open(enum ssh_role receiver, struct span type);

/* FW_OTHER: a type without a grammar here. */
enum forward_kind forward_open_kind(struct span type);
struct forward_open {		/* unused fields are empty */
	struct span host;	/* where to, or what was connected to; or a path     */
	uint32_t port;
	struct span origin;
	uint32_t origin_port;
};
/* False: malformed, and *ret is untouched. */
CRYPTO_CHECKED bool forward_parse_open(enum forward_kind, struct span extra,
    struct forward_open *ret);

struct forward_listen {
	enum forward_kind kind;	/* FW_FORWARDED_*: what such a listener leads to     */
	bool cancel;
	struct span host;	/* or a path; "" is every address (RFC 4254 7.1)     */
	uint32_t port;
};
bool forward_is_listen(struct span request);
CRYPTO_CHECKED bool forward_parse_listen(struct span request, struct span payload,
    struct forward_listen *ret);

struct forward_x11 {
	bool single;
	struct span protocol, cookie;
	uint32_t screen;
};
bool forward_is_x11(struct span request);
CRYPTO_CHECKED bool forward_parse_x11(struct span payload, struct forward_x11 *ret);

#endif
