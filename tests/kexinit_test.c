/* kexinit_test.c - KEXINIT parsed and two of them negotiated, hostile ones first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "proto/kexinit.h"

#define CURVE "curve25519-sha256"
#define CHACHA "chacha20-poly1305@openssh.com"
static const char *const usual[KL_COUNT] = {
	CURVE, "ssh-ed25519", CHACHA ",aes128-ctr", CHACHA ",aes128-ctr",
	"hmac-sha2-256", "hmac-sha2-256", "none", "none", "", "",
};

static size_t
write_kexinit(uint8_t *p, size_t cap, const char *const lists[KL_COUNT], uint8_t follows)
{
	struct wr w = wr_of(p, cap);

	wr_u8(&w, 20);
	wr_raw(&w, span_str("0123456789abcdef"));
	for (int i = 0; i < KL_COUNT; i++)
		wr_str(&w, lists[i]);
	wr_u8(&w, follows);
	wr_u32(&w, 0);
	assert_false(w.bad);
	return w.n;
}

/* From a heap copy of exact size. */
static bool
parses(const uint8_t *p, size_t n)
{
	uint8_t *copy = malloc(n > 0 ? n : 1);
	struct kexinit k;
	bool ok;

	assert_non_null(copy);
	memcpy(copy, p, n);
	ok = kexinit_parse(span_of(copy, n), &k);
	free(copy);
	return ok;
}

static void
truncated_and_overlong(void **state)
{
	static uint8_t p[4096];
	size_t n = write_kexinit(p, sizeof(p), usual, 0);

	(void)state;
	for (size_t k = 0; k < n; k++)
		assert_false(parses(p, k));
	assert_true(parses(p, n));
	p[n] = 0;
	assert_false(parses(p, n + 1));
	p[0] = 21;
	assert_false(parses(p, n));
}

static void
each_length_field_huge(void **state)
{
	static uint8_t p[4096];
	size_t n = write_kexinit(p, sizeof(p), usual, 0), at = 17;

	(void)state;
	for (int i = 0; i < KL_COUNT; i++) {
		size_t len = strlen(usual[i]);
		uint8_t saved[4];

		memcpy(saved, p + at, 4);
		memset(p + at, 0xff, 4);
		assert_false(parses(p, n));
		memcpy(p + at, saved, 4);
		p[at + 3]++;
		assert_false(parses(p, n));
		p[at + 3]--;
		at += 4 + len;
	}
	assert_true(parses(p, n));
}

static void
characters_no_name_may_have(void **state)
{
	static uint8_t p[4096];
	const char *lists[KL_COUNT];

	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		size_t n;

		memcpy(lists, usual, sizeof(lists));
		lists[KL_HOSTKEY] = "ssh-ed25519,X";
		n = write_kexinit(p, sizeof(p), lists, 0);
		p[17 + 4 + strlen(CURVE) + 4 + strlen("ssh-ed25519,")] = (uint8_t)c;
		assert_int_equal(parses(p, n), c > 0x20 && c < 0x7f);
	}
}

static enum proto_error
negotiate(const char *const cl[KL_COUNT], const char *const sl[KL_COUNT],
    struct kexinit_choice *c, enum kexinit_list *failed)
{
	static uint8_t pc[40000], ps[40000];
	struct kexinit client, server;

	assert_true(kexinit_parse(span_of(pc, write_kexinit(pc, sizeof(pc), cl, 0)), &client));
	assert_true(kexinit_parse(span_of(ps, write_kexinit(ps, sizeof(ps), sl, 0)), &server));
	return kexinit_negotiate(&client, &server, c, failed);
}

