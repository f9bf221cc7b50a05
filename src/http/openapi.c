/* SPDX-License-Identifier: MIT */
/*
 * Owns the document as a whole: its head, and what the settings decide of its components. It writes
 * as it goes; the only tree is that of openapi.json, which is small. The paths are openapi_route's.
 */
#include "http/openapi.h"

#include "http/openapi_route.h"

#include <assert.h>
#include <stdlib.h>

#include "base/banned.h"

enum { URL_MOST = 3 * LIMIT_PATH };

/* The bytes that a path has without any escape; "//" would be a host. */
static bool is_plain_path(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		char b = s.p[i];
		bool alnum =
			(b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || (b >= '0' && b <= '9');

		if (!alnum && (b == '\0' || strchr("/._~-", b) == NULL))
			return false;
	}
	return s.len == 0 || (s.p[0] == '/' && !span_starts(s, "//"));
}

/* path without `at`, which it ends in. */
static bool is_above(struct span path, struct span at, struct span *ret)
{
	if (at.len == 0 || path.len < at.len ||
	    memcmp(path.p + path.len - at.len, at.p, at.len) != 0)
		return false;
	*ret = (struct span){ path.p, path.len - at.len };
	return is_plain_path(*ret);
}

/* What the request's path has before the route's: where the web server mounts us. It is looked for
 * in what the client asked for first, since a server that rewrites paths hands over its own. */
static struct span mount_of(const struct http_call *c)
{
	struct span uri = c->req->uri, mount = c->site->root_path;

	if (mount.len > 0)
		return mount;
	if (uri.p != NULL && is_above(span_cut(&uri, '?'), c->at, &mount))
		return mount;
	return is_above(c->req->path, c->at, &mount) ? mount : (struct span){ NULL, 0 };
}

/* What stands before each path: the origin, if one is set, and the mount. */
static void put_server(const struct http_call *c, struct buf *out)
{
	const struct origin *o = &c->site->public_origin;

	if (c->site->has_public_origin) {
		buf_str(out, o->https ? "https://" : "http://");
		buf_span(out, o->host);
		if (o->has_port) {
			buf_char(out, ':');
			buf_int(out, o->port);
		}
	}
	buf_span(out, mount_of(c));
}

static void put_info(const struct http_site *site, struct buf *out)
{
	openapi_name(out, "info");
	buf_char(out, '{');
	openapi_text(out, "title", site->title);
	openapi_text(out, "version", site->version);
	if (site->description.len > 0)
		openapi_text(out, "description", site->description);
	buf_char(out, '}');
}

static void put_servers(struct span server, struct buf *out)
{
	if (server.len == 0)
		return;
	openapi_name(out, "servers");
	buf_str(out, "[{");
	openapi_text(out, "url", server);
	buf_str(out, "}]");
}

static enum tp_rc put_member(void *arg, const char *key, const struct jval *v, struct tp_err *err)
{
	(void)err;
	openapi_copy(arg, key, v);
	return TP_OK;
}

/* Scopes of all routes: more than a session may have. */
struct scope_list {
	struct span *v;
	size_t n;
};

static void scope_list_release(struct scope_list *l)
{
	free(l->v);
}

/* What the routes need and the catalogue does not tell, perhaps several times. */
static enum tp_rc gather_scopes(const struct http_call *c, struct scope_list *l, struct tp_err *err)
{
	const struct auth_rules *rules = c->auth->rules;
	struct scope_set needed;
	struct span *more;
	enum tp_rc rc;

	for (size_t i = 0; i < c->n_routes; i++) {
		rc = openapi_scopes(c, &c->routes[i], &needed, err);
		if (rc != TP_OK)
			return rc;
		more = realloc(l->v, (l->n + needed.n + 1) * sizeof(*more));
		if (more == NULL)
			return tp_fail(err, TP_NOMEM, "out of memory");
		l->v = more;
		for (size_t k = 0; k < needed.n; k++) {
			if (!rules->has_catalogue || !scope_has(&rules->catalogue, needed.v[k]))
				l->v[l->n++] = needed.v[k];
		}
	}
	return TP_OK;
}

static int by_bytes(const void *a, const void *b)
{
	return span_order(*(const struct span *)a, *(const struct span *)b);
}

/* What routes need beyond the catalogue has no description, but each scope that is named in the
 * document has to be here. */
static enum tp_rc put_scopes(const struct http_call *c, struct buf *out, struct tp_err *err)
{
	TP_CLEANUP(scope_list_release) struct scope_list l = { 0 };
	enum tp_rc rc = jval_each(c->site->scopes, put_member, out, err);

	if (rc == TP_OK)
		rc = gather_scopes(c, &l, err);
	if (rc != TP_OK || l.n == 0)
		return rc;
	qsort(l.v, l.n, sizeof(*l.v), by_bytes);
	for (size_t i = 0; i < l.n; i++) {
		if (i > 0 && span_eq(l.v[i], l.v[i - 1]))
			continue;
		openapi_name_span(out, l.v[i]);
		buf_str(out, "\"\"");
	}
	return TP_OK;
}

