/* SPDX-License-Identifier: MIT */
/*
 * The layout of lmdb_item.h: keys, values, and the index by expiry that goes along with each write.
 * Knows nothing of operations and their answers, and decides nothing: an item is there, or has
 * ended, or is damaged.
 */
#include "store/lmdb_item.h"

#include "store/lmdb_file.h"

#include <assert.h>
#include <string.h>

#include "base/banned.h"

#define INDEX_BYTE 'x'

enum { EXPIRY_LEN = 8, SUM_LEN = 4, HEAD_LEN = EXPIRY_LEN + 2 * SUM_LEN, SWEEP_MOST = 100 };

static const char space_byte[] = {
	[STORE_LOGIN] = 'l', [STORE_RESTRICT] = 'r', [STORE_THROTTLE] = 't'
};

void lmdb_put_be64(void *p, int64_t n)
{
	unsigned char *to = p;

	for (int i = 0; i < 8; i++)
		to[i] = (unsigned char)((uint64_t)n >> (56 - 8 * i));
}

int64_t lmdb_get_be64(const void *p)
{
	const unsigned char *from = p;
	uint64_t n = 0;

	for (int i = 0; i < 8; i++)
		n = n << 8 | from[i];
	return (int64_t)n;
}

static void key_put(struct lmdb_key *k, const void *p, size_t n)
{
	assert(n <= sizeof(k->b) - k->len);
	if (n > 0)
		memcpy(k->b + k->len, p, n);
	k->len += n;
}

/* What all items of an owner start with. */
static void key_owner(struct lmdb_key *k, enum store_space space, struct span owner)
{
	k->len = 0;
	key_put(k, &space_byte[space], 1);
	key_put(k, owner.p, owner.len);
	key_put(k, "", 1);
}

void lmdb_key_item(struct lmdb_key *k, const struct store_key *from)
{
	key_owner(k, from->space, from->owner);
	key_put(k, from->item.p, from->item.len);
}

static void key_index(struct lmdb_key *k, int64_t expiry_s, const struct lmdb_key *item)
{
	unsigned char be[EXPIRY_LEN];

	lmdb_put_be64(be, expiry_s);
	k->len = 0;
	key_put(k, &(char){ INDEX_BYTE }, 1);
	key_put(k, be, sizeof(be));
	key_put(k, item->b, item->len);
}

void lmdb_key_wipe(struct lmdb_key *k)
{
	explicit_bzero(k, sizeof(*k));
}

static MDB_val val_of(struct lmdb_key *k)
{
	return (MDB_val){ k->len, k->b };
}

static bool starts_with(const MDB_val *v, const struct lmdb_key *prefix)
{
	return v->mv_size >= prefix->len && memcmp(v->mv_data, prefix->b, prefix->len) == 0;
}

static void put_sum(unsigned char *to, uint64_t hash)
{
	uint32_t sum = (uint32_t)(hash ^ hash >> 32);

	memcpy(to, &sum, SUM_LEN);
}

/* The two sums as lmdb_item.h says, for the key and for the value of len bytes whose head is not
 * whole yet but for the expiry. */
static void sum_key(const void *key, size_t len, unsigned char ret[SUM_LEN])
{
	put_sum(ret, lmdb_hash(LMDB_HASH_START, key, len));
}

static void sum_value(const unsigned char *value, size_t len, const unsigned char key_sum[SUM_LEN],
		      unsigned char ret[SUM_LEN])
{
	uint64_t h = lmdb_hash(LMDB_HASH_START, key_sum, SUM_LEN);

	h = lmdb_hash(h, value, EXPIRY_LEN);
	put_sum(ret, lmdb_hash(h, value + HEAD_LEN, len - HEAD_LEN));
}

static bool key_whole(const MDB_val *key, const MDB_val *v)
{
	unsigned char sum[SUM_LEN];

	if (v->mv_size < HEAD_LEN || key->mv_size > LMDB_KEY_MOST)
		return false;
	sum_key(key->mv_data, key->mv_size, sum);
	return memcmp(sum, (const unsigned char *)v->mv_data + EXPIRY_LEN, SUM_LEN) == 0;
}

