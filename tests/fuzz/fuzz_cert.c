/*
 * fuzz_cert.c - certificates, as anybody on the network may send them: parsed, and
 * every question asked that the monitor asks.
 */
#include <stdint.h>
#include <stdlib.h>

#include "crypto/cert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
is(bool condition)
{
	if (!condition)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool started;
	uint8_t plain[KEY_BLOB_MAX];
	struct blob list, one, value;
	const char *why;
	struct cert c;
	size_t n;

	if (!started)
		is(crypto_init() == 0 && sign_start() == 0);
	started = true;
	if (cert_parse(data, size, &c, &why) != 0) {
		is(why != NULL);
		return 0;
	}
	is(cert_is(data, size));
	is(cert_plain(&c, plain, size, &n) == 0 && n < size);
	is(!cert_is(plain, n));
	is(cert_judge(&c, CERT_USER, c.valid_after) != NULL ||
	    cert_judge(&c, CERT_HOST, c.valid_after) != NULL);
	(void)cert_source(&c, "192.0.2.1");
	(void)cert_source(&c, "2001:db8::1");
	(void)cert_verify(&c, CERT_CA_ALGORITHMS, strlen(CERT_CA_ALGORITHMS));
	list = c.principals;
	while (cert_principal_next(&list, &one)) {
		bool matches = cert_has_principal(&c, (const char *)one.p, one.n);

		is(!matches || memchr(one.p, ',', one.n) == NULL || c.type == CERT_HOST);
	}
	is(blob_done(&list));
	list = c.critical;
	while (cert_option_next(&list, &one, &value))
		is(one.n > 0);
	is(blob_done(&list));
	return 0;
}
