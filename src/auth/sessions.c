/* SPDX-License-Identifier: MIT */
/*
 * Owns the walks over one user's sessions that somebody asked for: to list them, to end one by its
 * id, to end the others. What a session is and whether it holds is auth/session's to say.
 */
#include "auth/sessions.h"

#include <stdlib.h>

#include "base/banned.h"

/* What a walk finds to end is copied, each handle behind its length, since it is gone afterwards.
 */
enum { GATHERED_MOST = LIMIT_SESSIONS, GATHERED_BYTES = GATHERED_MOST * (1 + LIMIT_HANDLE) };

static struct store_key key_of(struct span user, struct span handle)
{
	return (struct store_key){ STORE_LOGIN, user, handle };
}

static bool id_of(struct span handle, struct buf *id, enum tp_rc *ret_rc, struct tp_err *err)
{
	buf_reset(id);
	session_sid(handle, id);
	*ret_rc = buf_rc(id, "the id", err);
	return *ret_rc == TP_OK;
}

/* The walk itself; *walk_err is what its callback failed with. */
static enum tp_rc walk(const struct auth_ctx *a, struct span user, store_item_fn *each, void *arg,
		       struct tp_err *walk_err, struct tp_err *err)
{
	struct store_op list = { .verb = STORE_LIST,
				 .key = key_of(user, (struct span){ NULL, 0 }),
				 .each = each,
				 .arg = arg };
	enum tp_rc rc;

	if (!token_user_id_ok(user))
		return tp_fail(err, TP_NOT_FOUND, "no user can have this name");
	rc = store_run(a->store, &list, 1, err);
	if (rc != TP_OK)
		return rc;
	if (list.rc != TP_OK && walk_err->msg[0] != '\0')
		return tp_fail(err, list.rc, "%s", walk_err->msg);
	return list.rc;
}

/* ---- the list ---- */

/* A session as the store has it, copied: to prove one takes its time, in which the store's pages or
 * its connection are not to be held, and the request's time for the store is not to run. */
struct stored {
	int64_t rank; /* of those of a user with too many, who stays; not proved either */
	char *bytes;  /* the handle and then the value */
	size_t handle_len, value_len;
};

struct listing {
	const struct auth_ctx *a;
	struct span user, current;
	bool unproved;
	struct stored *v;
	size_t n, alloc;
	size_t left_out;
	struct sessions list;
	struct tp_err err;
};

static struct span handle_of(const struct stored *s)
{
	return (struct span){ s->bytes, s->handle_len };
}

static struct span value_of(const struct stored *s)
{
	return (struct span){ s->bytes + s->handle_len, s->value_len };
}

static void drop_from(struct listing *l, size_t first)
{
	for (size_t i = first; i < l->n; i++) {
		explicit_bzero(l->v[i].bytes, l->v[i].handle_len + l->v[i].value_len);
		free(l->v[i].bytes);
	}
	l->n = first < l->n ? first : l->n;
}

static void listing_release(struct listing *l)
{
	drop_from(l, 0);
	free(l->v);
}

/* The one that asks, then those that end last; what is no session ends before all. */
static int64_t rank_of(const struct listing *l, const struct stored *s)
{
	TP_CLEANUP(buf_release) struct buf hold = BUF_INIT(LIMIT_JWT);
	struct span jwt;
	int64_t exp;

	if (secret_eq(handle_of(s), l->current))
		return INT64_MAX;
	if (session_value_get(value_of(s), &jwt, &hold, NULL) != TP_OK ||
	    !token_peek_exp(jwt, &exp))
		return INT64_MIN;
	return exp;
}

static int by_rank(const void *left, const void *right)
{
	const struct stored *a = left, *b = right;

	return (a->rank < b->rank) - (a->rank > b->rank);
}

