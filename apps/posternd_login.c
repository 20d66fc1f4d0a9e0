/*
 * posternd_login.c - the library's questions about a login, passed to the account
 * helper, and its answers.
 *
 * Nothing is decided here but the order of methods.  An answer belongs to one
 * question of one connection; a key's restrictions are kept until the monitor says
 * which key was proven, and a login whose key has none on record gets no session.
 */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "apps/conf_match.h"
#include "apps/posternd.h"
#include "apps/session_link.h"

int posternd_login_ask(struct conn *c, void *packet, size_t size, uint32_t kind,
    uint64_t question, const struct postern_login *l)
{
	struct account_head *head = packet;
	int r;

	*head = (struct account_head){ .kind = kind, .slot = c->slot, .id = ++c->daemon->asks };
	r = session_link_send(c->daemon->account, packet, size, NULL, 0);
	if (r < 0) {
		posternd_log(POSTERN_ERROR, c, "account helper: %s", strerror(-r));
		return POSTERN_REFUSE;
	}
	c->ask = head->id;
	c->question = question;
	c->method = l->method;
	/* both fit: what does not is refused before */
	(void)session_link_put(c->proven, sizeof(c->proven), l->proven);
	(void)session_link_put(c->asked_user, sizeof(c->asked_user), l->user);
	return POSTERN_LATER;
}

/* kind: ACCOUNT_WHO, or ACCOUNT_TALK. */
static int ask_who(struct conn *c, uint32_t kind, uint64_t question, const struct postern_login *l)
{
	struct account_who_ask ask;

	memset(&ask, 0, sizeof(ask));
	(void)session_link_put(ask.user, sizeof(ask.user), l->user);
	memcpy(ask.address, c->address, sizeof(ask.address));
	memcpy(ask.local, c->local, sizeof(ask.local));
	ask.local_port = c->local_port;
	return posternd_login_ask(c, &ask, sizeof(ask), kind, question, l);
}

static int ask_key(struct conn *c, uint64_t question, const struct postern_login *l)
{
	static struct account_key_ask ask;

	if (l->key_len == 0 || l->key_len > ACCOUNT_KEY_MAX ||
	    postern_fingerprint(l->key, l->key_len, c->asked_key, sizeof(c->asked_key)) < 0)
		return POSTERN_REFUSE;
	memcpy(c->asked_plain, c->asked_key, sizeof(c->asked_plain));
	if (l->certificate != NULL && postern_fingerprint(l->certificate->plain,
	    l->certificate->plain_len, c->asked_plain, sizeof(c->asked_plain)) < 0)
		return POSTERN_REFUSE;
	free(c->asked_text);
	c->asked_text = posternd_authinfo_wanted(&c->daemon->conf) ?
	    posternd_authinfo_key(l->key, l->key_len) : NULL;
	memset(&ask, 0, sizeof(ask));
	(void)session_link_put(ask.user, sizeof(ask.user), l->user);
	memcpy(ask.address, c->address, sizeof(ask.address));
	memcpy(ask.local, c->local, sizeof(ask.local));
	ask.port = c->port;
	ask.local_port = c->local_port;
	if (!session_link_put(ask.algorithm, sizeof(ask.algorithm), l->algorithm))
		return POSTERN_REFUSE;
	ask.len = (uint32_t)l->key_len;
	memcpy(ask.blob, l->key, l->key_len);
	c->asked_cert[0] = '\0';
	if (l->certificate != NULL) {
		ask.is_certificate = 1;
		if (!posternd_certificate_put(&ask.certificate, l->certificate))
			return POSTERN_REFUSE;
		posternd_certificate_show(l->certificate, c->asked_cert, sizeof(c->asked_cert));
	}
	return posternd_login_ask(c, &ask, account_key_size(&ask), ACCOUNT_KEY, question, l);
}

