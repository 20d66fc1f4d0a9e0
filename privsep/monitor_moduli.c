/*
 * monitor_moduli.c - the groups for Diffie-Hellman group exchange (RFC 4419), from the
 * administrator's file (moduli(5)), and which of them a peer is given.
 *
 * A worker only says what the peer asked for; it never brings a group of its own, and
 * what it said is what goes into H.  The file is trusted to name primes, since proving
 * one takes minutes; a line that is not understood, or says itself that it was not
 * tested well enough, counts for nothing.  Without moduli there is no group.
 */
#include "privsep/monitor.h"

#include <stdlib.h>
#include <unistd.h>

enum {
	FIELDS = 7,			/* time type tests tries size generator modulus */
	TYPE_SAFE = 2,			/* (p-1)/2 is prime too                      */
	TEST_COMPOSITE = 1,		/* tests: it is known not to be prime        */
	TEST_MILLER_RABIN = 4,
	TEST_BEYOND = 8,		/* this and above: more than probabilistic   */
	TRIES_MIN = 100,
	DIGITS_MAX = 9,			/* of a decimal number                       */
	GENERATOR_MAX = 4,		/* bytes; usually it is 2 or 5               */
};

struct modulus {
	struct modulus *next;
	uint32_t bits;
	size_t g_len, p_len;
	uint8_t g[GENERATOR_MAX];
	uint8_t p[];
};

/* ---- the file ---- */

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* The next field of a line, without the blanks before it; empty at the end. */
static struct span
field(struct rd *line)
{
	size_t n = 0;

	while (line->n > 0 && is_blank(line->p[0]))
		(void)rd_take(line, 1);
	while (n < line->n && !is_blank(line->p[n]))
		n++;
	return rd_take(line, n);
}

/* No sign, and no # before it. */
static bool
is_digits(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > 0;
}

static bool
decimal(struct span s, uint32_t *out)
{
	uint32_t v = 0;

	if (!is_digits(s) || s.n > DIGITS_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++)
		v = v * 10 + (uint32_t)(s.p[i] - '0');
	*out = v;
	return true;
}

