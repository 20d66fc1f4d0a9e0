/*
 * sntrup761_code.c - polynomials as bytes (NTRU Prime, round 3, sections 4.5 and 4.6).
 *
 * Small ones take two bits a coefficient.  The others are numbers below a modulus that
 * is no power of two; neighbours are merged to r0 + m r1 below m^2, their low bytes go out
 * while two more would not fit in 14 bits, and so on upwards until one number is left.
 * What is encoded is secret for a while: no branch, index or division depends on it.
 * What is decoded as such numbers came over the wire, or is a public key; it is reduced to
 * what could have been encoded, never refused: the caller encodes again and compares.
 */
#include "crypto/sntrup761_ring.h"

enum {
	ROUNDED = (NTRU_Q + 2) / 3,	/* how many multiples of 3 there are */
	MERGED_MAX = 1 << 14,
	LEVELS = 10,			/* 2^10 > NTRU_P */
};

/* Of count numbers all but the last are below modulus. */
struct level {
	size_t count;
	uint32_t modulus, last;
};

/* How many bytes a number below m sheds before it is small enough; m becomes the bound
 * of what remains. */
static unsigned
shed(uint32_t *m)
{
	unsigned bytes = 0;

	for (; *m >= MERGED_MAX; bytes++)
		*m = (*m + 255) >> 8;
	return bytes;
}

static struct level
level_above(const struct level *l)
{
	uint32_t pair = l->modulus * l->modulus, end = l->last;

	(void)shed(&pair);
	if (l->count % 2 == 0) {
		end *= l->modulus;
		(void)shed(&end);
	}
	return (struct level){ (l->count + 1) / 2, pair, end };
}

/* The modulus of the pair that begins at i, before it sheds. */
static uint32_t
pair_modulus(const struct level *l, size_t i)
{
	return l->modulus * (i + 2 == l->count ? l->last : l->modulus);
}

/* Encodes the numbers r and uses them up. */
static void
encode(uint8_t *out, uint16_t *r, uint32_t modulus)
{
	struct level l = { NTRU_P, modulus, modulus };
	uint32_t merged, m;
	size_t at = 0;

	while (l.count > 1) {
		for (size_t i = 0; i + 1 < l.count; i += 2) {
			m = pair_modulus(&l, i);
			merged = r[i] + r[i + 1] * l.modulus;
			for (unsigned n = shed(&m); n > 0; n--) {
				out[at++] = (uint8_t)merged;
				merged >>= 8;
			}
			r[i / 2] = (uint16_t)merged;
		}
		if (l.count % 2 != 0)
			r[l.count / 2] = r[l.count - 1];
		l = level_above(&l);
	}
	merged = r[0];
	for (m = l.last; m > 1; m = (m + 255) >> 8) {
		out[at++] = (uint8_t)merged;
		merged >>= 8;
	}
}

/* Takes the bytes that encode() put out for the pair at i from the end of in. */
static void
split(uint16_t *r, size_t i, const struct level *l, const uint8_t *in, size_t *end)
{
	uint32_t m = pair_modulus(l, i), number = r[i / 2];

	for (unsigned n = shed(&m); n > 0; n--)
		number = number << 8 | in[--*end];
	r[i + 1] = (uint16_t)(number / l->modulus %
	    (i + 2 == l->count ? l->last : l->modulus));
	r[i] = (uint16_t)(number % l->modulus);
}

/* From the last number back to the first, so that each level can be in the place of the
 * one above it. */
static void
decode(uint16_t *r, const uint8_t *in, size_t len, uint32_t modulus)
{
	struct level levels[LEVELS + 1] = { { NTRU_P, modulus, modulus } };
	size_t top = 0, end = len;
	uint32_t number = 0;

	for (; levels[top].count > 1; top++)
		levels[top + 1] = level_above(&levels[top]);
	for (uint32_t m = levels[top].last; m > 1; m = (m + 255) >> 8)
		number = number << 8 | in[--end];
	r[0] = (uint16_t)(number % levels[top].last);
	while (top-- > 0) {
		const struct level *l = &levels[top];

		if (l->count % 2 != 0)
			r[l->count - 1] = r[l->count / 2];
		for (size_t i = l->count / 2; i-- > 0;)
			split(r, 2 * i, l, in, &end);
	}
}

void
sntrup761_code_put_small(uint8_t out[NTRU_SMALL_LEN], const struct ntru_poly *poly)
{
	for (size_t i = 0; i < NTRU_SMALL_LEN; i++) {
		unsigned byte = 0;

		for (size_t j = 0; j < 4 && 4 * i + j < NTRU_P; j++)
			byte |= (unsigned)(poly->c[4 * i + j] + 1) << 2 * j;
		out[i] = (uint8_t)byte;
	}
}

void
sntrup761_code_get_small(struct ntru_poly *poly, const uint8_t in[NTRU_SMALL_LEN])
{
	for (size_t i = 0; i < NTRU_P; i++)
		poly->c[i] = (int16_t)((in[i / 4] >> 2 * (i % 4) & 3) - 1);
}

void
sntrup761_code_put_q(uint8_t out[NTRU_Q_LEN], const struct ntru_poly *poly)
{
	uint16_t r[NTRU_P];

	for (size_t i = 0; i < NTRU_P; i++)
		r[i] = (uint16_t)(poly->c[i] + NTRU_HALF);
	encode(out, r, NTRU_Q);
	crypto_wipe(r, sizeof(r));
}

void
sntrup761_code_get_q(struct ntru_poly *poly, const uint8_t in[NTRU_Q_LEN])
{
	uint16_t r[NTRU_P];

	decode(r, in, NTRU_Q_LEN, NTRU_Q);
	for (size_t i = 0; i < NTRU_P; i++)
		poly->c[i] = (int16_t)(r[i] - NTRU_HALF);
}

/* x 10923 >> 15 divides by 3 what is a multiple of it below 2^15. */
void
sntrup761_code_put_rounded(uint8_t out[NTRU_ROUNDED_LEN], const struct ntru_poly *poly)
{
	uint16_t r[NTRU_P];

	for (size_t i = 0; i < NTRU_P; i++)
		r[i] = (uint16_t)((uint32_t)(poly->c[i] + NTRU_HALF) * 10923 >> 15);
	encode(out, r, ROUNDED);
	crypto_wipe(r, sizeof(r));
}

void
sntrup761_code_get_rounded(struct ntru_poly *poly, const uint8_t in[NTRU_ROUNDED_LEN])
{
	uint16_t r[NTRU_P];

	decode(r, in, NTRU_ROUNDED_LEN, ROUNDED);
	for (size_t i = 0; i < NTRU_P; i++)
		poly->c[i] = (int16_t)(r[i] * 3 - NTRU_HALF);
}
