/* SPDX-License-Identifier: MIT */
/*
 * Sessions that slide because they are used. Whoever serves a proved session notes it, sends its
 * answer, and lets the session slide only then: so no request waits for it, and none can fail with
 * it. It answers for the session as it was proved; that the token handler denies the user shows in
 * the next request.
 *
 * A server that may issue re-mints by itself (auth/refresh.h), any other asks auth_ctx.trigger.
 * While the token's iat shows that the restriction window is closed, neither is asked, nor is the
 * store.
 */
#ifndef AUTH_SLIDE_H
#define AUTH_SLIDE_H

#include "auth/access.h"
#include "base/buf.h"

/* The session that a request has used. */
struct slide {
	struct buf user, remote_addr;
	struct secret handle; /* empty: none is to slide */
};

void slide_init(struct slide *s);
void slide_reset(struct slide *s); /* none is to slide; keeps storage */
void slide_release(struct slide *s);

/*
 * Notes the session of x in copies, so that it outlives x and its token. Notes none while the
 * window is closed by the token's iat, where there is nobody to ask, and where memory is short. A
 * token without iat may always slide: the store knows the window. An address longer than any is
 * left out.
 */
void slide_note(struct slide *s, const struct auth_ctx *a, const struct access *x,
		struct span remote_addr);

bool slide_is_due(const struct slide *s);

/*
 * What was noted slides; due slides only. The store's work is within the budget of the request
 * (store_begin()). Where the token handler is asked again (REFRESH_RECHECK, up to LIMIT_AUTHN_S),
 * it takes a place behind auth_ctx.gate as logins do, so that most of a pool stays free for checks.
 *
 * TP_OK: re-minted, or the service said so. TP_EXISTS: the window is closed. TP_THROTTLED: not
 * tried, since logins have all the places, or the service failed a moment ago. TP_DENIED: the
 * handler denied, and the session was ended. TP_NOT_FOUND, TP_EXPIRED: it ended by itself. Anything
 * else: trouble, and it stands as it was.
 */
enum tp_rc slide_session(const struct auth_ctx *a, const struct slide *s, struct span request_id,
			 struct tp_err *err) TP_MUSTUSE;

#endif
