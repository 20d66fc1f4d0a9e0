/*
 * account_talk.c - rounds of prompts between a check of a login and whoever logs in,
 * as packets on the check's own socket: the helper and posternd only pass them on.
 */
#include <errno.h>
#include <poll.h>

#include "apps/account.h"
#include "apps/session_link.h"

int account_talk_ask(void *user, const struct account_prompts *prompts, struct account_reply *reply)
{
	const int *sock = user;
	struct pollfd p = { .fd = *sock, .events = POLLIN };
	struct account_prompts round = *prompts;
	ssize_t len;

	round.head = (struct account_head){ .kind = ACCOUNT_PROMPTS };
	if (session_link_send(*sock, &round, sizeof(round), NULL, 0) != 0)
		return -1;
	/* no limit of its own: the helper ends this process when nobody answers */
	while ((len = session_link_recv(*sock, reply, sizeof(*reply), NULL, NULL)) == -EAGAIN)
		if (poll(&p, 1, -1) < 0 && errno != EINTR)
			return -1;
	return len > 0 && account_reply_valid(reply, (size_t)len) ? 0 : -1;
}
