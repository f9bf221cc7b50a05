/* SPDX-License-Identifier: MIT */
/*
 * Claims of auth/slide.h: a session slides by its use, once in a window, by whoever may make it
 * slide; nothing at all is asked while the token's iat shows the window to be closed; and no
 * failure does more than to leave it as it is.
 */
#include "auth/slide.h"

#include "base/limits.h"
#include "support/check_run.h"
#include "support/rig.h"

#include "base/banned.h"

#define USER "user_099"

static struct rig rig;
static struct session_minted session; /* opened at RIG_NOW; its window is open again */
static struct slide slide;
static struct tp_err err;

/* The service of a resource server, and what it was asked. */
static struct {
	enum tp_rc says;
	int asked;
	char user[LIMIT_USER_ID + 1], handle[LIMIT_HANDLE + 1];
} service;

static enum tp_rc fire(void *arg, struct span user, struct span handle, struct tp_err *e)
{
	(void)arg;
	service.asked++;
	ck_assert(user.len < sizeof(service.user) && handle.len < sizeof(service.handle));
	memcpy(service.user, user.p, user.len);
	memcpy(service.handle, handle.p, handle.len);
	return service.says == TP_OK ? TP_OK : tp_fail(e, service.says, "the service says so");
}

static void set_up(void)
{
	rig_open(&rig);
	slide_init(&slide);
	memset(&service, 0, sizeof(service));
	rig_login(&rig, USER, "user:read user:write", &session);
	rig.now += 120;
}

static void tear_down(void)
{
	slide_release(&slide);
	session_minted_release(&session);
	rig_release(&rig);
}

static void be_resource_server(void)
{
	rig.rules.issues = false;
	rig.a.trigger = (struct auth_trigger){ fire, NULL };
}

/* Proves the session of a handle and notes it. False: none is to slide. */
static bool note(struct span handle)
{
	TP_CLEANUP(access_release) struct access x = { 0 };
	const struct credential c = { .user_id = SPAN_LIT(USER), .access_token = handle };

	store_begin(rig.a.store);
	ck_assert_msg(access_check(&rig.a, &c, &x, &err) == TP_OK, "%s", err.msg);
	slide_note(&slide, &rig.a, &x, SPAN_LIT("192.0.2.1"));
	return slide_is_due(&slide);
}

static bool use(void)
{
	return note(secret_view(&session.handle));
}

static enum tp_rc run(void)
{
	return slide_session(&rig.a, &slide, SPAN_LIT("request-1"), &err);
}

/* iat of what is stored; -1: nothing is. */
static int64_t stored_iat(void)
{
	const struct token *t;
	enum tp_rc rc;

	store_begin(rig.other.store);
	rc = session_find(&rig.other, SPAN_LIT(USER), secret_view(&session.handle), &t, &err);
	return rc == TP_OK ? t->iat : -1;
}

/* ---- when ---- */

START_TEST(slides_a_session_whose_window_is_open)
{
	ck_assert(use());
	ck_assert_int_eq(run(), TP_OK);
	ck_assert_int_eq(stored_iat(), RIG_NOW + 120);
	ck_assert_int_eq(rig.asked, 1);
	ck_assert_str_eq(rig.remote_addr, "192.0.2.1");
	ck_assert_str_eq(rig.request_id, "request-1");
}
END_TEST

START_TEST(asks_nobody_while_the_window_is_closed)
{
	rig.now = RIG_NOW + 119;
	rig.round_trips = 0;
	ck_assert(!use());
	ck_assert_int_eq(rig.round_trips, 1); /* the proof itself */
	be_resource_server();
	ck_assert(!use());
	ck_assert_int_eq(rig.round_trips, 2);
}
END_TEST

START_TEST(slides_once_in_a_window)
{
	ck_assert(use());
	ck_assert_int_eq(run(), TP_OK);
	ck_assert(!use());
	rig.now += 119;
	ck_assert(!use());
	rig.now += 1;
	ck_assert(use());
	ck_assert_int_eq(run(), TP_OK);
}
END_TEST

START_TEST(slides_with_every_use_where_there_is_no_window)
{
	rig.rules.restrict_s = 0;
	rig.now = RIG_NOW;
	for (int i = 0; i < 3; i++) {
		ck_assert(use());
		ck_assert_int_eq(run(), TP_OK);
	}
}
END_TEST

START_TEST(leaves_a_window_to_whoever_claimed_it)
{
	struct store_op claim = { .verb = STORE_PUT,
				  .key = { STORE_RESTRICT, SPAN_LIT(USER),
					   secret_view(&session.handle) },
				  .value = SPAN_LIT("restricted"),
				  .ttl_s = 60 };

	ck_assert(use());
	ck_assert_int_eq(store_do(rig.other.store, &claim, &err), TP_OK);
	ck_assert_int_eq(run(), TP_EXISTS);
	ck_assert_int_eq(stored_iat(), RIG_NOW);
	ck_assert_int_eq(rig.asked, 0);
}
END_TEST

