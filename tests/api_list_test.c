/* api_list_test.c - lists of algorithm names: bad edits first, then what edits do. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "privsep/api.h"

static const int all_lists[] = { POSTERN_KEX, POSTERN_HOST_KEYS, POSTERN_SIGNATURES,
	POSTERN_CIPHERS, POSTERN_MACS, POSTERN_COMPRESSION, POSTERN_CA_SIGNATURES };

static void
refuses_unknown_names_and_names_them(void **state)
{
	static const struct {
		const char *edit, *unknown;
	} rows[] = {
		{ "rot13", "rot13" }, { "+rot13", "rot13" }, { "-rot13", "rot13" },
		{ "^aes256-ctr,rot13", "rot13" }, { "aes256-ctr,", "" /* only if last */ },
		{ "aes256-ct", "aes256-ct" }, { "aes256-ctrr", "aes256-ctrr" },
		{ "aes*", "aes*" }, { "+aes*", "aes*" }, { "++aes256-ctr", "+aes256-ctr" },
		{ ",aes256-ctr", "" }, { "aes256-ctr,,aes128-ctr", "" },
		{ " aes256-ctr", " aes256-ctr" }, { "hmac-sha2-256", "hmac-sha2-256" },
	};
	char out[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int r = postern_edit_list(POSTERN_CIPHERS, rows[i].edit, out, sizeof(out));

		if (strcmp(rows[i].edit, "aes256-ctr,") == 0) {
			assert_int_equal(r, 0);	/* a comma at the end separates nothing */
			assert_string_equal(out, "aes256-ctr");
			continue;
		}
		assert_int_equal(r, -EINVAL);
		assert_string_equal(out, rows[i].unknown);
	}
}

static void
refuses_to_leave_nothing(void **state)
{
	char out[256];

	(void)state;
	assert_int_equal(postern_edit_list(POSTERN_CIPHERS, "", out, sizeof(out)), -EINVAL);
	assert_int_equal(postern_edit_list(POSTERN_CIPHERS, "-*", out, sizeof(out)), -EINVAL);
	assert_int_equal(postern_edit_list(0, NULL, out, sizeof(out)), -EINVAL);
	assert_int_equal(postern_edit_list(POSTERN_CA_SIGNATURES + 1, NULL, out, sizeof(out)), -EINVAL);
	assert_null(postern_supported(0));
	assert_null(postern_supported(POSTERN_CA_SIGNATURES + 1));
	assert_null(postern_supported(-1));
}

static void
compression_is_off_unless_named_and_never_before_the_login(void **state)
{
	char out[64];

	(void)state;
	assert_int_equal(postern_edit_list(POSTERN_COMPRESSION, "zlib", out, sizeof(out)), -EINVAL);
	assert_string_equal(out, "zlib");
	assert_int_equal(postern_edit_list(POSTERN_COMPRESSION, "+zlib", out, sizeof(out)), -EINVAL);
	assert_int_equal(postern_edit_list(POSTERN_COMPRESSION, NULL, out, sizeof(out)), 0);
	assert_string_equal(out, "none");
	assert_int_equal(postern_edit_list(POSTERN_COMPRESSION, "^zlib@openssh.com", out,
	    sizeof(out)), 0);
	assert_string_equal(out, "zlib@openssh.com,none");
}

/* An edit is of what it is told to be one of. */
static void
edits_begin_at_their_base(void **state)
{
	char out[128];

	(void)state;
	assert_int_equal(api_list_edit(POSTERN_MACS, "hmac-sha2-512", "+hmac-sha2-256", out,
	    sizeof(out)), 0);
	assert_string_equal(out, "hmac-sha2-512,hmac-sha2-256");
	assert_int_equal(api_list_edit(POSTERN_MACS, "hmac-sha2-512", "-hmac-sha2-512", out,
	    sizeof(out)), -EINVAL);
	assert_int_equal(api_list_edit(POSTERN_MACS, "hmac-sha2-512", NULL, out, sizeof(out)), 0);
	assert_string_equal(out, "hmac-sha2-512");
}

