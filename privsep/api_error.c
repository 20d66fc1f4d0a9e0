/*
 * api_error.c - codes, their sentences, and the whole story of a failure.
 *
 * Inside there are many reasons; here they become few codes, once.  Text that the
 * worker or the peer wrote keeps that mark (is_claim) and is made harmless to show.
 */
#include <errno.h>
#include <stdlib.h>

#include "privsep/api.h"

static const struct {
	int code;
	const char *text;
} sentences[] = {
	{ POSTERN_ETIMEOUT, "timed out" },
	{ POSTERN_ECLOSED,  "the connection was closed" },
	{ POSTERN_ECUT,     "the network ended the connection" },
	{ POSTERN_EPROTO,   "the peer broke the protocol" },
	{ POSTERN_ENOMATCH, "no algorithm in common with the peer" },
	{ POSTERN_EHOSTKEY, "the host key is not trusted" },
	{ POSTERN_EAUTH,    "login refused" },
	{ POSTERN_EREFUSED, "refused by the peer" },
	{ POSTERN_EWORKER,  "our worker process died" },
	{ POSTERN_EMONITOR, "our monitor process died or is of another build" },
	{ POSTERN_ESTATE,   "not possible at this point" },
	{ POSTERN_ELIMIT,   "a configured limit was reached" },
	{ POSTERN_EFORKED,  "used in a forked child" },
	{ POSTERN_EKEY,     "the key file cannot be used" },
	{ POSTERN_ESANDBOX, "a required sandbox layer is not to be had" },
	{ POSTERN_ESIGN,    "who has the host key's private half did not sign" },
};

static const struct {
	uint32_t outcome;
	int code;
} outcomes[] = {
	{ IPC_DONE_BY_US,    0 },
	{ IPC_PEER_CLOSED,   POSTERN_ECLOSED },
	{ IPC_CUT,           POSTERN_ECUT },
	{ IPC_TIMED_OUT,     POSTERN_ETIMEOUT },
	{ IPC_PROTOCOL,      POSTERN_EPROTO },
	{ IPC_NO_MATCH,      POSTERN_ENOMATCH },
	{ IPC_BAD_HOST_KEY,  POSTERN_EHOSTKEY },
	{ IPC_LOGIN_REFUSED, POSTERN_EAUTH },
	{ IPC_WORKER_DIED,   POSTERN_EWORKER },
	{ IPC_WORKER_LIED,   POSTERN_EWORKER },
	{ IPC_LIMIT,         POSTERN_ELIMIT },
	{ IPC_RESOURCE,      -ENOMEM },
	{ IPC_SILENT,        POSTERN_ECUT },
	{ IPC_UNSIGNED,      POSTERN_ESIGN },
};

const char *
postern_strerror(int code)
{
	const char *text = NULL;

	if (code >= 0)
		return "no error";
	for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++) {
		if (sentences[i].code == code)
			return sentences[i].text;
	}
	/* not strerror: that one asks the locale and writes to a shared buffer */
	if (code > -4096)
		text = strerrordesc_np(-code);
	return text != NULL ? text : "unknown error";
}

int
api_error_of_outcome(uint32_t outcome)
{
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
		if (outcomes[i].outcome == outcome)
			return outcomes[i].code;
	}
	/* a number we do not know is not success */
	return POSTERN_EWORKER;
}

void
api_error_clear(struct api_exception *e)
{
	free(e->text);
	free(e->ours);
	free(e->theirs);
	*e = (struct api_exception){ 0 };
}

int
api_error_end(postern_transport *t, int code, const char *phase, int side, bool is_claim,
    struct span text)
{
	struct api_exception *e = &t->exception;

	if (t->is_over)
		return code;
	api_error_clear(e);
	e->code = code;
	e->side = side;
	e->is_claim = is_claim;
	for (size_t i = 0; i + 1 < sizeof(e->phase) && phase[i] != '\0'; i++)
		e->phase[i] = phase[i];
	/* without memory the code alone must do */
	e->text = api_context_copy(text);
	if (e->text != NULL)
		api_log_tame_line(e->text);
	return code;
}

int
api_error_set(postern_transport *t, int code, const char *phase, int side, bool is_claim,
    struct span text)
{
	return t->is_ending ? code : api_error_end(t, code, phase, side, is_claim, text);
}

static const char *
shown(const char *s)
{
	return s != NULL ? s : "";
}

void
api_error_show(const struct api_exception *e, struct postern_exception *out)
{
	*out = (struct postern_exception){
		.size = sizeof(*out), .code = e->code, .phase = e->phase, .side = e->side,
		.text = shown(e->text), .is_claim = e->is_claim,
		.disconnect = e->disconnect, .ours = shown(e->ours),
		.theirs = shown(e->theirs), .signal = e->signal, .refusal = e->refusal,
	};
}

int
postern_transport_get_exception(postern_transport *t, struct postern_exception *out)
{
	struct postern_exception e;
	int r = api_context_enter(t->ctx);

	if (r < 0)
		return r;
	/* the strings that are shown live until the next fetch */
	api_error_clear(&t->told);
	t->told = t->exception;
	t->exception = (struct api_exception){ 0 };
	api_error_show(&t->told, &e);
	api_context_fill(out, &e, sizeof(e));
	return 0;
}
