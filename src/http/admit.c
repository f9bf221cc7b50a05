/* SPDX-License-Identifier: MIT */
/* Owns the two conditions that stand between a proved session and what it asks for, for the router
 * and for who serves no routes. */
#include "http/admit.h"

#include "http/cors.h"

#include "base/banned.h"

bool admit_is_safe(enum http_method method)
{
	return method == HTTP_GET || method == HTTP_HEAD || method == HTTP_OPTIONS;
}

enum tp_rc admit_session(const struct http_req *r, enum http_method method, const struct access *x,
			 const struct scope_set *needed, struct tp_err *err)
{
	if (x->by == ACCESS_COOKIE && !admit_is_safe(method)) {
		enum tp_rc rc = cors_same_origin(r->site, r, true, err);

		if (rc != TP_OK)
			return rc;
	}
	return access_require(x, needed, err);
}
