/* SPDX-License-Identifier: MIT */
/*
 * The handler http:// against a server that says what the case wrote down: what it is asked, and
 * what becomes of its answers. The loadable object is where the build leaves it, BUILD_DIR/.libs.
 * TLS is for the end-to-end tests.
 */
#include "auth/authn.h"

#include "base/limits.h"
#include "support/alloc_fail.h"
#include "support/answers.h"
#include "support/check_run.h"
#include "support/web.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

#define HEAD(status) "HTTP/1.1 " status "\r\nConnection: close\r\n"
#define JSON	     "Content-Type: application/json\r\n\r\n"
#define JOE	     "{\"user_id\":\"joe\"}"

enum { LONG_MS = 20000, SHORT_MS = 300 };

static struct authn *handler;
static struct tp_err err;

static const char *module_dir(void)
{
	static char path[4096];
	const char *build = getenv("BUILD_DIR");

	snprintf(path, sizeof(path), "%s/.libs", build ? build : ".");
	return path;
}

static void end(void)
{
	authn_close(handler);
	handler = NULL;
	web_stop();
}

static enum tp_rc open_with(struct authn_spec spec)
{
	authn_close(handler);
	handler = NULL;
	err = (struct tp_err){ 0 };
	if (spec.module_dir == NULL)
		spec.module_dir = module_dir();
	if (spec.limit_ms == 0)
		spec.limit_ms = LONG_MS;
	return authn_open(&spec, &handler, &err);
}

static struct span peer_url(void)
{
	return span_of(web_url("/login?a=b"));
}

/* NULL: takes the question and is silent. */
static void serve(const char *answer)
{
	web_start(&(struct web_spec){ .answer = answer });
}

static void answers(const char *answer)
{
	serve(answer);
	ck_assert_msg(open_with((struct authn_spec){ .handler = peer_url() }) == TP_OK, "%s",
		      err.msg);
}

static enum tp_rc ask(const struct authn_request *r, struct buf *ret_json)
{
	struct jval *claims = NULL;
	enum tp_rc rc;

	err = (struct tp_err){ 0 };
	rc = authn_ask(handler, r, &claims, &err);
	ck_assert_int_eq(rc == TP_OK, claims != NULL);
	if (claims != NULL && ret_json != NULL)
		jval_write(claims, ret_json);
	jval_release(claims);
	return rc;
}

static enum tp_rc log_in(void)
{
	struct authn_request r = { .event = AUTHN_LOGIN };

	r.username = SPAN_LIT("joe");
	r.password = SPAN_LIT("secret");
	return ask(&r, NULL);
}

/* ---- answers ---- */

