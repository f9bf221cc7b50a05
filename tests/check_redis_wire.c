/* SPDX-License-Identifier: MIT */
/*
 * The Redis backend against a peer that follows a script: whatever it does on the wire, a call ends
 * in time, says what happened, and leaves nothing behind that the next call could take for its
 * answer.
 */
#include "base/limits.h"
#include "support/check_run.h"
#include "support/redis_play.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/banned.h"

static struct redis_play play;

/* ---- replies that are none ---- */

static const struct {
	struct fake_step step;
	const char *says;
} faults[] = {
	{ { .say = "HTTP/1.1 400 Bad Request\r\n\r\n" }, "sent what is no reply" },
	{ { .say = "$x\r\n" }, "sent what is no reply" },
	{ { .say = "$-2\r\n" }, "sent what is no reply" },
	{ { .say = ":12x\r\n" }, "sent what is no reply" },
	{ { .say = "\0\0\0\0", .len = 4 }, "sent what is no reply" },
	{ { .say = "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n" },
	  "sent what is no reply" },
	{ { .say = NULL }, "did not answer in time" },
	{ { .say = "$5\r\nwro" }, "did not answer in time" },
	{ { .say = "$5\r\nwrong\r\n", .drip_ms = 40 }, "did not answer in time" },
	{ { .say = "$5\r\nwrong\r\n", .wait_ms = 500 }, "did not answer in time" },
	{ { .say = "$1000000000\r\nwrong\r\n" }, "did not answer in time" },
	{ { .say = "*2147483647\r\n$5\r\nwrong\r\n" }, "did not answer in time" },
	{ { .say = "$5\r\nwro", .hang_up = true }, "closed the connection" },
	{ { .say = "$5\r\nwrong\r\n$5\r\nwrong\r\n" }, "sent more than was asked for" },
	{ { .say = "$5\r\nwrong\r\n$" }, "sent more than was asked for" },
	{ { .say = "+wrong\r\n" }, "answered with what makes no sense" },
	{ { .say = ":5\r\n" }, "answered with what makes no sense" },
	{ { .say = "*1\r\n$5\r\nwrong\r\n" }, "answered with what makes no sense" },
	{ { .say = "*0\r\n" }, "answered with what makes no sense" },
};

START_TEST(fails_in_time_and_starts_anew_after_a_fault)
{
	const struct fake_step steps[] = {
		PLAY_HELLO, faults[_i].step, PLAY_HELLO, { .say = PLAY_RIGHT }
	};
	bool late = strcmp(faults[_i].says, "did not answer in time") == 0;

	redis_play_begin(&play, steps, TP_COUNT(steps));
	redis_play_failed(&play, redis_play_get(&play, late ? 300 : RIG_BUDGET_MS),
			  faults[_i].says);
	redis_play_right(&play);
	ck_assert_uint_eq(fake_peer_connections(play.peer), 2);
	redis_play_end(&play);
}
END_TEST

/* The same in the handshake: at each of its replies. */
START_TEST(fails_in_time_when_the_handshake_goes_wrong)
{
	static const struct fake_step bad[] = {
		{ .say = "HTTP/1.1 400 Bad Request\r\n\r\n", .hang_up = true },
		{ .say = NULL, .wait_ms = 350, .hang_up = true },
		{ .say = "+", .hang_up = true },
		{ .say = "$5\r\nwrong\r\n$5\r\nwrong\r\n", .hang_up = true },
	};

	for (size_t i = 0; i < TP_COUNT(bad); i++) {
		static const struct fake_step hello[] = { PLAY_HELLO, { .say = PLAY_RIGHT } };
		struct fake_step steps[2 * PLAY_HELLO_STEPS + 1] = { PLAY_HELLO };
		int64_t budget_ms = bad[i].wait_ms > 0 ? 200 : RIG_BUDGET_MS;

		steps[_i] = bad[i];
		memcpy(steps + _i + 1, hello, sizeof(hello));
		redis_play_begin(&play, steps, (size_t)_i + 1 + TP_COUNT(hello));
		ck_assert_int_eq(redis_play_get(&play, budget_ms), TP_UNAVAILABLE);
		ck_assert_int_le(play.rig.spent_ms, budget_ms + PLAY_SLACK_MS);
		redis_play_right(&play);
		redis_play_end(&play);
	}
}
END_TEST

