/* SPDX-License-Identifier: MIT */
#include "support/auth_rig.h"

#include "support/folder.h"

#include <stdio.h>

#include "base/banned.h"

#define ENV(...) ((const char *const[]){ __VA_ARGS__, NULL })

void auth_rig_open(struct http_rig *h, struct session_minted *ret_session,
		   char ret_cookies[AUTH_COOKIES])
{
	http_rig_open(h);
	rig_login(&h->rig, "user_099", "user:read", ret_session);
	snprintf(ret_cookies, AUTH_COOKIES, "%s",
		 http_cookies("user_099", secret_view(&ret_session->handle)));
}

void auth_set_rules(struct http_rig *h, const char *text)
{
	static char path[256];

	folder_write("rules", text);
	snprintf(path, sizeof(path), "%s", folder_path("rules"));
	h->spec.scope_rules = path;
	http_rig_site(h);
}

const char *auth_ask(struct http_rig *h, const char *cookies, const char *target,
		     const char *method, const char *more)
{
	char uri[512], how[64];

	snprintf(uri, sizeof(uri), "REQUEST_URI=%s", target);
	snprintf(how, sizeof(how), "TPAUTH_METHOD=%s", method);
	return http_ask(h, "GET", "/auth", NULL,
			ENV(uri, how, cookies, more != NULL ? more : "X=y"));
}

const char *auth_permitted(const char *headers)
{
	static char text[8192];

	snprintf(text, sizeof(text),
		 "Status: 200 OK\r\n%sCache-Control: no-store\r\nVary: Origin\r\n"
		 "X-Request-ID: req-1\r\nContent-Length: 0\r\n\r\n",
		 headers);
	return text;
}

const char *auth_forbidden(const char *scopes)
{
	char challenge[256];

	snprintf(challenge, sizeof(challenge),
		 "WWW-Authenticate: Bearer error=\"insufficient_scope\"%s%s%s\r\n",
		 scopes != NULL ? ", scope=\"" : "", scopes != NULL ? scopes : "",
		 scopes != NULL ? "\"" : "");
	return http_want_error("403 Forbidden", challenge, "insufficient_scope",
			       "Not enough permissions");
}

const char *auth_foreign(void)
{
	return http_want_error("403 Forbidden", "", "access_denied",
			       "Requests from this origin are not accepted");
}

const char *auth_unavailable(void)
{
	return http_want_error("503 Service Unavailable", "Retry-After: 5\r\n",
			       "temporarily_unavailable", "The service is temporarily unavailable");
}
