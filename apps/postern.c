/*
 * postern.c - an SSH client with ssh(1)'s habits, on the public API alone.
 *
 * This program has the user's rights and the user's terminal; it parses no packet
 * and reads no private key.  Everything a server sends reaches it as typed,
 * bounded fields through the library.
 *
 * Exit status: the remote command's; 128 + number if it died from a signal; 255
 * for everything that failed here or on the way.
 */
#include <bsd/unistd.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <postern.h>

#include "apps/client_conf.h"
#include "apps/client_log.h"
#include "apps/client_login.h"
#include "apps/client_net.h"
#include "apps/client_relay.h"
#include "apps/client_trust.h"
#include "apps/client_tty.h"

enum { FAILED = 255, START_WAIT_MS = 120 * 1000, REQUEST_WAIT_MS = 60 * 1000,
	END_WAIT_MS = 30 * 1000, COMMAND_MAX = 32768 };

extern char **environ;

struct client {
	struct client_conf conf;
	const char *config_file;
	char *command;
	int tty;			/* -1: -T, 1: -t, 2: -tt, 0: as configured */
	bool subsystem, no_stdin;
	struct trust trust;
	struct login login;
	postern_context *context;
	postern_transport *transport;
	postern_channel *channel;
	struct postern_client_interface interface;
};

static void __attribute__((noreturn))
usage(void)
{
	(void)fprintf(stderr, "usage: postern [-46CnqsTtv] [-E log] [-F file] [-i key] [-l user]\n"
	    "               [-o Keyword=Value] [-p port] [user@]host [command ...]\n");
	exit(FAILED);
}

/* What ended or refused, with everything that is known about it. */
static int
complain(struct client *c, const char *what, int code)
{
	struct postern_exception e = POSTERN_EXCEPTION;

	/* the story of an earlier failure is none of this one */
	if (c->transport == NULL || postern_transport_get_exception(c->transport, &e) != 0 ||
	    e.code == 0 || (e.code != code && postern_transport_is_active(c->transport))) {
		client_log_error("%s: %s: %s", c->conf.hostname, what, postern_strerror(code));
		return FAILED;
	}
	client_log_error("%s port %d: %s: %s%s%s%s", c->conf.hostname, c->conf.port, what,
	    postern_strerror(e.code), e.text[0] != '\0' ? ": " : "", e.text,
	    e.is_claim ? " (as our worker says)" : "");
	if (e.ours[0] != '\0' || e.theirs[0] != '\0') {
		client_log_error("  we offered:  %s", e.ours);
		client_log_error("  they offer:  %s", e.theirs);
	}
	if (e.phase[0] != '\0')
		client_log_verbose("phase %s, caused by the %s side", e.phase,
		    e.side == POSTERN_PEER ? "server" : e.side == POSTERN_LOCAL ? "client" : "system");
	return FAILED;
}

static void
show_banner(void *user, postern_transport *t, const char *text)
{
	(void)user;
	(void)t;
	if (client_log_level() >= POSTERN_ERROR)
		(void)fputs(text, stderr);	/* made visible by the library */
}

static int
answer_prompts(void *user, postern_transport *t, uint64_t question,
    const struct postern_prompts *p, char **answers)
{
	struct client *c = user;

	(void)t;
	(void)question;
	return client_login_answer_prompts(&c->login, p, answers);
}

static int
check_host_key(void *user, postern_transport *t, uint64_t question,
    const struct postern_host_key *k)
{
	struct client *c = user;

	return client_trust_check(&c->trust, t, question, k);
}

