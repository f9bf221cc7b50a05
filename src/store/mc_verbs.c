/* SPDX-License-Identifier: MIT */
/* Sessions and refresh windows; why this is safe is told in mc_verbs.h. */
#include "store/mc_verbs.h"

#include "base/rnd.h"
#include "store/mc_look.h"

#include <assert.h>

#include "base/banned.h"

enum { MONTH_S = 30 * 24 * 3600, PATIENT_TRIES = 3, PAUSE_MOST_US = 2000 };

/* ---- small parts ---- */

/*
 * Up to 30 days as a time span, which the server's clock cannot spoil; one more second than it
 * lives, since the server cuts at whole seconds of its own. Beyond that, memcached takes the number
 * for a time since 1970.
 */
uint32_t mc_lifetime(const struct mc_talk *t, int64_t ttl_s)
{
	int64_t s = ttl_s + 1;

	if (s > MONTH_S)
		s += t->now_s;
	return s < UINT32_MAX ? (uint32_t)s : UINT32_MAX;
}

static enum tp_rc pause_a_little(struct tp_err *err)
{
	unsigned char c[2];
	enum tp_rc rc = rnd_bytes(c, sizeof(c), err);

	if (rc == TP_OK)
		clock_pause_us((c[0] << 8 | c[1]) % PAUSE_MOST_US);
	return rc;
}

enum tp_rc mc_persist(struct mc_talk *t, struct store_op *op, mc_attempt *attempt, void *arg,
		      struct tp_err *err)
{
	for (int tries = 0; tries < MC_TRIES && clock_mono_ms() < t->pool.deadline_ms; tries++) {
		bool done = false;
		enum tp_rc rc = attempt(t, op, arg, &done, err);

		if (rc == TP_OK && !done && tries >= PATIENT_TRIES)
			rc = pause_a_little(err);
		if (rc != TP_OK || done)
			return rc;
	}
	return tp_fail(err, TP_UNAVAILABLE,
		       "an item in memcached was changed by others all the time");
}

/* Stores as the next version of what was seen, or as the first. */
static struct mc_ask ask_put(const struct mc_talk *t, size_t server, const struct mc_key *k,
			     const struct mc_seen *before, const struct buf *record,
			     int64_t expiry_s)
{
	return (struct mc_ask){ server,
				{ .code = before->there ? MC_SET : MC_ADD,
				  .key = mc_key_view(k),
				  .value = buf_view(record),
				  .lifetime = mc_lifetime(t, expiry_s - t->now_s),
				  .cas = before->cas } };
}

/* ---- reading ---- */

static enum tp_rc verb_get(struct mc_talk *t, struct store_op *op, struct tp_err *err)
{
	struct mc_view v;
	enum tp_rc rc = mc_look(t, &op->key, &v, err);

	if (rc != TP_OK)
		return rc;
	op->rc = v.live ? TP_OK : TP_NOT_FOUND;
	if (!v.live)
		return TP_OK;
	if (op->verb == STORE_TTL)
		op->ret_n = v.item.record.expiry_s - t->now_s;
	if (op->verb == STORE_TTL || op->ret == NULL)
		return TP_OK;
	buf_span(op->ret, v.item.record.body);
	if (op->ret->rc == TP_NOMEM)
		return tp_fail(err, TP_NOMEM, "out of memory");
	if (op->ret->rc != TP_OK)
		return tp_fail(err, TP_UNAVAILABLE,
			       "memcached has a value that is larger than the caller takes");
	return TP_OK;
}

/* A user's list, kept while sessions are fetched. */
struct walk {
	size_t server;
	struct mc_seen list;
	struct span owner;
	struct mc_key keys[MC_REQUESTS];
	struct mc_ask asks[MC_REQUESTS];
	struct mc_reply replies[MC_REQUESTS];
};

/* The next batch of sessions that the list names. */
static enum tp_rc fetch(struct mc_talk *t, struct walk *w, struct span *rest, size_t *ret_n,
			struct tp_err *err)
{
	const unsigned char *digest;
	int64_t expiry_s;
	size_t n = 0;

