/*
 * account_options.c - the options of authorized_keys, sshd(8), as a table.
 *
 * All of them are read before one is judged, and a line with an option that is
 * unknown, malformed or repeated where sshd allows it once grants nothing: an option
 * that is read over would be a restriction nobody enforces.  The text is the user's,
 * or the output of the administrator's command; the process is the user's too.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "apps/account_options.h"
#include "apps/conf.h"
#include "apps/conf_number.h"
#include "apps/conf_pattern.h"
#include "apps/conf_permit.h"

enum { NAME_MAX_LEN = 32, TUNNEL_MAX = 0x7ffffffd };

/* NULL, or what is wrong with it: a text for the log. */
typedef const char *take(struct account_options *, const char *value);

static take take_authority, take_command, take_environment, take_expiry, take_from, take_listen,
    take_open, take_principals, take_restrict, take_tunnel;

/* FLAG: its name sets a byte of the grant to on, with no- before it to off.  WORD: a
 * name alone.  VALUE: name="value". */
enum shape { FLAG, WORD, VALUE };
static const struct option {
	const char *name;
	enum shape shape;
	size_t at;			/* FLAG: in struct account_grant             */
	uint8_t on, off;
	bool restricted;		/* restrict is off for it                    */
	take *take;
} options[] = {
#define F(name, field, on, off, restricted) \
	{ name, FLAG, offsetof(struct account_grant, field), on, off, restricted, NULL }
#define W(name, take) { name, WORD, 0, 0, 0, false, take }
#define V(name, take) { name, VALUE, 0, 0, 0, false, take }
	F("agent-forwarding", no_agent_forwarding, 0, 1, true),
	F("port-forwarding",  no_port_forwarding,  0, 1, true),
	F("pty",              no_pty,              0, 1, true),
	F("user-rc",          no_user_rc,          0, 1, true),
	F("X11-forwarding",   no_x11_forwarding,   0, 1, true),
	F("touch-required",   no_touch_required,   0, 1, false),
	F("verify-required",  verify_required,     1, 0, false),
	W("cert-authority",   take_authority),
	W("restrict",         take_restrict),
	V("command",          take_command),
	V("environment",      take_environment),
	V("expiry-time",      take_expiry),
	V("from",             take_from),
	V("permitlisten",     take_listen),
	V("permitopen",       take_open),
	V("principals",       take_principals),
	V("tunnel",           take_tunnel),
#undef F
#undef W
#undef V
};
enum { N_OPTIONS = sizeof(options) / sizeof(options[0]) };

static uint8_t *byte_of(struct account_options *o, const struct option *row)
{
	return (uint8_t *)&o->grant + row->at;
}

static const char *take_authority(struct account_options *o, const char *value)
{
	(void)value;
	o->is_authority = true;
	return NULL;
}

static const char *take_restrict(struct account_options *o, const char *value)
{
	(void)value;
	for (size_t i = 0; i < N_OPTIONS; i++)
		if (options[i].restricted)
			*byte_of(o, &options[i]) = options[i].off;
	return NULL;
}

static const char *take_command(struct account_options *o, const char *value)
{
	if (o->grant.has_command)
		return "it stands twice";
	o->grant.has_command = 1;
	memcpy(o->grant.command, value, strlen(value) + 1);
	return NULL;
}

/* Of several with one name the first counts, as in sshd. */
static bool is_set(const char *all, const char *name, size_t len)
{
	for (const char *p = all; *p != '\0'; p += strcspn(p, "\n") + 1)
		if (strncmp(p, name, len) == 0 && p[len] == '=')
			return true;
	return false;
}

static const char *take_environment(struct account_options *o, const char *value)
{
	size_t len = strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789_"), at = strlen(o->grant.environment), more = strlen(value);
	char name[ACCOUNT_ENVIRONMENT_MAX];

	if (len == 0 || value[len] != '=')
		return "no NAME=value";
	if (len >= sizeof(name))
		return "the name is too long";
	memcpy(name, value, len);
	name[len] = '\0';
	if (!conf_permit_environment(o->user_environment, name) ||
	    is_set(o->grant.environment, name, len))
		return NULL;
	if (more + 1 > ACCOUNT_ENVIRONMENT_MAX - at)
		return "there are too many";
	memcpy(o->grant.environment + at, value, more);
	memcpy(o->grant.environment + at + more, "\n", 2);
	return NULL;
}

