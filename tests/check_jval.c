/* SPDX-License-Identifier: MIT */
/*
 * Strict JSON: what is taken and how it is written again, what is refused and where.
 * Strings of escapes: a backslash is doubled, since C takes one away.
 */
#include "base/jval.h"
#include "base/limits.h"
#include "support/alloc_fail.h"
#include "support/check_run.h"
#include "support/json_pointer.h"

#include <stdlib.h>

#include "base/banned.h"

static struct jval *parse_span(struct span text)
{
	struct jval *v = NULL;
	struct tp_err err = { .msg = "" };
	enum tp_rc rc = jval_parse(text, &v, &err);

	ck_assert_msg(rc == TP_OK, "%.*s: %s", (int)text.len, text.p, err.msg);
	return v;
}

static void writes(const struct jval *v, const char *want)
{
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(4096);

	jval_write(v, &out);
	ck_assert_int_eq(out.rc, TP_OK);
	ck_assert_str_eq(buf_cstr(&out), want);
}

static void refuses(struct span text, const char *want)
{
	struct jval *const mark = (struct jval *)&(char){ 0 };
	struct jval *v = mark;
	struct tp_err err = { .msg = "" };

	ck_assert_msg(jval_parse(text, &v, &err) == TP_INVALID, "%.*s", (int)text.len, text.p);
	ck_assert_int_eq(err.rc, TP_INVALID);
	ck_assert_str_eq(err.msg, want);
	ck_assert_ptr_eq(v, mark);
}

/* Parsing -------------------------------------------------------------------------------------- */

