/* SPDX-License-Identifier: MIT */
/*
 * Runs the program of exec:COMMAND. The question is a file in memory and not a pipe: it cannot fill
 * up, it cannot break, and a program that does not read it harms nobody. What the answer must hold
 * is judged by authn.
 */
#include "auth/authn_exec.h"

#include "auth/authn_question.h"
#include "auth/child.h"
#include "base/limits.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

struct exec {
	char *words; /* what argv points into */
	char *argv[LIMIT_AUTHN_WORDS + 1];
	int64_t limit_ms;
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
		if (n == LIMIT_AUTHN_WORDS)
			return tp_fail(err, TP_INVALID, "TOKEN_HANDLER: more than %d words",
				       LIMIT_AUTHN_WORDS);
		x->argv[n++] = word;
	}
	return TP_OK;
}

static enum tp_rc check_program(const char *path, struct tp_err *err)
{
	struct stat st;

	if (path == NULL || path[0] != '/')
		return tp_fail(err, TP_INVALID,
			       "TOKEN_HANDLER: takes exec:COMMAND with the absolute path of a "
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
		return tp_fail(err, TP_INVALID, "TOKEN_HANDLER: takes exec:COMMAND");
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

/* The question as a file to read from the start; emptied by its caller at the end, since it may
 * hold a password and somebody may have kept it open. */
static enum tp_rc question_file(const struct authn_request *r, int *ret, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(LIMIT_AUTHN_QUESTION);
	enum tp_rc rc;
	int fd;

	rc = authn_question_put(r, &text, err);
	if (rc != TP_OK)
		return rc;
	fd = memfd_create("tpauth-question", MFD_CLOEXEC);
	if (fd < 0)
		return child_trouble(err, "a file in memory");
	if (pwrite(fd, text.p, text.len, 0) != (ssize_t)text.len) {
		rc = child_trouble(err, "a file in memory");
		child_close_fd(&fd);
		return rc;
	}
	*ret = fd;
	return TP_OK;
}

static void question_close(int *fd)
{
	if (*fd >= 0)
		(void)!ftruncate(*fd, 0);
	child_close_fd(fd);
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

static enum tp_rc start(const struct exec *x, int in, struct child *c, struct tp_err *err)
{
	TP_CLEANUP(child_close_fd) int out = -1;
	enum tp_rc rc = child_pipe(c, &out, err);
	int e;

	if (rc != TP_OK)
		return rc;
	e = spawn(x, in, out, &c->pid);
	if (e != 0) {
		c->pid = 0;
		errno = e;
		return child_trouble(err, x->argv[0]);
	}
	return TP_OK;
}

static enum tp_rc judge(int status, struct tp_err *err)
{
	if (status == 1)
		return tp_fail(err, TP_DENIED, "the token handler said no");
	if (status != 0)
		return tp_fail(err, TP_UNAVAILABLE, "the token handler exited with status %d",
			       status);
	return TP_OK;
}

static enum tp_rc run(const struct exec *x, int question, struct buf *answer, struct tp_err *err)
{
	TP_CLEANUP(child_release) struct child c = CHILD_INIT;
	int status = 0;
	enum tp_rc rc;

	rc = start(x, question, &c, err);
	if (rc == TP_OK)
		rc = child_await(&c, x->limit_ms, answer, err);
	if (rc == TP_OK)
		rc = child_status(&c, &status, err);
	if (rc != TP_OK)
		return rc;
	return judge(status, err);
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
