/*
 * keygen_krl.c - KRLs: made and updated (-k), and asked (-Q), as ssh-keygen does it.
 *
 * A KRL is replaced as a whole or not at all: a server that reads it meanwhile has the
 * old one or the new one.  Keys are judged by crypto/krl.c, which the monitor asks too.
 */
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "apps/keygen_krl.h"
#include "crypto/pubkey.h"

enum { KRL_MODE = 0644, KEYS_FILE_MAX = 1 << 20 };

/* -s: the CA whose certificates are meant; "none" is any.  A public key file, or the
 * private one beside it. */
static enum keygen_status
take_ca(const struct keygen *k, struct blob *ca)
{
	static char line[KEYGEN_LINE_MAX];
	static struct keygen_public public;
	char beside[KEYGEN_PATH_MAX];

	*ca = blob_of(NULL, 0);
	if (strcasecmp(k->ca, "none") == 0)
		return KEYGEN_FINE;
	if (!keygen_public_file(k->ca, line, &public) &&
	    (snprintf(beside, sizeof(beside), "%s.pub", k->ca) >= (int)sizeof(beside) ||
	    !keygen_public_file(beside, line, &public)))
		return keygen_fail(KEYGEN_DAMAGED, "%s: not a public key file", k->ca);
	*ca = blob_of(public.blob, public.blob_len);
	return KEYGEN_FINE;
}

static enum keygen_status
load(const char *path, struct krlmake *krl, char **text, size_t *n)
{
	enum keygen_status s = keygen_file_slurp(path, KRL_FILE_MAX, text, n);
	const char *why;

	if (s != KEYGEN_FINE)
		return s;
	why = krlmake_load(krl, (const uint8_t *)*text, *n);
	if (why == NULL)
		return KEYGEN_FINE;
	free(*text);
	*text = NULL;
	return keygen_fail(KEYGEN_DAMAGED, "%s: %s", path, why);
}

static enum keygen_status
add_file(const struct keygen *k, struct krlmake *krl, const struct blob *ca, const char *path)
{
	const char *name = strcmp(path, "-") == 0 ? "(standard input)" : path;
	enum keygen_status s;
	char *text = NULL;
	size_t n;

	if (!k->quiet)
		(void)printf("Revoking from %s\n", name);
	s = keygen_file_slurp(path, KRL_FILE_MAX, &text, &n);
	if (s == KEYGEN_FINE)
		s = keygen_krl_spec(krl, ca, name, text, n);
	free(text);
	return s;
}

static enum keygen_status
write_krl(const struct keygen *k, struct krlmake *krl)
{
	enum keygen_status s;
	uint8_t *file = NULL;
	const char *why;
	size_t n;

	if (k->serial != 0)
		krl->version = k->serial;
	if (k->comment != NULL && strlen(k->comment) >= sizeof(krl->comment))
		return keygen_fail(KEYGEN_FAILED, "the comment is longer than %zu",
		    sizeof(krl->comment) - 1);
	if (k->comment != NULL)
		(void)snprintf(krl->comment, sizeof(krl->comment), "%s", k->comment);
	krl->date = (uint64_t)time(NULL);
	krlmake_settle(krl);
	why = krlwrite(krl, &file, &n);
	if (why != NULL)
		return keygen_fail(KEYGEN_FAILED, "%s: %s", k->file, why);
	s = keygen_file_write(k->file, KRL_MODE, (const char *)file, n, true);
	free(file);
	return s;
}

enum keygen_status
keygen_krl_make(const struct keygen *k)
{
	static struct krlmake krl;
	enum keygen_status s = KEYGEN_FINE;
	char *text = NULL;
	struct blob ca;
	size_t n;

	if (k->file == NULL)
		return keygen_fail(KEYGEN_FAILED, "for a KRL, -f says which file it is");
	if (k->ca != NULL)
		s = take_ca(k, &ca);
	if (s == KEYGEN_FINE && k->update)
		s = load(k->file, &krl, &text, &n);
	free(text);
	for (size_t i = 0; i < k->n_files && s == KEYGEN_FINE; i++)
		s = add_file(k, &krl, k->ca != NULL ? &ca : NULL, k->files[i]);
	if (s == KEYGEN_FINE)
		s = write_krl(k, &krl);
	krlmake_free(&krl);
	return s;
}

/* ---- -Q ---- */

/* True: it is revoked, or nobody can say that it is not. */
static bool
is_revoked(const char *krl, size_t n, const struct keygen_public *public)
{
	const uint8_t *blob = public->blob, *file = (const uint8_t *)krl;
	size_t len = public->blob_len;
	uint8_t plain[KEY_BLOB_MAX];
	const char *why;
	struct cert cert;

	if (!cert_is(blob, len))
		return krl_revokes(file, n, blob, len, NULL);
	return cert_parse(blob, len, &cert, &why) != 0 ||
	    cert_plain(&cert, plain, sizeof(plain), &len) != 0 ||
	    krl_revokes(file, n, plain, len, &cert);
}

/* Each key of the file: one that was passed over would be taken for good. */
static enum keygen_status
query_file(const char *krl, size_t n, const char *path)
{
	static struct keygen_public public;
	char *text, tame[KEYGEN_LINE_MAX];
	enum keygen_status s;
	size_t len, found = 0;

	s = keygen_file_slurp(path, KEYS_FILE_MAX, &text, &len);
	if (s != KEYGEN_FINE)
		return s;
	for (char *line = text, *next; line != NULL; line = next) {
		bool revoked;

		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		if (!keygen_public_line(line, &public))
			continue;
		found++;
		revoked = is_revoked(krl, n, &public);
		keygen_public_tame(public.comment, tame, sizeof(tame));
		(void)printf(*tame != '\0' ? "%s (%s): %s\n" : "%s%s: %s\n", path, tame,
		    revoked ? "REVOKED" : "ok");
		if (revoked)
			s = KEYGEN_FAILED;
	}
	free(text);
	return found > 0 ? s : keygen_fail(KEYGEN_DAMAGED, "%s: no public key", path);
}

enum keygen_status
keygen_krl_query(const struct keygen *k)
{
	static struct krlmake krl;
	enum keygen_status s, worst = KEYGEN_FINE;
	char *text = NULL;
	size_t n = 0;

	if (k->file == NULL)
		return keygen_fail(KEYGEN_FAILED, "to test keys, -f says which KRL to ask");
	s = load(k->file, &krl, &text, &n);
	if (s != KEYGEN_FINE) {
		krlmake_free(&krl);
		return s;
	}
	krlmake_settle(&krl);
	if (k->list)
		worst = keygen_krl_print(&krl);
	for (size_t i = 0; i < k->n_files; i++) {
		s = query_file(text, n, k->files[i]);
		if (s != KEYGEN_FINE && worst <= KEYGEN_FAILED)
			worst = s;
	}
	krlmake_free(&krl);
	free(text);
	return worst;
}