	while (n < MC_REQUESTS && mc_list_next(rest, &digest, &expiry_s)) {
		if (expiry_s <= t->now_s)
			continue;
		mc_key_of_digest(&w->keys[n], digest);
		w->asks[n] = mc_ask_get(w->server, &w->keys[n]);
		n++;
	}
	*ret_n = n;
	return n > 0 ? mc_pool_run(&t->pool, w->asks, n, w->replies, err) : TP_OK;
}

static enum tp_rc show(const struct mc_talk *t, const struct walk *w, size_t i,
		       const struct store_op *op)
{
	struct mc_record r;
	struct mc_key k = { .text = "" };
	struct mc_seen s;

	if (w->replies[i].status != MC_DONE || !mc_record_get(w->replies[i].value, &r))
		return TP_OK;
	s = mc_see(t, &w->replies[i], MC_LOGIN, w->owner, r.item);
	mc_key_make(&k, MC_LOGIN, w->owner, r.item);
	if (memcmp(k.digest, w->keys[i].digest, DIGEST_SHA256) != 0 ||
	    !mc_is_listed(t, &w->list, &s, &k))
		return TP_OK;
	return op->each(op->arg, r.item, r.body);
}

static enum tp_rc verb_list(struct mc_talk *t, struct store_op *op, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf list = BUF_INIT(MC_LIST_MOST);
	struct walk w = { .owner = op->key.owner };
	struct span rest;
	struct mc_view v;
	enum tp_rc rc = mc_look_list(t, &op->key, &v, err);

	if (rc != TP_OK)
		return rc;
	op->rc = TP_OK;
	if (!v.list.holds)
		return TP_OK;
	buf_span(&list, v.list.record.body);
	rc = buf_rc(&list, "a user's list of sessions", err);
	w.server = v.server;
	w.list = v.list;
	w.list.record.body = rest = buf_view(&list);
	while (rc == TP_OK && op->rc == TP_OK && rest.len > 0) {
		size_t n = 0;

		rc = fetch(t, &w, &rest, &n, err);
		for (size_t i = 0; rc == TP_OK && op->rc == TP_OK && i < n; i++)
			op->rc = show(t, &w, i, op);
	}
	return rc;
}

/* ---- writing ---- */

/* What a change of a session is about to store. */
struct draft {
	unsigned char generation[MC_GENERATION];
	int64_t expiry_s, list_expiry_s;
	int64_t n; /* entries of the list */
	bool tried;
	struct buf list, item;
};

static void draft_release(struct draft *d)
{
	buf_release(&d->list);
	buf_release(&d->item);
}

#define DRAFT_INIT                                                                                \
	{                                                                                         \
		.list = BUF_INIT(MC_RECORD_MOST + MC_LIST_MOST), .item = BUF_INIT(MC_RECORD_MOST) \
	}

/* The list that was seen, without the session, and then, with expiry_s above 0, with it. */
static enum tp_rc draft_list(const struct mc_talk *t, const struct mc_view *v, struct span owner,
			     int64_t expiry_s, struct draft *d, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf body = BUF_INIT(MC_LIST_MOST);
	struct mc_record r = { .kind = MC_LIST, .owner = owner };
	enum tp_rc rc = TP_OK;

	buf_reset(&d->list);
	if (v->list.holds)
		memcpy(d->generation, v->list.record.generation, MC_GENERATION);
	else
		rc = rnd_bytes(d->generation, MC_GENERATION, err);
	if (rc != TP_OK)
		return rc;
	if (v->list.holds)
		mc_list_copy(&body, v->list.record.body, v->key.digest, t->now_s);
	if (expiry_s > 0)
		mc_list_add(&body, v->key.digest, expiry_s);
	memcpy(r.generation, d->generation, MC_GENERATION);
	r.body = buf_view(&body);
	r.expiry_s = d->list_expiry_s = mc_list_last(r.body, t->now_s);
	d->n = (int64_t)mc_list_count(r.body, t->now_s);
	mc_record_put(&d->list, &r);
	rc = buf_rc(&body, "a user's list of sessions", err);
	return rc == TP_OK ? buf_rc(&d->list, "a user's list of sessions", err) : rc;
}

