/*
 * transport_test.c - two transports against each other, and against a peer that
 * breaks the rules: handshakes, rekeys from either side with data in flight, what
 * is held and in which order, deadlines, floods, and the ends of all counters.
 */
#include "tests/transport_pair.h"

static enum proto_error
feed_raw(struct side *s, struct raw *r)
{
	(void)side_feed(s, r->bytes, r->n, 5000);
	return s->error;
}

static struct side *
server_new(void)
{
	struct side *s = malloc(sizeof(*s));

	assert_non_null(s);
	side_init(s, SSH_SERVER);
	return s;
}

static void
server_free(struct side *s)
{
	side_free(s);
	free(s);
}

static struct raw *
raw_new(const char *version)
{
	struct raw *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	raw_bytes(r, version, strlen(version));
	return r;
}

/* ---- configuration ---- */

static void
configurations_refused(void **state)
{
	struct side *s = server_new();
	struct transport_config c;

	(void)state;
	side_start(s, 0);
	c = s->c;
	c.version = span_str("SSH-2.0-a\r\n");
	assert_null(transport_new(&c, 0));
	c = s->c;
	c.kexinit.n--;
	assert_null(transport_new(&c, 0));
	c = s->c;
	c.kexinit = span_of(NULL, 0);
	assert_null(transport_new(&c, 0));
	c = s->c;
	c.rx_cap = TRANSPORT_RX_MIN - 1;
	assert_null(transport_new(&c, 0));
	c = s->c;
	c.tx_cap = TRANSPORT_TX_MIN - 1;
	assert_null(transport_new(&c, 0));
	s->kexinit[s->kexinit_len - 5] = 1;	/* a guess that we would have to send */
	c = s->c;
	assert_null(transport_new(&c, 0));
	transport_free(NULL);
	server_free(s);
}

/* ---- the whole of it ---- */

static void
handshake_with_every_cipher(void **state)
{
	static const char *const ciphers[] = { "chacha20-poly1305@openssh.com",
		"aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "aes256-ctr", "aes192-ctr",
		"aes128-ctr" };
	static const char *const macs[] = { "hmac-sha2-256-etm@openssh.com",
		"hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512" };
	static const size_t chunks[] = { 0, 1, 7, 1000 };

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		for (size_t k = 0; k < 4; k++) {
			struct pair *p = pair_new();
			struct transport_agreed a;

			p->chunk = chunks[k];
			p->c.lists[KL_CIPHER_C2S] = ciphers[i];
			p->c.lists[KL_CIPHER_S2C] = ciphers[5 - i];
			p->c.lists[KL_MAC_C2S] = macs[k];
			p->c.lists[KL_MAC_S2C] = macs[3 - k];
			p->s.lists[KL_CIPHER_C2S] = p->s.lists[KL_CIPHER_S2C] =
			    "aes128-ctr,aes192-ctr,aes256-ctr,aes128-gcm@openssh.com,"
			    "aes256-gcm@openssh.com,chacha20-poly1305@openssh.com";
			p->s.lists[KL_MAC_C2S] = p->s.lists[KL_MAC_S2C] =
			    "hmac-sha2-512,hmac-sha2-256,hmac-sha2-512-etm@openssh.com,"
			    "hmac-sha2-256-etm@openssh.com";
			pair_start(p);
			pair_run(p);
			assert_int_equal(p->c.keys, 1);
			assert_int_equal(p->s.keys, 1);
			assert_int_equal(transport_phase(p->c.t), PH_SERVICE);
			assert_false(transport_in_kex(p->s.t));
			assert_memory_equal(p->c.session_id, p->s.session_id, 32);
			transport_agreed(p->s.t, &a);
			assert_string_equal(a.cipher_c2s, ciphers[i]);
			assert_string_equal(a.cipher_s2c, ciphers[5 - i]);
			if (i < 3)
				assert_string_equal(a.mac_c2s, "<implicit>");
			else
				assert_string_equal(a.mac_c2s, macs[k]);
			assert_string_equal(a.peer_version, "SSH-2.0-Client_1");
			assert_string_equal(a.hostkey_alg, "ssh-ed25519");
			assert_string_equal(a.kex, "curve25519-sha256");
			assert_true(a.strict);
			assert_int_equal(a.exchanges, 1);

			pair_phase(p, PH_OPEN);
			assert_int_equal(side_send_data(&p->c, 32768, 100000, 8), 100000);
			assert_int_equal(side_send_data(&p->s, 32768, 70000, 8), 70000);
			pair_run(p);
			assert_int_equal(p->s.data, 100000);
			assert_int_equal(p->c.data, 70000);
			assert_true(transport_idle(p->c.t) && transport_idle(p->s.t));
			pair_free(p);
		}
	}
}

static void
lines_before_the_servers_version(void **state)
{
	struct pair *p = pair_new();
	static const char lines[] = "Welcome\r\nto nowhere\n\r\n";

	(void)state;
	pair_start(p);
	(void)side_feed(&p->c, (const uint8_t *)lines, strlen(lines), p->now);
	assert_int_equal(p->c.error, PROTO_OK);
	pair_run(p);
	assert_int_equal(p->c.keys, 1);
	pair_free(p);
}

static void
a_bad_first_line(void **state)
{
	static const struct { const char *line; enum proto_error e; } rows[] = {
		{ "GET / HTTP/1.1\r\n", PROTO_E_BANNER_FORMAT },
		{ "SSH-1.5-x\r\n", PROTO_E_BANNER_VERSION },
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct side *s = server_new();
		struct raw *r = raw_new(rows[i].line);
		size_t room;

		side_start(s, 0);
		assert_int_equal(feed_raw(s, r), rows[i].e);
		(void)transport_rx_room(s->t, &room);
		assert_int_equal(room, 0);
		side_run(s, 0);		/* it stays that way */
		assert_int_equal(s->error, rows[i].e);
		assert_int_equal(s->packets, 0);
		server_free(s);
		free(r);
	}
}

/* ---- ext-info ---- */

static void
ext_info_only_to_who_asks(void **state)
{
	(void)state;
	for (int ask = 0; ask < 2; ask++) {
		struct pair *p = pair_new();
		struct transport_agreed a;

		p->c.pseudo = ask ? "ext-info-c" : "";
		pair_start(p);
		pair_run(p);
		transport_agreed(p->c.t, &a);
		assert_int_equal(p->c.sig_algs, ask);
		assert_int_equal(a.peer_pings, ask);
		assert_false(a.strict);
		if (ask) {
			assert_int_equal(p->c.text_len, 24);
			assert_memory_equal(p->c.text, "ssh-ed25519,rsa-sha2-512", 24);
		}
		/* not again after a rekey */
		pair_phase(p, PH_OPEN);
		assert_int_equal(transport_rekey(p->c.t, p->now), PROTO_OK);
		pair_run(p);
		assert_int_equal(p->s.keys, 2);
		assert_int_equal(p->c.sig_algs, ask);
		assert_int_equal(p->c.error, PROTO_OK);
		pair_free(p);
	}
}

