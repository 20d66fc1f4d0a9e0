/*
 * api_asked.c - the monitor's questions about a login, into the words of postern.h.
 *
 * What they say began with a stranger: names, passwords, what a certificate promises.
 * The monitor has checked its form; nothing here decides, or keeps anything longer than
 * the application's answer takes.
 */
#include <errno.h>

#include "privsep/api.h"

enum { ANSWERS_MAX = API_PROMPTS_MAX,
	PRINCIPALS_MAX = 256 };		/* as the monitor takes them */

/* What all steps have in common. */
static int
ask_login(postern_transport *t, uint64_t question, struct span user, struct span proven,
    struct postern_login *login)
{
	login->size = sizeof(*login);
	login->user = api_text(user);
	login->proven = proven.p != NULL ? api_text(proven) : "";
	api_server_ask_login(t, question, login);
	return 0;
}

int
api_asked_none(postern_transport *t, const struct ipc_ASK_NONE *m)
{
	struct postern_login login = { .method = POSTERN_NONE };

	return ask_login(t, m->question, m->user, span_of(NULL, 0), &login);
}

int
api_asked_password(postern_transport *t, const struct ipc_ASK_PASSWORD *m)
{
	struct postern_login login = { .method = POSTERN_PASSWORD,
		.password = api_text(m->password) };

	return ask_login(t, m->question, m->user, m->proven, &login);
}

int
api_asked_change(postern_transport *t, const struct ipc_ASK_CHANGE *m)
{
	struct postern_login login = { .method = POSTERN_PASSWORD,
		.password = api_text(m->password), .new_password = api_text(m->new_password) };

	return ask_login(t, m->question, m->user, m->proven, &login);
}

_Static_assert((int)POSTERN_CERT_X11 == (int)IPC_PERMIT_X11 &&
    (int)POSTERN_CERT_AGENT == (int)IPC_PERMIT_AGENT &&
    (int)POSTERN_CERT_PORT == (int)IPC_PERMIT_PORT &&
    (int)POSTERN_CERT_PTY == (int)IPC_PERMIT_PTY &&
    (int)POSTERN_CERT_USER_RC == (int)IPC_PERMIT_USER_RC &&
    (int)POSTERN_CERT_NO_TOUCH == (int)IPC_NO_TOUCH, "the bits are the same");

int
api_asked_publickey(postern_transport *t, const struct ipc_ASK_PUBLICKEY *m)
{
	const char *principals[PRINCIPALS_MAX];
	struct span spans[PRINCIPALS_MAX];
	struct postern_certificate cert = { .size = sizeof(cert), .ca = m->ca.p,
		.ca_len = m->ca.n, .plain = m->plain.p, .plain_len = m->plain.n,
		.serial = m->serial, .principals = principals, .permits = m->permits };
	struct postern_login login = { .method = POSTERN_PUBLICKEY,
		.algorithm = api_text(m->alg), .key = m->key.p, .key_len = m->key.n };
	struct rd r = rd_of(m->principals);

	while (r.n > 0 && !r.bad && cert.n_principals < PRINCIPALS_MAX)
		spans[cert.n_principals++] = rd_text(&r, r.n);
	if (!rd_done(&r))
		return IPC_BROKEN;
	/* only now: each NUL overwrites the length of the next */
	for (size_t i = 0; i < cert.n_principals; i++)
		principals[i] = api_text(spans[i]);
	cert.key_id = api_text(m->key_id);
	if (m->is_forced != 0)
		cert.force_command = api_text(m->force_command);
	if (m->ca.n > 0)
		login.certificate = &cert;
	return ask_login(t, m->question, m->user, m->proven, &login);
}

int
api_asked_kbdint(postern_transport *t, const struct ipc_ASK_KBDINT *m)
{
	struct postern_login login = { .method = POSTERN_INTERACTIVE,
		.submethods = api_text(m->submethods) };

	return ask_login(t, m->question, m->user, m->proven, &login);
}

int
api_asked_responses(postern_transport *t, const struct ipc_ASK_RESPONSES *m)
{
	const char *answers[ANSWERS_MAX + 1] = { NULL };
	struct span spans[ANSWERS_MAX];
	struct postern_login login = { .method = POSTERN_INTERACTIVE, .submethods = "",
		.answers = answers };
	struct rd r = rd_of(m->answers);
	uint32_t n = rd_u32(&r);

	for (uint32_t i = 0; i < n && i < ANSWERS_MAX; i++)
		spans[i] = rd_text(&r, r.n);
	if (n > ANSWERS_MAX || !rd_done(&r)) {
		/* the peer's doing, not the monitor's: an answer that cannot be right */
		struct ipc_LOGIN_ANSWER no = { .conn = m->conn, .question = m->question,
			.verdict = IPC_REFUSED };

		return api_send_LOGIN_ANSWER(&t->ctx->monitor, &no) == -EMSGSIZE ? IPC_BROKEN : 0;
	}
	/* only now: each NUL overwrites the length of the next */
	for (uint32_t i = 0; i < n; i++)
		answers[i] = api_text(spans[i]);
	login.n_answers = n;
	return ask_login(t, m->question, m->user, m->proven, &login);
}
