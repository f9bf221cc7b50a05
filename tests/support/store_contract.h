/* SPDX-License-Identifier: MIT */
/*
 * The contract of store/store.h as one set of cases, run against every backend and the fake one:
 *
 *	memory				check_store
 *	lmdb				check_store_lmdb
 *	redis: socket, TCP, a cluster	check_store_redis
 *	redis: TLS			check_redis_tls
 *	redis: sentinels, a replica	check_store_sentinel
 *	redis: HEXPIRE, a cluster	check_store_hexpire
 *	memcached: one, two		check_store_memcached
 *
 * In what they differ for a case is in its struct store_rig; in what for users, in the table of
 * tpauth.conf(5), SESSION STORES.
 *
 * A check program hands in its rigs and adds the case to its suite; each case runs once for each
 * rig. Fixtures that start and stop a server are the program's (unchecked ones, on this TCase):
 *
 *	TCase *tc = store_contract_case(rigs, TP_COUNT(rigs));
 *	tcase_add_unchecked_fixture(tc, start_server, stop_server);
 *	suite_add_tcase(suite, tc);
 */
#ifndef SUPPORT_STORE_CONTRACT_H
#define SUPPORT_STORE_CONTRACT_H

#include "store/store.h"

#include <check.h>

struct store_rig {
	const char *name;
	void *arg; /* handed to the functions */

	/* Takes all data away; first in each case. NULL: a store that was just opened is empty. */
	void (*clear)(void *arg);

	/* Opens a store over the data, with a budget of at least 5 s; close it with store_close().
	 * Where `shared`, also called in forked processes, several at a time. */
	enum tp_rc (*open)(void *arg, struct store **ret, struct tp_err *err);

	/* Lets s seconds pass: moves the fake clock, or waits. */
	void (*pass)(void *arg, int64_t s);

	bool waits;   /* pass() really waits: only the few cases with lifetimes of 1 to 3 s run */
	bool expires; /* each item of STORE_LOGIN ends by itself; else an owner's items end together
		       * with the last of them, and STORE_SAMPLE shows some */
	bool shared;  /* several processes may have it open: the racing cases run */
	int rounds;   /* how often each race is run, up to STORE_RIG_ROUNDS; 0: 200 */
	bool no_walk; /* it cannot tell what is in it */
};

enum { STORE_RIG_ROUNDS = 1000 };

/* Once in a program; rigs must outlive the run. */
TCase *store_contract_case(const struct store_rig *rigs, size_t n);

#endif
