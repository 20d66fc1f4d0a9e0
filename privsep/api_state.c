/*
 * api_state.c - what can be asked about a transport without waiting.
 *
 * The user's name appears only when the monitor has proven the login; what a worker
 * claims is marked as such in the header and made harmless to show.
 */
#include "privsep/api.h"

static const char *
shown(const char *s)
{
	return s != NULL ? s : "";
}

int
postern_transport_is_active(const postern_transport *t)
{
	return t->is_started && !t->is_over && !t->is_closing;
}

int
postern_transport_is_authenticated(const postern_transport *t)
{
	return t->is_authenticated && !t->is_over;
}

const char *
postern_transport_get_username(const postern_transport *t)
{
	return t->username;
}

const char *
postern_transport_getpeername(const postern_transport *t)
{
	return t->peer;
}

const char *
postern_transport_getsockname(const postern_transport *t)
{
	return t->sock;
}

const char *
postern_transport_get_attempted_username(const postern_transport *t)
{
	return t->attempted;
}

postern_server *
postern_transport_get_server(const postern_transport *t)
{
	/* one that was freed lives on for its transports only */
	return t->server != NULL && !t->server->is_freed ? t->server : NULL;
}

const char *
postern_transport_auth_methods(const postern_transport *t)
{
	return shown(t->methods);
}

uint64_t
postern_transport_id(const postern_transport *t)
{
	return t->id;
}

int
postern_transport_worker_pid(const postern_transport *t)
{
	return t->worker_pid;
}

const char *
postern_transport_worker_report(const postern_transport *t)
{
	return shown(t->report);
}

void *
postern_transport_user(const postern_transport *t)
{
	return t->user;
}

void
postern_transport_set_user(postern_transport *t, void *user)
{
	t->user = user;
}

int
postern_transport_get_agreement(const postern_transport *t, struct postern_agreement *out)
{
	struct postern_agreement a = POSTERN_AGREEMENT;
	int r = api_context_enter(t->ctx);

	if (r < 0)
		return r;
	if (!t->is_started)
		return POSTERN_ESTATE;
	a.kex = shown(t->kex);
	a.host_key = shown(t->host_key_alg);
	a.cipher_c2s = shown(t->ciphers[0]);
	a.cipher_s2c = shown(t->ciphers[1]);
	a.mac_c2s = shown(t->macs[0]);
	a.mac_s2c = shown(t->macs[1]);
	a.compression_c2s = shown(t->compressions[0]);
	a.compression_s2c = shown(t->compressions[1]);
	a.peer_version = shown(t->peer_version);
	a.strict_kex = t->strict;
	a.exchanges = t->exchanges;
	api_context_fill(out, &a, sizeof(a));
	return 0;
}

const void *
postern_transport_get_remote_server_key(const postern_transport *t, size_t *len)
{
	/* in a server the key is our own: there is no remote one */
	if (t->is_server || t->host_key == NULL) {
		*len = 0;
		return NULL;
	}
	*len = t->host_key_len;
	return t->host_key;
}

const void *
postern_transport_get_server_key(const postern_transport *t, const char **algorithm, size_t *len)
{
	bool has_one = t->is_server && t->host_key != NULL;

	*algorithm = has_one ? shown(t->host_key_alg) : NULL;
	*len = has_one ? t->host_key_len : 0;
	return has_one ? t->host_key : NULL;
}
