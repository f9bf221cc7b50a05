/* SPDX-License-Identifier: MIT */
/*
 * mc_wire.c and mc_pool.c against a server that misbehaves: bytes that are no reply, replies that
 * are another's, half ones, slow ones and late ones.
 */
#include "base/clock.h"
#include "base/limits.h"
#include "store/backend.h"
#include "store/mc_pool.h"
#include "support/check_run.h"
#include "support/mc_fake.h"

#include <stdio.h>

#include "base/banned.h"

enum { PATIENCE_MS = 10000, SOON_MS = 400, LOAD_MS = 3000 };

struct box {
	struct mc_fake *fake;
	struct mc_pool pool;
	struct tp_err err;
	struct mc_reply replies[MC_REQUESTS];
	int64_t spent_ms;
};

static struct box box_open(const struct mc_fake_step *steps, size_t n)
{
	struct box b = { .fake = mc_fake_start(steps, n) };
	char hosts[64];

	snprintf(hosts, sizeof(hosts), "127.0.0.1:%d", mc_fake_port(b.fake));
	ck_assert_int_eq(mc_pool_init(&b.pool, span_of(hosts), 11211, &b.err), TP_OK);
	return b;
}

static void box_close(struct box *b)
{
	mc_pool_release(&b->pool);
	mc_fake_stop(b->fake);
}

static enum tp_rc box_run(struct box *b, const struct mc_ask *asks, size_t n, int64_t most_ms)
{
	int64_t start_ms = clock_mono_ms();
	enum tp_rc rc;

	b->err = (struct tp_err){ 0 };
	mc_pool_begin(&b->pool, start_ms + most_ms);
	rc = mc_pool_run(&b->pool, asks, n, b->replies, &b->err);
	b->spent_ms = clock_mono_ms() - start_ms;
	return rc;
}

static const struct mc_ask get_a = { 0, { .code = MC_GET, .key = { "a", 1 } } };

static void expect_says(const struct box *b, const char *what)
{
	char want[200];

	snprintf(want, sizeof(want), "memcached at 127.0.0.1:%d %s", mc_fake_port(b->fake), what);
	ck_assert_str_eq(b->err.msg, want);
}

/* ---- what is said ---- */

START_TEST(sends_requests_as_the_protocol_has_them)
{
	static const struct mc_fake_step steps[] = { { .value = "hello" }, { 0 }, { 0 }, { 0 } };
	static const char want[] = "\x80\x00\0\1\0\0\0\0\0\0\0\1\0\0\0\1\0\0\0\0\0\0\0\0a"
				   "\x80\x01\0\2\x8\0\0\0\0\0\0\xd\0\0\0\2\0\0\0\0\0\0\1\2"
				   "\0\0\0\0\0\0\x01\x2cxyval"
				   "\x80\x04\0\1\0\0\0\0\0\0\0\1\0\0\0\3\0\0\0\0\0\0\0\x9z"
				   "\x80\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0\0";
	const struct mc_ask asks[] = { get_a,
				       { 0,
					 { .code = MC_SET,
					   .key = SPAN_LIT("xy"),
					   .value = SPAN_LIT("val"),
					   .lifetime = 300,
					   .cas = 0x102 } },
				       { 0, { .code = MC_DELETE, .key = SPAN_LIT("z"), .cas = 9 } },
				       { 0, { .code = MC_NOOP } } };
	struct box b = box_open(steps, TP_COUNT(steps));

	ck_assert_int_eq(box_run(&b, asks, TP_COUNT(asks), PATIENCE_MS), TP_OK);
	ck_assert(span_eq(mc_fake_heard(b.fake), (struct span){ want, sizeof(want) - 1 }));
	for (size_t i = 0; i < TP_COUNT(asks); i++)
		ck_assert_int_eq(b.replies[i].status, MC_DONE);
	ck_assert(span_is(b.replies[0].value, "hello"));
	ck_assert_uint_eq(b.replies[0].cas, 7);
	box_close(&b);
}
END_TEST

START_TEST(tells_the_answers_apart)
{
	static const struct mc_fake_step steps[] = { { .status = 1 }, { .status = 2 }, { 0 } };
	static const enum mc_status want[] = { MC_ABSENT, MC_DIFFERS, MC_DONE };
	const struct mc_ask asks[] = { get_a, get_a, get_a };
	struct box b = box_open(steps, TP_COUNT(steps));

	ck_assert_int_eq(box_run(&b, asks, TP_COUNT(asks), PATIENCE_MS), TP_OK);
	for (size_t i = 0; i < TP_COUNT(asks); i++)
		ck_assert_int_eq(b.replies[i].status, want[i]);
	box_close(&b);
}
END_TEST

