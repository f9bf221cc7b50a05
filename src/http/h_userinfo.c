/* SPDX-License-Identifier: MIT */
/* The claims of the current user, as they stand in the stored token, less what is the session's
 * own. */
#include "http/router.h"

#include "base/banned.h"

enum tp_rc h_userinfo(struct http_call *c, struct tp_err *err)
{
	(void)err;
	response_json(c->resp, 200);
	buf_span(&c->resp->body, c->access->token->public_json);
	response_event(c->resp, LOG_LEVEL_DEBUG, "access.ok", c->access->token->user_id,
		       secret_view(&c->access->handle));
	return TP_OK;
}
