/*
 * transport_compression_test.c - two transports under zlib@openssh.com: a peer that
 * lies about it, when it begins and begins anew, what room is promised, and the tap.
 */
#include <zlib.h>

#include "tests/transport_pair.h"

#define ZLIB "zlib@openssh.com"
enum { BIG = 32768 };
static const uint8_t success[] = { SSH_MSG_USERAUTH_SUCCESS };

static struct pair *
pair_keyed(const char *c2s, const char *s2c)
{
	struct pair *p = pair_new();

	p->c.lists[KL_COMPRESSION_C2S] = p->s.lists[KL_COMPRESSION_C2S] = c2s;
	p->c.lists[KL_COMPRESSION_S2C] = p->s.lists[KL_COMPRESSION_S2C] = s2c;
	return p;
}

static void
pair_login(struct pair *p)
{
	pair_run(p);
	pair_phase(p, PH_AUTH);
	assert_int_equal(side_send(&p->s, SSH_MSG_USERAUTH_SUCCESS, "", 0), PROTO_OK);
	pair_run(p);
	assert_int_equal(p->c.numbers[p->c.packets - 1], SSH_MSG_USERAUTH_SUCCESS);
	pair_phase(p, PH_OPEN);
}

static struct pair *
pair_zlib(void)
{
	struct pair *p = pair_keyed(ZLIB, ZLIB);

	pair_start(p);
	pair_login(p);
	return p;
}

/* Bulk data that cannot be compressed. */
static size_t
send_random(struct side *s, size_t piece, size_t total, size_t max)
{
	struct iovec iov[64];
	size_t places = transport_data_begin(s->t, 7, 0, piece, total, iov, max), n = 0;

	for (size_t i = 0; i < places; i++) {
		crypto_random(iov[i].iov_base, iov[i].iov_len);
		n += iov[i].iov_len;
	}
	assert_int_equal(transport_data_end(s->t, n), PROTO_OK);
	return n;
}

/* ---- a peer that lies ---- */

/* The server gets this as a packet of a peer that has logged in and compresses. */
static enum proto_error
server_takes(const void *bytes, size_t n)
{
	struct pair *p = pair_zlib();
	enum proto_error e;

	compression_out_free(p->c.t->deflate);
	p->c.t->deflate = NULL;
	side_inject(&p->c, bytes, n);
	pair_run(p);
	e = p->s.error;
	assert_int_equal(p->s.packets, 0);
	pair_free(p);
	return e;
}

static void
a_bomb_after_login(void **state)
{
	static uint8_t much[4 * 1024 * 1024], packed[16 * 1024];
	uLongf n = sizeof(packed);

	(void)state;
	assert_int_equal(compress2(packed, &n, much, sizeof(much), 9), Z_OK);
	assert_int_equal(server_takes(packed, n), PROTO_E_INFLATED_LONG);
	assert_int_equal(proto_error_disconnect(PROTO_E_INFLATED_LONG),
	    SSH_DISCONNECT_COMPRESSION_ERROR);
	assert_int_equal(proto_error_class(PROTO_E_INFLATED_LONG), PC_PROTOCOL);
}

static void
damaged_ended_empty_or_not_compressed_at_all(void **state)
{
	static const uint8_t request[] = { 80, 0, 0, 0, 1, 'x', 0 };
	static const uint8_t ended[] = { 0x78, 0x9c, 0x03, 0, 0, 0, 0, 1 };

	(void)state;
	assert_int_equal(server_takes("\x78\x9c\x07\x00", 4), PROTO_E_INFLATE);
	assert_int_equal(server_takes(ended, sizeof(ended)), PROTO_E_INFLATE);
	assert_int_equal(server_takes("\x78\x9c", 2), PROTO_E_PACKET_EMPTY);
	assert_int_equal(server_takes(request, sizeof(request)), PROTO_E_INFLATE);
	assert_int_equal(server_takes(ignore, sizeof(ignore)), PROTO_E_INFLATE);
	assert_int_equal(proto_error_disconnect(PROTO_E_INFLATE), SSH_DISCONNECT_COMPRESSION_ERROR);
}

