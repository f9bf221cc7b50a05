/* SPDX-License-Identifier: MIT */
/* Owns the child: it is reaped before lookup_host() returns, whatever it does. */
#include "base/lookup.h"

#include "base/clock.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/banned.h"

/* What the child writes, in one piece: less than PIPE_BUF, and so whole or not at all. */
struct found {
	int failed; /* of getaddrinfo() */
	struct lookup at;
};

_Static_assert(sizeof(struct found) <= PIPE_BUF, "an answer fits in one write");

static enum tp_rc fail_errno(const char *what, struct tp_err *err)
{
	const char *why = strerror(errno); /* NOLINT(concurrency-mt-unsafe): there are no threads */

	return tp_fail(err, TP_UNAVAILABLE, "%s: %s", what, why);
}

static void find(const char *host, int port, int flags, struct found *ret)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	char service[16];

	memset(ret, 0, sizeof(*ret));
	snprintf(service, sizeof(service), "%d", port);
	hints.ai_flags = flags | AI_NUMERICSERV;
	ret->failed = getaddrinfo(host, service, &hints, &list);
	if (ret->failed != 0)
		return;
	for (const struct addrinfo *a = list; a != NULL && ret->at.n < LIMIT_ADDRESSES;
	     a = a->ai_next) {
		struct lookup_address *to = &ret->at.v[ret->at.n++];

		memcpy(&to->to, a->ai_addr, a->ai_addrlen);
		to->len = a->ai_addrlen;
	}
	freeaddrinfo(list);
}

static _Noreturn void child(const char *host, int port, pid_t parent, int out)
{
	struct found found;

	/* A parent that is killed takes the child along, which has its sockets open too. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent) {
		find(host, port, 0, &found);
		(void)!write(out, &found, sizeof(found));
	}
	_exit(0);
}

static enum tp_rc await(int fd, int64_t deadline_ms, struct tp_err *err)
{
	struct pollfd p = { fd, POLLIN, 0 };

	for (;;) {
		int64_t left_ms = deadline_ms - clock_mono_ms();
		int n;

		if (left_ms <= 0)
			return tp_fail(err, TP_UNAVAILABLE, "was not looked up in time");
		n = poll(&p, 1, left_ms < INT_MAX ? (int)left_ms : INT_MAX);
		if (n > 0)
			return TP_OK;
		if (n < 0 && errno != EINTR)
			return fail_errno("poll", err);
	}
}

static enum tp_rc answer(const struct found *found, struct lookup *ret, struct tp_err *err)
{
	if (found->failed != 0)
		return tp_fail(err, found->failed == EAI_MEMORY ? TP_NOMEM : TP_UNAVAILABLE, "%s",
			       gai_strerror(found->failed));
	if (found->at.n == 0)
		return tp_fail(err, TP_UNAVAILABLE, "has no address");
	*ret = found->at;
	return TP_OK;
}

static enum tp_rc take(int fd, int64_t deadline_ms, struct lookup *ret, struct tp_err *err)
{
	struct found found;
	enum tp_rc rc = await(fd, deadline_ms, err);
	ssize_t n;

	if (rc != TP_OK)
		return rc;
	do
		n = read(fd, &found, sizeof(found));
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(found))
		return tp_fail(err, TP_UNAVAILABLE, "could not be looked up");
	return answer(&found, ret, err);
}

static void end(pid_t pid)
{
	pid_t got;

	(void)kill(pid, SIGKILL);
	do
		got = waitpid(pid, NULL, 0);
	while (got < 0 && errno == EINTR);
}

static enum tp_rc by_child(const char *host, int port, int64_t deadline_ms, struct lookup *ret,
			   struct tp_err *err)
{
	pid_t self = getpid(), pid;
	enum tp_rc rc;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return fail_errno("pipe", err);
	pid = fork();
	if (pid == 0)
		child(host, port, self, ends[1]);
	close(ends[1]);
	if (pid > 0) {
		rc = take(ends[0], deadline_ms, ret, err);
		end(pid);
	} else {
		rc = fail_errno("fork", err);
	}
	close(ends[0]);
	return rc;
}

enum tp_rc lookup_host(const char *host, int port, int64_t deadline_ms, struct lookup *ret,
		       struct tp_err *err)
{
	struct found found;

	find(host, port, AI_NUMERICHOST, &found);
	if (found.failed == EAI_NONAME)
		return by_child(host, port, deadline_ms, ret, err);
	return answer(&found, ret, err);
}
