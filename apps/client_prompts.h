/* client_prompts.h - a server's questions, put to the person. */
#ifndef APPS_CLIENT_PROMPTS_H
#define APPS_CLIENT_PROMPTS_H

#include <postern.h>

#include "apps/client_conf.h"

/* postern_client_interface.answer_prompts; the answers are malloc'd.  *gave_up: the person
 * closed the prompt, or nobody is to be asked. */
int client_prompts_answer(const struct client_conf *, const struct postern_prompts *, char **answers,
    bool *gave_up);

#endif
