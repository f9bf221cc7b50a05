/* SPDX-License-Identifier: MIT */
/*
 * What the operations of the store are in Redis, on a real server: the layout byte for byte, the
 * commands for it, the counting of attempts. What each reply means is in check_redis_replies.c.
 */
#include "base/limits.h"
#include "support/check_run.h"
#include "support/redis_play.h"
#include "support/redis_rig.h"
#include "support/redis_server.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

#define USER   "user_099"
#define HANDLE "Vy3Zn4MVLLfifneYUA7Tm7"
#define VALUE  "{\"token\": \"a.b.c\", \"expire\": 1440}"

static struct redis_server *server;
static bool has_hexpire;

static void start_server(void)
{
	server = redis_server_start(NULL);
	has_hexpire = redis_server_ask(server, 0, "COMMAND INFO HEXPIRE")[0] != '(';
}

static void stop_server(void)
{
	redis_server_stop(server);
}

static void clear(void)
{
	redis_server_ask(server, 0, "FLUSHALL");
	redis_server_ask(server, 0, "ACL DELUSER app");
}

static void open_unix(struct redis_rig *r)
{
	redis_rig_open(r, "unix://%s", redis_server_path(server));
}

/* ---- the layout ---- */

static void expect_ask(int db, const char *question, const char *answer)
{
	ck_assert_str_eq(redis_server_ask(server, db, question), answer);
}

static void expect_range(int db, const char *question, int low, int high)
{
	const char *answer = redis_server_ask(server, db, question);
	int64_t n = -3;

	ck_assert_msg(span_int(span_of(answer), -2, INT32_MAX, &n), "%s: %s", question, answer);
	ck_assert_int_ge(n, low);
	ck_assert_int_le(n, high);
}

START_TEST(writes_a_login_as_the_original_does)
{
	struct store_op ops[] = { { .verb = STORE_PUT,
				    .key = redis_rig_key(STORE_LOGIN, USER, HANDLE),
				    .value = SPAN_LIT(VALUE),
				    .ttl_s = 86400 },
				  { .verb = STORE_PUT,
				    .key = redis_rig_key(STORE_RESTRICT, USER, HANDLE),
				    .ttl_s = 120 } };
	struct redis_rig r;

	open_unix(&r);
	ck_assert_int_eq(redis_rig_run(&r, ops, 2), TP_OK);
	ck_assert_int_eq(ops[0].rc, TP_OK);
	ck_assert_int_eq(ops[0].ret_n, 1);
	ck_assert_int_eq(ops[1].rc, TP_OK);
	expect_ask(9, "KEYS *", USER);
	expect_ask(9, "TYPE " USER, "hash");
	expect_ask(9, "HGETALL " USER, HANDLE " " VALUE);
	if (has_hexpire)
		expect_range(9, "HTTL " USER " FIELDS 1 " HANDLE, 86395, 86400);
	expect_range(9, "TTL " USER, has_hexpire ? -1 : 86395, has_hexpire ? -1 : 86400);
	expect_ask(8, "KEYS *", USER "__" HANDLE);
	expect_ask(8, "GET " USER "__" HANDLE, "restricted");
	expect_range(8, "TTL " USER "__" HANDLE, 115, 120);
	expect_ask(0, "KEYS *", "");
	redis_rig_close(&r);
}
END_TEST

