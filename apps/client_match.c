/*
 * client_match.c - the criteria of Match in ssh_config(5).
 *
 * exec runs the user's own shell with what the user's own file says; it is not run
 * when anything before it on the line already fails.  Host and user names that go
 * into its tokens come from the command line.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/client_command.h"
#include "apps/client_log.h"
#include "apps/client_match.h"
#include "apps/client_token.h"

bool
client_match_patterns(const char *patterns, const char *name)
{
	char *text = client_conf_copy(patterns), *s = text, *word;
	bool yes = false, no = false;

	while ((word = strsep(&s, ", \t")) != NULL) {
		if (*word == '\0')
			continue;
		if (*word == '!') {
			if (fnmatch(word + 1, name, 0) == 0)
				no = true;
		} else if (fnmatch(word, name, 0) == 0) {
			yes = true;
		}
	}
	free(text);
	return yes && !no;
}

/* ---- criteria ---- */

static int
is_host(struct client_conf *c, const char *patterns)
{
	char *host = client_token_hostname(c);
	int yes = host != NULL ? client_match_patterns(patterns, host) : -1;

	free(host);
	return yes;
}

static int
is_original(struct client_conf *c, const char *patterns)
{
	return client_match_patterns(patterns, c->original);
}

static int
is_user(struct client_conf *c, const char *patterns)
{
	const char *user = c->user != NULL ? c->user : client_token_local_user();

	return user != NULL && client_match_patterns(patterns, user);
}

static int
is_local_user(struct client_conf *c, const char *patterns)
{
	const char *user = client_token_local_user();

	(void)c;
	return user != NULL && client_match_patterns(patterns, user);
}

/* Nothing is matched by "" alone, as in ssh. */
static bool
is_named(const char *patterns, const char *name)
{
	return name == NULL || name[0] == '\0' ? patterns[0] == '\0' :
	    client_match_patterns(patterns, name);
}

static int
is_tagged(struct client_conf *c, const char *patterns)
{
	return is_named(patterns, c->tag);
}

static int
is_command(struct client_conf *c, const char *patterns)
{
	return is_named(patterns, c->asked);
}

/* As far as it is known where the line stands: SessionType above it counts. */
static int
is_session_type(struct client_conf *c, const char *patterns)
{
	const char *type = c->asked != NULL && c->asked[0] != '\0' ? "exec" : "shell";

	if (c->session_type != NULL && strcasecmp(c->session_type, "subsystem") == 0)
		type = "subsystem";
	else if (c->session_type != NULL && strcasecmp(c->session_type, "none") == 0)
		type = "none";
	return client_match_patterns(patterns, type);
}

static int
is_version(struct client_conf *c, const char *patterns)
{
	(void)c;
	return client_match_patterns(patterns, "Postern_" POSTERN_VERSION);
}

