/*
 * conf_view.c - which Match blocks hold for a login, and what the configuration is
 * then.
 *
 * As in sshd: of all blocks that hold, the first line of a keyword wins, and it takes
 * the place of what the global part says, also where lines add to each other.
 * Subsystems alone are added, name by name.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "apps/conf_block.h"
#include "apps/conf_match.h"
#include "apps/conf_number.h"
#include "apps/conf_pattern.h"

/* What posternd calls itself, in the form in which sshd's Version is compared. */
static const char version[] = "Postern_" POSTERN_VERSION;

/* An entry with ! of any group outweighs every other, as in sshd. */
static bool in_group(const struct conf_words *groups, const char *list)
{
	bool found = false;

	for (size_t i = 0; groups != NULL && i < groups->n; i++) {
		int r = conf_pattern_list(list, groups->v[i]);

		if (r < 0)
			return false;
		found = found || r > 0;
	}
	return found;
}

static bool is_port(const char *argument, unsigned port)
{
	uint64_t v;

	return conf_number(argument, 65535, &v) == 0 && v == port;
}

/* missing: the criterion asks for what is not known, and does not hold. */
static bool holds(const struct conf_test *t, const struct conf_who *w, const char **missing)
{
	switch (t->which) {
	case CONF_IS_ALL:
		return true;
	case CONF_IS_USER:
		if (w->user == NULL)
			*missing = "user";
		return w->user != NULL && conf_pattern_list(t->argument, w->user) > 0;
	case CONF_IS_GROUP:
		if (w->user == NULL)
			*missing = "user";
		return in_group(w->groups, t->argument);
	case CONF_IS_HOST:
		if (w->host == NULL)
			*missing = "host";
		return w->host != NULL && conf_pattern_list(t->argument, w->host) > 0;
	case CONF_IS_ADDRESS:
		if (w->address == NULL)
			*missing = "addr";
		return w->address != NULL && conf_pattern_address_list(t->argument, w->address) > 0;
	case CONF_IS_LOCAL_ADDRESS:
		if (w->local == NULL)
			*missing = "laddr";
		return w->local != NULL && conf_pattern_address_list(t->argument, w->local) > 0;
	case CONF_IS_LOCAL_PORT:
		if (w->local_port == 0)
			*missing = "lport";
		return is_port(t->argument, w->local_port);
	case CONF_IS_VERSION:
		return conf_pattern_list(t->argument, version) > 0;
	case CONF_IS_INVALID:
		return w->is_invalid;
	}
	return false;
}

static bool is_in(const struct conf_bits *bits, size_t block)
{
	return (bits->v[block / 8] >> (block % 8) & 1) != 0;
}

const char *conf_match_test(const struct conf *c, const struct conf_who *w,
    struct conf_bits *bits)
{
	const char *missing = NULL;

	*bits = (struct conf_bits){ { 0 } };
	for (size_t i = 0; i < c->n_blocks; i++) {
		const struct conf_block *b = &c->blocks[i];
		/* a file that a block includes holds within that block alone; the outer one
		 * was read before it, so it is judged already */
		bool all = b->outer == 0 || is_in(bits, (size_t)b->outer - 1);

		for (size_t k = 0; k < b->n_tests; k++)
			all = holds(&b->tests[k], w, &missing) && all;
		if (all)
			bits->v[i / 8] |= (uint8_t)(1 << (i % 8));
	}
	return missing;
}

bool conf_match_none(const struct conf_bits *bits)
{
	static const struct conf_bits none;

	return memcmp(bits, &none, sizeof(none)) == 0;
}

/* One line of a block that holds, after those that came before it. */
static int apply(struct conf *view, const struct conf_block_line *l, struct conf_source *s)
{
	size_t id = (size_t)(l->row - conf_rows);

	/* checked when it was read: a subsystem of the same name is all that may clash */
	if (id == CONF_Subsystem ? conf_subsystem(view, l->words[0]) != NULL :
	    view->set[id] && l->row->kind != CONF_EACH)
		return 0;
	if (conf_value_set(view, l->row, l->words, l->n, l->rest, s) < 0)
		return -1;
	view->set[id] = true;
	return 0;
}

static int add_subsystems(struct conf *view, const struct conf *c)
{
	struct conf_words *l = &view->subsystems;

	for (size_t i = 0; i + 1 < c->subsystems.n; i += 2) {
		char **v;

		if (conf_subsystem(view, c->subsystems.v[i]) != NULL)
			continue;
		if (l->n + 2 > CONF_LIST_MAX || (v = reallocarray(l->v, l->n + 2, sizeof(*v))) == NULL)
			return -1;
		l->v = v;
		v[l->n] = strdup(c->subsystems.v[i]);
		v[l->n + 1] = strdup(c->subsystems.v[i + 1]);
		l->n += 2;
		if (v[l->n - 2] == NULL || v[l->n - 1] == NULL)
			return -1;
	}
	return 0;
}

static int fill_in(struct conf *view, const struct conf *c)
{
	for (size_t i = 0; i < CONF_ROWS; i++) {
		if (i == CONF_Subsystem) {
			if (add_subsystems(view, c) < 0)
				return -1;
		} else if (!view->set[i]) {
			if (conf_value_copy(view, c, &conf_rows[i]) < 0)
				return -1;
		}
		view->set[i] = view->set[i] || c->set[i];
	}
	view->port_given = c->port_given;
	view->files = c->files;
	return 0;
}

int conf_match_view(const struct conf *c, const struct conf_bits *bits, struct conf *view)
{
	char *told = NULL;
	size_t len = 0;
	struct conf_source s = { .name = "Match", .out = open_memstream(&told, &len) };
	int r = s.out != NULL ? 0 : -1;

	conf_new(view);
	for (size_t i = 0; r == 0 && i < c->n_blocks; i++)
		for (size_t k = 0; r == 0 && is_in(bits, i) && k < c->blocks[i].n_lines; k++)
			r = apply(view, &c->blocks[i].lines[k], &s);
	if (r == 0)
		r = fill_in(view, c);
	if (r == 0)
		conf_settle_lists(view, &s);
	if (s.errors > 0)
		r = -1;
	if (s.out != NULL)
		(void)fclose(s.out);	/* what was told was told when the file was read */
	free(told);
	if (r < 0)
		conf_free(view);
	return r;
}
