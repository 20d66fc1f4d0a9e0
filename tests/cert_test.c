/*
 * cert_test.c - certificates: ssh-keygen's of every type, and every way in which one
 * can be malformed, unfit or forged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "crypto/cert.h"
#include "tests/cert_make.h"
#include "tests/cert_samples.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { IN_2025 = 1735689600, IN_2020 = 1577836800, IN_2030 = 1893456000 };

/* Over a block of exactly that size, which stays: a read beyond its end is seen. */
static uint8_t *held;

static const char *
parse(const uint8_t *blob, size_t n, struct cert *c)
{
	const char *why;
	int r;

	free(held);
	held = malloc(n == 0 ? 1 : n);
	assert_non_null(held);
	memcpy(held, blob, n);
	r = cert_parse(held, n, c, &why);
	assert_int_equal(r, why == NULL ? 0 : -1);
	return why;
}

static const char *
verify(const struct cert *c)
{
	return cert_verify(c, CERT_CA_ALGORITHMS, strlen(CERT_CA_ALGORITHMS));
}

static struct cert
sample(const char *base64)
{
	uint8_t blob[KEY_BLOB_MAX];
	struct cert c;

	assert_null(parse(blob, unbase64(base64, blob, sizeof(blob)), &c));
	return c;
}

/* ---- ssh-keygen's ---- */

static void
every_type_of_ssh_keygen_is_read(void **state)
{
	uint8_t blob[KEY_BLOB_MAX], ca[128], plain[KEY_BLOB_MAX], want[KEY_BLOB_MAX];
	size_t n, ca_n = unbase64(sample_ca, ca, sizeof(ca)), len, want_n;
	struct blob list, one;
	struct cert c;

	(void)state;
	for (size_t i = 0; i < COUNT(cert_samples); i++) {
		const struct cert_sample *s = &cert_samples[i];

		n = unbase64(s->cert, blob, sizeof(blob));
		assert_true(cert_is(blob, n));
		assert_null(parse(blob, n, &c));
		assert_string_equal(c.alg->cert_type, s->type);
		assert_string_equal(c.alg->key_type, s->plain_type);
		assert_int_equal(c.serial, 7);
		assert_int_equal(c.type, CERT_USER);
		assert_true(blob_is_name(c.key_id, s->key_id));
		assert_true(blob_is(c.ca_key, ca, ca_n));
		assert_int_equal(c.nonce.n, 32);
		assert_int_equal(c.valid_after, IN_2020);
		assert_int_equal(c.valid_before, IN_2030);
		assert_int_equal(c.permits, CERT_PERMIT_X11 | CERT_PERMIT_AGENT |
		    CERT_PERMIT_PORT | CERT_PERMIT_PTY | CERT_PERMIT_USER_RC);
		assert_false(c.has_force_command || c.has_source_address || c.verify_required);
		list = c.principals;
		assert_true(cert_principal_next(&list, &one) && blob_is_name(one, "alice"));
		assert_true(cert_principal_next(&list, &one) && blob_is_name(one, "bob"));
		assert_false(cert_principal_next(&list, &one));
		assert_null(cert_judge(&c, CERT_USER, IN_2025));
		assert_null(verify(&c));
		want_n = unbase64(s->plain, want, sizeof(want));
		assert_int_equal(cert_plain(&c, plain, sizeof(plain), &len), 0);
		assert_int_equal(len, want_n);
		assert_memory_equal(plain, want, want_n);
		assert_false(cert_is(plain, len));
		assert_string_equal(parse(plain, len, &c), "not a certificate of a known type");
		for (size_t cap = 0; cap < want_n; cap++) {
			assert_null(parse(blob, n, &c));
			assert_int_equal(cert_plain(&c, plain, cap, &len), -1);
		}
	}
}

static void
every_truncation_and_one_byte_more_are_refused(void **state)
{
	uint8_t blob[KEY_BLOB_MAX];
	struct cert c;

	(void)state;
	for (size_t i = 0; i < COUNT(cert_samples); i++) {
		size_t n = unbase64(cert_samples[i].cert, blob, sizeof(blob) - 1);

		for (size_t len = 0; len < n; len++)
			assert_non_null(parse(blob, len, &c));
		blob[n] = 0;
		assert_string_equal(parse(blob, n + 1, &c), "the certificate is malformed");
	}
}

