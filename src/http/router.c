/* SPDX-License-Identifier: MIT */
/*
 * Owns the way of a request through the checks that all routes share, the making of every error's
 * answer, the log line, and what comes after the answer. It knows no endpoint: the table and the
 * handlers do.
 */
#include "http/router.h"

#include "http/admit.h"
#include "http/consult.h"
#include "http/cors.h"
#include "http/login_redirect.h"
#include "http/route_path.h"
#include "store/store.h"

#include "base/banned.h"

/* clang-format off */
static const struct {
	enum http_method bit;
	const char *name;
} methods[] = {
	{ HTTP_GET, "GET" },     { HTTP_HEAD, "HEAD" },     { HTTP_POST, "POST" },
	{ HTTP_PUT, "PUT" },     { HTTP_PATCH, "PATCH" },   { HTTP_DELETE, "DELETE" },
	{ HTTP_OPTIONS, "OPTIONS" },
};
/* clang-format on */

/* path is one segment below the route's, which *ret_rest gets. */
static bool is_below(struct span at, struct span path, struct span *ret_rest)
{
	struct span rest;

	if (at.len == 0 || path.len < at.len + 2 || memcmp(path.p, at.p, at.len) != 0 ||
	    path.p[at.len] != '/')
		return false;
	rest = (struct span){ path.p + at.len + 1, path.len - at.len - 1 };
	if (span_has_byte(rest, '/'))
		return false;
	*ret_rest = rest;
	return true;
}

/* A path that the route may have: itself, one below it, one that it has parameters for. */
enum fit { FITS_AT, FITS_BELOW, FITS_PARAMS };

static enum fit fit_of(const struct route *r)
{
	if ((r->flags & ROUTE_BELOW) != 0)
		return FITS_BELOW;
	return r->path_template != NULL && route_path_has_params(r->path_template) ? FITS_PARAMS
										   : FITS_AT;
}

bool http_route_exists(const struct http_call *c, const struct route *r)
{
	return c->site->issues || (r->flags & ROUTE_ISSUER) == 0;
}

static bool matches(struct http_call *c, const struct route *r, struct span path, enum fit fit)
{
	struct span at = c->site->path[r->path];

	if (fit_of(r) != fit || !http_route_exists(c, r))
		return false;
	if (fit == FITS_BELOW)
		return is_below(at, path, &c->below);
	return r->path_template != NULL ? route_path_fits(r->path_template, path)
					: span_eq(at, path);
}

bool http_route_same(const struct route *a, const struct route *b)
{
	if (a->path_template != NULL || b->path_template != NULL)
		return a->path_template != NULL && b->path_template != NULL &&
		       strcmp(a->path_template, b->path_template) == 0;
	return a->path == b->path && fit_of(a) == fit_of(b);
}

/* Of the routes at one path the one for the method, else any. */
static const struct route *by_method(const struct http_call *c, const struct route *found)
{
	for (const struct route *r = c->routes; r < c->routes + c->n_routes; r++) {
		if ((r->methods & c->req->method) != 0 && http_route_exists(c, r) &&
		    http_route_same(r, found))
			return r;
	}
	return found;
}

static const struct route *find(struct http_call *c, struct span path, enum fit fit)
{
	for (const struct route *r = c->routes; r < c->routes + c->n_routes && path.len > 0; r++) {
		if (!matches(c, r, path, fit))
			continue;
		c->at = path;
		return by_method(c, r);
	}
	return NULL;
}

static const struct route *find_fixed(struct http_call *c, struct span path)
{
	const struct route *route = find(c, path, FITS_AT);

	return route != NULL ? route : find(c, path, FITS_BELOW);
}

/* The request's path without what it is mounted under, if it may be. */
static struct span below_mount(const struct http_call *c)
{
	struct span path = c->req->path, root = c->site->root_path;

	if (root.len == 0)
		return c->req->path_info;
	if (path.len <= root.len || memcmp(path.p, root.p, root.len) != 0)
		return (struct span){ NULL, 0 };
	return (struct span){ path.p + root.len, path.len - root.len };
}

