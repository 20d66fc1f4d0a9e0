/*
 * cert.h - OpenSSH certificates (PROTOCOL.certkeys, v01): parsed, judged, verified.
 *
 * Nothing is allocated: a struct cert borrows from the blob it was read from.  A
 * certificate that parses is well formed and no more; whoever lets one count for
 * something asks cert_judge, cert_verify and cert_has_principal first, and decides
 * on its own whether the CA is one to trust.
 */
#ifndef CRYPTO_CERT_H
#define CRYPTO_CERT_H

#include "crypto/blob.h"
#include "crypto/crypto.h"

enum {
	CERT_NONCE_MAX = 256,
	CERT_KEY_ID_MAX = 1024,
	CERT_PRINCIPALS_MAX = 256,	/* how many                                 */
	CERT_PRINCIPAL_LEN_MAX = 1024,
	CERT_OPTIONS_MAX = 64,		/* critical options, or extensions          */
	CERT_OPTION_NAME_MAX = 128,
	CERT_SOURCES_MAX = 256,		/* entries of source-address                */
};

/* What CAs may sign with unless it is said otherwise (CASignatureAlgorithms): all but
 * what rests on SHA-1. */
#define CERT_CA_ALGORITHMS "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384," \
	"ecdsa-sha2-nistp521,sk-ssh-ed25519@openssh.com," \
	"sk-ecdsa-sha2-nistp256@openssh.com,rsa-sha2-512,rsa-sha2-256"

/* An algorithm as it is negotiated for keys that have a certificate: several may share
 * a type of blob, as those of RSA do. */
struct cert_alg {
	const char *name;
	const char *cert_type;		/* of the certificate blob                  */
	const char *key_type;		/* of the plain blob                        */
	const char *sign_alg;		/* the signature's                          */
	unsigned fields;		/* strings and mpints of the plain key      */
};
const struct cert_alg *cert_alg_find(const char *name, size_t n);
const struct cert_alg *cert_alg_at(size_t i);	/* in order of preference; NULL ends */

enum cert_type { CERT_USER = 1, CERT_HOST = 2 };
/* Extensions: what the bearer may do.  One that is absent is forbidden. */
enum cert_permit {
	CERT_PERMIT_X11 = 1 << 0,
	CERT_PERMIT_AGENT = 1 << 1,
	CERT_PERMIT_PORT = 1 << 2,
	CERT_PERMIT_PTY = 1 << 3,
	CERT_PERMIT_USER_RC = 1 << 4,
	CERT_NO_TOUCH = 1 << 5,		/* no-touch-required: not even a touch is asked */
};

struct cert {
	const struct cert_alg *alg;	/* the first that has this type of blob     */
	struct blob nonce;
	struct blob key;		/* the plain key's fields, behind its type  */
	uint64_t serial;
	uint32_t type;			/* enum cert_type, or what else stands there */
	struct blob key_id;
	struct blob principals;		/* for cert_principal_next                  */
	uint64_t valid_after, valid_before;
	struct blob critical, extensions;
	struct blob ca_key, signature;
	struct blob signed_part;	/* all in front of the signature            */
	/* of the options */
	unsigned permits;		/* enum cert_permit                         */
	bool has_force_command, has_source_address, verify_required;
	struct blob force_command, source_address;
	struct blob unknown;		/* a critical option that is not one of these */
};

/* 0, or -1 and why, which is a sentence of ours without a byte of the blob's. */
CRYPTO_CHECKED int cert_parse(const uint8_t *blob, size_t n, struct cert *, const char **why);
/* Is this blob's type that of a certificate? */
bool cert_is(const uint8_t *blob, size_t n);
/* The plain key, as if it had no certificate.  It fits where the certificate did. */
CRYPTO_CHECKED int cert_plain(const struct cert *, uint8_t *out, size_t cap, size_t *len);

/* The next of a list of principals; false at the end. */
bool cert_principal_next(struct blob *principals, struct blob *one);
/* The next (name, data) of critical or extensions; false at the end. */
bool cert_option_next(struct blob *options, struct blob *name, struct blob *data);

/* Is it of this type and valid at this time (seconds since 1970), and are its critical
 * options all known?  NULL: it is; else why not. */
const char *cert_judge(const struct cert *, enum cert_type, uint64_t now);
/* May it be used from this address?  NULL: it may.  A list that is empty or malformed
 * allows nothing. */
const char *cert_source(const struct cert *, const char *address);
/* Is name among the principals?  A user certificate's are taken literally, a host's
 * may have * and ?.  No principals match nothing, and so does one that has a comma: what
 * joined names with commas could take it for several (CVE-2026-35414). */
bool cert_has_principal(const struct cert *, const char *name, size_t n);
/* Is the signature its CA's, made with an algorithm of the comma-separated list?
 * NULL: it is. */
const char *cert_verify(const struct cert *, const char *algorithms, size_t n);

#endif
