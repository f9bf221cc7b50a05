/* SPDX-License-Identifier: MIT */
/* What is wrong in a test's own words ends the case. */
#include "support/json_pointer.h"

#include <check.h>
#include <stdio.h>

#include "base/banned.h"

struct jval *json_of(const char *text)
{
	struct jval *v = NULL;
	struct tp_err err = { .msg = "" };

	ck_assert_msg(jval_parse(span_of(text), &v, &err) == TP_OK, "%s: %s", text, err.msg);
	return v;
}

const struct jval *json_pointer(const struct jval *v, const char *pointer)
{
	struct span rest = span_of(pointer);

	while (rest.p != NULL && v != NULL) {
		struct span part = span_cut(&rest, '/');
		char name[256];
		size_t n = 0;

		ck_assert_uint_lt(part.len, sizeof(name));
		for (size_t i = 0; i < part.len; i++) {
			bool slash = part.p[i] == '~' && i + 1 < part.len && part.p[i + 1] == '1';

			name[n++] = slash ? '/' : part.p[i];
			i += slash ? 1 : 0;
		}
		name[n] = '\0';
		v = jval_get(v, name);
	}
	return v;
}

const char *json_text(const struct jval *v)
{
	static char text[8192];
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(sizeof(text) - 1);

	if (v != NULL)
		jval_write(v, &out);
	ck_assert_int_eq(out.rc, TP_OK);
	snprintf(text, sizeof(text), "%s", buf_cstr(&out));
	return text;
}
