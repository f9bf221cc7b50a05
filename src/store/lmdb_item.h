/* SPDX-License-Identifier: MIT */
/*
 * How items lie in LMDB's tree. Seen by store_lmdb.c only; functions return what lmdb_env.h says.
 *
 *	key    space, one byte; owner; NUL; item
 *	value  expiry, seconds since 1970, 8 bytes, most significant first; sum of the key, 4 bytes;
 *	       sum of that, the expiry and the bytes, 4 bytes; the bytes
 *
 * and for each item, so that those that have ended are found: INDEX_BYTE, expiry, key; no value.
 */
#ifndef STORE_LMDB_ITEM_H
#define STORE_LMDB_ITEM_H

#include "base/limits.h"
#include "store/lmdb_env.h"
#include "store/store.h"

enum { LMDB_KEY_MOST = 1 + 8 + 1 + LIMIT_USER_ID + 1 + LIMIT_HANDLE };

/* Holds a handle: TP_CLEANUP(lmdb_key_wipe). */
struct lmdb_key {
	unsigned char b[LMDB_KEY_MOST];
	size_t len;
};

void lmdb_key_item(struct lmdb_key *k, const struct store_key *from);
void lmdb_key_wipe(struct lmdb_key *k);

struct lmdb_tree {
	MDB_txn *txn;
	MDB_dbi dbi;
	int64_t now_s;
	/* Holds the cursor while one is open, for a read that is broken off; NULL in a write. */
	MDB_cursor **open;
};

int64_t lmdb_get_be64(const void *p);
void lmdb_put_be64(void *p, int64_t n);

/* The latest time that a record may hold, the year 36812: anything above is damage. */
#define LMDB_TIME_MOST ((int64_t)1 << 40)

/* For who walks through all of the tree: an entry of the index; else whether it is an item that is
 * whole, and of which space. */
bool lmdb_item_is_index(const MDB_val *key);
int lmdb_item_check(const MDB_val *key, const MDB_val *value, enum store_space *ret_space,
		    int64_t *ret_expiry_s);
struct span lmdb_item_bytes(const MDB_val *value); /* of one that is whole */

/* MDB_NOTFOUND for an item that has ended, too. The bytes are borrowed until the next write. */
int lmdb_item_find(const struct lmdb_tree *t, struct lmdb_key *key, struct span *ret,
		   int64_t *ret_expiry_s);

int lmdb_item_write(const struct lmdb_tree *t, struct lmdb_key *key, int64_t expiry_s,
		    struct span bytes);

/* Whatever is there goes, damaged or not. *ret_live: it was there and had not ended. */
int lmdb_item_remove(const struct lmdb_tree *t, struct lmdb_key *key, bool *ret_live);

/* An owner's items in STORE_LOGIN. The count includes what has ended and was not swept yet. */
int lmdb_item_count(const struct lmdb_tree *t, struct span owner, int64_t *ret);
int lmdb_item_list(const struct lmdb_tree *t, struct span owner, store_item_fn *each, void *arg,
		   enum tp_rc *ret);
int lmdb_item_remove_owner(const struct lmdb_tree *t, struct span owner, int64_t *ret_live);

/* Takes out items that have ended, a hundred at most, so that no write has to wait for long. */
int lmdb_item_sweep(const struct lmdb_tree *t);

#endif
