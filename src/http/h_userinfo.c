/* SPDX-License-Identifier: MIT */
/* The claims of the current user, as they stand in the stored token, less what is the session's
 * own. */
#include "http/router.h"

#include "base/banned.h"

/* Neither object is empty, since the first one has user_id. */
static enum tp_rc put_both(struct span claims, const struct jval *extra, struct buf *out,
			   struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf more = BUF_INIT(LIMIT_JWT);
	struct span members;

	jval_write(extra, &more);
	members = buf_view(&more);
	buf_put(out, claims.p, claims.len - 1);
	buf_char(out, ',');
	buf_put(out, members.p + 1, members.len - 1);
	return buf_rc(&more, "the claims", err);
}

enum tp_rc h_userinfo(struct http_call *c, struct tp_err *err)
{
	struct span claims = c->access->token->public_json;

	response_json(c->resp, 200);
	if (jval_count(c->access->extra) > 0) {
		enum tp_rc rc = put_both(claims, c->access->extra, &c->resp->body, err);

		if (rc != TP_OK)
			return rc;
	} else {
		buf_span(&c->resp->body, claims);
	}
	response_event(c->resp, LOG_LEVEL_DEBUG, "access.ok", c->access->token->user_id,
		       secret_view(&c->access->handle));
	return TP_OK;
}
