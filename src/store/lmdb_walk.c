/* SPDX-License-Identifier: MIT */
/*
 * Reads the sessions of all owners in the order of their keys. A read transaction keeps pages from
 * being used again while it lives, so it lasts for a few hundred items, which are copied, and what
 * becomes of them is done outside of it.
 */
#include "store/lmdb_walk.h"

#include "base/limits.h"
#include "store/lmdb_item.h"

#include <errno.h>

#include "base/banned.h"

enum {
	PIECE_MOST = 262144, /* copied in one transaction, but for the last item */
	HEAD_LEN = 3 * 8,    /* lengths of owner, item and value, before their bytes */
	PIECE_CAP = PIECE_MOST + HEAD_LEN + LMDB_KEY_MOST + LIMIT_STORE_VALUE
};

struct piece {
	struct lmdb_key from; /* the last key that was looked at */
	int64_t now_s;
	struct buf items;
	int64_t skipped;
	bool last;
};

static void piece_release(struct piece *p)
{
	buf_release(&p->items);
	lmdb_key_wipe(&p->from);
}

static void cursor_close(MDB_cursor **cursor)
{
	if (*cursor != NULL)
		mdb_cursor_close(*cursor);
}

static void put_len(struct buf *out, size_t n)
{
	char be[8];

	lmdb_put_be64(be, (int64_t)n);
	buf_put(out, be, sizeof(be));
}

/* Behind the byte of the space: owner, NUL, item. False: damage, which is nobody's session. */
static bool take(struct piece *p, const MDB_val *k, const MDB_val *v)
{
	struct span item = { (const char *)k->mv_data + 1, k->mv_size - 1 };
	struct span owner = span_cut(&item, '\0');
	enum store_space space;
	struct span value;
	int64_t expiry_s;

	if (lmdb_item_check(k, v, &space, &expiry_s) != 0 || owner.len == 0 || item.len == 0)
		return false;
	if (p->now_s >= expiry_s)
		return true;
	value = lmdb_item_bytes(v);
	put_len(&p->items, owner.len);
	put_len(&p->items, item.len);
	put_len(&p->items, value.len);
	buf_span(&p->items, owner);
	buf_span(&p->items, item);
	buf_span(&p->items, value);
	return true;
}

static int read_piece(void *arg, MDB_txn *txn, MDB_dbi dbi)
{
	TP_CLEANUP(cursor_close) MDB_cursor *cursor = NULL;
	struct piece *p = arg;
	struct lmdb_key from = p->from;
	MDB_val v, k = { from.len, from.b };
	int e = mdb_cursor_open(txn, dbi, &cursor);

	buf_reset(&p->items);
	p->skipped = 0;
	if (e == 0)
		e = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
	if (e == 0 && k.mv_size == from.len && memcmp(k.mv_data, from.b, from.len) == 0)
		e = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
	for (; e == 0 && *(const unsigned char *)k.mv_data == from.b[0];
	     e = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) {
		if (k.mv_size > sizeof(p->from.b))
			return MDB_CORRUPTED;
		p->skipped += !take(p, &k, &v);
		if (p->items.rc != TP_OK)
			return p->items.rc == TP_NOMEM ? ENOMEM : LMDB_VALUE_TOO_LARGE;
		p->from.len = k.mv_size;
		memcpy(p->from.b, k.mv_data, k.mv_size);
		if (p->items.len >= PIECE_MOST)
			return 0;
	}
	p->last = true;
	return e == MDB_NOTFOUND ? 0 : e;
}

static struct span cut(struct span *rest, size_t n)
{
	struct span s = { rest->p, n };

	*rest = (struct span){ rest->p + n, rest->len - n };
	return s;
}

static enum tp_rc hand_on(const struct piece *p, struct store_walk *w)
{
	struct span rest = buf_view(&p->items);
	enum tp_rc rc = TP_OK;

	while (rc == TP_OK && rest.len > 0) {
		const char *head = cut(&rest, HEAD_LEN).p;
		struct store_key key = { .space = STORE_LOGIN };

		key.owner = cut(&rest, (size_t)lmdb_get_be64(head));
		key.item = cut(&rest, (size_t)lmdb_get_be64(head + 8));
		rc = w->each(w->arg, &key, cut(&rest, (size_t)lmdb_get_be64(head + 16)));
	}
	return rc;
}

enum tp_rc lmdb_walk(struct lmdb_env *env, const struct clock *clock, struct store_walk *w,
		     struct tp_err *err)
{
	TP_CLEANUP(piece_release) struct piece p = { .items = BUF_INIT(PIECE_CAP) };
	enum tp_rc rc = TP_OK;

	/* No owner and no item: before all of them. */
	lmdb_key_item(&p.from, &(struct store_key){ .space = STORE_LOGIN });
	while (rc == TP_OK && !p.last) {
		p.now_s = clock_now(clock);
		rc = lmdb_read(env, read_piece, &p, err);
		if (rc != TP_OK)
			return rc;
		w->skipped += p.skipped;
		w->rc = rc = hand_on(&p, w);
	}
	return TP_OK;
}
