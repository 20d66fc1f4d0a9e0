/*
 * monitor_known_hosts_test.c - every form of line, damaged ones first.
 *
 * The hashed name was computed with another implementation of HMAC-SHA1.
 */
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

#include "privsep/monitor.h"

/* ssh-ed25519 keys of 32 times one byte, and one of another type */
static uint8_t key_a[64], key_b[64], key_rsa[64];
static size_t key_len, rsa_len;
static char a64[128], b64[128], rsa64[128];

static size_t
make(uint8_t *out, const char *type, uint8_t fill, char *text)
{
	uint8_t raw[32];
	struct wr w = wr_of(out, 64);

	memset(raw, fill, sizeof(raw));
	wr_str(&w, type);
	wr_blob(&w, span_of(raw, sizeof(raw)), 32);
	assert_false(w.bad);
	sodium_bin2base64(text, 128, out, w.n, sodium_base64_VARIANT_ORIGINAL);
	return w.n;
}

static int
setup(void **state)
{
	(void)state;
	key_len = make(key_a, "ssh-ed25519", 'a', a64);
	(void)make(key_b, "ssh-ed25519", 'b', b64);
	rsa_len = make(key_rsa, "ssh-rsa", 'r', rsa64);
	return 0;
}

/* 0 trusted, or enum ipc_trust */
static int
check_at(const char *text, const char *name, uint32_t *line)
{
	/* a copy of the exact size, so that a sanitizer sees one byte too many */
	size_t n = strlen(text);
	uint8_t *copy = malloc(n > 0 ? n : 1);
	struct known_hosts_verdict v;

	assert_non_null(copy);
	if (n > 0)
		memcpy(copy, text, n);
	v = monitor_known_hosts_check(span_of(copy, n), name, span_of(key_a, key_len));
	free(copy);
	if (line != NULL)
		*line = v.line;
	return (int)v.trust;
}

