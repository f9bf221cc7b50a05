/* SPDX-License-Identifier: MIT */
/*
 * The endpoint by which users see their own sessions and end them: answers whole, no handle in any
 * of them, and nothing ends that was not asked for by whom it belongs to.
 */
#include "support/check_run.h"
#include "support/http_rig.h"

#include <stdio.h>

#include "base/banned.h"

#define ENV(...) ((const char *const[]){ __VA_ARGS__, NULL })

static struct http_rig h;
static struct session_minted m, second, stranger; /* two of user_099, one of user_1 */

static void open_rig(void)
{
	http_rig_open(&h);
	rig_login(&h.rig, "user_099", "user:read", &m);
	h.rig.now -= 60;
	rig_login(&h.rig, "user_099", "user:read", &second);
	h.rig.now += 60;
	rig_login(&h.rig, "user_1", "user:read", &stranger);
}

static void release_rig(void)
{
	session_minted_release(&m);
	session_minted_release(&second);
	session_minted_release(&stranger);
	http_rig_release(&h);
}

static const char *cookies(void)
{
	return http_cookies("user_099", secret_view(&m.handle));
}

static const char *id_of(const struct session_minted *s)
{
	static char text[3][SESSION_SID_LEN + 1];
	static size_t turn;
	TP_CLEANUP(buf_release) struct buf id = BUF_INIT(SESSION_SID_LEN);
	char *out = text[turn++ % 3];

	session_sid(secret_view(&s->handle), &id);
	memcpy(out, buf_cstr(&id), sizeof(text[0]));
	return out;
}

/* The path of a session. */
static const char *at(const struct session_minted *s)
{
	static char text[128];

	snprintf(text, sizeof(text), "/sessions/%s", id_of(s));
	return text;
}

static bool lives(const char *user, const struct session_minted *s)
{
	TP_CLEANUP(buf_release) struct buf value = BUF_INIT(LIMIT_STORE_VALUE);

	return rig_get(&h.rig, user, secret_view(&s->handle), &value);
}

static void ck_lives(bool first_one, bool second_one)
{
	ck_assert(lives("user_099", &m) == first_one);
	ck_assert(lives("user_099", &second) == second_one);
	ck_assert(lives("user_1", &stranger));
}

static const char *ended(const char *headers, int n)
{
	char body[64];

	snprintf(body, sizeof(body), "{\"status\":200,\"ended\":%d}", n);
	return http_want("200 OK", headers, body);
}

static const char *no_such(void)
{
	return http_want_error("404 Not Found", "", "not_found", "Not Found");
}

static const char *both(void)
{
	static char text[1024];

	snprintf(text, sizeof(text),
		 "{\"total\":2,\"sessions\":[{\"id\":\"%s\",\"current\":true,"
		 "\"started_at\":1800000000,\"refreshed_at\":1800000000,"
		 "\"expires_at\":1800086400,\"ip\":null,\"agent\":null},"
		 "{\"id\":\"%s\",\"current\":false,\"started_at\":1799999940,"
		 "\"refreshed_at\":1799999940,\"expires_at\":1800086340,\"ip\":null,"
		 "\"agent\":null}]}",
		 id_of(&m), id_of(&second));
	return text;
}

START_TEST(shows_the_user_s_own_sessions)
{
	ck_assert_str_eq(http_ask(&h, "GET", "/sessions", NULL, ENV(cookies())),
			 http_want("200 OK", "", both()));
	ck_assert_str_eq(
		http_ask(&h, "GET", "/sessions", NULL, ENV(http_bearer(secret_view(&m.jwt)))),
		http_want("200 OK", "", both()));
	ck_assert_ptr_null(strstr(http_rig_answer(&h), m.handle.p));
	ck_assert_ptr_null(strstr(http_rig_answer(&h), second.handle.p));
}
END_TEST

START_TEST(shows_where_a_login_came_from_and_when_it_was_refreshed)
{
	char want[512];
	struct span id;

	http_ask(&h, "POST", "/token", "username=a&password=b",
		 ENV("REMOTE_ADDR=2001:db8::7", "HTTP_USER_AGENT=Mozilla/5.0 \"X\\Y\"",
		     "CONTENT_TYPE=application/x-www-form-urlencoded"));
	ck_assert_int_eq(h.resp.status, 200);
	session_minted_release(&m);
	ck_assert_int_eq(secret_set(&m.handle, http_member(&h, "token"), NULL), TP_OK);
	h.rig.now += 200;
	http_ask(&h, "POST", "/refresh", "", ENV(cookies()));
	ck_assert_int_eq(h.resp.status, 200);
	http_ask(&h, "GET", "/sessions", NULL, ENV(cookies()));
	snprintf(want, sizeof(want),
		 "{\"total\":3,\"sessions\":[{\"id\":\"%s\",\"current\":true,"
		 "\"started_at\":1800000000,\"refreshed_at\":1800000200,"
		 "\"expires_at\":1800086600,\"ip\":\"2001:db8::7\","
		 "\"agent\":\"Mozilla/5.0 \\\"X\\\\Y\\\"\"},",
		 id_of(&m));
	id = buf_view(&h.resp.body);
	ck_assert_uint_gt(id.len, strlen(want));
	ck_assert_mem_eq(id.p, want, strlen(want));
}
END_TEST

