/* SPDX-License-Identifier: MIT */
/* The refresh and health services over a rigged session store: what each result is answered. */
#include "grpc/services.h"

#include <stdio.h>

#include "support/check_run.h"
#include "support/rig.h"

#include "base/banned.h"

static struct rig rig;
static struct services services;
static struct grpc_rules rules;
static struct session_minted session;

static void setup(void)
{
	rig_open(&rig);
	services = (struct services){ .auth = &rig.a };
	services_rules(&services, (struct span){ NULL, 0 }, &rules);
	rig_login(&rig, "user_099", "user:read", &session);
}

static void teardown(void)
{
	session_minted_release(&session);
	rig_release(&rig);
}

static void field(struct buf *m, int number, struct span value)
{
	buf_char(m, (char)(number << 3 | 2));
	if (value.len > 127)
		buf_char(m, (char)(0x80 | (value.len & 127)));
	buf_char(m, (char)(value.len > 127 ? value.len >> 7 : value.len));
	buf_span(m, value);
}

/* A call up to where it can be run. */
static void gather(struct grpc_call *c, size_t method, struct span message)
{
	unsigned char head[GRPC_FRAME_HEAD];

	grpc_frame_head(head, message.len);
	grpc_call_init(c, &rules, SPAN_LIT("peer"), 0);
	c->method = &rules.methods[method];
	grpc_call_data(c, (struct span){ (const char *)head, sizeof(head) });
	grpc_call_data(c, message);
	grpc_call_end(c);
}

/* A whole call; its status, and its reply without the head in *out. */
static struct grpc_status call(size_t method, struct span message, struct buf *out)
{
	struct grpc_status status;
	struct grpc_call c;

	gather(&c, method, message);
	grpc_call_run(&c, 0);
	status = c.status;
	if (out != NULL && c.out.len > GRPC_FRAME_HEAD)
		buf_put(out, c.out.p + GRPC_FRAME_HEAD, c.out.len - GRPC_FRAME_HEAD);
	grpc_call_release(&c);
	return status;
}

enum { REFRESH, CHECK };

static struct grpc_status refresh(struct span user, struct span token)
{
	TP_CLEANUP(buf_release) struct buf m = BUF_INIT(16000);
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(16000);
	struct grpc_status s;

	field(&m, 1, user);
	field(&m, 2, token);
	s = call(REFRESH, buf_view(&m), &out);
	ck_assert_uint_eq(out.len, 0);
	return s;
}

static void stored(struct buf *out)
{
	buf_reset(out);
	ck_assert(rig_get(&rig, "user_099", secret_view(&session.handle), out));
}

START_TEST(refreshes_once_in_a_window)
{
	TP_CLEANUP(buf_release) struct buf before = BUF_INIT(16000);
	TP_CLEANUP(buf_release) struct buf after = BUF_INIT(16000);
	const struct span user = SPAN_LIT("user_099");

	stored(&before);
	ck_assert_int_eq(refresh(user, secret_view(&session.handle)).code, GRPC_OK);
	stored(&after);
	ck_assert(span_eq(buf_view(&before), buf_view(&after)));
	rig.now += 121;
	ck_assert_int_eq(refresh(user, secret_view(&session.handle)).code, GRPC_OK);
	stored(&after);
	ck_assert(!span_eq(buf_view(&before), buf_view(&after)));
}
END_TEST

START_TEST(takes_a_bearer_of_its_own_user_only)
{
	TP_CLEANUP(buf_release) struct buf bearer = BUF_INIT(16000);

	session_bearer(SPAN_LIT("user_099"), secret_view(&session.handle), &bearer);
	rig.now += 121;
	ck_assert_int_eq(refresh(SPAN_LIT("user_098"), buf_view(&bearer)).code, GRPC_OK);
	ck_assert_int_eq(rig.asked, 0);
	ck_assert_int_eq(refresh(SPAN_LIT("user_099"), buf_view(&bearer)).code, GRPC_OK);
	ck_assert_int_eq(rig.asked, 1);
}
END_TEST

START_TEST(answers_ok_for_a_session_that_is_none)
{
	ck_assert_int_eq(refresh(SPAN_LIT("nobody"), SPAN_LIT("x")).code, GRPC_OK);
	ck_assert_int_eq(refresh(SPAN_LIT("user_099"), SPAN_LIT("x")).code, GRPC_OK);
	ck_assert_int_eq(refresh(SPAN_LIT("user_099"), SPAN_LIT("a.b")).code, GRPC_OK);
	ck_assert_int_eq(refresh(SPAN_LIT("user_099"), SPAN_LIT("a.b.c")).code, GRPC_OK);
	ck_assert_int_eq(rig.asked, 0);
}
END_TEST

