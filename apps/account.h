/*
 * account.h - the `account` helper: who is this, and may this key or password.
 *
 * One warm process, forked before posternd has read a byte from anybody.  It forks
 * for every login attempt; the child does NSS with posternd's rights, becomes the
 * user before it opens a file of the user's, and answers once, in a fixed form.  It
 * also forks the session process of each login and writes utmp.
 */
#ifndef APPS_ACCOUNT_H
#define APPS_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "apps/conf_match.h"


enum {
	ACCOUNT_USER_MAX = 256,
	ACCOUNT_ADDRESS_MAX = 64,
	ACCOUNT_KEY_MAX = 8192,
	ACCOUNT_KEY_ID_MAX = 1024,
	ACCOUNT_ALGORITHM_MAX = 63,
	ACCOUNT_PASSWORD_MAX = 1024,
	ACCOUNT_COMMAND_MAX = 8192,
	ACCOUNT_PERMIT_MAX = 2048,	/* all permitopen, or permitlisten, of a key */
	ACCOUNT_ENVIRONMENT_MAX = 4096,	/* all environment of a key              */
	ACCOUNT_AUTH_INFO_MAX = 32 * 1024,	/* steps of a login, keys and all     */
	ACCOUNT_NOTE_MAX = 512,
	ACCOUNT_LINE_MAX = 32,		/* "pts/123"                             */
	ACCOUNT_DEADLINE_MS = 20000,	/* for one attempt; NSS may hang         */
	ACCOUNT_TALK_MS = 600000,	/* for a person to answer; LoginGraceTime is less */
	ACCOUNT_PROMPTS_MAX = 16,	/* of a round                            */
	ACCOUNT_ROUNDS_MAX = 64,	/* of an attempt                         */
	ACCOUNT_PROMPT_MAX = 512,
	ACCOUNT_INSTRUCTION_MAX = 4000,
	ACCOUNT_CHILDREN_MAX = 1024,
};

enum account_kind { ACCOUNT_KEY = 1, ACCOUNT_PASSWORD = 2, ACCOUNT_SESSION = 3,
	ACCOUNT_RECORD = 4, ACCOUNT_ANSWER = 5, ACCOUNT_WHO = 6, ACCOUNT_BLOCKS = 7,
	ACCOUNT_TALK = 8, ACCOUNT_PROMPTS = 9, ACCOUNT_REPLY = 10, ACCOUNT_DROP = 11 };
enum account_verdict { ACCOUNT_NO = 1, ACCOUNT_YES = 2, ACCOUNT_NO_SUCH_USER = 3 };

/* Every packet begins so.  slot and id are posternd's, echoed in the answer. */
struct account_head { uint32_t kind, slot; uint64_t id; };

struct account_who_ask {		/* which Match blocks hold; or TALK          */
	struct account_head head;
	char user[ACCOUNT_USER_MAX + 1];
	char address[ACCOUNT_ADDRESS_MAX], local[ACCOUNT_ADDRESS_MAX];
	uint32_t local_port;
};
/* A certificate that the monitor has found good; who its CA may speak for is asked here.
 * names: the principals, each ended by NUL, then another NUL. */
struct account_certificate {
	uint64_t serial;
	char key_id[ACCOUNT_KEY_ID_MAX + 1];
	uint8_t no_x11, no_agent, no_port, no_pty, no_user_rc, no_touch_required;
	uint8_t has_command;
	char command[ACCOUNT_COMMAND_MAX + 1];
	uint32_t ca_len;
	uint8_t ca[ACCOUNT_KEY_MAX];
	char names[ACCOUNT_KEY_MAX];
};
struct account_key_ask {
	struct account_head head;
	char user[ACCOUNT_USER_MAX + 1];
	char address[ACCOUNT_ADDRESS_MAX], local[ACCOUNT_ADDRESS_MAX];
	uint32_t port, local_port;
	char algorithm[ACCOUNT_ALGORITHM_MAX + 1];	/* it is to sign with                */
	uint8_t is_certificate;
	uint32_t len;
	uint8_t blob[ACCOUNT_KEY_MAX];
	struct account_certificate certificate;	/* travels if there is one           */
};
struct account_password_ask {
	struct account_head head;
	char user[ACCOUNT_USER_MAX + 1];
	char address[ACCOUNT_ADDRESS_MAX], local[ACCOUNT_ADDRESS_MAX];
	uint32_t local_port;
	char password[ACCOUNT_PASSWORD_MAX + 1];
};
struct account_session_ask {		/* with one descriptor: the session's link */
	struct account_head head;
	char user[ACCOUNT_USER_MAX + 1];
	char address[ACCOUNT_ADDRESS_MAX], local[ACCOUNT_ADDRESS_MAX];
	uint32_t port, local_port;
	char environment[ACCOUNT_ENVIRONMENT_MAX + 1];	/* of the keys, as in a grant */
	char auth_info[ACCOUNT_AUTH_INFO_MAX + 1];	/* ExposeAuthInfo; "": none */
};
struct account_record_ask {
	struct account_head head;
	uint8_t is_login;
	char user[ACCOUNT_USER_MAX + 1];
	char address[ACCOUNT_ADDRESS_MAX];
	char line[ACCOUNT_LINE_MAX];
	int32_t pid;
};
/* A conversation: PROMPTS from the check of a TALK, REPLY to it, in turns, until its
 * answer.  DROP, a head alone: nobody is there any more. */
