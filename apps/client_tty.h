/* client_tty.h - the user's terminal: raw and back, its size, its modes. */
#ifndef APPS_CLIENT_TTY_H
#define APPS_CLIENT_TTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TTY_MODES_MAX = 512 };

struct tty_size { uint32_t columns, rows, width, height; };

bool client_tty_size(struct tty_size *);	/* false: no terminal to ask */
/* Terminal modes as RFC 4254 section 8 encodes them; returns the length. */
size_t client_tty_modes(uint8_t *out, size_t cap);
void client_tty_raw(void);
bool client_tty_is_raw(void);
void client_tty_restore(void);			/* safe to call at any time */

#endif
