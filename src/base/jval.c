/* SPDX-License-Identifier: MIT */
/*
 * Owns json-c, of which we use the tree only. Adding members and copying are our own, since json-c
 * 0.16 goes on with a NULL name when memory runs out; so is writing, since its printer leaves
 * copies of claims behind. Reading is jval_parse.c.
 */
#include "base/jval.h"

#include <json-c/json.h>
#include <stdlib.h>

#include "base/limits.h"

#include "base/banned.h"

/* struct jval is json_object under another name, so that its header stays here. */
static struct json_object *raw(const struct jval *v)
{
	union {
		const struct jval *v;
		struct json_object *o;
	} u = { .v = v };

	return u.o;
}

static struct jval *wrap(struct json_object *o)
{
	return (struct jval *)o;
}

static enum tp_rc no_memory(struct tp_err *err)
{
	return tp_fail(err, TP_NOMEM, "out of memory");
}

/* Strings may be passwords or tokens, and json-c frees them as they are. */
static void wipe(struct json_object *o)
{
	union {
		const char *p;
		char *own;
	} text;
	struct json_object_iter it;

	if (json_object_is_type(o, json_type_string)) {
		text.p = json_object_get_string(o);
		explicit_bzero(text.own, (size_t)json_object_get_string_len(o));
	} else if (json_object_is_type(o, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(o); i++)
			wipe(json_object_array_get_idx(o, i));
	} else if (json_object_is_type(o, json_type_object)) {
		json_object_object_foreachC(o, it)
		{
			wipe(it.val);
		}
	}
}

void jval_release(struct jval *v)
{
	wipe(raw(v));
	json_object_put(raw(v));
}

void jval_cleanup(struct jval **v)
{
	jval_release(*v);
	*v = NULL;
}

enum jval_type jval_type(const struct jval *v)
{
	switch (json_object_get_type(raw(v))) {
	case json_type_boolean:
		return JVAL_BOOL;
	case json_type_int:
		return JVAL_INT;
	case json_type_string:
		return JVAL_STR;
	case json_type_array:
		return JVAL_ARRAY;
	case json_type_object:
		return JVAL_OBJECT;
	case json_type_null:
	case json_type_double: /* nothing makes one */
	default:
		return JVAL_NULL;
	}
}

static bool lookup(const struct jval *object, const char *key, struct json_object **ret)
{
	return jval_type(object) == JVAL_OBJECT && json_object_object_get_ex(raw(object), key, ret);
}

const struct jval *jval_get(const struct jval *object, const char *key)
{
	struct json_object *o = NULL;

	return lookup(object, key, &o) ? wrap(o) : NULL;
}

bool jval_has(const struct jval *object, const char *key)
{
	return lookup(object, key, NULL);
}

size_t jval_count(const struct jval *v)
{
	if (jval_type(v) == JVAL_ARRAY)
		return json_object_array_length(raw(v));
	return jval_type(v) == JVAL_OBJECT ? (size_t)json_object_object_length(raw(v)) : 0;
}

const struct jval *jval_at(const struct jval *array, size_t i)
{
	return i < jval_count(array) && jval_type(array) == JVAL_ARRAY
		       ? wrap(json_object_array_get_idx(raw(array), i))
		       : NULL;
}

bool jval_str(const struct jval *v, struct span *ret)
{
	if (jval_type(v) != JVAL_STR)
		return false;
	*ret = (struct span){ json_object_get_string(raw(v)),
			      (size_t)json_object_get_string_len(raw(v)) };
	return true;
}

bool jval_int(const struct jval *v, int64_t *ret)
{
	if (jval_type(v) != JVAL_INT)
		return false;
	*ret = json_object_get_int64(raw(v));
	return true;
}

bool jval_bool(const struct jval *v, bool *ret)
{
	if (jval_type(v) != JVAL_BOOL)
		return false;
	*ret = json_object_get_boolean(raw(v)) != 0;
	return true;
}

enum tp_rc jval_each(const struct jval *object,
		     enum tp_rc (*fn)(void *arg, const char *key, const struct jval *v,
				      struct tp_err *err),
		     void *arg, struct tp_err *err)
{
	struct json_object_iter it;
	enum tp_rc rc = TP_OK;

	if (jval_type(object) != JVAL_OBJECT)
		return rc;
	json_object_object_foreachC(raw(object), it)
	{
		rc = fn(arg, it.key, wrap(it.val), err);
		if (rc != TP_OK)
			break;
	}
	return rc;
}

/* Building ------------------------------------------------------------------------------------- */

