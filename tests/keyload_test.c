/* keyload.c: the real postern-keyload, with the test as its monitor. */
#include "tests/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>

#include "crypto/keyfile.h"
#include "ipc/ipc.h"
#include "privsep/spawn.h"
#include "tests/keyfile_files.h"
#include "tests/keyfile_samples.h"

struct keyload {
	int link, pidfd;
	pid_t pid;
};

static char dir[4096];
static uint8_t answer[IPC_MAX_KEY_FORM];

static void
start(struct keyload *k)
{
	int pair[2];

	CHECK(ipc_pair(pair) == 0);
	CHECK(spawn_helper(dir, "postern-keyload", pair[1], &k->pid, &k->pidfd) == 0);
	close(pair[1]);
	k->link = pair[0];
}

static void
ask(struct keyload *k, const char *passphrase, int file, uint8_t schema_xor)
{
	uint8_t schema[IPC_SCHEMA_LEN];
	struct ipc_KEY_FILE m = { .schema = span_of(schema, sizeof(schema)),
		.passphrase = span_str(passphrase), .file = file };

	ipc_schema(schema);
	schema[31] ^= schema_xor;
	CHECK(ipc_send_KEY_FILE(k->link, &m) == 0);
}

static void
ended(struct keyload *k, int want_status)
{
	struct pollfd p = { .fd = k->pidfd, .events = POLLIN };
	int signal = -1, status = -1;

	CHECK(poll(&p, 1, 60000) == 1);
	CHECK(spawn_reap(k->pidfd, &signal, &status) == 1);
	CHECK(signal == 0 && status == want_status);
	close(k->pidfd);
	close(k->link);
}

static void
get_form(struct keyload *k, struct ipc_KEY_FORM *m)
{
	struct pollfd p = { .fd = k->link, .events = POLLIN };
	struct ipc_once once = { { 0 } };
	struct rd r;
	ssize_t n;

	CHECK(poll(&p, 1, 60000) == 1);
	n = ipc_recv_plain(k->link, answer, sizeof(answer));
	CHECK(n > 0);
	CHECK(ipc_admit(IPC_K2M, P_SERVE, K_NONE, &once, answer, (size_t)n, 0, NULL) != NULL);
	r = rd_of(span_of(answer + 1, (size_t)n - 1));
	CHECK(ipc_get_KEY_FORM(&r, NULL, m));
}

/* The result for these bytes as a file; the whole answer in *m. */
static uint32_t
load(const char *bytes, size_t n, const char *passphrase, struct ipc_KEY_FORM *m)
{
	struct keyload k;
	int fd = memfd_create("key", MFD_CLOEXEC);

	CHECK(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
	/* the offset stands at the end: it must not matter */
	start(&k);
	ask(&k, passphrase, fd, 0);
	close(fd);
	get_form(&k, m);
	ended(&k, 0);
	if (m->result != KEYFILE_OK && m->result != KEYFILE_TOKEN)
		CHECK(m->alg.n == 0 && m->blob.n == 0 && m->secret.n == 0 && m->comment.n == 0);
	return m->result;
}

static void
clear_keys(void)
{
	struct ipc_KEY_FORM m;

	for (size_t i = 0; i < sizeof(samples_clear) / sizeof(samples_clear[0]); i++) {
		const struct keyfile_sample *s = &samples_clear[i];

		CHECK(load(s->file, strlen(s->file), "", &m) == KEYFILE_OK);
		CHECK(span_is(m.alg, "ssh-ed25519"));
		CHECK(m.blob.n == 51 && m.secret.n == 32);
		CHECK(span_is(m.comment, s->comment));
	}
}

static void
encrypted_key(void)
{
	const struct keyfile_sample *s = &samples_encrypted[0];
	struct ipc_KEY_FORM m;

	CHECK(load(s->file, strlen(s->file), "", &m) == KEYFILE_NEEDS_PASSPHRASE);
	CHECK(load(s->file, strlen(s->file), "wrong", &m) == KEYFILE_WRONG_PASSPHRASE);
	for (size_t i = 0; i < sizeof(samples_encrypted) / sizeof(samples_encrypted[0]); i++) {
		/* each cipher within the box */
		s = &samples_encrypted[i];
		CHECK(load(s->file, strlen(s->file), SAMPLE_PASSPHRASE, &m) == KEYFILE_OK);
		CHECK(span_is(m.comment, s->comment));
	}
}

/* What OpenSSL and libsodium do for each of them, they do within the box. */
static void
every_format(void)
{
	struct ipc_KEY_FORM m;

	for (size_t i = 0; i < keyfile_files_n; i++) {
		const struct keyfile_file *f = &keyfile_files[i];
		uint32_t result = load(f->text, f->n, KEYFILE_FILES_PASSPHRASE, &m);

		if (keyfile_files_refused(f)) {
			CHECK(result == KEYFILE_UNSUPPORTED || result == KEYFILE_TOO_SHORT ||
			    result == KEYFILE_DAMAGED);
			continue;
		}
		if (result != KEYFILE_OK)
			fprintf(stderr, "%s: %u\n", f->name, result);
		CHECK(result == KEYFILE_OK);
		CHECK(span_eq(m.blob, span_of(f->blob, f->blob_len)));
	}
	CHECK(keyfile_files_n > 100);
}

static void
other_files(void)
{
	static char big[KEYFILE_MAX + 1];
	const struct keyfile_sample *s = &samples_token[0];
	struct ipc_KEY_FORM m;

	CHECK(load(s->file, strlen(s->file), "", &m) == KEYFILE_TOKEN);
	CHECK(span_is(m.alg, s->name) && m.blob.n == 74 && m.secret.n == 0);
	CHECK(span_is(m.comment, s->comment));
	CHECK(load("", 0, "", &m) == KEYFILE_NOT_A_KEY);
	CHECK(load("hello\n", 6, "", &m) == KEYFILE_NOT_A_KEY);
	memset(big, '\n', sizeof(big));
	CHECK(load(big, sizeof(big), "", &m) == KEYFILE_NOT_A_KEY);
	CHECK(load(big, sizeof(big) - 1, "", &m) == KEYFILE_NOT_A_KEY);
	s = &samples_clear[0];
	CHECK(load(s->file, strlen(s->file) / 2, "", &m) == KEYFILE_DAMAGED);
}

/* What would block, or never end, is not even tried. */
static void
no_regular_file(void)
{
	static const char *const paths[] = { "/dev/zero", "/dev/null", "/" };
	struct ipc_KEY_FORM m;
	struct keyload k;
	int fds[2];

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		fds[0] = open(paths[i], O_RDONLY | O_CLOEXEC);
		CHECK(fds[0] >= 0);
		start(&k);
		ask(&k, "", fds[0], 0);
		get_form(&k, &m);
		CHECK(m.result == KEYFILE_NOT_A_KEY);
		ended(&k, 0);
		close(fds[0]);
	}
	CHECK(pipe2(fds, O_CLOEXEC) == 0);
	start(&k);
	ask(&k, "", fds[0], 0);
	get_form(&k, &m);
	CHECK(m.result == KEYFILE_NOT_A_KEY);
	ended(&k, 0);
}

