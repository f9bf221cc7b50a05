/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_TOLD_HOOK_H
#define SUPPORT_TOLD_HOOK_H

#include "auth/edge.h"
#include "hook/hooks.h"

/* A hook that answers as it is told. */
struct told {
	enum tpauth_rc rc;
	const char *reason;			    /* NULL: none */
	void (*fill)(struct tpauth_claims *claims); /* NULL: nothing */
	bool breaks;				    /* adds a header that the answer cannot have */

	/* what it got */
	int asked;
	char user[1024], before[1024], method[16], remote[64];
};

/* arg: a struct told. */
enum tpauth_rc told_hook(struct tpauth_call *call, const struct tpauth_claims *user,
			 struct tpauth_claims *claims, void *arg);

/* What a request looks like from there: a POST of 192.0.2.9, to which no header is added. */
extern const struct auth_edge told_edge;

/* Asks a handler of these hooks, over the one below (NULL: none); its claims as JSON. */
enum tp_rc told_ask(const struct hook_set *set, struct authn *below, const struct authn_request *r,
		    struct buf *ret_json, struct tp_err *err);

#endif
