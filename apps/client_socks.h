/* client_socks.h - what a program asks of a SOCKS proxy. */
#ifndef APPS_CLIENT_SOCKS_H
#define APPS_CLIENT_SOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SOCKS_NAME_MAX = 255,		/* a host, and SOCKS4's user              */
	SOCKS_TEXT_MAX = 8 + 2 * (SOCKS_NAME_MAX + 1),	/* the longest request     */
	SOCKS_REPLY_MAX = 10 };

enum client_socks_state {
	SOCKS_BAD = -1,			/* reply says so, if there is one          */
	SOCKS_MORE = 0,			/* every byte so far belongs to it         */
	SOCKS_GREETED = 1,		/* send the reply, go on behind `used`     */
	SOCKS_ASKED = 2			/* host and port are there                 */
};

struct client_socks {
	int version;			/* 0 before the first byte, 4 or 5         */
	bool greeted;
	char host[SOCKS_NAME_MAX + 1];
	uint32_t port;
	uint8_t reply[SOCKS_REPLY_MAX];
	size_t reply_len;
};

/* p: what has come and is not used up.  Looks at no byte behind the request. */
enum client_socks_state client_socks_parse(struct client_socks *, const uint8_t *p, size_t n,
    size_t *used);
/* Puts the answer to an ASKED into reply. */
void client_socks_answer(struct client_socks *, bool ok);

#endif