static int
check(const char *name, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int
check(const char *name, const char *fmt, ...)
{
	char text[4096];
	va_list ap;

	va_start(ap, fmt);
	assert_true(vsnprintf(text, sizeof(text), fmt, ap) < (int)sizeof(text));
	va_end(ap);
	return check_at(text, name, NULL);
}

static void
test_damaged(void **state)
{
	static const char *const lines[] = { "", "\n", " ", "#", "# host.example ssh-ed25519 x",
		"host.example", "host.example ", "host.example ssh-ed25519", "@revoked",
		"@cert-authority", "@", "host.example ssh-ed25519 !!!!", "|1|", "|1||", "|1|a|b x y",
		"|1|AAAA|AAAA ssh-ed25519 AAAA", "host.example ssh-ed25519 AAAAC3NzaC1lZDI1NTE5",
		"\r", "\r\n\r\n", "*", "host.example ssh-ed25519 =", ", ssh-ed25519 AAAA",
		"host.example ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA" };

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_int_equal(check_at(lines[i], "host.example", NULL), IPC_UNKNOWN);
}

/* Every truncation of a good line says nothing: neither trusted nor changed. */
static void
test_truncated(void **state)
{
	char line[256], cut[300];
	size_t n;

	(void)state;
	n = (size_t)snprintf(line, sizeof(line), "host.example ssh-ed25519 %s", a64);
	assert_int_equal(check_at(line, "host.example", NULL), 0);
	for (size_t i = 0; i < n; i++) {
		memcpy(cut, line, i);
		cut[i] = 0;
		assert_int_equal(check_at(cut, "host.example", NULL), IPC_UNKNOWN);
	}
	/* one byte too many in the key */
	(void)snprintf(cut, sizeof(cut), "%sA", line);
	assert_int_equal(check_at(cut, "host.example", NULL), IPC_UNKNOWN);
}

static void
test_plain(void **state)
{
	const char *h = "host.example";

	(void)state;
	assert_int_equal(check(h, "host.example ssh-ed25519 %s", a64), 0);
	assert_int_equal(check(h, "HOST.Example ssh-ed25519 %s a comment\n", a64), 0);
	assert_int_equal(check(h, "\t host.example \t ssh-ed25519\t%s\tcomment\r\n", a64), 0);
	assert_int_equal(check(h, "other,host.example,x ssh-ed25519 %s", a64), 0);
	assert_int_equal(check(h, "other ssh-ed25519 %s\n", a64), IPC_UNKNOWN);
	assert_int_equal(check(h, "host.example ssh-ed25519 %s\n", b64), IPC_CHANGED);
	assert_int_equal(check(h, "host.example ssh-rsa %s\n", rsa64), IPC_UNKNOWN);
	/* the type must be the key's own */
	assert_int_equal(check(h, "host.example ssh-rsa %s\n", a64), IPC_UNKNOWN);
	/* any line that fits is enough */
	assert_int_equal(check(h, "host.example ssh-ed25519 %s\nhost.example ssh-ed25519 %s\n",
	    b64, a64), 0);
	assert_int_equal(check(h, "host.example ssh-ed25519 %s\nhost.example ssh-ed25519 %s\n",
	    a64, b64), 0);
	assert_int_equal(check("host.example2", "host.example ssh-ed25519 %s", a64), IPC_UNKNOWN);
	assert_int_equal(check("host.exampl", "host.example ssh-ed25519 %s", a64), IPC_UNKNOWN);
	assert_int_equal(check(h, "#host.example ssh-ed25519 %s", a64), IPC_UNKNOWN);
}

/* Line by line, as its owner counts them. */
static void
test_next(void **state)
{
	static const struct { uint32_t line; bool is_host, is_revoked, is_simple; char key; } want[] = {
		{ 2, true, false, true, 'a' }, { 4, false, false, true, 'b' },
		{ 5, true, false, false, 'b' }, { 6, true, true, false, 'a' },
		{ 7, true, false, false, 'a' }, { 8, true, false, false, 'b' },
		{ 9, true, false, false, 'a' },
	};
	struct known_hosts_entry e = { .line = 0 };
	struct span text;
	char file[4096];

	(void)state;
	(void)snprintf(file, sizeof(file), "# ssh-ed25519 %s\nh ssh-ed25519 %s comment\r\nh ssh-ed25519\n"
	    "other ssh-ed25519 %s\nh,other ssh-ed25519 %s\n@revoked h ssh-ed25519 %s\n"
	    "@cert-authority h ssh-ed25519 %s\n* ssh-ed25519 %s\n!x,h ssh-ed25519 %s", a64, a64, b64, b64,
	    a64, a64, b64, a64);
	text = span_str(file);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		assert_true(monitor_known_hosts_next(&text, "h", &e));
		assert_int_equal(e.line, want[i].line);
		assert_int_equal(e.is_host, want[i].is_host);
		assert_int_equal(e.is_revoked, want[i].is_revoked);
		assert_int_equal(e.is_simple, want[i].is_simple);
		assert_int_equal(e.key_len, key_len);
		assert_memory_equal(e.key, want[i].key == 'a' ? key_a : key_b, key_len);
	}
	assert_false(monitor_known_hosts_next(&text, "h", &e));
	assert_false(monitor_known_hosts_next(&text, "h", &e));
}

static void
test_patterns(void **state)
{
	const char *h = "www.host.example";

	(void)state;
	assert_int_equal(check(h, "*.host.example ssh-ed25519 %s", a64), 0);
	assert_int_equal(check(h, "* ssh-ed25519 %s", a64), 0);
	assert_int_equal(check(h, "***?*** ssh-ed25519 %s", a64), 0);
	assert_int_equal(check(h, "w??.host.* ssh-ed25519 %s", a64), 0);
	assert_int_equal(check(h, "w?.host.* ssh-ed25519 %s", a64), IPC_UNKNOWN);
	assert_int_equal(check(h, "*.host.example? ssh-ed25519 %s", a64), IPC_UNKNOWN);
	assert_int_equal(check(h, "*.host.example,!www.* ssh-ed25519 %s", a64), IPC_UNKNOWN);
	assert_int_equal(check(h, "!www.*,*.host.example ssh-ed25519 %s", a64), IPC_UNKNOWN);
	assert_int_equal(check(h, "!ftp.*,*.host.example ssh-ed25519 %s", a64), 0);
	assert_int_equal(check(h, "!ftp.* ssh-ed25519 %s", a64), IPC_UNKNOWN);
	assert_int_equal(check(h, "! ssh-ed25519 %s", a64), IPC_UNKNOWN);
	assert_int_equal(check(h, ",,*.host.example ssh-ed25519 %s", a64), 0);
}

