/*
 * keygen.h - what the parts of postern-keygen share.
 *
 * An offline tool: it reads and writes key files in its own process, as their owner.
 * It has no part of the library, the monitor or the packet parser.
 */
#ifndef APPS_KEYGEN_H
#define APPS_KEYGEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "crypto/blob.h"
#include "crypto/keyfile.h"

/* Exit statuses; apps/postern-keygen.1 has them too. */
enum keygen_status {
	KEYGEN_FINE = 0,
	KEYGEN_FAILED = 1,
	KEYGEN_WRONG_PASSPHRASE = 2,
	KEYGEN_UNSUPPORTED = 3,
	KEYGEN_DAMAGED = 4,		/* or no key at all */
};
enum {
	KEYGEN_PASSPHRASE_MAX = 1024,
	KEYGEN_PATH_MAX = 4096,
	KEYGEN_LINE_MAX = 16384,	/* of a public key file */
	KEYGEN_OPTIONS_MAX = 64,	/* -O */
};

struct keygen {				/* the command line */
	int job;			/* the flag that names it; 0: make a key */
	const char *file;		/* -f */
	const char *type;		/* -t */
	unsigned bits;			/* -b */
	const char *comment;		/* -C */
	char *old_passphrase, *new_passphrase;	/* -P -N */
	const char *format;		/* -m */
	const char *hash;		/* -E */
	const char *cipher;		/* -Z */
	unsigned rounds;		/* -a */
	bool quiet, verbose;		/* -q -v */
	const char *host_name;		/* -F -R */
	/* certificates */
	const char *ca;			/* -s; -k's too */
	const char *key_id, *validity;	/* -I -V */
	char *principals;		/* -n */
	char *options[KEYGEN_OPTIONS_MAX];	/* -O, in order */
	size_t n_options;
	unsigned long long serial;	/* -z */
	bool counts, host;		/* -z +, -h */
	/* revocation lists */
	bool update, list;		/* -u, -Q's -l */
	char **files;			/* behind the flags */
	size_t n_files;
};

/* ---- keygen.c ---- */
/* Complains on standard error; returns the status. */
enum keygen_status keygen_fail(enum keygen_status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- keygen_file.c ---- */
/* The file to work on: -f, or what is typed, or the default. */
enum keygen_status keygen_file_name(const struct keygen *, const char *what,
    char path[KEYGEN_PATH_MAX]);
/* The whole file, at most max bytes; "-" is standard input.  The caller wipes and frees. */
enum keygen_status keygen_file_slurp(const char *path, size_t max, char **text, size_t *n);
/* A private key, asking for its passphrase if need be; which it was, unless passphrase
 * is NULL, for the caller to wipe. */
enum keygen_status keygen_file_private(const struct keygen *, const char *path,
    struct keyfile_key *, char passphrase[KEYGEN_PASSPHRASE_MAX]);
/* The same for its public half's sake: of a token's key too, which has no other here. */
enum keygen_status keygen_file_half(const struct keygen *, const char *path,
    struct keyfile_key *);
/* Never over a file without asking; in replace, that was asked already. */
enum keygen_status keygen_file_write(const char *path, unsigned mode, const char *text, size_t n,
    bool replace);
enum keygen_status keygen_file_write_private(const struct keygen *, const char *path,
    const struct keyfile_key *, const char *passphrase, bool replace);
enum keygen_status keygen_file_write_public(const char *path, const struct keyfile_key *,
    bool replace);
/* Twice, until both are the same; -N goes before. */
enum keygen_status keygen_file_new_passphrase(const struct keygen *,
    char out[KEYGEN_PASSPHRASE_MAX]);
bool keygen_file_confirm(const char *path);	/* false: it exists and is to stay */

/* ---- keygen_public.c ---- */
struct keygen_public {
	uint8_t blob[KEY_BLOB_MAX];
	size_t blob_len;
	const char *comment;		/* within the line; may be empty */
};
/* The key that the text begins with; text is left where it ends.  False: none does. */
bool keygen_public_take(const char **text, struct keygen_public *);
/* Of a line of a .pub, authorized_keys or known_hosts file.  False: none. */
bool keygen_public_line(char *line, struct keygen_public *);
/* The first key of a .pub file. */
bool keygen_public_file(const char *path, char line[KEYGEN_LINE_MAX], struct keygen_public *);
/* A comment may come from a file of anybody's: no terminal is to obey it, and no line
 * of a file to end in it. */
void keygen_public_tame(const char *comment, char *out, size_t size);
/* "type base64" and, if there is one, the comment. */
void keygen_public_print(FILE *, const uint8_t *blob, size_t n, const char *comment);

/* ---- one job each ---- */
enum keygen_status keygen_generate(const struct keygen *);
enum keygen_status keygen_change_passphrase(const struct keygen *);
enum keygen_status keygen_change_comment(const struct keygen *);
enum keygen_status keygen_print_public(const struct keygen *);
enum keygen_status keygen_print_fingerprint(const struct keygen *);
enum keygen_status keygen_export(const struct keygen *);
enum keygen_status keygen_import(const struct keygen *);
enum keygen_status keygen_hosts(const struct keygen *);
enum keygen_status keygen_sign(const struct keygen *);
enum keygen_status keygen_print_certs(const struct keygen *);
enum keygen_status keygen_krl_make(const struct keygen *);
enum keygen_status keygen_krl_query(const struct keygen *);

/* ---- keygen_print.c ---- */
/* "256 SHA256:... comment (ED25519)", and with -v the picture. */
enum keygen_status keygen_print_one(const struct keygen *, const uint8_t *blob, size_t n,
    const char *comment);
enum { KEYGEN_FINGERPRINT_MAX = 200 };
enum keygen_status keygen_print_hash(const char *hash, const uint8_t *blob, size_t n,
    char out[KEYGEN_FINGERPRINT_MAX]);
void keygen_print_randomart(const char *hash, const uint8_t *blob, size_t n);

#endif
