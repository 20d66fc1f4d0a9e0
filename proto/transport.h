/*
 * transport.h - one connection's RFC 4253 state: identification, packets, key
 * exchange, rekeying.  Bytes in, bytes out; no descriptor, no clock, no malloc
 * per packet.
 *
 * The owner (a worker) puts received bytes into the rx buffer, then calls
 * transport_next() until it returns TE_NONE, and writes what transport_pending()
 * shows to the network.  Payloads handed out are spans in the rx buffer, already
 * decrypted in place, valid until the next transport_rx_room(); but while the peer
 * compresses only until the next transport_next().
 *
 * Whoever has the host key is elsewhere: TE_SIGN and TE_VERIFY hand out the
 * ingredients, and no further packet is looked at until transport_signed() or
 * transport_verified() brings the answer, and with it our next KEXINIT; in a group
 * exchange TE_GROUP and transport_group() come first.  Our KEXINIT is always bytes that
 * the owner was given; this code never makes one.
 */
#ifndef PROTO_TRANSPORT_H
#define PROTO_TRANSPORT_H

#include <sys/uio.h>

#include "crypto/crypto.h"
#include "proto/ssh.h"

struct transport;

struct transport_config {
	enum ssh_role role;
	struct span version;		/* ours, without CR LF; copied             */
	struct span kexinit;		/* ours, whole payload; copied             */
	struct span hostkeys;		/* server: (string alg, string blob)...; copied */
	struct span sig_algs;		/* server: value of server-sig-algs; copied */
	uint32_t banner_ms, kex_ms, rekey_ms;	/* deadlines, 0: none; they stand
						 * still while SIGN or VERIFY is open */
	uint64_t rekey_bytes;		/* 0: the cipher's own limit               */
	uint32_t rekey_packets;		/* 0: 2^31                                 */
	uint32_t rekey_interval_ms;	/* 0: none                                 */
	/* Buffers, the owner's, kept until transport_free.  Only what is used is
	 * touched, so they may be large reservations of untouched pages. */
	uint8_t *rx, *tx;
	size_t rx_cap, tx_cap;
};
enum {	/* least sizes of those buffers */
	TRANSPORT_RX_MIN = 2 * (4 + SSH_PACKET_LENGTH_MAX + CIPHER_TAG_MAX),
	TRANSPORT_TX_MIN = 4 * (4 + SSH_PACKET_LENGTH_MAX + CIPHER_TAG_MAX),
};

/* NULL: no memory, or our own kexinit does not parse. */
struct transport *transport_new(const struct transport_config *, uint64_t now_ms);
void transport_free(struct transport *);	/* wipes; accepts NULL */

/* ---- in ---- */
/* Where to read the next bytes to, at least one packet's worth when no whole
 * packet is waiting.  *room is 0 if packets wait unread: call transport_next. */
uint8_t *transport_rx_room(struct transport *, size_t *room);
void transport_rx_add(struct transport *, size_t n);
bool transport_rx_empty(const struct transport *);	/* nothing buffered */

enum transport_event_type {
	TE_NONE = 0,		/* needs more bytes, or waits for the monitor's answer,
				 * or tx is too full for a reply: in the last two cases
				 * call again after the answer, after transport_sent()   */
	TE_PACKET,		/* a message of layer SERVICE, AUTH or CONNECTION, legal now */
	TE_GROUP,		/* server: ask the monitor for a group        */
	TE_SIGN,		/* server: ask the monitor                    */
	TE_VERIFY,		/* client: ask the monitor                    */
	TE_KEYS,		/* a key exchange is over, both directions    */
	TE_SIG_ALGS,		/* client: server-sig-algs of the peer, or empty, and hostbound */
	TE_DISCONNECT,		/* the peer said goodbye                      */
	TE_DEBUG,		/* SSH_MSG_DEBUG, always_display or not: data */
	TE_ERROR,		/* the connection is over: see error          */
};
struct transport_event {
	enum transport_event_type type;
	enum proto_error error;			/* TE_ERROR                     */
	uint8_t number;				/* TE_PACKET                    */
	struct span payload;			/* TE_PACKET: with the number in front;
						 * TE_SIG_ALGS, TE_DEBUG: the text */
	bool hostbound;				/* TE_SIG_ALGS: OpenSSH PROTOCOL 3.1 */
	uint32_t disconnect;			/* TE_DISCONNECT: code, payload is text */
	/* TE_SIGN and TE_VERIFY: borrowed until answered */
	struct span kex, hostkey_alg, peer_version, peer_kexinit;
	struct span q_c, q_s, secret, k_s, signature;
	/* ...and of a group exchange, else 0 and empty; TE_GROUP has the first three */
	uint32_t gex_min, gex_n, gex_max;
	struct span gex_p, gex_g;
	/* TE_ERROR of class NO_MATCH: both lists, borrowed until transport_free */
	struct span ours, theirs;
};
void transport_next(struct transport *, uint64_t now_ms, struct transport_event *);
/* Is the payload of the last event gone with the next transport_next()? */
bool transport_payload_is_brief(const struct transport *);