static void
malformed_ext_info(void **state)
{
	static const struct { const char *bytes; size_t n; enum proto_error e; } rows[] = {
		{ "\7\xff\xff\xff\xff", 5, PROTO_E_MESSAGE_FORMAT },
		{ "\7\0\0\0\1", 5, PROTO_E_MESSAGE_FORMAT },
		{ "\7\0\0\0\1\0\0\0\1x\0\0\0", 13, PROTO_E_MESSAGE_FORMAT },
		{ "\7\0\0\0\1\0\0\0\1x\0\0\0\1", 14, PROTO_E_MESSAGE_FORMAT },
		{ "\7\0\0\0\2\0\0\0\1x\0\0\0\1y", 15, PROTO_E_MESSAGE_FORMAT },
		{ "\7\0\0\0\1\0\0\0\1x\0\0\0\1y.", 16, PROTO_E_MESSAGE_FORMAT },
		{ "\7\0\0\0\1\0\0\0\xfserver-sig-algs\0\0\0\2a\0", 30, PROTO_E_MESSAGE_FORMAT },
		{ "\7\0\0", 3, PROTO_E_MESSAGE_FORMAT },
		{ "\7\0\0\0\1\0\0\0\1x\0\0\0\1y", 15, PROTO_OK },
		{ "\7\0\0\0\0", 5, PROTO_OK },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pair *p = pair_new();

		pair_start(p);
		pair_run(p);
		side_inject(&p->s, rows[i].bytes, rows[i].n);
		pair_run(p);
		assert_int_equal(p->c.error, rows[i].e);
		if (rows[i].e == PROTO_OK) {	/* that was the second; a third is too many */
			side_inject(&p->s, rows[i].bytes, rows[i].n);
			pair_run(p);
			assert_int_equal(p->c.error, PROTO_E_MESSAGE_ORDER);
		}
		pair_free(p);
	}
}

/* ---- strict key exchange ---- */

static size_t
client_kexinit(struct side *maker, const char *pseudo, bool follows, const char *kex, uint8_t **p)
{
	side_init(maker, SSH_CLIENT);
	maker->pseudo = pseudo;
	maker->follows = follows;
	if (kex != NULL)
		maker->lists[KL_KEX] = kex;
	side_make_kexinit(maker);
	*p = maker->kexinit;
	return maker->kexinit_len;
}

#define STRICT_C "kex-strict-c-v00@openssh.com"
static const uint8_t ignore[] = { 2, 0, 0, 0, 0 }, debug[] = { 4, 0, 0, 0, 0, 1, 'd', 0, 0, 0, 0 },
    unimplemented[] = { 3, 0, 0, 0, 0 };

/* IGNORE, DEBUG, UNIMPLEMENTED before or after KEXINIT: harmless without strict kex,
 * the end with it. */
static void
messages_around_the_first_kexinit(void **state)
{
	static const struct { const uint8_t *p; size_t n; } m[] = {
		{ ignore, sizeof(ignore) }, { debug, sizeof(debug) },
		{ unimplemented, sizeof(unimplemented) },
	};
	struct side *maker = server_new();

	(void)state;
	for (int i = 0; i < 12; i++) {
		struct side *s = server_new();
		struct raw *r = raw_new("SSH-2.0-x\r\n");
		bool strict = i / 6 == 1, before = i / 3 % 2 == 1;
		uint8_t *k;
		size_t n = client_kexinit(maker, strict ? STRICT_C : "", false, NULL, &k);

		side_start(s, 5000);
		if (before)
			raw_packet(r, m[i % 3].p, m[i % 3].n);
		raw_packet(r, k, n);
		if (!before)
			raw_packet(r, m[i % 3].p, m[i % 3].n);
		assert_int_equal(feed_raw(s, r), strict ? PROTO_E_STRICT_KEX : PROTO_OK);
		assert_int_equal(s->debugs, i % 3 == 1 && (!strict || before) ? 1 : 0);
		server_free(s);
		free(r);
	}
	free(maker);
}

/* The pseudo names in a rekey change nothing (PROTOCOL 1.10). */
static void
strict_is_settled_once(void **state)
{
	(void)state;
	for (int first = 0; first < 2; first++) {
		struct pair *p = pair_new();
		struct transport_agreed a;

		p->c.pseudo = first ? STRICT_C : "";
		pair_start(p);
		p->c.pseudo = first ? "" : STRICT_C;	/* in its later KEXINITs */
		pair_run(p);
		pair_phase(p, PH_OPEN);
		for (unsigned i = 0; i < 2; i++) {
			assert_int_equal(transport_rekey(p->c.t, p->now), PROTO_OK);
			pair_run(p);
			assert_int_equal(p->s.keys, i + 2);
			assert_int_equal(p->c.error, PROTO_OK);
			transport_agreed(p->s.t, &a);
			assert_int_equal(a.strict, first);
			/* strict: every NEWKEYS began at 0 again */
			assert_int_equal(p->s.t->in.seq == p->s.t->in.packets, first);
			assert_int_equal(p->c.t->out.seq == p->c.t->out.packets, first);
		}
		pair_free(p);
	}
}

static void
sequence_numbers_start_again(void **state)
{
	struct pair *p = pair_new();

	(void)state;
	pair_start(p);
	pair_run(p);
	/* the server's EXT_INFO is the only packet under the new keys */
	assert_int_equal(p->s.t->out.seq, 1);
	assert_int_equal(p->c.t->in.seq, 1);
	assert_int_equal(p->c.t->out.seq, 0);
	assert_int_equal(p->s.t->in.seq, 0);
	pair_free(p);
}

/* Bytes of a KEXINIT flood without strict kex end where the numbers would repeat. */
static void
clear_packets_cannot_wrap(void **state)
{
	struct side *s = server_new();
	struct raw *r = raw_new("SSH-2.0-x\r\n");

	(void)state;
	side_start(s, 5000);
	assert_int_equal(feed_raw(s, r), PROTO_OK);
	r->n = 0;
	raw_packet(r, ignore, sizeof(ignore));
	raw_packet(r, ignore, sizeof(ignore));
	s->t->in.packets = UINT32_MAX;
	assert_int_equal(feed_raw(s, r), PROTO_E_SEQUENCE);
	server_free(s);
	free(r);
}

/* ---- guesses ---- */

