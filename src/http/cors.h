/* SPDX-License-Identifier: MIT */
/* Cross-origin rules: who may read answers (CORS, the Fetch standard), and who may change state
 * (CSRF). */
#ifndef HTTP_CORS_H
#define HTTP_CORS_H

#include "http/request.h"
#include "http/response.h"
#include "http/site.h"

/* Adds "Vary: Origin" and, for an origin that matches, the Access-Control-* lines. */
void cors_headers(const struct http_site *site, const struct http_req *r, struct http_resp *resp);

/* OPTIONS with Origin and Access-Control-Request-Method, where CORS is on. */
bool cors_is_preflight(const struct http_site *site, const struct http_req *r);

/*
 * The answer: 204 with the rules, or 400 without them, whatever the path. Where CORS_ALLOW_HEADERS
 * has "*", the headers that were asked for are echoed, with and without credentials: a literal "*"
 * would leave Authorization out. Else they are listed after those that Fetch always allows.
 */
void cors_preflight(const struct http_site *site, const struct http_req *r, struct http_resp *resp);

/*
 * TP_ORIGIN when the request comes from a foreign site: Origin present and neither own nor in
 * CORS_URLS ("null" is foreign), or absent while Sec-Fetch-Site is cross-site or same-site. Own is
 * PUBLIC_URL if set, else the Host. For a request that changes state and that cookies could have
 * authenticated. by_cookies: they did; then the pattern "*" does not count, as it never goes with
 * credentials.
 */
enum tp_rc cors_same_origin(const struct http_site *site, const struct http_req *r, bool by_cookies,
			    struct tp_err *err) TP_MUSTUSE;

#endif
