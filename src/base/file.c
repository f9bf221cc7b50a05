/* SPDX-License-Identifier: MIT */
/*
 * Reads files by rules that hold for each of ours: regular ones only, opened without waiting, up to
 * a limit. Files that are watched for changes are auth/authn_htpasswd's.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

enum { CHUNK = 4096 };

static enum tp_rc fail(struct tp_err *err)
{
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): there are no threads */
	return tp_fail(err, TP_INVALID, "%s", strerror(errno));
}

/* The last read asks for one byte more than fits, to find out whether there is one. */
static enum tp_rc read_all(int fd, struct buf *out, struct tp_err *err)
{
	char past = 0;

	for (;;) {
		size_t left = out->cap - out->len, most = left < CHUNK ? left : CHUNK;
		char *room = most > 0 ? buf_room(out, most) : &past;
		ssize_t n;

		if (room == NULL)
			return tp_fail(err, TP_NOMEM, "out of memory");
		n = read(fd, room, most > 0 ? most : 1);
		if (n == 0)
			return TP_OK;
		if (n < 0 && errno != EINTR)
			return fail(err);
		if (n > 0 && most == 0)
			return tp_fail(err, TP_INVALID, "it is larger than %zu bytes", out->cap);
		if (n > 0)
			buf_added(out, (size_t)n);
	}
}

enum tp_rc file_read(const char *path, struct buf *out, struct tp_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	enum tp_rc rc;

	if (fd < 0)
		return fail(err);
	if (fstat(fd, &st) != 0)
		rc = fail(err);
	else if (!S_ISREG(st.st_mode))
		rc = tp_fail(err, TP_INVALID, "not a regular file");
	else
		rc = read_all(fd, out, err);
	close(fd);
	return rc;
}
