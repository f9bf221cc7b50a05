/* SPDX-License-Identifier: MIT */
/* The nodes of a Redis Cluster and the map of its slots. Seen by redis_cluster.c only. */
#ifndef STORE_REDIS_MEMBERS_H
#define STORE_REDIS_MEMBERS_H

#include "store/redis_link.h"

enum { REDIS_MEMBER_NAME = REDIS_HOST + 9 };

struct redis_member {
	struct redis_at at;
	char name[REDIS_MEMBER_NAME];
	struct redis_node node;
	struct redis_link link;
	bool used;  /* the slot of this table is taken */
	bool named; /* in DB_URL: never dropped */
	bool has_slots;
	bool suspect;	 /* it failed, and has not answered since */
	int64_t down_ms; /* and is not asked before this time */
};

struct redis_cluster {
	const struct redis_node *like;
	int numbers[3];
	bool stale; /* the map is to be learnt before the next pass */
	bool is_up; /* see redis_cluster_connected() */
	int64_t learnt_ms;
	uint8_t of[REDIS_SLOTS]; /* index of the member, or REDIS_NO_NODE */
	struct redis_member v[LIMIT_CLUSTER_NODES];
	struct redis_slots slots; /* the reply that is being read */
};

void redis_member_init(const struct redis_cluster *c, struct redis_member *m,
		       const struct redis_at *at);
void redis_member_release(struct redis_member *m);

/* Also one that was not known yet. NULL: there is no room. */
struct redis_member *redis_member_at(struct redis_cluster *c, const struct redis_at *at);

/* The address as `by` gave it: no host is its own. By a unix socket that is this machine. */
struct redis_at redis_member_seen(const struct redis_member *by, const struct redis_at *at);

/* It is not asked again for a second, and the map is learnt anew. */
void redis_member_failed(struct redis_cluster *c, struct redis_member *m);

/* The deadline, or in most_ms. */
int64_t redis_member_sooner(int64_t deadline_ms, int64_t most_ms);

/* Its link is up afterwards, or it failed. */
enum tp_rc redis_member_ready(struct redis_cluster *c, struct redis_member *m, int64_t deadline_ms,
			      struct tp_err *err) TP_MUSTUSE;

/* One question to one node, beside the operations; its reply is good until redis_wire_clear(). */
enum tp_rc redis_member_ask(struct redis_cluster *c, struct redis_member *m, const char *about,
			    int64_t deadline_ms, struct tp_err *err) TP_MUSTUSE;

/* Those with a link come first, then those that did not fail, then those that did some time ago. */
enum { REDIS_ROUNDS = 3 };
bool redis_member_turn(const struct redis_member *m, int round);

/* The map, from one node; from the first that answers. */
enum tp_rc redis_members_learn_from(struct redis_cluster *c, struct redis_member *m,
				    int64_t deadline_ms, struct tp_err *err) TP_MUSTUSE;
enum tp_rc redis_members_learn(struct redis_cluster *c, int64_t deadline_ms,
			       struct tp_err *err) TP_MUSTUSE;

#endif
