/* SPDX-License-Identifier: MIT */
/*
 * The store's contract with a Redis whose fields can expire (HEXPIRE, Redis 7.4 and Valkey 9): a
 * real server that learnt it from BUILD_DIR/tests/module/hexpire.so, or knows it by itself. Without
 * the command the same cases run in check_store_redis.c.
 */
#include "support/check_run.h"
#include "support/redis_group.h"
#include "support/redis_rig.h"
#include "support/store_contract.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

#define USER   "user_099"
#define HANDLE "Vy3Zn4MVLLfifneYUA7Tm7"
#define VALUE  "{\"token\": \"a.b.c\", \"expire\": 1440}"

static struct redis_server *server, *nodes[GROUP_NODES];
static char module_file[PATH_MAX];
static const char *const with_module[] = { "--loadmodule", module_file, NULL };

static void find_module(void)
{
	const char *build = getenv("BUILD_DIR");
	char file[PATH_MAX];

	snprintf(file, sizeof(file), "%s/tests/module/hexpire.so", build != NULL ? build : ".");
	ck_assert_msg(realpath(file, module_file) != NULL, "%s is not built", file);
}

/* ---- the contract ---- */

static enum tp_rc open_store(struct store_spec *spec, struct store **ret, struct tp_err *err)
{
	spec->login_db = RIG_LOGIN_DB;
	spec->restrict_db = RIG_RESTRICT_DB;
	spec->timeout_ms = RIG_BUDGET_MS;
	spec->clock = clock_system();
	return store_open_with(&store_redis_ops, spec, ret, err);
}

static enum tp_rc rig_open(void *arg, struct store **ret, struct tp_err *err)
{
	char url[200];
	struct store_spec spec = { .url = url };

	(void)arg;
	snprintf(url, sizeof(url), "unix://%s", redis_server_path(server));
	return open_store(&spec, ret, err);
}

static enum tp_rc cluster_open(void *arg, struct store **ret, struct tp_err *err)
{
	char url[200];
	struct store_spec spec = { .url = url };

	(void)arg;
	snprintf(url, sizeof(url), "valkey://127.0.0.1:%d,127.0.0.1:%d",
		 redis_server_port(nodes[0]), redis_server_port(nodes[2]));
	return open_store(&spec, ret, err);
}

static void rig_clear(void *arg)
{
	(void)arg;
	redis_server_ask(server, 0, "FLUSHALL");
}

static void cluster_clear(void *arg)
{
	(void)arg;
	for (int i = 0; i < GROUP_NODES; i++)
		redis_server_ask(nodes[i], 0, "FLUSHALL");
}

static void rig_pass(void *arg, int64_t s)
{
	(void)arg;
	clock_pause_us(s * 1000000 + 50000);
}

static const struct store_rig rigs[] = {
	{ "HEXPIRE", NULL, rig_clear, rig_open, rig_pass, true, true, true, 100, false },
	{ "HEXPIRE, cluster", NULL, cluster_clear, cluster_open, rig_pass, true, true, true, 50,
	  false },
};

static void start_one(void)
{
	find_module();
	server = redis_server_start(with_module);
}

static void stop_one(void)
{
	redis_server_stop(server);
}

static void start_contract(void)
{
	start_one();
	redis_group_cluster(nodes, with_module);
}

static void stop_contract(void)
{
	for (int i = 0; i < GROUP_NODES; i++)
		redis_server_stop(nodes[i]);
	stop_one();
}

/* ---- how it is done ---- */

static void expect_range(const char *question, int low, int high)
{
	struct span answer = span_of(redis_server_ask(server, RIG_LOGIN_DB, question));
	int64_t n = 0;

	ck_assert_msg(span_int(answer, low, high, &n), "%s: %.*s", question, (int)answer.len,
		      answer.p);
}

static void open_rig(struct redis_rig *r)
{
	redis_server_ask(server, 0, "FLUSHALL");
	redis_rig_open(r, "unix://%s", redis_server_path(server));
}

