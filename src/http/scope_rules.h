/* SPDX-License-Identifier: MIT */
/*
 * Which scopes the paths of protected applications need: the file of SCOPE_RULES. One rule a line,
 * its parts separated by blanks:
 *
 *	# PREFIX       METHODS   SCOPE...
 *	/reports       GET       reports:read
 *	/reports       PUT,POST  reports:read reports:write
 *	/reports/open  *         -
 *
 * A prefix ends where a segment of the path ends; a '/' at its end makes no difference. Blanks and
 * the like in it are percent-encoded. Methods are in capitals; GET stands for HEAD as well, and '*'
 * for every method. '-' in the place of scopes: none. A word that begins with '#' and what follows
 * is a comment.
 *
 * Of the lines whose prefix and method match, those with the longest prefix count, and their scopes
 * add up.
 */
#ifndef HTTP_SCOPE_RULES_H
#define HTTP_SCOPE_RULES_H

#include "auth/scope.h"

struct scope_rules;

/* TP_INVALID names file and line; a file without any rule is refused as well. TP_NOMEM. */
enum tp_rc scope_rules_open(const char *file, struct scope_rules **ret,
			    struct tp_err *err) TP_MUSTUSE;

/* The same from text, which is copied; file is its name in messages. */
enum tp_rc scope_rules_parse(struct span text, const char *file, struct scope_rules **ret,
			     struct tp_err *err) TP_MUSTUSE;

void scope_rules_close(struct scope_rules *r);

/* A request to a protected application. */
struct scope_request {
	struct span path;   /* as path_read() gives it */
	bool ambiguous;	    /* likewise: then not the longest prefix alone counts, but each that
			     * matches, with the path's parameters and without them */
	struct span method; /* p NULL: not known, and the rules of all methods count */
};

/* Adds the scopes that the request needs to *into; they are borrowed from r. TP_BAD_SCOPE: more
 * than a set can hold. */
enum tp_rc scope_rules_add(const struct scope_rules *r, const struct scope_request *q,
			   struct scope_set *into, struct tp_err *err) TP_MUSTUSE;

#endif
