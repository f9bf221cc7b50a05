/* SPDX-License-Identifier: MIT */
/*
 * Request targets: what is read is a path without a second reading, is no longer than the target,
 * has one spelling of each separator, and reads as itself again. Anything else is refused.
 */
#include "http/path.h"

#include "base/limits.h"

#include <assert.h>

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static bool has(const struct buf *path, const char *part)
{
	return memmem(path->p, path->len, part, strlen(part)) != NULL;
}

static void check_read(const struct buf *path)
{
	static const char *const never[] = { "//", "/./", "..", "%", "\\", "/;", "/.;" };

	assert(path->len > 0 && path->p[0] == '/');
	for (size_t i = 0; i < TP_COUNT(never); i++)
		assert(!has(path, never[i]));
	assert(path->len < 2 || memcmp(path->p + path->len - 2, "/.", 2) != 0);
	assert(!span_has_control(buf_view(path)));
}

static void check_again(const struct buf *path)
{
	TP_CLEANUP(buf_release) struct buf again = BUF_INIT(LIMIT_URI_PATH);
	bool ambiguous;

	if (has(path, "?") || has(path, "#"))
		return; /* they were encoded */
	assert(path_read(buf_view(path), &again, &ambiguous, NULL) == TP_OK);
	assert(span_eq(buf_view(path), buf_view(&again)));
	assert(ambiguous == has(path, ";"));
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	TP_CLEANUP(buf_release) struct buf path = BUF_INIT(LIMIT_URI_PATH);
	struct tp_err err = { .rc = TP_OK };
	bool ambiguous = false;
	enum tp_rc rc = path_read((struct span){ (const char *)p, n }, &path, &ambiguous, &err);

	assert(rc == TP_OK || (rc == TP_FORBIDDEN && err.rc == rc && err.msg[0] != '\0'));
	if (rc != TP_OK)
		return 0;
	assert(path.len <= n || span_is(buf_view(&path), "/"));
	assert(ambiguous || (!has(&path, ";") && !has(&path, "?") && !has(&path, "#")));
	check_read(&path);
	check_again(&path);
	return 0;
}
