/* SPDX-License-Identifier: MIT */
/*
 * From a request to an answer: the route table, the checks that all routes share (method, session,
 * origin, scopes), and the one place where errors are logged and become bytes.
 *
 * A path is an endpoint's when SCRIPT_NAME and PATH_INFO joined are it; when they are it behind
 * ROOT_PATH; or, where no ROOT_PATH is set, when PATH_INFO alone is it (a mount point, the name of
 * a CGI program). So are, for a route that has them, the paths of one segment below. Everything
 * else is 404, with a "/" at its end too.
 */
#ifndef HTTP_ROUTER_H
#define HTTP_ROUTER_H

#include "http/guard.h"
#include "http/request.h"
#include "http/response.h"
#include "http/site.h"

struct route;

/* What a handler works with. */
struct http_call {
	const struct http_site *site;
	const struct auth_ctx *auth;
	struct http_req *req;
	struct http_resp *resp;
	const struct route *routes; /* to find the request's among */
	size_t n_routes;
	const struct route *route; /* NULL until one was found */
	struct span below;	   /* ROUTE_BELOW: what stands behind the route's path */
	struct span at; /* the request's path as it was compared with the route's: less the mount */
	const struct access *access; /* the proved session; NULL unless the route asks for one */
	struct scope_set needed;     /* the scopes that the request needs, once they are known */
	struct guarded guarded;	     /* ROUTE_GUARD: the request that is decided about */
};

/*
 * Fills resp and returns TP_OK, or fails; the router then makes the error's answer, and what the
 * handler had put into resp is gone. response_event() before a failure names the log line's word.
 */
typedef enum tp_rc http_handler(struct http_call *c, struct tp_err *err);

enum {
	ROUTE_SESSION = 1, /* needs a proved session: when cookies proved it and the method is not
			    * safe (RFC 9110 9.2.1), foreign origins are refused */
	ROUTE_ISSUER = 2,  /* exists only on an authorization server */
	ROUTE_LOGIN = 4,   /* makes cookies: a method that is not safe is refused from foreign
			    * origins though nothing is proved */
	ROUTE_GUARD = 8,   /* decides about another request, see http/guard.h; access is NULL for a
			    * preflight that passes */
	ROUTE_ROLE = 16, /* with ROUTE_GUARD: the authorizer role, where the request is that one */
	ROUTE_SLIDES = 32, /* with ROUTE_SESSION: this use makes the session slide, unless the
			    * request says "refresh: false"; see http_after() */
	ROUTE_BELOW = 64,  /* not at the path itself but one segment below it, which the handler
			    * gets; a route at that very path goes first */
	ROUTE_PARTS = 128  /* with ROUTE_SESSION: it ends sessions; no hook keeps one from that */
};

struct route {
	enum http_path path;
	unsigned methods; /* bits of enum http_method */
	unsigned flags;
	const char *scopes; /* required, blank-separated; NULL: none */
	http_handler *handler;
	const char *summary; /* for the documentation */
	/* Of an application's route: its path, see http/route_path.h; `path` is not looked at then.
	 * NULL: the one that the site has for `path`. */
	const char *path_template;
	void *arg; /* the handler's */
};

extern const struct route http_routes[];
extern const size_t http_n_routes;

/* Serves one request by the first of the routes that fits; *resp (initialised by the caller) always
 * holds a whole answer afterwards. */
void http_serve(const struct http_site *site, const struct auth_ctx *auth,
		const struct route *routes, size_t n_routes, char *const *envp,
		struct http_body body, struct http_resp *resp);

/* The same by a route that is given, whatever the path. */
void http_serve_route(const struct http_site *site, const struct auth_ctx *auth,
		      const struct route *route, char *const *envp, struct http_body body,
		      struct http_resp *resp);

/* The route is there: not on a resource server, where it is the authorization server's. */
bool http_route_exists(const struct http_call *c, const struct route *r);

/* Both are at the very same path: of those the first that has the method serves it. */
bool http_route_same(const struct route *a, const struct route *b);

/*
 * What the answer need not wait for: once it is on its way, the session that the request has used
 * slides (auth/slide.h). Does nothing a second time, and nothing after a failed request. Must come
 * before the next http_serve() with this resp, which forgets what was left.
 */
void http_after(const struct auth_ctx *auth, struct http_resp *resp);

http_handler h_token, h_login, h_refresh, h_userinfo, h_logout, h_health, h_auth, h_sessions,
	h_session, h_openapi, h_docs, h_docs_file;

#endif
