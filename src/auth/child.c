/* SPDX-License-Identifier: MIT */
/* Owns the pipe, the waiting and the end of a child. What is asked and answered is not its
 * affair. */
#include "auth/child.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "base/banned.h"

enum {
	/* How long to wait before asking whether it has ended: the end of its output wakes us
	 * before that, and is mostly a moment before its own. */
	WAIT_MS = 20,
	WAIT_END_MS = 1,
	ANSWER_FD = STDERR_FILENO + 1,
	LOST = 127 /* a copy that could not be set up */
};

enum tp_rc child_trouble(struct tp_err *err, const char *what)
{
	return tp_fail(err, TP_UNAVAILABLE, "the token handler: %s: %s", what,
		       strerror(errno)); /* NOLINT(concurrency-mt-unsafe): no threads */
}

void child_close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

/* Kills what still runs of the group, and reaps the child. Its status, or -1: it was lost. */
static int child_end(struct child *c, bool kill_group)
{
	int status = -1;
	pid_t got;

	if (c->pid <= 0)
		return -1;
	if (kill_group)
		(void)kill(-c->pid, SIGKILL);
	do
		got = waitpid(c->pid, &status, 0);
	while (got < 0 && errno == EINTR);
	c->pid = 0;
	return got < 0 ? -1 : status;
}

void child_release(struct child *c)
{
	(void)child_end(c, true);
	child_close_fd(&c->out);
}

/* Reads what there is, without waiting. */
static enum tp_rc child_read(struct child *c, struct buf *out, struct tp_err *err)
{
	char chunk[4096];

	while (c->out >= 0) {
		ssize_t n = read(c->out, chunk, sizeof(chunk));

		if (n > 0) {
			buf_put(out, chunk, (size_t)n);
			if (out->rc != TP_OK)
				return buf_rc(out, "the token handler's answer", err);
		} else if (n == 0) {
			child_close_fd(&c->out);
		} else if (errno == EAGAIN) {
			return TP_OK;
		} else if (errno != EINTR) {
			return child_trouble(err, "reading its answer");
		}
	}
	return TP_OK;
}

/* Leaves it to be reaped. Also true when there is nothing to reap: child_end() will tell. */
static bool child_has_ended(const struct child *c)
{
	siginfo_t info;

	info.si_pid = 0;
	return waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
	       info.si_pid == c->pid;
}

/* Until the child has ended, and all that it wrote is read. */
enum tp_rc child_await(struct child *c, int64_t limit_ms, struct buf *out, struct tp_err *err)
{
	const int64_t deadline = clock_mono_ms() + limit_ms;
	enum tp_rc rc;

	for (;;) {
		struct pollfd fd = { c->out, POLLIN, 0 };
		int64_t left = deadline - clock_mono_ms();
		int64_t most = c->out >= 0 ? WAIT_MS : WAIT_END_MS;
		bool ended;

		if (left <= 0)
			return tp_fail(err, TP_UNAVAILABLE,
				       "the token handler took longer than %lld ms",
				       (long long)limit_ms);
		if (poll(&fd, 1, (int)(left < most ? left : most)) < 0 && errno != EINTR)
			return child_trouble(err, "poll");
		ended = child_has_ended(c); /* before the reading, which then misses nothing */
		rc = child_read(c, out, err);
		if (rc != TP_OK || ended)
			return rc;
	}
}

enum tp_rc child_status(struct child *c, int *ret_status, struct tp_err *err)
{
	int status = child_end(c, false);

	if (status == -1)
		return tp_fail(err, TP_UNAVAILABLE, "the token handler's exit status was lost");
	if (WIFSIGNALED(status))
		return tp_fail(err, TP_UNAVAILABLE, "the token handler was killed by signal %d",
			       WTERMSIG(status));
	*ret_status = WEXITSTATUS(status);
	return TP_OK;
}

enum tp_rc child_pipe(struct child *c, int *ret_out, struct tp_err *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return child_trouble(err, "a pipe");
	c->out = ends[0];
	*ret_out = ends[1];
	if (fcntl(c->out, F_SETFL, O_NONBLOCK) != 0)
		return child_trouble(err, "a pipe");
	return TP_OK;
}

/* ---- a copy of this process ---- */

static void calm_signals(void)
{
	const struct sigaction as_ever = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int s = 1; s < NSIG; s++)
		(void)sigaction(s, &as_ever, NULL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL); /* NOLINT(concurrency-mt-unsafe): no threads */
}

/* Any of the standard descriptors may be closed, and out may have the place of one. */
static bool arrange_fds(int out)
{
	int high = fcntl(out, F_DUPFD_CLOEXEC, ANSWER_FD + 1);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	null = null >= 0 ? fcntl(null, F_DUPFD_CLOEXEC, ANSWER_FD + 1) : -1;
	if (high < 0 || null < 0 || dup2(null, STDIN_FILENO) < 0)
		return false;
	if ((out == STDERR_FILENO || fcntl(STDERR_FILENO, F_GETFD) < 0) &&
	    dup2(null, STDERR_FILENO) < 0)
		return false;
	return dup2(STDERR_FILENO, STDOUT_FILENO) >= 0 && dup3(high, ANSWER_FD, O_CLOEXEC) >= 0 &&
	       close_range(ANSWER_FD + 1, ~0U, 0) == 0;
}

/* What a client sent, as CGI has it in the environment: HTTP_PROXY would be taken for a setting. */
static void forget_headers(void)
{
	size_t i = 0;

	while (environ != NULL && environ[i] != NULL) {
		char name[256] = "";
		size_t n = strcspn(environ[i], "=");

		if (strncmp(environ[i], "HTTP_", strlen("HTTP_")) != 0 || n >= sizeof(name)) {
			i++;
			continue;
		}
		memcpy(name, environ[i], n);
		if (unsetenv(name) != 0) /* NOLINT(concurrency-mt-unsafe): no threads */
			i++;
	}
}

/* syslog(3) has a descriptor of its own, whose number would be somebody else's soon. */
static _Noreturn void be_the_copy(int (*fn)(void *arg, int out), void *arg, int out, pid_t parent)
{
	(void)setpgid(0, 0);
	calm_signals();
	closelog();
	forget_headers();
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent || !arrange_fds(out) ||
	    chdir("/") != 0)
		_exit(LOST);
	_exit(fn(arg, ANSWER_FD));
}

enum tp_rc child_fork(struct child *c, int (*fn)(void *arg, int out), void *arg, struct tp_err *err)
{
	TP_CLEANUP(child_close_fd) int out = -1;
	const pid_t self = getpid();
	enum tp_rc rc = child_pipe(c, &out, err);

	if (rc != TP_OK)
		return rc;
	c->pid = fork();
	if (c->pid == 0)
		be_the_copy(fn, arg, out, self);
	if (c->pid < 0) {
		c->pid = 0;
		return child_trouble(err, "a process");
	}
	/* Both do it, so that it is done before either goes on. */
	(void)setpgid(c->pid, c->pid);
	return TP_OK;
}