START_TEST(shows_a_session_of_the_original_with_what_is_known)
{
	rig_put(&h.rig, "user_7", "unreadable", "garbage", 86400);
	rig_put_signed(
		&h.rig, "user_7", RIG_SEED_HANDLE,
		"{\"username\":\"Admin\",\"email\":null,\"user_id\":\"user_7\",\"scopes\":[],"
		"\"issued_to\":\"127.0.0.1\",\"iss\":\"prismaticain\",\"exp\":1800086395,"
		"\"iat\":1799999995,\"token_type\":\"access\"}",
		86400);
	ck_assert_str_eq(
		http_ask(&h, "GET", "/sessions", NULL,
			 ENV(http_cookies("user_7", SPAN_LIT(RIG_SEED_HANDLE)))),
		http_want("200 OK", "",
			  "{\"total\":1,\"sessions\":[{\"id\":\"" RIG_SEED_SID
			  "\",\"current\":true,\"started_at\":null,\"refreshed_at\":1799999995,"
			  "\"expires_at\":1800086395,\"ip\":null,\"agent\":null}]}"));
}
END_TEST

START_TEST(head_has_the_length_and_no_body)
{
	char want[512];

	snprintf(want, sizeof(want),
		 "Status: 200 OK\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n"
		 "Vary: Origin\r\nX-Request-ID: req-1\r\nContent-Length: %zu\r\n\r\n",
		 strlen(both()));
	ck_assert_str_eq(http_ask(&h, "HEAD", "/sessions", NULL, ENV(cookies())), want);
}
END_TEST

START_TEST(one_ends_by_its_id)
{
	ck_assert_str_eq(http_ask(&h, "DELETE", at(&second), NULL, ENV(cookies())), ended("", 1));
	ck_lives(true, false);
	ck_assert_str_eq(http_ask(&h, "DELETE", at(&second), NULL, ENV(cookies())), no_such());
}
END_TEST

START_TEST(the_one_that_asks_can_end_itself)
{
	ck_assert_str_eq(http_ask(&h, "DELETE", at(&m), NULL, ENV(cookies())),
			 ended(HTTP_COOKIES_GONE, 1));
	ck_lives(false, true);
	ck_assert_str_eq(http_ask(&h, "GET", "/sessions", NULL, ENV(cookies())),
			 http_want_error("401 Unauthorized",
					 "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n",
					 "invalid_token", "Could not validate credentials"));
}
END_TEST

START_TEST(all_others_end_and_the_one_that_asks_stays)
{
	ck_assert_str_eq(http_ask(&h, "DELETE", "/sessions", NULL, ENV(cookies())), ended("", 1));
	ck_lives(true, false);
	ck_assert_str_eq(http_ask(&h, "DELETE", "/sessions", NULL, ENV(cookies())), ended("", 0));
	ck_lives(true, false);
}
END_TEST

START_TEST(nobody_ends_the_session_of_another)
{
	ck_assert_str_eq(http_ask(&h, "DELETE", at(&stranger), NULL, ENV(cookies())), no_such());
	ck_lives(true, true);
}
END_TEST

static const char *const no_paths[] = {
	"/sessions/",	 "/sessions/x",	 "/sessions/ml7fytHjDfPIcsEba7xwAN1a0m5SrVKBzch963pZ7Qo",
	"/sessions/x/y", "/sessionsx/y", "/x/sessions/y",
};

START_TEST(what_is_no_id_of_one_s_own_is_404)
{
	ck_assert_str_eq(http_ask(&h, "DELETE", no_paths[_i], NULL, ENV(cookies())), no_such());
	ck_lives(true, true);
}
END_TEST

START_TEST(a_handle_is_no_id)
{
	char path[128];

	snprintf(path, sizeof(path), "/sessions/%s", second.handle.p);
	ck_assert_str_eq(http_ask(&h, "DELETE", path, NULL, ENV(cookies())), no_such());
	ck_lives(true, true);
}
END_TEST

