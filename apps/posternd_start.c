/*
 * posternd_start.c - what makes a daemon of a configuration: the helper first, while
 * this process has seen nobody; then the library, keys, policy and sockets.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "apps/conf_match.h"
#include "apps/conf_number.h"
#include "apps/posternd_start.h"

/* After the helper was forked: programs get the limit that posternd was given. */
static void raise_files(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
		r.rlim_cur = r.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &r);	/* fewer connections then */
	}
}

static int signals_open(void)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &mask, NULL) != 0)
		return -1;
	return signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void workers_are(struct postern_context_config *cfg)
{
	static const char *const names[] = { "postern", "sshd" };
	struct passwd *pw = NULL;

	for (size_t i = 0; geteuid() == 0 && pw == NULL && i < 2; i++)
		pw = getpwnam(names[i]);
	if (pw != NULL && pw->pw_uid != 0) {
		cfg->worker_uid = pw->pw_uid;
		cfg->worker_gid = pw->pw_gid;
	}
}

int posternd_start_context(struct daemon *d)
{
	struct postern_context_config cfg = POSTERN_CONTEXT_CONFIG;
	const struct conf *c = &d->conf;
	int r;

	cfg.startups_begin = c->max_startups.begin;
	cfg.startups_rate = c->max_startups.rate;
	cfg.startups_full = c->max_startups.full;
	cfg.startups_source = c->source_startups;
	cfg.source_bits_ipv4 = c->source_bits.ipv4;
	cfg.source_bits_ipv6 = c->source_bits.ipv6;
	cfg.log_level = d->options->debug > 0 ? POSTERN_DEBUG : c->log_level > 0 ? c->log_level :
	    POSTERN_ERROR;
	cfg.log = posternd_log_library;
	cfg.discard = posternd_session_discard;
	workers_are(&cfg);
	r = postern_context_new(&d->context, &cfg, POSTERND_START_MS);
	if (r < 0)
		posternd_log(POSTERN_ERROR, NULL, "fatal: %s", postern_strerror(r));
	return r;
}

/* Without it whoever was shut out would be let in again: then nobody is served. */
static int load_revoked(struct daemon *d)
{
	const char *path = d->conf.revoked_file;
	int r, fd;

	if (path == NULL)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	r = fd < 0 ? -errno : postern_context_load_revoked_keys(d->context, fd,
	    POSTERND_START_MS);
	if (r < 0)
		posternd_log(POSTERN_ERROR, NULL, "fatal: RevokedKeys %s: %s", path,
		    postern_strerror(r));
	return r < 0 ? -1 : 0;
}

/* Without moduli there is no group exchange, and nothing else is missing: only a file
 * that a line names is missed. */
static void load_moduli(struct daemon *d)
{
	const char *path = d->conf.moduli_file;
	int r, fd;

	if (path == NULL)
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && errno == ENOENT && !d->conf.set[CONF_ModuliFile])
		return;
	r = fd < 0 ? -errno : postern_context_load_server_moduli(d->context, fd,
	    POSTERND_START_MS);
	if (r <= 0)
		posternd_log(POSTERN_ERROR, NULL, "ModuliFile %s: %s: no group exchange", path,
		    r < 0 ? postern_strerror(r) : "no modulus to use");
	else
		posternd_log(POSTERN_DEBUG, NULL, "ModuliFile %s: %d moduli", path, r);
}

static int ms(unsigned seconds)
{
	return seconds == 0 ? -1 : (int)seconds * 1000;
}

static unsigned most_sessions(const struct conf *c)
{
	unsigned most = c->max_sessions;
	const char *said;
	uint64_t v;

	for (size_t i = 0; (said = conf_match_value(c, CONF_MaxSessions, i)) != NULL; i++)
		if (conf_number(said, UINT_MAX, &v) == 0 && v > most)
			most = (unsigned)v;
	return most;
}

