/* SPDX-License-Identifier: MIT */
/*
 * Owns the decision about requests to protected applications, as far as it differs from that about
 * our own endpoints: which request is meant, which scopes it needs, and how the identity goes on.
 * Sessions, scopes and origins are judged by the router as for every other route.
 */
#include "http/guard.h"

#include "auth/session.h"
#include "http/path.h"
#include "http/router.h"
#include "http/scope_rules.h"

#include "base/banned.h"

void guarded_init(struct guarded *g)
{
	*g = (struct guarded){ .method = HTTP_OTHER, .hold = BUF_INIT(LIMIT_URI_PATH) };
}

void guarded_release(struct guarded *g)
{
	buf_release(&g->hold);
}

/* Which request ------------------------------------------------------------------------------- */

static enum tp_rc read_path(struct guarded *g, struct span target, struct tp_err *err)
{
	enum tp_rc rc;

	if (target.p == NULL)
		return TP_OK;
	buf_reset(&g->hold);
	g->target = target;
	rc = path_read(target, &g->hold, &g->ambiguous, err);
	g->path = rc == TP_OK ? buf_view(&g->hold) : (struct span){ NULL, 0 };
	return rc;
}

static bool is_path_of(struct span path, struct span root, struct span endpoint)
{
	return path.len == root.len + endpoint.len && endpoint.len > 0 &&
	       span_eq((struct span){ path.p, root.len }, root) &&
	       span_eq((struct span){ path.p + root.len, endpoint.len }, endpoint);
}

/* AUTH_URL itself was asked for, and no web server put the protected path in its place. */
static bool names_itself(const struct http_call *c)
{
	static const struct span nowhere = { "", 0 };
	struct span endpoint = c->site->path[HTTP_PATH_AUTH], path = c->guarded.path;

	return path.p == NULL || span_eq(path, c->req->path) ||
	       is_path_of(path, nowhere, endpoint) ||
	       is_path_of(path, c->site->root_path, endpoint);
}

/* Traefik and Caddy ask like this. */
static enum tp_rc read_forwarded(struct http_call *c, struct tp_err *err)
{
	struct http_req *r = c->req;

	c->guarded.path = (struct span){ NULL, 0 };
	c->guarded.target = (struct span){ NULL, 0 };
	if (!r->from_proxy || r->tpauth_method.p != NULL)
		return TP_OK;
	c->guarded.method_name = r->forwarded_method;
	if (r->forwarded_host.p != NULL)
		r->host = r->forwarded_host;
	return read_path(&c->guarded, r->forwarded_uri, err);
}

static enum tp_rc read_request(struct http_call *c, struct tp_err *err)
{
	struct guarded *g = &c->guarded;
	enum tp_rc rc = read_path(g, c->req->uri, err);

	g->method_name =
		(c->route->flags & ROUTE_ROLE) != 0 ? c->req->method_name : c->req->tpauth_method;
	if (rc == TP_OK && (c->route->flags & ROUTE_ROLE) == 0 && names_itself(c))
		rc = read_forwarded(c, err);
	if (rc == TP_OK)
		g->method = request_method(g->method_name);
	return rc;
}

/* Which scopes -------------------------------------------------------------------------------- */

static enum tp_rc add_rules(struct http_call *c, struct tp_err *err)
{
	const struct guarded *g = &c->guarded;
	struct scope_request q = { g->path, g->ambiguous, g->method_name };

	if (c->site->scope_rules == NULL)
		return TP_OK;
	if (g->path.p == NULL)
		return tp_fail(err, TP_FORBIDDEN,
			       "SCOPE_RULES is set, and the web server does not tell the path of "
			       "the protected request");
	return scope_rules_add(c->site->scope_rules, &q, &c->needed, err);
}

static enum tp_rc add_needed(struct http_call *c, struct tp_err *err)
{
	struct scope_set some;

	c->needed = c->site->required_scopes;
	if (scope_parse(c->req->tpauth_scopes, &some, NULL) != TP_OK ||
	    scope_unite(&c->needed, &some, NULL) != TP_OK)
		return tp_fail(err, TP_UNAVAILABLE, "TPAUTH_REQUIRE_SCOPES cannot be read");
	return add_rules(c, err);
}

