/* SPDX-License-Identifier: MIT */
/*
 * What the authorization logic works with: made once by run/boot, read-only afterwards (the store
 * and the verifier keep state of their own behind their pointers). Everything is borrowed from
 * boot.
 */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include "auth/scope.h"
#include "base/clock.h"
#include "store/store.h"
#include "token/token.h"

struct authn;
struct auth_edge;

struct auth_rules {
	const char *issuer;
	int64_t expiry_s;	   /* lifetime of a session and of its JWT, from each (re-)mint */
	int64_t session_max_s;	   /* absolute, from the login; 0: none */
	int64_t restrict_s;	   /* refresh window */
	int64_t sessions_per_user; /* the oldest goes */
	bool issues;		   /* AUTHORIZATION_SERVER: may issue and refresh */
	bool recheck;		   /* REFRESH_RECHECK: a re-mint asks the token handler again */
	bool bearer_is_jwt;	   /* TOKEN_FORMAT=jwt */
	bool has_catalogue;	   /* AUTH_SCOPES is set: */
	struct scope_set catalogue;
};

/* Bounds how many workers of a pool hash passwords at once, so that logins cannot starve checks. */
struct auth_gate {
	bool (*enter)(void *arg); /* false: no place; NULL: no bound */
	void (*leave)(void *arg);
	void *arg;
};

/* How a session slides where this process may not re-mint it: asks the service that may. Within a
 * time of its own, whatever that service does. */
struct auth_trigger {
	/* TP_OK: done, or nothing was to be done. TP_THROTTLED: not asked, the service failed a
	 * moment ago. TP_UNAVAILABLE: it did not do it in time. NULL: there is no such service */
	enum tp_rc (*fire)(void *arg, struct span user, struct span handle, struct tp_err *err);
	void *arg;
};

/*
 * What a program adds to the proof of a session, its end, and the health check. A NULL function
 * adds nothing. edge is the request; claims are the session's, whole.
 */
struct auth_hooks {
	/* Asked by access_consult() alone, which judges the answer. *ret_extra: claims to add, or
	 * NULL; the caller's. */
	enum tp_rc (*authenticate)(const void *arg, const struct auth_edge *edge,
				   const struct jval *claims, struct jval **ret_extra,
				   struct tp_err *err);
	/* The session has ended, whatever comes of this. */
	enum tp_rc (*logout)(const void *arg, const struct auth_edge *edge,
			     const struct jval *claims, struct tp_err *err);
	/* The store has answered. Other than TP_OK: the service is not healthy. */
	enum tp_rc (*health)(const void *arg, const struct auth_edge *edge, struct tp_err *err);
	const void *arg;
};

struct auth_ctx {
	const struct keyring *keys;
	struct token_verifier *verifier;
	const struct auth_rules *rules;
	struct store *store;
	struct authn *authn; /* NULL on a resource server */
	struct clock clock;
	struct auth_gate gate;
	struct auth_trigger trigger;	/* not asked where rules->issues */
	const struct auth_hooks *hooks; /* NULL: none */
};

#endif
