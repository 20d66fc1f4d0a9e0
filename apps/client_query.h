/* client_query.h - what postern -Q prints. */
#ifndef APPS_CLIENT_QUERY_H
#define APPS_CLIENT_QUERY_H

/* One name a line on standard output, as ssh -Q; the program's exit status. */
int client_query(const char *what);

#endif
