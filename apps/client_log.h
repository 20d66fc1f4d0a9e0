/* client_log.h - what postern says of itself: to stderr, or to -E's file. */
#ifndef APPS_CLIENT_LOG_H
#define APPS_CLIENT_LOG_H

#include <postern.h>

/* level as enum postern_level: what is above it is not said. */
void client_log_set_level(int level);
int client_log_level(void);
int client_log_to_file(const char *path);	/* -E; -1: said on stderr */
void client_log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void client_log_verbose(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* For postern_context_config.log. */
void client_log_library(void *user, const struct postern_log_line *);

#endif
