/* keygen_cert.h - the certificates of postern-keygen: signed, and shown. */
#ifndef APPS_KEYGEN_CERT_H
#define APPS_KEYGEN_CERT_H

#include "apps/keygen.h"

enum { KEYGEN_VALIDITY_MAX = 96 };
/* -V: interval, relative to now.  False: not understood, or empty. */
bool keygen_validity_parse(const char *text, uint64_t now, uint64_t *after, uint64_t *before);
void keygen_validity_format(uint64_t after, uint64_t before, char out[KEYGEN_VALIDITY_MAX]);

#endif
