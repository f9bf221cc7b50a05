/* SPDX-License-Identifier: MIT */
/*
 * How items lie in memcached: their keys, the record that each holds, and the list in the record of
 * a user. Seen by the memcached backend only; decides nothing, asks nobody.
 *
 *	key     "tpauth:" and the hex SHA-256 of kind, length of owner, owner, item
 *	record  "tpa1"; kind; expiry, 8 bytes; generation, 16; lengths of owner and item, 2 each;
 *		owner; item; what the caller put. Numbers have their most significant byte first.
 *
 * A key is a hash, and memcached is shared with others: so a record says whose it is, and what is
 * not exactly that reads as absent.
 */
#ifndef STORE_MC_ITEM_H
#define STORE_MC_ITEM_H

#include "base/codec.h"
#include "base/limits.h"
#include "store/store.h"

enum {
	MC_KEY = 7 + 2 * DIGEST_SHA256,
	MC_GENERATION = 16,
	MC_RECORD_HEAD = 4 + 1 + 8 + MC_GENERATION + 2 + 2,
	MC_RECORD_MOST = MC_RECORD_HEAD + LIMIT_USER_ID + LIMIT_HANDLE + LIMIT_STORE_VALUE,
	MC_ENTRY = DIGEST_SHA256 + 8,
	MC_LIST_MOST = LIMIT_SESSIONS * MC_ENTRY
};

/* The letters are part of keys and records. */
enum mc_kind { MC_LOGIN = 'l', MC_RESTRICT = 'r', MC_COUNTER = 't', MC_LIST = 'o' };

struct mc_key {
	char text[MC_KEY];
	unsigned char digest[DIGEST_SHA256];
};

void mc_key_make(struct mc_key *k, enum mc_kind kind, struct span owner, struct span item);
void mc_key_of_digest(struct mc_key *k, const unsigned char digest[DIGEST_SHA256]);
struct span mc_key_view(const struct mc_key *k);

struct mc_record {
	enum mc_kind kind;
	int64_t expiry_s;			 /* since 1970 */
	unsigned char generation[MC_GENERATION]; /* zeros where the kind has none */
	struct span owner, item, body;
};

void mc_record_put(struct buf *out, const struct mc_record *r);
bool mc_record_get(struct span bytes, struct mc_record *ret); /* spans into bytes */

/*
 * The body of a user's MC_LIST: for each session the digest of its key, and its expiry. Entries
 * that have ended count as not there.
 */
bool mc_list_has(struct span list, const unsigned char digest[DIGEST_SHA256], int64_t now_s);
size_t mc_list_count(struct span list, int64_t now_s);
int64_t mc_list_last(struct span list, int64_t now_s); /* when the last entry ends; 0: none */
/* Copies what has not ended, but for the entry of `digest` (NULL: all). */
void mc_list_copy(struct buf *out, struct span list, const unsigned char *digest, int64_t now_s);
/* Appends; of LIMIT_SESSIONS entries the one that ends first makes room. */
void mc_list_add(struct buf *list, const unsigned char digest[DIGEST_SHA256], int64_t expiry_s);
/* Walks: false after the last. *ret_digest is borrowed from list. */
bool mc_list_next(struct span *rest, const unsigned char **ret_digest, int64_t *ret_expiry_s);

enum { MC_COUNT = 16 };
void mc_count_put(char ret[MC_COUNT], int64_t n, int64_t last_s);
bool mc_count_get(struct span body, int64_t *ret_n, int64_t *ret_last_s);

#endif
