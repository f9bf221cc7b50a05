/* SPDX-License-Identifier: MIT */
/*
 * Runs the program of exec:COMMAND, bounded in time and output. The question is a file in memory
 * and not a pipe: it cannot fill up, it cannot break, and a program that does not read it harms
 * nobody. The end of the program is what counts and not the end of its output, since a process that
 * it leaves behind may hold stdout open for ever. SIGCHLD must not be ignored in the process that
 * uses this: the kernel would throw the exit status away. What the answer must hold is judged by
 * authn.
 */
#include "auth/authn_exec.h"

#include "auth/authn_question.h"
#include "base/limits.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/banned.h"

enum {
	MOST_WORDS = 64,
	/* How long to wait before asking whether it has ended: the end of its output wakes us
	 * before that, and is mostly a moment before its own. */
	WAIT_MS = 20,
	WAIT_END_MS = 1,
};

struct exec {
	char *words; /* what argv points into */
	char *argv[MOST_WORDS + 1];
	int64_t limit_ms;
};

struct child {
	pid_t pid;
	int out; /* the end of its stdout that we read; -1 once it has ended */
};

static const char *why(void)
{
	return strerror(errno); /* NOLINT(concurrency-mt-unsafe): there are no threads */
}

/* ---- the command ---- */

/* Cuts the next word off *at in place; NULL: no more. *ret_open is set when a quote stays open. */
static char *next_word(char **at, bool *ret_open)
{
	char *from = *at + strspn(*at, " \t"), *to = from, *word = from;
	char quote = '\0';

	if (*from == '\0')
		return NULL;
	for (; *from != '\0'; from++) {
		if (*from == quote)
			quote = '\0';
		else if (quote == '\0' && (*from == '"' || *from == '\''))
			quote = *from;
		else if (quote == '\0' && (*from == ' ' || *from == '\t'))
			break;
		else
			*to++ = *from;
	}
	*at = *from == '\0' ? from : from + 1;
	*to = '\0';
	*ret_open = quote != '\0';
	return word;
}

static enum tp_rc split(struct exec *x, struct tp_err *err)
{
	char *at = x->words, *word;
	bool open = false;
	size_t n = 0;

	while ((word = next_word(&at, &open)) != NULL) {
		if (open)
			return tp_fail(err, TP_INVALID, "TOKEN_HANDLER: a quote is not closed");
		if (n == MOST_WORDS)
			return tp_fail(err, TP_INVALID, "TOKEN_HANDLER: more than %d words",
				       MOST_WORDS);
		x->argv[n++] = word;
	}
	return TP_OK;
}

static enum tp_rc check_program(const char *path, struct tp_err *err)
{
	struct stat st;

	if (path == NULL || path[0] != '/')
		return tp_fail(err, TP_INVALID,
			       "TOKEN_HANDLER takes exec:COMMAND with the absolute path of a "
			       "program");
	if (stat(path, &st) != 0)
		return tp_fail(err, TP_INVALID, "TOKEN_HANDLER: %s: %s", path, why());
	if (!S_ISREG(st.st_mode) || faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) != 0)
		return tp_fail(err, TP_INVALID, "TOKEN_HANDLER: %s is not executable", path);
	return TP_OK;
}

static void exec_close(void *self)
{
	struct exec *x = self;

	if (x == NULL)
		return;
	free(x->words);
	free(x);
}

enum tp_rc authn_exec_open(struct span command, int64_t limit_ms, void **ret, struct tp_err *err)
{
	struct exec *x;
	enum tp_rc rc;

	if (command.p == NULL || span_has_byte(command, '\0'))
		return tp_fail(err, TP_INVALID, "TOKEN_HANDLER takes exec:COMMAND");
	x = calloc(1, sizeof(*x));
	if (x == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	x->limit_ms = limit_ms;
	x->words = span_dup(command);
	rc = x->words == NULL ? tp_fail(err, TP_NOMEM, "out of memory") : split(x, err);
	if (rc == TP_OK)
		rc = check_program(x->argv[0], err);
	if (rc != TP_OK) {
		exec_close(x);
		return rc;
	}
	*ret = x;
	return TP_OK;
}

static enum tp_rc exec_open(const struct authn_spec *spec, struct span arg, void **ret,
			    struct tp_err *err)
{
	return authn_exec_open(arg, spec->limit_ms, ret, err);
}

/* ---- the program ---- */

static enum tp_rc trouble(struct tp_err *err, const char *what)
{
	return tp_fail(err, TP_UNAVAILABLE, "the token handler: %s: %s", what, why());
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

/* The question as a file to read from the start; emptied by its caller at the end, since it may
 * hold a password and somebody may have kept it open. */
static enum tp_rc question_file(const struct authn_request *r, int *ret, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(AUTHN_QUESTION_MOST);
	enum tp_rc rc;
	int fd;

	rc = authn_question_put(r, &text, err);
	if (rc != TP_OK)
		return rc;
	fd = memfd_create("tpauth-question", MFD_CLOEXEC);
	if (fd < 0)
		return trouble(err, "a file in memory");
	if (pwrite(fd, text.p, text.len, 0) != (ssize_t)text.len) {
		rc = trouble(err, "a file in memory");
		close_fd(&fd);
		return rc;
	}
	*ret = fd;
	return TP_OK;
}

static void question_close(int *fd)
{
	if (*fd >= 0)
		(void)!ftruncate(*fd, 0);
	close_fd(fd);
}

static int set_up_child(posix_spawn_file_actions_t *files, posix_spawnattr_t *attr, int in, int out)
{
	sigset_t none, all;
	int e;

	/* Opened in this order: so neither takes the other's place, even if we have no 0 and 1. */
	assert(in < out);
	sigemptyset(&none);
	sigfillset(&all);
	e = posix_spawn_file_actions_adddup2(files, in, STDIN_FILENO);
	if (e == 0)
		e = posix_spawn_file_actions_adddup2(files, out, STDOUT_FILENO);
	/* Ours are all O_CLOEXEC; those of libraries and of the web server are not. */
	if (e == 0)
		e = posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1);
	if (e == 0)
		e = posix_spawnattr_setsigmask(attr, &none);
	if (e == 0)
		e = posix_spawnattr_setsigdefault(attr, &all);
	if (e == 0)
		e = posix_spawnattr_setpgroup(attr, 0);
	if (e == 0)
		e = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
							   POSIX_SPAWN_SETPGROUP);
	return e;
}

