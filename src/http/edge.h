/* SPDX-License-Identifier: MIT */
/* A request over HTTP as auth/edge.h wants it: what a hook or a handler of an application may see
 * of it, and which headers it may add to the answer. */
#ifndef HTTP_EDGE_H
#define HTTP_EDGE_H

#include "auth/edge.h"
#include "http/form.h"
#include "http/router.h"

enum edge_kind {
	EDGE_HOOK,   /* adds to an answer that is made here */
	EDGE_HANDLER /* makes the whole answer: what else may go with it is its own to say */
};

enum edge_read { EDGE_UNREAD, EDGE_READ, EDGE_UNREADABLE };

struct edge {
	struct auth_edge base; /* to be handed on */

	/* private */
	struct http_call *call;
	enum edge_kind kind;
	const struct form *given; /* the body's form, read already; or NULL */
	enum edge_read form_read, query_read;
	struct form form, query;
};

/*
 * path is the one that the route was found by. At a guard's route it is the protected request: its
 * method and path as far as the guard knows them, without a body. form is borrowed; NULL: the body
 * has not been read as one yet.
 */
void edge_init(struct edge *e, struct http_call *c, enum edge_kind kind, const struct form *form);
void edge_release(struct edge *e);

/*
 * The rule of auth_edge.add_header. TP_INTERNAL: no name or value of a header (RFC 9110 5); one
 * that is about the connection or the length, type, status of the answer, or that the server sets
 * itself (X-Request-ID, CORS, the identity that a guard hands on); a cookie of the session's name,
 * or of none; and from a hook Location and Cache-Control.
 */
enum tp_rc edge_header_ok(const struct edge *e, const char *name, struct span value,
			  struct tp_err *err) TP_MUSTUSE;

#endif
