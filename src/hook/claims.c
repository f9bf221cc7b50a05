/* SPDX-License-Identifier: MIT */
/*
 * Owns the public claims object: a tree of base/jval with the first failure of what was done to it,
 * and the JSON texts that were handed out of it. What claims have to be to become a token is
 * auth/authn's.
 */
#include "hook/claims.h"

#include "base/limits.h"
#include "hook/code.h"

#include <stdlib.h>

#include "base/banned.h"

/* A text of tpauth_claims_get_json(): one for each name, so that asking again costs nothing. */
struct claims_text {
	struct claims_text *next;
	const char *name; /* in bytes; NULL: of all claims */
	const char *json; /* likewise */
	char bytes[];
};

struct tpauth_claims {
	struct jval *own; /* NULL in a view */
	const struct jval *tree;
	struct tp_err failure; /* the first one */
	struct claims_text *texts;
	struct tpauth_claims *self; /* reading grows the texts, and can fail */
};

/* Making and releasing ------------------------------------------------------------------------- */

static struct tpauth_claims *make(struct jval *own, const struct jval *tree)
{
	struct tpauth_claims *c = tree != NULL ? calloc(1, sizeof(*c)) : NULL;

	if (c == NULL) {
		jval_release(own);
		return NULL;
	}
	c->own = own;
	c->tree = tree;
	c->self = c;
	return c;
}

struct tpauth_claims *claims_view(const struct jval *tree)
{
	return make(NULL, tree);
}

struct tpauth_claims *claims_take(struct jval *taken)
{
	return make(taken, taken);
}

struct tpauth_claims *tpauth_claims_new(void)
{
	return claims_take(jval_new_object());
}

enum tpauth_rc tpauth_claims_parse(const char *json, size_t len, struct tpauth_claims **ret)
{
	struct tpauth_claims *claims;
	struct jval *tree = NULL;
	enum tp_rc rc;

	if (json == NULL || ret == NULL)
		return TPAUTH_INTERNAL;
	if (len > LIMIT_CLAIMS_TEXT)
		return TPAUTH_TOO_LARGE;
	rc = jval_parse((struct span){ json, len }, &tree, NULL);
	if (rc != TP_OK)
		return code_out(rc);
	if (jval_type(tree) != JVAL_OBJECT) {
		jval_release(tree);
		return TPAUTH_INVALID;
	}
	claims = claims_take(tree);
	if (claims == NULL)
		return TPAUTH_NOMEM;
	*ret = claims;
	return TPAUTH_OK;
}

static void forget_texts(struct tpauth_claims *c)
{
	while (c->texts != NULL) {
		struct claims_text *t = c->texts;

		c->texts = t->next;
		explicit_bzero(t->bytes, strlen(t->json) + (size_t)(t->json - t->bytes));
		free(t);
	}
}

void tpauth_claims_free(struct tpauth_claims *claims)
{
	if (claims == NULL)
		return;
	forget_texts(claims);
	jval_release(claims->own);
	free(claims);
}

void claims_cleanup(struct tpauth_claims **claims)
{
	tpauth_claims_free(*claims);
	*claims = NULL;
}

/* Setting -------------------------------------------------------------------------------------- */

static bool may_set(struct tpauth_claims *c, const char *name)
{
	if (c == NULL || c->failure.rc != TP_OK)
		return false;
	if (c->own == NULL)
		tp_fail(&c->failure, TP_INVALID, "claims were set that can only be read");
	else if (name == NULL || !span_is_utf8(span_of(name)))
		tp_fail(&c->failure, TP_INVALID, "a claim was set whose name is no UTF-8");
	return c->failure.rc == TP_OK;
}

/* value NULL: null. It may come from a text or a string of these very claims, so those go last. */
static void put(struct tpauth_claims *c, const char *name, struct jval *value)
{
	if (jval_set(c->own, name, value, &c->failure) == TP_OK)
		forget_texts(c);
}

static struct jval *new_text(struct tpauth_claims *c, const char *name, const char *value)
{
	struct jval *v;

	if (!span_is_utf8(span_of(value))) {
		tp_fail(&c->failure, TP_INVALID, "the claim %.60s was set to what is no UTF-8",
			name);
		return NULL;
	}
	v = jval_new_str(span_of(value));
	if (v == NULL)
		tp_fail(&c->failure, TP_NOMEM, "out of memory");
	return v;
}

