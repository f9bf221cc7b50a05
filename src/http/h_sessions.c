/* SPDX-License-Identifier: MIT */
/*
 * Owns what users see of their own sessions, and how they end one of them or all but the one that
 * asks. A handle is never shown: a session's id is the hash of it, and tells nothing else.
 */
#include "http/router.h"

#include "auth/sessions.h"
#include "http/consult.h"
#include "http/grant.h"

#include "base/banned.h"

/* The name of who asks, in a copy: the token that it stands in is gone with the next verification,
 * and a list verifies many. */
struct asker {
	char name[LIMIT_USER_ID];
	struct span user, handle;
};

static void ask_for(const struct http_call *c, struct asker *who)
{
	struct span user = c->access->token->user_id;

	memcpy(who->name, user.p, user.len); /* token_user_id_ok(): it fits */
	who->user = (struct span){ who->name, user.len };
	who->handle = secret_view(&c->access->handle);
}

static enum tp_rc list(struct http_call *c, const struct asker *who, struct tp_err *err)
{
	TP_CLEANUP(sessions_release) struct sessions s = { 0 };
	struct buf *out = &c->resp->body;
	enum tp_rc rc = sessions_list(c->auth, who->user, who->handle, false, &s, err);

	if (rc != TP_OK)
		return rc;
	response_json(c->resp, 200);
	buf_str(out, "{\"total\":");
	buf_int(out, (int64_t)s.total);
	buf_str(out, ",\"sessions\":[");
	for (size_t i = 0; i < s.n; i++) {
		buf_str(out, i > 0 ? "," : "");
		session_info_json(&s.v[i], out);
	}
	buf_str(out, "]}");
	response_event(c->resp, LOG_LEVEL_DEBUG, "sessions.listed", who->user, who->handle);
	return TP_OK;
}

static void answer_ended(struct http_call *c, int64_t n)
{
	response_json(c->resp, 200);
	buf_str(&c->resp->body, "{\"status\":200,\"ended\":");
	buf_int(&c->resp->body, n);
	buf_char(&c->resp->body, '}');
}

static enum tp_rc end_others(struct http_call *c, const struct asker *who, struct tp_err *err)
{
	int64_t n = 0;
	enum tp_rc rc;

	response_event(c->resp, LOG_LEVEL_INFO, "sessions.refused", who->user, who->handle);
	rc = sessions_end_others(c->auth, who->user, who->handle, &n, err);
	if (rc != TP_OK)
		return rc;
	c->resp->event.word = "logout.others";
	consult_logout(c, c->access->token->claims);
	answer_ended(c, n);
	return TP_OK;
}

enum tp_rc h_sessions(struct http_call *c, struct tp_err *err)
{
	struct asker who;

	ask_for(c, &who);
	if (c->req->method == HTTP_DELETE)
		return end_others(c, &who, err);
	return list(c, &who, err);
}

/* The log line is about the session that ended. When it is the one that asked, its cookies go as
 * with a logout. */
enum tp_rc h_session(struct http_call *c, struct tp_err *err)
{
	TP_CLEANUP(secret_release) struct secret handle = { 0 };
	struct asker who;
	enum tp_rc rc;

	ask_for(c, &who);
	response_event(c->resp, LOG_LEVEL_INFO, "sessions.refused", who.user, who.handle);
	rc = sessions_end(c->auth, who.user, c->below, &handle, err);
	if (rc == TP_NOT_FOUND)
		return tp_fail(err, TP_NO_ROUTE, "the user has no session of this id");
	if (rc != TP_OK)
		return rc;
	response_event(c->resp, LOG_LEVEL_INFO, "logout.one", who.user, secret_view(&handle));
	consult_logout(c, c->access->token->claims);
	answer_ended(c, 1);
	if (secret_eq(secret_view(&handle), who.handle))
		grant_delete_cookies(c);
	return TP_OK;
}