static void
each_list_without_a_match(void **state)
{
	static const struct { enum kexinit_list list; enum proto_error error; } rows[] = {
		{ KL_KEX, PROTO_E_NO_KEX }, { KL_HOSTKEY, PROTO_E_NO_HOSTKEY },
		{ KL_CIPHER_C2S, PROTO_E_NO_CIPHER_C2S }, { KL_CIPHER_S2C, PROTO_E_NO_CIPHER_S2C },
		{ KL_MAC_C2S, PROTO_E_NO_MAC_C2S }, { KL_MAC_S2C, PROTO_E_NO_MAC_S2C },
		{ KL_COMPRESSION_C2S, PROTO_E_NO_COMPRESSION },
		{ KL_COMPRESSION_S2C, PROTO_E_NO_COMPRESSION },
	};
	static const char *const bad[] = { "", "nothing", ",", ",,,", "ext-info-c,kex-strict-c-v00@openssh.com" };

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++) {
			const char *a[KL_COUNT], *b[KL_COUNT];
			struct kexinit_choice c;
			enum kexinit_list failed;

			memcpy(a, usual, sizeof(a));
			memcpy(b, usual, sizeof(b));
			a[KL_CIPHER_C2S] = b[KL_CIPHER_C2S] = "aes128-ctr";
			a[KL_CIPHER_S2C] = b[KL_CIPHER_S2C] = "aes256-ctr";
			a[rows[i].list] = bad[k];
			assert_int_equal(negotiate(a, b, &c, &failed), rows[i].error);
			assert_int_equal(failed, rows[i].list);
			assert_int_equal(negotiate(b, a, &c, &failed), rows[i].error);
			assert_int_equal(failed, rows[i].list);
		}
	}
}

/* A name on both lists that is no algorithm must never be chosen. */
static void
pseudo_names_are_no_algorithms(void **state)
{
	const char *a[KL_COUNT], *b[KL_COUNT];
	struct kexinit_choice c;
	enum kexinit_list failed;

	(void)state;
	memcpy(a, usual, sizeof(a));
	memcpy(b, usual, sizeof(b));
	a[KL_KEX] = "ext-info-s,kex-strict-s-v00@openssh.com," CURVE;
	b[KL_KEX] = CURVE "@libssh.org,ext-info-s,kex-strict-s-v00@openssh.com," CURVE;
	assert_int_equal(negotiate(a, b, &c, &failed), PROTO_OK);
	assert_string_equal(c.kex->name, CURVE);
	assert_false(c.strict);
	assert_false(c.client_ext_info);
	a[KL_KEX] = b[KL_KEX] = "ext-info-s,kex-strict-s-v00@openssh.com";
	assert_int_equal(negotiate(a, b, &c, &failed), PROTO_E_NO_KEX);
	a[KL_COMPRESSION_C2S] = b[KL_COMPRESSION_C2S] = "zlib";
	a[KL_KEX] = b[KL_KEX] = CURVE;
	assert_int_equal(negotiate(a, b, &c, &failed), PROTO_E_NO_COMPRESSION);
}

