/* posternd_path.c - where the configuration is, known to this object alone: never
 * from the environment. */
#include "apps/posternd.h"

const char *posternd_path_conf(void)
{
	return POSTERND_CONF;
}
