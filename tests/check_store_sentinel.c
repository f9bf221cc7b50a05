/* SPDX-License-Identifier: MIT */
/*
 * The store's contract with a Redis that is found through real sentinels, with and without waiting
 * for a replica. Who is asked and believed is in check_redis_sentinel.c; failovers are end to end.
 */
#include "support/check_run.h"
#include "support/redis_group.h"
#include "support/redis_rig.h"
#include "support/store_contract.h"

#include <stdio.h>

#include "base/banned.h"

static struct redis_server *master, *replica, *sentinels[GROUP_NODES];

static enum tp_rc open_store(int replicas, int64_t timeout_ms, struct store **ret,
			     struct tp_err *err)
{
	char url[100];
	struct store_spec spec = { .url = url,
				   .sentinel = true,
				   .master = GROUP_MASTER,
				   .wait_replicas = replicas,
				   .login_db = RIG_LOGIN_DB,
				   .restrict_db = RIG_RESTRICT_DB,
				   .timeout_ms = timeout_ms,
				   .clock = clock_system() };

	snprintf(url, sizeof(url), "redis://127.0.0.1:%d,127.0.0.1:%d,127.0.0.1:%d",
		 redis_server_port(sentinels[0]), redis_server_port(sentinels[1]),
		 redis_server_port(sentinels[2]));
	return store_open_with(&store_redis_ops, &spec, ret, err);
}

static enum tp_rc rig_open(void *arg, struct store **ret, struct tp_err *err)
{
	return open_store(*(const int *)arg, RIG_BUDGET_MS, ret, err);
}

static void rig_clear(void *arg)
{
	(void)arg;
	redis_server_ask(master, 0, "FLUSHALL");
}

static void rig_pass(void *arg, int64_t s)
{
	(void)arg;
	clock_pause_us(s * 1000000 + 50000);
}

static int none = 0, one = 1;
static struct store_rig rigs[] = {
	{ "sentinels", &none, rig_clear, rig_open, rig_pass, true, false, true, 100, false },
	{ "sentinels and a replica", &one, rig_clear, rig_open, rig_pass, true, false, true, 50,
	  false },
};

static void start(void)
{
	master = redis_server_start(NULL);
	replica = redis_group_replica(master);
	redis_group_sentinels(sentinels, master);
	for (size_t i = 0; i < TP_COUNT(rigs); i++)
		rigs[i].expires = redis_server_ask(master, 0, "COMMAND INFO HEXPIRE")[0] != '(';
}

static void stop(void)
{
	for (int i = 0; i < GROUP_NODES; i++)
		redis_server_stop(sentinels[i]);
	redis_server_stop(replica);
	redis_server_stop(master);
}

/* Else the contract might hold for a store that waits for nobody. */
START_TEST(acknowledges_nothing_that_the_replica_has_not)
{
	struct store_op op = { .verb = STORE_PUT,
			       .key = { STORE_LOGIN, SPAN_LIT("user"), SPAN_LIT("handle") },
			       .value = SPAN_LIT("value"),
			       .ttl_s = 100 };
	struct store *s = NULL;

	ck_assert_int_eq(open_store(1, 1000, &s, NULL), TP_OK);
	redis_server_freeze(replica);
	ck_assert_int_eq(store_do(s, &op, NULL), TP_UNAVAILABLE);
	redis_server_thaw(replica);
	store_begin(s);
	op.value = SPAN_LIT("another");
	ck_assert_int_eq(store_do(s, &op, NULL), TP_OK);
	ck_assert_str_eq(redis_server_ask(replica, RIG_LOGIN_DB, "HGET user handle"), "another");
	store_close(s);
}
END_TEST

/* A case that failed may have left it frozen. */
static void fresh(void)
{
	redis_server_thaw(replica);
}

static Suite *store_sentinel_suite(void)
{
	Suite *s = suite_create("store_sentinel");
	TCase *tc = store_contract_case(rigs, TP_COUNT(rigs));

	tcase_add_unchecked_fixture(tc, start, stop);
	tcase_add_checked_fixture(tc, fresh, NULL);
	tcase_add_test(tc, acknowledges_nothing_that_the_replica_has_not);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return check_run(store_sentinel_suite());
}