/* RFC 6749 4.3: the tokenUrl with what stands before each path, since programs do not agree on
 * what a relative one is relative to. */
static enum tp_rc put_oauth2(const struct openapi *d, struct buf *out, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf url = BUF_INIT(URL_MOST);
	enum tp_rc rc;

	buf_span(&url, d->server);
	buf_span(&url, d->call->site->path[HTTP_PATH_TOKEN]);
	openapi_name(out, "oauth2");
	buf_str(out, "{\"type\":\"oauth2\",\"flows\":{\"password\":{");
	openapi_text(out, "tokenUrl", buf_view(&url));
	openapi_name(out, "scopes");
	buf_char(out, '{');
	rc = put_scopes(d->call, out, err);
	buf_str(out, "}}}}");
	return rc == TP_OK ? buf_rc(&url, "the address of a login", err) : rc;
}

static void put_bearer(const struct http_call *c, struct buf *out)
{
	openapi_name(out, "bearer");
	buf_char(out, '{');
	openapi_text(out, "type", SPAN_LIT("http"));
	openapi_text(out, "scheme", SPAN_LIT("bearer"));
	if (c->auth->rules->bearer_is_jwt)
		openapi_text(out, "bearerFormat", SPAN_LIT("JWT"));
	buf_char(out, '}');
}

static enum tp_rc put_cookie(const struct http_call *c, const char *scheme, const char *cookie,
			     struct buf *out, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf name = BUF_INIT(LIMIT_COOKIE);

	buf_span(&name, c->site->cookies.prefix);
	buf_str(&name, cookie);
	openapi_name(out, scheme);
	buf_char(out, '{');
	openapi_text(out, "type", SPAN_LIT("apiKey"));
	openapi_text(out, "in", SPAN_LIT("cookie"));
	openapi_text(out, "name", buf_view(&name));
	buf_char(out, '}');
	return buf_rc(&name, "the name of a cookie", err);
}

static enum tp_rc put_security(const struct openapi *d, struct buf *out, struct tp_err *err)
{
	const struct http_call *c = d->call;
	enum tp_rc rc;

	openapi_name(out, "securitySchemes");
	buf_char(out, '{');
	put_bearer(c, out);
	rc = put_cookie(c, "session_cookie", "access_token", out, err);
	if (rc == TP_OK)
		rc = put_cookie(c, "user_cookie", "user_id", out, err);
	if (rc == TP_OK && openapi_has_login(c))
		rc = put_oauth2(d, out, err);
	buf_char(out, '}');
	return rc;
}

static bool has_application(const struct http_call *c)
{
	for (size_t i = 0; i < c->n_routes; i++) {
		if (c->routes[i].path_template != NULL)
			return true;
	}
	return false;
}

static void put_tags(const struct openapi *d, struct buf *out)
{
	const struct jval *tags = jval_get(d->parts, "tags");
	bool application = has_application(d->call);
	const char *sep = "[";
	struct span name;

	openapi_name(out, "tags");
	for (size_t i = 0; i < jval_count(tags); i++) {
		const struct jval *tag = jval_at(tags, i);

		if (jval_str(jval_get(tag, "name"), &name) && span_is(name, "application") &&
		    !application)
			continue;
		buf_str(out, sep);
		jval_write(tag, out);
		sep = ",";
	}
	buf_char(out, ']');
}

static enum tp_rc put_document(const struct openapi *d, struct buf *out, struct tp_err *err)
{
	enum tp_rc rc;

	buf_char(out, '{');
	openapi_text(out, "openapi", SPAN_LIT("3.1.0"));
	put_info(d->call->site, out);
	put_servers(d->server, out);
	put_tags(d, out);
	rc = openapi_paths(d, out, err);
	openapi_name(out, "components");
	buf_char(out, '{');
	if (rc == TP_OK)
		rc = jval_each(jval_get(d->parts, "components"), put_member, out, err);
	if (rc == TP_OK)
		rc = put_security(d, out, err);
	buf_str(out, "}}");
	return rc;
}

enum tp_rc openapi_write(const struct http_call *c, struct buf *out, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf server = BUF_INIT(URL_MOST);
	TP_CLEANUP(jval_cleanup) struct jval *parts = NULL;
	struct openapi d = { .call = c };
	enum tp_rc rc;

	rc = jval_parse(span_of(openapi_parts), &parts, err);
	assert(rc == TP_OK || rc == TP_NOMEM);
	if (rc != TP_OK)
		return rc;
	put_server(c, &server);
	rc = buf_rc(&server, "the address of the service", err);
	if (rc != TP_OK)
		return rc;
	d.parts = parts;
	d.server = buf_view(&server);
	return put_document(&d, out, err);
}
