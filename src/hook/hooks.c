/* SPDX-License-Identifier: MIT */
/*
 * Owns the calling of hooks: what each of them gets, and what its answer may mean. What it filled
 * in is judged by who asked: auth/authn, auth/access.
 */
#include "hook/hooks.h"

#include "auth/edge.h"
#include "auth/reserved.h"
#include "hook/call.h"
#include "hook/claims.h"
#include "hook/code.h"

#include <stdlib.h>

#include "base/banned.h"

/* What else than TPAUTH_OK is an answer; all the rest is trouble. */
static const struct {
	const char *name;
	bool denies, forbids;
} events[HOOK_EVENTS] = {
	[TPAUTH_ON_TOKEN] = { "token", true, false },
	[TPAUTH_ON_REFRESH] = { "refresh", true, false },
	[TPAUTH_ON_LOGOUT] = { "logout", false, false },
	[TPAUTH_ON_HEALTH] = { "health", false, false },
	[TPAUTH_ON_AUTHENTICATE] = { "authenticate", true, true },
};

/* One asking. */
struct question {
	enum tpauth_event event;
	const struct auth_edge *edge;
	const struct jval *user; /* NULL: none */
	struct jval *claims;	 /* taken: what the hook may fill; NULL: empty */
};

static enum tp_rc refusal(enum tpauth_event event, enum tpauth_rc said,
			  const struct tpauth_call *call, struct tp_err *err)
{
	const char *why = call->reason[0] != '\0' ? call->reason : tpauth_rc_name(said);
	enum tp_rc rc = TP_UNAVAILABLE;

	if ((said == TPAUTH_DENIED && events[event].denies) ||
	    (said == TPAUTH_FORBIDDEN && events[event].forbids) || said == TPAUTH_NOMEM)
		rc = code_in(said);
	return tp_fail(err, rc, "the %s hook: %s", events[event].name, why);
}

/* A call that could not be served as it was made comes before what the hook says: it may have taken
 * what it could not have for what was not there. */
static enum tp_rc call_hook(const struct hook *h, const struct question *q,
			    struct tpauth_call *call, struct tpauth_claims *claims,
			    struct tp_err *err)
{
	enum tpauth_rc said = h->fn(call, tpauth_user(call), claims, h->arg);
	struct tp_err why = { 0 };
	enum tp_rc rc = call_rc(call, &why);

	if (rc != TP_OK)
		return tp_fail(err, rc, "the %s hook: %s", events[q->event].name, why.msg);
	return said == TPAUTH_OK ? TP_OK : refusal(q->event, said, call, err);
}

static enum tp_rc take_claims(const struct question *q, struct tpauth_claims *claims,
			      struct jval **ret, struct tp_err *err)
{
	struct tp_err why = { 0 };
	enum tp_rc rc = claims_give(claims, ret, &why);

	if (rc == TP_OK)
		return TP_OK;
	return tp_fail(err, rc == TP_NOMEM ? rc : TP_UNAVAILABLE, "the %s hook: %s",
		       events[q->event].name, why.msg);
}

/* ret NULL: nothing is to be filled. */
static enum tp_rc ask(const struct hook *h, const struct question *q, struct jval **ret,
		      struct tp_err *err)
{
	TP_CLEANUP(claims_cleanup)
	struct tpauth_claims *claims =
		claims_take(q->claims != NULL ? q->claims : jval_new_object());
	TP_CLEANUP(call_release) struct tpauth_call call = { 0 };
	enum tp_rc rc;

	if (claims == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	rc = call_open(&call, q->edge, q->user, NULL, err);
	if (rc == TP_OK)
		rc = call_hook(h, q, &call, claims, err);
	return rc == TP_OK && ret != NULL ? take_claims(q, claims, ret, err) : rc;
}

/* The token handler ---------------------------------------------------------------------------- */

struct handler {
	const struct hook_set *set;
	struct authn *below; /* NULL: none */
};

static enum tp_rc log_in(const struct handler *h, const struct authn_request *r,
			 const struct auth_edge *edge, struct jval **ret, struct tp_err *err)
{
	const struct hook *hook = &h->set->on[TPAUTH_ON_TOKEN];
	const struct question q = { .event = TPAUTH_ON_TOKEN, .edge = edge };

	if (hook->fn != NULL)
		return ask(hook, &q, ret, err);
	if (h->below == NULL)
		return tp_fail(err, TP_UNAVAILABLE, "there is no hook for the login");
	return authn_ask(h->below, r, ret, err);
}

/* What a hook finds filled in. */
static enum tp_rc claims_before(const struct handler *h, const struct authn_request *r,
				struct jval **ret, struct tp_err *err)
{
	enum tp_rc rc;

