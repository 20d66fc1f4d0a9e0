/*
 * conf_match_test.c - the grammar of Match: criteria, keywords that may stand below
 * them, files in blocks, and that each error names file and line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/conf_match.h"

static char dir[] = "/tmp/conf_match_test.XXXXXX";
static struct conf conf;
static char *said;
static size_t said_len;

static void write_file(const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static unsigned read_text(const char *text)
{
	char path[256];
	unsigned errors;
	FILE *out;

	conf_free(&conf);
	free(said);
	write_file("conf", text);
	snprintf(path, sizeof(path), "%s/conf", dir);
	out = open_memstream(&said, &said_len);
	conf_new(&conf);
	errors = conf_read_file(&conf, path, dir, out);
	if (errors == 0)
		errors = conf_finish_defaults(&conf, out);
	fclose(out);
	return errors;
}

static void good(const char *text)
{
	unsigned errors = read_text(text);

	if (errors != 0)
		print_error("%s", said);
	assert_int_equal(errors, 0);
}

static void bad(const char *text, unsigned line, const char *words)
{
	char at[300];
	unsigned errors = read_text(text);

	snprintf(at, sizeof(at), "%s/conf:%u: ", dir, line);
	if (errors != 1 || strstr(said, at) != said || strstr(said, words) == NULL)
		print_error("%s", said);
	assert_int_equal(errors, 1);
	assert_ptr_equal(strstr(said, at), said);
	assert_non_null(strstr(said, words));
}

static void criteria_are_read(void **s)
{
	(void)s;
	good("Match User a\nMatch user=a,!b group g HOST h\nMatch Address 10.0.0.0/8,!10.1.*\n"
	    "Match LocalAddress ::1 LocalPort 22\nMatch all\nMatch Invalid-User\nMatch Version *\n"
	    "Match User \"a b\"\nMatch User x # a comment\n");
	assert_int_equal(conf.n_blocks, 9);
}

static void what_is_no_criterion_is_refused(void **s)
{
	(void)s;
	bad("Match\n", 1, "no value");
	bad("\nMatch # all\n", 2, "no value");
	bad("Match Users a\n", 1, "no such criterion");
	bad("Match use a\n", 1, "no such criterion");
	bad("Match !user a\n", 1, "no such criterion");
	bad("Match RDomain x\n", 1, "routing domains");
	bad("Match User\n", 1, "no value");
	bad("Match User=\n", 1, "no value");
	bad("Match User \"\"\n", 1, "no value");
	bad("Match User a Group\n", 1, "Group");
	bad("Match Address 10.0.0.1/8\n", 1, "address/bits");
	bad("Match Address 10.0.0.0/33\n", 1, "address/bits");
	bad("Match LocalAddress 10.0.0.0/x\n", 1, "address/bits");
	bad("Match LocalPort ssh\n", 1, "one port");
	bad("Match LocalPort 0\n", 1, "one port");
	bad("Match LocalPort 65536\n", 1, "one port");
	bad("Match all User a\n", 1, "stands alone");
	bad("Match User a all\n", 1, "stands alone");
	bad("Match all=x\n", 1, "no such criterion");
	bad("Match User \"a\n", 1, "quote");
}

static void every_truncation_of_a_line_is_judged(void **s)
{
	static const char whole[] = "Match User a,!b Address 10.0.0.0/8,192.0.2.1 LocalPort 22\n";
	char text[sizeof(whole)];

	(void)s;
	for (size_t n = 0; n < sizeof(whole) - 1; n++) {
		memcpy(text, whole, n);
		text[n] = '\0';
		(void)read_text(text);
		assert_true(conf.n_blocks <= 1);
	}
	good(whole);
}

static void keywords_in_a_block_are_checked_whether_or_not_it_holds(void **s)
{
	(void)s;
	good("Match User a\nPasswordAuthentication no\nForceCommand x \"y\nAcceptEnv A B\n"
	    "Subsystem sftp /x\nSetEnv A=b\nPermitOpen any\nBanner none\n");
	bad("Match User a\nPort 22\n", 2, "Port: not within a Match block");
	bad("Match User a\nHostKey /x\n", 2, "HostKey: not within");
	bad("Match User a\nUseDNS yes\n", 2, "UseDNS");
	bad("Match User a\nRevokedKeys /x\n", 2, "RevokedKeys: not within");
	bad("Match User a\nCiphers aes256-ctr\n", 2, "Ciphers: not within");
	bad("Match User a\nPubkeyAcceptedAlgorithms rot13\n", 2, "rot13");
	bad("Match User a\nRekeyLimit 1Q\n", 2, "RekeyLimit");
	good("Match User a\nPubkeyAcceptedAlgorithms +ssh-rsa\nCASignatureAlgorithms ^ssh-ed25519\n"
	    "RekeyLimit 1G 1h\nPAMServiceName x\nExposeAuthInfo yes\n");
	bad("Match User a\nFrobnicate\n", 2, "no such keyword");
	bad("Match User a\nPermitRootLogin maybe\n", 2, "PermitRootLogin");
	bad("Match User a\nMaxAuthTries 1\nMaxAuthTries x\n", 3, "MaxAuthTries");
	bad("Match User a\nPermitOpen any h:1\n", 2, "stands alone");
	/* by an older name too */
	good("Match User a\nSkeyAuthentication no\nDSAAuthentication no\nIPQoS none\n");
	assert_string_equal(conf_match_value(&conf, CONF_KbdInteractiveAuthentication, 0), "no");
	assert_string_equal(conf_match_value(&conf, CONF_PubkeyAuthentication, 0), "no");
	bad("Match User a\nKeepAlive no\n", 2, "TCPKeepAlive: not within");
	/* the global part stays as it is */
	good("Match User a\nMaxAuthTries 1\n");
	assert_int_equal(conf.max_auth_tries, 6);
	assert_string_equal(conf_match_value(&conf, CONF_MaxAuthTries, 0), "1");
	assert_null(conf_match_value(&conf, CONF_MaxAuthTries, 1));
	assert_null(conf_match_value(&conf, CONF_Banner, 0));
}

