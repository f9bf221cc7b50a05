/* SPDX-License-Identifier: MIT */
/*
 * Owns the reading of request targets for rules. It refuses rather than repairs: whoever writes a
 * path in a way that no browser does wants it to be read in two ways.
 */
#include "http/path.h"

#include "base/codec.h"

#include <ctype.h>

#include "base/banned.h"

/* RFC 3986 3.1. The authority goes on to the next '/'. */
static struct span without_origin(struct span target)
{
	size_t i = 0;

	while (i < target.len && (isalnum((unsigned char)target.p[i]) != 0 ||
				  (i > 0 && strchr("+-.", target.p[i]) != NULL)))
		i++;
	if (i == 0 || !span_starts((struct span){ target.p + i, target.len - i }, "://"))
		return (struct span){ NULL, 0 };
	for (i += 3; i < target.len && target.p[i] != '/'; i++)
		;
	return i < target.len ? (struct span){ target.p + i, target.len - i } : SPAN_LIT("/");
}

/* What still has two readings after it was decoded once. */
static bool is_doubtful(struct span path)
{
	static const char *const parts[] = { "%", "\\", "..", "/;", "/.;" };

	for (size_t i = 0; i < TP_COUNT(parts); i++) {
		if (memmem(path.p, path.len, parts[i], strlen(parts[i])) != NULL)
			return true;
	}
	return span_has_control(path);
}

static bool has_encoded_slash(struct span raw)
{
	return memmem(raw.p, raw.len, "%2f", 3) != NULL || memmem(raw.p, raw.len, "%2F", 3) != NULL;
}

/* In place: "//" to "/", and "." as a segment away. */
static void collapse(struct buf *path)
{
	struct span rest = buf_view(path);
	size_t n = 0;
	bool open = false; /* the last segment taken ends in a '/' */

	while (rest.p != NULL) {
		struct span segment = span_cut(&rest, '/');

		if (segment.len == 0 || span_is(segment, ".")) {
			open = true;
			continue;
		}
		path->p[n++] = '/';
		memmove(path->p + n, segment.p, segment.len);
		n += segment.len;
		open = false;
	}
	if (open)
		path->p[n++] = '/';
	buf_cut(path, n);
}

enum tp_rc path_read(struct span target, struct buf *out, bool *ret_ambiguous, struct tp_err *err)
{
	struct span raw = span_cut(&target, '?');
	enum tp_rc rc;

	if (!span_starts(raw, "/"))
		raw = without_origin(raw);
	if (raw.len == 0)
		return tp_fail(err, TP_FORBIDDEN, "the request target has no path");
	if (span_has_byte(raw, '#') || raw.len > out->cap)
		return tp_fail(err, TP_FORBIDDEN, "the path is not one that can be judged");
	rc = codec_percent_get(raw, false, out, err);
	if (rc == TP_NOMEM)
		return rc;
	if (rc != TP_OK || is_doubtful(buf_view(out)))
		return tp_fail(err, TP_FORBIDDEN, "the path can be read in more than one way");
	*ret_ambiguous = has_encoded_slash(raw) || span_has_byte(buf_view(out), ';') ||
			 span_has_byte(buf_view(out), '?') || span_has_byte(buf_view(out), '#');
	collapse(out);
	return TP_OK;
}
