/* SPDX-License-Identifier: MIT */
/*
 * Owns the meaning of the option types: a table with one row for each says how its text is read,
 * what frees its field and how it is described. Where a text came from is config.c's, what values
 * mean together is config_check.c's.
 */
#include "config/config_value.h"

#include "base/jval.h"
#include "base/limits.h"
#include "base/secret.h"
#include "config/config.h"
#include "config/config_form.h"

#include <stdlib.h>
#include <strings.h>

#include "base/banned.h"

enum { SHOWN = 24, LIST_MOST = 256, UNITS_MOST = 5 };

struct unit {
	const char *suffix;
	int64_t factor;
};

/* Numbers with a unit: bare and field say how many of the smallest unit a number without one, and
 * one in the field, stand for. */
struct scale {
	const char *name; /* of the bare number's unit */
	int64_t bare, field;
	const char *suffixes; /* those worth mentioning */
	struct unit units[UNITS_MOST];
};

struct kind {
	/* TP_INVALID with an empty message: the value itself tells what is wrong. */
	enum tp_rc (*set)(const struct option *o, struct span text, void *slot, struct tp_err *err);
	void (*release)(void *slot); /* NULL: nothing to free */
	void (*takes)(const struct option *o, struct buf *out);
	const char *word; /* what --help calls the value */
	const char *text; /* what it takes, where that does not depend on the option */
	bool (*form)(struct span s);
	const struct scale *scale;
};

static const struct kind kinds[OPTION_TYPES];

/* text ------------------------------------------------------------------------------------------*/

static enum tp_rc no_memory(struct tp_err *err)
{
	return tp_fail(err, TP_NOMEM, "out of memory");
}

static enum tp_rc plain_text(struct span text, struct tp_err *err)
{
	if (!span_is_utf8(text))
		return tp_fail(err, TP_INVALID, "got something that is not UTF-8");
	if (span_has_control(text))
		return tp_fail(err, TP_INVALID, "got a control character");
	return TP_OK;
}

/* The number of the choice, or -1. */
static int choice_of(const struct option *o, struct span text)
{
	for (int i = 0;; i++) {
		struct span one = option_choice(o, i);

		if (one.p == NULL)
			return -1;
		if (one.len == text.len && strncasecmp(one.p, text.p, one.len) == 0)
			return i;
	}
}

static enum tp_rc set_str(const struct option *o, struct span text, void *slot, struct tp_err *err)
{
	bool (*form)(struct span s) = kinds[o->type].form;
	enum tp_rc rc = plain_text(text, err);
	char **field = slot;
	char *copy;

	if (rc != TP_OK)
		return rc;
	if (text.len > 0 && form != NULL && !form(text))
		return TP_INVALID;
	if (o->choices != NULL) {
		int i = choice_of(o, text);

		if (i < 0)
			return TP_INVALID;
		text = option_choice(o, i); /* as the table writes it */
	}
	copy = span_dup(text);
	if (copy == NULL)
		return no_memory(err);
	free(*field);
	*field = copy;
	return TP_OK;
}

static void release_str(void *slot)
{
	char **field = slot;

	free(*field);
	*field = NULL;
}

static enum tp_rc set_secret(const struct option *o, struct span text, void *slot,
			     struct tp_err *err)
{
	(void)o;
	if (text.len > LIMIT_PEM)
		return tp_fail(err, TP_INVALID, "its value has more than %d bytes", LIMIT_PEM);
	return secret_set(slot, text, err);
}

static void release_secret(void *slot)
{
	secret_release(slot);
}

static void takes_choices(const struct option *o, struct buf *out)
{
	for (int i = 0;; i++) {
		struct span one = option_choice(o, i);

		if (one.p == NULL)
			return;
		if (i > 0)
			buf_str(out, option_choice(o, i + 1).p != NULL ? ", " : " or ");
		buf_span(out, one);
	}
}

static void takes_text(const struct option *o, struct buf *out)
{
	if (o->choices != NULL) {
		takes_choices(o, out);
		return;
	}
	buf_str(out, kinds[o->type].text);
	if (o->type == OPTION_TYPE_ROUTE && o->flags & OPTION_F_EMPTY)
		buf_str(out, ", or nothing");
}

static void takes_secret(const struct option *o, struct buf *out)
{
	buf_printf(out, "a text; %s_FILE takes the path of a file that holds it", o->name);
}

/* numbers ---------------------------------------------------------------------------------------*/

