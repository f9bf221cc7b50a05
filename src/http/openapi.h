/* SPDX-License-Identifier: MIT */
/*
 * The description of what is served here, as an OpenAPI 3.1 document. It walks the routes that the
 * router finds the request's among, an application's own included, so that it has what is served
 * and nothing else; HEAD, which comes with each GET, has no entry of its own (RFC 9110 9.3.2). What
 * the route table does not say, openapi.json says by the names of the settings: forms, answers,
 * examples.
 *
 * Addresses in it are PUBLIC_URL and ROOT_PATH; what is not set is left to the address that the
 * document was asked for at.
 */
#ifndef HTTP_OPENAPI_H
#define HTTP_OPENAPI_H

#include "http/router.h"

/* openapi.json; NUL-terminated. */
extern const char openapi_parts[];

/* Appends the document to out, whose failure is the buffer's. TP_NOMEM; TP_INTERNAL: the scopes of
 * a route cannot be read. */
enum tp_rc openapi_write(const struct http_call *c, struct buf *out, struct tp_err *err) TP_MUSTUSE;

#endif
