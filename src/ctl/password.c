/* SPDX-License-Identifier: MIT */
/*
 * Owns the reading of one line that nobody should see: without a buffer of stdio, which would keep
 * a copy, and with the terminal put back when a signal comes in between.
 */
#include "ctl/password.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include "base/limits.h"

#include "base/banned.h"

static volatile sig_atomic_t caught;

static enum tp_rc read_line(int fd, struct buf *line)
{
	char c = '\0';
	ssize_t n;

	while ((n = read(fd, &c, 1)) == 1 && c != '\n')
		buf_char(line, c);
	if (line->len > 0 && line->p[line->len - 1] == '\r')
		buf_cut(line, line->len - 1);
	return n < 0 ? TP_INVALID : line->rc;
}

static enum tp_rc take_line(int fd, const char *from, struct secret *ret, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf line = BUF_INIT(LIMIT_PASSWORD);
	enum tp_rc rc = read_line(fd, &line);

	if (rc != TP_OK)
		return tp_fail(err, TP_INVALID, "%s: no password of at most %d bytes", from,
			       LIMIT_PASSWORD);
	if (line.len == 0)
		return tp_fail(err, TP_INVALID, "%s: the password is empty", from);
	return secret_set(ret, buf_view(&line), err);
}

enum tp_rc password_from_file(const char *path, struct secret *ret, struct tp_err *err)
{
	bool standard = strcmp(path, "-") == 0;
	int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	enum tp_rc rc;

	if (fd < 0)
		return tp_fail(err, TP_INVALID, "%.80s: %s", path, strerrordesc_np(errno));
	rc = take_line(fd, path, ret, err);
	if (!standard)
		close(fd);
	return rc;
}

static void on_signal(int number)
{
	caught = number;
}

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

/* Without SA_RESTART: a signal ends the read. */
static void watch(struct sigaction old[TP_COUNT(signals)])
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < TP_COUNT(signals); i++)
		sigaction(signals[i], &sa, &old[i]);
}

static void unwatch(const struct sigaction old[TP_COUNT(signals)])
{
	for (size_t i = 0; i < TP_COUNT(signals); i++)
		sigaction(signals[i], &old[i], NULL);
}

static void show(int fd, const char *text)
{
	ssize_t n = write(fd, text, strlen(text));

	(void)n; /* a prompt that is not seen harms nothing */
}

enum tp_rc password_from_terminal(const char *prompt, struct secret *ret, struct tp_err *err)
{
	struct sigaction old[TP_COUNT(signals)];
	struct termios usual, quiet;
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	enum tp_rc rc;

	if (fd < 0 || tcgetattr(fd, &usual) != 0) {
		if (fd >= 0)
			close(fd);
		return tp_fail(err, TP_INVALID,
			       "there is no terminal to ask for a password (--password-file)");
	}
	caught = 0;
	watch(old);
	quiet = usual;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	quiet.c_lflag |= ECHONL;
	tcsetattr(fd, TCSAFLUSH, &quiet);
	show(fd, prompt);
	rc = take_line(fd, "terminal", ret, err);
	tcsetattr(fd, TCSAFLUSH, &usual);
	unwatch(old);
	close(fd);
	if (caught != 0)
		raise(caught);
	return rc;
}
