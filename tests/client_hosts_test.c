/* client_hosts_test.c - known_hosts files written anew: what goes, what stays byte by byte,
 * and when nothing is touched. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "apps/client_hosts.h"

static char folder[64], path[128];
static struct stat seen;
static struct postern_host_key added[2], gone[4];
static struct postern_known_hosts_change change;

static int
setup(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/client_hosts.XXXXXX");
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/known", folder);
	change = (struct postern_known_hosts_change){ .size = sizeof(change), .host = "h",
		.added = added, .gone = gone };
	return 0;
}

static int
teardown(void **state)
{
	char command[128];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static void
put(const char *text, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);

	assert_int_equal(write(fd, text, n), n);
	assert_int_equal(fchmod(fd, 0640), 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(stat(path, &seen), 0);
	change.n_added = change.n_gone = 0;
}

static void
goes(unsigned file, unsigned line, const char *key)
{
	gone[change.n_gone++] = (struct postern_host_key){ .clash_file = file, .clash_line = line,
		.key = key, .key_len = strlen(key) };
}

static void
comes(const char *line)
{
	added[change.n_added++] = (struct postern_host_key){ .line = line };
}

static void
expect_text(const char *text, size_t n)
{
	char got[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_int_equal(read(fd, got, sizeof(got)), n);
	close(fd);
	assert_memory_equal(got, text, n);
}

/* Nothing but the file itself, and what links to it. */
static void
expect_files(unsigned n)
{
	DIR *d = opendir(folder);
	unsigned have = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		have++;
	closedir(d);
	assert_int_equal(have, n + 2);
}

static void
rewritten(const char *text, size_t n)
{
	struct stat now;

	assert_int_equal(client_hosts_rewrite(path, &seen, &change, 0, true), 0);
	expect_text(text, n);
	assert_int_equal(stat(path, &now), 0);
	assert_int_equal(now.st_mode, seen.st_mode);
	assert_true(now.st_ino != seen.st_ino);
	expect_files(1);
}
#define REWRITTEN(text) rewritten(text, sizeof(text) - 1)
#define PUT(text) put(text, sizeof(text) - 1)

/* "key" in base64 is a2V5, "old" b2xk */
static void
test_lines_go_and_come(void **state)
{
	(void)state;
	PUT("h t b2xk\n# comment\r\nh t a2V5 x\n");
	goes(0, 1, "old");
	comes("h t bmV3");
	REWRITTEN("# comment\r\nh t a2V5 x\nh t bmV3\n");
	PUT("h t a2V5\nh t b2xk");
	goes(0, 2, "old");
	comes("one");
	comes("two");
	REWRITTEN("h t a2V5\none\ntwo\n");
	PUT("h t b2xk\nh t a2V5");
	goes(0, 1, "old");
	REWRITTEN("h t a2V5");
	PUT("h t a2V5");
	comes("one");
	REWRITTEN("h t a2V5\none\n");
	PUT("");
	comes("one");
	REWRITTEN("one\n");
	PUT("h t b2xk");
	goes(0, 1, "old");
	REWRITTEN("");
	PUT("\n\0\n\xff\nh t b2xk\n\n");
	goes(0, 4, "old");
	REWRITTEN("\n\0\n\xff\n\n");
}

/* What is said of other files is not of this one. */
static void
test_the_file_meant(void **state)
{
	(void)state;
	PUT("h t b2xk\nh t b2xk\n");
	goes(1, 1, "old");
	goes(0, 2, "old");
	comes("one");
	assert_int_equal(client_hosts_rewrite(path, &seen, &change, 0, false), 0);
	expect_text("h t b2xk\n", 9);
	assert_int_equal(stat(path, &seen), 0);
	assert_int_equal(client_hosts_rewrite(path, &seen, &change, 1, true), 0);
	expect_text("one\n", 4);
}

