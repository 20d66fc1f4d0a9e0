/*
 * postern.c - an SSH client with ssh(1)'s habits, on the public API alone.
 *
 * This program has the user's rights and the user's terminal; it parses no packet
 * and reads no private key.  Everything a server sends reaches it as typed,
 * bounded fields through the library.
 */
#include <bsd/unistd.h>
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <postern.h>

#include "apps/client_background.h"
#include "apps/client_command.h"
#include "apps/client_forward.h"
#include "apps/client_link.h"
#include "apps/client_log.h"
#include "apps/client_query.h"
#include "apps/client_session.h"
#include "apps/client_spec.h"
#include "apps/client_token.h"
#include "apps/client_tty.h"

enum { FAILED = 255, COMMAND_MAX = 32768 };

struct client {
	struct client_link link;
	struct client_session session;
	struct client_loop loop;
	bool no_session;		/* -N */
	bool dump;			/* -G */
	bool quiet;			/* -q */
	int verbose;			/* -v, how often */
	const char *stdio;		/* -W */
	struct client_end stdio_to;
};

static void __attribute__((noreturn))
usage(void)
{
	(void)fprintf(stderr, "usage: postern [-46AaCfGgkNnqsTtVvXxY] [-B interface] [-b address] [-c ciphers]\n"
	    "               [-D [bind_address:]port] [-E log] [-e escape] [-F file] [-i key]\n"
	    "               [-J destination] [-L address] [-l user] [-m macs] [-o Keyword=Value]\n"
	    "               [-P tag] [-p port] [-R address] [-S path] [-W host:port]\n"
	    "               [user@]host [command ...]\n"
	    "       postern [options] ssh://[user@]host[:port] [command ...]\n"
	    "       postern -Q query\n");
	exit(FAILED);
}

static int
serve(struct client *c)
{
	struct client_forward forward = { .loop = &c->loop, .transport = c->link.transport,
		.conf = &c->link.conf };
	int r;

	c->loop.transport = c->link.transport;
	c->session.link = &c->link;
	c->session.loop = &c->loop;
	r = client_forward_start(&forward);
	if (r == 0 && c->link.conf.fork_after)
		client_background_detach();
	if (r != 0)
		r = FAILED;
	else if (c->stdio != NULL)
		r = client_session_stdio(&c->session, &c->stdio_to);
	else if (c->no_session)
		r = client_session_none(&c->session);
	else
		r = client_session_run(&c->session);
	client_loop_free(&c->loop);
	return r;
}

static int
run(struct client *c)
{
	struct postern_context_config cfg = POSTERN_CONTEXT_CONFIG;
	int r;

	if ((r = client_link_prepare(&c->link)) != 0)
		return r;
	cfg.spares = 1;
	cfg.log = client_log_library;
	cfg.log_level = client_log_level();
	cfg.keys_may_leave = client_link_adds_keys(&c->link);
	if ((r = postern_context_new(&c->link.context, &cfg, LINK_START_MS)) != 0) {
		client_log_error("cannot start our helper processes: %s", postern_strerror(r));
		return FAILED;
	}
	client_loop_init(&c->loop, c->link.context);
	if ((r = client_link_open(&c->link)) != 0)
		return r;
	if (c->link.conf.permit_local > 0 && c->link.conf.local_command != NULL)
		client_command_local(&c->link.conf);
	return serve(c);
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
	    client_conf_option(&c->link.conf, line, "command line") != 0)
		exit(FAILED);
}

