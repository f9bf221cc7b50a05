/* SPDX-License-Identifier: MIT */
/* Owns the form of a file of sessions. What a session is worth is not asked here. */
#include "ctl/session_line.h"

#include "base/banned.h"

#define FORMAT	       "tpauth-sessions"
#define FORMAT_VERSION 1

void session_line_release(struct session_line *l)
{
	jval_release(l->json);
	*l = (struct session_line){ .kind = SESSION_LINE_HEAD };
}

static enum tp_rc read_head(const struct jval *v, struct session_line *l, struct tp_err *err)
{
	struct span format;
	int64_t version;

	if (!jval_str(jval_get(v, "format"), &format) || !span_is(format, FORMAT) ||
	    !jval_int(jval_get(v, "version"), &version) || jval_count(v) != 2)
		return tp_fail(err, TP_INVALID, "not the first line of a file of sessions");
	if (version != FORMAT_VERSION)
		return tp_fail(err, TP_INVALID, "a file of sessions of another version");
	l->kind = SESSION_LINE_HEAD;
	return TP_OK;
}

static enum tp_rc read_end(const struct jval *v, struct session_line *l, struct tp_err *err)
{
	if (!jval_int(jval_get(v, "sessions"), &l->sessions) || l->sessions < 0 ||
	    jval_count(v) != 1)
		return tp_fail(err, TP_INVALID, "not the last line of a file of sessions");
	l->kind = SESSION_LINE_END;
	return TP_OK;
}

static bool fits(struct span s, size_t most)
{
	return s.len >= 1 && s.len <= most;
}

static enum tp_rc read_item(const struct jval *v, struct session_line *l, struct tp_err *err)
{
	if (!jval_str(jval_get(v, "user_id"), &l->user) || !fits(l->user, LIMIT_USER_ID) ||
	    !jval_str(jval_get(v, "handle"), &l->handle) || !fits(l->handle, LIMIT_HANDLE) ||
	    !jval_str(jval_get(v, "value"), &l->value) || !fits(l->value, LIMIT_STORE_VALUE) ||
	    !jval_int(jval_get(v, "expires_at"), &l->expires_at) || l->expires_at < 1 ||
	    jval_count(v) != 4)
		return tp_fail(err, TP_INVALID,
			       "no object with user_id, handle, value and expires_at");
	l->kind = SESSION_LINE_ITEM;
	return TP_OK;
}

enum tp_rc session_line_get(struct span line, struct session_line *ret, struct tp_err *err)
{
	TP_CLEANUP(session_line_release) struct session_line l = { .kind = SESSION_LINE_HEAD };
	enum tp_rc rc = jval_parse(line, &l.json, err);

	if (rc != TP_OK)
		return rc;
	if (jval_has(l.json, "format"))
		rc = read_head(l.json, &l, err);
	else if (jval_has(l.json, "sessions"))
		rc = read_end(l.json, &l, err);
	else
		rc = read_item(l.json, &l, err);
	if (rc != TP_OK)
		return rc;
	*ret = l;
	l = (struct session_line){ .kind = SESSION_LINE_HEAD };
	return TP_OK;
}

void session_line_put(const struct session_line *l, struct buf *out)
{
	switch (l->kind) {
	case SESSION_LINE_HEAD:
		buf_printf(out, "{\"format\":\"" FORMAT "\",\"version\":%d}\n", FORMAT_VERSION);
		return;
	case SESSION_LINE_END:
		buf_str(out, "{\"sessions\":");
		buf_int(out, l->sessions);
		break;
	case SESSION_LINE_ITEM:
		buf_str(out, "{\"user_id\":");
		jval_quote(l->user, out);
		buf_str(out, ",\"handle\":");
		jval_quote(l->handle, out);
		buf_str(out, ",\"value\":");
		jval_quote(l->value, out);
		buf_str(out, ",\"expires_at\":");
		buf_int(out, l->expires_at);
		break;
	}
	buf_str(out, "}\n");
}
