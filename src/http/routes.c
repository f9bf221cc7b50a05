/* SPDX-License-Identifier: MIT */
/*
 * Owns the table of the built-in endpoints. A new one is a row here, a path in http/site and a file
 * h_<name>.c.
 */
#include "http/router.h"

#include "base/banned.h"

/* clang-format off */
const struct route http_routes[] = {
	{ HTTP_PATH_TOKEN, HTTP_POST, ROUTE_ISSUER | ROUTE_LOGIN, NULL, h_token,
	  "Log in with name and password" },
	{ HTTP_PATH_REFRESH, HTTP_POST, ROUTE_ISSUER | ROUTE_SESSION, NULL, h_refresh,
	  "Slide the session on" },
	{ HTTP_PATH_USERINFO, HTTP_GET | HTTP_HEAD | HTTP_POST, ROUTE_SESSION | ROUTE_SLIDES, NULL,
	  h_userinfo, "The claims of the current user" },
	{ HTTP_PATH_LOGOUT, HTTP_POST, ROUTE_SESSION | ROUTE_PARTS, NULL, h_logout,
	  "End the session, or all of the user's" },
	{ HTTP_PATH_SESSIONS, HTTP_GET | HTTP_HEAD | HTTP_DELETE, ROUTE_SESSION, NULL, h_sessions,
	  "The user's own sessions; DELETE ends all but the one that asks" },
	{ HTTP_PATH_SESSIONS, HTTP_DELETE, ROUTE_SESSION | ROUTE_BELOW, NULL, h_session,
	  "End one of the user's own sessions" },
	{ HTTP_PATH_LOGIN_PAGE, HTTP_GET | HTTP_HEAD | HTTP_POST, ROUTE_ISSUER | ROUTE_LOGIN, NULL,
	  h_login, "Log in and out by a page" },
	{ HTTP_PATH_HEALTH, HTTP_GET | HTTP_HEAD, 0, NULL, h_health,
	  "Whether the service and its store answer" },
	{ HTTP_PATH_AUTH, HTTP_ANY, ROUTE_SESSION | ROUTE_GUARD | ROUTE_SLIDES, NULL, h_auth,
	  "Whether a request to a protected application may pass" },
};
/* clang-format on */

const size_t http_n_routes = TP_COUNT(http_routes);
