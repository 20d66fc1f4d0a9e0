/*
 * keygen_krl_print.c - a KRL as people read it: ssh-keygen's -Q -l, in its order.
 *
 * The file may be anybody's: its text is tamed before a terminal sees it.
 */
#include <sodium.h>
#include <time.h>

#include "apps/keygen_krl.h"
#include "crypto/krl_format.h"
#include "crypto/pubkey.h"

enum { DIGEST_TEXT_MAX = 64 };		/* of either digest, in its form */

static void
print_tame(const char *title, const uint8_t *p, size_t n)
{
	char raw[KRLMAKE_KEY_ID_MAX + 1], tame[KRLMAKE_KEY_ID_MAX + 1];

	for (size_t i = 0; i < n && i < KRLMAKE_KEY_ID_MAX; i++)
		raw[i] = p[i] != '\0' ? (char)p[i] : '?';
	raw[n < KRLMAKE_KEY_ID_MAX ? n : KRLMAKE_KEY_ID_MAX] = '\0';
	keygen_public_tame(raw, tame, sizeof(tame));
	(void)printf("%s%s\n", title, tame);
}

/* "SHA256:..." and the type's name; false: no key that is known here. */
static bool
describe(const uint8_t *blob, size_t n, char hash[KEYGEN_FINGERPRINT_MAX], struct blob *type)
{
	struct blob in = blob_of(blob, n);
	struct pubkey_about about;

	*type = blob_string(&in, NAME_MAX_LEN);
	return pubkey_describe(blob, n, &about) == 0 &&
	    keygen_print_hash("sha256", blob, n, hash) == KEYGEN_FINE;
}

static void
print_key(const struct krlmake_entry *e)
{
	char text[KEYGEN_FINGERPRINT_MAX], digest[DIGEST_TEXT_MAX];
	struct blob type;

	if (e->kind == KRL_SHA256)
		/* ssh-keygen shows these in hexadecimal, which it does not read */
		(void)printf("hash: SHA256:%s\n", sodium_bin2base64(digest, sizeof(digest), e->bytes,
		    e->n, sodium_base64_VARIANT_ORIGINAL_NO_PADDING));
	else if (e->kind == KRL_SHA1)		/* there is no word for these */
		(void)printf("# hash SHA1:%s\n", sodium_bin2hex(digest, sizeof(digest), e->bytes,
		    e->n));
	else if (describe(e->bytes, e->n, text, &type))
		(void)printf("hash: %s # %.*s\n", text, (int)type.n, (const char *)type.p);
	else
		(void)printf("# a key of an unknown type\n");
}

static void
print_ca(const struct krlmake *k, uint32_t ca)
{
	char text[KEYGEN_FINGERPRINT_MAX];
	struct blob type;

	if (k->cas[ca].n == 0)
		(void)printf("\n# Wildcard CA\n");
	else if (describe(k->cas[ca].blob, k->cas[ca].n, text, &type))
		(void)printf("\n# CA key %.*s %s\n", (int)type.n, (const char *)type.p, text);
	else
		(void)printf("\n# CA key of an unknown type\n");
}

static void
print_head(const struct krlmake *k)
{
	time_t t = (time_t)k->date;
	char when[32] = "";
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL || strftime(when, sizeof(when), "%Y%m%dT%H%M%S", &tm) == 0)
		when[0] = '\0';
	(void)printf("# KRL version %llu\n# Generated at %s\n", (unsigned long long)k->version, when);
	if (k->comment[0] != '\0')
		print_tame("# Comment: ", (const uint8_t *)k->comment, strlen(k->comment));
	(void)putchar('\n');
}

static void
print_cert(const struct krlmake_entry *e)
{
	if (e->kind == KRL_KEY_ID)
		print_tame("id: ", e->bytes, e->n);
	else if (e->low == e->high)
		(void)printf("serial: %llu\n", (unsigned long long)e->low);
	else
		(void)printf("serial: %llu-%llu\n", (unsigned long long)e->low,
		    (unsigned long long)e->high);
}

enum keygen_status
keygen_krl_print(const struct krlmake *k)
{
	static const enum krl_kind keys[] = { KRL_KEY, KRL_SHA256, KRL_SHA1 };
	const struct krlmake_entry *before = NULL;

	print_head(k);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		for (size_t j = 0; j < k->n; j++)
			if (k->entries[j].kind == keys[i])
				print_key(&k->entries[j]);
	for (size_t j = 0; j < k->n; j++) {
		const struct krlmake_entry *e = &k->entries[j];

		if (e->kind != KRL_SERIALS && e->kind != KRL_KEY_ID)
			continue;
		if (before == NULL || before->ca != e->ca)
			print_ca(k, e->ca);
		print_cert(e);
		before = e;
	}
	return KEYGEN_FINE;
}
