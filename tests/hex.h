/* hex.h - test vectors as their sources print them. */
#ifndef TESTS_HEX_H
#define TESTS_HEX_H

#include <stdint.h>
#include <string.h>

#include <sodium.h>

/* Decodes into out and returns the length; a mistyped vector fails the test. */
static inline size_t
unhex(const char *hex, uint8_t *out, size_t cap)
{
	const char *end;
	size_t n;

	assert_int_equal(sodium_hex2bin(out, cap, hex, strlen(hex), " ", &n, &end), 0);
	assert_int_equal(*end, '\0');
	return n;
}

#endif
