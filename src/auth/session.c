/* SPDX-License-Identifier: MIT */
/*
 * How a session is opened, found and closed. What it is in the store is session_value.c, and its
 * JWT is made in session_mint.c. How it slides is auth/refresh, what a request shows is
 * auth/access, and whether a password is right is auth/authn.
 */
#include "auth/session.h"

#include "auth/throttle.h"
#include "base/codec.h"
#include "base/limits.h"
#include "base/rnd.h"

#include "base/banned.h"

enum {
	HANDLE_RANDOM = 32, /* bytes behind a handle */
	DOOMED_MOST = 64,   /* sessions that one walk over a user's finds to delete */
	DELETED_MOST = 8,   /* of them, in one round trip */
	LOGIN_OPS = 5	    /* what a login writes */
};

#define NO_ITEM ((struct span){ NULL, 0 })

/* Sessions to delete; a handle has to outlive the walk that found it. */
struct doomed {
	size_t n;
	struct {
		int64_t since;
		size_t len;
		char handle[LIMIT_HANDLE];
	} v[DOOMED_MOST];
};

void session_minted_release(struct session_minted *m)
{
	secret_release(&m->handle);
	secret_release(&m->jwt);
	jval_release(m->claims);
	*m = (struct session_minted){ 0 };
}

static struct store_key login_key(struct span user, struct span handle)
{
	return (struct store_key){ STORE_LOGIN, user, handle };
}

bool session_name_ok(struct span user, struct span handle)
{
	return handle.len >= 1 && handle.len <= LIMIT_HANDLE && !span_has_control(handle) &&
	       token_user_id_ok(user);
}

void session_bearer(struct span user, struct span handle, struct buf *out)
{
	buf_span(out, handle);
	buf_char(out, '.');
	codec_b64url_put(out, user);
}

void session_sid(struct span handle, struct buf *out)
{
	unsigned char digest[DIGEST_SHA256];

	codec_sha256(handle, digest);
	codec_b64url_put(out, (struct span){ (const char *)digest, sizeof(digest) });
}

static enum tp_rc sid_matches(struct span handle, struct span sid, bool *ret, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf own = BUF_INIT(SESSION_SID_LEN);

	session_sid(handle, &own);
	if (own.rc != TP_OK)
		return buf_rc(&own, "the sid", err);
	*ret = secret_eq(buf_view(&own), sid);
	return TP_OK;
}

/* ---- finding ---- */

enum tp_rc session_prove(const struct auth_ctx *a, struct span user, struct span handle,
			 struct span value, struct secret *ret_jwt, const struct token **ret,
			 struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf hold = BUF_INIT(LIMIT_JWT);
	int64_t now = clock_now(&a->clock), most = a->rules->session_max_s;
	const struct token *t = NULL;
	bool same = true;
	struct span jwt;
	enum tp_rc rc;

	rc = session_value_get(value, &jwt, &hold, err);
	if (rc == TP_OK)
		rc = token_verify(a->verifier, jwt, TOKEN_STORED, now, &t, err);
	if (rc != TP_OK)
		return rc;
	if (!span_eq(t->user_id, user))
		return tp_fail(err, TP_DENIED, "the stored token is of another user");
	if (t->sid.p != NULL) /* the original writes none */
		rc = sid_matches(handle, t->sid, &same, err);
	if (rc == TP_OK && !same)
		return tp_fail(err, TP_DENIED, "the stored token is of another session");
	/* SESSION_MAX may have been lowered since the token was signed. */
	if (rc == TP_OK && most > 0 && t->auth_time > 0 && now - t->auth_time >= most)
		return tp_fail(err, TP_EXPIRED, "the session has lasted as long as it may");
	if (rc == TP_OK && ret_jwt != NULL)
		rc = secret_set(ret_jwt, jwt, err);
	if (rc == TP_OK)
		*ret = t;
	return rc;
}

/* As store_do(), which has words of its own for a "no": what the store said along with it (a key of
 * another type, say) is for the operator. */
static enum tp_rc ask(const struct auth_ctx *a, struct store_op *op, struct tp_err *err)
{
	struct tp_err said = { 0 };
	enum tp_rc rc = store_run(a->store, op, 1, &said);

	if (rc == TP_OK)
		rc = op->rc;
	if (rc == TP_OK)
		return TP_OK;
	return tp_fail_retry(err, rc, said.retry_s, "%s",
			     said.msg[0] != '\0' ? said.msg : "there is no such session");
}

