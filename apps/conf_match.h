/*
 * conf_match.h - Match blocks of sshd_config(5): whom they are about, what they set,
 * and the configuration that comes of it for one login.
 *
 * A block is kept as its lines.  Which blocks hold is a set of bits, so that who
 * knows the user's groups need not be who uses the values.
 */
#ifndef APPS_CONF_MATCH_H
#define APPS_CONF_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apps/conf.h"

enum {
	CONF_BLOCKS_MAX = 512,
	CONF_TESTS_MAX = 32,		/* criteria of a Match line              */
	CONF_BLOCK_LINES_MAX = 1024
};

/* Blocks that hold. */
struct conf_bits { uint8_t v[CONF_BLOCKS_MAX / 8]; };

/* A login as Match sees it.  NULL and 0: not known, as when -C does not say. */
struct conf_who {
	const char *user, *host, *address, *local;
	unsigned local_port;
	bool is_invalid;		/* there is no such user                 */
	const struct conf_words *groups;	/* names; none for an invalid user */
};

/* The Match line: a new block, in which the lines that follow stand.  Complains. */
void conf_match_begin(struct conf *, char **words, size_t n, struct conf_source *);
/* A checked line of the source's block. */
void conf_match_add(struct conf *, const struct conf_row *, char **words, size_t n,
    const char *rest, struct conf_source *);
/* May the keyword stand in a block? */
bool conf_match_allows(const struct conf_row *);
/* Number i of the values that blocks give it, as it stands; NULL: no more. */
const char *conf_match_value(const struct conf *, enum conf_id, size_t i);
void conf_match_free(struct conf *);

/* Which blocks hold.  NULL, or the first criterion that asks for what is not known. */
const char *conf_match_test(const struct conf *, const struct conf_who *, struct conf_bits *);
bool conf_match_none(const struct conf_bits *);
/* The configuration with these blocks: a whole one of its own, without blocks.  -1: no
 * memory; then there is none. */
int conf_match_view(const struct conf *, const struct conf_bits *, struct conf *view);

#endif