static void
unreadable_descriptor(void)
{
	struct ipc_KEY_FORM m;
	struct keyload k;
	char path[64];
	int fd = memfd_create("key", MFD_CLOEXEC), write_only;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK(write(fd, "x", 1) == 1);
	write_only = open(path, O_WRONLY | O_CLOEXEC);
	CHECK(write_only >= 0);
	start(&k);
	ask(&k, "", write_only, 0);
	get_form(&k, &m);
	CHECK(m.result == KEYFILE_NOT_A_KEY);
	ended(&k, 0);
}

static void
broken_contract(void)
{
	static const uint8_t other[] = { IPC_MSG_FORK, 0, 0, 0, 0, 0, 0, 0, 1 };
	int fds[2] = { 0, 0 };
	struct keyload k;
	uint8_t byte;

	for (int i = 0; i < 5; i++) {
		uint8_t m[1 + 4 + 32 + 4] = { IPC_MSG_KEY_FILE, 0, 0, 0, 32 };

		start(&k);
		if (i == 0)
			ask(&k, "", 0, 1);		/* another build's */
		else if (i == 1)
			CHECK(ipc_send(k.link, span_of(other, sizeof(other)), fds, 1) == 0);
		else if (i == 2)
			CHECK(ipc_send(k.link, span_of(m, sizeof(m)), NULL, 0) == 0);
		else if (i == 3)
			CHECK(ipc_send(k.link, span_of(m, sizeof(m)), fds, 2) == 0);
		else
			CHECK(ipc_send(k.link, span_of(m, sizeof(m) - 1), fds, 1) == 0);
		CHECK(poll(&(struct pollfd){ .fd = k.link, .events = POLLIN }, 1, 10000) == 1);
		CHECK(ipc_recv_plain(k.link, &byte, 1) == 0);
		ended(&k, 1);
	}
}

static void
ends_with_its_link(void)
{
	struct keyload k;

	start(&k);
	close(k.link);
	k.link = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ended(&k, 1);
}

#define BOTH(f) static void test_##f(void **state) { (void)state; child_run_both(f); }
BOTH(clear_keys)
BOTH(encrypted_key)
BOTH(every_format)
BOTH(other_files)
BOTH(no_regular_file)
BOTH(unreadable_descriptor)
BOTH(broken_contract)
BOTH(ends_with_its_link)

static int
find_programs(void **state)
{
	child_path(dir, sizeof(dir), "../libexec");
	return keyfile_files_make(state);
}

static int
forget_programs(void **state)
{
	child_path_free(dir);
	return keyfile_files_forget(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clear_keys),
		cmocka_unit_test(test_encrypted_key),
		cmocka_unit_test(test_every_format),
		cmocka_unit_test(test_other_files),
		cmocka_unit_test(test_no_regular_file),
		cmocka_unit_test(test_unreadable_descriptor),
		cmocka_unit_test(test_broken_contract),
		cmocka_unit_test(test_ends_with_its_link),
	};

	return cmocka_run_group_tests(tests, find_programs, forget_programs);
}
