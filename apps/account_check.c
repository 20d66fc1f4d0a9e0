/*
 * account_check.c - one login attempt, in a process of its own.
 *
 * It begins with posternd's rights, asks NSS and the administrator's rules, and for
 * a key becomes the user before it opens a file the user controls.  Whoever takes
 * it over through that file is that user, and can say yes to one question about
 * that user's own account.
 */
#include <bsd/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "apps/account_command.h"
#include "apps/account_pam.h"
#include "apps/conf.h"
#include "apps/session_link.h"

/* Root, and every other name of uid 0. */
static bool root_may(const struct conf *c, bool with_key, const struct account_grant *grant,
    char why[ACCOUNT_NOTE_MAX])
{
	bool may = c->root_login == CONF_ROOT_YES ||
	    (with_key && c->root_login == CONF_ROOT_NO_PASSWORD) ||
	    (with_key && c->root_login == CONF_ROOT_FORCED && grant->has_command);

	if (!may)
		(void)session_link_put(why, ACCOUNT_NOTE_MAX,
		    c->root_login == CONF_ROOT_FORCED && with_key ?
		    "PermitRootLogin forced-commands-only, and the key's line has no command" :
		    "PermitRootLogin does not allow this");
	return may;
}

/* What was wrong with a line is told with where it stands. */
static bool search_text(char *text, size_t len, const char *source,
    const struct account_wanted *wanted, struct account_answer *out)
{
	char why[ACCOUNT_NOTE_MAX] = "";
	bool found = account_keys_search(text, len, wanted, &out->grant, why);

	if (why[0] != '\0')
		(void)snprintf(out->note, sizeof(out->note), "%.200s, %.300s", source, why);
	return found;
}

static bool search_file(const struct conf *c, const struct account_user *u, const char *pattern,
    const struct account_wanted *wanted, struct account_answer *out)
{
	char path[ACCOUNT_PATH_MAX], why[ACCOUNT_NOTE_MAX] = "", *text = NULL;
	bool found = false;
	size_t len;
	int fd;

	if (account_file_name(pattern, u, path, sizeof(path)) < 0) {
		(void)session_link_put(out->note, sizeof(out->note),
		    "AuthorizedKeysFile: path too long, or an unknown % token");
		return false;
	}
	fd = account_file_open(path, u->home, u->uid, c->strict_modes, why);
	if (fd >= 0 && (text = account_file_read(fd, &len, why)) != NULL)
		found = search_text(text, len, path, wanted, out);
	if (fd >= 0)
		close(fd);
	free(text);
	if (why[0] != '\0')
		(void)session_link_put(out->note, sizeof(out->note), why);
	return found;
}

static bool search_command(struct account_command *command, const struct account_wanted *wanted,
    struct account_answer *out)
{
	char why[ACCOUNT_NOTE_MAX] = "";
	size_t len;
	char *text = account_command_run(command, &len, why);
	bool found = text != NULL && search_text(text, len, command->keyword, wanted, out);

	free(text);
	if (why[0] != '\0')
		(void)session_link_put(out->note, sizeof(out->note), why);
	return found;
}

/* The two programs that may be asked.  They are made ready while there are rights to run
 * them as their own users. */
struct commands { struct account_command keys, principals; };

/* A Match block may have set one without the other.  False: told. */
static bool prepare(const struct conf *c, const char *keyword, const char *line,
    const char *user, const struct account_tokens *tokens, struct account_command *out,
    char why[ACCOUNT_NOTE_MAX])
{
	const struct account_command_plan plan = { .conf = c, .keyword = keyword, .line = line,
	    .user = user, .deadline_ms = ACCOUNT_COMMAND_MS, .tokens = *tokens };

	if (line == NULL || (user != NULL && account_command_prepare(&plan, out) == 0))
		return true;
	(void)snprintf(why, ACCOUNT_NOTE_MAX, "%s: %s", keyword, user == NULL ?
	    "there is nobody to run it as" : "no process to run it with");
	return false;
}

/* As the user: a certificate of a trusted authority first, then files; the command is
 * asked when no file has the key, as sshd has it. */
static bool search_as_user(const struct conf *c, const struct account_user *u,
    const struct account_wanted *wanted, bool trusted, struct commands *commands,
    struct account_answer *out)
{
	bool found = trusted && account_principals_fit(c, u, wanted, &commands->principals,
	    &out->grant, out->note);

