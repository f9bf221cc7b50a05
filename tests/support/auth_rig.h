/* SPDX-License-Identifier: MIT */
/*
 * AUTH_URL asked as nginx does, over the rig of HTTP, and what it answers. SCOPE_RULES are a file
 * in the folder of support/folder.h.
 */
#ifndef SUPPORT_AUTH_RIG_H
#define SUPPORT_AUTH_RIG_H

#include "support/http_rig.h"

enum { AUTH_COOKIES = 256 };

/* With a session of user_099, who has user:read, and its cookies as a variable. */
void auth_rig_open(struct http_rig *h, struct session_minted *ret_session,
		   char ret_cookies[AUTH_COOKIES]);

/* SCOPE_RULES, from here on. */
void auth_set_rules(struct http_rig *h, const char *text);

/* AUTH_URL as the path, the request's own target and method as parameters; more: one further
 * variable, or NULL. */
const char *auth_ask(struct http_rig *h, const char *cookies, const char *target,
		     const char *method, const char *more);

/* What the answer must be: a permission with these header lines; the session lacks scopes, NULL:
 * which ones is not said; the request comes from a foreign site; the store does not answer. Good
 * until the next call. */
const char *auth_permitted(const char *headers);
const char *auth_forbidden(const char *scopes);
const char *auth_foreign(void);
const char *auth_unavailable(void);

/* The header lines of the session. */
#define AUTH_IDENTITY                \
	"X-Auth-User: user_099\r\n"  \
	"X-Auth-Username: Admin\r\n" \
	"X-Auth-Scopes: user:read\r\n"

#endif
