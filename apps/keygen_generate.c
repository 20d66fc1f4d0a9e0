/*
 * keygen_generate.c - new keys; and the same key with another passphrase or comment.
 *
 * A private key stands in one struct keyfile_key, wiped on every way out.
 */
#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/keygen.h"
#include "crypto/keymake.h"

static void __attribute__((format(printf, 2, 3)))
say(const struct keygen *k, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	if (!k->quiet)
		(void)vprintf(format, ap);
	va_end(ap);
}

static enum keygen_status
set_comment(const struct keygen *k, struct keyfile_key *key)
{
	char host[256] = "localhost";
	const struct passwd *pw = getpwuid(getuid());
	int n;

	if (k->comment != NULL) {
		n = snprintf(key->comment, sizeof(key->comment), "%s", k->comment);
	} else {
		(void)gethostname(host, sizeof(host) - 1);	/* else the default */
		n = snprintf(key->comment, sizeof(key->comment), "%s@%s",
		    pw != NULL ? pw->pw_name : "unknown", host);
	}
	return n >= 0 && n < (int)sizeof(key->comment) ? KEYGEN_FINE :
	    keygen_fail(KEYGEN_FAILED, "the comment is longer than %d bytes", KEYFILE_COMMENT_MAX);
}

/* ~/.ssh, if that is where the file goes and it is not there yet. */
static void
make_folder(const char *path)
{
	char folder[KEYGEN_PATH_MAX];
	const char *end = strstr(path, "/.ssh/");

	if (end == NULL || snprintf(folder, sizeof(folder), "%.*s/.ssh", (int)(end - path), path) >=
	    (int)sizeof(folder))
		return;
	if (mkdir(folder, 0700) == 0)
		(void)printf("Created directory '%s'.\n", folder);
}

static enum keygen_status
save(const struct keygen *k, const char *path, const struct keyfile_key *key, bool replace)
{
	char passphrase[KEYGEN_PASSPHRASE_MAX];
	enum keygen_status s;

	s = keygen_file_new_passphrase(k, passphrase);
	if (s == KEYGEN_FINE)
		s = keygen_file_write_private(k, path, key, passphrase, replace);
	crypto_wipe(passphrase, sizeof(passphrase));
	return s;
}

enum keygen_status
keygen_generate(const struct keygen *k)
{
	const char *name = k->type != NULL ? k->type : "ed25519";
	const struct keymake_type *type = keymake_find(name);
	char path[KEYGEN_PATH_MAX], fingerprint[KEYGEN_FINGERPRINT_MAX];
	struct keyfile_key key;
	enum keygen_status s;
	unsigned bits;
	bool replace;

	if (type == NULL)
		return keygen_fail(KEYGEN_UNSUPPORTED, "no key type \"%s\"; there are ed25519, ecdsa, rsa",
		    name);
	bits = k->bits != 0 ? k->bits : type->bits_default;
	if (bits < type->bits_min || bits > type->bits_max)
		return keygen_fail(KEYGEN_UNSUPPORTED, "%s keys have %u to %u bits", name,
		    type->bits_min, type->bits_max);
	say(k, "Generating public/private %s key pair.\n", name);
	s = keygen_file_name(k, "Enter file in which to save the key", path);
	if (s != KEYGEN_FINE)
		return s;
	make_folder(path);
	replace = access(path, F_OK) == 0;
	if (!keygen_file_confirm(path))
		return KEYGEN_FAILED;
	if (keymake(type, bits, &key) != 0)
		return keygen_fail(KEYGEN_UNSUPPORTED, "no %s key of %u bits can be made", name, bits);
	s = set_comment(k, &key);
	if (s == KEYGEN_FINE)
		s = save(k, path, &key, replace);
	crypto_wipe(key.secret, sizeof(key.secret));
	if (s == KEYGEN_FINE) {
		say(k, "Your identification has been saved in %s\n", path);
		s = keygen_file_write_public(path, &key, true);
	}
	if (s != KEYGEN_FINE || k->quiet)
		return s;
	say(k, "Your public key has been saved in %s.pub\n", path);
	s = keygen_print_hash("sha256", key.blob, key.blob_len, fingerprint);
	if (s == KEYGEN_FINE) {
		(void)printf("The key fingerprint is:\n%s %s\nThe key's randomart image is:\n",
		    fingerprint, key.comment);
		keygen_print_randomart("sha256", key.blob, key.blob_len);
	}
	return s;
}

enum keygen_status
keygen_change_passphrase(const struct keygen *k)
{
	char path[KEYGEN_PATH_MAX];
	struct keyfile_key key;
	enum keygen_status s;

	s = keygen_file_name(k, "Enter file in which the key is", path);
	if (s == KEYGEN_FINE)
		s = keygen_file_private(k, path, &key, NULL);
	if (s != KEYGEN_FINE)
		return s;
	if (key.comment[0] != '\0')
		say(k, "Key has comment '%s'\n", key.comment);
	s = save(k, path, &key, true);
	crypto_wipe(&key, sizeof(key));
	if (s == KEYGEN_FINE)
		say(k, "Your identification has been saved with the new passphrase.\n");
	return s;
}

static enum keygen_status
type_comment(struct keygen *k, char typed[KEYFILE_COMMENT_MAX + 2])
{
	(void)printf("New comment: ");
	(void)fflush(stdout);
	if (fgets(typed, KEYFILE_COMMENT_MAX + 2, stdin) == NULL)
		return keygen_fail(KEYGEN_FAILED, "no comment was typed");
	typed[strcspn(typed, "\r\n")] = '\0';
	k->comment = typed;
	return KEYGEN_FINE;
}

/* Under the passphrase that it had. */
enum keygen_status
keygen_change_comment(const struct keygen *given)
{
	struct keygen k = *given;
	char path[KEYGEN_PATH_MAX], typed[KEYFILE_COMMENT_MAX + 2];
	char passphrase[KEYGEN_PASSPHRASE_MAX];
	struct keyfile_key key;
	enum keygen_status s;

	s = keygen_file_name(&k, "Enter file in which the key is", path);
	if (s == KEYGEN_FINE)
		s = keygen_file_private(&k, path, &key, passphrase);
	if (s != KEYGEN_FINE)
		return s;
	say(&k, "Old comment: %s\n", key.comment);
	if (k.comment == NULL)
		s = type_comment(&k, typed);
	if (s == KEYGEN_FINE)
		s = set_comment(&k, &key);
	if (s == KEYGEN_FINE)
		s = keygen_file_write_private(&k, path, &key, passphrase, true);
	crypto_wipe(passphrase, sizeof(passphrase));
	crypto_wipe(key.secret, sizeof(key.secret));
	if (s == KEYGEN_FINE)
		s = keygen_file_write_public(path, &key, true);
	if (s == KEYGEN_FINE)
		say(&k, "Comment '%s' applied\n", key.comment);
	return s;
}

enum keygen_status
keygen_print_public(const struct keygen *k)
{
	char path[KEYGEN_PATH_MAX];
	struct keyfile_key key;
	enum keygen_status s;

	s = keygen_file_name(k, "Enter file in which the key is", path);
	if (s == KEYGEN_FINE)
		s = keygen_file_half(k, path, &key);
	if (s == KEYGEN_FINE)
		keygen_public_print(stdout, key.blob, key.blob_len, key.comment);
	crypto_wipe(&key, sizeof(key));
	return s;
}
