/*
 * account_principals.c - whom a certificate of a trusted CA may log in as: the lines of
 * AuthorizedPrincipalsFile, read as the user, and of AuthorizedPrincipalsCommand, or else
 * the user's own name.
 *
 * A line is a principal, with options of authorized_keys before it.  One that cannot be
 * read names nobody.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/account_command.h"
#include "apps/account_options.h"
#include "apps/conf.h"

/* A name with a comma is none: who joins names with commas could take it for two. */
static bool is_principal(const struct account_wanted *w, const char *name)
{
	if (strchr(name, ',') != NULL)
		return false;
	for (const char *p = w->principals; *p != '\0'; p += strlen(p) + 1)
		if (strcmp(p, name) == 0)
			return true;
	return false;
}

/* A line without its newline and comment.  False with why "": it names another. */
static bool line_grants(char *p, const struct account_wanted *w, struct account_options *o,
    char why[ACCOUNT_NOTE_MAX])
{
	const struct account_wanted plain = { .user = w->user, .address = w->address,
		.principals = "", .now = w->now };
	char *name, *end;

	p += strspn(p, " \t");
	for (end = p + strlen(p); end > p && (end[-1] == ' ' || end[-1] == '\t'); end--)
		end[-1] = '\0';
	name = end;
	while (name > p && name[-1] != ' ' && name[-1] != '\t')
		name--;
	if (*name == '\0' || !is_principal(w, name))
		return false;
	*o = (struct account_options){ 0 };
	if (name == p)
		return true;
	for (end = name; end > p && (end[-1] == ' ' || end[-1] == '\t'); end--)
		continue;
	if (!account_options_read(o, p, end, w->user_environment, why))
		return false;
	if (o->is_authority || o->has_principals) {
		(void)snprintf(why, ACCOUNT_NOTE_MAX, "an option that means nothing here");
		return false;
	}
	return account_options_allow(o, &plain, why);
}

bool account_principals_search(char *text, size_t len, const struct account_wanted *w,
    struct account_grant *grant, char why[ACCOUNT_NOTE_MAX])
{
	struct account_options *o = malloc(sizeof(*o));
	bool found = false;
	size_t at = 0;

	for (size_t number = 1; o != NULL && at < len && !found; number++) {
		char wrong[ACCOUNT_NOTE_MAX] = "";
		char *line = text + at, *end = memchr(line, '\n', len - at);
		size_t n = end != NULL ? (size_t)(end - line) : len - at;

		at += n + 1;
		if (n > 0 && line[n - 1] == '\r')
			n--;
		line[n] = '\0';		/* text has a NUL behind its last byte */
		if (n > ACCOUNT_FILE_LINE_MAX || strlen(line) != n) {
			(void)snprintf(why, ACCOUNT_NOTE_MAX, "line %zu: too long, or a NUL", number);
			continue;
		}
		line[strcspn(line, "#")] = '\0';
		found = line_grants(line, w, o, wrong);
		if (wrong[0] != '\0')
			(void)snprintf(why, ACCOUNT_NOTE_MAX, "line %zu: %.400s", number, wrong);
	}
	*grant = found ? o->grant : (struct account_grant){ 0 };
	free(o);
	return found;
}

static bool own_name(const struct account_wanted *w, struct account_grant *grant,
    char why[ACCOUNT_NOTE_MAX])
{
	/* no line that could ask for a touch where the certificate does not */
	*grant = (struct account_grant){ .no_touch_required = 1 };
	if (is_principal(w, w->user))
		return true;
	(void)snprintf(why, ACCOUNT_NOTE_MAX, "the user is no principal of the certificate");
	return false;
}

static const char nobody[] = "no line names a principal of the certificate";

static bool in_file(const struct conf *c, const struct account_user *u,
    const struct account_wanted *w, struct account_grant *grant, char why[ACCOUNT_NOTE_MAX])
{
	char path[ACCOUNT_PATH_MAX], wrong[ACCOUNT_NOTE_MAX] = "", *text = NULL;
	bool found = false;
	size_t len;
	int fd;

	if (account_file_name(c->principals_file, u, path, sizeof(path)) < 0) {
		(void)snprintf(why, ACCOUNT_NOTE_MAX,
		    "AuthorizedPrincipalsFile: path too long, or an unknown %% token");
		return false;
	}
	fd = account_file_open(path, u->home, u->uid, c->strict_modes, wrong);
	if (fd >= 0 && (text = account_file_read(fd, &len, wrong)) != NULL)
		found = account_principals_search(text, len, w, grant, wrong);
	if (!found)
		(void)snprintf(why, ACCOUNT_NOTE_MAX, "%.200s, %.300s", path,
		    wrong[0] != '\0' ? wrong : nobody);
	if (fd >= 0)
		close(fd);
	free(text);
	return found;
}

static bool by_command(struct account_command *command, const struct account_wanted *w,
    struct account_grant *grant, char why[ACCOUNT_NOTE_MAX])
{
	char wrong[ACCOUNT_NOTE_MAX] = "";
	size_t len;
	char *text = account_command_run(command, &len, why);
	bool found = text != NULL && account_principals_search(text, len, w, grant, wrong);

	if (text != NULL && !found)
		(void)snprintf(why, ACCOUNT_NOTE_MAX, "%s, %.300s", command->keyword,
		    wrong[0] != '\0' ? wrong : nobody);
	free(text);
	return found;
}

/* As sshd: the file, then the command; where there is either, the name alone is not enough. */
bool account_principals_fit(const struct conf *c, const struct account_user *u,
    const struct account_wanted *w, struct account_command *command, struct account_grant *grant,
    char why[ACCOUNT_NOTE_MAX])
{
	if (c->principals_file == NULL && command->pid == 0)
		return own_name(w, grant, why);
	return (c->principals_file != NULL && in_file(c, u, w, grant, why)) ||
	    (command->pid > 0 && by_command(command, w, grant, why));
}
