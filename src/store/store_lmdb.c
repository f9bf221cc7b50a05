/* SPDX-License-Identifier: MIT */
/*
 * The embedded store, on LMDB: what each operation does in a transaction, and which of them share
 * one. The layout is lmdb_item.c's, the environment, its locks and its errors are lmdb_env.c's.
 *
 * A write transaction is a few puts: no I/O but LMDB's own, no callbacks, and a sweep of a few
 * items that have ended, so that the file does not grow.
 */
#include "store/backend.h"

#include "base/limits.h"
#include "store/lmdb_copy.h"
#include "store/lmdb_item.h"
#include "store/lmdb_walk.h"
#include "store/store_url.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define FOLDER "/sessions" /* in STATE_DIR */

enum { COUNT_LEN = 16 };

struct lmdb {
	struct lmdb_env *env;
	char *dir;
	struct clock clock;
};

/* One transaction's worth of a call. */
struct call {
	struct store_op *ops;
	size_t n;
	size_t ret_len[LIMIT_STORE_OPS]; /* of each op->ret when the call came */
	struct lmdb_tree tree;
};

/* ---- the verbs; 0: the operation has its answer ---- */

static int op_get(const struct call *c, struct store_op *op)
{
	TP_CLEANUP(lmdb_key_wipe) struct lmdb_key key;
	int64_t expiry_s = 0;
	struct span value;
	int e;

	lmdb_key_item(&key, &op->key);
	e = lmdb_item_find(&c->tree, &key, &value, &expiry_s);
	if (e != 0) {
		op->rc = TP_NOT_FOUND;
		return e == MDB_NOTFOUND ? 0 : e;
	}
	op->rc = TP_OK;
	if (op->verb == STORE_TTL)
		op->ret_n = expiry_s - c->tree.now_s;
	if (op->verb == STORE_TTL || op->ret == NULL)
		return 0;
	buf_span(op->ret, value);
	if (op->ret->rc == TP_OK)
		return 0;
	return op->ret->rc == TP_NOMEM ? ENOMEM : LMDB_VALUE_TOO_LARGE;
}

static int op_put(const struct call *c, struct store_op *op)
{
	TP_CLEANUP(lmdb_key_wipe) struct lmdb_key key;
	int64_t expiry_s = 0;
	struct span value;
	int e = MDB_NOTFOUND;

	lmdb_key_item(&key, &op->key);
	if (op->mode != STORE_ANY)
		e = lmdb_item_find(&c->tree, &key, &value, &expiry_s);
	if (e != 0 && e != MDB_NOTFOUND)
		return e;
	op->rc = TP_OK;
	if (op->mode == STORE_IF_ABSENT && e == 0)
		op->rc = TP_EXISTS;
	if (op->mode == STORE_IF_PRESENT && e != 0)
		op->rc = TP_NOT_FOUND;
	if (op->rc != TP_OK)
		return 0;
	e = lmdb_item_write(&c->tree, &key, c->tree.now_s + op->ttl_s, op->value);
	if (e == 0 && op->key.space == STORE_LOGIN)
		e = lmdb_item_count(&c->tree, op->key.owner, &op->ret_n);
	return e;
}

static int op_del(const struct call *c, struct store_op *op)
{
	TP_CLEANUP(lmdb_key_wipe) struct lmdb_key key;
	bool live = false;
	int e;

	lmdb_key_item(&key, &op->key);
	e = lmdb_item_remove(&c->tree, &key, &live);
	op->rc = live ? TP_OK : TP_NOT_FOUND;
	return e;
}

static int op_del_owner(const struct call *c, struct store_op *op)
{
	op->rc = TP_OK;
	return lmdb_item_remove_owner(&c->tree, op->key.owner, &op->ret_n);
}

static int op_list(const struct call *c, struct store_op *op)
{
	op->rc = TP_OK;
	return lmdb_item_list(&c->tree, op->key.owner, op->each, op->arg, &op->rc);
}

static void key_hit(struct lmdb_key *k, const struct store_hit *hit)
{
	lmdb_key_item(k, &(struct store_key){ .space = STORE_THROTTLE, .item = hit->item });
}

/* Zero when there is none. */
static int count_read(const struct call *c, struct lmdb_key *key, struct store_count *ret,
		      int64_t *ret_expiry_s)
{
	struct store_count n = { 0 };
	struct span value;
	int e = lmdb_item_find(&c->tree, key, &value, ret_expiry_s);

	if (e == 0) {
		if (value.len != COUNT_LEN)
			return LMDB_RECORD_DAMAGED;
		n.n = lmdb_get_be64(value.p);
		n.last_s = lmdb_get_be64(value.p + 8);
		if (n.n < 1 || n.n > LMDB_TIME_MOST || n.last_s < 0 || n.last_s > LMDB_TIME_MOST)
			return LMDB_RECORD_DAMAGED;
	}
	*ret = n;
	return e == MDB_NOTFOUND ? 0 : e;
}

