/* SPDX-License-Identifier: MIT */
/*
 * Sessions: an opaque handle at the client, a signed JWT in the store. Stored value, shared with
 * the Python original: {"token": "<jwt>", "expire": <minutes>}.
 */
#ifndef AUTH_SESSION_H
#define AUTH_SESSION_H

#include "auth/auth.h"
#include "base/limits.h"

struct throttle;

struct session_login {
	const struct jval
		*claims;       /* what the token handler returned; user_id is checked here again */
	struct span ip, agent; /* agent is cut to LIMIT_AGENT bytes on a character's border */
	const struct scope_set *granted;
	const struct throttle *throttle; /* whose count this success takes back; or NULL */
	struct span replaced_user,
		replaced_handle; /* a session to end with this login; p NULL: none */
};

/* A session just opened or re-minted. user_id and scopes are in claims. */
struct session_minted {
	struct secret handle, jwt;
	struct jval *claims;
	int64_t expires_in_s;
};

void session_minted_release(struct session_minted *m);

/*
 * Opens a session: 32 random bytes as the handle, the claims plus iss, iat, exp, token_type, sid,
 * auth_time, ip, agent as a JWT (those the handler cannot override), written with the refresh
 * window in one round trip; beyond sessions_per_user the oldest goes. TP_UNAVAILABLE: the store did
 * not take it, or the claims are not what a token may hold (the message says what).
 */
enum tp_rc session_open(const struct auth_ctx *a, const struct session_login *login,
			struct session_minted *ret, struct tp_err *err) TP_MUSTUSE;

/*
 * The verified token of a live session; its user_id is user. TP_NOT_FOUND, TP_EXPIRED, TP_DENIED (a
 * stored JWT that does not verify, or belongs to another user), TP_UNAVAILABLE.
 * *ret is borrowed until the next verification.
 */
enum tp_rc session_find(const struct auth_ctx *a, struct span user, struct span handle,
			const struct token **ret, struct tp_err *err) TP_MUSTUSE;

/* The same, and a copy of the JWT itself. */
enum tp_rc session_find_jwt(const struct auth_ctx *a, struct span user, struct span handle,
			    struct secret *ret_jwt, const struct token **ret,
			    struct tp_err *err) TP_MUSTUSE;

/* From what the store holds for a session to its proved token, as session_find() does it; ret_jwt
 * may be NULL. */
enum tp_rc session_prove(const struct auth_ctx *a, struct span user, struct span handle,
			 struct span value, struct secret *ret_jwt, const struct token **ret,
			 struct tp_err *err) TP_MUSTUSE;

/* What no session can be called is not asked for: the bytes may be a stranger's. */
bool session_name_ok(struct span user, struct span handle);

/* session_find() by the sid of a JWT that the client presented: found among the user's handles. */
enum tp_rc session_find_sid(const struct auth_ctx *a, struct span user, struct span sid,
			    struct secret *ret_handle, const struct token **ret,
			    struct tp_err *err) TP_MUSTUSE;

/* TP_NOT_FOUND when it is gone already. */
enum tp_rc session_close(const struct auth_ctx *a, struct span user, struct span handle,
			 struct tp_err *err) TP_MUSTUSE;
enum tp_rc session_close_all(const struct auth_ctx *a, struct span user, int64_t *ret_n,
			     struct tp_err *err) TP_MUSTUSE;

/* The bearer of a token response: handle "." base64url(user_id). */
void session_bearer(struct span user, struct span handle, struct buf *out);

/* base64url(SHA-256(handle)). */
enum { SESSION_SID_LEN = 43 };
void session_sid(struct span handle, struct buf *out);

/* A stored value taken apart and made. TP_DENIED: not a session's value; *ret_jwt is borrowed from
 * value or, where the JSON is not in the plain form, from *hold, which the caller releases. */
enum tp_rc session_value_get(struct span value, struct span *ret_jwt, struct buf *hold,
			     struct tp_err *err) TP_MUSTUSE;
void session_value_put(struct span jwt, int64_t expire_s, struct buf *out);

/* What a session's JWT is made of, at the login and at each refresh. */
struct session_draft {
	const struct jval *claims; /* the token handler's; what it may not set is left out */
	const struct scope_set *scopes;
	struct span handle, ip, agent;
	int64_t auth_time;
};

/* What others say of a client, made fit for a claim and for showing: valid UTF-8 without control
 * characters, cut to LIMIT_AGENT bytes on a character's border. Returns how many. */
size_t session_clean(struct span text, char ret[LIMIT_AGENT]);

/*
 * Used by auth/refresh: fills *ret with copies of handle and claims and with a JWT signed by the
 * current key, good for expiry_s from now and within session_max_s of auth_time. TP_EXPIRED: that
 * is over. TP_UNAVAILABLE: the claims are not what a token may hold.
 */
enum tp_rc session_mint(const struct auth_ctx *a, const struct session_draft *draft,
			struct session_minted *ret, struct tp_err *err) TP_MUSTUSE;

#endif
