/* SPDX-License-Identifier: MIT */
/* Puts servers together by hand, as redis-cli would, and waits until each of them knows. */
#include "support/redis_group.h"

#include "base/clock.h"

#include <check.h>
#include <string.h>

#include "base/banned.h"

enum { SLOTS = 16384, TRIES = 600, PAUSE_US = 50000 };

typedef bool ready_fn(const struct redis_server *s);

static void wait_for(ready_fn *ready, const struct redis_server *s, const char *what)
{
	for (int n = 0; n < TRIES && !ready(s); n++)
		clock_pause_us(PAUSE_US);
	ck_assert_msg(ready(s), "%s", what);
}

static bool is_joined(const struct redis_server *node)
{
	const char *info = redis_server_ask(node, 0, "CLUSTER INFO");

	return strstr(info, "cluster_state:ok") != NULL &&
	       strstr(info, "cluster_known_nodes:3") != NULL;
}

void redis_group_cluster(struct redis_server *ret_nodes[GROUP_NODES], const char *const *more)
{
	const char *words[GROUP_WORDS] = { "--cluster-enabled", "yes", "--cluster-node-timeout",
					   "5000" };
	int per = SLOTS / GROUP_NODES + 1;

	for (int i = 0; more != NULL && more[i] != NULL && 4 + i < GROUP_WORDS - 1; i++)
		words[4 + i] = more[i];
	for (int i = 0; i < GROUP_NODES; i++) {
		int last = (i + 1) * per - 1;

		ret_nodes[i] = redis_server_start(words);
		redis_server_ask(ret_nodes[i], 0, "CLUSTER ADDSLOTSRANGE %d %d", i * per,
				 last < SLOTS ? last : SLOTS - 1);
		redis_server_ask(ret_nodes[i], 0, "CLUSTER SET-CONFIG-EPOCH %d", i + 1);
		if (i > 0)
			redis_server_ask(ret_nodes[0], 0, "CLUSTER MEET 127.0.0.1 %d",
					 redis_server_port(ret_nodes[i]));
	}
	for (int i = 0; i < GROUP_NODES; i++)
		wait_for(is_joined, ret_nodes[i], "the cluster does not come together");
}

static bool is_linked(const struct redis_server *replica)
{
	return strstr(redis_server_ask(replica, 0, "INFO replication"), "master_link_status:up") !=
	       NULL;
}

struct redis_server *redis_group_replica(const struct redis_server *master)
{
	struct redis_server *replica = redis_server_start(NULL);

	redis_server_ask(master, 0, "CONFIG SET repl-diskless-sync-delay 0");
	redis_server_ask(replica, 0, "REPLICAOF 127.0.0.1 %d", redis_server_port(master));
	wait_for(is_linked, replica, "the replica does not get to its master");
	return replica;
}

static bool knows_all(const struct redis_server *sentinel)
{
	const char *info = redis_server_ask(sentinel, 0, "INFO sentinel");

	return strstr(info, "status=ok") != NULL && strstr(info, "sentinels=3") != NULL;
}

void redis_group_sentinels(struct redis_server *ret_sentinels[GROUP_NODES],
			   const struct redis_server *master)
{
	for (int i = 0; i < GROUP_NODES; i++) {
		ret_sentinels[i] = redis_server_start_sentinel();
		redis_server_ask(ret_sentinels[i], 0,
				 "SENTINEL MONITOR " GROUP_MASTER " 127.0.0.1 %d 2",
				 redis_server_port(master));
		redis_server_ask(ret_sentinels[i], 0,
				 "SENTINEL SET " GROUP_MASTER " down-after-milliseconds 60000");
	}
	for (int i = 0; i < GROUP_NODES; i++)
		wait_for(knows_all, ret_sentinels[i], "the sentinels do not find each other");
}
