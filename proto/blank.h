/*
 * blank.h - a packet's payload as it may be shown to people: without passwords.
 */
#ifndef PROTO_BLANK_H
#define PROTO_BLANK_H

#include "proto/ssh.h"

/* Stands for each secret, of whatever length: its length is part of it. */
#define BLANK "********"
/* A buffer of so many bytes is enough for any packet. */
enum { BLANK_OUT_MAX = SSH_PACKET_LENGTH_MAX };

/* Writes payload to out, secrets blanked; never more than cap bytes. */
struct span blank_payload(struct span payload, uint8_t *out, size_t cap);

#endif