/* As router.h says, in that order. */
static const struct route *find_route(struct http_call *c)
{
	struct span whole = c->req->path, below = below_mount(c);
	bool below_first = c->site->root_path.len > 0;
	const struct route *route = find_fixed(c, whole);

	if (route == NULL)
		route = find_fixed(c, below);
	if (route == NULL)
		route = find(c, below_first ? below : whole, FITS_PARAMS);
	if (route == NULL)
		route = find(c, below_first ? whole : below, FITS_PARAMS);
	return route;
}

static bool is_guard(const struct http_call *c)
{
	return c->route != NULL && (c->route->flags & ROUTE_GUARD) != 0;
}

/* What a proved session must have besides. */
static enum tp_rc admit(struct http_call *c, struct tp_err *err)
{
	enum http_method method = is_guard(c) ? c->guarded.method : c->req->method;

	return admit_session(c->req, method, c->access, &c->needed, err);
}

/* Before the handler, whose own verifications would take the token away. */
static void note_use(struct http_call *c)
{
	if ((c->route->flags & ROUTE_SLIDES) != 0 && !c->req->keeps_still)
		slide_note(&c->resp->slide, c->auth, c->access, c->req->remote_addr);
}

static enum tp_rc serve_session(struct http_call *c, struct tp_err *err)
{
	TP_CLEANUP(access_release) struct access access = { 0 };
	struct credential credential = { 0 };
	enum tp_rc rc;

	rc = request_credential(c->req, &credential, err);
	if (rc == TP_OK)
		rc = access_check(c->auth, &credential, &access, err);
	if (rc != TP_OK)
		return rc;
	c->access = &access;
	rc = admit(c, err);
	if (rc == TP_OK && (c->route->flags & ROUTE_PARTS) == 0)
		rc = consult_access(c, &access, err);
	if (rc == TP_OK)
		note_use(c);
	if (rc == TP_OK)
		rc = c->route->handler(c, err);
	else
		response_event(c->resp, LOG_LEVEL_INFO, "access.refused", access.token->user_id,
			       secret_view(&access.handle));
	c->access = NULL;
	return rc;
}

/* Which scopes the request needs. */
static enum tp_rc read_needed(struct http_call *c, struct tp_err *err)
{
	if (is_guard(c))
		return guard_read(c, err);
	if (scope_parse(span_of(c->route->scopes), &c->needed, NULL) != TP_OK)
		return tp_fail(err, TP_INTERNAL, "the scopes of a route cannot be read");
	return TP_OK;
}

static enum tp_rc serve(struct http_call *c, struct tp_err *err)
{
	enum tp_rc rc;

	if (c->route == NULL)
		return tp_fail(err, TP_NO_ROUTE, "no such path");
	if ((c->route->methods & c->req->method) == 0)
		return tp_fail(err, TP_BAD_METHOD, "method not allowed");
	rc = read_needed(c, err);
	if (rc != TP_OK)
		return rc;
	if (is_guard(c) && guard_passes_preflight(c))
		return c->route->handler(c, err);
	if ((c->route->flags & ROUTE_SESSION) != 0)
		return serve_session(c, err);
	if ((c->route->flags & ROUTE_LOGIN) != 0 && !admit_is_safe(c->req->method)) {
		rc = cors_same_origin(c->site, c->req, false, err);
		if (rc != TP_OK)
			return rc;
	}
	return c->route->handler(c, err);
}

static void put_needed(const struct http_call *c, struct buf *out)
{
	if (c->needed.n == 0)
		return;
	buf_str(out, ", scope=\"");
	scope_join(&c->needed, out);
	buf_char(out, '"');
}

static void put_challenge(struct http_call *c, enum tp_rc rc)
{
	struct buf *out = &c->resp->headers;

	buf_str(out, "WWW-Authenticate: Bearer");
	if (rc == TP_FORBIDDEN) {
		buf_str(out, " error=\"insufficient_scope\"");
		put_needed(c, out);
	} else if (rc != TP_NO_CREDENTIAL) {
		buf_str(out, " error=\"invalid_token\"");
	}
	buf_str(out, "\r\n");
}

