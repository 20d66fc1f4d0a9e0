/*
 * posternd.c - sshd's command line on the public API.
 *
 *   posternd [-Ddeit] [-T] [-C spec] [-f file] [-h hostkey] [-o Keyword=Value] [-p port]
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <bsd/unistd.h>
#include <unistd.h>

#include "apps/posternd_start.h"

static _Noreturn void usage(void)
{
	fprintf(stderr, "posternd %s, libpostern\n"
	    "usage: posternd [-DdeiTt] [-C connection_spec] [-f config_file] [-h host_key_file]\n"
	    "                [-o option] [-p port]\n",
	    POSTERN_VERSION);
	exit(1);
}

static void base_of(const char *path, char *out, size_t size)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash != NULL ? (size_t)(slash - path) : 0;

	if (n >= size)
		n = 0;
	memcpy(out, path, n);
	out[n] = '\0';
}

/* -p and -h are configuration too: they come first, so they win. */
static unsigned configure_options(const struct posternd_options *o, struct conf *c,
    const char *base, FILE *out)
{
	unsigned errors = 0;
	char line[4096];
	int argc = 0, opt;

	while (o->argv[argc] != NULL)
		argc++;
	optind = 0;			/* the C library's own start: read from the beginning */
	while ((opt = getopt(argc, o->argv, POSTERND_OPTIONS)) != -1) {
		const char *keyword = opt == 'p' ? "Port" : opt == 'h' ? "HostKey" : NULL;

		if (opt == 'o') {
			errors += conf_read_option(c, optarg, base, out);
		} else if (keyword != NULL) {
			if (snprintf(line, sizeof(line), "%s \"%s\"", keyword, optarg) >=
			    (int)sizeof(line))
				errors++;
			else
				errors += conf_read_option(c, line, base, out);
			c->port_given = c->port_given || opt == 'p';
		}
	}
	return errors;
}

unsigned posternd_configure(const struct posternd_options *o, struct conf *c, FILE *out)
{
	const char *file = o->file != NULL ? o->file : posternd_path_conf();
	char base[4096];
	unsigned errors;

	conf_new(c);
	base_of(posternd_path_conf(), base, sizeof(base));
	errors = configure_options(o, c, base, out);
	/* only the file that nobody named may be missing */
	if (o->file != NULL || access(file, F_OK) == 0)
		errors += conf_read_file(c, file, base, out);
	if (errors == 0)
		errors += conf_finish_defaults(c, out);
	return errors;
}

static void add_spec(struct posternd_options *o, const char *spec)
{
	size_t n = strlen(o->spec);

	if (snprintf(o->spec + n, sizeof(o->spec) - n, "%s%s", n > 0 ? "," : "", spec) >=
	    (int)(sizeof(o->spec) - n)) {
		fprintf(stderr, "-C: longer than %d bytes\n", POSTERND_SPEC_MAX);
		exit(1);
	}
}

static void parse(int argc, char **argv, struct posternd_options *o)
{
	int opt;

	while ((opt = getopt(argc, argv, POSTERND_OPTIONS)) != -1) {
		switch (opt) {
		case 'C': add_spec(o, optarg); break;
		case 'D': o->foreground = true; break;
		case 'd': o->debug++; break;
		case 'e': o->to_stderr = true; break;
		case 'i': o->inetd = true; break;
		case 'T': o->dump = true; break;
		case 't': o->test = true; break;
		case 'f': o->file = optarg; break;
		case 'h': case 'o': case 'p': break;	/* configure_options */
		default: usage();
		}
	}
	if (o->spec[0] != '\0' && !o->dump) {
		fprintf(stderr, "Config test connection parameters are of no use without -T.\n");
		exit(1);
	}
	if (optind != argc) {
		fprintf(stderr, "Extra argument %s.\n", argv[optind]);
		exit(1);
	}
}

static void standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd < 3);
	if (fd < 0)
		exit(1);
	close(fd);
}

/* The parent waits until the child serves, so its status tells the truth.  Returns
 * in the child with the descriptor to say so on. */
static int daemonise(void)
{
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) != 0 || (pid = fork()) < 0) {
		posternd_log(POSTERN_ERROR, NULL, "fatal: %s", strerror(errno));
		exit(1);
	}
	if (pid > 0) {
		close(ready[1]);
		_exit(read(ready[0], &byte, 1) == 1 ? 0 : 1);
	}
	close(ready[0]);
	if (setsid() < 0 || chdir("/") != 0)
		exit(1);
	return ready[1];
}

