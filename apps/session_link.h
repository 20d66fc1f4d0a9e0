/* session_link.h - the SEQPACKET links between posternd, its helper and sessions:
 * one packet is one struct of account.h or session.h. */
#ifndef APPS_SESSION_LINK_H
#define APPS_SESSION_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { SESSION_LINK_FDS = 3 };

/* A pair, close-on-exec, both ends O_NONBLOCK.  0 or -errno. */
int session_link_pair(int out[2]);
/* Whole or not at all, never blocks.  0 or -errno; descriptors stay the caller's. */
int session_link_send(int sock, const void *packet, size_t len, const int *fds, size_t n);
/* One packet: its length; 0: the other side is gone; -EAGAIN; -EPROTO: longer than
 * cap, or more descriptors than fit (those that came are closed).  fds may be NULL:
 * then none are taken. */
ssize_t session_link_recv(int sock, void *buf, size_t cap, int fds[SESSION_LINK_FDS],
    size_t *n);
/* Closes what the other side has sent, or a link in which such things may wait unread,
 * whatever that takes, without waiting for it. */
void session_link_discard(const int *fds, size_t n);
/* For a local socket before it is connected or listens: nobody at its other end can put
 * descriptors into it, where the kernel has that (Linux 6.16).  Elsewhere whoever has it
 * last must reckon with some. */
void session_link_bytes_only(int sock);
/* Does text end within its field? */
bool session_link_text(const char *field, size_t size);
/* Copies text into a field; false if it does not fit. */
bool session_link_put(char *field, size_t size, const char *text);

#endif
