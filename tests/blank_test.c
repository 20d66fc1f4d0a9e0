/*
 * blank_test.c - no password in what is shown, whatever the packet looks like.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proto/blank.h"

static uint8_t buf[SSH_PACKET_LENGTH_MAX], out[BLANK_OUT_MAX];

#define SECRET_WORD "hunter2-and-more"

static struct wr
message(uint8_t number)
{
	struct wr w = wr_of(buf, sizeof(buf));

	wr_u8(&w, number);
	return w;
}

static struct wr
login(const char *method)
{
	struct wr w = message(SSH_MSG_USERAUTH_REQUEST);

	wr_str(&w, "joe");
	wr_str(&w, "ssh-connection");
	wr_str(&w, method);
	return w;
}

static bool
holds(struct span s, struct span word)
{
	return word.n == 0 || memmem(s.p, s.n, word.p, word.n) != NULL;
}

/* From a buffer of exactly that size; the result is never larger than it may be. */
static struct span
blanked(struct span s)
{
	uint8_t *p = malloc(s.n > 0 ? s.n : 1);
	struct span got;

	assert_non_null(p);
	memcpy(p, s.p, s.n);
	got = blank_payload(span_of(p, s.n), out, sizeof(out));
	free(p);
	assert_true(got.p == out && got.n > 0 && got.n <= sizeof(out));
	return got;
}

#define EXPECT(w, bytes) do { \
	struct span got_ = blanked(wr_span(&(w))); \
	assert_int_equal(got_.n, sizeof(bytes) - 1); \
	assert_memory_equal(got_.p, bytes, sizeof(bytes) - 1); \
} while (0)
#define EIGHT "\0\0\0\10********"
#define LOGIN "\62\0\0\0\3joe\0\0\0\16ssh-connection"

static void
test_passwords(void **state)
{
	struct wr w = login("password");

	(void)state;
	wr_u8(&w, 0);
	wr_str(&w, SECRET_WORD);
	EXPECT(w, LOGIN "\0\0\0\10password\0" EIGHT);
	/* nor can its length be seen */
	w = login("password");
	wr_u8(&w, 0);
	wr_str(&w, "");
	EXPECT(w, LOGIN "\0\0\0\10password\0" EIGHT);
	w = login("password");
	wr_u8(&w, 1);
	wr_str(&w, "old" SECRET_WORD);
	wr_str(&w, SECRET_WORD);
	EXPECT(w, LOGIN "\0\0\0\10password\1" EIGHT EIGHT);
}

static void
test_answers(void **state)
{
	struct wr w = message(SSH_MSG_USERAUTH_INFO_RESPONSE);

	(void)state;
	wr_u32(&w, 2);
	wr_str(&w, SECRET_WORD);
	wr_str(&w, "");
	EXPECT(w, "\75\0\0\0\2" EIGHT EIGHT);
	w = message(SSH_MSG_USERAUTH_INFO_RESPONSE);
	wr_u32(&w, 0);
	EXPECT(w, "\75\0\0\0\0");
	/* fewer or more of them than it says, and more than there can be */
	for (uint32_t count = 0; count < 4; count++) {
		w = message(SSH_MSG_USERAUTH_INFO_RESPONSE);
		wr_u32(&w, count == 0 ? UINT32_MAX : count == 3 ? 3 : 1);
		wr_str(&w, SECRET_WORD);
		wr_str(&w, SECRET_WORD);
		EXPECT(w, "\75********");
	}
	/* so many that they do not fit when blanked */
	w = message(SSH_MSG_USERAUTH_INFO_RESPONSE);
	wr_u32(&w, 8000);
	for (int i = 0; i < 8000; i++)
		wr_str(&w, "");
	EXPECT(w, "\75********");
}

static void
test_cookie(void **state)
{
	struct wr w = message(SSH_MSG_CHANNEL_REQUEST);

	(void)state;
	wr_u32(&w, 3);
	wr_str(&w, "x11-req");
	wr_u8(&w, 1);
	wr_u8(&w, 0);
	wr_str(&w, "MIT");
	wr_str(&w, SECRET_WORD);
	wr_u32(&w, 5);
	EXPECT(w, "\142\0\0\0\3\0\0\0\7x11-req\1\0\0\0\0\3MIT" EIGHT "\0\0\0\5");
	wr_u8(&w, 0);
	EXPECT(w, "\142********");
}