static void
refused(const char *text, size_t n)
{
	struct stat now;

	assert_int_equal(client_hosts_rewrite(path, &seen, &change, 0, true), -1);
	expect_text(text, n);
	assert_int_equal(stat(path, &now), 0);
	expect_files(1);
}
#define REFUSED(text) refused(text, sizeof(text) - 1)

/* All or nothing: a line that has another key, or is not there, keeps the others too. */
static void
test_a_line_that_is_another(void **state)
{
	(void)state;
	PUT("h t b2xk\nh t a2V5\n");
	goes(0, 1, "old");
	goes(0, 2, "old");
	comes("one");
	REFUSED("h t b2xk\nh t a2V5\n");
	PUT("h t b2xk\n");
	goes(0, 1, "old");
	goes(0, 2, "old");
	REFUSED("h t b2xk\n");
	PUT("h t b2xk\n");
	goes(0, 0, "old");
	REFUSED("h t b2xk\n");
	PUT("");
	goes(0, 1, "old");
	REFUSED("");
}

static void
append_to(const char *where, const char *text)
{
	int fd = open(where, O_WRONLY | O_APPEND | O_CLOEXEC);

	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void
test_a_file_that_has_changed(void **state)
{
	struct timespec times[2];
	char other[160];

	(void)state;
	PUT("h t b2xk\n");
	goes(0, 1, "old");
	append_to(path, "x\n");
	REFUSED("h t b2xk\nx\n");
	/* of the same length, at another time */
	PUT("h t b2xk\n");
	goes(0, 1, "old");
	times[0] = times[1] = (struct timespec){ seen.st_mtim.tv_sec + 1, seen.st_mtim.tv_nsec };
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	REFUSED("h t b2xk\n");
	/* another file in its place, as another client leaves it */
	PUT("h t b2xk\n");
	goes(0, 1, "old");
	(void)snprintf(other, sizeof(other), "%s/other", folder);
	assert_int_equal(rename(path, other), 0);
	seen.st_ino++;
	assert_int_equal(rename(other, path), 0);
	REFUSED("h t b2xk\n");
	PUT("h t b2xk\n");
	goes(0, 1, "old");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(client_hosts_rewrite(path, &seen, &change, 0, true), -1);
	expect_files(0);
}

static void
test_what_is_no_file(void **state)
{
	(void)state;
	change.n_added = change.n_gone = 0;
	comes("one");
	assert_int_equal(stat("/dev/null", &seen), 0);
	assert_int_equal(client_hosts_rewrite("/dev/null", &seen, &change, 0, true), -1);
	assert_int_equal(stat(folder, &seen), 0);
	assert_int_equal(client_hosts_rewrite(folder, &seen, &change, 0, true), -1);
	expect_files(0);
}

/* The link stays, and the file behind it is the one that is new. */
static void
test_a_link(void **state)
{
	char link[160];
	struct stat st;

	(void)state;
	PUT("h t b2xk\n");
	goes(0, 1, "old");
	comes("one");
	(void)snprintf(link, sizeof(link), "%s/link", folder);
	assert_int_equal(symlink("known", link), 0);
	assert_int_equal(client_hosts_rewrite(link, &seen, &change, 0, true), 0);
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	expect_text("one\n", 4);
	expect_files(2);
}

static void
test_appending(void **state)
{
	(void)state;
	assert_int_equal(client_hosts_append(path, "one"), 0);
	expect_text("one\n", 4);
	put("no newline", 10);
	assert_int_equal(client_hosts_append(path, "one"), 0);
	expect_text("no newline\none\n", 15);
	(void)snprintf(path, sizeof(path), "%s/new/known", folder);
	assert_int_equal(client_hosts_append(path, "one"), 0);
	expect_text("one\n", 4);
	assert_int_equal(stat(path, &seen), 0);
	assert_int_equal(seen.st_mode & 07777, 0600);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_lines_go_and_come), T(test_the_file_meant), T(test_a_line_that_is_another),
		T(test_a_file_that_has_changed), T(test_what_is_no_file), T(test_a_link),
		T(test_appending),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
