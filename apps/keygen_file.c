/*
 * keygen_file.c - key files on disk, and the passphrases that are typed for them.
 *
 * A private file is made with mode 0600 under a name that did not exist, and replaced
 * by rename only, so that there is no moment without a whole key.  Passphrases and keys
 * are wiped when they have served.
 */
#include <bsd/readpassphrase.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/keygen.h"
#include "crypto/keywrite.h"

enum { TRIES = 3 };

enum keygen_status
keygen_file_name(const struct keygen *k, const char *what, char path[KEYGEN_PATH_MAX])
{
	const struct passwd *pw = getpwuid(getuid());
	const char *type = k->type != NULL ? k->type : "ed25519";
	char fallback[KEYGEN_PATH_MAX], typed[KEYGEN_PATH_MAX];
	int n;

	if (k->file != NULL) {
		n = snprintf(path, KEYGEN_PATH_MAX, "%s", k->file);
	} else {
		n = snprintf(fallback, sizeof(fallback), "%s/.ssh/id_%s", pw != NULL ? pw->pw_dir : "",
		    type);
		if (n < 0 || n >= KEYGEN_PATH_MAX)
			return keygen_fail(KEYGEN_FAILED, "the path is too long");
		(void)printf("%s (%s): ", what, fallback);
		(void)fflush(stdout);
		if (fgets(typed, sizeof(typed), stdin) == NULL)
			return keygen_fail(KEYGEN_FAILED, "no file was named");
		typed[strcspn(typed, "\r\n")] = '\0';
		n = snprintf(path, KEYGEN_PATH_MAX, "%s", typed[0] != '\0' ? typed : fallback);
	}
	return n >= 0 && n < KEYGEN_PATH_MAX ? KEYGEN_FINE :
	    keygen_fail(KEYGEN_FAILED, "the path is too long");
}