START_TEST(reads_a_reply_that_comes_in_pieces)
{
	static const struct fake_step steps[] = { PLAY_HELLO, { .say = PLAY_RIGHT, .drip_ms = 5 } };

	redis_play_begin(&play, steps, TP_COUNT(steps));
	redis_play_right(&play);
	redis_play_end(&play);
}
END_TEST

/* ---- too much ---- */

static enum tp_rc count_call(void *arg, struct span item, struct span value)
{
	(void)item;
	(void)value;
	++*(int *)arg;
	return TP_OK;
}

static enum tp_rc list(int *ret_calls)
{
	struct store_op op = { .verb = STORE_LIST,
			       .key = redis_rig_key(STORE_LOGIN, PLAY_USER, PLAY_HANDLE),
			       .each = count_call,
			       .arg = ret_calls };

	play.rig.budget_ms = (int64_t)4 * RIG_BUDGET_MS; /* the sanitizers are slow with 32 MiB */
	*ret_calls = 0;
	return redis_rig_do(&play.rig, &op);
}

START_TEST(refuses_a_list_that_is_none)
{
	static const char *const replies[] = {
		"*1\r\n$1\r\na\r\n",
		"*2\r\n$1\r\na\r\n:1\r\n",
		"*2\r\n$1\r\na\r\n$-1\r\n",
		"*2\r\n*1\r\n$1\r\na\r\n$1\r\nb\r\n",
		"*-1\r\n",
		"$1\r\na\r\n",
	};

	for (size_t i = 0; i < TP_COUNT(replies); i++) {
		struct fake_step steps[] = { PLAY_HELLO, { .say = replies[i] } };
		int calls;

		redis_play_begin(&play, steps, TP_COUNT(steps));
		redis_play_failed(&play, list(&calls), "answered with what makes no sense");
		ck_assert_int_eq(calls, 0);
		redis_play_end(&play);
	}
}
END_TEST

/* head, and then the same n times */
static char *many(const char *head, const char *one, size_t n, size_t *ret_len)
{
	size_t len = strlen(head), each = strlen(one);
	char *p = malloc(len + n * each);

	ck_assert_ptr_nonnull(p);
	memcpy(p, head, len);
	for (size_t i = 0; i < n; i++)
		memcpy(p + len + i * each, one, each);
	*ret_len = len + n * each;
	return p;
}

START_TEST(bounds_what_a_reply_may_take)
{
	static const struct {
		const char *head, *one;
		size_t n;
	} rows[] = {
		{ "*2147483647\r\n", ":1\r\n", 70000 },
		{ "*70000\r\n", "*0\r\n", 70000 },
		{ "$1000000000\r\n", "0123456789abcdef", 2200000 },
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		size_t len;
		char *text = many(rows[i].head, rows[i].one, rows[i].n, &len);
		struct fake_step steps[] = {
			PLAY_HELLO, { .say = text, .len = len }, PLAY_HELLO, { .say = PLAY_RIGHT }
		};
		int calls;

		redis_play_begin(&play, steps, TP_COUNT(steps));
		redis_play_failed(&play, list(&calls), "sent a reply that is too large");
		redis_play_right(&play);
		redis_play_end(&play);
		free(text);
	}
}
END_TEST

/* Here the time is used up first. */
START_TEST(ends_in_time_under_a_flood)
{
	size_t len;
	char *text = many("+", "0123456789abcdef", 2200000, &len);
	struct fake_step steps[] = {
		PLAY_HELLO, { .say = text, .len = len }, PLAY_HELLO, { .say = PLAY_RIGHT }
	};

	redis_play_begin(&play, steps, TP_COUNT(steps));
	ck_assert_int_eq(redis_play_get(&play, 300), TP_UNAVAILABLE);
	ck_assert_int_le(play.rig.spent_ms, 300 + PLAY_SLACK_MS);
	redis_play_right(&play);
	redis_play_end(&play);
	free(text);
}
END_TEST