static enum tp_rc find(const struct auth_ctx *a, struct span user, struct span handle,
		       struct secret *ret_jwt, const struct token **ret, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf value = BUF_INIT(LIMIT_STORE_VALUE);
	struct store_op get = { .verb = STORE_GET, .key = login_key(user, handle), .ret = &value };
	enum tp_rc rc;

	if (!session_name_ok(user, handle))
		return tp_fail(err, TP_NOT_FOUND, "no session can have this name");
	rc = ask(a, &get, err);
	return rc == TP_OK ? session_prove(a, user, handle, buf_view(&value), ret_jwt, ret, err)
			   : rc;
}

enum tp_rc session_find(const struct auth_ctx *a, struct span user, struct span handle,
			const struct token **ret, struct tp_err *err)
{
	return find(a, user, handle, NULL, ret, err);
}

enum tp_rc session_find_jwt(const struct auth_ctx *a, struct span user, struct span handle,
			    struct secret *ret_jwt, const struct token **ret, struct tp_err *err)
{
	return find(a, user, handle, ret_jwt, ret, err);
}

struct sid_search {
	struct span sid;
	struct secret handle;
	struct buf value;
	struct tp_err err;
};

static void sid_search_release(struct sid_search *s)
{
	secret_release(&s->handle);
	buf_release(&s->value);
}

/* Answers TP_EXISTS, which ends the walk, at the session that was looked for. */
static enum tp_rc search_sid(void *arg, struct span item, struct span value)
{
	struct sid_search *s = arg;
	bool same = false;
	enum tp_rc rc = sid_matches(item, s->sid, &same, &s->err);

	if (rc != TP_OK || !same)
		return rc;
	rc = secret_set(&s->handle, item, &s->err);
	if (rc != TP_OK)
		return rc;
	buf_span(&s->value, value);
	rc = buf_rc(&s->value, "the stored session", &s->err);
	return rc == TP_OK ? TP_EXISTS : rc == TP_TOO_LARGE ? TP_DENIED : rc;
}

/* The value comes with the handle, so that this is one round trip as well. */
enum tp_rc session_find_sid(const struct auth_ctx *a, struct span user, struct span sid,
			    struct secret *ret_handle, const struct token **ret, struct tp_err *err)
{
	TP_CLEANUP(sid_search_release)
	struct sid_search s = { .sid = sid, .value = BUF_INIT(LIMIT_STORE_VALUE) };
	struct store_op list = {
		.verb = STORE_LIST, .key = login_key(user, NO_ITEM), .each = search_sid, .arg = &s
	};
	enum tp_rc rc;

	if (!token_user_id_ok(user))
		return tp_fail(err, TP_NOT_FOUND, "no session can have this name");
	rc = store_run(a->store, &list, 1, &s.err);
	if (rc == TP_OK)
		rc = list.rc == TP_OK ? TP_NOT_FOUND : list.rc;
	if (rc == TP_EXISTS)
		rc = session_name_ok(user, secret_view(&s.handle)) ? TP_OK : TP_NOT_FOUND;
	if (rc != TP_OK)
		return tp_fail_retry(err, rc, s.err.retry_s, "%s",
				     s.err.msg[0] != '\0' ? s.err.msg
							  : "there is no session with this sid");
	rc = session_prove(a, user, secret_view(&s.handle), buf_view(&s.value), NULL, ret, err);
	if (rc != TP_OK)
		return rc;
	secret_release(ret_handle);
	*ret_handle = s.handle;
	s.handle = (struct secret){ 0 };
	return TP_OK;
}

/* ---- closing ---- */

enum tp_rc session_close(const struct auth_ctx *a, struct span user, struct span handle,
			 struct tp_err *err)
{
	struct store_op del = { .verb = STORE_DEL, .key = login_key(user, handle) };

	if (!session_name_ok(user, handle))
		return tp_fail(err, TP_NOT_FOUND, "no session can have this name");
	return ask(a, &del, err);
}

enum tp_rc session_close_all(const struct auth_ctx *a, struct span user, int64_t *ret_n,
			     struct tp_err *err)
{
	struct store_op del = { .verb = STORE_DEL_OWNER, .key = login_key(user, NO_ITEM) };
	enum tp_rc rc;

	if (!token_user_id_ok(user))
		return tp_fail(err, TP_NOT_FOUND, "no session can have this name");
	rc = ask(a, &del, err);
	if (rc == TP_OK)
		*ret_n = del.ret_n;
	return rc;
}

