/* SPDX-License-Identifier: MIT */
/*
 * Owns the call of an application's handler: the request as it sees it, and what its result code
 * and its answer become. A code other than TPAUTH_OK is the answer, whatever was given before it.
 */
#include "app/answer.h"
#include "app/app.h"
#include "app/requestor.h"

#include "hook/code.h"
#include "http/edge.h"

#include "base/banned.h"

/* What the handler says is for the log alone, so a client that is told err->msg by the code's row
 * gets a word of ours. */
static enum tp_rc refuse(struct http_call *c, enum tp_rc rc, const char *why, struct tp_err *err)
{
	const struct rc_info *info = rc_info(rc);

	tp_fail(err, rc, "%s", why);
	if (info->detail != NULL)
		return rc;
	response_clear(c->resp);
	response_json(c->resp, info->http);
	response_error_body(info->oauth, response_reason(info->http), &c->resp->body);
	return TP_OK;
}

/* Nobody but who has the session may keep an answer to it. */
static enum tp_rc check_cache(const struct http_call *c, struct tp_err *err)
{
	if ((c->route->flags & ROUTE_SESSION) == 0 ||
	    !response_has_header(c->resp, "Cache-Control"))
		return TP_OK;
	return tp_fail(
		err, TP_INTERNAL,
		"the header Cache-Control was added, which is ours where a session is needed");
}

/* The handler's own word, or what was wrong with the answer that it ends with. */
static const char *why_not(const struct tpauth_call *call, enum tpauth_rc said)
{
	const struct app_answer *answer = call->answer;
	const struct tp_err *failure = &answer->failure;

	if (call->reason[0] != '\0')
		return call->reason;
	return failure->rc != TP_OK && failure->rc == code_in(said) ? failure->msg
								    : tpauth_rc_name(said);
}

static enum tp_rc settle(struct http_call *c, const struct tpauth_call *call, enum tpauth_rc said,
			 struct tp_err *err)
{
	enum tp_rc rc = code_in(said);

	if (rc != TP_OK)
		return refuse(c, rc, why_not(call, said), err);
	rc = call_rc(call, err);
	if (rc == TP_OK)
		rc = answer_settle(call->answer, err);
	return rc == TP_OK ? check_cache(c, err) : rc;
}

enum tp_rc app_serve(struct http_call *c, struct tp_err *err)
{
	const struct app_route *to = c->route->arg;
	const struct access *access = c->access;
	struct app_answer answer = { .http = c };
	struct tpauth_call call;
	struct edge edge;
	enum tp_rc rc;

	edge_init(&edge, c, EDGE_HANDLER, NULL);
	rc = call_open(&call, &edge.base, access != NULL ? access->token->claims : NULL,
		       access != NULL ? access->extra : NULL, err);
	if (rc == TP_OK) {
		call.answer = &answer;
		rc = settle(c, &call, to->handler(&call, to->arg), err);
		requestor_release(answer.requestor);
		call_release(&call);
	}
	edge_release(&edge);
	return rc;
}