START_TEST(slides_a_token_that_does_not_say_when_it_was_made)
{
	rig_put_signed(&rig, USER, "h",
		       "{\"user_id\":\"user_099\",\"scopes\":[],\"iss\":\"prismaticain\","
		       "\"exp\":1800086400,\"token_type\":\"access\"}",
		       86400);
	rig_handler_says(&rig, TP_OK, "{\"user_id\":\"user_099\",\"scopes\":[]}");
	rig.now = RIG_NOW;
	ck_assert(note(SPAN_LIT("h")));
	ck_assert_int_eq(run(), TP_OK);
}
END_TEST

START_TEST(slides_a_session_of_the_python_original)
{
	rig_put(&rig, RIG_SEED_USER, RIG_SEED_HANDLE, RIG_SEED_VALUE, 86395);
	rig.now = RIG_NOW + 114;
	ck_assert(!note(SPAN_LIT(RIG_SEED_HANDLE)));
	rig.now = RIG_NOW + 115;
	ck_assert(note(SPAN_LIT(RIG_SEED_HANDLE)));
	ck_assert_int_eq(run(), TP_OK);
}
END_TEST

START_TEST(takes_a_token_of_a_clock_that_is_ahead_for_new)
{
	rig_put_signed(&rig, USER, "h",
		       "{\"user_id\":\"user_099\",\"scopes\":[],\"iss\":\"prismaticain\","
		       "\"iat\":1800000500,\"exp\":1800086400,\"token_type\":\"access\"}",
		       86400);
	ck_assert(!note(SPAN_LIT("h")));
}
END_TEST

/* ---- what may fail ---- */

START_TEST(leaves_a_session_be_when_the_store_fails)
{
	for (int trip = 1; trip <= 3; trip++) {
		rig.now += 120;
		ck_assert(use());
		rig_store_fail(&rig, RIG_DEAD, trip);
		ck_assert_int_eq(run(), TP_UNAVAILABLE);
		rig_store_fail(&rig, RIG_WORKS, 0);
		ck_assert_int_eq(stored_iat(), RIG_NOW);
	}
}
END_TEST

START_TEST(ends_a_session_that_the_handler_denies)
{
	rig_handler_says(&rig, TP_DENIED, NULL);
	ck_assert(use());
	ck_assert_int_eq(run(), TP_DENIED);
	ck_assert_int_eq(stored_iat(), -1);
}
END_TEST

START_TEST(leaves_a_session_be_when_the_handler_is_in_trouble)
{
	rig_handler_says(&rig, TP_UNAVAILABLE, NULL);
	ck_assert(use());
	ck_assert_int_eq(run(), TP_UNAVAILABLE);
	ck_assert_int_eq(stored_iat(), RIG_NOW);
}
END_TEST

START_TEST(does_not_bring_back_a_session_that_ended_meanwhile)
{
	ck_assert(use());
	ck_assert_int_eq(
		session_close(&rig.other, SPAN_LIT(USER), secret_view(&session.handle), &err),
		TP_OK);
	ck_assert_int_eq(run(), TP_NOT_FOUND);
	ck_assert_int_eq(stored_iat(), -1);
}
END_TEST

/* ---- the gate ---- */

static struct {
	bool open;
	int in, out;
} gate;

static bool enter(void *arg)
{
	(void)arg;
	gate.in += gate.open;
	return gate.open;
}

static void leave(void *arg)
{
	(void)arg;
	gate.out++;
}

START_TEST(takes_a_place_of_the_logins_when_the_handler_is_asked)
{
	rig.a.gate = (struct auth_gate){ enter, leave, NULL };
	memset(&gate, 0, sizeof(gate));
	rig.round_trips = 0;
	ck_assert(use());
	ck_assert_int_eq(run(), TP_THROTTLED);
	ck_assert_int_eq(rig.round_trips, 1); /* nothing is claimed: its next use may succeed */
	gate.open = true;
	ck_assert_int_eq(run(), TP_OK);
	ck_assert_int_eq(gate.in, 1);
	ck_assert_int_eq(gate.out, 1);
}
END_TEST

START_TEST(needs_no_place_when_nobody_is_asked)
{
	rig.a.gate = (struct auth_gate){ enter, leave, NULL };
	memset(&gate, 0, sizeof(gate));
	rig.rules.recheck = false;
	ck_assert(use());
	ck_assert_int_eq(run(), TP_OK);
	ck_assert_int_eq(gate.in + gate.out, 0);
}
END_TEST

