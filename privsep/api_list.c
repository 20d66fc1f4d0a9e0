/*
 * api_list.c - lists of algorithm names: what is supported, and editing one as
 * sshd_config(5) does.
 *
 * Names only (crypto/names.def as data): no algorithm is linked here.  What comes
 * out of an edit holds nothing but supported names, each once.
 */
#include <errno.h>

#include "privsep/api.h"

/* The names of one class of names.def, as one literal: ",a,b,c". */
#define IN_KEX(x) x
#define IN_SIGNATURE(x)
#define IN_USER_SIGNATURE(x)
#define IN_CERTIFICATE(x)
#define IN_USER_CERTIFICATE(x)
#define IN_CIPHER(x)
#define IN_MAC(x)
#define IN_COMPRESSION(x)
#define ALG(class_, name, presets) IN_##class_("," name)
static const char kex_all[] = ""
#include "crypto/names.def"
;
#undef IN_KEX
#define IN_KEX(x)
#undef IN_SIGNATURE
#define IN_SIGNATURE(x) x
#undef IN_CERTIFICATE
#define IN_CERTIFICATE(x) x
#define ALG(class_, name, presets) IN_##class_("," name)
static const char host_key_all[] = ""
#include "crypto/names.def"
;
#undef IN_USER_SIGNATURE
#define IN_USER_SIGNATURE(x) x
#undef IN_USER_CERTIFICATE
#define IN_USER_CERTIFICATE(x) x
#define ALG(class_, name, presets) IN_##class_("," name)
static const char signature_all[] = ""
#include "crypto/names.def"
;
#undef IN_CERTIFICATE
#define IN_CERTIFICATE(x)
#undef IN_USER_CERTIFICATE
#define IN_USER_CERTIFICATE(x)
#define ALG(class_, name, presets) IN_##class_("," name)
static const char ca_all[] = ""
#include "crypto/names.def"
;
#undef IN_SIGNATURE
#define IN_SIGNATURE(x)
#undef IN_USER_SIGNATURE
#define IN_USER_SIGNATURE(x)
#undef IN_CIPHER
#define IN_CIPHER(x) x
#define ALG(class_, name, presets) IN_##class_("," name)
static const char cipher_all[] = ""
#include "crypto/names.def"
;
#undef IN_CIPHER
#define IN_CIPHER(x)
#undef IN_MAC
#define IN_MAC(x) x
#define ALG(class_, name, presets) IN_##class_("," name)
static const char mac_all[] = ""
#include "crypto/names.def"
;
#undef IN_MAC
#define IN_MAC(x)
#undef IN_COMPRESSION
#define IN_COMPRESSION(x) x
#define ALG(class_, name, presets) IN_##class_("," name)
static const char compression_all[] = ""
#include "crypto/names.def"
;

/* Index 1: behind the first comma. */
static const struct {
	int list;
	const char *all;
} lists[] = {
	{ POSTERN_KEX,         &kex_all[1] },
	{ POSTERN_HOST_KEYS,   &host_key_all[1] },
	{ POSTERN_SIGNATURES,  &signature_all[1] },
	{ POSTERN_CIPHERS,     &cipher_all[1] },
	{ POSTERN_MACS,        &mac_all[1] },
	{ POSTERN_COMPRESSION, &compression_all[1] },
	{ POSTERN_CA_SIGNATURES, &ca_all[1] },
};

const char *
postern_supported(int list)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		if (lists[i].list == list)
			return lists[i].all;
	}
	return NULL;
}

bool
api_list_next(struct rd *list, struct span *name)
{
	size_t n = 0;

	if (list->n == 0)
		return false;
	while (n < list->n && list->p[n] != ',')
		n++;
	*name = rd_take(list, n);
	if (list->n > 0)
		(void)rd_u8(list);	/* the comma */
	return true;
}

/* Patterns are ours to match: '*' any run, '?' any one character. */
static bool
matches(struct span pattern, struct span name)
{
	size_t p = 0, n = 0, star = SIZE_MAX, from = 0;

	while (n < name.n) {
		if (p < pattern.n && pattern.p[p] == '*') {
			star = p++;
			from = n;
		} else if (p < pattern.n && (pattern.p[p] == '?' || pattern.p[p] == name.p[n])) {
			p++;
			n++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			n = ++from;
		} else {
			return false;
		}
	}
	while (p < pattern.n && pattern.p[p] == '*')
		p++;
	return p == pattern.n;
}

/* Is some pattern of the list one for this name? */
static bool
is_listed(struct span patterns, struct span name)
{
	struct rd r = rd_of(patterns);
	struct span s;

	while (api_list_next(&r, &s)) {
		if (matches(s, name))
			return true;
	}
	return false;
}

static void
append(struct wr *w, struct span name)
{
	if (is_listed(wr_span(w), name))
		return;
	if (w->n > 0)
		wr_u8(w, ',');
	wr_raw(w, name);
}

static void
append_all(struct wr *w, struct span names, struct span but_not)
{
	struct rd r = rd_of(names);
	struct span name;

	while (api_list_next(&r, &name)) {
		if (!is_listed(but_not, name))
			append(w, name);
	}
}

static bool
is_pattern(struct span name)
{
	return name.n > 0 && (memchr(name.p, '*', name.n) != NULL ||
	    memchr(name.p, '?', name.n) != NULL);
}

/* Every name must be one of ours; a pattern may stand only where names go away. */
static bool
all_known(struct span names, struct span supported, bool may_match, struct span *unknown)
{
	struct rd r = rd_of(names);

	while (api_list_next(&r, unknown)) {
		if (is_pattern(*unknown) ? !may_match : !is_listed(supported, *unknown))
			return false;
	}
	return true;
}

static int
leave_text(struct wr *w, char *out, int code)
{
	wr_u8(w, 0);
	if (w->bad) {
		out[0] = '\0';
		return -ERANGE;
	}
	return code;
}

int
api_list_edit(int list, const char *base, const char *edit, char *out, size_t size)
{
	const char *all = postern_supported(list);
	struct wr w = wr_of(out, size);
	struct span names, none = { NULL, 0 }, unknown;
	char how = '\0';

	if (all == NULL || size == 0)
		return -EINVAL;
	out[0] = '\0';
	if (edit == NULL)
		edit = base;
	if (edit[0] == '+' || edit[0] == '-' || edit[0] == '^') {
		how = edit[0];
		edit++;
	}
	names = span_str(edit);
	if (!all_known(names, span_str(all), how == '-', &unknown)) {
		wr_raw(&w, unknown);
		return leave_text(&w, out, -EINVAL);
	}
	if (how == '\0' || how == '^')
		append_all(&w, names, none);
	if (how != '\0')
		append_all(&w, span_str(base), how == '-' ? names : none);
	if (how == '+')
		append_all(&w, names, none);
	/* an empty list can agree with nobody: refused here, not at a connection */
	return leave_text(&w, out, w.n == 0 ? -EINVAL : 0);
}

int
postern_edit_preset(int list, const char *preset, const char *edit, char *out, size_t size)
{
	char base[API_LIST_MAX + 1];
	int r = api_preset_list(list, preset, base, sizeof(base));

	return r < 0 ? r : api_list_edit(list, base, edit, out, size);
}

int
postern_edit_list(int list, const char *edit, char *out, size_t size)
{
	return postern_edit_preset(list, NULL, edit, out, size);
}
