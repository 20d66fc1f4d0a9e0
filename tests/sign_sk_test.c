/* sign_sk_test.c - authenticators' and browsers' signatures: OpenSSH's samples, tokens
 * played with the private half in hand, and everything that is not a signature. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <sodium.h>
#include <stdio.h>

#include "tests/sign_lab.h"

#define SK_ED25519 "sk-ssh-ed25519@openssh.com"
#define SK_ECDSA "sk-ecdsa-sha2-nistp256@openssh.com"
#define WEBAUTHN "webauthn-sk-ecdsa-sha2-nistp256@openssh.com"

/* A token's answer, and what the browser says around it. */
struct token {
	const char *alg, *application, *origin, *extensions;
	uint8_t flags;
	uint32_t counter;
	const char *client_data;	/* NULL: as it has to be */
};

static const struct token tokens[] = {
	{ SK_ED25519, "ssh:", NULL, "", 1, 7, NULL },
	{ SK_ECDSA, "ssh:", NULL, "", 1, 7, NULL },
	{ WEBAUTHN, "example.org", "https://example.org", "", 1, 7, NULL },
};
enum { TOKENS = sizeof(tokens) / sizeof(tokens[0]) };

static struct lab ecdsa;		/* whose key the tokens have */
static uint8_t pk[32], sk[64];

/* ---- the token ---- */

static void
make_blob(const struct token *t, struct bytes *out)
{
	struct blob_out w = blob_out_of(out->p, sizeof(out->p));
	const char *type = t->alg == tokens[0].alg ? SK_ED25519 : SK_ECDSA;

	blob_put_string(&w, type, strlen(type));
	if (t->alg == tokens[0].alg) {
		blob_put_string(&w, pk, sizeof(pk));
	} else {
		blob_put_string(&w, "nistp256", 8);
		blob_put_string(&w, &ecdsa.blob.p[ecdsa.blob.n - 65], 65);
	}
	blob_put_string(&w, t->application, strlen(t->application));
	assert_false(w.bad);
	out->n = w.n;
}

static void
put_text(struct blob_out *w, const char *text)
{
	blob_put(w, text, strlen(text));
}