/* Whoever compresses before login is not understood: no inflater exists then. */
static void
nothing_is_inflated_before_login(void **state)
{
	static uint8_t zeros[60000], packed[1024];
	uLongf n = sizeof(packed);
	struct pair *p = pair_keyed(ZLIB, ZLIB);

	(void)state;
	assert_int_equal(compress2(packed, &n, zeros, sizeof(zeros), 9), Z_OK);
	assert_int_equal(packed[0], 0x78);	/* an unknown number */
	pair_start(p);
	pair_run(p);
	pair_phase(p, PH_AUTH);
	side_inject(&p->c, packed, n);
	side_inject(&p->c, ignore, sizeof(ignore));
	pair_run(p);
	assert_int_equal(p->s.error, PROTO_E_MESSAGE_ORDER);
	assert_null(p->s.t->inflate);
	pair_free(p);
}

static void
one_data_packet_that_was_changed(void **state)
{
	struct pair *p = pair_zlib();

	(void)state;
	/* the peer's context and ours no longer agree */
	assert_int_equal(side_send(&p->c, 80, "the first of two that are alike", 31), PROTO_OK);
	pair_run(p);
	assert_int_equal(p->s.packets, 1);
	assert_int_equal(compression_in_restart(p->s.t->inflate), PROTO_OK);
	assert_int_equal(side_send(&p->c, 80, "the first of two that are alike", 31), PROTO_OK);
	pair_run(p);
	assert_int_equal(p->s.error, PROTO_E_INFLATE);
	pair_free(p);
}

/* ---- beginning ---- */

static void
it_begins_with_success_in_both_roles(void **state)
{
	struct pair *p = pair_keyed(ZLIB, ZLIB);
	struct transport_agreed a;

	(void)state;
	pair_start(p);
	pair_run(p);
	transport_agreed(p->c.t, &a);
	assert_string_equal(a.compression_c2s, ZLIB);
	assert_string_equal(a.compression_s2c, ZLIB);
	pair_phase(p, PH_AUTH);
	assert_int_equal(side_send(&p->s, 53, "\0\0\0\1b\0\0\0\0", 9), PROTO_OK);
	assert_int_equal(side_send(&p->c, 50, "password", 8), PROTO_OK);
	pair_run(p);
	assert_true(p->s.t->deflate == NULL && p->s.t->inflate == NULL);
	assert_true(p->c.t->deflate == NULL && p->c.t->inflate == NULL);
	assert_false(transport_payload_is_brief(p->s.t));

	/* SUCCESS itself goes as it is */
	assert_int_equal(side_send(&p->s, success[0], "", 0), PROTO_OK);
	assert_int_equal(transport_pending(p->s.t).n, packet_size(&p->s.t->out, 1));
	assert_true(p->s.t->deflate != NULL && p->s.t->inflate != NULL);
	assert_null(p->c.t->deflate);
	pair_run(p);
	assert_true(p->c.t->deflate != NULL && p->c.t->inflate != NULL);
	assert_true(transport_payload_is_brief(p->c.t));
	pair_phase(p, PH_OPEN);
	assert_int_equal(side_send_data(&p->c, BIG, 500000, 64), BIG);
	pair_run(p);
	assert_int_equal(p->s.data, BIG);
	pair_free(p);
}

static void
without_it_there_is_none(void **state)
{
	static const char *const lists[][2] = { { "none", "none" },
		{ "none," ZLIB, "none," ZLIB } };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct pair *p = pair_keyed(lists[i][0], lists[i][1]);
		struct transport_agreed a;

		pair_start(p);
		pair_login(p);
		transport_agreed(p->s.t, &a);
		assert_string_equal(a.compression_c2s, "none");
		assert_string_equal(a.compression_s2c, "none");
		assert_true(p->s.t->deflate == NULL && p->s.t->inflate == NULL);
		assert_true(p->c.t->deflate == NULL && p->c.t->inflate == NULL);
		assert_false(transport_payload_is_brief(p->c.t));
		pair_free(p);
	}
}