static void shorten(struct listing *l)
{
	if (l->n <= SESSIONS_LISTED)
		return;
	for (size_t i = 0; i < l->n; i++)
		l->v[i].rank = rank_of(l, &l->v[i]);
	qsort(l->v, l->n, sizeof(l->v[0]), by_rank);
	l->left_out += l->n - SESSIONS_LISTED;
	drop_from(l, SESSIONS_LISTED);
}

/* Room for one more. At twice of what is listed the copies are shortened: so each one that comes
 * costs a sort only once in a while. */
static enum tp_rc make_room(struct listing *l, struct tp_err *err)
{
	size_t alloc = l->alloc > 0 ? 2 * l->alloc : 16;
	struct stored *v;

	if (l->n >= 2 * (size_t)SESSIONS_LISTED)
		shorten(l);
	if (l->n < l->alloc)
		return TP_OK;
	v = realloc(l->v, alloc * sizeof(*v));
	if (v == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	l->v = v;
	l->alloc = alloc;
	return TP_OK;
}

static enum tp_rc copy_one(void *arg, struct span handle, struct span value)
{
	struct listing *l = arg;
	struct stored *s;
	enum tp_rc rc;

	if (handle.len == 0 || handle.len > LIMIT_HANDLE)
		return TP_OK; /* no session, and nothing that could be ended by us */
	if (value.len > LIMIT_STORE_VALUE)
		value.len = 0; /* proves nothing either */
	rc = make_room(l, &l->err);
	if (rc != TP_OK)
		return rc;
	s = &l->v[l->n];
	*s = (struct stored){ .handle_len = handle.len, .value_len = value.len };
	s->bytes = malloc(handle.len + value.len);
	if (s->bytes == NULL)
		return tp_fail(&l->err, TP_NOMEM, "out of memory");
	l->n++;
	memcpy(s->bytes, handle.p, handle.len);
	if (value.len > 0)
		memcpy(s->bytes + handle.len, value.p, value.len);
	return TP_OK;
}

void sessions_release(struct sessions *s)
{
	free(s->v);
	*s = (struct sessions){ 0 };
}

/* qsort() moves entries, so where the texts are is told again afterwards. */
static void point_to_text(struct session_info *i)
{
	i->ip.p = i->ip.p != NULL ? i->text[0] : NULL;
	i->agent.p = i->agent.p != NULL ? i->text[1] : NULL;
}

static int by_place(const void *left, const void *right)
{
	const struct session_info *a = left, *b = right;

	if ((a->rc == TP_OK) != (b->rc == TP_OK))
		return a->rc == TP_OK ? -1 : 1;
	if (a->current != b->current)
		return a->current ? -1 : 1;
	if (a->refreshed != b->refreshed)
		return a->refreshed > b->refreshed ? -1 : 1;
	return memcmp(a->id, b->id, sizeof(a->id));
}

static void sort(struct sessions *s)
{
	if (s->n > 1)
		qsort(s->v, s->n, sizeof(s->v[0]), by_place);
	for (size_t i = 0; i < s->n; i++)
		point_to_text(&s->v[i]);
}

static struct span keep_text(struct span claim, char room[LIMIT_AGENT])
{
	size_t n = claim.p != NULL ? session_clean(claim, room) : 0;

	return (struct span){ n > 0 ? room : NULL, n };
}

static void describe(const struct auth_ctx *a, const struct token *t, struct session_info *i)
{
	int64_t most = a->rules->session_max_s;

	i->started = t->auth_time;
	i->refreshed = t->iat;
	i->expires = t->exp;
	if (most > 0 && t->auth_time > 0 && i->expires > t->auth_time + most)
		i->expires = t->auth_time + most;
	i->ip = keep_text(t->ip, i->text[0]);
	i->agent = keep_text(t->agent, i->text[1]);
}

/* There is room for it. */
static enum tp_rc add(struct listing *l, struct span handle, enum tp_rc proof,
		      const struct token *t, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf id = BUF_INIT(SESSION_SID_LEN);
	struct session_info *i;
	enum tp_rc rc;

	if (!id_of(handle, &id, &rc, err))
		return rc;
	i = &l->list.v[l->list.n++];
	*i = (struct session_info){ .rc = proof };
	memcpy(i->id, id.p, id.len + 1);
	if (proof != TP_OK)
		return TP_OK;
	i->current = secret_eq(handle, l->current);
	describe(l->a, t, i);
	return TP_OK;
}

static enum tp_rc prove_one(struct listing *l, const struct stored *s, struct tp_err *err)
{
	const struct token *t = NULL;
	enum tp_rc proof = session_prove(l->a, l->user, handle_of(s), value_of(s), NULL, &t, err);

