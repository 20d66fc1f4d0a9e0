/*
 * zygote_stub.c - a worker that answers questions about itself, in the place of the
 * real one: linked with zygote.c it makes the postern-worker that zygote_test
 * drives.  Started from a folder called "missing", its rehearsal makes a call that
 * the filter does not allow; from "weak", it fails.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "ipc/ipc.h"
#include "privsep/sandbox.h"
#include "privsep/worker.h"

int
worker_rehearse_prepare(void)
{
	return 0;
}

int
worker_rehearse(void)
{
	if (strstr(program_invocation_name, "/missing/") != NULL)
		(void)socket(AF_UNIX, SOCK_STREAM, 0);
	return strstr(program_invocation_name, "/weak/") != NULL ? -1 : 0;
}

static uint64_t
canary(void)
{
	uint64_t c = 0;

#ifdef __x86_64__
	__asm__ volatile("movq %%fs:0x28, %0" : "=r"(c));
#endif
	return c;
}

static void
answer(int link, const struct sandbox *sb, uint8_t question)
{
	uint8_t random[32];
	uint64_t c = canary();

	switch (question) {
	case 'r':
		crypto_random(random, sizeof(random));
		(void)ipc_send(link, span_of(random, sizeof(random)), NULL, 0);
		break;
	case 'c':
		(void)ipc_send(link, span_of(&c, sizeof(c)), NULL, 0);
		break;
	case 't':
		(void)ipc_send(link, span_str(sb->report), NULL, 0);
		break;
	case 'l':
		(void)ipc_send(link, span_of(&sb->layers, sizeof(sb->layers)), NULL, 0);
		break;
	case 's':
		(void)socket(AF_UNIX, SOCK_STREAM, 0);
		break;
	default:
		(void)ipc_send(link, span_of(&question, 1), NULL, 0);
	}
}

_Noreturn void
worker_main(int monitor_link, struct sandbox *inherited)
{
	uint8_t question;
	int fds[IPC_FDS_MAX];
	size_t nfds;
	ssize_t n;

	if (sandbox_enter_worker(inherited, WORKER_FDS_MAX) != 0)
		_exit(2);
	for (;;) {
		struct pollfd p = { .fd = monitor_link, .events = POLLIN };

		(void)ppoll(&p, 1, NULL, NULL);
		n = ipc_recv(monitor_link, &question, 1, fds, &nfds);
		if (n == 1)
			answer(monitor_link, inherited, question);
		else if (n != -EAGAIN)
			_exit(0);
	}
}