START_TEST(reads_what_the_original_wrote)
{
	struct store_op ops[] = {
		{ .verb = STORE_GET, .key = redis_rig_key(STORE_RESTRICT, USER, HANDLE) },
		{ .verb = STORE_TTL, .key = redis_rig_key(STORE_RESTRICT, USER, HANDLE) },
		{ .verb = STORE_TTL, .key = redis_rig_key(STORE_LOGIN, USER, HANDLE) },
		{ .verb = STORE_TTL, .key = redis_rig_key(STORE_LOGIN, USER, "another") },
		{ .verb = STORE_DEL, .key = redis_rig_key(STORE_LOGIN, USER, HANDLE) },
	};
	struct redis_rig r;

	redis_server_ask(server, 9, "HSET %s %s %s", USER, HANDLE, VALUE);
	redis_server_ask(server, 8, "SET " USER "__" HANDLE " restricted EX 120");
	open_unix(&r);
	ck_assert_int_eq(redis_rig_get(&r, USER, HANDLE), TP_OK);
	ck_assert_str_eq(buf_cstr(&r.value), VALUE);
	ck_assert_int_eq(redis_rig_run(&r, ops, 5), TP_OK);
	ck_assert_int_eq(ops[0].rc, TP_OK);
	ck_assert_int_eq(ops[1].rc, TP_OK);
	ck_assert_int_ge(ops[1].ret_n, 115);
	/* The original, cut off before its HEXPIRE, leaves a session without an end. */
	ck_assert_int_eq(ops[2].rc, TP_OK);
	ck_assert_int_eq(ops[2].ret_n, STORE_TTL_MAX);
	ck_assert_int_eq(ops[3].rc, TP_NOT_FOUND);
	ck_assert_int_eq(ops[4].rc, TP_OK);
	expect_ask(9, "EXISTS " USER, "0");
	redis_rig_close(&r);
}
END_TEST

START_TEST(only_ever_extends_the_expiry_of_a_user)
{
	static const struct {
		const char *before; /* a command in the login database */
		int64_t ttl_s;
		int low, high; /* TTL of the key afterwards; where fields expire, */
		int low_field, high_field;
	} rows[] = {
		{ "DEL " USER, 100, 95, 100, -1, -1 },
		{ "PING", 50, 95, 100, -1, -1 },
		{ "PING", 200, 195, 200, -1, -1 },
		{ "PERSIST " USER, 70, 65, 70, -1, -1 },
		/* fields that came with a key's expiry must not end with it */
		{ "EXPIRE " USER " 30", 70, 65, 70, 65, 70 },
		{ "EXPIRE " USER " 300", 70, 295, 300, 295, 300 },
	};
	struct redis_rig r;

	open_unix(&r);
	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		redis_server_ask(server, 9, rows[i].before);
		ck_assert_int_eq(redis_rig_put(&r, USER, HANDLE, VALUE, rows[i].ttl_s, STORE_ANY),
				 TP_OK);
		expect_range(9, "TTL " USER, has_hexpire ? rows[i].low_field : rows[i].low,
			     has_hexpire ? rows[i].high_field : rows[i].high);
	}
	redis_rig_close(&r);
}
END_TEST

START_TEST(leaves_no_session_whose_expiry_is_refused)
{
	struct redis_rig r;

	redis_server_ask(server, 0, "ACL SETUSER app on >pw ~* +@all -expire %s",
			 has_hexpire ? "-hexpire" : "-expire");
	redis_rig_open(&r, "redis://app:pw@127.0.0.1:%d", redis_server_port(server));
	ck_assert_int_eq(redis_rig_put(&r, USER, HANDLE, VALUE, 100, STORE_ANY), TP_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(r.err.msg, "does not permit this user a command or a key"));
	expect_ask(9, "EXISTS " USER, "0");
	redis_rig_close(&r);
}
END_TEST

START_TEST(keeps_databases_apart_by_the_settings_not_by_the_url)
{
	struct redis_rig r;

	redis_rig_open(&r, "redis://127.0.0.1:%d/3", redis_server_port(server));
	ck_assert_int_eq(redis_rig_put(&r, USER, HANDLE, VALUE, 100, STORE_ANY), TP_OK);
	expect_ask(3, "KEYS *", "");
	expect_ask(9, "KEYS *", USER);
	redis_rig_close(&r);
}
END_TEST

/* ---- what stands there is something else ---- */

static enum tp_rc no_call(void *arg, struct span item, struct span value)
{
	(void)arg;
	(void)item;
	(void)value;
	return TP_INTERNAL;
}

