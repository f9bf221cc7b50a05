/* SPDX-License-Identifier: MIT */
/* json_text: what RFC 8259 calls JSON, and nothing else. */
#include "app/json_text.h"

#include "base/limits.h"
#include "support/check_run.h"

#include "base/banned.h"

static const struct {
	const char *text;
	bool good;
} rows[] = {
	{ "{}", true },
	{ "[]", true },
	{ " \t\r\n[ 1 , 2 ]\n", true },
	{ "\"\"", true },
	{ "0", true },
	{ "-0", true },
	{ "-0.5e-10", true },
	{ "1E+5", true },
	{ "12345678901234567890", true },
	{ "true", true },
	{ "false", true },
	{ "null", true },
	{ "{\"a\":{\"b\":[null,{}]},\"a\":1.5}", true },
	{ "\"\\u00e9\\n\\\"\\\\\\/ \xc3\xa9\"", true },
	{ "", false },
	{ " ", false },
	{ "{", false },
	{ "}", false },
	{ "{}{}", false },
	{ "[1,]", false },
	{ "[,1]", false },
	{ "[1 2]", false },
	{ "{\"a\"}", false },
	{ "{\"a\":}", false },
	{ "{\"a\":1,}", false },
	{ "{a:1}", false },
	{ "{1:1}", false },
	{ "[1}", false },
	{ "01", false },
	{ "-", false },
	{ "+1", false },
	{ "1.", false },
	{ ".5", false },
	{ "1e", false },
	{ "1e+", false },
	{ "0x1", false },
	{ "NaN", false },
	{ "True", false },
	{ "nul", false },
	{ "'a'", false },
	{ "\"", false },
	{ "\"\\", false },
	{ "\"\\\"", false },
	{ "\"\\x\"", false },
	{ "\"\\u12g4\"", false },
	{ "\"\\u12", false },
	{ "\"a\nb\"", false },
	{ "\"\xff\"", false },
	{ "// a\n1", false },
};

START_TEST(a_text_is_json_or_not)
{
	ck_assert(json_text_ok(span_of(rows[_i].text)) == rows[_i].good);
}
END_TEST

START_TEST(a_nul_is_not_json)
{
	ck_assert(!json_text_ok(SPAN_LIT("1\0")));
	ck_assert(!json_text_ok(SPAN_LIT("\"\0\"")));
	ck_assert(!json_text_ok(SPAN_LIT("\"\\\0\"")));
	ck_assert(!json_text_ok(SPAN_LIT("[\0]")));
}
END_TEST

START_TEST(depth_has_a_limit)
{
	char text[2 * LIMIT_JSON_TEXT + 2];
	size_t n = LIMIT_JSON_TEXT;

	memset(text, '[', n);
	memset(text + n, ']', n);
	ck_assert(json_text_ok((struct span){ text, 2 * n }));
	memset(text, '[', n + 1);
	memset(text + n + 1, ']', n + 1);
	ck_assert(!json_text_ok((struct span){ text, 2 * n + 2 }));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("json_text");
	TCase *t = tcase_create("all");

	tcase_add_loop_test(t, a_text_is_json_or_not, 0, TP_COUNT(rows));
	tcase_add_test(t, a_nul_is_not_json);
	tcase_add_test(t, depth_has_a_limit);
	suite_add_tcase(s, t);
	return check_run(s);
}
