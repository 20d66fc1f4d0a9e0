/*
 * kex_fixed_test.c - Diffie-Hellman in the fixed groups of RFC 3526 on the wire (RFC 4253 8,
 * RFC 8268): malformed and out-of-range values, messages of another method, then
 * exchanges that go well.
 */
#include "tests/transport_pair.h"

enum { CAP = 16384 };

static const struct { const char *name; size_t len; } rows[] = {
	{ "diffie-hellman-group14-sha256", 256 },
	{ "diffie-hellman-group14-sha1", 256 },
	{ "diffie-hellman-group16-sha512", 512 },
	{ "diffie-hellman-group18-sha512", 1024 },
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static uint8_t message[CAP];

static struct kex *
kex_of(size_t row, enum ssh_role role)
{
	struct kex *k = calloc(1, sizeof(*k));
	const struct kex_alg *alg = kex_find(rows[row].name, strlen(rows[row].name));

	assert_non_null(k);
	assert_non_null(alg);
	assert_int_equal(kex_begin(k, alg, role), PROTO_OK);
	/* KEXDH_INIT and KEXDH_REPLY */
	assert_int_equal(k->expects, role == SSH_SERVER ? 30 : 31);
	assert_int_equal(k->group.p_len, rows[row].len);
	return k;
}

/* A copy of exactly n bytes, so that one too far is found out. */
static enum proto_error
take(enum proto_error (*f)(struct kex *, struct span), struct kex *k, size_t n)
{
	uint8_t *copy = malloc(n > 0 ? n : 1);
	enum proto_error e;

	assert_non_null(copy);
	memcpy(copy, message, n);
	e = f(k, span_of(copy, n));
	free(copy);
	return e;
}

static void
only_whole(enum proto_error (*f)(struct kex *, struct span), struct kex *k, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(take(f, k, i), PROTO_E_MESSAGE_FORMAT);
	message[n] = 0;
	assert_int_equal(take(f, k, n + 1), PROTO_E_MESSAGE_FORMAT);
}

static size_t
init_message(const void *e, size_t n)
{
	struct wr w = wr_of(message, CAP);

	wr_u8(&w, 30);
	wr_mpint(&w, span_of(e, n));
	return w.n;
}

static size_t
reply_message(const void *f, size_t n)
{
	struct wr w = wr_of(message, CAP);

	wr_u8(&w, 31);
	wr_str(&w, "hostkey");
	wr_mpint(&w, span_of(f, n));
	wr_str(&w, "sig");
	return w.n;
}

/* 0, 1, p-1, p, one longer than p, and the longest that is read at all. */
static void
values_out_of_range(void **state)
{
	static uint8_t y[KEX_PUBLIC_MAX + 1], init[KEX_INIT_MAX];

	(void)state;
	for (size_t row = 0; row < ROWS; row++) {
		struct kex *s = kex_of(row, SSH_SERVER), *c = kex_of(row, SSH_CLIENT);
		size_t len = rows[row].len;
		const size_t lengths[] = { 0, 1, len, len, len + 1, KEX_PUBLIC_MAX };

		for (size_t i = 0; i < 6; i++) {
			struct wr w = wr_of(init, sizeof(init));

			memset(y, 0x41, sizeof(y));
			if (i == 1)
				y[0] = 1;
			if (i == 2 || i == 3)
				memcpy(y, s->group.p, len);
			y[len - 1] = (uint8_t)(y[len - 1] - (i == 2));
			assert_int_equal(take(kex_take_init, s, init_message(y, lengths[i])),
			    PROTO_E_KEX_PUBLIC);
			assert_int_equal(kex_put_init(c, &w), PROTO_OK);
			assert_int_equal(take(kex_take_reply, c, reply_message(y, lengths[i])),
			    PROTO_E_KEX_PUBLIC);
		}
		assert_int_equal(take(kex_take_init, s, init_message(y, sizeof(y))),
		    PROTO_E_MESSAGE_FORMAT);
		memcpy(message, "\x1e\0\0\0\1\x80", 6);		/* negative */
		assert_int_equal(take(kex_take_init, s, 6), PROTO_E_MESSAGE_FORMAT);
		memcpy(message, "\x1e\0\0\0\2\0\2", 7);		/* a zero too many */
		assert_int_equal(take(kex_take_init, s, 7), PROTO_E_MESSAGE_FORMAT);
		memcpy(message, "\x1e\0\0\0\1\2", 6);
		assert_int_equal(take(kex_take_init, s, 6), PROTO_OK);
		free(s);
		free(c);
	}
}

static void
both_sides(void **state)
{
	(void)state;
	for (size_t row = 0; row < ROWS; row++) {
		struct kex *s = kex_of(row, SSH_SERVER), *c = kex_of(row, SSH_CLIENT);
		struct wr w = wr_of(message, CAP);
		size_t n;

		assert_int_equal(kex_put_init(c, &w), PROTO_OK);
		assert_int_equal(message[0], 30);
		n = w.n;
		only_whole(kex_take_init, s, n);
		assert_int_equal(take(kex_take_init, s, n), PROTO_OK);
		w = wr_of(message, CAP);
		assert_int_equal(kex_put_reply(s, &w, span_str("hostkey"), span_str("sig")),
		    PROTO_OK);
		assert_int_equal(message[0], 31);
		n = w.n;
		only_whole(kex_take_reply, c, n);
		assert_int_equal(take(kex_take_reply, c, n), PROTO_OK);
		assert_int_equal(c->expects | s->expects, 0);
		assert_int_equal(kex_secret(c).n, rows[row].len);
		assert_true(span_eq(kex_secret(c), kex_secret(s)));
		assert_true(span_eq(kex_q_c(c), kex_q_c(s)));
		assert_true(span_eq(kex_q_s(c), kex_q_s(s)));
		free(s);
		free(c);
	}
}

/* ---- between two transports ---- */

static struct pair *
fixed_pair(size_t row)
{
	struct pair *p = pair_new();

	p->c.lists[KL_KEX] = p->s.lists[KL_KEX] = rows[row].name;
	return p;
}

/* Nobody asks for a group here: 31 to 34 are no messages of this method. */
static void
numbers_of_a_group_exchange(void **state)
{
	(void)state;
	for (uint8_t n = 30; n <= 34; n++) {
		struct pair *p = fixed_pair(0);
		uint8_t payload[64] = { n };

		pair_start(p);
		carry(p, &p->c, &p->s);
		side_inject(&p->c, payload, sizeof(payload));
		carry(p, &p->c, &p->s);
		assert_int_equal(p->s.error, n == 30 ? PROTO_E_MESSAGE_FORMAT : PROTO_E_STRICT_KEX);
		assert_int_equal(p->s.questions + p->s.groups, 0);
		pair_free(p);

		p = fixed_pair(0);
		pair_start(p);
		carry(p, &p->s, &p->c);
		side_inject(&p->s, payload, sizeof(payload));
		carry(p, &p->s, &p->c);
		assert_int_equal(p->c.error, n == 31 ? PROTO_E_MESSAGE_FORMAT : PROTO_E_STRICT_KEX);
		assert_int_equal(p->c.questions, 0);
		pair_free(p);
	}
}

/* An exchange and rekeys by both; the monitors are shown no group. */
static void
exchange_and_rekeys(void **state)
{
	(void)state;
	for (size_t row = 0; row < ROWS; row++) {
		struct pair *p = fixed_pair(row);
		struct transport_agreed a;

		p->c.hold_answer = true;
		pair_start(p);
		pair_run(p);
		assert_int_equal(p->c.question.type, TE_VERIFY);
		assert_true(span_is(p->c.question.kex, rows[row].name));
		assert_int_equal(p->c.question.q_c.n, rows[row].len);
		assert_int_equal(p->c.question.q_s.n, rows[row].len);
		assert_int_equal(p->c.question.gex_p.n + p->c.question.gex_g.n, 0);
		assert_int_equal(p->c.question.gex_min + p->c.question.gex_n, 0);
		p->c.hold_answer = false;
		assert_int_equal(side_answer(&p->c, p->now), PROTO_OK);
		pair_run(p);
		transport_agreed(p->s.t, &a);
		assert_string_equal(a.kex, rows[row].name);
		pair_phase(p, PH_OPEN);
		for (unsigned i = 0; i < 2; i++) {
			struct side *who = i == 1 ? &p->s : &p->c;

			assert_int_equal(transport_rekey(who->t, p->now), PROTO_OK);
			pair_run(p);
			assert_int_equal(p->c.keys, 2 + i);
			assert_int_equal(p->s.keys, 2 + i);
			assert_int_equal(p->s.groups, 0);
			assert_int_equal(side_send_data(&p->c, 100, 100, 1), 100);
			pair_run(p);
			assert_int_equal(p->s.data, 100 * (i + 1));
		}
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
		cmocka_unit_test(values_out_of_range),
		cmocka_unit_test(both_sides),
		cmocka_unit_test(numbers_of_a_group_exchange),
		cmocka_unit_test(exchange_and_rekeys),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
