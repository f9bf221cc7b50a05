/* SPDX-License-Identifier: MIT */
/*
 * Sliding, step by step: load, claim the window, ask, sign, replace. Each step stands on the
 * store's atomic operations, so it needs no lock, and no order of two requests breaks it. Nor does
 * it matter then how many take a step together: one session is a batch of one.
 */
#include "auth/refresh.h"

#include "auth/authn.h"

#include <assert.h>

#include "base/banned.h"

/* A job under way, as long as job->rc is TP_OK. */
struct work {
	struct refresh_job *job;
	struct buf value; /* as the store has it, and later as it is to have it */
	int64_t auth_time;
	struct jval *fresh;	    /* the handler's claims; NULL: nobody was asked */
	struct session_minted next; /* the session as it was made anew */
};

struct batch {
	const struct auth_ctx *a;
	size_t n;
	struct work works[REFRESH_AT_ONCE];
	struct store_op ops[LIMIT_STORE_OPS]; /* of one step: for those under way, in their order */
};

void refreshed_release(struct refreshed *r)
{
	session_minted_release(&r->minted);
	*r = (struct refreshed){ 0 };
}

static void batch_release(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		buf_release(&b->works[i].value);
		jval_release(b->works[i].fresh);
		session_minted_release(&b->works[i].next);
	}
}

static bool goes_on(const struct work *w)
{
	return w->job->rc == TP_OK;
}

/* The next one under way at or after *i; NULL: there is none. */
static struct work *next(struct batch *b, size_t *i)
{
	while (*i < b->n) {
		struct work *w = &b->works[(*i)++];

		if (goes_on(w))
			return w;
	}
	return NULL;
}

static void stop(struct work *w, enum tp_rc rc, const struct tp_err *why)
{
	w->job->rc = rc;
	w->job->err = *why;
}

static void stop_all(struct batch *b, enum tp_rc rc, const struct tp_err *why)
{
	struct work *w;

	for (size_t i = 0; (w = next(b, &i)) != NULL;)
		stop(w, rc, why);
}

/* One step's operations. False: without an answer, which ends it for all of them. */
static bool run(struct batch *b, size_t n)
{
	struct tp_err err = { 0 };
	enum tp_rc rc = n > 0 ? store_run(b->a->store, b->ops, n, &err) : TP_OK;

	if (rc != TP_OK)
		stop_all(b, rc, &err);
	return rc == TP_OK;
}

static struct span claim_str(const struct jval *claims, const char *name)
{
	struct span s = { NULL, 0 };

	(void)jval_str(jval_get(claims, name), &s);
	return s;
}

/* ---- load ---- */

/* The session as it stands, in copies, since the token is gone with the next verification. A token
 * of the Python original does not say when the login was; its own age then has to do. */
static enum tp_rc keep(const struct token *t, int64_t now, struct work *w, struct tp_err *err)
{
	struct session_minted *m = &w->job->ret.minted;
	enum tp_rc rc;

	m->expires_in_s = t->exp - now;
	w->auth_time = t->auth_time > 0 ? t->auth_time : t->iat > 0 ? t->iat : now;
	rc = secret_set(&m->handle, w->job->handle, err);
	return rc == TP_OK ? jval_copy(t->claims, &m->claims, err) : rc;
}

static enum tp_rc inside_the_window(struct refreshed *r, int64_t opens_in_s, struct tp_err *err)
{
	r->opens_in_s = opens_in_s;
	return tp_fail(err, TP_EXISTS, "the session was refreshed a moment ago");
}

/* restricted: the answer for the window; NULL where there is none. */
static enum tp_rc load(const struct auth_ctx *a, struct work *w, const struct store_op *restricted,
		       struct tp_err *err)
{
	bool closed = restricted != NULL && restricted->rc == TP_OK;
	struct refresh_job *job = w->job;
	bool brief = closed && job->brief;
	const struct token *t;
	enum tp_rc rc;

	rc = session_prove(a, job->user, job->handle, buf_view(&w->value),
			   brief ? NULL : &job->ret.minted.jwt, &t, err);
	if (rc == TP_OK && !brief)
		rc = keep(t, clock_now(&a->clock), w, err);
	if (rc == TP_OK && closed)
		rc = inside_the_window(&job->ret, restricted->ret_n, err);
	return rc;
}

/* All sessions, and then all windows: so a server has to change between databases once. Those that
 * are closed, as nearly all are, then need no write and no second round trip. */
static enum tp_rc ask_what_stands(struct batch *b, struct work **of, size_t n, struct tp_err *said)
{
	size_t per_job = b->a->rules->restrict_s > 0 ? 2 : 1;

	for (size_t i = 0; i < n; i++) {
		const struct refresh_job *job = of[i]->job;

		buf_reset(&of[i]->value);
		b->ops[i] = (struct store_op){ .verb = STORE_GET,
					       .key = { STORE_LOGIN, job->user, job->handle },
					       .ret = &of[i]->value };
		b->ops[n + i] =
			(struct store_op){ .verb = STORE_TTL,
					   .key = { STORE_RESTRICT, job->user, job->handle } };
	}
	return store_run(b->a->store, b->ops, per_job * n, said);
}

