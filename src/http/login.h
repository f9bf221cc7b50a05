/* SPDX-License-Identifier: MIT */
/* From a login's form to a session, for the endpoints that take one: TOKEN_URL and the page. */
#ifndef HTTP_LOGIN_H
#define HTTP_LOGIN_H

#include "auth/session.h"
#include "http/router.h"

/*
 * Reads username, password, scope, client_id and grant_type, counts the attempt, asks the token
 * handler, cuts the scopes to what was asked for and opens a session; that of the cookies that came
 * along ends. *ret is to be released after success only; claims in it have user_id and scopes.
 *
 * TP_INVALID (a field is missing, empty or too long; credentials in the query), TP_BAD_TYPE,
 * TP_BAD_SCOPE, TP_BAD_GRANT: wrong name or password, TP_THROTTLED, TP_UNAVAILABLE. Once the fields
 * were read the log line of the request is login.refused, with the name; the caller's after
 * success.
 */
enum tp_rc login_by_form(struct http_call *c, const struct form *f, struct session_minted *ret,
			 struct tp_err *err) TP_MUSTUSE;

#endif