static int ask_password(struct conn *c, uint64_t question, const struct postern_login *l,
    const char *password)
{
	struct account_password_ask ask;
	int r = POSTERN_REFUSE;

	memset(&ask, 0, sizeof(ask));
	(void)session_link_put(ask.user, sizeof(ask.user), l->user);
	memcpy(ask.address, c->address, sizeof(ask.address));
	memcpy(ask.local, c->local, sizeof(ask.local));
	ask.local_port = c->local_port;
	if (session_link_put(ask.password, sizeof(ask.password), password))
		r = posternd_login_ask(c, &ask, sizeof(ask), ACCOUNT_PASSWORD, question, l);
	sodium_memzero(&ask, sizeof(ask));
	return r;
}

static int ask_prompt(postern_transport *t, uint64_t question)
{
	struct postern_prompt prompt = { "Password: ", 0 };
	struct postern_prompts prompts = POSTERN_PROMPTS;

	prompts.n = 1;
	prompts.prompts = &prompt;
	return postern_answer_prompts(t, question, &prompts) < 0 ? POSTERN_REFUSE : POSTERN_LATER;
}

/* Is it known what holds for this user? */
static bool is_judged(const struct conn *c)
{
	return c->is_judged || c->daemon->conf.n_blocks == 0;
}

/* By which the monitor judges this user's keys from now on, the one being asked about too. */
static int set_lists(struct conn *c)
{
	const struct conf *all = &c->daemon->conf;

	if (conf_match_value(all, CONF_PubkeyAcceptedAlgorithms, 0) == NULL &&
	    conf_match_value(all, CONF_CASignatureAlgorithms, 0) == NULL)
		return 0;
	return postern_transport_set_login_signatures(c->transport, c->conf->pubkey_algorithms,
	    c->conf->ca_algorithms);
}

/* Once for a connection: the monitor sees to it that its user stays the same.  False:
 * nothing is known, and nobody gets in. */
static bool judge(struct conn *c, const struct account_answer *a)
{
	const struct conf *all = &c->daemon->conf;
	int r;

	if (is_judged(c))
		return true;
	if (a->has_blocks == 0 || (!conf_match_none(&a->blocks) &&
	    conf_match_view(all, &a->blocks, &c->view) < 0))
		return false;
	if (!conf_match_none(&a->blocks))
		c->conf = &c->view;
	r = postern_transport_set_login_terms(c->transport, c->conf->max_auth_tries,
	    conf_match_value(all, CONF_Banner, 0) != NULL ?
	    posternd_banner(c->daemon, c->conf->banner) : NULL);
	if (r >= 0)
		r = set_lists(c);
	if (r < 0 && r != POSTERN_ESTATE)
		posternd_log(POSTERN_ERROR, c, "terms of a login: %s", postern_strerror(r));
	c->is_judged = r >= 0;
	if (r < 0) {			/* the next question is judged anew */
		c->conf = all;
		conf_free(&c->view);
	}
	return c->is_judged;
}

static int check_auth(void *user, postern_transport *t, uint64_t question,
    struct postern_login *l)
{
	static char methods[128];
	struct conn *c = postern_transport_user(t);
	const char *proven = l->proven != NULL ? l->proven : "";
	struct postern_login known = *l;

	(void)user;
	known.proven = proven;
	posternd_methods_names(posternd_methods_next(c->conf, proven), methods);
	l->methods = is_judged(c) ? methods : NULL;
	if (l->method != POSTERN_INTERACTIVE || l->answers == NULL)
		posternd_talk_drop(c);	/* the peer begins anew [RFC 4252 5.1] */
	/* until Match is judged the helper's answer decides, whatever was tried */
	if (strlen(l->user) > ACCOUNT_USER_MAX || strlen(proven) >= sizeof(c->proven) ||
	    (c->ask != 0 && !c->is_prompted) || (is_judged(c) && l->method != POSTERN_NONE &&
	    posternd_methods_pass(c->conf, proven, l->method) == POSTERN_REFUSE))
		return POSTERN_REFUSE;
	c->no_such_user = false;
	switch (l->method) {
	case POSTERN_NONE:
		return is_judged(c) ? POSTERN_REFUSE : ask_who(c, ACCOUNT_WHO, question, &known);
	case POSTERN_PUBLICKEY:
		return ask_key(c, question, &known);
	case POSTERN_PASSWORD:
		return ask_password(c, question, &known, l->password);
	case POSTERN_INTERACTIVE:
		if (c->conf->use_pam)
			return l->answers == NULL ? ask_who(c, ACCOUNT_TALK, question, &known) :
			    posternd_talk_reply(c, question, l);
		if (l->answers == NULL)
			return ask_prompt(t, question);
		return l->n_answers == 1 ? ask_password(c, question, &known, l->answers[0]) :
		    POSTERN_REFUSE;
	}
	return POSTERN_REFUSE;
}

