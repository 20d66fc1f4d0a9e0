/* client_conf.h - what postern was told: command line and ssh_config(5) files. */
#ifndef APPS_CLIENT_CONF_H
#define APPS_CLIENT_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CONF_LIST_MAX = 64, CONF_LINE_MAX = 8192 };

/* AddKeysToAgent */
enum client_add { CLIENT_ADD_NO = 0, CLIENT_ADD_YES, CLIENT_ADD_ASK, CLIENT_ADD_CONFIRM };

struct client_conf_list { char *word[CONF_LIST_MAX]; size_t n; };

struct client_conf {
	/* keywords; NULL, -1 and empty lists are "not set" */
	char *hostname, *user, *user_known_hosts, *global_known_hosts, *strict, *revoked_host_keys,
	    *host_key_alias, *preset, *kex, *host_keys, *signatures, *ca_signatures, *ciphers, *macs, *preferred,
	    *family, *rekey, *tty, *command, *session_type, *escape, *log_level, *bind_mask,
	    *bind_address, *bind_interface, *proxy_command, *local_command, *ignore_unknown,
	    *jump, *forward_agent, *identity_agent, *tag, *xauth, *add_keys, *update_host_keys;
	int port, hash_known_hosts, pubkey, password, interactive, password_prompts, rsa_bits,
	    batch, connect_timeout, attempts, alive_interval, alive_max, tcp_keepalive,
	    stdin_null, fork_after, compression, clear_forwards, exit_on_failure, gateway_ports,
	    bind_unlink, permit_local, identities_only, forward_x11, x11_trusted, x11_timeout;
	struct client_conf_list identities, certificates, send_env, set_env, local_forwards, remote_forwards,
	    dynamic_forwards, permit_remote_open;
	/* what Match and tokens ask about: the name on the command line, whether this is
	 * the last pass, and whether a line asks for one */
	char *original, *asked;		/* asked: the command or subsystem; NULL: none */
	bool is_final, wants_final;
	/* worked out by client_conf_finish */
	bool has_host;			/* hostname is one, its tokens are none any more */
	const char *home;
	uint64_t rekey_bytes;
	int rekey_seconds;
	enum client_add adding;
	int adding_seconds;		/* the agent forgets it then; 0: never */
	unsigned bind_mask_bits;
};

void client_conf_init(struct client_conf *);
void client_conf_free(struct client_conf *);
/* One "Keyword value" or "Keyword=value".  A value that is set already stands.
 * where is for the message.  -1: said on stderr. */
int client_conf_option(struct client_conf *, const char *line, const char *where);
/* Splits "Keyword value" and "Keyword=value"; 0: an empty line.  Changes line. */
int client_conf_split(char *line, char **name, char **args);
/* One line of a file, split.  -1: said on stderr. */
int client_conf_line(struct client_conf *, const char *name, char *args, const char *where);
/* Reads the parts of a file that match host.  must_exist: -F was given; else it is the
 * user's usual file, and one that others may write is refused. */
int client_conf_file(struct client_conf *, const char *path, const char *host, bool must_exist);
/* Fills in defaults, and the tokens of HostName and ProxyJump. */
int client_conf_finish(struct client_conf *);
/* As ssh -G prints it. */
void client_conf_dump(const struct client_conf *);
/* A path: ~, ${NAME} and all tokens; malloc'd.  Ends the program if that cannot be. */
char *client_conf_expand(const struct client_conf *, const char *s);
/* The next word of *s, quotes taken off; NULL at the end or at a comment. */
char *client_conf_word(char **s);
int client_conf_time(const char *s);	/* seconds of "90", "10s", "1h30m"; -1 */
/* Is it one of a list with commas?  Capitals count as small letters. */
bool client_conf_listed(const char *list, const char *word);
char *client_conf_copy(const char *s);	/* never NULL */

#endif
