/*
 * transport_test.c - two transports against each other: configurations, the handshake
 * with every cipher, failures to agree, the monitor's answers, deadlines.
 */
#include "tests/transport_pair.h"

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

	p = pair_new();		/* while the monitor has the question the clock stands */
	p->c.hold_answer = true;
	pair_start(p);
	pair_run(p);
	assert_int_equal(p->c.question.type, TE_VERIFY);
	assert_int_equal(transport_deadline(p->c.t), UINT64_MAX);
	assert_int_equal(transport_tick(p->c.t, 1000000), PROTO_OK);
	assert_int_equal(side_answer(&p->c, 1000000), PROTO_OK);
	pair_run(p);
	assert_int_equal(p->c.keys, 1);
	assert_int_equal(transport_deadline(p->c.t), UINT64_MAX);
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
		cmocka_unit_test(no_match_carries_both_lists),
		cmocka_unit_test(nothing_is_looked_at_while_the_monitor_thinks),
		cmocka_unit_test(answers_that_are_mistakes),
		cmocka_unit_test(no_key_for_what_was_offered),
		cmocka_unit_test(deadlines_of_each_phase),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
