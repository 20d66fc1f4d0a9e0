/*
 * monitor_update.c - a client's known_hosts kept up to date (ssh_config(5)
 * UpdateHostKeys, OpenSSH PROTOCOL 2.5): which keys of a server's list are new and which
 * lines are obsolete.
 *
 * The list is a claim.  Nothing is believed of it unless the server is known by a line
 * of the user's own, the key that it has shown is in it, and each key to be added has
 * signed our own session id.  What is odd about the list or the lines ends the update,
 * never the connection, and there is one for each connection.
 *
 * No signature of the old key covers the new ones: that the list is the server's is no
 * surer than the worker through which it came.  Hence nothing is done unasked.
 */
#include "privsep/monitor.h"

#include <stdio.h>
#include <stdlib.h>

enum { ADDED_MAX = 32768, GONE_MAX = 24576 };	/* as in HOSTKEYS_CHANGED */

struct told {				/* a key of the server's list                */
	struct span key;
	bool is_wanted;			/* of a kind that this client takes          */
	bool is_known;			/* ...and has                                */
};
struct update {
	char name[KNOWN_HOSTS_NAME_MAX + 1];
	struct told told[IPC_HOSTKEYS_MAX];
	size_t n;
	size_t n_gone;
	struct wr gone;			/* as in HOSTKEYS_CHANGED                    */
	uint8_t told_bytes[8192], gone_bytes[GONE_MAX];
};

void
monitor_update_free(struct conn *c)
{
	free(c->update);
	c->update = NULL;
}

/* ---- what the server has ---- */

/* False: not what the worker's own count lets through. */
static bool
take(struct update *u, struct span keys)
{
	struct rd r;

	memcpy(u->told_bytes, keys.p, keys.n);
	r = rd_of(span_of(u->told_bytes, keys.n));
	while (r.n > 0 && u->n < IPC_HOSTKEYS_MAX) {
		u->told[u->n].key = rd_blob(&r, KEY_BLOB_MAX);
		if (r.bad)
			return false;
		u->n++;
	}
	return rd_done(&r) && u->n > 0;
}

static struct told *
find(struct update *u, struct span key)
{
	for (size_t i = 0; i < u->n; i++)
		if (span_eq(u->told[i].key, key))
			return &u->told[i];
	return NULL;
}

/* The algorithm of this name, if this connection takes it of such a key.  SHA-1 proves
 * nothing here, whatever the list says. */
static const struct sign_alg *
alg_for(struct span name, struct span key)
{
	const struct sign_alg *alg = sign_find((const char *)name.p, name.n);

	if (alg == NULL || strcmp(alg->name, "ssh-rsa") == 0 ||
	    !monitor_exchange_key_is(key, alg->key_type))
		return NULL;
	return alg;
}

/* Plain, fit for use, in no file of revoked keys, and of a type in this connection's list
 * of host key algorithms. */
static bool
is_wanted(const struct conn *c, struct span key)
{
	struct span list = c->hostkey_algs, name;

	if (monitor_keys_alg(key) == NULL || monitor_exchange_key_is_small(c, key) ||
	    monitor_revoked_has(c->revoked, key, NULL))
		return false;
	while (monitor_names_next(&list, &name))
		if (alg_for(name, key) != NULL)
			return true;
	return false;
}

/* ---- beside what the files say ---- */

/* A line of this host that names none of the server's keys.  What we could not use is
 * no reason to remove it: somebody else's program may. */
static const char *
obsolete(struct update *u, const struct known_hosts_entry *e, uint32_t file)
{
	struct span key = span_of(e->key, e->key_len);

	if (monitor_keys_alg(key) == NULL)
		return NULL;
	wr_u32(&u->gone, file);
	wr_u32(&u->gone, e->line);
	wr_blob(&u->gone, key, KEY_BLOB_MAX);
	return u->gone.bad || ++u->n_gone > IPC_GONE_MAX ? "it has too many old lines" : NULL;
}

