/* conf_number.h - numbers, sizes and times as sshd_config(5) writes them. */
#ifndef APPS_CONF_NUMBER_H
#define APPS_CONF_NUMBER_H

#include <stdint.h>

enum { CONF_TIME_MAX = 2000000 };	/* seconds; times a thousand it fits an int */

/* Digits only, at most max.  0 or -1. */
int conf_number(const char *text, uint64_t max, uint64_t *out);
/* Digits, then nothing, K, M or G. */
int conf_number_size(const char *text, uint64_t max, uint64_t *out);
/* TIME FORMATS: 90, 90s, 1m30s, 1h, 2d, 1w; at most CONF_TIME_MAX. */
int conf_number_time(const char *text, uint64_t *out);

#endif