static int count_write(const struct call *c, struct lmdb_key *key, struct store_count n,
		       int64_t expiry_s)
{
	unsigned char bytes[COUNT_LEN];

	lmdb_put_be64(bytes, n.n);
	lmdb_put_be64(bytes + 8, n.last_s);
	return lmdb_item_write(&c->tree, key, expiry_s,
			       (struct span){ (const char *)bytes, sizeof(bytes) });
}

static int op_hit(const struct call *c, struct store_op *op)
{
	struct store_count n[STORE_HITS];
	int64_t ttl_s[STORE_HITS] = { 0 };
	int64_t wait_s, unused = 0;
	struct lmdb_key key;
	int e = 0;

	op->ret_n = 0;
	for (size_t i = 0; i < op->n_hits; i++) {
		key_hit(&key, &op->hits[i]);
		e = count_read(c, &key, &n[i], &unused);
		if (e != 0)
			return e;
		wait_s = store_count_hit(&n[i], op->hits[i].limit, c->tree.now_s, &ttl_s[i]);
		if (wait_s > op->ret_n)
			op->ret_n = wait_s;
	}
	op->rc = op->ret_n > 0 ? TP_THROTTLED : TP_OK;
	for (size_t i = 0; e == 0 && op->rc == TP_OK && i < op->n_hits; i++) {
		key_hit(&key, &op->hits[i]);
		e = count_write(c, &key, n[i], c->tree.now_s + ttl_s[i]);
	}
	return e;
}

static int op_unhit(const struct call *c, struct store_op *op)
{
	struct store_count n;
	int64_t expiry_s = 0;
	struct lmdb_key key;
	bool live;
	int e = 0;

	op->rc = TP_OK;
	for (size_t i = 0; e == 0 && i < op->n_hits; i++) {
		key_hit(&key, &op->hits[i]);
		e = count_read(c, &key, &n, &expiry_s);
		if (e != 0)
			return e;
		n.n--;
		if (n.n > 0 && i > 0)
			e = count_write(c, &key, n, expiry_s);
		else
			e = lmdb_item_remove(&c->tree, &key, &live);
	}
	return e;
}

/* STORE_PING: that there is a transaction is the answer. STORE_SAMPLE: all items end by
 * themselves. */
static int op_nothing(const struct call *c, struct store_op *op)
{
	(void)c;
	op->rc = TP_OK;
	return 0;
}

static const struct verb {
	int (*fn)(const struct call *c, struct store_op *op);
	bool writes;
} verbs[] = {
	[STORE_GET] = { op_get, false },    [STORE_PUT] = { op_put, true },
	[STORE_DEL] = { op_del, true },	    [STORE_DEL_OWNER] = { op_del_owner, true },
	[STORE_LIST] = { op_list, false },  [STORE_SAMPLE] = { op_nothing, false },
	[STORE_TTL] = { op_get, false },    [STORE_HIT] = { op_hit, true },
	[STORE_UNHIT] = { op_unhit, true }, [STORE_PING] = { op_nothing, false },
};

/* ---- the backend ---- */

static int run_ops(void *arg, MDB_txn *txn, MDB_dbi dbi)
{
	struct call *c = arg;
	int e = 0;

	c->tree.txn = txn;
	c->tree.dbi = dbi;
	for (size_t i = 0; e == 0 && i < c->n; i++) {
		if (c->ops[i].ret != NULL)
			buf_cut(c->ops[i].ret, c->ret_len[i]);
		e = verbs[c->ops[i].verb].fn(c, &c->ops[i]);
	}
	if (c->tree.open != NULL)
		*c->tree.open = NULL; /* closed, since this was not broken off */
	return e;
}

static int sweep_and_run_ops(void *arg, MDB_txn *txn, MDB_dbi dbi)
{
	struct call *c = arg;
	int e;

	c->tree.txn = txn;
	c->tree.dbi = dbi;
	e = lmdb_item_sweep(&c->tree);
	return e == 0 ? run_ops(arg, txn, dbi) : e;
}

static enum tp_rc read_ops(struct lmdb_env *env, struct call *c, struct tp_err *err)
{
	MDB_cursor *left = NULL;
	enum tp_rc rc;

	c->tree.open = &left;
	rc = lmdb_read(env, run_ops, c, err);
	c->tree.open = NULL;
	if (left != NULL)
		mdb_cursor_close(left);
	return rc;
}

