/* SPDX-License-Identifier: MIT */
/*
 * A user's sessions, for the user and the administrator to look at and to end. A session is named
 * by its id, the sid: from it nobody gets to the handle.
 */
#ifndef AUTH_SESSIONS_H
#define AUTH_SESSIONS_H

#include "auth/session.h"
#include "base/limits.h"

enum { SESSIONS_LISTED = 1000 }; /* most that a list holds, and that are verified for it, count */

/* One session, in copies. Of one that does not hold nothing is known but its id and why. */
struct session_info {
	char id[SESSION_SID_LEN + 1];
	enum tp_rc rc; /* TP_OK; TP_DENIED: its value proves nothing; TP_EXPIRED */
	bool current;
	int64_t started, refreshed, expires; /* 0: not known; the Python original keeps no start */
	struct span ip, agent;		     /* p NULL: not known */
	char text[2][LIMIT_AGENT];	     /* what ip and agent point to */
};

/* The current session first, then by the time of the last refresh, the latest first; what does not
 * hold comes last. */
struct sessions {
	struct session_info *v;
	size_t n;
	size_t total;	 /* that hold; of a user with more than SESSIONS_LISTED, those that end
			  * first are not verified and not listed, but counted */
	size_t unproved; /* items of the user in the store that do not hold */
};

void sessions_release(struct sessions *s);

/* current: the handle of the session that asks; p NULL: none does. unproved: the list has those
 * that do not hold, too. TP_NOT_FOUND: not the name of a user. TP_UNAVAILABLE, TP_NOMEM. */
enum tp_rc sessions_list(const struct auth_ctx *a, struct span user, struct span current,
			 bool unproved, struct sessions *ret, struct tp_err *err) TP_MUSTUSE;

/* One that holds, as a JSON object; what is not known is null. */
void session_info_json(const struct session_info *i, struct buf *out);

/*
 * Ends the session with this id, whether it holds or not: what is nobody's now may be somebody's
 * when an older key comes back. *ret_handle is for a comparison and the log. TP_NOT_FOUND: the user
 * has none of this id.
 */
enum tp_rc sessions_end(const struct auth_ctx *a, struct span user, struct span id,
			struct secret *ret_handle, struct tp_err *err) TP_MUSTUSE;

/* Ends all but `kept` (a handle), among them those that do not hold. A login at the same time may
 * come out of it alive. After a failure some may have ended. */
enum tp_rc sessions_end_others(const struct auth_ctx *a, struct span user, struct span kept,
			       int64_t *ret_n, struct tp_err *err) TP_MUSTUSE;

#endif