/* The answer to TE_GROUP: unsigned numbers without leading zeros; p empty: there is
 * none, and the connection ends. */
CRYPTO_CHECKED enum proto_error transport_group(struct transport *, struct span p,
    struct span g, uint64_t now_ms);

/* Answers.  hash is H; the first one becomes the session id.  next_kexinit is
 * copied.  Negative: proto_error. */
CRYPTO_CHECKED enum proto_error transport_signed(struct transport *, struct span signature,
    struct span hash, struct span next_kexinit, uint64_t now_ms);
CRYPTO_CHECKED enum proto_error transport_verified(struct transport *, struct span hash,
    struct span next_kexinit, uint64_t now_ms);

/* Server: the pairs it was made with. */
struct span transport_hostkeys(const struct transport *);

/* ---- out ---- */
/* False while a key exchange is under way: only the transport itself may send.
 * Small messages may still be made with transport_begin: they are held, in
 * order, and leave after NEWKEYS (at most TRANSPORT_HELD_MAX bytes, beyond it
 * transport_end fails).  Data may not. */
enum { TRANSPORT_HELD_MAX = 64 * 1024 };
bool transport_can_send(const struct transport *);
/* Room for one more message of max bytes, or for several of max bytes with their
 * headers and tags?  False: wait until bytes have left. */
bool transport_has_room(const struct transport *, size_t max);

/* One message: a cursor into the packet's payload area.  Begin, write, end. */
struct wr transport_begin(struct transport *, size_t max);
CRYPTO_CHECKED enum proto_error transport_end(struct transport *, const struct wr *);

/* Bulk: would transport_data_begin() yield a place for so many bytes?  False: do
 * not poll the source of the data now, it is the network that is waited for. */
bool transport_has_data_room(const struct transport *, size_t piece);
/* Up to max packets of CHANNEL_DATA (ext 0) or CHANNEL_EXTENDED_DATA (ext
 * > 0) whose payload areas the owner fills with one readv.  Returns how many iov
 * places were set; total is the most bytes that may be sent now (the channel's
 * window), each at most piece bytes.  transport_data_end seals what was read:
 * n bytes over those places, in order; 0 takes it back. */
size_t transport_data_begin(struct transport *, uint32_t channel, uint32_t ext,
    size_t piece, size_t total, struct iovec *iov, size_t max);
CRYPTO_CHECKED enum proto_error transport_data_end(struct transport *, size_t n);

/* Bytes ready for the network, contiguous; and how many have left. */
struct span transport_pending(const struct transport *);
void transport_sent(struct transport *, size_t n);

/* Sends SSH_MSG_DISCONNECT (if a packet can be made at all). */
void transport_say_goodbye(struct transport *, uint32_t code, const char *text);

/* ---- state ---- */
void transport_set_phase(struct transport *, enum ssh_phase);	/* AUTH, OPEN */
enum ssh_phase transport_phase(const struct transport *);
bool transport_in_kex(const struct transport *);
/* Starts a rekey if none is under way and keys are in use. */
CRYPTO_CHECKED enum proto_error transport_rekey(struct transport *, uint64_t now_ms);
/* Another limit than the configuration's, for the keys in use too. */
void transport_set_rekey_limit(struct transport *, uint64_t bytes, uint32_t interval_ms);
/* Time-driven work: deadlines, rekey by time.  Returns PROTO_OK or the error that
 * ends the connection.  transport_deadline: when to call it, UINT64_MAX never. */
CRYPTO_CHECKED enum proto_error transport_tick(struct transport *, uint64_t now_ms);
uint64_t transport_deadline(const struct transport *);
/* What was agreed; strings live as long as the transport. */
struct transport_agreed {
	const char *kex, *hostkey_alg, *cipher_c2s, *cipher_s2c, *mac_c2s, *mac_s2c;
	const char *compression_c2s, *compression_s2c;	/* "none" or "zlib@openssh.com" */
	const char *peer_version;
	bool strict, peer_pings;
	uint64_t exchanges;		/* completed key exchanges */
	uint64_t bytes_in, bytes_out, packets_in, packets_out;
};
void transport_agreed(const struct transport *, struct transport_agreed *);
/* Shows every packet's payload as it is before compression and encryption, in either
 * direction: bulk data and the transport's own messages too, with whatever secret is
 * in them.  NULL: no more.  It must not call back into the transport. */
void transport_set_tap(struct transport *, void (*tap)(void *user, bool is_out,
    struct span payload), void *user);
/* After a time without traffic: gives back memory the buffers no longer need is
 * the owner's work; this says whether both are empty. */
bool transport_idle(const struct transport *);

#endif
