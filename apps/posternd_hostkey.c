/*
 * posternd_hostkey.c - host keys: opened here, read by the library's own loader and
 * by nothing in this process; and a first Ed25519 key, where none is configured.
 *
 * Writing one is the only time a private key is in this memory, before there is any
 * connection; it is wiped at once.  The format is OpenSSH's PROTOCOL.key, without
 * passphrase, as host keys are.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/posternd.h"

enum { KEY_BYTES = 512, PATH_SIZE = 4096, LINE = 70 };

struct out { uint8_t bytes[KEY_BYTES]; size_t n; };

static void put(struct out *o, const void *bytes, size_t n)
{
	memcpy(o->bytes + o->n, bytes, n);	/* all lengths are constants; sum < KEY_BYTES */
	o->n += n;
}

static void put_u32(struct out *o, uint32_t v)
{
	uint8_t b[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };

	put(o, b, sizeof(b));
}

static void put_string(struct out *o, const void *bytes, size_t n)
{
	put_u32(o, (uint32_t)n);
	put(o, bytes, n);
}

static void put_public(struct out *o, const uint8_t pk[crypto_sign_PUBLICKEYBYTES])
{
	put_string(o, "ssh-ed25519", 11);
	put_string(o, pk, crypto_sign_PUBLICKEYBYTES);
}

static void put_private(struct out *o, const uint8_t *pk, const uint8_t *sk)
{
	struct out pub = { .n = 0 }, in = { .n = 0 };
	uint32_t check = randombytes_random();

	put_public(&pub, pk);
	put_u32(&in, check);
	put_u32(&in, check);
	put_public(&in, pk);
	put_string(&in, sk, crypto_sign_SECRETKEYBYTES);
	put_string(&in, "posternd", 8);
	for (uint8_t i = 1; in.n % 8 != 0; i++)
		put(&in, &i, 1);
	put(o, "openssh-key-v1", 15);		/* with its NUL */
	put_string(o, "none", 4);
	put_string(o, "none", 4);
	put_string(o, "", 0);
	put_u32(o, 1);
	put_string(o, pub.bytes, pub.n);
	put_string(o, in.bytes, in.n);
	sodium_memzero(&in, sizeof(in));
}

static int write_all(int fd, const char *text, size_t n)
{
	while (n > 0) {
		ssize_t w = write(fd, text, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return w < 0 ? -errno : -EIO;
		text += w;
		n -= (size_t)w;
	}
	return 0;
}

static size_t armour(const struct out *o, char *text, size_t size)
{
	char b64[2 * KEY_BYTES];
	size_t n, len;

	sodium_bin2base64(b64, sizeof(b64), o->bytes, o->n, sodium_base64_VARIANT_ORIGINAL);
	len = strlen(b64);
	n = (size_t)snprintf(text, size, "-----BEGIN OPENSSH PRIVATE KEY-----\n");
	for (size_t at = 0; at < len; at += LINE)
		n += (size_t)snprintf(text + n, size - n, "%.*s\n", LINE, b64 + at);
	n += (size_t)snprintf(text + n, size - n, "-----END OPENSSH PRIVATE KEY-----\n");
	sodium_memzero(b64, sizeof(b64));
	return n;
}

/* Under another name first: a key file is whole or not there.  link() never
 * replaces a key that came between. */
static int write_new(const char *path, mode_t mode, const char *text, size_t n)
{
	char temp[PATH_SIZE];
	int fd, r;

	r = snprintf(temp, sizeof(temp), "%s.%08x", path, randombytes_random());
	if (r < 0 || (size_t)r >= sizeof(temp))
		return -ENAMETOOLONG;
	fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	r = write_all(fd, text, n);
	if (r == 0 && fsync(fd) != 0)
		r = -errno;
	if (close(fd) != 0 && r == 0)
		r = -errno;
	if (r == 0 && link(temp, path) != 0)
		r = -errno;
	(void)unlink(temp);		/* ours, and of no use to anybody if it stays */
	return r;
}

/* A new Ed25519 key in OpenSSH's format.  0 or -errno. */
static int create(const char *path)
{
	uint8_t pk[crypto_sign_PUBLICKEYBYTES], sk[crypto_sign_SECRETKEYBYTES];
	char text[3 * KEY_BYTES], name[PATH_SIZE], b64[256];
	struct out o = { .n = 0 };
	size_t n;
	int r;

	if (sodium_init() < 0)
		return -EIO;
	crypto_sign_keypair(pk, sk);
	put_private(&o, pk, sk);
	sodium_memzero(sk, sizeof(sk));
	n = armour(&o, text, sizeof(text));
	sodium_memzero(&o, sizeof(o));
	r = write_new(path, 0600, text, n);
	sodium_memzero(text, sizeof(text));
	if (r < 0)
		return r;
	o = (struct out){ .n = 0 };
	put_public(&o, pk);
	sodium_bin2base64(b64, sizeof(b64), o.bytes, o.n, sodium_base64_VARIANT_ORIGINAL);
	n = (size_t)snprintf(text, sizeof(text), "ssh-ed25519 %s posternd\n", b64);
	if (snprintf(name, sizeof(name), "%s.pub", path) < (int)sizeof(name) &&
	    write_new(name, 0644, text, n) < 0)
		posternd_log(POSTERN_INFO, NULL, "%s was not written", name);
	return 0;
}

static int folders(const char *path, mode_t mode)
{
	char part[PATH_SIZE];

	if (strlen(path) >= sizeof(part))
		return -ENAMETOOLONG;
	for (size_t i = 1; path[i] != '\0'; i++) {
		if (path[i] != '/')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, mode) != 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

static int default_path(char out[PATH_SIZE], const char *type)
{
	const char *conf = posternd_path_conf();
	struct passwd *pw;
	int r;

	if (geteuid() == 0) {
		r = snprintf(out, PATH_SIZE, "%.*s/ssh_host_%s_key",
		    (int)(strrchr(conf, '/') - conf), conf, type);
	} else {
		if ((pw = getpwuid(geteuid())) == NULL)
			return -ENOENT;
		r = snprintf(out, PATH_SIZE, "%s/.config/postern/ssh_host_%s_key", pw->pw_dir, type);
	}
	return r < 0 || r >= PATH_SIZE ? -ENAMETOOLONG : 0;
}

static int open_key(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0) {
		posternd_log(POSTERN_ERROR, NULL, "Unable to load host key \"%s\": %s", path,
		    strerror(errno));
		return -1;
	}
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		posternd_log(POSTERN_ERROR, NULL, "Unable to load host key \"%s\": no regular file",
		    path);
	} else if (st.st_uid == geteuid() && (st.st_mode & 077) != 0) {
		posternd_log(POSTERN_ERROR, NULL, "Unable to load host key \"%s\": permissions %04o "
		    "are too open: it must not be accessible by others", path,
		    (unsigned)st.st_mode & 07777);
	} else {
		return fd;
	}
	close(fd);
	return -1;
}

