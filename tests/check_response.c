/* SPDX-License-Identifier: MIT */
/*
 * Answers as bytes: whole ones, and those that could not be built.
 */
#include "http/response.h"

#include "support/alloc_fail.h"
#include "support/check_run.h"

#include "base/banned.h"

static void put(void *arg, const char *p, size_t n)
{
	buf_put(arg, p, n);
}

static void ck_sent(const struct http_resp *r, const char *want)
{
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(1 << 16);

	response_send(r, put, &out);
	ck_assert_str_eq(buf_cstr(&out), want);
}

START_TEST(sends_status_headers_id_length_and_body)
{
	TP_CLEANUP(response_release) struct http_resp r;

	response_init(&r);
	response_json(&r, 200);
	response_header(&r, "X-One", SPAN_LIT("1, \"2\""));
	buf_str(&r.body, "{\"a\":1}");
	memcpy(r.request_id, "req-1", 6);
	ck_sent(&r, "Status: 200 OK\r\nContent-Type: application/json\r\nX-One: 1, \"2\"\r\n"
		    "X-Request-ID: req-1\r\nContent-Length: 7\r\n\r\n{\"a\":1}");
}
END_TEST

START_TEST(an_answer_to_head_tells_the_length_and_sends_no_body)
{
	TP_CLEANUP(response_release) struct http_resp r;

	response_init(&r);
	response_json(&r, 200);
	buf_str(&r.body, "{\"a\":1}");
	r.no_body = true;
	ck_sent(&r,
		"Status: 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n");
}
END_TEST

START_TEST(a_204_has_no_length_and_no_body)
{
	TP_CLEANUP(response_release) struct http_resp r;

	response_init(&r);
	r.status = 204;
	buf_str(&r.body, "not sent");
	ck_sent(&r, "Status: 204 No Content\r\n\r\n");
}
END_TEST

START_TEST(a_bare_answer_is_its_status_and_its_own_headers)
{
	TP_CLEANUP(response_release) struct http_resp r;

	response_init(&r);
	r.status = 200;
	r.bare = true;
	memcpy(r.request_id, "req-1", 6);
	ck_sent(&r, "Status: 200 OK\r\n\r\n");
	response_header(&r, "Variable-A", SPAN_LIT("b"));
	ck_sent(&r, "Status: 200 OK\r\nVariable-A: b\r\n\r\n");
	response_clear(&r);
	ck_assert(!r.bare);
}
END_TEST

START_TEST(an_empty_body_has_length_0)
{
	TP_CLEANUP(response_release) struct http_resp r;

	response_init(&r);
	r.status = 418;
	ck_sent(&r, "Status: 418 Unknown\r\nContent-Length: 0\r\n\r\n");
}
END_TEST

static const struct span split[] = {
	{ "a\r\nSet-Cookie: x=y", 18 },
	{ "a\nb", 3 },
	{ "a\rb", 3 },
	{ "\0", 1 },
	{ "a\tb", 3 },
	{ "a\x7f", 2 },
};

START_TEST(a_value_with_a_control_character_fails_the_whole_answer)
{
	TP_CLEANUP(response_release) struct http_resp r;
	struct tp_err err;

	response_init(&r);
	response_json(&r, 200);
	ck_assert_int_eq(response_rc(&r, &err), TP_OK);
	response_header(&r, "X-One", split[_i]);
	ck_assert_int_eq(response_rc(&r, &err), TP_INTERNAL);
	ck_assert_str_eq(buf_cstr(&r.headers), "Content-Type: application/json\r\n");
}
END_TEST

START_TEST(an_answer_over_its_limits_is_an_internal_error)
{
	TP_CLEANUP(response_release) struct http_resp r;
	struct tp_err err;

	response_init(&r);
	response_json(&r, 200);
	for (int i = 0; i < LIMIT_RESP_HEADERS / 16; i++)
		response_header(&r, "X-Header", SPAN_LIT("some value"));
	ck_assert_int_eq(response_rc(&r, &err), TP_INTERNAL);
	response_clear(&r);
	ck_assert_int_eq(response_rc(&r, &err), TP_OK);
	for (int i = 0; i <= LIMIT_RESP_BODY; i++)
		buf_char(&r.body, 'x');
	ck_assert_int_eq(response_rc(&r, &err), TP_INTERNAL);
}
END_TEST

