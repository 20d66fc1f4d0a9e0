/*
 * api_preset_test.c - presets: names that are none, what may be in which, and which of them
 * would have agreed with a peer.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "privsep/api.h"

static const int all_lists[] = { POSTERN_KEX, POSTERN_HOST_KEYS, POSTERN_SIGNATURES,
	POSTERN_CIPHERS, POSTERN_MACS, POSTERN_COMPRESSION };
enum { LISTS = sizeof(all_lists) / sizeof(all_lists[0]) };

static const char *
names_of(int list, const char *preset)
{
	static char out[8][API_LIST_MAX + 1];
	static unsigned turn;
	char *p = out[turn++ % 8];

	assert_int_equal(api_preset_list(list, preset, p, sizeof(out[0])), 0);
	return p;
}

static bool
has(const char *list, const char *name)
{
	struct rd r = rd_of(span_str(list));
	struct span s;

	while (api_list_next(&r, &s)) {
		if (span_is(s, name))
			return true;
	}
	return false;
}

static void
refuses_presets_that_there_are_not(void **state)
{
	static const char *const none[] = { "", "Modern", "modern ", "pq", "pq-only,compat", "fips" };
	char out[512];

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		assert_int_equal(api_preset_list(POSTERN_KEX, none[i], out, sizeof(out)), -ENOENT);
		assert_int_equal(postern_edit_preset(POSTERN_KEX, none[i], NULL, out, sizeof(out)),
		    -ENOENT);
		assert_string_equal(out, "");
	}
	assert_int_equal(api_preset_list(0, "modern", out, sizeof(out)), -EINVAL);
	assert_int_equal(postern_edit_preset(POSTERN_CA_SIGNATURES + 1, "modern", NULL, out, sizeof(out)), -EINVAL);
	assert_int_equal(api_preset_list(POSTERN_KEX, "modern", out, 0), -EINVAL);
	assert_int_equal(api_preset_list(POSTERN_KEX, "modern", out, 4), -ERANGE);
	assert_string_equal(out, "");
}

static void
only_what_the_build_has_and_each_once(void **state)
{
	static const char *const presets[] = { "modern", "compat", "pq-only" };

	(void)state;
	for (size_t l = 0; l < LISTS; l++) {
		for (size_t p = 0; p < 3; p++) {
			const char *names = names_of(all_lists[l], presets[p]);
			char out[API_LIST_MAX + 1];

			if (names[0] == '\0')	/* no PQ key exchange in this build */
				continue;
			/* every one is a supported name, or this would refuse it */
			assert_int_equal(api_list_edit(all_lists[l], names, NULL, out,
			    sizeof(out)), 0);
			assert_string_equal(out, names);
		}
		assert_string_equal(names_of(all_lists[l], NULL), names_of(all_lists[l], "modern"));
	}
}

/* pq-only is part of modern, and modern of compat: in the same order. */
static void
each_is_part_of_the_next(void **state)
{
	static const char *const pairs[][2] = { { "pq-only", "modern" }, { "modern", "compat" } };

	(void)state;
	for (size_t l = 0; l < LISTS; l++) {
		for (size_t p = 0; p < 2; p++) {
			struct rd r = rd_of(span_str(names_of(all_lists[l], pairs[p][0])));
			const char *at = names_of(all_lists[l], pairs[p][1]);
			struct span s;

			while (api_list_next(&r, &s)) {
				at = memmem(at, strlen(at), s.p, s.n);
				assert_non_null(at);
				at += s.n;
			}
		}
		if (all_lists[l] != POSTERN_KEX)
			assert_string_equal(names_of(all_lists[l], "pq-only"),
			    names_of(all_lists[l], "modern"));
	}
}

