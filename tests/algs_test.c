/*
 * algs_test.c - the tables against names.def, and that a process which has called
 * crypto_init needs nothing but memory and getrandom from the kernel.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <openssl/rand.h>
#include <seccomp.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "crypto/keyfile.h"

enum class { CLASS_KEX, CLASS_SIGNATURE, CLASS_USER_SIGNATURE, CLASS_CERTIFICATE, CLASS_USER_CERTIFICATE,
	CLASS_CIPHER, CLASS_MAC,
	CLASS_COMPRESSION };
static const struct {
	enum class class;
	const char *name;
} names[] = {
#define ALG(class_, name_, presets) { CLASS_##class_, name_ },
#include "crypto/names.def"
};
enum { NAMES = sizeof(names) / sizeof(names[0]) };

static void
every_name_has_its_row(void **state)
{
	const struct kex_alg *kex;
	const struct cipher_alg *cipher;
	const struct mac_alg *mac;
	size_t n;

	(void)state;
	for (size_t i = 0; i < NAMES; i++) {
		n = strlen(names[i].name);
		assert_true(n <= NAME_MAX_LEN);
		kex = kex_find(names[i].name, n);
		cipher = cipher_find(names[i].name, n);
		mac = mac_find(names[i].name, n);
		assert_int_equal(kex != NULL, names[i].class == CLASS_KEX);
		assert_int_equal(cipher != NULL, names[i].class == CLASS_CIPHER);
		assert_int_equal(mac != NULL, names[i].class == CLASS_MAC);
		if (kex != NULL)
			assert_string_equal(kex->name, names[i].name);
		if (cipher != NULL)
			assert_string_equal(cipher->name, names[i].name);
		if (mac != NULL)
			assert_string_equal(mac->name, names[i].name);
	}
}

static void
lists_are_in_the_order_of_the_file(void **state)
{
	static const struct { enum alg_class list; enum class class; } lists[] = {
		{ ALG_KEX, CLASS_KEX }, { ALG_CIPHER, CLASS_CIPHER }, { ALG_MAC, CLASS_MAC },
		{ ALG_COMPRESSION, CLASS_COMPRESSION },
	};
	size_t at;

	(void)state;
	for (size_t l = 0; l < sizeof(lists) / sizeof(lists[0]); l++) {
		at = 0;
		for (size_t i = 0; i < NAMES; i++)
			if (names[i].class == lists[l].class)
				assert_string_equal(alg_name(lists[l].list, at++), names[i].name);
		assert_true(at > 0);
		assert_null(alg_name(lists[l].list, at));
		assert_null(alg_name(lists[l].list, SIZE_MAX));
	}
	assert_null(alg_name((enum alg_class)0, 0));
	assert_null(alg_name((enum alg_class)99, 0));
}

static void
names_match_exactly_or_not_at_all(void **state)
{
	char buf[NAME_MAX_LEN + 2];
	size_t n;

	(void)state;
	for (size_t i = 0; i < NAMES; i++) {
		n = strlen(names[i].name);
		(void)snprintf(buf, sizeof(buf), "%sx", names[i].name);
		assert_null(kex_find(buf, n + 1));
		assert_null(cipher_find(buf, n + 1));
		assert_null(mac_find(buf, n + 1));
		buf[n] = '\0';
		assert_null(cipher_find(buf, n + 1));	/* with its NUL */
		assert_null(mac_find(buf, n + 1));
		assert_null(kex_find(buf, n + 1));
		assert_null(cipher_find(buf, n - 1));
		/* One name is another's beginning: both rows exist. */
		if (mac_find(buf, n - 1) != NULL || kex_find(buf, n - 1) != NULL)
			fail();
		buf[0] = (char)(buf[0] - 'a' + 'A');
		assert_null(kex_find(buf, n));
		assert_null(cipher_find(buf, n));
		assert_null(mac_find(buf, n));
	}
	assert_null(kex_find("", 0));
	assert_null(cipher_find("none", 4));
	assert_null(mac_find("none", 4));
}