static void daemon_is_ready(int ready, bool keep_stderr)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	posternd_log_starting(false);
	if (null >= 0) {
		(void)dup2(null, 0);
		(void)dup2(null, 1);
		if (!keep_stderr)
			(void)dup2(null, 2);
		close(null);
	}
	(void)!write(ready, "", 1);	/* the parent may be gone: nobody is told then */
	close(ready);
}

static bool pid_file_write(const char *path)
{
	FILE *f;

	if (path == NULL)
		return false;
	if ((f = fopen(path, "we")) == NULL) {
		posternd_log(POSTERN_ERROR, NULL, "Couldn't create pid file \"%s\": %s", path,
		    strerror(errno));
		return false;
	}
	fprintf(f, "%ld\n", (long)getpid());
	return fclose(f) == 0;
}

/* After a reload the file is the new daemon's. */
static void pid_file_remove(const char *path)
{
	FILE *f = path != NULL ? fopen(path, "re") : NULL;
	long pid = 0;

	if (f == NULL)
		return;
	if (fscanf(f, "%ld", &pid) == 1 && pid == (long)getpid())
		(void)unlink(path);
	(void)fclose(f);
}

static int test(struct daemon *d)
{
	int r = posternd_start_context(d) < 0 || posternd_hostkey_load(d) < 0;

	posternd_start_undo(d);
	return r;
}

static int serve(struct daemon *d)
{
	const struct posternd_options *o = d->options;
	bool in_background = !o->foreground && o->debug == 0 && !o->inetd;
	bool pid_file = false;
	int ready = -1, in = -1, out = -1, r;

	if (o->inetd && (r = posternd_inetd_open(o->to_stderr || o->debug > 0, &in, &out)) < 0) {
		posternd_log(POSTERN_ERROR, NULL, "fatal: -i: %s", strerror(-r));
		return 255;
	}
	posternd_log_starting(in_background);
	if (in_background)
		ready = daemonise();
	if (posternd_start(d) < 0)
		return 255;
	if (o->inetd) {
		d->draining = true;
		if (posternd_conn_open(d, in, out) == NULL)
			return 255;
	} else {
		if (posternd_listen_open(d) < 0)
			return 255;
		if (geteuid() != 0)
			posternd_log(POSTERN_INFO, NULL, "Not started by root: nobody but uid %u can log in.",
			    (unsigned)geteuid());
		pid_file = pid_file_write(d->conf.pid_file);
	}
	if (ready >= 0)
		daemon_is_ready(ready, o->to_stderr);
	posternd_loop(d);
	if (pid_file)
		pid_file_remove(d->conf.pid_file);
	return d->status;
}

int main(int argc, char **argv)
{
	static struct posternd_options o;
	struct daemon d = { .options = &o, .poll = -1, .signals = -1, .account = -1 };
	bool to_stderr;
	ssize_t n;
	int status;

	standard_fds();
	umask(umask(077) | 022);
	parse(argc, argv, &o);
	if ((o.argv = calloc((size_t)argc + 1, sizeof(*o.argv))) == NULL)
		return 1;
	for (int i = 0; i < argc; i++)
		if ((o.argv[i] = strdup(argv[i])) == NULL)	/* the title overwrites them */
			return 1;
	if (o.file != NULL && (o.file = strdup(o.file)) == NULL)
		return 1;
	setproctitle_init(argc, argv, environ);
	n = readlink("/proc/self/exe", o.exe, sizeof(o.exe) - 1);
	o.exe[n > 0 ? n : 0] = '\0';
	o.cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (posternd_configure(&o, &d.conf, stderr) > 0) {
		conf_free(&d.conf);
		return 1;
	}
	if (sodium_init() < 0)
		return 1;
	to_stderr = o.to_stderr || o.debug > 0 || o.test;
	posternd_log_open(o.debug > 0 ? POSTERN_DEBUG : d.conf.log_level, d.conf.log_facility,
	    to_stderr);
	if (o.dump) {
		status = posternd_dump(&d.conf, &o);
		posternd_start_undo(&d);
		return status;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	if (o.test)
		return test(&d);
	status = serve(&d);
	posternd_start_undo(&d);
	return status;
}
