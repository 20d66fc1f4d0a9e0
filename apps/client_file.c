/*
 * client_file.c - the lines of ssh_config(5) files: Host, Match and Include say which
 * of them count.
 *
 * The files are the user's own and are read with the user's rights.  A file that is
 * included counts where its Include does, and what it says of hosts ends with it.
 */
#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/client_log.h"
#include "apps/client_match.h"
#include "apps/client_token.h"

enum { FILE_DEPTH_MAX = 16, FILES_MAX = 256 };	/* of files that include two each: 2^16 */

/* counts: within a file that is included where nothing counts, nothing may.  guarded: nobody
 * else may write it, as Match exec runs what it says; -F is the caller's own choice. */
struct file { const char *host; bool counts, active; unsigned depth; bool guarded; unsigned *files; };

static int read_file(struct client_conf *, const char *path, struct file *, bool must_exist);

/* Relative names are in ~/.ssh, where this program's own file is. */
static int
include_pattern(struct client_conf *c, const char *word, struct file *f, const char *where)
{
	char *path = client_token_expand(c, word, "%", TOKEN_HOME | TOKEN_VARIABLES), *whole = NULL;
	glob_t g = { 0 };
	int r = -1, found;

	if (path == NULL || asprintf(&whole, "%s%s%s", path[0] == '/' ? "" : c->home,
	    path[0] == '/' ? "" : "/.ssh/", path) < 0) {
		free(path);
		return -1;
	}
	found = glob(whole, 0, NULL, &g);
	if (found != 0 && found != GLOB_NOMATCH) {
		client_log_error("%s: Include %s: cannot be read", where, word);
	} else {
		r = 0;
		for (size_t i = 0; found == 0 && i < g.gl_pathc; i++) {
			struct file inner = { f->host, f->active, f->active, f->depth + 1,
				f->guarded, f->files };

			if (read_file(c, g.gl_pathv[i], &inner, false) != 0)
				r = -1;
		}
	}
	globfree(&g);
	free(path);
	free(whole);
	return r;
}

static int
include(struct client_conf *c, char *args, struct file *f, const char *where)
{
	char *word;
	int r = 0;
	bool any = false;

	if (f->depth >= FILE_DEPTH_MAX) {
		client_log_error("%s: Include goes deeper than %d files", where, FILE_DEPTH_MAX);
		return -1;
	}
	while ((word = client_conf_word(&args)) != NULL) {
		any = true;
		if (include_pattern(c, word, f, where) != 0)
			r = -1;
	}
	if (!any)
		client_log_error("%s: Include wants a value", where);
	return any ? r : -1;
}

static void
trim_end(char *s)
{
	size_t n = strlen(s);

	while (n > 0 && isspace((unsigned char)s[n - 1]))
		s[--n] = '\0';
}

static int
one_line(struct client_conf *c, char *line, struct file *f, const char *where)
{
	char *name, *args;
	int r;

	if (client_conf_split(line, &name, &args) == 0)
		return 0;
	if (strcasecmp(name, "Host") == 0) {
		trim_end(args);
		f->active = f->counts && client_match_patterns(args, f->host);
		return 0;
	}
	if (strcasecmp(name, "Match") == 0) {
		r = client_match_line(c, args, f->counts, where);
		f->active = r > 0;
		return r < 0 ? -1 : 0;
	}
	if (strcasecmp(name, "Include") == 0)
		return include(c, args, f, where);
	return f->active ? client_conf_line(c, name, args, where) : 0;
}

static bool
is_ours_alone(FILE *f)
{
	struct stat st;

	return fstat(fileno(f), &st) == 0 && (st.st_uid == 0 || st.st_uid == getuid()) &&
	    (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static int
read_file(struct client_conf *c, const char *path, struct file *about, bool must_exist)
{
	char line[CONF_LINE_MAX], where[PATH_MAX + 32];
	unsigned number = 0;
	int r = 0;
	FILE *f;

	if (++*about->files > FILES_MAX) {
		client_log_error("%s: more than %d files", path, FILES_MAX);
		return -1;
	}
	if ((f = fopen(path, "re")) == NULL) {
		if (!must_exist && (errno == ENOENT || errno == EACCES))
			return 0;
		client_log_error("%s: %s", path, strerror(errno));
		return -1;
	}
	if (about->guarded && !is_ours_alone(f)) {
		client_log_error("Bad owner or permissions on %s", path);
		(void)fclose(f);	/* as below */
		return -1;
	}
	while (fgets(line, sizeof(line), f) != NULL) {
		number++;
		(void)snprintf(where, sizeof(where), "%s line %u", path, number);
		if (strchr(line, '\n') == NULL && !feof(f)) {
			client_log_error("%s: line too long", where);
			r = -1;
			break;
		}
		if (one_line(c, line, about, where) != 0)
			r = -1;
	}
	(void)fclose(f);	/* opened for reading: nothing can be lost */
	return r;
}

int
client_conf_file(struct client_conf *c, const char *path, const char *host, bool must_exist)
{
	unsigned files = 0;
	struct file f = { host, true, true, 0, !must_exist, &files };

	return read_file(c, path, &f, must_exist);
}
