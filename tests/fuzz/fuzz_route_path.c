/* SPDX-License-Identifier: MIT */
/*
 * A path of a route, a newline, and a path of a request. What a good one takes is what it looks
 * like with its parameters put in; it takes itself when it has none; and it is the same as itself.
 */
#include "http/route_path.h"

#include "base/buf.h"
#include "base/limits.h"

#include <assert.h>
#include <stdlib.h>

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void put_value(const char *path, struct span asked, struct span segment, struct buf *out)
{
	char *name = span_dup((struct span){ segment.p + 1, segment.len - 2 });
	struct span value = { NULL, 0 };

	assert(name != NULL && route_path_param(path, asked, name, &value));
	assert(value.len > 0 && !span_has_byte(value, '/') && !span_has_control(value));
	assert(!span_is(value, ".") && !span_is(value, "..") && span_is_utf8(value));
	buf_span(out, value);
	free(name);
}

/* The path of the request, made of the one of the route and the values. */
static void check_fit(const char *path, struct span asked)
{
	TP_CLEANUP(buf_release) struct buf made = BUF_INIT(2 * LIMIT_PATH);
	struct span rest = { path + 1, strlen(path) - 1 };

	while (rest.p != NULL) {
		struct span segment = span_cut(&rest, '/');

		buf_char(&made, '/');
		if (span_starts(segment, "{"))
			put_value(path, asked, segment, &made);
		else
			buf_span(&made, segment);
	}
	assert(span_eq(buf_view(&made), asked));
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span asked = { (const char *)p, n };
	struct span head = span_cut(&asked, '\n');
	struct tp_err err = { .rc = TP_OK };
	char *path = span_dup(head);
	enum tp_rc rc;

	if (path == NULL || asked.p == NULL || asked.len > LIMIT_PATH) {
		free(path);
		return 0;
	}
	rc = route_path_check(path, &err);
	assert(rc == TP_OK || (rc == TP_INVALID && err.msg[0] != '\0'));
	if (rc == TP_OK) {
		assert(route_path_same(path, path));
		assert(route_path_fits(path, head) || route_path_has_params(path));
		if (route_path_fits(path, asked))
			check_fit(path, asked);
	}
	free(path);
	return 0;
}
