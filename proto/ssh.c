/*
 * ssh.c - the protocol's two tables, messages.def and error.def, made into data.
 *
 * ssh_message_check() is the only place that decides whether a message may come
 * now.  Handlers rely on it: one that is called need not ask about the phase
 * again.  Whatever the table does not name fails closed: a login, a channel or a
 * key exchange is never reached by a number nobody thought of.
 */
#include "proto/ssh.h"

struct row {
	const char *name;		/* NULL: no such message */
	uint8_t sender, phases, kex, strict, layer;
};

static const struct row rows[256] = {
#define SSHMSG(number, NAME, sender, phases, kex, strict, layer) \
	[number] = { #NAME, sender, phases, kex, strict, layer },
#include "proto/messages.def"
};

struct error_row {
	enum proto_error error;
	enum proto_class class_;
	uint32_t disconnect;
	const char *text;
};

static const struct error_row errors[] = {
#define PROTO_ERROR(NAME, number, class_, disconnect, text) \
	{ PROTO_E_##NAME, PC_##class_, disconnect, text },
#include "proto/error.def"
};

/* What is not in the table is our own fault, and says so. */
static const struct error_row *
error_find(enum proto_error e)
{
	static const struct error_row unknown =
	    { PROTO_OK, PC_LOCAL, SSH_DISCONNECT_PROTOCOL_ERROR, "unknown error" };

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].error == e)
			return &errors[i];
	return &unknown;
}

enum proto_class
proto_error_class(enum proto_error e)
{
	return error_find(e)->class_;
}

uint32_t
proto_error_disconnect(enum proto_error e)
{
	return error_find(e)->disconnect;
}

const char *
proto_error_text(enum proto_error e)
{
	return error_find(e)->text;
}

/*
 * A number that this peer may send at some other time, but not now, is an attack
 * or a bug and ends the connection.  One that it may never send is UNIMPLEMENTED,
 * except where RFC 4253 7.1 (a key exchange runs) and RFC 4252 6 (80 and above
 * before login, the door of CVE-2018-10933 and CVE-2025-32433) forbid it to come
 * at all.
 */
enum ssh_verdict
ssh_message_check(enum ssh_role role, enum ssh_phase phase, enum ssh_kex_phase kex,
    bool strict, uint8_t number, enum ssh_layer *layer)
{
	const struct row *row = &rows[number];
	unsigned sender = role == SSH_SERVER ? C2S : S2C;
	bool known = row->name != NULL && (row->sender & sender) != 0;
	bool exchanging = phase == PH_KEX || (kex & (KX_RUNNING | KX_NEWKEYS)) != 0;

	if (strict && phase == PH_KEX && !row->strict)
		return SSH_DISCONNECT_PEER;
	if (!known) {
		if (exchanging || (number >= 80 && phase != PH_OPEN))
			return SSH_DISCONNECT_PEER;
		return SSH_UNIMPLEMENTED;
	}
	if ((row->phases & (unsigned)phase) == 0 || (row->kex & (unsigned)kex) == 0)
		return SSH_DISCONNECT_PEER;
	*layer = (enum ssh_layer)row->layer;
	return SSH_HANDLE;
}