static int load(struct daemon *d, const char *path)
{
	static const char *const problems[] = { [POSTERN_KEY_FINE] = "",
	    [POSTERN_KEY_NEEDS_PASSPHRASE] = "it has a passphrase",
	    [POSTERN_KEY_WRONG_PASSPHRASE] = "it has a passphrase",
	    [POSTERN_KEY_UNSUPPORTED] = "a type or format that is not supported",
	    [POSTERN_KEY_DAMAGED] = "damaged", [POSTERN_KEY_NOT_A_KEY] = "no private key",
	    [POSTERN_KEY_TOO_SHORT] = "an RSA key of less than 2048 bits",
	    [POSTERN_KEY_TOKEN] = "its private half is in a security token" };
	int fd = open_key(path), r, problem;

	if (fd < 0)
		return -1;
	r = postern_context_add_server_key(d->context, fd, NULL, POSTERND_START_MS);
	if (r == 0)
		return 0;
	problem = postern_context_key_problem(d->context);
	posternd_log(POSTERN_ERROR, NULL, "Unable to load host key \"%s\": %s", path,
	    r == POSTERN_EKEY && problem > 0 && problem <= POSTERN_KEY_TOKEN ?
	    problems[problem] : postern_strerror(r));
	return -1;
}

/* Under sshd's names, those that are there. */
static size_t load_others(struct daemon *d)
{
	static const char *const types[] = { "rsa", "ecdsa" };
	char path[PATH_SIZE];
	size_t good = 0;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (default_path(path, types[i]) == 0 && access(path, F_OK) == 0)
			good += load(d, path) == 0;
	return good;
}

static int load_default(struct daemon *d)
{
	char path[PATH_SIZE];
	int r = default_path(path, "ed25519");

	if (r < 0) {
		posternd_log(POSTERN_ERROR, NULL, "no place for a host key: %s", strerror(-r));
		return -1;
	}
	if (load_others(d) > 0 && access(path, F_OK) != 0)
		return 0;
	if (access(path, F_OK) != 0) {
		if (d->options->test) {
			posternd_log(POSTERN_INFO, NULL, "no HostKey is configured: %s will be made",
			    path);
			return 0;
		}
		r = folders(path, geteuid() == 0 ? 0755 : 0700);
		if (r == 0)
			r = create(path);
		if (r < 0 && r != -EEXIST) {
			posternd_log(POSTERN_ERROR, NULL, "no HostKey is configured, and %s cannot be "
			    "made: %s", path, strerror(-r));
			return -1;
		}
		posternd_log(POSTERN_INFO, NULL, "no HostKey is configured: made a new Ed25519 key, "
		    "%s", path);
	}
	return load(d, path);
}

int posternd_hostkey_load(struct daemon *d)
{
	struct hostagent agent;
	size_t good = 0;
	int r;

	if (d->conf.host_keys.n == 0)
		return load_default(d);
	posternd_hostagent_open(d, &agent);
	/* the first of a type counts, as in sshd; the library keeps the last it is given.
	 * A key that cannot be used is told and passed over, as in sshd */
	for (size_t i = d->conf.host_keys.n; i-- > 0;) {
		const char *path = d->conf.host_keys.v[i];

		if (!posternd_hostagent_has(d, &agent, path, &r))
			r = load(d, path);
		good += r == 0;
	}
	posternd_hostagent_close(&agent);
	if (good == 0) {
		posternd_log(POSTERN_ERROR, NULL, "no host key can be used");
		return -1;
	}
	return 0;
}
