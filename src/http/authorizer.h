/* SPDX-License-Identifier: MIT */
/*
 * The authorizer role of FastCGI (FastCGI specification 6.3): a web server asks about a request
 * before it serves it by other means. Permission is "Status: 200" and the identity as variables of
 * the protected application (Variable-REMOTE_USER, Variable-TPAUTH_...); every other answer is sent
 * to the client in its place.
 */
#ifndef HTTP_AUTHORIZER_H
#define HTTP_AUTHORIZER_H

#include "http/response.h"
#include "http/router.h"

/* As http_serve(), for a request in that role. It has no body that could be read: some servers
 * never end it. */
void authorizer_serve(const struct http_site *site, const struct auth_ctx *auth, char *const *envp,
		      struct http_resp *resp);

#endif
