/*
 * kex_group_test.c - the messages of a group exchange (RFC 4419): malformed ones, numbers
 * out of range, and the two sides of an honest one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proto/kex.h"

enum { LEN = 256, CAP = 16384 };

static uint8_t message[CAP];

static const struct kex_alg *
gex(void)
{
	const char *name = "diffie-hellman-group-exchange-sha256";
	const struct kex_alg *a = kex_find(name, strlen(name));

	assert_non_null(a);
	return a;
}

static struct kex *
kex_of(enum ssh_role role)
{
	struct kex *k = calloc(1, sizeof(*k));

	assert_non_null(k);
	assert_int_equal(kex_begin(k, gex(), role), PROTO_OK);
	return k;
}

static struct kex_group
group14(void)
{
	struct kex_group group;

	assert_int_equal(kex_group_modp(&group, 2048), 0);
	return group;
}

/* A copy of exactly n bytes, so that one too far is found out. */
static enum proto_error
take(enum proto_error (*f)(struct kex *, struct span), struct kex *k, const uint8_t *p, size_t n)
{
	uint8_t *copy = malloc(n > 0 ? n : 1);
	enum proto_error e;

	assert_non_null(copy);
	if (n > 0)
		memcpy(copy, p, n);
	e = f(k, span_of(copy, n));
	free(copy);
	return e;
}

/* Every part of it, and one byte more, are malformed. */
static void
only_whole(enum proto_error (*f)(struct kex *, struct span), struct kex *k, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(take(f, k, message, i), PROTO_E_MESSAGE_FORMAT);
	message[n] = 0;
	assert_int_equal(take(f, k, message, n + 1), PROTO_E_MESSAGE_FORMAT);
}

/* ---- mpints ---- */

static void
mpints(void **state)
{
	static const struct { const char *bytes; size_t n, max; bool good; size_t len; } rows[] = {
		{ "\0\0\0\0", 4, 0, true, 0 },
		{ "\0\0\0\1\1", 5, 1, true, 1 },
		{ "\0\0\0\1\1", 5, 0, false, 0 },
		{ "\0\0\0\1\x7f", 5, 1, true, 1 },
		{ "\0\0\0\2\0\x80", 6, 1, true, 1 },
		{ "\0\0\0\3\0\x80\1", 7, 2, true, 2 },
		{ "\0\0\0\3\0\x80\1", 7, 1, false, 0 },
		{ "\0\0\0\1\0", 5, 9, false, 0 },	/* 0 is the empty string */
		{ "\0\0\0\1\x80", 5, 9, false, 0 },	/* negative */
		{ "\0\0\0\2\xff\xff", 6, 9, false, 0 },
		{ "\0\0\0\2\0\x7f", 6, 9, false, 0 },	/* a zero too many */
		{ "\0\0\0\3\0\0\x80", 7, 9, false, 0 },
		{ "\xff\xff\xff\xff\1", 5, 9, false, 0 },
		{ "\0\0\0\2\1", 5, 9, false, 0 },
		{ "\0\0\0", 3, 9, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rd r = rd_of(span_of(rows[i].bytes, rows[i].n));
		struct span s = rd_mpint(&r, rows[i].max);

		assert_int_equal(rd_done(&r), rows[i].good);
		if (rows[i].good) {
			assert_int_equal(s.n, rows[i].len);
			if (s.n > 0)	/* back to the same bytes */
				assert_true(s.p[0] != 0);
		} else {
			assert_int_equal(s.n, 0);
		}
	}
}

/* ---- REQUEST ---- */

static size_t
request(uint32_t min, uint32_t n, uint32_t max)
{
	struct wr w = wr_of(message, CAP);

	wr_u8(&w, 34);
	wr_u32(&w, min);
	wr_u32(&w, n);
	wr_u32(&w, max);
	return w.n;
}

static void
requests(void **state)
{
	static const uint32_t bad[][3] = { { 2048, 2047, 8192 }, { 2048, 8193, 8192 },
		{ 8192, 8192, 2048 }, { UINT32_MAX, 0, 0 }, { 1, 0, UINT32_MAX } };
	static const uint32_t good[][3] = { { 0, 0, 0 }, { 1024, 1024, 1024 },
		{ 2048, 3072, 8192 }, { 0, UINT32_MAX, UINT32_MAX } };
	struct kex *s = kex_of(SSH_SERVER), *c = kex_of(SSH_CLIENT);
	struct wr w;

	(void)state;
	assert_int_equal(s->expects, 34);
	assert_int_equal(c->expects, 31);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(take(kex_take_request, s, message,
		    request(bad[i][0], bad[i][1], bad[i][2])), PROTO_E_MESSAGE_FORMAT);
	assert_int_equal(s->expects, 34);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		only_whole(kex_take_request, s, request(good[i][0], good[i][1], good[i][2]));
		assert_int_equal(take(kex_take_request, s, message, 13), PROTO_OK);
		assert_int_equal(s->min, good[i][0]);
		assert_int_equal(s->n, good[i][1]);
		assert_int_equal(s->max, good[i][2]);
	}
	assert_int_equal(s->expects, 0);	/* nothing before the group */

	/* ours */
	w = wr_of(message, KEX_REQUEST_MAX);
	assert_int_equal(kex_put_request(c, &w), PROTO_OK);
	assert_true(span_eq(wr_span(&w), span_of("\x22\0\0\x8\0\0\0\xc\0\0\0\x20\0", 13)));
	free(s);
	free(c);
}