/* A secret in a place that another reading of the message would not expect. */
static void
test_what_does_not_parse(void **state)
{
	static const char *const methods[] = { "none", "password", "publickey",
		"keyboard-interactive" };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct wr w = login(methods[i]);

		wr_u8(&w, 0);
		wr_str(&w, SECRET_WORD);
		wr_str(&w, "");
		wr_str(&w, SECRET_WORD);
		wr_u8(&w, 0);
		EXPECT(w, "\62********");
	}
	{
		struct wr w = message(SSH_MSG_USERAUTH_REQUEST);

		wr_str(&w, "joe");
		wr_raw(&w, span_str(SECRET_WORD));
		EXPECT(w, "\62********");
	}
	{
		struct wr w = login("gssapi-with-mic");

		wr_str(&w, SECRET_WORD);
		EXPECT(w, LOGIN "\0\0\0\17gssapi-with-mic********");
	}
	for (unsigned number = 61; number < 80; number++) {
		struct wr w = message((uint8_t)number);

		wr_str(&w, SECRET_WORD);
		assert_false(holds(blanked(wr_span(&w)), span_str(SECRET_WORD)));
	}
	assert_int_equal(blank_payload(span_of("", 0), out, sizeof(out)).n, 9);
}

/* Every truncation of every message with a secret. */
static void
test_truncations(void **state)
{
	(void)state;
	for (int form = 0; form < 4; form++) {
		struct wr w = form < 2 ? login("password") : form == 2 ?
		    message(SSH_MSG_USERAUTH_INFO_RESPONSE) : message(SSH_MSG_CHANNEL_REQUEST);

		if (form == 2)
			wr_u32(&w, 2);
		if (form == 3) {
			wr_u32(&w, 0);
			wr_str(&w, "x11-req");
			wr_u8(&w, 1);
			wr_u8(&w, 0);
			wr_str(&w, "MIT");
		}
		if (form < 2)
			wr_u8(&w, (uint8_t)form);
		wr_str(&w, "AAAA" SECRET_WORD);
		if (form == 1 || form == 2)
			wr_str(&w, "AAAA" SECRET_WORD);
		if (form == 3)
			wr_u32(&w, 0);
		for (size_t n = 1; n <= w.n; n++)
			assert_false(holds(blanked(span_of(w.p, n)), span_str("AAAA")));
	}
}

/* All else is shown as it is. */
static void
test_the_rest_is_shown(void **state)
{
	static const uint8_t numbers[] = { 0, 1, 2, 4, 5, 7, 20, 21, 30, 31, 34, 51, 52, 53, 60,
		80, 81, 90, 91, 94, 95, 97, 99, 192, 255 };
	struct wr w;

	(void)state;
	for (size_t i = 0; i < sizeof(numbers); i++) {
		struct span got;

		w = message(numbers[i]);
		memset(wr_room(&w, sizeof(buf) - 1), 'y', sizeof(buf) - 1);
		got = blanked(wr_span(&w));
		assert_int_equal(got.n, w.n);
		assert_memory_equal(got.p, buf, got.n);
	}
	w = login("publickey");
	wr_u8(&w, 1);
	wr_str(&w, "ssh-ed25519");
	wr_str(&w, "key");
	wr_str(&w, "signature");
	assert_memory_equal(blanked(wr_span(&w)).p, buf, w.n);
	w = login("keyboard-interactive");
	wr_str(&w, "");
	wr_str(&w, "pam");
	assert_memory_equal(blanked(wr_span(&w)).p, buf, w.n);
	w = message(SSH_MSG_CHANNEL_REQUEST);
	wr_u32(&w, 0);
	wr_str(&w, "exec");
	wr_u8(&w, 1);
	wr_str(&w, "true");
	assert_memory_equal(blanked(wr_span(&w)).p, buf, w.n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_passwords), cmocka_unit_test(test_answers),
		cmocka_unit_test(test_cookie), cmocka_unit_test(test_what_does_not_parse),
		cmocka_unit_test(test_truncations), cmocka_unit_test(test_the_rest_is_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