static struct grant *grant_find(struct conn *c, const char *user, const char *fingerprint)
{
	struct grant *g = c->grants;

	while (g != NULL && (strcmp(g->user, user) != 0 ||
	    strcmp(g->fingerprint, fingerprint) != 0))
		g = g->next;
	return g;
}

static bool grant_keep(struct conn *c, const struct account_grant *what)
{
	struct grant *g = grant_find(c, c->asked_user, c->asked_key);
	unsigned n = 0;

	if (g == NULL) {
		for (g = c->grants; g != NULL; g = g->next)
			n++;
		if (n >= POSTERND_GRANTS_MAX || (g = calloc(1, sizeof(*g))) == NULL)
			return false;
		memcpy(g->user, c->asked_user, sizeof(g->user));
		memcpy(g->fingerprint, c->asked_key, sizeof(g->fingerprint));
		memcpy(g->plain, c->asked_plain, sizeof(g->plain));
		g->next = c->grants;
		c->grants = g;
	}
	free(g->text);
	g->text = c->asked_text;
	c->asked_text = NULL;
	g->what = *what;
	memcpy(g->certificate, c->asked_cert, sizeof(g->certificate));
	return true;
}

static void take_answer(struct conn *c, const struct account_answer *a)
{
	struct postern_login say = { .size = sizeof(say) };
	char methods[128];
	int answer = POSTERN_REFUSE, r;

	c->ask = 0;
	c->is_prompted = false;
	c->no_such_user = a->verdict == ACCOUNT_NO_SUCH_USER;
	if (a->note[0] != '\0')
		posternd_log(POSTERN_INFO, c, "User %s from %s port %u: %s",
		    posternd_log_name(c->asked_user), c->address, c->port,
		    posternd_log_quote(a->note));
	if (judge(c, a) && a->verdict == ACCOUNT_YES &&
	    (c->method != POSTERN_PUBLICKEY || grant_keep(c, &a->grant)))
		answer = posternd_methods_pass(c->conf, c->proven, c->method);
	if (answer == POSTERN_PARTIAL) {
		static const char *const name[] = { [POSTERN_PASSWORD] = "password",
		    [POSTERN_PUBLICKEY] = "publickey",
		    [POSTERN_INTERACTIVE] = "keyboard-interactive" };
		char after[sizeof(c->proven) + 32];

		(void)snprintf(after, sizeof(after), "%s%s%s", c->proven,
		    c->proven[0] != '\0' ? "," : "", name[c->method]);
		posternd_methods_names(posternd_methods_next(c->conf, after), methods);
	} else {
		posternd_methods_names(posternd_methods_next(c->conf, c->proven), methods);
	}
	say.methods = methods;
	say.no_touch_required = a->grant.no_touch_required;
	say.verify_required = a->grant.verify_required;
	r = postern_answer_login(c->transport, c->question, answer, &say);
	if (r < 0 && r != POSTERN_ESTATE)
		posternd_log(POSTERN_ERROR, c, "answer: %s", postern_strerror(r));
}

