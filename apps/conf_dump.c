/* conf_dump.c - the effective configuration, as sshd -T prints it: lower-case
 * keywords, one value per line where a keyword may have several lines. */
#include <ctype.h>
#include <strings.h>

#include "apps/conf.h"

void conf_dump_startups(const struct conf *c, const char *name, FILE *out)
{
	fprintf(out, "%s %u:%u:%u\n", name, c->max_startups.begin, c->max_startups.rate,
	    c->max_startups.full);
}

void conf_dump_source_startups(const struct conf *c, const char *name, FILE *out)
{
	if (c->source_startups == 0)
		fprintf(out, "%s none\n", name);
	else
		fprintf(out, "%s %u\n", name, c->source_startups);
}

void conf_dump_source_bits(const struct conf *c, const char *name, FILE *out)
{
	fprintf(out, "%s %u:%u\n", name, c->source_bits.ipv4, c->source_bits.ipv6);
}

void conf_dump_rekey(const struct conf *c, const char *name, FILE *out)
{
	fprintf(out, "%s %llu %u\n", name, (unsigned long long)c->rekey_limit.bytes,
	    c->rekey_limit.seconds);
}

void conf_dump_mask(const struct conf *c, const char *name, FILE *out)
{
	fprintf(out, "%s 0%o\n", name, c->streamlocal_mask);
}

void conf_dump_pubkey_options(const struct conf *c, const char *name, FILE *out)
{
	fprintf(out, "%s%s%s%s\n", name, c->pubkey_options == 0 ? " none" : "",
	    c->pubkey_options & CONF_TOUCH_REQUIRED ? " touch-required" : "",
	    c->pubkey_options & CONF_VERIFY_REQUIRED ? " verify-required" : "");
}

void conf_dump_quota(const struct conf *c, const char *name, FILE *out)
{
	fprintf(out, "%s %u %u\n", name, c->rekey_quota.burst, c->rekey_quota.per_second);
}

void conf_dump_subsystem(const struct conf *c, const char *name, FILE *out)
{
	for (size_t i = 0; i + 1 < c->subsystems.n; i += 2)
		fprintf(out, "%s %s %s\n", name, c->subsystems.v[i], c->subsystems.v[i + 1]);
}

/* Every address with every port it is listened on. */
static void dump_listen(const struct conf *c, const char *name, FILE *out)
{
	static char v6[] = "[::]", v4[] = "0.0.0.0", *any[] = { v6, v4 };
	struct conf_words hosts = c->listen.n > 0 ? c->listen : (struct conf_words){ any, 2 };

	for (size_t i = 0; i < hosts.n; i++) {
		struct conf_listen l;

		if (conf_listen_split(hosts.v[i], &l) < 0)
			continue;
		for (size_t k = 0; k < c->ports.n; k++) {
			bool is_v6 = false;

			for (const char *p = l.host; *p != '\0'; p++)
				is_v6 = is_v6 || *p == ':';
			fprintf(out, is_v6 ? "%s [%s]:%s\n" : "%s %s:%s\n", name, l.host,
			    l.port[0] != '\0' ? l.port : c->ports.v[k]);
			if (l.port[0] != '\0')
				break;
		}
	}
}

static void dump_words(const struct conf_row *row, const char *name,
    const struct conf_words *l, FILE *out)
{
	if (l->n == 0)
		return;
	if (row->kind == CONF_EACH || row == &conf_rows[CONF_SetEnv]) {
		for (size_t i = 0; i < l->n; i++)
			fprintf(out, "%s %s\n", name, l->v[i]);
		return;
	}
	fprintf(out, "%s", name);
	for (size_t i = 0; i < l->n; i++)
		fprintf(out, " %s", l->v[i]);
	fputc('\n', out);
}

static void dump_row(const struct conf *c, const struct conf_row *row, const char *name,
    FILE *out)
{
	const void *at = (const char *)c + row->offset;

	switch (row->kind) {
	case CONF_FLAG:
		fprintf(out, "%s %s\n", name, *(const bool *)at ? "yes" : "no");
		break;
	case CONF_NUMBER:
	case CONF_TIME:
		fprintf(out, "%s %u\n", name, *(const unsigned *)at);
		break;
	case CONF_CHOICE:
		fprintf(out, "%s %s\n", name, conf_value_word(row, *(const int *)at));
		break;
	case CONF_TEXT:
	case CONF_REST:
	case CONF_ALGORITHMS:
		fprintf(out, "%s %s\n", name, *(char *const *)at != NULL ? *(char *const *)at :
		    "none");
		break;
	case CONF_FIRST:
	case CONF_EACH:
		if (row == &conf_rows[CONF_ListenAddress])
			dump_listen(c, name, out);
		else
			dump_words(row, name, at, out);
		break;
	case CONF_OWN:
		row->dump(c, name, out);
		break;
	}
}

void conf_dump(const struct conf *c, FILE *out)
{
	for (size_t i = 0; i < CONF_ROWS; i++) {
		char name[64] = "";

		for (size_t k = 0; k + 1 < sizeof(name) && conf_rows[i].name[k] != '\0'; k++)
			name[k] = (char)tolower((unsigned char)conf_rows[i].name[k]);
		dump_row(c, &conf_rows[i], name, out);
	}
}
