/*
 * client_link.c - a connection to one host, through others if need be.
 *
 * A hop is a whole connection of its own: its worker, its host key, its login.  What
 * it carries is the next connection, encrypted by the next worker, so a hop sees and
 * may cut it but can neither read nor change it.  Flags of the command line are about
 * the last host alone, as in ssh(1); the hops have their own lines in the files.
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "apps/client_change.h"
#include "apps/client_command.h"
#include "apps/client_forward.h"
#include "apps/client_link.h"
#include "apps/client_log.h"
#include "apps/client_net.h"
#include "apps/client_prompts.h"
#include "apps/client_spec.h"
#include "apps/client_token.h"
#include "apps/client_update.h"

int
client_link_complain(struct client_link *l, const char *what, int code)
{
	struct postern_exception e = POSTERN_EXCEPTION;

	/* the story of an earlier failure is none of this one */
	if (l->transport == NULL || postern_transport_get_exception(l->transport, &e) != 0 ||
	    e.code == 0 || (e.code != code && postern_transport_is_active(l->transport))) {
		client_log_error("%s: %s: %s", l->conf.hostname, what, postern_strerror(code));
		return LINK_FAILED;
	}
	client_log_error("%s port %d: %s: %s%s%s%s", l->conf.hostname, l->conf.port, what,
	    postern_strerror(e.code), e.text[0] != '\0' ? ": " : "", e.text,
	    e.is_claim ? " (as our worker says)" : "");
	if (e.ours[0] != '\0' || e.theirs[0] != '\0') {
		client_log_error("  we offered:  %s", e.ours);
		client_log_error("  they offer:  %s", e.theirs);
	}
	if (e.phase[0] != '\0')
		client_log_verbose("phase %s, caused by the %s side", e.phase,
		    e.side == POSTERN_PEER ? "server" : e.side == POSTERN_LOCAL ? "client" : "system");
	return LINK_FAILED;
}

static int
read_files(struct client_link *l, const char *host)
{
	char *path;
	int r;

	if (l->config_file != NULL)
		return strcasecmp(l->config_file, "none") == 0 ? 0 :
		    client_conf_file(&l->conf, l->config_file, host, true);
	/* only the files of our own name: ssh's may hold keywords that we lack */
	path = client_conf_expand(&l->conf, "~/.ssh/postern_config");
	r = client_conf_file(&l->conf, path, host, false);
	free(path);
	return r;
}

/* Before a file is read: what is set by now is the command line's, or a hop's. */
static bool
names_fit(const struct client_conf *c, const char *host)
{
	const char *wrong = NULL;

	if (!client_token_host_fits(host))
		wrong = "hostname";
	else if (c->user != NULL && !client_token_user_fits(c->user))
		wrong = "remote username";
	else if (c->jump != NULL && !client_token_host_fits(c->jump))
		wrong = "jump host";
	if (wrong != NULL)
		client_log_error("%s contains invalid characters", wrong);
	return wrong == NULL;
}

int
client_link_configure(struct client_link *l, const char *host)
{
	char *real;
	int r;

	if (!names_fit(&l->conf, host))
		return -1;
	l->conf.original = client_conf_copy(host);
	l->conf.home = getenv("HOME") != NULL ? getenv("HOME") : "/";
	if (read_files(l, host) != 0)
		return -1;
	if (l->conf.wants_final) {
		l->conf.is_final = true;
		if ((real = client_token_hostname(&l->conf)) == NULL)
			return -1;
		r = read_files(l, real);
		free(real);
		if (r != 0)
			return -1;
	}
	return client_conf_finish(&l->conf);
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
	struct client_link *l = user;

	(void)t;
	(void)question;
	return client_prompts_answer(&l->conf, p, answers, &l->login.gave_up);
}

static int
change_password(void *user, postern_transport *t, const char *prompt, char **new_password)
{
	struct client_link *l = user;

	(void)t;
	return client_change_password(&l->conf, prompt, new_password);
}