/* Keeps the `most` oldest, in the order of their age. */
static void doom(struct doomed *d, size_t most, struct span handle, int64_t since)
{
	size_t i = d->n;

	if (i < most)
		d->n++;
	else if (d->v[--i].since <= since)
		return;
	for (; i > 0 && d->v[i - 1].since > since; i--)
		d->v[i] = d->v[i - 1];
	d->v[i].since = since;
	d->v[i].len = handle.len;
	memcpy(d->v[i].handle, handle.p, handle.len);
}

static enum tp_rc delete_doomed(const struct auth_ctx *a, struct span user, const struct doomed *d,
				struct tp_err *err)
{
	struct store_op ops[DELETED_MOST];
	enum tp_rc rc = TP_OK;

	for (size_t i = 0; rc == TP_OK && i < d->n;) {
		size_t m = 0;

		for (; m < DELETED_MOST && i < d->n; m++, i++)
			ops[m] = (struct store_op){
				.verb = STORE_DEL,
				.key = login_key(user,
						 (struct span){ d->v[i].handle, d->v[i].len }),
				.no_wait = true,
			};
		rc = store_run(a->store, ops, m, err); /* one that is gone is as good */
	}
	return rc;
}

/* ---- opening ---- */

/* A walk over a user's sessions while one is opened. */
struct walk {
	const struct auth_ctx *a;
	struct span fresh; /* the handle of the session just opened, which stays */
	size_t seen, most;
	struct doomed doomed;
	struct tp_err err;
};

static void walk_release(struct walk *w)
{
	explicit_bzero(w, sizeof(*w));
}

/* For STORE_SAMPLE: what the store keeps beyond its end because it cannot expire it by itself. */
static enum tp_rc note_expired(void *arg, struct span item, struct span value)
{
	TP_CLEANUP(buf_release) struct buf hold = BUF_INIT(LIMIT_JWT);
	struct walk *w = arg;
	struct span jwt;
	int64_t exp;

	if (item.len <= LIMIT_HANDLE && session_value_get(value, &jwt, &hold, NULL) == TP_OK &&
	    token_peek_exp(jwt, &exp) && exp <= clock_now(&w->a->clock))
		doom(&w->doomed, DELETED_MOST, item, exp);
	return TP_OK;
}

/* For STORE_LIST: the oldest first; what does not hold any more, or never did, before all. */
static enum tp_rc note_age(void *arg, struct span item, struct span value)
{
	TP_CLEANUP(buf_release) struct buf hold = BUF_INIT(LIMIT_JWT);
	struct walk *w = arg;
	const struct token *t;
	int64_t since = 0;
	struct span jwt = { NULL, 0 };
	enum tp_rc rc;

	if (item.len > LIMIT_HANDLE)
		return TP_OK; /* no session, and no key that could be deleted here */
	w->seen++;
	if (span_eq(item, w->fresh))
		return TP_OK;
	rc = session_value_get(value, &jwt, &hold, &w->err);
	if (rc == TP_OK)
		rc = token_verify(w->a->verifier, jwt, TOKEN_STORED, clock_now(&w->a->clock), &t,
				  &w->err);
	if (rc == TP_OK)
		since = t->auth_time > 0 ? t->auth_time : t->iat;
	if (rc == TP_NOMEM)
		return rc; /* cannot tell its age */
	doom(&w->doomed, w->most, item, since);
	return TP_OK;
}

/* `over`: how many sessions too many there seem to be. Counted anew in each walk, so that logins at
 * the same time do not delete more than is too much. */
static enum tp_rc trim(const struct auth_ctx *a, struct span user, struct span fresh, int64_t over,
		       struct tp_err *err)
{
	TP_CLEANUP(walk_release) struct walk w = { .a = a, .fresh = fresh };
	struct store_op list = {
		.verb = STORE_LIST, .key = login_key(user, NO_ITEM), .each = note_age, .arg = &w
	};
	enum tp_rc rc;

	do {
		w.seen = w.doomed.n = 0;
		w.most = over < DOOMED_MOST ? (size_t)over : DOOMED_MOST;
		rc = store_run(a->store, &list, 1, err);
		if (rc != TP_OK)
			return rc;
		if (list.rc != TP_OK)
			return tp_fail(err, list.rc, "%s", w.err.msg);
		over = (int64_t)w.seen - a->rules->sessions_per_user;
		if (over < (int64_t)w.doomed.n)
			w.doomed.n = over > 0 ? (size_t)over : 0;
		rc = delete_doomed(a, user, &w.doomed, err);
		over -= (int64_t)w.doomed.n;
	} while (rc == TP_OK && over > 0 && w.doomed.n > 0);
	return rc;
}

