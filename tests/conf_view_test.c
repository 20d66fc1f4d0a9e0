/* conf_view_test.c - which blocks hold for whom, and what the configuration is then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/conf_match.h"

static char path[] = "/tmp/conf_view_test.XXXXXX";
static struct conf conf, view;
static char *names[] = { (char[]){ "wheel" }, (char[]){ "staff" } };
static struct conf_words groups = { names, 2 };
static const struct conf_who bob = { .user = "bob", .host = "10.1.2.3", .address = "10.1.2.3",
	.local = "192.0.2.1", .local_port = 22, .groups = &groups };

static void configured(const char *text)
{
	FILE *f = fopen(path, "w");

	conf_free(&conf);
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(conf_read_file(&conf, path, "/tmp", stderr), 0);
	assert_int_equal(conf_finish_defaults(&conf, stderr), 0);
}

static const struct conf *seen_by(const struct conf_who *who)
{
	struct conf_bits bits;

	conf_free(&view);
	assert_null(conf_match_test(&conf, who, &bits));
	assert_int_equal(conf_match_view(&conf, &bits, &view), 0);
	return &view;
}

/* Does "Match line" hold for bob? */
static bool holds(const char *line)
{
	char text[512];

	snprintf(text, sizeof(text), "Match %s\nMaxAuthTries 1\n", line);
	configured(text);
	return seen_by(&bob)->max_auth_tries == 1;
}

static void criteria_hold_or_not(void **s)
{
	static const char *const yes[] = { "all", "User bob", "User b*", "User alice,bob", "User *,!alice",
		"Group wheel", "Group staff", "Group st*", "Group x,staff", "Host 10.1.*",
		"Address 10.0.0.0/8", "Address 10.1.2.3", "Address *,!10.2.0.0/16", "LocalAddress 192.0.2.1",
		"LocalPort 22", "User bob Group wheel Address 10.*", "Version Postern_*",
		"Host=10.1.2.3", "Version *,!OpenSSH*" };
	static const char *const no[] = { "User Bob", "User bo", "User bobb", "User *,!bob",
		"User !alice", "Group x", "Group *,!wheel", "Group staff,!wheel", "Host 10.2.*",
		"Address 10.2.0.0/16", "Address *,!10.1.2.3", "Address !10.2.0.0/16", "LocalAddress 10.1.2.3",
		"LocalPort 2200", "User bob Group x", "User alice Group wheel", "Invalid-User",
		"Version OpenSSH*" };

	(void)s;
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		if (!holds(yes[i]))
			fail_msg("Match %s does not hold", yes[i]);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		if (holds(no[i]))
			fail_msg("Match %s holds", no[i]);
}

static void who_does_not_exist_is_in_no_group(void **s)
{
	struct conf_who nobody = bob;

	(void)s;
	nobody.groups = NULL;
	nobody.is_invalid = true;
	configured("Match Group *\nMaxAuthTries 1\nMatch Invalid-User\nMaxAuthTries 2\n");
	assert_int_equal(seen_by(&nobody)->max_auth_tries, 2);
	assert_int_equal(seen_by(&bob)->max_auth_tries, 1);
}

static void what_is_not_known_is_named(void **s)
{
	struct conf_who who = { 0 };
	struct conf_bits bits;
	static const struct { const char *line, *missing; } t[] = { { "User a", "user" },
		{ "Group a", "user" }, { "Host a", "host" }, { "Address 1.2.3.4", "addr" },
		{ "LocalAddress 1.2.3.4", "laddr" }, { "LocalPort 1", "lport" }, { "all", NULL } };

	(void)s;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		char text[64];
		const char *missing;

		snprintf(text, sizeof(text), "Match %s\n", t[i].line);
		configured(text);
		missing = conf_match_test(&conf, &who, &bits);
		assert_int_equal(conf_match_none(&bits), t[i].missing != NULL);
		if (t[i].missing == NULL)
			assert_null(missing);
		else
			assert_string_equal(missing, t[i].missing);
	}
}

static void the_first_line_wins_over_later_blocks_and_over_the_global_part(void **s)
{
	const struct conf *c;

	(void)s;
	configured("MaxAuthTries 9\nMaxSessions 9\nPermitTTY no\nMatch User alice\nMaxAuthTries 1\n"
	    "Match User bob\nMaxAuthTries 2\nMaxAuthTries 3\nForceCommand one two\nMatch all\n"
	    "MaxAuthTries 4\nForceCommand none\nX11Forwarding yes\n");
	c = seen_by(&bob);
	assert_int_equal(c->max_auth_tries, 2);
	assert_int_equal(c->max_sessions, 9);
	assert_string_equal(c->force_command, "one two");
	assert_true(c->x11_forwarding);
	assert_false(c->permit_tty);
	assert_int_equal(c->n_blocks, 0);
	assert_int_equal(conf.max_auth_tries, 9);
}

static void lists_of_blocks_add_up_and_replace_the_global_one(void **s)
{
	const struct conf *c;

	(void)s;
	configured("AcceptEnv G\nAllowUsers g\nSetEnv G=1\nMatch User bob\nAcceptEnv A\nSetEnv A=1\n"
	    "Match all\nAcceptEnv B C\nSetEnv B=1\n");
	c = seen_by(&bob);
	assert_int_equal(c->accept_env.n, 3);
	assert_string_equal(c->accept_env.v[0], "A");
	assert_string_equal(c->accept_env.v[2], "C");
	assert_int_equal(c->allow_users.n, 1);
	assert_int_equal(c->set_env.n, 1);
	assert_string_equal(c->set_env.v[0], "A=1");
}