static void
make_client_data(const struct token *t, const struct bytes *data, struct bytes *out)
{
	struct blob_out w = blob_out_of(out->p, sizeof(out->p));
	char challenge[4096];

	(void)sodium_bin2base64(challenge, sizeof(challenge), data->p, data->n,
	    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	if (t->client_data != NULL) {
		put_text(&w, t->client_data);
	} else {
		put_text(&w, "{\"type\":\"webauthn.get\",\"challenge\":\"");
		put_text(&w, challenge);
		put_text(&w, "\",\"origin\":\"");
		put_text(&w, t->origin);
		put_text(&w, "\",\"crossOrigin\":false}");
	}
	out->n = w.n;
}

static void
make_signature(const struct token *t, const struct bytes *data, struct bytes *out)
{
	struct blob_out w = blob_out_of(out->p, sizeof(out->p)), s;
	struct bytes text, client, pair;
	const struct bytes *message = data;
	uint8_t hash[32], value[64];
	struct sign_key *key;

	if (t->origin != NULL) {
		make_client_data(t, data, &client);
		message = &client;
	}
	s = blob_out_of(text.p, sizeof(text.p));
	crypto_hash_sha256(hash, (const uint8_t *)t->application, strlen(t->application));
	blob_put(&s, hash, 32);
	blob_put(&s, &t->flags, 1);
	blob_put_u32(&s, t->counter);
	put_text(&s, t->extensions);
	crypto_hash_sha256(hash, message->p, message->n);
	blob_put(&s, hash, 32);
	blob_put_string(&w, t->alg, strlen(t->alg));
	if (t->alg == tokens[0].alg) {
		crypto_sign_detached(value, NULL, text.p, s.n, sk);
		blob_put_string(&w, value, sizeof(value));
	} else {
		key = lab_load(&ecdsa);
		assert_non_null(key);
		assert_int_equal(ecdsa.alg->sign(key, text.p, s.n, pair.p, SIGNATURE_MAX, &pair.n), 0);
		sign_key_free(key);
		blob_put_string(&w, lab_value(&pair).p, lab_value(&pair).n);
	}
	blob_put(&w, &t->flags, 1);
	blob_put_u32(&w, t->counter);
	if (t->origin != NULL) {
		blob_put_string(&w, t->origin, strlen(t->origin));
		blob_put_string(&w, client.p, client.n);
		blob_put_string(&w, t->extensions, strlen(t->extensions));
	}
	assert_false(w.bad || s.bad);
	out->n = w.n;
}

static void
make(const struct token *t, struct lab *l)
{
	l->alg = lab_alg(t->alg);
	l->data.n = 200;
	memset(l->data.p, 0xfb, l->data.n);
	make_blob(t, &l->blob);
	make_signature(t, &l->data, &l->sig);
}

static int
facts_of(const struct lab *l, struct sign_facts *facts)
{
	return sign_verify(l->alg, l->blob.p, l->blob.n, l->data.p, l->data.n, l->sig.p,
	    l->sig.n, facts);
}

/* ---- tests ---- */

static void
openssh_samples(void **state)
{
	struct sign_facts facts;
	struct lab l;
	unsigned found = 0;

	(void)state;
	for (size_t i = 0; i < SIGN_OPENSSH; i++) {
		lab_openssh(&sign_openssh[i], &l);
		if (l.alg->facts == NULL)
			continue;
		assert_int_equal(lab_verify(&l), 0);
		assert_int_equal(facts_of(&l, &facts), 0);
		assert_true(facts.is_sk);
		assert_true((facts.flags & SIGN_PRESENT) != 0);
		lab_truncate(&l);
		found++;
	}
	assert_int_equal(found, 3);
}

static void
damage_is_refused(void **state)
{
	struct lab l;

	(void)state;
	for (size_t i = 0; i < TOKENS; i++) {
		make(&tokens[i], &l);
		assert_null(l.alg->sign);
		assert_null(l.alg->load);
		lab_truncate(&l);
		lab_flip(&l);
	}
}

/* Only the three names of their own; ECDSA's key is under two of them. */
static void
names_are_their_own(void **state)
{
	struct lab l, other;

	(void)state;
	for (size_t i = 0; i < TOKENS; i++) {
		make(&tokens[i], &l);
		for (size_t row = 0; sign_at(row) != NULL; row++) {
			other = l;
			other.alg = sign_at(row);
			assert_int_equal(lab_verify(&other), other.alg == l.alg ? 0 : -1);
		}
		for (size_t j = 0; j < TOKENS; j++) {
			struct token t = tokens[i];

			if (i == j)
				continue;
			t.alg = tokens[j].alg;
			make(&t, &other);
			other.alg = l.alg;
			other.blob = l.blob;
			assert_int_equal(lab_verify(&other), -1);
		}
	}
}

/* What came out of the token is told as it was signed, presence or not; who asks for no
 * facts gets a no without it. */
static void
facts_are_told(void **state)
{
	static const uint8_t flags[] = { 0, 1, 4, 5, 0x3f };
	struct sign_facts facts;
	struct lab l;

	(void)state;
	for (size_t i = 0; i < TOKENS; i++) {
		for (size_t f = 0; f < sizeof(flags); f++) {
			struct token t = tokens[i];

			t.flags = flags[f];
			t.counter = 0xfedcba98;
			make(&t, &l);
			assert_int_equal(facts_of(&l, &facts), 0);
			assert_true(facts.is_sk);
			assert_int_equal(facts.flags, flags[f]);
			assert_int_equal(facts.counter, 0xfedcba98);
			assert_int_equal(lab_verify(&l), (flags[f] & 1) != 0 ? 0 : -1);
		}
	}
	facts.is_sk = true;
	facts.flags = 5;
	assert_int_equal(sign_verify(ecdsa.alg, ecdsa.blob.p, ecdsa.blob.n, ecdsa.data.p,
	    ecdsa.data.n, ecdsa.sig.p, ecdsa.sig.n, &facts), 0);
	assert_false(facts.is_sk);
	assert_int_equal(facts.flags, 0);
}

/* Flags, counter and application are signed too. */
static void
all_that_counts_is_signed(void **state)
{
	struct lab l, other;
	struct token t;

	(void)state;
	for (size_t i = 0; i < TOKENS; i++) {
		make(&tokens[i], &l);
		t = tokens[i];
		t.application = "ssh:x";
		make_blob(&t, &other.blob);
		other.alg = l.alg;
		other.data = l.data;
		other.sig = l.sig;
		assert_int_equal(lab_verify(&other), -1);
		t.application = "";
		make(&t, &other);
		assert_int_equal(lab_verify(&other), 0);
	}
	for (size_t i = 0; i < 2; i++) {	/* the tail is the last five bytes */
		make(&tokens[i], &l);
		l.sig.p[l.sig.n - 5] ^= 4;
		assert_int_equal(lab_verify(&l), -1);
		l.sig.p[l.sig.n - 5] ^= 4;
		l.sig.p[l.sig.n - 1] ^= 1;
		assert_int_equal(lab_verify(&l), -1);
	}
}

/* PROTOCOL.u2f: nothing but what the data and the origin make of it. */
static void
client_data_is_exactly_this(void **state)
{
	static const char *const wrong[] = {
		"",
		"{",
		"{\"type\":\"webauthn.create\",\"challenge\":\"%s\",\"origin\":\"https://example.org\"}",
		"{ \"type\":\"webauthn.get\",\"challenge\":\"%s\",\"origin\":\"https://example.org\"}",
		"{\"challenge\":\"%s\",\"type\":\"webauthn.get\",\"origin\":\"https://example.org\"}",
		"{\"type\":\"webauthn.get\",\"challenge\":\"%s=\",\"origin\":\"https://example.org\"}",
		"{\"type\":\"webauthn.get\",\"challenge\":\"\",\"origin\":\"https://example.org\"}",
		"{\"type\":\"webauthn.get\",\"challenge\":\"%s\",\"origin\":\"https://example.orgy\"}",
		"{\"type\":\"webauthn.get\",\"challenge\":\"%s\",\"origin\":\"https://example.or\"}",
		"{\"type\":\"webauthn.get\",\"challenge\":\"%s\",\"origin\":\"https://example.org",
		"{\"type\":\"webauthn.get\",\"challenge\":\"A%s\",\"origin\":\"https://example.org\"}",
	};
	struct token t = tokens[2];
	struct lab l;
	char challenge[512], text[1024];

	(void)state;
	make(&t, &l);
	(void)sodium_bin2base64(challenge, sizeof(challenge), l.data.p, l.data.n,
	    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	t.client_data = text;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const char *at = strstr(wrong[i], "%s");

		if (at != NULL)
			(void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - wrong[i]), wrong[i],
			    challenge, at + 2);
		else
			(void)snprintf(text, sizeof(text), "%s", wrong[i]);
		make(&t, &l);
		assert_int_equal(lab_verify(&l), -1);
	}
	/* the shortest that is right, and the shape for a test that it was this */
	(void)snprintf(text, sizeof(text), "{\"type\":\"webauthn.get\",\"challenge\":\"%s\","
	    "\"origin\":\"https://example.org\"}", challenge);
	make(&t, &l);
	assert_int_equal(lab_verify(&l), 0);
	/* a quote would let the origin say anything */
	t.client_data = NULL;
	t.origin = "https://example.org\",\"x\":\"";
	make(&t, &l);
	assert_int_equal(lab_verify(&l), -1);
	t.origin = "";
	make(&t, &l);
	assert_int_equal(lab_verify(&l), 0);
}

