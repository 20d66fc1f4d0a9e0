/*
 * fuzz_compression.c - a hostile peer's compressed packets, for libFuzzer.
 *
 * An input is packets, each with a length of two bytes in front.  Whatever they are:
 * one packet is one payload within the bound, or the end.
 */
#include <stdlib.h>

#include "proto/compression.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct compression_in *c = compression_in_new();
	struct rd r = rd_of(span_of(data, size));
	enum proto_error e = PROTO_OK;

	if (c == NULL)
		abort();
	while (r.n > 2 && e == PROTO_OK) {
		size_t n = rd_u8(&r);
		struct span clear = span_of(NULL, 0);

		n = n << 8 | rd_u8(&r);
		e = compression_inflate(c, rd_take(&r, n < r.n ? n : r.n), &clear);
		if (e == PROTO_OK && (clear.n == 0 || clear.n > COMPRESSION_IN_MAX))
			abort();
	}
	compression_in_free(c);
	return 0;
}