static unsigned allowed(const struct http_call *c)
{
	unsigned all = c->route->methods;

	for (size_t i = 0; i < c->n_routes; i++) {
		if (http_route_exists(c, &c->routes[i]) && http_route_same(&c->routes[i], c->route))
			all |= c->routes[i].methods;
	}
	return all;
}

static void put_allow(struct http_call *c)
{
	struct buf *out = &c->resp->headers;
	unsigned all = allowed(c);
	const char *sep = "Allow: ";

	for (size_t i = 0; i < TP_COUNT(methods); i++) {
		if ((all & methods[i].bit) == 0)
			continue;
		buf_str(out, sep);
		buf_str(out, methods[i].name);
		sep = ", ";
	}
	buf_str(out, "\r\n");
}

/* The one place where a failure becomes an answer. Nothing of what was built before is left. */
static void answer_error(struct http_call *c, enum tp_rc rc, const struct tp_err *err)
{
	const struct rc_info *info = rc_info(rc);
	const char *detail = info->detail != NULL ? info->detail : err->msg;

	response_clear(c->resp);
	response_json(c->resp, info->http);
	response_error_body(info->oauth, detail, &c->resp->body);
	if (info->http == 401 || rc == TP_FORBIDDEN)
		put_challenge(c, rc);
	if (rc == TP_BAD_METHOD && c->route != NULL)
		put_allow(c);
	response_retry(c->resp, err->retry_s);
}

/* Its level and word: a handler's own, unless the failure is the service's. */
static void settle_event(const struct http_resp *resp, struct http_event *e)
{
	if (resp->status >= 500) {
		e->level = LOG_LEVEL_ERR;
		e->word = "request.failed";
	} else if (resp->status >= 400 && e->word == NULL) {
		e->level = LOG_LEVEL_INFO;
		e->word = resp->status == 401 || resp->status == 403 ? "access.refused"
								     : "request.refused";
	}
}

static struct span or_absent(struct span s)
{
	return s.len > 0 ? s : (struct span){ NULL, 0 };
}

/* The request that the line is about: of a guard, the protected one, as far as it is known. A path
 * that cannot be judged is shown as it came, without its query. */
static void name_request(const struct http_call *c, struct span *ret_method, struct span *ret_path)
{
	const struct guarded *g = &c->guarded;
	struct span target = g->target;

	*ret_method = g->method_name.p != NULL ? g->method_name : c->req->method_name;
	*ret_path = g->path.p != NULL ? g->path : c->req->path;
	if (g->path.p == NULL && target.p != NULL)
		*ret_path = span_cut(&target, '?');
}

static void log_answer(const struct http_call *c, const struct tp_err *err)
{
	struct span method, path;
	struct span reason = span_of(c->resp->status >= 400 ? err->msg : "");
	struct http_event *e = &c->resp->event;

	settle_event(c->resp, e);
	if (e->word == NULL || !log_wants(e->level))
		return;
	name_request(c, &method, &path);
	log_event(e->level, e->word, LOG_SPAN("method", method), LOG_SPAN("path", path),
		  LOG_INT("status", c->resp->status),
		  LOG_SPAN("user", or_absent(buf_view(&e->user))),
		  LOG_SPAN("session", or_absent(span_of(e->session))),
		  LOG_SPAN("remote", c->req->remote_addr), LOG_SPAN("reason", or_absent(reason)));
}

/* The failure as the client gets to see it. */
static enum tp_rc visible(const struct http_call *c, enum tp_rc rc)
{
	return is_guard(c) ? guard_refusal(rc) : rc;
}

/* Who came to look at a page is shown the way in, where there is one. */
static void answer_failure(struct http_call *c, enum tp_rc rc, const struct tp_err *err)
{
	rc = visible(c, rc);
	if (rc_info(rc)->http != 401 || !login_redirect(c))
		answer_error(c, rc, err);
}

/* Fills resp for good or bad. A preflight is answered whatever the path, but not where it is
 * another application's. */
