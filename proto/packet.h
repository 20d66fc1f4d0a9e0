/*
 * packet.h - the binary packet protocol (RFC 4253 6): one packet in, one packet
 * out, in place, over whatever protection the keys give.
 */
#ifndef PROTO_PACKET_H
#define PROTO_PACKET_H

#include "crypto/crypto.h"
#include "proto/ssh.h"

enum {
	PACKET_HEAD = 5,		/* packet_length, padding_length */
	PACKET_TOTAL_MAX = 4 + SSH_PACKET_LENGTH_MAX + CIPHER_TAG_MAX,
	/* the longest padding is SSH_PADDING_MIN - 1 and a block of 16 */
	PACKET_PAYLOAD_MAX = SSH_PACKET_LENGTH_MAX - 1 - (SSH_PADDING_MIN - 1 + 16),
};

/* One direction.  All zero is the beginning: in clear, sequence number 0. */
struct packet_flow {
	struct protect *keys;		/* NULL: in clear                          */
	uint32_t seq;			/* of the next packet                      */
	uint32_t length;		/* in: packet_length already read, else 0  */
	uint64_t packets, blocks;	/* done under these keys                   */
	uint8_t block, aad, tag, head;	/* the shape of packets under them         */
	bool reads_on, refused;		/* in: see packet.c                        */
};

/* Takes the keys over, wiping those before.  restart: the sequence number begins
 * at 0 again (strict key exchange). */
void packet_rekey(struct packet_flow *, struct protect *keys, bool restart);
void packet_free(struct packet_flow *);

/* The packet at the front of n received bytes.  *used == 0: it is not whole yet.
 * Else *used bytes were that packet, and payload (in p, in clear) is not empty.
 * After an error the direction must not be used again. */
CRYPTO_CHECKED enum proto_error packet_open(struct packet_flow *, uint8_t *p, size_t n,
    struct span *payload, size_t *used);

/* Bytes of a whole packet around that much payload. */
size_t packet_size(const struct packet_flow *, size_t payload);
/* Seals the packet at p, whose payload lies at p + PACKET_HEAD; p has room for
 * packet_size() bytes, which are ready for the network then. */
CRYPTO_CHECKED enum proto_error packet_seal(struct packet_flow *, uint8_t *p, size_t payload);

#endif
