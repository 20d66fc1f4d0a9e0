/* worker.h - what the zygote knows of the worker: its main function. */
#ifndef PRIVSEP_WORKER_H
#define PRIVSEP_WORKER_H

struct sandbox;

enum { WORKER_FDS_MAX = 1024 };

/* The life of one worker: enters its sandbox, says READY on its link to the
 * monitor, waits for START, serves that one connection, ends the process.  The
 * sandbox is the zygote's, as inherited: its layers and report go into READY. */
_Noreturn void worker_main(int monitor_link, struct sandbox *inherited);

/* The self-test, in a throw-away clone.  prepare: before the filter, makes the
 * descriptors that a real worker would be handed.  rehearse: under the trapping
 * filter, runs every code path that makes a system call or fetches an algorithm,
 * without a peer.  0, or -1. */
int worker_rehearse_prepare(void);
int worker_rehearse(void);

#endif
