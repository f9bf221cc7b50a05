/* SPDX-License-Identifier: MIT */
/*
 * Sets of scopes, small enough for a linear search. Owns the grammar of one scope as a client or a
 * claim writes it; which scopes may be asked for or are needed is decided elsewhere.
 */
#include "auth/scope.h"

#include "base/banned.h"

/* RFC 6749 section 3.3: %x21 / %x23-5B / %x5D-7E. */
static bool is_scope_char(char c)
{
	return c >= 0x21 && c <= 0x7e && c != '"' && c != '\\';
}

/* The messages go to the client; they show nothing of what it sent. */
static enum tp_rc add(struct scope_set *set, struct span scope, struct tp_err *err)
{
	if (scope.len == 0)
		return tp_fail(err, TP_BAD_SCOPE, "a scope is empty");
	if (scope.len > LIMIT_SCOPE)
		return tp_fail(err, TP_BAD_SCOPE, "a scope is longer than %d bytes", LIMIT_SCOPE);
	for (size_t i = 0; i < scope.len; i++)
		if (!is_scope_char(scope.p[i]))
			return tp_fail(err, TP_BAD_SCOPE,
				       "a scope has a character that is not allowed there");
	if (scope_has(set, scope))
		return TP_OK;
	if (set->n == LIMIT_SCOPES)
		return tp_fail(err, TP_BAD_SCOPE, "there are more than %d scopes", LIMIT_SCOPES);
	set->v[set->n++] = scope;
	return TP_OK;
}

enum tp_rc scope_parse(struct span text, struct scope_set *ret, struct tp_err *err)
{
	struct scope_set set = { 0 };
	enum tp_rc rc;

	while (text.p != NULL) {
		struct span scope = span_cut(&text, ' ');

		if (scope.len == 0)
			continue; /* more than one blank, as Python's split() takes it */
		rc = add(&set, scope, err);
		if (rc != TP_OK)
			return rc;
	}
	*ret = set;
	return TP_OK;
}

enum tp_rc scope_from_claim(const struct jval *scopes, struct scope_set *ret, struct tp_err *err)
{
	struct scope_set set = { 0 };
	size_t n = jval_count(scopes);
	enum tp_rc rc;

	if (jval_type(scopes) != JVAL_NULL && jval_type(scopes) != JVAL_ARRAY)
		return tp_fail(err, TP_BAD_SCOPE, "the claim \"scopes\" is not an array");
	for (size_t i = 0; i < n; i++) {
		struct span scope;

		if (!jval_str(jval_at(scopes, i), &scope))
			return tp_fail(err, TP_BAD_SCOPE, "an element of \"scopes\" is no string");
		rc = add(&set, scope, err);
		if (rc != TP_OK)
			return rc;
	}
	*ret = set;
	return TP_OK;
}

enum tp_rc scope_unite(struct scope_set *into, const struct scope_set *more, struct tp_err *err)
{
	for (size_t i = 0; i < more->n; i++) {
		enum tp_rc rc = add(into, more->v[i], err);

		if (rc != TP_OK)
			return rc;
	}
	return TP_OK;
}

bool scope_has(const struct scope_set *set, struct span scope)
{
	for (size_t i = 0; i < set->n; i++)
		if (span_eq(set->v[i], scope))
			return true;
	return false;
}

bool scope_covers(const struct scope_set *set, const struct scope_set *needed)
{
	for (size_t i = 0; i < needed->n; i++)
		if (!scope_has(set, needed->v[i]))
			return false;
	return true;
}

void scope_intersect(const struct scope_set *a, const struct scope_set *b, struct scope_set *ret)
{
	struct scope_set both = { 0 };

	for (size_t i = 0; i < a->n; i++)
		if (scope_has(b, a->v[i]))
			both.v[both.n++] = a->v[i];
	*ret = both;
}

void scope_subtract(const struct scope_set *a, const struct scope_set *b, struct scope_set *ret)
{
	struct scope_set rest = { 0 };

	for (size_t i = 0; i < a->n; i++)
		if (!scope_has(b, a->v[i]))
			rest.v[rest.n++] = a->v[i];
	*ret = rest;
}

void scope_join(const struct scope_set *set, struct buf *out)
{
	for (size_t i = 0; i < set->n; i++) {
		if (i > 0)
			buf_char(out, ' ');
		buf_span(out, set->v[i]);
	}
}

struct jval *scope_to_claim(const struct scope_set *set)
{
	struct jval *array = jval_new_array();

	for (size_t i = 0; array != NULL && i < set->n; i++)
		if (jval_add_str(array, set->v[i], NULL) != TP_OK) {
			jval_release(array);
			array = NULL;
		}
	return array;
}
