/*
 * transport_group_test.c - group exchange between two transports: messages in the wrong
 * order or of the other method, answers of the monitor that nobody asked for, then
 * exchanges and re-exchanges that go well.
 */
#include "tests/transport_pair.h"

#define GEX "diffie-hellman-group-exchange-sha256"
#define STRICT "kex-strict-c-v00@openssh.com"

static struct pair *
gex_pair(const char *server_kex, bool strict)
{
	struct pair *p = pair_new();

	p->c.lists[KL_KEX] = GEX;
	p->s.lists[KL_KEX] = server_kex;
	p->c.pseudo = strict ? "ext-info-c," STRICT : "ext-info-c";
	return p;
}

/* Up to where the server's monitor is asked for a group. */
static struct pair *
asked_pair(bool strict)
{
	struct pair *p = gex_pair(GEX, strict);

	p->s.hold_group = true;
	pair_start(p);
	pair_run(p);
	assert_int_equal(p->s.question.type, TE_GROUP);
	assert_int_equal(p->s.questions, 0);
	return p;
}

/* ---- order ---- */

/* Anything but REQUEST first, anything but INIT after the group, ends the connection:
 * the old request too, and INIT of the other method, whose number that is. */
static void
wrong_numbers_to_a_server(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		bool strict = i % 2 == 1, later = i / 2 == 1;

		for (uint8_t n = 30; n <= 34; n++) {
			struct pair *p = gex_pair(GEX, strict);
			uint8_t payload[64] = { n };
			uint8_t right = later ? 32 : 34;

			p->s.hold_group = true;
			side_start(&p->c, p->now);
			side_start(&p->s, p->now);
			carry(p, &p->c, &p->s);	/* the server has the client's KEXINIT... */
			if (later) {
				carry(p, &p->s, &p->c);
				carry(p, &p->c, &p->s);	/* ...and REQUEST */
				assert_int_equal(side_group(&p->s, p->now), PROTO_OK);
			}
			side_inject(&p->c, payload, sizeof(payload));
			carry(p, &p->c, &p->s);
			assert_int_equal(p->s.error, n == right ? PROTO_E_MESSAGE_FORMAT :
			    strict ? PROTO_E_STRICT_KEX : PROTO_E_MESSAGE_ORDER);
			assert_int_equal(p->s.questions, 0);
			pair_free(p);
		}
	}
}

static void
wrong_numbers_to_a_client(void **state)
{
	(void)state;
	for (int later = 0; later < 2; later++) {
		for (uint8_t n = 30; n <= 34; n++) {
			struct pair *p = asked_pair(false);
			uint8_t payload[64] = { n };

			if (later) {
				assert_int_equal(side_group(&p->s, p->now), PROTO_OK);
				carry(p, &p->s, &p->c);
			}
			side_inject(&p->s, payload, sizeof(payload));
			carry(p, &p->s, &p->c);
			assert_int_equal(p->c.error, n == (later ? 33 : 31) ?
			    PROTO_E_MESSAGE_FORMAT : PROTO_E_MESSAGE_ORDER);
			assert_int_equal(p->c.questions, 0);
			pair_free(p);
		}
	}
}

/* REQUEST and INIT in one breath: INIT waits for the group, which it cannot know. */
static void
nothing_is_looked_at_before_the_group(void **state)
{
	struct pair *p = asked_pair(false);
	static const uint8_t init[] = { 32, 0, 0, 0, 1, 2 };

	(void)state;
	side_inject(&p->c, init, sizeof(init));
	pair_run(p);
	assert_int_equal(p->s.error, PROTO_OK);
	assert_int_equal(p->s.questions, 0);
	p->s.hold_answer = true;
	assert_int_equal(side_group(&p->s, p->now), PROTO_OK);
	side_run(&p->s, p->now);
	assert_int_equal(p->s.questions, 1);
	pair_free(p);
}

/* ---- the monitor ---- */

static void
no_group(void **state)
{
	struct pair *p = asked_pair(true);

	(void)state;
	assert_int_equal(transport_group(p->s.t, span_of(NULL, 0), span_of(NULL, 0), p->now),
	    PROTO_E_NO_GROUP);
	side_run(&p->s, p->now);
	assert_int_equal(p->s.error, PROTO_E_NO_GROUP);
	assert_int_equal(proto_error_class(p->s.error), PC_NO_MATCH);
	assert_int_equal(proto_error_disconnect(p->s.error), SSH_DISCONNECT_KEY_EXCHANGE_FAILED);
	pair_free(p);
}

