/* SPDX-License-Identifier: MIT */
/*
 * An HTTP/2 client in memory at the other end of a struct grpc_conn: calls go in, what the server
 * said is kept as text, and anything else can be sent as raw bytes.
 */
#ifndef SUPPORT_H2_CLIENT_H
#define SUPPORT_H2_CLIENT_H

#include "grpc/grpc_conn.h"

enum { H2_CALLS = 512 };

struct h2_call {
	int32_t id;
	struct buf got; /* "name: value\n" of headers, "[hex]\n" of data, then "end\n" */
	bool closed;
	uint32_t reset; /* the code, when it was reset */
	struct span body;
	size_t sent;
	bool open; /* more of the body may come: no END_STREAM */
};

struct h2_client {
	struct grpc_conn *conn; /* closed by h2_close() */
	struct nghttp2_session *h2;
	struct h2_call calls[H2_CALLS];
	size_t n;
	size_t piece; /* bytes handed over at a time; 0: all */
	int goaways;
	uint32_t goaway; /* the code of the last one */
	int32_t last_id; /* and its last stream */
	int pings;	 /* that the server sent */
	bool deaf;	 /* answers no pings, and nothing else */
	bool refused;	 /* grpc_conn_in() said no */
};

/* With settings of the client's own: its window for each stream. */
void h2_open(struct h2_client *c, const struct grpc_rules *rules, int64_t now_ms, uint32_t window);
void h2_close(struct h2_client *c);

/* headers: "name: value\n" lines beside those that every call has. body: borrowed, framed already.
 */
struct h2_call *h2_call(struct h2_client *c, const char *path, const char *headers,
			struct span body, bool open);

/* All that both sides have to say, and calls run in between. */
void h2_pump(struct h2_client *c, int64_t now_ms);

/* The client's bytes only: what it has said is there, and no call has run. */
void h2_say(struct h2_client *c, int64_t now_ms);

void h2_cancel(struct h2_client *c, const struct h2_call *call);

/* A frame as it is, straight to the server. */
void h2_raw(struct h2_client *c, int type, int flags, int32_t id, struct span payload,
	    int64_t now_ms);

#endif