START_TEST(takes_other_data_at_a_user_for_no_session)
{
	static const struct {
		enum store_verb verb;
		enum store_mode mode;
		enum tp_rc rc, op_rc;
	} rows[] = {
		{ STORE_GET, STORE_ANY, TP_OK, TP_NOT_FOUND },
		{ STORE_DEL, STORE_ANY, TP_OK, TP_NOT_FOUND },
		{ STORE_TTL, STORE_ANY, TP_OK, TP_NOT_FOUND },
		{ STORE_PUT, STORE_IF_PRESENT, TP_OK, TP_NOT_FOUND },
		{ STORE_PUT, STORE_IF_ABSENT, TP_UNAVAILABLE, TP_NOT_FOUND },
		{ STORE_PUT, STORE_ANY, TP_UNAVAILABLE, TP_NOT_FOUND },
		{ STORE_LIST, STORE_ANY, TP_OK, TP_OK },
		{ STORE_DEL_OWNER, STORE_ANY, TP_OK, TP_OK },
	};
	char want[200];
	struct redis_rig r;

	open_unix(&r);
	redis_server_ask(server, 9, "SET " USER " other");
	snprintf(want, sizeof(want), "redis at %s has a key of another type at login data",
		 redis_server_path(server));
	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		struct store_op ops[] = { { .verb = rows[i].verb,
					    .key = redis_rig_key(STORE_LOGIN, USER, HANDLE),
					    .value = SPAN_LIT(VALUE),
					    .ttl_s = 100,
					    .mode = rows[i].mode,
					    .each = no_call },
					  { .verb = STORE_PING } };

		ck_assert_int_eq(redis_rig_run(&r, ops, 2), rows[i].rc);
		ck_assert_int_eq(ops[0].rc, rows[i].op_rc);
		ck_assert_int_eq(ops[0].ret_n, 0);
		ck_assert_int_eq(ops[1].rc, rows[i].rc);
		ck_assert_str_eq(r.err.msg, want);
		expect_ask(9, "GET " USER, "other");
	}
	redis_rig_close(&r);
}
END_TEST

START_TEST(cannot_tell_when_other_data_stands_elsewhere)
{
	static const struct store_limit limit = { .free = 5, .memory_s = 900 };
	struct store_hit hit = { SPAN_LIT("00ff"), &limit };
	struct store_op ops[] = {
		{ .verb = STORE_GET, .key = redis_rig_key(STORE_RESTRICT, USER, HANDLE) },
		{ .verb = STORE_HIT, .hits = &hit, .n_hits = 1 },
	};
	struct redis_rig r;

	open_unix(&r);
	redis_server_ask(server, 8, "HSET " USER "__" HANDLE " a b");
	redis_server_ask(server, 8, "SET tpauth-fail/00ff nonsense");
	for (size_t i = 0; i < TP_COUNT(ops); i++)
		ck_assert_int_eq(redis_rig_do(&r, &ops[i]), TP_UNAVAILABLE);
	redis_rig_close(&r);
}
END_TEST

/* ---- round trips ---- */

START_TEST(checks_a_session_with_one_command)
{
	struct redis_watch *w;
	struct redis_rig r;

	open_unix(&r);
	ck_assert_int_eq(redis_rig_get(&r, USER, HANDLE), TP_NOT_FOUND);
	w = redis_watch_open(server);
	ck_assert_int_eq(redis_rig_get(&r, USER, HANDLE), TP_NOT_FOUND);
	ck_assert_str_eq(redis_watch_close(w), "9 \"HGET\" \"" USER "\" \"" HANDLE "\"\n");
	redis_rig_close(&r);
}
END_TEST

START_TEST(selects_a_database_only_when_it_is_another)
{
	struct store_op shut = { .verb = STORE_GET,
				 .key = redis_rig_key(STORE_RESTRICT, USER, HANDLE) };
	struct redis_watch *w;
	struct redis_rig r;

	open_unix(&r);
	ck_assert_int_eq(redis_rig_get(&r, USER, HANDLE), TP_NOT_FOUND);
	w = redis_watch_open(server);
	ck_assert_int_eq(redis_rig_do(&r, &shut), TP_NOT_FOUND);
	ck_assert_int_eq(redis_rig_do(&r, &shut), TP_NOT_FOUND);
	ck_assert_int_eq(redis_rig_get(&r, USER, HANDLE), TP_NOT_FOUND);
	ck_assert_int_eq(redis_rig_get(&r, USER, HANDLE), TP_NOT_FOUND);
	/* A SELECT is shown with the database that it selects. */
	ck_assert_str_eq(redis_watch_close(w), "8 \"SELECT\" \"8\"\n"
					       "8 \"GET\" \"" USER "__" HANDLE "\"\n"
					       "8 \"GET\" \"" USER "__" HANDLE "\"\n"
					       "9 \"SELECT\" \"9\"\n"
					       "9 \"HGET\" \"" USER "\" \"" HANDLE "\"\n"
					       "9 \"HGET\" \"" USER "\" \"" HANDLE "\"\n");
	redis_rig_close(&r);
}
END_TEST