struct account_prompts {
	struct account_head head;
	uint32_t n;
	uint8_t echo[ACCOUNT_PROMPTS_MAX];
	char text[ACCOUNT_PROMPTS_MAX][ACCOUNT_PROMPT_MAX + 1];
	char instruction[ACCOUNT_INSTRUCTION_MAX + 1];
};
struct account_reply {
	struct account_head head;
	uint32_t n;
	char answer[ACCOUNT_PROMPTS_MAX][ACCOUNT_PASSWORD_MAX + 1];
};
union account_packet {
	struct account_head head;
	struct account_reply reply;
	struct account_who_ask who;
	struct account_key_ask key;
	struct account_password_ask password;
	struct account_session_ask session;
	struct account_record_ask record;
};

/* What a line of authorized_keys makes of a login. */
struct account_grant {
	uint8_t no_pty, no_user_rc;
	uint8_t no_port_forwarding, no_agent_forwarding, no_x11_forwarding;
	uint8_t no_touch_required, verify_required;	/* of an authenticator's signature */
	uint8_t has_command;
	char permit_open[ACCOUNT_PERMIT_MAX + 1];	/* words of PermitOpen, "" any */
	char permit_listen[ACCOUNT_PERMIT_MAX + 1];
	char environment[ACCOUNT_ENVIRONMENT_MAX + 1];	/* NAME=value, each with \n behind */
	char command[ACCOUNT_COMMAND_MAX + 1];
};
/* The child's first word, said before it becomes anybody: the helper keeps it, and the
 * answer cannot change it. */
struct account_blocks {
	struct account_head head;
	struct conf_bits bits;
};
struct account_answer {
	struct account_head head;
	uint32_t verdict;		/* enum account_verdict                    */
	uint8_t has_blocks;		/* 0: no child came so far                 */
	struct conf_bits blocks;	/* Match blocks that hold for this user    */
	char note[ACCOUNT_NOTE_MAX];	/* for the log; "" if there is nothing     */
	struct account_grant grant;	/* of a key                                */
};
enum { ACCOUNT_ANSWER_MAX = sizeof(struct account_answer) };	/* of its packet */

/* How much of it travels. */
size_t account_key_size(const struct account_key_ask *);
/* Is this packet whole: size of its kind, every text ended, every number in range? */
bool account_packet_valid(const union account_packet *, size_t len, size_t nfds);
bool account_prompts_valid(const struct account_prompts *, size_t len);
bool account_reply_valid(const struct account_reply *, size_t len);
/* In the check (account_talk.c): asks over the socket *sock, and waits.  0, or -1: nobody
 * is there. */
int account_talk_ask(void *sock, const struct account_prompts *, struct account_reply *);

/* ---- an answer's packet (account_answer.c) ----------------------------------------- */

size_t account_answer_pack(const struct account_answer *, uint8_t out[ACCOUNT_ANSWER_MAX]);
/* False: it is not whole, or a number is out of range; out is not to be used. */
bool account_answer_read(const uint8_t *packet, size_t len, struct account_answer *out);
/* 0 or -errno, and then nothing has left. */
int account_answer_send(int sock, const struct account_answer *);

/* Forks the helper: its pid, and its link, close-on-exec and O_NONBLOCK.  0 or -errno. */
int account_start(const struct conf *, pid_t *pid, int *link);

struct account_user;
/* The child's whole work (account_check.c): one answer, by the configuration that holds
 * for this user.  sock: where a TALK asks.  May change ids for good. */
void account_check(const struct conf *, const struct account_user *,
    const union account_packet *, int sock, struct account_answer *);

/* ---- who (account_user.c) ------------------------------------------------------- */

enum { ACCOUNT_PATH_MAX = 4096, ACCOUNT_GROUPS_MAX = 1024 };
struct account_user {
	bool exists;			/* false: a stand-in that takes the same path  */
	bool is_virtual;		/* not root: a name of PasswordFile            */
	char name[ACCOUNT_USER_MAX + 1];
	char home[ACCOUNT_PATH_MAX], shell[ACCOUNT_PATH_MAX];
	uid_t uid;
	gid_t gid, groups[ACCOUNT_GROUPS_MAX];
	int n_groups;
};
/* Never fails: an unknown name gives the stand-in.  Not root: only the account
 * itself, and the names of PasswordFile, exist. */
/* Has the system's own lookups load what they use, once for all children to share: each
 * would load it anew otherwise, in 1 ms and 40 KiB. */