static void
guess_in_the_first_exchange(void **state)
{
	struct side *maker = server_new();
	struct kex *kx = calloc(1, sizeof(*kx));
	uint8_t init[64], wrong[64] = { 30, 1, 2, 3 };
	struct wr w = wr_of(init, sizeof(init));

	(void)state;
	assert_non_null(kx);
	kx->alg = kex_find("curve25519-sha256", 17);
	assert_int_equal(kex_put_init(kx, &w), PROTO_OK);
	for (int i = 0; i < 6; i++) {
		struct side *s = server_new();
		struct raw *r = raw_new("SSH-2.0-x\r\n");
		bool right = i == 0;
		uint8_t *k;
		size_t n = client_kexinit(maker, STRICT_C, true,
		    right ? NULL : "other@kex,curve25519-sha256", &k);

		side_start(s, 5000);
		raw_packet(r, k, n);
		if (i == 0 || i == 1)		/* right: used; wrong: one is passed over */
			raw_packet(r, i == 0 ? init : wrong, i == 0 ? w.n : sizeof(wrong));
		if (i == 2) {			/* ...and only one */
			raw_packet(r, wrong, sizeof(wrong));
			raw_packet(r, wrong, sizeof(wrong));
		}
		if (i == 3) {			/* whatever its number, if a method's */
			wrong[0] = 49;
			raw_packet(r, wrong, sizeof(wrong));
		}
		if (i == 4)			/* IGNORE cannot have been the guess */
			raw_packet(r, ignore, sizeof(ignore));
		if (i == 5) {			/* the guess is skipped, then it goes on */
			wrong[0] = 31;
			raw_packet(r, wrong, sizeof(wrong));
			raw_packet(r, init, w.n);
		}
		wrong[0] = 30;
		(void)feed_raw(s, r);
		switch (i) {
		case 0:
		case 5:
			assert_int_equal(s->error, PROTO_OK);
			assert_int_equal(s->questions, 1);
			break;
		case 2:
			assert_int_equal(s->error, PROTO_E_MESSAGE_FORMAT);
			break;
		case 4:
			assert_int_equal(s->error, PROTO_E_STRICT_KEX);
			break;
		default:
			assert_int_equal(s->error, PROTO_OK);
			assert_int_equal(s->questions, 0);
		}
		server_free(s);
		free(r);
	}
	free(maker);
	free(kx);
}

/* In a rekey, by a client whose KEXINIT we replace on its way. */
static void
guess_in_a_rekey(void **state)
{
	(void)state;
	for (int right = 0; right < 2; right++) {
		struct pair *p = pair_open();
		uint8_t wrong[40] = { 30 };

		if (!right)
			p->c.lists[KL_KEX] = "other@kex,curve25519-sha256";
		p->c.follows = true;
		side_make_kexinit(&p->c);
		/* what a guessing client says: KEXINIT, guess, and, if that was wrong,
		 * the right one */
		free(p->c.t->kexinit);
		p->c.t->kexinit = malloc(p->c.kexinit_len);
		assert_non_null(p->c.t->kexinit);
		memcpy(p->c.t->kexinit, p->c.kexinit, p->c.kexinit_len);
		p->c.t->kexinit_len = p->c.kexinit_len;
		p->c.follows = false;
		assert_int_equal(transport_rekey(p->c.t, p->now), PROTO_OK);
		if (!right)
			side_inject(&p->c, wrong, sizeof(wrong));
		pair_run(p);
		assert_int_equal(p->s.error, PROTO_OK);
		assert_int_equal(p->c.error, PROTO_OK);
		assert_int_equal(p->s.keys, 2);
		assert_int_equal(p->c.keys, 2);
		pair_free(p);
	}
}

/* ---- no match ---- */

static void
no_match_carries_both_lists(void **state)
{
	struct pair *p = pair_new();

	(void)state;
	p->c.lists[KL_HOSTKEY] = "rsa-sha2-512,rsa-sha2-256";
	pair_start(p);
	pair_run(p);
	assert_int_equal(p->c.error, PROTO_E_NO_HOSTKEY);
	assert_int_equal(p->s.error, PROTO_E_NO_HOSTKEY);
	assert_true(span_is(p->s.last.ours, "ssh-ed25519"));
	assert_true(span_is(p->s.last.theirs, "rsa-sha2-512,rsa-sha2-256"));
	assert_true(span_is(p->c.last.theirs, "ssh-ed25519"));
	/* a goodbye in clear still leaves */
	transport_sent(p->s.t, transport_pending(p->s.t).n);
	transport_say_goodbye(p->s.t, 3, "no");
	assert_true(transport_pending(p->s.t).n > 0);
	pair_free(p);
}

/* ---- rekeys ---- */

static void
rekey_from_either_side_or_both(void **state)
{
	(void)state;
	for (int who = 1; who <= 3; who++) {
		struct pair *p = pair_open();
		uint8_t sid[32];

		memcpy(sid, p->s.session_id, 32);
		for (unsigned i = 0; i < 20; i++) {
			if (who & 1)
				assert_int_equal(transport_rekey(p->c.t, p->now), PROTO_OK);
			if (who & 2)
				assert_int_equal(transport_rekey(p->s.t, p->now), PROTO_OK);
			assert_false(transport_can_send(who & 1 ? p->c.t : p->s.t));
			pair_run(p);
			assert_int_equal(p->c.keys, i + 2);
			assert_int_equal(p->s.keys, i + 2);
			assert_int_equal(p->s.questions, i + 2);
			assert_memory_equal(p->c.hash, p->s.hash, 32);
			assert_memory_not_equal(p->c.hash, sid, 32);
			assert_true(transport_can_send(p->c.t) && transport_can_send(p->s.t));
			assert_int_equal(side_send_data(&p->c, 1000, 1000, 1), 1000);
			pair_run(p);
		}
		assert_memory_equal(p->s.t->session_id, sid, 32);
		assert_memory_equal(p->c.t->session_id, sid, 32);
		assert_int_equal(p->s.data, 20 * 1000);
		pair_free(p);
	}
}

/* What the peer had under way when our KEXINIT left still arrives; ours waits. */
static void
data_in_flight_during_a_rekey(void **state)
{
	struct pair *p = pair_open();

	(void)state;
	assert_int_equal(side_send_data(&p->s, 32768, 200000, 16), 200000);
	assert_int_equal(transport_rekey(p->c.t, p->now), PROTO_OK);
	assert_int_equal(side_send_data(&p->c, 1000, 1000, 1), 0);
	while (p->c.data < 200000 && carry(p, &p->s, &p->c) > 0)
		continue;
	assert_int_equal(p->c.data, 200000);
	assert_true(transport_in_kex(p->c.t));
	assert_int_equal(p->c.error, PROTO_OK);
	pair_run(p);
	assert_int_equal(p->c.keys, 2);
	assert_int_equal(side_send_data(&p->c, 1000, 1000, 1), 1000);
	pair_run(p);
	assert_int_equal(p->s.data, 1000);
	pair_free(p);
}

/* After the peer's own KEXINIT it may send nothing but the key exchange. */
static void
data_after_the_peers_kexinit(void **state)
{
	static const uint8_t data[] = { 94, 0, 0, 0, 0, 0, 0, 0, 1, 'x' }, unknown[] = { 200 };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct pair *p = pair_open();

		assert_int_equal(transport_rekey(p->c.t, p->now), PROTO_OK);
		if (i == 0)
			side_inject(&p->c, data, sizeof(data));
		else
			side_inject(&p->c, unknown, sizeof(unknown));
		pair_run(p);
		assert_int_equal(p->s.error, PROTO_E_MESSAGE_ORDER);
		assert_int_equal(p->s.packets, 0);
		pair_free(p);
	}
}

static void
second_kexinit_in_one_exchange(void **state)
{
	struct pair *p = pair_open();

	(void)state;
	assert_int_equal(transport_rekey(p->c.t, p->now), PROTO_OK);
	side_inject(&p->c, p->c.kexinit, p->c.kexinit_len);
	pair_run(p);
	assert_int_equal(p->s.error, PROTO_E_MESSAGE_ORDER);
	pair_free(p);
}

