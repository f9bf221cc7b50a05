/* SPDX-License-Identifier: MIT */
/*
 * The record of a session in the store, as the Python original has it: {"token": JWT, "expire":
 * minutes}. Nearly every one is in the plain form that is made here, and is read without a JSON
 * parse.
 */
#include "auth/session.h"

#include "base/banned.h"

/* A bit for each byte: "-.0-9", then "A-Z_a-z". Looked up, since no branch can be predicted on what
 * comes next in base64: it is a microsecond or more for each request. */
static bool is_jwt_char(char c)
{
	static const uint64_t set[4] = { 0x03ff600000000000, 0x07fffffe87fffffe, 0, 0 };
	unsigned char u = (unsigned char)c;

	return (set[u >> 6] >> (u & 63) & 1) != 0;
}

/* The form that we and the Python original write, read without a parser since each request does:
 * {"token":"<jwt>","expire":<minutes>} */
static bool take_plain(struct span value, struct span *ret_jwt)
{
	const struct span head = SPAN_LIT("{\"token\":\""), middle = SPAN_LIT("\",\"expire\":");
	size_t at = head.len;
	int64_t minutes;
	struct span jwt;

	if (value.len < head.len || memcmp(value.p, head.p, head.len) != 0)
		return false;
	while (at < value.len && is_jwt_char(value.p[at]))
		at++;
	jwt = (struct span){ value.p + head.len, at - head.len };
	if (value.len - at < middle.len || memcmp(value.p + at, middle.p, middle.len) != 0)
		return false;
	at += middle.len;
	if (at == value.len || value.p[value.len - 1] != '}' ||
	    !span_int((struct span){ value.p + at, value.len - at - 1 }, 0, INT32_MAX, &minutes))
		return false;
	*ret_jwt = jwt;
	return true;
}

enum tp_rc session_value_get(struct span value, struct span *ret_jwt, struct buf *hold,
			     struct tp_err *err)
{
	TP_CLEANUP(jval_cleanup) struct jval *v = NULL;
	struct span jwt;
	enum tp_rc rc;

	if (take_plain(value, ret_jwt))
		return TP_OK;
	rc = jval_parse(value, &v, err);
	if (rc == TP_NOMEM)
		return rc;
	if (rc != TP_OK || !jval_str(jval_get(v, "token"), &jwt))
		return tp_fail(err, TP_DENIED, "the stored session is not JSON with a token");
	buf_reset(hold);
	buf_span(hold, jwt);
	rc = buf_rc(hold, "the stored token", err);
	if (rc == TP_TOO_LARGE)
		return tp_fail(err, TP_DENIED, "the stored token is too large");
	if (rc == TP_OK)
		*ret_jwt = buf_view(hold);
	return rc;
}

/* Minutes, rounded up, since the original counts in them. */
void session_value_put(struct span jwt, int64_t expire_s, struct buf *out)
{
	buf_str(out, "{\"token\":\"");
	buf_span(out, jwt);
	buf_str(out, "\",\"expire\":");
	buf_int(out, (expire_s + 59) / 60);
	buf_char(out, '}');
}
