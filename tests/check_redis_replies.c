/* SPDX-License-Identifier: MIT */
/*
 * Commands and replies of the Redis backend against a peer that follows a script, which stands in
 * for servers that Debian does not have yet (HEXPIRE) or no more, and for refusals that no healthy
 * server gives.
 */
#include "base/limits.h"
#include "support/check_run.h"
#include "support/redis_play.h"

#include <stdio.h>
#include <string.h>

#include "base/banned.h"

#define VALUE "{\"token\": \"a.b.c\", \"expire\": 1440}"

static struct redis_play play;

/* ---- the exact commands ---- */

static void expect_command(size_t i, const char *want)
{
	ck_assert_str_eq(fake_peer_command(play.peer, i), want);
}

START_TEST(greets_the_server_in_one_batch)
{
	static const struct fake_step steps[] = { PLAY_HELLO, { .say = PLAY_RIGHT } };

	play.peer = fake_peer_start(steps, TP_COUNT(steps), NULL);
	redis_rig_open(&play.rig, "redis://app:secret@127.0.0.1:%d", fake_peer_port(play.peer));
	redis_play_right(&play);
	expect_command(0, "AUTH app secret");
	expect_command(1, "SELECT 8");
	expect_command(2, "SELECT 9");
	expect_command(3, "COMMAND INFO HEXPIRE");
	expect_command(4, "COMMAND INFO HRANDFIELD");
	expect_command(5, "INFO cluster");
	expect_command(6, "COMMAND INFO EXPIRE");
	expect_command(7, "HGET " PLAY_USER " " PLAY_HANDLE);
	ck_assert_uint_eq(fake_peer_commands(play.peer), 8);
	redis_play_end(&play);
}
END_TEST

static enum tp_rc count_call(void *arg, struct span item, struct span value)
{
	(void)item;
	(void)value;
	++*(int *)arg;
	return TP_OK;
}

/* Answers each operation of a login and of what follows; tells what has been sent for them. */
static void run_login(int64_t *ret_ttl_s, int *ret_samples)
{
	int samples = 0;
	struct store_op ops[] = { { .verb = STORE_PUT,
				    .key = redis_rig_key(STORE_LOGIN, PLAY_USER, PLAY_HANDLE),
				    .value = SPAN_LIT(VALUE),
				    .ttl_s = 86400 },
				  { .verb = STORE_SAMPLE,
				    .key = redis_rig_key(STORE_LOGIN, PLAY_USER, NULL),
				    .each = count_call,
				    .arg = &samples },
				  { .verb = STORE_TTL,
				    .key = redis_rig_key(STORE_LOGIN, PLAY_USER, PLAY_HANDLE) } };

	ck_assert_msg(redis_rig_run(&play.rig, ops, 3) == TP_OK, "%s", play.rig.err.msg);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(ops[i].rc, TP_OK);
	ck_assert_int_eq(ops[0].ret_n, 3);
	*ret_ttl_s = ops[2].ret_n;
	*ret_samples = samples;
}

START_TEST(lets_fields_expire_where_the_server_can)
{
	static const struct fake_step steps[] = { PLAY_HELLO_OF(PLAY_PRESENT, PLAY_PRESENT),
						  { .say = ":3\r\n" },
						  { .say = "*1\r\n:77\r\n" } };
	int64_t ttl_s;
	int samples;

	redis_play_begin(&play, steps, TP_COUNT(steps));
	run_login(&ttl_s, &samples);
	ck_assert_int_eq(ttl_s, 77);
	ck_assert_int_eq(samples, 0);
	expect_command(7, "EVAL SCRIPT 1 " PLAY_USER " " PLAY_HANDLE " " VALUE " 86400 any 1");
	expect_command(8, "HTTL " PLAY_USER " FIELDS 1 " PLAY_HANDLE);
	ck_assert_uint_eq(fake_peer_commands(play.peer), 9);
	redis_play_end(&play);
}
END_TEST

