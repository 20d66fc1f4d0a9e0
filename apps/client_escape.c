/*
 * client_escape.c - the escape character (ssh(1), ESCAPE CHARACTERS), in what the user types.
 *
 * Only what is typed at a terminal comes here, and nothing of the server's.  What is no
 * escape after all goes on as it was typed, wherever a read has cut it.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "apps/client_escape.h"

static void
help(int letter)
{
	(void)dprintf(STDERR_FILENO, "%c?\r\nSupported escape sequences:\r\n"
	    " %c.  - terminate connection\r\n %c%c  - send the escape character\r\n",
	    letter, letter, letter, letter);
}

/* ~. ~~ ~? */
size_t
client_escape_filter(struct client_escape *e, char *p, size_t n)
{
	size_t out = 0, i = 0;

	/* the letter came with an earlier read: it has no place here to be put back to */
	if (e->saw_letter && n > 0) {
		memmove(&p[1], p, n);
		n++;
		i++;
	}
	for (; i < n; i++) {
		unsigned char ch = (unsigned char)p[i];

		if (e->saw_letter) {
			e->saw_letter = false;
			if (ch == '.') {
				e->quit = true;
				return out;
			}
			if (ch == '?') {
				help(e->letter);
				continue;
			}
			if (ch != (unsigned char)e->letter)
				p[out++] = (char)e->letter;
		} else if (e->at_line_start && ch == (unsigned char)e->letter) {
			e->saw_letter = true;
			continue;
		}
		/* out never passes i: a letter that is put back took a place before */
		p[out++] = (char)ch;
		e->at_line_start = ch == '\r' || ch == '\n';
	}
	return out;
}
