/* postern_log.h - what postern says of itself: to stderr, or to -E's file. */
#ifndef APPS_POSTERN_LOG_H
#define APPS_POSTERN_LOG_H

#include <stdint.h>

/* level as enum postern_level: what is above it is not said. */
void log_set_level(int level);
int log_level(void);
int log_to_file(const char *path);	/* -E; -1: said on stderr */
void say_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void say_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void say_verbose(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* For postern_context_config.log. */
void log_library(void *user, int level, uint64_t conn, const char *peer, const char *line);

#endif