static void take_what_stands(struct batch *b, struct work **of, size_t n, enum tp_rc rc,
			     const struct tp_err *said)
{
	bool windows = b->a->rules->restrict_s > 0;

	for (size_t i = 0; i < n; i++) {
		struct tp_err err = *said;

		if (rc != TP_OK) {
			stop(of[i], rc, said);
			continue;
		}
		if (b->ops[i].rc == TP_OK) {
			err = (struct tp_err){ 0 };
			of[i]->job->rc = load(b->a, of[i], windows ? &b->ops[n + i] : NULL, &err);
		} else {
			/* What it said along with its "no" is for the operator. */
			of[i]->job->rc = tp_fail_retry(
				&err, b->ops[i].rc, said->retry_s, "%s",
				said->msg[0] != '\0' ? said->msg : "there is no such session");
		}
		of[i]->job->err = err;
	}
}

static void load_all(struct batch *b)
{
	struct work *of[REFRESH_AT_ONCE];
	struct tp_err said = { 0 };
	struct work *w;
	size_t n = 0;
	enum tp_rc rc;

	for (size_t i = 0; (w = next(b, &i)) != NULL;)
		of[n++] = w;
	if (n == 0)
		return;
	rc = ask_what_stands(b, of, n, &said);
	if (n == 1 || (rc == TP_OK && said.msg[0] == '\0')) {
		take_what_stands(b, of, n, rc, &said);
		return;
	}
	/* It may be about one of them only: an item larger than any session, a key of another type.
	 * Asking twice does no harm; a store that is down says so at once. */
	for (size_t i = 0; i < n; i++) {
		said = (struct tp_err){ 0 };
		rc = ask_what_stands(b, &of[i], 1, &said);
		take_what_stands(b, &of[i], 1, rc, &said);
	}
}

/* ---- claim ---- */

/* Before signing: of two refreshes at once, one must lose. Then a failure below costs one window,
 * never a session. */
static void claim_windows(struct batch *b)
{
	int64_t restrict_s = b->a->rules->restrict_s;
	struct work *w;
	size_t n = 0;

	if (restrict_s == 0)
		return;
	for (size_t i = 0; (w = next(b, &i)) != NULL;)
		b->ops[n++] = (struct store_op){
			.verb = STORE_PUT,
			.key = { STORE_RESTRICT, w->job->user, w->job->handle },
			.value = SPAN_LIT("restricted"),
			.ttl_s = restrict_s,
			.mode = STORE_IF_ABSENT,
		};
	if (!run(b, n))
		return;
	n = 0;
	for (size_t i = 0; (w = next(b, &i)) != NULL; n++) {
		/* It was open a moment ago, so it has only just been closed. */
		if (b->ops[n].rc != TP_OK)
			w->job->rc = inside_the_window(&w->job->ret, restrict_s, &w->job->err);
	}
}

/* ---- ask ---- */

/* What the handler denies is over. A session that cannot be ended now is not reported as ended. */
static enum tp_rc end_denied(const struct auth_ctx *a, struct span user, struct span handle,
			     struct tp_err *err)
{
	const struct tp_err why = *err;
	enum tp_rc rc = session_close(a, user, handle, err);

	if (rc != TP_OK && rc != TP_NOT_FOUND)
		return rc;
	return tp_fail(err, TP_DENIED, "the token handler denies the user: %s", why.msg);
}

static enum tp_rc ask_handler(const struct auth_ctx *a, const struct jval *claims,
			      const struct refresh_info *info, struct jval **ret,
			      struct tp_err *err)
{
	TP_CLEANUP(jval_cleanup) struct jval *fresh = NULL;
	const struct authn_request question = { .event = AUTHN_REFRESH,
						.claims = claims,
						.remote_addr = info->remote_addr,
						.request_id = info->request_id,
						.edge = info->edge };
	enum tp_rc rc;

	rc = authn_ask(a->authn, &question, &fresh, err);
	if (rc != TP_OK)
		return rc;
	if (!span_eq(claim_str(fresh, "user_id"), claim_str(claims, "user_id")))
		return tp_fail(err, TP_UNAVAILABLE, "the token handler answers for another user");
	*ret = fresh;
	fresh = NULL;
	return TP_OK;
}

static void ask_for_all(struct batch *b)
{
	const struct auth_ctx *a = b->a;
	struct work *w;

	if (!a->rules->recheck || a->authn == NULL)
		return;
	for (size_t i = 0; (w = next(b, &i)) != NULL;) {
		struct refresh_job *job = w->job;

		if (job->late_ms != 0 && clock_mono_ms() >= job->late_ms)
			job->rc =
				tp_fail(&job->err, TP_UNAVAILABLE, "nobody waits for it any more");
		else
			job->rc = ask_handler(a, job->ret.minted.claims, &job->info, &w->fresh,
					      &job->err);
		if (job->rc == TP_DENIED)
			job->rc = end_denied(a, job->user, job->handle, &job->err);
	}
}