static void
never_writes_more_than_there_is_room(void **state)
{
	char whole[512], out[512];
	size_t need;

	(void)state;
	assert_int_equal(postern_edit_list(POSTERN_CIPHERS, NULL, whole, sizeof(whole)), 0);
	need = strlen(whole) + 1;
	for (size_t size = 0; size < need; size++) {
		memset(out, 'x', sizeof(out));
		assert_true(postern_edit_list(POSTERN_CIPHERS, NULL, out, size) < 0);
		for (size_t i = size; i < sizeof(out); i++)
			assert_int_equal(out[i], 'x');
	}
	assert_int_equal(postern_edit_list(POSTERN_CIPHERS, NULL, out, need), 0);
	assert_string_equal(out, whole);
}

static void
defaults_are_part_of_what_is_supported(void **state)
{
	char base[2049], out[2049];

	(void)state;
	for (size_t i = 0; i < sizeof(all_lists) / sizeof(all_lists[0]); i++) {
		const char *all = postern_supported(all_lists[i]);

		assert_non_null(all);
		assert_true(all[0] != '\0' && all[0] != ',' && all[strlen(all) - 1] != ',');
		/* every default is a supported name, or this would refuse it */
		assert_int_equal(postern_edit_list(all_lists[i], NULL, base, sizeof(base)), 0);
		assert_int_equal(postern_edit_list(all_lists[i], base, out, sizeof(out)), 0);
		assert_string_equal(out, base);
		assert_int_equal(postern_edit_list(all_lists[i], all, out, sizeof(out)), 0);
		assert_string_equal(out, all);
	}
	assert_non_null(strstr(postern_supported(POSTERN_KEX), "curve25519-sha256"));
	assert_non_null(strstr(postern_supported(POSTERN_HOST_KEYS), "ssh-ed25519"));
	assert_null(strstr(postern_supported(POSTERN_MACS), "aes"));
}

static void
edits_as_sshd_config_does(void **state)
{
	static const char all[] = "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,"
	    "hmac-sha2-256,hmac-sha2-512";
	char out[512];

	(void)state;
#define EDIT(edit) assert_int_equal(api_list_edit(POSTERN_MACS, all, edit, out, sizeof(out)), 0)
	/* alone: replaces, each name once */
	EDIT("hmac-sha2-512,hmac-sha2-256,hmac-sha2-512");
	assert_string_equal(out, "hmac-sha2-512,hmac-sha2-256");
	/* + of what is there changes nothing */
	EDIT("+hmac-sha2-512");
	assert_string_equal(out, all);
	EDIT("+");
	assert_string_equal(out, all);
	/* ^ moves to the head */
	EDIT("^hmac-sha2-512");
	assert_string_equal(out, "hmac-sha2-512,hmac-sha2-256-etm@openssh.com,"
	    "hmac-sha2-512-etm@openssh.com,hmac-sha2-256");
	/* - takes away, by name or by pattern */
	EDIT("-hmac-sha2-256");
	assert_string_equal(out, "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,"
	    "hmac-sha2-512");
	EDIT("-*etm*");
	assert_string_equal(out, "hmac-sha2-256,hmac-sha2-512");
	EDIT("-hmac-sha2-???");
	assert_string_equal(out, "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com");
	EDIT("-nothing*");
	assert_string_equal(out, all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_unknown_names_and_names_them),
		cmocka_unit_test(refuses_to_leave_nothing),
		cmocka_unit_test(compression_is_off_unless_named_and_never_before_the_login),
		cmocka_unit_test(edits_begin_at_their_base),
		cmocka_unit_test(never_writes_more_than_there_is_room),
		cmocka_unit_test(defaults_are_part_of_what_is_supported),
		cmocka_unit_test(edits_as_sshd_config_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
