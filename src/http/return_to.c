/* SPDX-License-Identifier: MIT */
/*
 * Owns the check of a path that a client names and that a redirect will name again. It refuses
 * rather than mends: what needed mending was no path of ours.
 */
#include "http/return_to.h"

#include "base/codec.h"
#include "base/limits.h"

#include "base/banned.h"

static bool begins_with_one_slash(struct span s)
{
	return span_starts(s, "/") && !span_starts(s, "//");
}

static bool is_plain(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] <= 0x20 || s.p[i] > 0x7e || s.p[i] == '\\')
			return false;
	}
	return true;
}

static struct span before_query(struct span s)
{
	size_t n = 0;

	while (n < s.len && s.p[n] != '?' && s.p[n] != '#')
		n++;
	return (struct span){ s.p, n };
}

static bool has_dots(struct span path)
{
	while (path.p != NULL) {
		struct span segment = span_cut(&path, '/');

		if (span_is(segment, ".") || span_is(segment, ".."))
			return true;
	}
	return false;
}

bool return_to_ok(struct span path)
{
	TP_CLEANUP(buf_release) struct buf decoded = BUF_INIT(LIMIT_RETURN_TO);
	struct span view;

	if (path.len > LIMIT_RETURN_TO || !begins_with_one_slash(path) || !is_plain(path))
		return false;
	if (codec_percent_get(before_query(path), false, &decoded, NULL) != TP_OK)
		return false;
	view = buf_view(&decoded);
	return begins_with_one_slash(view) && !span_has_control(view) &&
	       !span_has_byte(view, '\\') && !has_dots(view);
}

/* All but the unreserved characters of RFC 3986 2.3, and "/", which a query may have as it is. */
static void put_encoded(struct span s, struct buf *out)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~/";

	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] != 0 && strchr(plain, s.p[i]) != NULL)
			buf_char(out, s.p[i]);
		else
			buf_printf(out, "%%%02X", (unsigned char)s.p[i]);
	}
}

void return_to_put(struct span login_url, struct span uri, struct buf *out)
{
	buf_span(out, login_url);
	if (!return_to_ok(uri))
		return;
	buf_char(out, span_has_byte(login_url, '?') ? '&' : '?');
	buf_str(out, "return_to=");
	put_encoded(uri, out);
}
