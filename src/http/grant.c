/* SPDX-License-Identifier: MIT */
/*
 * Owns the shape of the token response and of the session's cookies, for the two endpoints that
 * hand one out and the one that takes it back.
 */
#include "http/grant.h"

#include "base/banned.h"

enum { SET_COOKIE_MOST = 2 * LIMIT_COOKIE };

/* Neither a bearer nor a scope has a byte that JSON would escape. */
static void put_tokens(const struct http_call *c, struct span user, const struct session_minted *m,
		       struct buf *out)
{
	buf_str(out, ",\"token\":");
	jval_quote(secret_view(&m->handle), out);
	buf_str(out, ",\"access_token\":\"");
	if (c->auth->rules->bearer_is_jwt)
		buf_span(out, secret_view(&m->jwt));
	else
		session_bearer(user, secret_view(&m->handle), out);
	buf_char(out, '"');
}

enum tp_rc grant_answer(struct http_call *c, enum grant_kind kind, const struct session_minted *m,
			struct tp_err *err)
{
	static const char *const ends[] = {
		[GRANT_LOGIN] = "\"}",
		[GRANT_REFRESHED] = "\",\"refreshed\":true}",
		[GRANT_STANDING] = "\",\"refreshed\":false}",
	};
	struct buf *out = &c->resp->body;
	struct span user = { NULL, 0 };
	struct scope_set scopes;

	if (!jval_str(jval_get(m->claims, "user_id"), &user) ||
	    scope_from_claim(jval_get(m->claims, "scopes"), &scopes, NULL) != TP_OK)
		return tp_fail(err, TP_INTERNAL, "a session without user_id or with broken scopes");
	response_json(c->resp, 200);
	buf_str(out, "{\"user_id\":");
	jval_quote(user, out);
	if (c->access == NULL || c->access->by != ACCESS_COOKIE)
		put_tokens(c, user, m, out);
	buf_str(out, ",\"token_type\":\"bearer\",\"expires_in\":");
	buf_int(out, m->expires_in_s);
	buf_str(out, ",\"scope\":\"");
	scope_join(&scopes, out);
	buf_str(out, ends[kind]);
	return TP_OK;
}

static void put_cookie(struct http_call *c, const char *name, struct span value, bool deletes)
{
	TP_CLEANUP(buf_release) struct buf line = BUF_INIT(SET_COOKIE_MOST);

	if (deletes)
		cookie_delete(&c->site->cookies, name, &line);
	else
		cookie_set(&c->site->cookies, name, value, &line);
	if (line.rc != TP_OK)
		c->resp->headers.rc = line.rc;
	else
		response_header(c->resp, "Set-Cookie", buf_view(&line));
}

void grant_set_cookies(struct http_call *c, struct span user, struct span handle)
{
	put_cookie(c, "user_id", user, false);
	put_cookie(c, "access_token", handle, false);
}

void grant_delete_cookies(struct http_call *c)
{
	put_cookie(c, "user_id", SPAN_LIT(""), true);
	put_cookie(c, "access_token", SPAN_LIT(""), true);
}
