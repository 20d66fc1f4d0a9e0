/*
 * kexinit.c - which algorithms two lists agree on.
 *
 * The peer's lists are hostile: up to 35,000 bytes of names.  One of the two
 * sides is always our own short list, so that comparing costs the peer's bytes
 * times a few dozen, whatever it sends.  A name counts as agreed only if it is on
 * both lists and has a row in crypto/: a pseudo name such as ext-info-s, which
 * may well be on both, must never be taken for an algorithm.
 */
#include "proto/kexinit.h"

enum { COOKIE_LEN = 16, LIST_CHAR_MIN = 0x21, LIST_CHAR_MAX = 0x7e };

/* RFC 4251 5 and 6: printable, no white space.  An empty list is one; an empty
 * name is not, and is passed over: it can match nothing. */
static bool
is_name_list(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < LIST_CHAR_MIN || s.p[i] > LIST_CHAR_MAX)
			return false;
	return true;
}

bool
kexinit_parse(struct span payload, struct kexinit *k)
{
	struct rd r = rd_of(payload);
	uint8_t number = rd_u8(&r);

	if (payload.n > SSH_KEXINIT_MAX)
		return false;
	(void)rd_take(&r, COOKIE_LEN);
	for (size_t i = 0; i < KL_COUNT; i++) {
		k->list[i] = rd_blob(&r, SSH_NAMES_MAX);
		if (!is_name_list(k->list[i]))
			return false;
	}
	k->follows = rd_bool(&r);
	(void)rd_u32(&r);		/* reserved: RFC 4253 7.1 gives it no meaning yet */
	return rd_done(&r) && number == SSH_MSG_KEXINIT;
}

/* Takes the first name off a list; false at its end. */
static bool
next_name(struct rd *list, struct span *name)
{
	const uint8_t *comma;

	if (list->n == 0)
		return false;
	comma = memchr(list->p, ',', list->n);
	*name = rd_take(list, comma != NULL ? (size_t)(comma - list->p) : list->n);
	if (comma != NULL)
		(void)rd_take(list, 1);
	return true;
}

bool
kexinit_lists(struct span list, struct span name)
{
	struct rd r = rd_of(list);
	struct span s;

	while (next_name(&r, &s))
		if (s.n > 0 && span_eq(s, name))
			return true;
	return false;
}

/* Our own copy of a method's name.  There is no row for "zlib", which would start
 * before anybody has logged in. */
static const char *
find_compression(struct span name)
{
	const char *row;

	for (size_t i = 0; (row = alg_name(ALG_COMPRESSION, i)) != NULL; i++)
		if (span_is(name, row))
			return row;
	return NULL;
}

/* Rows of crypto/ behind a name; for host keys, whose algorithms live in the
 * monitor, the name itself. */
static const void *
find(enum kexinit_list which, struct span name)
{
	const char *s = (const char *)name.p;

	if (name.n == 0 || name.n > NAME_MAX_LEN)
		return NULL;
	switch (which) {
	case KL_KEX:
		return kex_find(s, name.n);
	case KL_CIPHER_C2S:
	case KL_CIPHER_S2C:
		return cipher_find(s, name.n);
	case KL_MAC_C2S:
	case KL_MAC_S2C:
		return mac_find(s, name.n);
	case KL_COMPRESSION_C2S:
	case KL_COMPRESSION_S2C:
		return find_compression(name);
	default:
		return name.p;
	}
}

/* RFC 4253 7.1: the first name of the client's that is also the server's. */
static const void *
agree(const struct kexinit *client, const struct kexinit *server, enum kexinit_list which,
    struct span *name)
{
	struct rd r = rd_of(client->list[which]);
	const void *row;

	while (next_name(&r, name)) {
		/* the cheap test first: most names of a hostile list have no row */
		if ((row = find(which, *name)) != NULL &&
		    kexinit_lists(server->list[which], *name))
			return row;
	}
	return NULL;
}

static bool
same_first(const struct kexinit *a, const struct kexinit *b, enum kexinit_list which)
{
	struct rd ra = rd_of(a->list[which]), rb = rd_of(b->list[which]);
	struct span na, nb;

	return next_name(&ra, &na) && next_name(&rb, &nb) && span_eq(na, nb);
}

static enum proto_error
agree_flow(const struct kexinit *client, const struct kexinit *server,
    enum kexinit_list cipher, enum kexinit_list mac, struct kexinit_flow *flow,
    enum kexinit_list *failed)
{
	bool c2s = cipher == KL_CIPHER_C2S;
	struct span name;

	*failed = cipher;
	if ((flow->cipher = agree(client, server, cipher, &name)) == NULL)
		return c2s ? PROTO_E_NO_CIPHER_C2S : PROTO_E_NO_CIPHER_S2C;
	flow->mac = NULL;
	if (flow->cipher->tag_len > 0)
		return PROTO_OK;	/* its MAC list is not looked at */
	*failed = mac;
	if ((flow->mac = agree(client, server, mac, &name)) == NULL)
		return c2s ? PROTO_E_NO_MAC_C2S : PROTO_E_NO_MAC_S2C;
	return PROTO_OK;
}

enum proto_error
kexinit_negotiate(const struct kexinit *client, const struct kexinit *server,
    struct kexinit_choice *c, enum kexinit_list *failed)
{
	struct span name;
	enum proto_error e;

	memset(c, 0, sizeof(*c));
	c->guess_right = same_first(client, server, KL_KEX) &&
	    same_first(client, server, KL_HOSTKEY);
	c->strict =
	    kexinit_lists(client->list[KL_KEX], span_str("kex-strict-c-v00@openssh.com")) &&
	    kexinit_lists(server->list[KL_KEX], span_str("kex-strict-s-v00@openssh.com"));
	c->client_ext_info = kexinit_lists(client->list[KL_KEX], span_str("ext-info-c"));

	*failed = KL_KEX;
	if ((c->kex = agree(client, server, KL_KEX, &name)) == NULL)
		return PROTO_E_NO_KEX;
	*failed = KL_HOSTKEY;
	if (agree(client, server, KL_HOSTKEY, &name) == NULL)
		return PROTO_E_NO_HOSTKEY;
	memcpy(c->hostkey, name.p, name.n);	/* find() bounds it by NAME_MAX_LEN */

	if ((e = agree_flow(client, server, KL_CIPHER_C2S, KL_MAC_C2S, &c->c2s, failed)) !=
	    PROTO_OK)
		return e;
	if ((e = agree_flow(client, server, KL_CIPHER_S2C, KL_MAC_S2C, &c->s2c, failed)) !=
	    PROTO_OK)
		return e;
	*failed = KL_COMPRESSION_C2S;
	if ((c->c2s.compression = agree(client, server, *failed, &name)) == NULL)
		return PROTO_E_NO_COMPRESSION;
	*failed = KL_COMPRESSION_S2C;
	if ((c->s2c.compression = agree(client, server, *failed, &name)) == NULL)
		return PROTO_E_NO_COMPRESSION;
	return PROTO_OK;
}
