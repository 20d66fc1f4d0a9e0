/*
 * api_subsystem.c - subsystems that a server serves by itself: a function of the host
 * program, in it or in a process of its own, or a program.
 *
 * The name is the peer's word and chooses among what the application has put here,
 * nothing more: argv and environment are the application's alone.
 */
#include <errno.h>
#include <stdlib.h>

#include "privsep/api.h"

enum { NAME_MAX_LEN = 256, STRINGS_MAX = 1024 };	/* as in SUBSYSTEM_ASK; of argv or envp */

struct api_subsystem {
	LIST_ENTRY(api_subsystem) next;
	char *name;
	void (*handler)(void *user, const char *name, postern_transport *, postern_channel *);
	int (*run)(void *user, const char *name);	/* in a process */
	void *user;
	char **argv, **envp;		/* a program, when there is neither */
};

static void
free_strings(char **list)
{
	for (size_t i = 0; list != NULL && list[i] != NULL; i++)
		free(list[i]);
	free(list);
}

static char **
copy_strings(const char *const *from)
{
	size_t n = 0;
	char **to;

	while (from != NULL && n < STRINGS_MAX && from[n] != NULL)
		n++;
	if (n == STRINGS_MAX)
		return NULL;
	to = calloc(n + 1, sizeof(*to));
	for (size_t i = 0; to != NULL && i < n; i++) {
		to[i] = api_context_copy(span_str(from[i]));
		if (to[i] == NULL) {
			free_strings(to);
			return NULL;
		}
	}
	return to;
}

static void
discard(struct api_subsystem *sub)
{
	LIST_REMOVE(sub, next);
	free(sub->name);
	free_strings(sub->argv);
	free_strings(sub->envp);
	free(sub);
}

void
api_subsystem_discard(postern_server *s)
{
	struct api_subsystem *sub;

	while ((sub = LIST_FIRST(&s->subsystems)) != NULL)
		discard(sub);
}

static struct api_subsystem *
find(const postern_server *s, const char *name)
{
	struct api_subsystem *sub;

	LIST_FOREACH(sub, &s->subsystems, next) {
		if (strcmp(sub->name, name) == 0)
			return sub;
	}
	return NULL;
}

const struct api_subsystem *
api_subsystem_find(const postern_server *s, const char *name)
{
	return find(s, name);
}

static bool
may_still_answer(const postern_channel *ch)
{
	return !ch->is_freed && ch->state == API_OPEN && !ch->t->is_over;
}

void
api_subsystem_serve(const struct api_subsystem *given, postern_channel *ch, uint64_t question)
{
	/* the handler may take itself off the list */
	struct api_subsystem sub = *given;
	postern_transport *t = ch->t;
	char name[NAME_MAX_LEN + 1];
	int r = 0;

	(void)memcpy(name, given->name, strlen(given->name) + 1);
	if (sub.handler == NULL)
		r = api_program_start(ch, &(struct api_program_what){ .argv = sub.argv,
		    .envp = sub.envp, .run = sub.run, .user = sub.user, .name = name });
	api_question_settle(t, question, r == 0 ? POSTERN_ACCEPT : POSTERN_REFUSE, NULL, 0);
	/* without descriptors it was not granted after all */
	if (sub.handler != NULL && may_still_answer(ch) && ch->is_started)
		sub.handler(sub.user, name, t, ch);
}

/* ---- the table ---- */

static int
add(postern_server *s, const char *name, const struct api_subsystem *what)
{
	struct api_subsystem *old = find(s, name), *sub = calloc(1, sizeof(*sub));

	if (sub == NULL)
		return -ENOMEM;
	*sub = *what;
	sub->name = api_context_copy(span_str(name));
	if (sub->name == NULL) {
		free(sub);
		return -ENOMEM;
	}
	if (old != NULL)
		discard(old);
	LIST_INSERT_HEAD(&s->subsystems, sub, next);
	return 0;
}

static int
check(const postern_server *s, const char *name)
{
	int r = api_context_enter(s->ctx);

	if (r < 0)
		return r;
	if (s->is_freed)
		return POSTERN_ESTATE;
	if (name == NULL || name[0] == '\0')
		return -EINVAL;
	return strlen(name) > NAME_MAX_LEN ? -EMSGSIZE : 0;
}

static int
take_back(postern_server *s, const char *name)
{
	struct api_subsystem *old = find(s, name);

	if (old == NULL)
		return POSTERN_ESTATE;
	discard(old);
	return 0;
}

int
postern_server_set_subsystem_handler(postern_server *s, const char *name,
    void (*handler)(void *user, const char *name, postern_transport *, postern_channel *),
    void *user)
{
	struct api_subsystem sub = { .handler = handler, .user = user };
	int r = check(s, name);

	if (r < 0)
		return r;
	return handler == NULL ? take_back(s, name) : add(s, name, &sub);
}

int
postern_server_set_subsystem_process(postern_server *s, const char *name,
    int (*handler)(void *user, const char *name), void *user)
{
	struct api_subsystem sub = { .run = handler, .user = user };
	int r = check(s, name);

	if (r < 0)
		return r;
	return handler == NULL ? take_back(s, name) : add(s, name, &sub);
}

int
postern_server_set_subsystem_program(postern_server *s, const char *name,
    const char *const *argv, const char *const *envp)
{
	struct api_subsystem sub = { 0 };
	int r = check(s, name);

	if (r < 0)
		return r;
	if (argv == NULL)
		return take_back(s, name);
	/* a path: nothing is looked for along a PATH */
	if (argv[0] == NULL || strchr(argv[0], '/') == NULL)
		return -EINVAL;
	sub.argv = copy_strings(argv);
	sub.envp = copy_strings(envp);
	r = sub.argv != NULL && sub.envp != NULL ? add(s, name, &sub) : -ENOMEM;
	if (r < 0) {
		free_strings(sub.argv);
		free_strings(sub.envp);
	}
	return r;
}