static void
each_direction_by_itself(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct pair *p = pair_keyed(i == 0 ? ZLIB : "none", i == 0 ? "none" : ZLIB);
		struct side *to = i == 0 ? &p->s : &p->c, *from = i == 0 ? &p->c : &p->s;

		pair_start(p);
		pair_login(p);
		assert_true(from->t->deflate != NULL && from->t->inflate == NULL);
		assert_true(to->t->deflate == NULL && to->t->inflate != NULL);
		assert_int_equal(side_send_data(from, BIG, BIG, 1), BIG);
		assert_true(transport_pending(from->t).n < BIG / 8);
		assert_int_equal(side_send_data(to, BIG, BIG, 1), BIG);
		assert_true(transport_pending(to->t).n > BIG);
		pair_run(p);
		assert_int_equal(to->data, BIG);
		assert_int_equal(from->data, BIG);
		pair_free(p);
	}
}

/* The client begins a rekey while its login is under way; SUCCESS is held until our
 * NEWKEYS is out, and the client's NEWKEYS comes as it is. */
static void
a_success_that_was_held(void **state)
{
	struct pair *p = pair_keyed(ZLIB, ZLIB);

	(void)state;
	pair_start(p);
	pair_run(p);
	pair_phase(p, PH_AUTH);
	assert_int_equal(transport_rekey(p->c.t, p->now), PROTO_OK);
	assert_true(carry(p, &p->c, &p->s) > 0);
	assert_false(transport_can_send(p->s.t));
	assert_int_equal(side_send(&p->s, success[0], "", 0), PROTO_OK);
	transport_set_phase(p->s.t, PH_OPEN);
	assert_int_equal(side_send(&p->s, 80, "and something behind it", 23), PROTO_OK);
	assert_null(p->s.t->deflate);
	/* a byte at a time, so that the phase can change right behind SUCCESS */
	p->chunk = 1;
	for (int i = 0; i < 20000 && p->c.packets == 0; i++)
		if (carry(p, &p->s, &p->c) == 0)
			carry(p, &p->c, &p->s);
	assert_int_equal(p->c.numbers[0], SSH_MSG_USERAUTH_SUCCESS);
	transport_set_phase(p->c.t, PH_OPEN);
	p->chunk = 0;
	pair_run(p);
	assert_int_equal(p->c.packets, 2);
	assert_int_equal(p->s.keys, 2);
	assert_true(p->s.t->inflate != NULL && p->s.t->deflate != NULL);
	assert_int_equal(side_send_data(&p->c, BIG, BIG, 1), BIG);
	assert_int_equal(side_send_data(&p->s, BIG, BIG, 1), BIG);
	pair_run(p);
	assert_int_equal(p->s.data, BIG);
	assert_int_equal(p->c.data, BIG);
	pair_free(p);
}

/* ---- rekeys ---- */

static size_t
size_of(struct pair *p, const uint8_t *text, size_t n)
{
	size_t size;

	assert_int_equal(side_send(&p->c, 80, text, n), PROTO_OK);
	size = transport_pending(p->c.t).n;
	pair_run(p);
	assert_int_equal(p->s.error, PROTO_OK);
	return size;
}

static void
a_rekey_forgets_what_was_said(void **state)
{
	struct pair *p = pair_zlib();
	uint8_t text[1000];

	(void)state;
	crypto_random(text, sizeof(text));
	assert_true(size_of(p, text, sizeof(text)) > sizeof(text));
	assert_true(size_of(p, text, sizeof(text)) < 200);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(transport_rekey(i & 1 ? p->c.t : p->s.t, p->now), PROTO_OK);
		pair_run(p);
		assert_int_equal(p->c.keys, i + 2);
		assert_true(size_of(p, text, sizeof(text)) > sizeof(text));
		assert_true(size_of(p, text, sizeof(text)) < 200);
	}
	pair_free(p);
}