/* Whatever still parses with a bit turned is not what the CA signed. */
static void
every_flipped_bit_is_refused(void **state)
{
	uint8_t blob[KEY_BLOB_MAX];
	size_t n = unbase64(cert_samples[0].cert, blob, sizeof(blob));
	struct cert c;

	(void)state;
	for (size_t bit = 0; bit < 8 * n; bit++) {
		blob[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (parse(blob, n, &c) == NULL)
			assert_non_null(verify(&c));
		blob[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void
all_that_a_certificate_may_say_is_read(void **state)
{
	struct cert c = sample(sample_full);

	(void)state;
	assert_int_equal(c.serial, UINT64_MAX);
	assert_int_equal(c.valid_after, 0);
	assert_int_equal(c.valid_before, UINT64_MAX);
	assert_true(c.has_force_command && blob_is_name(c.force_command, "echo hi"));
	assert_true(c.has_source_address &&
	    blob_is_name(c.source_address, "192.0.2.0/24,2001:db8::/32"));
	assert_true(c.verify_required);
	assert_int_equal(c.permits, CERT_PERMIT_PTY | CERT_NO_TOUCH);
	assert_null(cert_judge(&c, CERT_USER, 0));
	assert_null(cert_judge(&c, CERT_USER, UINT64_MAX - 1));
	assert_null(verify(&c));
}

static void
a_host_certificate_is_for_hosts(void **state)
{
	struct cert c = sample(sample_host);

	(void)state;
	assert_null(cert_judge(&c, CERT_HOST, IN_2025));
	assert_null(verify(&c));
	assert_string_equal(cert_judge(&c, CERT_USER, IN_2025),
	    "the certificate is not a user certificate");
	assert_int_equal(c.permits, 0);
	assert_true(cert_has_principal(&c, "host.example", 12));
	assert_true(cert_has_principal(&c, "a.example", 9));
	assert_true(cert_has_principal(&c, "a.b.example", 11));
	assert_false(cert_has_principal(&c, "example", 7));
	assert_false(cert_has_principal(&c, "host.example.", 13));
	assert_false(cert_has_principal(&c, "a.examplf", 9));
	c = sample(cert_samples[0].cert);
	assert_string_equal(cert_judge(&c, CERT_HOST, IN_2025),
	    "the certificate is not a host certificate");
}

static void
sha1_is_no_signature_of_a_ca(void **state)
{
	struct cert c = sample(sample_sha1);

	(void)state;
	assert_string_equal(verify(&c),
	    "the certificate is signed with an algorithm that CAs may not use here");
}

/* ---- made to order ---- */

static uint8_t made[CERT_MAKE_MAX];
static struct cert_list principals, critical, extensions;

static struct cert_plan
plan(void)
{
	struct cert_plan p = { .kind = CERT_USER, .after = 1000, .before = 2000, .serial = 5,
		.nonce = span_str("01234567890123456789012345678901"), .key_id = span_str("key id") };

	for (size_t i = 0; i < 32; i++) {
		p.subject[i] = (uint8_t)(i + 1);
		p.ca_seed[i] = (uint8_t)(100 + i);
	}
	p.principals = cert_list_add(cert_list_clear(&principals), "alice");
	cert_list_clear(&critical);
	cert_list_clear(&extensions);
	return p;
}

static const char *
make(const struct cert_plan *p, struct cert *c)
{
	return parse(made, cert_make(p, made), c);
}

static void
validity_is_from_the_first_second_to_before_the_last(void **state)
{
	struct cert_plan p = plan();
	struct cert c;

	(void)state;
	assert_null(make(&p, &c));
	assert_string_equal(cert_judge(&c, CERT_USER, 999), "the certificate is not yet valid");
	assert_null(cert_judge(&c, CERT_USER, 1000));
	assert_null(cert_judge(&c, CERT_USER, 1999));
	assert_string_equal(cert_judge(&c, CERT_USER, 2000), "the certificate has expired");
	p.before = 500;			/* ends before it begins: never */
	assert_null(make(&p, &c));
	for (uint64_t now = 0; now < 3000; now++)
		assert_non_null(cert_judge(&c, CERT_USER, now));
}

static void
other_types_are_neither(void **state)
{
	static const uint32_t kinds[] = { 0, 3, 256, UINT32_MAX };
	struct cert_plan p = plan();
	struct cert c;

	(void)state;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		p.kind = kinds[i];
		assert_null(make(&p, &c));
		assert_non_null(cert_judge(&c, CERT_USER, 1500));
		assert_non_null(cert_judge(&c, CERT_HOST, 1500));
	}
}

static void
principals_match_literally_and_never_by_a_comma(void **state)
{
	struct cert_plan p = plan();
	struct cert c;

	(void)state;
	p.principals = cert_list_add(cert_list_clear(&principals), "root,alice");
	cert_list_add(&principals, "*");
	p.principals = cert_list_add(&principals, "bob");
	assert_null(make(&p, &c));
	assert_true(cert_has_principal(&c, "bob", 3));
	assert_true(cert_has_principal(&c, "*", 1));
	assert_false(cert_has_principal(&c, "alice", 5));
	assert_false(cert_has_principal(&c, "root", 4));
	assert_false(cert_has_principal(&c, "root,alice", 10));
	assert_false(cert_has_principal(&c, "bo", 2));
	assert_false(cert_has_principal(&c, "bobb", 4));
	assert_false(cert_has_principal(&c, "Bob", 3));
	assert_false(cert_has_principal(&c, "", 0));
}

static void
no_principals_match_nothing(void **state)
{
	static const uint32_t kinds[] = { CERT_USER, CERT_HOST };
	struct cert_plan p = plan();
	struct cert c;

	(void)state;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		p.kind = kinds[i];
		p.principals = span_of(NULL, 0);
		assert_null(make(&p, &c));
		assert_false(cert_has_principal(&c, "alice", 5));
		assert_false(cert_has_principal(&c, "", 0));
		p.principals = cert_list_add(cert_list_clear(&principals), "");
		assert_null(make(&p, &c));
		assert_false(cert_has_principal(&c, "alice", 5));
		assert_false(cert_has_principal(&c, "", 0));
	}
}

static void
every_bound_and_one_beyond(void **state)
{
	static uint8_t big[KEY_BLOB_MAX + 1];
	struct cert_plan p = plan();
	struct cert c;

	(void)state;
	memset(big, 'a', sizeof(big));
	p.key_id = span_of(big, CERT_KEY_ID_MAX);
	assert_null(make(&p, &c));
	p.key_id.n++;
	assert_non_null(make(&p, &c));
	p = plan();
	p.nonce = span_of(big, CERT_NONCE_MAX);
	assert_null(make(&p, &c));
	p.nonce.n++;
	assert_non_null(make(&p, &c));
	p = plan();
	cert_list_clear(&principals);
	wr_blob(&principals.w, span_of(big, CERT_PRINCIPAL_LEN_MAX), SIZE_MAX);
	p.principals = wr_span(&principals.w);
	assert_null(make(&p, &c));
	cert_list_clear(&principals);
	wr_blob(&principals.w, span_of(big, CERT_PRINCIPAL_LEN_MAX + 1), SIZE_MAX);
	p.principals = wr_span(&principals.w);
	assert_string_equal(make(&p, &c), "the certificate's principals are malformed");
	cert_list_clear(&principals);
	for (int i = 0; i < CERT_PRINCIPALS_MAX; i++)
		p.principals = cert_list_add(&principals, "p");
	assert_null(make(&p, &c));
	p.principals = cert_list_add(&principals, "p");
	assert_string_equal(make(&p, &c), "the certificate has too many principals");
	/* the blob as a whole */
	p = plan();
	p.reserved = span_of(big, KEY_BLOB_MAX - cert_make(&p, made));
	assert_null(make(&p, &c));
	p.reserved.n++;
	assert_string_equal(make(&p, &c), "the certificate is too long");
}

static void
options_have_bounds_too(void **state)
{
	struct cert_plan p = plan();
	char name[CERT_OPTION_NAME_MAX + 2] = "";
	struct cert c;

	(void)state;
	memset(name, 'a', CERT_OPTION_NAME_MAX);
	p.extensions = cert_list_option(&extensions, name, NULL);
	assert_null(make(&p, &c));
	name[CERT_OPTION_NAME_MAX] = 'a';
	p.extensions = cert_list_option(cert_list_clear(&extensions), name, NULL);
	assert_string_equal(make(&p, &c), "the certificate's options are malformed");
	cert_list_clear(&extensions);
	for (int i = 0; i < CERT_OPTIONS_MAX; i++) {
		(void)snprintf(name, sizeof(name), "o%03d", i);
		p.extensions = cert_list_option(&extensions, name, NULL);
	}
	assert_null(make(&p, &c));
	p.extensions = cert_list_option(&extensions, "p", NULL);
	assert_string_equal(make(&p, &c), "the certificate has too many options");
}

static void
a_nul_in_text_is_refused(void **state)
{
	struct cert_plan p = plan();
	struct cert c;

	(void)state;
	p.key_id = span_of("a\0b", 3);
	assert_string_equal(make(&p, &c), "the certificate's key id has a NUL");
	p = plan();
	cert_list_clear(&principals);
	wr_blob(&principals.w, span_of("root\0x", 6), SIZE_MAX);
	p.principals = wr_span(&principals.w);
	assert_string_equal(make(&p, &c), "a principal of the certificate has a NUL");
	p = plan();
	wr_blob(&critical.w, span_of("force-command\0", 14), SIZE_MAX);
	wr_u32(&critical.w, 0);
	p.critical = wr_span(&critical.w);
	assert_string_equal(make(&p, &c), "an option of the certificate has no proper name");
	cert_list_clear(&critical);
	wr_str(&critical.w, "force-command");
	wr_u32(&critical.w, 4 + 3);
	wr_blob(&critical.w, span_of("a\0b", 3), SIZE_MAX);
	p.critical = wr_span(&critical.w);
	assert_string_equal(make(&p, &c), "a critical option of the certificate is malformed");
	cert_list_clear(&critical);
	p.critical = cert_list_option(&critical, "", NULL);
	assert_string_equal(make(&p, &c), "an option of the certificate has no proper name");
}

static void
options_come_in_order_and_once(void **state)
{
	static const char *const wrong[][2] = {
		{ "source-address", "force-command" }, { "force-command", "force-command" },
		{ "force-commandx", "force-command" }, { "verify-required", "source-address" },
	};
	struct cert_plan p = plan();
	struct cert c;

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++)
		for (int where = 0; where < 2; where++) {
			struct span list;

			cert_list_clear(&critical);
			(void)cert_list_option(&critical, wrong[i][0], "x");
			list = cert_list_option(&critical, wrong[i][1], "x");
			p.critical = where == 0 ? list : span_of(NULL, 0);
			p.extensions = where == 1 ? list : span_of(NULL, 0);
			assert_string_equal(make(&p, &c),
			    "the certificate's options are out of order or repeated");
		}
}

static void
unknown_options_restrict_or_do_nothing(void **state)
{
	struct cert_plan p = plan();
	struct cert c;

	(void)state;
	p.critical = cert_list_option(&critical, "aaa@example.com", "x");
	p.critical = cert_list_option(&critical, "force-command", "x");
	assert_null(make(&p, &c));
	assert_string_equal(cert_judge(&c, CERT_USER, 1500),
	    "the certificate has an unknown critical option");
	p = plan();
	p.extensions = cert_list_option(&extensions, "Permit-pty", NULL);
	p.extensions = cert_list_option(&extensions, "permit-everything@example.com", "data");
	p.extensions = cert_list_option(&extensions, "permit-pty", NULL);
	assert_null(make(&p, &c));
	assert_null(cert_judge(&c, CERT_USER, 1500));
	assert_int_equal(c.permits, CERT_PERMIT_PTY);
	/* for hosts there is no critical option at all */
	p = plan();
	p.kind = CERT_HOST;
	p.critical = cert_list_option(&critical, "force-command", "x");
	assert_null(make(&p, &c));
	assert_string_equal(cert_judge(&c, CERT_HOST, 1500),
	    "the certificate has an unknown critical option");
	assert_false(c.has_force_command);
}

static void
option_data_is_what_the_option_has(void **state)
{
	static const char *const empty[] = { "verify-required" };
	static const char *const strings[] = { "force-command", "source-address" };
	struct cert_plan p = plan();
	struct cert c;

	(void)state;
	p.critical = cert_list_option(&critical, empty[0], "x");
	assert_string_equal(make(&p, &c), "a critical option of the certificate is malformed");
	for (size_t i = 0; i < COUNT(strings); i++) {
		p.critical = cert_list_option(cert_list_clear(&critical), strings[i], NULL);
		assert_non_null(make(&p, &c));
		/* something behind the string */
		cert_list_clear(&critical);
		wr_str(&critical.w, strings[i]);
		wr_u32(&critical.w, 4 + 1 + 1);
		wr_str(&critical.w, "a");
		wr_u8(&critical.w, 'b');
		p.critical = wr_span(&critical.w);
		assert_non_null(make(&p, &c));
	}
	p = plan();
	p.extensions = cert_list_option(&extensions, "permit-pty", "");
	assert_string_equal(make(&p, &c), "an extension of the certificate is malformed");
	/* lists that end in the middle */
	p = plan();
	p.critical = cert_list_option(&critical, "force-command", "x");
	for (size_t n = 1; n < critical.w.n; n++) {
		p.critical = span_of(critical.bytes, n);
		assert_non_null(make(&p, &c));
		p.extensions = p.critical;
		p.critical = span_of(NULL, 0);
		assert_non_null(make(&p, &c));
	}
}

static void
reserved_is_ignored(void **state)
{
	struct cert_plan p = plan();
	struct cert c;

	(void)state;
	p.reserved = span_of("any\0thing", 9);
	assert_null(make(&p, &c));
	assert_null(verify(&c));
}

static void
a_ca_is_a_plain_key_of_a_known_type(void **state)
{
	uint8_t inner[CERT_MAKE_MAX], ca[128];
	struct cert_plan p = plan();
	struct cert c;
	struct wr w = wr_of(ca, sizeof(ca));

	(void)state;
	p.ca_key = span_of(inner, cert_make(&p, inner));
	assert_string_equal(make(&p, &c), "the certificate's CA key is itself a certificate");
	wr_str(&w, "ssh-ed448");
	wr_str(&w, "x");
	p.ca_key = wr_span(&w);
	assert_string_equal(make(&p, &c), "the certificate's CA key is of an unknown type");
	p.ca_key = span_of("\0\0\0", 3);
	assert_string_equal(make(&p, &c), "the certificate's CA key is malformed");
}

static void
forged_signatures_are_refused(void **state)
{
	static const char list[] = "rsa-sha2-512,ssh-ed2551,ssh-ed25519x,";
	uint8_t other[51], public[32] = { 9 };
	struct cert_plan p = plan();
	struct cert c;

	(void)state;
	assert_null(make(&p, &c));
	assert_null(verify(&c));
	assert_null(cert_verify(&c, "x,,ssh-ed25519", 14));
	assert_non_null(cert_verify(&c, list, strlen(list)));
	assert_non_null(cert_verify(&c, "", 0));
	p.bad_signature = true;
	assert_null(make(&p, &c));
	assert_string_equal(verify(&c), "the CA's signature of the certificate is not good");
	p.bad_signature = false;
	p.signature_alg = "rsa-sha2-512";	/* of another type than the key */
	assert_null(make(&p, &c));
	assert_non_null(verify(&c));
	p.signature_alg = "ssh-ed448";
	assert_null(make(&p, &c));
	assert_non_null(cert_verify(&c, "ssh-ed448", 9));
	p.signature_alg = "";
	assert_null(make(&p, &c));
	assert_non_null(cert_verify(&c, ",", 1));
	p.signature_alg = NULL;
	(void)cert_make_ed25519_blob(public, other);	/* another CA's name */
	p.ca_key = span_of(other, sizeof(other));
	assert_null(make(&p, &c));
	assert_string_equal(verify(&c), "the CA's signature of the certificate is not good");
}

/* ---- addresses ---- */

static const char *
from(const char *list, const char *address)
{
	struct cert_plan p = plan();
	struct cert c;

	p.critical = cert_list_option(&critical, "source-address", list);
	assert_null(make(&p, &c));
	assert_null(cert_judge(&c, CERT_USER, 1500));
	return cert_source(&c, address);
}

static void
source_addresses_are_networks(void **state)
{
	static const char *const malformed[] = { "", ",", "192.0.2.1,", ",192.0.2.1", "192.0.2.0/33",
	    "192.0.2.1/24", "192.0.2.0/-1", "192.0.2.0/+8", "192.0.2.0/", "192.0.2.0/08",
	    "192.0.2.0/8/8", "192.0.2", "host.example", "*", "!192.0.2.1", "192.0.2.1 ",
	    " 192.0.2.1", "2001:db8::/129", "2001:db8::1/64", "::/999", "192.0.2.0/1000",
	    "192.0.2.1,nonsense", "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb" };
	struct cert_plan p = plan();
	struct cert c;

	(void)state;
	assert_null(from("192.0.2.0/24", "192.0.2.255"));
	assert_null(from("192.0.2.0/24", "::ffff:192.0.2.7"));
	assert_null(from("10.0.0.0/8,192.0.2.9", "192.0.2.9"));
	assert_null(from("0.0.0.0/0", "203.0.113.5"));
	assert_null(from("2001:db8::/32", "2001:db8:ffff::1"));
	assert_null(from("::1", "::1"));
	assert_null(from("192.0.2.254/31", "192.0.2.255"));
	assert_string_equal(from("192.0.2.0/24", "192.0.3.0"),
	    "the certificate may not be used from this address");
	assert_non_null(from("192.0.2.254/31", "192.0.2.253"));
	assert_non_null(from("0.0.0.0/0", "2001:db8::1"));
	assert_non_null(from("::/0", "192.0.2.1"));
	assert_non_null(from("2001:db8::/32", "2001:db9::1"));
	for (size_t i = 0; i < COUNT(malformed); i++)
		assert_string_equal(from(malformed[i], "192.0.2.1"),
		    "the certificate's source-address is malformed");
	assert_non_null(from("0.0.0.0/0,::/0", ""));
	assert_non_null(from("0.0.0.0/0,::/0", "unix"));
	assert_null(make(&p, &c));		/* no list: from anywhere */
	assert_null(cert_source(&c, ""));
}

static void
too_many_source_addresses_are_refused(void **state)
{
	char list[4 * (CERT_SOURCES_MAX + 1)] = "::1";

	(void)state;
	for (int i = 1; i < CERT_SOURCES_MAX; i++)
		(void)snprintf(list + strlen(list), sizeof(list) - strlen(list), ",::1");
	assert_null(from(list, "::1"));
	(void)snprintf(list + strlen(list), sizeof(list) - strlen(list), ",::1");
	assert_non_null(from(list, "::1"));
}

static void
every_row_is_found_by_its_name(void **state)
{
	size_t i = 0;

	(void)state;
	for (; cert_alg_at(i) != NULL; i++) {
		const struct cert_alg *a = cert_alg_at(i);

		assert_ptr_equal(cert_alg_find(a->name, strlen(a->name)), a);
		assert_null(cert_alg_find(a->name, strlen(a->name) - 1));
		assert_null(cert_alg_find(a->key_type, strlen(a->key_type)));
	}
	assert_int_equal(i, 10);
	assert_null(cert_alg_find("", 0));
	assert_false(cert_is((const uint8_t *)"", 0));
}

/* What may be put into a list can be read, and its signatures checked. */
static void
every_name_has_its_row(void **state)
{
	static const char *const names[] = {
#define ALG(class_, name_, presets) NAME_##class_(name_)
#define NAME_KEX(name_)
#define NAME_CIPHER(name_)
#define NAME_MAC(name_)
#define NAME_COMPRESSION(name_)
#define NAME_SIGNATURE(name_)
#define NAME_USER_SIGNATURE(name_)
#define NAME_CERTIFICATE(name_) name_,
#define NAME_USER_CERTIFICATE(name_) name_,
#include "crypto/names.def"
	};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		const struct cert_alg *a = cert_alg_find(names[i], strlen(names[i]));
		const struct sign_alg *s;

		assert_non_null(a);
		s = sign_find(a->sign_alg, strlen(a->sign_alg));
		assert_non_null(s);
		assert_string_equal(s->key_type, a->key_type);
	}
}