/* clang-format off */
static const struct {
	const char *answer;
	enum tp_rc rc;
	const char *msg; /* what it begins with */
} cases[] = {
	{ HEAD("200 OK") JSON JOE, TP_OK, "" },
	{ HEAD("200 OK") "content-type: Application/JSON; charset=utf-8\r\n\r\n" JOE "\n", TP_OK, "" },
	{ HEAD("200 OK") "Transfer-Encoding: chunked\r\n" JSON "11\r\n" JOE "\r\n0\r\n\r\n", TP_OK, "" },
	{ "HTTP/1.1 100 Continue\r\n\r\n" HEAD("200 OK") JSON JOE, TP_OK, "" },
	{ HEAD("401 Unauthorized") "\r\n", TP_DENIED, "the token handler said no (status 401)" },
	{ HEAD("403 Forbidden") JSON JOE, TP_DENIED, "the token handler said no (status 403)" },
	{ HEAD("201 Created") JSON JOE, TP_UNAVAILABLE, "the token handler answered with status 201" },
	{ HEAD("204 No Content") "\r\n", TP_UNAVAILABLE, "the token handler answered with status 204" },
	{ HEAD("206 Partial Content") JSON JOE, TP_UNAVAILABLE, "the token handler answered with status 206" },
	{ HEAD("301 Moved") "Location: http://127.0.0.1/\r\n" JSON JOE, TP_UNAVAILABLE,
	  "the token handler answered with status 301; a redirect is not followed" },
	{ HEAD("307 Moved") "Location: /login\r\n\r\n", TP_UNAVAILABLE,
	  "the token handler answered with status 307; a redirect is not followed" },
	{ HEAD("400 Bad Request") JSON JOE, TP_UNAVAILABLE, "the token handler answered with status 400" },
	{ HEAD("404 Not Found") "\r\n", TP_UNAVAILABLE, "the token handler answered with status 404" },
	{ HEAD("407 Proxy") "\r\n", TP_UNAVAILABLE, "the token handler answered with status 407" },
	{ HEAD("500 Oops") JSON JOE, TP_UNAVAILABLE, "the token handler answered with status 500" },
	{ HEAD("503 Busy") "\r\n", TP_UNAVAILABLE, "the token handler answered with status 503" },
	{ HEAD("200 OK") "\r\n" JOE, TP_UNAVAILABLE, "the token handler's answer is not of type application/json" },
	{ HEAD("200 OK") "Content-Type: text/html\r\n\r\n" JOE, TP_UNAVAILABLE,
	  "the token handler's answer is not of type application/json" },
	{ HEAD("200 OK") "Content-Type: text/html\r\n" JSON JOE, TP_UNAVAILABLE,
	  "the token handler's answer is not of type application/json" },
	{ HEAD("200 OK") JSON, TP_UNAVAILABLE, "the token handler's answer: " },
	{ HEAD("200 OK") JSON "hello", TP_UNAVAILABLE, "the token handler's answer: " },
	{ HEAD("200 OK") "Content-Length: 100\r\n" JSON JOE, TP_UNAVAILABLE, "the token handler: " },
	{ HEAD("200 OK") "Content-Length: 8\r\n" JSON JOE, TP_UNAVAILABLE, "the token handler's answer: " },
	{ "", TP_UNAVAILABLE, "the token handler: " },
	{ "hello\r\n\r\n" JOE, TP_UNAVAILABLE, "the token handler: " },
	{ "HTTP/0.9 200 OK\r\n" JSON JOE, TP_UNAVAILABLE, "the token handler: " },
};
/* clang-format on */

START_TEST(an_answer_becomes_what_it_says)
{
	answers(cases[_i].answer);
	ck_assert_msg(log_in() == cases[_i].rc, "%s: %s", cases[_i].answer, err.msg);
	ck_assert_msg(strncmp(err.msg, cases[_i].msg, strlen(cases[_i].msg)) == 0, "%s", err.msg);
	ck_assert(cases[_i].msg[0] != '\0' || err.msg[0] == '\0');
}
END_TEST

/* The body of a 200. */
static enum tp_rc answered(const char *text, struct buf *ret_json)
{
	struct authn_request r = { .event = AUTHN_LOGIN };
	struct buf answer = BUF_INIT(4096);
	enum tp_rc rc;

	r.username = r.password = SPAN_LIT("x");
	buf_str(&answer, HEAD("200 OK") JSON);
	buf_str(&answer, text);
	answers(buf_cstr(&answer));
	rc = ask(&r, ret_json);
	buf_release(&answer);
	return rc;
}

START_TEST(a_wrong_answer_is_trouble_that_says_why)
{
	const struct answer *a = &answers_wrong[_i];

	ck_assert_msg(answered(a->text, NULL) == TP_UNAVAILABLE, "%s", a->text);
	ck_assert_msg(strncmp(err.msg, a->msg, strlen(a->msg)) == 0, "%s: %s", a->text, err.msg);
}
END_TEST

START_TEST(a_good_answer_is_the_claims)
{
	struct buf json = BUF_INIT(4096);

	ck_assert_msg(answered(answers_good[_i].text, &json) == TP_OK, "%s", err.msg);
	ck_assert_str_eq(buf_cstr(&json), answers_good[_i].claims);
	buf_release(&json);
}
END_TEST

START_TEST(what_says_when_to_come_back_is_heard)
{
	answers(HEAD("503 Busy") "Retry-After: 17\r\n\r\n");
	ck_assert_int_eq(log_in(), TP_UNAVAILABLE);
	ck_assert_int_eq(err.retry_s, 17);
}
END_TEST

START_TEST(an_answer_may_be_as_long_as_the_limit)
{
	for (int over = 0; over < 2; over++) {
		struct buf answer = BUF_INIT((size_t)2 * LIMIT_AUTHN_OUTPUT);

		buf_str(&answer, HEAD("200 OK") JSON JOE);
		for (int i = (int)strlen(JOE); i < LIMIT_AUTHN_OUTPUT + over; i++)
			buf_char(&answer, ' ');
		answers(buf_cstr(&answer));
		ck_assert_msg(log_in() == (over ? TP_UNAVAILABLE : TP_OK), "%s", err.msg);
		if (over)
			ck_assert_str_eq(err.msg,
					 "the token handler's answer is larger than 65536 bytes");
		web_stop();
		buf_release(&answer);
	}
}
END_TEST