static void
what_is_in_none(void **state)
{
	static const struct { int list; const char *name; } rows[] = {
		{ POSTERN_KEX, "diffie-hellman-group14-sha1" }, { POSTERN_HOST_KEYS, "ssh-rsa" },
		{ POSTERN_SIGNATURES, "ssh-rsa" }, { POSTERN_HOST_KEYS, "ssh-dss" },
		{ POSTERN_SIGNATURES, "ssh-dss" }, { POSTERN_CIPHERS, "aes128-cbc" },
		{ POSTERN_CIPHERS, "aes256-cbc" }, { POSTERN_MACS, "hmac-sha1" },
		{ POSTERN_MACS, "hmac-sha1-etm@openssh.com" },
		{ POSTERN_KEX, "mlkem768nistp256-sha256" }, { POSTERN_KEX, "mlkem1024nistp384-sha384" },
		{ POSTERN_COMPRESSION, "zlib@openssh.com" },
	};
	char out[API_LIST_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_false(has(names_of(rows[i].list, "modern"), rows[i].name));
		assert_false(has(names_of(rows[i].list, "compat"), rows[i].name));
		assert_false(has(names_of(rows[i].list, "pq-only"), rows[i].name));
		if (!has(postern_supported(rows[i].list), rows[i].name))
			continue;
		assert_int_equal(postern_edit_preset(rows[i].list, "compat", rows[i].name, out,
		    sizeof(out)), 0);
		assert_string_equal(out, rows[i].name);
	}
}

static void
what_only_compat_has(void **state)
{
	static const struct { int list; const char *part; } rows[] = {
		{ POSTERN_KEX, "nistp" }, { POSTERN_KEX, "diffie-hellman" },
		{ POSTERN_HOST_KEYS, "ecdsa-sha2" }, { POSTERN_MACS, "hmac-sha2-256," },
		{ POSTERN_MACS, "umac-64" },
	};
	static const char *const must[] = { "diffie-hellman-group-exchange-sha256",
		"diffie-hellman-group16-sha512", "diffie-hellman-group18-sha512",
		"diffie-hellman-group14-sha256" };
	struct rd r = rd_of(span_str(names_of(POSTERN_MACS, "modern")));
	struct span s;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		/* sk-ecdsa keys are in hardware, and a server has none */
		const char *list = names_of(rows[i].list, "modern");
		const char *at = strstr(list, rows[i].part);

		assert_true(at == NULL || (at - list > 3 && strncmp(at - 3, "sk-", 3) == 0));
	}
	while (api_list_next(&r, &s))
		assert_non_null(memmem(s.p, s.n, "-etm@", 5));
	for (size_t i = 0; i < sizeof(must) / sizeof(must[0]); i++)
		assert_true(has(names_of(POSTERN_KEX, "compat"), must[i]));
	assert_true(has(names_of(POSTERN_MACS, "compat"), "hmac-sha2-256"));
	assert_true(has(names_of(POSTERN_MACS, "compat"), "hmac-sha2-512"));
	assert_true(has(names_of(POSTERN_KEX, "modern"), "curve25519-sha256"));
	assert_true(has(names_of(POSTERN_HOST_KEYS, "modern"), "ssh-ed25519"));
}

/* Never weakened silently: without a PQ row it is empty, and an edit of it fails. */
static void
pq_only_is_post_quantum_or_nothing(void **state)
{
	struct rd r = rd_of(span_str(names_of(POSTERN_KEX, "pq-only")));
	struct span s;
	size_t n = 0;
	char out[API_LIST_MAX + 1];

	(void)state;
	for (; api_list_next(&r, &s); n++)
		assert_true(memmem(s.p, s.n, "mlkem", 5) != NULL ||
		    memmem(s.p, s.n, "sntrup", 6) != NULL);
	assert_int_equal(postern_edit_preset(POSTERN_KEX, "pq-only", NULL, out, sizeof(out)),
	    n > 0 ? 0 : -EINVAL);
	assert_int_equal(n > 0, strstr(postern_supported(POSTERN_KEX), "mlkem768x25519") != NULL ||
	    strstr(postern_supported(POSTERN_KEX), "sntrup761") != NULL);
}

