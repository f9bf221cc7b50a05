/* SPDX-License-Identifier: MIT */
/*
 * Spans: comparisons, cutting, strict integers and UTF-8. Nothing here allocates but span_dup(),
 * and nothing depends on the locale.
 */
#include "base/str.h"

#include <stdlib.h>

#include "base/banned.h"

int span_order(struct span a, struct span b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int order = n > 0 ? memcmp(a.p, b.p, n) : 0;

	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

char str_lower(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c;
}

bool span_is_nocase(struct span a, const char *s)
{
	size_t len = strlen(s);

	if (a.p == NULL || a.len != len)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (str_lower(a.p[i]) != str_lower(s[i]))
			return false;
	}
	return true;
}

bool span_has_byte(struct span a, char c)
{
	return a.len > 0 && memchr(a.p, c, a.len) != NULL;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct span span_trim(struct span s)
{
	while (s.len > 0 && is_blank(s.p[0])) {
		s.p++;
		s.len--;
	}
	while (s.len > 0 && is_blank(s.p[s.len - 1]))
		s.len--;
	return s;
}

static struct span cut_at(struct span *rest, const char *at)
{
	struct span head = *rest;

	if (at == NULL) {
		*rest = (struct span){ NULL, 0 };
		return head;
	}
	head.len = (size_t)(at - rest->p);
	rest->p += head.len + 1;
	rest->len -= head.len + 1;
	return head;
}

struct span span_cut(struct span *rest, char sep)
{
	return cut_at(rest, rest->len > 0 ? memchr(rest->p, sep, rest->len) : NULL);
}

struct span span_cut_last(struct span *rest, char sep)
{
	return cut_at(rest, rest->len > 0 ? memrchr(rest->p, sep, rest->len) : NULL);
}

bool span_int(struct span s, int64_t low, int64_t high, int64_t *ret)
{
	bool negative = s.len > 0 && s.p[0] == '-';
	size_t i = negative ? 1 : 0;
	int64_t n = 0; /* negative all the way down: INT64_MIN has no positive counterpart */

	if (s.p == NULL || i == s.len || (s.p[i] == '0' && s.len > 1))
		return false;
	for (; i < s.len; i++) {
		int digit = s.p[i] - '0';

		if (digit < 0 || digit > 9 || __builtin_mul_overflow(n, (int64_t)10, &n) ||
		    __builtin_sub_overflow(n, (int64_t)digit, &n))
			return false;
	}
	if (!negative && __builtin_sub_overflow((int64_t)0, n, &n))
		return false;
	if (n < low || n > high)
		return false;
	*ret = n;
	return true;
}

struct span span_of_int(int64_t n, char room[INT_TEXT])
{
	size_t at = INT_TEXT;
	uint64_t left = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;

	do {
		room[--at] = (char)('0' + left % 10);
		left /= 10;
	} while (left > 0);
	if (n < 0)
		room[--at] = '-';
	return (struct span){ room + at, INT_TEXT - at };
}

char *span_dup(struct span s)
{
	char *p;

	if (s.p == NULL || span_has_byte(s, '\0'))
		return NULL;
	p = malloc(s.len + 1);
	if (p == NULL)
		return NULL;
	memcpy(p, s.p, s.len);
	p[s.len] = '\0';
	return p;
}

/* Length of the sequence that starts here, 0 where it is not valid. */
static size_t utf8_sequence(const unsigned char *p, size_t left)
{
	size_t len = p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;

	if (len == 0 || len > left)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((p[0] == 0xe0 && p[1] < 0xa0) ||
	    (p[0] == 0xed && p[1] > 0x9f) || /* overlong, surrogate */
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f)) /* overlong, too high */
		return 0;
	return len;
}

bool span_is_utf8(struct span s)
{
	const unsigned char *p = (const unsigned char *)s.p;

	for (size_t i = 0; i < s.len;) {
		size_t len = p[i] < 0x80 ? 1 : utf8_sequence(p + i, s.len - i);

		if (len == 0)
			return false;
		i += len;
	}
	return true;
}

bool span_has_control(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x20 || c == 0x7f)
			return true;
	}
	return false;
}