void account_user_warm(void);
void account_user_find(const struct conf *, const char *name, struct account_user *);
/* The names of a user's groups, added to out.  0, or -1: no memory.  conf_words_free() them. */
int account_user_group_names(const struct account_user *, struct conf_words *out);
/* The same by the user's name, whoever asks. */
int account_user_groups(const char *name, struct conf_words *out);
/* From where to where somebody logs in, and as whom they say. */
struct account_from { const char *user, *address, *local; uint32_t local_port; };
/* The configuration that holds for them: itself, or *view made of it; NULL: no memory. */
const struct conf *account_match(const struct conf *, const struct account_user *,
    const struct account_from *, struct conf_bits *, struct conf *view);
/* AllowUsers and its kin, the shell, the account's expiry.  why: for the log. */
bool account_user_allowed(const struct conf *, const struct account_user *,
    const char *address, char why[ACCOUNT_NOTE_MAX]);
/* Groups, gids and uids for good, checked.  0 or -1. */
int account_user_become(const struct account_user *);

/* ---- authorized_keys (account_keys.c, account_grant.c, account_file.c) ----------------------------- */

enum { ACCOUNT_FILE_MAX = 16 * 1024 * 1024, ACCOUNT_FILE_LINE_MAX = 32 * 1024 };

/* Opens path for reading as the process's user: a regular file, never waiting.
 * strict: neither it nor a folder above it, up to home, may be somebody else's or
 * writable by others.  A descriptor, or -1: no such file, why is ""; refused: why. */
int account_file_open(const char *path, const char *home, uid_t uid, bool strict,
    char why[ACCOUNT_NOTE_MAX]);
/* The whole of it, ended by NUL, or NULL with why.  free() it. */
char *account_file_read(int fd, size_t *len, char why[ACCOUNT_NOTE_MAX]);
/* %h %u %%, and relative to home.  0, or -1: too long or unknown. */
int account_file_name(const char *pattern, const struct account_user *, char *out, size_t size);

/* The key of a login, and what its line is judged by.  A certificate is looked for by
 * its authority's key, on lines with cert-authority; a key on all others. */
struct account_wanted {
	const uint8_t *blob;
	size_t len;
	bool is_certificate;
	const char *user, *address;
	const char *principals;		/* a certificate's, each ended by NUL, then another NUL */
	int64_t now;
	const char *user_environment;	/* PermitUserEnvironment                     */
};

/* Does the text of an authorized_keys file grant it?  The first line that does counts.
 * Changes text.  why: what was wrong with a line that has the key, by its number. */
bool account_keys_search(char *text, size_t len, const struct account_wanted *,
    struct account_grant *grant, char why[ACCOUNT_NOTE_MAX]);
/* Is the key on a line of its own, without options?  Changes text. */
bool account_keys_listed(char *text, size_t len, const uint8_t *blob, size_t blob_len);
/* Is each variable a NAME=value with its newline? */
bool account_environment_valid(const char *);
/* Every byte 0 or 1, every text ended and whole? */
bool account_grant_valid(const struct account_grant *);
/* Adds one's restrictions to all's: what is left is what both permit.  False: they have
 * no common meaning. */
bool account_grant_narrow(struct account_grant *all, const struct account_grant *one);

/* ---- certificates (account_certificate.c, account_principals.c) ------------------------ */

/* Every byte 0 or 1, every text ended, lengths in range? */
bool account_certificate_valid(const struct account_certificate *);
/* The certificate takes away too.  False: its command is another than the grant's. */
bool account_certificate_narrow(const struct account_certificate *, struct account_grant *,
    char why[ACCOUNT_NOTE_MAX]);
/* Is its CA one of the keys in the administrator's file?  Read with the process's rights. */
bool account_certificate_trusted(const struct account_certificate *, const char *path,
    char why[ACCOUNT_NOTE_MAX]);
/* Does a line of a file of principals name one of the certificate's?  Changes text; grant
 * is what that line's options leave. */
bool account_principals_search(char *text, size_t len, const struct account_wanted *,
    struct account_grant *grant, char why[ACCOUNT_NOTE_MAX]);
struct account_command;
/* The same of AuthorizedPrincipalsFile, as the user, and of the command, if one is ready;
 * without either the user's own name is to be among the principals. */
bool account_principals_fit(const struct conf *, const struct account_user *,
    const struct account_wanted *, struct account_command *, struct account_grant *grant,
    char why[ACCOUNT_NOTE_MAX]);

/* ---- passwords (account_password.c) -------------------------------------------------- */

/* Both take the same time whether or not there is such a user. */
bool account_password_check(const struct conf *, const struct account_user *,
    const char *name, const char *password, char why[ACCOUNT_NOTE_MAX]);
/* Is name in PasswordFile? */
bool account_password_listed(const struct conf *, const char *name);

/* ---- utmp (account_record.c) ----------------------------------------------------------- */

void account_record(const struct account_record_ask *);

#endif