/* ---- sign ---- */

/* Never more than the session has: RFC 6749 section 6. */
static enum tp_rc narrow(const struct jval *old, const struct jval *fresh, struct scope_set *ret,
			 struct tp_err *err)
{
	struct scope_set have, may;

	if (scope_from_claim(jval_get(old, "scopes"), &have, err) != TP_OK ||
	    scope_from_claim(jval_get(fresh, "scopes"), &may, err) != TP_OK)
		return tp_fail(err, TP_UNAVAILABLE, "the claim \"scopes\" is no list of scopes");
	scope_intersect(&have, &may, ret);
	return TP_OK;
}

static enum tp_rc sign(const struct auth_ctx *a, struct work *w, struct tp_err *err)
{
	const struct jval *old = w->job->ret.minted.claims;
	struct scope_set scopes;
	struct session_draft draft = { .claims = w->fresh != NULL ? w->fresh : old,
				       .scopes = &scopes,
				       .handle = w->job->handle,
				       .ip = claim_str(old, "ip"),
				       .agent = claim_str(old, "agent"),
				       .auth_time = w->auth_time };
	enum tp_rc rc;

	rc = narrow(old, draft.claims, &scopes, err);
	if (rc == TP_OK)
		rc = session_mint(a, &draft, &w->next, err);
	if (rc != TP_OK)
		return rc;
	buf_reset(&w->value);
	session_value_put(secret_view(&w->next.jwt), w->next.expires_in_s, &w->value);
	return buf_rc(&w->value, "the session", err);
}

static void sign_all(struct batch *b)
{
	struct work *w;

	for (size_t i = 0; (w = next(b, &i)) != NULL;)
		w->job->rc = sign(b->a, w, &w->job->err);
}

/* ---- replace ---- */

static void take_new(struct work *w)
{
	session_minted_release(&w->job->ret.minted);
	w->job->ret.minted = w->next;
	w->next = (struct session_minted){ 0 };
}

/* If it is still there: a logout in the meantime stands. */
static void replace_all(struct batch *b)
{
	struct work *w;
	size_t n = 0;

	for (size_t i = 0; (w = next(b, &i)) != NULL;)
		b->ops[n++] = (struct store_op){
			.verb = STORE_PUT,
			.key = { STORE_LOGIN, w->job->user, w->job->handle },
			.value = buf_view(&w->value),
			.ttl_s = w->next.expires_in_s,
			.mode = STORE_IF_PRESENT,
		};
	if (!run(b, n))
		return;
	n = 0;
	for (size_t i = 0; (w = next(b, &i)) != NULL; n++) {
		if (b->ops[n].rc == TP_OK)
			take_new(w);
		else
			w->job->rc = tp_fail(&w->job->err, b->ops[n].rc,
					     "the session ended while it was refreshed");
	}
}

/* ---- all of it ---- */

static enum tp_rc admit(const struct auth_ctx *a, const struct refresh_job *job, struct tp_err *err)
{
	if (!a->rules->issues)
		return tp_fail(err, TP_INTERNAL, "a resource server does not refresh");
	if (!session_name_ok(job->user, job->handle))
		return tp_fail(err, TP_NOT_FOUND, "no session can have this name");
	return TP_OK;
}

void refresh_sessions(const struct auth_ctx *a, struct refresh_job *jobs, size_t n)
{
	TP_CLEANUP(batch_release) struct batch b;

	assert(n <= REFRESH_AT_ONCE);
	b.a = a;
	b.n = n;
	for (size_t i = 0; i < n; i++) {
		b.works[i] = (struct work){ .job = &jobs[i], .value = BUF_INIT(LIMIT_STORE_VALUE) };
		jobs[i].ret = (struct refreshed){ 0 };
		jobs[i].err = (struct tp_err){ 0 };
		jobs[i].rc = admit(a, &jobs[i], &jobs[i].err);
	}
	load_all(&b);
	claim_windows(&b);
	ask_for_all(&b);
	sign_all(&b);
	replace_all(&b);
	for (size_t i = 0; i < n; i++)
		if (jobs[i].rc != TP_OK && jobs[i].rc != TP_EXISTS)
			refreshed_release(&jobs[i].ret);
}

enum tp_rc refresh_session(const struct auth_ctx *a, struct span user, struct span handle,
			   const struct refresh_info *info, struct refreshed *ret,
			   struct tp_err *err)
{
	struct refresh_job job = { .user = user, .handle = handle, .info = *info };
	char name[LIMIT_USER_ID]; /* user may be gone after the first verification */

	if (user.len <= sizeof(name) && user.len > 0) {
		memcpy(name, user.p, user.len);
		job.user.p = name;
	}
	refresh_sessions(a, &job, 1);
	if (job.rc == TP_OK || job.rc == TP_EXISTS)
		*ret = job.ret;
	if (job.rc == TP_OK)
		return TP_OK;
	return tp_fail_retry(err, job.rc, job.err.retry_s, "%s", job.err.msg);
}