START_TEST(lets_the_user_expire_where_fields_cannot)
{
	static const struct fake_step steps[] = {
		PLAY_HELLO,
		{ .say = ":3\r\n" },
		{ .say = "*4\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n$0\r\n\r\n" },
		{ .say = ":1\r\n" },
		{ .say = ":66\r\n" }
	};
	int64_t ttl_s;
	int samples;

	redis_play_begin(&play, steps, TP_COUNT(steps));
	run_login(&ttl_s, &samples);
	ck_assert_int_eq(ttl_s, 66);
	ck_assert_int_eq(samples, 2);
	expect_command(7, "EVAL SCRIPT 1 " PLAY_USER " " PLAY_HANDLE " " VALUE " 86400 any 0");
	expect_command(8, "HRANDFIELD " PLAY_USER " 2 WITHVALUES");
	expect_command(9, "HEXISTS " PLAY_USER " " PLAY_HANDLE);
	expect_command(10, "TTL " PLAY_USER);
	ck_assert_uint_eq(fake_peer_commands(play.peer), 11);
	redis_play_end(&play);
}
END_TEST

/* Redis before 6.2; and a server that does not know the question has not the commands either. */
START_TEST(samples_nothing_on_an_old_server)
{
	static const char *const answers[] = { PLAY_ABSENT, "-ERR unknown subcommand\r\n",
					       "*-1\r\n" };

	for (size_t i = 0; i < TP_COUNT(answers); i++) {
		const struct fake_step steps[] = { PLAY_HELLO_OF(answers[i], answers[i]),
						   { .say = ":3\r\n" },
						   { .say = ":1\r\n" },
						   { .say = ":66\r\n" } };
		int64_t ttl_s;
		int samples;

		redis_play_begin(&play, steps, TP_COUNT(steps));
		run_login(&ttl_s, &samples);
		ck_assert_uint_eq(fake_peer_commands(play.peer), 10);
		redis_play_end(&play);
	}
}
END_TEST

START_TEST(does_not_guess_what_it_may_not_ask)
{
	static const struct fake_step steps[] = { PLAY_HELLO_OF("-NOPERM no\r\n", PLAY_PRESENT),
						  { .say = PLAY_RIGHT } };

	redis_play_begin(&play, steps, TP_COUNT(steps));
	redis_play_failed(&play, redis_play_get(&play, RIG_BUDGET_MS),
			  "does not permit this user a command or a key (ACL)");
	redis_play_end(&play);
}
END_TEST

START_TEST(reads_every_answer_about_a_lifetime)
{
	static const struct {
		const char *reply;
		enum tp_rc rc;
		int64_t ttl_s;
	} rows[] = {
		{ "*1\r\n:-2\r\n", TP_NOT_FOUND, 0 },	{ "*1\r\n:-1\r\n", TP_OK, STORE_TTL_MAX },
		{ "*1\r\n:0\r\n", TP_OK, 1 },		{ "*1\r\n:5\r\n", TP_OK, 5 },
		{ "*1\r\n:-3\r\n", TP_UNAVAILABLE, 0 }, { "*2\r\n:5\r\n:5\r\n", TP_UNAVAILABLE, 0 },
		{ "*0\r\n", TP_UNAVAILABLE, 0 },	{ "$1\r\n5\r\n", TP_UNAVAILABLE, 0 },
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		const struct fake_step steps[] = { PLAY_HELLO_OF(PLAY_PRESENT, PLAY_PRESENT),
						   { .say = rows[i].reply } };
		struct store_op op = { .verb = STORE_TTL,
				       .key = redis_rig_key(STORE_LOGIN, PLAY_USER, PLAY_HANDLE) };

		redis_play_begin(&play, steps, TP_COUNT(steps));
		ck_assert_int_eq(redis_rig_do(&play.rig, &op), rows[i].rc);
		ck_assert_int_eq(op.ret_n, rows[i].ttl_s);
		redis_play_end(&play);
	}
}
END_TEST

/* ---- a first attempt, in a transaction ---- */

#define CONDITIONAL "*1\r\n*2\r\n$6\r\nexpire\r\n:-3\r\n"
#define QUEUED                       \
	{                            \
		.say = "+QUEUED\r\n" \
	}

static const struct store_limit first_limit = { .free = 5, .memory_s = 900 };
static const struct store_hit first_hit = { { "00ff", 4 }, &first_limit };

static enum tp_rc hit(int64_t *ret_wait_s)
{
	struct store_op op = { .verb = STORE_HIT, .hits = &first_hit, .n_hits = 1 };
	enum tp_rc rc;

	play.rig.now_s = 1795508315;
	rc = redis_rig_do(&play.rig, &op);
	*ret_wait_s = op.ret_n;
	return rc;
}

