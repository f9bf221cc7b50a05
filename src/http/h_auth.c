/* SPDX-License-Identifier: MIT */
/*
 * AUTH_URL: the answer to a web server that asks by HTTP whether a request may pass (nginx
 * auth_request, Traefik, Caddy). The identity stands in headers, which that server hands on.
 */
#include "http/router.h"

#include "base/banned.h"

enum tp_rc h_auth(struct http_call *c, struct tp_err *err)
{
	struct guard_names names = {
		.user_id = "X-Auth-User",
		.username = "X-Auth-Username",
		.email = "X-Auth-Email",
		.scopes = "X-Auth-Scopes",
	};

	if (c->access == NULL) { /* a preflight, which is nobody's */
		c->resp->status = 200;
		return TP_OK;
	}
	/* Only where the web server's own settings ask for it: a client of AUTH_URL that is none
	 * would be told what the handle is there to keep from it. */
	if (c->site->pass_jwt && span_is(c->req->tpauth_subrequest, "1"))
		names.jwt = "X-Auth-JWT";
	return guard_permit(c, &names, err);
}
