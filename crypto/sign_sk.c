/*
 * sign_sk.c - signatures by authenticators (FIDO tokens) and browsers: sk-ssh-ed25519,
 * sk-ecdsa-sha2-nistp256 and webauthn-sk-ecdsa-sha2-nistp256 (OpenSSH's PROTOCOL.u2f).
 *
 * Checked here and never made: the private half is in the token.  What it signs is
 * not the data but a hash of it between flags and a counter of its own; both come out,
 * because "was anybody there?" is for policy to judge.  Who does not ask gets a no
 * when nobody was.  A browser signs a JSON text that has the data in it: all of it up to
 * the origin must be byte for byte what it has to be, and is compared, never parsed.
 */
#include "crypto/sign.h"

#include <sodium.h>
#include <string.h>

static const char ed25519_type[] = "sk-ssh-ed25519@openssh.com";
static const char ecdsa_type[] = "sk-ecdsa-sha2-nistp256@openssh.com";

enum {
	SK_HASH = 32,			/* SHA-256 */
	SK_COUNTER = 4,
	SK_APPLICATION_MAX = 1024,	/* "ssh:", or a web page's origin */
	SK_SIGNED_MAX = SK_HASH + 1 + SK_COUNTER + SIGNATURE_MAX + SK_HASH,
	/* flags that a login has no use for, or that must agree with what is there */
	SK_ATTESTED = 0x40,
	SK_EXTENSIONS = 0x80,
};

/* What stands in all three behind the signature proper. */
struct tail {
	uint8_t flags;
	struct blob counter;
};

static struct tail
read_tail(struct blob *in)
{
	struct blob flags = blob_take(in, 1);

	return (struct tail){ flags.n == 1 ? flags.p[0] : 0, blob_take(in, SK_COUNTER) };
}

static void
tell_facts(struct sign_facts *facts, const struct tail *tail)
{
	struct blob counter = tail->counter;

	*facts = (struct sign_facts){ .is_sk = true, .flags = tail->flags,
		.counter = blob_u32(&counter) };
}

/* What a token signs: SHA256(application) flags counter extensions SHA256(message). */
static bool
put_signed(struct blob_out *out, struct blob application, const struct tail *tail,
    struct blob extensions, const uint8_t *message, size_t n)
{
	uint8_t hash[SK_HASH];

	if (hash_once(HASH_SHA256, application.p, application.n, hash) != 0)
		return false;
	blob_put(out, hash, sizeof(hash));
	blob_put(out, &tail->flags, 1);
	blob_put(out, tail->counter.p, tail->counter.n);
	blob_put(out, extensions.p, extensions.n);
	if (hash_once(HASH_SHA256, message, n, hash) != 0)
		return false;
	blob_put(out, hash, sizeof(hash));
	return !out->bad;
}

/* ---- Ed25519 ---- */

static int
ed25519_facts(const uint8_t *blob, size_t blob_len, const uint8_t *data, size_t data_len,
    const uint8_t *sig, size_t sig_len, struct sign_facts *facts)
{
	struct blob key = sign_named(blob, blob_len, ed25519_type);
	struct blob public = blob_string(&key, crypto_sign_PUBLICKEYBYTES);
	struct blob application = blob_string(&key, SK_APPLICATION_MAX);
	struct blob in = sign_named(sig, sig_len, ed25519_type);
	struct blob value = blob_string(&in, crypto_sign_BYTES);
	struct tail tail = read_tail(&in);
	uint8_t text[SK_SIGNED_MAX];
	struct blob_out out = blob_out_of(text, sizeof(text));

	if (!blob_done(&key) || !blob_done(&in) || public.n != crypto_sign_PUBLICKEYBYTES ||
	    value.n != crypto_sign_BYTES ||
	    !put_signed(&out, application, &tail, blob_of("", 0), data, data_len) ||
	    crypto_sign_verify_detached(value.p, text, out.n, public.p) != 0)
		return -1;
	tell_facts(facts, &tail);
	return 0;
}

/* ---- ECDSA ---- */

struct ecdsa_key {
	struct blob point, application;
};

static bool
read_ecdsa(const uint8_t *blob, size_t blob_len, struct ecdsa_key *key)
{
	struct blob in = sign_named(blob, blob_len, ecdsa_type);

	key->point = sign_ecdsa_point(&in);
	key->application = blob_string(&in, SK_APPLICATION_MAX);
	return blob_done(&in);
}

static int
check_ecdsa(const struct ecdsa_key *key, struct blob pair, const struct tail *tail,
    struct blob extensions, const uint8_t *message, size_t n)
{
	uint8_t text[SK_SIGNED_MAX];
	struct blob_out out = blob_out_of(text, sizeof(text));

