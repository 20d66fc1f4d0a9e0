/*
 * account_test.c - may this key, may this password: files, folders and packets, bad
 * ones first; and the helper itself, asked over its link.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "apps/account.h"
#include "apps/conf.h"
#include "apps/session_link.h"

enum { NOW = 1700000000, BLOB = 51, STRANGER = 54321, BIG = 54399 };

static uint8_t blob[BLOB], other[BLOB];
static char key64[128], other64[128];
static char dir[] = "/tmp/account_test.XXXXXX";
static char why[ACCOUNT_NOTE_MAX];

static void make_blob(uint8_t out[BLOB], char b64[128], uint8_t fill)
{
	static const uint8_t head[] = { 0, 0, 0, 11, 's', 's', 'h', '-', 'e', 'd', '2', '5', '5', '1',
		'9', 0, 0, 0, 32 };

	memset(out, fill, BLOB);
	memcpy(out, head, sizeof(head));
	sodium_bin2base64(b64, 128, out, BLOB, sodium_base64_VARIANT_ORIGINAL);
}

/* ---- files -------------------------------------------------------------------------- */

static char *in(const char *name)
{
	static char path[4][300];
	static unsigned turn;
	char *p = path[turn++ % 4];

	snprintf(p, 300, "%s/%s", dir, name);
	return p;
}

