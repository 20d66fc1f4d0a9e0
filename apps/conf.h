/*
 * conf.h - what posternd was told: sshd_config(5) keywords from files and -o.
 *
 * conf_keywords.def is the schema: storage, parser, defaults and -T all come from
 * it.  Every other keyword that sshd knows stands in conf_refused.def and is an
 * error, because a line that is read and ignored is a policy nobody enforces; but for
 * those that are obeyed by doing nothing.
 */
#ifndef APPS_CONF_H
#define APPS_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
	CONF_LINE_MAX = 16 * 1024,	/* bytes of a line                    */
	CONF_WORDS_MAX = 256,		/* words of a line                    */
	CONF_LIST_MAX = 4096,		/* words of a keyword over all lines  */
	CONF_DEPTH_MAX = 16,		/* Include in Include                 */
	CONF_FILES_MAX = 256,		/* files in all                       */
	CONF_ALGORITHMS_MAX = 4096,	/* bytes of an algorithm list         */
	CONF_ADDENDUM_MAX = 128,	/* bytes of VersionAddendum           */
	CONF_DISPLAY_MAX = 58535,	/* X11 display 6000 + this, and a thousand more */
};

struct conf_block;
struct conf_words { char **v; size_t n; };
struct conf_startups { unsigned begin, rate, full; };
struct conf_netblock { unsigned ipv4, ipv6; };	/* of an address */
struct conf_rekey { uint64_t bytes; unsigned seconds; };
struct conf_quota { unsigned burst, per_second; };
struct conf_listen { char host[256]; char port[8]; };	/* port "" : every Port */

enum conf_forward { CONF_FORWARD_NO = 0, CONF_FORWARD_LOCAL = 1, CONF_FORWARD_REMOTE = 2,
	CONF_FORWARD_ALL = 3 };
enum conf_gateway { CONF_GATEWAY_NO, CONF_GATEWAY_YES, CONF_GATEWAY_CLIENT };
enum { CONF_TOUCH_REQUIRED = 1, CONF_VERIFY_REQUIRED = 2 };	/* PubkeyAuthOptions */
enum conf_root { CONF_ROOT_NO, CONF_ROOT_YES, CONF_ROOT_NO_PASSWORD, CONF_ROOT_FORCED };

enum conf_id {
#define ROW(Keyword) CONF_##Keyword,
#include "apps/conf_keywords.def"
	CONF_ROWS
};

struct conf {
#define FLAG(K, field, fallback)                 bool field;
#define NUMBER(K, field, min, max, fallback)     unsigned field;
#define TIME(K, field, fallback)                 unsigned field;	/* seconds */
#define CHOICE(K, field, words, fallback)        int field;
#define TEXT(K, field, check, fallback)          char *field;	/* NULL: "none" */
#define REST(K, field, check, fallback)          char *field;	/* NULL: "none" */
#define FIRST(K, field, check, fallback)         struct conf_words field;
#define EACH(K, field, most, check, fallback)    struct conf_words field;
#define ALGORITHMS(K, field, which)              char *field;	/* the edit; at the end the list */
#define OWN(K, type, field, set, dump, fallback) type field;
#include "apps/conf_keywords.def"
	bool set[CONF_ROWS];		/* a line has spoken                  */
	bool port_given;		/* -p: Port lines do not count        */
	unsigned files;
	struct conf_block *blocks;	/* Match, see conf_match.h            */
	size_t n_blocks;
};

