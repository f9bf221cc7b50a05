/* SPDX-License-Identifier: MIT */
/*
 * Counters of attempts (STORE_HIT, STORE_UNHIT), each an item that is stored as the next version of
 * what was read.
 *
 * An attempt counts under several names, and memcached changes one item at a time. So all are asked
 * first; then all are stored; and when one of them was changed meanwhile and refuses now, the
 * others are taken back. In between the others count one too many, never one too few.
 */
#include "store/backend.h"
#include "store/mc_look.h"

#include "base/banned.h"

struct counter {
	struct mc_key key;
	size_t server;
	struct span name;
	bool there, counted;
	uint64_t cas;
	struct store_count state;
	int64_t expiry_s;
};

struct counters {
	struct counter v[STORE_HITS];
	size_t n;
};

static void start(const struct mc_talk *t, const struct store_op *op, struct counters *c)
{
	*c = (struct counters){ .n = op->n_hits };
	for (size_t i = 0; i < c->n; i++) {
		c->v[i].name = op->hits[i].item;
		c->v[i].server = mc_pool_place(&t->pool, op->hits[i].item);
		mc_key_make(&c->v[i].key, MC_COUNTER, SPAN_LIT(""), op->hits[i].item);
	}
}

static void take(const struct mc_talk *t, const struct mc_reply *reply, struct counter *c)
{
	struct mc_seen s = mc_see(t, reply, MC_COUNTER, SPAN_LIT(""), c->name);

	c->there = s.there;
	c->cas = s.cas;
	c->state = (struct store_count){ 0 };
	c->expiry_s = s.holds ? s.record.expiry_s : 0;
	if (s.holds && !mc_count_get(s.record.body, &c->state.n, &c->state.last_s))
		c->expiry_s = 0;
}

/* Reads those that are not counted yet. */
static enum tp_rc read_all(struct mc_talk *t, struct counters *c, struct tp_err *err)
{
	struct mc_ask asks[STORE_HITS];
	struct mc_reply replies[STORE_HITS];
	size_t n = 0;
	enum tp_rc rc;

	for (size_t i = 0; i < c->n; i++)
		if (!c->v[i].counted)
			asks[n++] = (struct mc_ask){
				c->v[i].server, { .code = MC_GET, .key = mc_key_view(&c->v[i].key) }
			};
	rc = mc_pool_run(&t->pool, asks, n, replies, err);
	n = 0;
	for (size_t i = 0; rc == TP_OK && i < c->n; i++)
		if (!c->v[i].counted)
			take(t, &replies[n++], &c->v[i]);
	return rc;
}

/* Asks those that are not counted yet; the longest wait, 0: all let it through. */
static int64_t ask_all(const struct mc_talk *t, const struct store_op *op, struct counters *c)
{
	int64_t longest_s = 0;

	for (size_t i = 0; i < c->n; i++) {
		int64_t wait_s, ttl_s = 0;

		if (c->v[i].counted)
			continue;
		wait_s = store_count_hit(&c->v[i].state, op->hits[i].limit, t->now_s, &ttl_s);
		c->v[i].expiry_s = t->now_s + (ttl_s > 0 ? ttl_s : 1);
		if (wait_s > longest_s)
			longest_s = wait_s;
	}
	return longest_s;
}

/* One whose state is zero is deleted. */
static void ask_store(const struct mc_talk *t, const struct counter *c, struct buf *record,
		      struct mc_ask *ret)
{
	struct mc_record r = { .kind = MC_COUNTER, .expiry_s = c->expiry_s, .item = c->name };
	char body[MC_COUNT];

	*ret = (struct mc_ask){ c->server, { .key = mc_key_view(&c->key), .cas = c->cas } };
	ret->request.code = MC_DELETE;
	if (c->state.n < 1)
		return;
	mc_count_put(body, c->state.n, c->state.last_s);
	r.owner = SPAN_LIT("");
	r.body = (struct span){ body, sizeof(body) };
	mc_record_put(record, &r);
	ret->request.code = c->there ? MC_SET : MC_ADD;
	ret->request.value = buf_view(record);
	ret->request.lifetime = mc_lifetime(t, c->expiry_s - t->now_s);
}

