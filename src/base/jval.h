/* SPDX-License-Identifier: MIT */
/*
 * Strict JSON (RFC 8259) over json-c: I-JSON (RFC 7493) and less. Refused: duplicate members (also
 * when spelt with escapes), depth over LIMIT_JSON_DEPTH, NUL raw or as an escape, invalid UTF-8,
 * lone surrogates, numbers that are no integer or beyond 2^53, anything after the value.
 *
 * A tree is owned by its root; what jval_get() and jval_at() give is borrowed from it. Its strings
 * are wiped when they go. json-c owns the prefix json_, hence the name.
 */
#ifndef BASE_JVAL_H
#define BASE_JVAL_H

#include "base/buf.h"

struct jval;

enum jval_type { JVAL_NULL, JVAL_BOOL, JVAL_INT, JVAL_STR, JVAL_ARRAY, JVAL_OBJECT };

/* TP_INVALID (msg says what and at which byte, never the text itself) or TP_NOMEM. */
enum tp_rc jval_parse(struct span text, struct jval **ret, struct tp_err *err) TP_MUSTUSE;

void jval_release(struct jval *v);
void jval_cleanup(struct jval **v); /* for TP_CLEANUP */

enum jval_type jval_type(const struct jval *v); /* NULL reads as JVAL_NULL */

/* NULL: no such member, or not an object. A member that is null is also NULL: ask jval_has(). */
const struct jval *jval_get(const struct jval *object, const char *key);
bool jval_has(const struct jval *object, const char *key);

size_t jval_count(const struct jval *v); /* elements or members; 0 for the rest */
const struct jval *jval_at(const struct jval *array, size_t i);

/* False, *ret untouched, when v is of another type. */
bool jval_str(const struct jval *v, struct span *ret); /* borrowed from the tree; a NUL follows */
bool jval_int(const struct jval *v, int64_t *ret);
bool jval_bool(const struct jval *v, bool *ret);

/* Calls fn for each member in order until it returns other than TP_OK; returns the last answer. */
enum tp_rc jval_each(const struct jval *object,
		     enum tp_rc (*fn)(void *arg, const char *key, const struct jval *v,
				      struct tp_err *err),
		     void *arg, struct tp_err *err) TP_MUSTUSE;

/* Building. NULL or TP_NOMEM: no memory, and a NULL object or array gives TP_NOMEM in turn, so that
 * one test at the first setter does. Setters replace a member of the same name in its place. What
 * is taken may be NULL and is null then; so ask what jval_new_str() and its like gave first. */
struct jval *jval_new_object(void);
struct jval *jval_new_array(void);
struct jval *jval_new_str(struct span s); /* an absent span: an empty string */
struct jval *jval_new_int(int64_t n);
struct jval *jval_new_bool(bool yes);
enum tp_rc jval_set_str(struct jval *object, const char *key, struct span s,
			struct tp_err *err) TP_MUSTUSE;
enum tp_rc jval_set_int(struct jval *object, const char *key, int64_t n,
			struct tp_err *err) TP_MUSTUSE;
enum tp_rc jval_set_null(struct jval *object, const char *key, struct tp_err *err) TP_MUSTUSE;
enum tp_rc jval_set(struct jval *object, const char *key, struct jval *taken, /* also on failure */
		    struct tp_err *err) TP_MUSTUSE;
enum tp_rc jval_add(struct jval *array, struct jval *taken, /* also on failure */
		    struct tp_err *err) TP_MUSTUSE;
enum tp_rc jval_add_str(struct jval *array, struct span s, struct tp_err *err) TP_MUSTUSE;
void jval_remove(struct jval *object, const char *key);
struct jval *jval_edit(struct jval *object, const char *key); /* jval_get(), to be changed */

/* What jval_parse() would take, were it written and read again: for trees that were built. */
bool jval_is_strict(const struct jval *v);

/* A deep copy; an independent tree. */
enum tp_rc jval_copy(const struct jval *v, struct jval **ret, struct tp_err *err) TP_MUSTUSE;

/* Compact JSON, members in their order, '/' not escaped. Failure is the buffer's. */
void jval_write(const struct jval *v, struct buf *out);

/* One string as JSON, quotes included. Bytes above 0x7f pass as they are; no control character
 * does, not even DEL and those of C1 (U+0080 to U+009F), which JSON would let through to a
 * terminal. */
void jval_quote(struct span s, struct buf *out);

#endif
