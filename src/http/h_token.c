/* SPDX-License-Identifier: MIT */
/*
 * Owns the answer of the token endpoint: a form in, the token response and the cookies out. The
 * login between them is http/login's.
 */
#include "http/grant.h"
#include "http/login.h"

#include "base/banned.h"

static enum tp_rc answer(struct http_call *c, const struct session_minted *m, struct tp_err *err)
{
	struct span handle = secret_view(&m->handle), user = { NULL, 0 };
	enum tp_rc rc = grant_answer(c, GRANT_LOGIN, m, err);

	if (rc != TP_OK)
		return rc;
	(void)jval_str(jval_get(m->claims, "user_id"), &user);
	grant_set_cookies(c, user, handle);
	response_header(c->resp, "Pragma", SPAN_LIT("no-cache"));
	response_event(c->resp, LOG_LEVEL_INFO, "login.ok", user, handle);
	return TP_OK;
}

enum tp_rc h_token(struct http_call *c, struct tp_err *err)
{
	TP_CLEANUP(form_release) struct form f = { 0 };
	TP_CLEANUP(session_minted_release) struct session_minted minted = { 0 };
	enum tp_rc rc;

	rc = request_form(c->req, &f, err);
	if (rc == TP_OK)
		rc = login_by_form(c, &f, &minted, err);
	return rc == TP_OK ? answer(c, &minted, err) : rc;
}
