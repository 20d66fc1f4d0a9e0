/*
 * conf_line.c - the words of a configuration line: blanks between them, "..." and
 * '...' around them, a backslash before a quote, a backslash or (outside of quotes)
 * a blank, and a comment from a # that begins a word.
 */
#include <stdlib.h>
#include <string.h>

#include "apps/conf.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f';
}

static bool is_escape(const char *p, char quote)
{
	return p[0] == '\\' && (p[1] == '"' || p[1] == '\'' || p[1] == '\\' ||
	    (quote == '\0' && p[1] == ' '));
}

/* One word from *text on into out (large enough for all of text); moves *text
 * behind it.  -1: a quote is not closed. */
static int one_word(const char **text, char *out)
{
	const char *p = *text;
	char quote = '\0';

	for (; *p != '\0' && (quote != '\0' || !is_blank(*p)); p++) {
		if (is_escape(p, quote))
			*out++ = *++p;
		else if (quote == '\0' && (*p == '"' || *p == '\''))
			quote = *p;
		else if (quote != '\0' && *p == quote)
			quote = '\0';
		else
			*out++ = *p;
	}
	*out = '\0';
	*text = p;
	return quote == '\0' ? 0 : -1;
}

/* 0; -1: a quote is not closed; -2: too many words, or no memory. */
int conf_line_split(const char *text, char **words, size_t max, size_t *n)
{
	size_t count = 0;
	int r = 0;

	for (;;) {
		char *word;

		while (is_blank(*text))
			text++;
		if (*text == '\0' || *text == '#')
			break;
		if (count == max || (word = malloc(strlen(text) + 1)) == NULL) {
			r = -2;
			break;
		}
		words[count++] = word;
		if (one_word(&text, word) < 0) {
			r = -1;
			break;
		}
	}
	if (r < 0)
		conf_line_free(words, count);
	else
		*n = count;
	return r;
}

void conf_line_free(char **words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(words[i]);
}