static enum tp_rc draft_item(const struct store_op *op, struct draft *d, struct tp_err *err)
{
	struct mc_record r = { .kind = mc_kind_of(op->key.space),
			       .expiry_s = d->expiry_s,
			       .owner = op->key.owner,
			       .item = op->key.item,
			       .body = op->value };

	memcpy(r.generation, d->generation, MC_GENERATION);
	buf_reset(&d->item);
	mc_record_put(&d->item, &r);
	return buf_rc(&d->item, "an item for memcached", err);
}

/* Both drafts; the list has the session. */
static enum tp_rc draft_both(const struct mc_talk *t, const struct mc_view *v,
			     const struct store_op *op, struct draft *d, struct tp_err *err)
{
	enum tp_rc rc;

	d->expiry_s = t->now_s + op->ttl_s;
	rc = draft_list(t, v, op->key.owner, d->expiry_s, d, err);
	return rc == TP_OK ? draft_item(op, d, err) : rc;
}

static struct mc_ask ask_put_list(const struct mc_talk *t, const struct mc_view *v,
				  const struct draft *d)
{
	return ask_put(t, v->server, &v->list_key, &v->list, &d->list, d->list_expiry_s);
}

static struct mc_ask ask_put_item(const struct mc_talk *t, const struct mc_view *v,
				  const struct draft *d)
{
	return ask_put(t, v->server, &v->key, &v->item, &d->item, d->expiry_s);
}

static enum tp_rc put_both(struct mc_talk *t, struct store_op *op, const struct mc_view *v,
			   const struct draft *d, enum mc_code item_code, bool *ret_done,
			   struct tp_err *err)
{
	struct mc_ask asks[] = { ask_put_list(t, v, d), ask_put_item(t, v, d) };
	struct mc_reply replies[TP_COUNT(asks)];
	enum tp_rc rc;

	asks[1].request.code = item_code;
	rc = mc_pool_run(&t->pool, asks, TP_COUNT(asks), replies, err);
	if (rc != TP_OK)
		return rc;
	op->rc = TP_OK;
	op->ret_n = d->n;
	*ret_done = replies[0].status == MC_DONE && replies[1].status == MC_DONE;
	return TP_OK;
}

/* A login: two round trips, since what was under its handle does not count. */
static enum tp_rc put_any(struct mc_talk *t, struct store_op *op, void *arg, bool *ret_done,
			  struct tp_err *err)
{
	struct mc_view v = { .live = false };
	struct draft *d = arg;
	enum tp_rc rc = mc_look_list(t, &op->key, &v, err);

	if (rc == TP_OK)
		rc = draft_both(t, &v, op, d, err);
	return rc == TP_OK ? put_both(t, op, &v, d, MC_SET, ret_done, err) : rc;
}

static enum tp_rc put_if_present(struct mc_talk *t, struct store_op *op, void *arg, bool *ret_done,
				 struct tp_err *err)
{
	struct draft *d = arg;
	struct mc_view v;
	enum tp_rc rc = mc_look(t, &op->key, &v, err);

	if (rc != TP_OK)
		return rc;
	*ret_done = !v.live;
	op->rc = TP_NOT_FOUND;
	if (!v.live)
		return TP_OK;
	rc = draft_both(t, &v, op, d, err);
	return rc == TP_OK ? put_both(t, op, &v, d, MC_SET, ret_done, err) : rc;
}

/* The list goes first: of several at once, who stores the item has won, and it is live then. */
static enum tp_rc put_if_absent(struct mc_talk *t, struct store_op *op, void *arg, bool *ret_done,
				struct tp_err *err)
{
	struct draft *d = arg;
	struct mc_reply reply = { .status = MC_DIFFERS };
	struct mc_ask ask;
	struct mc_view v;
	enum tp_rc rc = mc_look(t, &op->key, &v, err);