/* There a refresh would bring back what was logged out meanwhile. */
START_TEST(believes_no_server_that_keeps_no_versions)
{
	static const struct mc_fake_step steps[] = { { .value = "v", .flip_at = 23, .flip = 7 },
						     { .status = 1 },
						     { .value = "v" } };
	struct box b = box_open(steps, TP_COUNT(steps));

	ck_assert_int_eq(box_run(&b, &get_a, 1, PATIENCE_MS), TP_UNAVAILABLE);
	expect_says(&b, "keeps no versions of its items (its option -C)");
	ck_assert_int_eq(box_run(&b, &get_a, 1, PATIENCE_MS), TP_OK);
	ck_assert_int_eq(b.replies[0].status, MC_ABSENT);
	ck_assert_int_eq(box_run(&b, &get_a, 1, PATIENCE_MS), TP_OK);
	ck_assert_uint_eq(mc_fake_connections(b.fake), 1);
	box_close(&b);
}
END_TEST

START_TEST(keeps_the_connection_of_a_server_that_refuses)
{
	static const struct {
		unsigned status;
		const char *says;
	} rows[] = {
		{ 0x03, "refuses an item as too large (its option -I)" },
		{ 0x05, "answered with an error" },
		{ 0x20, "wants a user and a password (SASL), which is not supported" },
		{ 0x81, "answered with an error" },
		{ 0x82, "is out of memory and takes no writes" },
		{ 0x101, "answered with an error" },
	};
	struct mc_fake_step steps[2 * TP_COUNT(rows)] = { { 0 } };
	struct box b;

	for (size_t i = 0; i < TP_COUNT(rows); i++)
		steps[2 * i].status = rows[i].status;
	b = box_open(steps, TP_COUNT(steps));
	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		ck_assert_int_eq(box_run(&b, &get_a, 1, PATIENCE_MS), TP_UNAVAILABLE);
		expect_says(&b, rows[i].says);
		ck_assert_int_eq(box_run(&b, &get_a, 1, PATIENCE_MS), TP_OK);
	}
	ck_assert_uint_eq(mc_fake_connections(b.fake), 1);
	box_close(&b);
}
END_TEST

/* ---- what is no answer ---- */

START_TEST(takes_nothing_for_a_reply_that_is_none)
{
	/* Each field of the header that is not free, in a reply that is right otherwise. */
	static const struct mc_fake_step rows[] = {
		{ .flip_at = 0, .flip = 0x01 }, /* a request */
		{ .flip_at = 1, .flip = 0x01 }, /* the answer to another command */
		{ .flip_at = 2, .flip = 0xea }, /* a key of 59904 bytes */
		{ .flip_at = 3, .flip = 0x01 }, /* a key */
		{ .flip_at = 4, .flip = 0x04 }, /* no flags */
		{ .flip_at = 4, .flip = 0x80 }, /* more extras than body */
		{ .flip_at = 5, .flip = 0x01 }, /* a type of data */
		{ .flip_at = 8, .flip = 0x7f }, /* two gigabytes */
		{ .flip_at = 8, .flip = 0xff },
		{ .flip_at = 11, .flip = 0x08 }, /* a body shorter than its flags */
		{ .flip_at = 12, .flip = 0x80 }, /* the answer to another request */
		{ .flip_at = 15, .flip = 0x03 },
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		struct mc_fake_step step = rows[i];
		struct box b;

		step.value = "marker";
		b = box_open(&step, 1);
		ck_assert_msg(box_run(&b, &get_a, 1, PATIENCE_MS) == TP_UNAVAILABLE, "row %zu", i);
		expect_says(&b, "sent what is no reply");
		ck_assert_ptr_null(b.pool.v[0].wire);
		box_close(&b);
	}
}
END_TEST

START_TEST(takes_no_more_than_it_asked_for)
{
	static const struct mc_fake_step steps[] = { { .value = "v", .more = "x" } };
	struct box b = box_open(steps, 1);

	ck_assert_int_eq(box_run(&b, &get_a, 1, PATIENCE_MS), TP_UNAVAILABLE);
	expect_says(&b, "sent more than was asked for");
	box_close(&b);
}
END_TEST

START_TEST(notices_a_connection_that_is_closed_in_the_middle)
{
	static const size_t cuts[] = { 1, 23, 24, 28, 33 };

	for (size_t i = 0; i < TP_COUNT(cuts); i++) {
		const struct mc_fake_step steps[] = {
			{ .value = "marker", .cut = cuts[i], .hang_up = true }
		};
		struct box b = box_open(steps, 1);

		ck_assert_int_eq(box_run(&b, &get_a, 1, PATIENCE_MS), TP_UNAVAILABLE);
		expect_says(&b, "closed the connection");
		box_close(&b);
	}
}
END_TEST

/* ---- time ---- */

START_TEST(gives_up_in_time_on_what_is_slow)
{
	static const struct mc_fake_step rows[] = {
		{ .silent = true },
		{ .value = "marker", .drip_ms = 50 },
		{ .value = "marker", .cut = 20 },
		{ .value = "marker", .cut = 30 },
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		struct box b = box_open(&rows[i], 1);

		ck_assert_int_eq(box_run(&b, &get_a, 1, SOON_MS), TP_UNAVAILABLE);
		expect_says(&b, "did not answer in time");
		ck_assert_int_ge(b.spent_ms, SOON_MS - 10);
		ck_assert_int_le(b.spent_ms, SOON_MS + LOAD_MS);
		box_close(&b);
	}
}
END_TEST

