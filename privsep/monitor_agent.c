/*
 * monitor_agent.c - SSH agents, whose keys log in, or are a server's host keys (RFC 9987).
 *
 * An agent is the user's, and as fallible as any other program: what it says is
 * parsed here within narrow bounds, an answer that is not an agent's ends the
 * connection to it and never the monitor, and a signature counts only once it is
 * verified.  It is asked one thing at a time, each within a deadline; a login or a
 * key exchange that waits for it fails when it goes.  It is told no more than what it is to sign, and
 * whose server that is for.
 */
#include "privsep/monitor_agent.h"

#include <stdlib.h>

enum {
	SSH_AGENT_FAILURE = 5,
	SSH_AGENT_SUCCESS = 6,
	SSH_AGENTC_REQUEST_IDENTITIES = 11,
	SSH_AGENT_IDENTITIES_ANSWER = 12,
	SSH_AGENTC_SIGN_REQUEST = 13,
	SSH_AGENT_SIGN_RESPONSE = 14,
	SSH_AGENTC_EXTENSION = 27,
	SSH_AGENT_EXTENSION_FAILURE = 28,
	SSH_AGENT_EXTENSION_RESPONSE = 29,
	SSH_AGENT_RSA_SHA2_256 = 2,
	SSH_AGENT_RSA_SHA2_512 = 4,
	COMMENT_MAX = 1024,
};

/* ---- its life ---- */

static void
forget(struct agent *a)
{
	struct monitor *m = a->m;
	struct agent **at = &m->agents;

	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	m->n_agents--;
	a->forgotten = true;
	monitor_agent_link_close(a);
	monitor_timer_deinit(m, &a->deadline);
	free(a->current);
	monitor_agent_queue_free(a);
	monitor_bury(m, &a->dead);
}

/* No key names it and nothing is under way: nobody needs it.  Asked at the end of
 * everything that happens to it, one thing inside another. */
static void
forget_unused(struct agent *a)
{
	if (!a->forgotten && a->keys == 0 && a->doing == AGENT_IDLE && a->current == NULL &&
	    monitor_agent_queue_is_empty(a))
		forget(a);
}

void
monitor_agent_hold(struct agent *a)
{
	a->keys++;
}

void
monitor_agent_drop(struct agent *a)
{
	a->keys--;
	forget_unused(a);
}

void
monitor_agent_free(struct monitor *m)
{
	while (m->agents != NULL)
		forget(m->agents);
}

/* ---- requests ---- */

/* The answer for what is under way.  What follows from it may add to the queue. */
static void
answer(struct agent *a, struct span signature, const char *why)
{
	struct agent_request *r = a->current;
	struct signing s = monitor_signer_waits(a->m, r->conn, r->question);

	a->current = NULL;
	free(r);
	if (s.what != SIGNING_NOTHING)
		monitor_signer_done(&s, signature, why);
}

/* OpenSSH's PROTOCOL.agent, session-bind@openssh.com: an agent whose keys are
 * for certain hosts only learns which host this is.  Clients only: a host key says it
 * itself.  One that was bound refuses to
 * be bound again, and signs for a second connection with its other keys only. */
static bool
bind_to(struct agent *a, struct conn *c)
{
	struct login *l = c->login;
	uint8_t body[AGENT_BODY_MAX];
	struct wr w = wr_of(body, sizeof(body));

	if (l == NULL || l->bound == a->serial || l->proof.p == NULL)
		return false;
	l->bound = a->serial;
	wr_u8(&w, SSH_AGENTC_EXTENSION);
	wr_str(&w, "session-bind@openssh.com");
	wr_blob(&w, c->host_key, KEY_BLOB_MAX);
	wr_blob(&w, span_of(c->session_id, c->session_id_len), HASH_MAX);
	wr_blob(&w, l->proof, SIGNATURE_MAX);
	wr_u8(&w, 0);			/* this is a login, and no forwarding */
	if (w.bad)
		return false;
	a->doing = AGENT_BINDING;
	monitor_agent_link_send(a, wr_span(&w), AGENT_LIST_MS);
	return true;
}

/* RFC 9987: which hash for an RSA key; without a flag it is SHA-1. */
static uint32_t
sign_flags(const char *alg)
{
	if (strcmp(alg, "rsa-sha2-512") == 0)
		return SSH_AGENT_RSA_SHA2_512;
	return strcmp(alg, "rsa-sha2-256") == 0 ? SSH_AGENT_RSA_SHA2_256 : 0;
}

static void
ask_to_sign(struct agent *a, const struct signing *s)
{
	uint8_t body[AGENT_BODY_MAX], data[MONITOR_LOGIN_DATA_MAX];
	struct wr w = wr_of(body, sizeof(body)), d = wr_of(data, sizeof(data));
	struct shown_key key;

	/* both could before */
	if (!monitor_signer_data(s, &d) ||
	    monitor_cert_show(span_str(s->alg), s->key, &key) != NULL) {
		answer(a, span_of(NULL, 0), "the login request is too long");
		return;
	}
	wr_u8(&w, SSH_AGENTC_SIGN_REQUEST);
	/* the agent has the key, whoever certified it */
	wr_blob(&w, key.plain, KEY_BLOB_MAX);
	wr_blob(&w, wr_span(&d), MONITOR_LOGIN_DATA_MAX);
	wr_u32(&w, sign_flags(key.alg->name));
	a->doing = AGENT_SIGNING;
	/* a server's exchanges and proofs are given up after that, and others wait behind */
	monitor_agent_link_send(a, wr_span(&w), s->what == SIGNING_LOGIN ? AGENT_SIGN_MS :
	    MONITOR_SIGN_MS);
}