static int
digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A number in hex, big end first, without leading zeros. */
static bool
hexadecimal(struct span s, uint8_t *out, size_t cap, size_t *len)
{
	struct rd r;

	while (s.n > 0 && s.p[0] == '0') {
		s.p++;
		s.n--;
	}
	if (s.n == 0 || s.n > 2 * cap)
		return false;
	*len = (s.n + 1) / 2;
	r = rd_of(s);
	for (size_t i = 0; i < *len; i++) {
		int high = i == 0 && s.n % 2 == 1 ? 0 : digit(rd_u8(&r)), low = digit(rd_u8(&r));

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* Was it tested as a safe prime, and well?  (The filters of OpenSSH and paramiko.) */
static bool
is_tested(uint32_t type, uint32_t tests, uint32_t tries)
{
	if (type != TYPE_SAFE || (tests & TEST_COMPOSITE) != 0 || tests < TEST_MILLER_RABIN)
		return false;
	return (tests & TEST_MILLER_RABIN) == 0 || tests >= TEST_BEYOND || tries >= TRIES_MIN;
}

/* NULL: not a group for us.  The size in the file is one less than the bits of p, or
 * all of them. */
static struct modulus *
parse_line(struct rd line)
{
	struct span f[FIELDS];
	uint32_t type, tests, tries, size, bits;
	uint8_t p[KEX_GROUP_MAX], g[GENERATOR_MAX];
	struct kex_group group;
	struct modulus *mod;
	size_t p_len, g_len;

	for (size_t i = 0; i < FIELDS; i++)
		f[i] = field(&line);
	if (field(&line).n > 0 || !is_digits(f[0]) || !decimal(f[1], &type) ||
	    !decimal(f[2], &tests) || !decimal(f[3], &tries) || !decimal(f[4], &size) ||
	    !is_tested(type, tests, tries) ||
	    !hexadecimal(f[5], g, sizeof(g), &g_len) ||
	    !hexadecimal(f[6], p, sizeof(p), &p_len) ||
	    kex_group_set(&group, p, p_len, g, g_len) != 0)
		return NULL;
	bits = (uint32_t)kex_group_bits(&group);
	if (bits != size && bits != size + 1)
		return NULL;
	mod = malloc(sizeof(*mod) + p_len);
	if (mod == NULL)
		return NULL;
	*mod = (struct modulus){ .bits = bits, .g_len = g_len, .p_len = p_len };
	memcpy(mod->g, g, g_len);
	memcpy(mod->p, p, p_len);
	return mod;
}

struct modulus *
monitor_moduli_parse(struct span text, uint32_t *count)
{
	struct rd rest = rd_of(text);
	struct modulus *list = NULL, *mod;

	*count = 0;
	while (rest.n > 0 && *count < MODULI_MAX) {
		const uint8_t *end = memchr(rest.p, '\n', rest.n);
		size_t n = end != NULL ? (size_t)(end - rest.p) : rest.n;
		struct rd line = rd_of(rd_take(&rest, n));

		(void)rd_take(&rest, end != NULL);
		mod = parse_line(line);		/* a comment is none, like an empty line */
		if (mod == NULL)
			continue;
		mod->next = list;
		list = mod;
		++*count;
	}
	return list;
}

void
monitor_moduli_free(struct modulus *list)
{
	while (list != NULL) {
		struct modulus *mod = list;

		list = mod->next;
		free(mod);
	}
}

/* A file without a group that would do changes nothing: servers that were promised
 * group exchange go on having it. */
int
monitor_moduli_on_load(struct monitor *m, const struct ipc_MODULI *q)
{
	struct span text = span_of(NULL, 0);
	struct modulus *list = NULL;
	uint32_t count = 0;
	int r = monitor_file_read(q->file, MODULI_FILE_MAX, &text);

	(void)close(q->file);		/* only read */
	if (r != 0)
		monitor_remark(m, IPC_ERROR, "moduli file: %s", r == -EFBIG ? "too large" :
		    r == -EINVAL ? "not a file" : "cannot be read");
	else
		list = monitor_moduli_parse(text, &count);
	free((void *)(uintptr_t)text.p);
	if (list != NULL) {
		monitor_moduli_free(m->moduli);
		m->moduli = list;
	}
	tell_MODULI_LOADED(m, &(struct ipc_MODULI_LOADED){ .call = q->call, .count = count });
	return 0;
}

/* ---- the choice ---- */

/* Is one of a bits a better answer than one of b (0: nothing yet)? */
static bool
is_better(uint32_t a, uint32_t b, uint32_t n)
{
	if (b == 0)
		return true;
	if (a >= n)
		return b < n || a < b;
	return b < n && a > b;
}

bool
monitor_moduli_choose(const struct modulus *list, uint32_t min, uint32_t n, uint32_t max,
    struct kex_group *group)
{
	uint32_t best = 0, among = 0, random;

	for (const struct modulus *mod = list; mod != NULL; mod = mod->next) {
		if (mod->bits < min || mod->bits > max || mod->bits == best ||
		    !is_better(mod->bits, best, n))
			continue;
		best = mod->bits;
	}
	for (const struct modulus *mod = list; mod != NULL; mod = mod->next)
		among += best != 0 && mod->bits == best;
	if (among == 0)
		return false;
	crypto_random(&random, sizeof(random));
	random %= among;		/* a bias of 2^-20: groups are no secret */
	for (const struct modulus *mod = list; mod != NULL; mod = mod->next)
		if (mod->bits == best && random-- == 0)
			return kex_group_set(group, mod->p, mod->p_len, mod->g, mod->g_len) == 0;
	return false;
}

/* Once for each key exchange: whoever could ask again could choose. */
int
monitor_moduli_on_ask(struct conn *c, const struct ipc_GROUP_ASK *q)
{
	struct gex *gex;

	if (!c->offers_gex || c->awaits_agreed || c->gex != NULL || q->min > q->n || q->n > q->max)
		return IPC_BROKEN;
	gex = calloc(1, sizeof(*gex));
	if (gex == NULL) {
		monitor_end(c, IPC_RESOURCE, IPC_LOCAL, "out of memory");
		return 0;
	}
	gex->min = q->min;
	gex->n = q->n;
	gex->max = q->max;
	if (!monitor_moduli_choose(c->m->moduli, q->min, q->n, q->max, &gex->group))
		gex->group.p_len = gex->group.g_len = 0;
	c->gex = gex;
	say_GROUP(c, &(struct ipc_GROUP){ .p = span_of(gex->group.p, gex->group.p_len),
	    .g = span_of(gex->group.g, gex->group.g_len) });
	return 0;
}
