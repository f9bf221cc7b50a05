/* SPDX-License-Identifier: MIT */
/* The entries of an OpenAPI document's paths; a part of http/openapi, which makes the rest. */
#ifndef HTTP_OPENAPI_ROUTE_H
#define HTTP_OPENAPI_ROUTE_H

#include "http/router.h"

/* What a document is made from. */
struct openapi {
	const struct http_call *call;
	const struct jval *parts; /* openapi.json */
	struct span server;	  /* what stands before each path; len 0: nothing */
};

/* Starts a member of the object that is being written. */
void openapi_name(struct buf *out, const char *name);
void openapi_name_span(struct buf *out, struct span name);
/* A member that is a string. */
void openapi_text(struct buf *out, const char *name, struct span value);
/* A member that is copied; none where there is no such value. */
void openapi_copy(struct buf *out, const char *name, const struct jval *value);

/* Sessions come from here, and so there is the flow of OAuth 2 that opens one. */
bool openapi_has_login(const struct http_call *c);

/* The scopes that the route needs; TP_INTERNAL: they cannot be read. */
enum tp_rc openapi_scopes(const struct http_call *c, const struct route *r, struct scope_set *ret,
			  struct tp_err *err) TP_MUSTUSE;

/* The object `paths`: an entry for each path that the router finds. */
enum tp_rc openapi_paths(const struct openapi *d, struct buf *out, struct tp_err *err) TP_MUSTUSE;

#endif