static ssize_t
read_all(int fd, char *text, size_t max)
{
	size_t n = 0;

	while (n < max) {
		ssize_t got = read(fd, text + n, max - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	return (ssize_t)n;
}

enum keygen_status
keygen_file_slurp(const char *path, size_t max, char **text, size_t *n)
{
	int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	char *out = NULL;
	ssize_t got = -1;

	if (fd >= 0)
		out = calloc(1, max + 2);
	if (out != NULL)
		got = read_all(fd, out, max + 1);
	if (got < 0 || (size_t)got > max) {
		enum keygen_status s = keygen_fail(KEYGEN_FAILED, "%s: %s", path,
		    got < 0 ? strerror(errno) : "too large");

		free(out);
		if (fd > STDIN_FILENO)
			(void)close(fd);	/* only read */
		return s;
	}
	if (fd > STDIN_FILENO)
		(void)close(fd);		/* only read */
	*text = out;
	*n = (size_t)got;
	return KEYGEN_FINE;
}

/* ---- private keys ---- */

static enum keygen_status
explain(const char *path, enum keyfile_result r)
{
	switch (r) {
	case KEYFILE_OK:
		return KEYGEN_FINE;
	case KEYFILE_NEEDS_PASSPHRASE:
	case KEYFILE_WRONG_PASSPHRASE:
		return keygen_fail(KEYGEN_WRONG_PASSPHRASE, "%s: wrong passphrase", path);
	case KEYFILE_UNSUPPORTED:
		return keygen_fail(KEYGEN_UNSUPPORTED, "%s: key type or format not supported", path);
	case KEYFILE_TOKEN:
		return keygen_fail(KEYGEN_UNSUPPORTED, "%s: the private half is in a security token",
		    path);
	case KEYFILE_TOO_SHORT:
		return keygen_fail(KEYGEN_UNSUPPORTED, "%s: an RSA key of less than 2048 bits", path);
	case KEYFILE_DAMAGED:
		return keygen_fail(KEYGEN_DAMAGED, "%s: the file is damaged", path);
	case KEYFILE_NOT_A_KEY:
		break;
	}
	return keygen_fail(KEYGEN_DAMAGED, "%s: not a private key file", path);
}

static enum keyfile_result
ask_and_read(const char *path, const char *text, size_t n, struct keyfile_key *key,
    char typed[KEYGEN_PASSPHRASE_MAX])
{
	char prompt[KEYGEN_PATH_MAX + 64];
	enum keyfile_result r = KEYFILE_NEEDS_PASSPHRASE;

	(void)snprintf(prompt, sizeof(prompt), "Enter passphrase for \"%s\": ", path);
	for (int i = 0; i < TRIES && (r == KEYFILE_NEEDS_PASSPHRASE || r == KEYFILE_WRONG_PASSPHRASE);
	    i++) {
		if (readpassphrase(prompt, typed, KEYGEN_PASSPHRASE_MAX, RPP_ECHO_OFF) == NULL ||
		    typed[0] == '\0')
			break;
		r = keyfile_read((const uint8_t *)text, n, typed, strlen(typed), key);
	}
	return r;
}

static bool
is_safe(const char *path)
{
	struct stat st;

	return strcmp(path, "-") == 0 || stat(path, &st) != 0 || st.st_uid != getuid() ||
	    (st.st_mode & 077) == 0;
}

static enum keygen_status
read_key(const struct keygen *k, const char *path, struct keyfile_key *key,
    char passphrase[KEYGEN_PASSPHRASE_MAX], bool token_too)
{
	const char *given = k->old_passphrase;
	char used[KEYGEN_PASSPHRASE_MAX] = "";
	enum keyfile_result r;
	enum keygen_status s;
	char *text;
	size_t n;

	s = keygen_file_slurp(path, KEYFILE_MAX, &text, &n);
	if (s != KEYGEN_FINE)
		return s;
	r = keyfile_read((const uint8_t *)text, n, given, given != NULL ? strlen(given) : 0, key);
	if (r == KEYFILE_NEEDS_PASSPHRASE && given == NULL)
		r = ask_and_read(path, text, n, key, used);
	else if (given != NULL)
		(void)snprintf(used, sizeof(used), "%s", given);
	if (r == KEYFILE_TOKEN && token_too)
		r = KEYFILE_OK;
	if (r == KEYFILE_OK && !is_safe(path)) {
		crypto_wipe(key, sizeof(*key));
		s = keygen_fail(KEYGEN_FAILED, "%s: others may read this private key; its mode must be "
		    "0600", path);
	} else {
		s = explain(path, r);
	}
	if (passphrase != NULL)
		memcpy(passphrase, used, sizeof(used));
	crypto_wipe(used, sizeof(used));
	crypto_wipe(text, n);
	free(text);
	return s;
}

enum keygen_status
keygen_file_private(const struct keygen *k, const char *path, struct keyfile_key *key,
    char passphrase[KEYGEN_PASSPHRASE_MAX])
{
	return read_key(k, path, key, passphrase, false);
}

enum keygen_status
keygen_file_half(const struct keygen *k, const char *path, struct keyfile_key *key)
{
	return read_key(k, path, key, NULL, true);
}

/* ---- writing ---- */

bool
keygen_file_confirm(const char *path)
{
	char answer[16];

	if (access(path, F_OK) != 0)
		return true;
	(void)printf("%s already exists.\nOverwrite (y/n)? ", path);
	(void)fflush(stdout);
	return fgets(answer, sizeof(answer), stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}

static int
write_all(int fd, const char *text, size_t n)
{
	while (n > 0) {
		ssize_t w = write(fd, text, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return -1;
		text += w;
		n -= (size_t)w;
	}
	return 0;
}

/* link() never replaces what came between; rename() always does. */
enum keygen_status
keygen_file_write(const char *path, unsigned mode, const char *text, size_t n, bool replace)
{
	char temp[KEYGEN_PATH_MAX];
	int fd = -1, len = snprintf(temp, sizeof(temp), "%s.XXXXXX", path);
	bool fine = false;

	if (len > 0 && len < (int)sizeof(temp))
		fd = mkostemp(temp, O_CLOEXEC);		/* 0600 */
	if (fd < 0)
		return keygen_fail(KEYGEN_FAILED, "%s cannot be written: %s", path, strerror(errno));
	fine = write_all(fd, text, n) == 0 && fchmod(fd, mode) == 0 && fsync(fd) == 0;
	if (close(fd) != 0)
		fine = false;
	if (fine)
		fine = replace ? rename(temp, path) == 0 : link(temp, path) == 0;
	len = errno;
	if (!fine || !replace)
		(void)unlink(temp);	/* ours, and of no use to anybody if it stays */
	return fine ? KEYGEN_FINE : keygen_fail(KEYGEN_FAILED, "%s cannot be written: %s", path,
	    strerror(len));
}

static enum keygen_status
format_of(const struct keygen *k, enum keywrite_format *out)
{
	if (k->format == NULL || strcasecmp(k->format, "RFC4716") == 0)
		*out = KEYWRITE_OPENSSH;
	else if (strcasecmp(k->format, "PEM") == 0)
		*out = KEYWRITE_PEM;
	else if (strcasecmp(k->format, "PKCS8") == 0)
		*out = KEYWRITE_PKCS8;
	else
		return keygen_fail(KEYGEN_FAILED, "no format \"%s\"; there are RFC4716, PKCS8 and PEM",
		    k->format);
	return KEYGEN_FINE;
}

enum keygen_status
keygen_file_write_private(const struct keygen *k, const char *path, const struct keyfile_key *key,
    const char *passphrase, bool replace)
{
	struct keywrite how = { .passphrase = passphrase, .cipher = k->cipher, .rounds = k->rounds };
	enum keygen_status s = format_of(k, &how.format);
	char text[KEYWRITE_MAX];
	size_t n = 0;

	if (s != KEYGEN_FINE)
		return s;
	switch (keywrite(key, &how, text, &n)) {
	case KEYWRITE_OK:
		s = keygen_file_write(path, 0600, text, n, replace);
		break;
	case KEYWRITE_UNSUPPORTED:
		s = keygen_fail(KEYGEN_UNSUPPORTED, "%s keys have no %s format", key->alg, k->format);
		break;
	case KEYWRITE_NO_CIPHER:
		s = keygen_fail(KEYGEN_UNSUPPORTED, "no cipher \"%s\"", k->cipher);
		break;
	case KEYWRITE_FAILED:
		s = keygen_fail(KEYGEN_FAILED, "the key cannot be encoded");
		break;
	}
	crypto_wipe(text, sizeof(text));
	return s;
}

enum keygen_status
keygen_file_write_public(const char *path, const struct keyfile_key *key, bool replace)
{
	char name[KEYGEN_PATH_MAX], *text = NULL;
	enum keygen_status s;
	size_t n = 0;
	FILE *f;

	if (snprintf(name, sizeof(name), "%s.pub", path) >= (int)sizeof(name))
		return keygen_fail(KEYGEN_FAILED, "the path is too long");
	f = open_memstream(&text, &n);
	if (f == NULL)
		return keygen_fail(KEYGEN_FAILED, "no memory");
	keygen_public_print(f, key->blob, key->blob_len, key->comment);
	if (fclose(f) != 0)
		s = keygen_fail(KEYGEN_FAILED, "no memory");
	else
		s = keygen_file_write(name, 0644, text, n, replace);
	free(text);
	return s;
}

enum keygen_status
keygen_file_new_passphrase(const struct keygen *k, char out[KEYGEN_PASSPHRASE_MAX])
{
	char again[KEYGEN_PASSPHRASE_MAX];
	bool same = false;

	if (k->new_passphrase != NULL) {
		size_t n = strlen(k->new_passphrase);

		if (n >= KEYGEN_PASSPHRASE_MAX)
			return keygen_fail(KEYGEN_FAILED, "the passphrase is too long");
		memcpy(out, k->new_passphrase, n + 1);
		return KEYGEN_FINE;
	}
	for (int i = 0; i < TRIES && !same; i++) {
		if (readpassphrase("Enter passphrase (empty for no passphrase): ", out,
		    KEYGEN_PASSPHRASE_MAX, RPP_ECHO_OFF) == NULL ||
		    readpassphrase("Enter same passphrase again: ", again, sizeof(again),
		    RPP_ECHO_OFF) == NULL)
			break;
		same = strcmp(out, again) == 0;
		if (!same)
			(void)fprintf(stderr, "Passphrases do not match.  Try again.\n");
	}
	crypto_wipe(again, sizeof(again));
	return same ? KEYGEN_FINE : keygen_fail(KEYGEN_FAILED, "no passphrase was typed");
}
