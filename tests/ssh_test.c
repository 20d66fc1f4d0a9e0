/*
 * ssh_test.c - all 256 numbers, in all phases, key exchange phases, roles, strict
 * or not, against an expectation written by hand from the RFCs, in numbers.
 */
#include "tests/transport_pair.h"

#define S SSH_SERVER
#define C SSH_CLIENT
static const enum ssh_role roles[] = { SSH_SERVER, SSH_CLIENT };
static const enum ssh_phase phases[] = { PH_KEX, PH_SERVICE, PH_AUTH, PH_OPEN };
static const enum ssh_kex_phase kxs[] = { KX_IDLE, KX_SENT, KX_RUNNING, KX_NEWKEYS };

/* What may come, by receiver.  0 ends a list. */
static const uint8_t kex_any[] = { 1, 2, 3, 4, 0 };
static const uint8_t kex_begins[] = { 20, 0 };
static const uint8_t kex_running[2][4] = { { 30, 32, 34, 0 }, { 31, 33, 0 } };
static const uint8_t kex_end[] = { 21, 0 };
static const uint8_t service[2][8] = { { 5, 7, 0 }, { 6, 7, 0 } };
static const uint8_t auth[2][10] = { { 5, 7, 50, 61, 0 }, { 6, 7, 51, 52, 53, 60, 0 } };
static const uint8_t after[2][2] = { { 50, 0 }, { 0 } };	/* RFC 4252 5.1: ignored */
static const uint8_t open_[] = { 80, 81, 82, 90, 91, 92, 93, 94, 95, 96, 97, 98, 99, 100,
	192, 193, 0 };
/* What a client or a server sends at some time of its life. */
static const uint8_t ever[2][40] = {
	{ 1, 2, 3, 4, 5, 7, 20, 21, 30, 32, 34, 50, 61, 80, 81, 82, 90, 91, 92, 93, 94, 95, 96, 97,
	    98, 99, 100, 192, 193, 0 },
	{ 1, 2, 3, 4, 6, 7, 20, 21, 31, 33, 51, 52, 53, 60, 80, 81, 82, 90, 91, 92, 93, 94, 95,
	    96, 97, 98, 99, 100, 192, 193, 0 },
};

static bool
in(const uint8_t *list, uint8_t n)
{
	for (; *list != 0; list++)
		if (*list == n)
			return true;
	return false;
}

static enum ssh_verdict
expect(enum ssh_role role, enum ssh_phase phase, enum ssh_kex_phase kx, bool strict, uint8_t n)
{
	int r = role == SSH_SERVER ? 0 : 1;	/* 0: the client sends */
	bool legal = false;

	/* strict kex: nothing but 1, 20, 21 and the method's own in the first exchange */
	if (strict && phase == PH_KEX && n != 1 && n != 20 && n != 21 && (n < 30 || n > 34))
		return SSH_DISCONNECT_PEER;
	if (in(kex_any, n))
		legal = true;
	if (kx == KX_RUNNING)
		legal = legal || in(kex_running[r], n);
	else if (kx == KX_NEWKEYS)
		legal = legal || in(kex_end, n);
	else {
		legal = legal || in(kex_begins, n);
		if (phase == PH_SERVICE)
			legal = legal || in(service[r], n);
		if (phase == PH_AUTH)
			legal = legal || in(auth[r], n);
		if (phase == PH_OPEN)
			legal = legal || in(open_, n) || in(after[r], n);
	}
	if (legal)
		return SSH_HANDLE;
	if (in(ever[r], n))
		return SSH_DISCONNECT_PEER;	/* not now */
	if (phase == PH_KEX || kx == KX_RUNNING || kx == KX_NEWKEYS)
		return SSH_DISCONNECT_PEER;
	if (n >= 80 && phase != PH_OPEN)
		return SSH_DISCONNECT_PEER;
	return SSH_UNIMPLEMENTED;
}

static void
every_number_everywhere(void **state)
{
	unsigned seen[4] = { 0 };

	(void)state;
	for (int i = 0; i < 2 * 4 * 4 * 2 * 256; i++) {
		enum ssh_role role = roles[i / 8192];
		enum ssh_phase phase = phases[i / 2048 % 4];
		enum ssh_kex_phase kx = kxs[i / 512 % 4];
		bool strict = i / 256 % 2 == 1;
		enum ssh_layer layer = (enum ssh_layer)0;
		enum ssh_verdict want = expect(role, phase, kx, strict, (uint8_t)i);
		enum ssh_verdict got = ssh_message_check(role, phase, kx, strict, (uint8_t)i,
		    &layer);

		if (got != want)
			fail_msg("role %d phase %d kx %d strict %d number %d: %d, expected %d",
			    role, phase, kx, strict, i % 256, got, want);
		assert_int_equal(layer != 0, got == SSH_HANDLE);
		seen[got]++;
	}
	assert_true(seen[SSH_HANDLE] > 100 && seen[SSH_UNIMPLEMENTED] > 1000 &&
	    seen[SSH_DISCONNECT_PEER] > 5000);
}