START_TEST(does_without_scripts_on_the_server)
{
	struct redis_rig r;

	open_unix(&r);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(redis_rig_put(&r, USER, HANDLE, VALUE, 100, STORE_ANY), TP_OK);
		redis_server_ask(server, 0, "SCRIPT FLUSH");
	}
	redis_rig_close(&r);
}
END_TEST

/* In front of the script: a HEXPIRE for servers without one, which notes what it is told. */
#define WITH_HEXPIRE                                                                     \
	"local server, redis = redis, {}\n"                                              \
	"local function hexpire(name, ...)\n"                                            \
	"  if name ~= 'HEXPIRE' then return nil end\n"                                   \
	"  server.call('SET', 'told', table.concat({...}, ' '))\n"                       \
	"  if server.call('EXISTS', 'refuse') == 1 then return { err = 'NOPERM' } end\n" \
	"  return { 1 }\n"                                                               \
	"end\n"                                                                          \
	"function redis.call(...) return hexpire(...) or server.call(...) end\n"         \
	"function redis.pcall(...) return hexpire(...) or server.pcall(...) end\n"

START_TEST(gives_a_field_its_expiry_in_the_same_step)
{
	static const struct fake_step steps[] = { PLAY_HELLO_OF(PLAY_PRESENT, PLAY_PRESENT),
						  { .say = ":1\r\n" } };
	struct redis_play play;
	char script[8192];

	redis_play_begin(&play, steps, TP_COUNT(steps));
	ck_assert_int_eq(redis_play_put(&play), TP_OK);
	snprintf(script, sizeof(script), "%s%s", WITH_HEXPIRE,
		 fake_peer_word(play.peer, PLAY_HELLO_STEPS, 1));
	ck_assert_str_eq(redis_server_ask(server, 0, "EVAL %s 1 u h %s 86400 any 1", script, VALUE),
			 "1");
	ck_assert_str_eq(redis_server_ask(server, 0, "GET told"), "u 86400 FIELDS 1 h");
	ck_assert_str_eq(redis_server_ask(server, 0, "HGETALL u"), "h " VALUE);
	ck_assert_str_eq(redis_server_ask(server, 0, "TTL u"), "-1");
	/* A key that came with an expiry does not take the new session along. */
	redis_server_ask(server, 0, "EXPIRE u 30");
	redis_server_ask(server, 0, "EVAL %s 1 u h %s 86400 1 1", script, VALUE);
	expect_range(0, "TTL u", 86395, 86400);
	redis_server_ask(server, 0, "EVAL %s 1 u h %s 50 1 1", script, VALUE);
	expect_range(0, "TTL u", 86390, 86400);
	redis_server_ask(server, 0, "PERSIST u");
	redis_server_ask(server, 0, "SET refuse 1");
	ck_assert_str_eq(redis_server_ask(server, 0, "EVAL %s 1 u i %s 86400 0 1", script, VALUE),
			 "NOPERM");
	ck_assert_str_eq(redis_server_ask(server, 0, "HGETALL u"), "h " VALUE);
	redis_play_end(&play);
}
END_TEST

static enum tp_rc count_item(void *arg, struct span item, struct span value)
{
	(void)item;
	(void)value;
	++*(int *)arg;
	return TP_OK;
}

