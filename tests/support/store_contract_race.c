/* SPDX-License-Identifier: MIT */
/*
 * The cases of store_contract.h with several processes at once. Each opens a store of its own over
 * the same data, tells by its exit status, and meets the others at counters in shared memory.
 */
#include "support/store_contract_parts.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/banned.h"

enum { ROUNDS = 200, RACERS = 4 };

/* What they share. */
struct shared {
	atomic_int arrived;
	atomic_int wins[STORE_RIG_ROUNDS];
};

struct race {
	const struct store_rig *rig;
	struct shared *shared;
	int rounds;
};

/* Returns the exit status. */
typedef int racer_fn(const struct race *race, struct store *s, int who);

static struct race race_of(const struct store_rig *rig)
{
	struct race r = { .rig = rig, .rounds = rig->rounds > 0 ? rig->rounds : ROUNDS };

	r.shared = mmap(NULL, sizeof(*r.shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	ck_assert_ptr_ne(r.shared, MAP_FAILED);
	return r;
}

static void meet(const struct race *race, int racers, int round)
{
	atomic_fetch_add(&race->shared->arrived, 1);
	while (atomic_load(&race->shared->arrived) < racers * (round + 1))
		sched_yield();
}

static void run_race(const struct race *race, int racers, racer_fn *fn)
{
	pid_t pid[RACERS];

	fflush(NULL);
	for (int i = 0; i < racers; i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			struct store *s = contract_open(race->rig);
			int status = s != NULL ? fn(race, s, i) : 2;

			store_close(s);
			_exit(status);
		}
		ck_assert_int_gt(pid[i], 0);
	}
	for (int i = 0; i < racers; i++) {
		int status = -1;

		ck_assert_int_eq(waitpid(pid[i], &status, 0), pid[i]);
		ck_assert_msg(status == 0, "%s: racer %d ended with %x", race->rig->name, i,
			      (unsigned)status);
	}
}

static int claim(const struct race *race, struct store *s, int who)
{
	char item[16];

	(void)who;
	for (int i = 0; i < race->rounds; i++) {
		enum tp_rc rc;

		meet(race, RACERS, i);
		snprintf(item, sizeof(item), "%d", i);
		store_begin(s);
		rc = contract_put(s, contract_key(STORE_RESTRICT, USER, item), "v", HOUR,
				  STORE_IF_ABSENT);
		if (rc == TP_OK)
			atomic_fetch_add(&race->shared->wins[i], 1);
		else if (rc != TP_EXISTS)
			return 1;
	}
	return 0;
}

START_TEST(of_many_claims_at_once_exactly_one_wins)
{
	struct race race = race_of(&contract_rigs[_i]);

	store_close(contract_begin(race.rig));
	if (!race.rig->shared)
		return;
	run_race(&race, RACERS, claim);
	for (int i = 0; i < race.rounds; i++)
		ck_assert_int_eq(atomic_load(&race.shared->wins[i]), 1);
}
END_TEST

/* One refreshes, the other logs out. */
static int refresh_or_delete(const struct race *race, struct store *s, int who)
{
	char item[16];

	for (int i = 0; i < race->rounds; i++) {
		enum tp_rc rc;

		snprintf(item, sizeof(item), "%d", i);
		store_begin(s);
		meet(race, 2, i);
		if (who == 0)
			rc = contract_put(s, contract_login(item), "new", HOUR, STORE_IF_PRESENT);
		else
			rc = contract_ask(s, STORE_DEL, contract_login(item));
		if (rc != TP_OK && (who != 0 || rc != TP_NOT_FOUND))
			return 1;
	}
	return 0;
}

START_TEST(a_refresh_never_undoes_a_logout)
{
	struct race race = race_of(&contract_rigs[_i]);
	struct store *s = contract_begin(race.rig);
	char item[16];

	for (int i = 0; race.rig->shared && i < race.rounds; i++) {
		snprintf(item, sizeof(item), "%d", i);
		store_begin(s);
		ck_assert_int_eq(contract_put(s, contract_login(item), "old", HOUR, STORE_ANY),
				 TP_OK);
	}
	store_close(s);
	if (!race.rig->shared)
		return;
	run_race(&race, 2, refresh_or_delete);
	s = contract_open(race.rig);
	ck_assert_ptr_nonnull(s);
	for (int i = 0; i < race.rounds; i++) {
		snprintf(item, sizeof(item), "%d", i);
		store_begin(s);
		ck_assert_int_eq(contract_ask(s, STORE_GET, contract_login(item)), TP_NOT_FOUND);
	}
	store_close(s);
}
END_TEST

/* One refreshes, one logs in, one logs out everywhere. */
static int refresh_login_or_end_all(const struct race *race, struct store *s, int who)
{
	static const char *const items[] = { "old", "new", "" };
	static const enum store_mode modes[] = { STORE_IF_PRESENT, STORE_ANY, STORE_ANY };
	char user[16];

	for (int i = 0; i < race->rounds; i++) {
		enum tp_rc rc;

		snprintf(user, sizeof(user), "user%d", i);
		store_begin(s);
		meet(race, 3, i);
		if (who == 2)
			rc = contract_ask(s, STORE_DEL_OWNER,
					  contract_key(STORE_LOGIN, user, NULL));
		else
			rc = contract_put(s, contract_key(STORE_LOGIN, user, items[who]), "v", HOUR,
					  modes[who]);
		if (rc != TP_OK && (who != 0 || rc != TP_NOT_FOUND))
			return 1;
	}
	return 0;
}

START_TEST(nothing_undoes_a_logout_everywhere)
{
	struct race race = race_of(&contract_rigs[_i]);
	struct store *s = contract_begin(race.rig);
	char user[16];

	for (int i = 0; race.rig->shared && i < race.rounds; i++) {
		snprintf(user, sizeof(user), "user%d", i);
		store_begin(s);
		ck_assert_int_eq(contract_put(s, contract_key(STORE_LOGIN, user, "old"), "v", HOUR,
					      STORE_ANY),
				 TP_OK);
	}
	store_close(s);
	if (!race.rig->shared)
		return;
	run_race(&race, 3, refresh_login_or_end_all);
	s = contract_open(race.rig);
	ck_assert_ptr_nonnull(s);
	for (int i = 0; i < race.rounds; i++) {
		snprintf(user, sizeof(user), "user%d", i);
		store_begin(s);
		ck_assert_int_eq(contract_ask(s, STORE_GET, contract_key(STORE_LOGIN, user, "old")),
				 TP_NOT_FOUND);
	}
	store_close(s);
}
END_TEST

/* All at once, as after a restart of an application: no login may push another out. */
static int log_in(const struct race *race, struct store *s, int who)
{
	char item[32];

	meet(race, RACERS, 0);
	for (int i = 0; i < race->rounds; i++) {
		snprintf(item, sizeof(item), "%d-%d", who, i);
		store_begin(s);
		if (contract_put(s, contract_login(item), "v", HOUR, STORE_ANY) != TP_OK)
			return 1;
	}
	return 0;
}

START_TEST(logins_of_one_user_at_once_all_stand)
{
	struct race race = race_of(&contract_rigs[_i]);
	struct store *s = contract_begin(race.rig);
	char item[32];

	race.rounds = race.rounds < 50 ? race.rounds : 50;
	if (race.rig->shared)
		run_race(&race, RACERS, log_in);
	for (int i = 0; race.rig->shared && i < RACERS * race.rounds; i++) {
		snprintf(item, sizeof(item), "%d-%d", i / race.rounds, i % race.rounds);
		store_begin(s);
		ck_assert_int_eq(contract_ask(s, STORE_GET, contract_login(item)), TP_OK);
	}
	store_close(s);
}
END_TEST

static const struct store_limit plenty = { .free = 100, .memory_s = 900, .window = true };

static int guess(const struct race *race, struct store *s, int who)
{
	struct store_hit h = { SPAN_LIT("guess"), &plenty };
	int64_t wait_s;

	(void)who;
	meet(race, RACERS, 0);
	for (int i = 0; i < 50; i++) {
		enum tp_rc rc = contract_hit(s, &h, 1, &wait_s);

		if (rc == TP_OK)
			atomic_fetch_add(&race->shared->wins[0], 1);
		else if (rc != TP_THROTTLED)
			return 1;
	}
	return 0;
}

START_TEST(counts_attempts_of_several_processes_together)
{
	struct race race = race_of(&contract_rigs[_i]);

	store_close(contract_begin(race.rig));
	if (!race.rig->shared)
		return;
	run_race(&race, RACERS, guess);
	ck_assert_int_eq(atomic_load(&race.shared->wins[0]), 100);
}
END_TEST

void contract_add_races(TCase *tc, int end)
{
	tcase_add_loop_test(tc, of_many_claims_at_once_exactly_one_wins, 0, end);
	tcase_add_loop_test(tc, a_refresh_never_undoes_a_logout, 0, end);
	tcase_add_loop_test(tc, nothing_undoes_a_logout_everywhere, 0, end);
	tcase_add_loop_test(tc, logins_of_one_user_at_once_all_stand, 0, end);
	tcase_add_loop_test(tc, counts_attempts_of_several_processes_together, 0, end);
}
