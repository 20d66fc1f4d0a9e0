/*
 * transport_state.h - struct transport and what its files ask of each other:
 *
 *   transport.c      its life, its clock, what it says of itself
 *   transport_in.c   rx buffer, packets, the transport layer's own messages
 *   transport_out.c  tx buffer, messages, bulk data, what is held back
 *   transport_kex.c  key exchange: negotiation, the monitor's answers, new keys
 *   transport_group.c  ...and the question for a group
 *   transport_compression.c  when the payloads are compressed
 *
 * Nobody else includes this.
 */
#ifndef PROTO_TRANSPORT_STATE_H
#define PROTO_TRANSPORT_STATE_H

#include "proto/compression.h"
#include "proto/kex.h"
#include "proto/packet.h"
#include "proto/transport.h"
#include "proto/version.h"

enum {
	/* tx space that only the transport's own messages may use.  Beyond our
	 * KEXINIT: GROUP, REPLY, NEWKEYS, EXT_INFO, DISCONNECT. */
	TX_RESERVE = 22 * 1024,
	/* ...that bulk data leaves to messages, so that window adjustments and
	 * replies go out while data fills the rest.  It is more than an owner asks
	 * for before it takes a packet in (CONNECTION_ROOM): two sides full of data
	 * must never both stop reading. */
	TX_MESSAGES = 52 * 1024,
	/* ...without which no further packet is looked at: its reply might not fit */
	TX_REPLY = 2 * 1024,
	EXT_INFO_MAX = 2,		/* from one peer (RFC 8308 2.4) */
	SLOTS_MAX = 64,			/* packets of one transport_data_begin */
	SIG_ALGS_MAX = 4096,
	GOODBYE_MAX = 256,		/* text of our DISCONNECT */
};

/* What one key exchange needs, from the peer's KEXINIT to the monitor's answer;
 * it comes and goes so that an idle connection is small.  Wiped. */
struct exchange {
	struct kex kex;
	struct kexinit_choice choice;
	struct span k_s;		/* server: of the host key agreed on */
	size_t peer_kexinit_len;
	uint8_t peer_kexinit[];
};

/* A place for bulk data: its packet's in tx, or the payload's in the compressor. */
struct slot { size_t at, header, room; };

struct transport {
	struct transport_config cfg;	/* its spans point at the copies below */
	uint8_t *kexinit, *hostkeys, *sig_algs;
	size_t kexinit_len;
	char version[SSH_VERSION_MAX + 1], peer_version[SSH_VERSION_MAX + 1];

	enum ssh_phase phase;
	enum ssh_kex_phase kx;
	enum proto_error error;		/* sticky: the connection is over      */
	struct span ours, theirs;	/* of a NO_MATCH error                 */
	bool goodbye;			/* DISCONNECT sent or received         */
	uint64_t now_ms, deadline_ms;	/* 0: no deadline                      */

	/* in */
	struct packet_flow in;
	size_t rx_start, rx_end;	/* unread bytes in cfg.rx              */
	bool rx_stalled;		/* they were declined, not incomplete  */
	bool rx_secret;			/* login packets lie before rx_start   */
	struct version version_in;
	struct compression_in *inflate;	/* NULL: payloads come as they are     */
	unsigned ext_infos;
	bool peer_pings;
	uint64_t bytes_in, bytes_out, packets_in, packets_out;

	/* out */
	struct packet_flow out;
	struct compression_out *deflate;	/* NULL: payloads go as they are */
	size_t tx_start, tx_end;	/* sealed bytes in cfg.tx              */
	uint8_t *held;			/* TRANSPORT_HELD_MAX, or NULL         */
	size_t held_n;
	enum { MAKE_NOTHING = 0, MAKE_PACKET, MAKE_HELD, MAKE_DROPPED } making;
	struct slot slots[SLOTS_MAX];
	size_t slots_n;
	uint32_t slot_channel, slot_ext;

	void (*tap)(void *user, bool is_out, struct span payload);
	void *tap_user;

	/* key exchange */
	bool logged_in;			/* SUCCESS has passed: compression may be */
	bool out_stopped;		/* between our KEXINIT and our NEWKEYS */
	bool strict;
	bool skip_guess;		/* the peer's next kex packet guessed wrong */
	enum transport_event_type waiting;	/* the question the monitor has, or TE_NONE */
	struct exchange *x;
	struct protect *next_in;	/* the peer's keys, from its NEWKEYS on */
	struct kexinit_flow next_in_algs;
	uint64_t in_blocks_max, out_blocks_max;
	uint8_t session_id[HASH_MAX];
	size_t session_id_len;
	uint64_t exchanges, keys_ms;	/* completed; when the last one was    */
	char hostkey_alg[NAME_MAX_LEN + 1];
	const char *kex_name;
	struct kexinit_flow agreed_c2s, agreed_s2c;
};

/* Remembers the error that ends the connection, and returns it. */
enum proto_error transport_fail(struct transport *, enum proto_error);
/* From now; 0 ms: none. */
void transport_set_deadline(struct transport *, uint32_t ms);
/* A KEXINIT of ours that we can keep to. */
bool transport_kexinit_is_fit(struct span ours);

/* ---- transport_out.c ---- */
size_t transport_tx_free(const struct transport *);
size_t transport_tx_reserve(const struct transport *);
/* The transport's own messages: into the reserve, never held. */
struct wr transport_own_begin(struct transport *, size_t max);
CRYPTO_CHECKED enum proto_error transport_own_end(struct transport *, const struct wr *);
/* Sends held messages as far as they fit. */
void transport_flush(struct transport *);

/* ---- transport_kex.c ---- */
/* Sends our KEXINIT. */
CRYPTO_CHECKED enum proto_error transport_kex_start(struct transport *);
/* Starts a rekey if the keys in use are worn and it is a time for it. */
CRYPTO_CHECKED enum proto_error transport_kex_if_worn(struct transport *);
/* A message of numbers 20 to 49, legal now.  Fills in ev if it made an event. */
CRYPTO_CHECKED enum proto_error transport_kex_packet(struct transport *, struct span payload,
    struct transport_event *ev);
void transport_exchange_free(struct transport *);

/* ---- transport_compression.c ---- */
/* SUCCESS was sealed, or taken in. */
CRYPTO_CHECKED enum proto_error transport_compression_login(struct transport *);
/* NEWKEYS was: begins, begins anew or ends, as agreed. */
CRYPTO_CHECKED enum proto_error transport_compression_out(struct transport *);
CRYPTO_CHECKED enum proto_error transport_compression_in(struct transport *);

/* ---- transport_group.c ---- */
/* GEX_REQUEST, legal now. */
CRYPTO_CHECKED enum proto_error transport_group_ask(struct transport *, struct span payload,
    struct transport_event *ev);

#endif
