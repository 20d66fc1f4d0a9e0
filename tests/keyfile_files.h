/*
 * keyfile_files.h - the files of keyfile_make.sh: made once for a test program, by the
 * peers' own tools, and read into memory.
 */
#ifndef TESTS_KEYFILE_FILES_H
#define TESTS_KEYFILE_FILES_H

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#define KEYFILE_FILES_PASSPHRASE "correct horse"

enum { KEYFILE_FILES_MAX = 200, KEYFILE_FILES_SIZE = 8192, KEYFILE_FILES_BLOB = 2048 };

struct keyfile_file {
	char name[64];			/* KEY.FORMAT, or refused/WHY.NAME */
	bool encrypted;
	size_t n, blob_len;
	char text[KEYFILE_FILES_SIZE];
	uint8_t blob[KEYFILE_FILES_BLOB];	/* of the .pub file */
	char comment[64];		/* of that too */
};

static struct keyfile_file *keyfile_files;
static size_t keyfile_files_n;
static char keyfile_files_dir[] = "/tmp/postern-keyfile-XXXXXX";

static inline bool
keyfile_files_slurp(const char *name, char *text, size_t cap, size_t *n)
{
	char path[512];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", keyfile_files_dir, name);
	f = fopen(path, "r");
	if (f == NULL)
		return false;
	*n = fread(text, 1, cap - 1, f);
	text[*n] = '\0';
	(void)fclose(f);
	return true;
}

static inline bool
keyfile_files_public(struct keyfile_file *f)
{
	char name[80], line[4096], type[64], b64[4096];
	size_t n;

	(void)snprintf(name, sizeof(name), "%.*s.pub", (int)strcspn(f->name, "."), f->name);
	return keyfile_files_slurp(name, line, sizeof(line), &n) &&
	    sscanf(line, "%63s %4095s %63s", type, b64, f->comment) >= 2 &&
	    sodium_base642bin(f->blob, sizeof(f->blob), b64, strlen(b64), NULL, &f->blob_len,
	    NULL, sodium_base64_VARIANT_ORIGINAL) == 0;
}

/* False: one is not as expected. */
static inline bool
keyfile_files_list(const char *folder)
{
	char path[512];
	struct dirent *e;
	bool fine = true;
	DIR *d;

	(void)snprintf(path, sizeof(path), "%s/%s", keyfile_files_dir, folder);
	d = opendir(path);
	while (fine && d != NULL && (e = readdir(d)) != NULL) {
		struct keyfile_file *f = &keyfile_files[keyfile_files_n];
		const char *dot = strrchr(e->d_name, '.');

		if (dot == NULL || dot == e->d_name || strcmp(dot, ".pub") == 0 ||
		    strcmp(e->d_name, "..") == 0)
			continue;
		(void)snprintf(f->name, sizeof(f->name), "%s%.48s", folder, e->d_name);
		f->encrypted = strcmp(dot, ".enc") == 0;
		fine = keyfile_files_n + 1 < KEYFILE_FILES_MAX &&
		    keyfile_files_slurp(f->name, f->text, sizeof(f->text), &f->n) &&
		    (*folder != '\0' || keyfile_files_public(f));
		keyfile_files_n++;
	}
	if (d != NULL)
		(void)closedir(d);
	return fine && d != NULL;
}

/* cmocka's group setup: 0, or -1 when the tools are not there. */
static inline int
keyfile_files_make(void **state)
{
	char command[512];

	(void)state;
	keyfile_files = calloc(KEYFILE_FILES_MAX, sizeof(*keyfile_files));
	if (keyfile_files == NULL || mkdtemp(keyfile_files_dir) == NULL)
		return -1;
	(void)snprintf(command, sizeof(command), "tests/keyfile_make.sh %s", keyfile_files_dir);
	if (system(command) != 0) {
		(void)fprintf(stderr, "tests/keyfile_make.sh failed (run from the project's root)\n");
		return -1;
	}
	return keyfile_files_list("") && keyfile_files_list("refused/") ? 0 : -1;
}

static inline int
keyfile_files_forget(void **state)
{
	char command[512];

	(void)state;
	free(keyfile_files);
	(void)snprintf(command, sizeof(command), "rm -r %s", keyfile_files_dir);
	return system(command) == 0 ? 0 : -1;
}

static inline bool
keyfile_files_refused(const struct keyfile_file *f)
{
	return strncmp(f->name, "refused/", 8) == 0;
}

#endif
