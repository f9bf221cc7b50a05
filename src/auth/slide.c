/* SPDX-License-Identifier: MIT */
/*
 * Owns the decision whether a session that was used slides, and by whom. How it is re-minted is
 * auth/refresh's, how another server is asked is the trigger's, and what becomes of a failure is
 * for the caller: nothing that a client sees.
 */
#include "auth/slide.h"

#include "auth/refresh.h"
#include "base/limits.h"

#include "base/banned.h"

void slide_init(struct slide *s)
{
	*s = (struct slide){ .user = BUF_INIT(LIMIT_USER_ID),
			     .remote_addr = BUF_INIT(LIMIT_ADDRESS) };
}

void slide_reset(struct slide *s)
{
	buf_reset(&s->user);
	buf_reset(&s->remote_addr);
	secret_release(&s->handle);
}

void slide_release(struct slide *s)
{
	buf_release(&s->user);
	buf_release(&s->remote_addr);
	secret_release(&s->handle);
}

static bool window_is_closed(const struct auth_ctx *a, const struct token *t)
{
	return a->rules->restrict_s > 0 && t->iat > 0 &&
	       clock_now(&a->clock) - t->iat < a->rules->restrict_s;
}

void slide_note(struct slide *s, const struct auth_ctx *a, const struct access *x,
		struct span remote_addr)
{
	slide_reset(s);
	if ((!a->rules->issues && a->trigger.fire == NULL) || window_is_closed(a, x->token))
		return;
	buf_span(&s->user, x->token->user_id);
	if (remote_addr.len <= LIMIT_ADDRESS)
		buf_span(&s->remote_addr, remote_addr);
	if (s->user.rc != TP_OK || s->remote_addr.rc != TP_OK ||
	    secret_set(&s->handle, secret_view(&x->handle), NULL) != TP_OK)
		slide_reset(s);
}

bool slide_is_due(const struct slide *s)
{
	return s->handle.len > 0;
}

static enum tp_rc refresh_here(const struct auth_ctx *a, const struct slide *s,
			       struct span request_id, struct tp_err *err)
{
	TP_CLEANUP(refreshed_release) struct refreshed r = { 0 };
	const struct refresh_info info = { buf_view(&s->remote_addr), request_id, NULL };

	return refresh_session(a, buf_view(&s->user), secret_view(&s->handle), &info, &r, err);
}

enum tp_rc slide_session(const struct auth_ctx *a, const struct slide *s, struct span request_id,
			 struct tp_err *err)
{
	bool gated = a->rules->recheck && a->gate.enter != NULL;
	enum tp_rc rc;

	if (!a->rules->issues)
		return a->trigger.fire(a->trigger.arg, buf_view(&s->user), secret_view(&s->handle),
				       err);
	/* Before the window is claimed: a session that finds no place slides with its next use. */
	if (gated && !a->gate.enter(a->gate.arg))
		return tp_fail(err, TP_THROTTLED, "as many workers as may be are at logins");
	rc = refresh_here(a, s, request_id, err);
	if (gated && a->gate.leave != NULL)
		a->gate.leave(a->gate.arg);
	return rc;
}