static int value_expiry(const MDB_val *key, const MDB_val *v, int64_t *ret)
{
	const unsigned char *b = v->mv_data;
	unsigned char sum[SUM_LEN];
	int64_t expiry_s;

	if (v->mv_size > HEAD_LEN + LIMIT_STORE_VALUE || !key_whole(key, v))
		return LMDB_RECORD_DAMAGED;
	sum_value(b, v->mv_size, b + EXPIRY_LEN, sum);
	expiry_s = lmdb_get_be64(b);
	if (memcmp(sum, b + EXPIRY_LEN + SUM_LEN, SUM_LEN) != 0 || expiry_s <= 0 ||
	    expiry_s > LMDB_TIME_MOST)
		return LMDB_RECORD_DAMAGED;
	*ret = expiry_s;
	return 0;
}

int lmdb_item_check(const MDB_val *key, const MDB_val *value, enum store_space *ret_space,
		    int64_t *ret_expiry_s)
{
	for (size_t i = 0; key->mv_size > 0 && i < TP_COUNT(space_byte); i++) {
		if (*(const char *)key->mv_data != space_byte[i])
			continue;
		*ret_space = (enum store_space)i;
		return value_expiry(key, value, ret_expiry_s);
	}
	return LMDB_RECORD_DAMAGED;
}

struct span lmdb_item_bytes(const MDB_val *v)
{
	return (struct span){ (const char *)v->mv_data + HEAD_LEN, v->mv_size - HEAD_LEN };
}

static void cursor_close(MDB_cursor **cursor)
{
	if (*cursor != NULL)
		mdb_cursor_close(*cursor);
}

static int cursor_open(const struct lmdb_tree *t, MDB_cursor **ret)
{
	int e = mdb_cursor_open(t->txn, t->dbi, ret);

	if (e == 0 && t->open != NULL)
		*t->open = *ret;
	return e;
}

static int compare(const MDB_val *a, const struct lmdb_key *b)
{
	size_t least = a->mv_size < b->len ? a->mv_size : b->len;
	int order = memcmp(a->mv_data, b->b, least);

	return order != 0 ? order : (a->mv_size > b->len) - (a->mv_size < b->len);
}

bool lmdb_item_is_index(const MDB_val *k)
{
	return k->mv_size > 0 && *(const char *)k->mv_data == INDEX_BYTE;
}

/* Whether LMDB looked at the right place: the neighbour has to be on the side where it was found,
 * and whole. */
static bool is_beside(const MDB_val *k, const MDB_val *v, const struct lmdb_key *key, int side)
{
	return compare(k, key) * side > 0 && (lmdb_item_is_index(k) || key_whole(k, v));
}

/*
 * LMDB has no such key, which is believed only if the key's place is empty: one damaged key, or one
 * page that leads elsewhere, has the search end where a neighbour is wrong.
 */
static int prove_absent(const struct lmdb_tree *t, struct lmdb_key *key)
{
	TP_CLEANUP(cursor_close) MDB_cursor *cursor = NULL;
	MDB_val v, k = val_of(key);
	MDB_cursor_op back = MDB_PREV;
	int e = cursor_open(t, &cursor);

	if (e == 0)
		e = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
	if (e == MDB_NOTFOUND)
		back = MDB_LAST;
	else if (e != 0)
		return e;
	else if (!is_beside(&k, &v, key, 1))
		return LMDB_RECORD_DAMAGED;
	e = mdb_cursor_get(cursor, &k, &v, back);
	if (e == 0 && !is_beside(&k, &v, key, -1))
		return LMDB_RECORD_DAMAGED;
	return e == 0 ? MDB_NOTFOUND : e;
}

