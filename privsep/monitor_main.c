/*
 * monitor_main.c - the program postern-monitor: its link to the application is
 * descriptor 3, its helpers lie beside it.
 *
 * It is told nothing by arguments or environment.  It ends with the application,
 * whichever way that ends.
 */
#include "privsep/monitor.h"

#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "privsep/sandbox.h"
#include "privsep/spawn.h"

enum { EXIT_SETUP = 71 };

/* The directory of our own executable, read once before anything is given up.  An
 * executable that was replaced while it ran has no name any more: helpers of
 * another build would be refused by their schema anyway. */
static int
helper_dir(char dir[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", dir, PATH_MAX - 1);
	char *slash;

	if (n <= 0 || n >= PATH_MAX - 1)
		return -1;
	dir[n] = 0;
	slash = strrchr(dir, '/');
	if (slash == NULL)
		return -1;
	slash[slash == dir ? 1 : 0] = 0;
	return 0;
}

/* Two descriptors for each worker: as many as we may have. */
static void
raise_descriptors(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) != 0)
		return;
	rl.rlim_cur = rl.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &rl);	/* the old limit holds then */
}

static int
complain(const char *why)
{
	(void)ipc_send_REMARK(SPAWN_LINK_FD, &(struct ipc_REMARK){ .level = IPC_ERROR,
	    .text = span_str(why) });	/* best effort: we end either way */
	return EXIT_SETUP;
}

int
main(void)
{
	struct sandbox box = { 0 };
	char dir[PATH_MAX];
	struct monitor *m;
	pid_t host = getppid();
	int host_pidfd = pidfd_open(host, 0);

	/* the host ended before it could be watched */
	if (host_pidfd < 0 || getppid() != host)
		return EXIT_SETUP;
	if (helper_dir(dir) != 0)
		return complain("the monitor cannot find its own executable");
	raise_descriptors();
	if (crypto_init() != 0)
		return complain(crypto_problem());
	if (sign_start() != 0)
		return complain("the crypto libraries lack a signature algorithm");
	if (sandbox_enter_monitor(&box) != 0)
		return complain(box.problem);
	m = monitor_new(&monitor_os_real, dir, SPAWN_LINK_FD, host_pidfd);
	if (m == NULL)
		return complain("the monitor has no memory or descriptors");
	while (monitor_turn(m, -1))
		;
	monitor_free(m);
	return 0;
}
