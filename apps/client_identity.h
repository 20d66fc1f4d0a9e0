/* client_identity.h - the files of IdentityFile and CertificateFile, by their public halves. */
#ifndef APPS_CLIENT_IDENTITY_H
#define APPS_CLIENT_IDENTITY_H

#include <stdbool.h>

#include <postern.h>

enum { CLIENT_ALG_MAX = 128, CLIENT_BLOB_MAX = 8192 };

struct client_public {
	char alg[CLIENT_ALG_MAX];	/* "": only the private file was there       */
	unsigned char blob[CLIENT_BLOB_MAX];
	size_t n;
	bool is_token;			/* the private half is in a security token   */
};

/* The first line of such a file: "type base64 comment".  False: there is none. */
bool client_identity_line(const char *file, struct client_public *);
/* The public half beside a private key file, if it can be read: lets us ask the
 * server first, and the person for a passphrase only when that is worth it. */
bool client_identity_public(const char *path, struct client_public *);
/* Of a private file that is a token's, which says its public half in clear.  False: it is
 * none, or not there. */
bool client_identity_token(postern_context *, const char *path, struct client_public *);

#endif
