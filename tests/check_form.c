/* SPDX-License-Identifier: MIT */
/*
 * Forms of both types: what is read, and that everything else is refused with a reason that names
 * no value.
 */
#include "http/form.h"

#include "support/check_run.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

#define URLENCODED "application/x-www-form-urlencoded"
#define MULTIPART  "multipart/form-data; boundary=b"
/* The longest boundary there may be. */
#define SEVENTY "1234567890123456789012345678901234567890123456789012345678901234567890"
#define FIELD(name, value) \
	"--b\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n"

/* fields: "name=value" lines joined by '|', in order. */
static void ck_fields(const struct form *f, const char *fields)
{
	char got[1024] = "";
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++)
		n += (size_t)snprintf(got + n, sizeof(got) - n, "%s%.*s=%.*s", i > 0 ? "|" : "",
				      (int)f->field[i].name.len, f->field[i].name.p,
				      (int)f->field[i].value.len, f->field[i].value.p);
	ck_assert_str_eq(got, fields);
}

static const struct {
	const char *type, *body, *fields;
} good[] = {
	{ URLENCODED, "", "" },
	{ URLENCODED, "username=a&password=b", "username=a|password=b" },
	{ URLENCODED, "a=1+2&b=%2B%26%3d&c=", "a=1 2|b=+&=|c=" },
	{ URLENCODED, "a&b=x=y", "a=|b=x=y" },
	{ URLENCODED, "&a=1&&b=2&", "a=1|b=2" },
	{ URLENCODED, "p%61ss=w%C3%B6rd&raw=w\xc3\xb6rd", "pass=w\xc3\xb6rd|raw=w\xc3\xb6rd" },
	{ "Application/X-WWW-Form-URLEncoded", "a=1", "a=1" },
	{ URLENCODED "; charset=UTF-8", "a=1", "a=1" },
	{ URLENCODED ";charset=\"utf-8\"", "a=1", "a=1" },
	{ URLENCODED " ; foo=bar ;", "a=1", "a=1" },

	{ MULTIPART, "--b--", "" },
	{ MULTIPART, "--b--\r\n", "" },
	{ MULTIPART, FIELD("username", "a") FIELD("password", "b") "--b--\r\n",
	  "username=a|password=b" },
	{ MULTIPART, FIELD("a", "") "--b--", "a=" },
	{ MULTIPART, FIELD("a", "1\r\n2") "--b--\r\n", "a=1\r\n2" },
	{ MULTIPART, FIELD("a", "--b") "--b--\r\n", "a=--b" },
	{ MULTIPART, FIELD("a", "\r\n-b") "--b--\r\n", "a=\r\n-b" },
	{ MULTIPART, FIELD("a", "1+%20&=") "--b--\r\n", "a=1+%20&=" },
	{ MULTIPART, FIELD("a;=b c", "1") "--b--\r\n", "a;=b c=1" },
	{ MULTIPART,
	  "--b\r\nCONTENT-DISPOSITION:Form-Data;NAME=a\r\ncontent-type: Text/Plain; "
	  "charset=UTF-8\r\nContent-Transfer-Encoding: 8bit\r\nX-Other: y\r\n\r\n1\r\n--b--",
	  "a=1" },
	{ "multipart/form-data; charset=utf-8; boundary=\"b 'x'?:\"",
	  "--b 'x'?:\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b 'x'?:--\r\n",
	  "a=1" },
	{ "Multipart/Form-Data; Boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW",
	  "------WebKitFormBoundary7MA4YWxkTrZu0gW\r\n"
	  "Content-Disposition: form-data; name=\"username\"\r\n\r\nann\r\n"
	  "------WebKitFormBoundary7MA4YWxkTrZu0gW--\r\n",
	  "username=ann" },
};

START_TEST(reads_the_fields_of_a_form)
{
	TP_CLEANUP(form_release) struct form f = { 0 };
	struct tp_err err;

	ck_assert_int_eq(form_parse(span_of(good[_i].type), span_of(good[_i].body), &f, &err),
			 TP_OK);
	ck_fields(&f, good[_i].fields);
}
END_TEST