enum tp_rc guard_read(struct http_call *c, struct tp_err *err)
{
	enum tp_rc rc = read_request(c, err);

	return rc == TP_OK ? add_needed(c, err) : rc;
}

bool guard_passes_preflight(const struct http_call *c)
{
	return !c->site->preflight_checked && c->guarded.method == HTTP_OPTIONS &&
	       c->req->origin.p != NULL && c->req->cors_method.p != NULL;
}

enum tp_rc guard_refusal(enum tp_rc rc)
{
	int status = rc_info(rc)->http;

	if (status == 401 || status == 403 || status == 503)
		return rc;
	return status >= 500 || status == 429 ? TP_UNAVAILABLE : TP_DENIED;
}

/* Whose identity ------------------------------------------------------------------------------ */

static bool can_pass(struct span value)
{
	struct span trimmed = span_trim(value);

	return trimmed.len == value.len && !span_has_control(value);
}

static enum tp_rc put_value(struct http_call *c, const char *name, struct span value,
			    struct tp_err *err)
{
	if (name == NULL || value.len == 0)
		return TP_OK;
	if (!can_pass(value))
		return tp_fail(err, TP_UNAVAILABLE,
			       "the value for %s cannot be handed on: a control character, or a "
			       "blank at an end",
			       name);
	response_header(c->resp, name, value);
	return TP_OK;
}

static enum tp_rc put_scopes(struct http_call *c, const char *name, const struct token *t,
			     struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(LIMIT_JWT);
	struct scope_set scopes;
	enum tp_rc rc = scope_from_claim(t->scopes, &scopes, err);

	if (rc != TP_OK)
		return rc;
	scope_join(&scopes, &text);
	rc = buf_rc(&text, "the scopes", err);
	return rc == TP_OK ? put_value(c, name, buf_view(&text), err) : rc;
}

static enum tp_rc put_claims(struct http_call *c, const struct guard_names *names,
			     const struct access *x, struct tp_err *err)
{
	const struct token *t = x->token;
	enum tp_rc rc = put_value(c, names->remote_user, t->user_id, err);

	if (rc == TP_OK)
		rc = put_value(c, names->user_id, t->user_id, err);
	if (rc == TP_OK)
		rc = put_value(c, names->username, access_text(x, t->username, "username"), err);
	if (rc == TP_OK)
		rc = put_value(c, names->email, access_text(x, t->email, "email"), err);
	return rc == TP_OK ? put_scopes(c, names->scopes, t, err) : rc;
}

/* The stored JWT, and all of the identity from that one: it may have been signed anew since. */
static enum tp_rc put_with_jwt(struct http_call *c, const struct guard_names *names,
			       struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf user = BUF_INIT(LIMIT_USER_ID);
	TP_CLEANUP(secret_release) struct secret jwt = { 0 };
	struct access now = *c->access;
	enum tp_rc rc;

	buf_span(&user, now.token->user_id); /* the token is gone after the next one */
	rc = buf_rc(&user, "the user", err);
	if (rc == TP_OK)
		rc = session_find_jwt(c->auth, buf_view(&user), secret_view(&now.handle), &jwt,
				      &now.token, err);
	if (rc == TP_OK)
		rc = access_require(&now, &c->needed, err);
	if (rc == TP_OK && jwt.len > LIMIT_JWT_PASSED)
		rc = tp_fail(err, TP_UNAVAILABLE,
			     "AUTHORIZER_PASS_JWT: the JWT has more than %d bytes",
			     LIMIT_JWT_PASSED);
	if (rc == TP_OK)
		rc = put_claims(c, names, &now, err);
	return rc == TP_OK ? put_value(c, names->jwt, secret_view(&jwt), err) : rc;
}

enum tp_rc guard_permit(struct http_call *c, const struct guard_names *names, struct tp_err *err)
{
	response_event(c->resp, LOG_LEVEL_DEBUG, "access.ok", c->access->token->user_id,
		       secret_view(&c->access->handle));
	c->resp->status = 200;
	return names->jwt != NULL ? put_with_jwt(c, names, err)
				  : put_claims(c, names, c->access, err);
}