/* Each direction by itself; "zlib", which begins before login, is passed over. */
static void
compression(void **state)
{
	static const struct { const char *client, *server, *agreed; } rows[] = {
		{ "none", "none", "none" },
		{ "none,zlib@openssh.com", "zlib@openssh.com,none", "none" },
		{ "zlib@openssh.com,none", "none,zlib@openssh.com", "zlib@openssh.com" },
		{ "zlib,zlib@openssh.com,none", "none,zlib,zlib@openssh.com", "zlib@openssh.com" },
		{ "zlib,none", "zlib,none", "none" },
		{ "zlib@openssh.comx,zlib@openssh.co,none", "zlib@openssh.comx,none", "none" },
		{ "zlib@openssh.com", "none", NULL },
		{ "zlib", "zlib", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (int list = KL_COMPRESSION_C2S; list <= KL_COMPRESSION_S2C; list++) {
			const char *a[KL_COUNT], *b[KL_COUNT];
			struct kexinit_choice c;
			enum kexinit_list failed;
			bool c2s = list == KL_COMPRESSION_C2S;

			memcpy(a, usual, sizeof(a));
			memcpy(b, usual, sizeof(b));
			a[list] = rows[i].client;
			b[list] = rows[i].server;
			if (rows[i].agreed == NULL) {
				assert_int_equal(negotiate(a, b, &c, &failed), PROTO_E_NO_COMPRESSION);
				assert_int_equal(failed, list);
				continue;
			}
			assert_int_equal(negotiate(a, b, &c, &failed), PROTO_OK);
			assert_string_equal(c2s ? c.c2s.compression : c.s2c.compression,
			    rows[i].agreed);
			assert_string_equal(c2s ? c.s2c.compression : c.c2s.compression, "none");
		}
	}
}

static void
strict_needs_both_in_their_roles(void **state)
{
	static const struct { const char *client, *server; bool strict, ext; } rows[] = {
		{ CURVE, CURVE, false, false },
		{ CURVE ",kex-strict-c-v00@openssh.com", CURVE, false, false },
		{ CURVE, CURVE ",kex-strict-s-v00@openssh.com", false, false },
		{ CURVE ",kex-strict-s-v00@openssh.com", CURVE ",kex-strict-c-v00@openssh.com",
		    false, false },
		{ CURVE ",kex-strict-c-v00@openssh.comx", CURVE ",kex-strict-s-v00@openssh.com",
		    false, false },
		{ CURVE ",ext-info-c,kex-strict-c-v00@openssh.com",
		    CURVE ",ext-info-s,kex-strict-s-v00@openssh.com", true, true },
		{ "ext-info-c," CURVE, CURVE ",ext-info-c", false, true },
		{ CURVE ",ext-info-s", CURVE ",ext-info-c", false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *a[KL_COUNT], *b[KL_COUNT];
		struct kexinit_choice c;
		enum kexinit_list failed;

		memcpy(a, usual, sizeof(a));
		memcpy(b, usual, sizeof(b));
		a[KL_KEX] = rows[i].client;
		b[KL_KEX] = rows[i].server;
		assert_int_equal(negotiate(a, b, &c, &failed), PROTO_OK);
		assert_int_equal(c.strict, rows[i].strict);
		assert_int_equal(c.client_ext_info, rows[i].ext);
	}
}

static void
the_clients_order_decides(void **state)
{
	const char *a[KL_COUNT], *b[KL_COUNT];
	struct kexinit_choice c;
	enum kexinit_list failed;

	(void)state;
	memcpy(a, usual, sizeof(a));
	memcpy(b, usual, sizeof(b));
	a[KL_CIPHER_C2S] = "unknown@x,aes128-ctr,aes256-ctr";
	b[KL_CIPHER_C2S] = "aes256-ctr,unknown@x2,aes128-ctr";
	a[KL_MAC_C2S] = "hmac-sha2-512,hmac-sha2-256";
	b[KL_MAC_C2S] = "hmac-sha2-256,hmac-sha2-512";
	a[KL_HOSTKEY] = "rsa-sha2-512,ssh-ed25519";
	b[KL_HOSTKEY] = "ssh-ed25519,rsa-sha2-512";
	assert_int_equal(negotiate(a, b, &c, &failed), PROTO_OK);
	assert_string_equal(c.c2s.cipher->name, "aes128-ctr");
	assert_string_equal(c.c2s.mac->name, "hmac-sha2-512");
	assert_string_equal(c.hostkey, "rsa-sha2-512");
	assert_string_equal(c.s2c.cipher->name, CHACHA);
	assert_null(c.s2c.mac);
	assert_false(c.guess_right);
}

/* An AEAD cipher takes no MAC, so that no MAC in common is no obstacle. */
static void
aead_needs_no_mac(void **state)
{
	const char *a[KL_COUNT], *b[KL_COUNT];
	struct kexinit_choice c;
	enum kexinit_list failed;

	(void)state;
	memcpy(a, usual, sizeof(a));
	memcpy(b, usual, sizeof(b));
	a[KL_MAC_C2S] = a[KL_MAC_S2C] = "";
	a[KL_CIPHER_C2S] = b[KL_CIPHER_C2S] = "aes128-gcm@openssh.com";
	assert_int_equal(negotiate(a, b, &c, &failed), PROTO_OK);
	assert_null(c.c2s.mac);
	assert_null(c.s2c.mac);
}

static void
guesses(void **state)
{
	static const struct { const char *kc, *ks, *hc, *hs; bool right; } rows[] = {
		{ CURVE, CURVE, "a", "a", true },
		{ CURVE ",x", CURVE, "a,b", "a", true },
		{ "x," CURVE, CURVE, "a", "a", false },
		{ CURVE, "x," CURVE, "a", "a", false },
		{ CURVE, CURVE, "b,a", "a", false },
		{ CURVE, CURVE, "a", "b,a", false },
		{ "ext-info-c," CURVE, CURVE, "a", "a", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *a[KL_COUNT], *b[KL_COUNT];
		struct kexinit_choice c;
		enum kexinit_list failed;

		memcpy(a, usual, sizeof(a));
		memcpy(b, usual, sizeof(b));
		a[KL_KEX] = rows[i].kc;
		b[KL_KEX] = rows[i].ks;
		a[KL_HOSTKEY] = rows[i].hc;
		b[KL_HOSTKEY] = rows[i].hs;
		assert_int_equal(negotiate(a, b, &c, &failed), PROTO_OK);
		assert_int_equal(c.guess_right, rows[i].right);
	}
}

static void
names_too_long_are_unknown(void **state)
{
	char name[NAME_MAX_LEN + 2];
	const char *a[KL_COUNT];
	struct kexinit_choice c;
	enum kexinit_list failed;

	(void)state;
	memset(name, 'k', sizeof(name));
	name[NAME_MAX_LEN + 1] = '\0';
	memcpy(a, usual, sizeof(a));
	a[KL_HOSTKEY] = name;
	assert_int_equal(negotiate(a, a, &c, &failed), PROTO_E_NO_HOSTKEY);
	name[NAME_MAX_LEN] = '\0';
	assert_int_equal(negotiate(a, a, &c, &failed), PROTO_OK);
	assert_string_equal(c.hostkey, name);
}

/* 10,000 names, the right one last: found, in next to no time, in both roles. */
static void
ten_thousand_names(void **state)
{
	static char many[SSH_NAMES_MAX + 1];
	const char *a[KL_COUNT];
	struct kexinit_choice c;
	enum kexinit_list failed;
	struct timespec t0, t1;
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		many[n++] = (char)('a' + i % 26);
		many[n++] = (char)('A' + i / 26 % 26);
		many[n++] = ',';
	}
	(void)snprintf(many + n, sizeof(many) - n, "%s", CURVE);
	memcpy(a, usual, sizeof(a));
	a[KL_KEX] = many;
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
	assert_int_equal(negotiate(a, usual, &c, &failed), PROTO_OK);
	assert_int_equal(negotiate(usual, a, &c, &failed), PROTO_OK);
	a[KL_KEX] = usual[KL_KEX];
	a[KL_HOSTKEY] = many;		/* every name is one, none is ours */
	assert_int_equal(negotiate(a, usual, &c, &failed), PROTO_E_NO_HOSTKEY);
	assert_int_equal(negotiate(usual, a, &c, &failed), PROTO_E_NO_HOSTKEY);
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t1);
	assert_true((t1.tv_sec - t0.tv_sec) * 1000 + (t1.tv_nsec - t0.tv_nsec) / 1000000 < 200);
}

static void
a_list_over_the_bound(void **state)
{
	static char many[SSH_NAMES_MAX + 2];
	static uint8_t p[40000];
	const char *a[KL_COUNT];

	(void)state;
	memset(many, 'x', SSH_NAMES_MAX + 1);
	memcpy(a, usual, sizeof(a));
	a[KL_LANGUAGE_C2S] = many;
	assert_false(parses(p, write_kexinit(p, sizeof(p), a, 0)));
	many[SSH_NAMES_MAX] = '\0';
	assert_true(parses(p, write_kexinit(p, sizeof(p), a, 0)));
	/* all lists together over the bound of the message */
	a[KL_LANGUAGE_S2C] = many + SSH_NAMES_MAX - 4000;
	assert_false(parses(p, write_kexinit(p, sizeof(p), a, 0)));
}

static void
follows_is_read(void **state)
{
	static uint8_t p[4096];
	struct kexinit k;

	(void)state;
	assert_true(kexinit_parse(span_of(p, write_kexinit(p, sizeof(p), usual, 0)), &k));
	assert_false(k.follows);
	assert_true(kexinit_parse(span_of(p, write_kexinit(p, sizeof(p), usual, 7)), &k));
	assert_true(k.follows);
	assert_true(span_is(k.list[KL_MAC_S2C], "hmac-sha2-256"));
}

static int
setup(void **state)
{
	(void)state;
	return crypto_init();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(truncated_and_overlong),
		cmocka_unit_test(each_length_field_huge),
		cmocka_unit_test(characters_no_name_may_have),
		cmocka_unit_test(each_list_without_a_match),
		cmocka_unit_test(pseudo_names_are_no_algorithms),
		cmocka_unit_test(compression),
		cmocka_unit_test(strict_needs_both_in_their_roles),
		cmocka_unit_test(the_clients_order_decides),
		cmocka_unit_test(aead_needs_no_mac),
		cmocka_unit_test(guesses),
		cmocka_unit_test(names_too_long_are_unknown),
		cmocka_unit_test(ten_thousand_names),
		cmocka_unit_test(a_list_over_the_bound),
		cmocka_unit_test(follows_is_read),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