static const struct {
	const char *type, *body, *msg;
} bad[] = {
	{ URLENCODED, "a=%4", "a broken %-sequence in the form" },
	{ URLENCODED, "a=%zz", "a broken %-sequence in the form" },
	{ URLENCODED, "%=1", "a broken %-sequence in the form" },
	{ URLENCODED, "=1", "a form field without a name" },
	{ URLENCODED, "=", "a form field without a name" },
	{ URLENCODED, "username=a&username=b", "the field username is given twice" },
	{ URLENCODED, "username=a&user%6eame=a", "the field username is given twice" },
	{ URLENCODED, "a=x%00y", "a NUL in the field a" },
	{ URLENCODED, "a%00b=x", "a NUL in the field ?" },
	{ URLENCODED, "a=%ff", "the field a is not UTF-8" },
	{ URLENCODED, "\xff=1", "the field ? is not UTF-8" },
	{ URLENCODED, "a=%ed%a0%80", "the field a is not UTF-8" },

	{ MULTIPART, "", "the form does not begin with its boundary" },
	{ MULTIPART, "--", "the form does not begin with its boundary" },
	{ MULTIPART, "--c--", "the form does not begin with its boundary" },
	{ MULTIPART, "\r\n--b--", "the form does not begin with its boundary" },
	{ MULTIPART, "preamble\r\n--b--", "the form does not begin with its boundary" },
	{ MULTIPART, "--b", "the form does not end with its boundary" },
	{ MULTIPART, "--bb--", "the form does not end with its boundary" },
	{ MULTIPART, "--b --", "the form does not end with its boundary" },
	{ MULTIPART, "--b--x", "the form does not end with its boundary" },
	{ MULTIPART, "--b--\r\n\r\n", "the form does not end with its boundary" },
	{ MULTIPART, "--b\nContent-Disposition: form-data; name=\"a\"\n\n1\n--b--",
	  "the form does not end with its boundary" },
	{ MULTIPART, FIELD("a", "1") "--bb--", "the form does not end with its boundary" },
	{ MULTIPART, FIELD("a", "1"), "a part of the form has no end" },
	{ MULTIPART, "--b\r\n", "a part of the form has no end" },
	{ MULTIPART, "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1",
	  "a part of the form has no end" },
	{ MULTIPART, "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n1\r\n--b--",
	  "a broken header in a part of the form" },
	{ MULTIPART, "--b\r\nContent-Disposition: form-data;\r\n name=\"a\"\r\n\r\n1\r\n--b--",
	  "a part of the form is not a plain field" },
	{ MULTIPART, "--b\r\nContent-Disposition: form-data; name=\"a\rb\"\r\n\r\n1\r\n--b--",
	  "a broken header in a part of the form" },
	{ MULTIPART, "--b\r\nContent-Disposition : form-data; name=\"a\"\r\n\r\n1\r\n--b--",
	  "a part of the form is not plain text in UTF-8" },
	{ MULTIPART, "--b\r\n\r\n1\r\n--b--", "a part of the form has no name" },
	{ MULTIPART, "--b\r\nContent-Disposition: form-data\r\n\r\n1\r\n--b--",
	  "a part of the form is not a plain field" },
	{ MULTIPART, "--b\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\n1\r\n--b--",
	  "a part of the form is not a plain field" },
	{ MULTIPART,
	  "--b\r\nContent-Disposition: form-data; name=\"a\"; filename=\"x\"\r\n\r\n1\r\n--b--",
	  "a part of the form is not a plain field" },
	{ MULTIPART,
	  "--b\r\nContent-Disposition: form-data; name=\"a\"; FileName*=utf-8''x\r\n\r\n1\r\n--b--",
	  "a part of the form is not a plain field" },
	{ MULTIPART,
	  "--b\r\nContent-Disposition: form-data; name=\"a\"; x; filename=y\r\n\r\n1\r\n--b--",
	  "a part of the form is not a plain field" },
	{ MULTIPART,
	  "--b\r\nContent-Disposition: form-data; name=\"a\"; name=\"b\"\r\n\r\n1\r\n--b--",
	  "a part of the form is not a plain field" },
	{ MULTIPART, "--b\r\nContent-Disposition: form-data; name=\"a\\;b\"\r\n\r\n1\r\n--b--",
	  "a part of the form is not a plain field" },
	{ MULTIPART, "--b\r\nContent-Disposition: form-data; name=\"a\\\"b\"\r\n\r\n1\r\n--b--",
	  "a part of the form is not a plain field" },
	{ MULTIPART, "--b\r\nContent-Disposition: form-data; name=\"a\"x\r\n\r\n1\r\n--b--",
	  "a part of the form is not a plain field" },
	{ MULTIPART, "--b\r\nContent-Disposition: form-data; name=\"a\r\n\r\n1\r\n--b--",
	  "a part of the form is not a plain field" },
	{ MULTIPART, "--b\r\nContent-Disposition: form-data; name=\r\n\r\n1\r\n--b--",
	  "a part of the form is not a plain field" },
	{ MULTIPART, "--b\r\nContent-Disposition: form-data; name=\"\"\r\n\r\n1\r\n--b--",
	  "a form field without a name" },
	{ MULTIPART,
	  "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n"
	  "Content-Disposition: form-data; name=\"b\"\r\n\r\n1\r\n--b--",
	  "a part of the form is not a plain field" },
	{ MULTIPART,
	  "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n"
	  "Content-Type: text/plain; charset=iso-8859-1\r\n\r\n1\r\n--b--",
	  "a part of the form is not plain text in UTF-8" },
	{ MULTIPART,
	  "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n"
	  "Content-Type: text/plain; boundary=c\r\n\r\n--c--\r\n--b--",
	  "a part of the form is not plain text in UTF-8" },
	{ MULTIPART,
	  "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n"
	  "Content-Type: multipart/mixed; boundary=c\r\n\r\n--c--\r\n--b--",
	  "a part of the form is not plain text in UTF-8" },
	{ MULTIPART,
	  "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n"
	  "Content-Transfer-Encoding: base64\r\n\r\nYQ==\r\n--b--",
	  "a part of the form is not plain text in UTF-8" },
	{ MULTIPART, FIELD("a", "1") FIELD("b", "2") FIELD("a", "1") "--b--\r\n",
	  "the field a is given twice" },
	{ MULTIPART, FIELD("a", "\xff") "--b--\r\n", "the field a is not UTF-8" },
	{ MULTIPART, FIELD("\xc3\xa9", "1") FIELD("\xc3\xa9", "1") "--b--\r\n",
	  "the field ? is given twice" },
};

