/* SPDX-License-Identifier: MIT */
/*
 * Tokens from outside. An input without a line feed is a token as it is. One with a line feed is a
 * header and a payload, which get a good signature, so that the rules behind it are reached.
 *
 * What must hold: an accepted token has our algorithm and none of the members that would change the
 * rules; its claims are within the rules; a second look says the same; its public form is JSON
 * without the private claims; claims that were accepted once are accepted again when signed; and
 * what is no session's token has our algorithm just the same.
 */
#include "base/codec.h"
#include "base/limits.h"
#include "token/token.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/banned.h"

enum { NOW = 1800000000 };

static const struct token_rules rules = { "prismaticain", 600 };

static struct keyring *ring;
static struct token_verifier *verifier;

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void open_once(void)
{
	const struct keyring_spec spec = { .alg = KEYRING_HS256,
					   .secret = SPAN_LIT("a secret of test that is 32 long") };

	if (verifier != NULL)
		return;
	if (keyring_open(&spec, &ring, NULL) != TP_OK ||
	    token_verifier_open(ring, &rules, &verifier, NULL) != TP_OK)
		abort();
}

static void parse(struct span text, bool encoded, struct jval **ret)
{
	TP_CLEANUP(buf_release) struct buf json = BUF_INIT(LIMIT_JWT);

	if (encoded)
		assert(codec_b64url_get(text, &json, NULL) == TP_OK);
	else
		buf_span(&json, text);
	assert(jval_parse(buf_view(&json), ret, NULL) == TP_OK);
	assert(jval_type(*ret) == JVAL_OBJECT);
}

static void check_header(struct span jwt)
{
	static const char *const foreign[] = { "crit", "jwk", "jku", "x5u", "x5c",
					       "x5t",  "b64", "zip", "enc" };
	TP_CLEANUP(jval_cleanup) struct jval *header = NULL;
	struct span rest = jwt, s;

	parse(span_cut(&rest, '.'), true, &header);
	assert(jval_str(jval_get(header, "alg"), &s) && span_is(s, "HS256"));
	for (size_t i = 0; i < TP_COUNT(foreign); i++)
		assert(!jval_has(header, foreign[i]));
}

static void check_claims(const struct token *t)
{
	static const char *const hidden[] = { "sid", "auth_time", "ip", "agent" };
	TP_CLEANUP(jval_cleanup) struct jval *shown = NULL;
	size_t expected = jval_count(t->claims);
	struct span s;

	assert(jval_str(jval_get(t->claims, "iss"), &s) && span_is(s, rules.issuer));
	assert(jval_str(jval_get(t->claims, "user_id"), &s) && span_eq(s, t->user_id));
	assert(token_user_id_ok(t->user_id) && !jval_has(t->claims, "aud"));
	assert(t->exp > NOW && t->iat <= NOW + 600 && t->nbf <= NOW + 600);
	assert(t->scopes == NULL || token_scopes_ok(t->scopes));
	parse(t->public_json, false, &shown);
	for (size_t i = 0; i < TP_COUNT(hidden); i++) {
		assert(!jval_has(shown, hidden[i]));
		expected -= jval_has(t->claims, hidden[i]);
	}
	assert(jval_count(shown) == expected);
}

static void check_again(const struct jval *claims)
{
	TP_CLEANUP(secret_release) struct secret jwt = { NULL, 0 };
	const struct token *t;
	int64_t exp = 0;
	enum tp_rc rc = token_sign(ring, claims, &jwt, NULL);

	assert(rc == TP_OK || rc == TP_TOO_LARGE); /* our header may be longer */
	if (rc != TP_OK)
		return;
	assert(token_verify(verifier, secret_view(&jwt), TOKEN_STORED, NOW, &t, NULL) == TP_OK);
	assert(token_peek_exp(secret_view(&jwt), &exp) && exp == t->exp);
}

/* By the rules for tokens that are no session's, which let more through, and no other algorithm. */
static enum tp_rc check_read(struct span jwt)
{
	static const struct token_rules any = { NULL, 600 };
	TP_CLEANUP(jval_cleanup) struct jval *claims = NULL;
	enum tp_rc rc = token_read(ring, &any, jwt, NOW, &claims, NULL);
	int64_t exp = 0;

	assert(rc == TP_OK || rc == TP_DENIED || rc == TP_EXPIRED);
	assert((claims != NULL) == (rc == TP_OK));
	if (rc != TP_OK)
		return rc;
	check_header(jwt);
	assert(jval_int(jval_get(claims, "exp"), &exp) && exp > NOW - 600);
	return TP_OK;
}

static void check(struct span jwt)
{
	TP_CLEANUP(jval_cleanup) struct jval *claims = NULL;
	const struct token *t, *again;
	struct tp_err err;
	enum tp_rc rc;
	int64_t exp;

	(void)token_peek_exp(jwt, &exp);
	rc = token_verify(verifier, jwt, TOKEN_STORED, NOW, &t, &err);
	assert(rc == TP_OK || rc == TP_DENIED || rc == TP_EXPIRED);
	assert(check_read(jwt) == TP_OK || rc != TP_OK);
	if (rc != TP_OK)
		return;
	check_header(jwt);
	check_claims(t);
	assert(token_verify(verifier, jwt, TOKEN_STORED, NOW, &again, &err) == TP_OK);
	assert(again == t);
	if (jval_copy(t->claims, &claims, NULL) == TP_OK)
		check_again(claims);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	TP_CLEANUP(buf_release) struct buf jwt = BUF_INIT(4 * LIMIT_JWT);
	struct span rest = { (const char *)p, n };
	unsigned char sig[KEYRING_SIG_MOST];
	size_t len;

	open_once();
	if (!span_has_byte(rest, '\n')) {
		check(rest);
		return 0;
	}
	codec_b64url_put(&jwt, span_cut(&rest, '\n'));
	buf_char(&jwt, '.');
	codec_b64url_put(&jwt, rest);
	if (keyring_sign(ring, buf_view(&jwt), sig, &len, NULL) != TP_OK)
		abort();
	buf_char(&jwt, '.');
	codec_b64url_put(&jwt, (struct span){ (const char *)sig, len });
	if (jwt.rc == TP_OK)
		check(buf_view(&jwt));
	return 0;
}
