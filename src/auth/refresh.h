/* SPDX-License-Identifier: MIT */
/*
 * The sliding of a session: load and verify, claim the window, ask the token handler again, sign,
 * replace if still present. So of N refreshes at once one wins, a logout cannot be undone, and a
 * failure costs one window, never a session.
 */
#ifndef AUTH_REFRESH_H
#define AUTH_REFRESH_H

#include "auth/session.h"
#include "base/limits.h"

struct refresh_info {
	struct span remote_addr, request_id; /* for the token handler */
	const struct auth_edge *edge;	     /* the request; NULL: there is none (gRPC, sliding) */
};

struct refreshed {
	struct session_minted minted; /* after TP_OK: of the new token; after TP_EXISTS: of the one
				       * that stays */
	int64_t opens_in_s;	      /* after TP_EXISTS: when the window opens */
};

void refreshed_release(struct refreshed *r);

/*
 * TP_OK: re-minted. TP_EXISTS: inside the window, nothing was done. TP_NOT_FOUND, TP_EXPIRED,
 * TP_DENIED: no such session (any more), or the handler denied and the session was ended.
 * TP_UNAVAILABLE: store or handler trouble; the session stands as it was. *ret is filled after
 * TP_OK and after TP_EXISTS. user may be borrowed from a verified token.
 */
enum tp_rc refresh_session(const struct auth_ctx *a, struct span user, struct span handle,
			   const struct refresh_info *info, struct refreshed *ret,
			   struct tp_err *err) TP_MUSTUSE;

/* One of many. */
struct refresh_job {
	struct span user, handle; /* neither borrowed from a verified token */
	struct refresh_info info;
	int64_t late_ms; /* monotonic; past it the handler is not asked for a caller who has gone:
			  * TP_UNAVAILABLE. 0: never */
	bool brief;	 /* after TP_EXISTS ret is not needed, and not filled */
	/* the answer, as of refresh_session() */
	enum tp_rc rc;
	struct tp_err err;
	struct refreshed ret; /* caller's, to be released */
};

enum { REFRESH_AT_ONCE = LIMIT_STORE_OPS / 2 };

/*
 * Refreshes up to REFRESH_AT_ONCE sessions in lock step: each step's round trip is shared. It is as
 * if they came at the same moment from as many processes: of two jobs for one session one wins, and
 * what is wrong with one is no other's matter. Only where the store does not answer is it
 * TP_UNAVAILABLE for all of them that still had something to ask.
 */
void refresh_sessions(const struct auth_ctx *a, struct refresh_job *jobs, size_t n);

#endif
