/* SPDX-License-Identifier: MIT */
/*
 * One connection to a server that speaks RESP2 (Redis, Valkey, Dragonfly): a batch of commands goes
 * out in one write, its replies come in, and all of it is over by a deadline, whatever the peer
 * does. Knows nothing of sessions.
 *
 * After a failure of its own a connection is only good for redis_wire_close(): an answer that still
 * comes would be taken for that of another request.
 */
#ifndef STORE_REDIS_WIRE_H
#define STORE_REDIS_WIRE_H

#include "base/buf.h"
#include "base/limits.h"
#include "store/dial.h"

enum {
	/* An operation: a SELECT, two more and a mark; a batch: ROLE, WAIT, and around the marks a
	 * SELECT and an ASKING. */
	WIRE_COMMANDS = 4 * LIMIT_STORE_OPS + 4,
	WIRE_BYTES = 32 << 20, /* most that the replies to one batch may have */
	WIRE_NODES = 1 << 16   /* replies and their elements, of one batch */
};

struct redis_wire;

/* Connects, as dial_connect() does. peer is borrowed until redis_wire_close(). */
enum tp_rc redis_wire_open(const struct dial_peer *peer, int64_t deadline_ms,
			   struct redis_wire **ret, struct tp_err *err) TP_MUSTUSE;
void redis_wire_close(struct redis_wire *w);

/* Between two batches: the peer has neither hung up nor said anything unasked. */
bool redis_wire_quiet(const struct redis_wire *w);

/* A command and then its arguments, which are copied. A failure is told by redis_wire_run(). */
void redis_wire_command(struct redis_wire *w, const char *name, size_t n_args);
void redis_wire_arg(struct redis_wire *w, struct span s);
void redis_wire_join(struct redis_wire *w, struct span a, struct span b, struct span c); /* one */
void redis_wire_int(struct redis_wire *w, int64_t n);

void redis_wire_auth(struct redis_wire *w, const char *user, struct span password);

/* Commands in the batch so far: the next one's reply will have this index. */
size_t redis_wire_count(const struct redis_wire *w);

/* TP_OK: there is one reply, whole, for each command, and not a byte more. TP_UNAVAILABLE: the
 * connection is spoilt; so it is by TP_NOMEM. */
enum tp_rc redis_wire_run(struct redis_wire *w, int64_t deadline_ms, struct tp_err *err) TP_MUSTUSE;

/* How a failed redis_wire_run() stood when it failed because the peer had hung up. */
enum redis_wire_loss {
	WIRE_NOT_LOST,	 /* it failed for another reason, or in the middle of the replies */
	WIRE_UNSENT,	 /* not one byte was sent: nothing was done */
	WIRE_UNANSWERED, /* something was sent and nothing came back: it may have been done */
};
enum redis_wire_loss redis_wire_loss(const struct redis_wire *w);

enum redis_wire_kind { WIRE_NIL, WIRE_STATUS, WIRE_ERROR, WIRE_STRING, WIRE_INT, WIRE_ARRAY };

struct redis_reply {
	enum redis_wire_kind kind;
	int64_t n;     /* the integer, or how many elements */
	struct span s; /* of a status, an error (never to be shown: it may quote its command), a
			  string; borrowed until redis_wire_clear() */
	size_t at;
};

/* The reply to the i-th command. */
struct redis_reply redis_wire_reply(const struct redis_wire *w, size_t i);
/* The i-th element of an array of no arrays; of another kind than expected it reads as nil. */
struct redis_reply redis_wire_element(const struct redis_wire *w, struct redis_reply array,
				      int64_t i);
/* What comes after a reply and all that is in it: in an array of arrays, the element after this one
 * (the first is redis_wire_element(.., 0)). Beyond the last it reads as something else or nil:
 * count by the array's n. */
struct redis_reply redis_wire_after(const struct redis_wire *w, struct redis_reply reply);

/* Ends a batch: forgets commands and replies, and wipes them. */
void redis_wire_clear(struct redis_wire *w);

#endif
