/*
 * account_packet.c - is a packet between posternd, its account helper and a check
 * whole?  Sizes are those of its kind, every text ends within its field, every number
 * is in range; what is not so is a broken contract.
 */
#include <stddef.h>
#include <string.h>

#include "apps/account.h"
#include "apps/session_link.h"

static bool key_valid(const struct account_key_ask *k, size_t len)
{
	return len >= offsetof(struct account_key_ask, blob) && k->len > 0 &&
	    k->len <= ACCOUNT_KEY_MAX && k->is_certificate <= 1 && len == account_key_size(k) &&
	    session_link_text(k->user, sizeof(k->user)) &&
	    session_link_text(k->address, sizeof(k->address)) &&
	    session_link_text(k->local, sizeof(k->local)) &&
	    session_link_text(k->algorithm, sizeof(k->algorithm)) &&
	    (k->is_certificate == 0 || account_certificate_valid(&k->certificate));
}

bool account_packet_valid(const union account_packet *p, size_t len, size_t nfds)
{
	if (len < sizeof(p->head) || nfds != (p->head.kind == ACCOUNT_SESSION ? 1U : 0U))
		return false;
	switch (p->head.kind) {
	case ACCOUNT_DROP:
		return len == sizeof(p->head);
	case ACCOUNT_REPLY:
		return account_reply_valid(&p->reply, len);
	case ACCOUNT_TALK:
	case ACCOUNT_WHO:
		return len == sizeof(p->who) && session_link_text(p->who.user, sizeof(p->who.user)) &&
		    session_link_text(p->who.address, sizeof(p->who.address)) &&
		    session_link_text(p->who.local, sizeof(p->who.local));
	case ACCOUNT_KEY:
		return key_valid(&p->key, len);
	case ACCOUNT_PASSWORD:
		return len == sizeof(p->password) &&
		    session_link_text(p->password.user, sizeof(p->password.user)) &&
		    session_link_text(p->password.address, sizeof(p->password.address)) &&
		    session_link_text(p->password.local, sizeof(p->password.local)) &&
		    session_link_text(p->password.password, sizeof(p->password.password));
	case ACCOUNT_SESSION:
		return len == sizeof(p->session) &&
		    session_link_text(p->session.user, sizeof(p->session.user)) &&
		    session_link_text(p->session.address, sizeof(p->session.address)) &&
		    session_link_text(p->session.local, sizeof(p->session.local)) &&
		    session_link_text(p->session.environment, sizeof(p->session.environment)) &&
		    session_link_text(p->session.auth_info, sizeof(p->session.auth_info)) &&
		    account_environment_valid(p->session.environment);
	case ACCOUNT_RECORD:
		return len == sizeof(p->record) && p->record.is_login <= 1 &&
		    session_link_text(p->record.user, sizeof(p->record.user)) &&
		    session_link_text(p->record.address, sizeof(p->record.address)) &&
		    session_link_text(p->record.line, sizeof(p->record.line));
	}
	return false;
}

size_t account_key_size(const struct account_key_ask *k)
{
	return k->is_certificate != 0 ? sizeof(*k) : offsetof(struct account_key_ask, blob) + k->len;
}

bool account_prompts_valid(const struct account_prompts *p, size_t len)
{
	if (len != sizeof(*p) || p->head.kind != ACCOUNT_PROMPTS || p->n > ACCOUNT_PROMPTS_MAX ||
	    !session_link_text(p->instruction, sizeof(p->instruction)))
		return false;
	for (uint32_t i = 0; i < p->n; i++)
		if (p->echo[i] > 1 || !session_link_text(p->text[i], sizeof(p->text[i])))
			return false;
	return true;
}

bool account_reply_valid(const struct account_reply *r, size_t len)
{
	if (len != sizeof(*r) || r->head.kind != ACCOUNT_REPLY || r->n > ACCOUNT_PROMPTS_MAX)
		return false;
	for (uint32_t i = 0; i < r->n; i++)
		if (!session_link_text(r->answer[i], sizeof(r->answer[i])))
			return false;
	return true;
}
