/*
 * worker_rehearse.c - a worker's life without a peer, for the self-test.
 *
 * It runs under the trapping form of the filter, so that a libc or a crypto library
 * that makes a call the filter lacks is found at the start and by name.  First every
 * algorithm, in pairs of transports that talk to each other in memory; then the real
 * loop over real descriptors, from START to the end.  There is no key here: the
 * worker's half of a key exchange takes any H it is given.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "privsep/worker_rehearse.h"

enum { BUFFER = 256 * 1024, TURNS = 64, MESSAGE = 64 };

/* ---- one KEXINIT with one algorithm of each kind ---- */

static const char *
row(enum alg_class class, size_t i)
{
	const char *name = alg_name(class, i);

	return name != NULL ? name : alg_name(class, 0);
}

/* Rows that differ in name, hash or group only make the same calls: the first of them,
 * for the largest groups would take a good part of a second.  Asking for the group is a
 * message more. */
static const struct kex_alg *
kex_row(size_t i)
{
	const char *name = row(ALG_KEX, i);
	const struct kex_alg *kex = kex_find(name, strlen(name));

	return kex == NULL || kex->asks_group ? kex : kex_stand_in(kex);
}

struct span
worker_rehearse_kexinit(uint8_t *buf, size_t cap, size_t i)
{
	struct wr w = wr_of(buf, cap);
	const struct kex_alg *kex = kex_row(i);
	const char *const lists[10] = { kex == NULL ? "" : kex->name, "ssh-ed25519",
		row(ALG_CIPHER, i), row(ALG_CIPHER, i), row(ALG_MAC, i), row(ALG_MAC, i),
		row(ALG_COMPRESSION, i), row(ALG_COMPRESSION, i), "", "" };

	wr_u8(&w, SSH_MSG_KEXINIT);
	crypto_random(wr_room(&w, 16), 16);
	for (size_t l = 0; l < 10; l++)
		wr_str(&w, lists[l]);
	wr_u8(&w, 0);
	wr_u32(&w, 0);
	return wr_span(&w);
}

/* Some H of the length that row i's key exchange has. */
struct span
worker_rehearse_hash(size_t i)
{
	static const uint8_t any_hash[HASH_MAX] = { 1 };
	const struct kex_alg *kex = kex_row(i);

	return span_of(any_hash, kex == NULL ? 0 : hash_size(kex->hash));
}

enum proto_error
worker_rehearse_group(struct transport *t)
{
	struct kex_group group;

	if (kex_group_modp(&group, 2048) != 0)
		return PROTO_E_LOCAL_CRYPTO;
	return transport_group(t, span_of(group.p, group.p_len), span_of(group.g, group.g_len),
	    worker_clock());
}

/* ---- two transports in memory ---- */

static const uint8_t hostkeys[] = "\0\0\0\013ssh-ed25519\0\0\0\001k";

struct transport *
worker_rehearse_transport(enum ssh_role role, struct span kexinit, uint8_t *rx, uint8_t *tx)
{
	struct transport_config cfg = { .role = role, .version = span_str("SSH-2.0-rehearsal"),
		.kexinit = kexinit, .hostkeys = span_of(hostkeys, sizeof(hostkeys) - 1),
		.sig_algs = span_str("ssh-ed25519"), .rx = rx, .tx = tx,
		.rx_cap = BUFFER, .tx_cap = BUFFER };

	return transport_new(&cfg, worker_clock());
}

static bool
carry(struct transport *from, struct transport *to)
{
	struct span s = transport_pending(from);
	size_t room, n;
	uint8_t *p = transport_rx_room(to, &room);

	n = s.n < room ? s.n : room;
	memcpy(p, s.p, n);
	transport_rx_add(to, n);
	transport_sent(from, n);
	return n > 0;
}

static int
answer(struct transport *t, const struct transport_event *ev, struct span h, struct span kexinit)
{
	if (ev->type == TE_GROUP)
		return worker_rehearse_group(t);
	if (ev->type == TE_SIGN)
		return transport_signed(t, span_str("s"), h, kexinit, worker_clock());
	if (ev->type == TE_VERIFY)
		return transport_verified(t, h, kexinit, worker_clock());
	return ev->type == TE_ERROR ? -1 : 0;
}