static void
a_malformed_kexinit(void **state)
{
	struct pair *p = pair_open();

	(void)state;
	side_inject(&p->c, p->c.kexinit, p->c.kexinit_len - 1);
	pair_run(p);
	assert_int_equal(p->s.error, PROTO_E_MESSAGE_FORMAT);
	pair_free(p);
}

static void
newkeys_with_a_body(void **state)
{
	static const uint8_t newkeys[] = { 21, 0 };
	struct pair *p = pair_open();

	(void)state;
	assert_int_equal(transport_rekey(p->c.t, p->now), PROTO_OK);
	carry(p, &p->c, &p->s);
	carry(p, &p->s, &p->c);
	p->c.hold_answer = true;
	carry(p, &p->c, &p->s);
	carry(p, &p->s, &p->c);
	assert_int_equal(p->c.question.type, TE_VERIFY);
	side_inject(&p->c, newkeys, 2);
	carry(p, &p->c, &p->s);
	assert_int_equal(p->s.error, PROTO_E_MESSAGE_FORMAT);
	pair_free(p);
}

/* By bytes, packets and time, each from the one side that has the limit. */
static void
rekey_by_bytes_and_packets(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++) {
		struct pair *p = pair_new();
		struct side *limited = i & 1 ? &p->c : &p->s, *sender = i & 2 ? &p->c : &p->s;
		uint64_t want = 0;

		if (i & 4)
			limited->c.rekey_bytes = 65536;
		else
			limited->c.rekey_packets = 16;
		pair_start(p);
		pair_run(p);
		pair_phase(p, PH_OPEN);
		for (int k = 0; k < 64; k++) {
			size_t n = side_send_data(sender, 4096, 4096, 1);

			assert_int_equal(n, 4096);
			want += n;
			pair_run(p);
		}
		assert_int_equal((sender == &p->c ? &p->s : &p->c)->data, want);
		/* 64 packets of 4 KiB: after each 16 packets, or 64 KiB with headers */
		assert_in_range(limited->keys, 4, 6);
		assert_int_equal(p->c.keys, p->s.keys);
		pair_free(p);
	}
}

/* Both limited, both full of data: every byte arrives, however often keys change. */
static void
rekey_storm_with_data_both_ways(void **state)
{
	struct pair *p = pair_new();
	uint64_t sent[2] = { 0 };

	(void)state;
	p->c.c.rekey_bytes = 40000;
	p->s.c.rekey_bytes = 50000;
	p->chunk = 5000;
	pair_start(p);
	pair_run(p);
	pair_phase(p, PH_OPEN);
	for (int k = 0; k < 3000; k++) {
		sent[0] += side_send_data(&p->c, 3000, 3000, 4);
		sent[1] += side_send_data(&p->s, 2000, 2500, 4);
		carry(p, &p->c, &p->s);
		carry(p, &p->s, &p->c);
		if (k % 50 == 0)
			assert_int_equal(side_send(&p->c, 80, "window", 6), PROTO_OK);
	}
	pair_run(p);
	assert_int_equal(p->c.error, PROTO_OK);
	assert_int_equal(p->s.error, PROTO_OK);
	assert_int_equal(p->s.data, sent[0]);
	assert_int_equal(p->c.data, sent[1]);
	assert_true(sent[0] > 1000000 && sent[1] > 1000000);
	assert_true(p->c.keys > 30);
	assert_int_equal(p->c.keys, p->s.keys);
	pair_free(p);
}

static void
rekey_by_time(void **state)
{
	struct pair *p = pair_new();

	(void)state;
	p->s.c.rekey_interval_ms = 10000;
	pair_start(p);
	pair_run(p);
	assert_int_equal(transport_deadline(p->s.t), UINT64_MAX);	/* not before login */
	pair_phase(p, PH_OPEN);
	assert_int_equal(transport_deadline(p->s.t), 15000);
	assert_int_equal(transport_tick(p->s.t, 14999), PROTO_OK);
	assert_false(transport_in_kex(p->s.t));
	p->now = 15000;
	assert_int_equal(transport_tick(p->s.t, p->now), PROTO_OK);
	assert_true(transport_in_kex(p->s.t));
	pair_run(p);
	assert_int_equal(p->s.keys, 2);
	assert_int_equal(transport_deadline(p->s.t), 25000);
	pair_free(p);
}

static void
no_rekey_by_itself_before_login(void **state)
{
	struct pair *p = pair_new();

	(void)state;
	p->s.c.rekey_packets = 2;
	pair_start(p);
	pair_run(p);
	pair_phase(p, PH_AUTH);
	for (int i = 0; i < 10; i++)
		assert_int_equal(side_send(&p->s, 53, "banner", 6), PROTO_OK);
	pair_run(p);
	assert_int_equal(p->s.keys, 1);
	pair_phase(p, PH_OPEN);
	assert_int_equal(side_send(&p->s, 80, "x", 1), PROTO_OK);
	pair_run(p);
	assert_int_equal(p->s.keys, 2);
	pair_free(p);
}

/* ---- held messages ---- */

static void
held_messages_keep_their_order(void **state)
{
	struct pair *p = pair_open();

	(void)state;
	assert_int_equal(side_send(&p->c, 90, "a", 1), PROTO_OK);
	assert_int_equal(transport_rekey(p->c.t, p->now), PROTO_OK);
	assert_false(transport_can_send(p->c.t));
	assert_int_equal(side_send(&p->c, 91, "b", 1), PROTO_OK);
	assert_int_equal(side_send(&p->c, 93, "c", 1), PROTO_OK);
	carry(p, &p->c, &p->s);
	assert_int_equal(p->s.packets, 1);
	/* the server was asked for a rekey and holds its own, too */
	assert_int_equal(side_send(&p->s, 96, "d", 1), PROTO_OK);
	pair_run(p);
	assert_int_equal(side_send(&p->c, 97, "e", 1), PROTO_OK);
	pair_run(p);
	assert_int_equal(p->s.packets, 4);
	assert_memory_equal(p->s.numbers, "\x5a\x5b\x5d\x61", 4);
	assert_int_equal(p->c.packets, 1);
	assert_int_equal(p->c.numbers[0], 96);
	assert_null(p->c.t->held);
	pair_free(p);
}

static void
held_messages_are_bounded(void **state)
{
	struct pair *p = pair_open();
	static uint8_t body[2000];
	enum proto_error e = PROTO_OK;
	int i;

	(void)state;
	assert_int_equal(transport_rekey(p->c.t, p->now), PROTO_OK);
	for (i = 0; i < 1000 && transport_has_room(p->c.t, 1 + sizeof(body)); i++)
		assert_int_equal(side_send(&p->c, 98, body, sizeof(body)), PROTO_OK);
	assert_in_range(i, 30, 33);
	e = side_send(&p->c, 98, body, sizeof(body));
	assert_int_equal(e, PROTO_E_TOO_MANY_HELD);
	side_run(&p->c, p->now);
	assert_int_equal(p->c.error, PROTO_E_TOO_MANY_HELD);
	pair_free(p);
}