/* The flag says whether there are any; attested data are for another occasion. */
static void
extensions_are_announced(void **state)
{
	struct token t = tokens[2];
	struct lab l;

	(void)state;
	for (int announced = 0; announced < 2; announced++) {
		for (int there = 0; there < 2; there++) {
			t.flags = announced ? 0x81 : 1;
			t.extensions = there ? "\241" : "";
			make(&t, &l);
			assert_int_equal(lab_verify(&l), announced == there ? 0 : -1);
		}
	}
	t = tokens[2];
	t.flags = 0x41;
	make(&t, &l);
	assert_int_equal(lab_verify(&l), -1);
}

static int
setup(void **state)
{
	(void)state;
	lab_first("ecdsa-sha2-nistp256", &ecdsa);
	return crypto_sign_keypair(pk, sk);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(openssh_samples),
		cmocka_unit_test(damage_is_refused),
		cmocka_unit_test(names_are_their_own),
		cmocka_unit_test(facts_are_told),
		cmocka_unit_test(all_that_counts_is_signed),
		cmocka_unit_test(client_data_is_exactly_this),
		cmocka_unit_test(extensions_are_announced),
	};

	if (crypto_init() != 0 || sign_start() != 0)
		return 1;
	return cmocka_run_group_tests(tests, setup, NULL);
}