START_TEST(a_megabyte_is_cut_off)
{
	struct buf answer = BUF_INIT((size_t)2 << 20);

	buf_str(&answer, HEAD("200 OK") JSON "{\"user_id\":\"joe\",\"x\":\"");
	for (int i = 0; i < 1 << 20; i++)
		buf_char(&answer, 'x');
	buf_str(&answer, "\"}");
	answers(buf_cstr(&answer));
	ck_assert_int_eq(log_in(), TP_UNAVAILABLE);
	ck_assert_str_eq(err.msg, "the token handler's answer is larger than 65536 bytes");
	buf_release(&answer);
}
END_TEST

START_TEST(silence_is_trouble_in_time)
{
	int64_t begun = clock_mono_ms();

	serve(NULL);
	ck_assert_int_eq(
		open_with((struct authn_spec){ .handler = peer_url(), .limit_ms = SHORT_MS }),
		TP_OK);
	ck_assert_int_eq(log_in(), TP_UNAVAILABLE);
	ck_assert_int_lt(clock_mono_ms() - begun, LONG_MS);
}
END_TEST

START_TEST(a_server_that_went_is_trouble)
{
	answers(HEAD("200 OK") JSON JOE);
	ck_assert_int_eq(log_in(), TP_OK);
	ck_assert_msg(authn_probe(handler, &err) == TP_OK, "%s", err.msg);
	web_stop();
	ck_assert_int_eq(log_in(), TP_UNAVAILABLE);
	ck_assert_int_eq(authn_probe(handler, &err), TP_UNAVAILABLE);
}
END_TEST

/* ---- questions ---- */

/* The request without its port, which is the kernel's choice. */
static void expect_note(const char *want)
{
	struct buf got = BUF_INIT(WEB_NOTE);
	const char *port = strstr(web_note(), "127.0.0.1:");

	ck_assert_ptr_nonnull(port);
	port += strlen("127.0.0.1");
	buf_put(&got, web_note(), (size_t)(port - web_note()));
	buf_str(&got, strchr(port, '\r'));
	ck_assert_str_eq(buf_cstr(&got), want);
	buf_release(&got);
}

START_TEST(a_login_is_posted_as_one_json_object)
{
	struct authn_request r = { .event = AUTHN_LOGIN };
	struct buf json = BUF_INIT(1000);

	r.username = SPAN_LIT("J\xc3\xb6rg");
	r.password = SPAN_LIT("p'\"");
	r.scope = SPAN_LIT("a b");
	r.client_id = SPAN_LIT("app");
	r.remote_addr = SPAN_LIT("192.0.2.1");
	r.request_id = SPAN_LIT("r-1");
	serve(HEAD("200 OK") JSON JOE);
	ck_assert_int_eq(
		open_with((struct authn_spec){ .handler = peer_url(), .secret = SPAN_LIT("k3y") }),
		TP_OK);
	ck_assert_msg(ask(&r, &json) == TP_OK, "%s", err.msg);
	ck_assert_str_eq(buf_cstr(&json), JOE);
	expect_note("POST /login?a=b HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n"
		    "Content-Type: application/json\r\nAuthorization: Bearer k3y\r\n"
		    "X-Request-ID: r-1\r\nContent-Length: 137\r\n\r\n"
		    "{\"event\":\"login\",\"username\":\"J\xc3\xb6rg\",\"password\":\"p'\\\"\","
		    "\"scopes\":[\"a\",\"b\"],\"client_id\":\"app\","
		    "\"remote_addr\":\"192.0.2.1\",\"request_id\":\"r-1\"}\n");
	buf_release(&json);
}
END_TEST