/* A full tx: messages wait their turn, nothing is lost, nothing overtakes. */
static void
messages_when_tx_is_full(void **state)
{
	struct pair *p = pair_new();
	static uint8_t body[1000];
	unsigned n = 0;

	(void)state;
	p->c.c.tx_cap = TRANSPORT_TX_MIN;
	pair_start(p);
	pair_run(p);
	pair_phase(p, PH_OPEN);
	while (transport_has_room(p->c.t, 1 + sizeof(body))) {
		body[0] = (uint8_t)n++;
		assert_int_equal(side_send(&p->c, 98, body, sizeof(body)), PROTO_OK);
	}
	assert_true(n > 50);
	for (int i = 0; i < 20; i++) {
		body[0] = (uint8_t)n++;
		assert_int_equal(side_send(&p->c, 99, body, sizeof(body)), PROTO_OK);
	}
	assert_false(transport_can_send(p->c.t));
	assert_false(transport_has_data_room(p->c.t, 1));
	assert_int_equal(side_send_data(&p->c, 10, 10, 1), 0);
	pair_run(p);
	assert_true(transport_can_send(p->c.t));
	assert_int_equal(p->s.packets, n);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(p->s.numbers[i], i < n - 20 ? 98 : 99);
	assert_int_equal(p->s.text[1], (uint8_t)(n - 1));
	pair_free(p);
}

static void
messages_before_the_first_keys(void **state)
{
	struct pair *p = pair_new();

	(void)state;
	pair_start(p);
	assert_int_equal(side_send(&p->c, 5, "\0\0\0\1x", 5), PROTO_OK);
	pair_run(p);
	assert_int_equal(p->s.packets, 1);
	assert_int_equal(p->s.numbers[0], 5);
	pair_free(p);
}

static void
messages_that_are_mistakes(void **state)
{
	struct pair *p = pair_open();
	struct wr w;

	(void)state;
	w = transport_begin(p->c.t, 4);
	wr_u64(&w, 1);
	assert_int_equal(transport_end(p->c.t, &w), PROTO_E_LOCAL_BUG);
	assert_int_equal(transport_end(p->s.t, &w), PROTO_E_LOCAL_BUG);	/* none begun */
	pair_free(p);
	p = pair_open();
	w = transport_begin(p->c.t, 4);
	assert_int_equal(transport_end(p->c.t, &w), PROTO_E_LOCAL_BUG);	/* empty */
	assert_int_equal(side_send(&p->c, 80, "x", 1), PROTO_E_LOCAL_BUG);
	pair_free(p);
}

/* ---- bulk data ---- */

static void
bulk_data_in_slots(void **state)
{
	static const size_t reads[] = { 0, 1, 999, 1000, 1001, 2500, 7999, 8000 };
	struct pair *p = pair_open();

	(void)state;
	for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
		for (uint32_t ext = 0; ext < 2; ext++) {
			struct iovec iov[8];
			size_t n = transport_data_begin(p->c.t, 3, ext, 1000, 8000, iov, 8);
			unsigned before = p->s.packets;
			size_t left = reads[i], packets = (reads[i] + 999) / 1000;

			assert_int_equal(n, 8);
			for (size_t k = 0; k < n && left > 0; k++) {
				size_t bytes = left < iov[k].iov_len ? left : iov[k].iov_len;

				memset(iov[k].iov_base, 'a' + (int)k, bytes);
				left -= bytes;
			}
			assert_int_equal(transport_data_end(p->c.t, reads[i]), PROTO_OK);
			pair_run(p);
			assert_int_equal(p->s.packets - before, packets);
			if (packets > 0) {	/* the last of them */
				struct rd r = rd_of(span_of(p->s.text, p->s.text_len));
				size_t rest = reads[i] - (packets - 1) * 1000;
				struct span s;

				assert_int_equal(rd_u8(&r), ext ? 95 : 94);
				assert_int_equal(rd_u32(&r), 3);
				if (ext)
					assert_int_equal(rd_u32(&r), 1);
				s = rd_blob(&r, 1000);
				assert_true(rd_done(&r));
				assert_int_equal(s.n, rest);
				assert_int_equal(s.p[rest - 1], 'a' + (int)packets - 1);
			}
		}
	}
	/* the window's end is a short slot; more than was offered is a mistake */
	assert_int_equal(side_send_data(&p->c, 1000, 2300, 8), 2300);
	assert_int_equal(side_send_data(&p->c, 1000, 0, 8), 0);
	assert_int_equal(side_send_data(&p->c, 0, 100, 8), 0);
	assert_int_equal(transport_data_end(p->c.t, 1), PROTO_E_LOCAL_BUG);
	pair_free(p);
}

/* The smallest tx takes a full packet; a large one eight and more; a peer's packet
 * size over what everybody takes is not used. */
static void
bulk_data_fills_tx_but_for_messages(void **state)
{
	struct pair *p = pair_new();
	size_t n;

	(void)state;
	p->c.c.tx_cap = TRANSPORT_TX_MIN;
	pair_start(p);
	pair_run(p);
	pair_phase(p, PH_OPEN);
	assert_true(transport_has_data_room(p->c.t, 32768));
	assert_true(transport_has_data_room(p->c.t, SIZE_MAX));
	assert_true(side_send_data(&p->c, 32768, 1000000, 64) >= 32768);
	assert_true(side_send_data(&p->s, SIZE_MAX, 1000000, 64) >= 8 * 32768);
	assert_false(transport_has_data_room(p->c.t, 32768));
	assert_int_equal(side_send_data(&p->c, 32768, 1000000, 64), 0);
	/* small messages still go, and so does a rekey and a goodbye */
	assert_true(transport_has_room(p->c.t, 1000));
	assert_int_equal(side_send(&p->c, 93, "12345678", 8), PROTO_OK);
	assert_true(transport_can_send(p->c.t));
	assert_int_equal(transport_rekey(p->c.t, p->now), PROTO_OK);
	assert_true(transport_in_kex(p->c.t));
	n = transport_pending(p->c.t).n;
	transport_say_goodbye(p->c.t, 11, "bye");
	assert_true(transport_pending(p->c.t).n > n);
	pair_free(p);
}

/* Both sides as full of data as they can be: each still takes packets in. */
static void
two_full_sides_never_both_wait(void **state)
{
	struct pair *p = pair_new();
	static const uint8_t ask[] = { 98, 0, 0, 0, 0 };

	(void)state;
	p->c.c.tx_cap = p->s.c.tx_cap = TRANSPORT_TX_MIN;
	pair_start(p);
	pair_run(p);
	pair_phase(p, PH_OPEN);
	side_inject(&p->c, ask, sizeof(ask));
	for (int i = 0; i < 100; i++) {
		(void)side_send_data(&p->c, 900, 900, 1);
		(void)side_send_data(&p->s, 900, 900, 1);
	}
	assert_false(transport_has_data_room(p->s.t, 32768));
	assert_true(transport_has_room(p->s.t, 48 * 1024));	/* what a worker asks for */
	assert_true(transport_has_room(p->c.t, 48 * 1024));
	/* the server sends nothing off and still reads */
	assert_true(carry(p, &p->c, &p->s) > 0);
	assert_true(p->s.packets > 20);
	assert_true(transport_rx_empty(p->s.t));
	pair_free(p);
}

