/* SPDX-License-Identifier: MIT */
/* A copy of this process that answers one question: what it finds around it, and its end. */
#include "auth/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "support/check_run.h"

#include "base/banned.h"

enum { LONG_MS = 20000, SHORT_MS = 200, MOST = 1000 };

static struct child c = CHILD_INIT;
static struct buf answer = BUF_INIT(MOST);
static struct tp_err err;

static void end(void)
{
	child_release(&c);
	buf_release(&answer);
	/* Nothing of it is left. */
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}

static enum tp_rc run(int (*fn)(void *arg, int out), void *arg, int64_t limit_ms, int *ret_status)
{
	enum tp_rc rc = child_fork(&c, fn, arg, &err);

	if (rc == TP_OK)
		rc = child_await(&c, limit_ms, &answer, &err);
	return rc == TP_OK ? child_status(&c, ret_status, &err) : rc;
}

static int echo(void *arg, int out)
{
	const char *text = arg;

	return write(out, text, strlen(text)) == (ssize_t)strlen(text) ? 7 : 1;
}

START_TEST(what_it_writes_and_returns_arrives)
{
	char text[] = "hello";
	int status = -1;

	ck_assert_int_eq(run(echo, text, LONG_MS, &status), TP_OK);
	ck_assert_int_eq(status, 7);
	ck_assert_str_eq(buf_cstr(&answer), "hello");
}
END_TEST

static int chatter(void *arg, int out)
{
	while (write(out, arg, 1) == 1)
		continue;
	return 0;
}

START_TEST(too_much_is_cut_off)
{
	char x = 'x';
	int status = -1;

	ck_assert_int_eq(run(chatter, &x, LONG_MS, &status), TP_TOO_LARGE);
	ck_assert_str_eq(err.msg, "the token handler's answer is larger than 1000 bytes");
}
END_TEST

static int hang(void *arg, int out)
{
	(void)arg;
	(void)out;
	if (fork() == 0)
		pause();
	pause();
	return 0;
}

START_TEST(too_long_is_ended_with_all_its_own)
{
	int64_t begun = clock_mono_ms();
	int status = -1;
	pid_t group;

	ck_assert_int_eq(run(hang, NULL, SHORT_MS, &status), TP_UNAVAILABLE);
	ck_assert_str_eq(err.msg, "the token handler took longer than 200 ms");
	ck_assert_int_lt(clock_mono_ms() - begun, LONG_MS);
	group = c.pid;
	child_release(&c);
	/* A member that nobody has reaped yet is still one. */
	for (int i = 0; i < 500 && kill(-group, 0) == 0; i++)
		clock_pause_us(10000);
	ck_assert_int_eq(kill(-group, 0), -1);
}
END_TEST

static int die(void *arg, int out)
{
	(void)arg;
	(void)out;
	raise(SIGTERM);
	return 0;
}

START_TEST(death_by_a_signal_is_trouble)
{
	int status = -1;

	ck_assert_int_eq(run(die, NULL, LONG_MS, &status), TP_UNAVAILABLE);
	ck_assert_str_eq(err.msg, "the token handler was killed by signal 15");
}
END_TEST

static void caught(int s)
{
	(void)s;
}

static bool has_calm_signals(void)
{
	struct sigaction a;
	sigset_t blocked;

	if (sigprocmask(SIG_SETMASK, NULL, &blocked) != 0 || sigismember(&blocked, SIGUSR1) != 0)
		return false;
	return sigaction(SIGTERM, NULL, &a) == 0 && a.sa_handler == SIG_DFL &&
	       sigaction(SIGPIPE, NULL, &a) == 0 && a.sa_handler == SIG_DFL;
}

/* 1 to 6: what is wrong. */
static int look_around(void *arg, int out)
{
	char cwd[10] = "", byte;

	(void)arg;
	if (getenv("HTTP_PROXY") != NULL || getenv("HTTP_X") != NULL ||
	    getenv("NOT_HTTP_X") == NULL)
		return 1;
	if (getcwd(cwd, sizeof(cwd)) == NULL || strcmp(cwd, "/") != 0)
		return 2;
	if (!has_calm_signals())
		return 3;
	for (int fd = STDERR_FILENO + 1; fd < 256; fd++) {
		if (fd != out && fcntl(fd, F_GETFD) != -1)
			return 4;
	}
	if (read(STDIN_FILENO, &byte, 1) != 0 || write(STDOUT_FILENO, "", 0) != 0 ||
	    write(STDERR_FILENO, "", 0) != 0)
		return 5;
	return getpgrp() == getpid() ? 0 : 6;
}

START_TEST(it_finds_nothing_around_it)
{
	int status = -1, open_fd = dup(STDERR_FILENO);
	sigset_t one;

	setenv("HTTP_PROXY", "http://127.0.0.1/", 1);
	setenv("NOT_HTTP_X", "x", 1);
	setenv("HTTP_X", "x", 1);
	sigemptyset(&one);
	sigaddset(&one, SIGUSR1);
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, &one, NULL), 0);
	signal(SIGTERM, caught);
	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(run(look_around, NULL, LONG_MS, &status), TP_OK);
	ck_assert_int_eq(status, 0);
	ck_assert_ptr_nonnull(getenv("HTTP_X")); /* ours is as it was */
	close(open_fd);
}
END_TEST

START_TEST(works_without_the_standard_descriptors)
{
	int status = -1, kept = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 50);

	setenv("NOT_HTTP_X", "x", 1);
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		close(fd);
	if (run(look_around, NULL, LONG_MS, &status) != TP_OK)
		status = -2;
	dup2(kept, STDERR_FILENO);
	ck_assert_int_eq(status, 0);
}
END_TEST

static Suite *child_suite(void)
{
	Suite *s = suite_create("child");
	TCase *t = tcase_create("child");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, NULL, end);
	tcase_add_test(t, what_it_writes_and_returns_arrives);
	tcase_add_test(t, too_much_is_cut_off);
	tcase_add_test(t, too_long_is_ended_with_all_its_own);
	tcase_add_test(t, death_by_a_signal_is_trouble);
	tcase_add_test(t, it_finds_nothing_around_it);
	tcase_add_test(t, works_without_the_standard_descriptors);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(child_suite());
}