/* One command of the client's; all else is inside of it. */
START_TEST(writes_value_and_expiry_in_one_step)
{
	struct redis_watch *w;
	struct redis_rig r;
	const char *said, *set, *expire;

	open_rig(&r);
	ck_assert_int_eq(redis_rig_get(&r, USER, HANDLE), TP_NOT_FOUND);
	w = redis_watch_open(server);
	ck_assert_int_eq(redis_rig_put(&r, USER, HANDLE, VALUE, 86400, STORE_ANY), TP_OK);
	said = redis_watch_close(w);
	ck_assert_msg(strncmp(said, "9 \"EVAL\" ", 9) == 0, "%s", said);
	ck_assert_msg(strstr(said, "\n9 \"") == NULL, "%s", said);
	set = strstr(said, "\n9 lua \"HSET\" \"" USER "\" \"" HANDLE "\" ");
	expire = strstr(said, "\n9 lua \"HEXPIRE\" \"" USER
			      "\" \"86400\" \"FIELDS\" \"1\" \"" HANDLE "\"\n");
	ck_assert_msg(set != NULL && expire != NULL && set < expire, "%s", said);
	ck_assert_msg(strstr(said, "lua \"EXPIRE\"") == NULL, "%s", said);
	ck_assert_str_eq(redis_server_ask(server, RIG_LOGIN_DB, "TTL " USER), "-1");
	expect_range("HTTL " USER " FIELDS 1 " HANDLE, 86390, 86400);
	redis_rig_close(&r);
}
END_TEST

START_TEST(gives_each_session_an_end_of_its_own)
{
	struct redis_rig r;

	open_rig(&r);
	ck_assert_int_eq(redis_rig_put(&r, USER, "short", VALUE, 100, STORE_IF_ABSENT), TP_OK);
	ck_assert_int_eq(redis_rig_put(&r, USER, "long", VALUE, 1000, STORE_IF_ABSENT), TP_OK);
	expect_range("HTTL " USER " FIELDS 1 short", 90, 100);
	expect_range("HTTL " USER " FIELDS 1 long", 990, 1000);
	ck_assert_int_eq(redis_rig_put(&r, USER, "long", VALUE, 50, STORE_IF_PRESENT), TP_OK);
	expect_range("HTTL " USER " FIELDS 1 long", 40, 50);
	/* The original, cut off before its HEXPIRE, left one without an end; a refresh gives it
	 * one. */
	redis_server_ask(server, RIG_LOGIN_DB, "HSET " USER " open v");
	ck_assert_str_eq(redis_server_ask(server, RIG_LOGIN_DB, "HTTL " USER " FIELDS 1 open"),
			 "-1");
	ck_assert_int_eq(redis_rig_put(&r, USER, "open", VALUE, 100, STORE_IF_PRESENT), TP_OK);
	expect_range("HTTL " USER " FIELDS 1 open", 90, 100);
	redis_rig_close(&r);
}
END_TEST

/* An ACL that lacks HEXPIRE alone. */
START_TEST(leaves_no_session_whose_expiry_is_refused)
{
	struct redis_rig r;

	redis_server_ask(server, 0, "FLUSHALL");
	redis_server_ask(server, 0, "ACL SETUSER app on >pw ~* +@all -hexpire");
	redis_rig_open(&r, "redis://app:pw@127.0.0.1:%d", redis_server_port(server));
	ck_assert_int_eq(redis_rig_put(&r, USER, HANDLE, VALUE, 100, STORE_ANY), TP_UNAVAILABLE);
	ck_assert_str_eq(redis_server_ask(server, RIG_LOGIN_DB, "EXISTS " USER), "0");
	redis_rig_close(&r);
	redis_server_ask(server, 0, "ACL DELUSER app");
}
END_TEST

static Suite *store_hexpire_suite(void)
{
	Suite *s = suite_create("store_hexpire");
	TCase *contract = store_contract_case(rigs, TP_COUNT(rigs));
	TCase *tc = tcase_create("fields");

	tcase_add_unchecked_fixture(contract, start_contract, stop_contract);
	suite_add_tcase(s, contract);
	tcase_set_timeout(tc, 30);
	tcase_add_unchecked_fixture(tc, start_one, stop_one);
	tcase_add_test(tc, writes_value_and_expiry_in_one_step);
	tcase_add_test(tc, gives_each_session_an_end_of_its_own);
	tcase_add_test(tc, leaves_no_session_whose_expiry_is_refused);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return check_run(store_hexpire_suite());
}