static void pass_ms(int64_t ms)
{
	for (int64_t end_ms = clock_mono_ms() + ms; clock_mono_ms() < end_ms;)
		clock_pause_us(5000);
}

START_TEST(never_hands_a_late_answer_to_the_next_request)
{
	static const struct mc_fake_step steps[] = {
		{ .value = "marker", .wait_ms = SOON_MS + 200 }, { 0 }, { .value = "mine" }
	};
	struct box b = box_open(steps, TP_COUNT(steps));
	int asked = 0;

	ck_assert_int_eq(box_run(&b, &get_a, 1, SOON_MS), TP_UNAVAILABLE);
	/* The server is left alone for a second, and then gets a NOOP first. */
	ck_assert_int_eq(box_run(&b, &get_a, 1, PATIENCE_MS), TP_UNAVAILABLE);
	ck_assert_int_eq(b.err.retry_s, 1);
	for (; asked < 20 && box_run(&b, &get_a, 1, PATIENCE_MS) != TP_OK; asked++)
		pass_ms(200);
	ck_assert_int_lt(asked, 20);
	ck_assert(span_is(b.replies[0].value, "mine"));
	ck_assert_uint_eq(mc_fake_connections(b.fake), 2);
	box_close(&b);
}
END_TEST

START_TEST(drops_an_idle_connection_that_speaks_or_ends)
{
	static const struct mc_fake_step steps[] = { { .value = "a", .hang_up = true },
						     { .value = "b" } };
	struct box b = box_open(steps, TP_COUNT(steps));

	ck_assert_int_eq(box_run(&b, &get_a, 1, PATIENCE_MS), TP_OK);
	for (int i = 0; i < 1000 && mc_wire_quiet(b.pool.v[0].wire); i++)
		pass_ms(5);
	ck_assert_int_eq(box_run(&b, &get_a, 1, PATIENCE_MS), TP_OK);
	ck_assert(span_is(b.replies[0].value, "b"));
	box_close(&b);
}
END_TEST

START_TEST(makes_no_new_connection_within_a_call)
{
	static const struct mc_fake_step steps[] = { { .hang_up = true }, { .hang_up = true } };
	struct box b = box_open(steps, TP_COUNT(steps));

	ck_assert_int_eq(box_run(&b, &get_a, 1, PATIENCE_MS), TP_OK);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(mc_pool_run(&b.pool, &get_a, 1, b.replies, &b.err),
				 TP_UNAVAILABLE);
	ck_assert_uint_eq(mc_fake_connections(b.fake), 1);
	box_close(&b);
}
END_TEST

/* ---- a check ---- */

START_TEST(checks_a_session_in_one_round_trip)
{
	/* The first answer is held back until the second request is there. */
	static const struct mc_fake_step steps[] = { { .status = 1, .hold = true },
						     { .status = 1 } };
	struct mc_fake *fake = mc_fake_start(steps, TP_COUNT(steps));
	struct store_op get = { .verb = STORE_GET,
				.key = { STORE_LOGIN, SPAN_LIT("user"), SPAN_LIT("handle") } };
	char url[64];
	struct store_spec spec = { .url = url, .timeout_ms = PATIENCE_MS };
	struct store *s = NULL;

	spec.clock = clock_system();
	snprintf(url, sizeof(url), "memcached://127.0.0.1:%d", mc_fake_port(fake));
	ck_assert_int_eq(store_open_with(&store_memcached_ops, &spec, &s, NULL), TP_OK);
	ck_assert_int_eq(store_do(s, &get, NULL), TP_NOT_FOUND);
	store_close(s);
	mc_fake_stop(fake);
}
END_TEST

static Suite *mc_wire_suite(void)
{
	Suite *s = suite_create("mc_wire");
	TCase *tc = tcase_create("mc_wire");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, sends_requests_as_the_protocol_has_them);
	tcase_add_test(tc, tells_the_answers_apart);
	tcase_add_test(tc, believes_no_server_that_keeps_no_versions);
	tcase_add_test(tc, keeps_the_connection_of_a_server_that_refuses);
	tcase_add_test(tc, takes_nothing_for_a_reply_that_is_none);
	tcase_add_test(tc, takes_no_more_than_it_asked_for);
	tcase_add_test(tc, notices_a_connection_that_is_closed_in_the_middle);
	tcase_add_test(tc, gives_up_in_time_on_what_is_slow);
	tcase_add_test(tc, never_hands_a_late_answer_to_the_next_request);
	tcase_add_test(tc, drops_an_idle_connection_that_speaks_or_ends);
	tcase_add_test(tc, makes_no_new_connection_within_a_call);
	tcase_add_test(tc, checks_a_session_in_one_round_trip);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return check_run(mc_wire_suite());
}