static void put(const char *name, const char *text, mode_t mode)
{
	int fd = open(in(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static bool opens(const char *path, bool strict)
{
	int fd = account_file_open(path, in("home"), geteuid(), strict, why);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void files_are_opened_only_if_they_are_the_users(void **s)
{
	(void)s;
	assert_int_equal(mkdir(in("home"), 0755), 0);
	assert_int_equal(mkdir(in("home/.ssh"), 0700), 0);
	put("home/.ssh/keys", "x", 0600);
	assert_false(opens(in("home/.ssh/none"), true));
	assert_string_equal(why, "");
	assert_true(opens(in("home/.ssh/keys"), true));
	assert_int_equal(chmod(in("home/.ssh/keys"), 0620), 0);
	assert_false(opens(in("home/.ssh/keys"), true));
	assert_non_null(strstr(why, "bad ownership or modes"));
	assert_true(opens(in("home/.ssh/keys"), false));
	assert_int_equal(chmod(in("home/.ssh/keys"), 0602), 0);
	assert_false(opens(in("home/.ssh/keys"), true));
	assert_int_equal(chmod(in("home/.ssh/keys"), 0644), 0);
	assert_true(opens(in("home/.ssh/keys"), true));
	assert_int_equal(chmod(in("home/.ssh"), 0770), 0);
	assert_false(opens(in("home/.ssh/keys"), true));
	assert_non_null(strstr(why, "/.ssh"));
	assert_int_equal(chmod(in("home/.ssh"), 0700), 0);
	assert_int_equal(chmod(in("home"), 0777), 0);
	assert_false(opens(in("home/.ssh/keys"), true));
	assert_true(opens(in("home/.ssh/keys"), false));
	assert_int_equal(chmod(in("home"), 0755), 0);
	assert_true(opens(in("home/.ssh/keys"), true));
	/* outside of home every folder up to / counts, and /tmp is everybody's */
	put("outside", "x", 0600);
	assert_false(opens(in("outside"), true));
	assert_true(opens(in("outside"), false));
	/* a link is followed, and its target is what is judged */
	assert_int_equal(symlink(in("outside"), in("home/link")), 0);
	assert_false(opens(in("home/link"), true));
	assert_true(opens(in("home/link"), false));
	assert_int_equal(symlink("keys", in("home/.ssh/link")), 0);
	assert_true(opens(in("home/.ssh/link"), true));
	if (geteuid() == 0) {
		assert_int_equal(chown(in("home/.ssh/keys"), STRANGER, 0), 0);
		assert_false(opens(in("home/.ssh/keys"), true));
		assert_int_equal(chown(in("home/.ssh/keys"), 0, 0), 0);
		assert_int_equal(chown(in("home"), STRANGER, 0), 0);
		assert_false(opens(in("home/.ssh/keys"), true));
		assert_int_equal(chown(in("home"), 0, 0), 0);
	}
}

static void what_is_no_file_is_not_waited_for(void **s)
{
	(void)s;
	assert_int_equal(mkfifo(in("home/fifo"), 0600), 0);
	alarm(5);
	assert_false(opens(in("home/fifo"), true));
	assert_non_null(strstr(why, "regular"));
	assert_false(opens(in("home/fifo"), false));
	assert_false(opens(in("home"), false));
	assert_false(opens("/dev/zero", false));
	assert_int_equal(symlink("loop", in("home/loop")), 0);
	assert_false(opens(in("home/loop"), false));
	alarm(0);
}

static void files_are_read_whole_or_not(void **s)
{
	size_t len = 0;
	char *text;
	int fd;

	(void)s;
	put("home/empty", "", 0600);
	fd = open(in("home/empty"), O_RDONLY);
	text = account_file_read(fd, &len, why);
	assert_non_null(text);
	assert_int_equal(len, 0);
	free(text);
	close(fd);
	fd = open(in("home/big"), O_RDWR | O_CREAT, 0600);
	assert_int_equal(ftruncate(fd, ACCOUNT_FILE_MAX - 1), 0);
	text = account_file_read(fd, &len, why);
	assert_non_null(text);
	assert_int_equal(len, ACCOUNT_FILE_MAX - 1);
	free(text);
	assert_int_equal(ftruncate(fd, ACCOUNT_FILE_MAX + 1), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_null(account_file_read(fd, &len, why));
	assert_non_null(strstr(why, "longer"));
	close(fd);
	fd = open("/", O_RDONLY);
	assert_null(account_file_read(fd, &len, why));
	close(fd);
}

static void names_of_files_are_expanded(void **s)
{
	static struct account_user u = { .name = "bob", .home = "/home/bob", .uid = 1000 };
	char out[32];

	(void)s;
	assert_int_equal(account_file_name(".ssh/k", &u, out, sizeof(out)), 0);
	assert_string_equal(out, "/home/bob/.ssh/k");
	assert_int_equal(account_file_name("/etc/%u/%%%U", &u, out, sizeof(out)), 0);
	assert_string_equal(out, "/etc/bob/%1000");
	assert_int_equal(account_file_name("%h/k", &u, out, sizeof(out)), 0);
	assert_string_equal(out, "/home/bob/k");
	assert_int_equal(account_file_name("/a%x", &u, out, sizeof(out)), -1);
	assert_int_equal(account_file_name("/a%", &u, out, sizeof(out)), -1);
	assert_int_equal(account_file_name("/0123456789012345678901234567890", &u, out, 32), -1);
	assert_int_equal(account_file_name("/012345678901234567890123456789", &u, out, 32), 0);
}

/* ---- users and passwords --------------------------------------------------------------- */

static struct conf *configured(const char *lines)
{
	static struct conf c;
	FILE *f;

	conf_free(&c);
	conf_new(&c);
	put("conf", lines, 0600);
	f = fopen("/dev/null", "w");
	assert_int_equal(conf_read_file(&c, in("conf"), dir, f), 0);
	assert_int_equal(conf_finish_defaults(&c, f), 0);
	fclose(f);
	return &c;
}

static bool allowed(const char *lines, struct account_user *u)
{
	why[0] = '\0';
	return account_user_allowed(configured(lines), u, "10.1.2.3", why);
}

static void users_and_groups_are_judged_as_sshd_does(void **s)
{
	static struct account_user u = { .exists = true, .name = "root", .shell = "/bin/sh",
	    .gid = 0, .groups = { 0 }, .n_groups = 1 };

	(void)s;
	assert_true(allowed("", &u));
	assert_true(allowed("AllowUsers root\n", &u));
	assert_false(allowed("AllowUsers bob\n", &u));
	assert_false(allowed("DenyUsers r*\n", &u));
	assert_false(allowed("AllowUsers root\nDenyUsers root\n", &u));
	assert_true(allowed("AllowUsers root@10.0.0.0/8\n", &u));
	assert_false(allowed("AllowUsers root@11.0.0.0/8\n", &u));
	assert_false(allowed("AllowUsers * !root\n", &u));
	assert_true(allowed("AllowGroups root\n", &u));
	assert_false(allowed("AllowGroups bin\n", &u));
	assert_false(allowed("DenyGroups ro?t\n", &u));
	assert_true(allowed("DenyGroups bin daemon\n", &u));
	(void)snprintf(u.shell, sizeof(u.shell), "/nonexistent/shell");
	assert_false(allowed("", &u));
	assert_non_null(strstr(why, "exist"));
	(void)snprintf(u.shell, sizeof(u.shell), "/etc/passwd");
	assert_false(allowed("", &u));
	assert_non_null(strstr(why, "executable"));
	(void)snprintf(u.shell, sizeof(u.shell), "/");
	assert_false(allowed("", &u));
}

/* NSS as it is with a group of many members, or out of reach. */
static size_t group_needs;
static int group_error;

int getgrgid_r(gid_t gid, struct group *gr, char *buf, size_t size, struct group **found)
{
	*found = NULL;
	if (group_error != 0)
		return group_error;
	if (size < group_needs || size < 64)
		return ERANGE;
	if (gid != BIG && getgrgid(gid) == NULL)
		return 0;
	snprintf(buf, size, "%s", gid == BIG ? "big" : getgrgid(gid)->gr_name);
	*gr = (struct group){ .gr_gid = gid, .gr_name = buf };
	*found = gr;
	return 0;
}

static bool block_holds(const char *lines, const struct account_user *u, const char *said)
{
	const struct account_from from = { .user = said, .address = "10.1.2.3", .local = "10.0.0.1",
		.local_port = 22 };
	const struct conf *c = configured(lines), *got;
	struct conf_bits bits;
	struct conf view;

	got = account_match(c, u, &from, &bits, &view);
	assert_non_null(got);
	if (got != c)
		conf_free(&view);
	return !conf_match_none(&bits);
}

static void a_group_of_many_members_is_a_group(void **s)
{
	static struct account_user u = { .exists = true, .name = "root", .shell = "/bin/sh",
	    .groups = { BIG }, .n_groups = 1 };
	const struct account_from from = { .user = "root", .address = "10.1.2.3", .local = "10.0.0.1" };
	struct conf_bits bits;
	struct conf view;

	(void)s;
	group_needs = 300 * 1024;
	assert_false(allowed("DenyGroups big\n", &u));
	assert_true(allowed("AllowGroups big\n", &u));
	assert_true(block_holds("Match Group big\n ForceCommand x\n", &u, "root"));
	/* what cannot be told is no reason to pass a rule over */
	group_needs = (size_t)1 << 30;
	group_error = 0;
	for (int i = 0; i < 2; i++, group_error = EIO) {
		assert_false(allowed("DenyGroups big\n", &u));
		assert_false(allowed("AllowGroups big\n", &u));
		assert_true(allowed("", &u));
		assert_null(account_match(configured("Match Group big\n ForceCommand x\n"), &u, &from,
		    &bits, &view));
	}
	/* some services say so of a group that there is not */
	group_error = ENOENT;
	assert_true(allowed("DenyGroups big\n", &u));
	group_error = 0;
	group_needs = 0;
}

static void blocks_are_about_the_account_not_how_it_was_spelt(void **s)
{
	static struct account_user u = { .exists = true, .name = "alice", .groups = { 7 },
	    .n_groups = 1 };
	static const char block[] = "Match User alice\n ForceCommand x\n";

	(void)s;
	assert_true(block_holds(block, &u, "alice"));
	assert_true(block_holds(block, &u, "ALICE"));
	assert_false(block_holds("Match User ALICE\n ForceCommand x\n", &u, "ALICE"));
	/* names of PasswordFile share an account, and are each their own */
	u.is_virtual = true;
	assert_false(block_holds(block, &u, "bob"));
	assert_true(block_holds("Match User bob\n ForceCommand x\n", &u, "bob"));
	u.is_virtual = u.exists = false;
	assert_false(block_holds("Match User nobody\n ForceCommand x\n", &u, "bob"));
}

static void unknown_names_get_a_stand_in(void **s)
{
	static struct account_user u;
	const struct passwd *pw = getpwuid(geteuid());

	(void)s;
	account_user_find(configured(""), "no-such-user-here", &u);
	assert_false(u.exists);
	assert_int_not_equal(u.uid, 0);
	assert_string_equal(u.home, "/nonexistent");
	account_user_find(configured(""), "", &u);
	assert_false(u.exists);
	account_user_find(configured(""), pw->pw_name, &u);
	assert_true(u.exists);
	assert_int_equal(u.uid, geteuid());
	assert_true(u.n_groups >= 1);
}

static void becoming_somebody_is_for_good(void **s)
{
	static struct account_user u = { .exists = true, .uid = STRANGER, .gid = STRANGER,
	    .groups = { STRANGER, STRANGER + 1 }, .n_groups = 2 };
	int status;
	pid_t pid;

	(void)s;
	if (geteuid() != 0)
		skip();			/* only root can become somebody else */
	if ((pid = fork()) == 0) {
		gid_t groups[4];

		if (account_user_become(&u) != 0 || getuid() != STRANGER || getegid() != STRANGER ||
		    getgroups(4, groups) != 2 || setuid(0) == 0 || setgid(0) == 0)
			_exit(1);
		/* now a normal user: another account is out of reach, its own is not */
		u.uid = STRANGER + 1;
		if (account_user_become(&u) == 0)
			_exit(2);
		u.uid = STRANGER;
		_exit(account_user_become(&u) == 0 ? 0 : 3);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void passwords_are_checked_against_the_file(void **s)
{
	static struct account_user u = { .exists = true, .name = "bob" };
	char hash[crypto_pwhash_STRBYTES], line[1024];
	struct conf *c;

	(void)s;
	assert_int_equal(crypto_pwhash_str(hash, "secret", 6, crypto_pwhash_OPSLIMIT_MIN,
	    crypto_pwhash_MEMLIMIT_MIN), 0);
	snprintf(line, sizeof(line), "# users\n:x\neve:%s\nbob:%s\nold:$6$abc$def\n", hash, hash);
	put("passwords", line, 0600);
	snprintf(line, sizeof(line), "PasswordFile %s\n", in("passwords"));
	c = configured(line);
	assert_true(account_password_check(c, &u, "bob", "secret", why));
	assert_false(account_password_check(c, &u, "bob", "secre", why));
	assert_false(account_password_check(c, &u, "bob", "secret ", why));
	assert_false(account_password_check(c, &u, "bob", "", why));
	assert_false(account_password_check(c, &u, "bo", "secret", why));
	assert_false(account_password_check(c, &u, "", "secret", why));
	assert_false(account_password_check(c, &u, "nobody", "secret", why));
	assert_false(account_password_check(c, &u, "old", "secret", why));
	assert_false(account_password_check(c, &u, "bob:x", "secret", why));
	u.exists = false;		/* in the file, but no account */
	assert_false(account_password_check(c, &u, "bob", "secret", why));
	u.exists = true;
	assert_true(account_password_listed(c, "eve"));
	assert_false(account_password_listed(c, "old"));
	assert_false(account_password_listed(c, "mallory"));
	/* a file that others may read or write is not believed */
	assert_int_equal(chmod(in("passwords"), 0644), 0);
	assert_false(account_password_check(c, &u, "bob", "secret", why));
	assert_non_null(strstr(why, "0640"));
	assert_int_equal(chmod(in("passwords"), 0660), 0);
	assert_false(account_password_check(c, &u, "bob", "secret", why));
	assert_int_equal(unlink(in("passwords")), 0);
	assert_false(account_password_check(c, &u, "bob", "secret", why));
}

static void the_stand_in_hash_costs_like_a_real_one(void **s)
{
	static struct account_user u;
	char line[512];
	struct timespec a, b;

	(void)s;
	put("passwords", "", 0600);
	snprintf(line, sizeof(line), "PasswordFile %s\n", in("passwords"));
	clock_gettime(CLOCK_MONOTONIC, &a);
	assert_false(account_password_check(configured(line), &u, "x", "secret", why));
	clock_gettime(CLOCK_MONOTONIC, &b);
	/* 64 MiB twice over: a string that libsodium cannot read would cost nothing */
	assert_true((b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000 > 10);
}

/* ---- packets --------------------------------------------------------------------------- */

static void packets_are_whole_or_refused(void **s)
{
	static union account_packet p;
	size_t n;

	(void)s;
	memset(&p, 0, sizeof(p));
	p.head.kind = ACCOUNT_KEY;
	p.key.len = BLOB;
	n = account_key_size(&p.key);
	assert_true(account_packet_valid(&p, n, 0));
	for (size_t i = 0; i < n; i++)
		assert_false(account_packet_valid(&p, i, 0));
	assert_false(account_packet_valid(&p, n + 1, 0));
	assert_false(account_packet_valid(&p, n, 1));
	memset(p.key.algorithm, 'a', sizeof(p.key.algorithm));
	assert_false(account_packet_valid(&p, n, 0));
	p.key.algorithm[ACCOUNT_ALGORITHM_MAX] = '\0';
	assert_true(account_packet_valid(&p, n, 0));
	p.key.len = 0;
	assert_false(account_packet_valid(&p, account_key_size(&p.key), 0));
	p.key.len = ACCOUNT_KEY_MAX + 1;
	assert_false(account_packet_valid(&p, account_key_size(&p.key), 0));
	p.key.len = ACCOUNT_KEY_MAX;
	assert_true(account_packet_valid(&p, account_key_size(&p.key), 0));
	p.key.is_certificate = 2;
	assert_false(account_packet_valid(&p, account_key_size(&p.key), 0));
	p.key.is_certificate = 1;
	assert_int_equal(account_key_size(&p.key), sizeof(p.key));
	assert_false(account_packet_valid(&p, sizeof(p.key), 0));	/* no CA */
	p.key.certificate.ca_len = 1;
	assert_true(account_packet_valid(&p, sizeof(p.key), 0));
	assert_false(account_packet_valid(&p, sizeof(p.key) - 1, 0));
	p.key.is_certificate = 0;
	memset(p.key.local, 'a', sizeof(p.key.local));
	assert_false(account_packet_valid(&p, account_key_size(&p.key), 0));
	p.key.local[0] = '\0';
	memset(p.key.user, 'a', sizeof(p.key.user));
	assert_false(account_packet_valid(&p, account_key_size(&p.key), 0));
	memset(&p, 0, sizeof(p));
	p.head.kind = ACCOUNT_PASSWORD;
	assert_true(account_packet_valid(&p, sizeof(p.password), 0));
	assert_false(account_packet_valid(&p, sizeof(p.password) - 1, 0));
	memset(p.password.password, 'a', sizeof(p.password.password));
	assert_false(account_packet_valid(&p, sizeof(p.password), 0));
	memset(&p, 0, sizeof(p));
	p.head.kind = ACCOUNT_SESSION;
	assert_true(account_packet_valid(&p, sizeof(p.session), 1));
	assert_false(account_packet_valid(&p, sizeof(p.session), 0));
	(void)snprintf(p.session.environment, sizeof(p.session.environment), "A=1");
	assert_false(account_packet_valid(&p, sizeof(p.session), 1));
	memset(p.session.environment, 'a', sizeof(p.session.environment));
	assert_false(account_packet_valid(&p, sizeof(p.session), 1));
	p.session.environment[0] = '\0';
	p.head.kind = ACCOUNT_RECORD;
	assert_true(account_packet_valid(&p, sizeof(p.record), 0));
	p.record.is_login = 2;
	assert_false(account_packet_valid(&p, sizeof(p.record), 0));
	for (uint32_t kind = 5; kind < 300; kind++) {
		p.head.kind = kind;
		for (size_t len = 0; len < sizeof(p); len += 97)
			assert_false(account_packet_valid(&p, len, 0));
	}
}

static size_t packed(const struct account_answer *a, uint8_t *out)
{
	size_t n = account_answer_pack(a, out);

	assert_in_range(n, 1, ACCOUNT_ANSWER_MAX);
	return n;
}

static bool reads(const struct account_answer *a)
{
	static uint8_t packet[ACCOUNT_ANSWER_MAX];
	static struct account_answer out;

	return account_answer_read(packet, packed(a, packet), &out);
}

static void answers_are_whole_or_refused(void **s)
{
	static struct account_answer a, out;
	static uint8_t packet[2 * ACCOUNT_ANSWER_MAX];
	struct { char *text; size_t size; } fields[] = { { a.note, sizeof(a.note) },
		{ a.grant.permit_open, sizeof(a.grant.permit_open) },
		{ a.grant.permit_listen, sizeof(a.grant.permit_listen) },
		{ a.grant.command, sizeof(a.grant.command) } };
	size_t n, at;

	(void)s;
	memset(&a, 0, sizeof(a));
	a.head = (struct account_head){ ACCOUNT_ANSWER, 7, 41 };
	a.verdict = ACCOUNT_YES;
	(void)snprintf(a.note, sizeof(a.note), "a note");
	a.grant.no_user_rc = a.grant.has_command = 1;
	(void)snprintf(a.grant.permit_open, sizeof(a.grant.permit_open), "a:1 b:2");
	(void)snprintf(a.grant.environment, sizeof(a.grant.environment), "A=1\n");
	(void)snprintf(a.grant.command, sizeof(a.grant.command), "id");
	n = packed(&a, packet);
	assert_true(n < 200);		/* the usual ones are small */
	assert_true(account_answer_read(packet, n, &out));
	assert_memory_equal(&out, &a, sizeof(a));
	for (size_t i = 0; i < n; i++)
		assert_false(account_answer_read(packet, i, &out));
	assert_false(account_answer_read(packet, n + 1, &out));
	for (uint32_t v = 0; v < 6; v++) {
		a.verdict = v;
		assert_int_equal(reads(&a), v >= ACCOUNT_NO && v <= ACCOUNT_NO_SUCH_USER);
	}
	a.verdict = ACCOUNT_YES;
	a.head.kind = ACCOUNT_KEY;
	assert_false(reads(&a));
	a.head.kind = ACCOUNT_ANSWER;
	a.grant.no_x11_forwarding = 2;
	assert_false(reads(&a));
	a.grant.no_x11_forwarding = 0;
	a.has_blocks = 2;
	assert_false(reads(&a));
	a.has_blocks = 0;
	(void)snprintf(a.grant.environment, sizeof(a.grant.environment), "A");
	assert_false(reads(&a));
	memset(a.grant.environment, 0, sizeof(a.grant.environment));
	/* every text at its longest, and one byte more */
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		memset(fields[i].text, 'a', fields[i].size - 1);
		fields[i].text[fields[i].size - 1] = '\0';
	}
	n = packed(&a, packet);
	assert_true(account_answer_read(packet, n, &out));
	assert_memory_equal(&out, &a, sizeof(a));
	for (at = n - 1; at > 0 && packet[at - 1] != '\0'; at--)
		continue;
	memmove(packet + at + 1, packet + at, n - at);
	packet[at] = 'a';
	assert_false(account_answer_read(packet, n + 1, &out));
	assert_false(account_answer_read(packet, ACCOUNT_ANSWER_MAX + 1, &out));
}

/* ---- the helper ------------------------------------------------------------------------- */

static struct account_answer answer_of(int link)
{
	struct pollfd p = { .fd = link, .events = POLLIN };
	uint8_t packet[ACCOUNT_ANSWER_MAX];
	struct account_answer a;
	ssize_t n;

	assert_int_equal(poll(&p, 1, 10000), 1);
	n = session_link_recv(link, packet, sizeof(packet), NULL, NULL);
	assert_true(n > 0);
	assert_true(account_answer_read(packet, (size_t)n, &a));
	return a;
}

static const char *algorithm = "ssh-ed25519";
static void ask_key_at(int link, const char *user, unsigned port, uint64_t id)
{
	static struct account_key_ask ask;

	memset(&ask, 0, sizeof(ask));
	ask.head = (struct account_head){ ACCOUNT_KEY, 7, id };
	snprintf(ask.user, sizeof(ask.user), "%s", user);
	(void)snprintf(ask.address, sizeof(ask.address), "10.1.2.3");
	ask.local_port = port;
	ask.len = BLOB;
	memcpy(ask.blob, blob, BLOB);
	(void)snprintf(ask.algorithm, sizeof(ask.algorithm), "%s", algorithm);
	assert_int_equal(session_link_send(link, &ask, account_key_size(&ask), NULL, 0), 0);
}

static void ask_key_from(int link, const char *address, const char *user, uint64_t id)
{
	static struct account_key_ask ask;

	memset(&ask, 0, sizeof(ask));
	ask.head = (struct account_head){ ACCOUNT_KEY, 7, id };
	snprintf(ask.user, sizeof(ask.user), "%s", user);
	snprintf(ask.address, sizeof(ask.address), "%s", address);
	snprintf(ask.algorithm, sizeof(ask.algorithm), "ssh-ed25519");
	ask.len = BLOB;
	memcpy(ask.blob, blob, BLOB);
	assert_int_equal(session_link_send(link, &ask, account_key_size(&ask), NULL, 0), 0);
}

static void ask_key(int link, const char *user, uint64_t id)
{
	ask_key_at(link, user, 0, id);
}

static void the_helper_answers_by_number(void **s)
{
	const char *me = getpwuid(geteuid())->pw_name;
	struct account_answer a;
	char lines[600];
	int link, status;
	pid_t pid;

	(void)s;
	snprintf(lines, sizeof(lines), "restrict ssh-ed25519 %s\n", key64);
	put("home/keys", lines, 0600);
	snprintf(lines, sizeof(lines), "AuthorizedKeysFile %s\nStrictModes no\nPermitRootLogin yes\n",
	    in("home/keys"));
	assert_int_equal(account_start(configured(lines), &pid, &link), 0);
	ask_key(link, me, 41);
	a = answer_of(link);
	assert_int_equal(a.head.id, 41);
	assert_int_equal(a.head.slot, 7);
	assert_int_equal(a.verdict, ACCOUNT_YES);
	assert_int_equal(a.grant.no_pty, 1);
	ask_key(link, "no-such-user-here", 42);
	a = answer_of(link);
	assert_int_equal(a.head.id, 42);
	assert_int_equal(a.verdict, ACCOUNT_NO_SUCH_USER);
	assert_int_equal(a.grant.no_pty, 0);
	for (uint64_t id = 100; id < 120; id++)
		ask_key(link, me, id);
	for (int i = 0; i < 20; i++) {
		a = answer_of(link);
		assert_in_range(a.head.id, 100, 119);
		assert_int_equal(a.verdict, ACCOUNT_YES);
	}
	/* and none is lost of a hundred that are not read for a while */
	for (uint64_t id = 200; id < 300; id++)
		ask_key(link, me, id);
	usleep(1000 * 1000);
	for (int i = 0; i < 100; i++)
		assert_in_range(answer_of(link).head.id, 200, 299);
	close(link);			/* and it ends with its link */
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void ask_who(int link, const char *user, unsigned port, uint64_t id)
{
	static struct account_who_ask ask;

	memset(&ask, 0, sizeof(ask));
	ask.head = (struct account_head){ ACCOUNT_WHO, 7, id };
	snprintf(ask.user, sizeof(ask.user), "%s", user);
	(void)snprintf(ask.address, sizeof(ask.address), "10.1.2.3");
	(void)snprintf(ask.local, sizeof(ask.local), "10.9.9.9");
	ask.local_port = port;
	assert_int_equal(session_link_send(link, &ask, sizeof(ask), NULL, 0), 0);
}

/* Bits of the blocks that hold, the first lowest. */
static unsigned blocks_of(const struct account_answer *a)
{
	assert_int_equal(a->has_blocks, 1);
	return a->blocks.v[0];
}

static void the_helper_tells_which_blocks_hold_and_judges_by_them(void **s)
{
	const struct passwd *pw = getpwuid(geteuid());
	const char *group = getgrgid(pw->pw_gid)->gr_name;
	struct account_answer a;
	char lines[1024];
	int link, status;
	pid_t pid;

	(void)s;
	snprintf(lines, sizeof(lines), "ssh-ed25519 %s\n", key64);
	put("home/keys", lines, 0600);
	snprintf(lines, sizeof(lines), "AuthorizedKeysFile %s\nStrictModes no\nPermitRootLogin yes\n"
	    "Match User %s\nMatch Group %s\nMatch Address 10.1.0.0/16 LocalAddress 10.9.9.9\n"
	    "Match LocalPort 2200\nPubkeyAuthentication no\nMatch Invalid-User\n", in("home/keys"),
	    pw->pw_name, group);
	assert_int_equal(account_start(configured(lines), &pid, &link), 0);
	ask_who(link, pw->pw_name, 22, 1);
	a = answer_of(link);
	assert_int_equal(a.verdict, ACCOUNT_NO);
	assert_int_equal(blocks_of(&a), 1 | 2 | 4);
	ask_who(link, "no-such-user-here", 2200, 2);
	a = answer_of(link);
	assert_int_equal(a.verdict, ACCOUNT_NO_SUCH_USER);
	assert_int_equal(blocks_of(&a), 4 | 8 | 16);
	/* the same of a key that fits, and PubkeyAuthentication as the block has it */
	ask_key(link, pw->pw_name, 3);
	a = answer_of(link);
	assert_int_equal(a.verdict, ACCOUNT_YES);
	assert_int_equal(blocks_of(&a), 1 | 2);
	ask_key_at(link, pw->pw_name, 2200, 4);
	a = answer_of(link);
	assert_int_equal(a.verdict, ACCOUNT_NO);
	assert_int_equal(blocks_of(&a), 1 | 2 | 8);
	close(link);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

/* Certificates are the longest questions; a busy helper reads late. */
static void a_burst_of_long_questions_fits_the_link(void **s)
{
	static struct account_key_ask ask;
	int link;
	pid_t pid;

	(void)s;
	if (geteuid() != 0)
		skip();			/* others have what the system's limit leaves them */
	assert_int_equal(account_start(configured("AuthorizedKeysFile none\n"), &pid, &link), 0);
	ask.is_certificate = 1;
	ask.certificate.ca_len = BLOB;
	ask.len = BLOB;
	memcpy(ask.blob, blob, BLOB);
	(void)snprintf(ask.user, sizeof(ask.user), "no-such-user-here");
	assert_int_equal(kill(pid, SIGSTOP), 0);
	for (uint64_t id = 1; id <= 50; id++) {
		ask.head = (struct account_head){ ACCOUNT_KEY, 7, id };
		assert_int_equal(session_link_send(link, &ask, account_key_size(&ask), NULL, 0), 0);
	}
	assert_int_equal(kill(pid, SIGCONT), 0);
	for (int i = 0; i < 50; i++)
		assert_int_equal(answer_of(link).verdict, ACCOUNT_NO_SUCH_USER);
	close(link);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* What the helper says of the key, for me, by these lines of configuration. */
static struct account_answer answer_by(const char *lines, const char *user)
{
	struct account_answer a;
	int link, status;
	pid_t pid;

	assert_int_equal(account_start(configured(lines), &pid, &link), 0);
	ask_key(link, user, 41);
	a = answer_of(link);
	close(link);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return a;
}

static void a_program_is_asked_after_the_files(void **s)
{
	const char *me = getpwuid(geteuid())->pw_name;
	struct account_answer a;
	char lines[900], program[400];

	(void)s;
	snprintf(program, sizeof(program), "StrictModes no\nPermitRootLogin yes\n"
	    "AuthorizedKeysCommand /bin/sh -c 'echo \"no-pty ssh-ed25519 %s\"'\n"
	    "AuthorizedKeysCommandUser %s\n", key64, me);
	snprintf(lines, sizeof(lines), "AuthorizedKeysFile none\n%s", program);
	a = answer_by(lines, me);
	assert_int_equal(a.verdict, ACCOUNT_YES);
	assert_int_equal(a.grant.no_pty, 1);
	/* it is asked for a name that does not exist too, and its word is worth nothing */
	a = answer_by(lines, "no-such-user-here");
	assert_int_equal(a.verdict, ACCOUNT_NO_SUCH_USER);
	assert_int_equal(a.grant.no_pty, 0);
	snprintf(lines, sizeof(lines), "no-user-rc ssh-ed25519 %s\n", key64);
	put("home/keys", lines, 0600);
	snprintf(lines, sizeof(lines), "AuthorizedKeysFile %s\n%s", in("home/keys"), program);
	a = answer_by(lines, me);
	assert_int_equal(a.verdict, ACCOUNT_YES);
	assert_int_equal(a.grant.no_pty, 0);
	assert_int_equal(a.grant.no_user_rc, 1);
	/* the files are there, but do not grant it: the note is the program's or theirs */
	snprintf(lines, sizeof(lines), "from=\"192.0.2.1\" ssh-ed25519 %s\n", key64);
	put("home/keys", lines, 0600);
	snprintf(lines, sizeof(lines), "AuthorizedKeysFile %s\nStrictModes no\nPermitRootLogin yes\n"
	    "AuthorizedKeysCommand /bin/sh -c 'exit 3'\nAuthorizedKeysCommandUser %s\n",
	    in("home/keys"), me);
	a = answer_by(lines, me);
	assert_int_equal(a.verdict, ACCOUNT_NO);
	assert_non_null(strstr(a.note, "AuthorizedKeysCommand: exit status 3"));
	snprintf(lines, sizeof(lines), "AuthorizedKeysFile %s\nStrictModes no\nPermitRootLogin yes\n",
	    in("home/keys"));
	a = answer_by(lines, me);
	assert_non_null(strstr(a.note, "home/keys, line 1: the key may not be used"));
}

/* Checks that hang, whether or not somebody still waits for them, leave room for others. */
static void one_source_has_its_share_of_checks(void **s)
{
	static const char *const from[] = { "10.1.2.3", "10.1.2.99", "10.1.2.7", "10.1.3.3", "::1",
		"::1:2", "::2", "UNKNOWN", "UNKNOWN", "UNKNOWN" };
	const char *me = getpwuid(geteuid())->pw_name;
	struct account_answer a;
	char lines[400];
	int link, status;
	pid_t pid;

	(void)s;
	snprintf(lines, sizeof(lines), "AuthorizedKeysFile none\nPermitRootLogin yes\n"
	    "PerSourceMaxStartups 2\nPerSourceNetBlockSize 24:64\n"
	    "AuthorizedKeysCommand /bin/sleep 4\nAuthorizedKeysCommandUser %s\n", me);
	assert_int_equal(account_start(configured(lines), &pid, &link), 0);
	for (uint64_t id = 0; id < sizeof(from) / sizeof(from[0]); id++)
		ask_key_from(link, from[id], me, 1 + id);
	for (int i = 0; i < 10; i++) {
		a = answer_of(link);
		assert_int_equal(strstr(a.note, "PerSourceMaxStartups") != NULL,
		    a.head.id == 3 || a.head.id == 7);
	}
	ask_key_from(link, from[2], me, 50);		/* they are over */
	a = answer_of(link);
	assert_null(strstr(a.note, "PerSourceMaxStartups"));
	close(link);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

static void the_administrator_may_ask_more_of_authenticators(void **s)
{
	static const struct { const char *options; int no_touch, verify; } t[] = {
		{ "none", 1, 0 }, { "touch-required", 0, 0 }, { "verify-required", 1, 1 },
		{ "verify-required touch-required", 0, 1 } };
	const char *me = getpwuid(geteuid())->pw_name;
	char lines[600];

	(void)s;
	snprintf(lines, sizeof(lines), "no-touch-required ssh-ed25519 %s\n", key64);
	put("home/keys", lines, 0600);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct account_answer a;

		snprintf(lines, sizeof(lines), "AuthorizedKeysFile %s\nStrictModes no\n"
		    "PermitRootLogin yes\nPubkeyAuthOptions %s\n", in("home/keys"), t[i].options);
		a = answer_by(lines, me);
		assert_int_equal(a.verdict, ACCOUNT_YES);
		assert_int_equal(a.grant.no_touch_required, t[i].no_touch);
		assert_int_equal(a.grant.verify_required, t[i].verify);
	}
}

/* Without UsePAM nothing is talked about; replies and ends for nobody are passed over. */
static void a_conversation_needs_pam_and_a_check(void **s)
{
	static struct account_reply reply = { .head = { ACCOUNT_REPLY, 7, 99 }, .n = 1 };
	struct account_head drop = { ACCOUNT_DROP, 7, 99 };
	static struct account_who_ask ask = { .head = { ACCOUNT_TALK, 7, 5 }, .user = "root" };
	struct account_answer a;
	int link, status;
	pid_t pid;

	(void)s;
	assert_int_equal(account_start(configured(""), &pid, &link), 0);
	assert_int_equal(session_link_send(link, &reply, sizeof(reply), NULL, 0), 0);
	assert_int_equal(session_link_send(link, &drop, sizeof(drop), NULL, 0), 0);
	assert_int_equal(session_link_send(link, &ask, sizeof(ask), NULL, 0), 0);
	a = answer_of(link);
	assert_int_equal(a.head.id, 5);
	assert_int_not_equal(a.verdict, ACCOUNT_YES);
	close(link);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void the_helper_ends_on_a_broken_packet(void **s)
{
	int link, status;
	pid_t pid;

	(void)s;
	assert_int_equal(account_start(configured(""), &pid, &link), 0);
	assert_int_equal(session_link_send(link, "hello", 5, NULL, 0), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(link);
}

static void a_users_list_of_algorithms_comes_before_his_keys(void **s)
{
	const char *me = getpwuid(geteuid())->pw_name;
	struct account_answer a;
	char lines[1024];

	(void)s;
	snprintf(lines, sizeof(lines), "AuthorizedKeysFile %s\nPermitRootLogin yes\n"
	    "Match User %s\nPubkeyAcceptedAlgorithms ssh-ed25519-cert-v01@openssh.com,rsa-sha2-512\n",
	    in("home"), me);
	a = answer_by(lines, me);
	assert_int_equal(a.verdict, ACCOUNT_NO);
	/* a folder for a file would have been told */
	assert_string_equal(a.note, "ssh-ed25519 is not in this user's PubkeyAcceptedAlgorithms");
	algorithm = "rsa-sha2-51";
	a = answer_by(lines, me);
	assert_non_null(strstr(a.note, "rsa-sha2-51 is not in"));
	algorithm = "";
	assert_int_equal(answer_by(lines, me).verdict, ACCOUNT_NO);
	algorithm = "rsa-sha2-512";
	a = answer_by(lines, me);
	assert_null(strstr(a.note, "PubkeyAcceptedAlgorithms"));
	algorithm = "ssh-ed25519";
}

static void root_is_let_in_as_configured(void **s)
{
	static const struct { const char *line; bool with_command, verdict; } t[] = {
		{ "PermitRootLogin no", false, false }, { "PermitRootLogin yes", false, true },
		{ "PermitRootLogin prohibit-password", false, true },
		{ "PermitRootLogin forced-commands-only", false, false },
		{ "PermitRootLogin forced-commands-only", true, true },
	};
	char lines[700];

	(void)s;
	if (geteuid() != 0)
		skip();			/* the account is not root's */
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct account_answer a;
		pid_t pid;
		int link;

		snprintf(lines, sizeof(lines), "%sssh-ed25519 %s\n",
		    t[i].with_command ? "command=\"id\" " : "", key64);
		put("home/keys", lines, 0600);
		snprintf(lines, sizeof(lines), "AuthorizedKeysFile %s\nStrictModes no\n%s\n",
		    in("home/keys"), t[i].line);
		assert_int_equal(account_start(configured(lines), &pid, &link), 0);
		ask_key(link, "root", i + 1);
		a = answer_of(link);
		assert_int_equal(a.verdict, t[i].verdict ? ACCOUNT_YES : ACCOUNT_NO);
		close(link);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
	}
}

static int setup(void **s)
{
	(void)s;
	if (sodium_init() < 0 || mkdtemp(dir) == NULL)
		return -1;
	make_blob(blob, key64, 0x11);
	make_blob(other, other64, 0x22);
	return 0;
}

static int teardown(void **s)
{
	char command[400];

	(void)s;
	(void)configured("");
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_opened_only_if_they_are_the_users),
		cmocka_unit_test(what_is_no_file_is_not_waited_for),
		cmocka_unit_test(files_are_read_whole_or_not),
		cmocka_unit_test(names_of_files_are_expanded),
		cmocka_unit_test(users_and_groups_are_judged_as_sshd_does),
		cmocka_unit_test(a_group_of_many_members_is_a_group),
		cmocka_unit_test(blocks_are_about_the_account_not_how_it_was_spelt),
		cmocka_unit_test(unknown_names_get_a_stand_in),
		cmocka_unit_test(becoming_somebody_is_for_good),
		cmocka_unit_test(passwords_are_checked_against_the_file),
		cmocka_unit_test(the_stand_in_hash_costs_like_a_real_one),
		cmocka_unit_test(packets_are_whole_or_refused),
		cmocka_unit_test(answers_are_whole_or_refused),
		cmocka_unit_test(the_helper_answers_by_number),
		cmocka_unit_test(the_helper_tells_which_blocks_hold_and_judges_by_them),
		cmocka_unit_test(a_burst_of_long_questions_fits_the_link),
		cmocka_unit_test(a_program_is_asked_after_the_files),
		cmocka_unit_test(one_source_has_its_share_of_checks),
		cmocka_unit_test(the_administrator_may_ask_more_of_authenticators),
		cmocka_unit_test(a_conversation_needs_pam_and_a_check),
		cmocka_unit_test(the_helper_ends_on_a_broken_packet),
		cmocka_unit_test(a_users_list_of_algorithms_comes_before_his_keys),
		cmocka_unit_test(root_is_let_in_as_configured),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
