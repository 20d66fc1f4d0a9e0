/* client_login.h - proving who the user is, method after method. */
#ifndef APPS_CLIENT_LOGIN_H
#define APPS_CLIENT_LOGIN_H

#include <postern.h>

#include "apps/client_conf.h"
#include "apps/client_withheld.h"

struct login {
	const struct client_conf *conf;
	postern_context *context;
	bool no_passwords;		/* the host key was accepted against advice */
	unsigned prompts_left;
	bool gave_up;			/* the person closed the prompt            */
	bool asked_agent;
	postern_key **agent;		/* its keys, those that were named first   */
	size_t n_agent, next_agent;
	struct client_withheld withheld;
};

/* 0: logged in; else what the last call returned, said on stderr. */
int client_login_run(struct login *, postern_transport *);
void client_login_free(struct login *);

#endif
