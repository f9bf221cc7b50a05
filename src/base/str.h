/* SPDX-License-Identifier: MIT */
/* Spans: bytes that somebody else owns. Not NUL-terminated, may hold NUL. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/rc.h"

#include <string.h>

struct span {
	const char *p; /* NULL means "absent", which differs from "present and empty" */
	size_t len;
};

#define SPAN_LIT(s) ((struct span){ (s), sizeof(s) - 1 })
/* The same where something static is initialized. */
#define SPAN_INIT(s)               \
	{                          \
		(s), sizeof(s) - 1 \
	}

static inline struct span span_of(const char *s)
{
	return (struct span){ s, s ? strlen(s) : 0 };
}

static inline bool span_eq(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

static inline bool span_is(struct span a, const char *s)
{
	return a.p != NULL && span_eq(a, span_of(s));
}

static inline bool span_starts(struct span a, const char *prefix)
{
	size_t len = strlen(prefix);

	return a.p != NULL && a.len >= len && memcmp(a.p, prefix, len) == 0;
}

/* The order of their bytes, for qsort(): less than, equal to or greater than 0. */
int span_order(struct span a, struct span b);

char str_lower(char c);				   /* ASCII only, as the next one */
bool span_is_nocase(struct span a, const char *s); /* ASCII only */
bool span_has_byte(struct span a, char c);

/* Without blanks and tabs at both ends. */
struct span span_trim(struct span s);

/* Cuts *rest at the first sep: returns what stands before it and moves *rest past it; at the end
 * returns all and makes rest->p NULL. Call while rest->p is not NULL. */
struct span span_cut(struct span *rest, char sep);
/* The same at the last sep. */
struct span span_cut_last(struct span *rest, char sep);

/* A decimal integer that fills the span, within [low, high]; no sign but '-', no blanks, no leading
 * zeros. False, and *ret untouched, for anything else. */
bool span_int(struct span s, int64_t low, int64_t high, int64_t *ret);

/* A C string of its own; NULL: no memory, or a NUL inside. Caller frees. */
char *span_dup(struct span s);

/* The decimal text of n, written to the end of room. */
enum { INT_TEXT = 20 };
struct span span_of_int(int64_t n, char room[INT_TEXT]);

/* Valid UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool span_is_utf8(struct span s);

/* Has a byte below 0x20, or 0x7f. */
bool span_has_control(struct span s);

#endif
