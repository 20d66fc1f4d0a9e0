/*
 * client_token.c - TOKENS and ENVIRONMENT VARIABLES of ssh_config(5), and ~.
 *
 * What is expanded comes from the user's own files and command line; what is put in
 * may come from a jump host's name or the environment, so the result is bounded and
 * nothing that is not known becomes an empty word.
 */
#include <ctype.h>
#include <err.h>
#include <limits.h>
#include <pwd.h>
#include <sha1.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "apps/client_log.h"
#include "apps/client_token.h"

enum { TOKEN_TEXT_MAX = 8192, NAME_TEXT_MAX = 256 };

struct text { char *out; size_t n, cap; };

static bool
put(struct text *t, const char *s, size_t len)
{
	if (s == NULL || len >= t->cap - t->n)
		return false;
	memcpy(t->out + t->n, s, len);
	t->n += len;
	t->out[t->n] = '\0';
	return true;
}

static const char *
jump(const struct client_conf *c)
{
	return c->jump != NULL && strcasecmp(c->jump, "none") != 0 ? c->jump : "";
}

static const char *
local_host(char out[NAME_TEXT_MAX], bool is_short)
{
	if (gethostname(out, NAME_TEXT_MAX) != 0)
		out[0] = '\0';
	out[NAME_TEXT_MAX - 1] = '\0';
	if (is_short)
		out[strcspn(out, ".")] = '\0';
	return out;
}

bool
client_token_host_fits(const char *host)
{
	for (const char *p = host; *p != '\0'; p++)
		if (isspace((unsigned char)*p) || iscntrl((unsigned char)*p) ||
		    strchr("'`\"$\\;&<>|(){}", *p) != NULL)
			return false;
	return host[0] != '-';
}

bool
client_token_user_fits(const char *user)
{
	for (const char *p = user; *p != '\0'; p++)
		if (iscntrl((unsigned char)*p) || strchr("'`\";&<>|(){}", *p) != NULL ||
		    (*p == ' ' && p[1] == '-') || (*p == '\\' && p[1] == '\0'))
			return false;	/* a word of its own that is an option; the next character's end */
	return user[0] != '-';
}

const char *
client_token_local_user(void)
{
	const struct passwd *pw = getpwuid(getuid());

	return pw != NULL ? pw->pw_name : NULL;
}

char *
client_token_hostname(const struct client_conf *c)
{
	struct client_conf bare = *c;	/* in HostName %h is the name it takes the place of */

	/* who is checked against known_hosts is who a command connects to: once is enough, also
	 * of fe80::1%eth0 */
	if (c->has_host)
		return client_conf_copy(c->hostname);
	bare.hostname = NULL;
	return c->hostname != NULL ? client_token_expand(&bare, c->hostname, TOKENS_HOSTNAME, 0) :
	    client_conf_copy(c->original);
}

/* NULL: it is too long, or said on stderr. */
static const char *
host_of(const struct client_conf *c, char out[NAME_TEXT_MAX])
{
	char *host = c->hostname != NULL ? client_token_hostname(c) : client_conf_copy(c->original);
	bool fits = host != NULL && strlen(host) < NAME_TEXT_MAX;

	if (fits)
		memcpy(out, host, strlen(host) + 1);
	free(host);
	return fits ? out : NULL;
}

static const char *
user_of(const struct client_conf *c)
{
	return c->user != NULL ? c->user : client_token_local_user();
}

static int
port_of(const struct client_conf *c)
{
	return c->port != -1 ? c->port : 22;
}

/* %C: a name for this connection that is short and fits a path. */
static void
hash(const struct client_conf *c, char out[SHA1_DIGEST_STRING_LENGTH])
{
	char name[NAME_TEXT_MAX], host[NAME_TEXT_MAX], port[16];
	const char *part[] = { local_host(name, false), host_of(c, host), port, user_of(c), jump(c) };
	SHA1_CTX sha;

	(void)snprintf(port, sizeof(port), "%d", port_of(c));
	SHA1Init(&sha);
	for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++)
		if (part[i] != NULL)
			SHA1Update(&sha, (const uint8_t *)part[i], strlen(part[i]));
	(void)SHA1End(&sha, out);
}

