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
	POSTERN_CIPHERS, POSTERN_MACS, POSTERN_COMPRESSION };

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
	assert_int_equal(postern_edit_list(7, NULL, out, sizeof(out)), -EINVAL);
	assert_null(postern_supported(0));
	assert_null(postern_supported(7));
	assert_null(postern_supported(-1));
}

static void
refuses_presets_that_there_are_not(void **state)
{
	static const char *const none[] = { "", "Modern", "modern ", "pq", "pq-only,compat", "fips" };
	char out[512];

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_int_equal(api_list_preset(POSTERN_KEX, none[i], out, sizeof(out)), -EINVAL);
	assert_int_equal(api_list_preset(0, "modern", out, sizeof(out)), -EINVAL);
	assert_int_equal(api_list_preset(POSTERN_KEX, "modern", out, 0), -EINVAL);
	assert_int_equal(api_list_preset(POSTERN_KEX, "modern", out, 4), -ERANGE);
	assert_string_equal(out, "");
}

/* Never weakened silently: a name of it in the build makes it work, and nothing else. */
static void
pq_only_is_post_quantum_or_nothing(void **state)
{
	bool has_pq = strstr(postern_supported(POSTERN_KEX), "mlkem768x25519-sha256") != NULL ||
	    strstr(postern_supported(POSTERN_KEX), "sntrup761") != NULL;
	char out[512];
	int r = api_list_preset(POSTERN_KEX, "pq-only", out, sizeof(out));

	(void)state;
	assert_int_equal(r, has_pq ? 0 : -ENOENT);
	assert_null(strstr(out, "curve25519-sha256"));
	assert_null(strstr(out, "diffie-hellman"));
	assert_int_equal(api_list_preset(POSTERN_CIPHERS, "pq-only", out, sizeof(out)), 0);
	assert_string_equal(out, api_list_default(POSTERN_CIPHERS));
}

static void
presets_are_the_default_and_all_there_is(void **state)
{
	char out[512];

	(void)state;
	for (size_t i = 0; i < sizeof(all_lists) / sizeof(all_lists[0]); i++) {
		int list = all_lists[i];

		assert_int_equal(api_list_preset(list, NULL, out, sizeof(out)), 0);
		assert_string_equal(out, api_list_default(list));
		assert_int_equal(api_list_preset(list, "modern", out, sizeof(out)), 0);
		assert_string_equal(out, api_list_default(list));
		assert_int_equal(api_list_preset(list, "compat", out, sizeof(out)), 0);
		assert_string_equal(out, list == POSTERN_COMPRESSION ? "none" :
		    postern_supported(list));
	}
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
	char out[512];

	(void)state;
	for (size_t i = 0; i < sizeof(all_lists) / sizeof(all_lists[0]); i++) {
		const char *all = postern_supported(all_lists[i]);

		assert_non_null(all);
		assert_true(all[0] != '\0' && all[0] != ',' && all[strlen(all) - 1] != ',');
		/* every default is a supported name, or this would refuse it */
		assert_int_equal(postern_edit_list(all_lists[i], api_list_default(all_lists[i]),
		    out, sizeof(out)), 0);
		assert_string_equal(out, api_list_default(all_lists[i]));
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
	char base[512], out[512], want[1024];

	(void)state;
	assert_int_equal(postern_edit_list(POSTERN_MACS, NULL, base, sizeof(base)), 0);
	/* alone: replaces, each name once */
	assert_int_equal(postern_edit_list(POSTERN_MACS, "hmac-sha2-512,hmac-sha2-256,hmac-sha2-512",
	    out, sizeof(out)), 0);
	assert_string_equal(out, "hmac-sha2-512,hmac-sha2-256");
	/* + of what is there changes nothing */
	assert_int_equal(postern_edit_list(POSTERN_MACS, "+hmac-sha2-512", out, sizeof(out)), 0);
	assert_string_equal(out, base);
	assert_int_equal(postern_edit_list(POSTERN_MACS, "+", out, sizeof(out)), 0);
	assert_string_equal(out, base);
	/* ^ moves to the head */
	assert_int_equal(postern_edit_list(POSTERN_MACS, "^hmac-sha2-512", out, sizeof(out)), 0);
	(void)snprintf(want, sizeof(want), "hmac-sha2-512,");
	assert_memory_equal(out, want, strlen(want));
	assert_int_equal(strlen(out), strlen(base));
	/* - takes away, by name or by pattern */
	assert_int_equal(postern_edit_list(POSTERN_MACS, "-hmac-sha2-256", out, sizeof(out)), 0);
	assert_null(strstr(out, "hmac-sha2-256,"));
	assert_non_null(strstr(out, "hmac-sha2-256-etm"));
	assert_int_equal(postern_edit_list(POSTERN_MACS, "-*etm*", out, sizeof(out)), 0);
	assert_string_equal(out, "hmac-sha2-256,hmac-sha2-512");
	assert_int_equal(postern_edit_list(POSTERN_MACS, "-hmac-sha2-???", out, sizeof(out)), 0);
	assert_null(strstr(out, "hmac-sha2-256,"));
	assert_non_null(strstr(out, "-etm"));
	assert_int_equal(postern_edit_list(POSTERN_MACS, "-nothing*", out, sizeof(out)), 0);
	assert_string_equal(out, base);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_unknown_names_and_names_them),
		cmocka_unit_test(refuses_to_leave_nothing),
		cmocka_unit_test(refuses_presets_that_there_are_not),
		cmocka_unit_test(pq_only_is_post_quantum_or_nothing),
		cmocka_unit_test(compression_is_off_unless_named_and_never_before_the_login),
		cmocka_unit_test(presets_are_the_default_and_all_there_is),
		cmocka_unit_test(edits_begin_at_their_base),
		cmocka_unit_test(never_writes_more_than_there_is_room),
		cmocka_unit_test(defaults_are_part_of_what_is_supported),
		cmocka_unit_test(edits_as_sshd_config_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
