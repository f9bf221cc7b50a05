/* SPDX-License-Identifier: MIT */
/* Real servers that belong together: a Redis Cluster, and a master that sentinels watch over. */
#ifndef SUPPORT_REDIS_GROUP_H
#define SUPPORT_REDIS_GROUP_H

#include "support/redis_server.h"

#define GROUP_MASTER "mymaster" /* what the sentinels call it */

enum { GROUP_NODES = 3, GROUP_WORDS = 12 };

/* Three masters that share the slots. more: as for redis_server_start(). Each is the caller's to
 * stop, here as below. */
void redis_group_cluster(struct redis_server *ret_nodes[GROUP_NODES], const char *const *more);

/* A replica that has all that the master has. */
struct redis_server *redis_group_replica(const struct redis_server *master);

/* Three sentinels that know the master and each other. They are slow to take it for dead: in a test
 * on a busy machine none shall. */
void redis_group_sentinels(struct redis_server *ret_sentinels[GROUP_NODES],
			   const struct redis_server *master);

#endif
