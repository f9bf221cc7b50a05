/* SPDX-License-Identifier: MIT */
/*
 * Reads JSON by the strict rules that jval.h names, in one pass, and builds the tree by jval's own
 * setters. What json-c's parser would do with a text never matters: it takes more than we want, and
 * of two members with one name it silently keeps the last.
 */
#include "base/jval.h"

#include <stdlib.h>

#include "base/limits.h"

#include "base/banned.h"

struct scan {
	const char *begin, *p, *end;
	int depth;
	struct buf plain; /* the last string that had escapes, without them */
	struct tp_err *err;
};

enum { UTF16_HIGH = 0xd800, UTF16_LOW = 0xdc00, UTF16_END = 0xe000 };

static const int64_t number_most = INT64_C(1) << 53;

static enum tp_rc no_memory(struct tp_err *err)
{
	return tp_fail(err, TP_NOMEM, "out of memory");
}

static enum tp_rc refuse(const struct scan *s, const char *what)
{
	return tp_fail(s->err, TP_INVALID, "JSON: %s at byte %zu", what, (size_t)(s->p - s->begin));
}

static bool at(const struct scan *s, char c)
{
	return s->p < s->end && *s->p == c;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_space(struct scan *s)
{
	while (s->p < s->end && is_space(*s->p))
		s->p++;
}

static enum tp_rc scan_word(struct scan *s, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(s->end - s->p) < len || memcmp(s->p, word, len) != 0)
		return refuse(s, "not a value");
	s->p += len;
	return TP_OK;
}

static enum tp_rc scan_bool(struct scan *s, bool value, struct jval **ret)
{
	enum tp_rc rc = scan_word(s, value ? "true" : "false");

	if (rc != TP_OK)
		return rc;
	*ret = jval_new_bool(value);
	return *ret != NULL ? TP_OK : no_memory(s->err);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_of_number(char c)
{
	return is_digit(c) || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

static enum tp_rc scan_number(struct scan *s, struct jval **ret)
{
	const char *p = s->p;
	int64_t n;

	if (!is_digit(*p) && *p != '-')
		return refuse(s, "not a value");
	while (p < s->end && is_of_number(*p))
		p++;
	if (!span_int((struct span){ s->p, (size_t)(p - s->p) }, -number_most, number_most, &n))
		return refuse(s, "a number that is no integer within 2^53");
	s->p = p;
	*ret = jval_new_int(n);
	return *ret != NULL ? TP_OK : no_memory(s->err);
}

/* Four hex digits, or -1. */
static int hex4(const char *p, const char *end)
{
	int n = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = p[i] >= '0' && p[i] <= '9'	 ? p[i] - '0'
			    : p[i] >= 'a' && p[i] <= 'f' ? p[i] - 'a' + 10
			    : p[i] >= 'A' && p[i] <= 'F' ? p[i] - 'A' + 10
							 : -1;

		if (digit < 0)
			return -1;
		n = n << 4 | digit;
	}
	return n;
}

/* A code point that UTF-16 can say. */
static void put_utf8(struct buf *out, unsigned c)
{
	char four[4] = { (char)(0xf0 | c >> 18), (char)(0x80 | (c >> 12 & 63)),
			 (char)(0x80 | (c >> 6 & 63)), (char)(0x80 | (c & 63)) };

	if (c < 0x80) {
		buf_char(out, (char)c);
	} else if (c < 0x800) {
		four[2] = (char)(0xc0 | c >> 6);
		buf_put(out, four + 2, 2);
	} else if (c < 0x10000) {
		four[1] = (char)(0xe0 | c >> 12);
		buf_put(out, four + 1, 3);
	} else {
		buf_put(out, four, 4);
	}
}

/* Behind "\u". */
static enum tp_rc scan_unicode(struct scan *s)
{
	int n = hex4(s->p, s->end), low = -1;

	if (n < 0)
		return refuse(s, "a broken escape");
	if (n == 0)
		return refuse(s, "a NUL");
	if (n < UTF16_HIGH || n >= UTF16_END) {
		s->p += 4;
		put_utf8(&s->plain, (unsigned)n);
		return TP_OK;
	}
	if (s->end - s->p > 6 && s->p[4] == '\\' && s->p[5] == 'u')
		low = hex4(s->p + 6, s->end);
	if (n >= UTF16_LOW || low < UTF16_LOW || low >= UTF16_END)
		return refuse(s, "a lone surrogate");
	s->p += 10;
	put_utf8(&s->plain,
		 0x10000U + ((unsigned)(n - UTF16_HIGH) << 10) + (unsigned)(low - UTF16_LOW));
	return TP_OK;
}

static enum tp_rc scan_escape(struct scan *s)
{
	static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
	const char *letter;

	s->p++;
	if (at(s, 'u')) {
		s->p++;
		return scan_unicode(s);
	}
	letter = s->p < s->end ? memchr(letters, *s->p, sizeof(letters) - 1) : NULL;
	if (letter == NULL)
		return refuse(s, "a broken escape");
	s->p++;
	buf_char(&s->plain, meanings[letter - letters]);
	return TP_OK;
}

/* *ret is in the text itself, or in s->plain until the next string. That the whole text is UTF-8
 * has been seen before. */
static enum tp_rc scan_string(struct scan *s, struct span *ret)
{
	const char *from = ++s->p;
	bool escaped = false;

