/*
 * monitor_update_test.c - what a server's list of its host keys does to known_hosts: what is
 * learnt, what is forgotten, and who may not tell us anything.
 */
#include "tests/update_play.h"

/* ---- what is learnt and what is forgotten ---- */

static void
test_new_keys_are_learnt(void **state)
{
	(void)state;
	opened(line("host.example", host()));
	TELL(key(0), host(), rsa_key());
	EXPECT_ASKED(key(0), rsa_key());
	PROVE(proof(0), rsa_proof("rsa-sha2-256"));
	expect_changed();
	assert_true(span_is(changed.host, "host.example"));
	expect_added(key(0), "host.example");
	expect_added(rsa_key(), "host.example");
	expect_no_more();
}

static void
test_old_keys_are_forgotten(void **state)
{
	(void)state;
	(void)line("# a comment", key(5));
	(void)line("host.example", key(0));
	(void)line("elsewhere", key(2));
	(void)line("host.example", host());
	opened(line("host.example", key(1)));
	TELL(host());
	expect_changed();
	expect_gone(0, 2, key(0));
	expect_gone(0, 5, key(1));
	expect_no_more();
}

/* The new one is there as long as the old one; then the old one goes. */
static void
test_both_at_once(void **state)
{
	(void)state;
	plan.port = 2222;
	(void)line("[host.example]:2222", host());
	(void)line("host.example", key(3));	/* another port: another host */
	opened(line("[host.example]:2222", key(0)));
	TELL(host(), key(1));
	EXPECT_ASKED(key(1));
	PROVE(proof(1));
	expect_changed();
	expect_added(key(1), "[host.example]:2222");
	expect_gone(0, 3, key(0));
	expect_no_more();
}

static void
test_hashed(void **state)
{
	char name[KNOWN_HOSTS_LINE_MAX + 1], *blank;

	(void)state;
	plan.hash_names = 1;
	assert_int_equal(monitor_known_hosts_line("host.example", key(0), true, name), 0);
	(void)line("host.example", host());
	(void)known_add(name);
	opened(known_add("\n"));
	TELL(host(), key(1));
	EXPECT_ASKED(key(1));
	PROVE(proof(1));
	expect_changed();
	assert_true(span_eq(rd_blob(&added, KEY_BLOB_MAX), key(1)));
	monitor_names_copy(name, sizeof(name), rd_blob(&added, 2048));
	blank = strchr(name, ' ');
	assert_true(strncmp(name, "|1|", 3) == 0 && blank != NULL);
	assert_int_equal(monitor_known_hosts_check(span_str(name), "host.example", key(1)).trust, 0);
	expect_gone(0, 2, key(0));
	expect_no_more();
}

static void
test_nothing_to_do(void **state)
{
	(void)state;
	(void)line("host.example", key(0));
	opened(line("host.example", host()));
	TELL(host(), key(0));
	expect_nothing();
}

/* In the second file of the user's own, and in one that is not. */
static void
test_which_file(void **state)
{
	static char global[1024];

	(void)state;
	(void)line("host.example", key(0));
	(void)line("host.example", key(1));
	known_take(global, sizeof(global));
	(void)line("x", key(5));
	(void)line("host.example", host());
	plan.own_files = 2;
	keyed(known, global, false);
	login();
	TELL(host(), key(1));
	expect_changed();
	expect_gone(1, 1, key(0));
	expect_no_more();
}

/* What an administrator says of this host is not to be changed, and need not be learnt. */
static void
test_other_files_stay(void **state)
{
	static char global[1024];

	(void)state;
	(void)line("host.example", key(0));
	(void)line("elsewhere", key(2));
	(void)line("host.example", key(1));
	known_take(global, sizeof(global));
	keyed(line("host.example", host()), global, false);
	login();
	TELL(host(), key(1), key(2));
	EXPECT_ASKED(key(2));
	PROVE(proof(2));
	expect_changed();
	expect_added(key(2), "host.example");
	expect_no_more();
}

/* A key that was accepted a moment ago is no news. */
static void
test_first_contact(void **state)
{
	(void)state;
	keyed(NULL, NULL, true);
	login();
	TELL(host(), key(0));
	EXPECT_ASKED(key(0));
	PROVE(proof(0));
	expect_changed();
	expect_added(key(0), "host.example");
	expect_no_more();
}

/* The genuine server is known by its RSA key.  Who stands in its place shows a key of
 * another type, is taken for unknown and let in, and lists no other. */
static void
test_first_contact_by_another_type(void **state)
{
	(void)state;
	keyed(line("host.example", rsa_key()), NULL, true);
	login();
	TELL(host(), key(0));
	expect_nothing();
}

/* Who lists them all makes none obsolete. */
static void
test_first_contact_with_all_types(void **state)
{
	(void)state;
	keyed(line("host.example", rsa_key()), NULL, true);
	login();
	TELL(host(), rsa_key(), key(0));
	EXPECT_ASKED(key(0));
	PROVE(proof(0));
	expect_changed();
	expect_added(key(0), "host.example");
	expect_no_more();
}

/* An administrator's line is not the user's, and stays anyway. */
static void
test_first_contact_beside_other_files(void **state)
{
	(void)state;
	keyed("", line("host.example", rsa_key()), true);
	login();
	TELL(host(), key(0));
	EXPECT_ASKED(key(0));
}

/* ---- who may not tell us anything ---- */

static void
test_not_asked_for(void **state)
{
	(void)state;
	plan.update = 0;
	opened(line("host.example", host()));
	TELL(host(), key(0));
	expect_nothing();
}

static void
test_trusted_by_another_file(void **state)
{
	(void)state;
	(void)line("host.example", host());
	keyed("", known, false);
	login();
	TELL(host(), key(0));
	expect_nothing();
}

static void
test_trusted_as_the_one_expected_key(void **state)
{
	struct play_start start;
	struct play_proof proof;

	(void)state;
	w = play_planned(&plan, &start, &proof);
	login();
	TELL(host(), key(0));
	expect_nothing();
}

static void
test_accepted_though_changed(void **state)
{
	(void)state;
	keyed(line("host.example", key(0)), NULL, true);
	login();
	TELL(host());
	expect_nothing();
}

static void
test_a_plan_that_says_neither(void **state)
{
	(void)state;
	plan.update = 2;
	play_new(&plan);
	assert_true(play.m->over);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_new_keys_are_learnt), T(test_old_keys_are_forgotten),
		T(test_both_at_once), T(test_hashed), T(test_nothing_to_do),
		T(test_which_file), T(test_other_files_stay), T(test_first_contact),
		T(test_first_contact_by_another_type), T(test_first_contact_with_all_types),
		T(test_first_contact_beside_other_files), T(test_not_asked_for),
		T(test_trusted_by_another_file), T(test_trusted_as_the_one_expected_key),
		T(test_accepted_though_changed), T(test_a_plan_that_says_neither),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
