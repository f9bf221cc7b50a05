/* SPDX-License-Identifier: MIT */
/*
 * Owns the text of cookies: finding one in a header, its quoting both ways, and the attributes in
 * the order in which Python's http.cookies has them (sorted by name). Which cookies there are is
 * for http/request and http/grant to say.
 */
#include "http/cookie.h"

#include "base/banned.h"

/* Bytes that stand as they are: everywhere, and in a quoted value only. */
static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
			    "!#$%&'*+-.^_`|~:";
static const char plain_in_quotes[] = " ()/<=>?@[]{}";

static bool is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

static bool is_quoted(struct span raw)
{
	return raw.len > 0 && raw.p[0] == '"';
}

static bool is_octal(struct span s)
{
	return s.len >= 3 && s.p[0] >= '0' && s.p[0] <= '3' && s.p[1] >= '0' && s.p[1] <= '7' &&
	       s.p[2] >= '0' && s.p[2] <= '7';
}

/* One byte of the value; one above 0x7f may stand for a character of Latin-1. */
static void put_byte(struct buf *out, unsigned c, bool latin1)
{
	if (latin1 && c > 0x7f) {
		buf_char(out, (char)(0xc0 | (c >> 6)));
		c = 0x80 | (c & 0x3f);
	}
	buf_char(out, (char)c);
}

/* What stands between the quotes. False: a bare quote, or a backslash with nothing behind it. */
static bool unquote(struct span s, bool latin1, struct buf *out)
{
	while (s.len > 0) {
		struct span rest = { s.p + 1, s.len - 1 };
		unsigned c = (unsigned char)s.p[0];
		size_t n = 1;

		if (c == '"' || (c == '\\' && rest.len == 0))
			return false;
		if (c == '\\' && is_octal(rest)) {
			c = (unsigned)((rest.p[0] - '0') * 64 + (rest.p[1] - '0') * 8 +
				       (rest.p[2] - '0'));
			n = 4;
		} else if (c == '\\') {
			c = (unsigned char)rest.p[0];
			n = 2;
		}
		put_byte(out, c, latin1);
		s = (struct span){ s.p + n, s.len - n };
	}
	return true;
}

static enum tp_rc decode_quoted(struct span raw, struct buf *hold, struct span *ret,
				struct tp_err *err)
{
	struct span inner = { raw.p + 1, raw.len - 2 };
	size_t start = hold->len;
	enum tp_rc rc;

	if (raw.len < 2 || raw.p[raw.len - 1] != '"' || !unquote(inner, false, hold))
		return tp_fail(err, TP_INVALID, "a cookie's quoting is broken");
	rc = buf_rc(hold, "cookie", err);
	if (rc != TP_OK)
		return rc;
	*ret = (struct span){ buf_cstr(hold) + start, hold->len - start };
	if (span_is_utf8(*ret))
		return TP_OK;
	buf_cut(hold, start);
	(void)unquote(inner, true, hold);
	rc = buf_rc(hold, "cookie", err);
	*ret = (struct span){ buf_cstr(hold) + start, hold->len - start };
	return rc;
}

static enum tp_rc decode(struct span raw, struct buf *hold, struct span *ret, struct tp_err *err)
{
	struct span value = raw;
	enum tp_rc rc;

	if (raw.len > LIMIT_COOKIE)
		return tp_fail(err, TP_INVALID, "a cookie of more than %d bytes", LIMIT_COOKIE);
	if (is_quoted(raw)) {
		rc = decode_quoted(raw, hold, &value, err);
		if (rc != TP_OK)
			return rc;
	}
	if (span_has_control(value))
		return tp_fail(err, TP_INVALID, "a cookie has a control character");
	*ret = value;
	return TP_OK;
}

static bool is_named(struct span key, struct span prefix, const char *name)
{
	size_t n = strlen(name);

	return key.len == prefix.len + n &&
	       (prefix.len == 0 || memcmp(key.p, prefix.p, prefix.len) == 0) &&
	       memcmp(key.p + prefix.len, name, n) == 0;
}

/* The same cookie once more, spelt as the first time or not: is its value another one? */
static enum tp_rc check_again(struct span value, struct span raw_again, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf hold = BUF_INIT(COOKIE_HOLD);
	struct span again = { NULL, 0 };
	enum tp_rc rc = decode(raw_again, &hold, &again, err);

	if (rc == TP_OK && !span_eq(value, again))
		return tp_fail(err, TP_INVALID, "a cookie has two different values");
	return rc;
}

