/*
 * client_change.c - the person is asked for a new password, when a server wants one.
 *
 * What the server says is shown with its control characters made visible; what is typed
 * is shown to nobody and wiped here, and goes to the server by the library alone.
 */
#include <bsd/readpassphrase.h>
#include <bsd/vis.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/client_change.h"
#include "apps/client_log.h"

enum { SECRET_MAX = 1024, TEXT_MAX = 1024, TRIES_MAX = 3 };

static bool
read_twice(char first[SECRET_MAX], char second[SECRET_MAX])
{
	enum { HIDDEN = RPP_REQUIRE_TTY | RPP_ECHO_OFF };

	for (int i = 0; i < TRIES_MAX; i++) {
		if (readpassphrase("Enter new password: ", first, SECRET_MAX, HIDDEN) == NULL ||
		    first[0] == '\0' ||
		    readpassphrase("Retype new password: ", second, SECRET_MAX, HIDDEN) == NULL)
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
	char clean[4 * TEXT_MAX + 1], text[TEXT_MAX], first[SECRET_MAX], second[SECRET_MAX];

	if (c->batch > 0)
		return POSTERN_REFUSE;
	(void)snprintf(text, sizeof(text), "%s", prompt);
	(void)strvis(clean, text, VIS_SAFE | VIS_NOSLASH);
	client_log_error("%s", clean[0] != '\0' ? clean : "The server wants a new password.");
	*new_password = read_twice(first, second) ? strdup(first) : NULL;
	sodium_memzero(first, sizeof(first));
	sodium_memzero(second, sizeof(second));
	return *new_password != NULL ? POSTERN_ACCEPT : POSTERN_REFUSE;
}