/* How many operations go into one transaction: all, but for STORE_LIST beside a write, since its
 * callback is not to be waited for by other writers. */
static size_t together(const struct store_op *ops, size_t n, bool *ret_writes)
{
	bool writes = false, lists = false;
	size_t i;

	for (i = 0; i < n; i++) {
		bool w = writes || verbs[ops[i].verb].writes;
		bool l = lists || ops[i].verb == STORE_LIST;

		if (w && l)
			break;
		writes = w;
		lists = l;
	}
	*ret_writes = writes;
	return i;
}

static enum tp_rc lmdb_run(void *self, struct store_op *ops, size_t n, int64_t deadline_ms,
			   struct tp_err *err)
{
	struct lmdb *m = self;
	size_t done = 0;

	while (done < n) {
		struct call c = { .ops = ops + done, .tree.now_s = clock_now(&m->clock) };
		bool writes = false;
		enum tp_rc rc;

		c.n = together(c.ops, n - done, &writes);
		for (size_t i = 0; i < c.n; i++)
			c.ret_len[i] = c.ops[i].ret != NULL ? c.ops[i].ret->len : 0;
		if (writes)
			rc = lmdb_write(m->env, sweep_and_run_ops, &c, deadline_ms, err);
		else
			rc = read_ops(m->env, &c, err);
		if (rc != TP_OK)
			return rc;
		done += c.n;
	}
	return TP_OK;
}

static enum tp_rc walk(void *self, struct store_walk *w, int64_t step_ms, struct tp_err *err)
{
	struct lmdb *m = self;

	(void)step_ms; /* readers wait for nobody */
	return lmdb_walk(m->env, &m->clock, w, err);
}

/* The folder: the URL's path, else one in STATE_DIR. */
static enum tp_rc folder(const struct store_spec *spec, struct buf *ret, struct tp_err *err)
{
	TP_CLEANUP(store_url_release) struct store_url url = { .port = -1 };
	enum tp_rc rc;

	rc = store_url_parse(span_of(spec->url != NULL ? spec->url : "lmdb://"), &url, err);
	if (rc != TP_OK)
		return rc;
	if (url.host != NULL || url.user != NULL || url.password.p != NULL)
		return tp_fail(
			err, TP_INVALID,
			"DB_URL: takes lmdb:///path (three slashes), or lmdb:// for STATE_DIR");
	if (url.path == NULL && (spec->state_dir == NULL || spec->state_dir[0] == '\0'))
		return tp_fail(err, TP_INVALID, "DB_URL is lmdb://, but STATE_DIR is not set");
	buf_str(ret, url.path != NULL ? url.path : spec->state_dir);
	if (url.path == NULL)
		buf_str(ret, FOLDER);
	return buf_rc(ret, "the path of the store", err);
}

static enum tp_rc lmdb_check(const struct store_spec *spec, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf dir = BUF_INIT(PATH_MAX);

	return folder(spec, &dir, err);
}

static enum tp_rc lmdb_store_open(const struct store_spec *spec, void **ret, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf dir = BUF_INIT(PATH_MAX);
	struct lmdb *m;
	enum tp_rc rc;

	rc = folder(spec, &dir, err);
	if (rc != TP_OK)
		return rc;
	m = calloc(1, sizeof(*m));
	if (m == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	m->clock = spec->clock;
	m->dir = strdup(buf_cstr(&dir));
	if (m->dir == NULL)
		rc = tp_fail(err, TP_NOMEM, "out of memory");
	else
		rc = lmdb_open(m->dir, spec->lmdb_map_bytes, &m->env, err);
	if (rc != TP_OK) {
		free(m->dir);
		free(m);
		return rc;
	}
	*ret = m;
	return TP_OK;
}

static void lmdb_store_close(void *self)
{
	struct lmdb *m = self;

	lmdb_close(m->env);
	free(m->dir);
	free(m);
}

static enum tp_rc lmdb_info(void *self, struct store_info *ret, struct tp_err *err)
{
	struct lmdb *m = self;

	return lmdb_copy_info(m->env, m->dir, clock_now(&m->clock), ret, err);
}

static enum tp_rc lmdb_compact(void *self, const char *to, struct tp_err *err)
{
	struct lmdb *m = self;

	return lmdb_copy_compact(m->env, m->dir, to, err);
}

static const char *const schemes[] = { "lmdb", NULL };

const struct store_ops store_lmdb_ops = {
	.name = "lmdb",
	.schemes = schemes,
	.local = true,
	.check = lmdb_check,
	.open = lmdb_store_open,
	.run = lmdb_run,
	.close = lmdb_store_close,
	.info = lmdb_info,
	.compact = lmdb_compact,
	.walk = walk,
};