/* YYYYMMDD[HHMM[SS]][Z].  -1: no time. */
static int64_t time_of(const char *v)
{
	static const int width[6] = { 4, 2, 2, 2, 2, 2 };
	size_t digits = strspn(v, "0123456789");
	bool utc = v[digits] == 'Z' || v[digits] == 'z';
	int part[6] = { 0 };
	struct tm tm = { 0 };
	const char *p = v;
	time_t t;

	if ((digits != 8 && digits != 12 && digits != 14) || v[digits + (utc ? 1 : 0)] != '\0')
		return -1;
	for (int i = 0; i < 6 && p < v + digits; i++)
		for (int k = 0; k < width[i]; k++)
			part[i] = part[i] * 10 + (*p++ - '0');
	if (part[0] < 1970 || part[1] < 1 || part[1] > 12 || part[2] < 1 || part[2] > 31 ||
	    part[3] > 23 || part[4] > 59 || part[5] > 59)
		return -1;
	tm = (struct tm){ .tm_year = part[0] - 1900, .tm_mon = part[1] - 1, .tm_mday = part[2],
	    .tm_hour = part[3], .tm_min = part[4], .tm_sec = part[5], .tm_isdst = -1 };
	t = utc ? timegm(&tm) : mktime(&tm);
	return t == (time_t)-1 ? -1 : (int64_t)t;
}

/* Of several the earliest counts. */
static const char *take_expiry(struct account_options *o, const char *value)
{
	int64_t t = time_of(value);

	if (t < 0)
		return "no time as YYYYMMDD[HHMM[SS]][Z]";
	if (!o->expires || t < o->expiry)
		o->expiry = t;
	o->expires = true;
	return NULL;
}

static const char *take_from(struct account_options *o, const char *value)
{
	if (o->has_from)
		return "it stands twice";
	if (!conf_pattern_address_valid(value))
		return "no list of patterns or address/bits";
	o->has_from = true;
	memcpy(o->from, value, strlen(value) + 1);
	return NULL;
}

static const char *take_principals(struct account_options *o, const char *value)
{
	if (o->has_principals)
		return "it stands twice";
	if (value[0] == '\0')
		return "the list is empty";
	o->has_principals = true;
	memcpy(o->principals, value, strlen(value) + 1);
	return NULL;
}

static const char *permit(char list[ACCOUNT_PERMIT_MAX + 1], const char *word, conf_check *check)
{
	size_t at = strlen(list), len = strlen(word);

	if (len == 0 || strpbrk(word, " \t") != NULL)
		return "not one word";
	if (check(word) != NULL)
		return check(word);
	if (at + len + 1 > ACCOUNT_PERMIT_MAX)
		return "there are too many";
	if (at > 0)
		list[at++] = ' ';
	memcpy(list + at, word, len + 1);
	return NULL;
}

static const char *take_open(struct account_options *o, const char *value)
{
	return permit(o->grant.permit_open, value, conf_check_permit_open);
}

static const char *take_listen(struct account_options *o, const char *value)
{
	return permit(o->grant.permit_listen, value, conf_check_permit_listen);
}

/* It would choose a device for a tunnel.  There are no tunnels: nothing to choose. */
static const char *take_tunnel(struct account_options *o, const char *value)
{
	uint64_t number;

	(void)o;
	return strcasecmp(value, "any") == 0 || conf_number(value, TUNNEL_MAX, &number) == 0 ? NULL :
	    "no number of a device";
}

/* The row of a name; *off: it had no- before it. */
static const struct option *find(const char *name, bool *off)
{
	for (size_t i = 0; i < N_OPTIONS; i++) {
		*off = options[i].shape == FLAG && strncasecmp(name, "no-", 3) == 0;
		if (strcasecmp(name + (*off ? 3 : 0), options[i].name) == 0)
			return &options[i];
	}
	return NULL;
}