START_TEST(a_path_below_is_found_behind_the_mount_too)
{
	char info[160];

	snprintf(info, sizeof(info), "PATH_INFO=%s", at(&second));
	ck_assert_str_eq(http_ask(&h, "DELETE", "", NULL,
				  ENV("SCRIPT_NAME=/cgi-bin/tpauth.cgi", info, cookies())),
			 ended("", 1));
	h.spec.root_path = "/auth";
	http_rig_site(&h);
	snprintf(info, sizeof(info), "SCRIPT_NAME=/auth%s", at(&m));
	ck_assert_str_eq(http_ask(&h, "DELETE", "", NULL, ENV(info, cookies())),
			 ended(HTTP_COOKIES_GONE, 1));
	ck_lives(false, false);
}
END_TEST

START_TEST(another_endpoint_below_goes_first)
{
	h.spec.path[HTTP_PATH_HEALTH] = "/sessions/health";
	http_rig_site(&h);
	ck_assert_str_eq(http_ask(&h, "GET", "/sessions/health", NULL, NULL),
			 http_want("200 OK", "", "{\"status\":200}"));
}
END_TEST

START_TEST(without_a_path_it_is_off)
{
	char path[128];

	h.spec.path[HTTP_PATH_SESSIONS] = "";
	http_rig_site(&h);
	ck_assert_str_eq(http_ask(&h, "GET", "/sessions", NULL, ENV(cookies())), no_such());
	ck_assert_str_eq(http_ask(&h, "DELETE", at(&second), NULL, ENV(cookies())), no_such());
	snprintf(path, sizeof(path), "/%s", id_of(&second));
	ck_assert_str_eq(http_ask(&h, "DELETE", path, NULL, ENV(cookies())), no_such());
	ck_lives(true, true);
}
END_TEST

START_TEST(a_resource_server_has_it_too)
{
	h.spec.issues = false;
	http_rig_site(&h);
	ck_assert_str_eq(http_ask(&h, "DELETE", at(&second), NULL, ENV(cookies())), ended("", 1));
}
END_TEST

START_TEST(other_methods_are_405)
{
	ck_assert_str_eq(http_ask(&h, "POST", "/sessions", "", ENV(cookies())),
			 http_want_error("405 Method Not Allowed", "Allow: GET, HEAD, DELETE\r\n",
					 "method_not_allowed", "Method Not Allowed"));
	ck_assert_str_eq(http_ask(&h, "GET", at(&m), NULL, ENV(cookies())),
			 http_want_error("405 Method Not Allowed", "Allow: DELETE\r\n",
					 "method_not_allowed", "Method Not Allowed"));
}
END_TEST

static const struct {
	const char *method;
	bool below;
} asked[] = { { "GET", false }, { "DELETE", false }, { "DELETE", true } };

START_TEST(without_a_session_nothing_is_told_and_nothing_ends)
{
	ck_assert_str_eq(
		http_ask(&h, asked[_i].method, asked[_i].below ? at(&m) : "/sessions", NULL, NULL),
		http_want("401 Unauthorized", "WWW-Authenticate: Bearer\r\n",
			  "{\"detail\":\"Not authenticated\"}"));
	ck_assert_str_eq(http_ask(&h, asked[_i].method, asked[_i].below ? at(&m) : "/sessions",
				  NULL,
				  ENV(http_cookies("user_099", secret_view(&stranger.handle)))),
			 http_want_error("401 Unauthorized",
					 "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n",
					 "invalid_token", "Could not validate credentials"));
	ck_lives(true, true);
}
END_TEST

static const char *const foreign[] = {
	"HTTP_ORIGIN=https://evil.example",
	"HTTP_ORIGIN=null",
	"HTTP_SEC_FETCH_SITE=cross-site",
	"HTTP_SEC_FETCH_SITE=same-site",
};

START_TEST(a_foreign_page_ends_nothing_by_cookies)
{
	const char *want = http_want_error("403 Forbidden", "", "access_denied",
					   "Requests from this origin are not accepted");

	ck_assert_str_eq(http_ask(&h, "DELETE", at(&second), NULL, ENV(cookies(), foreign[_i])),
			 want);
	ck_assert_str_eq(http_ask(&h, "DELETE", "/sessions", NULL, ENV(cookies(), foreign[_i])),
			 want);
	ck_lives(true, true);
}
END_TEST

START_TEST(an_allowed_page_may)
{
	ck_assert_str_eq(
		http_ask(&h, "DELETE", at(&second), NULL,
			 ENV(cookies(), "HTTP_ORIGIN=https://app.example.org")),
		"Status: 200 OK\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n"
		"Vary: Origin\r\nAccess-Control-Allow-Origin: https://app.example.org\r\n"
		"Access-Control-Allow-Credentials: true\r\n"
		"Access-Control-Expose-Headers: X-Request-ID, Retry-After, WWW-Authenticate\r\n"
		"X-Request-ID: req-1\r\nContent-Length: 24\r\n\r\n{\"status\":200,\"ended\":1}");
	ck_lives(true, false);
}
END_TEST

