/*
 * api_io.h - what the relay's two files share: api_io.c moves bytes, api_io_new.c makes it.
 */
#ifndef PRIVSEP_API_IO_H
#define PRIVSEP_API_IO_H

#include "privsep/api.h"

enum { FLOW_MAX = 32 * 1024 };

struct flow {
	uint8_t bytes[FLOW_MAX];
	size_t from, n;			/* n bytes wait, from there on */
	bool is_ended;			/* no more will come */
};

struct api_io {
	LIST_ENTRY(api_io) next;
	postern_context *ctx;
	postern_transport *t;		/* NULL: given up */
	uint64_t id;
	struct postern_io object;
	int sock, fd;			/* our end; a copy of the object's, -1: none */
	uint32_t sock_events, fd_events;	/* what the loop watches; 0: it does not */
	struct flow in, out;		/* to the worker, from the worker */
	bool is_begun, is_busy, is_over;
	unsigned lies;			/* of its descriptor, one after the other */
	bool is_resting;		/* ...too many: looked at like one without */
	struct api_deadline look;	/* the next one */
};

#endif