static void
test_ports(void **state)
{
	char name[KNOWN_HOSTS_NAME_MAX + 1];

	(void)state;
	assert_int_equal(monitor_known_hosts_name(span_str("Host.Example"), 22, name), 0);
	assert_string_equal(name, "host.example");
	assert_int_equal(monitor_known_hosts_name(span_str("Host.Example"), 0, name), 0);
	assert_string_equal(name, "host.example");
	assert_int_equal(monitor_known_hosts_name(span_str("2001:DB8::1"), 2222, name), 0);
	assert_string_equal(name, "[2001:db8::1]:2222");
	assert_int_equal(check("[host]:2222", "[host]:2222 ssh-ed25519 %s", a64), 0);
	assert_int_equal(check("[host]:2222", "host ssh-ed25519 %s", a64), IPC_UNKNOWN);
	assert_int_equal(check("host", "[host]:2222 ssh-ed25519 %s", a64), IPC_UNKNOWN);
	assert_int_equal(check("[host]:2222", "[*]:2222 ssh-ed25519 %s", a64), 0);
	/* names that the file would read as something else */
	for (const char *bad = ",*?!|#@[] \t\n\x7f"; *bad != 0; bad++) {
		char host[] = { 'a', *bad, 0 };

		assert_int_equal(monitor_known_hosts_name(span_str(host), 22, name), -1);
	}
	assert_int_equal(monitor_known_hosts_name(span_str(""), 22, name), -1);
}

static void
test_name_bounds(void **state)
{
	char host[258], name[KNOWN_HOSTS_NAME_MAX + 1];

	(void)state;
	memset(host, 'h', sizeof(host));
	assert_int_equal(monitor_known_hosts_name(span_of(host, 256), 65535, name), 0);
	assert_int_equal(strlen(name), 256 + 8);
	assert_int_equal(monitor_known_hosts_name(span_of(host, 257), 22, name), -1);
}

static void
test_hashed(void **state)
{
	/* HMAC-SHA1 of "host.example" under 20 bytes 0..19, by python's hmac module */
	static const char field[] = "|1|AAECAwQFBgcICQoLDA0ODxAREhM=|IZ1zV0swCfFUvwvqRtiJbYJ0/LA=";
	char name[KNOWN_HOSTS_LINE_MAX + 1], twice[KNOWN_HOSTS_LINE_MAX + 1];

	(void)state;
	assert_int_equal(check("host.example", "%s ssh-ed25519 %s", field, a64), 0);
	assert_int_equal(check("other.example", "%s ssh-ed25519 %s", field, a64), IPC_UNKNOWN);
	assert_int_equal(check("host.example", "%s ssh-ed25519 %s", field, b64), IPC_CHANGED);
	/* salt or hash of another length */
	assert_int_equal(check("host.example", "|1|AAEC|KxCvs0+kHB8RiBSGZ1xXQQHhBpU= "
	    "ssh-ed25519 %s", a64), IPC_UNKNOWN);
	/* what we write we read, and no two salts are the same */
	assert_int_equal(monitor_known_hosts_line("host.example", span_of(key_a, key_len), true,
	    name), 0);
	assert_int_equal(monitor_known_hosts_line("host.example", span_of(key_a, key_len), true,
	    twice), 0);
	assert_string_not_equal(name, twice);
	assert_null(strstr(name, "host.example"));
	assert_int_equal(check_at(name, "host.example", NULL), 0);
	assert_int_equal(check_at(name, "host.examples", NULL), IPC_UNKNOWN);
}

