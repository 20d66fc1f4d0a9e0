/*
 * provider_test.c - a crypto provider that lacks algorithms, as a FIPS provider does, or
 * computes them wrongly: planted in front of OpenSSL's, for this program only.
 *
 * What a provider has is asked once per process, so each case is this program again.
 */
#include <dlfcn.h>
#include <openssl/evp.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>

#include "crypto/keyfile.h"
#include "crypto/krl.h"
#include "tests/monitor_play.h"

/* ---- the planted provider ---- */

static const char *lacks = "";		/* ",NAME,NAME," as OpenSSL calls them */
static const char *wrong, *instead;	/* the one gives the other */

static bool
is_lacking(const char *name)
{
	char with_commas[64];

	(void)snprintf(with_commas, sizeof(with_commas), ",%s,", name);
	return strstr(lacks, with_commas) != NULL;
}

static const char *
given(const char *name)
{
	return wrong != NULL && strcmp(name, wrong) == 0 ? instead : name;
}

#define PLANT(type, function) \
type *function(OSSL_LIB_CTX *ctx, const char *name, const char *properties); \
type * \
function(OSSL_LIB_CTX *ctx, const char *name, const char *properties) \
{ \
	static type *(*real)(OSSL_LIB_CTX *, const char *, const char *); \
\
	if (real == NULL) \
		*(void **)(void *)&real = dlsym(RTLD_NEXT, #function); \
	return is_lacking(name) ? NULL : real(ctx, given(name), properties); \
}
PLANT(EVP_CIPHER, EVP_CIPHER_fetch)
PLANT(EVP_MD, EVP_MD_fetch)
PLANT(EVP_MAC, EVP_MAC_fetch)
PLANT(EVP_KEYMGMT, EVP_KEYMGMT_fetch)
PLANT(EVP_SIGNATURE, EVP_SIGNATURE_fetch)
PLANT(EVP_KEM, EVP_KEM_fetch)

/* ---- cases: in a process of their own ---- */

enum { OPENSSL_HAS_MLKEM = OPENSSL_VERSION_NUMBER >= 0x30500000L };

static const struct {
	const char *lacks, *wrong, *instead;
	const char *missing;		/* the names that are gone; NULL: no start */
	const char *problem;
} cases[] = {
	{ ",none,", NULL, NULL, "", "" },
	{ ",ChaCha20,", NULL, NULL, "chacha20-poly1305@openssh.com", "" },
	{ ",POLY1305,", NULL, NULL, "chacha20-poly1305@openssh.com", "" },
	{ ",AES-256-GCM,", NULL, NULL, "aes256-gcm@openssh.com", "" },
	{ ",AES-192-CTR,", NULL, NULL, "aes192-ctr", "" },
	{ ",SHA1,", NULL, NULL, "diffie-hellman-group14-sha1,hmac-sha1-etm@openssh.com,hmac-sha1", "" },
	{ ",SHAKE128,ML-KEM-768,ML-KEM-1024,", NULL, NULL, "mlkem768x25519-sha256,"
	    "mlkem768nistp256-sha256,mlkem1024nistp384-sha384", "" },
	/* OpenSSL's ML-KEM needs nothing of ours, and ours nothing of it */
	{ ",SHAKE128,", NULL, NULL, OPENSSL_HAS_MLKEM ? "" : "mlkem768x25519-sha256,"
	    "mlkem768nistp256-sha256,mlkem1024nistp384-sha384", "" },
	{ ",ML-KEM-768,ML-KEM-1024,", NULL, NULL, "", "" },
	{ ",HMAC,AES-128-ECB,", NULL, NULL, NULL, "the crypto libraries have no MAC for us" },
	{ ",ChaCha20,AES-128-GCM,AES-256-GCM,AES-128-CTR,AES-192-CTR,AES-256-CTR,AES-128-CBC,"
	    "AES-192-CBC,AES-256-CBC,", NULL, NULL, NULL, "the crypto libraries have no cipher for us" },
	{ ",SHA1,SHA2-256,SHA2-384,SHA2-512,", NULL, NULL, NULL,
	    "the crypto libraries have no key exchange for us" },
	{ "", "SHA2-256", "SHA2-512", NULL, "the crypto libraries compute wrongly: a hash" },
	{ "", "SHA2-256", "SHA3-256", NULL, "the crypto libraries compute wrongly: a hash" },
	{ "", "AES-128-CTR", "AES-128-ECB", NULL, "the crypto libraries compute wrongly: aes128-ctr" },
};
enum { CASES = sizeof(cases) / sizeof(cases[0]) };

static bool
is_found(const char *name)
{
	size_t n = strlen(name);

	return kex_find(name, n) != NULL || cipher_find(name, n) != NULL || mac_find(name, n) != NULL;
}

static bool
is_listed(const char *name)
{
	const char *row;

	for (int class = ALG_KEX; class <= ALG_MAC; class++)
		for (size_t i = 0; (row = alg_name((enum alg_class)class, i)) != NULL; i++)
			if (strcmp(row, name) == 0)
				return true;
	return false;
}

static void
what_is_left(void **state)
{
	size_t i = *(const size_t *)*state;
	char missing[1024] = "";
	const char *name;

	lacks = cases[i].lacks;
	wrong = cases[i].wrong;
	instead = cases[i].instead;
	assert_int_equal(crypto_init(), cases[i].missing != NULL ? 0 : -1);
	assert_string_equal(crypto_problem(), cases[i].problem);
	if (cases[i].missing == NULL)
		return;
	for (size_t k = 0; (name = crypto_missing(k)) != NULL; k++) {
		assert_false(is_found(name) || is_listed(name));
		assert_true(monitor_names_add(missing, sizeof(missing), span_str(name)));
	}
	assert_string_equal(missing, cases[i].missing);
	assert_true(is_found("curve25519-sha256") && is_listed("curve25519-sha256"));
	assert_true(is_found("aes256-ctr") && is_listed("aes256-ctr"));
	/* and again: nothing comes back */
	assert_int_equal(crypto_init(), 0);
	assert_int_equal(crypto_missing(0) == NULL, cases[i].missing[0] == 0);
}

/* The monitor's KEXINIT has it neither, though the application asked for it by name. */
static void
not_offered(void **state)
{
	struct ipc_NEW plan = play_plan(1, IPC_SERVER);
	struct play_start start;
	struct rd r;

	(void)state;
	plan.kex = span_str("diffie-hellman-group14-sha1,curve25519-sha256");
	plan.ciphers = span_str("chacha20-poly1305@openssh.com,aes256-gcm@openssh.com");
	plan.macs = span_str("hmac-sha1,hmac-sha2-256");
	plan.sig_algs = span_str("ssh-rsa,ssh-ed25519,ssh-rsa-cert-v01@openssh.com");
	play_new(&plan);
	play_attach(1);
	(void)play_started(1, &start);
	assert_string_equal(start.sig_algs, "ssh-ed25519");
	r = rd_of(span_of(start.kexinit, start.kexinit_len));
	(void)rd_take(&r, 17);
	assert_true(span_is(rd_blob(&r, 4096), "curve25519-sha256,kex-strict-s-v00@openssh.com"));
	(void)rd_blob(&r, 4096);
	assert_true(span_is(rd_blob(&r, 4096), "aes256-gcm@openssh.com"));
	assert_true(span_is(rd_blob(&r, 4096), "aes256-gcm@openssh.com"));
	assert_true(span_is(rd_blob(&r, 4096), "hmac-sha2-256"));
	assert_true(span_is(rd_blob(&r, 4096), "hmac-sha2-256"));
}

/* ...and if it asked for nothing else, the connection ends, and says of what there is none. */
static void
nothing_left_to_offer(void **state)
{
	struct ipc_NEW plan = play_plan(1, IPC_SERVER);
	struct ipc_STARTED started;
	struct ipc_END_OF end;

	(void)state;
	plan.ciphers = span_str("chacha20-poly1305@openssh.com");
	play_new(&plan);
	play_attach(1);
	PLAY_EXPECT(STARTED, &started);
	PLAY_EXPECT(END_OF, &end);
	assert_int_equal(end.outcome, IPC_RESOURCE);
	assert_true(span_is(end.text, "no cipher to offer"));
}

/* A client asks for no host key whose signature it could not check. */
static void
not_asked_for(void **state)
{
	struct ipc_NEW plan = play_plan(1, IPC_CLIENT);
	struct play_start start;
	struct rd r;

	(void)state;
	plan.hostkey_algs = span_str("ssh-dss,ssh-ed25519,ssh-rsa");
	play_new(&plan);
	play_attach(1);
	(void)play_started(1, &start);
	r = rd_of(span_of(start.kexinit, start.kexinit_len));
	(void)rd_take(&r, 17);
	(void)rd_blob(&r, 4096);
	assert_true(span_is(rd_blob(&r, 4096), "ssh-ed25519"));
}

/* The log has every missing one by its name, once. */
static void
told_by_name(void **state)
{
	static const char *const missing[] = { "diffie-hellman-group14-sha1",
		"chacha20-poly1305@openssh.com", "hmac-sha1-etm@openssh.com", "hmac-sha1", "ssh-rsa",
		"ssh-dss" };
	struct ipc_REMARK remark;
	char want[128];
	size_t n = 0;

	(void)state;
	while (play_take(play.app)) {
		PLAY_DECODE(REMARK, &remark);
		assert_in_range(n, 0, 5);
		(void)snprintf(want, sizeof(want), "the crypto provider does not have %s: not offered",
		    missing[n++]);
		assert_true(span_is(remark.text, want));
	}
	assert_int_equal(n, 6);
}

/* ---- signatures and key files: what a FIPS provider without DSA has, and others ---- */

static const struct {
	const char *lacks, *missing;
} signature_cases[] = {
	{ ",none,", "" },
	{ ",DSA,", "ssh-dss" },
	{ ",SHA1,", "ssh-rsa,ssh-dss" },
	{ ",SHA2-384,", "ecdsa-sha2-nistp384" },
	{ ",ECDSA,", "ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,"
	    "sk-ecdsa-sha2-nistp256@openssh.com,webauthn-sk-ecdsa-sha2-nistp256@openssh.com" },
	{ ",RSA,", "rsa-sha2-512,rsa-sha2-256,ssh-rsa" },
};
enum { SIGNATURE_CASES = sizeof(signature_cases) / sizeof(signature_cases[0]) };

static void
what_is_left_to_sign_with(void **state)
{
	size_t i = *(const size_t *)*state;
	char missing[1024] = "";
	const char *name;

	lacks = signature_cases[i].lacks;
	assert_int_equal(crypto_init(), 0);
	assert_int_equal(sign_start(), 0);
	for (size_t k = 0; (name = sign_missing(k)) != NULL; k++) {
		assert_null(sign_find(name, strlen(name)));
		for (size_t row = 0; sign_at(row) != NULL; row++)
			assert_string_not_equal(sign_at(row)->name, name);
		assert_true(monitor_names_add(missing, sizeof(missing), span_str(name)));
	}
	assert_string_equal(missing, signature_cases[i].missing);
	assert_ptr_equal(sign_at(0), sign_find("ssh-ed25519", 11));
}

/* Keys of nobody; the passphrase is "secret". */
static const char openssh_clear[] =
	"-----BEGIN OPENSSH PRIVATE KEY-----\n"
	"b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n"
	"QyNTUxOQAAACCHaVNwAGovErQXt6Q4xCnIyi98rAYiEAfqB8GaoIWboQAAAIgQxglpEMYJ\n"
	"aQAAAAtzc2gtZWQyNTUxOQAAACCHaVNwAGovErQXt6Q4xCnIyi98rAYiEAfqB8GaoIWboQ\n"
	"AAAEAaB0L7zpmNovG01BmsxPZP2DI7aY77g/Hteekk8Dsi14dpU3AAai8StBe3pDjEKcjK\n"
	"L3ysBiIQB+oHwZqghZuhAAAAAWMBAgME\n"
	"-----END OPENSSH PRIVATE KEY-----\n";
static const char pem_3des[] =
	"-----BEGIN EC PRIVATE KEY-----\n"
	"Proc-Type: 4,ENCRYPTED\n"
	"DEK-Info: DES-EDE3-CBC,2C4F2ACDDCA4381A\n"
	"\n"
	"/uGvm3yuV+LHBBtCtmt9oVdzeAN090bOqLzSkIeao1q8QIDfvnk+iHOPDOVgiS6z\n"
	"Mf2RYH/ZaIudtEMJkSH7OFtL69zTqu8qxtyxf+Epn9svBw6JaPtziuiBKhq41vr+\n"
	"Knw3WBuH2qlaiRMetqf7PO2p6aV2r4AIP3qGNLPCZMU=\n"
	"-----END EC PRIVATE KEY-----\n";
static const char ppk_encrypted[] =
	"PuTTY-User-Key-File-2: ssh-ed25519\n"
	"Encryption: aes256-cbc\n"
	"Comment: c\n"
	"Public-Lines: 2\n"
	"AAAAC3NzaC1lZDI1NTE5AAAAIIdpU3AAai8StBe3pDjEKcjKL3ysBiIQB+oHwZqg\n"
	"hZuh\n"
	"Private-Lines: 1\n"
	"qTOmWHZ4AGDRoG2/bBuyA2AaLBaVEQy99Bn2ANZMdLPzYsCpCzHgK7O0tNn/W3zB\n"
	"Private-MAC: ffdbf3be39c6670e60abc15de1b40f83b03dde46\n";

/* One cipher less is no reason to read no file at all. */
static void
key_files_are_read(void **state)
{
	static struct keyfile_key key;

	(void)state;
	lacks = ",DES-EDE3-CBC,AES-256-CBC,";
	assert_int_equal(keyfile_init(), 0);
	assert_int_equal(keyfile_read((const uint8_t *)openssh_clear, strlen(openssh_clear), NULL, 0,
	    &key), KEYFILE_OK);
	assert_int_equal(keyfile_read((const uint8_t *)pem_3des, strlen(pem_3des), "secret", 6, &key),
	    KEYFILE_UNSUPPORTED);
	assert_int_equal(keyfile_read((const uint8_t *)ppk_encrypted, strlen(ppk_encrypted), "secret", 6,
	    &key), KEYFILE_UNSUPPORTED);
}

/* A KRL of one section, with one entry. */
static size_t
one_entry(uint8_t out[128], uint8_t section, struct span entry)
{
	uint8_t data[64];
	struct wr w = wr_of(out, 128), in = wr_of(data, sizeof(data));

	wr_blob(&in, entry, sizeof(data));
	wr_raw(&w, span_of("SSHKRL\n", 8));
	wr_u32(&w, 1);
	for (int i = 0; i < 3; i++)
		wr_u64(&w, 0);
	wr_str(&w, "");
	wr_str(&w, "");
	wr_u8(&w, section);
	wr_blob(&w, wr_span(&in), sizeof(data));
	assert_false(w.bad || in.bad);
	return w.n;
}

/* A KRL is asked for what it says: without SHA-1 only one that has such digests is unfit,
 * and that is said when it is loaded, not by refusing everybody. */
static void
krls_without_sha1(void **state)
{
	static const char key[] = "a key", other[] = "another";
	uint8_t krl[128], digest[HASH_MAX];
	const char *why;
	size_t n;

	(void)state;
	lacks = ",SHA1,";
	assert_int_equal(crypto_init(), 0);
	n = one_entry(krl, 2, span_str(key));
	assert_int_equal(krl_check(krl, n, &why), 0);
	assert_true(krl_revokes(krl, n, (const uint8_t *)key, 5, NULL));
	assert_false(krl_revokes(krl, n, (const uint8_t *)other, 7, NULL));
	assert_int_equal(hash_once(HASH_SHA256, key, 5, digest), 0);
	n = one_entry(krl, 5, span_of(digest, 32));
	assert_int_equal(krl_check(krl, n, &why), 0);
	assert_true(krl_revokes(krl, n, (const uint8_t *)key, 5, NULL));
	assert_false(krl_revokes(krl, n, (const uint8_t *)other, 7, NULL));
	n = one_entry(krl, 3, span_of(digest, 20));
	assert_int_equal(krl_check(krl, n, &why), -1);
	assert_non_null(strstr(why, "SHA-1"));
	assert_true(krl_revokes(krl, n, (const uint8_t *)other, 7, NULL));
}

static int
without(const char *what)
{
	size_t i = (size_t)atoi(what + 1);
	const struct CMUnitTest sign[] = {
		cmocka_unit_test_prestate(what_is_left_to_sign_with, &i) };
	const struct CMUnitTest files[] = { cmocka_unit_test(key_files_are_read) };
	const struct CMUnitTest krls[] = { cmocka_unit_test(krls_without_sha1) };

	if (what[0] == 'f')
		return cmocka_run_group_tests(files, NULL, NULL);
	if (what[0] == 'k')
		return cmocka_run_group_tests(krls, NULL, NULL);
	return i < SIGNATURE_CASES ? cmocka_run_group_tests(sign, NULL, NULL) : 1;
}

static int
in_this_process(const char *what)
{
	size_t i = (size_t)atoi(what);
	const struct CMUnitTest one[] = { cmocka_unit_test_prestate(what_is_left, &i) };
	const struct CMUnitTest monitor[] = {
		cmocka_unit_test_setup_teardown(told_by_name, play_setup, play_teardown),
		cmocka_unit_test_setup_teardown(not_offered, play_setup, play_teardown),
		cmocka_unit_test_setup_teardown(not_asked_for, play_setup, play_teardown),
		cmocka_unit_test_setup_teardown(nothing_left_to_offer, play_setup, play_teardown),
	};

	if (what[0] == 's' || what[0] == 'f' || what[0] == 'k')
		return without(what);
	if (strcmp(what, "monitor") != 0)
		return i < CASES ? cmocka_run_group_tests(one, NULL, NULL) : 1;
	lacks = ",ChaCha20,SHA1,";
	return crypto_init() != 0 || sign_start() != 0 ? 1 : cmocka_run_group_tests(monitor, NULL, NULL);
}

/* ---- this program again ---- */

static void
passes_alone(const char *what)
{
	char *const argv[] = { (char *)(uintptr_t)"provider_test", (char *)(uintptr_t)what, NULL };
	char *const env[] = { NULL };
	posix_spawn_file_actions_t actions;
	int status;
	pid_t pid;

	/* its cases are not ours: without our environment they are not written as ours are */
	assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
	assert_int_equal(posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO), 0);
	assert_int_equal(posix_spawn(&pid, "/proc/self/exe", &actions, NULL, argv, env), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	(void)posix_spawn_file_actions_destroy(&actions);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
providers_that_lack_or_lie(void **state)
{
	(void)state;
	for (unsigned i = 0; i < CASES; i++) {
		char what[8];

		(void)snprintf(what, sizeof(what), "%u", i);
		passes_alone(what);
	}
}

static void
signatures_that_the_provider_lacks(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SIGNATURE_CASES; i++) {
		char what[8];

		(void)snprintf(what, sizeof(what), "s%u", i);
		passes_alone(what);
	}
}

static void
key_files_whatever_the_provider_lacks(void **state)
{
	(void)state;
	passes_alone("f");
}

static void
krls_of_what_the_provider_has(void **state)
{
	(void)state;
	passes_alone("k");
}

static void
what_is_missing_is_not_offered(void **state)
{
	(void)state;
	passes_alone("monitor");
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(providers_that_lack_or_lie),
		cmocka_unit_test(signatures_that_the_provider_lacks),
		cmocka_unit_test(key_files_whatever_the_provider_lacks),
		cmocka_unit_test(krls_of_what_the_provider_has),
		cmocka_unit_test(what_is_missing_is_not_offered),
	};

	return argc == 2 ? in_this_process(argv[1]) : cmocka_run_group_tests(tests, NULL, NULL);
}
