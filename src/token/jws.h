/* SPDX-License-Identifier: MIT */
/*
 * JWS compact serialization (RFC 7515 7.1) over the keyring: three segments of canonical base64url,
 * a header by strict rules, and a signature by the ring's algorithm, never by the header's. What
 * the payload means is for token.c.
 */
#ifndef TOKEN_JWS_H
#define TOKEN_JWS_H

#include "base/jval.h"
#include "token/keyring.h"

/* Borrowed from the text. */
struct jws {
	struct span header, payload, sig;
	struct span input; /* what is signed: header, dot, payload */
};

enum { JWS_HEADER_MOST = 256 };

/* {"alg":...,"typ":"JWT","kid":...} of the key that signs, encoded. */
enum tp_rc jws_header(const struct keyring *k, struct buf *out, struct tp_err *err) TP_MUSTUSE;

/* TP_TOO_LARGE: over LIMIT_JWT. */
enum tp_rc jws_sign(const struct keyring *k, struct span payload, struct secret *ret,
		    struct tp_err *err) TP_MUSTUSE;

/* False: it has not three segments. Nothing else is looked at. */
bool jws_cut(struct span text, struct jws *ret);

/*
 * TP_DENIED: a header that is no strict JSON object, alg other than the ring's byte for byte, crit,
 * jwk, jku, x5u, x5c, x5t, b64, zip, enc, typ other than JWT when given, a kid that is no string,
 * or a signature that no key of the ring made. own_header: jws_header()'s, which need not be
 * parsed; absent: it is. by_kid: a kid that is given chooses the key, and must be one of the
 * ring's; else it is what others call theirs, and any key will do.
 */
enum tp_rc jws_prove(const struct keyring *k, struct span own_header, bool by_kid,
		     const struct jws *j, struct tp_err *err) TP_MUSTUSE;

/* TP_DENIED: no strict JSON object. To be asked after jws_prove() only: so a stranger's JSON is
 * never parsed beyond the header. */
enum tp_rc jws_payload(const struct jws *j, struct jval **ret, struct tp_err *err) TP_MUSTUSE;

/* What a JWT says, with nothing proved: for showing it to people. TP_DENIED: not three segments, of
 * which the first two are JSON objects; or over LIMIT_JWT. The caller releases both. */
enum tp_rc jws_decode(struct span text, struct jval **ret_header, struct jval **ret_claims,
		      struct tp_err *err) TP_MUSTUSE;

/* What a parser says of a stranger's bytes is "no" (TP_DENIED, "token: what"); only trouble of our
 * own stays what it is. */
enum tp_rc jws_refuse(enum tp_rc rc, const char *what, struct tp_err *err);

#endif
