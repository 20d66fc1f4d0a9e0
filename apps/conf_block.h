/* conf_block.h - a Match block as conf_match.c reads it and conf_view.c asks it. */
#ifndef APPS_CONF_BLOCK_H
#define APPS_CONF_BLOCK_H

#include "apps/conf.h"

enum conf_criterion { CONF_IS_ALL = 1, CONF_IS_USER, CONF_IS_GROUP, CONF_IS_HOST, CONF_IS_ADDRESS,
	CONF_IS_LOCAL_ADDRESS, CONF_IS_LOCAL_PORT, CONF_IS_VERSION, CONF_IS_INVALID };

struct conf_test { enum conf_criterion which; char *argument; };
struct conf_block_line { const struct conf_row *row; char **words; size_t n; char *rest; };
struct conf_block {
	int outer;			/* the block that Includes its file, from 1; 0: none */
	struct conf_test *tests;
	size_t n_tests;
	struct conf_block_line *lines;
	size_t n_lines;
};

#endif
