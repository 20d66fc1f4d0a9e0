/* cert_options.h - the two option lists of a certificate, for cert.c. */
#ifndef CRYPTO_CERT_OPTIONS_H
#define CRYPTO_CERT_OPTIONS_H

#include "crypto/cert.h"

/* Reads critical and extensions of a user certificate into its fields; of any other
 * only their form is checked, and a critical option is an unknown one: none is defined
 * for hosts.  NULL, or why not. */
const char *cert_options_parse(struct cert *);

#endif