/* What the last KEXINIT agreed on, from the NEWKEYS of each direction. */
static void
a_rekey_ends_it_and_begins_it(void **state)
{
	static const char *const next[] = { "none", ZLIB, ZLIB, "none", "none", ZLIB };
	struct pair *p = pair_keyed("none", ZLIB);
	const char *agreed = ZLIB;

	(void)state;
	pair_start(p);
	for (int i = 0; i < 6; i++) {
		/* the monitor's answer brings the KEXINIT of the next time */
		p->c.lists[KL_COMPRESSION_S2C] = p->s.lists[KL_COMPRESSION_S2C] = next[i];
		if (i == 0)
			pair_login(p);
		else
			assert_int_equal(transport_rekey(p->c.t, p->now), PROTO_OK);
		pair_run(p);
		assert_int_equal(p->s.keys, i + 1);
		assert_int_equal(p->s.t->deflate != NULL, agreed[0] == 'z');
		assert_int_equal(p->c.t->inflate != NULL, agreed[0] == 'z');
		assert_true(p->c.t->deflate == NULL && p->s.t->inflate == NULL);
		assert_int_equal(side_send_data(&p->s, BIG, BIG, 1), BIG);
		assert_int_equal(transport_pending(p->s.t).n < BIG / 8, agreed[0] == 'z');
		assert_int_equal(side_send_data(&p->c, BIG, BIG, 1), BIG);
		pair_run(p);
		assert_int_equal(p->c.data, (i + 1) * BIG);
		assert_int_equal(p->s.data, (i + 1) * BIG);
		agreed = next[i];
	}
	pair_free(p);
}

static void
rekey_storm_with_data_both_ways(void **state)
{
	struct pair *p = pair_keyed(ZLIB, ZLIB);
	uint64_t sent[2] = { 0 }, messages = 0;

	(void)state;
	p->c.c.rekey_bytes = 40000;
	p->s.c.rekey_bytes = 50000;
	pair_start(p);
	pair_login(p);
	p->chunk = 4999;
	for (int k = 0; k < 1500; k++) {
		sent[0] += send_random(&p->c, 3000, 3000, 4);
		sent[1] += k & 1 ? send_random(&p->s, 2000, 2500, 4) :
		    side_send_data(&p->s, 2000, 2500, 4);
		carry(p, &p->c, &p->s);
		carry(p, &p->s, &p->c);
		if (k % 20 == 0) {
			assert_int_equal(side_send(&p->c, 80, "window", 6), PROTO_OK);
			messages++;
		}
	}
	pair_run(p);
	assert_int_equal(p->c.error, PROTO_OK);
	assert_int_equal(p->s.error, PROTO_OK);
	assert_int_equal(p->s.data, sent[0]);
	assert_int_equal(p->c.data, sent[1]);
	assert_true(sent[0] > 1000000 && sent[1] > 500000 && messages == 75);
	assert_true(p->c.keys > 20);
	pair_free(p);
}

/* ---- room ---- */

