/* SPDX-License-Identifier: MIT */
/*
 * The servers of DB_URL: which of them has what, their connections, and a breaker for each, so that
 * a dead one holds up nobody whose sessions are on another.
 *
 * Placing is by rendezvous hashing on the servers' names: adding or taking out one of n moves one
 * n-th of what is stored, and a server that does not answer moves nothing.
 */
#ifndef STORE_MC_POOL_H
#define STORE_MC_POOL_H

#include "base/codec.h"
#include "store/mc_wire.h"

struct mc_server {
	struct dial_peer peer;
	char *host;
	struct buf name;
	struct mc_wire *wire; /* NULL: not connected */
	bool looked;	      /* in this call: it was quiet, or was connected anew */
	bool down;
	int64_t probe_ms; /* while down: when it may be tried again */
};

struct mc_pool {
	struct mc_server *v;
	size_t n;
	int64_t deadline_ms;
};

/* hosts: store_url.h's list; default_port where one has none. TP_INVALID: too many, or one twice.
 * Asks nobody. *p is empty on failure. */
enum tp_rc mc_pool_init(struct mc_pool *p, struct span hosts, int default_port,
			struct tp_err *err) TP_MUSTUSE;
void mc_pool_release(struct mc_pool *p);

/* A call begins; its connections are looked at once more. */
void mc_pool_begin(struct mc_pool *p, int64_t deadline_ms);
void mc_pool_end(struct mc_pool *p); /* wipes what the last batch left */

/* The server that has whatever is stored under `by`. */
size_t mc_pool_place(const struct mc_pool *p, struct span by);

struct mc_ask {
	size_t server; /* mc_pool_place() */
	struct mc_request request;
};

/*
 * Sends each server its requests, in their order. Replies' values are good until the next run.
 *
 * A version (cas) is only good on the connection that brought it, since a restarted server counts
 * them anew: so within one call a connection that was lost is not made again.
 */
enum tp_rc mc_pool_run(struct mc_pool *p, const struct mc_ask *asks, size_t n,
		       struct mc_reply *replies, struct tp_err *err) TP_MUSTUSE;

/* TP_OK: at least one server answers. */
enum tp_rc mc_pool_ping(struct mc_pool *p, struct tp_err *err) TP_MUSTUSE;

#endif
