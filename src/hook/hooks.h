/* SPDX-License-Identifier: MIT */
/* The hooks of an application or a module, as the floor below wants them: a token handler, and what
 * else a program has to say of sessions. */
#ifndef HOOK_HOOKS_H
#define HOOK_HOOKS_H

#include "auth/auth.h"
#include "auth/authn.h"

#include <tpauth.h>

enum { HOOK_EVENTS = TPAUTH_ON_AUTHENTICATE + 1 };

struct hook {
	tpauth_hook *fn; /* NULL: none */
	void *arg;
};

struct hook_set {
	struct hook on[HOOK_EVENTS]; /* by enum tpauth_event */
};

/*
 * A handler of the set's hooks for login and refresh. A hook for the login stands in for `below`,
 * the handler that TOKEN_HANDLER names, which may then be NULL. Without one `below` is asked, and a
 * hook for the refresh after it, about the claims that it answers with. Where nobody is there to be
 * asked at a refresh, the session's claims stand. set is borrowed; below is taken, also on failure.
 */
enum tp_rc hooks_authn(const struct hook_set *set, struct authn *below, struct authn **ret,
		       struct tp_err *err) TP_MUSTUSE;

/* The other three; a function for each hook that there is. Borrows set. */
struct auth_hooks hooks_of(const struct hook_set *set);

#endif
