/*
 * monitor_agent_add.c - a user key goes to the user's agent (AddKeysToAgent).
 *
 * The one way on which a private key leaves the monitor: on the user's word, to a socket
 * that the user's program connected.  What is at its other end is that program's word, so
 * a program in an attacker's hands could have the user keys it has loaded: CONFIG, which
 * is said once and before anybody is spoken to, must have said that keys may leave at all.
 * A host key never does.  The message is made in guarded memory and wiped once it is out.
 */
#include "crypto/blob.h"
#include "privsep/monitor_agent.h"

enum {
	SSH_AGENTC_ADD_IDENTITY = 17,
	SSH_AGENTC_ADD_ID_CONSTRAINED = 25,
	SSH_AGENT_CONSTRAIN_LIFETIME = 1,
	SSH_AGENT_CONSTRAIN_CONFIRM = 2,
	COMMENT_MAX = 1024,
	/* length, number, a key with all its numbers, comment, constraints */
	MESSAGE_MAX = 4 + 1 + 2 * KEY_BLOB_MAX + 4 + COMMENT_MAX + 1 + 4 + 1,
};

static void
put_u8(struct blob_out *out, uint8_t v)
{
	blob_put(out, &v, 1);
}

static bool
put_message(struct blob_out *out, const struct key *key, const struct ipc_AGENT_ADD *q)
{
	bool limited = q->lifetime != 0 || q->confirm != 0;
	struct blob_out head;

	blob_put_u32(out, 0);		/* the length, once it is known */
	put_u8(out, limited ? SSH_AGENTC_ADD_ID_CONSTRAINED : SSH_AGENTC_ADD_IDENTITY);
	key->alg->put(key->secret, key->blob, key->blob_len, out);
	blob_put_string(out, q->comment.p, q->comment.n);
	if (q->lifetime != 0) {
		put_u8(out, SSH_AGENT_CONSTRAIN_LIFETIME);
		blob_put_u32(out, q->lifetime);
	}
	if (q->confirm != 0)
		put_u8(out, SSH_AGENT_CONSTRAIN_CONFIRM);
	if (out->bad)
		return false;
	head = blob_out_of(out->p, 4);
	blob_put_u32(&head, (uint32_t)(out->n - 4));
	return true;
}

int
monitor_agent_on_add(struct monitor *m, const struct ipc_AGENT_ADD *q)
{
	const struct key *key = monitor_keys_user(m, q->key);
	bool fit = m->config.keys_may_leave != 0 && key != NULL && key->secret != NULL &&
	    key->alg->put != NULL;
	struct blob_out out = blob_out_of(fit ? crypto_secret_alloc(MESSAGE_MAX) : NULL, MESSAGE_MAX);
	struct agent *a;

	if (m->config.keys_may_leave == 0)
		monitor_remark(m, IPC_ERROR, "a key was to be given to an agent: keys may not leave");
	if (q->confirm > 1 || out.p == NULL || !put_message(&out, key, q)) {
		(void)monitor_agent_link_drop(q->socket);	/* told all the same */
		crypto_secret_free(out.p);
		tell_AGENT_DONE(m, &(struct ipc_AGENT_DONE){ .call = q->call });
		return q->confirm > 1 ? IPC_BROKEN : 0;
	}
	a = monitor_agent_new(m, q->call, q->socket);
	if (a == NULL) {
		crypto_secret_free(out.p);
		return 0;
	}
	a->doing = AGENT_ADDING;
	monitor_agent_link_send_secret(a, out.p, out.n, AGENT_SIGN_MS);
	return 0;
}