static int
start(struct client *c)
{
	struct postern_options options = POSTERN_OPTIONS;
	struct postern_client_config cfg = POSTERN_CLIENT_CONFIG;
	const struct client_conf *conf = &c->conf;
	int fd, r;

	if ((fd = client_net_connect(conf)) < 0)
		return FAILED;
	if ((r = postern_transport_new(&c->transport, c->context, fd)) != 0)
		return complain(c, "cannot make a transport", r);
	options.kex = conf->kex;
	options.host_keys = conf->host_keys;
	options.signatures = conf->signatures;
	options.ciphers = conf->ciphers;
	options.macs = conf->macs;
	options.compression = conf->compression > 0 ? "zlib@openssh.com,none" : NULL;
	options.rekey_bytes = conf->rekey_bytes;
	options.rekey_interval_ms = conf->rekey_seconds > INT32_MAX / 1000 ? INT32_MAX :
	    conf->rekey_seconds * 1000;
	options.alive_interval_ms = conf->alive_interval > INT32_MAX / 1000 ? INT32_MAX :
	    conf->alive_interval * 1000;
	options.alive_max = (unsigned)conf->alive_max;
	options.login_ms = -1;	/* a person may take their time; the server has its own limit */
	if (conf->connect_timeout > 0 && conf->connect_timeout < INT32_MAX / 1000)
		options.banner_ms = conf->connect_timeout * 1000;
	client_trust_open(&c->trust, conf);
	cfg.host = conf->host_key_alias != NULL ? conf->host_key_alias : conf->hostname;
	cfg.port = conf->host_key_alias != NULL ? 22 : (unsigned)conf->port;
	cfg.known_hosts = c->trust.fd;
	cfg.n_known_hosts = c->trust.n;
	cfg.hash_known_hosts = conf->hash_known_hosts;
	cfg.options = &options;
	cfg.interface.user = c;
	cfg.interface.check_host_key = check_host_key;
	cfg.interface.banner = show_banner;
	cfg.interface.answer_prompts = answer_prompts;
	r = postern_transport_start_client(c->transport, &cfg, START_WAIT_MS);
	return r == 0 ? 0 : complain(c, "cannot start a session", r);
}

static void
send_environment(struct client *c)
{
	for (size_t i = 0; i < c->conf.send_env.n; i++)
		for (char **e = environ; *e != NULL; e++) {
			const char *eq = strchr(*e, '=');
			char name[256];

			if (eq == NULL || (size_t)(eq - *e) >= sizeof(name))
				continue;
			memcpy(name, *e, (size_t)(eq - *e));
			name[eq - *e] = '\0';
			if (fnmatch(c->conf.send_env.word[i], name, 0) == 0)
				/* servers refuse what they do not AcceptEnv: no reply is asked */
				(void)!postern_channel_set_environment_variable(c->channel, name,
				    eq + 1);
		}
	for (size_t i = 0; i < c->conf.set_env.n; i++) {
		char *text = c->conf.set_env.word[i], *eq = strchr(text, '=');

		if (eq == NULL) {
			client_log_error("SetEnv: \"%s\" has no =", text);
			continue;
		}
		*eq = '\0';
		(void)!postern_channel_set_environment_variable(c->channel, text, eq + 1);
		*eq = '=';
	}
}

static bool
wants_pty(const struct client *c)
{
	if (c->tty == -1 || c->subsystem)
		return false;
	if (c->tty == 2 || strcasecmp(c->conf.tty, "force") == 0)
		return true;
	if (!isatty(STDIN_FILENO)) {
		if (c->tty == 1 || strcasecmp(c->conf.tty, "yes") == 0)
			client_log_error("Pseudo-terminal will not be allocated because stdin is not a terminal.");
		return false;
	}
	if (c->tty == 1 || strcasecmp(c->conf.tty, "yes") == 0)
		return true;
	return strcasecmp(c->conf.tty, "no") != 0 && c->command == NULL;
}

static int
ask_for_pty(struct client *c)
{
	struct tty_size size = { 80, 24, 0, 0 };
	uint8_t modes[TTY_MODES_MAX];
	const char *term = getenv("TERM");

	(void)client_tty_size(&size);	/* without a terminal the usual 80x24 stands */
	return postern_channel_get_pty(c->channel, term != NULL ? term : "dumb", size.columns,
	    size.rows, size.width, size.height, modes, client_tty_modes(modes, sizeof(modes)),
	    REQUEST_WAIT_MS);
}