/* NULL: there is no such token, or nothing to put there. */
static const char *
token(const struct client_conf *c, char t, char buf[NAME_TEXT_MAX])
{
	switch (t) {
	case '%': return "%";
	case 'C': hash(c, buf); return buf;
	case 'd': return c->home;
	case 'h': return host_of(c, buf);
	case 'i': (void)snprintf(buf, NAME_TEXT_MAX, "%u", (unsigned)getuid()); return buf;
	case 'j': return jump(c);
	case 'k': return c->host_key_alias != NULL ? c->host_key_alias : c->original;
	case 'L': return local_host(buf, true);
	case 'l': return local_host(buf, false);
	case 'n': return c->original;
	case 'p': (void)snprintf(buf, NAME_TEXT_MAX, "%d", port_of(c)); return buf;
	case 'r': return user_of(c);
	case 'u': return client_token_local_user();
	default:  return NULL;
	}
}

/* ${NAME} at *s, moved behind it. */
static bool
put_variable(struct text *t, const char **s)
{
	char name[NAME_TEXT_MAX];
	const char *begin = *s + 2, *end = strchr(begin, '}'), *value;
	size_t len = end != NULL ? (size_t)(end - begin) : 0;

	if (len == 0 || len >= sizeof(name)) {
		client_log_error("\"%s\": no name of a variable in ${}", *s);
		return false;
	}
	memcpy(name, begin, len);
	name[len] = '\0';
	if ((value = getenv(name)) == NULL) {
		client_log_error("there is no environment variable %s", name);
		return false;
	}
	*s = end;
	return put(t, value, strlen(value));
}

/* ~ and ~user at the beginning; *s moved behind it. */
static bool
put_home(struct text *t, const struct client_conf *c, const char **s)
{
	char name[NAME_TEXT_MAX];
	size_t len = strcspn(*s + 1, "/");
	const struct passwd *pw;
	const char *home = c->home;

	if (len > 0) {
		if (len >= sizeof(name))
			return false;
		memcpy(name, *s + 1, len);
		name[len] = '\0';
		if ((pw = getpwnam(name)) == NULL) {
			client_log_error("~%s: no such user", name);
			return false;
		}
		home = pw->pw_dir;
	}
	*s += 1 + len;
	return put(t, home, strlen(home));
}

char *
client_token_expand(const struct client_conf *c, const char *s, const char *tokens, unsigned how)
{
	char out[TOKEN_TEXT_MAX] = "", buf[NAME_TEXT_MAX];
	struct text t = { out, 0, sizeof(out) };

	if ((how & TOKEN_HOME) != 0 && *s == '~' && !put_home(&t, c, &s))
		return NULL;
	for (; *s != '\0'; s++) {
		const char *value = s;
		size_t len = 1;

		if ((how & TOKEN_VARIABLES) != 0 && s[0] == '$' && s[1] == '{') {
			if (!put_variable(&t, &s))
				return NULL;
			continue;
		}
		if (*s == '%') {
			value = *++s != '\0' && strchr(tokens, *s) != NULL ? token(c, *s, buf) : NULL;
			if (value == NULL) {
				client_log_error("unknown token %%%.1s", s);
				return NULL;
			}
			len = strlen(value);
		}
		if (!put(&t, value, len)) {
			client_log_error("longer than %d bytes when its tokens are expanded",
			    TOKEN_TEXT_MAX);
			return NULL;
		}
	}
	return client_conf_copy(out);
}

char *
client_conf_expand(const struct client_conf *c, const char *s)
{
	char *out = client_token_expand(c, s, TOKENS_ALL, TOKEN_HOME | TOKEN_VARIABLES);

	if (out == NULL)
		errx(255, "bad path \"%s\"", s);
	return out;
}
