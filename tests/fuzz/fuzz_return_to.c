/* SPDX-License-Identifier: MIT */
/*
 * Places to return to: the first line of the input is a LOGIN_URL, the rest a path. What passes is
 * resolved here as browsers do it (URL Standard, basic URL parser): it stays on its origin, as it
 * is and decoded once, and even its resolved path names no host. What return_to_put() writes of it
 * comes back out of the query unchanged.
 */
#include "http/return_to.h"

#include "base/codec.h"
#include "http/form.h"

#include <assert.h>

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { MOST = 1 << 20 };

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool has_scheme(struct span s)
{
	size_t i = 0;

	while (i < s.len && (is_alpha(s.p[i]) || (i > 0 && strchr("0123456789+-.", s.p[i]))))
		i++;
	return i > 0 && i < s.len && s.p[i] == ':';
}

/* What the parser does before it looks: blanks and controls at both ends go, tabs and line breaks
 * go everywhere; in a URL of http, "\" up to the query is "/". */
static void as_browsers_read(struct span s, struct buf *out)
{
	bool in_path = true;

	while (s.len > 0 && (unsigned char)s.p[0] <= 0x20)
		s = (struct span){ s.p + 1, s.len - 1 };
	while (s.len > 0 && (unsigned char)s.p[s.len - 1] <= 0x20)
		s.len--;
	for (size_t i = 0; i < s.len; i++) {
		in_path = in_path && s.p[i] != '?' && s.p[i] != '#';
		if (s.p[i] != '\t' && s.p[i] != '\n' && s.p[i] != '\r')
			buf_char(out, in_path && s.p[i] == '\\' ? '/' : s.p[i]);
	}
}

static size_t dots_of(struct span segment)
{
	size_t dots = 0;

	while (segment.len > 0) {
		size_t n = segment.p[0] == '.' ? 1 : 3;

		if (n == 3 && !(segment.len >= 3 && strncasecmp(segment.p, "%2e", 3) == 0))
			return 0;
		segment = (struct span){ segment.p + n, segment.len - n };
		dots++;
	}
	return dots <= 2 ? dots : 0;
}

/* The path without its dot segments begins with one "/". Empty segments count: "/..//x" is "//x".
 */
static void check_path(struct span path)
{
	size_t depth = 0;
	bool first_empty = false;

	path.len = strcspn(path.p, "?#") < path.len ? strcspn(path.p, "?#") : path.len;
	span_cut(&path, '/');
	while (path.p != NULL) {
		struct span segment = span_cut(&path, '/');
		size_t dots = dots_of(segment);

		if (dots == 2 && depth > 0)
			depth--;
		if (dots == 0) {
			if (depth == 0)
				first_empty = segment.len == 0 && path.p != NULL;
			depth++;
		}
	}
	assert(depth == 0 || !first_empty);
}

static void check_local(struct span s)
{
	TP_CLEANUP(buf_release) struct buf url = BUF_INIT(MOST);
	struct span view;

	as_browsers_read(s, &url);
	view = buf_view(&url);
	assert(url.rc == TP_OK && !has_scheme(view));
	assert(view.len > 0 && view.p[0] == '/' && (view.len == 1 || view.p[1] != '/'));
	check_path(view);
}

static void check_decoded(struct span s)
{
	TP_CLEANUP(buf_release) struct buf path = BUF_INIT(MOST);
	struct span before = s;

	while (s.len > 0 && s.p[0] != '?' && s.p[0] != '#')
		s = (struct span){ s.p + 1, s.len - 1 };
	before.len -= s.len;
	assert(codec_percent_get(before, false, &path, NULL) == TP_OK);
	before = buf_view(&path);
	before.len = strcspn(before.p, "?#");
	check_local(before);
}

static void check_there_and_back(struct span login_url, struct span path)
{
	TP_CLEANUP(form_release) struct form f = { 0 };
	TP_CLEANUP(buf_release) struct buf url = BUF_INIT(MOST);
	struct span rest;

	return_to_put(login_url, path, &url);
	rest = buf_view(&url);
	assert(rest.len > login_url.len && memcmp(rest.p, login_url.p, login_url.len) == 0);
	assert(!span_has_control(
		(struct span){ rest.p + login_url.len, rest.len - login_url.len }));
	rest = (struct span){ rest.p + login_url.len + 1, rest.len - login_url.len - 1 };
	assert(form_parse_query(rest, &f, NULL) == TP_OK && f.n == 1);
	assert(span_eq(form_get(&f, "return_to"), path));
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span path = { (const char *)p, n };
	struct span login_url = span_cut(&path, '\n');

	if (path.p == NULL || !return_to_ok(path))
		return 0;
	assert(!span_has_control(path) && !span_has_byte(path, ' '));
	check_local(path);
	check_decoded(path);
	check_there_and_back(login_url, path);
	return 0;
}