static int
check_host_key(void *user, postern_transport *t, uint64_t question,
    const struct postern_host_key *k)
{
	struct client_link *l = user;

	return client_trust_check(&l->trust, t, question, k);
}

static void
known_hosts_changed(void *user, postern_transport *t,
    const struct postern_known_hosts_change *c)
{
	struct client_link *l = user;

	(void)t;
	client_update_apply(&l->trust, c);
}

/* ---- hops ---- */

static struct client_link *
hop_new(const struct client_link *l, const struct client_hop *hop, char *before)
{
	struct client_link *via = calloc(1, sizeof(*via));
	char port[16];

	if (via == NULL)
		err(LINK_FAILED, "calloc");
	via->config_file = l->config_file;
	via->depth = l->depth + 1;
	client_conf_init(&via->conf);
	via->conf.session_type = client_conf_copy("none");	/* for Match, as ssh -W */
	if (hop->user[0] != '\0')
		via->conf.user = client_conf_copy(hop->user);
	if (hop->port != 0) {
		(void)snprintf(port, sizeof(port), "Port=%u", hop->port);
		(void)client_conf_option(&via->conf, port, "ProxyJump");	/* a number */
	}
	if (before != NULL)
		via->conf.jump = client_conf_copy(before);
	return via;
}

/* "a,b,c" is c, reached through "a,b". */
static int
prepare_hop(struct client_link *l)
{
	char *list = client_conf_copy(l->conf.jump), *comma = strrchr(list, ','),
	    *last = comma != NULL ? comma + 1 : list;
	struct client_hop hop;
	int r = LINK_FAILED;

	if (comma != NULL)
		*comma = '\0';
	if (l->depth >= LINK_HOPS_MAX) {
		client_log_error("more than %d jump hosts", LINK_HOPS_MAX);
	} else if (!client_spec_hop(&hop, last, strlen(last))) {
		client_log_error("ProxyJump: bad host \"%s\"", last);
	} else {
		l->via = hop_new(l, &hop, comma != NULL ? list : NULL);
		if (client_link_configure(l->via, hop.host) == 0)
			r = client_link_prepare(l->via);
	}
	free(list);
	return r;
}

int
client_link_prepare(struct client_link *l)
{
	return strcasecmp(l->conf.jump, "none") != 0 ? prepare_hop(l) : 0;
}

bool
client_link_adds_keys(const struct client_link *l)
{
	while (l != NULL && l->conf.adding == CLIENT_ADD_NO)
		l = l->via;
	return l != NULL;
}

static int
connect_through(struct client_link *l)
{
	struct postern_forward w = POSTERN_FORWARD;
	int r;

	l->via->context = l->context;
	if ((r = client_link_open(l->via)) != 0)
		return r;
	w.kind = POSTERN_DIRECT_TCPIP;
	w.host = l->conf.hostname;
	w.port = (uint32_t)l->conf.port;
	client_log_verbose("connecting to %s port %u through %s", w.host, w.port,
	    l->via->conf.hostname);
	r = postern_transport_open_forward(l->via->transport, &l->through, &w, LINK_REQUEST_MS);
	if (r != 0)
		return client_link_complain(l->via, "cannot connect through it", r);
	r = postern_channel_take_fd(l->through);
	if (r >= 0)
		r = postern_transport_new(&l->transport, l->context, r);
	return r == 0 ? 0 : client_link_complain(l, "cannot make a transport", r);
}

static int
connect_directly(struct client_link *l)
{
	const struct client_conf *conf = &l->conf;
	int r, fd = strcasecmp(conf->proxy_command, "none") != 0 ?
	    client_command_proxy(conf, &l->proxy) : client_net_connect(conf);

	if (fd < 0)
		return LINK_FAILED;
	r = postern_transport_new(&l->transport, l->context, fd);
	return r == 0 ? 0 : client_link_complain(l, "cannot make a transport", r);
}