/* Stores those that are not counted yet; `counted` tells which have become so. */
static enum tp_rc store_all(struct mc_talk *t, struct counters *c, struct tp_err *err)
{
	struct buf records[STORE_HITS];
	struct mc_ask asks[STORE_HITS];
	struct mc_reply replies[STORE_HITS];
	enum tp_rc rc = TP_OK;
	size_t n = 0;

	for (size_t i = 0; i < STORE_HITS; i++)
		records[i] = (struct buf)BUF_INIT(MC_RECORD_MOST);
	for (size_t i = 0; i < c->n; i++)
		if (!c->v[i].counted)
			ask_store(t, &c->v[i], &records[i], &asks[n++]);
	for (size_t i = 0; rc == TP_OK && i < STORE_HITS; i++)
		rc = buf_rc(&records[i], "a counter", err);
	if (rc == TP_OK)
		rc = mc_pool_run(&t->pool, asks, n, replies, err);
	n = 0;
	for (size_t i = 0; rc == TP_OK && i < c->n; i++)
		if (!c->v[i].counted)
			c->v[i].counted = replies[n++].status == MC_DONE;
	for (size_t i = 0; i < STORE_HITS; i++)
		buf_release(&records[i]);
	return rc;
}

static bool all_counted(const struct counters *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (!c->v[i].counted)
			return false;
	return true;
}

/* Takes one attempt back under each that is not counted yet, and gives it `counted`. */
static enum tp_rc take_back(struct mc_talk *t, struct store_op *op, void *arg, bool *ret_done,
			    struct tp_err *err)
{
	struct counters *c = arg;
	enum tp_rc rc = read_all(t, c, err);

	(void)op;
	for (size_t i = 0; rc == TP_OK && i < c->n; i++) {
		if (c->v[i].counted)
			continue;
		c->v[i].state.n--;
		c->v[i].counted = !c->v[i].there;
	}
	if (rc == TP_OK && !all_counted(c))
		rc = store_all(t, c, err);
	*ret_done = rc == TP_OK && all_counted(c);
	return rc;
}

static enum tp_rc hit(struct mc_talk *t, struct store_op *op, void *arg, bool *ret_done,
		      struct tp_err *err)
{
	struct counters *c = arg;
	enum tp_rc rc = read_all(t, c, err);

	if (rc != TP_OK)
		return rc;
	op->ret_n = ask_all(t, op, c);
	op->rc = op->ret_n > 0 ? TP_THROTTLED : TP_OK;
	if (op->rc == TP_OK)
		rc = store_all(t, c, err);
	*ret_done = rc == TP_OK && (op->rc != TP_OK || all_counted(c));
	return rc;
}

enum tp_rc mc_count_hit(struct mc_talk *t, struct store_op *op, struct tp_err *err)
{
	struct counters c;
	bool some = false;
	enum tp_rc rc;

	start(t, op, &c);
	rc = mc_persist(t, op, hit, &c, err);
	if (rc != TP_OK || op->rc == TP_OK)
		return rc;
	/* Refused: what was counted by then is to be taken back, and nothing else. */
	for (size_t i = 0; i < c.n; i++) {
		some = some || c.v[i].counted;
		c.v[i].counted = !c.v[i].counted;
	}
	return some ? mc_persist(t, op, take_back, &c, err) : TP_OK;
}

/* The first goes, whatever is in it. */
static enum tp_rc forget_first(struct mc_talk *t, struct counters *c, struct tp_err *err)
{
	struct mc_ask ask = { c->v[0].server,
			      { .code = MC_DELETE, .key = mc_key_view(&c->v[0].key) } };
	struct mc_reply reply;

	c->v[0].counted = true;
	return mc_pool_run(&t->pool, &ask, 1, &reply, err);
}

enum tp_rc mc_count_unhit(struct mc_talk *t, struct store_op *op, struct tp_err *err)
{
	struct counters c;
	enum tp_rc rc;

	start(t, op, &c);
	rc = forget_first(t, &c, err);
	if (rc == TP_OK && c.n > 1)
		rc = mc_persist(t, op, take_back, &c, err);
	if (rc == TP_OK)
		op->rc = TP_OK;
	return rc;
}