/* ---- who would have agreed ---- */

static postern_context ctx;
static postern_transport transport;

static const char *
agrees(const char *ours, const char *theirs)
{
	const char *preset = api_preset_that_agrees(&transport, span_str(ours), span_str(theirs));

	return preset != NULL ? preset : "none";
}

static int
setup(void **state)
{
	(void)state;
	ctx = (postern_context){ 0 };
	TAILQ_INIT(&ctx.host_keys);
	transport = (postern_transport){ .ctx = &ctx };
	return 0;
}

static void
nothing_to_name(void **state)
{
	static char commas[30000], names[30000];

	(void)state;
	memset(commas, ',', sizeof(commas) - 1);
	memset(names, 'x', sizeof(names) - 1);
	assert_string_equal(agrees("", ""), "none");
	assert_string_equal(agrees("", "curve25519-sha256"), "none");
	assert_string_equal(agrees("rot13", "curve25519-sha256"), "none");
	assert_string_equal(agrees(",", ","), "none");
	assert_string_equal(agrees("curve25519-sha256", ""), "none");
	assert_string_equal(agrees("curve25519-sha256", "rot13"), "none");
	assert_string_equal(agrees("curve25519-sha256", commas), "none");
	assert_string_equal(agrees("curve25519-sha256", names), "none");
	/* in no preset */
	assert_string_equal(agrees("curve25519-sha256", "diffie-hellman-group14-sha1"), "none");
	/* of another list */
	assert_string_equal(agrees("curve25519-sha256", "aes256-ctr,ssh-ed25519"), "none");
	assert_string_equal(agrees("aes256-ctr", "curve25519-sha256"), "none");
	/* nearly */
	assert_string_equal(agrees("curve25519-sha256", "diffie-hellman-group14-sha25"), "none");
}

