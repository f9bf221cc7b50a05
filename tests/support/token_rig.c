/* SPDX-License-Identifier: MIT */
/*
 * Writes tokens by hand for the token tests. Signs through the keyring alone, so that token.c has
 * no part in what it is tested with.
 */
#include "support/token_rig.h"

#include "base/codec.h"
#include "base/limits.h"

#include <check.h>

#include "base/banned.h"

static const struct token_rules rules = { RIG_TOKEN_ISSUER, RIG_TOKEN_LEEWAY };

void token_rig_open(struct token_rig *r, enum keyring_alg alg)
{
	*r = (struct token_rig){ .k = test_ring(alg), .jwt = BUF_INIT(4 * LIMIT_JWT) };
	ck_assert_int_eq(token_verifier_open(r->k, &rules, &r->v, &r->err), TP_OK);
}

void token_rig_release(struct token_rig *r)
{
	token_verifier_close(r->v);
	keyring_close(r->k);
	buf_release(&r->jwt);
}

void token_rig_finish(struct token_rig *r, const unsigned char *sig, size_t len)
{
	codec_b64url_put(&r->jwt, (struct span){ (const char *)sig, len });
	ck_assert_int_eq(r->jwt.rc, TP_OK);
}

static void sign(struct token_rig *r)
{
	unsigned char sig[KEYRING_SIG_MOST];
	size_t len;

	ck_assert_int_eq(keyring_sign(r->k, buf_view(&r->jwt), sig, &len, NULL), TP_OK);
	buf_char(&r->jwt, '.');
	token_rig_finish(r, sig, len);
}

void token_rig_make_spans(struct token_rig *r, struct span header, struct span payload)
{
	buf_reset(&r->jwt);
	codec_b64url_put(&r->jwt, header);
	buf_char(&r->jwt, '.');
	codec_b64url_put(&r->jwt, payload);
	sign(r);
}

void token_rig_make(struct token_rig *r, const char *header, const char *payload)
{
	token_rig_make_spans(r, span_of(header), span_of(payload));
}

void token_rig_make_segments(struct token_rig *r, const char *header, const char *payload)
{
	buf_reset(&r->jwt);
	buf_str(&r->jwt, header);
	buf_char(&r->jwt, '.');
	buf_str(&r->jwt, payload);
	sign(r);
}

void token_rig_make_unsigned(struct token_rig *r, const char *header, const char *payload)
{
	buf_reset(&r->jwt);
	codec_b64url_put(&r->jwt, span_of(header));
	buf_char(&r->jwt, '.');
	codec_b64url_put(&r->jwt, span_of(payload));
	buf_char(&r->jwt, '.');
	ck_assert_int_eq(r->jwt.rc, TP_OK);
}

struct jval *token_rig_parse(const char *json)
{
	struct jval *v = NULL;
	struct tp_err err = { 0 };

	ck_assert_msg(jval_parse(span_of(json), &v, &err) == TP_OK, "%s: %s", json, err.msg);
	return v;
}

void token_rig_sign(struct token_rig *r, const char *claims)
{
	struct jval *v = token_rig_parse(claims);
	struct secret jwt = { NULL, 0 };

	ck_assert_int_eq(token_sign(r->k, v, &jwt, NULL), TP_OK);
	buf_reset(&r->jwt);
	buf_span(&r->jwt, secret_view(&jwt));
	secret_release(&jwt);
	jval_release(v);
}

enum tp_rc token_rig_verify_text(struct token_rig *r, struct span jwt)
{
	enum tp_rc rc;

	r->err = (struct tp_err){ 0 };
	r->t = NULL;
	rc = token_verify(r->v, jwt, TOKEN_STORED, RIG_TOKEN_NOW, &r->t, &r->err);
	ck_assert_int_eq(r->err.rc, rc);
	ck_assert((r->t != NULL) == (rc == TP_OK));
	return rc;
}

enum tp_rc token_rig_verify(struct token_rig *r)
{
	return token_rig_verify_text(r, buf_view(&r->jwt));
}
