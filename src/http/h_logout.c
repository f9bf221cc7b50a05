/* SPDX-License-Identifier: MIT */
/*
 * Owns the end of a session: the one that proved the request, or with all=true every one of its
 * user. The cookies go only when the store has taken it; a session that somebody else ended a
 * moment ago is ended as well.
 */
#include "http/router.h"

#include "http/consult.h"
#include "http/grant.h"

#include "base/banned.h"

static enum tp_rc read_all(const struct form *f, bool *ret, struct tp_err *err)
{
	struct span all = form_get(f, "all");

	if (span_is(all, "true") || span_is(all, "1"))
		*ret = true;
	else if (all.len > 0 && !span_is(all, "false") && !span_is(all, "0"))
		return tp_fail(err, TP_INVALID, "the field all is true or false");
	return TP_OK;
}

/* In the query or in the form. */
static enum tp_rc wants_all(struct http_call *c, bool *ret, struct tp_err *err)
{
	TP_CLEANUP(form_release) struct form query = { 0 };
	TP_CLEANUP(form_release) struct form body = { 0 };
	enum tp_rc rc = form_parse_query(c->req->query, &query, err);

	if (rc == TP_OK)
		rc = request_form(c->req, &body, err);
	/* A body that is no form, such as a client's empty JSON object, says nothing of `all`, and
	 * must not keep a session alive. */
	if (rc == TP_BAD_MEDIA)
		rc = TP_OK;
	if (rc == TP_OK)
		rc = read_all(&query, ret, err);
	return rc == TP_OK ? read_all(&body, ret, err) : rc;
}

enum tp_rc h_logout(struct http_call *c, struct tp_err *err)
{
	struct span handle = secret_view(&c->access->handle);
	struct span user = c->access->token->user_id;
	int64_t ended = 0;
	bool all = false;
	enum tp_rc rc;

	response_event(c->resp, LOG_LEVEL_INFO, "logout.refused", user, handle);
	rc = wants_all(c, &all, err);
	if (rc != TP_OK)
		return rc;
	rc = all ? session_close_all(c->auth, user, &ended, err)
		 : session_close(c->auth, user, handle, err);
	if (rc != TP_OK && rc != TP_NOT_FOUND)
		return rc;
	consult_logout(c, c->access->token->claims);
	c->resp->event.word = all ? "logout.all" : "logout.ok";
	response_json(c->resp, 200);
	buf_str(&c->resp->body, "{\"status\":200}");
	grant_delete_cookies(c);
	return TP_OK;
}
