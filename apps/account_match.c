/*
 * account_match.c - which Match blocks hold for who wants to log in.
 *
 * Groups are asked of NSS, so this runs in the processes of one login, with
 * posternd's rights and before anything of the user's is opened: a process that has
 * become the user can no longer say which restrictions are that user's.
 */
#include "apps/account.h"
#include "apps/conf_match.h"

const struct conf *account_match(const struct conf *c, const struct account_user *u,
    const struct account_from *from, struct conf_bits *bits, struct conf *view)
{
	struct conf_words groups = { 0 };
	/* one account, one name: where NSS takes others for it too, ALICE for alice, none of them
	 * leads past a block about alice.  A name of PasswordFile is its own. */
	const char *user = u->exists && !u->is_virtual ? u->name : from->user;
	struct conf_who who = { .user = user, .host = from->address,
	    .address = from->address, .local = from->local, .local_port = from->local_port,
	    .is_invalid = !u->exists, .groups = &groups };
	int r = 0;

	*bits = (struct conf_bits){ { 0 } };
	if (c->n_blocks == 0)
		return c;
	/* a stand-in's groups are looked up too, and belong to nobody */
	r = account_user_group_names(u, &groups);
	if (!u->exists)
		conf_words_free(&groups);
	if (r == 0)
		(void)conf_match_test(c, &who, bits);	/* what is not known does not hold */
	conf_words_free(&groups);
	if (r == 0 && conf_match_none(bits))
		return c;
	return r == 0 && conf_match_view(c, bits, view) == 0 ? view : NULL;
}
