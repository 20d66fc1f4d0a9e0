/*
 * conf_default.c - a configuration begins empty and ends whole: what no line has
 * set gets the default of the table, read by the same parser.
 */
#include <errno.h>
#include <postern.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/account_pam.h"
#include "apps/conf.h"
#include "apps/conf_match.h"

void conf_new(struct conf *c)
{
	*c = (struct conf){ 0 };
}

void conf_free(struct conf *c)
{
	for (size_t i = 0; i < CONF_ROWS; i++)
		conf_value_free(c, &conf_rows[i]);
	conf_match_free(c);
	*c = (struct conf){ 0 };
}

static void fill_in(struct conf *c, const struct conf_row *row, struct conf_source *s)
{
	char *words[CONF_WORDS_MAX];
	size_t n = 0;

	const char *text = row->fallback;

	/* /run belongs to root */
	if (row == &conf_rows[CONF_PidFile] && geteuid() != 0)
		text = NULL;
	if (text == NULL)
		return;
	if (conf_line_split(text, words, CONF_WORDS_MAX, &n) < 0 ||
	    conf_value_set(c, row, words, n, text, s) < 0)
		conf_complain(s, "%s: the default does not hold", row->name);
	conf_line_free(words, n);
}

/* Lines stand in any order: what an edit is one of is known only now. */
static void settle_algorithms(struct conf *c, const struct conf_row *row, struct conf_source *s)
{
	const char *preset = conf_value_word(&conf_rows[CONF_AlgorithmPreset], c->preset);
	char **at = (char **)(void *)((char *)c + row->offset), list[CONF_ALGORITHMS_MAX];
	int r = postern_edit_preset((int)row->max, preset, *at, list, sizeof(list));

	if (r < 0) {
		conf_complain(s, "%s: %s", row->name, r == -EINVAL ? "no algorithm is left" :
		    postern_strerror(r));
		return;
	}
	free(*at);
	*at = strdup(list);
	if (*at == NULL)
		conf_complain(s, "%s: no memory", row->name);
}

void conf_settle_lists(struct conf *c, struct conf_source *s)
{
	for (size_t i = 0; i < CONF_ROWS; i++)
		if (conf_rows[i].kind == CONF_ALGORITHMS)
			settle_algorithms(c, &conf_rows[i], s);
}

/* A block's edit is one of the same list, and is to leave something of it. */
static void check_block_lists(const struct conf *c, struct conf_source *s)
{
	const char *preset = conf_value_word(&conf_rows[CONF_AlgorithmPreset], c->preset), *edit;
	char list[CONF_ALGORITHMS_MAX];

	for (enum conf_id id = 0; id < CONF_ROWS; id++)
		for (size_t k = 0; conf_rows[id].kind == CONF_ALGORITHMS &&
		    (edit = conf_match_value(c, id, k)) != NULL; k++)
			if (postern_edit_preset((int)conf_rows[id].max, preset, edit, list,
			    sizeof(list)) < 0)
				conf_complain(s, "Match: %s %s: no algorithm is left",
				    conf_rows[id].name, edit);
}

static bool enabled(const struct conf *c, const char *method, size_t len)
{
	if (len == strlen("publickey") && memcmp(method, "publickey", len) == 0)
		return c->pubkey;
	if (len == strlen("password") && memcmp(method, "password", len) == 0)
		return c->password;
	return c->interactive;		/* with or without :pam */
}

/* A list with a method that is switched off can never be completed. */
static void check_methods(const struct conf *c, struct conf_source *s)
{
	size_t usable = 0;

	for (size_t i = 0; i < c->methods.n; i++) {
		const char *p = c->methods.v[i];
		bool whole = true;

		if (strcmp(p, "any") == 0) {
			if (c->methods.n > 1)
				conf_complain(s, "AuthenticationMethods: \"any\" stands alone");
			return;
		}
		while (*p != '\0') {
			size_t len = strcspn(p, ",");

			whole = whole && enabled(c, p, len);
			p += len;
			p += *p == ',';
		}
		usable += whole;
	}
	if (usable == 0)
		conf_complain(s, "AuthenticationMethods: no list has only methods that are "
		    "switched on");
}

static void check_pam(const struct conf *c, struct conf_source *s)
{
	if (c->use_pam && !account_pam_built)
		conf_complain(s, "UsePAM: posternd was built without PAM");
	if (c->use_pam && c->password_file != NULL)
		conf_complain(s, "PasswordFile: not with UsePAM, which has passwords of its own");
	for (size_t i = 0; i < c->methods.n; i++)
		if (!c->use_pam && strstr(c->methods.v[i], "keyboard-interactive:pam") != NULL)
			conf_complain(s, "AuthenticationMethods: keyboard-interactive:pam is of no use "
			    "without UsePAM");
}

/* "any" and "none" are not words of a list: beside others they would say nothing. */
static void stands_alone(const struct conf_words *l, const char *name, struct conf_source *s)
{
	for (size_t i = 0; l->n > 1 && i < l->n; i++)
		if (strcmp(l->v[i], "any") == 0 || strcmp(l->v[i], "none") == 0) {
			conf_complain(s, "%s: \"%s\" stands alone", name, l->v[i]);
			return;
		}
}

void conf_check_permits(const struct conf *c, struct conf_source *s)
{
	stands_alone(&c->permit_open, "PermitOpen", s);
	stands_alone(&c->permit_listen, "PermitListen", s);
}

/* As sshd: nobody is run as root, or as anybody, by omission. */
static void check_command_user(const char *command, const char *user, const char *name,
    struct conf_source *s)
{
	if (command != NULL && user == NULL)
		conf_complain(s, "%s: there is no %sUser to run it as", name, name);
}

unsigned conf_finish_defaults(struct conf *c, FILE *out)
{
	struct conf_source s = { .name = "configuration", .out = out };

	for (size_t i = 0; i < CONF_ROWS; i++)
		if (!c->set[i])
			fill_in(c, &conf_rows[i], &s);
	conf_settle_lists(c, &s);
	check_block_lists(c, &s);
	if (s.errors == 0) {
		check_methods(c, &s);
		conf_check_permits(c, &s);
		check_pam(c, &s);
		check_command_user(c->keys_command, c->keys_command_user,
		    "AuthorizedKeysCommand", &s);
		check_command_user(c->principals_command, c->principals_command_user,
		    "AuthorizedPrincipalsCommand", &s);
	}
	return s.errors;
}