static int
session(struct client *c)
{
	struct relay_options options = { .no_stdin = c->no_stdin || c->conf.stdin_null > 0,
		.escape = -1 };
	struct postern_exit ex = POSTERN_EXIT;
	int r, err_fd = -1;

	if ((r = postern_transport_open_session(c->transport, &c->channel, REQUEST_WAIT_MS)) != 0)
		return complain(c, "cannot open a session", r);
	if (wants_pty(c)) {
		if ((r = ask_for_pty(c)) == 0)
			options.has_pty = true;
		else if (r == POSTERN_EREFUSED)
			client_log_error("PTY allocation request failed");
		else
			return complain(c, "cannot ask for a terminal", r);
	}
	send_environment(c);
	if (!options.has_pty && (err_fd = postern_channel_stderr_fd(c->channel)) < 0)
		return complain(c, "no descriptor for stderr", err_fd);
	if (options.has_pty && isatty(STDIN_FILENO) && strcasecmp(c->conf.escape, "none") != 0)
		options.escape = (unsigned char)c->conf.escape[0];
	if (c->subsystem)
		r = postern_channel_invoke_subsystem(c->channel, c->command, REQUEST_WAIT_MS);
	else if (c->command != NULL)
		r = postern_channel_exec_command(c->channel, c->command, REQUEST_WAIT_MS);
	else
		r = postern_channel_invoke_shell(c->channel, REQUEST_WAIT_MS);
	if (r != 0)
		return complain(c, c->subsystem ? "subsystem request failed" :
		    c->command != NULL ? "request for the command failed" :
		    "request for a shell failed", r);
	r = client_relay_run(c->context, c->transport, c->channel, err_fd, &options);
	if (r == RELAY_QUIT)
		return FAILED;
	r = postern_channel_recv_exit_status(c->channel, &ex, END_WAIT_MS);
	if (r == POSTERN_ECLOSED) {
		client_log_verbose("the server closed the channel without an exit status");
		return FAILED;
	}
	if (r != 0)
		return complain(c, "connection lost before the command's end: its output may be cut short", r);
	if (ex.status >= 0)
		return ex.status & 255;
	client_log_error("the remote command was killed by signal %s%s", ex.signal,
	    ex.core_dumped ? " (core dumped)" : "");
	for (int sig = 1; sig < NSIG; sig++) {
		const char *name = sigabbrev_np(sig);

		if (name != NULL && strcmp(name, ex.signal) == 0)
			return 128 + sig;
	}
	return FAILED;
}

static int
run(struct client *c)
{
	struct postern_context_config cfg = POSTERN_CONTEXT_CONFIG;
	int r;

	cfg.spares = 1;
	cfg.log = client_log_library;
	cfg.log_level = client_log_level();
	if ((r = postern_context_new(&c->context, &cfg, START_WAIT_MS)) != 0) {
		client_log_error("cannot start our helper processes: %s", postern_strerror(r));
		return FAILED;
	}
	if ((r = start(c)) != 0)
		return r;
	c->login = (struct login){ .conf = &c->conf, .context = c->context,
		.no_passwords = c->trust.forced };
	if ((r = client_login_run(&c->login, c->transport)) != 0)
		return r == POSTERN_EAUTH ? FAILED : complain(c, "login failed", r);
	client_log_verbose("authenticated to %s as %s", c->conf.hostname, c->conf.user);
	return session(c);
}

/* The command line's words, joined by blanks as ssh does. */
static char *
join(char **argv)
{
	char *out = calloc(1, COMMAND_MAX);
	size_t n = 0;

	if (out == NULL)
		err(FAILED, "calloc");
	for (; *argv != NULL; argv++) {
		size_t len = strlen(*argv);

		if (len + 2 > COMMAND_MAX - n)
			errx(FAILED, "command line longer than %d bytes", COMMAND_MAX);
		if (n > 0)
			out[n++] = ' ';
		memcpy(out + n, *argv, len);
		n += len;
	}
	return out;
}

static void
set_option(struct client *c, const char *keyword, const char *value)
{
	char line[CONF_LINE_MAX];

	if ((size_t)snprintf(line, sizeof(line), "%s=%s", keyword, value) >= sizeof(line) ||
	    client_conf_option(&c->conf, line, "command line") != 0)
		exit(FAILED);
}