int lmdb_item_find(const struct lmdb_tree *t, struct lmdb_key *key, struct span *ret,
		   int64_t *ret_expiry_s)
{
	MDB_val v, k = val_of(key);
	int64_t expiry_s = 0;
	int e = mdb_get(t->txn, t->dbi, &k, &v);

	if (e == MDB_NOTFOUND)
		return prove_absent(t, key);
	if (e == 0)
		e = value_expiry(&k, &v, &expiry_s);
	if (e != 0)
		return e;
	if (t->now_s >= expiry_s)
		return MDB_NOTFOUND;
	*ret = lmdb_item_bytes(&v);
	*ret_expiry_s = expiry_s;
	return 0;
}

static int unlist(const struct lmdb_tree *t, const struct lmdb_key *key, int64_t expiry_s)
{
	TP_CLEANUP(lmdb_key_wipe) struct lmdb_key index;
	MDB_val k;
	int e;

	key_index(&index, expiry_s, key);
	k = val_of(&index);
	e = mdb_del(t->txn, t->dbi, &k, NULL);
	return e == MDB_NOTFOUND ? 0 : e;
}

int lmdb_item_remove(const struct lmdb_tree *t, struct lmdb_key *key, bool *ret_live)
{
	MDB_val v, k = val_of(key);
	int64_t expiry_s = 0;
	int e = mdb_get(t->txn, t->dbi, &k, &v);

	*ret_live = false;
	if (e == MDB_NOTFOUND) {
		e = prove_absent(t, key);
		return e == MDB_NOTFOUND ? 0 : e;
	}
	if (e != 0)
		return e;
	if (value_expiry(&k, &v, &expiry_s) != 0)
		expiry_s = 0;
	*ret_live = expiry_s == 0 || t->now_s < expiry_s;
	e = mdb_del(t->txn, t->dbi, &k, NULL);
	return e == 0 && expiry_s > 0 ? unlist(t, key, expiry_s) : e;
}

int lmdb_item_write(const struct lmdb_tree *t, struct lmdb_key *key, int64_t expiry_s,
		    struct span bytes)
{
	TP_CLEANUP(lmdb_key_wipe) struct lmdb_key index;
	MDB_val k, v = { HEAD_LEN + bytes.len, NULL }, none = { 0, NULL };
	unsigned char *b;
	bool live = false;
	int e = lmdb_item_remove(t, key, &live);

	if (e != 0)
		return e;
	k = val_of(key);
	e = mdb_put(t->txn, t->dbi, &k, &v, MDB_RESERVE);
	if (e != 0)
		return e;
	b = v.mv_data;
	lmdb_put_be64(b, expiry_s);
	if (bytes.len > 0)
		memcpy(b + HEAD_LEN, bytes.p, bytes.len);
	sum_key(key->b, key->len, b + EXPIRY_LEN);
	sum_value(b, v.mv_size, b + EXPIRY_LEN, b + EXPIRY_LEN + SUM_LEN);
	key_index(&index, expiry_s, key);
	k = val_of(&index);
	return mdb_put(t->txn, t->dbi, &k, &none, 0);
}

int lmdb_item_count(const struct lmdb_tree *t, struct span owner, int64_t *ret)
{
	TP_CLEANUP(cursor_close) MDB_cursor *cursor = NULL;
	TP_CLEANUP(lmdb_key_wipe) struct lmdb_key prefix;
	MDB_val k, v;
	int64_t n = 0;
	int e = cursor_open(t, &cursor);

	if (e != 0)
		return e;
	key_owner(&prefix, STORE_LOGIN, owner);
	k = val_of(&prefix);
	for (e = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE); e == 0 && starts_with(&k, &prefix);
	     e = mdb_cursor_get(cursor, &k, &v, MDB_NEXT))
		n++;
	*ret = n;
	return e == MDB_NOTFOUND ? 0 : e;
}

/* The first key from `from` on, as a copy, since the tree is about to change under the cursor. */
static int copy_first(MDB_cursor *cursor, struct lmdb_key *from, struct lmdb_key *ret)
{
	MDB_val v, k = val_of(from);
	int e = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);

	if (e != 0)
		return e;
	if (!starts_with(&k, from))
		return MDB_NOTFOUND;
	if (k.mv_size > sizeof(ret->b))
		return MDB_CORRUPTED;
	ret->len = 0;
	key_put(ret, k.mv_data, k.mv_size);
	return 0;
}

