/* SPDX-License-Identifier: MIT */
/*
 * struct tpauth_call from the inside: a request as a hook or a route's handler gets it. The public
 * functions are in <tpauth.h>; those on a handler's answer are src/app's.
 */
#ifndef HOOK_CALL_H
#define HOOK_CALL_H

#include "auth/edge.h"
#include "base/jval.h"

#include <tpauth.h>

struct call_copy;

struct tpauth_call {
	const struct auth_edge *edge;
	const char *method, *path, *remote_addr, *request_id; /* NULL: absent */
	struct tpauth_claims *user;			      /* NULL: none */
	struct jval *merged;	  /* behind user, where claims were added to it */
	struct call_copy *copies; /* every string that was handed out */
	struct tp_err failure;	  /* the first thing that could not be done; see call_rc() */
	char reason[sizeof(((struct tp_err *)0)->msg)]; /* tpauth_reason(); "" where none */
	void *answer; /* src/app's: what the handler of a route answers; NULL in a hook */
};

/*
 * edge and user are borrowed until call_release(). user: the claims of the session, NULL where
 * there is none; extra: those that the hook for proved sessions added, or NULL. TP_NOMEM: *ret is
 * released already.
 */
enum tp_rc call_open(struct tpauth_call *ret, const struct auth_edge *edge, const struct jval *user,
		     const struct jval *extra, struct tp_err *err) TP_MUSTUSE;
void call_release(struct tpauth_call *call);

/* Whatever the program returned: TP_INTERNAL: a header that the answer cannot have, or claims of
 * the user's that were set. TP_NOMEM: a string could not be handed out, and the program may have
 * taken that for an absent one. */
enum tp_rc call_rc(const struct tpauth_call *call, struct tp_err *err) TP_MUSTUSE;

/* The text s as a string that ends with the call; NULL for an absent one, and where there is no
 * memory, which call_rc() then tells. The same bytes are copied once. */
const char *call_string(struct tpauth_call *call, struct span s);

#endif
