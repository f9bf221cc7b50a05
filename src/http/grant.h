/* SPDX-License-Identifier: MIT */
/* What a client gets for its session: the token response of RFC 6749 5.1 with the two fields of the
 * Python original before it, and the two cookies. */
#ifndef HTTP_GRANT_H
#define HTTP_GRANT_H

#include "auth/session.h"
#include "http/router.h"

enum grant_kind {
	GRANT_LOGIN,
	GRANT_REFRESHED, /* adds "refreshed": true */
	GRANT_STANDING	 /* "refreshed": false: nothing new was made */
};

/*
 * Answers 200 with the JSON of a session:
 *
 *   {"user_id":..,"token":..,"access_token":..,"token_type":"bearer","expires_in":..,"scope":".."}
 *
 * access_token is the bearer that TOKEN_FORMAT asks for. A session that cookies proved (c->access)
 * gets neither token nor access_token: what is HttpOnly stays so. TP_INTERNAL: claims that no
 * session has.
 */
enum tp_rc grant_answer(struct http_call *c, enum grant_kind kind, const struct session_minted *m,
			struct tp_err *err) TP_MUSTUSE;

/* Set-Cookie of user_id and access_token, and of their deletion. */
void grant_set_cookies(struct http_call *c, struct span user, struct span handle);
void grant_delete_cookies(struct http_call *c);

#endif