void
monitor_agent_next(struct agent *a)
{
	while (a->doing == AGENT_IDLE && a->link.fd >= 0) {
		struct signing s;

		if (a->current == NULL)
			a->current = monitor_agent_queue_next(a);
		if (a->current == NULL)
			break;
		s = monitor_signer_waits(a->m, a->current->conn, a->current->question);
		if (s.what == SIGNING_NOTHING) {	/* gone while the agent was bound to it */
			free(a->current);
			a->current = NULL;
		} else if (!bind_to(a, s.conn)) {
			ask_to_sign(a, &s);
		}
	}
	forget_unused(a);
}

void
monitor_agent_sign(struct agent *a, const struct signing *s)
{
	if (a->link.fd < 0 && !monitor_agent_again(a))
		monitor_signer_done(s, span_of(NULL, 0), "the agent is gone");
	else if (!monitor_agent_queue_add(a, s))
		monitor_signer_done(s, span_of(NULL, 0), "the agent has too much to do");
	else
		monitor_agent_next(a);
}

/* ---- what it says ---- */

static bool
is_failure(struct span reply)
{
	return reply.n == 1 && reply.p[0] == SSH_AGENT_FAILURE;
}

/* Words of another program, for people to read. */
static void
copy_comment(char out[COMMENT_MAX + 1], struct span s)
{
	size_t n = s.n < COMMENT_MAX ? s.n : COMMENT_MAX;

	for (size_t i = 0; i < n; i++)
		out[i] = s.p[i] < 0x20 || s.p[i] == 0x7f ? '?' : (char)s.p[i];
	out[n] = 0;
}

static void
tell_key(struct agent *a, const struct key *key, struct span blob, struct span comment)
{
	char text[COMMENT_MAX + 1];

	copy_comment(text, comment);
	tell_AGENT_KEY(a->m, &(struct ipc_AGENT_KEY){ .call = a->call, .key = key->serial,
	    .alg = span_str(key->alg->key_type), .blob = blob, .comment = span_str(text) });
}

/* False: there is no room. */
static bool
add_key(struct agent *a, struct span blob, struct span comment)
{
	const struct sign_alg *alg = blob.n > KEY_BLOB_MAX ? NULL : monitor_keys_alg(blob);
	const struct key *key;

	if (alg == NULL)		/* of no use to us, and no fault */
		return true;
	key = monitor_keys_add(a->m, &(struct key){ .use = IPC_USER_KEY, .alg = alg,
	    .agent = a }, blob);
	if (key != NULL)
		tell_key(a, key, blob, comment);
	return key != NULL;
}

static void
add_certificate(struct agent *a, struct span blob, struct span comment)
{
	const struct key *key = blob.n > KEY_BLOB_MAX || !cert_is(blob.p, blob.n) ? NULL :
	    monitor_cert_from_agent(a->m, a, blob);

	if (key != NULL)
		tell_key(a, key, blob, comment);
}

enum pass { PASS_CHECK, PASS_KEYS, PASS_CERTIFICATES };

/* All of it is parsed before any of it counts, and keys come before the certificates of
 * them, however they stand. */
static bool
read_identities(struct agent *a, struct span reply, enum pass pass)
{
	struct rd r = rd_of(reply);
	uint8_t type = rd_u8(&r);
	uint32_t n = rd_u32(&r), left_out = 0;

	if (r.bad || type != SSH_AGENT_IDENTITIES_ANSWER)
		return false;
	while (n-- > 0 && !r.bad) {
		struct span blob = rd_blob(&r, AGENT_REPLY_MAX);
		struct span comment = rd_blob(&r, AGENT_REPLY_MAX);

		if (pass == PASS_KEYS && !r.bad)
			left_out += !add_key(a, blob, comment);
		if (pass == PASS_CERTIFICATES && !r.bad)
			add_certificate(a, blob, comment);
	}
	if (left_out > 0)
		monitor_remark(a->m, IPC_ERROR, "no room for %u keys of the agent", left_out);
	return rd_done(&r);
}

static void
listed(struct agent *a, struct span reply)
{
	if (!read_identities(a, reply, PASS_CHECK)) {
		monitor_agent_lost(a, is_failure(reply) ? "it lists no keys" :
		    "its list of keys is malformed");
		return;
	}
	a->doing = AGENT_IDLE;
	(void)read_identities(a, reply, PASS_KEYS);	/* it was whole */
	(void)read_identities(a, reply, PASS_CERTIFICATES);
	tell_AGENT_DONE(a->m, &(struct ipc_AGENT_DONE){ .call = a->call, .ok = 1 });
	monitor_agent_next(a);
}