START_TEST(a_store_that_cannot_tell_is_503)
{
	static const enum rig_failure failures[] = { RIG_DEAD, RIG_MUTE };

	for (size_t i = 0; i < TP_COUNT(failures); i++) {
		/* The check of the session, the list, the end. */
		for (int trip = 1; trip <= (asked[_i].method[0] == 'G' ? 2 : 3); trip++) {
			release_rig();
			open_rig();
			rig_store_fail(&h.rig, failures[i], trip);
			ck_assert_str_eq(http_ask(&h, asked[_i].method,
						  asked[_i].below ? at(&second) : "/sessions", NULL,
						  ENV(cookies())),
					 http_want_error("503 Service Unavailable",
							 "Retry-After: 5\r\n",
							 "temporarily_unavailable",
							 "The service is temporarily unavailable"));
			ck_assert(lives("user_099", &m));
		}
	}
}
END_TEST

START_TEST(a_look_at_the_list_does_not_make_a_session_slide)
{
	h.rig.now += 3600;
	http_ask(&h, "GET", "/sessions", NULL, ENV(cookies()));
	ck_assert_int_eq(h.resp.status, 200);
	ck_assert(!slide_is_due(&h.resp.slide));
}
END_TEST

START_TEST(what_ends_is_logged_without_a_secret)
{
	char own[SECRET_FP_LEN + 1], other[SECRET_FP_LEN + 1], want[512];

	secret_fingerprint(secret_view(&m.handle), own);
	secret_fingerprint(secret_view(&second.handle), other);
	http_ask(&h, "DELETE", "/sessions/x", NULL, ENV(cookies()));
	http_ask(&h, "DELETE", at(&second), NULL, ENV(cookies()));
	http_ask(&h, "DELETE", "/sessions", NULL, ENV(cookies()));
	snprintf(want, sizeof(want),
		 "level=info event=sessions.refused request_id=req-1 method=DELETE "
		 "path=/sessions/x status=404 user=user_099 session=%s remote=192.0.2.1 "
		 "reason=\"the user has no session of this id\"\n",
		 own);
	ck_assert(http_logged(&h, want));
	snprintf(want, sizeof(want),
		 "level=info event=logout.one request_id=req-1 method=DELETE path=/sessions/%s "
		 "status=200 user=user_099 session=%s remote=192.0.2.1\n",
		 id_of(&second), other);
	ck_assert(http_logged(&h, want));
	snprintf(want, sizeof(want),
		 "level=info event=logout.others request_id=req-1 method=DELETE path=/sessions "
		 "status=200 user=user_099 session=%s remote=192.0.2.1\n",
		 own);
	ck_assert(http_logged(&h, want));
	ck_assert(!http_logged(&h, m.handle.p) && !http_logged(&h, second.handle.p));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("http_sessions");
	TCase *t = tcase_create("sessions");

	tcase_add_checked_fixture(t, open_rig, release_rig);
	tcase_add_test(t, shows_the_user_s_own_sessions);
	tcase_add_test(t, shows_where_a_login_came_from_and_when_it_was_refreshed);
	tcase_add_test(t, shows_a_session_of_the_original_with_what_is_known);
	tcase_add_test(t, head_has_the_length_and_no_body);
	tcase_add_test(t, one_ends_by_its_id);
	tcase_add_test(t, the_one_that_asks_can_end_itself);
	tcase_add_test(t, all_others_end_and_the_one_that_asks_stays);
	tcase_add_test(t, nobody_ends_the_session_of_another);
	tcase_add_loop_test(t, what_is_no_id_of_one_s_own_is_404, 0, (int)TP_COUNT(no_paths));
	tcase_add_test(t, a_handle_is_no_id);
	tcase_add_test(t, a_path_below_is_found_behind_the_mount_too);
	tcase_add_test(t, another_endpoint_below_goes_first);
	tcase_add_test(t, without_a_path_it_is_off);
	tcase_add_test(t, a_resource_server_has_it_too);
	tcase_add_test(t, other_methods_are_405);
	tcase_add_loop_test(t, without_a_session_nothing_is_told_and_nothing_ends, 0,
			    (int)TP_COUNT(asked));
	tcase_add_loop_test(t, a_foreign_page_ends_nothing_by_cookies, 0, (int)TP_COUNT(foreign));
	tcase_add_test(t, an_allowed_page_may);
	tcase_add_loop_test(t, a_store_that_cannot_tell_is_503, 0, (int)TP_COUNT(asked));
	tcase_add_test(t, a_look_at_the_list_does_not_make_a_session_slide);
	tcase_add_test(t, what_ends_is_logged_without_a_secret);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(suite());
}