START_TEST(an_answer_without_memory_is_replaced_without_memory)
{
	TP_CLEANUP(response_release) struct http_resp r;
	char sent[1024] = "";
	struct tp_err err;
	struct buf out = { sent, 0, sizeof(sent), sizeof(sent) - 1, TP_OK };

	response_init(&r);
	memcpy(r.request_id, "req-1", 6);
	alloc_fail_at(1);
	response_json(&r, 200);
	ck_assert(alloc_fail_off());
	response_header(&r, "Set-Cookie", SPAN_LIT("access_token=secret"));
	ck_assert_int_eq(response_rc(&r, &err), TP_NOMEM);

	alloc_fail_at(1);
	response_replace(&r, TP_NOMEM);
	response_send(&r, put, &out);
	ck_assert(!alloc_fail_off());
	ck_assert_str_eq(sent, "Status: 503 Service Unavailable\r\n"
			       "Content-Type: application/json\r\n"
			       "Cache-Control: no-store\r\n"
			       "Vary: Origin\r\n"
			       "Retry-After: 5\r\n"
			       "X-Request-ID: req-1\r\n"
			       "Content-Length: 146\r\n"
			       "\r\n"
			       "{\"error\":\"temporarily_unavailable\","
			       "\"error_description\":\"The service is temporarily unavailable\","
			       "\"detail\":\"The service is temporarily unavailable\"}");
}
END_TEST

START_TEST(a_replaced_answer_keeps_nothing_of_the_first_one)
{
	TP_CLEANUP(response_release) struct http_resp r;

	response_init(&r);
	response_json(&r, 200);
	response_header(&r, "Set-Cookie", SPAN_LIT("access_token=secret"));
	buf_str(&r.body, "{\"token\":\"secret\"}");
	response_replace(&r, TP_INTERNAL);
	ck_assert_int_eq(r.status, 500);
	ck_sent(&r, "Status: 500 Internal Server Error\r\n"
		    "Content-Type: application/json\r\n"
		    "Cache-Control: no-store\r\n"
		    "Vary: Origin\r\n"
		    "Content-Length: 101\r\n"
		    "\r\n"
		    "{\"error\":\"server_error\",\"error_description\":\"Internal Server Error\","
		    "\"detail\":\"Internal Server Error\"}");
}
END_TEST

START_TEST(reset_forgets_everything_and_keeps_the_storage)
{
	TP_CLEANUP(response_release) struct http_resp r;
	struct tp_err err;
	const char *storage;

	response_init(&r);
	response_json(&r, 200);
	response_header(&r, "X", SPAN_LIT("\n"));
	buf_str(&r.body, "secret");
	storage = r.body.p;
	r.no_body = true;
	memcpy(r.request_id, "req-1", 6);
	response_event(&r, LOG_LEVEL_ERR, "login.ok", SPAN_LIT("ann"), SPAN_LIT("handle"));
	response_replace(&r, TP_INTERNAL);
	response_reset(&r);
	ck_assert_int_eq(response_rc(&r, &err), TP_OK);
	ck_assert_ptr_null(r.event.word);
	ck_assert_str_eq(r.event.session, "");
	ck_assert_uint_eq(r.event.user.len, 0);
	ck_assert_ptr_eq(r.body.p, storage);
	ck_assert_int_eq(storage[0], '\0');
	ck_sent(&r, "Status: 0 Unknown\r\nContent-Length: 0\r\n\r\n");
}
END_TEST

START_TEST(storage_of_a_large_body_is_not_kept)
{
	TP_CLEANUP(response_release) struct http_resp r;

	response_init(&r);
	for (int i = 0; i < 1048576; i++)
		buf_char(&r.body, 'x');
	response_reset(&r);
	ck_assert_uint_eq(r.body.alloc, 0);
	buf_char(&r.body, 'x');
	ck_assert_int_eq(response_rc(&r, NULL), TP_OK);
}
END_TEST

