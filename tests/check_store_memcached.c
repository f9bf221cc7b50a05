/* SPDX-License-Identifier: MIT */
/*
 * The memcached backend against real servers: the store's contract, what forgetting does to
 * sessions, races, and the servers' troubles. What a peer can do wrong on the wire is in
 * check_mc_wire.c, what records look like in check_mc_item.c.
 *
 * The contract holds as it is in store.h. How memcached differs from the other stores all the same:
 *
 *	forgetting	an item may go at any time; a user's list that goes ends all of the user's
 *			sessions, a session's item that goes ends it, a counter starts at zero
 *	counters	an attempt under several names is not one step: in between, others see one
 *			too many under some of them
 *	counts		of a user's sessions stay too high where one was forgotten, until it would
 *			have ended
 *	most sessions	of a user: LIMIT_SESSIONS; then the one that ends first makes room
 *	servers		each has its own users: one that is down is TP_UNAVAILABLE for those only,
 *			and STORE_PING is content with any that answers
 */
#include "base/limits.h"
#include "store/backend.h"
#include "support/check_run.h"
#include "support/memcached_server.h"
#include "support/store_contract.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/banned.h"

enum { NOW = 1800000000, BUDGET_MS = 8000 };

static struct memcached_server *servers[2];
static int64_t now_s = NOW;

static int64_t fake_now(void *arg)
{
	return *(int64_t *)arg;
}

static void start_servers(void)
{
	for (size_t i = 0; i < TP_COUNT(servers); i++)
		servers[i] = memcached_server_start(NULL);
}

static void stop_servers(void)
{
	for (size_t i = 0; i < TP_COUNT(servers); i++)
		memcached_server_stop(servers[i]);
}

static void clear(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < TP_COUNT(servers); i++)
		memcached_server_ask(servers[i], "flush_all");
}

/* ---- the contract ---- */

struct set_up {
	size_t n;
	bool fake_clock;
};

static enum tp_rc open_store(const struct set_up *how, struct store **ret, struct tp_err *err)
{
	char url[200];
	struct store_spec spec = { .url = url, .timeout_ms = BUDGET_MS, .clock = clock_system() };
	int len = snprintf(url, sizeof(url), "memcached://127.0.0.1:%d",
			   memcached_server_port(servers[0]));

	if (how->n > 1)
		snprintf(url + len, sizeof(url) - (size_t)len, ",127.0.0.1:%d",
			 memcached_server_port(servers[1]));
	if (how->fake_clock)
		spec.clock = (struct clock){ fake_now, &now_s };
	return store_open_with(&store_memcached_ops, &spec, ret, err);
}

static enum tp_rc rig_open(void *arg, struct store **ret, struct tp_err *err)
{
	return open_store(arg, ret, err);
}

static void rig_wait(void *arg, int64_t s)
{
	(void)arg;
	clock_pause_us(s * 1000000 + 50000);
}

static void rig_pass(void *arg, int64_t s)
{
	(void)arg;
	now_s += s;
}

static struct set_up one_real = { 1, false }, two_fake = { 2, true };
static const struct store_rig rigs[] = {
	{ "one server, in real time", &one_real, clear, rig_open, rig_wait, true, true, true, 200 },
	{ "two servers", &two_fake, clear, rig_open, rig_pass, false, true, true, 50 },
};

static Suite *store_memcached_suite(void)
{
	Suite *s = suite_create("store_memcached");
	TCase *tc = store_contract_case(rigs, TP_COUNT(rigs));

	tcase_add_unchecked_fixture(tc, start_servers, stop_servers);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return check_run(store_memcached_suite());
}
