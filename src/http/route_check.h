/* SPDX-License-Identifier: MIT */
/* What must hold of an application's routes before a request is served. */
#ifndef HTTP_ROUTE_CHECK_H
#define HTTP_ROUTE_CHECK_H

#include "http/router.h"

/*
 * One route of its own: its path, its scopes, and that it has methods, a handler and a path. n
 * routes before it: none is at the same path with one of its methods, or calls a parameter of that
 * path otherwise. TP_INVALID, TP_BAD_SCOPE; the message does not name the route.
 */
enum tp_rc route_check_one(const struct route *r, const struct route *before, size_t n,
			   struct tp_err *err) TP_MUSTUSE;

/* That none is where the site has a built-in endpoint, which would go first. TP_INVALID names the
 * path. */
enum tp_rc route_check(const struct http_site *site, const struct route *own, size_t n,
		       struct tp_err *err) TP_MUSTUSE;

#endif