static void
answers_to_other_questions(void **state)
{
	struct kex_group group;
	uint8_t h[32] = { 1 };

	(void)state;
	assert_int_equal(kex_group_modp(&group, 2048), 0);
	for (int i = 0; i < 4; i++) {
		struct pair *p = asked_pair(false);
		struct span g = span_of(group.g, 1), prime = span_of(group.p, group.p_len);
		struct span next = span_of(p->s.kexinit, p->s.kexinit_len), hash = span_of(h, 32);
		enum proto_error e = PROTO_OK;

		if (i == 0)		/* the signature before the group */
			e = transport_signed(p->s.t, span_str("s"), hash, next, p->now);
		if (i == 1)		/* no number that could be sent */
			e = transport_group(p->s.t, g, g, p->now);
		if (i == 2)		/* to a client */
			e = transport_group(p->c.t, prime, g, p->now);
		if (i == 3) {		/* twice */
			assert_int_equal(side_group(&p->s, p->now), PROTO_OK);
			e = transport_group(p->s.t, prime, g, p->now);
		}
		assert_int_equal(e, PROTO_E_LOCAL_BUG);
		pair_free(p);
	}
}

/* The peer's time is not extended by asking. */
static void
the_deadline_goes_on(void **state)
{
	struct pair *p = asked_pair(false);
	uint64_t end = transport_deadline(p->s.t);

	(void)state;
	assert_int_equal(end, 5000 + 2000);
	assert_int_equal(transport_tick(p->s.t, end - 1), PROTO_OK);
	p->now = end - 1;
	assert_int_equal(side_group(&p->s, p->now), PROTO_OK);
	assert_int_equal(transport_deadline(p->s.t), end);
	assert_int_equal(transport_tick(p->s.t, end), PROTO_E_KEX_TIMEOUT);
	pair_free(p);
}

/* ---- going well ---- */

static void
exchange_and_rekeys(void **state)
{
	(void)state;
	for (size_t chunk = 0; chunk < 40; chunk += 13) {
		struct pair *p = gex_pair("curve25519-sha256," GEX, true);
		struct transport_agreed a;

		p->chunk = chunk;
		pair_start(p);
		pair_run(p);
		assert_int_equal(p->c.error, PROTO_OK);
		assert_int_equal(p->s.error, PROTO_OK);
		assert_int_equal(p->s.groups, 1);
		transport_agreed(p->s.t, &a);
		assert_string_equal(a.kex, GEX);
		pair_phase(p, PH_OPEN);
		for (unsigned i = 0; i < 3; i++) {
			struct side *who = i == 1 ? &p->s : &p->c;

			assert_int_equal(transport_rekey(who->t, p->now), PROTO_OK);
			pair_run(p);
			assert_int_equal(p->c.keys, 2 + i);
			assert_int_equal(p->s.keys, 2 + i);
			assert_int_equal(p->s.groups, 2 + i);
			assert_int_equal(side_send_data(&p->c, 100, 100, 1), 100);
			pair_run(p);
			assert_int_equal(p->s.data, 100 * (i + 1));
		}
		pair_free(p);
	}
}

/* The bounds and the group come out with both questions, as they were on the wire. */
static void
what_goes_into_h(void **state)
{
	struct pair *p = asked_pair(true);
	struct transport_event *c = &p->c.question, *s = &p->s.question;
	struct kex_group group;

	(void)state;
	assert_int_equal(kex_group_modp(&group, 2048), 0);
	assert_int_equal(s->gex_min, 2048);
	assert_int_equal(s->gex_n, 3072);
	assert_int_equal(s->gex_max, 8192);
	assert_int_equal(s->gex_p.n, 0);
	p->s.hold_answer = p->c.hold_answer = true;
	assert_int_equal(side_group(&p->s, p->now), PROTO_OK);
	pair_run(p);
	assert_int_equal(s->type, TE_SIGN);
	assert_int_equal(side_answer(&p->s, p->now), PROTO_OK);
	pair_run(p);
	assert_int_equal(c->type, TE_VERIFY);
	assert_true(span_is(c->kex, GEX));
	assert_int_equal(c->gex_min, 2048);
	assert_int_equal(c->gex_n, 3072);
	assert_int_equal(c->gex_max, 8192);
	assert_true(span_eq(c->gex_p, span_of(group.p, group.p_len)));
	assert_true(span_eq(c->gex_g, span_of(group.g, group.g_len)));
	assert_int_equal(c->q_c.n, group.p_len);
	assert_int_equal(c->q_s.n, group.p_len);
	assert_int_equal(c->secret.n, group.p_len);
	assert_int_equal(side_answer(&p->c, p->now), PROTO_OK);
	pair_run(p);
	assert_int_equal(p->c.keys + p->s.keys, 2);
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
		cmocka_unit_test(wrong_numbers_to_a_server),
		cmocka_unit_test(wrong_numbers_to_a_client),
		cmocka_unit_test(nothing_is_looked_at_before_the_group),
		cmocka_unit_test(no_group),
		cmocka_unit_test(answers_to_other_questions),
		cmocka_unit_test(the_deadline_goes_on),
		cmocka_unit_test(exchange_and_rekeys),
		cmocka_unit_test(what_goes_into_h),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