/* The number is in tpauth.conf(5). */
START_TEST(lists_so_many_sessions_of_one_user_and_ends_any_number)
{
	enum { MOST = 32767 };
	struct store_key key = redis_rig_key(STORE_LOGIN, USER, NULL);
	int seen = 0;
	struct store_op list = { .verb = STORE_LIST, .key = key, .each = count_item, .arg = &seen };
	struct store_op end = { .verb = STORE_DEL_OWNER, .key = key };
	struct redis_rig r;

	open_unix(&r);
	redis_server_ask(server, 9, "EVAL %s 1 " USER " %d",
			 "for i = 1, ARGV[1] do redis.call('HSET', KEYS[1], i, 'v') end", MOST);
	ck_assert_int_eq(redis_rig_do(&r, &list), TP_OK);
	ck_assert_int_eq(seen, MOST);
	redis_server_ask(server, 9, "HSET " USER " more v");
	seen = 0;
	ck_assert_int_eq(redis_rig_do(&r, &list), TP_UNAVAILABLE);
	ck_assert_int_eq(seen, 0);
	ck_assert_msg(strstr(r.err.msg, "sent a reply that is too large") != NULL, "%s", r.err.msg);
	ck_assert_int_eq(redis_rig_do(&r, &end), TP_OK);
	ck_assert_int_eq(end.ret_n, MOST + 1);
	ck_assert_int_eq(redis_rig_do(&r, &list), TP_OK);
	ck_assert_int_eq(seen, 0);
	redis_rig_close(&r);
}
END_TEST

/* ---- counting ---- */

START_TEST(counts_as_the_common_rule_does)
{
	static const struct store_limit limits[] = {
		{ .free = 5, .first_s = 1, .most_s = 900, .memory_s = 900 },
		{ .free = 3, .memory_s = 50, .window = true },
		{ .free = 0, .first_s = 2, .most_s = 2, .memory_s = 60 },
		{ .free = 1, .first_s = 3, .most_s = 10, .memory_s = 40 },
		{ .free = 1, .memory_s = 40 },
	};
	uint32_t dice = 1;
	struct redis_rig r;

	open_unix(&r);
	for (size_t k = 0; k < TP_COUNT(limits); k++) {
		struct store_hit hit = { SPAN_LIT("00ff"), &limits[k] };
		struct store_count state = { 0 };

		clear();
		r.now_s = 1795508315;
		for (int i = 0; i < 500; i++) {
			struct store_op op = { .verb = STORE_HIT, .hits = &hit, .n_hits = 1 };
			int64_t ttl_s = 0, wait_s;
			char want[64];

			dice = dice * 1664525 + 1013904223;
			r.now_s += (dice >> 16) % 5;
			if (dice >> 29 == 0)
				r.now_s -= 20;
			if (dice >> 26 == 1)
				r.now_s += limits[k].memory_s - 2;
			if (dice >> 26 == 2)
				r.now_s -= limits[k].memory_s + 2;
			wait_s = store_count_hit(&state, &limits[k], r.now_s, &ttl_s);
			ck_assert_int_eq(redis_rig_do(&r, &op), wait_s > 0 ? TP_THROTTLED : TP_OK);
			ck_assert_int_eq(op.ret_n, wait_s);
			snprintf(want, sizeof(want), "%lld %lld", (long long)state.n,
				 (long long)state.last_s);
			expect_ask(8, "GET tpauth-fail/00ff", want);
			if (wait_s == 0)
				expect_range(8, "TTL tpauth-fail/00ff", (int)ttl_s - 5, (int)ttl_s);
		}
	}
	redis_rig_close(&r);
}
END_TEST

START_TEST(keeps_the_expiry_of_a_counter_that_is_taken_back)
{
	static const struct store_limit limit = { .free = 5, .memory_s = 900 };
	struct store_hit hits[] = { { SPAN_LIT("aa"), &limit }, { SPAN_LIT("bb"), &limit } };
	struct store_op op = { .verb = STORE_HIT, .hits = hits, .n_hits = 2 };
	struct redis_rig r;

	open_unix(&r);
	r.now_s = 1795508315;
	ck_assert_int_eq(redis_rig_do(&r, &op), TP_OK);
	ck_assert_int_eq(redis_rig_do(&r, &op), TP_OK);
	op.verb = STORE_UNHIT;
	ck_assert_int_eq(redis_rig_do(&r, &op), TP_OK);
	expect_ask(8, "KEYS *", "tpauth-fail/bb");
	expect_ask(8, "GET tpauth-fail/bb", "1 1795508315");
	expect_range(8, "TTL tpauth-fail/bb", 895, 900);
	ck_assert_int_eq(redis_rig_do(&r, &op), TP_OK);
	expect_ask(8, "KEYS *", "");
	redis_rig_close(&r);
}
END_TEST

