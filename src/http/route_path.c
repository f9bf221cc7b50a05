/* SPDX-License-Identifier: MIT */
/* Owns the grammar of routes' paths and the comparing of requests with them, segment by segment. */
#include "http/route_path.h"

#include "base/limits.h"

#include <ctype.h>

#include "base/banned.h"

/* The segments of a path behind its first "/". */
static struct span segments(struct span path)
{
	return (struct span){ path.p + 1, path.len - 1 };
}

static bool is_param(struct span segment)
{
	return segment.len > 0 && segment.p[0] == '{';
}

static struct span name_of(struct span param)
{
	return (struct span){ param.p + 1, param.len - 2 };
}

static bool is_identifier(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] != '_' && isalnum((unsigned char)s.p[i]) == 0)
			return false;
	}
	return s.len > 0 && isdigit((unsigned char)s.p[0]) == 0;
}

static bool is_dots(struct span s)
{
	return span_is(s, ".") || span_is(s, "..");
}

static bool is_literal(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] <= 0x20 || s.p[i] > 0x7e || strchr("?#;,\"\\%{}", s.p[i]) != NULL)
			return false;
	}
	return s.len > 0 && !is_dots(s);
}

static bool is_known(struct span before, struct span name)
{
	while (before.p != NULL) {
		struct span segment = span_cut(&before, '/');

		if (is_param(segment) && span_eq(name_of(segment), name))
			return true;
	}
	return false;
}

static enum tp_rc check_segment(struct span all, struct span segment, struct tp_err *err)
{
	struct span before = { all.p, (size_t)(segment.p - all.p) };

	if (!is_param(segment))
		return is_literal(segment)
			       ? TP_OK
			       : tp_fail(err, TP_INVALID, "a segment of its path is not one");
	if (segment.len < 3 || segment.p[segment.len - 1] != '}' ||
	    !is_identifier(name_of(segment)))
		return tp_fail(err, TP_INVALID, "a segment of its path is no {name}");
	if (before.len > 0 && is_known(before, name_of(segment)))
		return tp_fail(err, TP_INVALID, "its path has a {name} twice");
	return TP_OK;
}

enum tp_rc route_path_check(const char *path, struct tp_err *err)
{
	struct span all = span_of(path), rest;

	if (!span_starts(all, "/"))
		return tp_fail(err, TP_INVALID, "its path does not begin with /");
	if (all.len > LIMIT_PATH)
		return tp_fail(err, TP_INVALID, "its path is longer than %d bytes", LIMIT_PATH);
	if (all.len == 1)
		return TP_OK;
	rest = segments(all);
	while (rest.p != NULL) {
		enum tp_rc rc = check_segment(segments(all), span_cut(&rest, '/'), err);

		if (rc != TP_OK)
			return rc;
	}
	return TP_OK;
}

bool route_path_has_params(const char *path)
{
	return strchr(path, '{') != NULL;
}

static bool takes(struct span segment, struct span asked)
{
	if (!is_param(segment))
		return span_eq(segment, asked);
	return asked.len > 0 && !is_dots(asked) && !span_has_control(asked) && span_is_utf8(asked);
}

bool route_path_fits(const char *path, struct span asked)
{
	struct span ours = segments(span_of(path)), theirs;

	if (!span_starts(asked, "/"))
		return false;
	theirs = segments(asked);
	while (ours.p != NULL && theirs.p != NULL) {
		struct span segment = span_cut(&ours, '/');

		if (!takes(segment, span_cut(&theirs, '/')))
			return false;
	}
	return ours.p == NULL && theirs.p == NULL;
}

bool route_path_param(const char *path, struct span asked, const char *name, struct span *ret)
{
	struct span ours = segments(span_of(path)), theirs = segments(asked);

	while (ours.p != NULL && theirs.p != NULL) {
		struct span segment = span_cut(&ours, '/');
		struct span value = span_cut(&theirs, '/');

		if (is_param(segment) && span_is(name_of(segment), name)) {
			*ret = value;
			return true;
		}
	}
	return false;
}

bool route_path_same(const char *a, const char *b)
{
	struct span one = segments(span_of(a)), other = segments(span_of(b));

	while (one.p != NULL && other.p != NULL) {
		struct span x = span_cut(&one, '/'), y = span_cut(&other, '/');

		if (is_param(x) != is_param(y) || (!is_param(x) && !span_eq(x, y)))
			return false;
	}
	return one.p == NULL && other.p == NULL;
}
