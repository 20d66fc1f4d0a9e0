/* kex.h - the rows of the key exchange table, each made in its own file. */
#ifndef CRYPTO_KEX_H
#define CRYPTO_KEX_H

#include "crypto/crypto.h"

extern const struct kex_alg kex_mlkem768x25519_sha256;
extern const struct kex_alg kex_mlkem768nistp256_sha256;
extern const struct kex_alg kex_mlkem1024nistp384_sha384;
extern const struct kex_alg kex_sntrup761x25519_sha512;
extern const struct kex_alg kex_sntrup761x25519_sha512_openssh;
extern const struct kex_alg kex_curve25519;
extern const struct kex_alg kex_curve25519_libssh;
extern const struct kex_alg kex_ecdh_nistp256;
extern const struct kex_alg kex_ecdh_nistp384;
extern const struct kex_alg kex_ecdh_nistp521;
extern const struct kex_alg kex_gex_sha256;
extern const struct kex_alg kex_group14_sha256;
extern const struct kex_alg kex_group16_sha512;
extern const struct kex_alg kex_group18_sha512;
extern const struct kex_alg kex_group14_sha1;

#endif