/* What cannot be compressed, into the smallest tx: each promise of room is kept. */
static void
room_that_is_promised_is_there(void **state)
{
	static uint8_t text[COMPRESSION_OUT_MAX - 1];
	static const size_t sizes[] = { 1, 100, 5000, BIG };
	struct pair *p = pair_keyed(ZLIB, ZLIB);
	unsigned all = 0;

	(void)state;
	p->c.c.tx_cap = TRANSPORT_TX_MIN;
	pair_start(p);
	pair_login(p);
	crypto_random(text, sizeof(text));
	for (size_t i = 0; i < 4; i++) {
		unsigned made = 0;
		size_t pending;

		while (transport_has_data_room(p->c.t, sizes[i])) {
			assert_int_equal(send_random(&p->c, sizes[i], sizes[i], 1), sizes[i]);
			made++;
		}
		assert_true(made > 0);
		assert_true(transport_has_room(p->c.t, 48 * 1024));
		while (transport_has_room(p->c.t, 1 + sizes[i])) {
			assert_int_equal(side_send(&p->c, 80, text, sizes[i]), PROTO_OK);
			assert_int_equal(p->c.t->held_n, 0);
			all++;
		}
		/* so full, and still our KEXINIT and a goodbye fit */
		assert_int_equal(transport_rekey(p->c.t, p->now), PROTO_OK);
		assert_true(transport_in_kex(p->c.t));
		pending = transport_pending(p->c.t).n;
		if (i == 3)
			transport_say_goodbye(p->c.t, 11, "bye");
		assert_int_equal(transport_pending(p->c.t).n > pending, i == 3);
		pair_run(p);
		assert_int_equal(p->s.error, PROTO_OK);
	}
	assert_int_equal(p->s.disconnects, 1);
	assert_true(all > 4);
	pair_free(p);
}

/* The longest message that may be made fits, whatever is in it; also when it was held. */
static void
the_longest_message(void **state)
{
	static uint8_t text[COMPRESSION_OUT_MAX];
	struct pair *p = pair_zlib();
	struct wr w;

	(void)state;
	crypto_random(text, sizeof(text));
	assert_int_equal(side_send(&p->c, 80, text, sizeof(text) - 1), PROTO_OK);
	pair_run(p);
	assert_int_equal(p->s.packets, 1);
	assert_int_equal(transport_rekey(p->c.t, p->now), PROTO_OK);
	assert_int_equal(side_send(&p->c, 80, text, sizeof(text) - 1), PROTO_OK);
	pair_run(p);
	assert_int_equal(p->s.packets, 2);
	w = transport_begin(p->c.t, 1 + sizeof(text));
	wr_u8(&w, 80);
	wr_raw(&w, span_of(text, sizeof(text)));
	assert_true(w.bad);
	assert_int_equal(transport_end(p->c.t, &w), PROTO_E_LOCAL_BUG);
	pair_free(p);
}

/* Many small places at once; fewer bytes than were asked for; none. */
static void
places_for_bulk_data(void **state)
{
	static const size_t pieces[] = { 1, 7, 100, 1000, 20000, BIG, SIZE_MAX };
	static const size_t reads[] = { 0, 1, 999, 20000, SIZE_MAX };
	struct pair *p = pair_zlib();
	uint64_t sent = 0;

	(void)state;
	for (size_t i = 0; i < 7; i++) {
		for (size_t k = 0; k < 5; k++) {
			struct iovec iov[64];
			size_t n = transport_data_begin(p->c.t, 7, 0, pieces[i], 100000, iov, 64);
			size_t all = 0;

			assert_in_range(n, 1, 64);
			for (size_t j = 0; j < n; j++) {
				memset(iov[j].iov_base, 'a' + (int)j, iov[j].iov_len);
				all += iov[j].iov_len;
			}
			if (pieces[i] >= BIG)
				assert_int_equal(all, BIG);
			if (reads[k] < all)
				all = reads[k];
			assert_int_equal(transport_data_end(p->c.t, all), PROTO_OK);
			sent += all;
			pair_run(p);
			assert_int_equal(p->s.data, sent);
		}
	}
	assert_int_equal(transport_data_end(p->c.t, 1), PROTO_E_LOCAL_BUG);
	pair_free(p);
}

/* A message between begin and end would be sent for the data. */
static void
a_message_takes_the_place_of_data(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct pair *p = i == 0 ? pair_zlib() : pair_open();
		struct iovec iov[4];

		assert_true(transport_data_begin(p->c.t, 7, 0, 1000, 4000, iov, 4) > 0);
		assert_int_equal(side_send(&p->c, 80, "x", 1), PROTO_OK);
		assert_int_equal(transport_data_end(p->c.t, 10), PROTO_E_LOCAL_BUG);
		pair_free(p);
	}
}

