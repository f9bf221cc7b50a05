/* SPDX-License-Identifier: MIT */
/* The pool's places: counted across processes, bounded for logins, and free again after kill -9. */
#include "run/pool.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/check_run.h"
#include "support/folder.h"

#include "base/banned.h"

static char dir[128];

static void setup(void)
{
	folder_make();
	snprintf(dir, sizeof(dir), "%s", folder_path(""));
}

static struct pool *join(void)
{
	struct tp_err err = { 0 };
	struct pool *p = NULL;

	ck_assert_msg(pool_open(dir, &p, &err) == TP_OK, "%s", err.msg);
	return p;
}

/* A worker in a process of its own that stays until it is killed, inside a login if asked to. */
static pid_t worker(bool at_login)
{
	int ready[2];
	char c;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		struct pool *p = NULL;
		struct auth_gate gate;

		if (pool_open(dir, &p, NULL) != TP_OK)
			_exit(EXIT_FAILURE);
		gate = pool_gate(p);
		if (at_login && !gate.enter(gate.arg))
			_exit(EXIT_FAILURE);
		if (write(ready[1], "x", 1) != 1)
			_exit(EXIT_FAILURE);
		pause();
		_exit(EXIT_SUCCESS);
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

START_TEST(counts_the_workers_that_live)
{
	struct pool *p = join();
	pid_t first, second;

	ck_assert_int_eq(pool_workers(p), 1);
	first = worker(false);
	second = worker(false);
	ck_assert_int_eq(pool_workers(p), 3);
	end(first); /* leaves a gap before the second */
	ck_assert_int_eq(pool_workers(p), 2);
	end(second);
	ck_assert_int_eq(pool_workers(p), 1);
	pool_close(p);
}
END_TEST

START_TEST(lets_half_of_the_workers_log_in)
{
	pid_t other[3] = { worker(true), worker(false), worker(false) };
	struct pool *p = join(); /* the fourth: two may log in, one does */
	struct auth_gate gate = pool_gate(p);
	pid_t third;

	ck_assert(gate.enter(gate.arg));
	gate.leave(gate.arg);
	third = worker(true); /* of five still two */
	ck_assert(!gate.enter(gate.arg));
	end(third);
	ck_assert(gate.enter(gate.arg));
	gate.leave(gate.arg);
	gate.leave(gate.arg); /* without harm */
	for (size_t i = 0; i < TP_COUNT(other); i++)
		end(other[i]);
	pool_close(p);
}
END_TEST

START_TEST(lets_a_single_worker_log_in)
{
	struct pool *p = join();
	struct auth_gate gate = pool_gate(p);

	ck_assert(gate.enter(gate.arg));
	gate.leave(gate.arg);
	pool_close(p);
}
END_TEST

START_TEST(has_no_gate_without_a_pool)
{
	ck_assert(pool_gate(NULL).enter == NULL);
	pool_close(NULL);
}
END_TEST

START_TEST(says_which_folder_it_cannot_use)
{
	struct tp_err err = { 0 };
	struct pool *p = NULL;

	ck_assert_int_eq(pool_open("/nonexistent", &p, &err), TP_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(err.msg, "STATE_DIR: /nonexistent/pool.lock"));
	ck_assert_ptr_null(p);
}
END_TEST

static Suite *pool_suite(void)
{
	Suite *s = suite_create("pool");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, folder_remove);
	tcase_add_test(t, counts_the_workers_that_live);
	tcase_add_test(t, lets_half_of_the_workers_log_in);
	tcase_add_test(t, lets_a_single_worker_log_in);
	tcase_add_test(t, has_no_gate_without_a_pool);
	tcase_add_test(t, says_which_folder_it_cannot_use);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(pool_suite());
}
