/* SPDX-License-Identifier: MIT */
/*
 * JSON from strangers. What is taken reads the same after it was written, and means the same to
 * json-c's own parser; and any text can be quoted so that it comes back.
 */
#include "base/jval.h"
#include "base/limits.h"

#include <assert.h>
#include <json-c/json.h>
#include <stdlib.h>

#include "base/banned.h"

enum { MOST = 1 << 20, AS_WE_DO = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE };

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* Writing can make it longer: six bytes for one that had two. */
static void write_it(const struct jval *v, size_t n, struct buf *out)
{
	out->cap = 6 * n + 16;
	jval_write(v, out);
	assert(out->rc == TP_OK);
}

static void reads_as_written(const struct jval *v, size_t n)
{
	TP_CLEANUP(buf_release) struct buf once = BUF_INIT(0), twice = BUF_INIT(0);
	TP_CLEANUP(jval_cleanup) struct jval *again = NULL, *copy = NULL;

	write_it(v, n, &once);
	assert(span_is_utf8(buf_view(&once)) && !span_has_byte(buf_view(&once), '\0'));
	if (jval_parse(buf_view(&once), &again, NULL) != TP_OK ||
	    jval_copy(v, &copy, NULL) != TP_OK)
		abort();
	write_it(again, n, &twice);
	assert(span_eq(buf_view(&once), buf_view(&twice)));
	buf_reset(&twice);
	write_it(copy, n, &twice);
	assert(span_eq(buf_view(&once), buf_view(&twice)));
}

static void comes_back_quoted(struct span text)
{
	TP_CLEANUP(buf_release) struct buf quoted = BUF_INIT(6 * text.len + 2);
	TP_CLEANUP(jval_cleanup) struct jval *v = NULL;
	struct span back = { NULL, 0 };
	enum tp_rc rc;

	jval_quote(text, &quoted);
	assert(quoted.rc == TP_OK);
	rc = jval_parse(buf_view(&quoted), &v, NULL);
	if (!span_is_utf8(text) || span_has_byte(text, '\0')) {
		assert(rc == TP_INVALID);
		return;
	}
	assert(rc == TP_OK && jval_str(v, &back) && span_eq(back, text));
}

/* json-c's own parser is the second opinion on what we take. */
static void means_the_same_to_json_c(const struct jval *v, struct span text)
{
	TP_CLEANUP(buf_release) struct buf ours = BUF_INIT(0);
	struct json_tokener *tok = json_tokener_new_ex(LIMIT_JSON_DEPTH + 1);
	struct json_object *o;

	while (text.len > 0 && strchr(" \t\r\n", text.p[text.len - 1]) != NULL)
		text.len--; /* the strict mode refuses blanks at the end */
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT);
	o = json_tokener_parse_ex(tok, text.p, (int)text.len);
	if (json_tokener_get_error(tok) == json_tokener_continue)
		o = json_tokener_parse_ex(tok, "", 1); /* a number ends where the text does */
	assert(json_tokener_get_error(tok) == json_tokener_success);
	write_it(v, text.len, &ours);
	assert(strcmp(buf_cstr(&ours), json_object_to_json_string_ext(o, AS_WE_DO)) == 0);
	json_object_put(o);
	json_tokener_free(tok);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span text = { (const char *)p, n };
	TP_CLEANUP(jval_cleanup) struct jval *v = NULL;
	struct tp_err err = { .msg = "" };
	enum tp_rc rc;

	if (n > MOST)
		return 0;
	rc = jval_parse(text, &v, &err);
	if (rc == TP_OK) {
		reads_as_written(v, n);
		means_the_same_to_json_c(v, text);
	} else {
		assert(rc == TP_INVALID && v == NULL);
		assert(span_starts(span_of(err.msg), "JSON: "));
	}
	comes_back_quoted(text);
	return 0;
}
