/* SPDX-License-Identifier: MIT */
/*
 * A Redis Cluster as one store: learns which master has which slot, keeps a link to each of them,
 * made when it is needed, and follows the cluster through resharding and failover. Keys are named
 * as redis_keys.h says.
 *
 * An operation goes out again only when it was certainly not done, or only reads. A master that
 * cannot be reached fails what is asked of its slots, at once for a second, and nothing else.
 */
#ifndef STORE_REDIS_CLUSTER_H
#define STORE_REDIS_CLUSTER_H

#include "store/backend.h"
#include "store/redis_link.h"

struct redis_cluster_spec {
	const struct redis_node *node; /* what all have in common; its peer's path, if any, is the
					* first to ask */
	struct span hosts;  /* or these, as store_url_host() cuts them, or one as it is */
	int port;	    /* of that one; -1: the usual one */
	const int *numbers; /* in front of the keys, by space */
};

struct redis_cluster;

/* Asks nobody. Borrows what spec points to but hosts. TP_INVALID: too many hosts, or one that
 * cannot be. */
enum tp_rc redis_cluster_open(const struct redis_cluster_spec *spec, struct redis_cluster **ret,
			      struct tp_err *err) TP_MUSTUSE;
void redis_cluster_close(struct redis_cluster *c);

/* As run() of a backend. STORE_PING: each slot has a master, and a node says that the cluster is
 * up. */
enum tp_rc redis_cluster_run(struct redis_cluster *c, struct store_op *ops, size_t n,
			     int64_t deadline_ms, struct tp_err *err) TP_MUSTUSE;

/* As walk() of a backend: all masters, one after the other. Fails when slots went from one to
 * another meanwhile, since sessions may then have been missed. */
enum tp_rc redis_cluster_walk(struct redis_cluster *c, struct store_walk *w, int64_t step_ms,
			      struct tp_err *err) TP_MUSTUSE;

/* After a failure: the cluster can be reached, and only a node of it is missing or refused. */
bool redis_cluster_connected(const struct redis_cluster *c);

#endif