static int list_one(const struct lmdb_tree *t, size_t prefix_len, const MDB_val *k,
		    const MDB_val *v, store_item_fn *each, void *arg, enum tp_rc *ret)
{
	int64_t expiry_s = 0;
	struct span item = { (const char *)k->mv_data + prefix_len, k->mv_size - prefix_len };
	int e = value_expiry(k, v, &expiry_s);

	if (e == 0 && t->now_s < expiry_s)
		*ret = each(arg, item, lmdb_item_bytes(v));
	return e;
}

int lmdb_item_list(const struct lmdb_tree *t, struct span owner, store_item_fn *each, void *arg,
		   enum tp_rc *ret)
{
	TP_CLEANUP(cursor_close) MDB_cursor *cursor = NULL;
	TP_CLEANUP(lmdb_key_wipe) struct lmdb_key prefix;
	MDB_val k, v;
	int e = cursor_open(t, &cursor);

	if (e != 0)
		return e;
	key_owner(&prefix, STORE_LOGIN, owner);
	k = val_of(&prefix);
	for (e = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE); e == 0 && starts_with(&k, &prefix);
	     e = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) {
		e = list_one(t, prefix.len, &k, &v, each, arg, ret);
		if (e != 0 || *ret != TP_OK)
			return e;
	}
	return e == MDB_NOTFOUND ? 0 : e;
}

int lmdb_item_remove_owner(const struct lmdb_tree *t, struct span owner, int64_t *ret_live)
{
	TP_CLEANUP(cursor_close) MDB_cursor *cursor = NULL;
	TP_CLEANUP(lmdb_key_wipe) struct lmdb_key prefix, key;
	int64_t n = 0;
	int e = cursor_open(t, &cursor);

	key_owner(&prefix, STORE_LOGIN, owner);
	while (e == 0) {
		bool live = false;

		e = copy_first(cursor, &prefix, &key);
		if (e == 0)
			e = lmdb_item_remove(t, &key, &live);
		n += live;
	}
	*ret_live = n;
	return e == MDB_NOTFOUND ? 0 : e;
}

/* Takes the entry out, and its item unless that was written anew, with another expiry. */
static int sweep_one(const struct lmdb_tree *t, struct lmdb_key *index)
{
	TP_CLEANUP(lmdb_key_wipe) struct lmdb_key item = { .len = 0 };
	MDB_val v, k = val_of(index);
	int64_t expiry_s = 0;
	int e = mdb_del(t->txn, t->dbi, &k, NULL);

	if (e != 0)
		return e;
	key_put(&item, index->b + 1 + EXPIRY_LEN, index->len - 1 - EXPIRY_LEN);
	k = val_of(&item);
	e = mdb_get(t->txn, t->dbi, &k, &v);
	if (e != 0)
		return e == MDB_NOTFOUND ? 0 : e;
	if (value_expiry(&k, &v, &expiry_s) == 0 && expiry_s != lmdb_get_be64(index->b + 1))
		return 0;
	return mdb_del(t->txn, t->dbi, &k, NULL);
}

int lmdb_item_sweep(const struct lmdb_tree *t)
{
	TP_CLEANUP(cursor_close) MDB_cursor *cursor = NULL;
	TP_CLEANUP(lmdb_key_wipe) struct lmdb_key index = { .len = 0 };
	struct lmdb_key all = { .b = { INDEX_BYTE }, .len = 1 };
	int e = cursor_open(t, &cursor);

	for (int i = 0; e == 0 && i < SWEEP_MOST; i++) {
		e = copy_first(cursor, &all, &index);
		if (e != 0)
			break;
		if (index.len <= 1 + EXPIRY_LEN)
			return MDB_CORRUPTED;
		if (lmdb_get_be64(index.b + 1) > t->now_s)
			return 0;
		e = sweep_one(t, &index);
	}
	return e == MDB_NOTFOUND ? 0 : e;
}
