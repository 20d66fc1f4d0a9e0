/*
 * version.h - the identification string that opens a connection (RFC 4253 4.2).
 */
#ifndef PROTO_VERSION_H
#define PROTO_VERSION_H

#include "crypto/crypto.h"
#include "proto/ssh.h"

struct version {
	unsigned lines;			/* skipped before the identification */
};

/*
 * Takes one line from the front of what was received.  role is ours.
 *   *used == 0            no whole line yet: more bytes are needed
 *   *used > 0, found->n 0  a line before the identification, skipped (client)
 *   *used > 0, found->n    the peer's identification, without CR LF, borrowed
 */
CRYPTO_CHECKED enum proto_error version_take(struct version *, enum ssh_role role,
    struct span received, size_t *used, struct span *found);

/* Our own may be sent: "SSH-2.0-", printable, not too long. */
bool version_is_fit(struct span ours);

#endif
