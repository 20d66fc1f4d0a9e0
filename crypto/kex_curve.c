/*
 * kex_curve.c - the steps of a key exchange that is one curve and nothing else.
 *
 * It trusts the curve to judge the peer's point.  An ephemeral key must never serve twice:
 * the server's does not leave its step, the client's is wiped by the last one.
 */
#include "crypto/kex_curve.h"

int
kex_curve_start(const struct kex_curve *curve, struct kex_state *state, uint8_t *client_public)
{
	return curve->keygen(client_public, state->bytes);
}

int
kex_curve_answer(const struct kex_curve *curve, const uint8_t *client_public,
    uint8_t *server_public, uint8_t *secret)
{
	uint8_t private[KEX_CURVE_PRIVATE_MAX];
	int r = curve->keygen(server_public, private);

	if (r == 0)
		r = curve->derive(private, client_public, secret);
	crypto_wipe(private, sizeof(private));
	return r;
}

int
kex_curve_finish(const struct kex_curve *curve, struct kex_state *state,
    const uint8_t *server_public, uint8_t *secret)
{
	int r = curve->derive(state->bytes, server_public, secret);

	crypto_wipe(state->bytes, curve->private_len);
	return r;
}