START_TEST(counts_a_first_attempt_without_a_script)
{
	struct fake_step steps[] = {
		PLAY_HELLO, { .say = "+OK\r\n" },	    { .say = "+OK\r\n" }, QUEUED,
		QUEUED,	    { .say = "*2\r\n:1\r\n:1\r\n" }
	};
	int64_t wait_s;

	steps[6].say = CONDITIONAL;
	redis_play_begin(&play, steps, TP_COUNT(steps));
	ck_assert_int_eq(hit(&wait_s), TP_OK);
	ck_assert_int_eq(wait_s, 0);
	expect_command(7, "SELECT 8");
	expect_command(8, "MULTI");
	expect_command(9, "MSETNX tpauth-fail/00ff 1 1795508315");
	expect_command(10, "EXPIRE tpauth-fail/00ff 900 NX");
	expect_command(11, "EXEC");
	ck_assert_uint_eq(fake_peer_commands(play.peer), 12);
	redis_play_end(&play);
}
END_TEST

/* A counter that was there is for the script; a transaction that the server would not have is not
 * tried again. */
START_TEST(asks_the_script_where_the_transaction_did_nothing)
{
	static const struct {
		const char *exec, *next;
	} rows[] = {
		{ "*2\r\n:0\r\n:0\r\n", "MULTI" },
		{ "-EXECABORT Transaction discarded because of previous errors.\r\n",
		  "EVAL SCRIPT" },
		{ "*-1\r\n", "EVAL SCRIPT" },
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		struct fake_step steps[] = { PLAY_HELLO,
					     { .say = "+OK\r\n" },
					     { .say = "+OK\r\n" },
					     QUEUED,
					     QUEUED,
					     { .say = rows[i].exec },
					     { .say = ":7\r\n" },
					     { .say = ":8\r\n", .hang_up = true } };
		int64_t wait_s;

		steps[6].say = CONDITIONAL;
		redis_play_begin(&play, steps, TP_COUNT(steps));
		ck_assert_int_eq(hit(&wait_s), TP_THROTTLED);
		ck_assert_int_eq(wait_s, 7);
		expect_command(12, "EVAL SCRIPT 1 tpauth-fail/00ff 1795508315 5 0 0 900 0");
		(void)!hit(&wait_s);
		ck_assert_int_eq(strncmp(fake_peer_command(play.peer, 13), rows[i].next,
					 strlen(rows[i].next)),
				 0);
		redis_play_end(&play);
	}
}
END_TEST

START_TEST(concludes_nothing_from_half_a_transaction)
{
	static const char *const execs[] = { "*1\r\n:1\r\n", "*2\r\n:2\r\n:1\r\n",
					     "*2\r\n+OK\r\n:1\r\n", "*2\r\n:1\r\n:0\r\n",
					     "*3\r\n:1\r\n:1\r\n:1\r\n" };

	for (size_t i = 0; i < TP_COUNT(execs); i++) {
		struct fake_step steps[] = {
			PLAY_HELLO, { .say = "+OK\r\n" }, { .say = "+OK\r\n" }, QUEUED,
			QUEUED,	    { .say = execs[i] }
		};
		int64_t wait_s;

		steps[6].say = CONDITIONAL;
		redis_play_begin(&play, steps, TP_COUNT(steps));
		redis_play_failed(&play, hit(&wait_s), "answered with what makes no sense");
		redis_play_end(&play);
	}
}
END_TEST

/* ---- replies that make no sense for what was asked ---- */