START_TEST(a_header_is_found_by_its_name_in_any_case)
{
	TP_CLEANUP(response_release) struct http_resp r;

	response_init(&r);
	ck_assert(!response_has_header(&r, "Vary"));
	response_header(&r, "X-Vary", SPAN_LIT("Vary: Origin"));
	ck_assert(!response_has_header(&r, "Vary"));
	response_header(&r, "vary", SPAN_LIT("Origin"));
	ck_assert(response_has_header(&r, "Vary"));
	ck_assert(response_has_header(&r, "x-vary"));
}
END_TEST

START_TEST(an_event_names_the_user_and_the_handles_fingerprint)
{
	TP_CLEANUP(response_release) struct http_resp r;
	char name[LIMIT_USER_ID + 2], want[SECRET_FP_LEN + 1];

	response_init(&r);
	response_event(&r, LOG_LEVEL_ERR, "login.ok", SPAN_LIT("ann"), SPAN_LIT("handle"));
	secret_fingerprint(SPAN_LIT("handle"), want);
	ck_assert_str_eq(r.event.word, "login.ok");
	ck_assert_int_eq(r.event.level, LOG_LEVEL_ERR);
	ck_assert_str_eq(buf_cstr(&r.event.user), "ann");
	ck_assert_str_eq(r.event.session, want);

	memset(name, 'u', sizeof(name));
	response_event(&r, LOG_LEVEL_ERR, "login.refused", (struct span){ name, sizeof(name) },
		       (struct span){ NULL, 0 });
	ck_assert_uint_eq(r.event.user.len, LIMIT_USER_ID);
	ck_assert_str_eq(r.event.session, "");
}
END_TEST

static const struct {
	const char *oauth, *detail, *body;
} errors[] = {
	{ "invalid_grant", "Wrong",
	  "{\"error\":\"invalid_grant\",\"error_description\":\"Wrong\","
	  "\"detail\":\"Wrong\"}" },
	{ NULL, "Not authenticated", "{\"detail\":\"Not authenticated\"}" },
	{ "e", "a\"b\\c\nd\xc3\xa9 e",
	  "{\"error\":\"e\",\"error_description\":\"a?b?c?d?? e\",\"detail\":\"a?b?c?d?? e\"}" },
	{ "e", "", "{\"error\":\"e\",\"error_description\":\"\",\"detail\":\"\"}" },
};

START_TEST(an_error_body_is_json_whatever_the_message)
{
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(1024);

	response_error_body(errors[_i].oauth, errors[_i].detail, &out);
	ck_assert_str_eq(buf_cstr(&out), errors[_i].body);
}
END_TEST

START_TEST(every_status_of_the_table_has_a_reason)
{
	for (int rc = TP_OK; rc <= TP_INTERNAL; rc++)
		ck_assert_str_ne(response_reason(rc_info((enum tp_rc)rc)->http), "Unknown");
	ck_assert_str_eq(response_reason(204), "No Content");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("response");
	TCase *t = tcase_create("response");

	tcase_add_test(t, sends_status_headers_id_length_and_body);
	tcase_add_test(t, an_answer_to_head_tells_the_length_and_sends_no_body);
	tcase_add_test(t, a_204_has_no_length_and_no_body);
	tcase_add_test(t, a_bare_answer_is_its_status_and_its_own_headers);
	tcase_add_test(t, an_empty_body_has_length_0);
	tcase_add_loop_test(t, a_value_with_a_control_character_fails_the_whole_answer, 0,
			    (int)TP_COUNT(split));
	tcase_add_test(t, an_answer_over_its_limits_is_an_internal_error);
	tcase_add_test(t, an_answer_without_memory_is_replaced_without_memory);
	tcase_add_test(t, a_replaced_answer_keeps_nothing_of_the_first_one);
	tcase_add_test(t, reset_forgets_everything_and_keeps_the_storage);
	tcase_add_test(t, storage_of_a_large_body_is_not_kept);
	tcase_add_test(t, a_header_is_found_by_its_name_in_any_case);
	tcase_add_test(t, an_event_names_the_user_and_the_handles_fingerprint);
	tcase_add_loop_test(t, an_error_body_is_json_whatever_the_message, 0,
			    (int)TP_COUNT(errors));
	tcase_add_test(t, every_status_of_the_table_has_a_reason);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(suite());
}