	for (;; from = s->p) {
		while (s->p < s->end && *s->p != '"' && *s->p != '\\' &&
		       (unsigned char)*s->p >= 0x20)
			s->p++;
		if (s->p == s->end)
			return refuse(s, "a string without its end");
		if (at(s, '"'))
			break;
		if (!at(s, '\\'))
			return refuse(s, "a control character in a string");
		if (!escaped)
			buf_reset(&s->plain);
		escaped = true;
		buf_put(&s->plain, from, (size_t)(s->p - from));
		enum tp_rc rc = scan_escape(s);
		if (rc != TP_OK)
			return rc;
	}
	*ret = (struct span){ from, (size_t)(s->p++ - from) };
	if (!escaped)
		return TP_OK;
	buf_span(&s->plain, *ret);
	*ret = buf_view(&s->plain);
	return s->plain.rc == TP_OK ? TP_OK : no_memory(s->err);
}

static enum tp_rc scan_text(struct scan *s, struct jval **ret)
{
	struct span text = { NULL, 0 };
	enum tp_rc rc = scan_string(s, &text);

	if (rc != TP_OK)
		return rc;
	*ret = jval_new_str(text);
	return *ret != NULL ? TP_OK : no_memory(s->err);
}

static enum tp_rc scan_value(struct scan *s, struct jval **ret);

static enum tp_rc scan_member_value(struct scan *s, struct jval *object, const char *key)
{
	struct jval *v = NULL;
	enum tp_rc rc;

	if (jval_has(object, key))
		return refuse(s, "a member twice");
	skip_space(s);
	if (!at(s, ':'))
		return refuse(s, "a member without a value");
	s->p++;
	rc = scan_value(s, &v);
	return rc == TP_OK ? jval_set(object, key, v, s->err) : rc;
}

static enum tp_rc scan_member(struct scan *s, struct jval *object)
{
	struct span name = { NULL, 0 };
	char *key;
	enum tp_rc rc;

	if (!at(s, '"'))
		return refuse(s, "a member without a name");
	rc = scan_string(s, &name);
	if (rc != TP_OK)
		return rc;
	key = span_dup(name); /* has no NUL inside */
	if (key == NULL)
		return no_memory(s->err);
	rc = scan_member_value(s, object, key);
	free(key);
	return rc;
}

static enum tp_rc scan_element(struct scan *s, struct jval *array)
{
	struct jval *v = NULL;
	enum tp_rc rc = scan_value(s, &v);

	return rc == TP_OK ? jval_add(array, v, s->err) : rc;
}

/* The items of a container, whose depth is bounded; so is the recursion. */
static enum tp_rc scan_items(struct scan *s, char close, struct jval *into,
			     enum tp_rc (*item)(struct scan *s, struct jval *into))
{
	enum tp_rc rc;

	if (into == NULL)
		return no_memory(s->err);
	if (++s->depth > LIMIT_JSON_DEPTH)
		return refuse(s, "too deep");
	s->p++;
	skip_space(s);
	if (!at(s, close)) {
		for (;;) {
			rc = item(s, into);
			if (rc != TP_OK)
				return rc;
			if (!at(s, ','))
				break;
			s->p++;
			skip_space(s);
		}
		if (!at(s, close))
			return refuse(s, "neither ',' nor an end");
	}
	s->p++;
	s->depth--;
	return TP_OK;
}

/* One value with the blanks around it. */
static enum tp_rc scan_value(struct scan *s, struct jval **ret)
{
	enum tp_rc rc;

	skip_space(s);
	if (s->p == s->end)
		return refuse(s, "no value");
	switch (*s->p) {
	case '{':
		*ret = jval_new_object();
		rc = scan_items(s, '}', *ret, scan_member);
		break;
	case '[':
		*ret = jval_new_array();
		rc = scan_items(s, ']', *ret, scan_element);
		break;
	case '"':
		rc = scan_text(s, ret);
		break;
	case 't':
	case 'f':
		rc = scan_bool(s, *s->p == 't', ret);
		break;
	case 'n':
		rc = scan_word(s, "null");
		break;
	default:
		rc = scan_number(s, ret);
		break;
	}
	if (rc != TP_OK) {
		jval_cleanup(ret);
		return rc;
	}
	skip_space(s);
	return TP_OK;
}

enum tp_rc jval_parse(struct span text, struct jval **ret, struct tp_err *err)
{
	struct scan s = { text.p, text.p, NULL, 0, BUF_INIT(text.len), err };
	struct jval *v = NULL;
	enum tp_rc rc;

	if (text.len > INT32_MAX)
		return tp_fail(err, TP_INVALID, "JSON: longer than 2^31 bytes");
	if (text.len == 0)
		return refuse(&s, "no value");
	if (!span_is_utf8(text))
		return tp_fail(err, TP_INVALID, "JSON: not UTF-8");
	s.end = text.p + text.len;
	rc = scan_value(&s, &v);
	buf_release(&s.plain);
	if (rc != TP_OK)
		return rc;
	if (s.p != s.end) {
		jval_release(v);
		return refuse(&s, "something after the value");
	}
	*ret = v;
	return TP_OK;
}
