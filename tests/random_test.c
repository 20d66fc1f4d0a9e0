/* random_test.c - the generator: that it fills, that it never repeats, above all
 * not in two processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/crypto.h"

enum { PIECE = 32, SIBLINGS = 16 };

static void
fills_every_length_and_no_more(void **state)
{
	static uint8_t buf[5000];
	uint8_t seen;

	(void)state;
	for (size_t n = 0; n < sizeof(buf) - 1; n += n < 100 ? 1 : 331) {
		buf[n] = 0x5a;
		crypto_random(buf, n);
		assert_int_equal(buf[n], 0x5a);
	}
	/* Each place is reached: 64 tries leave a byte zero once in 2^512. */
	for (size_t i = 0; i < 1100; i += 11) {
		seen = 0;
		for (int turn = 0; turn < 64; turn++) {
			memset(buf, 0, 1100);
			crypto_random(buf, 1100);
			seen |= buf[i];
		}
		assert_int_not_equal(seen, 0);
	}
}

/* Over the end of the buffer and of the span between two reseedings. */
static void
does_not_repeat(void **state)
{
	enum { PIECES = 80000 };
	static uint64_t all[PIECES];
	static uint64_t table[1 << 18];
	size_t at;

	(void)state;
	crypto_random(all, 3);
	memset(table, 0, sizeof(table));
	for (size_t i = 0; i < PIECES; i++) {
		crypto_random(&all[i], sizeof(all[i]));
		for (at = all[i] % (1 << 18); table[at] != 0; at = (at + 1) % (1 << 18))
			assert_true(table[at] != all[i]);
		table[at] = all[i];
	}
	for (size_t i = 0; i < 60; i++) {
		static uint8_t big[40000];

		crypto_random(big, sizeof(big));
		memcpy(&all[i], big, sizeof(all[i]));
		for (size_t j = 0; j < i; j++)
			assert_true(all[i] != all[j]);
	}
}

static void
bits_are_balanced(void **state)
{
	static uint8_t buf[1 << 17];
	long ones = 0, expected = (long)sizeof(buf) * 4;

	(void)state;
	crypto_random(buf, sizeof(buf));
	for (size_t i = 0; i < sizeof(buf); i++)
		ones += __builtin_popcount(buf[i]);
	/* 2^20 bits: a standard deviation is 512; ten of them never happen. */
	assert_true(ones > expected - 5120 && ones < expected + 5120);
}

static pid_t
make_child(int raw)
{
	return raw ? (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) : fork();
}

/* All of parent and children must differ; told: whether they call
 * crypto_random_fork, raw: whether libc knows of the clone. */
static void
family_differs(int told, int raw)
{
	uint8_t piece[SIBLINGS + 1][PIECE];
	int fd[2], status;
	pid_t pid;

	crypto_random(piece[0], 7);	/* the buffer is in the middle of its life */
	for (int i = 0; i < SIBLINGS; i++) {
		assert_int_equal(pipe(fd), 0);
		pid = make_child(raw);
		assert_true(pid >= 0);
		if (pid == 0) {
			if (told)
				crypto_random_fork();
			crypto_random(piece[i], PIECE);
			_exit(write(fd[1], piece[i], PIECE) == PIECE ? 0 : 1);
		}
		assert_int_equal(read(fd[0], piece[i], PIECE), PIECE);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		(void)close(fd[0]);
		(void)close(fd[1]);
	}
	crypto_random(piece[SIBLINGS], PIECE);
	for (int i = 0; i <= SIBLINGS; i++)
		for (int j = 0; j < i; j++)
			assert_memory_not_equal(piece[i], piece[j], PIECE);
}

static void
forked_siblings_differ(void **state)
{
	(void)state;
	family_differs(1, 0);
	family_differs(1, 1);
}

static void
siblings_that_forget_differ_too(void **state)
{
	(void)state;
	family_differs(0, 0);
	family_differs(0, 1);
}

static void
fork_call_changes_the_stream_in_place(void **state)
{
	uint8_t a[PIECE], b[PIECE];

	(void)state;
	crypto_random(a, sizeof(a));
	crypto_random_fork();
	crypto_random(b, sizeof(b));
	assert_memory_not_equal(a, b, PIECE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fills_every_length_and_no_more),
		cmocka_unit_test(does_not_repeat),
		cmocka_unit_test(bits_are_balanced),
		cmocka_unit_test(forked_siblings_differ),
		cmocka_unit_test(siblings_that_forget_differ_too),
		cmocka_unit_test(fork_call_changes_the_stream_in_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
