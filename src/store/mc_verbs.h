/* SPDX-License-Identifier: MIT */
/*
 * What the operations of the store are in memcached, which knows single items and their versions
 * (CAS), and forgets any of them whenever it likes.
 *
 * A user has one MC_LIST: a random generation, and the sessions that hold. A session's own item
 * carries the generation. It is live only while both are there, agree, and the list names it. So a
 * list that is gone (deleted, evicted, lost in a restart) ends all sessions of the user, and since
 * generations are never used again, nothing revives them. All items of a user are on one server.
 *
 * Who changes a list read it first and stores it only as the next version of what was read. Thus:
 *	login       list with the new entry, and the session's item, in either order: until both are
 *		    there it is not live. A logout-all in between makes the list another version,
 *		    and the login starts again with the generation that it finds then.
 *	refresh     the next version of the session's item and of the list. The item gone or the
 *		    list gone: the session ended, and the refresh brought nothing back.
 *	logout      the item deleted, the list without it.
 *	logout-all  the list deleted.
 */
#ifndef STORE_MC_VERBS_H
#define STORE_MC_VERBS_H

#include "store/mc_pool.h"
#include "store/store.h"

struct mc_talk {
	struct mc_pool pool;
	struct clock clock;
	int64_t now_s; /* of the call */
};

/* mc_pool_begin() went before. TP_OK: op->rc is the answer. */
enum tp_rc mc_verbs_run(struct mc_talk *t, struct store_op *op, struct tp_err *err) TP_MUSTUSE;

/* Counters, in mc_count.c. */
enum tp_rc mc_count_hit(struct mc_talk *t, struct store_op *op, struct tp_err *err) TP_MUSTUSE;
enum tp_rc mc_count_unhit(struct mc_talk *t, struct store_op *op, struct tp_err *err) TP_MUSTUSE;

/* How long memcached is to keep what ends after ttl_s. */
uint32_t mc_lifetime(const struct mc_talk *t, int64_t ttl_s);

/*
 * One attempt at a change. *ret_done stays false when somebody else changed an item meanwhile; then
 * mc_persist() tries again, MC_TRIES times at the most, and after the first few with short pauses.
 */
typedef enum tp_rc mc_attempt(struct mc_talk *t, struct store_op *op, void *arg, bool *ret_done,
			      struct tp_err *err);
enum { MC_TRIES = 500 };
enum tp_rc mc_persist(struct mc_talk *t, struct store_op *op, mc_attempt *attempt, void *arg,
		      struct tp_err *err) TP_MUSTUSE;

#endif
