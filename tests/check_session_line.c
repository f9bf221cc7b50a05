/* SPDX-License-Identifier: MIT */
/* The lines of a file of sessions: written whole, and read strictly. */
#include "ctl/session_line.h"

#include "support/check_run.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

#define ITEM "{\"user_id\":\"a\",\"handle\":\"b\",\"value\":\"c\",\"expires_at\":1}"

START_TEST(writes_each_kind_of_line)
{
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(SESSION_LINE_MOST);

	session_line_put(&(struct session_line){ .kind = SESSION_LINE_HEAD }, &out);
	session_line_put(&(struct session_line){ .kind = SESSION_LINE_ITEM,
						 .user = SPAN_LIT("J\xc3\xb6rg \"x\""),
						 .handle = SPAN_LIT("h"),
						 .value = SPAN_LIT("{\"token\":\"a\\n\"}"),
						 .expires_at = 1800086400 },
			 &out);
	session_line_put(&(struct session_line){ .kind = SESSION_LINE_END, .sessions = 1 }, &out);
	ck_assert_str_eq(buf_cstr(&out),
			 "{\"format\":\"tpauth-sessions\",\"version\":1}\n"
			 "{\"user_id\":\"J\xc3\xb6rg \\\"x\\\"\",\"handle\":\"h\","
			 "\"value\":\"{\\\"token\\\":\\\"a\\\\n\\\"}\",\"expires_at\":1800086400}\n"
			 "{\"sessions\":1}\n");
}
END_TEST

START_TEST(reads_what_it_writes)
{
	TP_CLEANUP(session_line_release) struct session_line l = { .kind = SESSION_LINE_HEAD };

	ck_assert_int_eq(session_line_get(SPAN_LIT(ITEM), &l, NULL), TP_OK);
	ck_assert_int_eq(l.kind, SESSION_LINE_ITEM);
	ck_assert(span_is(l.user, "a") && span_is(l.handle, "b") && span_is(l.value, "c"));
	ck_assert_int_eq(l.expires_at, 1);
}
END_TEST

static const char *const wrong[] = {
	"",
	"{}",
	"[]",
	"null",
	ITEM ITEM,
	ITEM "\n" ITEM,
	"{\"format\":\"tpauth-sessions\"}",
	"{\"format\":\"tpauth-sessions\",\"version\":2}",
	"{\"format\":\"tpauth-sessions\",\"version\":\"1\"}",
	"{\"format\":\"other\",\"version\":1}",
	"{\"format\":\"tpauth-sessions\",\"version\":1,\"x\":1}",
	"{\"sessions\":-1}",
	"{\"sessions\":1.5}",
	"{\"sessions\":null}",
	"{\"sessions\":1,\"x\":1}",
	"{\"user_id\":\"\",\"handle\":\"b\",\"value\":\"c\",\"expires_at\":1}",
	"{\"user_id\":\"a\",\"handle\":\"\",\"value\":\"c\",\"expires_at\":1}",
	"{\"user_id\":\"a\",\"handle\":\"b\",\"value\":\"\",\"expires_at\":1}",
	"{\"user_id\":\"a\",\"handle\":\"b\",\"value\":\"c\",\"expires_at\":0}",
	"{\"user_id\":\"a\",\"handle\":\"b\",\"value\":\"c\",\"expires_at\":\"1\"}",
	"{\"user_id\":\"a\",\"handle\":\"b\",\"value\":{},\"expires_at\":1}",
	"{\"user_id\":1,\"handle\":\"b\",\"value\":\"c\",\"expires_at\":1}",
	"{\"user_id\":\"a\",\"user_id\":\"a\",\"handle\":\"b\",\"value\":\"c\",\"expires_at\":1}",
	"{\"handle\":\"b\",\"value\":\"c\",\"expires_at\":1}",
	"{\"user_id\":\"a\",\"handle\":\"b\",\"value\":\"c\",\"expires_at\":1,\"x\":1}",
	"{\"user_id\":\"a\\u0000\",\"handle\":\"b\",\"value\":\"c\",\"expires_at\":1}",
};

START_TEST(takes_nothing_else)
{
	struct session_line l = { .kind = SESSION_LINE_HEAD };

	ck_assert_int_eq(session_line_get(span_of(wrong[_i]), &l, NULL), TP_INVALID);
	ck_assert_ptr_null(l.json);
}
END_TEST

START_TEST(takes_names_and_values_of_the_greatest_length_and_no_longer)
{
	static const size_t most[3] = { LIMIT_USER_ID, LIMIT_HANDLE, LIMIT_STORE_VALUE };

	for (size_t over = 0; over <= TP_COUNT(most); over++) {
		TP_CLEANUP(buf_release) struct buf text = BUF_INIT(SESSION_LINE_MOST);
		TP_CLEANUP(session_line_release)
		struct session_line l = { .kind = SESSION_LINE_HEAD };
		static const char *const name[] = { "{\"user_id\":\"", "\",\"handle\":\"",
						    "\",\"value\":\"" };

		for (size_t i = 0; i < TP_COUNT(most); i++) {
			buf_str(&text, name[i]);
			for (size_t n = 0; n < most[i] + (over == i); n++)
				buf_char(&text, 'x');
		}
		buf_str(&text, "\",\"expires_at\":1}");
		ck_assert_int_eq(session_line_get(buf_view(&text), &l, NULL),
				 over == TP_COUNT(most) ? TP_OK : TP_INVALID);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("session_line");
	TCase *t = tcase_create("lines");

	tcase_add_test(t, writes_each_kind_of_line);
	tcase_add_test(t, reads_what_it_writes);
	tcase_add_loop_test(t, takes_nothing_else, 0, (int)TP_COUNT(wrong));
	tcase_add_test(t, takes_names_and_values_of_the_greatest_length_and_no_longer);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(suite());
}
