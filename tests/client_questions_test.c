/*
 * client_questions_test.c - what a person reads whom a server asks something, or for a new
 * password: whose question it is, whatever the server says, and no control character of its;
 * and what is said of a host key that is not known.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/client_change.h"
#include "apps/client_prompts.h"
#include "apps/client_trust.h"

enum { SOON = 10000 };
static struct client_conf conf = { .user = (char[]){ "joe" }, .hostname = (char[]){ "example.org" },
	.strict = (char[]){ "ask" } };
static int terminal;
static char out[16384];			/* what was read and not yet looked for */
static size_t n;

typedef int question(const char *text, char **answer);

static int change(const char *text, char **answer)
{
	return client_change_password(&conf, text, answer);
}

static int prompt(const char *text, char **answer)
{
	struct postern_prompt one = { .text = text };
	struct postern_prompts p = POSTERN_PROMPTS;
	bool gave_up = false;

	p.name = p.instruction = "";
	p.n = 1;
	p.prompts = &one;
	return client_prompts_answer(&conf, &p, answer, &gave_up);
}

static unsigned clash_line;

static int trust(const char *host, char **answer)
{
	static char one[] = "one", two[] = "two", none[] = "";
	struct trust t = { .conf = &conf, .path = { one, two }, .n = 2, .writes = 2 };
	struct postern_host_key k = { .size = sizeof(k), .trust = POSTERN_TRUST_UNKNOWN,
		.host = host, .algorithm = "ssh-ed25519", .fingerprint = "SHA256:x", .line = "",
		.clash_line = clash_line, .clash_file = 1, .certificate_problem = "" };

	*answer = none;
	return client_trust_check(&t, NULL, 1, &k);
}

/* Its status: 0: it got this answer; 1: another; 2: none. */
static pid_t asks(question *of, const char *text, const char *wanted)
{
	pid_t pid;

	n = 0;
	pid = forkpty(&terminal, NULL, NULL, NULL);
	assert_true(pid >= 0);
	if (pid == 0) {
		char *answer = NULL;
		int r = of(text, &answer);

		_exit(r != POSTERN_ACCEPT ? 2 : strcmp(answer, wanted) != 0);
	}
	return pid;
}

static void reads(const char *text)
{
	const char *at;

	while ((at = memmem(out, n, text, strlen(text))) == NULL) {
		struct pollfd p = { .fd = terminal, .events = POLLIN };
		ssize_t r;

		assert_int_equal(poll(&p, 1, SOON), 1);
		r = read(terminal, out + n, sizeof(out) - n);
		assert_true(r > 0);
		n += (size_t)r;
	}
	at += strlen(text);
	n -= (size_t)(at - out);
	memmove(out, at, n);
}

static void types(const char *text)
{
	assert_int_equal(write(terminal, text, strlen(text)), strlen(text));
}

static void ends(pid_t pid, int wanted)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), wanted);
	close(terminal);
}

static void all_says_whose_it_is(void **s)
{
	pid_t pid = asks(change, "Password of root@bank.example expired.", "new");

	(void)s;
	reads("(joe@example.org) Password of root@bank.example expired.");
	reads("(joe@example.org) Enter new password: ");
	types("new\n");
	reads("(joe@example.org) Retype new password: ");
	types("other\n");
	reads("Mismatch");
	reads("(joe@example.org) Enter new password: ");
	types("new\n");
	reads("(joe@example.org) Retype new password: ");
	types("new\n");
	ends(pid, 0);
	pid = asks(change, "", "");
	reads("(joe@example.org) The server wants a new password.");
	reads("(joe@example.org) Enter new password: ");
	types("\n");
	ends(pid, 2);
}

static void control_characters_are_made_visible(void **s)
{
	pid_t pid = asks(change, "a\x1b[2Jb\rc\b", "");

	(void)s;
	reads("(joe@example.org) a^[[2Jb^Mc^H");
	reads("new password: ");
	types("\n");
	ends(pid, 2);
	pid = asks(prompt, "\r(root@bank.example) Password:\b\x1b[A ", "secret");
	reads("(joe@example.org) ^M(root@bank.example) Password:^H^[[A ");
	types("secret\n");
	ends(pid, 0);
}

/* A server's longest text leaves whose it is, and ours. */
static void a_long_text_is_cut(void **s)
{
	static char text[100000];
	pid_t pid;

	(void)s;
	memset(text, '\x01', sizeof(text) - 1);
	pid = asks(change, text, "");
	reads("(joe@example.org) ^A^A");
	reads("(joe@example.org) Enter new password: ");
	types("\n");
	ends(pid, 2);
}

static void keys_of_other_types_are_told(void **s)
{
	pid_t pid;

	(void)s;
	clash_line = 7;
	pid = asks(trust, "h.example", "");
	reads("fingerprint is SHA256:x.\r\nA key of another type is known for this host: two line 7.\r\nAre you sure");
	types("no\n");
	ends(pid, 2);
	clash_line = 0;
	pid = asks(trust, "h.example", "");
	reads("fingerprint is SHA256:x.\r\nAre you sure");
	types("yes\n");
	ends(pid, 0);
}

static void nobody_is_asked_in_a_batch(void **s)
{
	char *new = NULL;

	(void)s;
	conf.batch = 1;
	assert_int_equal(client_change_password(&conf, "x", &new), POSTERN_REFUSE);
	assert_null(new);
	conf.batch = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_says_whose_it_is),
		cmocka_unit_test(control_characters_are_made_visible),
		cmocka_unit_test(keys_of_other_types_are_told),
		cmocka_unit_test(a_long_text_is_cut), cmocka_unit_test(nobody_is_asked_in_a_batch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
