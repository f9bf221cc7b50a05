/* SPDX-License-Identifier: MIT */
/*
 * Owns the grammar of Authorization as far as we need it: is there one credential in it, and is
 * that one a bearer. Whether it holds is for auth/access to say.
 */
#include "http/bearer.h"

#include "base/banned.h"

static bool is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static struct span skip(struct span s, size_t n)
{
	return (struct span){ s.p + n, s.len - n };
}

static size_t blanks_at(struct span s)
{
	size_t n = 0;

	while (n < s.len && is_blank(s.p[n]))
		n++;
	return n;
}

/* Where the word at the start of s ends. */
static size_t word_at(struct span s)
{
	size_t n = 0;

	while (n < s.len && (is_alnum(s.p[n]) || is_one_of(s.p[n], "!#$%&'*+-.^_`|~")))
		n++;
	return n;
}

/* s stands behind a comma: is it "Scheme credential", and not "parameter=value"? */
static bool starts_credential(struct span s)
{
	size_t word, blanks;

	s = skip(s, blanks_at(s));
	word = word_at(s);
	s = skip(s, word);
	blanks = blanks_at(s);
	return word > 0 && blanks > 0 && blanks < s.len && s.p[blanks] != '=' && s.p[blanks] != ',';
}

/* Two Authorization headers arrive as one value with a comma between. A comma may also stand
 * between parameters, or in a quoted one (Digest). */
static bool holds_two(struct span s)
{
	bool quoted = false;

	for (size_t i = 0; i < s.len; i++) {
		if (quoted && s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			quoted = !quoted;
		else if (!quoted && s.p[i] == ',' && starts_credential(skip(s, i + 1)))
			return true;
	}
	return false;
}

/* b64token of RFC 6750 2.1. */
static bool is_b64token(struct span s)
{
	size_t n = 0;

	while (n < s.len && (is_alnum(s.p[n]) || is_one_of(s.p[n], "-._~+/")))
		n++;
	if (n == 0)
		return false;
	while (n < s.len && s.p[n] == '=')
		n++;
	return n == s.len;
}

enum tp_rc bearer_get(struct span text, struct span *ret, struct tp_err *err)
{
	size_t scheme;
	struct span value;

	text = span_trim(text);
	if (holds_two(text))
		return tp_fail(err, TP_INVALID, "more than one value of Authorization");
	scheme = word_at(text);
	if (!span_is_nocase((struct span){ text.p, scheme }, "Bearer"))
		return TP_OK;
	value = skip(text, scheme);
	if (blanks_at(value) == 0 || !is_b64token(span_trim(value)))
		return tp_fail(err, TP_DENIED, "the value behind Bearer cannot be a token");
	*ret = span_trim(value);
	return TP_OK;
}
