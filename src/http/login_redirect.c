/* SPDX-License-Identifier: MIT */
/*
 * Owns the question who is sent to the login page instead of being refused. Wrong either way does
 * no harm to what is protected: a redirect is a refusal, too.
 */
#include "http/login_redirect.h"

#include "http/return_to.h"

#include "base/banned.h"

enum { LOCATION_MOST = LIMIT_PATH + 32 + 3 * LIMIT_RETURN_TO };

static bool is_zero(struct span q)
{
	for (size_t i = 0; i < q.len; i++) {
		if (q.p[i] != '0' && q.p[i] != '.')
			return false;
	}
	return q.len > 0;
}

/* "q=0" with up to three more zeros (RFC 9110 12.4.2): not acceptable. */
static bool is_refused(struct span parameters)
{
	while (parameters.p != NULL) {
		struct span one = span_trim(span_cut(&parameters, ';'));

		if ((span_starts(one, "q=") || span_starts(one, "Q=")) &&
		    is_zero((struct span){ one.p + 2, one.len - 2 }))
			return true;
	}
	return false;
}

static bool accepts_html(struct span accept)
{
	while (accept.p != NULL) {
		struct span parameters = span_cut(&accept, ',');
		struct span range = span_trim(span_cut(&parameters, ';'));

		if (span_is_nocase(range, "text/html") && !is_refused(parameters))
			return true;
	}
	return false;
}

bool login_redirect_is_navigation(const struct http_req *r)
{
	if (r->method != HTTP_GET && r->method != HTTP_HEAD)
		return false;
	if (r->sec_fetch_mode.p != NULL && !span_is(r->sec_fetch_mode, "navigate"))
		return false;
	if (r->sec_fetch_dest.p != NULL && !span_is(r->sec_fetch_dest, "document"))
		return false;
	return r->sec_fetch_mode.p != NULL || accepts_html(r->accept);
}

/* The path of a URL or of a target, without its query. */
static struct span path_of(struct span url)
{
	return span_cut(&url, '?');
}

/* mod_authnz_fcgi calls itself AUTHENTICATOR and passes the answer on. */
static bool makes_own_401(struct span apache_role)
{
	return span_is(apache_role, "ACCESS_CHECKER") || span_is(apache_role, "AUTHORIZER");
}

/* The page itself would go round in circles. */
static bool can_be_sent(const struct http_call *c)
{
	struct span url = c->site->login_url;

	return c->route != NULL && (c->route->flags & ROUTE_ROLE) != 0 && url.len > 0 &&
	       !makes_own_401(c->req->apache_role) && !span_eq(path_of(url), path_of(c->req->uri));
}

bool login_redirect(struct http_call *c)
{
	TP_CLEANUP(buf_release) struct buf location = BUF_INIT(LOCATION_MOST);

	if (!can_be_sent(c) || !login_redirect_is_navigation(c->req))
		return false;
	return_to_put(c->site->login_url, c->req->uri, &location);
	if (location.rc != TP_OK)
		return false;
	response_clear(c->resp);
	response_event(c->resp, LOG_LEVEL_INFO, "access.redirected", (struct span){ NULL, 0 },
		       (struct span){ NULL, 0 });
	c->resp->status = 303;
	response_header(c->resp, "Location", buf_view(&location));
	return true;
}