static void
parse_flags(struct client *c, int argc, char **argv)
{
	int ch, verbose = 0, quiet = 0;

	while ((ch = getopt(argc, argv, "+46CE:F:i:l:no:p:qsTtv")) != -1)
		switch (ch) {
		case '4': set_option(c, "AddressFamily", "inet"); break;
		case '6': set_option(c, "AddressFamily", "inet6"); break;
		case 'C': set_option(c, "Compression", "yes"); break;
		case 'E': if (client_log_to_file(optarg) != 0) exit(FAILED); break;
		case 'F': c->config_file = optarg; break;
		case 'i':
			if (optarg[0] != '~' && strchr(optarg, '%') == NULL && access(optarg, F_OK) != 0)
				client_log_error("Warning: Identity file %s not accessible: %s.", optarg,
				    strerror(errno));
			set_option(c, "IdentityFile", optarg);
			break;
		case 'l': set_option(c, "User", optarg); break;
		case 'n': c->no_stdin = true; break;
		case 'o':
			if (client_conf_option(&c->conf, optarg, "command line") != 0)
				exit(FAILED);
			break;
		case 'p': set_option(c, "Port", optarg); break;
		case 'q': quiet = 1; break;
		case 's': c->subsystem = true; break;
		case 'T': c->tty = -1; break;
		case 't': c->tty = c->tty > 0 ? 2 : 1; break;
		case 'v': verbose++; break;
		default: usage();
		}
	if (quiet)
		client_log_set_level(0);
	else
		client_log_set_level(POSTERN_ERROR + (verbose > 0) + (verbose > 0) + (verbose > 1));
}

static void
parse_destination(struct client *c, char *destination, char **host)
{
	char *at = strrchr(destination, '@');

	*host = destination;
	if (at != NULL) {
		*at = '\0';
		set_option(c, "User", destination);
		*host = at + 1;
	}
	if (**host == '\0' || **host == '-')
		usage();
}

static void
configure(struct client *c, const char *host)
{
	char *path;

	if (c->config_file != NULL) {
		if (strcasecmp(c->config_file, "none") != 0 &&
		    client_conf_file(&c->conf, c->config_file, host, true) != 0)
			exit(FAILED);
	} else {
		/* only the files of our own name: ssh's may hold keywords that we lack */
		c->conf.home = getenv("HOME") != NULL ? getenv("HOME") : "/";
		path = client_conf_expand(&c->conf, "~/.ssh/postern_config");
		if (client_conf_file(&c->conf, path, host, false) != 0)
			exit(FAILED);
		free(path);
	}
	if (client_conf_finish(&c->conf, host) != 0)
		exit(FAILED);
	if (strcasecmp(c->conf.log_level, "QUIET") == 0)
		client_log_set_level(0);
	else if (client_log_level() == POSTERN_ERROR)	/* -q and -v go first */
		client_log_set_level(strncasecmp(c->conf.log_level, "DEBUG", 5) == 0 ? POSTERN_DEBUG :
		    strcasecmp(c->conf.log_level, "VERBOSE") == 0 ? POSTERN_VERBOSE : POSTERN_ERROR);
	if (strcasecmp(c->conf.session_type, "subsystem") == 0)
		c->subsystem = true;
}

int
main(int argc, char **argv)
{
	struct client c = { .tty = 0 };
	char *host;
	int status;

	/* a reader who leaves is an error of that write, not our death */
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		err(FAILED, "signal");
	client_conf_init(&c.conf);
	parse_flags(&c, argc, argv);
	argv += optind;
	if (*argv == NULL)
		usage();
	parse_destination(&c, *argv++, &host);
	configure(&c, host);
	if (*argv != NULL) {
		free(c.conf.command);
		c.command = c.conf.command = join(argv);
	} else if (c.conf.command != NULL && strcasecmp(c.conf.command, "none") != 0) {
		c.command = c.conf.command;
	}
	if (c.subsystem && c.command == NULL)
		usage();
	status = run(&c);
	postern_channel_free(c.channel);
	if (c.transport != NULL)
		/* a goodbye that cannot be said changes nothing for us */
		(void)!postern_transport_close(c.transport, 1000);
	postern_transport_free(c.transport);
	postern_context_free(c.context);
	client_trust_free(&c.trust);
	client_conf_free(&c.conf);
	client_tty_restore();
	return status;
}
