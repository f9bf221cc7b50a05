/* SPDX-License-Identifier: MIT */
/*
 * The envelope of a call on the server's side: headers are judged, messages are gathered, the
 * handler is called, its reply framed. It knows nothing of HTTP/2's frames and of sockets; whoever
 * does hands in what arrives and sends what stands in `out`.
 *
 *   grpc_call_init    grpc_call_header*    grpc_call_headers_end    grpc_call_data*
 *   grpc_call_end     grpc_call_run or, for many at once, grpc_batch_add and grpc_batch_run
 *
 * At any point the call may become `ended`, with its status: then nothing more has to be handed in.
 */
#ifndef GRPC_GRPC_CALL_H
#define GRPC_GRPC_CALL_H

#include "base/limits.h"
#include "grpc/grpc_frame.h"
#include "grpc/grpc_status.h"

struct grpc_call;

/*
 * Appends the reply's bytes to c->out, or fails c->status. message is borrowed during the call;
 * arg is that of the rules.
 */
typedef void grpc_handler(void *arg, struct grpc_call *c, struct span message);

/* The same for calls that share their work: the message of each is its frame.message. */
typedef void grpc_many_handler(void *arg, struct grpc_call *const *calls, size_t n);

enum grpc_kind {
	GRPC_UNARY, /* one message, one reply */
	GRPC_WATCH, /* one message; the handler is asked again and again, and may append nothing */
	GRPC_CHAT   /* messages, and one reply to each, at once */
};

struct grpc_method {
	const char *path;
	enum grpc_kind kind;
	bool open; /* needs no secret */
	grpc_handler *handle;
	grpc_many_handler *many; /* of GRPC_UNARY, instead of handle; takes LIMIT_GRPC_BATCH */
};

struct grpc_rules {
	const struct grpc_method *methods;
	size_t n;
	void *arg;
	struct span secret; /* that callers must show as x-tpauth-secret; p NULL: none */
};

struct grpc_call {
	const struct grpc_rules *rules;
	const struct grpc_method *method;
	struct span peer;	       /* for the log */
	int64_t begun_ms, deadline_ms; /* deadline_ms 0: none */
	unsigned seen;		       /* headers that count, and what was wrong with them */
	size_t header_bytes;
	struct grpc_frame frame;
	bool ready;	 /* grpc_call_run() has something to do */
	bool ended;	 /* status stands; what is in out goes before it */
	bool complete;	 /* the client has sent all */
	bool compresses; /* its grpc-encoding is other than identity */
	int http;	 /* instead of a status: 405 or 415 */
	int64_t state;	 /* the handler's own, of a WATCH; 0 at first */
	struct grpc_status status;
	struct buf out; /* framed replies that are still to be sent */
};

void grpc_call_init(struct grpc_call *c, const struct grpc_rules *rules, struct span peer,
		    int64_t now_ms);
void grpc_call_release(struct grpc_call *c);

/* False: more than any client sends (eight times LIMIT_GRPC_METADATA); the connection should go. */
bool grpc_call_header(struct grpc_call *c, struct span name, struct span value) TP_MUSTUSE;
void grpc_call_headers_end(struct grpc_call *c);
void grpc_call_data(struct grpc_call *c, struct span bytes);
void grpc_call_end(struct grpc_call *c);

/* Calls the handler, unless the deadline has passed: then the answer is DEADLINE_EXCEEDED, and no
 * work is done for nobody. */
void grpc_call_run(struct grpc_call *c, int64_t now_ms);

/* Calls that are run together, of one method that has `many`. */
struct grpc_batch {
	struct grpc_call *calls[LIMIT_GRPC_BATCH]; /* borrowed until it has run */
	size_t n;
};

/* False: it has no room for this call. */
bool grpc_batch_add(struct grpc_batch *b, struct grpc_call *c) TP_MUSTUSE;

/* grpc_call_run() for all of them, after which the batch is empty. */
void grpc_batch_run(struct grpc_batch *b, int64_t now_ms);

bool grpc_call_is_late(const struct grpc_call *c, int64_t now_ms);

/* Asks the handler of a WATCH again. */
void grpc_call_look(struct grpc_call *c);

/* Ends it early. */
void grpc_call_refuse(struct grpc_call *c, enum grpc_code code, const char *why);

/* The grammar of grpc-timeout: 1 to 8 digits and a unit of HMSmun; rounded up to milliseconds. */
bool grpc_timeout_parse(struct span text, int64_t *ret_ms) TP_MUSTUSE;

#endif
