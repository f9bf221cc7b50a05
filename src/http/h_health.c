/* SPDX-License-Identifier: MIT */
/* Whether the service can do its work, which is to say whether its store answers. */
#include "http/consult.h"

#include "store/store.h"

#include "base/banned.h"

enum tp_rc h_health(struct http_call *c, struct tp_err *err)
{
	struct store_op ping = { .verb = STORE_PING };
	bool answers =
		store_do(c->auth->store, &ping, err) == TP_OK && consult_health(c, err) == TP_OK;

	response_json(c->resp, answers ? 200 : 503);
	if (!answers)
		response_header(c->resp, "Retry-After", SPAN_LIT("5"));
	buf_str(&c->resp->body, answers ? "{\"status\":200}" : "{\"status\":503}");
	return TP_OK;
}
