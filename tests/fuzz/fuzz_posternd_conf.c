/*
 * fuzz_posternd_conf.c - sshd_config(5) files, for libFuzzer: keywords, quotes, Match,
 * Include.  Include finds nothing but the input itself, under the name "self".
 *
 * Besides the sanitizers: what was refused was told, one line for each error; what was
 * taken can be asked by any login, and whose blocks do not hold sees the global part.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/conf_match.h"
#include "tests/fuzz/conf_self.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned
lines(const char *text)
{
	unsigned n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

/* As -T has it; malloc'd. */
static char *
printed(const struct conf *c)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	must(f != NULL);
	conf_dump(c, f);
	must(fclose(f) == 0);
	return text;
}

static void
asked_by(const struct conf *c, const struct conf_who *who)
{
	struct conf_bits bits;
	struct conf view;
	char *all, *mine;

	(void)conf_match_test(c, who, &bits);
	must(conf_match_view(c, &bits, &view) == 0);
	mine = printed(&view);
	if (conf_match_none(&bits)) {
		all = printed(c);
		must(strcmp(all, mine) == 0);
		free(all);
	}
	free(mine);
	conf_free(&view);
}

static void
asked(const struct conf *c)
{
	char *group[] = { (char[]){ "wheel" } };
	const struct conf_words groups = { group, 1 };
	const struct conf_who bob = { .user = "bob", .host = "a.example", .address = "2001:db8::1",
		.local = "192.0.2.1", .local_port = 22, .groups = &groups };
	const struct conf_who nobody = { .user = "x", .address = "192.0.2.7", .is_invalid = true };
	const struct conf_who unknown = { .user = NULL };

	asked_by(c, &bob);
	asked_by(c, &nobody);
	asked_by(c, &unknown);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *told = NULL;
	size_t told_n;
	unsigned errors;
	struct conf c;
	FILE *out;
	int fd;

	if (size > FUZZ_MAX)
		return 0;
	fd = conf_self(data, size);
	out = open_memstream(&told, &told_n);
	must(out != NULL);
	conf_new(&c);
	errors = conf_read_file(&c, path, "/nowhere", out);
	if (errors == 0)
		errors = conf_finish_defaults(&c, out);
	must(fclose(out) == 0);
	must(lines(told) >= errors && (errors > 0 || told[0] == '\0'));
	if (errors == 0)
		asked(&c);
	conf_free(&c);
	free(told);
	close(fd);
	return 0;
}
