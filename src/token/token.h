/* SPDX-License-Identifier: MIT */
/*
 * JWTs (RFC 7519): signed and verified by strict rules of our own over the keyring. Their
 * serialization is token/jws.h's; the algorithm is the ring's, never the header's.
 */
#ifndef TOKEN_TOKEN_H
#define TOKEN_TOKEN_H

#include "base/jval.h"
#include "token/keyring.h"

struct token_rules {
	const char *issuer; /* token_read() alone takes NULL: any */
	int64_t leeway_s;   /* tolerance for nbf and iat, and for the exp of a token that a client
			       brings */
};

/* Where a token came from decides how its end is read. */
enum token_from {
	TOKEN_STORED,	/* from the session store: ends at exp, by the second */
	TOKEN_PRESENTED /* from a client: exp has the leeway; the session behind it is checked as
			   well */
};

/* A verified token. Spans are borrowed from claims. */
struct token {
	struct span user_id;
	struct span username, email, sid, ip, agent; /* p NULL where absent or null */
	int64_t iat, nbf, exp, auth_time;	     /* 0 where absent */
	const struct jval *scopes;		     /* array of strings, or NULL */
	const struct jval *claims;		     /* the whole payload */
	struct span public_json; /* the claims without sid, auth_time, ip and agent, as JSON */
};

/*
 * Makes the token of a claims object, header {"alg":...,"typ":"JWT","kid":...}. claims are taken as
 * they are: auth/session puts iss, iat, exp and the rest in. TP_TOO_LARGE: over LIMIT_JWT.
 */
enum tp_rc token_sign(const struct keyring *k, const struct jval *claims, struct secret *ret,
		      struct tp_err *err) TP_MUSTUSE;

/* Verifies, and keeps the last LIMIT_TOKEN_CACHE verified tokens by their exact bytes, so that an
 * unchanged one costs a comparison; its times are judged anew at each call. */
struct token_verifier;

enum tp_rc token_verifier_open(const struct keyring *k,
			       const struct token_rules *rules, /* borrowed */
			       struct token_verifier **ret, struct tp_err *err) TP_MUSTUSE;
void token_verifier_close(struct token_verifier *v);

/*
 * Would a stored token of these claims verify, signed now? As token_verify() judges them, and the
 * tree itself as jval_parse() would: TP_DENIED or TP_EXPIRED.
 */
enum tp_rc token_judge(const struct token_verifier *v, const struct jval *claims, int64_t now_s,
		       struct tp_err *err) TP_MUSTUSE;

/*
 * TP_DENIED: anything wrong with the token: size, alphabet, segments, header (alg other than the
 * ring's byte for byte, crit, jwk, jku, x5u, x5c, b64, typ other than JWT when given), signature,
 * payload that is not one strict JSON object, iss, token_type, a user_id that SPEC does not allow,
 * a claim of a wrong type, aud (nobody here issues one), iat or nbf in the future. TP_EXPIRED: exp
 * is over. exp is required, iat, nbf, sid, scopes, kid are not (the Python original's tokens lack
 * some). *ret is borrowed until the next call on the same verifier.
 */
enum tp_rc token_verify(struct token_verifier *v, struct span jwt, enum token_from from,
			int64_t now_s, const struct token **ret, struct tp_err *err) TP_MUSTUSE;

/*
 * The claims of a token that is no session's: those of token_sign() and of others with the same
 * key. TP_DENIED as token_verify() says it of size, segments, header, signature and payload; iss
 * where rules->issuer is not NULL; exp missing; exp, iat or nbf of a wrong type; iat or nbf in the
 * future. TP_EXPIRED. A kid says nothing here: any key of the ring will do. rules->leeway_s goes
 * for all three. Other claims, aud among them, are the caller's to judge. Nothing is kept.
 */
enum tp_rc token_read(const struct keyring *k, const struct token_rules *rules, struct span jwt,
		      int64_t now_s, struct jval **ret, struct tp_err *err) TP_MUSTUSE;

/* exp of a token whose signature is not looked at: good for deciding what to sweep, for nothing
 * else. False where it has none. */
bool token_peek_exp(struct span jwt, int64_t *ret);

/* user_id: 1 to LIMIT_USER_ID bytes of UTF-8 without control characters, not starting "tpauth-". */
bool token_user_id_ok(struct span user_id);

/* A claim's scopes: an array of distinct strings, each of RFC 6749 3.3 characters (%x21, %x23-5B,
 * %x5D-7E), at most LIMIT_SCOPES of at most LIMIT_SCOPE bytes. */
bool token_scopes_ok(const struct jval *scopes);

#endif