void tpauth_claims_set(struct tpauth_claims *claims, const char *name, const char *value)
{
	struct jval *v = NULL;

	if (!may_set(claims, name))
		return;
	if (value != NULL) {
		v = new_text(claims, name, value);
		if (v == NULL)
			return;
	}
	put(claims, name, v);
}

void tpauth_claims_set_int(struct tpauth_claims *claims, const char *name, int64_t value)
{
	static const int64_t most = INT64_C(1) << 53;
	struct jval *v;

	if (!may_set(claims, name))
		return;
	if (value > most || value < -most) {
		tp_fail(&claims->failure, TP_INVALID, "the claim %.60s was set to more than 2^53",
			name);
		return;
	}
	v = jval_new_int(value);
	if (v != NULL)
		put(claims, name, v);
	else
		tp_fail(&claims->failure, TP_NOMEM, "out of memory");
}

void tpauth_claims_set_json(struct tpauth_claims *claims, const char *name, const char *json)
{
	struct tp_err why = { 0 };
	struct jval *v = NULL;
	enum tp_rc rc;

	if (!may_set(claims, name))
		return;
	rc = json == NULL ? tp_fail(&why, TP_INVALID, "no JSON")
			  : jval_parse(span_of(json), &v, &why);
	if (rc == TP_OK)
		put(claims, name, v);
	else
		tp_fail(&claims->failure, rc, "the claim %.60s: %s", name, why.msg);
}

static bool has_text(const struct jval *v, const char *text)
{
	struct span s;

	return jval_str(v, &s) && span_is(s, text);
}

static bool has_element(const struct jval *array, const char *text)
{
	for (size_t i = 0; i < jval_count(array); i++) {
		if (has_text(jval_at(array, i), text))
			return true;
	}
	return false;
}

/* The array of that name, made where there is none; NULL: it cannot be had. */
static struct jval *array_of(struct tpauth_claims *c, const char *name)
{
	struct jval *array = jval_edit(c->own, name);

	if (array == NULL) {
		array = jval_new_array();
		if (array == NULL)
			tp_fail(&c->failure, TP_NOMEM, "out of memory");
		else
			put(c, name, array);
		return c->failure.rc == TP_OK ? array : NULL;
	}
	if (jval_type(array) == JVAL_ARRAY)
		return array;
	tp_fail(&c->failure, TP_INVALID, "the claim %.60s is no array to add to", name);
	return NULL;
}

void tpauth_claims_add(struct tpauth_claims *claims, const char *name, const char *value)
{
	struct jval *array, *v;

	if (!may_set(claims, name))
		return;
	if (value == NULL) {
		tp_fail(&claims->failure, TP_INVALID, "nothing was added to the claim %.60s", name);
		return;
	}
	v = new_text(claims, name, value);
	if (v == NULL)
		return;
	array = array_of(claims, name);
	if (array == NULL || has_element(array, value)) {
		jval_release(v);
		return;
	}
	if (jval_add(array, v, &claims->failure) == TP_OK)
		forget_texts(claims);
}

/* Reading -------------------------------------------------------------------------------------- */

static const struct jval *find(const struct tpauth_claims *c, const char *name)
{
	return c != NULL && name != NULL ? jval_get(c->tree, name) : NULL;
}

const char *tpauth_claims_get(const struct tpauth_claims *claims, const char *name)
{
	struct span s;

	return jval_str(find(claims, name), &s) ? s.p : NULL;
}

enum tpauth_rc tpauth_claims_get_int(const struct tpauth_claims *claims, const char *name,
				     int64_t *ret)
{
	if (ret == NULL)
		return TPAUTH_INTERNAL;
	return jval_int(find(claims, name), ret) ? TPAUTH_OK : TPAUTH_NOT_FOUND;
}

int tpauth_claims_has(const struct tpauth_claims *claims, const char *name, const char *value)
{
	const struct jval *v = find(claims, name);

	if (v == NULL || value == NULL)
		return 0;
	if (jval_type(v) == JVAL_ARRAY)
		return has_element(v, value);
	return has_text(v, value);
}