START_TEST(a_refresh_is_asked_with_the_claims)
{
	static const char session[] = "{\"user_id\":\"joe\",\"scopes\":[\"a\"],\"sid\":\"x\"}";
	struct authn_request r = { .event = AUTHN_REFRESH };
	struct jval *claims = NULL;

	ck_assert_int_eq(jval_parse(span_of(session), &claims, &err), TP_OK);
	r.claims = claims;
	answers(HEAD("200 OK") JSON JOE);
	ck_assert_msg(ask(&r, NULL) == TP_OK, "%s", err.msg);
	expect_note("POST /login?a=b HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n"
		    "Content-Type: application/json\r\nContent-Length: 125\r\n\r\n"
		    "{\"event\":\"refresh\",\"user_id\":\"joe\",\"claims\":{\"user_id\":\"joe\","
		    "\"scopes\":[\"a\"],\"sid\":\"x\"},\"remote_addr\":null,"
		    "\"request_id\":null}\n");
	web_stop();
	answers(HEAD("200 OK") JSON "{\"user_id\":\"ann\"}");
	ck_assert_int_eq(ask(&r, NULL), TP_UNAVAILABLE);
	ck_assert_str_eq(err.msg, "the token handler returned another user_id than the session's");
	jval_release(claims);
}
END_TEST

START_TEST(a_request_id_that_is_no_header_is_in_the_question_only)
{
	struct authn_request r = { .event = AUTHN_LOGIN };

	r.username = r.password = SPAN_LIT("x");
	r.request_id = SPAN_LIT("a\r\nX-Evil: 1");
	answers(HEAD("200 OK") JSON JOE);
	ck_assert_int_eq(ask(&r, NULL), TP_OK);
	ck_assert_ptr_null(strstr(web_note(), "X-Request-ID"));
	ck_assert_ptr_null(strstr(web_note(), "\nX-Evil"));
	ck_assert_ptr_nonnull(strstr(web_note(), "\"request_id\":\"a\\r\\nX-Evil: 1\""));
}
END_TEST

START_TEST(no_variable_of_a_proxy_counts)
{
	setenv("http_proxy", "http://127.0.0.1:1/", 1);
	setenv("all_proxy", "http://127.0.0.1:1/", 1);
	setenv("no_proxy", "", 1);
	answers(HEAD("200 OK") JSON JOE);
	ck_assert_msg(log_in() == TP_OK, "%s", err.msg);
}
END_TEST

START_TEST(what_json_cannot_say_is_denied_without_asking)
{
	static const struct span wrong[] = { { "a\0b", 3 }, { "\xff", 1 }, { NULL, 0 } };
	struct authn_request r = { .event = AUTHN_LOGIN };

	answers(HEAD("200 OK") JSON JOE);
	r.username = SPAN_LIT("joe");
	for (size_t i = 0; i < 2; i++) {
		r.password = wrong[i];
		ck_assert_int_eq(ask(&r, NULL), TP_DENIED);
	}
	ck_assert_str_eq(web_note(), "");
}
END_TEST

/* ---- opening ---- */

#define A_URL \
	"TOKEN_HANDLER: takes a URL https://HOST[:PORT]/PATH, of ASCII and without a user name"
#define ONLY_HERE                                                                              \
	"TOKEN_HANDLER: http:// goes to this machine only (127.0.0.1, [::1], localhost), and " \
	"https:// to others: it carries passwords"

/* clang-format off */
static const struct {
	const char *handler, *msg; /* msg NULL: it opens */
} settings[] = {
	{ "https://example.org/login", NULL }, { "https://127.0.0.1:8443", NULL },
	{ "http://localhost/", NULL }, { "http://[::1]:81/x", NULL }, { "http://127.1.2.3", NULL },
	{ "https:", A_URL }, { "https:example.org", A_URL }, { "https:///x", A_URL },
	{ "https://user:pw@example.org/", A_URL }, { "https://example.org/\xc3\xa9", A_URL },
	{ "https://example.org/a b", A_URL }, { "http://127.0.0.1@example.org/", A_URL },
	{ "http://example.org/", ONLY_HERE }, { "http://127.0.0.1.example.org/", ONLY_HERE },
	{ "http://10.0.0.1/", ONLY_HERE }, { "http://[::2]/", ONLY_HERE }, { "http://0.0.0.0/", ONLY_HERE },
	{ "http://localhost.:80/", ONLY_HERE },
};
/* clang-format on */

START_TEST(a_setting_opens_or_says_why_not)
{
	const struct authn_spec spec = { .handler = span_of(settings[_i].handler) };

	ck_assert_int_eq(open_with(spec), settings[_i].msg != NULL ? TP_INVALID : TP_OK);
	ck_assert_str_eq(err.msg, settings[_i].msg != NULL ? settings[_i].msg : "");
}
END_TEST

