/* SPDX-License-Identifier: MIT */
/*
 * Owns the answer to a refresh. Inside the restriction window it is a success as well, with the
 * session as it stands, so that parallel tabs do not fail.
 */
#include "http/router.h"

#include "auth/refresh.h"
#include "http/edge.h"
#include "http/grant.h"

#include "base/banned.h"

static void say_when(struct http_resp *resp, int64_t opens_in_s)
{
	buf_str(&resp->headers, "Retry-After: ");
	buf_int(&resp->headers, opens_in_s);
	buf_str(&resp->headers, "\r\n");
}

enum tp_rc h_refresh(struct http_call *c, struct tp_err *err)
{
	TP_CLEANUP(refreshed_release) struct refreshed r = { 0 };
	TP_CLEANUP(edge_release) struct edge edge;
	struct refresh_info info = { c->req->remote_addr, span_of(c->req->request_id), &edge.base };
	struct span handle = secret_view(&c->access->handle);
	struct span user = c->access->token->user_id;
	enum tp_rc rc, answer_rc;

	edge_init(&edge, c, EDGE_HOOK, NULL);
	response_event(c->resp, LOG_LEVEL_INFO, "refresh.refused", user, handle);
	rc = refresh_session(c->auth, user, handle, &info, &r, err);
	if (rc != TP_OK && rc != TP_EXISTS)
		return rc;
	answer_rc = grant_answer(c, rc == TP_OK ? GRANT_REFRESHED : GRANT_STANDING, &r.minted, err);
	if (answer_rc != TP_OK)
		return answer_rc;
	if (rc == TP_EXISTS)
		say_when(c->resp, r.opens_in_s);
	c->resp->event.word = rc == TP_OK ? "refresh.ok" : "refresh.restricted";
	return TP_OK;
}