/* What the letters of the command line say in ssh_config(5)'s words; NULL: what follows. */
static const struct { int letter; const char *keyword, *value; } letters[] = {
	{ '4', "AddressFamily", "inet" },
	{ '6', "AddressFamily", "inet6" },
	{ 'A', "ForwardAgent", "yes" },
	{ 'a', "ForwardAgent", "no" },
	{ 'B', "BindInterface", NULL },
	{ 'b', "BindAddress", NULL },
	{ 'C', "Compression", "yes" },
	{ 'c', "Ciphers", NULL },
	{ 'D', "DynamicForward", NULL },
	{ 'e', "EscapeChar", NULL },
	{ 'f', "ForkAfterAuthentication", "yes" },
	{ 'g', "GatewayPorts", "yes" },
	{ 'I', "PKCS11Provider", NULL },
	{ 'i', "IdentityFile", NULL },
	{ 'J', "ProxyJump", NULL },
	{ 'K', "GSSAPIAuthentication", "yes" },
	{ 'k', "GSSAPIDelegateCredentials", "no" },
	{ 'L', "LocalForward", NULL },
	{ 'l', "User", NULL },
	{ 'M', "ControlMaster", "yes" },
	{ 'm', "MACs", NULL },
	{ 'P', "Tag", NULL },
	{ 'p', "Port", NULL },
	{ 'R', "RemoteForward", NULL },
	{ 'S', "ControlPath", NULL },
	{ 'w', "Tunnel", "yes" },
	{ 'X', "ForwardX11", "yes" },
	{ 'x', "ForwardX11", "no" },
	{ 'Y', "ForwardX11", "yes" },
	{ 'Y', "ForwardX11Trusted", "yes" },
};

static void
apply_letter(struct client *c, int letter)
{
	bool known = false;

	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if (letters[i].letter == letter) {
			known = true;
			set_option(c, letters[i].keyword, letters[i].value != NULL ? letters[i].value : optarg);
		}
	if (!known)
		usage();
}

/* Up to the first word that is no option; true if "--" came before it. */
static bool
parse_flags(struct client *c, int argc, char **argv)
{
	int ch;

	while ((ch = getopt(argc, argv, "+46AaB:b:Cc:D:E:e:F:fGgI:i:J:KkL:l:Mm:NnO:o:P:p:Q:qR:S:sTtVvW:w:XxY")) != -1)
		switch (ch) {
		case 'E': if (client_log_to_file(optarg) != 0) exit(FAILED); break;
		case 'F': c->link.config_file = optarg; break;
		case 'G': c->dump = true; break;
		case 'i':
			if (optarg[0] != '~' && strchr(optarg, '%') == NULL && access(optarg, F_OK) != 0)
				client_log_error("Warning: Identity file %s not accessible: %s.", optarg,
				    strerror(errno));
			apply_letter(c, ch);
			break;
		case 'N':
			set_option(c, "SessionType", "none");
			c->no_session = true;
			break;
		case 'n': c->session.no_stdin = true; break;
		case 'O':
			client_log_error("-O: connections are not shared by postern");
			exit(FAILED);
		case 'o':
			if (client_conf_option(&c->link.conf, optarg, "command line") != 0)
				exit(FAILED);
			break;
		case 'Q': exit(client_query(optarg));
		case 'q': c->quiet = true; break;
		case 's':
			set_option(c, "SessionType", "subsystem");
			c->session.subsystem = true;
			break;
		case 'T': c->session.tty = -1; break;
		case 't': c->session.tty = c->session.tty > 0 ? 2 : 1; break;
		case 'V':
			(void)fprintf(stderr, "Postern_%s\n", POSTERN_VERSION);
			exit(0);
		case 'v': c->verbose++; break;
		case 'W': c->stdio = optarg; break;
		default: apply_letter(c, ch);
		}
	if (c->quiet)
		client_log_set_level(0);
	else
		client_log_set_level(c->verbose == 0 ? POSTERN_ERROR :
		    c->verbose == 1 ? POSTERN_VERBOSE : POSTERN_DEBUG);
	return optind > 1 && strcmp(argv[optind - 1], "--") == 0;
}

/* "ssh://[user@]host[:port]" */
static void
parse_uri(struct client *c, const char *uri, char **host)
{
	struct client_hop hop;
	char port[16];

	if (!client_spec_hop(&hop, uri, strlen(uri))) {
		client_log_error("bad destination \"%s\"", uri);
		exit(FAILED);
	}
	if (hop.user[0] != '\0')
		set_option(c, "User", hop.user);
	if (hop.port != 0) {
		(void)snprintf(port, sizeof(port), "%u", hop.port);
		set_option(c, "Port", port);
	}
	*host = client_conf_copy(hop.host);
}