static enum tp_rc set_bool(const struct option *o, struct span text, void *slot, struct tp_err *err)
{
	static const char *const words[] = { "false", "true", "no", "yes", "off", "on", "0", "1" };
	bool *field = slot;

	(void)o;
	(void)err;
	for (size_t i = 0; i < TP_COUNT(words); i++) {
		if (span_is_nocase(text, words[i])) {
			*field = i % 2 == 1;
			return TP_OK;
		}
	}
	return TP_INVALID;
}

static enum tp_rc set_enum(const struct option *o, struct span text, void *slot, struct tp_err *err)
{
	int *field = slot;
	int i = choice_of(o, text);

	(void)err;
	if (i < 0)
		return TP_INVALID;
	*field = i;
	return TP_OK;
}

/* n within the option's bounds, to its field. */
static enum tp_rc bounded(const struct option *o, int64_t n, void *slot)
{
	int64_t *field = slot;

	if (n < o->low || n > o->high)
		return TP_INVALID;
	*field = n;
	return TP_OK;
}

static enum tp_rc set_int(const struct option *o, struct span text, void *slot, struct tp_err *err)
{
	(void)err;
	return span_int(text, o->low, o->high, slot) ? TP_OK : TP_INVALID;
}

static enum tp_rc set_octal(const struct option *o, struct span text, void *slot,
			    struct tp_err *err)
{
	int64_t n = 0;

	(void)err;
	if (text.len < 3 || text.len > 4)
		return TP_INVALID;
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] < '0' || text.p[i] > '7')
			return TP_INVALID;
		n = n * 8 + (text.p[i] - '0');
	}
	return bounded(o, n, slot);
}

/* The factor of a suffix; 0: there is no such unit. */
static int64_t factor_of(const struct scale *scale, struct span suffix)
{
	if (suffix.len == 0)
		return scale->bare;
	for (size_t i = 0; i < UNITS_MOST && scale->units[i].suffix != NULL; i++) {
		if (span_is(suffix, scale->units[i].suffix))
			return scale->units[i].factor;
	}
	return 0;
}

static enum tp_rc set_scaled(const struct option *o, struct span text, void *slot,
			     struct tp_err *err)
{
	static const int64_t most = 10000000000; /* times a day in ms: far below 2^63 */
	const struct scale *scale = kinds[o->type].scale;
	struct span number = { text.p, 0 };
	int64_t n, factor;

	(void)err;
	while (number.len < text.len && text.p[number.len] >= '0' && text.p[number.len] <= '9')
		number.len++;
	factor = factor_of(scale, (struct span){ text.p + number.len, text.len - number.len });
	if (factor == 0 || !span_int(number, 0, most, &n) || n * factor % scale->field != 0)
		return TP_INVALID;
	return bounded(o, n * factor / scale->field, slot);
}

static void takes_range(const struct option *o, struct buf *out)
{
	buf_printf(out, "a number from %lld to %lld", (long long)o->low, (long long)o->high);
}

/* In the largest unit that leaves no rest. */
static void put_amount(struct buf *out, int64_t n, const struct scale *scale)
{
	const struct unit *best = &scale->units[0];

	for (size_t i = 0; i < UNITS_MOST && scale->units[i].suffix != NULL; i++) {
		if (n != 0 && n % scale->units[i].factor == 0)
			best = &scale->units[i];
	}
	buf_int(out, n / best->factor);
	if (n != 0)
		buf_str(out, best->suffix);
}

static void takes_scaled(const struct option *o, struct buf *out)
{
	const struct scale *scale = kinds[o->type].scale;

	put_amount(out, o->low * scale->field, scale);
	buf_str(out, " to ");
	put_amount(out, o->high * scale->field, scale);
	buf_printf(out, ", in %s or with a unit (%s)", scale->name, scale->suffixes);
}

/* lists and maps --------------------------------------------------------------------------------*/

struct items {
	size_t n;
	struct span v[LIST_MOST];
};

static enum tp_rc add_item(struct items *items, struct span item, struct tp_err *err)
{
	if (items->n == LIST_MOST)
		return tp_fail(err, TP_INVALID, "got more than %d items", LIST_MOST);
	if (item.len == 0)
		return tp_fail(err, TP_INVALID, "got an empty item");
	items->v[items->n++] = item;
	return plain_text(item, err);
}