static void
test_markers(void **state)
{
	const char *h = "host.example";
	char text[2048];
	uint32_t line;

	(void)state;
	assert_int_equal(check(h, "@revoked * ssh-ed25519 %s", a64), IPC_REVOKED);
	assert_int_equal(check(h, "@revoked\thost.example ssh-ed25519 %s", a64), IPC_REVOKED);
	assert_int_equal(check(h, "@revoked other ssh-ed25519 %s", a64), IPC_UNKNOWN);
	assert_int_equal(check(h, "@revoked * ssh-ed25519 %s", b64), IPC_UNKNOWN);
	/* never a plain key */
	assert_int_equal(check(h, "@cert-authority * ssh-ed25519 %s", a64), IPC_UNKNOWN);
	assert_int_equal(check(h, "@cert-authority * ssh-ed25519 %s", b64), IPC_UNKNOWN);
	assert_int_equal(check(h, "@unheard-of * ssh-ed25519 %s", a64), IPC_UNKNOWN);
	assert_int_equal(check(h, "@Revoked * ssh-ed25519 %s", a64), IPC_UNKNOWN);
	/* revoked outranks, before and after */
	assert_int_equal(check(h, "@revoked * ssh-ed25519 %s\nhost.example ssh-ed25519 %s\n",
	    a64, a64), IPC_REVOKED);
	(void)snprintf(text, sizeof(text), "# c\nhost.example ssh-ed25519 %s\n\n"
	    "@revoked host.example ssh-ed25519 %s", a64, a64);
	assert_int_equal(check_at(text, h, &line), IPC_REVOKED);
	assert_int_equal(line, 4);
	(void)snprintf(text, sizeof(text), "# c\r\n\r\nhost.example ssh-ed25519 %s\r\n", b64);
	assert_int_equal(check_at(text, h, &line), IPC_CHANGED);
	assert_int_equal(line, 3);
}

/* A NUL hides nothing: the line that has one is passed over, the next counts. */
static void
test_nul(void **state)
{
	char text[512];
	size_t n;
	struct known_hosts_verdict v;

	(void)state;
	n = (size_t)snprintf(text, sizeof(text), "host.example%cx ssh-ed25519 %s\n", 0, b64);
	v = monitor_known_hosts_check(span_of(text, n), "host.example", span_of(key_a, key_len));
	assert_int_equal(v.trust, IPC_UNKNOWN);
	n += (size_t)snprintf(text + n, sizeof(text) - n, "host.example ssh-ed25519 %s", a64);
	v = monitor_known_hosts_check(span_of(text, n), "host.example", span_of(key_a, key_len));
	assert_int_equal(v.trust, 0);
}

