/* SPDX-License-Identifier: MIT */
/*
 * Who is asking: turns the credential of a request into a proved session. Identity and scopes are
 * always those of the stored JWT, never of what the client shows.
 */
#ifndef AUTH_ACCESS_H
#define AUTH_ACCESS_H

#include "auth/auth.h"

/* What a request carries. A bearer, when present, alone decides. */
struct credential {
	struct span bearer;		   /* RFC 6750: the value behind "Bearer " */
	struct span user_id, access_token; /* the two cookies, decoded */
};

enum access_by { ACCESS_COOKIE, ACCESS_OPAQUE, ACCESS_JWT };

struct access {
	enum access_by by;
	struct secret handle;
	const struct token *token; /* borrowed until the next verification */
};

void access_release(struct access *x);

/*
 * TP_NO_CREDENTIAL: nothing there, or only one of the cookies. TP_NOT_FOUND, TP_EXPIRED, TP_DENIED:
 * it does not hold. TP_UNAVAILABLE: cannot tell. A bearer is handle "." base64url(user_id), or a
 * JWT (three segments) whose sid names a live session of its user.
 */
enum tp_rc access_check(const struct auth_ctx *a, const struct credential *c, struct access *ret,
			struct tp_err *err) TP_MUSTUSE;

/* TP_FORBIDDEN unless the session has all of needed. */
enum tp_rc access_require(const struct access *x, const struct scope_set *needed,
			  struct tp_err *err) TP_MUSTUSE;

#endif