START_TEST(takes_a_long_list)
{
	size_t len;
	char *text = many("*20000\r\n", "$8\r\n01234567\r\n", 20000, &len);
	struct fake_step steps[] = { PLAY_HELLO,
				     { .say = text, .len = len },
				     { .say = PLAY_RIGHT } };
	int calls;

	redis_play_begin(&play, steps, TP_COUNT(steps));
	ck_assert_int_eq(list(&calls), TP_OK);
	ck_assert_int_eq(calls, 10000);
	redis_play_right(&play);
	redis_play_end(&play);
	free(text);
}
END_TEST

START_TEST(refuses_a_value_over_the_limit)
{
	static char text[LIMIT_STORE_VALUE + 32];
	struct fake_step steps[] = { PLAY_HELLO, { .say = text }, { .say = PLAY_RIGHT } };

	snprintf(text, sizeof(text), "$%d\r\n%0*d\r\n", LIMIT_STORE_VALUE + 1,
		 LIMIT_STORE_VALUE + 1, 0);
	redis_play_begin(&play, steps, TP_COUNT(steps));
	redis_play_failed(&play, redis_play_get(&play, RIG_BUDGET_MS),
			  "has a value that is larger than the caller takes");
	redis_play_right(&play);
	redis_play_end(&play);
}
END_TEST

/* ---- connections that end, answers that come late ---- */

START_TEST(reads_once_more_when_the_peer_hangs_up_on_an_old_connection)
{
	static const struct fake_step steps[] = { PLAY_HELLO,
						  { .say = "$-1\r\n" },
						  { .hang_up = true },
						  PLAY_HELLO,
						  { .say = PLAY_RIGHT } };

	redis_play_begin(&play, steps, TP_COUNT(steps));
	ck_assert_int_eq(redis_play_get(&play, RIG_BUDGET_MS), TP_NOT_FOUND);
	redis_play_right(&play);
	ck_assert_uint_eq(fake_peer_connections(play.peer), 2);
	redis_play_end(&play);
}
END_TEST

START_TEST(does_not_read_again_what_came_in_half)
{
	static const struct fake_step steps[] = { PLAY_HELLO,
						  { .say = "$-1\r\n" },
						  { .say = "$5\r\nwro", .hang_up = true },
						  PLAY_HELLO,
						  { .say = PLAY_RIGHT } };

	redis_play_begin(&play, steps, TP_COUNT(steps));
	ck_assert_int_eq(redis_play_get(&play, RIG_BUDGET_MS), TP_NOT_FOUND);
	redis_play_failed(&play, redis_play_get(&play, RIG_BUDGET_MS), "closed the connection");
	redis_play_right(&play);
	redis_play_end(&play);
}
END_TEST

START_TEST(does_not_try_a_new_connection_twice)
{
	static const struct fake_step steps[] = {
		PLAY_HELLO, { .hang_up = true }, PLAY_HELLO, { .say = PLAY_RIGHT }
	};

	redis_play_begin(&play, steps, TP_COUNT(steps));
	redis_play_failed(&play, redis_play_get(&play, RIG_BUDGET_MS), "closed the connection");
	ck_assert_uint_eq(fake_peer_connections(play.peer), 1);
	redis_play_end(&play);
}
END_TEST

static const struct {
	enum store_verb verb;
	enum store_space space;
	bool twice;
} sent[] = {
	{ STORE_GET, STORE_LOGIN, true },     { STORE_GET, STORE_RESTRICT, true },
	{ STORE_LIST, STORE_LOGIN, true },    { STORE_SAMPLE, STORE_LOGIN, true },
	{ STORE_TTL, STORE_LOGIN, true },     { STORE_TTL, STORE_RESTRICT, true },
	{ STORE_PING, STORE_LOGIN, true },    { STORE_PUT, STORE_LOGIN, false },
	{ STORE_PUT, STORE_RESTRICT, false }, { STORE_DEL, STORE_LOGIN, false },
	{ STORE_DEL, STORE_RESTRICT, false }, { STORE_DEL_OWNER, STORE_LOGIN, false },
	{ STORE_HIT, STORE_THROTTLE, false }, { STORE_UNHIT, STORE_THROTTLE, false },
};

