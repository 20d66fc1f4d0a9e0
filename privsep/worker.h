/* worker.h - what the zygote knows of the worker: its main function. */
#ifndef PRIVSEP_WORKER_H
#define PRIVSEP_WORKER_H

enum { WORKER_FDS_MAX = 1024 };

/* The life of one worker: enters its sandbox, says READY on its link to the
 * monitor, waits for START, serves that one connection, ends the process. */
_Noreturn void worker_main(int monitor_link);
/* Runs every code path that makes a system call or fetches an algorithm, without a
 * peer; the self-test runs it under the trapping filter.  0, or -1. */
int worker_rehearse(void);

#endif