static void subsystems_are_replaced_by_name(void **s)
{
	const struct conf *c;

	(void)s;
	configured("Subsystem sftp /g\nSubsystem other /o -x  y\nMatch User bob\nSubsystem sftp /b\n"
	    "Match all\nSubsystem sftp /c\nSubsystem new /n\n");
	c = seen_by(&bob);
	assert_string_equal(conf_subsystem(c, "sftp"), "/b");
	assert_string_equal(conf_subsystem(c, "other"), "/o -x  y");
	assert_string_equal(conf_subsystem(c, "new"), "/n");
	assert_string_equal(conf_subsystem(&conf, "sftp"), "/g");
}

static void an_included_file_holds_within_its_block_alone(void **s)
{
	char inner[64], text[300];
	FILE *f;

	(void)s;
	snprintf(inner, sizeof(inner), "%s.inner", path);
	f = fopen(inner, "w");
	assert_non_null(f);
	fputs("Match User bob\nMaxAuthTries 1\nMatch all\nMaxSessions 1\n", f);
	assert_int_equal(fclose(f), 0);
	snprintf(text, sizeof(text), "Match User alice\nInclude %s\nPermitTTY no\n", inner);
	configured(text);
	assert_int_equal(seen_by(&bob)->max_auth_tries, 6);
	assert_int_equal(seen_by(&bob)->max_sessions, 10);
	assert_true(seen_by(&bob)->permit_tty);
	snprintf(text, sizeof(text), "Match User b*\nInclude %s\nPermitTTY no\n", inner);
	configured(text);
	assert_int_equal(seen_by(&bob)->max_auth_tries, 1);
	assert_int_equal(seen_by(&bob)->max_sessions, 1);
	assert_false(seen_by(&bob)->permit_tty);
	assert_int_equal(unlink(inner), 0);
}

/* Each row travels into a view, none is forgotten. */
static void a_view_without_blocks_is_the_whole_configuration(void **s)
{
	char *before = NULL, *after = NULL;
	size_t n;
	FILE *out;

	(void)s;
	configured("Port 1\nListenAddress ::1\nMaxStartups 1:2:3\nPerSourceMaxStartups 4\nPerSourceNetBlockSize 5:6\nRekeyLimit 1G 1h\nRekeyQuota 5 6\n"
	    "StreamLocalBindMask 0077\nSetEnv A=1 B=2\nSubsystem a b c\nForceCommand x  y\n"
	    "AllowUsers a b\nDenyGroups c\nPermitOpen h:1 i:2\nBanner /x\nLogLevel DEBUG\nMatch User x\n");
	out = open_memstream(&before, &n);
	conf_dump(&conf, out);
	fclose(out);
	out = open_memstream(&after, &n);
	conf_dump(seen_by(&bob), out);
	fclose(out);
	assert_string_equal(after, before);
	free(before);
	free(after);
}

static int setup(void **s)
{
	int fd = mkstemp(path);

	(void)s;
	return fd < 0 ? -1 : close(fd);
}

static int teardown(void **s)
{
	(void)s;
	conf_free(&conf);
	conf_free(&view);
	return unlink(path);
}

static void lists_are_edits_of_the_preset(void **s)
{
	(void)s;
	configured("PubkeyAcceptedAlgorithms ssh-ed25519\nMatch User bob\n"
	    "PubkeyAcceptedAlgorithms +ssh-rsa\nCASignatureAlgorithms rsa-sha2-512\n");
	assert_string_equal(conf.pubkey_algorithms, "ssh-ed25519");
	assert_non_null(strstr(seen_by(&bob)->pubkey_algorithms, "ssh-ed25519,"));
	assert_non_null(strstr(view.pubkey_algorithms, ",ssh-rsa"));
	assert_string_equal(view.ca_algorithms, "rsa-sha2-512");
	configured("PubkeyAcceptedAlgorithms ssh-ed25519\nMatch User alice\n"
	    "PubkeyAcceptedAlgorithms +ssh-rsa\n");
	assert_string_equal(seen_by(&bob)->pubkey_algorithms, "ssh-ed25519");
}

static void rekey_limit_and_pam_service(void **s)
{
	(void)s;
	configured("RekeyLimit 1G 3600\nMatch User bob\nRekeyLimit 2M\nPAMServiceName other\n");
	assert_int_equal(conf.rekey_limit.bytes, 1u << 30);
	assert_int_equal(seen_by(&bob)->rekey_limit.bytes, 2u << 20);
	assert_int_equal(view.rekey_limit.seconds, 0);
	assert_string_equal(view.pam_service, "other");
	assert_string_equal(conf.pam_service, "sshd");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(criteria_hold_or_not),
		cmocka_unit_test(who_does_not_exist_is_in_no_group),
		cmocka_unit_test(what_is_not_known_is_named),
		cmocka_unit_test(the_first_line_wins_over_later_blocks_and_over_the_global_part),
		cmocka_unit_test(lists_of_blocks_add_up_and_replace_the_global_one),
		cmocka_unit_test(subsystems_are_replaced_by_name),
		cmocka_unit_test(lists_are_edits_of_the_preset),
		cmocka_unit_test(rekey_limit_and_pam_service),
		cmocka_unit_test(an_included_file_holds_within_its_block_alone),
		cmocka_unit_test(a_view_without_blocks_is_the_whole_configuration),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