/* ---- the connection ---- */

static int
seconds(int n)
{
	return n > INT32_MAX / 1000 ? INT32_MAX : n * 1000;
}

static int
start(struct client_link *l)
{
	struct postern_options options = POSTERN_OPTIONS;
	struct postern_client_config cfg = POSTERN_CLIENT_CONFIG;
	const struct client_conf *conf = &l->conf;
	int r;

	options.preset = conf->preset;
	options.kex = conf->kex;
	options.host_keys = conf->host_keys;
	options.signatures = conf->signatures;
	options.ca_signatures = conf->ca_signatures;
	options.ciphers = conf->ciphers;
	options.macs = conf->macs;
	options.compression = conf->compression > 0 ? "zlib@openssh.com,none" : NULL;
	options.rsa_bits = (unsigned)conf->rsa_bits;
	options.rekey_bytes = conf->rekey_bytes;
	options.rekey_interval_ms = seconds(conf->rekey_seconds);
	options.alive_interval_ms = seconds(conf->alive_interval);
	options.alive_max = (unsigned)conf->alive_max;
	options.login_ms = -1;	/* a person may take their time; the server has its own limit */
	if (conf->connect_timeout > 0)
		options.banner_ms = seconds(conf->connect_timeout);
	if (client_forward_is_wanted(conf)) {
		options.channel_max = FORWARD_CHANNELS_MAX;
		options.window_sum = FORWARD_WINDOW_SUM;
	}
	if (client_trust_open(&l->trust, conf) != 0)
		return LINK_FAILED;
	cfg.host = conf->host_key_alias != NULL ? conf->host_key_alias : conf->hostname;
	cfg.port = conf->host_key_alias != NULL ? 22 : (unsigned)conf->port;
	cfg.known_hosts = l->trust.fd;
	cfg.n_known_hosts = l->trust.n;
	cfg.own_known_hosts = l->trust.n_own;
	cfg.revoked_keys = l->trust.revoked;
	cfg.n_revoked_keys = l->trust.n_revoked;
	cfg.hash_known_hosts = conf->hash_known_hosts;
	cfg.options = &options;
	cfg.interface.user = l;
	cfg.interface.check_host_key = check_host_key;
	cfg.interface.banner = show_banner;
	cfg.interface.answer_prompts = answer_prompts;
	cfg.interface.change_password = change_password;
	if (client_update_is_wanted(&l->trust))
		cfg.interface.known_hosts_changed = known_hosts_changed;
	r = postern_transport_start_client(l->transport, &cfg, LINK_START_MS);
	return r == 0 ? 0 : client_link_complain(l, "cannot start a session", r);
}

int
client_link_open(struct client_link *l)
{
	int r;

	r = l->via != NULL ? connect_through(l) : connect_directly(l);
	if (r != 0 || (r = start(l)) != 0)
		return r;
	l->login = (struct login){ .conf = &l->conf, .context = l->context,
		.no_passwords = l->trust.forced };
	r = client_login_run(&l->login, l->transport);
	client_login_free(&l->login);
	if (r != 0)
		return r == POSTERN_EAUTH ? LINK_FAILED : client_link_complain(l, "login failed", r);
	client_log_verbose("authenticated to %s as %s", l->conf.hostname, l->conf.user);
	return 0;
}

void
client_link_close(struct client_link *l)
{
	if (l->transport != NULL)
		/* a goodbye that cannot be said changes nothing for us */
		(void)!postern_transport_close(l->transport, 1000);
	postern_transport_free(l->transport);
	l->transport = NULL;
	if (l->proxy > 0)
		(void)kill(l->proxy, SIGHUP);	/* gone by itself, most often: not waited for */
	if (l->via != NULL) {
		postern_channel_free(l->through);
		client_link_close(l->via);
		free(l->via);
		l->via = NULL;
	}
	client_trust_free(&l->trust);
	client_conf_free(&l->conf);
}