static const struct {
	enum store_verb verb;
	enum store_space space;
	enum store_mode mode;
	const char *reply;
} nonsense[] = {
	{ STORE_GET, STORE_LOGIN, STORE_ANY, ":1\r\n" },
	{ STORE_PUT, STORE_LOGIN, STORE_ANY, ":0\r\n" },
	{ STORE_PUT, STORE_LOGIN, STORE_IF_PRESENT, ":-2\r\n" },
	{ STORE_PUT, STORE_LOGIN, STORE_IF_PRESENT, "$-1\r\n" },
	{ STORE_PUT, STORE_LOGIN, STORE_ANY, "+OK\r\n" },
	{ STORE_DEL, STORE_LOGIN, STORE_ANY, ":2\r\n" },
	{ STORE_DEL, STORE_LOGIN, STORE_ANY, ":-1\r\n" },
	{ STORE_DEL, STORE_LOGIN, STORE_ANY, "$-1\r\n" },
	{ STORE_DEL_OWNER, STORE_LOGIN, STORE_ANY, ":-2\r\n" },
	{ STORE_DEL_OWNER, STORE_LOGIN, STORE_ANY, "$-1\r\n" },
	{ STORE_PING, STORE_LOGIN, STORE_ANY, "+OK\r\n" },
	{ STORE_PING, STORE_LOGIN, STORE_ANY, "$4\r\nPONG\r\n" },
	{ STORE_PUT, STORE_RESTRICT, STORE_ANY, "$-1\r\n" },
	{ STORE_PUT, STORE_RESTRICT, STORE_IF_ABSENT, "+QUEUED\r\n" },
	{ STORE_PUT, STORE_RESTRICT, STORE_IF_ABSENT, ":0\r\n" },
	{ STORE_TTL, STORE_RESTRICT, STORE_ANY, ":-3\r\n" },
	{ STORE_HIT, STORE_THROTTLE, STORE_ANY, ":-1\r\n" },
	{ STORE_HIT, STORE_THROTTLE, STORE_ANY, "$-1\r\n" },
	{ STORE_UNHIT, STORE_THROTTLE, STORE_ANY, ":1\r\n" },
};

START_TEST(concludes_nothing_from_a_reply_that_makes_no_sense)
{
	static const struct store_limit limit = { .free = 5, .memory_s = 900 };
	const struct fake_step in_login[] = { PLAY_HELLO, { .say = nonsense[_i].reply } };
	const struct fake_step elsewhere[] = { PLAY_HELLO,
					       { .say = "+OK\r\n" },
					       { .say = nonsense[_i].reply } };
	bool login = nonsense[_i].space == STORE_LOGIN;
	struct store_hit hit = { SPAN_LIT("00ff"), &limit };
	struct store_op op = { .verb = nonsense[_i].verb,
			       .key = redis_rig_key(nonsense[_i].space, PLAY_USER, PLAY_HANDLE),
			       .value = SPAN_LIT(VALUE),
			       .ttl_s = 100,
			       .mode = nonsense[_i].mode,
			       .hits = &hit,
			       .n_hits = 1 };

	redis_play_begin(&play, login ? in_login : elsewhere,
			 login ? TP_COUNT(in_login) : TP_COUNT(elsewhere));
	redis_play_failed(&play, redis_rig_do(&play.rig, &op), "answered with what makes no sense");
	redis_play_end(&play);
}
END_TEST

/* Words of servers before 6. */
START_TEST(knows_a_refused_password_by_any_word)
{
	static const char *const words[] = { "-ERR invalid password\r\n",
					     "-ERR Client sent AUTH, but no password is set\r\n",
					     "-WRONGPASS invalid username-password pair\r\n" };

	for (size_t i = 0; i < TP_COUNT(words); i++) {
		struct fake_step steps[] = { PLAY_HELLO };

		steps[0].say = words[i];
		play.peer = fake_peer_start(steps, TP_COUNT(steps), NULL);
		redis_rig_open(&play.rig, "redis://:secret@127.0.0.1:%d",
			       fake_peer_port(play.peer));
		redis_play_failed(&play, redis_play_get(&play, RIG_BUDGET_MS),
				  "does not accept the user or the password");
		ck_assert_str_eq(fake_peer_command(play.peer, 0), "AUTH secret");
		redis_play_end(&play);
	}
}
END_TEST

/* ---- error replies ---- */