static void
rows_fit_the_contract(void **state)
{
	(void)state;
	for (size_t i = 0; i < NAMES; i++) {
		const char *name = names[i].name;
		const struct kex_alg *kex = kex_find(name, strlen(name));
		const struct cipher_alg *cipher = cipher_find(name, strlen(name));
		const struct mac_alg *mac = mac_find(name, strlen(name));

		if (kex != NULL) {
			assert_true(kex->client_len <= KEX_PUBLIC_MAX);
			assert_true(kex->server_len <= KEX_PUBLIC_MAX);
			assert_true(kex->secret_len <= KEX_SECRET_MAX);
			/* one kind or the other */
			assert_int_equal(kex_in_group(kex), kex->client_len == 0);
			assert_int_equal(kex_in_group(kex), kex->server_len == 0);
			assert_int_equal(kex_in_group(kex), kex->secret_len == 0);
			assert_false(kex->asks_group && kex->group_bits != 0);
			assert_in_range(kex->group_bits / 8, 0, KEX_GROUP_MAX);
			assert_in_range(KEX_GROUP_MAX, 1, KEX_SECRET_MAX);
			assert_true(hash_size(kex->hash) > 0);
		}
		if (cipher != NULL) {
			assert_true(cipher->key_len <= CIPHER_KEY_MAX);
			assert_true(cipher->iv_len <= CIPHER_IV_MAX);
			assert_true(cipher->tag_len <= CIPHER_TAG_MAX);
			assert_true(cipher->block >= 8);
			assert_true(cipher->max_blocks > 0);
		}
		if (mac != NULL) {
			assert_true(mac->key_len <= MAC_KEY_MAX);
			assert_true(mac->tag_len <= CIPHER_TAG_MAX);
			/* HMAC is never truncated; UMAC has no hash. */
			assert_true(mac->hash == 0 || mac->tag_len == hash_size(mac->hash));
			assert_int_equal(mac->hash == 0, strncmp(name, "umac-", 5) == 0);
			assert_int_equal(mac->etm, strstr(name, "-etm@") != NULL);
		}
	}
}

/* What is tried in a row's place works as that row does, and stands for itself. */
static void
rows_that_are_tried_for_others(void **state)
{
	size_t stood_in = 0;
	const char *name;

	(void)state;
	for (size_t i = 0; (name = alg_name(ALG_KEX, i)) != NULL; i++) {
		const struct kex_alg *kex = kex_find(name, strlen(name));
		const struct kex_alg *other = kex_stand_in(kex);

		assert_non_null(other);
		assert_ptr_equal(kex_stand_in(other), other);
		assert_int_equal(other->secret_is_string, kex->secret_is_string);
		assert_int_equal(kex_in_group(other), kex_in_group(kex));
		if (kex->like == NULL) {
			assert_true(other->start == kex->start && other->answer == kex->answer &&
			    other->finish == kex->finish);
			assert_int_equal(other->client_len, kex->client_len);
			assert_int_equal(other->server_len, kex->server_len);
			assert_int_equal(other->secret_len, kex->secret_len);
		}
		if (other->group_bits != 0)
			assert_int_equal(other->group_bits, KEX_GROUP_BITS_MIN);
		stood_in += other != kex;
	}
	assert_true(stood_in > 0);
}

static void
init_may_be_repeated(void **state)
{
	(void)state;
	assert_int_equal(crypto_init(), 0);
	assert_int_equal(crypto_init(), 0);
}