/* Alone it is tried as a transaction where the server has what that takes; in company it is not. */
START_TEST(counts_the_same_alone_in_company_and_without_transactions)
{
	static const struct store_limit limit = {
		.free = 2, .first_s = 9, .most_s = 9, .memory_s = 900
	};
	static const char *const denied[] = { "", "-multi", "-msetnx", "-exec" };
	static const enum tp_rc want[] = { TP_OK, TP_OK, TP_THROTTLED };
	struct store_hit hits[] = { { SPAN_LIT("aa"), &limit }, { SPAN_LIT("bb"), &limit } };

	for (size_t i = 0; i < 2 * TP_COUNT(denied); i++) {
		struct redis_rig r;

		clear();
		redis_server_ask(server, 0, "ACL SETUSER app on >pw ~* +@all %s", denied[i / 2]);
		redis_rig_open(&r, "redis://app:pw@127.0.0.1:%d", redis_server_port(server));
		r.now_s = 1795508315;
		for (size_t k = 0; k < TP_COUNT(want); k++) {
			struct store_op ops[] = {
				{ .verb = STORE_HIT, .hits = hits, .n_hits = 2 },
				{ .verb = STORE_PING },
			};

			ck_assert_int_eq(redis_rig_run(&r, ops, 1 + i % 2), TP_OK);
			ck_assert_int_eq(ops[0].rc, want[k]);
			ck_assert_int_eq(ops[0].ret_n, want[k] == TP_OK ? 0 : 9);
			expect_ask(8, "GET tpauth-fail/aa",
				   k == 0 ? "1 1795508315" : "2 1795508315");
			expect_range(8, "TTL tpauth-fail/aa", 890, 900);
			expect_range(8, "TTL tpauth-fail/bb", 890, 900);
		}
		/* One of several is there. */
		redis_server_ask(server, 8, "DEL tpauth-fail/aa");
		ck_assert_int_eq(redis_rig_do(&r, &(struct store_op){ .verb = STORE_HIT,
								      .hits = hits,
								      .n_hits = 2 }),
				 TP_THROTTLED);
		expect_ask(8, "EXISTS tpauth-fail/aa", "0");
		redis_rig_close(&r);
	}
}
END_TEST

static Suite *redis_verbs_suite(void)
{
	Suite *s = suite_create("redis_verbs");
	TCase *tc = tcase_create("real server");

	tcase_set_timeout(tc, 30);
	tcase_add_unchecked_fixture(tc, start_server, stop_server);
	tcase_add_checked_fixture(tc, clear, NULL);
	tcase_add_test(tc, writes_a_login_as_the_original_does);
	tcase_add_test(tc, reads_what_the_original_wrote);
	tcase_add_test(tc, only_ever_extends_the_expiry_of_a_user);
	tcase_add_test(tc, leaves_no_session_whose_expiry_is_refused);
	tcase_add_test(tc, keeps_databases_apart_by_the_settings_not_by_the_url);
	tcase_add_test(tc, takes_other_data_at_a_user_for_no_session);
	tcase_add_test(tc, cannot_tell_when_other_data_stands_elsewhere);
	tcase_add_test(tc, checks_a_session_with_one_command);
	tcase_add_test(tc, selects_a_database_only_when_it_is_another);
	tcase_add_test(tc, does_without_scripts_on_the_server);
	tcase_add_test(tc, lists_so_many_sessions_of_one_user_and_ends_any_number);
	tcase_add_test(tc, counts_as_the_common_rule_does);
	tcase_add_test(tc, counts_the_same_alone_in_company_and_without_transactions);
	tcase_add_test(tc, keeps_the_expiry_of_a_counter_that_is_taken_back);
	tcase_add_test(tc, gives_a_field_its_expiry_in_the_same_step);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return check_run(redis_verbs_suite());
}