/* As ssh: with the user's shell, no input, nothing shown but errors. */
static int
runs_well(struct client_conf *c, const char *text)
{
	char *command = client_token_expand(c, text, TOKENS_ALL, 0);
	int status = -1;
	pid_t pid;

	if (command == NULL)
		return -1;
	if ((pid = fork()) == 0) {
		int null = open("/dev/null", O_RDWR);

		if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
			_exit(1);
		client_command_become("exec ", command);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	client_log_verbose("Match exec '%s': status %d", command,
	    WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	free(command);
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

struct network { int family; unsigned char bytes[16]; unsigned bits; };

/* address, or address/bits. */
static bool
parse_network(const char *text, struct network *out)
{
	char address[INET6_ADDRSTRLEN], *end;
	size_t len = strcspn(text, "/");
	unsigned long bits;

	if (len >= sizeof(address))
		return false;
	memcpy(address, text, len);
	address[len] = '\0';
	*out = (struct network){ .family = AF_INET, .bits = 32 };
	if (inet_pton(AF_INET, address, out->bytes) != 1) {
		*out = (struct network){ .family = AF_INET6, .bits = 128 };
		if (inet_pton(AF_INET6, address, out->bytes) != 1)
			return false;
	}
	if (text[len] == '\0')
		return true;
	errno = 0;
	bits = strtoul(text + len + 1, &end, 10);
	if (errno != 0 || end == text + len + 1 || *end != '\0' || bits > out->bits)
		return false;
	out->bits = (unsigned)bits;
	return true;
}

static bool
is_within(const struct network *n, const struct sockaddr *own)
{
	const unsigned char *mine;

	if (own == NULL || own->sa_family != n->family)
		return false;
	mine = n->family == AF_INET ?
	    (const unsigned char *)&((const struct sockaddr_in *)own)->sin_addr :
	    (const unsigned char *)&((const struct sockaddr_in6 *)own)->sin6_addr;
	for (unsigned i = 0; i < n->bits; i++)
		if (((n->bytes[i / 8] ^ mine[i / 8]) & (0x80 >> (i % 8))) != 0)
			return false;
	return true;
}

/* Has this machine an address there? */
static int
is_local_network(struct client_conf *c, const char *list)
{
	char *text = client_conf_copy(list), *s = text, *word;
	bool yes = false, no = false, bad = false;
	struct ifaddrs *all = NULL;
	struct network n;

	(void)c;
	if (getifaddrs(&all) != 0)
		client_log_error("Match localnetwork: %s", strerror(errno));
	while ((word = strsep(&s, ",")) != NULL) {
		bool negated = *word == '!';

		if (!parse_network(word + (negated ? 1 : 0), &n)) {
			client_log_error("Match localnetwork: \"%s\" is no address/bits", word);
			bad = true;
			break;
		}
		for (const struct ifaddrs *i = all; i != NULL; i = i->ifa_next)
			if (is_within(&n, i->ifa_addr)) {
				yes = yes || !negated;
				no = no || negated;
			}
	}
	if (all != NULL)
		freeifaddrs(all);
	free(text);
	return bad ? -1 : yes && !no;
}

static const struct criterion {
	const char *name;
	/* 1, 0, or -1: said on stderr */
	int (*holds)(struct client_conf *, const char *argument);
	bool runs;			/* a program, so only if it still matters */
	bool may_be_empty;		/* "": there is none                      */
} criteria[] = {
	{ "host",         is_host,          false, false },
	{ "originalhost", is_original,      false, false },
	{ "user",         is_user,          false, false },
	{ "localuser",    is_local_user,    false, false },
	{ "localnetwork", is_local_network, false, false },
	{ "tagged",       is_tagged,        false, true  },
	{ "command",      is_command,       false, true  },
	{ "sessiontype",  is_session_type,  false, false },
	{ "version",      is_version,       false, false },
	{ "exec",         runs_well,        true,  false },
};

static const struct criterion *
find(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(criteria) / sizeof(criteria[0]); i++)
		if (strlen(criteria[i].name) == len && strncasecmp(criteria[i].name, name, len) == 0)
			return &criteria[i];
	return NULL;
}

/* Without host names of our own making, "canonical" is the last pass as "final" is. */
static bool
is_last_pass(struct client_conf *c, const char *name)
{
	if (strcasecmp(name, "final") == 0)
		c->wants_final = true;
	return c->is_final;
}

/* One criterion whose name is read, "name" or "name=value": 1, 0 or -1 as the line's. */
static int
judge(struct client_conf *c, const char *name, char **rest, bool may_run, const char *where)
{
	size_t len = strcspn(name, "=");
	const struct criterion *k;
	const char *argument;

	if (strcasecmp(name, "canonical") == 0 || strcasecmp(name, "final") == 0)
		return is_last_pass(c, name);
	if ((k = find(name, len)) == NULL) {
		client_log_error("%s: Match has no criterion \"%s\" in postern", where, name);
		return -1;
	}
	argument = name[len] == '=' ? name + len + 1 : client_conf_word(rest);
	if (argument == NULL || (*argument == '\0' && !k->may_be_empty)) {
		client_log_error("%s: Match %s wants a value", where, k->name);
		return -1;
	}
	return k->runs && !may_run ? 0 : k->holds(c, argument);
}

int
client_match_line(struct client_conf *c, char *line, bool may_run, const char *where)
{
	bool all = may_run, after_pass = true;
	size_t n = 0;
	char *name;

	while ((name = client_conf_word(&line)) != NULL) {
		bool negated = *name == '!';
		int r;

		name += negated ? 1 : 0;
		if (strcasecmp(name, "all") == 0 && !negated) {
			/* alone, or behind canonical and final */
			if (!after_pass || client_conf_word(&line) != NULL) {
				client_log_error("%s: Match: \"all\" stands alone", where);
				return -1;
			}
			return all;
		}
		after_pass = n == 0 && (strcasecmp(name, "canonical") == 0 || strcasecmp(name, "final") == 0);
		if ((r = judge(c, name, &line, all, where)) < 0)
			return -1;
		all = all && (r != 0) != negated;
		n++;
	}
	if (n == 0) {
		client_log_error("%s: Match wants a criterion", where);
		return -1;
	}
	return all;
}
