/*
 * posternd_certificate.c - a user certificate between the library, which has the
 * monitor's word for it, and the account helper; and how it stands in the log.
 *
 * Its texts are its CA's, which may be anybody: they are quoted.  Also the files of our
 * own host certificates, of which only the base64 is looked at here.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "apps/posternd.h"
#include "apps/session_link.h"

const char *posternd_certificate_type(const uint8_t *blob, size_t len)
{
	static const struct { const char *type, *name; } kinds[] = {
		{ "ssh-ed25519", "ED25519" }, { "ssh-rsa", "RSA" }, { "ssh-dss", "DSA" },
		{ "ecdsa-sha2-nistp256", "ECDSA" }, { "ecdsa-sha2-nistp384", "ECDSA" },
		{ "ecdsa-sha2-nistp521", "ECDSA" }, { "sk-ssh-ed25519@openssh.com", "ED25519-SK" },
		{ "sk-ecdsa-sha2-nistp256@openssh.com", "ECDSA-SK" },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t n = strlen(kinds[i].type);

		if (len > 4 + n && blob[3] == n && memcmp(blob + 4, kinds[i].type, n) == 0)
			return kinds[i].name;
	}
	return "UNKNOWN";
}

void posternd_certificate_show(const struct postern_certificate *cert, char *out, size_t size)
{
	char key[128] = "", ca[128] = "";

	if (postern_fingerprint(cert->plain, cert->plain_len, key, sizeof(key)) < 0 ||
	    postern_fingerprint(cert->ca, cert->ca_len, ca, sizeof(ca)) < 0)
		return;			/* they fit */
	(void)snprintf(out, size, "%s-CERT %s ID %.256s (serial %llu) CA %s %s",
	    posternd_certificate_type(cert->plain, cert->plain_len), key,
	    posternd_log_name(cert->key_id), (unsigned long long)cert->serial,
	    posternd_certificate_type(cert->ca, cert->ca_len), ca);
}

bool posternd_certificate_put(struct account_certificate *out,
    const struct postern_certificate *in)
{
	size_t at = 0;

	*out = (struct account_certificate){ .serial = in->serial,
		.no_x11 = !(in->permits & POSTERN_CERT_X11),
		.no_agent = !(in->permits & POSTERN_CERT_AGENT),
		.no_port = !(in->permits & POSTERN_CERT_PORT),
		.no_pty = !(in->permits & POSTERN_CERT_PTY),
		.no_user_rc = !(in->permits & POSTERN_CERT_USER_RC),
		.no_touch_required = (in->permits & POSTERN_CERT_NO_TOUCH) != 0,
		.has_command = in->force_command != NULL };
	if (in->ca_len > sizeof(out->ca) ||
	    !session_link_put(out->key_id, sizeof(out->key_id), in->key_id) ||
	    !session_link_put(out->command, sizeof(out->command),
	    in->force_command != NULL ? in->force_command : ""))
		return false;
	memcpy(out->ca, in->ca, in->ca_len);
	out->ca_len = (uint32_t)in->ca_len;
	for (size_t i = 0; i < in->n_principals; i++) {
		const char *name = in->principals[i];
		size_t n = strlen(name) + 1;

		/* an empty one would end the list, and is nobody's name */
		if (n == 1 || strchr(name, ',') != NULL)
			continue;
		if (n >= sizeof(out->names) - at)
			return false;
		memcpy(out->names + at, name, n);
		at += n;
	}
	return true;
}

enum { CERT_FILE_MAX = 2 * ACCOUNT_KEY_MAX, CERT_BLOB_MAX = ACCOUNT_KEY_MAX };

/* "type base64 [comment]": its bytes, how many; or -errno. */
static ssize_t read_certificate(const char *path, uint8_t blob[CERT_BLOB_MAX])
{
	char text[CERT_FILE_MAX + 1];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t n;
	size_t at, len;

	if (fd < 0)
		return -errno;
	n = read(fd, text, CERT_FILE_MAX);
	if (n < 0)
		n = -errno;
	close(fd);
	if (n < 0)
		return n;
	text[n] = '\0';
	at = strspn(text, " \t\n");
	at += strcspn(text + at, " \t\n");
	at += strspn(text + at, " \t");
	if (sodium_base642bin(blob, CERT_BLOB_MAX, text + at, strcspn(text + at, " \t\r\n"), NULL,
	    &len, NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
		return -EINVAL;
	return (ssize_t)len;
}

int posternd_certificate_load(struct daemon *d)
{
	const struct conf_words *files = &d->conf.host_certificates;
	uint8_t blob[CERT_BLOB_MAX];
	size_t good = 0;

	for (size_t i = 0; i < files->n; i++) {
		ssize_t n = read_certificate(files->v[i], blob);
		int r = n < 0 ? (int)n : postern_context_add_server_certificate(d->context, blob,
		    (size_t)n, POSTERND_START_MS);

		if (r < 0)
			posternd_log(POSTERN_ERROR, NULL, "HostCertificate %s: %s", files->v[i],
			    postern_strerror(r));
		good += r == 0;
	}
	return d->options->test && good < files->n ? -1 : 0;
}
