/*
 * api_auth.c - the calls that log in as a client, one at a time.
 *
 * What is asked for is copied once into the call (api_login.c), which outlives the
 * caller's strings; nothing here looks at an answer.
 */
#include <errno.h>

#include "privsep/api.h"

static int
begin(postern_transport *t, const struct api_login *login, struct api_call **call,
    int *result)
{
	int r = api_context_enter(t->ctx);

	if (r == 0 && t->is_over)
		r = api_transport_end_code(t);
	/* one at a time; behind one that was given up the next may wait */
	if (r == 0 && (t->is_server || !t->is_started || t->is_authenticated ||
	    api_call_of(&t->calls, API_CALL_LOGIN) != NULL))
		r = POSTERN_ESTATE;
	if (r == 0)
		r = api_call_new(t->ctx, t, API_CALL_LOGIN, call);
	if (r < 0)
		return r;
	r = api_login_hold(*call, login);
	if (r < 0)
		api_call_drop(*call);
	else
		*result = t->is_trying ? 0 : api_login_launch(t, *call);
	return r;
}

static int
block(postern_transport *t, const struct api_login *login, int timeout_ms)
{
	struct api_deadline d = api_deadline_in(timeout_ms);
	struct api_call *call;
	int result, r = begin(t, login, &call, &result);

	return r < 0 ? r : api_call_end(call, result, d);
}

static int
detach(postern_transport *t, const struct api_login *login, uint64_t *id)
{
	struct api_call *call;
	int result, r = begin(t, login, &call, &result);

	return r < 0 ? r : api_call_detach(call, result, id);
}

/* Borrows: what is wanted longer is copied. */
static struct api_login
asking(enum api_login_kind how, const char *user)
{
	return (struct api_login){ .how = how, .user = (char *)(uintptr_t)user };
}

static struct api_login
asking_password(const char *user, const char *password, int flags)
{
	struct api_login l = asking(API_LOGIN_PASSWORD, user);

	l.password = (char *)(uintptr_t)password;
	l.may_fall_back = (flags & POSTERN_NO_FALLBACK) == 0;
	return l;
}

static struct api_login
asking_key(const char *user, const postern_key *key)
{
	struct api_login l = asking(API_LOGIN_PUBLICKEY, user);

	l.key = key->id;
	l.certified = key->is_certified;
	return l;
}

static struct api_login
asking_probe(const char *user, const char *algorithm, const void *blob, size_t len)
{
	struct api_login l = asking(API_LOGIN_PROBE, user);

	l.text = (char *)(uintptr_t)algorithm;
	l.blob = (uint8_t *)(uintptr_t)blob;
	l.blob_len = len;
	return l;
}

static struct api_login
asking_interactive(const char *user, const char *submethods)
{
	struct api_login l = asking(API_LOGIN_INTERACTIVE, user);

	l.text = (char *)(uintptr_t)submethods;
	return l;
}

int
postern_transport_auth_none(postern_transport *t, const char *user, int timeout_ms)
{
	struct api_login l = asking(API_LOGIN_NONE, user);

	return block(t, &l, timeout_ms);
}

int
postern_transport_auth_none_async(postern_transport *t, const char *user, uint64_t *id)
{
	struct api_login l = asking(API_LOGIN_NONE, user);

	return detach(t, &l, id);
}

int
postern_transport_auth_password(postern_transport *t, const char *user, const char *password,
    int flags, int timeout_ms)
{
	struct api_login l = asking_password(user, password, flags);

	return block(t, &l, timeout_ms);
}

int
postern_transport_auth_password_async(postern_transport *t, const char *user,
    const char *password, int flags, uint64_t *id)
{
	struct api_login l = asking_password(user, password, flags);

	return detach(t, &l, id);
}

int
postern_transport_auth_publickey(postern_transport *t, const char *user,
    const postern_key *key, int timeout_ms)
{
	struct api_login l = asking_key(user, key);

	return key->ctx != t->ctx ? -EINVAL : block(t, &l, timeout_ms);
}

int
postern_transport_auth_publickey_async(postern_transport *t, const char *user,
    const postern_key *key, uint64_t *id)
{
	struct api_login l = asking_key(user, key);

	return key->ctx != t->ctx ? -EINVAL : detach(t, &l, id);
}

int
postern_transport_probe_publickey(postern_transport *t, const char *user,
    const char *algorithm, const void *blob, size_t len, int timeout_ms)
{
	struct api_login l = asking_probe(user, algorithm, blob, len);

	return block(t, &l, timeout_ms);
}

int
postern_transport_probe_publickey_async(postern_transport *t, const char *user,
    const char *algorithm, const void *blob, size_t len, uint64_t *id)
{
	struct api_login l = asking_probe(user, algorithm, blob, len);

	return detach(t, &l, id);
}

int
postern_transport_auth_interactive(postern_transport *t, const char *user,
    const char *submethods, int timeout_ms)
{
	struct api_login l = asking_interactive(user, submethods);

	return block(t, &l, timeout_ms);
}

int
postern_transport_auth_interactive_async(postern_transport *t, const char *user,
    const char *submethods, uint64_t *id)
{
	struct api_login l = asking_interactive(user, submethods);

	return detach(t, &l, id);
}

/* ---- connect ---- */

int
api_auth_follow(struct api_call *start, const char *user, const char *password,
    const postern_key *key)
{
	struct api_login l = key != NULL ? asking_key(user, key) :
	    asking_password(user, password, 0);

	if (key == NULL && password == NULL)
		return 0;
	if (user == NULL || (key != NULL && key->ctx != start->ctx))
		return -EINVAL;
	return api_login_hold(start, &l);
}