/* Where a line came from, where complaints go, and how many there were. */
struct conf_source {
	const char *name;		/* file, or "command line"            */
	unsigned line;			/* 0: not a file                      */
	unsigned depth;
	const char *base;		/* folder that relative Includes are in */
	int block, outer;		/* Match block of this line, and of the file's Include; 0: none */
	FILE *out;
	unsigned errors;
};
void conf_complain(struct conf_source *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same about a line that holds: no error is counted. */
void conf_warn(struct conf_source *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void conf_new(struct conf *);		/* empty: nothing is set */
void conf_free(struct conf *);
/* Reads a file.  The number of errors, each told to out as "file:line: text". */
unsigned conf_read_file(struct conf *, const char *path, const char *base, FILE *out);
/* One "Keyword value" or "Keyword=value" from the command line. */
unsigned conf_read_option(struct conf *, const char *line, const char *base, FILE *out);
/* Fills in what no line has set, then checks what only the whole can tell. */
unsigned conf_finish_defaults(struct conf *, FILE *out);
/* Makes of every edit of an algorithm list the list; one that is a list already stays. */
void conf_settle_lists(struct conf *, struct conf_source *);
/* As sshd -T prints it. */
void conf_dump(const struct conf *, FILE *out);

/* host, host:port, [host]:port, host as sshd_config(5) has them.  0 or -1. */
int conf_listen_split(const char *word, struct conf_listen *out);
/* Command of a subsystem, or NULL. */
const char *conf_subsystem(const struct conf *, const char *name);

/* ---- internal-sftp (conf_sftp.c) ---------------------------------------------- */

bool conf_sftp_is(const char *command);		/* alone, or with words behind it */
const char *conf_sftp_path(void);		/* of the system's sftp-server, or NULL */
bool conf_sftp_asked(const struct conf *);	/* outside of Match blocks */

/* ---- the table (conf_table.c) ------------------------------------------------- */

enum conf_kind { CONF_FLAG = 1, CONF_NUMBER, CONF_TIME, CONF_CHOICE, CONF_TEXT, CONF_REST,
	CONF_FIRST, CONF_EACH, CONF_ALGORITHMS, CONF_OWN };
struct conf_row;
/* NULL, or what is wrong with the word; the text is static. */
typedef const char *conf_check(const char *word);
typedef int conf_setter(struct conf *, char **words, size_t n, const char *rest,
    struct conf_source *);
typedef void conf_dumper(const struct conf *, const char *name, FILE *);
struct conf_choice { const char *word; int value; };
struct conf_row {
	const char *name;
	enum conf_kind kind;
	size_t offset, size;		/* size: OWN                          */
	unsigned min, max;		/* NUMBER; EACH: words per line, 0 any; ALGORITHMS: which */
	const struct conf_choice *choices;
	conf_check *check;
	conf_setter *set;
	conf_dumper *dump;
	const char *fallback;		/* NULL: empty */
};
extern const struct conf_row conf_rows[CONF_ROWS];
struct conf_refused { const char *name, *instead; };
extern const struct conf_refused conf_refused[];
extern const size_t conf_refused_count;
const struct conf_row *conf_row_find(const char *name);	/* also by an old name */
const struct conf_refused *conf_refused_find(const char *name);
/* Is it a line of one of those keywords that can be done by doing nothing? */
bool conf_asks_for_nothing(const char *name, const char *rest);
/* Values (conf_value.c): 0, or -1 after a complaint. */
int conf_value_set(struct conf *, const struct conf_row *, char **words, size_t n,
    const char *rest, struct conf_source *);
void conf_value_free(struct conf *, const struct conf_row *);
int conf_value_copy(struct conf *to, const struct conf *from, const struct conf_row *);
/* What a line says beside what its words say: "any" and "none" stand alone. */
void conf_check_permits(const struct conf *, struct conf_source *);
/* A CHOICE's word, as it is written. */
const char *conf_value_word(const struct conf_row *, int value);
conf_setter conf_set_startups, conf_set_rekey, conf_set_quota, conf_set_subsystem,
    conf_set_mask, conf_set_pubkey_options, conf_set_source_startups, conf_set_source_bits;
conf_dumper conf_dump_startups, conf_dump_rekey, conf_dump_quota, conf_dump_subsystem,
    conf_dump_mask, conf_dump_pubkey_options, conf_dump_source_startups, conf_dump_source_bits;
conf_check conf_check_service, conf_check_port, conf_check_listen, conf_check_methods, conf_check_setenv,
    conf_check_path, conf_check_pattern, conf_check_host_key, conf_check_agent, conf_check_permit_open,
    conf_check_permit_listen, conf_check_permit_address, conf_check_keys_command, conf_check_principals_command,
    conf_check_addendum;
extern const struct conf_choice conf_root_choices[], conf_level_choices[],
    conf_facility_choices[], conf_forward_choices[],
    conf_gateway_choices[], conf_compression_choices[], conf_preset_choices[];
int conf_words_add(struct conf_words *, const char *word);	/* a copy; 0 or -1 */
void conf_words_free(struct conf_words *);
/* Words (conf_line.c). */
int conf_line_split(const char *text, char **words, size_t max, size_t *n);
void conf_line_free(char **words, size_t n);

#endif