START_TEST(never_sends_a_write_twice)
{
	static const struct store_limit limit = { .free = 5, .memory_s = 900 };
	static const struct fake_step steps[] = { PLAY_HELLO,
						  { .say = "$-1\r\n" },
						  { .hang_up = true },
						  PLAY_HELLO,
						  { .hang_up = true } };
	struct store_hit hit = { SPAN_LIT("00ff"), &limit };
	int calls = 0;
	struct store_op ops[] = {
		{ .verb = STORE_PING },
		{ .verb = sent[_i].verb,
		  .key = redis_rig_key(sent[_i].space, PLAY_USER, PLAY_HANDLE),
		  .value = SPAN_LIT("{}"),
		  .ttl_s = 100,
		  .hits = &hit,
		  .n_hits = 1,
		  .each = count_call,
		  .arg = &calls },
	};

	redis_play_begin(&play, steps, TP_COUNT(steps));
	ck_assert_int_eq(redis_play_get(&play, RIG_BUDGET_MS), TP_NOT_FOUND);
	redis_play_failed(&play, redis_rig_run(&play.rig, ops, 2), "closed the connection");
	ck_assert_uint_eq(fake_peer_connections(play.peer), sent[_i].twice ? 2 : 1);
	redis_play_end(&play);
}
END_TEST

/* There it is known that nothing was done. */
START_TEST(writes_again_what_could_not_be_sent)
{
	static const struct fake_step steps[] = {
		PLAY_HELLO, { .say = "$-1\r\n", .deaf = true }, PLAY_HELLO, { .say = ":1\r\n" }
	};
	char path[64];

	snprintf(path, sizeof(path), "/tmp/tpauth-deaf-%d", (int)getpid());
	play.peer = fake_peer_start(steps, TP_COUNT(steps), path);
	redis_rig_open(&play.rig, "unix://%s", path);
	ck_assert_int_eq(redis_play_get(&play, RIG_BUDGET_MS), TP_NOT_FOUND);
	fake_peer_await(play.peer, PLAY_HELLO_STEPS + 1);
	ck_assert_int_eq(redis_play_put(&play), TP_OK);
	ck_assert_uint_eq(fake_peer_connections(play.peer), 2);
	ck_assert_uint_eq(fake_peer_commands(play.peer), 2 * (PLAY_HELLO_STEPS + 1));
	redis_play_end(&play);
	unlink(path);
}
END_TEST

START_TEST(writes_on_a_new_connection_when_the_old_one_has_ended)
{
	static const struct fake_step steps[] = {
		PLAY_HELLO, { .say = "$-1\r\n", .hang_up = true }, PLAY_HELLO, { .say = ":1\r\n" }
	};

	redis_play_begin(&play, steps, TP_COUNT(steps));
	ck_assert_int_eq(redis_play_get(&play, RIG_BUDGET_MS), TP_NOT_FOUND);
	fake_peer_await(play.peer, PLAY_HELLO_STEPS + 1);
	ck_assert_int_eq(redis_play_put(&play), TP_OK);
	ck_assert_uint_eq(fake_peer_connections(play.peer), 2);
	redis_play_end(&play);
}
END_TEST

START_TEST(never_takes_an_answer_for_that_of_another_call)
{
	static const struct fake_step unasked[] = {
		PLAY_HELLO,
		{ .say = "$-1\r\n" },
		{ .say = "$6\r\nMARKER\r\n", .wait_ms = 50, .unasked = true },
		PLAY_HELLO,
		{ .say = PLAY_RIGHT }
	};
	static const struct fake_step late[] = { PLAY_HELLO,
						 { .say = "$6\r\nMARKER\r\n", .wait_ms = 400 },
						 PLAY_HELLO,
						 { .say = PLAY_RIGHT } };

	redis_play_begin(&play, unasked, TP_COUNT(unasked));
	ck_assert_int_eq(redis_play_get(&play, RIG_BUDGET_MS), TP_NOT_FOUND);
	fake_peer_await(play.peer, PLAY_HELLO_STEPS + 2);
	redis_play_right(&play);
	redis_play_end(&play);

	redis_play_begin(&play, late, TP_COUNT(late));
	redis_play_failed(&play, redis_play_get(&play, 200), "did not answer in time");
	fake_peer_await(play.peer, PLAY_HELLO_STEPS + 1);
	redis_play_right(&play);
	redis_play_end(&play);
}
END_TEST

