/* SPDX-License-Identifier: MIT */
/*
 * Names of keys in a Redis Cluster, which has one database and decides by the part between braces
 * (the hash tag) which node a key is on. A number and a colon stand for the database:
 *
 *	9:{u:alice}		the hash of alice's sessions
 *	8:{u:alice}__<handle>	a closed refresh window
 *	8:{tpauth-fail}/<hex>	a counter
 *
 * Whatever a user_id has in it, all keys of the user are in one slot: a brace that closes early
 *cuts all of their tags at the same place, and what stands before it is never empty. The counters
 *share one slot, since a script counts under two of them.
 */
#ifndef STORE_REDIS_KEYS_H
#define STORE_REDIS_KEYS_H

#include "base/limits.h"
#include "store/store.h"

enum { REDIS_KEYS_ROOM = INT_TEXT + LIMIT_USER_ID + 20 };

/* What a key begins with, up to the brace that closes the tag or, for a counter, the slash. */
struct span redis_keys_head(int number, enum store_space space, struct span owner,
			    char room[REDIS_KEYS_ROOM]);

/* Does the number stand in front of the key? Else it is of another database, as it were. */
bool redis_keys_in(int number, struct span key);

/* Whose sessions are at that key; absent where none can be. */
struct span redis_keys_owner(int number, struct span key);

#endif