	if (h->below != NULL && h->set->on[TPAUTH_ON_TOKEN].fn == NULL)
		return authn_ask(h->below, r, ret, err);
	rc = jval_copy(r->claims, ret, err);
	if (rc == TP_OK)
		reserved_strip(*ret);
	return rc;
}

static enum tp_rc refresh(const struct handler *h, const struct authn_request *r,
			  const struct auth_edge *edge, struct jval **ret, struct tp_err *err)
{
	const struct hook *hook = &h->set->on[TPAUTH_ON_REFRESH];
	struct question q = { .event = TPAUTH_ON_REFRESH, .edge = edge, .user = r->claims };
	enum tp_rc rc = claims_before(h, r, &q.claims, err);

	if (rc == TP_OK && hook->fn != NULL)
		return ask(hook, &q, ret, err);
	if (rc == TP_OK)
		*ret = q.claims;
	return rc;
}

static enum tp_rc handler_ask(void *self, const struct authn_request *r, struct jval **ret_claims,
			      struct tp_err *err)
{
	const struct auth_edge none = { .remote_addr = r->remote_addr,
					.request_id = r->request_id };
	const struct auth_edge *edge = r->edge != NULL ? r->edge : &none;

	if (r->event == AUTHN_REFRESH)
		return refresh(self, r, edge, ret_claims, err);
	return log_in(self, r, edge, ret_claims, err);
}

static void handler_close(void *self)
{
	struct handler *h = self;

	if (h == NULL)
		return;
	authn_close(h->below);
	free(h);
}

static bool handler_is_cheap(const void *self)
{
	const struct handler *h = self;

	return h->set->on[TPAUTH_ON_TOKEN].fn == NULL && h->below != NULL &&
	       authn_is_cheap(h->below);
}

static bool handler_folds(const void *self)
{
	const struct handler *h = self;

	return h->set->on[TPAUTH_ON_TOKEN].fn == NULL && h->below != NULL &&
	       authn_folds_names(h->below);
}

enum tp_rc hooks_authn(const struct hook_set *set, struct authn *below, struct authn **ret,
		       struct tp_err *err)
{
	static const struct authn_ops ops = { .scheme = "hooks",
					      .ask = handler_ask,
					      .close = handler_close,
					      .cheap = handler_is_cheap,
					      .folds = handler_folds };
	struct handler *h = calloc(1, sizeof(*h));
	enum tp_rc rc;

	if (h == NULL) {
		authn_close(below);
		return tp_fail(err, TP_NOMEM, "out of memory");
	}
	h->set = set;
	h->below = below;
	rc = authn_open_with(&ops, h, ret, err);
	if (rc != TP_OK)
		handler_close(h);
	return rc;
}

/* The others ----------------------------------------------------------------------------------- */

static enum tp_rc ask_authenticate(const void *arg, const struct auth_edge *edge,
				   const struct jval *claims, struct jval **ret_extra,
				   struct tp_err *err)
{
	const struct hook_set *set = arg;
	const struct question q = { .event = TPAUTH_ON_AUTHENTICATE, .edge = edge, .user = claims };
	struct jval *extra = NULL;
	enum tp_rc rc = ask(&set->on[TPAUTH_ON_AUTHENTICATE], &q, &extra, err);

	if (rc != TP_OK)
		return rc;
	if (jval_count(extra) > 0)
		*ret_extra = extra;
	else
		jval_release(extra);
	return TP_OK;
}

static enum tp_rc ask_logout(const void *arg, const struct auth_edge *edge,
			     const struct jval *claims, struct tp_err *err)
{
	const struct hook_set *set = arg;
	const struct question q = { .event = TPAUTH_ON_LOGOUT, .edge = edge, .user = claims };

	return ask(&set->on[TPAUTH_ON_LOGOUT], &q, NULL, err);
}

static enum tp_rc ask_health(const void *arg, const struct auth_edge *edge, struct tp_err *err)
{
	const struct hook_set *set = arg;
	const struct question q = { .event = TPAUTH_ON_HEALTH, .edge = edge };

	return ask(&set->on[TPAUTH_ON_HEALTH], &q, NULL, err);
}

struct auth_hooks hooks_of(const struct hook_set *set)
{
	return (struct auth_hooks){
		.authenticate =
			set->on[TPAUTH_ON_AUTHENTICATE].fn != NULL ? ask_authenticate : NULL,
		.logout = set->on[TPAUTH_ON_LOGOUT].fn != NULL ? ask_logout : NULL,
		.health = set->on[TPAUTH_ON_HEALTH].fn != NULL ? ask_health : NULL,
		.arg = set,
	};
}
