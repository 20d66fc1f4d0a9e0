/*
 * client_trust.c - files of known and of revoked hosts, and the first-contact question.
 *
 * The verdict on a key is the monitor's; here is only what a person or the
 * configuration says to a verdict that is not "known".  The default is no.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/client_hosts.h"
#include "apps/client_log.h"
#include "apps/client_trust.h"

static void
open_list(struct trust *t, const char *list, bool ours)
{
	char *text = strdup(list), *s = text, *word, *path;
	bool is_first;
	int fd;

	if (text == NULL)
		err(255, "strdup");
	while ((word = strsep(&s, " \t")) != NULL) {
		if (*word == '\0' || strcasecmp(word, "none") == 0)
			continue;
		path = client_conf_expand(t->conf, word);
		is_first = ours && t->write_path == NULL;
		if (is_first && (t->write_path = strdup(path)) == NULL)
			err(255, "strdup");
		fd = t->n < TRUST_FILES_MAX ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
		if (fd < 0) {
			if (t->n == TRUST_FILES_MAX || errno != ENOENT)
				client_log_verbose("%s: %s", path,
				    t->n == TRUST_FILES_MAX ? "too many files" : strerror(errno));
			free(path);
			continue;
		}
		/* before it is read: what comes between makes it look changed, no worse */
		if (fstat(fd, &t->seen[t->n]) != 0)
			err(255, "%s", path);
		if (is_first)
			t->writes = t->n;
		t->path[t->n] = path;
		t->fd[t->n++] = fd;
		t->n_own += ours;
	}
	free(text);
}

/* What a file forbids that is not there nobody knows. */
static int
open_revoked(struct trust *t, const char *list)
{
	char *text = client_conf_copy(list), *s = text, *word;
	int r = 0;

	while (r == 0 && (word = client_conf_word(&s)) != NULL) {
		char *path;
		int fd;

		if (strcasecmp(word, "none") == 0)
			continue;
		path = client_conf_expand(t->conf, word);
		fd = t->n_revoked < TRUST_FILES_MAX ?
		    open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
		if (fd >= 0) {
			t->revoked[t->n_revoked++] = fd;
		} else {
			client_log_error("RevokedHostKeys %s: %s: no host key is trusted", path,
			    t->n_revoked == TRUST_FILES_MAX ? "too many files" : strerror(errno));
			r = -1;
		}
		free(path);
	}
	free(text);
	return r;
}

int
client_trust_open(struct trust *t, const struct client_conf *c)
{
	memset(t, 0, sizeof(*t));
	t->conf = c;
	t->writes = TRUST_FILES_MAX;
	if (c->revoked_host_keys != NULL && open_revoked(t, c->revoked_host_keys) != 0) {
		while (t->n_revoked > 0)
			(void)close(t->revoked[--t->n_revoked]);	/* only read */
		return -1;
	}
	open_list(t, c->user_known_hosts, true);
	open_list(t, c->global_known_hosts, false);
	return 0;
}

void
client_trust_free(struct trust *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->path[i]);
	free(t->write_path);
}

static void
remember(struct trust *t, const struct postern_host_key *k)
{
	struct stat *seen = t->writes < t->n ? &t->seen[t->writes] : NULL, now;
	bool same = seen != NULL && stat(t->write_path, &now) == 0 && client_hosts_is(&now, seen);

	if (t->write_path == NULL || k->line[0] == '\0' ||
	    client_hosts_append(t->write_path, k->line) != 0)
		return;
	client_log_error("Warning: permanently added '%s' (%s) to the list of known hosts.",
	    k->host, k->algorithm);
	/* a line of our own behind what was read changes nothing before it */
	if (same && stat(t->write_path, &now) == 0)
		*seen = now;
}

/* yes, no, or the fingerprint itself, on the terminal and nowhere else. */
static bool
ask(const struct trust *t, const struct postern_host_key *k)
{
	FILE *tty = fopen("/dev/tty", "r+e");
	char line[256];
	bool yes = false;

	if (tty == NULL) {
		client_log_error("nobody can be asked whether the host key is right: /dev/tty: %s",
		    strerror(errno));
		return false;
	}
	(void)fprintf(tty, "The authenticity of host '%s' can't be established.\n"
	    "%s key fingerprint is %s.\n", k->host, k->algorithm, k->fingerprint);
	/* whoever stands in its place may have shown a type that asks instead of warning */
	if (k->clash_line != 0 && k->clash_file < t->n)
		(void)fprintf(tty, "A key of another type is known for this host: %s line %u.\n",
		    t->path[k->clash_file], k->clash_line);
	(void)fprintf(tty, "Are you sure you want to continue connecting (yes/no/[fingerprint])? ");
	for (int i = 0; i < 10; i++) {
		(void)fflush(tty);	/* a dead terminal shows at the read below */
		if (fgets(line, sizeof(line), tty) == NULL)
			break;
		line[strcspn(line, "\r\n")] = '\0';
		if (strcasecmp(line, "yes") == 0 || strcmp(line, k->fingerprint) == 0) {
			yes = true;
			break;
		}
		if (strcasecmp(line, "no") == 0)
			break;
		(void)fprintf(tty, "Please type 'yes', 'no' or the fingerprint: ");
	}
	(void)fclose(tty);
	return yes;
}

static void
warn_changed(const struct trust *t, const struct postern_host_key *k)
{
	client_log_error("WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!");
	client_log_error("Somebody may be listening to you right now (man-in-the-middle attack),");
	client_log_error("or the host key of %s has just been changed.", k->host);
	client_log_error("It sent the %s key %s.", k->algorithm, k->fingerprint);
	if (k->clash_file < t->n)
		client_log_error("The key it had before stands in %s line %u.", t->path[k->clash_file],
		    k->clash_line);
}

int
client_trust_check(void *user, postern_transport *transport, uint64_t question,
    const struct postern_host_key *k)
{
	struct trust *t = user;
	bool off = strcasecmp(t->conf->strict, "no") == 0 || strcasecmp(t->conf->strict, "off") == 0;

	(void)transport;
	(void)question;
	if (k->certificate_problem[0] != '\0')
		client_log_error("the certificate of %s is not used: %s", k->host,
		    k->certificate_problem);
	if (k->trust == POSTERN_TRUST_REVOKED) {
		client_log_error("the %s key of %s is marked as revoked: connection refused", k->algorithm,
		    k->host);
		return POSTERN_REFUSE;
	}
	if (k->trust == POSTERN_TRUST_CHANGED) {
		warn_changed(t, k);
		if (!off)
			return POSTERN_REFUSE;
		client_log_error("StrictHostKeyChecking is off: going on without password login.");
		t->forced = true;
		return POSTERN_ACCEPT;
	}
	if (off || strcasecmp(t->conf->strict, "accept-new") == 0) {
		t->unasked = true;
		remember(t, k);
		return POSTERN_ACCEPT;
	}
	if (strcasecmp(t->conf->strict, "ask") == 0 && t->conf->batch <= 0 && ask(t, k)) {
		remember(t, k);
		return POSTERN_ACCEPT;
	}
	client_log_error("no %s host key is known for %s (it sent %s), and StrictHostKeyChecking is \"%s\"",
	    k->algorithm, k->host, k->fingerprint, t->conf->strict);
	return POSTERN_REFUSE;
}