static const struct {
	const char *text, *written; /* NULL: as it stands */
} good[] = {
	{ "null", NULL },
	{ "true", NULL },
	{ "false", NULL },
	{ "0", NULL },
	{ "7", NULL },
	{ "-7", NULL },
	{ "1800000000", NULL },
	{ "9007199254740992", NULL },
	{ "-9007199254740992", NULL },
	{ "\"\"", NULL },
	{ "\"a\"", NULL },
	{ "{}", NULL },
	{ "[]", NULL },
	{ "[1,\"a\",null,true,false,[],{}]", NULL },
	{ "[1]", NULL },
	{ "[[[]],[]]", NULL },
	{ "{\"a\":1,\"b\":{\"a\":[{\"a\":null}]},\"c\":\"\"}", NULL },
	{ "{\"b\":1,\"a\":2}", NULL }, /* members keep their order */
	{ "{\"\":0}", NULL },
	{ "{\"a\":{\"x\":1},\"b\":{\"x\":1}}", NULL }, /* the same name in two objects */
	{ "{\"a\":1,\"A\":2}", NULL },
	{ "{\"a:b\":\":\",\"c\":\"\\\":\"}", NULL }, /* colons that make no member */
	{ "\"caf\xc3\xa9 \xf0\x9f\x92\xa9\"", NULL },
	{ "\"\x7f\"", "\"\\u007f\"" },
	{ "\"\\\"\\\\\\b\\f\\n\\r\\t\"", NULL },
	{ "\"\\u0001\\u001f\"", NULL },
	{ " \t\r\n{ \"a\" : [ 1 , 2 ] , \"b\" : { } }\n ", "{\"a\":[1,2],\"b\":{}}" },
	{ " 1 ", "1" },
	{ " \"a\"\t", "\"a\"" },
	{ "null ", "null" },
	{ "\"\\/\"", "\"/\"" },
	{ "\"\\u0041\\u00e9\\u20AC\"", "\"A\xc3\xa9\xe2\x82\xac\"" },
	{ "\"\\ud83d\\udca9\"", "\"\xf0\x9f\x92\xa9\"" },
	{ "\"\\uD800\\uDC00\\uDBFF\\uDFFF\"", "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"" },
	{ "\"\\ufffe\\uffff\"", "\"\xef\xbf\xbe\xef\xbf\xbf\"" },
	{ "{\"\\u0061\":\"\\u0022\"}", "{\"a\":\"\\\"\"}" },
	{ "\"\\\\u0000\"", NULL }, /* a backslash and u0000, no NUL */
	{ "{\"\\u0022:\":1}", "{\"\\\":\":1}" },
};

START_TEST(takes_json_and_writes_it_compactly)
{
	TP_CLEANUP(jval_cleanup) struct jval *v = json_of(good[_i].text);
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(4096);

	writes(v, good[_i].written != NULL ? good[_i].written : good[_i].text);

	/* What was written reads as the same. */
	jval_write(v, &out);
	TP_CLEANUP(jval_cleanup) struct jval *again = json_of(buf_cstr(&out));
	writes(again, buf_cstr(&out));
}
END_TEST

#define NUMBER "JSON: a number that is no integer within 2^53 at byte "

/* clang-format off */
static const struct {
	const char *text, *msg;
} bad[] = {
	{ "", "JSON: no value at byte 0" },
	{ " \n", "JSON: no value at byte 2" },
	{ "nul", "JSON: not a value at byte 0" },
	{ "Null", "JSON: not a value at byte 0" },
	{ "nullx", "JSON: something after the value at byte 4" },
	{ "True", "JSON: not a value at byte 0" },
	{ "tru", "JSON: not a value at byte 0" },
	{ "falsy", "JSON: not a value at byte 0" },
	{ "NaN", "JSON: not a value at byte 0" },
	{ "Infinity", "JSON: not a value at byte 0" },
	{ "-Infinity", NUMBER "0" },
	{ "undefined", "JSON: not a value at byte 0" },
	{ "'a'", "JSON: not a value at byte 0" },
	{ "{'a':1}", "JSON: a member without a name at byte 1" },
	{ "{a:1}", "JSON: a member without a name at byte 1" },
	{ "/**/1", "JSON: not a value at byte 0" },
	{ "1 // one", "JSON: something after the value at byte 2" },
	{ "\xef\xbb\xbf{}", "JSON: not a value at byte 0" },
	{ "\xc2\xa0{}", "JSON: not a value at byte 0" },
	{ "\f{}", "JSON: not a value at byte 0" },

	{ "-", NUMBER "0" },
	{ "-0", NUMBER "0" },
	{ "00", NUMBER "0" },
	{ "01", NUMBER "0" },
	{ "-01", NUMBER "0" },
	{ "+1", "JSON: not a value at byte 0" },
	{ ".5", "JSON: not a value at byte 0" },
	{ "1.", NUMBER "0" },
	{ "1.0", NUMBER "0" },
	{ "1e1", NUMBER "0" },
	{ "1E+1", NUMBER "0" },
	{ "1-1", NUMBER "0" },
	{ "--1", NUMBER "0" },
	{ "0x10", "JSON: something after the value at byte 1" },
	{ "1,", "JSON: something after the value at byte 1" },
	{ "9007199254740993", NUMBER "0" },
	{ "-9007199254740993", NUMBER "0" },
	{ "9223372036854775808", NUMBER "0" },
	{ "18446744073709551617", NUMBER "0" },
	{ "[1, 99999999999999999999999999999999999999999]", NUMBER "4" },

	{ "[", "JSON: no value at byte 1" },
	{ "[1", "JSON: neither ',' nor an end at byte 2" },
	{ "[1,", "JSON: no value at byte 3" },
	{ "[1,]", "JSON: not a value at byte 3" },
	{ "[,1]", "JSON: not a value at byte 1" },
	{ "[1 2]", "JSON: neither ',' nor an end at byte 3" },
	{ "[1}", "JSON: neither ',' nor an end at byte 2" },
	{ "]", "JSON: not a value at byte 0" },
	{ "[]]", "JSON: something after the value at byte 2" },
	{ "{", "JSON: a member without a name at byte 1" },
	{ "{\"a\"", "JSON: a member without a value at byte 4" },
	{ "{\"a\":", "JSON: no value at byte 5" },
	{ "{\"a\":}", "JSON: not a value at byte 5" },
	{ "{\"a\" 1}", "JSON: a member without a value at byte 5" },
	{ "{\"a\":1", "JSON: neither ',' nor an end at byte 6" },
	{ "{\"a\":1,}", "JSON: a member without a name at byte 7" },
	{ "{,}", "JSON: a member without a name at byte 1" },
	{ "{\"a\":1 \"b\":2}", "JSON: neither ',' nor an end at byte 7" },
	{ "{1:2}", "JSON: a member without a name at byte 1" },
	{ "{null:2}", "JSON: a member without a name at byte 1" },
	{ "{\"a\":1]", "JSON: neither ',' nor an end at byte 6" },
	{ "{}{}", "JSON: something after the value at byte 2" },
	{ "{} x", "JSON: something after the value at byte 3" },

	{ "\"", "JSON: a string without its end at byte 1" },
	{ "\"a", "JSON: a string without its end at byte 2" },
	{ "\"\\", "JSON: a broken escape at byte 2" },
	{ "\"\\\"", "JSON: a string without its end at byte 3" },
	{ "\"\\x41\"", "JSON: a broken escape at byte 2" },
	{ "\"\\'\"", "JSON: a broken escape at byte 2" },
	{ "\"\\0\"", "JSON: a broken escape at byte 2" },
	{ "\"\\U0041\"", "JSON: a broken escape at byte 2" },
	{ "\"a\nb\"", "JSON: a control character in a string at byte 2" },
	{ "\"a\tb\"", "JSON: a control character in a string at byte 2" },
	{ "\"\x1f\"", "JSON: a control character in a string at byte 1" },
	{ "\"\\u\"", "JSON: a broken escape at byte 3" },
	{ "\"\\u004\"", "JSON: a broken escape at byte 3" },
	{ "\"\\u004g\"", "JSON: a broken escape at byte 3" },
	{ "\"\\u 041\"", "JSON: a broken escape at byte 3" },
	{ "\"\\u+041\"", "JSON: a broken escape at byte 3" },
	{ "\"a\\u0000\"", "JSON: a NUL at byte 4" },
	{ "{\"\\u0000\":1}", "JSON: a NUL at byte 4" },
	{ "\"\\ud800\"", "JSON: a lone surrogate at byte 3" },
	{ "\"\\udc00\"", "JSON: a lone surrogate at byte 3" },
	{ "\"\\udfff\"", "JSON: a lone surrogate at byte 3" },
	{ "\"\\ud800x\"", "JSON: a lone surrogate at byte 3" },
	{ "\"\\ud800\\n\"", "JSON: a lone surrogate at byte 3" },
	{ "\"\\ud800\\u0041\"", "JSON: a lone surrogate at byte 3" },
	{ "\"\\udbff\\udbff\"", "JSON: a lone surrogate at byte 3" },
	{ "\"\\ud800\\u", "JSON: a lone surrogate at byte 3" },
	{ "\"\\ud83d\\udca", "JSON: a lone surrogate at byte 3" },
	{ "\"\\udca9\\ud83d\"", "JSON: a lone surrogate at byte 3" },

	{ "\"\xff\"", "JSON: not UTF-8" },
	{ "\"\xc0\x80\"", "JSON: not UTF-8" },
	{ "\"\xed\xa0\x80\"", "JSON: not UTF-8" },
	{ "\"\xc3", "JSON: not UTF-8" },
	{ "{\"\x80\":1}", "JSON: not UTF-8" },

	{ "{\"a\":1,\"a\":1}", "JSON: a member twice at byte 10" },
	{ "{\"a\":1,\"b\":2,\"a\":3}", "JSON: a member twice at byte 16" },
	{ "{\"a\":null,\"a\":null}", "JSON: a member twice at byte 13" },
	{ "{\"\":1,\"\":2}", "JSON: a member twice at byte 8" },
	{ "{\"alg\":1,\"\\u0061lg\":2}", "JSON: a member twice at byte 19" },
	{ "{\"\\u00e9\":1,\"\xc3\xa9\":2}", "JSON: a member twice at byte 16" },
	{ "{\"\\ud83d\\udca9\":1,\"\xf0\x9f\x92\xa9\":2}", "JSON: a member twice at byte 24" },
	{ "{\"\\n\":1,\"\\u000a\":2}", "JSON: a member twice at byte 16" },
	{ "{\"x\":{\"a\":1,\"a\":{\"b\":2,\"c\":3}}}", "JSON: a member twice at byte 15" },
	{ "{\"a\":{\"b\":1},\"a\":2}", "JSON: a member twice at byte 16" },
	{ "[1,[{\"a\":1},{\"a\":1,\"a\":1}]]", "JSON: a member twice at byte 22" },
};
/* clang-format on */

START_TEST(refuses_and_says_where)
{
	refuses(span_of(bad[_i].text), bad[_i].msg);
}
END_TEST

START_TEST(refuses_a_nul_wherever_it_stands)
{
	refuses(SPAN_LIT("\0"), "JSON: not a value at byte 0");
	refuses(SPAN_LIT("1\0"), "JSON: something after the value at byte 1");
	refuses(SPAN_LIT("{}\0"), "JSON: something after the value at byte 2");
	refuses(SPAN_LIT("{}\0{}"), "JSON: something after the value at byte 2");
	refuses(SPAN_LIT("[\0]"), "JSON: not a value at byte 1");
	refuses(SPAN_LIT("\"a\0\""), "JSON: a control character in a string at byte 2");
	refuses(SPAN_LIT("{\"a\0\":1}"), "JSON: a control character in a string at byte 3");
	refuses(SPAN_LIT("\"\\\0\""), "JSON: a broken escape at byte 2");
	refuses((struct span){ NULL, 0 }, "JSON: no value at byte 0");
}
END_TEST

START_TEST(reads_nothing_beyond_the_span)
{
	TP_CLEANUP(jval_cleanup) struct jval *v = parse_span((struct span){ "123", 2 });

	writes(v, "12");
	refuses((struct span){ "{}", 1 }, "JSON: a member without a name at byte 1");
	refuses((struct span){ "true", 3 }, "JSON: not a value at byte 0");
	refuses((struct span){ "\"\\u0041\"", 5 }, "JSON: a broken escape at byte 3");
}
END_TEST

/* n times open, then inner, then n times close. */
static void nest(struct buf *out, size_t n, const char *open, const char *inner, const char *close)
{
	for (size_t i = 0; i < n; i++)
		buf_str(out, open);
	buf_str(out, inner);
	for (size_t i = 0; i < n; i++)
		buf_str(out, close);
}

START_TEST(takes_the_depth_of_the_limit_and_no_more)
{
	static const char *const kinds[][3] = { { "[", "", "]" },
						{ "[", "1", "]" },
						{ "{\"a\":", "1", "}" },
						{ "{\"a\":", "{}", "}" },
						{ "[{\"a\":[", "\"x\"", "]}]" } };
	static const size_t levels[] = { 1, 1, 1, 1, 3 };

	for (size_t i = 0; i < TP_COUNT(kinds); i++) {
		TP_CLEANUP(buf_release) struct buf text = BUF_INIT(1000);
		size_t own = strcmp(kinds[i][1], "{}") == 0 ? 1 : 0;
		size_t fits = (LIMIT_JSON_DEPTH - own) / levels[i];
		struct jval *v;

		nest(&text, fits, kinds[i][0], kinds[i][1], kinds[i][2]);
		v = json_of(buf_cstr(&text));
		writes(v, buf_cstr(&text));
		jval_release(v);
		buf_reset(&text);
		nest(&text, fits + 1, kinds[i][0], kinds[i][1], kinds[i][2]);
		ck_assert_int_eq(jval_parse(buf_view(&text), &v, NULL), TP_INVALID);
	}
}
END_TEST

START_TEST(refuses_endless_depth_without_using_the_stack)
{
	enum { MANY = 8 << 20 };
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(MANY);
	char *p = buf_room(&text, MANY);

	ck_assert_ptr_nonnull(p);
	memset(p, '[', MANY);
	buf_added(&text, MANY);
	refuses(buf_view(&text), "JSON: too deep at byte 32");
}
END_TEST

/* Reading -------------------------------------------------------------------------------------- */

START_TEST(knows_the_types)
{
	static const struct {
		const char *text;
		enum jval_type want;
	} types[] = { { "null", JVAL_NULL }, { "true", JVAL_BOOL }, { "0", JVAL_INT },
		      { "\"\"", JVAL_STR },  { "[]", JVAL_ARRAY },  { "{}", JVAL_OBJECT } };

	ck_assert_int_eq(jval_type(NULL), JVAL_NULL);
	for (size_t i = 0; i < TP_COUNT(types); i++) {
		TP_CLEANUP(jval_cleanup) struct jval *v = json_of(types[i].text);
		struct span s = { "before", 6 };
		int64_t n = 42;
		bool yes = true;

		ck_assert_int_eq(jval_type(v), types[i].want);
		ck_assert_int_eq(jval_str(v, &s), types[i].want == JVAL_STR);
		ck_assert(span_is(s, types[i].want == JVAL_STR ? "" : "before"));
		ck_assert_int_eq(jval_int(v, &n), types[i].want == JVAL_INT);
		ck_assert_int_eq(n, types[i].want == JVAL_INT ? 0 : 42);
		ck_assert_int_eq(jval_bool(v, &yes), types[i].want == JVAL_BOOL);
		ck_assert(yes);
	}
}
END_TEST

START_TEST(gives_members)
{
	TP_CLEANUP(jval_cleanup)
	struct jval *v =
		json_of("{\"s\":\"text\",\"n\":-5,\"no\":false,\"nil\":null,\"o\":{\"x\":1}}");
	struct span s;
	int64_t n;
	bool yes = true;

	ck_assert_uint_eq(jval_count(v), 5);
	ck_assert(jval_str(jval_get(v, "s"), &s) && span_is(s, "text"));
	ck_assert(jval_int(jval_get(v, "n"), &n) && n == -5);
	ck_assert(jval_bool(jval_get(v, "no"), &yes) && !yes);
	ck_assert(jval_int(jval_get(jval_get(v, "o"), "x"), &n) && n == 1);
	ck_assert_ptr_null(jval_get(v, "nil"));
	ck_assert(jval_has(v, "nil"));
	ck_assert_ptr_null(jval_get(v, "x"));
	ck_assert(!jval_has(v, "x"));
	ck_assert(!jval_has(v, ""));
	ck_assert_ptr_null(jval_at(v, 0));
}
END_TEST

START_TEST(gives_elements)
{
	TP_CLEANUP(jval_cleanup) struct jval *v = json_of("[\"a\",null,3]");
	int64_t n;

	ck_assert_uint_eq(jval_count(v), 3);
	ck_assert_int_eq(jval_type(jval_at(v, 0)), JVAL_STR);
	ck_assert_ptr_null(jval_at(v, 1));
	ck_assert(jval_int(jval_at(v, 2), &n) && n == 3);
	ck_assert_ptr_null(jval_at(v, 3));
	ck_assert_ptr_null(jval_at(v, SIZE_MAX));
	ck_assert_ptr_null(jval_get(v, "0"));
	ck_assert(!jval_has(v, "0"));
}
END_TEST

START_TEST(asks_nothing_of_what_is_no_container)
{
	TP_CLEANUP(jval_cleanup) struct jval *v = json_of("\"text\"");

	ck_assert_uint_eq(jval_count(v), 0);
	ck_assert_uint_eq(jval_count(NULL), 0);
	ck_assert_ptr_null(jval_get(v, "a"));
	ck_assert_ptr_null(jval_get(NULL, "a"));
	ck_assert(!jval_has(NULL, "a"));
	ck_assert_ptr_null(jval_at(v, 0));
	ck_assert_ptr_null(jval_at(NULL, 0));
	jval_release(NULL);
}
END_TEST

static enum tp_rc list(void *arg, const char *key, const struct jval *v, struct tp_err *err)
{
	struct buf *out = arg;

	buf_str(out, key);
	buf_char(out, '=');
	jval_write(v, out);
	buf_char(out, ' ');
	return strcmp(key, "stop") == 0 ? tp_fail(err, TP_FORBIDDEN, "at %s", key) : TP_OK;
}

START_TEST(goes_through_members_in_order)
{
	TP_CLEANUP(jval_cleanup) struct jval *v = json_of("{\"z\":1,\"a\":null,\"m\":[2]}");
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(100);

	ck_assert_int_eq(jval_each(v, list, &out, NULL), TP_OK);
	ck_assert_str_eq(buf_cstr(&out), "z=1 a=null m=[2] ");
	buf_reset(&out);
	ck_assert_int_eq(jval_each(jval_get(v, "m"), list, &out, NULL), TP_OK);
	ck_assert_int_eq(jval_each(NULL, list, &out, NULL), TP_OK);
	ck_assert_str_eq(buf_cstr(&out), "");
}
END_TEST

START_TEST(stops_at_the_first_answer_that_is_not_ok)
{
	TP_CLEANUP(jval_cleanup) struct jval *v = json_of("{\"a\":1,\"stop\":2,\"b\":3}");
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(100);
	struct tp_err err;

	ck_assert_int_eq(jval_each(v, list, &out, &err), TP_FORBIDDEN);
	ck_assert_str_eq(err.msg, "at stop");
	ck_assert_str_eq(buf_cstr(&out), "a=1 stop=2 ");
}
END_TEST

/* Writing -------------------------------------------------------------------------------------- */

START_TEST(quotes_every_byte_that_needs_it)
{
	static const struct {
		struct span s;
		const char *want;
	} rows[] = {
		{ { "", 0 }, "\"\"" },
		{ { NULL, 0 }, "\"\"" },
		{ { "a/b</script>", 12 }, "\"a/b</script>\"" },
		{ { "\"\\", 2 }, "\"\\\"\\\\\"" },
		{ { "\b\f\n\r\t", 5 }, "\"\\b\\f\\n\\r\\t\"" },
		{ { "\0\x01\x0b\x1f\x7f", 5 }, "\"\\u0000\\u0001\\u000b\\u001f\\u007f\"" },
		{ { "\xc2\x80\xc2\x9f\xc2\xa0", 6 }, "\"\\u0080\\u009f\xc2\xa0\"" },
		{ { "\xc2", 1 }, "\"\xc2\"" },
		{ { "a\"b\"c", 5 }, "\"a\\\"b\\\"c\"" },
		{ { "\xc3\xa9\xf0\x9f\x92\xa9", 6 }, "\"\xc3\xa9\xf0\x9f\x92\xa9\"" },
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		TP_CLEANUP(buf_release) struct buf out = BUF_INIT(100);

		jval_quote(rows[i].s, &out);
		ck_assert_str_eq(buf_cstr(&out), rows[i].want);
	}
}
END_TEST

START_TEST(writes_nothing_as_null)
{
	writes(NULL, "null");
}
END_TEST

START_TEST(appends_and_keeps_to_the_cap)
{
	TP_CLEANUP(jval_cleanup) struct jval *v = json_of("{\"a\":[1,2]}");
	TP_CLEANUP(buf_release) struct buf fits = BUF_INIT(13), short_by_one = BUF_INIT(10);

	buf_str(&fits, "v=");
	jval_write(v, &fits);
	ck_assert_str_eq(buf_cstr(&fits), "v={\"a\":[1,2]}");
	ck_assert_int_eq(fits.rc, TP_OK);
	jval_write(v, &short_by_one);
	ck_assert_int_eq(short_by_one.rc, TP_TOO_LARGE);
}
END_TEST

static Suite *jval_suite(void)
{
	Suite *s = suite_create("jval");
	TCase *in = tcase_create("parsing"), *tree = tcase_create("trees");

	tcase_add_loop_test(in, takes_json_and_writes_it_compactly, 0, (int)TP_COUNT(good));
	tcase_add_loop_test(in, refuses_and_says_where, 0, (int)TP_COUNT(bad));
	tcase_add_test(in, refuses_a_nul_wherever_it_stands);
	tcase_add_test(in, reads_nothing_beyond_the_span);
	tcase_add_test(in, takes_the_depth_of_the_limit_and_no_more);
	tcase_add_test(in, refuses_endless_depth_without_using_the_stack);
	suite_add_tcase(s, in);
	tcase_add_test(tree, knows_the_types);
	tcase_add_test(tree, gives_members);
	tcase_add_test(tree, gives_elements);
	tcase_add_test(tree, asks_nothing_of_what_is_no_container);
	tcase_add_test(tree, goes_through_members_in_order);
	tcase_add_test(tree, stops_at_the_first_answer_that_is_not_ok);
	tcase_add_test(tree, quotes_every_byte_that_needs_it);
	tcase_add_test(tree, writes_nothing_as_null);
	tcase_add_test(tree, appends_and_keeps_to_the_cap);
	suite_add_tcase(s, tree);
	return s;
}

int main(void)
{
	return check_run(jval_suite());
}