static void
layers(void **state)
{
	static const struct { uint8_t n; enum ssh_phase phase; enum ssh_role role;
		enum ssh_layer layer; } rows[] = {
		{ 1, PH_AUTH, S, TRANSPORT }, { 7, PH_AUTH, C, TRANSPORT },
		{ 20, PH_OPEN, S, TRANSPORT }, { 192, PH_OPEN, S, TRANSPORT },
		{ 5, PH_SERVICE, S, SERVICE }, { 6, PH_SERVICE, C, SERVICE },
		{ 50, PH_AUTH, S, AUTH }, { 52, PH_AUTH, C, AUTH }, { 60, PH_AUTH, C, AUTH },
		{ 61, PH_AUTH, S, AUTH }, { 80, PH_OPEN, S, CONNECTION },
		{ 94, PH_OPEN, C, CONNECTION }, { 100, PH_OPEN, S, CONNECTION },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum ssh_layer layer = (enum ssh_layer)0;

		assert_int_equal(ssh_message_check(rows[i].role, rows[i].phase, KX_IDLE, true,
		    rows[i].n, &layer), SSH_HANDLE);
		assert_int_equal(layer, rows[i].layer);
	}
}

/* The same through a real transport: any number of 80 and above before login. */
static void
channel_numbers_before_login(void **state)
{
	static const enum ssh_phase before[] = { PH_SERVICE, PH_AUTH };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		for (unsigned role = 0; role < 2; role++) {
			for (unsigned n = 80; n < 256; n += n < 101 ? 1 : 13) {
				struct pair *p = pair_new();
				struct side *from = role == 0 ? &p->c : &p->s;
				struct side *to = role == 0 ? &p->s : &p->c;
				uint8_t payload[16] = { (uint8_t)n };

				pair_start(p);
				pair_run(p);
				pair_phase(p, before[i]);
				side_inject(from, payload, sizeof(payload));
				pair_run(p);
				assert_int_equal(to->error, PROTO_E_MESSAGE_ORDER);
				assert_int_equal(to->packets, 0);
				pair_free(p);
			}
		}
	}
}

/* ...and every number in the first key exchange under strict kex, at each of the
 * points where the server waits for something. */
static void
strict_first_exchange(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 256; n += n < 64 ? 1 : 9) {
		for (int point = 0; point < 3; point++) {
			struct pair *p = pair_new();
			uint8_t payload[1] = { (uint8_t)n };

			/* after its KEX_ECDH_INIT a client may send NEWKEYS */
			if (n == 1 || (n == 21 && point >= 1)) {
				pair_free(p);
				continue;
			}
			pair_start(p);
			if (point >= 1)	/* client sends INIT */
				carry(p, &p->s, &p->c);
			if (point == 2) {
				carry(p, &p->c, &p->s);
				p->c.hold_answer = true;
				carry(p, &p->s, &p->c);
				assert_int_equal(p->c.question.type, TE_VERIFY);
			}
			side_inject(&p->c, payload, 1);
			carry(p, &p->c, &p->s);
			if (n == 30 && point == 0)	/* in its place, but empty */
				assert_int_equal(p->s.error, PROTO_E_MESSAGE_FORMAT);
			else
				assert_int_equal(p->s.error, PROTO_E_STRICT_KEX);
			pair_free(p);
		}
	}
}

static void
numbers_and_errors(void **state)
{
	(void)state;
	assert_int_equal(SSH_MSG_CHANNEL_DATA, 94);

	assert_int_equal(proto_error_class(PROTO_E_BANNER_TIMEOUT), PC_TIMEOUT);
	assert_int_equal(proto_error_disconnect(PROTO_E_PACKET_MAC), SSH_DISCONNECT_MAC_ERROR);
	assert_int_equal(proto_error_class(PROTO_E_NO_MAC_S2C), PC_NO_MATCH);
	assert_string_equal(proto_error_text(PROTO_E_PACKET_LENGTH), "bad packet length");
	assert_int_equal(proto_error_class((enum proto_error)-999), PC_LOCAL);
	assert_string_equal(proto_error_text((enum proto_error)-999), "unknown error");
	assert_int_equal(PROTO_E_LOCAL_BUG, -42);
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
		cmocka_unit_test(every_number_everywhere),
		cmocka_unit_test(layers),
		cmocka_unit_test(channel_numbers_before_login),
		cmocka_unit_test(strict_first_exchange),
		cmocka_unit_test(numbers_and_errors),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
