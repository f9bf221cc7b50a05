/* SPDX-License-Identifier: MIT */
/*
 * Owns the grammar of RFC 8259 as a check. base/jval reads the JSON that decides about somebody,
 * and takes less of it: no fractions, no member twice. What an application answers is its own.
 */
#include "app/json_text.h"

#include "base/limits.h"

#include <ctype.h>

#include "base/banned.h"

struct scan {
	const char *p, *end;
};

static void skip_space(struct scan *s)
{
	while (s->p < s->end && strchr(" \t\n\r", *s->p) != NULL && *s->p != '\0')
		s->p++;
}

static bool take(struct scan *s, char c)
{
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

static bool take_word(struct scan *s, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(s->end - s->p) < len || memcmp(s->p, word, len) != 0)
		return false;
	s->p += len;
	return true;
}

static bool take_digits(struct scan *s)
{
	const char *begin = s->p;

	while (s->p < s->end && isdigit((unsigned char)*s->p) != 0)
		s->p++;
	return s->p > begin;
}

static bool take_number(struct scan *s)
{
	(void)take(s, '-');
	if (!take(s, '0') && !take_digits(s))
		return false;
	if (take(s, '.') && !take_digits(s))
		return false;
	if (!take(s, 'e') && !take(s, 'E'))
		return true;
	if (!take(s, '+'))
		(void)take(s, '-');
	return take_digits(s);
}

static bool take_escape(struct scan *s)
{
	if (s->p == s->end || *s->p == '\0')
		return false;
	if (strchr("\"\\/bfnrt", *s->p) != NULL) {
		s->p++;
		return true;
	}
	if (!take(s, 'u'))
		return false;
	for (int i = 0; i < 4; i++, s->p++) {
		if (s->p == s->end || isxdigit((unsigned char)*s->p) == 0)
			return false;
	}
	return true;
}

static bool take_string(struct scan *s)
{
	if (!take(s, '"'))
		return false;
	while (s->p < s->end && *s->p != '"') {
		if ((unsigned char)*s->p < 0x20)
			return false;
		if (take(s, '\\') ? !take_escape(s) : s->p++ == s->end)
			return false;
	}
	return take(s, '"');
}

static bool take_value(struct scan *s, int depth);

/* What stands in brackets, up to the closing one. */
static bool take_items(struct scan *s, bool named, char close, int depth)
{
	skip_space(s);
	if (take(s, close))
		return true;
	do {
		skip_space(s);
		if (named) {
			if (!take_string(s))
				return false;
			skip_space(s);
			if (!take(s, ':'))
				return false;
		}
		if (!take_value(s, depth))
			return false;
	} while (take(s, ','));
	return take(s, close);
}

/* With the white space around it. */
static bool take_value(struct scan *s, int depth)
{
	bool good;

	skip_space(s);
	if (s->p == s->end || depth == LIMIT_JSON_TEXT)
		return false;
	if (take(s, '{'))
		good = take_items(s, true, '}', depth + 1);
	else if (take(s, '['))
		good = take_items(s, false, ']', depth + 1);
	else if (*s->p == '"')
		good = take_string(s);
	else
		good = take_word(s, "true") || take_word(s, "false") || take_word(s, "null") ||
		       take_number(s);
	skip_space(s);
	return good;
}

bool json_text_ok(struct span text)
{
	struct scan s = { text.p, text.p + text.len };

	return span_is_utf8(text) && take_value(&s, 0) && s.p == s.end;
}