struct jval *jval_new_object(void)
{
	return wrap(json_object_new_object());
}

struct jval *jval_new_array(void)
{
	return wrap(json_object_new_array());
}

struct jval *jval_new_str(struct span s)
{
	if (s.len > INT32_MAX)
		return NULL;
	return wrap(json_object_new_string_len(s.p != NULL ? s.p : "", (int)s.len));
}

struct jval *jval_new_int(int64_t n)
{
	return wrap(json_object_new_int64(n));
}

struct jval *jval_new_bool(bool yes)
{
	return wrap(json_object_new_boolean(yes));
}

enum tp_rc jval_set(struct jval *object, const char *key, struct jval *taken, struct tp_err *err)
{
	struct json_object *old;
	char *own;

	if (object != NULL && lookup(object, key, &old)) {
		wipe(old);
		json_object_object_add(raw(object), key,
				       raw(taken)); /* a new value needs no memory */
		return TP_OK;
	}
	own = object != NULL ? span_dup(span_of(key)) : NULL;
	if (own != NULL && lh_table_insert(json_object_get_object(raw(object)), own, taken) == 0)
		return TP_OK; /* the table owns both now */
	free(own);
	jval_release(taken);
	return no_memory(err);
}

static enum tp_rc set_new(struct jval *object, const char *key, struct jval *v, struct tp_err *err)
{
	return v != NULL ? jval_set(object, key, v, err) : no_memory(err);
}

enum tp_rc jval_set_str(struct jval *object, const char *key, struct span s, struct tp_err *err)
{
	return set_new(object, key, jval_new_str(s), err);
}

enum tp_rc jval_set_int(struct jval *object, const char *key, int64_t n, struct tp_err *err)
{
	return set_new(object, key, jval_new_int(n), err);
}

enum tp_rc jval_set_null(struct jval *object, const char *key, struct tp_err *err)
{
	return jval_set(object, key, NULL, err);
}

enum tp_rc jval_add(struct jval *array, struct jval *taken, struct tp_err *err)
{
	if (array != NULL && json_object_array_add(raw(array), raw(taken)) == 0)
		return TP_OK;
	jval_release(taken);
	return no_memory(err);
}

enum tp_rc jval_add_str(struct jval *array, struct span s, struct tp_err *err)
{
	struct jval *v = jval_new_str(s);

	return v != NULL ? jval_add(array, v, err) : no_memory(err);
}

void jval_remove(struct jval *object, const char *key)
{
	struct json_object *old;

	if (!lookup(object, key, &old))
		return;
	wipe(old);
	json_object_object_del(raw(object), key);
}

struct jval *jval_edit(struct jval *object, const char *key)
{
	struct json_object *o = NULL;

	return lookup(object, key, &o) ? wrap(o) : NULL;
}

/* As jval_each() wants it; arg is the object to be filled. */
static enum tp_rc copy_member(void *arg, const char *key, const struct jval *v, struct tp_err *err)
{
	struct jval *copy = NULL;
	enum tp_rc rc = jval_copy(v, &copy, err);

	return rc == TP_OK ? jval_set(arg, key, copy, err) : rc;
}

static enum tp_rc copy_elements(const struct jval *array, struct jval *into, struct tp_err *err)
{
	enum tp_rc rc = TP_OK;

	for (size_t i = 0; rc == TP_OK && i < jval_count(array); i++) {
		struct jval *copy = NULL;

		rc = jval_copy(jval_at(array, i), &copy, err);
		if (rc == TP_OK)
			rc = jval_add(into, copy, err);
	}
	return rc;
}

static struct jval *copy_leaf(const struct jval *v)
{
	struct span s = { NULL, 0 };
	int64_t n = 0;
	bool yes = false;

	if (jval_str(v, &s))
		return jval_new_str(s);
	if (jval_int(v, &n))
		return jval_new_int(n);
	return jval_bool(v, &yes) ? jval_new_bool(yes) : NULL;
}

/* Recursion here and below is as deep as the tree, whose depth jval_parse() bounds. */
enum tp_rc jval_copy(const struct jval *v, struct jval **ret, struct tp_err *err)
{
	TP_CLEANUP(jval_cleanup) struct jval *copy = NULL;
	enum tp_rc rc = TP_OK;

	if (jval_type(v) == JVAL_OBJECT) {
		copy = jval_new_object();
		rc = jval_each(v, copy_member, copy, err);
	} else if (jval_type(v) == JVAL_ARRAY) {
		copy = jval_new_array();
		rc = copy_elements(v, copy, err);
	} else if (v != NULL) {
		copy = copy_leaf(v);
	}
	if (rc != TP_OK)
		return rc;
	if (copy == NULL && v != NULL)
		return no_memory(err);
	*ret = copy;
	copy = NULL;
	return TP_OK;
}

