/* mem_test.c - wiping, comparing, and memory for secrets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/crypto.h"

static void
equal_sees_every_bit(void **state)
{
	uint8_t a[64], b[64];

	(void)state;
	for (size_t i = 0; i < sizeof(a); i++)
		a[i] = (uint8_t)(i * 7);
	memcpy(b, a, sizeof(b));
	for (size_t n = 0; n <= sizeof(a); n++)
		assert_true(crypto_equal(a, b, n));
	for (size_t bit = 0; bit < 8 * sizeof(a); bit++) {
		b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(crypto_equal(a, b, sizeof(a)));
		assert_true(crypto_equal(a, b, bit / 8));
		b[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void
wipe_leaves_nothing_and_nothing_more(void **state)
{
	uint8_t a[32];

	(void)state;
	for (size_t n = 0; n <= sizeof(a); n++) {
		memset(a, 0xa5, sizeof(a));
		crypto_wipe(a, n);
		for (size_t i = 0; i < sizeof(a); i++)
			assert_int_equal(a[i], i < n ? 0 : 0xa5);
	}
	crypto_wipe(NULL, 0);
}

static void
secret_memory_is_zeroed_writable_and_apart(void **state)
{
	static const size_t sizes[] = { 1, 15, 16, 17, 4031, 4032, 4033, 70000, 1 << 20 };
	uint8_t *p[sizeof(sizes) / sizeof(sizes[0])];

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		p[i] = crypto_secret_alloc(sizes[i]);
		assert_non_null(p[i]);
		assert_int_equal((uintptr_t)p[i] % 16, 0);
		for (size_t j = 0; j < sizes[i]; j++)
			assert_int_equal(p[i][j], 0);
		memset(p[i], (int)i + 1, sizes[i]);
	}
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (size_t j = 0; j < sizes[i]; j++)
			assert_int_equal(p[i][j], i + 1);
		crypto_secret_free(p[i]);
	}
	crypto_secret_free(NULL);
}

static void
secret_memory_refuses_silly_sizes(void **state)
{
	(void)state;
	assert_null(crypto_secret_alloc(0));
	assert_null(crypto_secret_alloc((1 << 20) + 1));
	assert_null(crypto_secret_alloc(SIZE_MAX));
	assert_null(crypto_secret_alloc(SIZE_MAX - 64));
}

/* What the kernel says of the mapping that holds p. */
static void
vm_flags(const void *p, char *flags, size_t cap)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	char line[512];
	uintptr_t from, to;
	int here = 0;

	assert_non_null(f);
	flags[0] = '\0';
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &from, &to) == 2)
			here = (uintptr_t)p >= from && (uintptr_t)p < to;
		if (here && strncmp(line, "VmFlags:", 8) == 0)
			(void)snprintf(flags, cap, "%s ", line + 8);
	}
	(void)fclose(f);
}

static void
secret_memory_is_locked_and_undumpable(void **state)
{
	uint8_t *p = crypto_secret_alloc(100);
	char flags[512];

	(void)state;
	assert_non_null(p);
	vm_flags(p, flags, sizeof(flags));
	assert_non_null(strstr(flags, " lo "));
	assert_non_null(strstr(flags, " dd "));
	crypto_secret_free(p);
}

/* True if a child that runs f(p) ends by a fault. */
static int
child_faults(void (*f)(volatile uint8_t *), uint8_t *p)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		(void)close(STDERR_FILENO);
		(void)signal(SIGSEGV, SIG_DFL);		/* cmocka's is not ours */
		(void)signal(SIGBUS, SIG_DFL);
		f(p);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status);
}

static void
touch(volatile uint8_t *p)
{
	p[0] = 1;
}

static void
touch_page_behind(volatile uint8_t *p)
{
	p[4096] = 1;
}

static void
touch_page_before(volatile uint8_t *p)
{
	p[-4096] = 1;
}

static void
secret_memory_is_guarded(void **state)
{
	uint8_t *p = crypto_secret_alloc(64);

	(void)state;
	assert_non_null(p);
	assert_false(child_faults(touch, p));
	assert_true(child_faults(touch_page_behind, p));
	assert_true(child_faults(touch_page_before, p));
	crypto_secret_free(p);
	assert_true(child_faults(touch, p));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_sees_every_bit),
		cmocka_unit_test(wipe_leaves_nothing_and_nothing_more),
		cmocka_unit_test(secret_memory_is_zeroed_writable_and_apart),
		cmocka_unit_test(secret_memory_refuses_silly_sizes),
		cmocka_unit_test(secret_memory_is_locked_and_undumpable),
		cmocka_unit_test(secret_memory_is_guarded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
