/* SPDX-License-Identifier: MIT */
/* New keys, in the form in which the settings take them. */
#ifndef TOKEN_KEYGEN_H
#define TOKEN_KEYGEN_H

#include "base/secret.h"

enum { KEYGEN_BITS_LEAST = 2048, KEYGEN_BITS_MOST = 8192, KEYGEN_BITS = 3072 };

/* SECRET_KEY: the base64url of 32 random bytes. TP_UNAVAILABLE: the system gives none. */
enum tp_rc keygen_secret(struct secret *ret, struct tp_err *err) TP_MUSTUSE;

/* The base64 of two PEMs, and the public half as a JWK (RFC 7517) with its thumbprint as "kid",
 * which is the one that tokens name. TP_INTERNAL: OpenSSL fails. */
struct keygen_pair {
	struct secret private_key, public_key;
	struct buf jwk;
};

enum tp_rc keygen_rsa(int bits, struct keygen_pair *ret, struct tp_err *err) TP_MUSTUSE;
void keygen_pair_release(struct keygen_pair *p);

#endif
