/*
 * auth_interactive.c - the counted lists of RFC 4256: prompts and answers.
 *
 * The counts are the peer's; each turn of a loop here takes bytes, and the count is
 * compared with the bytes that are left before the first turn.  What passes is
 * carried on as it stands, so this is the one place that says it is well-formed.
 */
#include "proto/auth.h"

static bool
list_ok(struct span list, size_t most, size_t item_min, bool has_echo)
{
	struct rd r = rd_of(list);
	uint32_t count = rd_u32(&r);

	if (list.n > most || count > AUTH_PROMPTS_MAX || count > r.n / item_min)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		(void)rd_text(&r, most);
		if (has_echo)
			(void)rd_bool(&r);
	}
	return rd_done(&r);
}

bool
auth_interactive_prompts(struct span prompts)
{
	return list_ok(prompts, AUTH_ANSWERS_MAX, 5, true);
}

bool
auth_interactive_answers(struct span answers)
{
	return list_ok(answers, AUTH_ANSWERS_MAX, 4, false);
}
