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
	struct jval *extra;	   /* claims that a hook added to the token's; NULL: none */
};

void access_release(struct access *x);

/*
 * TP_NO_CREDENTIAL: nothing there, or only one of the cookies. TP_NOT_FOUND, TP_EXPIRED, TP_DENIED:
 * it does not hold. TP_UNAVAILABLE: cannot tell. A bearer is handle "." base64url(user_id), or a
 * JWT (three segments) whose sid names a live session of its user.
 */
enum tp_rc access_check(const struct auth_ctx *a, const struct credential *c, struct access *ret,
			struct tp_err *err) TP_MUSTUSE;

/*
 * What auth_ctx.hooks says of a proved session. TP_OK: nothing against it; x->extra are the claims
 * that it adds. TP_DENIED, TP_FORBIDDEN: it refuses. TP_UNAVAILABLE: it is in trouble, or adds what
 * it may not: a claim that is there already or is ours (auth/reserved.h), user_id or scopes, a
 * username or an email that is no string, or too much. TP_INTERNAL: it broke the answer. TP_NOMEM.
 */
enum tp_rc access_consult(const struct auth_ctx *a, const struct auth_edge *edge, struct access *x,
			  struct tp_err *err) TP_MUSTUSE;

/* A claim that is text: own, which is the token's, or the one that was added. */
struct span access_text(const struct access *x, struct span own, const char *claim);

/* TP_FORBIDDEN unless the session has all of needed. */
enum tp_rc access_require(const struct access *x, const struct scope_set *needed,
			  struct tp_err *err) TP_MUSTUSE;

#endif
