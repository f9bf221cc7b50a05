/* SPDX-License-Identifier: MIT */
/*
 * Keys that somebody else published, as JSON: RFC 7517 with the key types of RFC 7518 section 6 and
 * Ed25519 of RFC 8037. For verifying only; private members are not looked at. What tpauth itself
 * signs and verifies with is keyring.h's.
 */
#ifndef TOKEN_JWK_H
#define TOKEN_JWK_H

#include "base/jval.h"
#include "base/secret.h"

struct evp_pkey_st; /* OpenSSL's */

/* One key. Spans are borrowed from the set. */
struct jwk {
	/* What an algorithm asks for: "oct", "RSA", "P-256", "P-384", "P-521", "Ed25519"; NULL: of
	 * no use here, and unfit says why. */
	const char *kind;
	const char *unfit;
	struct span kid, alg;	  /* p NULL: it has none */
	struct secret secret;	  /* of "oct" */
	struct evp_pkey_st *pkey; /* of the others */
};

struct jwk_set {
	struct jval *tree;
	struct jwk *v;
	size_t n;
};

/*
 * A JWK, or a JWK set ("keys"); the set of one JWK has one key. TP_INVALID: strict JSON it is not,
 * or not of this shape; a member of a wrong type or missing, numbers and coordinates that are not
 * in their one canonical form, a point that is not on its curve. In a set such a key is unfit, as
 * RFC 7517 section 5 has it. Unfit, everywhere: a kty or crv that is unknown here, RSA below 2048
 * or above 8192 bits, a "use" other than "sig", "key_ops" without "verify". A set has
 * LIMIT_JWKS keys at most.
 */
enum tp_rc jwk_set_open(struct span json, struct jwk_set *ret, struct tp_err *err) TP_MUSTUSE;
void jwk_set_release(struct jwk_set *s);

#endif