/* ---- by another server ---- */

START_TEST(asks_the_service_of_a_resource_server)
{
	be_resource_server();
	rig.round_trips = 0;
	ck_assert(use());
	ck_assert_int_eq(run(), TP_OK);
	ck_assert_int_eq(service.asked, 1);
	ck_assert_str_eq(service.user, USER);
	ck_assert_str_eq(service.handle, session.handle.p);
	ck_assert_int_eq(rig.round_trips, 1); /* the store is the service's to ask */
	ck_assert_int_eq(rig.asked, 0);
}
END_TEST

START_TEST(hands_on_what_the_service_says)
{
	be_resource_server();
	ck_assert(use());
	service.says = TP_UNAVAILABLE;
	ck_assert_int_eq(run(), TP_UNAVAILABLE);
	service.says = TP_THROTTLED;
	ck_assert_int_eq(run(), TP_THROTTLED);
}
END_TEST

START_TEST(notes_nothing_where_there_is_nobody_to_ask)
{
	rig.rules.issues = false;
	ck_assert(!use());
}
END_TEST

START_TEST(does_not_ask_a_service_where_it_may_issue)
{
	be_resource_server();
	rig.rules.issues = true;
	ck_assert(use());
	ck_assert_int_eq(run(), TP_OK);
	ck_assert_int_eq(service.asked, 0);
	ck_assert_int_eq(stored_iat(), RIG_NOW + 120);
}
END_TEST

/* ---- the note ---- */

START_TEST(forgets_what_it_noted)
{
	ck_assert(use());
	slide_reset(&slide);
	ck_assert(!slide_is_due(&slide));
	ck_assert(use());
	rig.now = RIG_NOW;
	ck_assert(!use());
}
END_TEST

START_TEST(leaves_out_an_address_that_is_none)
{
	TP_CLEANUP(access_release) struct access x = { 0 };
	const struct credential c = { .user_id = SPAN_LIT(USER),
				      .access_token = secret_view(&session.handle) };
	static const char address[LIMIT_ADDRESS + 1] = "1";

	ck_assert_int_eq(access_check(&rig.a, &c, &x, &err), TP_OK);
	slide_note(&slide, &rig.a, &x, (struct span){ address, sizeof(address) });
	ck_assert_int_eq(run(), TP_OK);
	ck_assert_str_eq(rig.remote_addr, "");
}
END_TEST

static TCase *when_case(void)
{
	TCase *tc = tcase_create("when");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, slides_a_session_whose_window_is_open);
	tcase_add_test(tc, asks_nobody_while_the_window_is_closed);
	tcase_add_test(tc, slides_once_in_a_window);
	tcase_add_test(tc, slides_with_every_use_where_there_is_no_window);
	tcase_add_test(tc, leaves_a_window_to_whoever_claimed_it);
	tcase_add_test(tc, slides_a_token_that_does_not_say_when_it_was_made);
	tcase_add_test(tc, slides_a_session_of_the_python_original);
	tcase_add_test(tc, takes_a_token_of_a_clock_that_is_ahead_for_new);
	return tc;
}

static TCase *failures_case(void)
{
	TCase *tc = tcase_create("failures");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, leaves_a_session_be_when_the_store_fails);
	tcase_add_test(tc, ends_a_session_that_the_handler_denies);
	tcase_add_test(tc, leaves_a_session_be_when_the_handler_is_in_trouble);
	tcase_add_test(tc, does_not_bring_back_a_session_that_ended_meanwhile);
	return tc;
}

static TCase *gate_case(void)
{
	TCase *tc = tcase_create("gate");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, takes_a_place_of_the_logins_when_the_handler_is_asked);
	tcase_add_test(tc, needs_no_place_when_nobody_is_asked);
	return tc;
}

static TCase *service_case(void)
{
	TCase *tc = tcase_create("service");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, asks_the_service_of_a_resource_server);
	tcase_add_test(tc, hands_on_what_the_service_says);
	tcase_add_test(tc, notes_nothing_where_there_is_nobody_to_ask);
	tcase_add_test(tc, does_not_ask_a_service_where_it_may_issue);
	return tc;
}

static TCase *note_case(void)
{
	TCase *tc = tcase_create("note");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, forgets_what_it_noted);
	tcase_add_test(tc, leaves_out_an_address_that_is_none);
	return tc;
}

static Suite *slide_suite(void)
{
	Suite *s = suite_create("slide");

	suite_add_tcase(s, when_case());
	suite_add_tcase(s, failures_case());
	suite_add_tcase(s, gate_case());
	suite_add_tcase(s, service_case());
	suite_add_tcase(s, note_case());
	return s;
}

int main(void)
{
	return check_run(slide_suite());
}
