/*
 * client_change.c - the person is asked for a new password, when a server wants one.
 *
 * What the server says is shown with its control characters made visible, and all says
 * whose it is: a server may name another one.  What is typed is shown to nobody and wiped
 * here, and goes to the server by the library alone.
 */
#include <bsd/readpassphrase.h>
#include <bsd/vis.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/client_change.h"
#include "apps/client_log.h"

enum { SECRET_MAX = 1024, TEXT_MAX = 1536, TRIES_MAX = 3 };

/* (user@host) and the text, made visible: not by VIS_SAFE, which lets a return and a
 * backspace through, and those would write over whose it is. */
static void
put(char clean[4 * TEXT_MAX + 1], const struct client_conf *c, const char *what)
{
	char text[TEXT_MAX];

	(void)snprintf(text, sizeof(text), "(%.255s@%.255s) %.1000s", c->user, c->hostname, what);
	(void)strvis(clean, text, VIS_NOSLASH);
}

static bool
read_twice(const struct client_conf *c, char first[SECRET_MAX], char second[SECRET_MAX])
{
	enum { HIDDEN = RPP_REQUIRE_TTY | RPP_ECHO_OFF };
	char enter[4 * TEXT_MAX + 1], again[4 * TEXT_MAX + 1];

	put(enter, c, "Enter new password: ");
	put(again, c, "Retype new password: ");
	for (int i = 0; i < TRIES_MAX; i++) {
		if (readpassphrase(enter, first, SECRET_MAX, HIDDEN) == NULL ||
		    first[0] == '\0' ||
		    readpassphrase(again, second, SECRET_MAX, HIDDEN) == NULL)
			return false;
		if (strcmp(first, second) == 0)
			return true;
		client_log_error("Mismatch; try again.");
	}
	return false;
}

int
client_change_password(const struct client_conf *c, const char *prompt, char **new_password)
{
	char clean[4 * TEXT_MAX + 1], first[SECRET_MAX], second[SECRET_MAX];

	if (c->batch > 0)
		return POSTERN_REFUSE;
	put(clean, c, prompt[0] != '\0' ? prompt : "The server wants a new password.");
	client_log_error("%s", clean);
	*new_password = read_twice(c, first, second) ? strdup(first) : NULL;
	sodium_memzero(first, sizeof(first));
	sodium_memzero(second, sizeof(second));
	return *new_password != NULL ? POSTERN_ACCEPT : POSTERN_REFUSE;
}
