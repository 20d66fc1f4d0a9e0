/*
 * ssh.h - numbers of the SSH protocol, made from messages.def and error.def, and
 * the one question about them: may this message come now?
 */
#ifndef PROTO_SSH_H
#define PROTO_SSH_H

#include "proto/wire.h"

enum ssh_role { SSH_SERVER = 1, SSH_CLIENT = 2 };
enum ssh_sender { C2S = 1, S2C = 2, BOTH = 3 };
enum ssh_layer { TRANSPORT = 1, SERVICE, AUTH, CONNECTION };

/* How far the connection is. */
enum ssh_phase {
	PH_KEX = 1,		/* first key exchange under way            */
	PH_SERVICE = 2,		/* keyed; ssh-userauth not yet asked for   */
	PH_AUTH = 4,
	PH_OPEN = 8,
};
/* How far the current key exchange is, seen from the receiver. */
enum ssh_kex_phase {
	KX_IDLE = 1,
	KX_SENT = 2,		/* our KEXINIT is out, the peer's not here */
	KX_RUNNING = 4,		/* both are                                */
	KX_NEWKEYS = 8,		/* only the peer's NEWKEYS is missing      */
};

enum ssh_message {
#define SSHMSG(number, NAME, sender, phases, kex, strict, layer) SSH_MSG_##NAME = number,
#include "proto/messages.def"
};

enum proto_class { PC_TIMEOUT = 1, PC_PROTOCOL, PC_NO_MATCH, PC_SILENT, PC_LOCAL };
enum proto_error {
	PROTO_OK = 0,
#define PROTO_ERROR(NAME, number, class_, disconnect, text) PROTO_E_##NAME = -(number),
#include "proto/error.def"
};
enum proto_class proto_error_class(enum proto_error);
uint32_t proto_error_disconnect(enum proto_error);
const char *proto_error_text(enum proto_error);

/* RFC 4253 11.1 */
enum ssh_disconnect {
	SSH_DISCONNECT_PROTOCOL_ERROR = 2,
	SSH_DISCONNECT_KEY_EXCHANGE_FAILED = 3,
	SSH_DISCONNECT_MAC_ERROR = 5,
	SSH_DISCONNECT_COMPRESSION_ERROR = 6,
	SSH_DISCONNECT_SERVICE_NOT_AVAILABLE = 7,
	SSH_DISCONNECT_HOST_KEY_NOT_VERIFIABLE = 9,
	SSH_DISCONNECT_CONNECTION_LOST = 10,
	SSH_DISCONNECT_BY_APPLICATION = 11,
	SSH_DISCONNECT_TOO_MANY_CONNECTIONS = 12,
	SSH_DISCONNECT_NO_MORE_AUTH_METHODS = 14,
};

enum ssh_verdict { SSH_HANDLE = 1, SSH_UNIMPLEMENTED, SSH_DISCONNECT_PEER };

/* The table, asked: role is the receiver's.  strict: strict kex was agreed. */
enum ssh_verdict ssh_message_check(enum ssh_role, enum ssh_phase, enum ssh_kex_phase,
    bool strict, uint8_t number, enum ssh_layer *layer);

enum {
	SSH_VERSION_MAX = 255,		/* RFC 4253 4.2, without CR LF          */
	SSH_PREAMBLE_LINES_MAX = 1024,	/* client: lines before the version...  */
	SSH_PREAMBLE_LINE_MAX = 8192,	/* ...each                              */
	SSH_KEXINIT_MAX = 35000,
	SSH_NAMES_MAX = 32768,		/* bytes of one name-list               */
	SSH_PACKET_LENGTH_MAX = 35000,	/* packet_length, always (RFC 4253 6.1) */
	SSH_PADDING_MIN = 4,
	SSH_DATA_MAX = 32768,		/* maximum packet size we announce      */
};

#endif
