/* SPDX-License-Identifier: MIT */
/*
 * The record of a session in the store, as the Python original has it: {"token": JWT, "expire":
 * minutes}. Nearly every one is in the plain form that is made here, and is read without a JSON
 * parse.
 */
#include "auth/session.h"

#include "base/banned.h"

/* The octet c in each of a word's eight. */
#define EACH(c) (UINT64_C(0x0101010101010101) * (c))

/* Whether an octet of w is below n (at most 0x80): then its high bit is set in w - n and not in w.
 * A borrow can only come from such an octet, so it never makes a "no" a "yes". */
static uint64_t any_below(uint64_t w, uint64_t n)
{
	return (w - EACH(n)) & ~w & EACH(0x80U);
}

static bool is_odd_octet(unsigned char c)
{
	return c < 0x20 || c > 0x7e || c == '\\';
}

/* Stands for itself in JSON: printable ASCII without a backslash. Eight octets at a time, since
 * each request waits for it. */
static bool is_plain(struct span s)
{
	uint64_t odd = 0, w;
	size_t i = 0;

	for (; i + sizeof(w) <= s.len; i += sizeof(w)) {
		memcpy(&w, s.p + i, sizeof(w));
		odd |= (w & EACH(0x80U)) | any_below(w, 0x20) | any_below(w ^ EACH(0x7fU), 1) |
		       any_below(w ^ EACH((unsigned char)'\\'), 1);
	}
	for (; i < s.len; i++)
		odd |= is_odd_octet((unsigned char)s.p[i]);
	return odd == 0;
}

/* The form that we and the Python original write, read without a parser since each request does:
 * {"token":"<jwt>","expire":<minutes>} */
static bool take_plain(struct span value, struct span *ret_jwt)
{
	const struct span head = SPAN_LIT("{\"token\":\""), middle = SPAN_LIT("\",\"expire\":");
	const char *quote;
	int64_t minutes;
	struct span jwt;
	size_t at;

	if (value.len < head.len || memcmp(value.p, head.p, head.len) != 0)
		return false;
	quote = memchr(value.p + head.len, '"', value.len - head.len);
	if (quote == NULL)
		return false;
	at = (size_t)(quote - value.p);
	jwt = (struct span){ value.p + head.len, at - head.len };
	if (!is_plain(jwt) || value.len - at < middle.len ||
	    memcmp(quote, middle.p, middle.len) != 0)
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
