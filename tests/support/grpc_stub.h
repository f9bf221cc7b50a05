/* SPDX-License-Identifier: MIT */
/*
 * A gRPC service that does what a script tells it to each call, for the faults that no real one
 * commits. It writes its HTTP/2 frames itself, byte by byte. It runs in a process of its own, takes
 * one connection at a time, notes what it is asked, and dies with the process that started it.
 */
#ifndef SUPPORT_GRPC_STUB_H
#define SUPPORT_GRPC_STUB_H

#include <stdbool.h>
#include <stddef.h>

enum grpc_act {
	STUB_OK,       /* a whole answer: headers, an empty message, grpc-status 0 */
	STUB_STATUS,   /* Trailers-Only with grpc-status n */
	STUB_SAY,      /* the bytes of say, as they are */
	STUB_SILENCE,  /* nothing, for ever */
	STUB_HALF,     /* the headers and three bytes of the message, then nothing */
	STUB_TRAILERS, /* headers, the bytes of say as data, then grpc-status n (-1: none) */
	STUB_HTTP,     /* :status n, grpc-status 0 */
	STUB_RESET,    /* RST_STREAM with code n */
	STUB_GOAWAY,   /* GOAWAY that takes no call up (last stream 0), then hangs up */
	STUB_CHATTER   /* PING after PING, for ever */
};

struct grpc_step {
	enum grpc_act act;
	int n;
	const char *say;
	size_t len;   /* of say */
	int wait_ms;  /* before it answers */
	bool hang_up; /* afterwards */
	bool go_away; /* afterwards says GOAWAY in good order */
};

struct grpc_stub;

/* Steps are copied, what they say is not; after the last one each call is answered STUB_OK. On TCP;
 * path: on that unix socket instead. */
struct grpc_stub *grpc_stub_start(const struct grpc_step *steps, size_t n, const char *path);
void grpc_stub_stop(struct grpc_stub *s);
void grpc_stub_pause(struct grpc_stub *s, bool on); /* SIGSTOP, SIGCONT */

int grpc_stub_port(const struct grpc_stub *s);
int grpc_stub_connections(const struct grpc_stub *s);
int grpc_stub_calls(const struct grpc_stub *s);

/* The last call: its headers as "name: value\n" lines, its body. */
const char *grpc_stub_headers(const struct grpc_stub *s);
const char *grpc_stub_body(const struct grpc_stub *s, size_t *ret_len);

#endif