	if (rc != TP_OK)
		return rc;
	*ret_done = v.live;
	op->rc = TP_EXISTS;
	if (v.live)
		return TP_OK;
	rc = draft_both(t, &v, op, d, err);
	if (rc != TP_OK)
		return rc;
	ask = ask_put_list(t, &v, d);
	rc = mc_pool_run(&t->pool, &ask, 1, &reply, err);
	if (rc != TP_OK || reply.status != MC_DONE)
		return rc;
	ask = ask_put_item(t, &v, d);
	rc = mc_pool_run(&t->pool, &ask, 1, &reply, err);
	op->rc = TP_OK;
	op->ret_n = d->n;
	*ret_done = rc == TP_OK && reply.status == MC_DONE;
	return rc;
}

/* A refresh window: mostly one round trip, an MC_ADD. */
static enum tp_rc put_window(struct mc_talk *t, struct store_op *op, void *arg, bool *ret_done,
			     struct tp_err *err)
{
	struct mc_view v = { .live = false };
	struct draft *d = arg;
	struct mc_reply reply = { .status = MC_DIFFERS };
	struct mc_ask ask;
	enum tp_rc rc = TP_OK;

	mc_look_keys(t, &op->key, &v);
	if (op->mode == STORE_IF_PRESENT || d->tried)
		rc = mc_look(t, &op->key, &v, err);
	if (rc != TP_OK)
		return rc;
	d->tried = true;
	op->rc = TP_OK;
	if (op->mode == STORE_IF_ABSENT && v.live)
		op->rc = TP_EXISTS;
	if (op->mode == STORE_IF_PRESENT && !v.live)
		op->rc = TP_NOT_FOUND;
	*ret_done = op->rc != TP_OK;
	if (*ret_done)
		return TP_OK;
	ask = ask_put_item(t, &v, d);
	if (op->mode == STORE_ANY)
		ask.request.code = MC_SET;
	rc = mc_pool_run(&t->pool, &ask, 1, &reply, err);
	*ret_done = rc == TP_OK && reply.status == MC_DONE;
	return rc;
}

static enum tp_rc verb_put(struct mc_talk *t, struct store_op *op, struct tp_err *err)
{
	static mc_attempt *const logins[] = { [STORE_ANY] = put_any,
					      [STORE_IF_ABSENT] = put_if_absent,
					      [STORE_IF_PRESENT] = put_if_present };
	TP_CLEANUP(draft_release) struct draft d = DRAFT_INIT;
	enum tp_rc rc;

	if (op->key.space == STORE_LOGIN)
		return mc_persist(t, op, logins[op->mode], &d, err);
	d.expiry_s = t->now_s + op->ttl_s;
	rc = draft_item(op, &d, err);
	return rc == TP_OK ? mc_persist(t, op, put_window, &d, err) : rc;
}

/* ---- ending ---- */

static struct mc_ask ask_delete(size_t server, const struct mc_key *k, uint64_t cas)
{
	return (struct mc_ask){ server, { .code = MC_DELETE, .key = mc_key_view(k), .cas = cas } };
}

/* The list without the session; without an entry it goes altogether. */
static enum tp_rc ask_unlist(const struct mc_talk *t, const struct mc_view *v, struct span owner,
			     struct draft *d, struct mc_ask *ret, struct tp_err *err)
{
	enum tp_rc rc = draft_list(t, v, owner, 0, d, err);

	if (rc != TP_OK)
		return rc;
	*ret = d->n > 0 ? ask_put_list(t, v, d) : ask_delete(v->server, &v->list_key, v->list.cas);
	return TP_OK;
}

/*
 * Once the item is deleted the session has ended, whatever becomes of the list; an entry of no item
 * only makes a count too high. A session that meanwhile took the same handle stays.
 */
static enum tp_rc unlist(struct mc_talk *t, struct store_op *op, void *arg, bool *ret_done,
			 struct tp_err *err)
{
	struct draft *d = arg;
	struct mc_reply reply = { .status = MC_DIFFERS };
	struct mc_ask ask;
	struct mc_view v;
	enum tp_rc rc = mc_look(t, &op->key, &v, err);