static void
for_each_list(void **state)
{
	static const struct { const char *ours, *theirs, *preset; } rows[] = {
		{ "curve25519-sha256,ext-info-c", "rot13,diffie-hellman-group14-sha256", "compat" },
		{ "curve25519-sha256", "diffie-hellman-group18-sha512", "compat" },
		{ "diffie-hellman-group14-sha256", "curve25519-sha256", "modern" },
		{ "diffie-hellman-group14-sha1", "diffie-hellman-group16-sha512,curve25519-sha256",
		    "modern" },
		{ "curve25519-sha256", "diffie-hellman-group-exchange-sha256", "compat" },
		{ "aes256-ctr", "aes128-gcm@openssh.com", "modern" },
		{ "hmac-sha2-512-etm@openssh.com", "hmac-sha1,hmac-sha2-256", "compat" },
		{ "hmac-sha2-256", "hmac-sha2-256-etm@openssh.com", "modern" },
		{ "zlib@openssh.com", "none", "modern" },
		{ "none", "zlib@openssh.com", "none" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(agrees(rows[i].ours, rows[i].theirs), rows[i].preset);
}

/* A server has what its preset says and its files give. */
static void
a_server_without_the_means(void **state)
{
	static char ed25519[] = "ssh-ed25519", rsa[] = "ssh-rsa";
	postern_key key = { .alg = ed25519 };

	(void)state;
	/* a client would take any */
	assert_string_equal(agrees("rot13,x", "ssh-ed25519"), "none");
	transport.is_server = true;
	assert_string_equal(agrees("curve25519-sha256", "diffie-hellman-group-exchange-sha256"),
	    "none");
	ctx.has_moduli = true;
	assert_string_equal(agrees("curve25519-sha256", "diffie-hellman-group-exchange-sha256"),
	    "compat");
	key.alg = rsa;
	TAILQ_INSERT_TAIL(&ctx.host_keys, &key, next);
	assert_string_equal(agrees("ssh-ed25519", "ssh-ed25519"), "none");
	key.alg = ed25519;
	assert_string_equal(agrees("ssh-ed25519", "ssh-ed25519"), "modern");
}

/* string "ssh-rsa", e = 65537, n of so many bits */
static void
rsa_blob(uint8_t *p, size_t *n, size_t bits)
{
	static uint8_t modulus[1024];
	struct wr w = wr_of(p, 2048);

	memset(modulus, 0xff, sizeof(modulus));
	modulus[0] = (uint8_t)(0xff >> (7 - (bits - 1) % 8));
	wr_str(&w, "ssh-rsa");
	wr_mpint(&w, span_of("\1\0\1", 3));
	wr_mpint(&w, span_of(modulus, (bits + 7) / 8));
	assert_false(w.bad);
	*n = w.n;
}

/* A server's RSA key helps where the preset takes its size. */
static void
host_keys_of_rsa(void **state)
{
	static char rsa[] = "ssh-rsa";
	static uint8_t blob[2048];
	postern_key key = { .alg = rsa, .blob = blob };

	(void)state;
	assert_int_equal(api_preset_rsa_min(NULL), 3072);
	assert_int_equal(api_preset_rsa_min("modern"), 3072);
	assert_int_equal(api_preset_rsa_min("pq-only"), 3072);
	assert_int_equal(api_preset_rsa_min("compat"), 2048);
	assert_true(api_preset_rsa_min("fips") > 16384);
	transport.is_server = true;
	TAILQ_INSERT_TAIL(&ctx.host_keys, &key, next);
	rsa_blob(blob, &key.blob_len, 3072);
	assert_string_equal(agrees("ssh-ed25519", "rsa-sha2-512"), "modern");
	rsa_blob(blob, &key.blob_len, 3071);
	assert_string_equal(agrees("ssh-ed25519", "rsa-sha2-512"), "compat");
	rsa_blob(blob, &key.blob_len, 2048);
	assert_string_equal(agrees("ssh-ed25519", "rsa-sha2-512"), "compat");
	rsa_blob(blob, &key.blob_len, 2047);
	assert_string_equal(agrees("ssh-ed25519", "rsa-sha2-512"), "none");
	key.blob_len--;
	assert_string_equal(agrees("ssh-ed25519", "rsa-sha2-512"), "none");
}

static void
which_host_keys_a_server_shows(void **state)
{
	static char rsa[] = "ssh-rsa", ecdsa[] = "ecdsa-sha2-nistp256";
	static uint8_t blob[2048];
	postern_key key = { .alg = rsa, .blob = blob };

	(void)state;
	rsa_blob(blob, &key.blob_len, 3072);
	assert_true(api_preset_offers(&key, span_str("ssh-ed25519,rsa-sha2-512"), 3072));
	assert_true(api_preset_offers(&key, span_str("ssh-rsa"), 3072));
	assert_false(api_preset_offers(&key, span_str("rsa-sha2-512"), 3073));
	assert_false(api_preset_offers(&key, span_str("ssh-ed25519,rsa-sha2-"), 2048));
	assert_false(api_preset_offers(&key, span_str(""), 2048));
	key.alg = ecdsa;
	assert_true(api_preset_offers(&key, span_str(names_of(POSTERN_HOST_KEYS, "compat")), 2048));
	assert_false(api_preset_offers(&key, span_str(names_of(POSTERN_HOST_KEYS, "modern")), 2048));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_presets_that_there_are_not),
		cmocka_unit_test(only_what_the_build_has_and_each_once),
		cmocka_unit_test(each_is_part_of_the_next),
		cmocka_unit_test(what_is_in_none),
		cmocka_unit_test(what_only_compat_has),
		cmocka_unit_test(pq_only_is_post_quantum_or_nothing),
		cmocka_unit_test_setup(nothing_to_name, setup),
		cmocka_unit_test_setup(for_each_list, setup),
		cmocka_unit_test_setup(a_server_without_the_means, setup),
		cmocka_unit_test_setup(host_keys_of_rsa, setup),
		cmocka_unit_test(which_host_keys_a_server_shows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