static enum tp_rc add_array(struct items *items, const struct jval *array, struct tp_err *err)
{
	if (jval_type(array) != JVAL_ARRAY)
		return TP_INVALID;
	for (size_t i = 0; i < jval_count(array); i++) {
		struct span item;
		enum tp_rc rc;

		if (!jval_str(jval_at(array, i), &item))
			return tp_fail(err, TP_INVALID, "got an item that is not a string");
		rc = add_item(items, item, err);
		if (rc != TP_OK)
			return rc;
	}
	return TP_OK;
}

static enum tp_rc add_parts(struct items *items, struct span text, struct tp_err *err)
{
	if (span_trim(text).len == 0)
		return TP_OK;
	while (text.p != NULL) {
		enum tp_rc rc = add_item(items, span_trim(span_cut(&text, ',')), err);

		if (rc != TP_OK)
			return rc;
	}
	return TP_OK;
}

/* Pointers and text in one block. */
static enum tp_rc keep_items(const struct items *items, struct config_list *field,
			     struct tp_err *err)
{
	size_t bytes = (items->n + 1) * sizeof(field->v[0]);
	const char **v;
	char *at;

	for (size_t i = 0; i < items->n; i++)
		bytes += items->v[i].len + 1;
	v = malloc(bytes);
	if (v == NULL)
		return no_memory(err);
	at = (char *)(v + items->n + 1);
	for (size_t i = 0; i < items->n; i++) {
		memcpy(at, items->v[i].p, items->v[i].len);
		at[items->v[i].len] = '\0';
		v[i] = at;
		at += items->v[i].len + 1;
	}
	v[items->n] = NULL;
	free(field->v);
	*field = (struct config_list){ v, items->n };
	return TP_OK;
}

static enum tp_rc set_list(const struct option *o, struct span text, void *slot, struct tp_err *err)
{
	TP_CLEANUP(jval_cleanup) struct jval *array = NULL;
	struct items items;
	enum tp_rc rc;

	(void)o;
	items.n = 0;
	if (span_starts(text, "[")) {
		rc = jval_parse(text, &array, err);
		if (rc == TP_OK)
			rc = add_array(&items, array, err);
	} else {
		rc = add_parts(&items, text, err);
	}
	return rc == TP_OK ? keep_items(&items, slot, err) : rc;
}

static void release_list(void *slot)
{
	struct config_list *field = slot;

	free(field->v);
	*field = (struct config_list){ NULL, 0 };
}

static enum tp_rc must_be_text(void *arg, const char *key, const struct jval *v, struct tp_err *err)
{
	struct span s;

	(void)arg;
	(void)key;
	return jval_str(v, &s) ? TP_OK
			       : tp_fail(err, TP_INVALID, "got a member that is not a string");
}

static enum tp_rc set_map(const struct option *o, struct span text, void *slot, struct tp_err *err)
{
	TP_CLEANUP(jval_cleanup) struct jval *object = NULL;
	struct jval **field = slot;
	enum tp_rc rc = jval_parse(text, &object, err);

	(void)o;
	if (rc != TP_OK)
		return rc;
	if (jval_type(object) != JVAL_OBJECT)
		return TP_INVALID;
	rc = jval_each(object, must_be_text, NULL, err);
	if (rc != TP_OK)
		return rc;
	jval_release(*field);
	*field = object;
	object = NULL;
	return TP_OK;
}

static void release_map(void *slot)
{
	struct jval **field = slot;

	jval_release(*field);
	*field = NULL;
}

/* the table -------------------------------------------------------------------------------------*/

/* clang-format off */
#define TIME_UNITS { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 } }

static const struct scale minutes = { "minutes", 60000, 1000, "s, m, h, d", TIME_UNITS };
static const struct scale seconds = { "seconds", 1000, 1, "ms, s, m", TIME_UNITS };
static const struct scale millis = { "milliseconds", 1, 1, "ms, s, m", TIME_UNITS };
static const struct scale bytes = { "bytes", 1, 1, "k, m", { { "", 1 }, { "k", 1024 }, { "m", 1048576 } } };

#define A_LIST "a list: separated by commas, or a JSON array of strings"

