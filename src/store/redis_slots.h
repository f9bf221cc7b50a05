/* SPDX-License-Identifier: MIT */
/*
 * The slots of a Redis Cluster: which one a key is in, which node has it, and what a node says when
 * it is another one (Redis Cluster specification: key distribution, redirection). Knows no
 * connections but the replies of one.
 */
#ifndef STORE_REDIS_SLOTS_H
#define STORE_REDIS_SLOTS_H

#include "store/redis_wire.h"

enum { REDIS_SLOTS = 16384, REDIS_NO_NODE = UINT8_MAX, REDIS_HOST = 253 };
_Static_assert((int)LIMIT_CLUSTER_NODES < (int)REDIS_NO_NODE, "a node fits into a byte");

struct redis_at {
	char host[REDIS_HOST + 1]; /* "": the one that was asked */
	int port;
};

/* CRC16 as XMODEM has it. */
uint16_t redis_slots_crc(struct span s);

/* Goes by what is between the first '{' and the next '}', when that is not empty. */
int redis_slots_of(struct span key);

/* Why a node did not do it. In all of these cases it certainly did nothing. */
enum redis_turn_kind {
	REDIS_TURN_NONE,  /* this is something else */
	REDIS_TURN_MOVED, /* at.. has the slot */
	REDIS_TURN_ASK,	  /* at.. may have the key: the slot is on its way there */
	REDIS_TURN_LATER, /* TRYAGAIN: keys are on their way */
	REDIS_TURN_DOWN	  /* CLUSTERDOWN: nobody has the slot, or a majority is missing */
};

struct redis_turn {
	enum redis_turn_kind kind;
	int slot;
	struct redis_at at;
};

/* What an error says, strictly: a MOVED or ASK that is malformed is REDIS_TURN_NONE. */
struct redis_turn redis_slots_turn(struct span error);

struct redis_slots {
	size_t n_nodes;
	struct redis_at nodes[LIMIT_CLUSTER_NODES]; /* masters */
	uint8_t of[REDIS_SLOTS];		    /* index, or REDIS_NO_NODE */
};

/* Reads the reply to CLUSTER SLOTS. False: it is none, or has a slot twice, or more nodes than
 * LIMIT_CLUSTER_NODES; then *ret is undefined. */
bool redis_slots_read(const struct redis_wire *w, struct redis_reply reply,
		      struct redis_slots *ret) TP_MUSTUSE;

#endif
