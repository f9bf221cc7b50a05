/* SPDX-License-Identifier: MIT */
/*
 * Owns the rules for an application's routes. Whatever would make one of them unreachable without a
 * word is refused, since its author would find out by a hole.
 */
#include "http/route_check.h"

#include "http/route_path.h"

#include "base/banned.h"

static enum tp_rc check_before(const struct route *r, const struct route *before,
			       struct tp_err *err)
{
	if (!route_path_same(r->path_template, before->path_template))
		return TP_OK;
	if ((r->methods & before->methods) != 0)
		return tp_fail(err, TP_INVALID, "there is one of this method and path already");
	if (strcmp(r->path_template, before->path_template) != 0)
		return tp_fail(err, TP_INVALID,
			       "its parameters have other names in %.60s, which is the same path",
			       before->path_template);
	return TP_OK;
}

enum tp_rc route_check_one(const struct route *r, const struct route *before, size_t n,
			   struct tp_err *err)
{
	struct scope_set needed;
	enum tp_rc rc;

	if (r->methods == 0)
		return tp_fail(err, TP_INVALID,
			       "its method is none of GET, POST, PUT, PATCH and DELETE");
	if (r->handler == NULL)
		return tp_fail(err, TP_INVALID, "it has no handler");
	if (r->path_template == NULL)
		return tp_fail(err, TP_INVALID, "it has no path");
	rc = route_path_check(r->path_template, err);
	if (rc == TP_OK && scope_parse(span_of(r->scopes), &needed, NULL) != TP_OK)
		rc = tp_fail(err, TP_INVALID, "its scopes are not ones, separated by blanks");
	for (size_t i = 0; i < n && rc == TP_OK; i++)
		rc = check_before(r, &before[i], err);
	return rc;
}

/* Whether a built-in endpoint has that path: its own, or the one of what is one segment below. */
static bool is_taken(const struct http_site *site, const struct route *builtin, const char *path)
{
	struct span at = site->path[builtin->path], own = span_of(path);

	if (at.len == 0)
		return false;
	if ((builtin->flags & ROUTE_BELOW) == 0)
		return span_eq(own, at);
	return own.len > at.len + 1 && memcmp(own.p, at.p, at.len) == 0 && own.p[at.len] == '/' &&
	       !span_has_byte((struct span){ own.p + at.len + 1, own.len - at.len - 1 }, '/');
}

enum tp_rc route_check(const struct http_site *site, const struct route *own, size_t n,
		       struct tp_err *err)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < http_n_routes; k++) {
			if (is_taken(site, &http_routes[k], own[i].path_template))
				return tp_fail(err, TP_INVALID,
					       "route %.90s: a built-in endpoint has this path",
					       own[i].path_template);
		}
	}
	return TP_OK;
}