/* NULL, or why the update is not to be.  was_unknown: somebody has let in a key that no
 * line knew.  In the place of a server whose lines are of other types stands whoever makes
 * them ask, and whose list would do away with the genuine ones. */
static const char *
look_at_line(struct update *u, const struct known_hosts_entry *e, uint32_t file, bool own,
    bool was_unknown)
{
	struct told *t = find(u, span_of(e->key, e->key_len));

	if (e->is_host && e->is_revoked && t != NULL)
		t->is_wanted = false;
	if (!own) {
		if (e->is_host && e->is_simple && t != NULL)
			t->is_known = true;
		return NULL;
	}
	if (!e->is_host)
		return t != NULL ? "another name has one of its keys" : NULL;
	/* such a line is not ours to take apart */
	if (!e->is_simple)
		return "a line of it has a marker, a pattern or several names";
	if (t == NULL && was_unknown)
		return "it has lines of other keys, and was not known by them";
	if (t == NULL)
		return obsolete(u, e, file);
	t->is_known = true;
	return NULL;
}

static const char *
look_at_files(const struct conn *c, struct update *u)
{
	bool was_unknown = c->hostkey_trust == IPC_UNKNOWN;
	uint32_t file = 0;
	const char *why;

	for (const struct trust *t = c->trust; t != NULL; t = t->next) {
		struct known_hosts_entry e = { .line = 0 };
		struct span text = span_of(t->bytes, t->n);

		if (t->is_key)
			continue;
		while (monitor_known_hosts_next(&text, u->name, &e))
			if ((why = look_at_line(u, &e, file, file < c->plan.own_files,
			    was_unknown)) != NULL)
				return why;
		file++;
	}
	return NULL;
}

static bool
is_gone(const struct update *u, struct span key)
{
	struct rd r = rd_of(wr_span(&u->gone));

	while (r.n > 0) {
		(void)rd_u32(&r);
		(void)rd_u32(&r);
		if (span_eq(rd_blob(&r, KEY_BLOB_MAX), key))
			return true;
	}
	return false;
}

/* A key that serves under another name as well: whoever gave it both must sort it out. */
static const char *
look_for_other_names(const struct conn *c, const struct update *u)
{
	uint32_t file = 0;

	for (const struct trust *t = c->trust; t != NULL && u->n_gone > 0; t = t->next) {
		struct known_hosts_entry e = { .line = 0 };
		struct span text = span_of(t->bytes, t->n);

		if (t->is_key || file++ >= c->plan.own_files)
			continue;
		while (monitor_known_hosts_next(&text, u->name, &e))
			if (!e.is_host && is_gone(u, span_of(e.key, e.key_len)))
				return "another name has one of its old keys";
	}
	return NULL;
}

static const char *
judge(const struct conn *c, struct update *u)
{
	struct told *own;
	const char *why;

	for (size_t i = 0; i < u->n; i++) {
		if (find(u, u->told[i].key) != &u->told[i])
			return "its list has a key twice";
		u->told[i].is_wanted = is_wanted(c, u->told[i].key);
	}
	/* the one key that is sure: without it the list is of somebody else, or of nobody */
	if ((own = find(u, c->host_key)) == NULL)
		return "its list lacks the key that it has shown";
	own->is_known = true;		/* the application has just been asked, or had it */
	if (monitor_known_hosts_name(c->plan.host, c->plan.port, u->name) != 0)
		return "it has no name";
	if ((why = look_at_files(c, u)) != NULL)
		return why;
	return look_for_other_names(c, u);
}

/* ---- the proofs, and what comes of them ---- */

static bool
is_new(const struct told *t)
{
	return t->is_wanted && !t->is_known;
}

/* The new ones, one string after the other. */
static void
put_new(const struct update *u, struct wr *w)
{
	for (size_t i = 0; i < u->n; i++)
		if (is_new(&u->told[i]))
			wr_blob(w, u->told[i].key, KEY_BLOB_MAX);
}

