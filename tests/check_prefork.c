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
	int started, reloaded, drained, checked;
	pid_t last;
	int config_is_good, die_young;
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

static pid_t supervise(int workers)
{
	struct prefork how = { workers, work, check, NULL, NULL };
	pid_t pid = fork();

	if (pid == 0) {
		signals_init();
		_exit(prefork_run(&how, 5));
	}
	return pid;
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
	ends_well(pid);
	ck_assert_int_eq(board->reloaded, WORKERS);
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

static Suite *prefork_suite(void)
{
	Suite *s = suite_create("prefork");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, starts_and_drains_its_workers);
	tcase_add_test(t, replaces_a_worker_that_was_killed);
	tcase_add_test(t, hands_a_reload_on_when_the_configuration_is_good);
	tcase_add_loop_test(t, does_not_spin_on_workers_that_cannot_start, 0,
			    (int)TP_COUNT(deaths));
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(prefork_suite());
}
