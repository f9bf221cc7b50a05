/* SPDX-License-Identifier: MIT */
/*
 * Owns the table of the built-in endpoints. A new one is a row here, a path in http/site and a file
 * h_<name>.c.
 */
#include "http/router.h"

#include "base/banned.h"

/* clang-format off */
const struct route http_routes[] = {
	{ .path = HTTP_PATH_TOKEN, .methods = HTTP_POST, .flags = ROUTE_ISSUER | ROUTE_LOGIN,
	  .handler = h_token, .summary = "Log in with name and password" },
	{ .path = HTTP_PATH_REFRESH, .methods = HTTP_POST, .flags = ROUTE_ISSUER | ROUTE_SESSION,
	  .handler = h_refresh, .summary = "Slide the session on" },
	{ .path = HTTP_PATH_USERINFO, .methods = HTTP_GET | HTTP_HEAD | HTTP_POST, .flags = ROUTE_SESSION | ROUTE_SLIDES,
	  .handler = h_userinfo, .summary = "The claims of the current user" },
	{ .path = HTTP_PATH_LOGOUT, .methods = HTTP_POST, .flags = ROUTE_SESSION | ROUTE_PARTS,
	  .handler = h_logout, .summary = "End the session, or all of the user's" },
	{ .path = HTTP_PATH_SESSIONS, .methods = HTTP_GET | HTTP_HEAD | HTTP_DELETE, .flags = ROUTE_SESSION,
	  .handler = h_sessions, .summary = "The user's own sessions; DELETE ends all but the one that asks" },
	{ .path = HTTP_PATH_SESSIONS, .methods = HTTP_DELETE, .flags = ROUTE_SESSION | ROUTE_BELOW,
	  .handler = h_session, .summary = "End one of the user's own sessions" },
	{ .path = HTTP_PATH_LOGIN_PAGE, .methods = HTTP_GET | HTTP_HEAD | HTTP_POST, .flags = ROUTE_ISSUER | ROUTE_LOGIN,
	  .handler = h_login, .summary = "Log in and out by a page" },
	{ .path = HTTP_PATH_HEALTH, .methods = HTTP_GET | HTTP_HEAD,
	  .handler = h_health, .summary = "Whether the service and its store answer" },
	{ .path = HTTP_PATH_AUTH, .methods = HTTP_ANY, .flags = ROUTE_SESSION | ROUTE_GUARD | ROUTE_SLIDES,
	  .handler = h_auth, .summary = "Whether a request to a protected application may pass" },
	{ .path = HTTP_PATH_OPENAPI, .methods = HTTP_GET | HTTP_HEAD,
	  .handler = h_openapi, .summary = "This document" },
	{ .path = HTTP_PATH_DOCS, .methods = HTTP_GET | HTTP_HEAD,
	  .handler = h_docs, .summary = "This document in Swagger UI" },
	{ .path = HTTP_PATH_DOCS, .methods = HTTP_GET | HTTP_HEAD, .flags = ROUTE_BELOW,
	  .handler = h_docs_file, .summary = "A file of Swagger UI" },
	{ .path = HTTP_PATH_REDOC, .methods = HTTP_GET | HTTP_HEAD,
	  .handler = h_docs, .summary = "This document in ReDoc" },
	{ .path = HTTP_PATH_REDOC, .methods = HTTP_GET | HTTP_HEAD, .flags = ROUTE_BELOW,
	  .handler = h_docs_file, .summary = "A file of ReDoc" },
};
/* clang-format on */

const size_t http_n_routes = TP_COUNT(http_routes);
