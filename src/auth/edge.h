/* SPDX-License-Identifier: MIT */
/*
 * The request behind what this floor is asked to do, as far as a hook may see it, and its answer,
 * as far as a hook may add to it. Who serves requests (http/edge) makes one; where there is no
 * request (a refresh over gRPC, a session that slides after its answer) the spans are absent and
 * the functions NULL, but for what is known of the client.
 */
#ifndef AUTH_EDGE_H
#define AUTH_EDGE_H

#include "base/str.h"

/* Everything is borrowed for as long as the edge is; absent spans where there is nothing. */
struct auth_edge {
	struct span method, path; /* of the request that is decided about */
	struct span remote_addr, request_id;

	void *arg; /* of the functions; each may be NULL */
	/* By name in any case. Absent: not there, or more than once. */
	struct span (*header)(void *arg, struct span name);
	/* A field, decoded. Absent also: the query, or the body, is no form. */
	struct span (*query)(void *arg, const char *name);
	struct span (*form)(void *arg, const char *name);
	/* As it came, with a NUL behind its end. Absent: none, or it cannot be read. */
	struct span (*body)(void *arg);
	/* TP_INTERNAL: the answer cannot have this header (the message says why). TP_NOMEM. */
	enum tp_rc (*add_header)(void *arg, const char *name, struct span value,
				 struct tp_err *err);
};

#endif
