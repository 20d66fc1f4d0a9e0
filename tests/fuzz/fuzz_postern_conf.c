/*
 * fuzz_postern_conf.c - ssh_config(5) files, for libFuzzer: keywords, Host, Match, Include,
 * tokens.  Include finds nothing but the input itself, under the name "self"; Match exec
 * runs nothing; the machine has no name, no address and one user.
 *
 * Besides the sanitizers: what was taken has every value that the rest of postern counts
 * on, and its tokens come to an end.
 */
#include <ifaddrs.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/client_log.h"
#include "apps/client_token.h"
#include "tests/fuzz/conf_self.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- what is not asked of the machine ---- */

pid_t
fork(void)
{
	return -1;
}

int
getifaddrs(struct ifaddrs **all)
{
	*all = NULL;
	return 0;
}

struct passwd *
getpwuid(uid_t uid)
{
	static struct passwd bob;

	bob = (struct passwd){ .pw_name = (char[]){ "bob" }, .pw_dir = (char[]){ "/home/bob" },
		.pw_uid = uid };
	return &bob;
}

/* ---- */

static void
expand(const struct client_conf *c, const struct client_conf_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(client_token_expand(c, list->word[i], TOKENS_ALL, TOKEN_HOME | TOKEN_VARIABLES));
}

static void
look_at(const struct client_conf *c)
{
	const struct client_conf_list *const lists[] = { &c->identities, &c->certificates,
		&c->send_env, &c->set_env, &c->local_forwards, &c->remote_forwards,
		&c->dynamic_forwards, &c->permit_remote_open };

	must(c->hostname != NULL && c->user != NULL && c->home != NULL);
	must(c->port > 0 && c->port < 65536 && c->bind_mask_bits <= 0777 && c->rekey_seconds >= 0);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		must(lists[i]->n <= CONF_LIST_MAX);
		expand(c, lists[i]);
	}
	if (c->command != NULL)
		free(client_token_expand(c, c->command, TOKENS_ALL, 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct client_conf c;
	int fd;

	if (size > FUZZ_MAX)
		return 0;
	fd = conf_self(data, size);
	client_log_set_level(0);
	client_conf_init(&c);
	c.original = client_conf_copy("web.example.org");
	c.home = "/home/bob";
	if (client_conf_file(&c, path, c.original, true) == 0) {
		c.is_final = true;
		if (client_conf_file(&c, path, c.original, true) == 0 && client_conf_finish(&c) == 0)
			look_at(&c);
	}
	client_conf_free(&c);
	close(fd);
	return 0;
}