/* Judging -------------------------------------------------------------------------------------- */

static bool is_strict_text(struct span s)
{
	return span_is_utf8(s) && !span_has_byte(s, '\0');
}

static bool is_strict(struct json_object *o, int depth);

static bool has_strict_members(struct json_object *o, int depth)
{
	struct json_object_iter it;

	json_object_object_foreachC(o, it)
	{
		if (!is_strict_text(span_of(it.key)) || !is_strict(it.val, depth))
			return false;
	}
	return depth <= LIMIT_JSON_DEPTH;
}

static bool has_strict_elements(struct json_object *o, int depth)
{
	for (size_t i = 0; i < json_object_array_length(o); i++) {
		if (!is_strict(json_object_array_get_idx(o, i), depth))
			return false;
	}
	return depth <= LIMIT_JSON_DEPTH;
}

/* depth: containers around o. A tree that is too deep is not walked to its end. */
static bool is_strict(struct json_object *o, int depth)
{
	static const int64_t most = INT64_C(1) << 53;
	struct span s = { NULL, 0 };
	int64_t n = 0;

	if (depth > LIMIT_JSON_DEPTH)
		return false;
	if (json_object_is_type(o, json_type_object))
		return has_strict_members(o, depth + 1);
	if (json_object_is_type(o, json_type_array))
		return has_strict_elements(o, depth + 1);
	if (jval_str(wrap(o), &s))
		return is_strict_text(s);
	return !jval_int(wrap(o), &n) || (n >= -most && n <= most);
}

bool jval_is_strict(const struct jval *v)
{
	return is_strict(raw(v), 0);
}

/* Writing -------------------------------------------------------------------------------------- */

static void put_escaped(unsigned char c, struct buf *out)
{
	static const char named[] = "\b\f\n\r\t\"\\";
	static const char letter[] = "bfnrt\"\\";
	const char *at = memchr(named, c, sizeof(named) - 1);
	char four[6] = {
		'\\', 'u', '0', '0', "0123456789abcdef"[c >> 4], "0123456789abcdef"[c & 15]
	};

	if (at == NULL) {
		buf_put(out, four, sizeof(four));
		return;
	}
	buf_char(out, '\\');
	buf_char(out, letter[at - named]);
}

void jval_quote(struct span s, struct buf *out)
{
	size_t from = 0;

	buf_char(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];
		bool c1 = c == 0xc2 && i + 1 < s.len && (s.p[i + 1] & 0xe0) == 0x80;

		if (c >= 0x20 && c != 0x7f && c != '"' && c != '\\' && !c1)
			continue;
		buf_put(out, s.p + from, i - from);
		i += c1; /* the other of its two bytes is its number */
		put_escaped((unsigned char)s.p[i], out);
		from = i + 1;
	}
	if (s.len > from)
		buf_put(out, s.p + from, s.len - from);
	buf_char(out, '"');
}

static void write_object(struct json_object *o, struct buf *out)
{
	struct json_object_iter it;
	bool first = true;

	buf_char(out, '{');
	json_object_object_foreachC(o, it)
	{
		if (!first)
			buf_char(out, ',');
		first = false;
		jval_quote(span_of(it.key), out);
		buf_char(out, ':');
		jval_write(wrap(it.val), out);
	}
	buf_char(out, '}');
}

static void write_array(struct json_object *o, struct buf *out)
{
	buf_char(out, '[');
	for (size_t i = 0; i < json_object_array_length(o); i++) {
		if (i > 0)
			buf_char(out, ',');
		jval_write(wrap(json_object_array_get_idx(o, i)), out);
	}
	buf_char(out, ']');
}

void jval_write(const struct jval *v, struct buf *out)
{
	struct span s = { NULL, 0 };

	switch (jval_type(v)) {
	case JVAL_NULL:
		buf_str(out, "null");
		break;
	case JVAL_BOOL:
		buf_str(out, json_object_get_boolean(raw(v)) != 0 ? "true" : "false");
		break;
	case JVAL_INT:
		buf_int(out, json_object_get_int64(raw(v)));
		break;
	case JVAL_STR:
		jval_str(v, &s);
		jval_quote(s, out);
		break;
	case JVAL_ARRAY:
		write_array(raw(v), out);
		break;
	case JVAL_OBJECT:
		write_object(raw(v), out);
		break;
	}
}
