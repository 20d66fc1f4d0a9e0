/* client_background.h - ForkAfterAuthentication. */
#ifndef APPS_CLIENT_BACKGROUND_H
#define APPS_CLIENT_BACKGROUND_H

/* Before anything is made that belongs to one process: returns in a child, and the caller
 * waits for it. */
void client_background_begin(void);
/* In that child: the caller ends with 0, and we read nothing and have no terminal. */
void client_background_detach(void);

#endif
