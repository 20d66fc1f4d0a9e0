/*
 * request.h - channel requests (RFC 4254 6, 8, RFC 4335): parsed to fields, written
 * from fields.
 */
#ifndef PROTO_REQUEST_H
#define PROTO_REQUEST_H

#include "proto/connection.h"

enum {
	REQUEST_TERM_MAX = 256, REQUEST_MODES_MAX = 1024,
	REQUEST_ENV_NAME_MAX = 256, REQUEST_ENV_VALUE_MAX = 8192,
	REQUEST_COMMAND_MAX = 32768, REQUEST_SUBSYSTEM_MAX = 256,
	REQUEST_SIGNAL_MAX = 64, REQUEST_TEXT_MAX = 1024, REQUEST_OTHER_MAX = 8192,
	REQUEST_OVERHEAD = 192,		/* of a written request, beside name and value */
};

/* What follows want_reply; type is the request's name.  MESSAGE_FORMAT: malformed.
 * *fits false: well-formed, but longer than we take: to be refused, for a peer may
 * well own an environment variable of that size.  Spans borrow. */
CRYPTO_CHECKED enum proto_error request_parse(struct rd *, struct span type,
    struct request *, bool *fits);
/* From the name on.  A field out of bounds sticks to the cursor. */
void request_write(struct wr *, bool want_reply, const struct request *);
size_t request_room(const struct request *);	/* what request_write may need */
/* True: the kind is news, not a question: nobody is asked about it. */
bool request_is_told(enum request_kind);
/* Encoded terminal modes: opcodes 1 to 159 with an uint32 each, until TTY_OP_END,
 * the end, or an opcode that RFC 4254 section 8 says stops the parsing. */
bool request_modes_ok(struct span modes);

#endif
