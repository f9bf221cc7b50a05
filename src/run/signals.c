/* SPDX-License-Identifier: MIT */
/*
 * Owns the process's signal dispositions and the flags that handlers set. Handlers do nothing else,
 * so all decisions are made in ordinary code, between requests.
 */
#include "run/signals.h"

#include <sys/time.h>

#include "base/banned.h"

static volatile sig_atomic_t stop_flag, reload_flag, reopen_flag, child_flag;
static sigset_t wait_mask;

static void on_signal(int number)
{
	switch (number) {
	case SIGHUP:
		reload_flag = 1;
		break;
	case SIGUSR2:
		reopen_flag = 1;
		break;
	case SIGCHLD:
		child_flag = 1;
		break;
	case SIGALRM:
		break; /* only there to interrupt a system call */
	default:
		stop_flag = 1;
		break;
	}
}

static void handle(int number)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigemptyset(&sa.sa_mask);
	sigaction(number, &sa, NULL);
}

static void block(const int *numbers, size_t n)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < n; i++)
		sigaddset(&set, numbers[i]);
	sigprocmask(SIG_BLOCK, &set, NULL); /* NOLINT(concurrency-mt-unsafe): no threads */
	for (size_t i = 0; i < n; i++) {
		sigdelset(&wait_mask, numbers[i]);
		handle(numbers[i]);
	}
}

void signals_ignore_pipe(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigemptyset(&ignore.sa_mask);
	sigaction(SIGPIPE, &ignore, NULL);
}

void signals_init(void)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGUSR1, SIGUSR2, SIGHUP };
	struct sigaction usual = { .sa_handler = SIG_DFL };

	sigprocmask(SIG_SETMASK, NULL, &wait_mask); /* NOLINT(concurrency-mt-unsafe) */
	block(numbers, sizeof(numbers) / sizeof(numbers[0]));
	signals_ignore_pipe();
	/* Whoever started us may ignore it, and then no exit status of a token handler arrives. */
	sigemptyset(&usual.sa_mask);
	sigaction(SIGCHLD, &usual, NULL);
	handle(SIGALRM);
}

void signals_watch_children(void)
{
	static const int numbers[] = { SIGCHLD };

	block(numbers, 1);
}

void signals_let_in(void)
{
	sigset_t blocked;

	sigprocmask(SIG_SETMASK, &wait_mask, &blocked); /* NOLINT(concurrency-mt-unsafe) */
	sigprocmask(SIG_SETMASK, &blocked, NULL);	/* NOLINT(concurrency-mt-unsafe) */
}

const sigset_t *signals_wait_mask(void)
{
	return &wait_mask;
}

bool signals_stop(void)
{
	return stop_flag != 0;
}

bool signals_reload(void)
{
	bool was = reload_flag != 0;

	reload_flag = 0;
	return was;
}

bool signals_reopen(void)
{
	bool was = reopen_flag != 0;

	reopen_flag = 0;
	return was;
}

bool signals_child(void)
{
	bool was = child_flag != 0;

	child_flag = 0;
	return was;
}

void signals_alarm(int seconds)
{
	struct itimerval t = { .it_interval.tv_sec = seconds > 0 ? 1 : 0,
			       .it_value.tv_sec = seconds };

	setitimer(ITIMER_REAL, &t, NULL);
}

void signals_forget(void)
{
	stop_flag = 0;
	reload_flag = 0;
	reopen_flag = 0;
	child_flag = 0;
}
