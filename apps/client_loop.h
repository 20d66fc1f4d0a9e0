/* client_loop.h - the client's one loop: descriptors, times, and the library's events. */
#ifndef APPS_CLIENT_LOOP_H
#define APPS_CLIENT_LOOP_H

#include <postern.h>
#include <stdbool.h>
#include <sys/queue.h>

/* Something that lives in the loop and is ended with it; the first member of its
 * struct.  end frees it, and calls nobody back. */
struct client_part {
	TAILQ_ENTRY(client_part) next;
	struct client_loop *loop;
	void (*end)(struct client_part *);
};

/* What a channel's user pointer is: told when the channel is over. */
struct client_owner {
	void (*closed)(struct client_owner *, postern_channel *);
};

struct client_watch;
/* revents 0: the watch's time is up. */
typedef void client_watch_ready(void *user, short revents);

struct client_loop {
	postern_context *context;
	postern_transport *transport;	/* whose end is the loop's                 */
	bool is_over;
	int result;			/* of that end                             */
	TAILQ_HEAD(, client_watch) watches;
	TAILQ_HEAD(, client_call) calls;
	TAILQ_HEAD(, client_part) parts;
	struct pollfd *polled;
	size_t n_watches, room;
};

void client_loop_init(struct client_loop *, postern_context *);
void client_loop_free(struct client_loop *);	/* ends its parts too */

void client_loop_join(struct client_loop *, struct client_part *,
    void (*end)(struct client_part *));
void client_loop_leave(struct client_part *);

/* fd may be -1: then only a deadline wakes it.  events 0: not asked about at all. */
struct client_watch *client_loop_watch(struct client_loop *, int fd, short events,
    client_watch_ready *, void *user);
void client_watch_events(struct client_watch *, short events);
void client_watch_deadline(struct client_watch *, int ms);	/* once; -1: none */
void client_watch_end(struct client_watch *);			/* NULL is fine */

/* Tells when an async call is done. */
void client_loop_call(struct client_loop *, uint64_t call, void (*done)(void *user, int result),
    void *user);
/* Waits for something and serves it. */
void client_loop_turn(struct client_loop *);
/* Serves the library's events that are there. */
void client_loop_events(struct client_loop *);

#endif