/* A network that takes a little at a time. */
static void
bulk_data_through_a_slow_network(void **state)
{
	static const size_t chunks[] = { 700, 33000, 100000 };

	(void)state;
	for (size_t c = 0; c < 3; c++) {
		struct pair *p = pair_open();
		uint64_t sent = 0, turns = 0;

		p->chunk = chunks[c];
		while (sent < 6000000 && turns++ < 100000) {
			bool room = transport_has_data_room(p->c.t, 30000);
			size_t n = side_send_data(&p->c, 30000, 500000, 16);

			assert_true(n > 0 || !room);
			assert_true(n > 0 || transport_pending(p->c.t).n > 0);
			sent += n;
			carry(p, &p->c, &p->s);
		}
		pair_run(p);
		assert_int_equal(p->s.data, sent);
		assert_true(sent >= 6000000);
		pair_free(p);
	}
}

/* ---- the small messages ---- */

static void
ping_is_answered_in_order(void **state)
{
	struct pair *p = pair_open();
	struct packet_flow copy;
	struct span out, payload;
	uint8_t bytes[128];
	size_t used;
	static const uint8_t ping[] = { 192, 0, 0, 0, 3, 'a', 'b', 'c' };

	(void)state;
	side_inject(&p->c, ping, sizeof(ping));
	carry(p, &p->c, &p->s);
	out = transport_pending(p->s.t);
	assert_int_equal(out.n, packet_size(&p->s.t->out, sizeof(ping)));
	memcpy(bytes, out.p, out.n);
	copy = p->c.t->in;		/* opened with the client's own keys */
	assert_int_equal(packet_open(&copy, bytes, out.n, &payload, &used), PROTO_OK);
	assert_int_equal(payload.n, sizeof(ping));
	assert_int_equal(payload.p[0], 193);
	assert_memory_equal(payload.p + 1, ping + 1, sizeof(ping) - 1);
	pair_run(p);
	assert_int_equal(p->c.error, PROTO_OK);
	assert_int_equal(p->c.packets, 0);
	/* while a rekey is under way the answer waits */
	assert_int_equal(transport_rekey(p->s.t, p->now), PROTO_OK);
	side_inject(&p->c, ping, sizeof(ping));
	carry(p, &p->c, &p->s);
	assert_int_equal(p->s.t->held_n, 4 + sizeof(ping));
	pair_run(p);
	assert_int_equal(p->c.keys, 2);
	assert_int_equal(p->s.t->held_n, 0);
	pair_free(p);
}

/* A peer that pings and never reads costs the tx buffer and no more. */
static void
ping_flood(void **state)
{
	static uint8_t ping[30005] = { 192, 0, 0, 0x75, 0x30 };
	struct pair *p = pair_open();
	uint64_t fed = 0;

	(void)state;
	for (int i = 0; i < 200; i++) {
		struct span out;
		size_t n;

		if (transport_pending(p->c.t).n == 0)
			side_inject(&p->c, ping, sizeof(ping));
		out = transport_pending(p->c.t);
		n = side_feed(&p->s, out.p, out.n, p->now);
		transport_sent(p->c.t, n);
		fed += n;
	}
	assert_int_equal(p->s.error, PROTO_OK);
	assert_true(fed < SIDE_RX + SIDE_TX + TRANSPORT_HELD_MAX);
	assert_true(p->s.t->held_n <= TRANSPORT_HELD_MAX);
	{	/* nothing is read either */
		size_t room = 1;

		side_run(&p->s, p->now);
		(void)transport_rx_room(p->s.t, &room);
		assert_int_equal(room, 0);
	}
	/* once it reads, all is answered */
	pair_run(p);
	assert_int_equal(p->s.t->held_n, 0);
	assert_true(transport_rx_empty(p->s.t));
	assert_int_equal(p->s.error, PROTO_OK);
	pair_free(p);
}

/* ...and during a rekey that it does not finish it is ended. */
static void
ping_flood_during_a_rekey(void **state)
{
	static uint8_t ping[10005] = { 192, 0, 0, 0x27, 0x10 };
	struct pair *p = pair_open();

	(void)state;
	assert_int_equal(transport_rekey(p->s.t, p->now), PROTO_OK);
	for (int i = 0; i < 20 && p->s.error == PROTO_OK; i++) {
		side_inject(&p->c, ping, sizeof(ping));
		carry(p, &p->c, &p->s);
	}
	assert_int_equal(p->s.error, PROTO_E_TOO_MANY_HELD);
	pair_free(p);
}

static void
small_messages_malformed(void **state)
{
	static const struct { const char *bytes; size_t n; enum proto_error e; } rows[] = {
		{ "\3", 1, PROTO_E_MESSAGE_FORMAT },
		{ "\3\0\0\0\1x", 6, PROTO_E_MESSAGE_FORMAT },
		{ "\3\0\0\0\1", 5, PROTO_OK },
		{ "\4", 1, PROTO_E_MESSAGE_FORMAT },
		{ "\4\1\0\0\0\1a\0\0\0", 10, PROTO_E_MESSAGE_FORMAT },
		{ "\4\1\0\0\0\1a\0\0\0\0.", 12, PROTO_E_MESSAGE_FORMAT },
		{ "\4\1\xff\xff\xff\xff", 6, PROTO_E_MESSAGE_FORMAT },
		{ "\4\1\0\0\0\1a\0\0\0\0", 11, PROTO_OK },
		{ "\2", 1, PROTO_OK },
		{ "\2rubbish", 8, PROTO_OK },
		{ "\xc0", 1, PROTO_E_MESSAGE_FORMAT },
		{ "\xc0\0\0\0\1", 5, PROTO_E_MESSAGE_FORMAT },
		{ "\xc0\0\0\0\0.", 6, PROTO_E_MESSAGE_FORMAT },
		{ "\xc0\0\0\0\0", 5, PROTO_OK },
		{ "\xc1\0\0\0\0", 5, PROTO_OK },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pair *p = pair_open();

		side_inject(&p->c, rows[i].bytes, rows[i].n);
		pair_run(p);
		assert_int_equal(p->s.error, rows[i].e);
		assert_int_equal(p->s.debugs, rows[i].e == PROTO_OK && rows[i].bytes[0] == 4);
		assert_int_equal(p->s.packets, 0);
		pair_free(p);
	}
}