/* A listener whose queue is full: a connection is not even refused. */
static void fill(int family, const struct sockaddr *a, socklen_t len)
{
	for (int i = 0; i < 8; i++) {
		int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);

		ck_assert_int_ge(fd, 0);
		(void)connect(fd, a, len);
	}
}

START_TEST(gives_up_in_time_on_a_listener_that_does_not_accept)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(in);
	int tcp = socket(AF_INET, SOCK_STREAM, 0), local = socket(AF_UNIX, SOCK_STREAM, 0);

	ck_assert_int_eq(bind(tcp, (const struct sockaddr *)&in, sizeof(in)), 0);
	ck_assert_int_eq(getsockname(tcp, (struct sockaddr *)&in, &len), 0);
	snprintf(un.sun_path, sizeof(un.sun_path), "/tmp/tpauth-full-%d", (int)getpid());
	ck_assert_int_eq(bind(local, (const struct sockaddr *)&un, sizeof(un)), 0);
	ck_assert_int_eq(listen(tcp, 0), 0);
	ck_assert_int_eq(listen(local, 0), 0);
	fill(AF_INET, (const struct sockaddr *)&in, sizeof(in));
	fill(AF_UNIX, (const struct sockaddr *)&un, sizeof(un));
	for (int i = 0; i < 2; i++) {
		if (i == 0)
			redis_rig_open(&play.rig, "redis://127.0.0.1:%d", ntohs(in.sin_port));
		else
			redis_rig_open(&play.rig, "unix://%s", un.sun_path);
		ck_assert_int_eq(redis_play_get(&play, 200), TP_UNAVAILABLE);
		ck_assert_int_ge(play.rig.spent_ms, 190);
		ck_assert_int_le(play.rig.spent_ms, 200 + PLAY_SLACK_MS);
		ck_assert_ptr_nonnull(strstr(play.rig.err.msg, "did not answer in time"));
		redis_rig_close(&play.rig);
	}
	unlink(un.sun_path);
}
END_TEST

static Suite *redis_wire_suite(void)
{
	Suite *s = suite_create("redis_wire");
	TCase *tc = tcase_create("peer");

	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, fails_in_time_and_starts_anew_after_a_fault, 0,
			    (int)TP_COUNT(faults));
	tcase_add_loop_test(tc, fails_in_time_when_the_handshake_goes_wrong, 0, PLAY_HELLO_STEPS);
	tcase_add_test(tc, reads_a_reply_that_comes_in_pieces);
	tcase_add_test(tc, refuses_a_list_that_is_none);
	tcase_add_test(tc, bounds_what_a_reply_may_take);
	tcase_add_test(tc, ends_in_time_under_a_flood);
	tcase_add_test(tc, takes_a_long_list);
	tcase_add_test(tc, refuses_a_value_over_the_limit);
	tcase_add_test(tc, reads_once_more_when_the_peer_hangs_up_on_an_old_connection);
	tcase_add_test(tc, does_not_try_a_new_connection_twice);
	tcase_add_test(tc, does_not_read_again_what_came_in_half);
	tcase_add_loop_test(tc, never_sends_a_write_twice, 0, (int)TP_COUNT(sent));
	tcase_add_test(tc, writes_again_what_could_not_be_sent);
	tcase_add_test(tc, writes_on_a_new_connection_when_the_old_one_has_ended);
	tcase_add_test(tc, never_takes_an_answer_for_that_of_another_call);
	tcase_add_test(tc, gives_up_in_time_on_a_listener_that_does_not_accept);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return check_run(redis_wire_suite());
}
