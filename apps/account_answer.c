/*
 * account_answer.c - an answer as it travels: numbers as they stand in the struct, then
 * its texts, each as far as it goes.
 *
 * Most answers have none, and many are under way when many log in at once: the link has
 * room for few of the longest and for thousands of the usual.  It is read from a process
 * that was a user, so nothing of it is believed before it is whole.
 */
#include <stddef.h>
#include <string.h>

#include "apps/account.h"
#include "apps/session_link.h"

enum { NUMBERS = offsetof(struct account_answer, note),
	GRANT_NUMBERS = offsetof(struct account_grant, permit_open), TEXTS = 5 };

static const struct { size_t at, size; } texts[TEXTS] = {
#define T(field) { offsetof(struct account_answer, field), \
	sizeof(((struct account_answer *)0)->field) }
	T(note), T(grant.permit_open), T(grant.permit_listen), T(grant.environment),
	T(grant.command),
#undef T
};

size_t account_answer_pack(const struct account_answer *a, uint8_t out[ACCOUNT_ANSWER_MAX])
{
	size_t n = NUMBERS;

	memcpy(out, a, NUMBERS);
	memcpy(out + n, &a->grant, GRANT_NUMBERS);
	n += GRANT_NUMBERS;
	for (size_t i = 0; i < TEXTS; i++) {
		const char *text = (const char *)a + texts[i].at;
		size_t len = strlen(text) + 1;

		memcpy(out + n, text, len);
		n += len;
	}
	return n;
}

/* The text at *at of a packet of len bytes, into a field of size: false if it does not
 * end, or does not fit. */
static bool take_text(const uint8_t *packet, size_t len, size_t *at, char *field, size_t size)
{
	size_t n = strnlen((const char *)packet + *at, len - *at);

	if (n == len - *at || n >= size)
		return false;
	memcpy(field, packet + *at, n + 1);
	*at += n + 1;
	return true;
}

bool account_answer_read(const uint8_t *packet, size_t len, struct account_answer *out)
{
	size_t at = NUMBERS + GRANT_NUMBERS;

	memset(out, 0, sizeof(*out));
	if (len < at || len > ACCOUNT_ANSWER_MAX)
		return false;
	memcpy(out, packet, NUMBERS);
	memcpy(&out->grant, packet + NUMBERS, GRANT_NUMBERS);
	for (size_t i = 0; i < TEXTS; i++)
		if (!take_text(packet, len, &at, (char *)out + texts[i].at, texts[i].size))
			return false;
	return at == len && out->head.kind == ACCOUNT_ANSWER && out->verdict >= ACCOUNT_NO &&
	    out->verdict <= ACCOUNT_NO_SUCH_USER && out->has_blocks <= 1 &&
	    account_grant_valid(&out->grant);
}

int account_answer_send(int sock, const struct account_answer *a)
{
	uint8_t packet[ACCOUNT_ANSWER_MAX];

	return session_link_send(sock, packet, account_answer_pack(a, packet), NULL, 0);
}
