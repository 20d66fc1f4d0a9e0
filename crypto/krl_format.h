/* krl_format.h - the numbers of a KRL (PROTOCOL.krl), for who reads and who writes one. */
#ifndef CRYPTO_KRL_FORMAT_H
#define CRYPTO_KRL_FORMAT_H

#define KRL_MAGIC "SSHKRL\n"		/* its NUL belongs to it */
enum { KRL_FORMAT_VERSION = 1, KRL_SHA1_LEN = 20, KRL_SHA256_LEN = 32 };
enum krl_section {
	SECTION_CERTIFICATES = 1,
	SECTION_KEYS = 2,
	SECTION_SHA1 = 3,
	SECTION_SHA256 = 5,
	SECTION_EXTENSION = 255,
};
enum krl_cert_section {			/* inside SECTION_CERTIFICATES */
	CERT_SERIALS = 0x20,
	CERT_RANGE = 0x21,
	CERT_BITMAP = 0x22,
	CERT_KEY_IDS = 0x23,
	CERT_EXTENSION = 0x39,
};

#endif