START_TEST(answers_ok_when_the_handler_denies_and_ends_the_session)
{
	TP_CLEANUP(buf_release) struct buf gone = BUF_INIT(16000);

	rig.now += 121;
	rig_handler_says(&rig, TP_DENIED, NULL);
	ck_assert_int_eq(refresh(SPAN_LIT("user_099"), secret_view(&session.handle)).code, GRPC_OK);
	ck_assert(!rig_get(&rig, "user_099", secret_view(&session.handle), &gone));
}
END_TEST

START_TEST(is_unavailable_when_store_or_handler_are)
{
	struct grpc_status s;

	rig.now += 121;
	rig_handler_says(&rig, TP_UNAVAILABLE, NULL);
	s = refresh(SPAN_LIT("user_099"), secret_view(&session.handle));
	ck_assert_int_eq(s.code, GRPC_UNAVAILABLE);
	ck_assert_str_eq(s.text, "The service is temporarily unavailable");
	rig_store_fail(&rig, RIG_DEAD, 0);
	ck_assert_int_eq(refresh(SPAN_LIT("user_099"), SPAN_LIT("x")).code, GRPC_UNAVAILABLE);
}
END_TEST

/* Of calls that come together one refreshes the session, and the others' mistakes are theirs. */
START_TEST(answers_calls_that_come_together_each_for_itself)
{
	static const struct {
		const char *user;
		const char *token; /* NULL: the session's */
		int code;
	} rows[] = {
		{ "user_099", NULL, GRPC_OK },	    { "user_099", "x", GRPC_OK },
		{ "", "x", GRPC_INVALID_ARGUMENT }, { "user_099", NULL, GRPC_OK },
		{ "user_099", "a.b", GRPC_OK },	    { "user_099", "", GRPC_INVALID_ARGUMENT },
		{ "user_099", NULL, GRPC_OK },
	};
	struct grpc_call calls[TP_COUNT(rows)];
	struct grpc_batch batch = { .n = 0 };

	rig.now += 121;
	rig.round_trips = 0;
	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		TP_CLEANUP(buf_release) struct buf m = BUF_INIT(16000);
		struct span token = rows[i].token != NULL ? span_of(rows[i].token)
							  : secret_view(&session.handle);

		field(&m, 1, span_of(rows[i].user));
		field(&m, 2, token);
		gather(&calls[i], REFRESH, buf_view(&m));
		ck_assert(grpc_batch_add(&batch, &calls[i]));
	}
	grpc_batch_run(&batch, 0);
	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		ck_assert_int_eq(calls[i].status.code, rows[i].code);
		ck_assert_uint_eq(calls[i].out.len, rows[i].code == GRPC_OK ? GRPC_FRAME_HEAD : 0);
		grpc_call_release(&calls[i]);
	}
	ck_assert_int_eq(rig.asked, 1);
	ck_assert_int_eq(rig.round_trips, 3);
}
END_TEST

START_TEST(tells_the_health_of_the_store)
{
	static const struct {
		const char *service;
		bool fails;
		int code;
		const char *reply;
	} rows[] = {
		{ "", false, GRPC_OK, "\x08\x01" },
		{ "refresh.RefreshService", false, GRPC_OK, "\x08\x01" },
		{ "", true, GRPC_OK, "\x08\x02" },
		{ "refresh.RefreshService", true, GRPC_OK, "\x08\x02" },
		{ "refresh", false, GRPC_NOT_FOUND, "" },
		{ "refresh", true, GRPC_NOT_FOUND, "" },
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		TP_CLEANUP(buf_release) struct buf m = BUF_INIT(100);
		TP_CLEANUP(buf_release) struct buf out = BUF_INIT(100);

		rig_store_fail(&rig, rows[i].fails ? RIG_DEAD : RIG_WORKS, 0);
		services.pinged_ms = 0;
		field(&m, 1, span_of(rows[i].service));
		ck_assert_int_eq(call(CHECK, buf_view(&m), &out).code, rows[i].code);
		ck_assert_str_eq(buf_cstr(&out), rows[i].reply);
	}
}
END_TEST

START_TEST(asks_the_store_once_a_second_at_most)
{
	int before;

	call(CHECK, SPAN_LIT(""), NULL);
	before = rig.round_trips;
	for (int i = 0; i < 100; i++)
		call(CHECK, SPAN_LIT(""), NULL);
	ck_assert_int_le(rig.round_trips, before + 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("grpc_services");
	TCase *t = tcase_create("services");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, refreshes_once_in_a_window);
	tcase_add_test(t, takes_a_bearer_of_its_own_user_only);
	tcase_add_test(t, answers_ok_for_a_session_that_is_none);
	tcase_add_test(t, answers_ok_when_the_handler_denies_and_ends_the_session);
	tcase_add_test(t, is_unavailable_when_store_or_handler_are);
	tcase_add_test(t, answers_calls_that_come_together_each_for_itself);
	tcase_add_test(t, tells_the_health_of_the_store);
	tcase_add_test(t, asks_the_store_once_a_second_at_most);
	suite_add_tcase(s, t);
	return check_run(s);
}
