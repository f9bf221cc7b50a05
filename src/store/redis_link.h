/* SPDX-License-Identifier: MIT */
/*
 * A connection to one node of the Redis family: who tpauth is there, what the node can do, and
 * operations of the store as one batch on it. Which node it is, and when to dial again, is the
 * caller's policy (store_redis.c).
 */
#ifndef STORE_REDIS_LINK_H
#define STORE_REDIS_LINK_H

#include "store/redis_slots.h"
#include "store/redis_verbs.h"

/* Where a link goes, and as whom; borrowed while the link is up. */
struct redis_node {
	struct dial_peer peer;
	const char *user;     /* NULL: none */
	struct span password; /* absent: none */
	const int *db;	      /* by space. NULL: a node of a cluster, which has database 0 only */
	const int *prefix;    /* by space, where db is NULL: what stands for the number in a key */
	struct clock clock;
	bool must_be_master; /* asked by ROLE at once, and in a batch when a second has passed */
	int wait_replicas;   /* how many must have a change before it is answered; 0: none */
};

struct redis_link {
	const struct redis_node *node;
	struct redis_talk talk; /* talk.wire NULL: not up */
	bool is_cluster;	/* what the node said of itself, also when that failed the dial */
	/* Of a cluster's node, by the operations of the last batch: REDIS_TURN_NONE was answered,
	 * another one was not done at all. */
	struct redis_turn turn[LIMIT_STORE_OPS];
	int64_t role_ms; /* when it last said that it is a master */
};

/* Connects and does the handshake, all in one round trip. After a failure the link is not up;
 * TP_UNAVAILABLE, or TP_NOMEM. *l is zeroed or released before. */
enum tp_rc redis_link_connect(struct redis_link *l, const struct redis_node *node,
			      int64_t deadline_ms, struct tp_err *err) TP_MUSTUSE;
void redis_link_release(struct redis_link *l);

static inline bool redis_link_up(const struct redis_link *l)
{
	return l->talk.wire != NULL;
}

/* Between two batches, of a link that is up: nothing came unasked, nobody hung up. */
static inline bool redis_link_quiet(const struct redis_link *l)
{
	return redis_wire_quiet(l->talk.wire);
}

/*
 * Runs the operations, at most LIMIT_STORE_OPS, in order and in one round trip on a link that is
 * up. When what came back, or did not, makes the link unfit for another batch, it is not up any
 * more; *ret_loss then tells whether the batch may have reached the node.
 */
enum tp_rc redis_link_run(struct redis_link *l, struct store_op *ops, size_t n, int64_t deadline_ms,
			  enum redis_wire_loss *ret_loss, struct tp_err *err) TP_MUSTUSE;

/* May the batch go out once more on a new link, after that loss? */
bool redis_link_repeatable(enum redis_wire_loss loss, const struct store_op *ops, size_t n);

#endif
