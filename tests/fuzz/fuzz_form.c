/* SPDX-License-Identifier: MIT */
/*
 * Forms: the first line of the input is the content type, the rest the body. What was read keeps
 * every promise of the header, and as a urlencoded form reads the same again.
 */
#include "http/form.h"

#include <assert.h>

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void put_percent(struct buf *out, struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		buf_printf(out, "%%%02x", (unsigned)(unsigned char)s.p[i]);
}

static void check_fields(const struct form *f)
{
	assert(f->n <= LIMIT_FORM_FIELDS);
	for (size_t i = 0; i < f->n; i++) {
		const struct form_field *x = &f->field[i];

		assert(x->name.len > 0 && x->name.len <= LIMIT_FORM_VALUE);
		assert(x->value.p != NULL && x->value.len <= LIMIT_FORM_VALUE);
		assert(!span_has_byte(x->name, '\0') && !span_has_byte(x->value, '\0'));
		assert(span_is_utf8(x->name) && span_is_utf8(x->value));
		for (size_t k = 0; k < i; k++)
			assert(!span_eq(x->name, f->field[k].name));
	}
}

static void check_again(const struct form *f)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(8 * LIMIT_BODY);
	TP_CLEANUP(form_release) struct form again = { 0 };
	struct tp_err err;
	enum tp_rc rc;

	for (size_t i = 0; i < f->n; i++) {
		put_percent(&text, f->field[i].name);
		buf_char(&text, '=');
		put_percent(&text, f->field[i].value);
		buf_char(&text, '&');
	}
	rc = form_parse(SPAN_LIT("application/x-www-form-urlencoded"), buf_view(&text), &again,
			&err);
	assert(rc == TP_OK && again.n == f->n);
	for (size_t i = 0; i < f->n; i++) {
		assert(span_eq(f->field[i].name, again.field[i].name));
		assert(span_eq(f->field[i].value, again.field[i].value));
	}
}

static void check(enum tp_rc rc, const struct form *f, const struct tp_err *err)
{
	assert(rc == TP_OK || rc == TP_INVALID || rc == TP_BAD_MEDIA);
	if (rc == TP_OK) {
		check_fields(f);
		check_again(f);
	} else {
		assert(f->n == 0 && err->rc == rc && err->msg[0] != '\0');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	TP_CLEANUP(form_release) struct form f = { 0 };
	TP_CLEANUP(form_release) struct form query = { 0 };
	struct span body = { (const char *)p, n };
	struct span type = span_cut(&body, '\n');
	struct tp_err err = { .rc = TP_OK };
	enum tp_rc rc = form_parse(type, body, &f, &err);

	check(rc, &f, &err);
	err.rc = TP_OK;
	rc = form_parse_query((struct span){ (const char *)p, n }, &query, &err);
	check(rc, &query, &err);
	return 0;
}
