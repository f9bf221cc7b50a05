/* SPDX-License-Identifier: MIT */
/*
 * The stored session, which other programs write too: any bytes are a token or "no", the short way
 * and the JSON parser agree, and what we write of a token reads back as that token.
 */
#include "auth/session.h"
#include "base/jval.h"
#include "base/limits.h"

#include <assert.h>

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* What the parser alone makes of it. */
static bool parsed_token(struct span value, struct buf *out)
{
	TP_CLEANUP(jval_cleanup) struct jval *v = NULL;
	struct span token;

	if (jval_parse(value, &v, NULL) != TP_OK || !jval_str(jval_get(v, "token"), &token))
		return false;
	buf_span(out, token);
	return out->rc == TP_OK;
}

static bool is_plain(struct span jwt)
{
	for (size_t i = 0; i < jwt.len; i++)
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.",
			   jwt.p[i]) == NULL ||
		    jwt.p[i] == '\0')
			return false;
	return true;
}

static void reads_back(struct span jwt)
{
	TP_CLEANUP(buf_release) struct buf value = BUF_INIT(LIMIT_STORE_VALUE);
	TP_CLEANUP(buf_release) struct buf hold = BUF_INIT(LIMIT_JWT);
	struct span again;

	session_value_put(jwt, 86400, &value);
	assert(value.rc == TP_OK);
	assert(session_value_get(buf_view(&value), &again, &hold, NULL) == TP_OK);
	assert(span_eq(again, jwt));
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	TP_CLEANUP(buf_release) struct buf hold = BUF_INIT(LIMIT_JWT);
	TP_CLEANUP(buf_release) struct buf parsed = BUF_INIT(LIMIT_JWT);
	struct span value = { (const char *)p, n }, jwt = { NULL, 0 };
	struct tp_err err;
	enum tp_rc rc;

	if (n > LIMIT_STORE_VALUE)
		return 0;
	rc = session_value_get(value, &jwt, &hold, &err);
	assert(rc == TP_OK || (rc == TP_DENIED && err.rc == TP_DENIED && jwt.p == NULL));
	/* The short way does not look at the length, which is token_verify()'s to judge. */
	if (rc == TP_OK && jwt.len > LIMIT_JWT)
		return 0;
	assert(parsed_token(value, &parsed) == (rc == TP_OK));
	if (rc == TP_OK) {
		assert(span_eq(jwt, buf_view(&parsed)));
		if (is_plain(jwt))
			reads_back(jwt);
	}
	return 0;
}
