/*
 * posternd_authinfo.c - ExposeAuthInfo: by which steps somebody logged in, for the
 * programs of that login.
 *
 * As sshd writes it: a line for each step, its method and, of a key, the key as a .pub
 * file has it.  All of it is known to the peer, who has shown it.  A text that is not
 * whole would say less than was asked for, so then there is none.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/conf_match.h"
#include "apps/posternd.h"

bool posternd_authinfo_wanted(const struct conf *c)
{
	return c->expose_auth_info || conf_match_value(c, CONF_ExposeAuthInfo, 0) != NULL;
}

/* The type is the blob's first string [RFC 4253 6.6]; the monitor has parsed it. */
char *posternd_authinfo_key(const void *blob, size_t len)
{
	const unsigned char *p = blob;
	size_t type = len >= 4 ? (size_t)p[2] << 8 | p[3] : 0;
	size_t room = sodium_base64_encoded_len(len, sodium_base64_VARIANT_ORIGINAL);
	char *text;

	if (type == 0 || type > len - 4 || p[0] != 0 || p[1] != 0 ||
	    (text = malloc(type + 1 + room)) == NULL)
		return NULL;
	memcpy(text, p + 4, type);
	text[type] = ' ';
	sodium_bin2base64(text + type + 1, room, p, len, sodium_base64_VARIANT_ORIGINAL);
	return text;
}

void posternd_authinfo_add(struct conn *c, const char *method, const char *key)
{
	const char *before = c->auth_info != NULL ? c->auth_info : "";
	char *text = NULL;

	if (!posternd_authinfo_wanted(&c->daemon->conf))
		return;
	if (asprintf(&text, "%s%s%s%s\n", before, method, key != NULL ? " " : "",
	    key != NULL ? key : "") < 0)
		text = NULL;
	free(c->auth_info);
	c->auth_info = text;
}
