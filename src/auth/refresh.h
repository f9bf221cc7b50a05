/* SPDX-License-Identifier: MIT */
/*
 * The sliding of a session: load and verify, claim the window, ask the token handler again, sign,
 * replace if still present. So of N refreshes at once one wins, a logout cannot be undone, and a
 * failure costs one window, never a session.
 */
#ifndef AUTH_REFRESH_H
#define AUTH_REFRESH_H

#include "auth/session.h"

struct refresh_info {
	struct span remote_addr, request_id; /* for the token handler */
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

#endif
