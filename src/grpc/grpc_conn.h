/* SPDX-License-Identifier: MIT */
/*
 * One HTTP/2 connection of a gRPC client, without its socket: bytes go in and come out. Time is
 * handed in, in monotonic milliseconds, so nothing here waits.
 *
 * A connection has a budget for frames that bring no work forward (pings, settings, resets, crumbs
 * of data): it refills slowly, each answered call pays some back, and one that overdraws it is sent
 * away (ENHANCE_YOUR_CALM). What it can make us keep is bounded by its flow control window, which
 * opens only as calls are done.
 */
#ifndef GRPC_GRPC_CONN_H
#define GRPC_GRPC_CONN_H

#include "grpc/grpc_call.h"

struct grpc_conn;

enum {
	GRPC_REQUEST_MS = 10000, /* a request must be whole by then */
	GRPC_ANSWER_MS = 30000,	 /* and its answer taken */
	GRPC_CHAT_MS = 60000,	 /* a stream of messages may pause so long */
	GRPC_IDLE_MS = 300000,	 /* a connection without calls */
	GRPC_SILENT_MS = 60000,	 /* then one with calls gets a ping, */
	GRPC_PONG_MS = 20000,	 /* which must be answered by then */
	GRPC_LOOK_MS = 1000,	 /* how often those who watch are looked after */
	GRPC_OUT_MOST =
		32768 /* bytes that grpc_conn_out() hands over at once, at least one frame */
};

/* rules and peer (what the log calls it) are borrowed until grpc_conn_close(). */
enum tp_rc grpc_conn_open(const struct grpc_rules *rules, struct span peer, int64_t now_ms,
			  struct grpc_conn **ret, struct tp_err *err) TP_MUSTUSE;
void grpc_conn_close(struct grpc_conn *c);

/* False: no HTTP/2, or no memory; send what is left and close. */
bool grpc_conn_in(struct grpc_conn *c, struct span bytes, int64_t now_ms) TP_MUSTUSE;

/* Runs calls that have arrived whole, at most `most`. True: more are there. A call that the client
 * cancelled before its turn is never run. */
bool grpc_conn_work(struct grpc_conn *c, int most, int64_t now_ms);

/*
 * The same in three steps, for calls of several connections that share their work: those of a
 * method that has `many` are only put into the batch, as long as it has room. After
 * grpc_batch_run() each connection that gave some is to be told. Nothing else may be done with it
 * in between.
 */
bool grpc_conn_take(struct grpc_conn *c, int most, int64_t now_ms, struct grpc_batch *b);
void grpc_conn_answer(struct grpc_conn *c);

/* Appends what is to be sent. False: no memory; close. */
bool grpc_conn_out(struct grpc_conn *c, struct buf *out) TP_MUSTUSE;

/* Time-outs, pings, and those who watch. To be called about once a second. */
void grpc_conn_tick(struct grpc_conn *c, int64_t now_ms);

/* The two steps of leaving: "open nothing new", and some round trip later the number of the last
 * call that is still served. What has started finishes; those who watch are told. */
void grpc_conn_notice(struct grpc_conn *c);
void grpc_conn_leave(struct grpc_conn *c);

bool grpc_conn_is_over(struct grpc_conn *c);		/* nothing to read or to send any more */
bool grpc_conn_is_idle(const struct grpc_conn *c);	/* no call is open */
bool grpc_conn_only_watches(const struct grpc_conn *c); /* each open call, if any, is a watch */
int64_t grpc_conn_heard_ms(const struct grpc_conn *c);	/* when the last bytes came */

#endif
