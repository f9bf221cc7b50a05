/* SPDX-License-Identifier: MIT */
/* What a proved session must have besides, for whatever it wants to do. */
#ifndef HTTP_ADMIT_H
#define HTTP_ADMIT_H

#include "http/request.h"

/* RFC 9110 9.2.1: GET, HEAD and OPTIONS. */
bool admit_is_safe(enum http_method method);

/*
 * TP_ORIGIN: cookies proved it, the method is not safe, and a foreign origin asks (cors.h).
 * TP_FORBIDDEN: it lacks a scope of needed. method: of the request that is decided about, which
 * need not be r's.
 */
enum tp_rc admit_session(const struct http_req *r, enum http_method method, const struct access *x,
			 const struct scope_set *needed, struct tp_err *err) TP_MUSTUSE;

#endif