int posternd_login_answers(struct daemon *d)
{
	static union {
		struct account_head head;
		struct account_prompts prompts;
		uint8_t answer[ACCOUNT_ANSWER_MAX];
	} packet;
	static struct account_answer a;
	ssize_t len;

	for (;;) {
		len = session_link_recv(d->account, &packet, sizeof(packet), NULL, NULL);
		if (len == -EAGAIN)
			return 0;
		if (len > 0 && account_prompts_valid(&packet.prompts, (size_t)len)) {
			posternd_talk_prompts(d, &packet.prompts);
			continue;
		}
		if (len <= 0 || !account_answer_read(packet.answer, (size_t)len, &a))
			return -1;
		if (a.head.slot < d->n_slots && d->conns[a.head.slot] != NULL &&
		    d->conns[a.head.slot]->ask == a.head.id && a.head.id != 0)
			take_answer(d->conns[a.head.slot], &a);
	}
}

/* A step was passed by this key.  With whichever of its certificates: what any of them
 * forbids is forbidden then.  What nobody knows the restrictions of leads to no session. */
static void grant_prove(struct conn *c, const char *user, const char *fingerprint)
{
	const struct grant *found = NULL;

	for (struct grant *g = c->grants; g != NULL; g = g->next)
		if (strcmp(g->user, user) == 0 && (strcmp(g->fingerprint, fingerprint) == 0 ||
		    strcmp(g->plain, fingerprint) == 0)) {
			g->proven = true;
			found = g;
		}
	c->is_grant_lost = c->is_grant_lost || found == NULL;
	posternd_authinfo_add(c, "publickey", found != NULL ? found->text : NULL);
}

static void auth_attempt(void *user, postern_transport *t, const char *name,
    const char *method, const char *fingerprint, int verdict, unsigned failures)
{
	struct conn *c = postern_transport_user(t);
	const struct conf *conf = c->conf;
	bool is_key = fingerprint != NULL && fingerprint[0] != '\0';
	int level;

	(void)user;
	if (verdict == POSTERN_PARTIAL && strcmp(method, "publickey") == 0)
		grant_prove(c, name, is_key ? fingerprint : "");
	else if (verdict == POSTERN_PARTIAL)
		posternd_authinfo_add(c, method, NULL);
	if (verdict == POSTERN_ACCEPT)
		return;			/* verified_login tells it, with the key */
	/* what may be a guess is told at once, keys that do not fit when there have been
	 * many: clients try all they have */
	level = c->no_such_user || (strcmp(method, "publickey") != 0 && strcmp(method, "none") != 0) ||
	    failures >= conf->max_auth_tries / 2 || verdict == POSTERN_PARTIAL ? POSTERN_INFO :
	    POSTERN_VERBOSE;
	posternd_log(level, c, "%s %s for %s%s from %s port %u ssh2%s%s",
	    verdict == POSTERN_PARTIAL ? "Partial" : "Failed", posternd_log_name(method),
	    c->no_such_user ? "invalid user " : "", posternd_log_name(name), c->address, c->port,
	    is_key ? ": " : "", is_key ? posternd_log_quote(fingerprint) : "");
}

static bool grant_all(struct conn *c, const char *name, const void *key, size_t key_len)
{
	struct grant *last = NULL;
	char fingerprint[128];

	if (c->is_grant_lost)
		return false;
	if (key != NULL && key_len > 0) {
		if (postern_fingerprint(key, key_len, fingerprint, sizeof(fingerprint)) < 0 ||
		    (last = grant_find(c, name, fingerprint)) == NULL)
			return false;
		last->proven = true;
	}
	for (struct grant *g = c->grants; g != NULL; g = g->next)
		if (g->proven && strcmp(g->user, name) == 0 &&
		    !account_grant_narrow(&c->grant, &g->what))
			return false;
	return true;
}

/* Match may set it; the server's is in force already. */
static void keep_alive(struct conn *c)
{
	const struct conf *all = &c->daemon->conf, *own = c->conf;
	int r = 0;

	if (own->alive_interval != all->alive_interval || own->alive_max != all->alive_max)
		r = postern_transport_set_keepalive(c->transport, (int)own->alive_interval * 1000,
		    own->alive_max > 0 ? own->alive_max : UINT32_MAX);
	if (r < 0)
		posternd_log(POSTERN_ERROR, c, "ClientAliveInterval: %s", postern_strerror(r));
}