static const char *apply(struct account_options *o, const char *name, const char *value)
{
	const struct option *row;
	bool off;

	if ((row = find(name, &off)) == NULL)
		return "there is no such option";
	if ((value != NULL) != (row->shape == VALUE))
		return value != NULL ? "it takes no value" : "it takes a value in quotes";
	if (row->shape != FLAG)
		return row->take(o, value);
	*byte_of(o, row) = off ? row->off : row->on;
	return NULL;
}

const char *account_options_end(const char *p)
{
	bool quoted = false;

	for (; *p != '\0' && (quoted || (*p != ' ' && *p != '\t')); p++) {
		if (*p == '\\' && p[1] == '"')
			p++;
		else if (*p == '"')
			quoted = !quoted;
	}
	return *p == '\0' ? NULL : p;
}

/* The value at *at, in its quotes, of which only \" is special.  NULL, or why not. */
static const char *unquote(const char **at, const char *end, char out[ACCOUNT_OPTION_MAX + 1])
{
	const char *p = *at;
	size_t n = 0;

	if (p == end || *p != '"')
		return "its value has no quotes";
	for (p++; p != end && *p != '"'; p++) {
		if (*p == '\\' && p[1] == '"')
			p++;
		if (n == ACCOUNT_OPTION_MAX)
			return "its value is too long";
		out[n++] = *p;
	}
	if (p == end)
		return "its quote is not closed";
	out[n] = '\0';
	*at = p + 1;
	return NULL;
}

bool account_options_read(struct account_options *o, const char *p, const char *end,
    const char *user_environment, char why[ACCOUNT_NOTE_MAX])
{
	const char *wrong = NULL;
	char name[NAME_MAX_LEN + 1] = "", value[ACCOUNT_OPTION_MAX + 1];

	*o = (struct account_options){ .user_environment = user_environment };
	for (;; p++) {
		size_t len = strcspn(p, "=,\" \t");
		bool has_value = p[len] == '=';

		(void)snprintf(name, sizeof(name), "%.*s", (int)(len > NAME_MAX_LEN ? NAME_MAX_LEN : len), p);
		if (len == 0 || len > NAME_MAX_LEN)
			wrong = len == 0 ? "an option has no name" : "there is no such option";
		p += len + (has_value ? 1 : 0);
		if (wrong == NULL && has_value)
			wrong = unquote(&p, end, value);
		if (wrong == NULL)
			wrong = apply(o, name, has_value ? value : NULL);
		if (wrong == NULL && p != end && *p != ',')
			wrong = "something follows it without a comma";
		if (wrong != NULL || p == end)
			break;
	}
	if (wrong != NULL)
		(void)snprintf(why, ACCOUNT_NOTE_MAX, "option %s: %s", name, wrong);
	return wrong == NULL;
}

/* Is name, of len bytes, one of the certificate's? */
static bool is_principal(const struct account_wanted *w, const char *name, size_t len)
{
	for (const char *p = w->principals; *p != '\0'; p += strlen(p) + 1)
		if (strlen(p) == len && memcmp(p, name, len) == 0)
			return true;
	return false;
}

static bool principals_fit(const struct account_options *o, const struct account_wanted *w)
{
	const char *at = o->principals;

	if (!o->has_principals)
		return is_principal(w, w->user, strlen(w->user));
	for (;; at++) {
		size_t len = strcspn(at, ",");

		if (is_principal(w, at, len))
			return true;
		at += len;
		if (*at == '\0')
			return false;
	}
}

bool account_options_allow(const struct account_options *o, const struct account_wanted *w,
    char why[ACCOUNT_NOTE_MAX])
{
	const char *wrong = NULL;

	if (o->expires && w->now > o->expiry)
		wrong = "the key has expired";
	else if (o->has_from && conf_pattern_address_list(o->from, w->address) <= 0)
		wrong = "the key may not be used from this address";
	else if (w->is_certificate && !principals_fit(o, w))
		wrong = o->has_principals ? "no principal of the certificate is listed" :
		    "the user is no principal of the certificate";
	if (wrong != NULL)
		(void)snprintf(why, ACCOUNT_NOTE_MAX, "%s", wrong);
	return wrong == NULL;
}