/* This program again, from the start, with only that variable in its environment. */
static int
run_again(const char *mode, const char *variable)
{
	char *const argv[] = { (char *)(uintptr_t)"algs_test", (char *)(uintptr_t)mode, NULL };
	char *const env[] = { (char *)(uintptr_t)variable, NULL };
	int status;
	pid_t pid;

	assert_int_equal(posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, env), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* The file would leave OpenSSL without a single algorithm. */
static void
no_configuration_file_is_read(void **state)
{
	static const char text[] = "openssl_conf = a\n[a]\nproviders = b\n[b]\nnull = c\n"
	    "[c]\nactivate = 1\n";
	char path[] = "/tmp/algs_test.XXXXXX", variable[64];
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	(void)close(fd);
	(void)snprintf(variable, sizeof(variable), "OPENSSL_CONF=%s", path);
	assert_int_equal(run_again("crypto", variable), 0);
	assert_int_equal(run_again("keyfile", variable), 0);
	assert_int_equal(unlink(path), 0);
}

#ifndef POSTERN_SAN	/* the sanitizers make calls of their own */

/* All that a worker does with this folder; 0, or the step that failed. */
static int
work(void)
{
	static uint8_t packet[4 + 32768 + CIPHER_TAG_MAX];
	static struct kex_state kex_state;
	static struct kex_group group;
	static uint8_t client[KEX_PUBLIC_MAX], server[KEX_PUBLIC_MAX];
	uint8_t ours[KEX_SECRET_MAX], theirs[KEX_SECRET_MAX], digest[HASH_MAX];
	const struct protect_keys keys = { client, server, ours };
	const struct kex_alg *kex;
	struct protect *out, *in;
	const char *c, *m, *k;
	uint32_t length;
	size_t total;

	crypto_random_fork();
	for (int i = 0; i < 3000; i++)
		crypto_random(packet, 1000);
	/* OpenSSL's own generator would ask for the process's id here */
	if (RAND_bytes(packet, 1000) != 1 || RAND_priv_bytes(packet, 1000) != 1)
		return 7;
	for (int id = HASH_SHA1; id <= HASH_SHA512; id++)
		if (hash_once((enum hash_id)id, packet, 1000, digest) != 0)
			return 1;
	for (size_t i = 0; (k = alg_name(ALG_KEX, i)) != NULL; i++) {
		kex = kex_find(k, strlen(k));
		if (kex_group_modp(&group, 2048) != 0 ||
		    kex->start(&kex_state, &group, client) != 0 ||
		    kex->answer(&group, client, server, theirs) != 0 ||
		    kex->finish(&kex_state, &group, server, ours) != 0)
			return 2;
	}
	for (size_t i = 0; (c = alg_name(ALG_CIPHER, i)) != NULL; i++) {
		for (size_t j = 0; (m = alg_name(ALG_MAC, j)) != NULL; j++) {
			out = protect_new(cipher_find(c, strlen(c)), mac_find(m, strlen(m)), &keys, true);
			in = protect_new(cipher_find(c, strlen(c)), mac_find(m, strlen(m)), &keys, false);
			if (out == NULL || in == NULL)
				return 3;
			total = protect_aad(out) + 32768;
			for (uint32_t seq = 0; seq < 4; seq++) {
				if (protect_seal(out, seq, packet, total) != 0)
					return 4;
				packet[total] ^= seq == 3;	/* errors make no call either */
				if (protect_length(in, seq, packet, &length) != 0)
					return 5;
				if ((protect_open(in, seq, packet, total) == 0) != (seq < 3))
					return 6;
			}
			protect_free(out);
			protect_free(in);
		}
	}
	return 0;
}

static void
works_with_memory_and_getrandom_alone(void **state)
{
	static const int allowed[] = { SCMP_SYS(getrandom), SCMP_SYS(mmap), SCMP_SYS(munmap),
	    SCMP_SYS(mremap), SCMP_SYS(brk), SCMP_SYS(exit_group) };
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int status;
	pid_t pid;

	(void)state;
	assert_non_null(filter);
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		assert_int_equal(seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (seccomp_load(filter) != 0)
			_exit(99);
		_exit(work());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	seccomp_release(filter);
	assert_false(WIFSIGNALED(status));
	assert_int_equal(WEXITSTATUS(status), 0);

	/* The filter was there: one more call dies. */
	filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	assert_non_null(filter);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (seccomp_load(filter) == 0)
			(void)getppid();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	seccomp_release(filter);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

#endif

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_name_has_its_row),
		cmocka_unit_test(lists_are_in_the_order_of_the_file),
		cmocka_unit_test(names_match_exactly_or_not_at_all),
		cmocka_unit_test(rows_fit_the_contract),
		cmocka_unit_test(rows_that_are_tried_for_others),
		cmocka_unit_test(init_may_be_repeated),
		cmocka_unit_test(no_configuration_file_is_read),
#ifndef POSTERN_SAN
		cmocka_unit_test(works_with_memory_and_getrandom_alone),
#endif
	};

	if (argc == 2)
		return (strcmp(argv[1], "keyfile") == 0 ? keyfile_init() : crypto_init()) != 0;
	if (crypto_init() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
