/*
 * ipc.c - messages.def as data: the table, admission, the schema hash.
 *
 * Everything here is about a message's envelope; no field is looked at.  A
 * message is trusted for nothing: admission asks the table, the receiver's own
 * state and the socket it came from, never the sender.  Nothing here may print or
 * keep a message's content: some of them are passwords.
 */
#include <sodium.h>
#include <stdio.h>

#include "ipc/ipc.h"

const struct ipc_row ipc_rows[256] = {
#define MSG(link_, NAME, id, phases_, kex_, flags_) [id] = { \
	.name = #NAME, .phases = phases_, .link = IPC_##link_, .kex = kex_, \
	.flags = flags_, .nfds = IPC_NFDS_##NAME, .max = IPC_MAX_##NAME, .fields = ""
#define U8(f_)        "u8 " #f_ "; "
#define U32(f_)       "u32 " #f_ "; "
#define U64(f_)       "u64 " #f_ "; "
#define BLOB(f_, max) "blob " #f_ " <= " #max "; "
#define TEXT(f_, max) "text " #f_ " <= " #max "; "
#define FD(f_)        "fd " #f_ "; "
#define END           },
#include "ipc/messages.def"
};

static const struct {
	const char *name;
} links[] = {
	[IPC_A2M] = { "application -> monitor" },
	[IPC_M2A] = { "monitor -> application" },
	[IPC_M2W] = { "monitor -> worker" },
	[IPC_W2M] = { "worker -> monitor" },
	[IPC_A2W] = { "application -> worker" },
	[IPC_W2A] = { "worker -> application" },
	[IPC_M2Z] = { "monitor -> zygote" },
	[IPC_Z2M] = { "zygote -> monitor" },
	[IPC_M2K] = { "monitor -> keyload" },
	[IPC_K2M] = { "keyload -> monitor" },
	[IPC_A2R] = { "application -> resolver" },
	[IPC_R2A] = { "resolver -> application" },
};

/* Part of the hash: the sanitizer build's filter is wider, so its helpers must
 * never serve an ordinary build, nor the other way round. */
#ifdef POSTERN_SAN
static const char build_kind[] = "postern ipc, sanitizer build";
#else
static const char build_kind[] = "postern ipc";
#endif

const char *
ipc_link_name(enum ipc_link link)
{
	size_t i = (size_t)link;

	if (i >= sizeof(links) / sizeof(links[0]) || links[i].name == NULL)
		return "no link";
	return links[i].name;
}

/* Hashes s with its NUL, so that no two lists of strings look alike. */
static void
add_text(crypto_hash_sha256_state *h, const char *s)
{
	(void)crypto_hash_sha256_update(h, (const unsigned char *)s, strlen(s) + 1);
}

void
ipc_schema(uint8_t out[IPC_SCHEMA_LEN])
{
	_Static_assert((int)IPC_SCHEMA_LEN == (int)crypto_hash_sha256_BYTES, "schema length");
	crypto_hash_sha256_state h;
	char head[96];

	(void)crypto_hash_sha256_init(&h);
	add_text(&h, build_kind);
	for (unsigned i = 0; i < 256; i++) {
		const struct ipc_row *row = &ipc_rows[i];

		if (row->name == NULL)
			continue;
		/* cut short it would still be the same in both processes */
		(void)snprintf(head, sizeof(head), "%u %u %u %u %u %u %u", i, row->link,
		    row->phases, row->kex, row->flags, row->nfds, row->max);
		add_text(&h, head);
		add_text(&h, row->name);
		add_text(&h, row->fields);
	}
	(void)crypto_hash_sha256_final(&h, out);
}

/* What is wrong with the envelope, or NULL. */
static const char *
objection(const struct ipc_row *row, enum ipc_link link, unsigned phase, unsigned kex,
    size_t len, size_t nfds)
{
	if (row->name == NULL)
		return "unknown message";
	if (row->link != link)
		return "message of another link";
	if ((row->phases & phase) == 0)
		return "message in the wrong phase";
	if ((row->kex & kex) == 0)
		return "message in the wrong phase of the key exchange";
	if (len > row->max)
		return "message longer than its fields can be";
	if (nfds < row->nfds)
		return "descriptor missing";
	if (nfds > row->nfds)
		return "undeclared descriptor";
	return NULL;
}

const struct ipc_row *
ipc_admit(enum ipc_link link, unsigned phase, unsigned kex, struct ipc_once *once,
    const uint8_t *message, size_t len, size_t nfds, const char **why)
{
	const struct ipc_row *row;
	const char *problem = "empty message";
	uint8_t number, bit;

	if (len < 1)
		goto refuse;
	number = message[0];
	row = &ipc_rows[number];
	problem = objection(row, link, phase, kex, len, nfds);
	if (problem != NULL)
		goto refuse;
	if (row->flags & ONCE) {
		bit = (uint8_t)(1u << (number & 7));
		problem = "message sent twice";
		if (once->seen[number >> 3] & bit)
			goto refuse;
		once->seen[number >> 3] |= bit;
	}
	return row;

refuse:
	if (why != NULL)
		*why = problem;
	return NULL;
}
