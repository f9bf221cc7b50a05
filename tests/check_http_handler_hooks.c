/* SPDX-License-Identifier: MIT */
/* Hooks that stand in for the token handler, in requests: what a login and a refresh hand to them,
 * and what becomes of their answers, by the public interface. */
#include "hook/hooks.h"

#include "support/check_run.h"
#include "support/http_rig.h"

#include <stdio.h>

#include "base/banned.h"

#define ENV(...) ((const char *const[]){ __VA_ARGS__, NULL })

static struct http_rig h;
static struct session_minted m; /* of user_099 with user:read */
static struct authn *theirs;	/* the rig's handler, while ours is in its place */
static struct hook_set set;
static enum tpauth_rc says;
static const char *header_name;
static char refresh_path[64];
static int asked;

static enum tpauth_rc on_token(struct tpauth_call *call, const struct tpauth_claims *user,
			       struct tpauth_claims *claims, void *arg)
{
	(void)arg;
	ck_assert_ptr_null(user);
	ck_assert_str_eq(tpauth_method(call), "POST");
	ck_assert_str_eq(tpauth_path(call), "/token");
	ck_assert_str_eq(tpauth_form(call, "password"), "secret marker");
	ck_assert_str_eq(tpauth_form(call, "client_secret"), "cs");
	ck_assert_str_eq(tpauth_header(call, "User-Agent"), "agent");
	ck_assert_str_eq(tpauth_query(call, "door"), "7");
	tpauth_claims_set(claims, "user_id", tpauth_form(call, "username"));
	tpauth_claims_add(claims, "scopes", "user:read");
	tpauth_add_header(call, header_name, "yes");
	tpauth_reason(call, "the hook's own reason");
	return says;
}

static enum tpauth_rc on_refresh(struct tpauth_call *call, const struct tpauth_claims *user,
				 struct tpauth_claims *claims, void *arg)
{
	const char *path = tpauth_path(call);

	(void)arg;
	asked++;
	ck_assert_str_eq(tpauth_claims_get(user, "user_id"), "user_099");
	ck_assert_str_eq(tpauth_remote_addr(call), "192.0.2.1");
	ck_assert_str_eq(tpauth_request_id(call), "req-1");
	snprintf(refresh_path, sizeof(refresh_path), "%s", path != NULL ? path : "-");
	tpauth_claims_set(claims, "team", "red");
	tpauth_add_header(call, header_name, "yes");
	tpauth_reason(call, "the hook's own reason");
	return says;
}

static void setup(void)
{
	http_rig_open(&h);
	http_rig_site(&h);
	rig_login(&h.rig, "user_099", "user:read", &m);
	set = (struct hook_set){ .on = { [TPAUTH_ON_TOKEN] = { on_token, NULL },
					 [TPAUTH_ON_REFRESH] = { on_refresh, NULL } } };
	says = TPAUTH_OK;
	header_name = "X-Color";
	asked = 0;
	theirs = h.rig.a.authn;
	ck_assert_int_eq(hooks_authn(&set, NULL, &h.rig.a.authn, NULL), TP_OK);
	h.rig.now += 121;
}

static void teardown(void)
{
	authn_close(h.rig.a.authn);
	h.rig.a.authn = theirs;
	session_minted_release(&m);
	http_rig_release(&h);
}

static const char *cookies(void)
{
	return http_cookies("user_099", secret_view(&m.handle));
}

static bool session_is_gone(void)
{
	const struct token *t;

	store_begin(h.rig.other.store);
	return session_find(&h.rig.other, SPAN_LIT("user_099"), secret_view(&m.handle), &t, NULL) ==
	       TP_NOT_FOUND;
}

static const char *log_in(void)
{
	return http_ask(&h, "POST", "/token?door=7",
			"username=ann&password=secret+marker&client_secret=cs",
			ENV("HTTP_USER_AGENT=agent"));
}