static const struct kind kinds[OPTION_TYPES] = {
	[OPTION_TYPE_STR]     = { set_str, release_str, takes_text, "TEXT", "a text", NULL, NULL },
	[OPTION_TYPE_PATH]    = { set_str, release_str, takes_text, "FILE", "an absolute path", config_form_is_path, NULL },
	[OPTION_TYPE_ROUTE]   = { set_str, release_str, takes_text, "PATH", "a path that begins with /", config_form_is_route, NULL },
	[OPTION_TYPE_ADDRESS] = { set_str, release_str, takes_text, "ADDRESS", "HOST:PORT or unix:/PATH", config_form_is_address, NULL },
	[OPTION_TYPE_SECRET]  = { set_secret, release_secret, takes_secret, "TEXT", NULL, NULL, NULL },
	[OPTION_TYPE_BOOL]    = { set_bool, NULL, takes_text, "BOOL", "true or false", NULL, NULL },
	[OPTION_TYPE_INT]     = { set_int, NULL, takes_range, "N", NULL, NULL, NULL },
	[OPTION_TYPE_SIZE]    = { set_scaled, NULL, takes_scaled, "BYTES", NULL, NULL, &bytes },
	[OPTION_TYPE_OCTAL]   = { set_octal, NULL, takes_text, "MODE", "an octal mode such as 0660", NULL, NULL },
	[OPTION_TYPE_MINUTES] = { set_scaled, NULL, takes_scaled, "MINUTES", NULL, NULL, &minutes },
	[OPTION_TYPE_SECONDS] = { set_scaled, NULL, takes_scaled, "SECONDS", NULL, NULL, &seconds },
	[OPTION_TYPE_MILLIS]  = { set_scaled, NULL, takes_scaled, "MS", NULL, NULL, &millis },
	[OPTION_TYPE_LIST]    = { set_list, release_list, takes_text, "LIST", A_LIST, NULL, NULL },
	[OPTION_TYPE_ENUM]    = { set_enum, NULL, takes_choices, NULL, NULL, NULL, NULL },
	[OPTION_TYPE_MAP]     = { set_map, release_map, takes_text, "JSON", "a JSON object of strings", NULL, NULL },
};
/* clang-format on */

void config_value_takes(const struct option *o, struct buf *out)
{
	kinds[o->type].takes(o, out);
}

const char *config_value_word(const struct option *o)
{
	if (o->arg != NULL)
		return o->arg;
	return o->choices != NULL ? o->choices : kinds[o->type].word;
}

const char *config_value_unit(const struct option *o)
{
	return kinds[o->type].scale != NULL ? kinds[o->type].scale->name : NULL;
}

void config_value_release(const struct option *o, void *slot)
{
	if (kinds[o->type].release != NULL)
		kinds[o->type].release(slot);
}

/* setting ---------------------------------------------------------------------------------------*/

void config_value_show(struct span text, struct buf *out)
{
	size_t n = text.len < SHOWN ? text.len : SHOWN;

	/* Not through the middle of a character. */
	while (n > 0 && n < text.len && ((unsigned char)text.p[n] & 0xc0) == 0x80)
		n--;
	for (size_t i = 0; i < n; i++) {
		bool odd = span_has_control((struct span){ text.p + i, 1 });

		buf_put(out, odd ? "?" : text.p + i, 1);
	}
	buf_str(out, n < text.len ? "..." : "");
}

/* why: what was found; empty: the value shows it. */
static enum tp_rc refuse(const struct option *o, struct span text, const char *why,
			 struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf got = BUF_INIT(LIMIT_LOG_LINE);
	TP_CLEANUP(buf_release) struct buf takes = BUF_INIT(LIMIT_LOG_LINE);

	if (why[0] != '\0') {
		buf_str(&got, why);
	} else if (o->type == OPTION_TYPE_SECRET) {
		buf_str(&got, "its value is not acceptable");
	} else {
		buf_str(&got, "got \"");
		config_value_show(text, &got);
		buf_char(&got, '"');
	}
	config_value_takes(o, &takes);
	return tp_fail(err, TP_INVALID, "%s: %s, takes %s", o->name, buf_cstr(&got),
		       buf_cstr(&takes));
}

enum tp_rc config_value_set(const struct option *o, struct span text, void *slot,
			    struct tp_err *err)
{
	struct tp_err why = { .msg = "" };
	enum tp_rc rc;

	if (text.len == 0 && o->def == NULL) {
		config_value_release(o, slot);
		return TP_OK;
	}
	if (text.len == 0 && !(o->flags & OPTION_F_EMPTY))
		return refuse(o, text, "got nothing", err);
	rc = kinds[o->type].set(o, text, slot, &why);
	if (rc == TP_INVALID)
		return refuse(o, text, why.msg, err);
	if (rc != TP_OK)
		return tp_fail(err, rc, "%s: %s", o->name, why.msg);
	return TP_OK;
}