static void
unknown_numbers_are_unimplemented(void **state)
{
	static const uint8_t unknown[] = { 200, 1, 2 }, ours[] = { 52 };
	struct pair *p = pair_open();
	struct span out;
	struct packet_flow copy;
	struct span payload;
	uint32_t seq;
	size_t used;
	uint8_t bytes[256];

	(void)state;
	side_inject(&p->c, ours, 1);	/* a server's message, from a client */
	side_inject(&p->c, unknown, sizeof(unknown));
	seq = p->c.t->out.seq - 1;
	carry(p, &p->c, &p->s);
	out = transport_pending(p->s.t);
	assert_int_equal(out.n, 2 * packet_size(&p->s.t->out, 5));
	/* the second one, opened with the client's own keys */
	memcpy(bytes, out.p, out.n);
	copy = p->c.t->in;
	assert_int_equal(packet_open(&copy, bytes, out.n, &payload, &used), PROTO_OK);
	assert_int_equal(packet_open(&copy, bytes + used, out.n - used, &payload, &used), PROTO_OK);
	assert_int_equal(payload.n, 5);
	assert_int_equal(payload.p[0], 3);
	assert_int_equal(payload.p[4], seq);
	p->c.t->in = copy;
	transport_sent(p->s.t, out.n);
	pair_free(p);
}

