/* SPDX-License-Identifier: MIT */
/*
 * struct tpauth_claims from the inside: the way between the public object and a tree. The public
 * functions are in <tpauth.h>.
 */
#ifndef HOOK_CLAIMS_H
#define HOOK_CLAIMS_H

#include "base/jval.h"

#include <tpauth.h>

/* Over a tree that somebody else owns and that outlives it; it can be read, and a setter spoils
 * it. NULL: no memory. */
struct tpauth_claims *claims_view(const struct jval *tree) TP_MUSTUSE;

/* Over a tree of its own, which is taken also on failure; NULL is none. NULL: no memory. */
struct tpauth_claims *claims_take(struct jval *taken) TP_MUSTUSE;

/*
 * Asked wherever claims are used. What could not be done with them: TP_NOMEM, TP_INVALID (the
 * message names the claim, never its value). TP_INVALID also: there are none (NULL), or all of them
 * together are not what jval_parse() would take.
 */
enum tp_rc claims_rc(const struct tpauth_claims *claims, struct tp_err *err) TP_MUSTUSE;

/* Asked where claims were only read: TP_NOMEM or TP_INVALID, when a text could not be made. */
enum tp_rc claims_read_rc(const struct tpauth_claims *claims, struct tp_err *err) TP_MUSTUSE;

/* What is in them, borrowed until they change; NULL for NULL. */
const struct jval *claims_tree(const struct tpauth_claims *claims);

/* The tree of claims that are good by claims_rc(), which are empty then. A view gives a copy. */
enum tp_rc claims_give(struct tpauth_claims *claims, struct jval **ret,
		       struct tp_err *err) TP_MUSTUSE;

/* A tree of both; extra may be NULL. */
enum tp_rc claims_merge(const struct jval *claims, const struct jval *extra, struct jval **ret,
			struct tp_err *err) TP_MUSTUSE;

void claims_cleanup(struct tpauth_claims **claims); /* for TP_CLEANUP */

#endif