START_TEST(a_token_hook_logs_in_and_adds_its_header)
{
	log_in();
	ck_assert_int_eq(h.resp.status, 200);
	ck_assert_ptr_nonnull(strstr(http_rig_answer(&h), "\r\nX-Color: yes\r\n"));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&h.resp.body), "\"user_id\":\"ann\""));
	ck_assert(!http_logged(&h, "marker"));
}
END_TEST

START_TEST(a_token_hook_denies_without_a_trace_in_the_answer)
{
	says = TPAUTH_DENIED;
	ck_assert_str_eq(log_in(), http_want_error("400 Bad Request", "", "invalid_grant",
						   "Wrong user name or password"));
	ck_assert(http_logged(&h, "reason=\"the token hook: the hook's own reason\""));
}
END_TEST

START_TEST(a_token_hook_that_breaks_the_answer_is_500)
{
	header_name = "Content-Length";
	ck_assert_str_eq(log_in(), http_want_error("500 Internal Server Error", "", "server_error",
						   "Internal Server Error"));
	ck_assert(http_logged(&h, "the token hook: the header Content-Length was added, which is "
				  "ours to set"));
}
END_TEST

START_TEST(a_refresh_hook_sees_the_request_and_adds_to_its_answer)
{
	http_ask(&h, "POST", "/refresh", NULL, ENV(cookies()));
	ck_assert_int_eq(h.resp.status, 200);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&h.resp.body), "\"refreshed\":true"));
	ck_assert_ptr_nonnull(strstr(http_rig_answer(&h), "\r\nX-Color: yes\r\n"));
	ck_assert_str_eq(refresh_path, "/refresh");
	http_ask(&h, "GET", "/userinfo", NULL, ENV(cookies()));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&h.resp.body), "\"team\":\"red\""));
}
END_TEST

START_TEST(a_refresh_hook_denies_and_the_session_ends)
{
	says = TPAUTH_DENIED;
	http_ask(&h, "POST", "/refresh", NULL, ENV(cookies()));
	ck_assert_int_eq(h.resp.status, 401);
	ck_assert(session_is_gone());
	ck_assert(http_logged(&h, "the refresh hook: the hook's own reason"));
}
END_TEST

START_TEST(trouble_of_a_refresh_hook_leaves_the_session)
{
	if (_i == 0)
		says = TPAUTH_UNAVAILABLE;
	else
		header_name = "Status";
	http_ask(&h, "POST", "/refresh", NULL, ENV(cookies()));
	ck_assert_int_eq(h.resp.status, _i == 0 ? 503 : 500);
	ck_assert(!session_is_gone());
}
END_TEST

/* The request is over when its session slides. */
START_TEST(a_session_that_slides_has_no_request)
{
	http_ask(&h, "GET", "/userinfo", NULL, ENV(cookies()));
	ck_assert_int_eq(asked, 0);
	http_after(&h.rig.a, &h.resp);
	ck_assert_int_eq(asked, 1);
	ck_assert_str_eq(refresh_path, "-");
	ck_assert(http_logged(&h, "event=slide.ok"));
}
END_TEST

static Suite *handler_hooks_suite(void)
{
	Suite *s = suite_create("http handler hooks");
	TCase *t = tcase_create("token and refresh");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_token_hook_logs_in_and_adds_its_header);
	tcase_add_test(t, a_token_hook_denies_without_a_trace_in_the_answer);
	tcase_add_test(t, a_token_hook_that_breaks_the_answer_is_500);
	tcase_add_test(t, a_refresh_hook_sees_the_request_and_adds_to_its_answer);
	tcase_add_test(t, a_refresh_hook_denies_and_the_session_ends);
	tcase_add_loop_test(t, trouble_of_a_refresh_hook_leaves_the_session, 0, 2);
	tcase_add_test(t, a_session_that_slides_has_no_request);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(handler_hooks_suite());
}