	for (size_t i = 0; i < c->keys_files.n && !found; i++)
		if (strcmp(c->keys_files.v[i], "none") != 0)
			found = search_file(c, u, c->keys_files.v[i], wanted, out);
	return found || (commands->keys.pid > 0 && search_command(&commands->keys, wanted, out));
}

static bool search_all(const struct conf *c, const struct account_user *u,
    const struct account_key_ask *ask, struct account_answer *out)
{
	const struct account_certificate *cert = ask->is_certificate ? &ask->certificate : NULL;
	const struct account_wanted wanted = { .is_certificate = cert != NULL,
	    .blob = cert != NULL ? cert->ca : ask->blob, .len = cert != NULL ? cert->ca_len : ask->len,
	    .user = u->name, .address = ask->address, .principals = cert != NULL ? cert->names : "",
	    .now = (int64_t)time(NULL), .user_environment = c->user_environment };
	const struct account_tokens tokens = { u, ask->blob, ask->len, ask->address, ask->local,
	    ask->port, ask->local_port, cert };
	struct commands commands = { .keys = { .control = -1, .output = -1 },
	    .principals = { .control = -1, .output = -1 } };
	bool trusted, found = false;

	/* the administrator's file, which the user need not be able to read */
	trusted = cert != NULL && c->user_ca_file != NULL &&
	    account_certificate_trusted(cert, c->user_ca_file, out->note);
	if (prepare(c, "AuthorizedKeysCommand", c->keys_command, c->keys_command_user, &tokens,
	    &commands.keys, out->note) && (!trusted || prepare(c, "AuthorizedPrincipalsCommand",
	    c->principals_command, c->principals_command_user, &tokens, &commands.principals,
	    out->note))) {
		if (account_user_become(u) == 0)
			found = search_as_user(c, u, &wanted, trusted, &commands, out);
		else
			(void)session_link_put(out->note, sizeof(out->note), "cannot become the user");
	}
	account_command_end(&commands.principals);
	account_command_end(&commands.keys);
	return found;
}

/* A Match block's PubkeyAcceptedAlgorithms, before anything of the user's is opened. */
static bool listed(const char *list, const char *algorithm)
{
	size_t n = strlen(algorithm);

	while (strncmp(list, algorithm, n) != 0 || (list[n] != ',' && list[n] != '\0')) {
		list += strcspn(list, ",");
		if (*list == '\0')
			return false;
		list++;
	}
	return n > 0;
}

static bool key_found(const struct conf *c, const struct account_user *u,
    const struct account_key_ask *ask, struct account_answer *out)
{
	if (!c->pubkey)
		return false;
	if (!listed(c->pubkey_algorithms, ask->algorithm)) {
		(void)snprintf(out->note, sizeof(out->note), "%s is not in this user's "
		    "PubkeyAcceptedAlgorithms", ask->algorithm);
		return false;
	}
	if (u->is_virtual) {
		/* it has no files of its own; who is asked about nobody takes as long */
		static struct account_user nobody;

		account_user_find(c, "", &nobody);
		(void)search_all(c, &nobody, ask, out);
		return false;
	}
	if (!search_all(c, u, ask, out) || (ask->is_certificate &&
	    !account_certificate_narrow(&ask->certificate, &out->grant, out->note)))
		return false;
	out->grant.no_touch_required &= !(c->pubkey_options & CONF_TOUCH_REQUIRED);
	out->grant.verify_required |= (c->pubkey_options & CONF_VERIFY_REQUIRED) != 0;
	return true;
}

/* With PAM the account is judged by its modules, with root's rights and once the key is
 * found: so the file is read by a process of its own that becomes the user, and what
 * that says is no more than whether the key is there, and with which restrictions. */
static _Noreturn void search_apart(const struct conf *c, const struct account_user *u,
    const struct account_key_ask *ask, int keep)
{
	struct account_answer got = { .head = { .kind = ACCOUNT_ANSWER } };

	/* the attempt's own socket above all */
	if ((keep != 3 && dup3(keep, 3, O_CLOEXEC) < 0))
		_exit(1);
	closefrom(4);
	(void)alarm(ACCOUNT_DEADLINE_MS / 1000);
	got.verdict = key_found(c, u, ask, &got) ? ACCOUNT_YES : ACCOUNT_NO;
	_exit(account_answer_send(3, &got) == 0 ? 0 : 1);
}