static void
bulk_data_through_a_slow_network(void **state)
{
	static const size_t chunks[] = { 701, 33000 };

	(void)state;
	for (size_t c = 0; c < 2; c++) {
		struct pair *p = pair_zlib();
		uint64_t sent = 0, turns = 0;

		p->chunk = chunks[c];
		while (sent < 3000000 && turns++ < 100000) {
			bool room = transport_has_data_room(p->c.t, 30000);
			size_t n = send_random(&p->c, 30000, 500000, 16);

			assert_true(n > 0 || !room);
			assert_true(n > 0 || transport_pending(p->c.t).n > 0);
			sent += n;
			carry(p, &p->c, &p->s);
		}
		pair_run(p);
		assert_int_equal(p->s.data, sent);
		assert_true(sent >= 3000000);
		pair_free(p);
	}
}

/* Places up to the very end of tx, again and again, for bytes that grow. */
static void
small_pieces_to_the_end_of_tx(void **state)
{
	struct pair *p = pair_zlib();
	uint64_t sent = 0;

	(void)state;
	for (size_t i = 0; i < 1500; i++) {
		sent += send_random(&p->c, 250 + i % 150, 33000, 64);
		p->chunk = 1000 + i * 37 % 9000;
		carry(p, &p->c, &p->s);
	}
	p->chunk = 0;
	pair_run(p);
	assert_int_equal(p->s.data, sent);
	assert_true(sent > 6000000);
	pair_free(p);
}

static void
the_transports_own_messages_too(void **state)
{
	static const uint8_t ping[] = { 192, 0, 0, 0, 5, 'h', 'e', 'l', 'l', 'o' };
	struct pair *p = pair_zlib();
	unsigned before;

	(void)state;
	before = (unsigned)p->c.t->packets_in;
	side_inject(&p->c, ping, sizeof(ping));
	side_inject(&p->c, debug, sizeof(debug));
	side_inject(&p->c, ignore, sizeof(ignore));
	pair_run(p);
	assert_int_equal(p->s.debugs, 1);
	assert_int_equal(p->c.t->packets_in, before + 1);	/* PONG */
	transport_say_goodbye(p->s.t, 11, "so long");
	pair_run(p);
	assert_int_equal(p->c.disconnects, 1);
	assert_memory_equal(p->c.text, "so long", 7);
	assert_int_equal(p->c.error, PROTO_OK);
	pair_free(p);
}

/* ---- the tap ---- */

struct tape { size_t n; unsigned packets; uint8_t bytes[2][400000]; size_t at[2]; };

static void
record(void *user, bool is_out, struct span payload)
{
	struct tape *t = user;
	size_t *at = &t->at[is_out];

	assert_true(payload.n > 0 && payload.n <= sizeof(t->bytes[0]) - *at);
	memcpy(&t->bytes[is_out][*at], payload.p, payload.n);
	*at += payload.n;
	t->packets++;
}