static void
test_long_lines(void **state)
{
	size_t n = 2 << 20;
	char *text = malloc(n + 512);

	(void)state;
	assert_non_null(text);
	/* two megabytes of names, then ours */
	for (size_t i = 0; i < n; i++)
		text[i] = i % 2 ? ',' : 'x';
	(void)snprintf(text + n, 512, "host.example ssh-ed25519 %s\n", a64);
	assert_int_equal(check_at(text, "host.example", NULL), 0);
	/* a pattern meant to make a matcher run forever */
	for (size_t i = 0; i < n; i++)
		text[i] = i % 2 ? 'a' : '*';
	text[4096] = 0;
	(void)snprintf(text + 4096, 512, " ssh-ed25519 %s\n", a64);
	assert_int_equal(check_at(text, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", NULL),
	    IPC_UNKNOWN);
	/* a key longer than any key */
	memset(text, 'A', n);
	memcpy(text, "host.example ssh-ed25519 ", 25);
	text[n] = 0;
	assert_int_equal(check_at(text, "host.example", NULL), IPC_UNKNOWN);
	free(text);
}

static void
test_line(void **state)
{
	char line[KNOWN_HOSTS_LINE_MAX + 1], want[256];
	uint8_t big[KEY_BLOB_MAX + 1] = { 0, 0, 0, 1, 'x' };

	(void)state;
	(void)snprintf(want, sizeof(want), "[h]:23 ssh-ed25519 %s", a64);
	assert_int_equal(monitor_known_hosts_line("[h]:23", span_of(key_a, key_len), false, line), 0);
	assert_string_equal(line, want);
	assert_int_equal(check_at(line, "[h]:23", NULL), 0);
	assert_int_equal(monitor_known_hosts_line("h", span_of(big, KEY_BLOB_MAX), false, line), 0);
	assert_int_equal(monitor_known_hosts_line("h", span_of(big, sizeof(big)), false, line), -1);
	assert_int_equal(monitor_known_hosts_line("h", span_of(big, 0), false, line), -1);
	big[4] = '\n';		/* a type that would begin a line of its own */
	assert_int_equal(monitor_known_hosts_line("h", span_of(big, 5), false, line), -1);
}

static void
test_read(void **state)
{
	char path[] = "/tmp/known_hosts_XXXXXX";
	struct trust *t = NULL;
	int fd = mkstemp(path), null = open("/dev/null", O_RDONLY), p[2];

	(void)state;
	assert_true(fd >= 0 && null >= 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(write(fd, "some text", 9), 9);	/* the offset is at the end */
	assert_int_equal(monitor_known_hosts_read(fd, &t), 0);
	assert_int_equal(t->n, 9);
	assert_memory_equal(t->bytes, "some text", 9);
	free(t);
	assert_int_equal(ftruncate(fd, KNOWN_HOSTS_MAX), 0);
	assert_int_equal(monitor_known_hosts_read(fd, &t), 0);
	assert_int_equal(t->n, KNOWN_HOSTS_MAX);
	free(t);
	assert_int_equal(ftruncate(fd, KNOWN_HOSTS_MAX + 1), 0);
	assert_int_equal(monitor_known_hosts_read(fd, &t), -EFBIG);
	assert_int_equal(monitor_known_hosts_read(null, &t), 0);
	assert_int_equal(t->n, 0);
	free(t);
	assert_int_equal(pipe(p), 0);
	assert_int_equal(monitor_known_hosts_read(p[0], &t), -EINVAL);
	assert_int_equal(monitor_known_hosts_read(-1, &t), -EBADF);
	close(p[0]);
	close(p[1]);
	close(fd);
	close(null);
}

/* Which types a host is known by: revoked keys and authorities are no knowledge. */
static void
test_types(void **state)
{
	char text[2048], types[256] = "", small[12] = "";

	(void)state;
	(void)snprintf(text, sizeof(text), "# x\nother ssh-dss %s\nhost.example ssh-rsa %s\n"
	    "@revoked host.example ssh-ed25519 %s\n@cert-authority *.example ssh-ed25519 %s\n"
	    "*.example,!host.example ssh-ed25519 %s\nhost.example ssh-rsa", a64, rsa64, a64, a64, b64);
	monitor_known_hosts_types(span_str(text), "host.example", types, sizeof(types));
	assert_string_equal(types, "ssh-rsa");
	(void)snprintf(text, sizeof(text), "*.example ssh-rsa %s\nhost.example ssh-ed25519 %s\n"
	    "host.example ssh-ed25519 %s", rsa64, a64, b64);
	types[0] = 0;
	monitor_known_hosts_types(span_str(text), "host.example", types, sizeof(types));
	assert_string_equal(types, "ssh-rsa,ssh-ed25519");
	monitor_known_hosts_types(span_str(text), "host.example", small, sizeof(small));
	assert_string_equal(small, "ssh-rsa");
	types[0] = 0;
	monitor_known_hosts_types(span_str(""), "host.example", types, sizeof(types));
	assert_string_equal(types, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_damaged), cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_plain), cmocka_unit_test(test_next), cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_ports), cmocka_unit_test(test_name_bounds),
		cmocka_unit_test(test_hashed), cmocka_unit_test(test_markers),
		cmocka_unit_test(test_nul), cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_line), cmocka_unit_test(test_types), cmocka_unit_test(test_read),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
