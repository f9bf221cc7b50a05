/* SPDX-License-Identifier: MIT */
/* Owns the looking into an answer, which needs no libcurl: tests make answers of their own. */
#include "base/fetch.h"

#include "base/banned.h"

void fetch_reply_release(struct fetch_reply *r)
{
	if (r == NULL)
		return;
	buf_release(&r->head);
	buf_release(&r->body);
	r->status = 0;
}

bool fetch_next_header(struct span *rest, struct span *ret_name, struct span *ret_value)
{
	while (rest->p != NULL && rest->len > 0) {
		struct span line = span_cut(rest, '\n');
		struct span name = span_cut(&line, ':');

		/* A line without a colon is no header. */
		if (line.p == NULL)
			continue;
		if (line.len > 0 && line.p[line.len - 1] == '\r')
			line.len--;
		*ret_name = name;
		*ret_value = span_trim(line);
		return true;
	}
	return false;
}

struct span fetch_header(const struct fetch_reply *r, const char *name, size_t nth)
{
	struct span rest = buf_view(&r->head), found, value;

	while (fetch_next_header(&rest, &found, &value)) {
		if (span_is_nocase(found, name) && nth-- == 0)
			return value;
	}
	return (struct span){ NULL, 0 };
}
