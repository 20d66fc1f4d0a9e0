/* keygen_krl.h - the KRLs of postern-keygen: what is to be revoked, and what is. */
#ifndef APPS_KEYGEN_KRL_H
#define APPS_KEYGEN_KRL_H

#include "apps/keygen.h"
#include "crypto/krlmake.h"

/* Adds what the lines of a file say (ssh-keygen(1), KEY REVOCATION LISTS); ca: NULL,
 * there is none; empty: any.  Complains with the file's name and the line's number. */
enum keygen_status keygen_krl_spec(struct krlmake *, const struct blob *ca, const char *name,
    char *text, size_t n);
/* As lines of such a file, with what these cannot say as comments. */
enum keygen_status keygen_krl_print(const struct krlmake *);

#endif
