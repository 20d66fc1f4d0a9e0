/*
 * kexinit.h - SSH_MSG_KEXINIT, parsed, and what two of them agree on (RFC 4253
 * 7.1; RFC 8308 2.1; OpenSSH PROTOCOL 1.10).
 */
#ifndef PROTO_KEXINIT_H
#define PROTO_KEXINIT_H

#include "crypto/crypto.h"
#include "proto/ssh.h"

enum kexinit_list {			/* in the order of the message */
	KL_KEX = 0, KL_HOSTKEY, KL_CIPHER_C2S, KL_CIPHER_S2C, KL_MAC_C2S, KL_MAC_S2C,
	KL_COMPRESSION_C2S, KL_COMPRESSION_S2C, KL_LANGUAGE_C2S, KL_LANGUAGE_S2C,
	KL_COUNT,
};
struct kexinit {			/* borrows from the payload */
	struct span list[KL_COUNT];
	bool follows;			/* first_kex_packet_follows */
};
/* payload with the message number in front. */
CRYPTO_CHECKED bool kexinit_parse(struct span payload, struct kexinit *);

struct kexinit_flow {			/* one direction's algorithms */
	const struct cipher_alg *cipher;
	const struct mac_alg *mac;	/* NULL: the cipher authenticates */
	const char *compression;	/* "none" or "zlib@openssh.com"   */
};
struct kexinit_choice {
	const struct kex_alg *kex;
	char hostkey[NAME_MAX_LEN + 1];
	struct kexinit_flow c2s, s2c;
	bool guess_right;		/* both prefer the same kex and host key alg */
	/* asked for by the pseudo names, for the first key exchange to honour */
	bool strict;			/* by both                                  */
	bool client_ext_info;		/* the client wants SSH_MSG_EXT_INFO        */
};
/* On a PC_NO_MATCH error *failed says over which list. */
CRYPTO_CHECKED enum proto_error kexinit_negotiate(const struct kexinit *client,
    const struct kexinit *server, struct kexinit_choice *, enum kexinit_list *failed);

/* Is name one of the comma-separated list's? */
bool kexinit_lists(struct span list, struct span name);

#endif
