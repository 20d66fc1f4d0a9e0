/*
 * auth.h - RFC 4252 and 4256 messages: parsed to fields, written from fields.
 *
 * No decision is taken here: the server side hands the fields to the monitor and
 * writes down its verdict; the client side writes what the monitor orders and
 * reports what the server said.  State is one small struct, because some numbers
 * (60) mean what the request under way makes them mean.
 */
#ifndef PROTO_AUTH_H
#define PROTO_AUTH_H

#include "proto/transport.h"

enum {
	AUTH_USER_MAX = 256, AUTH_METHOD_MAX = 64, AUTH_PASSWORD_MAX = 1024,
	AUTH_PROMPTS_MAX = 256, AUTH_ANSWERS_MAX = 16384, AUTH_METHODS_MAX = 1024,
	AUTH_BANNER_MAX = 16384, AUTH_BANNERS_MAX = 64,
	AUTH_NAME_MAX = 1024, AUTH_TEXT_MAX = 4096,	/* of a dialogue; other texts shown */
};

/* ---- both: the counted lists of RFC 4256 (auth_interactive.c) ---- */
/* u32 count, then count of (string, bool); nothing left over. */
bool auth_interactive_prompts(struct span);
/* u32 count, then count strings; nothing left over. */
bool auth_interactive_answers(struct span);

/* ---- server ---- */
enum auth_server_state { AS_SERVICE = 0, AS_IDLE, AS_ASKED, AS_PROMPTED };
struct auth_server {
	enum auth_server_state state;
	uint8_t probe[NAME_MAX_LEN + 8 + KEY_BLOB_MAX];	/* alg and blob of the probe asked about */
	size_t probe_len;		/* 0: the latest request was no probe  */
	bool is_password;		/* the latest request was one by password */
	bool banner_sent;
};
enum auth_request_type { AR_NONE = 1, AR_PASSWORD, AR_PUBLICKEY, AR_KBDINT,
	AR_RESPONSES, AR_OTHER, AR_SERVICE };
struct auth_request {		/* spans borrow from the packet */
	enum auth_request_type type;
	struct span user, method;
	struct span password;			/* AR_PASSWORD                   */
	struct span new_password;		/* ...is_change                  */
	bool is_change;
	struct span alg, key, signature;	/* AR_PUBLICKEY                  */
	struct span host_key;			/* ...host-bound; empty: not     */
	bool is_signed;
	struct span submethods;			/* AR_KBDINT                     */
	struct span answers;			/* AR_RESPONSES: u32 count, strings, checked;
						 * whether count is that of the prompts is for
						 * those who made the prompts to check */
};
/* A SERVICE or AUTH packet from the client.  AR_SERVICE has been answered already
 * (SERVICE_ACCEPT written, phase set to AUTH).  An unknown method, a malformed method
 * part are AR_OTHER: a failure, not the end.
 * While a request is being judged (AS_ASKED) the owner reads no further packet.  A
 * new request in place of answers to prompts (AS_PROMPTED) is legal and abandons
 * them (RFC 4256 3.1). */
CRYPTO_CHECKED enum proto_error auth_server_packet(struct auth_server *, struct transport *,
    struct span payload, struct auth_request *);
/* The verdict on the one open request. */
CRYPTO_CHECKED enum proto_error auth_server_banner(struct auth_server *, struct transport *,
    struct span text);
CRYPTO_CHECKED enum proto_error auth_server_failure(struct auth_server *, struct transport *,
    struct span methods, bool partial);
CRYPTO_CHECKED enum proto_error auth_server_pk_ok(struct auth_server *, struct transport *);
/* RFC 4252 8: instead of a verdict about a password, a new one is asked for. */
CRYPTO_CHECKED enum proto_error auth_server_changereq(struct auth_server *, struct transport *,
    struct span prompt);
CRYPTO_CHECKED enum proto_error auth_server_prompts(struct auth_server *, struct transport *,
    struct span name, struct span instruction, struct span prompts);
CRYPTO_CHECKED enum proto_error auth_server_success(struct auth_server *, struct transport *);

/* ---- client ---- */
enum auth_client_state { AC_START = 0, AC_SERVICE, AC_IDLE, AC_NONE, AC_PASSWORD,
	AC_PROBE, AC_PUBLICKEY, AC_KBDINT, AC_INFO };
struct auth_client {
	enum auth_client_state state;
	unsigned banners;
	uint8_t probe[NAME_MAX_LEN + 8 + KEY_BLOB_MAX];	/* PK_OK must echo it */
	size_t probe_len;
};
enum auth_reply_type { AP_SERVICE = 1, AP_SUCCESS, AP_FAILURE, AP_PK_OK, AP_CHANGEREQ,
	AP_INFO, AP_BANNER };
struct auth_reply {
	enum auth_reply_type type;
	struct span methods; bool partial;	/* AP_FAILURE                    */
	struct span alg, key;			/* AP_PK_OK                      */
	struct span text;			/* AP_CHANGEREQ, AP_BANNER       */
	struct span name, instruction, prompts;	/* AP_INFO: prompts as in messages.def */
};
/* Asks for ssh-userauth; call once after the first TE_KEYS. */
CRYPTO_CHECKED enum proto_error auth_client_start(struct auth_client *, struct transport *);
/* On SUCCESS the phase is set to OPEN. */
CRYPTO_CHECKED enum proto_error auth_client_packet(struct auth_client *, struct transport *,
    struct span payload, struct auth_reply *);
/* Requests: legal in AC_IDLE (after AP_SERVICE), one at a time. */
CRYPTO_CHECKED enum proto_error auth_client_none(struct auth_client *, struct transport *,
    struct span user);
CRYPTO_CHECKED enum proto_error auth_client_password(struct auth_client *, struct transport *,
    struct span user, struct span password);
/* With a new password in it (RFC 4252 8). */
CRYPTO_CHECKED enum proto_error auth_client_change(struct auth_client *, struct transport *,
    struct span user, struct span password, struct span new_password);
CRYPTO_CHECKED enum proto_error auth_client_publickey(struct auth_client *, struct transport *,
    struct span user, struct span alg, struct span key, struct span signature);
/* OpenSSH PROTOCOL 3.1: the same, and whose server it is for.  host_key empty: the same. */
CRYPTO_CHECKED enum proto_error auth_client_hostbound(struct auth_client *, struct transport *,
    struct span user, struct span alg, struct span key, struct span host_key,
    struct span signature);
CRYPTO_CHECKED enum proto_error auth_client_kbdint(struct auth_client *, struct transport *,
    struct span user, struct span submethods);
CRYPTO_CHECKED enum proto_error auth_client_responses(struct auth_client *, struct transport *,
    struct span answers);

#endif
