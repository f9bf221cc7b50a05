/* SPDX-License-Identifier: MIT */
/*
 * refresh.RefreshService: re-mints a session. A session that is restricted, unknown, expired or
 * denied is answered OK like one that was refreshed, as in the Python original: the caller has
 * nothing to do about it, and learns nothing of other people's sessions. Only what may work on a
 * second try is UNAVAILABLE.
 */
#include "grpc/services.h"

#include "auth/access.h"
#include "auth/refresh.h"
#include "base/limits.h"
#include "base/log.h"
#include "grpc/pb.h"
#include "grpc/refresh.pb-c.h"

#include "base/banned.h"

static const char *reason_against(struct span user, struct span token)
{
	if (user.len == 0)
		return "user_id is missing";
	if (token.len == 0)
		return "token is missing";
	if (user.len > LIMIT_USER_ID || span_has_control(user))
		return "user_id cannot be one";
	if (token.len > LIMIT_JWT_BEARER || span_has_control(token))
		return "token cannot be one";
	return NULL;
}

/* A token with a dot is a bearer as a token response has it; the user must be the one named. */
static enum tp_rc resolve(const struct auth_ctx *a, struct span user, struct span token,
			  struct access *x, struct tp_err *err)
{
	struct credential bearer = { .bearer = token };
	enum tp_rc rc;

	if (!span_has_byte(token, '.'))
		return secret_set(&x->handle, token, err);
	rc = access_check(a, &bearer, x, err);
	if (rc == TP_OK && !span_eq(x->token->user_id, user))
		return tp_fail(err, TP_DENIED, "the token is another user's");
	return rc;
}

static enum tp_rc refresh(const struct auth_ctx *a, struct span user, struct span token,
			  struct tp_err *err)
{
	TP_CLEANUP(refreshed_release) struct refreshed r = { 0 };
	TP_CLEANUP(access_release) struct access x = { 0 };
	const struct refresh_info info = { 0 };
	enum tp_rc rc = resolve(a, user, token, &x, err);

	if (rc == TP_OK)
		rc = refresh_session(a, user, secret_view(&x.handle), &info, &r, err);
	return rc;
}

/* At debug what happens on nearly every call; at info what changed something, or did not hold. */
static void log_outcome(const struct grpc_call *c, enum tp_rc rc, struct span user,
			struct span token, const struct tp_err *err)
{
	struct span why = rc != TP_OK ? span_of(err->msg) : (struct span){ NULL, 0 };
	enum log_level level = LOG_LEVEL_INFO;
	const char *word = "refresh.refused";

	if (rc == TP_OK)
		word = "refresh.ok";
	else if (rc == TP_EXISTS)
		word = "refresh.restricted";
	if (rc == TP_EXISTS)
		level = LOG_LEVEL_DEBUG;
	else if (rc_info(rc)->http >= 500)
		level = LOG_LEVEL_ERR;
	if (log_wants(level))
		log_event(level, word, LOG_SPAN("peer", c->peer), LOG_SPAN("user", user),
			  LOG_FP("session", token), LOG_SPAN("reason", why));
}

static bool is_answer(enum tp_rc rc)
{
	return rc == TP_OK || rc == TP_EXISTS || rc == TP_NOT_FOUND || rc == TP_EXPIRED ||
	       rc == TP_DENIED;
}

static void answer(const struct services *s, struct grpc_call *c,
		   const Refresh__RefreshRequest *request)
{
	struct span user = span_of(request->user_id), token = span_of(request->token);
	const char *why = reason_against(user, token);
	struct tp_err err = { 0 };
	enum tp_rc rc;

	if (why != NULL) {
		grpc_fail(&c->status, GRPC_INVALID_ARGUMENT, "%s", why);
		return;
	}
	store_begin(s->auth->store);
	rc = refresh(s->auth, user, token, &err);
	log_outcome(c, rc, user, token, &err);
	if (!is_answer(rc))
		grpc_fail_rc(&c->status, rc, &err);
}

void s_refresh(void *arg, struct grpc_call *c, struct span message)
{
	Refresh__RefreshRequest *request = NULL;
	enum { STRINGS = 1 << 1 | 1 << 2 };

	if (pb_is_clean(message, STRINGS))
		request = refresh__refresh_request__unpack(NULL, message.len,
							   (const uint8_t *)message.p);
	if (request == NULL) {
		grpc_fail(&c->status, GRPC_INVALID_ARGUMENT, "this is no RefreshRequest");
		return;
	}
	answer(arg, c, request);
	if (request->token != NULL)
		explicit_bzero(request->token, strlen(request->token));
	refresh__refresh_request__free_unpacked(request, NULL);
	/* RefreshResponse has no fields: the reply is empty. */
}
