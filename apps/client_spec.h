/* client_spec.h - what -L, -R, -D, -W, -J and a URI say. */
#ifndef APPS_CLIENT_SPEC_H
#define APPS_CLIENT_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SPEC_TEXT_MAX = 1024, SPEC_HOST_MAX = 255, SPEC_PATH_MAX = 107 };

enum client_spec_kind { SPEC_LOCAL = 1, SPEC_REMOTE, SPEC_DYNAMIC };

/* Where something listens or is connected to. */
struct client_end {
	bool is_path, has_host;
	char host[SPEC_HOST_MAX + 1];	/* or the path */
	uint32_t port;
};

struct client_spec {
	int kind;
	struct client_end listen;	/* no host: the default address            */
	struct client_end connect;
	bool is_socks;			/* connect is what each connection asks for */
};

/* The forms of ssh(1): false, and what is wrong with it. */
bool client_spec_parse(struct client_spec *, int kind, const char *text, const char **why);
/* "host:port" of -W: brackets around a v6 address. */
bool client_spec_host_port(struct client_end *, const char *text);
/* "[user@]host[:port]" and "ssh://..." of -J and of the destination; user "" and port 0: not said. */
struct client_hop { char user[SPEC_HOST_MAX + 1], host[SPEC_HOST_MAX + 1]; uint32_t port; };
bool client_spec_hop(struct client_hop *, const char *text, size_t len);
/* "host:port" or "path", for messages. */
const char *client_spec_name(const struct client_end *, char *out, size_t size);

#endif
