/*
 * worker_main.c - what a clone of the zygote does with its life.
 *
 * The sandbox comes before everything: after it the process can reach its links and
 * what they bring, and nothing else, until it ends.  It says READY, is given one
 * connection, serves it, and exits without running anything that libraries may have
 * left for the exit.
 */
#include <unistd.h>

#include "privsep/sandbox.h"
#include "privsep/worker_tell.h"

/* In zero pages until it is used: a spare worker owns next to nothing. */
static struct worker the_worker;

static _Noreturn void
cannot_start(struct worker *w, const struct sandbox *sb)
{
	struct ipc_BYE m = { .outcome = IPC_RESOURCE, .phase = span_str("start"),
		.side = IPC_LOCAL, .text = span_str(sb->problem) };

	/* if it cannot even be said the monitor sees the end of the process */
	worker_must(w, worker_tell_BYE(w, &m));
	_exit(1);
}

void
worker_main(int monitor_link, struct sandbox *inherited)
{
	struct worker *w = &the_worker;
	struct ipc_READY ready = { 0 };

	worker_init(w, monitor_link);
	if (sandbox_enter_worker(inherited, WORKER_FDS_MAX) != 0)
		cannot_start(w, inherited);
	ready.layers = inherited->layers;
	ready.report = span_str(inherited->report);
	worker_must(w, worker_tell_READY(w, &ready));
	while (worker_turn(w, -1))
		;
	_exit(0);
}