static int
let_go(void **state)
{
	(void)state;
	free(held);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_of_ssh_keygen_is_read),
		cmocka_unit_test(every_truncation_and_one_byte_more_are_refused),
		cmocka_unit_test(every_flipped_bit_is_refused),
		cmocka_unit_test(all_that_a_certificate_may_say_is_read),
		cmocka_unit_test(a_host_certificate_is_for_hosts),
		cmocka_unit_test(sha1_is_no_signature_of_a_ca),
		cmocka_unit_test(validity_is_from_the_first_second_to_before_the_last),
		cmocka_unit_test(other_types_are_neither),
		cmocka_unit_test(principals_match_literally_and_never_by_a_comma),
		cmocka_unit_test(no_principals_match_nothing),
		cmocka_unit_test(every_bound_and_one_beyond),
		cmocka_unit_test(options_have_bounds_too),
		cmocka_unit_test(a_nul_in_text_is_refused),
		cmocka_unit_test(options_come_in_order_and_once),
		cmocka_unit_test(unknown_options_restrict_or_do_nothing),
		cmocka_unit_test(option_data_is_what_the_option_has),
		cmocka_unit_test(reserved_is_ignored),
		cmocka_unit_test(a_ca_is_a_plain_key_of_a_known_type),
		cmocka_unit_test(forged_signatures_are_refused),
		cmocka_unit_test(source_addresses_are_networks),
		cmocka_unit_test(too_many_source_addresses_are_refused),
		cmocka_unit_test(every_row_is_found_by_its_name),
		cmocka_unit_test(every_name_has_its_row),
	};

	if (crypto_init() != 0 || sign_start() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, let_go);
}