START_TEST(a_secret_that_is_no_header_is_an_error_at_start)
{
	static const char *const wrong[] = { "a b", "a\r\nX-Evil: 1", "a\n", "\xc3\xa9", "\x7f" };

	for (size_t i = 0; i < TP_COUNT(wrong); i++) {
		ck_assert_int_eq(
			open_with((struct authn_spec){ .handler = SPAN_LIT("https://a.example/"),
						       .secret = span_of(wrong[i]) }),
			TP_INVALID);
		ck_assert_str_eq(err.msg, "HANDLER_SECRET: takes ASCII characters without blanks");
	}
}
END_TEST

START_TEST(a_missing_object_is_an_error_at_start_or_trouble_later)
{
	struct authn_spec spec = { .handler = SPAN_LIT("http://127.0.0.1:1/"),
				   .module_dir = "/nonexistent" };

	ck_assert_int_eq(open_with(spec), TP_INVALID);
	ck_assert(strncmp(err.msg, "TOKEN_HANDLER: ", strlen("TOKEN_HANDLER: ")) == 0);
	spec.late = true;
	ck_assert_int_eq(open_with(spec), TP_OK);
	ck_assert_int_eq(log_in(), TP_UNAVAILABLE);
	ck_assert_int_eq(log_in(), TP_UNAVAILABLE);
}
END_TEST

START_TEST(loads_its_object_with_the_first_question)
{
	serve(HEAD("200 OK") JSON JOE);
	ck_assert_int_eq(open_with((struct authn_spec){ .handler = peer_url(), .late = true }),
			 TP_OK);
	ck_assert_msg(log_in() == TP_OK, "%s", err.msg);
	ck_assert_msg(log_in() == TP_OK, "%s", err.msg);
}
END_TEST

START_TEST(a_lack_of_memory_is_neither_yes_nor_no)
{
	const struct authn_request r = { .event = AUTHN_LOGIN,
					 .username = SPAN_LIT("joe"),
					 .password = SPAN_LIT("x"),
					 .request_id = SPAN_LIT("r") };
	struct jval *claims = NULL;
	bool failed = true;

	answers(HEAD("200 OK") JSON JOE);
	for (long n = 1; failed; n++) {
		enum tp_rc rc;

		alloc_fail_at(n);
		rc = authn_ask(handler, &r, &claims, &err);
		failed = alloc_fail_off();
		ck_assert_int_eq(rc, failed ? TP_NOMEM : TP_OK);
	}
	jval_release(claims);
}
END_TEST

static Suite *http_suite(void)
{
	Suite *s = suite_create("authn_http");
	TCase *t = tcase_create("authn_http");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, NULL, end);
	tcase_add_loop_test(t, an_answer_becomes_what_it_says, 0, TP_COUNT(cases));
	tcase_add_loop_test(t, a_wrong_answer_is_trouble_that_says_why, 0, ANSWERS_WRONG);
	tcase_add_loop_test(t, a_good_answer_is_the_claims, 0, ANSWERS_GOOD);
	tcase_add_test(t, what_says_when_to_come_back_is_heard);
	tcase_add_test(t, an_answer_may_be_as_long_as_the_limit);
	tcase_add_test(t, a_megabyte_is_cut_off);
	tcase_add_test(t, silence_is_trouble_in_time);
	tcase_add_test(t, a_server_that_went_is_trouble);
	tcase_add_test(t, a_login_is_posted_as_one_json_object);
	tcase_add_test(t, a_refresh_is_asked_with_the_claims);
	tcase_add_test(t, a_request_id_that_is_no_header_is_in_the_question_only);
	tcase_add_test(t, no_variable_of_a_proxy_counts);
	tcase_add_test(t, what_json_cannot_say_is_denied_without_asking);
	tcase_add_loop_test(t, a_setting_opens_or_says_why_not, 0, TP_COUNT(settings));
	tcase_add_test(t, a_secret_that_is_no_header_is_an_error_at_start);
	tcase_add_test(t, a_missing_object_is_an_error_at_start_or_trouble_later);
	tcase_add_test(t, loads_its_object_with_the_first_question);
	tcase_add_test(t, a_lack_of_memory_is_neither_yes_nor_no);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(http_suite());
}
