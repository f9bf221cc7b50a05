/* SPDX-License-Identifier: MIT */
/*
 * Deciding about a request that somebody else will serve: what the FastCGI authorizer and AUTH_URL
 * share. Routes with ROUTE_GUARD are served by it, and nothing but 200, 401, 403 and 503 comes out
 * of them: every doubt is a refusal.
 *
 * The order: the path, which must be one that all read alike (http/path); a preflight, which may
 * pass without a session; the session; the origin rule and the scopes, by the method and the path
 * of the protected request; and what of the identity can be handed on.
 */
#ifndef HTTP_GUARD_H
#define HTTP_GUARD_H

#include "base/buf.h"
#include "http/request.h"

struct http_call;

/* The protected request, as far as it is known. Borrowed from the request. */
struct guarded {
	enum http_method method; /* HTTP_OTHER also where it is not known */
	struct span method_name; /* p NULL: not known */
	struct span target;	 /* raw; p NULL: not known */
	struct span path;	 /* as path_read() gives it; p NULL: not known */
	bool ambiguous;		 /* likewise */
	struct buf hold;	 /* behind path */
};

void guarded_init(struct guarded *g);
void guarded_release(struct guarded *g);

/*
 * Finds out what c->req asks about, and puts the scopes that it needs (REQUIRED_SCOPES,
 * TPAUTH_REQUIRE_SCOPES, SCOPE_RULES) into c->needed.
 *
 * In the authorizer role that is the request itself. At AUTH_URL it is REQUEST_URI and
 * TPAUTH_METHOD; where they name none, X-Forwarded-Uri, -Method and -Host of a trusted proxy. A
 * client cannot set the former, and one that could set the latter is no trusted proxy.
 *
 * TP_FORBIDDEN: a path that cannot be judged, or that is not known and would have to be.
 * TP_UNAVAILABLE: TPAUTH_REQUIRE_SCOPES cannot be read.
 */
enum tp_rc guard_read(struct http_call *c, struct tp_err *err) TP_MUSTUSE;

/* A CORS preflight that AUTHORIZER_PREFLIGHT leaves to the protected application. */
bool guard_passes_preflight(const struct http_call *c);

/* The refusal that a failure becomes: one with the status 401, 403 or 503. */
enum tp_rc guard_refusal(enum tp_rc rc);

/* Under which names the identity is handed on; NULL: not at all. */
struct guard_names {
	const char *remote_user, *user_id, *username, *email, *scopes, *jwt;
};

/*
 * Answers 200 with the identity of c->access in headers; what it has no value for is left out.
 * TP_UNAVAILABLE: a value that cannot be handed on: with a control character, with a blank at an
 * end (web servers take it off, and another user would be left), or a JWT over LIMIT_JWT_PASSED.
 */
enum tp_rc guard_permit(struct http_call *c, const struct guard_names *names,
			struct tp_err *err) TP_MUSTUSE;

#endif