/* Returns an errno. */
static int spawn(const struct exec *x, int in, int out, pid_t *ret)
{
	char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char lang[] = "LANG=C.UTF-8";
	char *env[] = { path, lang, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int e;

	e = posix_spawn_file_actions_init(&files);
	if (e != 0)
		return e;
	e = posix_spawnattr_init(&attr);
	if (e == 0) {
		e = set_up_child(&files, &attr, in, out);
		if (e == 0)
			e = posix_spawn(ret, x->argv[0], &files, &attr, x->argv, env);
		(void)posix_spawnattr_destroy(&attr);
	}
	(void)posix_spawn_file_actions_destroy(&files);
	return e;
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

static void child_release(struct child *c)
{
	(void)child_end(c, true);
	close_fd(&c->out);
}

static enum tp_rc child_start(const struct exec *x, int in, struct child *c, struct tp_err *err)
{
	TP_CLEANUP(close_fd) int out = -1;
	int ends[2], e;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return trouble(err, "a pipe");
	c->out = ends[0];
	out = ends[1];
	if (fcntl(c->out, F_SETFL, O_NONBLOCK) != 0)
		return trouble(err, "a pipe");
	e = spawn(x, in, out, &c->pid);
	if (e != 0) {
		c->pid = 0;
		errno = e;
		return trouble(err, x->argv[0]);
	}
	return TP_OK;
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
			close_fd(&c->out);
		} else if (errno == EAGAIN) {
			return TP_OK;
		} else if (errno != EINTR) {
			return trouble(err, "reading its answer");
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
static enum tp_rc child_await(struct child *c, int64_t limit_ms, struct buf *out,
			      struct tp_err *err)
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
			return trouble(err, "poll");
		ended = child_has_ended(c); /* before the reading, which then misses nothing */
		rc = child_read(c, out, err);
		if (rc != TP_OK || ended)
			return rc;
	}
}

static enum tp_rc judge(int status, struct tp_err *err)
{
	if (status == -1)
		return tp_fail(err, TP_UNAVAILABLE, "the token handler's exit status was lost");
	if (WIFSIGNALED(status))
		return tp_fail(err, TP_UNAVAILABLE, "the token handler was killed by signal %d",
			       WTERMSIG(status));
	if (WEXITSTATUS(status) == 1)
		return tp_fail(err, TP_DENIED, "the token handler said no");
	if (WEXITSTATUS(status) != 0)
		return tp_fail(err, TP_UNAVAILABLE, "the token handler exited with status %d",
			       WEXITSTATUS(status));
	return TP_OK;
}

static enum tp_rc run(const struct exec *x, int question, struct buf *answer, struct tp_err *err)
{
	TP_CLEANUP(child_release) struct child c = { 0, -1 };
	enum tp_rc rc;

	rc = child_start(x, question, &c, err);
	if (rc == TP_OK)
		rc = child_await(&c, x->limit_ms, answer, err);
	if (rc != TP_OK)
		return rc;
	return judge(child_end(&c, false), err);
}

static enum tp_rc exec_ask(void *self, const struct authn_request *r, struct jval **ret_claims,
			   struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf answer = BUF_INIT(LIMIT_AUTHN_OUTPUT);
	TP_CLEANUP(question_close) int question = -1;
	const struct exec *x = self;
	enum tp_rc rc;

	rc = question_file(r, &question, err);
	if (rc == TP_OK)
		rc = run(x, question, &answer, err);
	if (rc != TP_OK)
		return rc;
	return authn_answer_parse(buf_view(&answer), ret_claims, err);
}

const struct authn_ops authn_exec_ops = {
	.scheme = "exec", .open = exec_open, .ask = exec_ask, .close = exec_close
};