static void answer(struct http_call *c, enum tp_rc init_rc, struct tp_err *err)
{
	enum tp_rc rc = init_rc;

	if (c->route == NULL)
		c->route = find_route(c);
	if (rc == TP_OK && !is_guard(c) && cors_is_preflight(c->site, c->req)) {
		cors_preflight(c->site, c->req, c->resp);
		return;
	}
	if (rc == TP_OK)
		rc = serve(c, err);
	if (rc != TP_OK)
		answer_failure(c, rc, err);
	if (c->resp->bare)
		return;
	if (!response_has_header(c->resp, "Cache-Control")) /* what says so itself may be kept */
		response_header(c->resp, "Cache-Control", SPAN_LIT("no-store"));
	cors_headers(c->site, c->req, c->resp);
}

static void serve_call(struct http_call *c, char *const *envp, struct http_body body)
{
	struct tp_err err = { .rc = TP_OK };
	enum tp_rc rc;

	guarded_init(&c->guarded);
	response_reset(c->resp);
	store_begin(c->auth->store);
	rc = request_init(c->req, c->site, envp, body, &err);
	memcpy(c->resp->request_id, c->req->request_id, sizeof(c->resp->request_id));
	c->resp->no_body = c->req->method == HTTP_HEAD;
	log_request(span_of(c->req->request_id));
	answer(c, rc, &err);
	rc = response_rc(c->resp, &err);
	if (rc != TP_OK)
		response_replace(c->resp, visible(c, rc));
	log_answer(c, &err);
	guarded_release(&c->guarded);
	request_release(c->req);
	log_request((struct span){ NULL, 0 });
}

void http_serve(const struct http_site *site, const struct auth_ctx *auth,
		const struct route *routes, size_t n_routes, char *const *envp,
		struct http_body body, struct http_resp *resp)
{
	struct http_req req;
	struct http_call c = { .site = site, .auth = auth, .req = &req, .resp = resp };

	c.routes = routes;
	c.n_routes = n_routes;
	serve_call(&c, envp, body);
}

void http_serve_route(const struct http_site *site, const struct auth_ctx *auth,
		      const struct route *route, char *const *envp, struct http_body body,
		      struct http_resp *resp)
{
	struct http_req req;
	struct http_call c = {
		.site = site, .auth = auth, .req = &req, .resp = resp, .route = route
	};

	serve_call(&c, envp, body);
}

/* What another server did, that one logs. */
static void log_slide(const struct slide *s, bool here, enum tp_rc rc, const struct tp_err *err)
{
	/* clang-format off */
	static const struct {
		enum tp_rc rc;
		enum log_level level;
		const char *word;
	} words[] = {
		{ TP_OK,        LOG_LEVEL_INFO,   "slide.ok" },
		{ TP_EXISTS,    LOG_LEVEL_DEBUG,  "slide.restricted" },
		{ TP_THROTTLED, LOG_LEVEL_DEBUG,  "slide.put_off" },
		{ TP_NOT_FOUND, LOG_LEVEL_DEBUG,  "slide.gone" },
		{ TP_EXPIRED,   LOG_LEVEL_DEBUG,  "slide.gone" },
		{ TP_DENIED,    LOG_LEVEL_NOTICE, "slide.denied" },
	};
	/* clang-format on */
	enum log_level level = LOG_LEVEL_NOTICE;
	const char *word = "slide.failed";

	for (size_t i = 0; i < TP_COUNT(words); i++) {
		if (words[i].rc != rc)
			continue;
		level = words[i].level;
		word = words[i].word;
	}
	if (rc == TP_OK && !here) {
		level = LOG_LEVEL_DEBUG;
		word = "slide.asked";
	}
	log_event(level, word, LOG_SPAN("user", buf_view(&s->user)),
		  LOG_FP("session", secret_view(&s->handle)),
		  LOG_SPAN("reason", or_absent(span_of(rc == TP_OK ? "" : err->msg))));
}

void http_after(const struct auth_ctx *auth, struct http_resp *resp)
{
	struct span id = span_of(resp->request_id);
	struct tp_err err = { .rc = TP_OK };
	enum tp_rc rc;

	if (!slide_is_due(&resp->slide))
		return;
	log_request(id);
	rc = slide_session(auth, &resp->slide, id, &err);
	log_slide(&resp->slide, auth->rules->issues, rc, &err);
	log_request((struct span){ NULL, 0 });
	slide_reset(&resp->slide);
}
