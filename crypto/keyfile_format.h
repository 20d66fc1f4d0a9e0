/* keyfile_format.h - the formats of key files, each read in a file of its own; keyfile.c
 * finds which it is. */
#ifndef CRYPTO_KEYFILE_FORMAT_H
#define CRYPTO_KEYFILE_FORMAT_H

#include <openssl/evp.h>

#include "crypto/blob.h"
#include "crypto/keyfile.h"

/* What a format's reader is given.  room is as long as the file, and wiped behind it. */
struct keyfile_source {
	const char *label;		/* between BEGIN and the dashes      */
	struct blob text;		/* between the two lines of armour; of a format
					 * without armour, the whole file    */
	struct blob passphrase;		/* empty: there is none              */
	uint8_t *room, *room2;
	size_t room_len;		/* of each                           */
};
typedef enum keyfile_result keyfile_reader(const struct keyfile_source *, struct keyfile_key *);
keyfile_reader keyfile_openssh_read, keyfile_pem_read, keyfile_pkcs8_read,
    keyfile_pkcs8_read_encrypted, keyfile_ppk_read, keyfile_other_read;

/* Base64 over several lines, all of it, into n bytes of out. */
enum keyfile_result keyfile_base64(struct blob text, uint8_t *out, size_t cap, size_t *n);
bool keyfile_is_space(uint8_t c);
/* Takes the next line, without its end. */
struct blob keyfile_line(struct blob *text);

/* Has OpenSSL's decoder do once what it does once per process. */
void keyfile_pkey_start(void);
/* What OpenSSL has read, into the fixed form. */
enum keyfile_result keyfile_pkey_make(EVP_PKEY *, struct keyfile_key *out);
/* Are these the bits of the key's public half (RFC 5280's subjectPublicKey)? */
bool keyfile_pkey_has_public(EVP_PKEY *, struct blob bits);
/* DER of exactly one sequence: what a right passphrase shows. */
bool keyfile_pkey_is_sequence(struct blob der);

#endif