static int
take_all(struct transport *t, struct span h, struct span kexinit, unsigned *keys)
{
	struct transport_event ev;

	do {
		transport_next(t, worker_clock(), &ev);
		if (answer(t, &ev, h, kexinit) != 0)
			return -1;
		*keys += ev.type == TE_KEYS;
	} while (ev.type != TE_NONE);
	return 0;
}

/* Compression begins with it. */
static int
say_success(struct transport *s, struct transport *c)
{
	struct wr w;

	transport_set_phase(s, PH_OPEN);
	transport_set_phase(c, PH_AUTH);
	w = transport_begin(s, MESSAGE);
	wr_u8(&w, SSH_MSG_USERAUTH_SUCCESS);
	return transport_end(s, &w);
}

static int
say_something(struct transport *t)
{
	struct wr w = transport_begin(t, MESSAGE);

	wr_u8(&w, SSH_MSG_IGNORE);
	wr_str(&w, "rehearsal");
	return transport_end(t, &w);
}

/* Both have their keys: a login, and when that was heard a packet each way, and a
 * rekey by the client. */
static int
talk(struct transport *s, struct transport *c, unsigned step)
{
	if (step == 0)
		return say_success(s, c);
	transport_set_phase(c, PH_OPEN);
	if (say_something(s) != 0 || say_something(c) != 0)
		return -1;
	return transport_rekey(c, worker_clock());
}

/* Row i of each table: a key exchange, a login, one packet each way, a rekey. */
static int
rehearse_row(size_t i, uint8_t *const mem[4])
{
	uint8_t buf[2048];
	struct span kexinit = worker_rehearse_kexinit(buf, sizeof(buf), i);
	struct span h = worker_rehearse_hash(i);
	struct transport *s = worker_rehearse_transport(SSH_SERVER, kexinit, mem[0], mem[1]);
	struct transport *c = worker_rehearse_transport(SSH_CLIENT, kexinit, mem[2], mem[3]);
	unsigned keys = 0, said = 0;
	int rc = s != NULL && c != NULL ? 0 : -1;

	for (int turn = 0; rc == 0 && turn < TURNS; turn++) {
		bool moved = carry(s, c);

		moved = carry(c, s) || moved;
		rc = take_all(s, h, kexinit, &keys) != 0 ? -1 :
		    take_all(c, h, kexinit, &keys);
		if (rc == 0 && keys == 2 && said < 2)
			rc = talk(s, c, said++);
		else if (!moved)
			break;
	}
	transport_free(s);
	transport_free(c);
	return rc == 0 && keys == 4 ? 0 : -1;
}

static size_t
most_rows(void)
{
	size_t n = 0;

	while (alg_name(ALG_KEX, n) != NULL || alg_name(ALG_CIPHER, n) != NULL ||
	    alg_name(ALG_MAC, n) != NULL || alg_name(ALG_COMPRESSION, n) != NULL)
		n++;
	return n;
}

static int
rehearse_algorithms(uint8_t *const mem[4])
{
	size_t n = most_rows();

	for (size_t i = 0; i < n; i++)
		if (rehearse_row(i, mem) != 0)
			return -1;
	return 0;
}

/* What malloc does when buffers of channels grow. */
static int
rehearse_memory(void)
{
	struct backlog b = { 0 };
	uint8_t piece[4096] = { 0 };
	bool fits = true;

	for (size_t n = 0; fits && n < 4 * 1024 * 1024; n += sizeof(piece))
		fits = worker_backlog_add(&b, SIZE_MAX, piece, sizeof(piece));
	worker_backlog_free(&b);
	return fits ? 0 : -1;
}

int
worker_rehearse(void)
{
	uint8_t *mem[4] = { NULL };
	int rc = 0;

	for (int i = 0; i < 4; i++)
		if ((mem[i] = malloc(BUFFER)) == NULL)
			rc = -1;
	if (rc == 0)
		rc = rehearse_algorithms(mem);
	if (rc == 0)
		rc = rehearse_memory();
	if (rc == 0)
		rc = worker_rehearse_life(mem[2], mem[3]);
	for (int i = 0; i < 4; i++)
		free(mem[i]);
	return rc;
}
