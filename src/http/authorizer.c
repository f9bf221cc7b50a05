/* SPDX-License-Identifier: MIT */
/*
 * Owns what is particular to the authorizer role. The decision is http/guard's, and refusals are
 * made by the router, as at any endpoint.
 */
#include "http/authorizer.h"

#include "base/banned.h"

/*
 * Apache asks whether a Basic password is right (REMOTE_PASSWD), and would take a 200 for the proof
 * of the name that came with it. A session of somebody else in the cookies proves no such thing,
 * and this is no login.
 */
static bool asks_for_password(const struct http_req *r)
{
	return r->remote_passwd.p != NULL;
}

static enum tp_rc permit(struct http_call *c, struct tp_err *err)
{
	/* Never Variable-HTTP_*: there the client's own header would win. */
	struct guard_names names = {
		.remote_user = "Variable-REMOTE_USER",
		.user_id = "Variable-TPAUTH_USER_ID",
		.username = "Variable-TPAUTH_USERNAME",
		.email = "Variable-TPAUTH_EMAIL",
		.scopes = "Variable-TPAUTH_SCOPES",
		.jwt = c->site->pass_jwt ? "Variable-TPAUTH_JWT" : NULL,
	};

	if (asks_for_password(c->req))
		return tp_fail(err, TP_NO_CREDENTIAL,
			       "the web server asks for a Basic password to be checked, which the "
			       "authorizer does not do");
	c->resp->bare = true;
	if (c->access == NULL) { /* a preflight, which is nobody's */
		c->resp->status = 200;
		return TP_OK;
	}
	return guard_permit(c, &names, err);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): every reader of a body has this form */
static ptrdiff_t read_nothing(void *arg, char *p, size_t n)
{
	(void)arg;
	(void)p;
	(void)n;
	return -1;
}

void authorizer_serve(const struct http_site *site, const struct auth_ctx *auth, char *const *envp,
		      struct http_resp *resp)
{
	static const struct route route = {
		.methods = HTTP_ANY,
		.flags = ROUTE_SESSION | ROUTE_GUARD | ROUTE_ROLE | ROUTE_SLIDES,
		.handler = permit,
		.summary = "The FastCGI authorizer",
	};

	http_serve_route(site, auth, &route, envp, (struct http_body){ read_nothing, NULL }, resp);
}
