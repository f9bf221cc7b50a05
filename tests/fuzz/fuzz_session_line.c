/* SPDX-License-Identifier: MIT */
/* A line of a file of sessions: what is taken fits, and reads the same once written. */
#include "ctl/session_line.h"

#include <assert.h>

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ck_again(const struct session_line *l)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(SESSION_LINE_MOST);
	TP_CLEANUP(session_line_release) struct session_line again = { .kind = SESSION_LINE_HEAD };

	session_line_put(l, &text);
	assert(text.rc == TP_OK);
	assert(text.p[text.len - 1] == '\n');
	assert(memchr(text.p, '\n', text.len - 1) == NULL);
	assert(session_line_get((struct span){ text.p, text.len - 1 }, &again, NULL) == TP_OK);
	assert(again.kind == l->kind && again.sessions == l->sessions &&
	       again.expires_at == l->expires_at);
	assert(span_eq(again.user, l->user) && span_eq(again.handle, l->handle) &&
	       span_eq(again.value, l->value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct session_line l = { .kind = SESSION_LINE_HEAD };

	if (session_line_get((struct span){ (const char *)data, size }, &l, NULL) != TP_OK)
		return 0;
	assert(l.user.len <= LIMIT_USER_ID && l.handle.len <= LIMIT_HANDLE &&
	       l.value.len <= LIMIT_STORE_VALUE);
	ck_again(&l);
	session_line_release(&l);
	return 0;
}