static bool
put_lines(const struct conn *c, const struct update *u, struct wr *w)
{
	char line[KNOWN_HOSTS_LINE_MAX + 1];

	for (size_t i = 0; i < u->n; i++) {
		if (!is_new(&u->told[i]))
			continue;
		if (monitor_known_hosts_line(u->name, u->told[i].key, c->plan.hash_names != 0,
		    line) != 0)
			return false;
		wr_blob(w, u->told[i].key, KEY_BLOB_MAX);
		wr_str(w, line);
	}
	return !w->bad;
}

static void
end_update(struct conn *c, struct update *u, const char *why)
{
	uint8_t buf[ADDED_MAX];
	struct wr added = wr_of(buf, sizeof(buf));

	if (why == NULL && !put_lines(c, u, &added))
		why = "no line can be made";
	if (why != NULL)
		monitor_remark(c->m, IPC_VERBOSE, "known_hosts is not updated for %s: %s", u->name, why);
	else if (added.n > 0 || u->n_gone > 0)
		tell_HOSTKEYS_CHANGED(c->m, &(struct ipc_HOSTKEYS_CHANGED){ .conn = c->id,
		    .host = span_str(u->name), .added = wr_span(&added), .gone = wr_span(&u->gone) });
	free(u);
}

int
monitor_update_on_told(struct conn *c, const struct ipc_HOSTKEYS_TOLD *q)
{
	uint8_t buf[8192];
	struct wr keys = wr_of(buf, sizeof(buf));
	struct update *u;
	const char *why;

	if (!c->may_update)
		return 0;
	c->may_update = false;
	u = calloc(1, sizeof(*u));
	if (u == NULL) {
		monitor_end(c, IPC_RESOURCE, IPC_LOCAL, "out of memory");
		return 0;
	}
	u->gone = wr_of(u->gone_bytes, sizeof(u->gone_bytes));
	if (!take(u, q->keys)) {
		free(u);
		return IPC_BROKEN;
	}
	why = judge(c, u);
	monitor_conn_distrust(c);
	put_new(u, &keys);
	if (why != NULL || keys.n == 0) {
		end_update(c, u, why);
		return 0;
	}
	c->update = u;
	say_HOSTKEYS_ASK(c, &(struct ipc_HOSTKEYS_ASK){ .keys = wr_span(&keys) });
	return 0;
}

static bool
proves(const struct conn *c, struct span key, struct span sig)
{
	uint8_t data[MONITOR_PROVE_DATA_MAX];
	struct wr w = wr_of(data, sizeof(data));
	struct rd r = rd_of(sig);
	struct span name = rd_blob(&r, NAME_MAX_LEN);
	const struct sign_alg *alg;

	if (r.bad || !monitor_names_has(c->hostkey_algs, name) ||
	    (alg = alg_for(name, key)) == NULL || monitor_prove_data(c, key, &w) != 0)
		return false;
	return alg->verify(key.p, key.n, w.p, w.n, sig.p, sig.n) == 0;
}

/* One for each, in their order, and none besides. */
static const char *
check_proofs(const struct conn *c, const struct update *u, struct span signatures)
{
	struct rd r = rd_of(signatures);

	if (r.n == 0)
		return "it does not prove its new keys";
	for (size_t i = 0; i < u->n; i++) {
		struct span sig;

		if (!is_new(&u->told[i]))
			continue;
		sig = rd_blob(&r, SIGNATURE_MAX);
		if (r.bad || !proves(c, u->told[i].key, sig))
			return "it does not prove a new key";
	}
	return rd_done(&r) ? NULL : "it proves more than it was asked for";
}

int
monitor_update_on_proved(struct conn *c, const struct ipc_HOSTKEYS_PROVED *q)
{
	struct update *u = c->update;

	if (u == NULL)
		return IPC_BROKEN;
	c->update = NULL;
	end_update(c, u, check_proofs(c, u, q->signatures));
	return 0;
}