/* ---- GROUP ---- */

static size_t
group_message(struct span p, struct span g)
{
	struct wr w = wr_of(message, CAP);

	wr_u8(&w, 31);
	wr_mpint(&w, p);
	wr_mpint(&w, g);
	assert_false(w.bad);
	return w.n;
}

static struct kex *
asked(void)
{
	struct kex *c = kex_of(SSH_CLIENT);
	uint8_t buf[KEX_REQUEST_MAX];
	struct wr w = wr_of(buf, sizeof(buf));

	assert_int_equal(kex_put_request(c, &w), PROTO_OK);
	return c;
}

static void
groups_for_a_client(void **state)
{
	struct kex_group group = group14();
	struct span p = span_of(group.p, LEN), two = span_of("\2", 1), one = span_of("\1", 1);
	static uint8_t odd[KEX_GROUP_MAX + 1];
	struct kex *c = asked();
	size_t n = group_message(p, two);

	(void)state;
	only_whole(kex_take_group, c, n);
	assert_int_equal(c->expects, 31);
	assert_int_equal(take(kex_take_group, c, message, group_message(p, one)),
	    PROTO_E_KEX_PUBLIC);
	assert_int_equal(take(kex_take_group, c, message, group_message(p, span_of("", 0))),
	    PROTO_E_KEX_PUBLIC);
	assert_int_equal(take(kex_take_group, c, message, group_message(p, p)), PROTO_E_KEX_PUBLIC);
	assert_int_equal(take(kex_take_group, c, message, group_message(span_of("", 0), two)),
	    PROTO_E_KEX_PUBLIC);
	/* sizes: too small, too large, and so large that it is malformed */
	memset(odd, 0xd1, sizeof(odd));
	for (size_t len = 1; len <= LEN; len += 51)
		assert_int_equal(take(kex_take_group, c, message,
		    group_message(span_of(odd, len - 1), two)), PROTO_E_KEX_PUBLIC);
	assert_int_equal(take(kex_take_group, c, message,
	    group_message(span_of(odd, sizeof(odd)), two)), PROTO_E_KEX_PUBLIC);
	/* even */
	group.p[LEN - 1] = 0xfe;
	assert_int_equal(take(kex_take_group, c, message, group_message(p, two)),
	    PROTO_E_KEX_PUBLIC);
	group.p[LEN - 1] = 0xff;
	/* negative: no mpint at all */
	n = group_message(p, two);
	message[4]--;
	memmove(message + 5, message + 6, n - 6);
	assert_int_equal(take(kex_take_group, c, message, n - 1), PROTO_E_MESSAGE_FORMAT);
	/* good ones, but not of the size that was asked for */
	n = group_message(p, two);
	c->min = 2049;
	assert_int_equal(take(kex_take_group, c, message, n), PROTO_E_KEX_PUBLIC);
	c->min = c->max = 2047;
	assert_int_equal(take(kex_take_group, c, message, n), PROTO_E_KEX_PUBLIC);
	c->min = c->max = 2048;
	assert_int_equal(take(kex_take_group, c, message, n), PROTO_OK);
	assert_int_equal(c->expects, 33);
	assert_true(span_eq(span_of(c->group.p, c->group.p_len), p));
	assert_true(span_eq(span_of(c->group.g, c->group.g_len), two));
	free(c);
}

static void
groups_of_a_server(void **state)
{
	struct kex_group group = group14();
	struct span p = span_of(group.p, LEN), two = span_of("\2", 1);
	struct kex *s = kex_of(SSH_SERVER);
	uint8_t buf[KEX_GROUP_MESSAGE_MAX];
	struct wr w = wr_of(buf, sizeof(buf));

	(void)state;
	assert_int_equal(kex_put_group(s, &w, span_of(NULL, 0), span_of(NULL, 0)),
	    PROTO_E_NO_GROUP);
	/* the monitor's own word is looked at as well */
	assert_int_equal(kex_put_group(s, &w, two, two), PROTO_E_LOCAL_BUG);
	assert_int_equal(kex_put_group(s, &w, p, span_of(NULL, 0)), PROTO_E_LOCAL_BUG);
	assert_int_equal(w.n, 0);
	assert_int_equal(kex_put_group(s, &w, p, two), PROTO_OK);
	assert_int_equal(s->expects, 32);
	assert_true(span_eq(wr_span(&w), span_of(message, group_message(p, two))));
	free(s);
}

/* ---- INIT and REPLY ---- */

