/* SPDX-License-Identifier: MIT */
/*
 * All that the authorization logic and the HTTP handlers work with, and nothing real behind it: a
 * clock that stands until the test moves it, the memory store with switches for its failures, an
 * HMAC key, a verifier, and a token handler that says what it was told to say.
 *
 *	struct rig r;
 *
 *	rig_open(&r);
 *	rig_handler_says(&r, TP_OK, "{\"user_id\":\"user_099\",\"scopes\":[\"user:read\"]}");
 *	r.rules.session_max_s = 3600;
 *	r.now += 121;
 *	rig_release(&r);
 *
 * What cannot be set up ends the program: no case has to ask.
 */
#ifndef SUPPORT_RIG_H
#define SUPPORT_RIG_H

#include "auth/auth.h"
#include "auth/authn.h"
#include "auth/session.h"
#include "base/limits.h"
#include "support/store_memory.h"

enum { RIG_NOW = 1800000000 }; /* 2027-01-15 08:00:00 UTC */

#define RIG_ISSUER "prismaticain"
#define RIG_SECRET "an HMAC secret of 41 bytes, for the tests"

/* A session as the Python original writes it at RIG_NOW - 5: no kid, no sid, no auth_time, email
 * null. */
#define RIG_SEED_USER	"user_099"
#define RIG_SEED_HANDLE "Vy3Zn4MVLLfifneYUA7Tm7"
#define RIG_SEED_SID	"ml7fytHjDfPIcsEba7xwAN1a0m5SrVKBzch963pZ7Qo" /* of the handle */
#define RIG_SEED_JWT                                                                   \
	"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ1c2VybmFtZSI6IkFkbWluIiwiZW1haWwiOm5" \
	"1bGwsInVzZXJfaWQiOiJ1c2VyXzA5OSIsInNjb3BlcyI6WyJ1c2VyOnJlYWQiLCJ1c2VyOndyaXR" \
	"lIl0sImlzc3VlZF90byI6IjEyNy4wLjAuMSIsImlzcyI6InByaXNtYXRpY2FpbiIsImV4cCI6MTg" \
	"wMDA4NjM5NSwiaWF0IjoxNzk5OTk5OTk1LCJ0b2tlbl90eXBlIjoiYWNjZXNzIn0.9IVvXZsOgXU" \
	"zU9s-jcItLdbBoIt51XxyRf5smY1GCQU"
#define RIG_SEED_VALUE "{\"token\":\"" RIG_SEED_JWT "\",\"expire\":1440}"

enum rig_failure {
	RIG_WORKS,
	RIG_DEAD, /* nothing arrives at the store */
	RIG_MUTE  /* the store does what it is asked, and its answer is lost */
};

struct rig {
	struct auth_ctx a;
	struct auth_ctx other; /* another process over the same data: its calls fail by no switch,
				* and may be made from the hooks */
	int64_t now;	       /* what the clock says; RIG_NOW at first */

	/* Read at each call, so a test may change them at any time. rig_open() has: issuer
	 * RIG_ISSUER, leeway 600 s, expiry 86400 s, window 120 s, 100 sessions a user, issues,
	 * rechecks, opaque bearer, no absolute end, no catalogue. */
	struct auth_rules rules;
	struct token_rules token_rules;

	struct store_memory *memory; /* the store behind both, with switches of its own */
	const char *store_says;	     /* along with its answers, in err->msg; NULL: nothing */
	int store_retry_s;	     /* of its failures, in err->retry_s */
	int round_trips;	     /* of a.store since rig_open(); a test may set it to 0 */

	/* The token handler's part: how often it was asked, and for what the last time. */
	int asked;
	bool handler_is_cheap, handler_folds;
	enum authn_event event;
	char username[LIMIT_FORM_VALUE + 1], password[LIMIT_FORM_VALUE + 1];
	char scope[LIMIT_FORM_VALUE + 1], client_id[LIMIT_FORM_VALUE + 1];
	char remote_addr[64], request_id[LIMIT_REQUEST_ID + 1];
	char claims[LIMIT_JWT]; /* of a refresh, as JSON; "" for a login */

	/* Hooks, NULL or called before the next round trip of a.store, and by the handler before it
	 * answers. They may use `other`. */
	void (*before_store)(struct rig *r, const struct store_op *ops, size_t n);
	void (*during_handler)(struct rig *r);
	void *arg; /* for the hooks of a test */

	/* private */
	struct keyring *keys;
	enum rig_failure failure;
	int failing_trip; /* 0: each one; -1: none any more */
	enum tp_rc handler_rc;
	char handler_claims[LIMIT_JWT];
};

void rig_open(struct rig *r);
void rig_release(struct rig *r);

/* The nth round trip of a.store from here on fails in this way (1: the next one); 0: all of them
 * do. */
void rig_store_fail(struct rig *r, enum rig_failure how, int nth);

/* What the token handler answers from here on; claims are JSON, with TP_OK only. At first it
 * answers TP_OK with user_id "user_099", username "Admin", scopes user:read and user:write. */
void rig_handler_says(struct rig *r, enum tp_rc rc, const char *claims);

/* A session of user with these scopes (blank-separated), opened as a login does it. */
void rig_login(struct rig *r, const char *user, const char *scopes, struct session_minted *ret);

/* Puts a value into STORE_LOGIN, as another program over the same store would. */
void rig_put(struct rig *r, const char *user, const char *handle, const char *value, int64_t ttl_s);

/* What stands there is appended to out; false: nothing does. */
bool rig_get(struct rig *r, const char *user, struct span handle, struct buf *out);

/* Signs claims (JSON, taken as they are). */
void rig_sign(struct rig *r, const char *claims, struct buf *out);

/* The same, put into STORE_LOGIN as the session of a handle. */
void rig_put_signed(struct rig *r, const char *user, const char *handle, const char *claims,
		    int64_t ttl_s);

#endif
