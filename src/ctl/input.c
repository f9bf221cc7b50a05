/* SPDX-License-Identifier: MIT */
/* Reads whole inputs by read(2): a buffer of stdio would keep a copy of a token. */
#include "ctl/input.h"

#include <errno.h>
#include <unistd.h>

#include "base/file.h"

#include "base/banned.h"

enum { CHUNK = 4096 };

enum tp_rc input_file(const char *path, struct buf *out, struct tp_err *err)
{
	struct tp_err why = { 0 };
	enum tp_rc rc = file_read(path, out, &why);

	return rc == TP_OK ? TP_OK : tp_fail(err, rc, "%.80s: %s", path, why.msg);
}

static enum tp_rc read_standard(struct buf *out, struct tp_err *err)
{
	char chunk[CHUNK];
	ssize_t n;

	while ((n = read(STDIN_FILENO, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno != EINTR)
			return tp_fail(err, TP_INVALID, "standard input: %s",
				       strerrordesc_np(errno));
		if (n > 0)
			buf_put(out, chunk, (size_t)n);
		explicit_bzero(chunk, sizeof(chunk));
	}
	return TP_OK;
}

enum tp_rc input_text(const char *arg, const char *what, struct buf *out, struct tp_err *err)
{
	enum tp_rc rc = TP_OK;

	if (arg != NULL && strcmp(arg, "-") != 0)
		buf_str(out, arg);
	else if (isatty(STDIN_FILENO))
		return tp_fail(err, TP_NO_ROUTE, "%s is missing: give it on standard input", what);
	else
		rc = read_standard(out, err);
	if (rc == TP_OK && out->rc == TP_TOO_LARGE)
		rc = tp_fail(err, TP_INVALID, "more than the %zu bytes that %s may have", out->cap,
			     what);
	return rc == TP_OK ? buf_rc(out, what, err) : rc;
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
