/*
 * keygen.c - main of postern-keygen: keys made, changed, shown and converted, with
 * ssh-keygen's flags.
 *
 * It works offline, in its owner's name, on files that may be anybody's.  Core dumps
 * are off, and no passphrase stays in the argument list that others can see.
 */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "apps/keygen.h"
#include "crypto/crypto.h"

typedef enum keygen_status job(const struct keygen *);
/* with: no job of its own, but a flag of that one, where both are given */
struct flag { char letter; job *run; char with; };
static const struct flag flags[] = {
	{ 'p', keygen_change_passphrase, 0 },
	{ 'c', keygen_change_comment, 0 },
	{ 'y', keygen_print_public, 0 },
	{ 'l', keygen_print_fingerprint, 'Q' },
	{ 'e', keygen_export, 0 },
	{ 'i', keygen_import, 0 },
	{ 's', keygen_sign, 'k' },
	{ 'L', keygen_print_certs, 0 },
	{ 'F', keygen_hosts, 0 },
	{ 'R', keygen_hosts, 0 },
	{ 'H', keygen_hosts, 0 },
	{ 'k', keygen_krl_make, 0 },
	{ 'Q', keygen_krl_query, 0 },
};

static void __attribute__((noreturn))
usage(void)
{
	(void)fprintf(stderr,
	    "usage: postern-keygen [-q] [-a rounds] [-b bits] [-C comment] [-f file] [-m format]\n"
	    "                      [-N new_passphrase] [-t ed25519 | ecdsa | rsa] [-Z cipher]\n"
	    "       postern-keygen -p [-a rounds] [-f file] [-m format] [-N new_passphrase]\n"
	    "                      [-P old_passphrase] [-Z cipher]\n"
	    "       postern-keygen -c [-a rounds] [-C comment] [-f file] [-P passphrase]\n"
	    "       postern-keygen -y [-f file] [-P passphrase]\n"
	    "       postern-keygen -l [-v] [-E hash] [-f file]\n"
	    "       postern-keygen -e | -i [-f file] [-m format]\n"
	    "       postern-keygen -s ca_key -I key_id [-hq] [-n principals] [-O option] [-P passphrase]\n"
	    "                      [-t algorithm] [-V validity] [-z serial] file ...\n"
	    "       postern-keygen -L [-f file]\n"
	    "       postern-keygen -F host | -R host | -H [-f known_hosts]\n"
	    "       postern-keygen -k -f krl_file [-qu] [-C comment] [-s ca_public] [-z version] [file ...]\n"
	    "       postern-keygen -Q -f krl_file [-l] [file ...]\n");
	exit(KEYGEN_FAILED);
}

enum keygen_status
keygen_fail(enum keygen_status s, const char *format, ...)
{
	va_list ap;

	(void)fputs("postern-keygen: ", stderr);
	va_start(ap, format);
	(void)vfprintf(stderr, format, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	return s;
}

static unsigned
number(const char *text, unsigned min, unsigned max, const char *what)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(text, &end, 10);
	if (errno != 0 || *text < '0' || *text > '9' || *end != '\0' || v < min || v > max) {
		(void)keygen_fail(KEYGEN_FAILED, "%s must be %u to %u", what, min, max);
		exit(KEYGEN_FAILED);
	}
	return (unsigned)v;
}

static void
forget(char *secret)
{
	if (secret != NULL)
		crypto_wipe(secret, strlen(secret));
	free(secret);
}

/* A copy; what stood in the argument list is overwritten, for ps shows that. */
static void
take_secret(char **at, char *text)
{
	forget(*at);
	*at = strdup(text);
	if (*at == NULL)
		exit(keygen_fail(KEYGEN_FAILED, "no memory"));
	crypto_wipe(text, strlen(text));
}

static void
take_serial(struct keygen *k, const char *text)
{
	char *end;

	k->counts = *text == '+';
	text += k->counts;
	errno = 0;
	k->serial = strtoull(text, &end, 10);
	if (errno != 0 || *text < '0' || *text > '9' || *end != '\0')
		exit(keygen_fail(KEYGEN_FAILED, "no serial number: \"%s\"", text));
}

static void
take_option(struct keygen *k, int c)
{
	switch (c) {
	case 'a': k->rounds = number(optarg, 1, KEYFILE_ROUNDS_MAX, "rounds"); break;
	case 'b': k->bits = number(optarg, 1, 65536, "bits"); break;
	case 'C': k->comment = optarg; break;
	case 'E': k->hash = optarg; break;
	case 'f': k->file = optarg; break;
	case 'h': k->host = true; break;
	case 'I': k->key_id = optarg; break;
	case 'm': k->format = optarg; break;
	case 'n': k->principals = optarg; break;
	case 'N': take_secret(&k->new_passphrase, optarg); break;
	case 'O':
		if (k->n_options == KEYGEN_OPTIONS_MAX)
			exit(keygen_fail(KEYGEN_FAILED, "more than %d options", KEYGEN_OPTIONS_MAX));
		k->options[k->n_options++] = optarg;
		break;
	case 'P': take_secret(&k->old_passphrase, optarg); break;
	case 'q': k->quiet = true; break;
	case 't': k->type = optarg; break;
	case 'u': k->update = true; break;
	case 'v': k->verbose = true; break;
	case 'V': k->validity = optarg; break;
	case 'z': take_serial(k, optarg); break;
	case 'Z': k->cipher = optarg; break;
	default: usage();
	}
}

/* The job that the flags name; NULL: they name more than one. */
static job *
take_jobs(struct keygen *k, const bool seen[UCHAR_MAX + 1])
{
	job *run = NULL;

	k->list = seen['l'];
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		const struct flag *f = &flags[i];

		if (!seen[(unsigned char)f->letter] || (f->with != 0 && seen[(unsigned char)f->with]))
			continue;
		if (run != NULL)
			return NULL;
		run = f->run;
		k->job = f->letter;
	}
	return run != NULL ? run : keygen_generate;
}

static bool
is_job(int c)
{
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (flags[i].letter == c)
			return true;
	return false;
}

int
main(int argc, char **argv)
{
	struct keygen k = { .file = NULL };
	bool seen[UCHAR_MAX + 1] = { false };
	job *run;
	int c;

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || keyfile_init() != 0 ||
	    sign_start() != 0)
		return keygen_fail(KEYGEN_FAILED, "the cryptographic libraries cannot be used");
	while ((c = getopt(argc, argv,
	    "a:b:C:cE:eF:f:HhiI:kLlm:N:n:O:P:pQqR:s:t:uV:vyz:Z:")) != -1) {
		if (!is_job(c)) {
			take_option(&k, c);
			continue;
		}
		if (seen[c])
			usage();
		seen[c] = true;
		if (c == 's')
			k.ca = optarg;
		else if (c == 'F' || c == 'R')
			k.host_name = optarg;
	}
	k.files = &argv[optind];
	k.n_files = (size_t)(argc - optind);
	run = take_jobs(&k, seen);
	if (run == NULL || (k.n_files > 0 && k.job != 's' && k.job != 'k' && k.job != 'Q'))
		usage();
	c = (int)run(&k);
	forget(k.old_passphrase);
	forget(k.new_passphrase);
	if (fflush(stdout) != 0 && c == KEYGEN_FINE)
		c = (int)keygen_fail(KEYGEN_FAILED, "the output was not written");
	return c;
}