	if (rc != TP_OK)
		return rc;
	*ret_done =
		v.live || !v.list.holds || !mc_list_has(v.list.record.body, v.key.digest, t->now_s);
	if (*ret_done)
		return TP_OK;
	rc = ask_unlist(t, &v, op->key.owner, d, &ask, err);
	if (rc == TP_OK)
		rc = mc_pool_run(&t->pool, &ask, 1, &reply, err);
	*ret_done = rc == TP_OK && reply.status != MC_DIFFERS;
	return rc;
}

static enum tp_rc verb_del(struct mc_talk *t, struct store_op *op, struct tp_err *err)
{
	TP_CLEANUP(draft_release) struct draft d = DRAFT_INIT;
	bool login = op->key.space == STORE_LOGIN;
	struct mc_reply replies[2];
	struct mc_ask asks[2];
	struct mc_view v;
	enum tp_rc rc = mc_look(t, &op->key, &v, err);

	if (rc != TP_OK)
		return rc;
	op->rc = TP_NOT_FOUND;
	if (!v.live)
		return TP_OK;
	/* Any version: a refresh in between does not save it. */
	asks[0] = ask_delete(v.server, &v.key, 0);
	if (login)
		rc = ask_unlist(t, &v, op->key.owner, &d, &asks[1], err);
	if (rc == TP_OK)
		rc = mc_pool_run(&t->pool, asks, login ? 2 : 1, replies, err);
	if (rc != TP_OK)
		return rc;
	if (replies[0].status == MC_DONE)
		op->rc = TP_OK;
	if (!login || replies[1].status != MC_DIFFERS)
		return TP_OK;
	return mc_persist(t, op, unlist, &d, err);
}

static enum tp_rc delete_list(struct mc_talk *t, struct store_op *op, void *arg, bool *ret_done,
			      struct tp_err *err)
{
	struct mc_reply reply = { .status = MC_DIFFERS };
	struct mc_ask ask;
	struct mc_view v;
	enum tp_rc rc = mc_look_list(t, &op->key, &v, err);

	(void)arg;
	if (rc != TP_OK)
		return rc;
	op->rc = TP_OK;
	op->ret_n = 0;
	if (v.list.holds)
		op->ret_n = (int64_t)mc_list_count(v.list.record.body, t->now_s);
	*ret_done = !v.list.there;
	if (!v.list.there)
		return TP_OK;
	ask = ask_delete(v.server, &v.list_key, v.list.cas);
	rc = mc_pool_run(&t->pool, &ask, 1, &reply, err);
	*ret_done = rc == TP_OK && reply.status == MC_DONE;
	return rc;
}

static enum tp_rc verb_del_owner(struct mc_talk *t, struct store_op *op, struct tp_err *err)
{
	return mc_persist(t, op, delete_list, NULL, err);
}

/* ---- */

static enum tp_rc verb_ping(struct mc_talk *t, struct store_op *op, struct tp_err *err)
{
	op->rc = TP_OK;
	return mc_pool_ping(&t->pool, err);
}

/* All items end by themselves. */
static enum tp_rc verb_sample(struct mc_talk *t, struct store_op *op, struct tp_err *err)
{
	(void)t;
	(void)err;
	op->rc = TP_OK;
	return TP_OK;
}

enum tp_rc mc_verbs_run(struct mc_talk *t, struct store_op *op, struct tp_err *err)
{
	static enum tp_rc (*const verbs[])(struct mc_talk *, struct store_op *, struct tp_err *) = {
		[STORE_GET] = verb_get,		[STORE_PUT] = verb_put,
		[STORE_DEL] = verb_del,		[STORE_DEL_OWNER] = verb_del_owner,
		[STORE_LIST] = verb_list,	[STORE_SAMPLE] = verb_sample,
		[STORE_TTL] = verb_get,		[STORE_HIT] = mc_count_hit,
		[STORE_UNHIT] = mc_count_unhit, [STORE_PING] = verb_ping,
	};

	assert((size_t)op->verb < TP_COUNT(verbs));
	return verbs[op->verb](t, op, err);
}
