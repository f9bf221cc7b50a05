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
#include "base/clock.h"
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

/* A call whose request can be one, and its part of the batch. */
struct asked {
	struct grpc_call *call;
	Refresh__RefreshRequest *request;
	struct access access;
};

static void forget(Refresh__RefreshRequest *request)
{
	if (request == NULL)
		return;
	if (request->token != NULL)
		explicit_bzero(request->token, strlen(request->token));
	refresh__refresh_request__free_unpacked(request, NULL);
}

static void asked_release(struct asked *q)
{
	forget(q->request);
	access_release(&q->access);
}

/* False: it is answered. */
static bool read_request(struct grpc_call *c, Refresh__RefreshRequest **ret)
{
	struct span message = buf_view(&c->frame.message);
	Refresh__RefreshRequest *request = NULL;
	enum { STRINGS = 1 << 1 | 1 << 2 };
	const char *why = "this is no RefreshRequest";

	if (pb_is_clean(message, STRINGS))
		request = refresh__refresh_request__unpack(NULL, message.len,
							   (const uint8_t *)message.p);
	if (request != NULL)
		why = reason_against(span_of(request->user_id), span_of(request->token));
	if (why == NULL) {
		*ret = request;
		return true;
	}
	grpc_fail(&c->status, GRPC_INVALID_ARGUMENT, "%s", why);
	forget(request);
	return false;
}

static void answer(const struct asked *q, enum tp_rc rc, const struct tp_err *err)
{
	struct grpc_call *c = q->call;

	if (rc == TP_UNAVAILABLE && grpc_call_is_late(c, clock_mono_ms())) {
		grpc_call_refuse(c, GRPC_DEADLINE_EXCEEDED, "the deadline has passed");
		return;
	}
	log_outcome(c, rc, span_of(q->request->user_id), span_of(q->request->token), err);
	if (!is_answer(rc))
		grpc_fail_rc(&c->status, rc, err);
}

/* False: it is answered, and *q is released. */
static bool ask(const struct auth_ctx *a, struct asked *q, struct refresh_job *job)
{
	struct span user = span_of(q->request->user_id);
	struct tp_err err = { 0 };
	enum tp_rc rc = resolve(a, user, span_of(q->request->token), &q->access, &err);

	if (rc != TP_OK) {
		answer(q, rc, &err);
		asked_release(q);
		return false;
	}
	*job = (struct refresh_job){ .user = user,
				     .handle = secret_view(&q->access.handle),
				     .late_ms = q->call->deadline_ms,
				     .brief = true };
	return true;
}

/* RefreshResponse has no fields: the replies are empty. */
void s_refresh(void *arg, struct grpc_call *const *calls, size_t n)
{
	const struct auth_ctx *a = ((struct services *)arg)->auth;
	struct refresh_job jobs[REFRESH_AT_ONCE];
	struct asked asked[REFRESH_AT_ONCE];
	size_t m = 0;

	_Static_assert((int)LIMIT_GRPC_BATCH <= (int)REFRESH_AT_ONCE, "they are refreshed at once");
	store_begin(a->store);
	for (size_t i = 0; i < n; i++) {
		asked[m] = (struct asked){ .call = calls[i] };
		if (read_request(calls[i], &asked[m].request) && ask(a, &asked[m], &jobs[m]))
			m++;
	}
	refresh_sessions(a, jobs, m);
	for (size_t i = 0; i < m; i++) {
		answer(&asked[i], jobs[i].rc, &jobs[i].err);
		refreshed_release(&jobs[i].ret);
		asked_release(&asked[i]);
	}
}