/* Whatever came of it: an agent that does not know the word signs all the same. */
static void
bound(struct agent *a, struct span reply)
{
	switch (reply.p[0]) {
	case SSH_AGENT_FAILURE:
	case SSH_AGENT_SUCCESS:
	case SSH_AGENT_EXTENSION_FAILURE:
	case SSH_AGENT_EXTENSION_RESPONSE:
		a->doing = AGENT_IDLE;
		monitor_agent_next(a);
		break;
	default:
		monitor_agent_lost(a, "its answer is malformed");
	}
}

static void
signed_it(struct agent *a, struct span reply)
{
	struct rd r = rd_of(reply);
	uint8_t type = rd_u8(&r);
	struct span signature = rd_blob(&r, SIGNATURE_MAX);

	if (!is_failure(reply) && (type != SSH_AGENT_SIGN_RESPONSE || !rd_done(&r))) {
		monitor_agent_lost(a, "its answer is malformed");
		return;
	}
	a->doing = AGENT_IDLE;
	if (is_failure(reply))
		signature = span_of(NULL, 0);
	answer(a, signature, "the agent did not sign");
	monitor_agent_next(a);
}

/* Its one question is answered: it is of no use any more. */
static void
added(struct agent *a, struct span reply)
{
	tell_AGENT_DONE(a->m, &(struct ipc_AGENT_DONE){ .call = a->call,
	    .ok = reply.n == 1 && reply.p[0] == SSH_AGENT_SUCCESS });
	a->doing = AGENT_IDLE;
	forget_unused(a);
}

void
monitor_agent_heard(struct agent *a, struct span reply)
{
	switch (a->doing) {
	case AGENT_ADDING:
		added(a, reply);
		break;
	case AGENT_LISTING:
		listed(a, reply);
		break;
	case AGENT_BINDING:
		bound(a, reply);
		break;
	default:			/* the link takes none that was not asked for */
		signed_it(a, reply);
	}
}

void
monitor_agent_none(struct agent *a)
{
	while (a->current != NULL || (a->current = monitor_agent_queue_next(a)) != NULL)
		answer(a, span_of(NULL, 0), "the agent is gone");
	forget_unused(a);
}

/* What it was asked last fails, for that may be why it went.  Who else waits goes on
 * waiting if there may be another connection, and else is told. */
void
monitor_agent_lost(struct agent *a, const char *why)
{
	bool called = a->doing == AGENT_LISTING || a->doing == AGENT_ADDING;

	if (a->link.fd < 0)
		return;
	monitor_remark(a->m, IPC_INFO, "an agent's connection ends: %s", why);
	monitor_agent_link_close(a);
	a->doing = AGENT_IDLE;
	if (called)
		tell_AGENT_DONE(a->m, &(struct ipc_AGENT_DONE){ .call = a->call });
	if (a->current != NULL)
		answer(a, span_of(NULL, 0), "the agent is gone");
	if (monitor_agent_queue_is_empty(a) || !monitor_agent_again(a))
		monitor_agent_none(a);
}

void
monitor_agent_late(struct monitor *m, void *owner)
{
	struct agent *a = owner;

	(void)m;
	if (a->asked)
		monitor_agent_again_late(a);
	else
		monitor_agent_lost(a, "it did not answer in time");
}

/* ---- a new one ---- */

struct agent *
monitor_agent_new(struct monitor *m, uint64_t call, int socket)
{
	struct agent *a = m->n_agents < MONITOR_AGENTS_MAX ? calloc(1, sizeof(*a)) : NULL;

	if (a == NULL) {
		(void)monitor_agent_link_drop(socket);	/* told all the same */
		monitor_remark(m, IPC_ERROR, "no room for another agent");
		tell_AGENT_DONE(m, &(struct ipc_AGENT_DONE){ .call = call });
		return NULL;
	}
	a->m = m;
	a->call = call;
	a->link.fd = -1;
	monitor_agent_queue_init(a);
	if (monitor_timer_init(m, &a->deadline, monitor_agent_late, a) != 0 ||
	    monitor_agent_link_open(a, socket) != 0) {
		monitor_remark(m, IPC_ERROR, "the agent's descriptor is not a stream socket");
		tell_AGENT_DONE(m, &(struct ipc_AGENT_DONE){ .call = call });
		monitor_timer_deinit(m, &a->deadline);
		free(a);
		return NULL;
	}
	a->serial = ++m->serial;
	a->next = m->agents;
	m->agents = a;
	m->n_agents++;
	return a;
}

int
monitor_agent_on_agent(struct monitor *m, const struct ipc_AGENT *q)
{
	static const uint8_t list = SSH_AGENTC_REQUEST_IDENTITIES;
	struct agent *a;

	if (q->again > 1) {
		(void)monitor_agent_link_drop(q->socket);	/* told all the same */
		return IPC_BROKEN;
	}
	a = monitor_agent_new(m, q->call, q->socket);
	if (a == NULL)
		return 0;
	a->again = q->again != 0;
	a->doing = AGENT_LISTING;
	monitor_agent_link_send(a, span_of(&list, 1), AGENT_LIST_MS);
	return 0;
}
