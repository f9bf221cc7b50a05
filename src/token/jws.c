/* SPDX-License-Identifier: MIT */
/*
 * Owns the segments of a token: how they are written, and the rules that leave one spelling and one
 * algorithm when they are read. Keys and their mathematics are the ring's.
 */
#include "token/jws.h"

#include "base/codec.h"
#include "base/limits.h"

#include "base/banned.h"

enum tp_rc jws_header(const struct keyring *k, struct buf *out, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf json = BUF_INIT(JWS_HEADER_MOST);
	enum tp_rc rc;

	buf_str(&json, "{\"alg\":\"");
	buf_str(&json, keyring_alg_name(k));
	buf_str(&json, "\",\"typ\":\"JWT\",\"kid\":\"");
	buf_str(&json, keyring_kid(k));
	buf_str(&json, "\"}");
	rc = buf_rc(&json, "the token header", err);
	if (rc != TP_OK)
		return rc;
	codec_b64url_put(out, buf_view(&json));
	return buf_rc(out, "the token", err);
}

enum tp_rc jws_sign(const struct keyring *k, struct span payload, struct secret *ret,
		    struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf jws = BUF_INIT(LIMIT_JWT);
	unsigned char sig[KEYRING_SIG_MOST];
	size_t len;
	enum tp_rc rc = jws_header(k, &jws, err);

	if (rc != TP_OK)
		return rc;
	buf_char(&jws, '.');
	codec_b64url_put(&jws, payload);
	rc = buf_rc(&jws, "the token", err);
	if (rc == TP_OK)
		rc = keyring_sign(k, buf_view(&jws), sig, &len, err);
	if (rc != TP_OK)
		return rc;
	buf_char(&jws, '.');
	codec_b64url_put(&jws, (struct span){ (const char *)sig, len });
	rc = buf_rc(&jws, "the token", err);
	if (rc == TP_OK)
		secret_take(ret, &jws);
	return rc;
}

enum tp_rc jws_refuse(enum tp_rc rc, const char *what, struct tp_err *err)
{
	if (rc == TP_NOMEM)
		return tp_fail(err, TP_NOMEM, "out of memory");
	return tp_fail(err, TP_DENIED, "token: %s", what);
}

bool jws_cut(struct span text, struct jws *ret)
{
	struct span rest = text;

	ret->header = span_cut(&rest, '.');
	if (rest.p == NULL)
		return false;
	ret->payload = span_cut(&rest, '.');
	if (rest.p == NULL || span_has_byte(rest, '.'))
		return false;
	ret->sig = rest;
	ret->input = (struct span){ text.p, ret->header.len + 1 + ret->payload.len };
	return true;
}

static enum tp_rc parse_segment(struct span text, const char *what, struct jval **ret,
				struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf json = BUF_INIT(LIMIT_JWT);
	TP_CLEANUP(jval_cleanup) struct jval *v = NULL;
	enum tp_rc rc = codec_b64url_get(text, &json, NULL);

	if (rc == TP_OK)
		rc = jval_parse(buf_view(&json), &v, NULL);
	if (rc != TP_OK || jval_type(v) != JVAL_OBJECT)
		return jws_refuse(rc, what, err);
	*ret = v;
	v = NULL;
	return TP_OK;
}

/* Members that would have us follow other rules or other keys than our own (RFC 7515 4.1, RFC 7516
 * 4.1, RFC 7797). Others mean nothing here and are ignored, as RFC 7515 section 4 has it. */
static const char *const header_refused[] = { "crit", "jwk", "jku",	 "x5u", "x5c",
					      "x5t",  "b64", "x5t#S256", "zip", "enc" };

static enum tp_rc judge_header(const struct keyring *k, const struct jval *header,
			       struct span *ret_kid, struct tp_err *err)
{
	struct span s;

	if (!jval_str(jval_get(header, "alg"), &s) || !span_is(s, keyring_alg_name(k)))
		return jws_refuse(TP_DENIED, "alg is not the configured one", err);
	for (size_t i = 0; i < TP_COUNT(header_refused); i++) {
		if (jval_has(header, header_refused[i]))
			return jws_refuse(TP_DENIED, "the header asks for what is not done here",
					  err);
	}
	if (jval_has(header, "typ") &&
	    (!jval_str(jval_get(header, "typ"), &s) || !span_is(s, "JWT")))
		return jws_refuse(TP_DENIED, "typ is not JWT", err);
	if (jval_has(header, "kid") && !jval_str(jval_get(header, "kid"), ret_kid))
		return jws_refuse(TP_DENIED, "kid is not a string", err);
	return TP_OK;
}

enum tp_rc jws_prove(const struct keyring *k, struct span own_header, bool by_kid,
		     const struct jws *j, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf sig = BUF_INIT(KEYRING_SIG_MOST);
	TP_CLEANUP(jval_cleanup) struct jval *header = NULL;
	struct span kid = { NULL, 0 };
	enum tp_rc rc = TP_OK;

	if (own_header.p != NULL && span_eq(j->header, own_header)) {
		kid = span_of(keyring_kid(k));
	} else {
		rc = parse_segment(j->header, "the header is no JSON object", &header, err);
		if (rc == TP_OK)
			rc = judge_header(k, header, &kid, err);
	}
	if (rc != TP_OK)
		return rc;
	rc = codec_b64url_get(j->sig, &sig, NULL);
	if (rc != TP_OK)
		return jws_refuse(rc, "the signature is not base64url", err);
	if (!by_kid)
		kid = (struct span){ NULL, 0 };
	return keyring_verify(k, kid, j->input, buf_view(&sig), err);
}

enum tp_rc jws_payload(const struct jws *j, struct jval **ret, struct tp_err *err)
{
	return parse_segment(j->payload, "the payload is no JSON object", ret, err);
}

enum tp_rc jws_decode(struct span text, struct jval **ret_header, struct jval **ret_claims,
		      struct tp_err *err)
{
	TP_CLEANUP(jval_cleanup) struct jval *header = NULL;
	struct jws j;
	enum tp_rc rc;

	if (text.p == NULL || text.len > LIMIT_JWT || !jws_cut(text, &j))
		return jws_refuse(TP_DENIED, "it has not three parts, or is too long", err);
	rc = parse_segment(j.header, "the header is no JSON object", &header, err);
	if (rc == TP_OK)
		rc = jws_payload(&j, ret_claims, err);
	if (rc != TP_OK)
		return rc;
	*ret_header = header;
	header = NULL;
	return TP_OK;
}