static bool key_found_apart(const struct conf *c, const struct account_user *u,
    const struct account_key_ask *ask, struct account_answer *out)
{
	uint8_t packet[ACCOUNT_ANSWER_MAX];
	struct account_answer got;
	struct pollfd p = { .events = POLLIN };
	ssize_t len = -1;
	int pair[2];
	pid_t pid;

	if (session_link_pair(pair) < 0)
		return false;
	if ((pid = fork()) == 0)
		search_apart(c, u, ask, pair[1]);
	close(pair[1]);
	p.fd = pair[0];
	/* it ends in time, and so does this wait */
	while (pid > 0 && (len = session_link_recv(pair[0], packet, sizeof(packet), NULL,
	    NULL)) == -EAGAIN)
		if (poll(&p, 1, -1) < 0 && errno != EINTR)
			break;
	close(pair[0]);
	if (len <= 0 || !account_answer_read(packet, (size_t)len, &got))
		return false;
	memcpy(out->note, got.note, sizeof(out->note));
	out->grant = got.grant;
	return got.verdict == ACCOUNT_YES;
}

struct pam_judge { const struct conf *conf; const struct account_user *user; bool allowed; int sock; };

static struct account_pam pam_for(const struct pam_judge *j, const struct account_from *from)
{
	return (struct account_pam){ .service = j->conf->pam_service, .user = from->user,
	    .address = from->address, .exists = j->allowed, .empty_ok = j->conf->empty_passwords };
}

static bool pam_right(struct pam_judge *j, const union account_packet *p, struct account_answer *out)
{
	char why[ACCOUNT_NOTE_MAX] = "";
	struct account_pam pam;
	bool right = false;

	switch (p->head.kind) {
	case ACCOUNT_KEY:
		pam = pam_for(j, &(struct account_from){ .user = p->key.user, .address = p->key.address });
		right = key_found_apart(j->conf, j->user, &p->key, out) &&
		    account_pam_account(&pam, why);
		break;
	case ACCOUNT_PASSWORD:
		pam = pam_for(j, &(struct account_from){ .user = p->password.user,
		    .address = p->password.address });
		right = j->conf->password && account_pam_password(&pam, p->password.password, why);
		break;
	default:
		pam = pam_for(j, &(struct account_from){ .user = p->who.user, .address = p->who.address });
		pam.ask = account_talk_ask;
		pam.ask_user = &j->sock;
		right = j->conf->interactive && account_pam_talk(&pam, why);
		break;
	}
	if (why[0] != '\0')
		(void)session_link_put(out->note, sizeof(out->note), why);
	return right;
}

static bool password_right(const struct conf *c, const struct account_user *u,
    const struct account_password_ask *ask, struct account_answer *out)
{
	return (c->password || c->interactive) &&
	    account_password_check(c, u, ask->user, ask->password, out->note);
}

static bool is_right(const struct conf *c, const struct account_user *u,
    const union account_packet *p, bool allowed, int sock, struct account_answer *out)
{
	/* root's password is not tried where it cannot let root in */
	struct pam_judge j = { c, u, allowed && (u->uid != 0 || p->head.kind == ACCOUNT_KEY ||
	    c->root_login == CONF_ROOT_YES), sock };

	if (c->use_pam)
		return pam_right(&j, p, out);
	if (p->head.kind == ACCOUNT_TALK)
		return false;		/* without PAM posternd asks for the password itself */
	return p->head.kind == ACCOUNT_KEY ? key_found(c, u, &p->key, out) :
	    password_right(c, u, &p->password, out);
}

void account_check(const struct conf *c, const struct account_user *u,
    const union account_packet *p, int sock, struct account_answer *out)
{
	bool with_key = p->head.kind == ACCOUNT_KEY;
	const char *address = with_key ? p->key.address : p->head.kind == ACCOUNT_PASSWORD ?
	    p->password.address : p->who.address;
	char why[ACCOUNT_NOTE_MAX] = "";
	bool allowed, right;

	if (p->head.kind == ACCOUNT_WHO) {
		out->verdict = u->exists ? ACCOUNT_NO : ACCOUNT_NO_SUCH_USER;
		return;
	}
	allowed = u->exists && account_user_allowed(c, u, address, why);
	/* whoever may not log in takes the same path, so that the time tells nothing */
	right = is_right(c, u, p, allowed, sock, out);
	if (allowed && right && u->uid == 0)
		allowed = root_may(c, with_key, &out->grant, why);
	if (why[0] != '\0')
		(void)session_link_put(out->note, sizeof(out->note), why);
	out->verdict = !u->exists ? ACCOUNT_NO_SUCH_USER : allowed && right ? ACCOUNT_YES : ACCOUNT_NO;
	if (out->verdict != ACCOUNT_YES)
		out->grant = (struct account_grant){ 0 };
}