static void options_of(const struct conf *c, struct postern_options *o)
{
	static char version[CONF_ADDENDUM_MAX + 64];

	if (c->version_addendum != NULL) {
		(void)snprintf(version, sizeof(version), "Postern_" POSTERN_VERSION " %s",
		    c->version_addendum);
		o->version = version;
	}
	o->preset = conf_value_word(&conf_rows[CONF_AlgorithmPreset], c->preset);
	o->kex = c->set[CONF_KexAlgorithms] ? c->kex : NULL;
	o->host_keys = c->set[CONF_HostKeyAlgorithms] ? c->host_key_algorithms : NULL;
	o->signatures = c->set[CONF_PubkeyAcceptedAlgorithms] ? c->pubkey_algorithms : NULL;
	o->ca_signatures = c->set[CONF_CASignatureAlgorithms] ? c->ca_algorithms : NULL;
	o->ciphers = c->set[CONF_Ciphers] ? c->ciphers : NULL;
	o->macs = c->set[CONF_MACs] ? c->macs : NULL;
	o->rsa_bits = c->rsa_bits;
	o->login_ms = ms(c->login_grace);
	o->rekey_bytes = c->rekey_limit.bytes;
	o->rekey_interval_ms = (int)c->rekey_limit.seconds * 1000;
	o->rekey_burst = c->rekey_quota.burst;
	o->rekey_per_second = c->rekey_quota.per_second;
	o->alive_interval_ms = (int)c->alive_interval * 1000;
	/* 0 is sshd's "never disconnect", and the library's "default" */
	o->alive_max = c->alive_max > 0 ? c->alive_max : UINT32_MAX;
	/* MaxSessions is judged by posternd, which knows what a session is, and whose */
	o->channel_max = most_sessions(c) + 1 +
	    (posternd_forward_enabled(c) ? POSTERND_FORWARDS_MAX : 0);
	o->compression = c->compression ? "none,zlib@openssh.com" : "none";
}

static int start_server(struct daemon *d)
{
	struct postern_options options = POSTERN_OPTIONS;
	struct postern_server_config cfg = POSTERN_SERVER_CONFIG;
	struct postern_server_interface i = POSTERN_SERVER_INTERFACE;
	int r;

	options_of(&d->conf, &options);
	posternd_login_interface(d, &i);
	posternd_session_interface(&i);
	posternd_banner_load(d);
	cfg.methods = posternd_methods_offered(&d->conf);
	/* where it depends on the user it comes with the user's terms */
	if (conf_match_value(&d->conf, CONF_Banner, 0) == NULL)
		cfg.banner = posternd_banner(d, d->conf.banner);
	cfg.tries_max = d->conf.max_auth_tries;
	cfg.options = &options;
	r = postern_server_new(&d->server, d->context, &cfg, &i, POSTERND_START_MS);
	if (r < 0)
		posternd_log(POSTERN_ERROR, NULL, "fatal: %s", postern_strerror(r));
	return r;
}

int posternd_start(struct daemon *d)
{
	int r;

	d->poll = epoll_create1(EPOLL_CLOEXEC);
	d->signals = signals_open();
	if (d->poll < 0 || d->signals < 0) {
		posternd_log(POSTERN_ERROR, NULL, "fatal: %s", strerror(errno));
		return -1;
	}
	if (d->conf.use_pam && geteuid() != 0) {
		posternd_log(POSTERN_ERROR, NULL, "fatal: UsePAM needs root");
		return -1;
	}
	if ((r = account_start(&d->conf, &d->account_pid, &d->account)) < 0) {
		posternd_log(POSTERN_ERROR, NULL, "fatal: account helper: %s", strerror(-r));
		return -1;
	}
	raise_files();
	if (conf_sftp_asked(&d->conf))
		posternd_log(POSTERN_INFO, NULL, "internal-sftp is the program %s", conf_sftp_path());
	if (posternd_start_context(d) < 0 || posternd_hostkey_load(d) < 0 ||
	    posternd_certificate_load(d) < 0)
		return -1;
	load_moduli(d);
	if (load_revoked(d) < 0 || start_server(d) < 0)
		return -1;
	if (posternd_loop_add(d, postern_context_fd(d->context), SOURCE_CONTEXT, 0, 0) < 0 ||
	    posternd_loop_add(d, d->signals, SOURCE_SIGNALS, 0, 0) < 0 ||
	    posternd_loop_add(d, d->account, SOURCE_ACCOUNT, 0, 0) < 0) {
		posternd_log(POSTERN_ERROR, NULL, "fatal: epoll: %s", strerror(errno));
		return -1;
	}
	return 0;
}

void posternd_start_undo(struct daemon *d)
{
	posternd_listen_close(d);
	for (size_t i = 0; i < d->n_slots; i++)
		if (d->conns[i] != NULL)
			posternd_conn_free(d->conns[i]);
	free(d->conns);
	postern_server_free(d->server);
	postern_context_free(d->context);
	posternd_banner_free(d);
	if (d->account >= 0)
		close(d->account);	/* the helper ends with its link */
	if (d->signals >= 0)
		close(d->signals);
	if (d->poll >= 0)
		close(d->poll);
	conf_free(&d->conf);
}