/* What one side's tap saw go out the other's saw come in, and it is what was said. */
static void
the_tap_sees_what_was_said(void **state)
{
	static struct tape tape[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct pair *p = pair_keyed(i == 0 ? "none" : ZLIB, i == 0 ? "none" : ZLIB);
		struct tape *c = &tape[0], *s = &tape[1];
		struct transport_agreed a;
		size_t at, first[2];

		memset(tape, 0, sizeof(tape));
		pair_start(p);
		first[0] = p->c.kexinit_len;
		first[1] = p->s.kexinit_len;
		/* our first KEXINIT was made before anybody could listen */
		transport_set_tap(p->c.t, record, c);
		transport_set_tap(p->s.t, record, s);
		pair_run(p);
		assert_int_equal(c->bytes[0][0], SSH_MSG_KEXINIT);
		assert_int_equal(c->bytes[1][0], SSH_MSG_KEX_ECDH_INIT);
		pair_login(p);
		assert_int_equal(s->bytes[1][s->at[1] - 1], SSH_MSG_USERAUTH_SUCCESS);
		at = s->at[0];
		assert_int_equal(side_send_data(&p->c, 10000, 30000, 3), 30000);
		assert_int_equal(side_send(&p->c, 80, "a request", 9), PROTO_OK);
		assert_int_equal(send_random(&p->s, 1000, 1000, 1), 1000);
		side_inject(&p->s, ignore, sizeof(ignore));
		pair_run(p);
		assert_int_equal(s->at[0] - at, 3 * (9 + 10000) + 10);
		assert_int_equal(s->bytes[0][at], SSH_MSG_CHANNEL_DATA);
		assert_int_equal(s->bytes[0][at + 9], 1);
		assert_memory_equal(&s->bytes[0][s->at[0] - 9], "a request", 9);
		assert_int_equal(transport_rekey(p->s.t, p->now), PROTO_OK);
		pair_run(p);
		transport_say_goodbye(p->c.t, 11, "over");
		pair_run(p);
		/* but for the two KEXINITs that it missed */
		for (int k = 0; k < 2; k++) {
			struct tape *from = k == 0 ? c : s, *to = k == 0 ? s : c;
			size_t missed = to->at[0] - from->at[1];

			assert_int_equal(to->bytes[0][0], SSH_MSG_KEXINIT);
			assert_int_equal(missed, first[k]);
			assert_memory_equal(&to->bytes[0][missed], from->bytes[1], from->at[1]);
		}
		transport_agreed(p->c.t, &a);
		assert_int_equal(c->packets, a.packets_in + a.packets_out - 1);
		pair_free(p);
	}
}

static void
a_tap_that_was_taken_off(void **state)
{
	static struct tape tape;
	struct pair *p = pair_zlib();
	unsigned packets;

	(void)state;
	memset(&tape, 0, sizeof(tape));
	transport_set_tap(p->s.t, record, &tape);
	assert_int_equal(side_send(&p->c, 80, "x", 1), PROTO_OK);
	pair_run(p);
	packets = tape.packets;
	assert_int_equal(packets, 1);
	transport_set_tap(p->s.t, NULL, NULL);
	assert_int_equal(side_send(&p->c, 80, "x", 1), PROTO_OK);
	assert_int_equal(side_send(&p->s, 80, "x", 1), PROTO_OK);
	pair_run(p);
	assert_int_equal(tape.packets, packets);
	assert_int_equal(p->s.packets, 2);
	pair_free(p);
}

static int
setup(void **state)
{
	(void)state;
	return crypto_init();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bomb_after_login),
		cmocka_unit_test(damaged_ended_empty_or_not_compressed_at_all),
		cmocka_unit_test(nothing_is_inflated_before_login),
		cmocka_unit_test(one_data_packet_that_was_changed),
		cmocka_unit_test(it_begins_with_success_in_both_roles),
		cmocka_unit_test(without_it_there_is_none),
		cmocka_unit_test(each_direction_by_itself),
		cmocka_unit_test(a_success_that_was_held),
		cmocka_unit_test(a_rekey_forgets_what_was_said),
		cmocka_unit_test(a_rekey_ends_it_and_begins_it),
		cmocka_unit_test(rekey_storm_with_data_both_ways),
		cmocka_unit_test(room_that_is_promised_is_there),
		cmocka_unit_test(the_longest_message),
		cmocka_unit_test(places_for_bulk_data),
		cmocka_unit_test(a_message_takes_the_place_of_data),
		cmocka_unit_test(bulk_data_through_a_slow_network),
		cmocka_unit_test(small_pieces_to_the_end_of_tx),
		cmocka_unit_test(the_transports_own_messages_too),
		cmocka_unit_test(the_tap_sees_what_was_said),
		cmocka_unit_test(a_tap_that_was_taken_off),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