static void limit_keys(struct conn *c)
{
	const struct conf_rekey *all = &c->daemon->conf.rekey_limit, *own = &c->conf->rekey_limit;
	int r = 0;

	if (own->bytes != all->bytes || own->seconds != all->seconds)
		r = postern_transport_set_rekey_limit(c->transport, own->bytes,
		    (int)own->seconds * 1000);
	if (r < 0)
		posternd_log(POSTERN_ERROR, c, "RekeyLimit: %s", postern_strerror(r));
}

static void verified_login(void *user, postern_transport *t, const char *name,
    const char *methods, const char *algorithm, const void *key, size_t key_len)
{
	struct conn *c = postern_transport_user(t);
	char fingerprint[128] = "", shown[POSTERND_CERT_SHOWN + 4] = "";
	bool is_key = key != NULL && key_len > 0;
	const struct grant *g;

	(void)user;
	(void)algorithm;		/* of the signature; the log names the key */
	if (!session_link_put(c->user, sizeof(c->user), name)) {
		posternd_log(POSTERN_ERROR, c, "a login without a name that fits");
		return;
	}
	if (is_key && postern_fingerprint(key, key_len, fingerprint, sizeof(fingerprint)) < 0)
		fingerprint[0] = '\0';
	g = is_key ? grant_find(c, name, fingerprint) : NULL;
	if (g != NULL && g->certificate[0] != '\0')
		(void)snprintf(shown, sizeof(shown), ": %s", g->certificate);
	else if (is_key)
		(void)snprintf(shown, sizeof(shown), ": %s %s", posternd_certificate_type(key, key_len), fingerprint);
	posternd_log(POSTERN_INFO, c, "Accepted %s for %s from %s port %u ssh2%s",
	    posternd_log_name(methods), posternd_log_name(name), c->address, c->port, shown);
	posternd_authinfo_add(c, strrchr(methods, ',') != NULL ? strrchr(methods, ',') + 1 : methods,
	    g != NULL ? g->text : NULL);
	keep_alive(c);
	limit_keys(c);
	/* without a session every channel is refused: fails closed */
	if (!grant_all(c, name, key, key_len))
		posternd_log(POSTERN_ERROR, c, "the keys of this login permit nothing together");
	else if (posternd_session_start(c) < 0)
		posternd_log(POSTERN_ERROR, c, "no session process for %s",
		    posternd_log_name(name));
}

static void transport_closed(void *user, postern_transport *t,
    const struct postern_exception *e)
{
	struct conn *c = postern_transport_user(t);
	bool in_order = e->code == 0 || e->code == POSTERN_ECLOSED;
	const char *text = e->text != NULL ? e->text : "";
	char why[1536] = "";

	(void)user;
	if (!in_order)
		(void)snprintf(why, sizeof(why), ": %s in phase %s%s%s%s",
		    postern_strerror(e->code), posternd_log_quote(e->phase),
		    text[0] == '\0' ? "" : e->is_claim ? "; its worker says: \"" : ": ",
		    posternd_log_quote(text), text[0] != '\0' && e->is_claim ? "\"" : "");
	if (c->user[0] != '\0')
		posternd_log(POSTERN_INFO, c, "Disconnected from user %s %s port %u%s",
		    posternd_log_name(c->user), c->address, c->port, why);
	else
		posternd_log(POSTERN_INFO, c, "Connection closed by %s port %u [preauth]%s",
		    c->address, c->port, why);
	posternd_conn_free(c);
}

void posternd_login_interface(struct daemon *d, struct postern_server_interface *i)
{
	i->user = d;
	i->check_auth = check_auth;
	i->verified_login = verified_login;
	i->auth_attempt = auth_attempt;
	i->transport_closed = transport_closed;
}