START_TEST(refuses_a_malformed_form_and_says_what_is_wrong)
{
	struct form f = { .n = 7 };
	struct tp_err err;

	ck_assert_int_eq(form_parse(span_of(bad[_i].type), span_of(bad[_i].body), &f, &err),
			 TP_INVALID);
	ck_assert_str_eq(err.msg, bad[_i].msg);
	ck_assert_uint_eq(f.n, 7);
}
END_TEST

START_TEST(refuses_a_raw_nul_in_both_types)
{
	struct form f;
	struct tp_err err;

	ck_assert_int_eq(form_parse(span_of(URLENCODED), SPAN_LIT("a=x\0y"), &f, &err), TP_INVALID);
	ck_assert_str_eq(err.msg, "a NUL in the field a");
	ck_assert_int_eq(
		form_parse(span_of(MULTIPART), SPAN_LIT(FIELD("a", "x\0y") "--b--"), &f, &err),
		TP_INVALID);
	ck_assert_str_eq(err.msg, "a NUL in the field a");
}
END_TEST

static const char *const other_types[] = {
	"",
	"application/json",
	"text/plain",
	"application/x-www-form-urlencoded2",
	"application/x-www-form-urlencoded, text/plain",
	"multipart/mixed; boundary=b",
	URLENCODED "; charset=iso-8859-1",
	URLENCODED "; charset=utf-8; charset=iso-8859-1",
	URLENCODED "; charset",
	URLENCODED "; charset=",
	URLENCODED "; charset=\"utf-8",
	URLENCODED "; charset=\"utf-8\" x",
	"multipart/form-data",
	"multipart/form-data; boundary=",
	"multipart/form-data; boundary=\"\"",
	"multipart/form-data; boundary=\"b \"",
	"multipart/form-data; boundary=\"b\\b\"",
	"multipart/form-data; boundary=b;boundary=c",
	"multipart/form-data; boundary=b*",
	"multipart/form-data; boundary=b; charset=utf-16",
	"multipart/form-data; x; boundary=b",
	"multipart/form-data; boundary=" SEVENTY "1",
};

START_TEST(refuses_every_other_content_type)
{
	struct form f;
	struct tp_err err;

	ck_assert_msg(form_parse(span_of(other_types[_i]), SPAN_LIT("a=1"), &f, &err) ==
			      TP_BAD_MEDIA,
		      "%s", other_types[_i]);
}
END_TEST

START_TEST(takes_a_boundary_of_70_characters)
{
	TP_CLEANUP(form_release) struct form f = { 0 };
	struct tp_err err;

	ck_assert_int_eq(form_parse(SPAN_LIT("multipart/form-data; boundary=" SEVENTY),
				    SPAN_LIT("--" SEVENTY "\r\nContent-Disposition: form-data; "
					     "name=a\r\n\r\n1\r\n--" SEVENTY "--"),
				    &f, &err),
			 TP_OK);
	ck_fields(&f, "a=1");
}
END_TEST