/* It is not known whether a login that failed was written: nobody gets its handle, and so nobody
 * may find it in a list, or have another one make room for it. */
static void take_back(const struct auth_ctx *a, struct span user, struct span handle)
{
	struct store_op ops[] = {
		{ .verb = STORE_DEL, .key = login_key(user, handle), .no_wait = true },
		{ .verb = STORE_DEL, .key = { STORE_RESTRICT, user, handle }, .no_wait = true },
	};

	enum tp_rc rc = store_run(a->store, ops, TP_COUNT(ops), NULL);

	(void)rc; /* what stays ends by itself */
}

static enum tp_rc write_login(const struct auth_ctx *a, const struct session_login *login,
			      struct span user, const struct session_minted *m, int64_t *ret_n,
			      struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf value = BUF_INIT(LIMIT_STORE_VALUE);
	TP_CLEANUP(walk_release) struct walk sample = { .a = a };
	struct store_op ops[LOGIN_OPS];
	struct span handle = secret_view(&m->handle);
	size_t n = 0;
	enum tp_rc rc;

	session_value_put(secret_view(&m->jwt), m->expires_in_s, &value);
	rc = buf_rc(&value, "the session", err);
	if (rc != TP_OK)
		return rc;
	ops[n++] = (struct store_op){ .verb = STORE_PUT,
				      .key = login_key(user, handle),
				      .value = buf_view(&value),
				      .ttl_s = m->expires_in_s };
	if (login->replaced_handle.p != NULL &&
	    session_name_ok(login->replaced_user, login->replaced_handle))
		ops[n++] = (struct store_op){ .verb = STORE_DEL,
					      .key = login_key(login->replaced_user,
							       login->replaced_handle) };
	ops[n++] = (struct store_op){ .verb = STORE_SAMPLE,
				      .key = login_key(user, NO_ITEM),
				      .each = note_expired,
				      .arg = &sample };
	if (a->rules->restrict_s > 0)
		ops[n++] = (struct store_op){ .verb = STORE_PUT,
					      .key = { STORE_RESTRICT, user, handle },
					      .value = SPAN_LIT("restricted"),
					      .ttl_s = a->rules->restrict_s };
	if (login->throttle != NULL)
		ops[n++] = throttle_success(login->throttle);
	rc = store_run(a->store, ops, n, err);
	if (rc != TP_OK) {
		take_back(a, user, handle);
		return rc;
	}
	*ret_n = ops[0].ret_n;
	(void)delete_doomed(a, user, &sample.doomed, NULL); /* tidying: nothing depends on it */
	return TP_OK;
}

static enum tp_rc make_handle(struct buf *out, struct tp_err *err)
{
	unsigned char bytes[HANDLE_RANDOM];
	enum tp_rc rc = rnd_bytes(bytes, sizeof(bytes), err);

	if (rc != TP_OK)
		return rc;
	codec_b64url_put(out, (struct span){ (const char *)bytes, sizeof(bytes) });
	explicit_bzero(bytes, sizeof(bytes));
	return buf_rc(out, "the handle", err);
}

enum tp_rc session_open(const struct auth_ctx *a, const struct session_login *login,
			struct session_minted *ret, struct tp_err *err)
{
	TP_CLEANUP(session_minted_release) struct session_minted m = { 0 };
	TP_CLEANUP(buf_release) struct buf handle = BUF_INIT(LIMIT_HANDLE);
	struct session_draft draft = { .claims = login->claims,
				       .scopes = login->granted,
				       .ip = login->ip,
				       .agent = login->agent,
				       .auth_time = clock_now(&a->clock) };
	int64_t held = 0;
	struct span user;
	enum tp_rc rc;

	if (!jval_str(jval_get(login->claims, "user_id"), &user) || !token_user_id_ok(user))
		return tp_fail(err, TP_UNAVAILABLE,
			       "the token handler's user_id is missing or not allowed");
	rc = make_handle(&handle, err);
	if (rc != TP_OK)
		return rc;
	draft.handle = buf_view(&handle);
	rc = session_mint(a, &draft, &m, err);
	if (rc == TP_OK)
		rc = write_login(a, login, user, &m, &held, err);
	if (rc == TP_OK && held > a->rules->sessions_per_user)
		rc = trim(a, user, draft.handle, held - a->rules->sessions_per_user, err);
	if (rc != TP_OK)
		return rc;
	*ret = m;
	m = (struct session_minted){ 0 };
	return TP_OK;
}