static const struct {
	const char *reply, *says;
	bool kept; /* the connection */
} errors[] = {
	{ "-NOAUTH Authentication required.\r\n", "wants a user and a password", false },
	{ "-WRONGPASS invalid username-password pair\r\n",
	  "does not accept the user or the password", false },
	{ "-NOPERM No permissions to access a key\r\n",
	  "does not permit this user a command or a key (ACL)", true },
	{ "-READONLY You can't write against a read only replica.\r\n", "is a read-only replica",
	  false },
	{ "-LOADING Redis is loading the dataset in memory\r\n", "is still loading its data",
	  false },
	{ "-MASTERDOWN Link with MASTER is down\r\n", "is a replica that has lost its master",
	  false },
	{ "-OOM command not allowed when used memory > 'maxmemory'.\r\n",
	  "is out of memory (maxmemory) and takes no writes", true },
	{ "-MISCONF Redis is configured to save RDB snapshots\r\n",
	  "cannot save its data and takes no writes", true },
	{ "-NOREPLICAS Not enough good replicas to write.\r\n",
	  "has too few replicas and takes no writes", true },
	{ "-BUSY Redis is busy running a script.\r\n", "is busy with a script", true },
	{ "-MOVED 15495 127.0.0.1:7333\r\n", "answered with an error", false },
	{ "-CLUSTERDOWN The cluster is down\r\n", "is part of a Redis Cluster that is down",
	  false },
	{ "-ERR unknown command `SET`, with args beginning with: `user_099__" PLAY_HANDLE "`\r\n",
	  "answered with an error", false },
	{ "-\r\n", "answered with an error", false },
	{ "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n",
	  "answered with an error", false },
};

START_TEST(says_what_a_server_refuses_and_never_quotes_it)
{
	const struct fake_step kept[] = { PLAY_HELLO,
					  { .say = "+OK\r\n" },
					  { .say = errors[_i].reply },
					  { .say = "+OK\r\n" },
					  { .say = PLAY_RIGHT } };
	const struct fake_step dropped[] = { PLAY_HELLO,
					     { .say = "+OK\r\n" },
					     { .say = errors[_i].reply },
					     PLAY_HELLO,
					     { .say = PLAY_RIGHT } };
	struct store_op op = { .verb = STORE_PUT,
			       .key = redis_rig_key(STORE_RESTRICT, PLAY_USER, PLAY_HANDLE),
			       .ttl_s = 120 };

	redis_play_begin(&play, errors[_i].kept ? kept : dropped,
			 errors[_i].kept ? TP_COUNT(kept) : TP_COUNT(dropped));
	redis_play_failed(&play, redis_rig_do(&play.rig, &op), errors[_i].says);
	redis_play_right(&play);
	ck_assert_uint_eq(fake_peer_connections(play.peer), errors[_i].kept ? 1 : 2);
	redis_play_end(&play);
}
END_TEST

START_TEST(believes_nothing_after_a_select_that_failed)
{
	static const struct fake_step steps[] = { PLAY_HELLO,
						  { .say = "-NOPERM no\r\n" },
						  { .say = "$-1\r\n" },
						  PLAY_HELLO,
						  { .say = PLAY_RIGHT } };
	struct store_op op = { .verb = STORE_GET,
			       .key = redis_rig_key(STORE_RESTRICT, PLAY_USER, PLAY_HANDLE) };

	redis_play_begin(&play, steps, TP_COUNT(steps));
	redis_play_failed(&play, redis_rig_do(&play.rig, &op),
			  "does not permit this user a command or a key (ACL)");
	redis_play_right(&play);
	ck_assert_uint_eq(fake_peer_connections(play.peer), 2);
	redis_play_end(&play);
}
END_TEST

static Suite *redis_replies_suite(void)
{
	Suite *s = suite_create("redis_replies");
	TCase *tc = tcase_create("peer");

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, greets_the_server_in_one_batch);
	tcase_add_test(tc, lets_fields_expire_where_the_server_can);
	tcase_add_test(tc, lets_the_user_expire_where_fields_cannot);
	tcase_add_test(tc, samples_nothing_on_an_old_server);
	tcase_add_test(tc, does_not_guess_what_it_may_not_ask);
	tcase_add_test(tc, reads_every_answer_about_a_lifetime);
	tcase_add_test(tc, counts_a_first_attempt_without_a_script);
	tcase_add_test(tc, asks_the_script_where_the_transaction_did_nothing);
	tcase_add_test(tc, concludes_nothing_from_half_a_transaction);
	tcase_add_loop_test(tc, concludes_nothing_from_a_reply_that_makes_no_sense, 0,
			    (int)TP_COUNT(nonsense));
	tcase_add_test(tc, knows_a_refused_password_by_any_word);
	tcase_add_loop_test(tc, says_what_a_server_refuses_and_never_quotes_it, 0,
			    (int)TP_COUNT(errors));
	tcase_add_test(tc, believes_nothing_after_a_select_that_failed);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return check_run(redis_replies_suite());
}
