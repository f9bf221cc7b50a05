/* SPDX-License-Identifier: MIT */
/* The supervisor, over workers that do nothing: it fills, replaces, reloads when told good, and
 * drains. */
#include "run/prefork.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "run/signals.h"
#include "support/check_run.h"

#include "base/banned.h"

enum { WORKERS = 3, PATIENCE_MS = 5000 };

/* Shared with the supervisor and its workers. */
struct board {
	int started, reloaded, reopened, drained, checked;
	pid_t last;
	int config_is_good, die_young;
	int beside_started, beside_reloaded, beside_drained, beside_exit;
	pid_t beside;
};

static struct board *board;

static void add(int *n)
{
	__atomic_add_fetch(n, 1, __ATOMIC_SEQ_CST);
}

static int get(const int *n)
{
	return __atomic_load_n(n, __ATOMIC_SEQ_CST);
}

static int work(void *arg)
{
	(void)arg;
	__atomic_store_n(&board->last, getpid(), __ATOMIC_SEQ_CST);
	add(&board->started);
	if (get(&board->die_young) == 1)
		return EXIT_FAILURE;
	if (get(&board->die_young) == SIGKILL)
		kill(getpid(), SIGKILL);
	while (!signals_stop()) {
		sigsuspend(signals_wait_mask());
		if (signals_reload())
			add(&board->reloaded);
		if (signals_reopen())
			add(&board->reopened);
	}
	add(&board->drained);
	return EXIT_SUCCESS;
}

static bool check(void *arg)
{
	(void)arg;
	add(&board->checked);
	return get(&board->config_is_good) > 0;
}

static int beside(void *arg)
{
	(void)arg;
	__atomic_store_n(&board->beside, getpid(), __ATOMIC_SEQ_CST);
	add(&board->beside_started);
	if (get(&board->beside_exit) != 0)
		return get(&board->beside_exit);
	while (!signals_stop()) {
		sigsuspend(signals_wait_mask());
		if (signals_reload())
			add(&board->beside_reloaded);
	}
	add(&board->beside_drained);
	return EXIT_SUCCESS;
}

static pid_t supervise_with(int workers, int (*other)(void *arg))
{
	struct prefork how = { .workers = workers, .work = work, .check = check, .beside = other };
	pid_t pid = fork();

	if (pid == 0) {
		signals_init();
		_exit(prefork_run(&how, 5));
	}
	return pid;
}

static pid_t supervise(int workers)
{
	return supervise_with(workers, NULL);
}

static void becomes(const int *n, int want)
{
	int64_t end_ms = clock_mono_ms() + PATIENCE_MS;

	while (get(n) < want && clock_mono_ms() < end_ms)
		clock_pause_us(2000);
	ck_assert_int_eq(get(n), want);
}

static void ends_well(pid_t pid)
{
	int status = -1;

	kill(pid, SIGTERM);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS);
}

static void setup(void)
{
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	ck_assert_ptr_ne(board, MAP_FAILED);
	*board = (struct board){ .config_is_good = 1 };
	ck_assert_int_eq(log_open("stderr", LOG_LOGFMT, LOG_LEVEL_ERR, "check", NULL), TP_OK);
}

static void teardown(void)
{
	munmap(board, sizeof(*board));
}

START_TEST(starts_and_drains_its_workers)
{
	pid_t pid = supervise(WORKERS);

	becomes(&board->started, WORKERS);
	ends_well(pid);
	ck_assert_int_eq(board->drained, WORKERS);
}
END_TEST

START_TEST(replaces_a_worker_that_was_killed)
{
	pid_t pid = supervise(WORKERS);

	becomes(&board->started, WORKERS);
	kill(board->last, SIGKILL);
	becomes(&board->started, WORKERS + 1);
	ends_well(pid);
	ck_assert_int_eq(board->drained, WORKERS);
}
END_TEST

START_TEST(hands_a_reload_on_when_the_configuration_is_good)
{
	pid_t pid = supervise(WORKERS);

	becomes(&board->started, WORKERS);
	kill(pid, SIGHUP);
	becomes(&board->reloaded, WORKERS);
	board->config_is_good = 0;
	kill(pid, SIGHUP);
	becomes(&board->checked, 2);
	becomes(&board->reopened, WORKERS);
	ends_well(pid);
	ck_assert_int_eq(board->reloaded, WORKERS);
}
END_TEST