	if (!put_signed(&out, key->application, tail, extensions, message, n))
		return -1;
	return sign_ecdsa_check(key->point, text, out.n, pair);
}

static int
ecdsa_facts(const uint8_t *blob, size_t blob_len, const uint8_t *data, size_t data_len,
    const uint8_t *sig, size_t sig_len, struct sign_facts *facts)
{
	struct blob in = sign_named(sig, sig_len, ecdsa_type);
	struct blob pair = blob_string(&in, SIGNATURE_MAX);
	struct tail tail = read_tail(&in);
	struct ecdsa_key key;

	if (!blob_done(&in) || !read_ecdsa(blob, blob_len, &key) ||
	    check_ecdsa(&key, pair, &tail, blob_of("", 0), data, data_len) != 0)
		return -1;
	tell_facts(facts, &tail);
	return 0;
}

/* ---- browsers ---- */

static bool
take_text(struct blob *in, const char *text)
{
	return blob_is_name(blob_take(in, strlen(text)), text);
}

/* The data in base64 as URLs have it, without padding (RFC 4648 section 5). */
static bool
take_challenge(struct blob *in, const uint8_t *data, size_t n)
{
	char text[sodium_base64_ENCODED_LEN(SIGNATURE_MAX,
	    sodium_base64_VARIANT_URLSAFE_NO_PADDING)];

	if (n > SIGNATURE_MAX)		/* then the signature has no room for it either */
		return false;
	(void)sodium_bin2base64(text, sizeof(text), data, n,
	    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	return take_text(in, text);
}

/* Behind the origin a browser may say more, which is not looked at. */
static bool
is_client_data(struct blob in, struct blob origin, const uint8_t *data, size_t n)
{
	/* a quote would end the origin early, and with it what is compared */
	if (origin.n > 0 && memchr(origin.p, '"', origin.n) != NULL)
		return false;
	return take_text(&in, "{\"type\":\"webauthn.get\",\"challenge\":\"") &&
	    take_challenge(&in, data, n) && take_text(&in, "\",\"origin\":\"") &&
	    blob_is(blob_take(&in, origin.n), origin.p, origin.n) && take_text(&in, "\"");
}

static int
webauthn_facts(const uint8_t *blob, size_t blob_len, const uint8_t *data, size_t data_len,
    const uint8_t *sig, size_t sig_len, struct sign_facts *facts)
{
	struct blob in = sign_named(sig, sig_len, sign_sk_webauthn.name);
	struct blob pair = blob_string(&in, SIGNATURE_MAX);
	struct tail tail = read_tail(&in);
	struct blob origin = blob_string(&in, SIGNATURE_MAX);
	struct blob client_data = blob_string(&in, SIGNATURE_MAX);
	struct blob extensions = blob_string(&in, SIGNATURE_MAX);
	struct ecdsa_key key;

	if (!blob_done(&in) || !read_ecdsa(blob, blob_len, &key) ||
	    (tail.flags & SK_ATTESTED) != 0 ||
	    ((tail.flags & SK_EXTENSIONS) != 0) != (extensions.n > 0) ||
	    !is_client_data(client_data, origin, data, data_len) ||
	    check_ecdsa(&key, pair, &tail, extensions, client_data.p, client_data.n) != 0)
		return -1;
	tell_facts(facts, &tail);
	return 0;
}

/* ---- rows ---- */

static bool
has_ecdsa(void)
{
	return sign_ecdsa_nistp256.has();
}

#define SK_ROW(id, name_, type, browsers, has_) \
static int \
id##_verify(const uint8_t *blob, size_t blob_len, const uint8_t *data, size_t data_len, \
    const uint8_t *sig, size_t sig_len) \
{ \
	struct sign_facts facts; \
\
	return id##_facts(blob, blob_len, data, data_len, sig, sig_len, &facts) == 0 && \
	    (facts.flags & SIGN_PRESENT) != 0 ? 0 : -1; \
} \
const struct sign_alg sign_sk_##id = { \
	.name = name_, \
	.key_type = type, \
	.is_browsers = browsers, \
	.has = has_, \
	.verify = id##_verify, \
	.facts = id##_facts, \
};
SK_ROW(ed25519, ed25519_type, ed25519_type, false, NULL)
SK_ROW(ecdsa, ecdsa_type, ecdsa_type, false, has_ecdsa)
SK_ROW(webauthn, "webauthn-sk-ecdsa-sha2-nistp256@openssh.com", ecdsa_type, true, has_ecdsa)