	if (proof != TP_OK && proof != TP_DENIED && proof != TP_EXPIRED)
		return proof; /* cannot tell */
	if (proof == TP_OK)
		l->list.total++;
	else
		l->list.unproved++;
	if (proof != TP_OK && !l->unproved)
		return TP_OK;
	return add(l, handle_of(s), proof, t, err);
}

static enum tp_rc prove_all(struct listing *l, struct tp_err *err)
{
	enum tp_rc rc = TP_OK;

	if (l->n == 0)
		return TP_OK;
	l->list.v = calloc(l->n, sizeof(l->list.v[0]));
	if (l->list.v == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	for (size_t i = 0; rc == TP_OK && i < l->n; i++)
		rc = prove_one(l, &l->v[i], err);
	l->list.total += l->left_out;
	return rc;
}

enum tp_rc sessions_list(const struct auth_ctx *a, struct span user, struct span current,
			 bool unproved, struct sessions *ret, struct tp_err *err)
{
	TP_CLEANUP(listing_release)
	struct listing l = { .a = a, .user = user, .current = current, .unproved = unproved };
	enum tp_rc rc = walk(a, user, copy_one, &l, &l.err, err);

	if (rc != TP_OK)
		return rc;
	shorten(&l);
	rc = prove_all(&l, err);
	if (rc != TP_OK) {
		sessions_release(&l.list);
		return rc;
	}
	sort(&l.list);
	*ret = l.list;
	return TP_OK;
}

static void put_time(struct buf *out, const char *name, int64_t t)
{
	buf_str(out, name);
	if (t > 0)
		buf_int(out, t);
	else
		buf_str(out, "null");
}

static void put_text(struct buf *out, const char *name, struct span text)
{
	buf_str(out, name);
	if (text.p != NULL)
		jval_quote(text, out);
	else
		buf_str(out, "null");
}

void session_info_json(const struct session_info *i, struct buf *out)
{
	buf_str(out, "{\"id\":\"");
	buf_str(out, i->id);
	buf_str(out, i->current ? "\",\"current\":true" : "\",\"current\":false");
	put_time(out, ",\"started_at\":", i->started);
	put_time(out, ",\"refreshed_at\":", i->refreshed);
	put_time(out, ",\"expires_at\":", i->expires);
	put_text(out, ",\"ip\":", i->ip);
	put_text(out, ",\"agent\":", i->agent);
	buf_char(out, '}');
}

/* ---- ending ---- */

struct search {
	struct span id;
	struct secret handle;
	struct tp_err err;
};

/* Answers TP_EXISTS, which ends the walk, at the session that was looked for. */
static enum tp_rc match_id(void *arg, struct span handle, struct span value)
{
	TP_CLEANUP(buf_release) struct buf id = BUF_INIT(SESSION_SID_LEN);
	struct search *s = arg;
	enum tp_rc rc;

	(void)value;
	if (handle.len == 0 || handle.len > LIMIT_HANDLE)
		return TP_OK;
	if (!id_of(handle, &id, &rc, &s->err))
		return rc;
	if (!secret_eq(buf_view(&id), s->id))
		return TP_OK;
	rc = secret_set(&s->handle, handle, &s->err);
	return rc == TP_OK ? TP_EXISTS : rc;
}

static enum tp_rc end_one(const struct auth_ctx *a, struct span user, struct span handle,
			  struct tp_err *err)
{
	struct store_op del = { .verb = STORE_DEL, .key = key_of(user, handle) };