static void only_files_have_blocks(void **s)
{
	FILE *out = fopen("/dev/null", "w");

	(void)s;
	conf_free(&conf);
	assert_int_equal(conf_read_option(&conf, "Match User a", dir, out), 1);
	assert_int_equal(conf.n_blocks, 0);
	fclose(out);
}

static void a_block_ends_with_its_file(void **s)
{
	(void)s;
	write_file("inner", "MaxAuthTries 2\nMatch User b\nMaxAuthTries 3\n");
	good("Include inner\nMaxSessions 7\n");
	assert_int_equal(conf.max_auth_tries, 2);
	assert_int_equal(conf.max_sessions, 7);
	assert_int_equal(conf.n_blocks, 1);
	good("Match User a\nInclude inner\nMaxSessions 7\n");
	assert_int_equal(conf.max_auth_tries, 6);
	assert_int_equal(conf.max_sessions, 10);
	assert_int_equal(conf.n_blocks, 2);
	write_file("inner", "Port 2\n");
	assert_int_equal(read_text("Match User a\nInclude inner\n"), 1);
	assert_non_null(strstr(said, "/inner:1: Port: not within"));
}

static void blocks_and_criteria_are_bounded(void **s)
{
	size_t n = 0, cap = CONF_BLOCKS_MAX * 16 + 64;
	char *text = calloc(1, cap);

	(void)s;
	assert_non_null(text);
	for (int i = 0; i < CONF_BLOCKS_MAX; i++)
		n += (size_t)snprintf(text + n, cap - n, "Match User a\n");
	good(text);
	(void)snprintf(text + n, cap - n, "Match all\n");
	bad(text, CONF_BLOCKS_MAX + 1, "more than");
	n = (size_t)snprintf(text, cap, "Match");
	for (int i = 0; i < CONF_TESTS_MAX; i++)
		n += (size_t)snprintf(text + n, cap - n, " User a");
	(void)snprintf(text + n, cap - n, "\n");
	good(text);
	(void)snprintf(text + n, cap - n, " User a\n");
	bad(text, 1, "more than");
	free(text);
	cap = (CONF_BLOCK_LINES_MAX + 2) * 16;
	text = calloc(1, cap);
	assert_non_null(text);
	n = (size_t)snprintf(text, cap, "Match all\n");
	for (int i = 0; i < CONF_BLOCK_LINES_MAX; i++)
		n += (size_t)snprintf(text + n, cap - n, "PermitTTY no\n");
	good(text);
	(void)snprintf(text + n, cap - n, "PermitTTY no\n");
	bad(text, CONF_BLOCK_LINES_MAX + 2, "more than");
	free(text);
}

static int setup(void **s)
{
	(void)s;
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static int teardown(void **s)
{
	char command[400];

	(void)s;
	conf_free(&conf);
	free(said);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(criteria_are_read),
		cmocka_unit_test(what_is_no_criterion_is_refused),
		cmocka_unit_test(every_truncation_of_a_line_is_judged),
		cmocka_unit_test(keywords_in_a_block_are_checked_whether_or_not_it_holds),
		cmocka_unit_test(only_files_have_blocks),
		cmocka_unit_test(a_block_ends_with_its_file),
		cmocka_unit_test(blocks_and_criteria_are_bounded),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
