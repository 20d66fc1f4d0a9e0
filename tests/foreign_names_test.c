/* foreign_names_test.c - names of OpenSSH that we lack leave a list, and no other does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <postern.h>

#include "apps/foreign_names.h"

static char out[256], passed[256];

static void
drops(int list, const char *edit, const char *kept, const char *names)
{
	assert_int_equal(foreign_names_drop(list, edit, out, passed, sizeof(out)), 0);
	assert_string_equal(out, kept);
	assert_string_equal(passed, names);
}

static void
names_leave_a_list(void **state)
{
	(void)state;
	drops(POSTERN_KEX, "gss-curve25519-sha256-,a,gss-group16-sha512-toWM5Slw5Ew8Mqkay+al2g==,b", "a,b",
	    "gss-curve25519-sha256-,gss-group16-sha512-toWM5Slw5Ew8Mqkay+al2g==");
	drops(POSTERN_HOST_KEYS, "^ssh-ed25519,sk-ssh-ed25519@openssh.com", "^ssh-ed25519",
	    "sk-ssh-ed25519@openssh.com");
	drops(POSTERN_CIPHERS, "+3des-cbc,aes256-cbc", "+aes256-cbc", "3des-cbc");
	drops(POSTERN_MACS, "-hmac-md5,hmac-sha1*", "-hmac-sha1*", "hmac-md5");
	drops(POSTERN_MACS, "-hmac-md5,hmac-sha1-96", "-", "hmac-md5,hmac-sha1-96");
}

static void
the_others_stay(void **state)
{
	static const char *const edits[] = { "", "+", "-", "^", "rot13", "a,b", "a,,b,", ",", "-*",
		"gss-", "3des", "3des-cbcs", "a,3des-cb", "a,3DES-CBC", "hmac-md5,a" };

	(void)state;
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++)
		drops(POSTERN_CIPHERS, edits[i], edits[i], "");
	drops(POSTERN_SIGNATURES, "ssh-rsa,sk-ssh-ed25519@openssh.com", "ssh-rsa,sk-ssh-ed25519@openssh.com", "");
	drops(POSTERN_KEX, "a,gss-", "a,gss-", "");
}

static void
nothing_left_is_not_passed_over(void **state)
{
	(void)state;
	drops(POSTERN_CIPHERS, "3des-cbc", "3des-cbc", "");
	drops(POSTERN_CIPHERS, "+3des-cbc,arcfour", "+3des-cbc,arcfour", "");
	drops(POSTERN_CIPHERS, "^3des-cbc", "^3des-cbc", "");
}

static void
sizes(void **state)
{
	(void)state;
	assert_int_equal(foreign_names_drop(POSTERN_CIPHERS, "arcfour,a", out, passed, 10), 0);
	assert_string_equal(out, "a");
	assert_int_equal(foreign_names_drop(POSTERN_CIPHERS, "arcfour,a", out, passed, 9), -ERANGE);
	assert_int_equal(foreign_names_drop(POSTERN_CIPHERS, "", out, passed, 0), -ERANGE);
}

/* A name that the library learns must go from the table. */
static void
what_we_have_is_none(void **state)
{
	(void)state;
	for (int list = POSTERN_KEX; postern_supported(list) != NULL; list++) {
		const char *all = postern_supported(list);
		char edit[4096], kept[4096], names[4096];

		assert_true(strlen(all) > 0 && strlen(all) < sizeof(edit));
		(void)snprintf(edit, sizeof(edit), "%s", all);
		assert_int_equal(foreign_names_drop(list, edit, kept, names, sizeof(kept)), 0);
		assert_string_equal(names, "");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_leave_a_list),
		cmocka_unit_test(the_others_stay),
		cmocka_unit_test(nothing_left_is_not_passed_over),
		cmocka_unit_test(sizes),
		cmocka_unit_test(what_we_have_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