enum tp_rc cookie_get(struct span header, struct span prefix, const char *name, struct buf *hold,
		      struct span *ret, struct tp_err *err)
{
	struct span value = { NULL, 0 };
	size_t count = 0;
	enum tp_rc rc = TP_OK;

	while (header.p != NULL && rc == TP_OK) {
		struct span raw = span_cut(&header, ';');
		struct span key = span_trim(span_cut(&raw, '='));

		if (++count > LIMIT_COOKIES)
			return tp_fail(err, TP_INVALID, "more than %d cookies", LIMIT_COOKIES);
		if (raw.p == NULL || !is_named(key, prefix, name))
			continue;
		raw = span_trim(raw);
		rc = value.p == NULL ? decode(raw, hold, &value, err)
				     : check_again(value, raw, err);
	}
	if (rc != TP_OK)
		return rc;
	if (value.len == 0)
		return tp_fail(err, TP_NOT_FOUND, "no such cookie");
	*ret = value;
	return TP_OK;
}

/* The bytes that Python would have for UTF-8 text; false where it has none, or where reading them
 * would take them for UTF-8. */
static bool as_latin1(struct span text, char *ret, size_t *ret_len)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		unsigned c = (unsigned char)text.p[i];

		if (c > 0x7f) {
			if ((c != 0xc2 && c != 0xc3) || i + 1 == text.len)
				return false;
			i++;
			c = ((c & 3) << 6) | ((unsigned char)text.p[i] & 0x3f);
		}
		ret[n++] = (char)c;
	}
	*ret_len = n;
	return !span_is_utf8((struct span){ ret, n });
}

static void put_quoted_byte(struct buf *out, char c)
{
	unsigned u = (unsigned char)c;

	if (c == '"' || c == '\\') {
		buf_char(out, '\\');
		buf_char(out, c);
	} else if (is_one_of(c, plain) || is_one_of(c, plain_in_quotes)) {
		buf_char(out, c);
	} else {
		buf_char(out, '\\');
		buf_char(out, (char)('0' + (u >> 6)));
		buf_char(out, (char)('0' + ((u >> 3) & 7)));
		buf_char(out, (char)('0' + (u & 7)));
	}
}

static void put_value(struct buf *out, struct span value)
{
	char latin1[LIMIT_COOKIE];
	size_t n = 0;

	while (n < value.len && is_one_of(value.p[n], plain))
		n++;
	if (n == value.len && n > 0) {
		buf_span(out, value);
		return;
	}
	if (value.len <= sizeof(latin1) && as_latin1(value, latin1, &n))
		value = (struct span){ latin1, n };
	buf_char(out, '"');
	for (size_t i = 0; i < value.len; i++)
		put_quoted_byte(out, value.p[i]);
	buf_char(out, '"');
}

static void put_attributes(const struct cookie_rules *rules, bool deletes, struct buf *out)
{
	static const char *const samesite[] = {
		[COOKIE_STRICT] = "strict", [COOKIE_LAX] = "lax", [COOKIE_NONE] = "none"
	};

	if (rules->domain.len > 0) {
		buf_str(out, "; Domain=");
		buf_span(out, rules->domain);
	}
	if (deletes)
		buf_str(out, "; expires=Thu, 01 Jan 1970 00:00:00 GMT");
	buf_str(out, "; HttpOnly");
	if (deletes)
		buf_str(out, "; Max-Age=0");
	if (rules->path.len > 0) {
		buf_str(out, "; Path=");
		buf_span(out, rules->path);
	}
	buf_str(out, "; SameSite=");
	buf_str(out, samesite[rules->samesite]);
	if (rules->secure)
		buf_str(out, "; Secure");
}

static void put_cookie(const struct cookie_rules *rules, const char *name, struct span value,
		       bool deletes, struct buf *out)
{
	buf_span(out, rules->prefix);
	buf_str(out, name);
	buf_char(out, '=');
	put_value(out, value);
	put_attributes(rules, deletes, out);
}

void cookie_set(const struct cookie_rules *rules, const char *name, struct span value,
		struct buf *out)
{
	put_cookie(rules, name, value, false, out);
}

void cookie_delete(const struct cookie_rules *rules, const char *name, struct buf *out)
{
	put_cookie(rules, name, SPAN_LIT(""), true, out);
}
