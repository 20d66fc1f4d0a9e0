/*
 * client_xauth.c - the display's cookie, from xauth(1).
 *
 * xauth runs with the user's rights and a time limit, since it waits for locks of files
 * that may lie far away.  The display's name comes from the environment and is made of
 * harmless characters, or nothing is run.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "apps/client_log.h"
#include "apps/client_x11_head.h"
#include "apps/client_xauth.h"
#include "apps/program_signals.h"

enum { XAUTH_WAIT_MS = 10 * 1000, XAUTH_TEXT_MAX = 8192, TIMEOUT_SLACK_S = 60 };

extern char **environ;

static int64_t
now_ms(void)
{
	struct timespec ts;

	/* cannot fail for this clock */
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Reads to the end, or until time or room is up. */
static bool
read_all(int fd, char *out, size_t size)
{
	int64_t until = now_ms() + XAUTH_WAIT_MS, left;
	size_t n = 0;
	ssize_t r;

	out[0] = '\0';
	while (n < size - 1 && (left = until - now_ms()) > 0) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (poll(&p, 1, (int)left) <= 0)
			continue;
		r = read(fd, out + n, size - 1 - n);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r == 0;
		n += (size_t)r;
		out[n] = '\0';
	}
	return false;
}

/* Runs it; what it wrote is in out. */
static bool
run(char *const argv[], char *out, size_t size)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int p[2], status = -1;
	pid_t pid = -1;
	bool ok;

	if (pipe2(p, O_CLOEXEC) != 0)
		return false;
	/* without memory for these spawning fails too */
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawnattr_init(&attr);
	ok = program_signals_plan(&attr) == 0 && posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0) == 0 &&
	    posix_spawn_file_actions_adddup2(&actions, p[1], 1) == 0 &&
	    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_RDWR, 0) == 0 &&
	    posix_spawn(&pid, argv[0], &actions, &attr, argv, environ) == 0;
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)posix_spawnattr_destroy(&attr);
	(void)close(p[1]);	/* the child's */
	if (ok) {
		ok = read_all(p[0], out, size);
		if (!ok)
			(void)kill(pid, SIGKILL);	/* it is our child and not reaped yet */
		ok = waitpid(pid, &status, 0) == pid && ok && status == 0;
	}
	(void)close(p[0]);	/* read from only */
	return ok;
}

/* "name:0  MIT-MAGIC-COOKIE-1  0123...": the first of that kind. */
static bool
find_cookie(char *text, uint8_t *cookie)
{
	char *line, *word, *hex;
	size_t n;

	while ((line = strsep(&text, "\n")) != NULL) {
		(void)strtok_r(line, " \t", &hex);	/* the display: we asked for it */
		word = strtok_r(NULL, " \t", &hex);
		if (word == NULL || strcmp(word, X11_PROTOCOL) != 0)
			continue;
		word = strtok_r(NULL, " \t", &hex);
		if (word != NULL && sodium_hex2bin(cookie, X11_COOKIE, word, strlen(word), NULL, &n,
		    NULL) == 0 && n == X11_COOKIE)
			return true;
	}
	return false;
}

static bool
list(const char *program, const char *file, const char *display, uint8_t *cookie)
{
	char text[XAUTH_TEXT_MAX];
	char *argv[] = { (char *)(uintptr_t)program, (char *)(uintptr_t)"-f",
		(char *)(uintptr_t)file, (char *)(uintptr_t)"list", (char *)(uintptr_t)display, NULL };
	char *plain[] = { argv[0], argv[3], argv[4], NULL };
	bool ok = run(file != NULL ? argv : plain, text, sizeof(text)) && find_cookie(text, cookie);

	sodium_memzero(text, sizeof(text));
	return ok;
}

/* A cookie of its own, in a file of its own that is gone when this returns. */
static bool
generate(const char *program, const char *display, int timeout_s, uint8_t *cookie)
{
	char dir[] = "/tmp/postern-xauth-XXXXXX", file[64], seconds[16], text[XAUTH_TEXT_MAX];
	bool ok;

	if (mkdtemp(dir) == NULL)
		return false;
	(void)snprintf(file, sizeof(file), "%s/x", dir);
	/* the display forgets it a little later than we refuse connections */
	(void)snprintf(seconds, sizeof(seconds), "%d", timeout_s == 0 ||
	    timeout_s > INT32_MAX - TIMEOUT_SLACK_S ? timeout_s : timeout_s + TIMEOUT_SLACK_S);
	char *argv[] = { (char *)(uintptr_t)program, (char *)(uintptr_t)"-f", file,
		(char *)(uintptr_t)"generate", (char *)(uintptr_t)display,
		(char *)(uintptr_t)X11_PROTOCOL, (char *)(uintptr_t)"untrusted",
		(char *)(uintptr_t)"timeout", seconds, NULL };
	ok = run(argv, text, sizeof(text)) && list(program, file, display, cookie);
	/* either may never have been made */
	(void)unlink(file);
	(void)rmdir(dir);
	return ok;
}

bool
client_xauth_cookie(const char *program, const char *display, bool untrusted, int timeout_s,
    uint8_t *cookie)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789.:/-_";
	char name[256];

	if (strspn(display, plain) != strlen(display) || display[0] == '-')
		return false;
	/* xauth keeps what is reached over this host's own socket as unix:N */
	if ((size_t)snprintf(name, sizeof(name), "%s%s",
	    strncmp(display, "localhost:", 10) == 0 ? "unix" : "",
	    strncmp(display, "localhost:", 10) == 0 ? display + 9 : display) >= sizeof(name))
		return false;
	if (untrusted)
		return generate(program, display, timeout_s, cookie);
	return list(program, NULL, name, cookie);
}
