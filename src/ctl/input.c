/* SPDX-License-Identifier: MIT */
/* Reads whole inputs by read(2): a buffer of stdio would keep a copy of a token. */
#include "ctl/input.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/banned.h"

enum { CHUNK = 4096 };

/* name: of what is read, in a message. */
static enum tp_rc read_all(int fd, const char *name, struct buf *out, struct tp_err *err)
{
	char chunk[CHUNK];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno != EINTR)
			return tp_fail(err, TP_INVALID, "%.80s: %s", name, strerrordesc_np(errno));
		if (n > 0)
			buf_put(out, chunk, (size_t)n);
		explicit_bzero(chunk, sizeof(chunk));
		if (out->rc == TP_TOO_LARGE)
			return tp_fail(err, TP_INVALID, "%.80s: larger than %zu bytes", name,
				       out->cap);
	}
	return buf_rc(out, name, err);
}

enum tp_rc input_file(const char *path, struct buf *out, struct tp_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	enum tp_rc rc;

	if (fd < 0)
		return tp_fail(err, TP_INVALID, "%.80s: %s", path, strerrordesc_np(errno));
	rc = read_all(fd, path, out, err);
	close(fd);
	return rc;
}

enum tp_rc input_text(const char *arg, const char *what, struct buf *out, struct tp_err *err)
{
	if (arg == NULL && isatty(STDIN_FILENO))
		return tp_fail(err, TP_NO_ROUTE, "%s is missing: give it on standard input", what);
	if (arg == NULL || strcmp(arg, "-") == 0)
		return read_all(STDIN_FILENO, "standard input", out, err);
	buf_str(out, arg);
	if (out->rc == TP_TOO_LARGE)
		return tp_fail(err, TP_INVALID, "%s has at most %zu bytes", what, out->cap);
	return buf_rc(out, what, err);
}

struct span input_line(const struct buf *text)
{
	struct span s = buf_view(text);

	if (s.len > 0 && s.p[s.len - 1] == '\n')
		s.len--;
	if (s.len > 0 && s.p[s.len - 1] == '\r')
		s.len--;
	return s;
}