START_TEST(an_absent_content_type_is_none_of_the_two)
{
	struct form f;
	struct tp_err err;

	ck_assert_int_eq(form_parse((struct span){ NULL, 0 }, SPAN_LIT("a=1"), &f, &err),
			 TP_BAD_MEDIA);
}
END_TEST

/* "f0=x&f1=x&..." with n fields, the first with a value of `value` bytes. */
static void make_fields(struct buf *out, int n, size_t value)
{
	for (int i = 0; i < n; i++) {
		buf_printf(out, "%sf%d=", i > 0 ? "&" : "", i);
		for (size_t k = 0; k < (i == 0 ? value : 1); k++)
			buf_char(out, 'x');
	}
}

START_TEST(holds_to_its_limits)
{
	static const struct {
		int n;
		size_t value;
		const char *msg; /* NULL: good */
	} rows[] = {
		{ LIMIT_FORM_FIELDS, 1, NULL },
		{ LIMIT_FORM_FIELDS + 1, 1, "more than 32 form fields" },
		{ 1, LIMIT_FORM_VALUE, NULL },
		{ 1, LIMIT_FORM_VALUE + 1, "a form field of more than 4096 bytes" },
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		TP_CLEANUP(buf_release) struct buf body = BUF_INIT(65536);
		TP_CLEANUP(form_release) struct form f = { 0 };
		struct tp_err err;

		make_fields(&body, rows[i].n, rows[i].value);
		ck_assert_int_eq(form_parse(span_of(URLENCODED), buf_view(&body), &f, &err),
				 rows[i].msg == NULL ? TP_OK : TP_INVALID);
		if (rows[i].msg != NULL)
			ck_assert_str_eq(err.msg, rows[i].msg);
		else
			ck_assert_uint_eq(f.field[0].value.len, rows[i].value);
	}
}
END_TEST

START_TEST(a_long_field_name_is_not_shown)
{
	TP_CLEANUP(buf_release) struct buf body = BUF_INIT(65536);
	struct form f;
	struct tp_err err;

	for (int i = 0; i < 41; i++)
		buf_char(&body, 'n');
	buf_str(&body, "=%ff");
	ck_assert_int_eq(form_parse(span_of(URLENCODED), buf_view(&body), &f, &err), TP_INVALID);
	ck_assert_str_eq(err.msg, "the field ? is not UTF-8");
}
END_TEST

START_TEST(finds_a_field_by_its_exact_name)
{
	TP_CLEANUP(form_release) struct form f = { 0 };
	struct tp_err err;

	ck_assert_int_eq(form_parse_query(SPAN_LIT("a=1&ab=2&empty="), &f, &err), TP_OK);
	ck_assert(span_is(form_get(&f, "a"), "1"));
	ck_assert(span_is(form_get(&f, "ab"), "2"));
	ck_assert_ptr_nonnull(form_get(&f, "empty").p);
	ck_assert_uint_eq(form_get(&f, "empty").len, 0);
	ck_assert_ptr_null(form_get(&f, "A").p);
	ck_assert_ptr_null(form_get(&f, "").p);
}
END_TEST

START_TEST(an_absent_query_has_no_fields)
{
	TP_CLEANUP(form_release) struct form f = { 0 };
	struct tp_err err;

	ck_assert_int_eq(form_parse_query((struct span){ NULL, 0 }, &f, &err), TP_OK);
	ck_assert_uint_eq(f.n, 0);
}
END_TEST

START_TEST(release_takes_null_and_empty)
{
	struct form f = { 0 };

	form_release(NULL);
	form_release(&f);
	form_release(&f);
	ck_assert_uint_eq(f.n, 0);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("form");
	TCase *t = tcase_create("form");

	tcase_add_loop_test(t, reads_the_fields_of_a_form, 0, (int)TP_COUNT(good));
	tcase_add_loop_test(t, refuses_a_malformed_form_and_says_what_is_wrong, 0,
			    (int)TP_COUNT(bad));
	tcase_add_test(t, refuses_a_raw_nul_in_both_types);
	tcase_add_loop_test(t, refuses_every_other_content_type, 0, (int)TP_COUNT(other_types));
	tcase_add_test(t, takes_a_boundary_of_70_characters);
	tcase_add_test(t, an_absent_content_type_is_none_of_the_two);
	tcase_add_test(t, holds_to_its_limits);
	tcase_add_test(t, a_long_field_name_is_not_shown);
	tcase_add_test(t, finds_a_field_by_its_exact_name);
	tcase_add_test(t, an_absent_query_has_no_fields);
	tcase_add_test(t, release_takes_null_and_empty);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(suite());
}