static void
disconnect_both_ways(void **state)
{
	static const struct { const char *bytes; size_t n, text; } rows[] = {
		{ "\1\0\0\0\13\0\0\0\3bye\0\0\0\0", 16, 3 },
		{ "\1\0\0\0\13\0\0\0\3bye", 12, 3 },	/* no language: some do that */
		{ "\1\0\0\0\13\0\0\0\3b\0e", 12, 0 },
		{ "\1\0\0\0\13\0\0\0\377bye", 12, 0 },
		{ "\1", 1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		struct pair *p = pair_open();

		side_inject(&p->c, rows[i].bytes, rows[i].n);
		assert_int_equal(side_send(&p->c, 80, "x", 1), PROTO_OK);
		pair_run(p);
		assert_int_equal(p->s.disconnects, 1);
		assert_int_equal(p->s.text_len, rows[i].text);
		assert_int_equal(p->s.packets, 0);	/* nothing after it is looked at */
		assert_int_equal(p->s.error, PROTO_OK);
		pair_free(p);
	}
	{
		struct pair *p = pair_open();

		transport_say_goodbye(p->s.t, 12, "too many");
		transport_say_goodbye(p->s.t, 12, "once is enough");
		assert_int_equal(side_send(&p->s, 80, "x", 1), PROTO_OK);
		assert_false(transport_has_room(p->s.t, 1));
		assert_int_equal(side_send_data(&p->s, 10, 10, 1), 0);
		pair_run(p);
		assert_int_equal(p->c.disconnects, 1);
		assert_int_equal(p->c.last.disconnect, 12);
		assert_memory_equal(p->c.text, "too many", 8);
		assert_int_equal(p->c.packets, 0);
		pair_free(p);
	}
}

/* ---- waiting for the monitor ---- */

static void
nothing_is_looked_at_while_the_monitor_thinks(void **state)
{
	struct pair *p = pair_open();

	(void)state;
	p->s.hold_answer = true;
	assert_int_equal(transport_rekey(p->c.t, p->now), PROTO_OK);
	for (int i = 0; i < 4; i++) {
		carry(p, &p->c, &p->s);
		carry(p, &p->s, &p->c);
	}
	assert_int_equal(p->s.question.type, TE_SIGN);
	/* more from the client, IGNORE is legal here, is left where it is */
	side_inject(&p->c, ignore, sizeof(ignore));
	carry(p, &p->c, &p->s);
	assert_false(transport_rx_empty(p->s.t));
	assert_int_equal(p->s.keys, 1);
	p->s.hold_answer = false;
	assert_int_equal(side_answer(&p->s, p->now), PROTO_OK);
	pair_run(p);
	assert_int_equal(p->s.keys, 2);
	assert_int_equal(p->c.keys, 2);
	assert_true(transport_rx_empty(p->s.t));
	pair_free(p);
}

static void
answers_that_are_mistakes(void **state)
{
	struct span h32 = span_str("0123456789abcdef0123456789abcdef");

	(void)state;
	for (int i = 0; i < 6; i++) {
		struct pair *p = pair_open();
		struct span kexinit = span_of(p->s.kexinit, p->s.kexinit_len);
		enum proto_error e;

		if (i > 0) {
			p->s.hold_answer = true;
			assert_int_equal(transport_rekey(p->c.t, p->now), PROTO_OK);
			pair_run(p);
			assert_int_equal(p->s.question.type, TE_SIGN);
		}
		if (i == 2)
			h32.n = 31;
		if (i == 3)
			kexinit.n--;
		if (i == 5)
			e = transport_verified(p->s.t, h32, kexinit, p->now);
		else
			e = transport_signed(p->s.t, i == 4 ? span_of(NULL, 0) : span_str("sig"),
			    h32, kexinit, p->now);
		assert_int_equal(e, i == 1 ? PROTO_OK : PROTO_E_LOCAL_BUG);
		h32.n = 32;
		pair_free(p);
	}
}

/* A host key algorithm that was offered without a key is our own mistake. */
static void
no_key_for_what_was_offered(void **state)
{
	struct pair *p = pair_new();

	(void)state;
	p->s.c.hostkeys = span_of(NULL, 0);
	pair_start(p);
	pair_run(p);
	assert_int_equal(p->s.error, PROTO_E_LOCAL_BUG);
	pair_free(p);
}

/* ---- deadlines ---- */

static void
deadlines_of_each_phase(void **state)
{
	struct pair *p = pair_new();

	(void)state;
	pair_start(p);
	assert_int_equal(transport_deadline(p->s.t), 6000);
	assert_int_equal(transport_tick(p->s.t, 5999), PROTO_OK);
	assert_int_equal(transport_tick(p->s.t, 6000), PROTO_E_BANNER_TIMEOUT);
	side_run(&p->s, 6000);
	assert_int_equal(p->s.error, PROTO_E_BANNER_TIMEOUT);
	assert_int_equal(transport_deadline(p->s.t), UINT64_MAX);
	pair_free(p);

	p = pair_new();		/* stops after the version, then after KEXINIT */
	p->chunk = strlen("SSH-2.0-Client_1\r\n");
	pair_start(p);
	p->now = 5500;
	carry(p, &p->c, &p->s);
	assert_int_equal(transport_deadline(p->s.t), 7500);
	p->now = 7000;
	p->chunk = 0;
	carry(p, &p->c, &p->s);
	assert_int_equal(transport_deadline(p->s.t), 7500);
	assert_int_equal(transport_tick(p->s.t, 7499), PROTO_OK);
	assert_int_equal(transport_tick(p->s.t, 7500), PROTO_E_KEX_TIMEOUT);
	pair_free(p);

	p = pair_open();
	assert_int_equal(transport_deadline(p->s.t), UINT64_MAX);
	assert_int_equal(transport_rekey(p->s.t, 9000), PROTO_OK);
	assert_int_equal(transport_deadline(p->s.t), 12000);
	assert_int_equal(transport_tick(p->s.t, 12000), PROTO_E_REKEY_TIMEOUT);
	pair_free(p);

	p = pair_new();		/* 0: none */
	p->s.c.banner_ms = p->s.c.kex_ms = p->s.c.rekey_ms = 0;
	pair_start(p);
	assert_int_equal(transport_deadline(p->s.t), UINT64_MAX);
	assert_int_equal(transport_tick(p->s.t, UINT64_MAX - 1), PROTO_OK);
	pair_run(p);
	assert_int_equal(transport_rekey(p->s.t, 9000), PROTO_OK);
	assert_int_equal(transport_deadline(p->s.t), UINT64_MAX);
	pair_free(p);
}

/* ---- buffers ---- */

/* A whole buffer of packets at once, again and again, ending anywhere. */
static void
large_reads(void **state)
{
	struct pair *p = pair_open();
	uint64_t sent = 0;
	size_t room, least = SIZE_MAX;

	(void)state;
	for (int i = 0; i < 60; i++) {
		sent += side_send_data(&p->c, 32768, 400000, 16);
		p->chunk = 190001;
		carry(p, &p->c, &p->s);
		(void)transport_rx_room(p->s.t, &room);
		if (room < least)
			least = room;
	}
	p->chunk = 0;
	pair_run(p);
	assert_int_equal(p->s.data, sent);
	assert_true(least >= SIDE_RX / 2);
	(void)transport_rx_room(p->s.t, &room);
	assert_int_equal(room, SIDE_RX);
	pair_free(p);
}

static void
passwords_do_not_stay(void **state)
{
	static const char body[] = "user and secret password";
	struct pair *p = pair_open();
	size_t room;

	(void)state;
	pair_phase(p, PH_AUTH);
	assert_int_equal(side_send(&p->c, 50, body, strlen(body)), PROTO_OK);
	pair_run(p);
	assert_int_equal(p->s.packets, 1);
	assert_non_null(memmem(p->s.c.rx, 4096, body, strlen(body)));
	(void)transport_rx_room(p->s.t, &room);
	assert_null(memmem(p->s.c.rx, 4096, body, strlen(body)));
	/* nor in a sender that had to hold it */
	pair_phase(p, PH_AUTH);
	assert_int_equal(transport_rekey(p->c.t, p->now), PROTO_OK);
	assert_int_equal(side_send(&p->c, 50, body, strlen(body)), PROTO_OK);
	pair_run(p);
	assert_int_equal(p->s.packets, 2);
	assert_null(memmem(p->c.c.tx, 65536, body, strlen(body)));
	pair_free(p);
}

static void
limits_of_a_key_by_cipher(void **state)
{
	struct pair *p = pair_open();
	const struct cipher_alg *c = cipher_find("chacha20-poly1305@openssh.com", 29);

	(void)state;
	assert_int_equal(p->c.t->out_blocks_max, c->max_blocks);
	assert_int_equal(p->s.t->in_blocks_max, c->max_blocks);
	p->s.t->in.blocks = c->max_blocks - 1;
	assert_int_equal(side_send(&p->c, 80, "x", 1), PROTO_OK);
	pair_run(p);
	assert_int_equal(p->s.keys, 2);
	/* and by packets, whatever the cipher says */
	p->c.t->out.packets = ((uint64_t)1 << 31) - 2;
	assert_int_equal(side_send(&p->c, 80, "x", 1), PROTO_OK);
	assert_false(transport_in_kex(p->c.t));
	assert_int_equal(side_send(&p->c, 80, "x", 1), PROTO_OK);
	assert_true(transport_in_kex(p->c.t));
	pair_run(p);
	assert_int_equal(p->s.keys, 3);
	/* a peer that does not let us rekey is stopped before a number repeats */
	p->s.t->in.packets = UINT32_MAX;
	side_inject(&p->c, ignore, sizeof(ignore));
	side_inject(&p->c, ignore, sizeof(ignore));
	carry(p, &p->c, &p->s);
	assert_int_equal(p->s.error, PROTO_E_SEQUENCE);
	pair_free(p);
}

static void
tampered_stream(void **state)
{
	(void)state;
	for (size_t at = 0; at < 40; at++) {
		struct pair *p = pair_open();
		struct span out;
		uint8_t bytes[64];

		side_inject(&p->c, ignore, sizeof(ignore));
		out = transport_pending(p->c.t);
		assert_true(out.n < sizeof(bytes));
		if (at >= out.n) {
			pair_free(p);
			continue;
		}
		memcpy(bytes, out.p, out.n);
		bytes[at] ^= 1;
		(void)side_feed(&p->s, bytes, out.n, p->now);
		/* a longer length may still be waited for */
		if (at >= 4)
			assert_int_equal(p->s.error, PROTO_E_PACKET_MAC);
		assert_int_equal(p->s.packets, 0);
		pair_free(p);
	}
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
		cmocka_unit_test(configurations_refused),
		cmocka_unit_test(handshake_with_every_cipher),
		cmocka_unit_test(lines_before_the_servers_version),
		cmocka_unit_test(a_bad_first_line),
		cmocka_unit_test(ext_info_only_to_who_asks),
		cmocka_unit_test(malformed_ext_info),
		cmocka_unit_test(messages_around_the_first_kexinit),
		cmocka_unit_test(strict_is_settled_once),
		cmocka_unit_test(sequence_numbers_start_again),
		cmocka_unit_test(clear_packets_cannot_wrap),
		cmocka_unit_test(guess_in_the_first_exchange),
		cmocka_unit_test(guess_in_a_rekey),
		cmocka_unit_test(no_match_carries_both_lists),
		cmocka_unit_test(rekey_from_either_side_or_both),
		cmocka_unit_test(data_in_flight_during_a_rekey),
		cmocka_unit_test(data_after_the_peers_kexinit),
		cmocka_unit_test(second_kexinit_in_one_exchange),
		cmocka_unit_test(a_malformed_kexinit),
		cmocka_unit_test(newkeys_with_a_body),
		cmocka_unit_test(rekey_by_bytes_and_packets),
		cmocka_unit_test(rekey_storm_with_data_both_ways),
		cmocka_unit_test(rekey_by_time),
		cmocka_unit_test(no_rekey_by_itself_before_login),
		cmocka_unit_test(held_messages_keep_their_order),
		cmocka_unit_test(held_messages_are_bounded),
		cmocka_unit_test(messages_when_tx_is_full),
		cmocka_unit_test(messages_before_the_first_keys),
		cmocka_unit_test(messages_that_are_mistakes),
		cmocka_unit_test(bulk_data_in_slots),
		cmocka_unit_test(bulk_data_fills_tx_but_for_messages),
		cmocka_unit_test(two_full_sides_never_both_wait),
		cmocka_unit_test(bulk_data_through_a_slow_network),
		cmocka_unit_test(ping_is_answered_in_order),
		cmocka_unit_test(ping_flood),
		cmocka_unit_test(ping_flood_during_a_rekey),
		cmocka_unit_test(small_messages_malformed),
		cmocka_unit_test(unknown_numbers_are_unimplemented),
		cmocka_unit_test(disconnect_both_ways),
		cmocka_unit_test(nothing_is_looked_at_while_the_monitor_thinks),
		cmocka_unit_test(answers_that_are_mistakes),
		cmocka_unit_test(no_key_for_what_was_offered),
		cmocka_unit_test(deadlines_of_each_phase),
		cmocka_unit_test(large_reads),
		cmocka_unit_test(passwords_do_not_stay),
		cmocka_unit_test(limits_of_a_key_by_cipher),
		cmocka_unit_test(tampered_stream),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