	return store_do(a->store, &del, err);
}

enum tp_rc sessions_end(const struct auth_ctx *a, struct span user, struct span id,
			struct secret *ret_handle, struct tp_err *err)
{
	struct search s = { .id = id };
	enum tp_rc rc;

	if (id.len != SESSION_SID_LEN)
		return tp_fail(err, TP_NOT_FOUND, "no session can have this id");
	rc = walk(a, user, match_id, &s, &s.err, err);
	if (rc == TP_OK)
		rc = TP_NOT_FOUND;
	if (rc == TP_EXISTS)
		rc = end_one(a, user, secret_view(&s.handle), err);
	if (rc == TP_OK) {
		secret_release(ret_handle);
		*ret_handle = s.handle;
		return TP_OK;
	}
	secret_release(&s.handle);
	return rc == TP_NOT_FOUND ? tp_fail(err, rc, "the user has no session of this id") : rc;
}

struct gathering {
	struct span kept;
	struct buf handles;
	size_t n;
	struct tp_err err;
};

/* Answers TP_EXISTS, which ends the walk, where it has all that it can hold. */
static enum tp_rc gather(void *arg, struct span handle, struct span value)
{
	struct gathering *g = arg;

	(void)value;
	if (handle.len == 0 || handle.len > LIMIT_HANDLE || secret_eq(handle, g->kept))
		return TP_OK;
	if (g->n == GATHERED_MOST)
		return TP_EXISTS;
	g->n++;
	buf_char(&g->handles, (char)handle.len);
	buf_span(&g->handles, handle);
	return buf_rc(&g->handles, "the list of sessions", &g->err);
}

/* One round trip's worth of what was gathered; *rest moves past it. */
static enum tp_rc end_some(const struct auth_ctx *a, struct span user, struct span *rest,
			   int64_t *n, struct tp_err *err)
{
	struct store_op ops[LIMIT_STORE_OPS];
	size_t m = 0;
	enum tp_rc rc;

	for (; m < LIMIT_STORE_OPS && rest->len > 0; m++) {
		size_t len = (unsigned char)rest->p[0];

		ops[m] = (struct store_op){
			.verb = STORE_DEL,
			.key = key_of(user, (struct span){ rest->p + 1, len }),
		};
		*rest = (struct span){ rest->p + 1 + len, rest->len - 1 - len };
	}
	rc = store_run(a->store, ops, m, err);
	for (size_t i = 0; rc == TP_OK && i < m; i++)
		*n += ops[i].rc == TP_OK; /* one that is gone is as good, and not ours */
	return rc;
}

/* One walk and what it found; TP_EXISTS: there is more. */
static enum tp_rc end_gathered(const struct auth_ctx *a, struct span user, struct gathering *g,
			       int64_t *n, struct tp_err *err)
{
	enum tp_rc rc, walked = walk(a, user, gather, g, &g->err, err);
	struct span rest = buf_view(&g->handles);

	rc = walked == TP_EXISTS ? TP_OK : walked;
	while (rc == TP_OK && rest.len > 0)
		rc = end_some(a, user, &rest, n, err);
	return rc == TP_OK ? walked : rc;
}

enum tp_rc sessions_end_others(const struct auth_ctx *a, struct span user, struct span kept,
			       int64_t *ret_n, struct tp_err *err)
{
	struct gathering g = { .kept = kept, .handles = BUF_INIT(GATHERED_BYTES) };
	int64_t n = 0;
	enum tp_rc rc;

	do {
		buf_reset(&g.handles);
		g.n = 0;
		rc = end_gathered(a, user, &g, &n, err);
	} while (rc == TP_EXISTS);
	buf_release(&g.handles);
	if (rc == TP_OK)
		*ret_n = n;
	return rc;
}