static struct kex *
given(enum ssh_role role)
{
	struct kex_group group = group14();
	struct kex *k = kex_of(role);

	assert_int_equal(kex_group_set(&k->group, group.p, LEN, group.g, 1), 0);
	k->expects = role == SSH_SERVER ? 32 : 33;
	return k;
}

static size_t
init_message(const void *e, size_t n)
{
	struct wr w = wr_of(message, CAP);

	wr_u8(&w, 32);
	wr_mpint(&w, span_of(e, n));
	return w.n;
}

static size_t
reply_message(const void *f, size_t n)
{
	struct wr w = wr_of(message, CAP);

	wr_u8(&w, 33);
	wr_str(&w, "hostkey");
	wr_mpint(&w, span_of(f, n));
	wr_str(&w, "sig");
	return w.n;
}

/* 0, 1, p-1, p, and numbers longer than p. */
static void
values_out_of_range(void **state)
{
	struct kex_group group = group14();
	struct kex *s = given(SSH_SERVER), *c = given(SSH_CLIENT);
	static uint8_t y[KEX_PUBLIC_MAX + 1], init[KEX_INIT_MAX];
	static const size_t lengths[] = { 0, 1, LEN, LEN, LEN + 1, KEX_PUBLIC_MAX };

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		struct wr w = wr_of(init, sizeof(init));

		memset(y, 0x41, sizeof(y));
		if (i == 1)
			y[0] = 1;
		if (i == 2 || i == 3)
			memcpy(y, group.p, LEN);
		y[LEN - 1] = (uint8_t)(y[LEN - 1] - (i == 2));
		assert_int_equal(take(kex_take_init, s, message, init_message(y, lengths[i])),
		    PROTO_E_KEX_PUBLIC);
		assert_int_equal(kex_put_init(c, &w), PROTO_OK);
		assert_int_equal(take(kex_take_reply, c, message, reply_message(y, lengths[i])),
		    PROTO_E_KEX_PUBLIC);
	}
	assert_int_equal(take(kex_take_init, s, message, init_message(y, sizeof(y))),
	    PROTO_E_MESSAGE_FORMAT);
	/* negative, and with a zero too many */
	assert_int_equal(take(kex_take_init, s, (const uint8_t *)"\x20\0\0\0\1\x80", 6),
	    PROTO_E_MESSAGE_FORMAT);
	assert_int_equal(take(kex_take_init, s, (const uint8_t *)"\x20\0\0\0\2\0\x02", 7),
	    PROTO_E_MESSAGE_FORMAT);
	assert_int_equal(take(kex_take_init, s, (const uint8_t *)"\x20\0\0\0\1\2", 6), PROTO_OK);
	free(s);
	free(c);
}

static void
without_a_group(void **state)
{
	struct kex *s = kex_of(SSH_SERVER), *c = kex_of(SSH_CLIENT);
	uint8_t init[KEX_INIT_MAX];
	struct wr w = wr_of(init, sizeof(init));

	(void)state;
	assert_int_equal(kex_put_init(c, &w), PROTO_E_LOCAL_BUG);
	assert_int_equal(take(kex_take_init, s, message, init_message("\2", 1)), PROTO_E_LOCAL_BUG);
	assert_int_equal(take(kex_take_reply, c, message, reply_message("\2", 1)),
	    PROTO_E_LOCAL_BUG);
	free(s);
	free(c);
}

static void
both_sides(void **state)
{
	struct kex *s = given(SSH_SERVER), *c = given(SSH_CLIENT);
	struct wr w = wr_of(message, CAP);
	size_t n;

	(void)state;
	assert_int_equal(kex_put_init(c, &w), PROTO_OK);
	assert_int_equal(message[0], 32);
	n = w.n;
	only_whole(kex_take_init, s, n);
	assert_int_equal(take(kex_take_init, s, message, n), PROTO_OK);
	assert_int_equal(s->expects, 0);
	w = wr_of(message, CAP);
	assert_int_equal(kex_put_reply(s, &w, span_str("hostkey"), span_str("sig")), PROTO_OK);
	assert_int_equal(message[0], 33);
	n = w.n;
	only_whole(kex_take_reply, c, n);
	assert_int_equal(take(kex_take_reply, c, message, n), PROTO_OK);
	assert_int_equal(c->expects, 0);
	assert_int_equal(kex_secret(c).n, LEN);
	assert_true(span_eq(kex_secret(c), kex_secret(s)));
	assert_true(span_eq(kex_q_c(c), kex_q_c(s)));
	assert_true(span_eq(kex_q_s(c), kex_q_s(s)));
	assert_true(span_is(span_of(c->k_s, c->k_s_len), "hostkey"));
	assert_true(span_is(span_of(c->signature, c->signature_len), "sig"));
	free(s);
	free(c);
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
		cmocka_unit_test(mpints),
		cmocka_unit_test(requests),
		cmocka_unit_test(groups_for_a_client),
		cmocka_unit_test(groups_of_a_server),
		cmocka_unit_test(values_out_of_range),
		cmocka_unit_test(without_a_group),
		cmocka_unit_test(both_sides),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