/* host is malloc'd. */
static void
parse_destination(struct client *c, char *destination, char **host)
{
	char *at = strrchr(destination, '@');

	if (strncasecmp(destination, "ssh://", 6) == 0) {
		parse_uri(c, destination, host);
		return;
	}
	if (at != NULL) {
		*at = '\0';
		set_option(c, "User", destination);
		destination = at + 1;
	}
	if (*destination == '\0' || *destination == '-')
		usage();
	*host = client_conf_copy(destination);
}

/* The destination, with options on both sides of it as ssh has them; what is left is the
 * remote command, which begins at the first word behind it that is no option. */
static char **
parse_words(struct client *c, int argc, char **argv, char **host)
{
	char *program = argv[0];
	bool ended = parse_flags(c, argc, argv);

	argv += optind;
	argc -= optind;
	if (argc == 0)
		usage();
	parse_destination(c, argv[0], host);
	if (ended)
		return argv + 1;
	argv[0] = program;	/* for getopt's messages; 0 lets it start anew */
	optind = 0;
	(void)parse_flags(c, argc, argv);
	return argv + optind;
}

/* What must hold before anybody is connected to. */
static void
configure(struct client *c, const char *host, char **argv)
{
	struct client_conf *conf = &c->link.conf;

	conf->asked = *argv != NULL ? join(argv) : NULL;
	if (c->stdio != NULL) {
		/* as ssh: nothing else happens on a connection that is a pipe */
		set_option(c, "ClearAllForwardings", "yes");
		set_option(c, "SessionType", "none");
		if (!client_spec_host_port(&c->stdio_to, c->stdio)) {
			client_log_error("bad stdio forwarding specification '%s'", c->stdio);
			exit(FAILED);
		}
	}
	if (client_link_configure(&c->link, host) != 0 || client_forward_check(conf) != 0)
		exit(FAILED);
	if (strcasecmp(conf->log_level, "QUIET") == 0)
		client_log_set_level(0);
	else if (client_log_level() == POSTERN_ERROR)	/* -q and -v go first */
		client_log_set_level(strncasecmp(conf->log_level, "DEBUG", 5) == 0 ? POSTERN_DEBUG :
		    strcasecmp(conf->log_level, "VERBOSE") == 0 ? POSTERN_VERBOSE : POSTERN_ERROR);
	if (strcasecmp(conf->session_type, "subsystem") == 0)
		c->session.subsystem = true;
	if (strcasecmp(conf->session_type, "none") == 0)
		c->no_session = true;
	if (conf->fork_after) {
		conf->stdin_null = 1;
		c->session.no_stdin = true;
	}
}

/* The rest of the command line, or RemoteCommand. */
static void
choose_command(struct client *c, char **argv)
{
	struct client_conf *conf = &c->link.conf;

	if (*argv != NULL) {
		free(conf->command);
		c->session.command = conf->command = client_conf_copy(conf->asked);
	} else if (conf->command != NULL && strcasecmp(conf->command, "none") != 0) {
		char *text = client_token_expand(conf, conf->command, TOKENS_ALL, 0);

		if (text == NULL)
			exit(FAILED);
		free(conf->command);
		c->session.command = conf->command = text;
	}
	if (c->session.subsystem && c->session.command == NULL)
		usage();
	if (conf->fork_after && c->session.command == NULL && !c->no_session && c->stdio == NULL) {
		client_log_error("Cannot fork into background without a command to execute.");
		exit(FAILED);
	}
	if (c->session.command != NULL && (c->no_session || c->stdio != NULL)) {
		client_log_error("Cannot execute command-line and remote command.");
		exit(FAILED);
	}
}

int
main(int argc, char **argv)
{
	struct client c = { .no_session = false };
	char *host, **command;
	int status;

	/* a reader who leaves is an error of that write, not our death */
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		err(FAILED, "signal");
	client_conf_init(&c.link.conf);
	command = parse_words(&c, argc, argv, &host);
	configure(&c, host, command);
	free(host);
	if (c.dump) {
		client_conf_dump(&c.link.conf);
		client_link_close(&c.link);
		return fflush(stdout) == 0 ? 0 : FAILED;
	}
	choose_command(&c, command);
	if (c.link.conf.fork_after)
		client_background_begin();
	status = run(&c);
	postern_context *context = c.link.context;
	client_link_close(&c.link);
	postern_context_free(context);
	client_tty_restore();
	return status;
}
