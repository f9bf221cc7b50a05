/* SPDX-License-Identifier: MIT */
/* Sets of scopes (RFC 6749 section 3.3). The strings are borrowed from what a set was made of. */
#ifndef AUTH_SCOPE_H
#define AUTH_SCOPE_H

#include "base/jval.h"
#include "base/limits.h"

struct scope_set {
	size_t n;
	struct span v[LIMIT_SCOPES]; /* distinct, in the order they came */
};

/* From a list separated by blanks. TP_BAD_SCOPE: a character that RFC 6749 does not allow, a scope
 * too long, or too many; an empty text is an empty set. Repetitions are dropped. */
enum tp_rc scope_parse(struct span text, struct scope_set *ret, struct tp_err *err) TP_MUSTUSE;

/* From a claim; NULL or an array of strings (checked by token_scopes_ok before). TP_BAD_SCOPE else.
 */
enum tp_rc scope_from_claim(const struct jval *scopes, struct scope_set *ret,
			    struct tp_err *err) TP_MUSTUSE;

/* Puts those of more into *into as well. TP_BAD_SCOPE: too many; *into then has some of them. */
enum tp_rc scope_unite(struct scope_set *into, const struct scope_set *more,
		       struct tp_err *err) TP_MUSTUSE;

bool scope_has(const struct scope_set *set, struct span scope);
bool scope_covers(const struct scope_set *set, const struct scope_set *needed);
void scope_intersect(const struct scope_set *a, const struct scope_set *b, struct scope_set *ret);

/* Those of a that are not in b. */
void scope_subtract(const struct scope_set *a, const struct scope_set *b, struct scope_set *ret);

/* Blank-separated, as in the token response and in WWW-Authenticate. */
void scope_join(const struct scope_set *set, struct buf *out);

/* A new JSON array; NULL: no memory. */
struct jval *scope_to_claim(const struct scope_set *set);

#endif
