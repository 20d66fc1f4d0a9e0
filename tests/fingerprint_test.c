/* fingerprint_test.c - beside what ssh-keygen -l prints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "crypto/crypto.h"
#include "tests/hex.h"

static void
as_ssh_keygen_prints_it(void **state)
{
	/* The key "plain" of keyfile_samples.h; printed by ssh-keygen of OpenSSH 9.2. */
	static const char public[] =
	    "AAAAC3NzaC1lZDI1NTE5AAAAIGhoiHrh1DfMspS0ttHmSCUB6Jw0ldpcS97HyonR9Rtg";
	uint8_t blob[64];
	char out[FINGERPRINT_MAX];
	size_t n;

	(void)state;
	assert_int_equal(sodium_base642bin(blob, sizeof(blob), public, strlen(public), NULL, &n,
	    NULL, sodium_base64_VARIANT_ORIGINAL), 0);
	assert_int_equal(fingerprint(blob, n, out), 0);
	assert_string_equal(out, "SHA256:8fmkFtDAATABSQniUYBLHQ5EKyd60pd1n+kBj+Td4T8");
	blob[n - 1] ^= 1;
	assert_int_equal(fingerprint(blob, n, out), 0);
	assert_string_not_equal(out, "SHA256:8fmkFtDAATABSQniUYBLHQ5EKyd60pd1n+kBj+Td4T8");
}

static void
of_nothing(void **state)
{
	char out[FINGERPRINT_MAX];

	(void)state;
	/* The hash of no bytes (FIPS 180-4), in base64. */
	assert_int_equal(fingerprint((const uint8_t *)"", 0, out), 0);
	assert_string_equal(out, "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_ssh_keygen_prints_it),
		cmocka_unit_test(of_nothing),
	};

	if (crypto_init() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
