/* SPDX-License-Identifier: MIT */
/*
 * Signatures of others: JWS in compact serialization (RFC 7515) over published keys, and bare
 * signatures. For looking at what other systems sign; what lets somebody in is token.h's, which
 * takes the ring's one algorithm only.
 *
 * HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512 (RFC 7518
 * section 3), EdDSA (RFC 8037) and Ed25519 (RFC 9864). Never "none".
 */
#ifndef TOKEN_JWK_VERIFY_H
#define TOKEN_JWK_VERIFY_H

#include "token/jwk.h"

/* Spans of a verified JWS. */
struct jwk_verified {
	struct span alg, kid; /* of the key that verified; alg a constant, kid borrowed or absent */
	struct buf payload;   /* any bytes */
};

void jwk_verified_release(struct jwk_verified *j);

/*
 * TP_OK: a key of the set made the signature; *ret (may be NULL) is the caller's. TP_DENIED, and
 * the message says why: not three parts of canonical base64url, a header that is no strict JSON
 * object, without an "alg" of the above, with "crit" or "b64", whose kid no key has, or which no
 * key fits: the key type is another one, its own "alg" differs, it is unfit, or a secret is shorter
 * than the hash (RFC 7518 section 3.2). Of the payload nothing is judged. TP_TOO_LARGE: more than
 * LIMIT_JWS. TP_NOMEM.
 */
enum tp_rc jwk_verify(const struct jwk_set *keys, struct span compact, struct jwk_verified *ret,
		      struct tp_err *err) TP_MUSTUSE;

/*
 * The signature alone, as RFC 7518 section 3 has its bytes (of ECDSA R and S, one after another),
 * of the message as it is. A secret may be of any length here, since published vectors have short
 * ones. TP_NO_ROUTE: alg is none of the above. TP_DENIED as before.
 */
enum tp_rc jwk_verify_raw(const struct jwk_set *keys, struct span alg, struct span msg,
			  struct span sig, struct tp_err *err) TP_MUSTUSE;

#endif
