/* SPDX-License-Identifier: MIT */
/*
 * JWTs for keys of the caller's own, independent of all settings: the public face of token/. What a
 * token must be is said there; here are the two times of RFC 7519 4.1 that signing sets.
 */
#include "base/clock.h"
#include "hook/claims.h"
#include "hook/code.h"
#include "token/token.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

struct tpauth_jwt {
	struct keyring *keys;
};

/* The key of that algorithm, as the ring wants it. */
static enum tp_rc make_spec(const char *algorithm, const char *key, const char *public_key,
			    struct keyring_spec *ret, struct tp_err *err)
{
	*ret = (struct keyring_spec){ .is_guest = true,
				      .secret_name = "the key",
				      .public_name = "the public key",
				      .private_name = "the private key" };
	if (span_is(span_of(algorithm), "HS256")) {
		ret->alg = KEYRING_HS256;
		ret->secret = span_of(key);
		if (public_key != NULL)
			return tp_fail(err, TP_INVALID, "HS256 has no public key");
		return TP_OK;
	}
	if (span_is(span_of(algorithm), "RS256")) {
		ret->alg = KEYRING_RS256;
		ret->private_key = span_of(key);
		ret->public_key = span_of(public_key);
		ret->must_sign = key != NULL;
		return TP_OK;
	}
	return tp_fail(err, TP_INVALID, "the algorithm is neither HS256 nor RS256");
}

static enum tp_rc jwt_open(const char *algorithm, const char *key, const char *public_key,
			   struct tpauth_jwt **ret, struct tp_err *err)
{
	struct tpauth_jwt *jwt = calloc(1, sizeof(*jwt));
	struct keyring_spec spec;
	enum tp_rc rc;

	if (jwt == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	rc = make_spec(algorithm, key, public_key, &spec, err);
	if (rc == TP_OK)
		rc = keyring_open(&spec, &jwt->keys, err);
	if (rc != TP_OK) {
		tpauth_jwt_close(jwt);
		return rc;
	}
	*ret = jwt;
	return TP_OK;
}

enum tpauth_rc tpauth_jwt_open(const char *algorithm, const char *key, const char *public_key,
			       struct tpauth_jwt **ret, char *error, size_t error_size)
{
	struct tp_err err = { 0 };
	enum tp_rc rc;

	if (ret == NULL)
		rc = tp_fail(&err, TP_INTERNAL, "there is no place for the result");
	else
		rc = jwt_open(algorithm, key, public_key, ret, &err);
	if (error != NULL && error_size > 0)
		snprintf(error, error_size, "%s", rc == TP_OK ? "" : err.msg);
	return code_out(rc);
}

void tpauth_jwt_close(struct tpauth_jwt *jwt)
{
	if (jwt == NULL)
		return;
	keyring_close(jwt->keys);
	free(jwt);
}

static int64_t now_s(void)
{
	struct clock clock = clock_system();

	return clock_now(&clock);
}

static enum tp_rc set_times(struct jval *claims, int64_t lifetime_s)
{
	int64_t now = now_s();
	enum tp_rc rc;

	if (lifetime_s > INT64_MAX - now)
		return TP_INVALID;
	rc = jval_set_int(claims, "iat", now, NULL);
	return rc == TP_OK ? jval_set_int(claims, "exp", now + lifetime_s, NULL) : rc;
}

static enum tp_rc encode(const struct keyring *keys, const struct tpauth_claims *claims,
			 int64_t lifetime_s, char **ret)
{
	TP_CLEANUP(jval_cleanup) struct jval *tree = NULL;
	TP_CLEANUP(secret_release) struct secret token = { NULL, 0 };
	enum tp_rc rc = claims_rc(claims, NULL);

	if (rc == TP_OK)
		rc = jval_copy(claims_tree(claims), &tree, NULL);
	if (rc == TP_OK && lifetime_s > 0)
		rc = set_times(tree, lifetime_s);
	/* No token is made that could not be read: exp may be far, but not beyond 2^53. */
	if (rc == TP_OK && !jval_is_strict(tree))
		rc = TP_INVALID;
	if (rc == TP_OK)
		rc = token_sign(keys, tree, &token, NULL);
	if (rc != TP_OK)
		return rc;
	*ret = token.p; /* from malloc(3): the caller's now */
	token = (struct secret){ NULL, 0 };
	return TP_OK;
}

enum tpauth_rc tpauth_jwt_encode(struct tpauth_jwt *jwt, const struct tpauth_claims *claims,
				 int64_t lifetime_s, char **ret)
{
	if (jwt == NULL || claims == NULL || ret == NULL)
		return TPAUTH_INTERNAL;
	return code_out(encode(jwt->keys, claims, lifetime_s, ret));
}

static enum tp_rc read_token(const struct tpauth_jwt *jwt, const char *token, const char *issuer,
			     int64_t leeway_s, struct jval **ret)
{
	const struct token_rules rules = { issuer, leeway_s };

	if (jwt == NULL || leeway_s < 0)
		return TP_INTERNAL;
	if (token == NULL)
		return TP_NO_CREDENTIAL;
	return token_read(jwt->keys, &rules, span_of(token), now_s(), ret, NULL);
}

enum tpauth_rc tpauth_jwt_decode(struct tpauth_jwt *jwt, const char *token, const char *issuer,
				 int64_t leeway_s, struct tpauth_claims **ret)
{
	struct tpauth_claims *claims;
	struct jval *tree = NULL;
	enum tp_rc rc;

	if (ret == NULL)
		return TPAUTH_INTERNAL;
	rc = read_token(jwt, token, issuer, leeway_s, &tree);
	if (rc != TP_OK)
		return code_out(rc);
	claims = claims_take(tree);
	if (claims == NULL)
		return TPAUTH_NOMEM;
	*ret = claims;
	return TPAUTH_OK;
}

enum tpauth_rc tpauth_jwt_verify(struct tpauth_jwt *jwt, const char *token, const char *issuer,
				 int64_t leeway_s)
{
	TP_CLEANUP(jval_cleanup) struct jval *tree = NULL;

	return code_out(read_token(jwt, token, issuer, leeway_s, &tree));
}