static bool is_text_of(const struct claims_text *t, const char *name)
{
	if (t->name == NULL || name == NULL)
		return t->name == name;
	return strcmp(t->name, name) == 0;
}

/* One that cannot be made spoils the claims: it must not pass for one that is not there. */
static struct claims_text *new_claims_text(const char *name, const struct jval *v,
					   struct tp_err *failure)
{
	TP_CLEANUP(buf_release) struct buf json = BUF_INIT(LIMIT_CLAIMS_TEXT);
	size_t name_len = name != NULL ? strlen(name) + 1 : 0;
	struct claims_text *t = NULL;

	jval_write(v, &json);
	if (json.rc == TP_OK)
		t = malloc(sizeof(*t) + name_len + json.len + 1);
	if (t == NULL) {
		if (failure->rc == TP_OK)
			tp_fail(failure, json.rc == TP_TOO_LARGE ? TP_INVALID : TP_NOMEM,
				json.rc == TP_TOO_LARGE ? "claims too large to be read as JSON"
							: "out of memory");
		return NULL;
	}
	if (name != NULL)
		memcpy(t->bytes, name, name_len);
	memcpy(t->bytes + name_len, buf_cstr(&json), json.len + 1);
	t->name = name != NULL ? t->bytes : NULL;
	t->json = t->bytes + name_len;
	return t;
}

const char *tpauth_claims_get_json(const struct tpauth_claims *claims, const char *name)
{
	struct tpauth_claims *own;
	struct claims_text *t;

	if (claims == NULL || (name != NULL && !jval_has(claims->tree, name)))
		return NULL;
	own = claims->self;
	for (t = own->texts; t != NULL; t = t->next) {
		if (is_text_of(t, name))
			return t->json;
	}
	t = new_claims_text(name, name != NULL ? jval_get(claims->tree, name) : claims->tree,
			    &own->failure);
	if (t == NULL)
		return NULL;
	t->next = own->texts;
	own->texts = t;
	return t->json;
}

/* From the inside ------------------------------------------------------------------------------ */

enum tp_rc claims_read_rc(const struct tpauth_claims *claims, struct tp_err *err)
{
	if (claims == NULL || claims->failure.rc == TP_OK)
		return TP_OK;
	return tp_fail(err, claims->failure.rc, "%s", claims->failure.msg);
}

enum tp_rc claims_rc(const struct tpauth_claims *claims, struct tp_err *err)
{
	enum tp_rc rc = claims_read_rc(claims, err);

	if (claims == NULL)
		return tp_fail(err, TP_INVALID, "there are no claims");
	if (rc != TP_OK)
		return rc;
	if (!jval_is_strict(claims->tree))
		return tp_fail(err, TP_INVALID, "the claims are nested too deep");
	return TP_OK;
}

const struct jval *claims_tree(const struct tpauth_claims *claims)
{
	return claims != NULL ? claims->tree : NULL;
}

enum tp_rc claims_give(struct tpauth_claims *claims, struct jval **ret, struct tp_err *err)
{
	struct jval *empty = NULL;
	enum tp_rc rc = claims_rc(claims, err);

	if (rc != TP_OK)
		return rc;
	if (claims->own == NULL)
		return jval_copy(claims->tree, ret, err);
	empty = jval_new_object();
	if (empty == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	*ret = claims->own;
	claims->own = empty;
	claims->tree = empty;
	forget_texts(claims);
	return TP_OK;
}

/* As jval_each() wants it; arg is the object to be added to. */
static enum tp_rc add_member(void *arg, const char *key, const struct jval *v, struct tp_err *err)
{
	struct jval *copy = NULL;
	enum tp_rc rc = jval_copy(v, &copy, err);

	return rc == TP_OK ? jval_set(arg, key, copy, err) : rc;
}

enum tp_rc claims_merge(const struct jval *claims, const struct jval *extra, struct jval **ret,
			struct tp_err *err)
{
	TP_CLEANUP(jval_cleanup) struct jval *all = NULL;
	enum tp_rc rc = jval_copy(claims, &all, err);

	if (rc == TP_OK && extra != NULL)
		rc = jval_each(extra, add_member, all, err);
	if (rc != TP_OK)
		return rc;
	*ret = all;
	all = NULL;
	return TP_OK;
}