START_TEST(hands_on_that_the_log_is_to_be_opened_anew)
{
	pid_t pid = supervise(WORKERS);

	becomes(&board->started, WORKERS);
	kill(pid, SIGUSR2);
	becomes(&board->reopened, WORKERS);
	ends_well(pid);
	ck_assert_int_eq(board->checked, 0);
	ck_assert_int_eq(board->drained, WORKERS);
}
END_TEST

static const int deaths[] = { 1, SIGKILL };

START_TEST(does_not_spin_on_workers_that_cannot_start)
{
	pid_t pid;

	board->die_young = deaths[_i];
	pid = supervise(1);
	clock_pause_us(900 * 1000);
	/* At 0, 100, 300 and 700 ms; a first shot is no reason to wait. */
	ck_assert_int_ge(get(&board->started), 2);
	ck_assert_int_le(get(&board->started), 5);
	ends_well(pid);
}
END_TEST

START_TEST(replaces_within_a_second_what_is_killed_again_and_again)
{
	int64_t start_ms;
	pid_t pid;

	board->die_young = SIGKILL;
	pid = supervise(1);
	becomes(&board->started, 7);
	/* Pauses that went on doubling would be of 1.6 and 3.2 s now. */
	start_ms = clock_mono_ms();
	becomes(&board->started, 9);
	ck_assert_int_lt(clock_mono_ms() - start_ms, 2000);
	ends_well(pid);
}
END_TEST

START_TEST(keeps_the_one_beside_the_workers_running)
{
	pid_t pid = supervise_with(WORKERS, beside);

	becomes(&board->started, WORKERS);
	becomes(&board->beside_started, 1);
	kill(board->beside, SIGKILL);
	becomes(&board->beside_started, 2);
	kill(pid, SIGHUP);
	becomes(&board->beside_reloaded, 1);
	becomes(&board->reloaded, WORKERS);
	ends_well(pid);
	ck_assert_int_eq(board->beside_drained, 1);
	ck_assert_int_eq(board->drained, WORKERS);
	ck_assert_int_eq(board->started, WORKERS);
}
END_TEST

START_TEST(ends_when_the_first_one_beside_refuses_its_settings)
{
	int status = -1;
	pid_t pid;

	board->beside_exit = 78;
	pid = supervise_with(WORKERS, beside);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 78);
	ck_assert_int_eq(board->beside_started, 1);
	ck_assert_int_eq(board->drained, board->started);
}
END_TEST

/* Workers serve on: what is wrong then may have nothing to do with them. */
START_TEST(tries_again_when_a_later_one_refuses)
{
	pid_t pid = supervise_with(1, beside);

	becomes(&board->beside_started, 1);
	becomes(&board->started, 1);
	board->beside_exit = 78;
	kill(board->beside, SIGKILL);
	clock_pause_us(900 * 1000);
	ck_assert_int_ge(get(&board->beside_started), 2);
	ck_assert_int_le(get(&board->beside_started), 6);
	ends_well(pid);
	ck_assert_int_eq(board->started, 1);
}
END_TEST

START_TEST(does_not_spin_on_one_beside_that_fails)
{
	pid_t pid;

	board->beside_exit = 69;
	pid = supervise_with(1, beside);
	clock_pause_us(900 * 1000);
	ck_assert_int_ge(get(&board->beside_started), 2);
	ck_assert_int_le(get(&board->beside_started), 5);
	ends_well(pid);
}
END_TEST

static Suite *prefork_suite(void)
{
	Suite *s = suite_create("prefork");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, starts_and_drains_its_workers);
	tcase_add_test(t, replaces_a_worker_that_was_killed);
	tcase_add_test(t, replaces_within_a_second_what_is_killed_again_and_again);
	tcase_add_test(t, hands_a_reload_on_when_the_configuration_is_good);
	tcase_add_test(t, hands_on_that_the_log_is_to_be_opened_anew);
	tcase_add_test(t, keeps_the_one_beside_the_workers_running);
	tcase_add_test(t, ends_when_the_first_one_beside_refuses_its_settings);
	tcase_add_test(t, tries_again_when_a_later_one_refuses);
	tcase_add_test(t, does_not_spin_on_one_beside_that_fails);
	tcase_add_loop_test(t, does_not_spin_on_workers_that_cannot_start, 0,
			    (int)TP_COUNT(deaths));
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(prefork_suite());
}
