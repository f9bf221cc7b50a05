/* SPDX-License-Identifier: MIT */
/*
 * Owns the way from a request to what a program may see of it, and the list of headers that are not
 * a program's to set. What is asked for is read then, and not before.
 */
#include "http/edge.h"

#include "base/banned.h"

/* What it sees --------------------------------------------------------------------------------- */

static struct span see_header(void *arg, struct span name)
{
	const struct edge *e = arg;

	return request_header(e->call->req, name);
}

static struct span query_of(const struct http_call *c)
{
	struct span target = c->guarded.target;

	if (target.p == NULL)
		return c->req->query;
	(void)span_cut(&target, '?');
	return target;
}

static struct span see_query(void *arg, const char *name)
{
	struct edge *e = arg;
	struct span query;

	if (e->query_read == EDGE_UNREAD) {
		query = query_of(e->call);
		e->query_read = query.p != NULL && form_parse_query(query, &e->query, NULL) == TP_OK
					? EDGE_READ
					: EDGE_UNREADABLE;
	}
	return e->query_read == EDGE_READ ? form_get(&e->query, name) : (struct span){ NULL, 0 };
}

static struct span see_form(void *arg, const char *name)
{
	struct edge *e = arg;

	if (e->given != NULL)
		return form_get(e->given, name);
	if (e->form_read == EDGE_UNREAD)
		e->form_read = request_form(e->call->req, &e->form, NULL) == TP_OK
				       ? EDGE_READ
				       : EDGE_UNREADABLE;
	return e->form_read == EDGE_READ ? form_get(&e->form, name) : (struct span){ NULL, 0 };
}

static struct span see_body(void *arg)
{
	const struct edge *e = arg;
	struct http_req *r = e->call->req;

	if (request_body(r, NULL) != TP_OK || r->body.len == 0)
		return (struct span){ NULL, 0 };
	return buf_view(&r->body);
}

/* What it adds --------------------------------------------------------------------------------- */

static bool is_token(struct span s)
{
	static const char more[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];

		if ((c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') &&
		    memchr(more, c, sizeof(more) - 1) == NULL)
			return false;
	}
	return s.len > 0;
}

/* As servers fold names to those of variables: nginx finds X_Auth_User by the name of X-Auth-User.
 */
static char folded(char c)
{
	if (c == '_')
		return '-';
	return str_lower(c);
}

/* A rule that ends in '*' stands for all names that begin so. */
static bool matches(struct span name, const char *rule)
{
	size_t n = strlen(rule);
	bool open = rule[n - 1] == '*';

	if (open)
		n--;
	if (name.len < n || (!open && name.len > n))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (folded(name.p[i]) != folded(rule[i]))
			return false;
	}
	return true;
}

static bool is_ours(enum edge_kind kind, struct span name)
{
	/* clang-format off */
	static const struct {
		const char *name;
		bool from_hooks; /* refused from a hook alone */
	} rules[] = {
		/* the answer's own: RFC 3875 6.3, RFC 9110 7.6.1 */
		{ "Status", false }, { "Content-Length", false }, { "Content-Type", false },
		{ "Connection", false }, { "Keep-Alive", false }, { "Proxy-*", false },
		{ "TE", false }, { "Trailer", false }, { "Transfer-Encoding", false },
		{ "Upgrade", false }, { "HTTP*", false },
		/* ours to set */
		{ "X-Request-ID", false }, { "Access-Control-*", false },
		{ "X-Auth-*", false }, { "Variable-REMOTE_*", false },
		{ "Variable-TPAUTH_*", false }, { "Variable-HTTP_*", false },
		/* a server follows the one by itself; the other is no-store */
		{ "Location", true }, { "Cache-Control", true },
	};
	/* clang-format on */

	for (size_t i = 0; i < TP_COUNT(rules); i++) {
		if ((!rules[i].from_hooks || kind == EDGE_HOOK) && matches(name, rules[i].name))
			return true;
	}
	return false;
}

/* Behind the prefix; browsers send a cookie without a name as whatever stands in it. */
static bool is_session_cookie(const struct edge *e, struct span value)
{
	struct span prefix = e->call->site->cookies.prefix, rest = span_cut(&value, ';');
	struct span name = span_trim(span_cut(&rest, '='));

	if (rest.p == NULL || name.len == 0)
		return true;
	if (name.len < prefix.len || memcmp(name.p, prefix.p, prefix.len) != 0)
		return false;
	name = (struct span){ name.p + prefix.len, name.len - prefix.len };
	return span_is_nocase(name, "user_id") || span_is_nocase(name, "access_token");
}

enum tp_rc edge_header_ok(const struct edge *e, const char *name, struct span value,
			  struct tp_err *err)
{
	if (!is_token(span_of(name)))
		return tp_fail(err, TP_INTERNAL, "a header was added whose name is none");
	if (is_ours(e->kind, span_of(name)))
		return tp_fail(err, TP_INTERNAL, "the header %.60s was added, which is ours to set",
			       name);
	if (span_has_control(value))
		return tp_fail(err, TP_INTERNAL,
			       "the header %.60s was added with a control character in it", name);
	if (span_is_nocase(span_of(name), "Set-Cookie") && is_session_cookie(e, value))
		return tp_fail(err, TP_INTERNAL,
			       "a cookie was added with the name of the session's, or without one");
	return TP_OK;
}

static enum tp_rc add_header(void *arg, const char *name, struct span value, struct tp_err *err)
{
	struct edge *e = arg;
	enum tp_rc rc = edge_header_ok(e, name, value, err);

	if (rc == TP_OK)
		response_header(e->call->resp, name, value);
	return rc;
}

/* All of it ------------------------------------------------------------------------------------ */

void edge_init(struct edge *e, struct http_call *c, enum edge_kind kind, const struct form *form)
{
	bool guards = c->route != NULL && (c->route->flags & ROUTE_GUARD) != 0;

	*e = (struct edge){
		.base = { .method = guards ? c->guarded.method_name : c->req->method_name,
			  .path = guards ? c->guarded.path : c->at,
			  .remote_addr = c->req->remote_addr,
			  .request_id = span_of(c->req->request_id),
			  .arg = e,
			  .header = see_header,
			  .query = see_query,
			  .form = guards ? NULL : see_form,
			  .body = guards ? NULL : see_body,
			  .add_header = add_header },
		.call = c,
		.kind = kind,
		.given = form,
	};
}

void edge_release(struct edge *e)
{
	form_release(&e->form);
	form_release(&e->query);
}
