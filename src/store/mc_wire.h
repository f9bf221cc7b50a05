/* SPDX-License-Identifier: MIT */
/*
 * One connection to a memcached server, in its binary protocol (docs/protocol_binary of memcached):
 * a batch of requests goes out in one write, its replies come in, and all of it is over by a
 * deadline, whatever the peer does. Knows nothing of sessions.
 *
 * Each reply must carry the number and the code of its request, so none is taken for another's.
 * After a failure a connection is only good for mc_wire_close().
 */
#ifndef STORE_MC_WIRE_H
#define STORE_MC_WIRE_H

#include "base/buf.h"
#include "store/dial.h"

enum {
	MC_REQUESTS = 32,	 /* in one batch, count */
	MC_VALUE = 1000000,	 /* one item; by default a server takes a little more */
	MC_BATCH_BYTES = 2 << 20 /* requests or replies of one batch */
};

enum mc_code { MC_GET = 0x00, MC_SET = 0x01, MC_ADD = 0x02, MC_DELETE = 0x04, MC_NOOP = 0x0a };

struct mc_request {
	enum mc_code code;
	struct span key;   /* at most 250 bytes; none for MC_NOOP */
	struct span value; /* of MC_SET and MC_ADD */
	uint32_t lifetime; /* of the same: seconds up to 30 days, beyond that a time since 1970 */
	uint64_t cas; /* of MC_SET and MC_DELETE: only if the item is still this version; 0: any */
};

enum mc_status {
	MC_DONE,
	MC_ABSENT, /* there is no such item */
	MC_DIFFERS /* MC_ADD: there is one; else: it is another version */
};

struct mc_reply {
	enum mc_status status;
	uint64_t cas;	   /* the item's version, once MC_DONE */
	struct span value; /* of MC_GET; good until the next batch or mc_wire_clear() */
};

struct mc_wire;

/* Connects; the server may not have accepted yet. peer is borrowed until mc_wire_close(). */
enum tp_rc mc_wire_open(const struct dial_peer *peer, int64_t deadline_ms, struct mc_wire **ret,
			struct tp_err *err) TP_MUSTUSE;
void mc_wire_close(struct mc_wire *w);

/* Between two batches: the peer has neither hung up nor said anything unasked. */
bool mc_wire_quiet(const struct mc_wire *w);

/* Puts a request into the batch, copied; a failure is told by mc_wire_run(). Returns its place. */
size_t mc_wire_ask(struct mc_wire *w, const struct mc_request *r);

/* TP_OK: each request has its reply. TP_UNAVAILABLE and TP_NOMEM: drop the connection, unless
 * *ret_refused, which says that the server answered in order and would not do it. */
enum tp_rc mc_wire_run(struct mc_wire *w, int64_t deadline_ms, bool *ret_refused,
		       struct tp_err *err) TP_MUSTUSE;
struct mc_reply mc_wire_reply(const struct mc_wire *w, size_t at);

/* Forgets the batch, and wipes it. */
void mc_wire_clear(struct mc_wire *w);

#endif
