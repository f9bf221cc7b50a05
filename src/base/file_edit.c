/* SPDX-License-Identifier: MIT */
/*
 * Writes files so that a crash, a full disk or a second writer leaves the old one or the new one.
 * What is in them is the caller's.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/banned.h"

enum { PATH_MOST = 4096, ACL_MOST = 4096 };

static enum tp_rc cannot(const char *what, struct tp_err *err)
{
	return tp_fail(err, TP_UNAVAILABLE, "%s: %s", what, strerrordesc_np(errno));
}

static enum tp_rc write_all(int fd, struct span content, struct tp_err *err)
{
	while (content.len > 0) {
		ssize_t n = write(fd, content.p, content.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return cannot("cannot write", err);
		content.p += n;
		content.len -= (size_t)n;
	}
	return fsync(fd) == 0 ? TP_OK : cannot("cannot write", err);
}

/* The name of a new file is on disk when its folder is. */
static enum tp_rc sync_folder(const char *path, struct tp_err *err)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
	enum tp_rc rc = TP_OK;
	int fd;

	if (folder == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(folder);
	/* Some file systems cannot, and say EINVAL. */
	if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL))
		rc = cannot("cannot write the folder", err);
	if (fd >= 0)
		close(fd);
	return rc;
}

enum tp_rc file_create(const char *path, unsigned mode, struct span content, struct tp_err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, mode);
	enum tp_rc rc;

	if (fd < 0 && errno == EEXIST)
		return tp_fail(err, TP_EXISTS, "there is something of that name");
	if (fd < 0)
		return cannot("cannot make it", err);
	rc = write_all(fd, content, err);
	if (close(fd) != 0 && rc == TP_OK)
		rc = cannot("cannot write", err);
	if (rc == TP_OK)
		rc = sync_folder(path, err);
	if (rc != TP_OK)
		unlink(path);
	return rc;
}

/* ---- editing ---- */

/* True when the locked file is still the one of that name: who had the lock before may have put
 * another one in its place. */
static bool is_current(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

static enum tp_rc open_locked(const char *path, int *ret, struct tp_err *err)
{
	for (;;) {
		int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		struct stat st;

		if (fd < 0)
			return tp_fail(err, TP_INVALID, "%s", strerrordesc_np(errno));
		if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
			close(fd);
			return tp_fail(err, TP_INVALID, "not a regular file");
		}
		if (flock(fd, LOCK_EX) != 0) {
			close(fd);
			return cannot("cannot lock it", err);
		}
		if (is_current(fd, path)) {
			*ret = fd;
			return TP_OK;
		}
		close(fd);
	}
}

enum tp_rc file_edit_open(const char *path, struct file_edit *ret, struct buf *out,
			  struct tp_err *err)
{
	TP_CLEANUP(file_edit_close) struct file_edit f = { -1, NULL };
	enum tp_rc rc;

	f.path = realpath(path, NULL);
	if (f.path == NULL)
		return tp_fail(err, errno == ENOMEM ? TP_NOMEM : TP_INVALID, "%s",
			       strerrordesc_np(errno));
	rc = open_locked(f.path, &f.fd, err);
	if (rc == TP_OK)
		rc = file_read(f.path, out, err);
	if (rc != TP_OK)
		return rc;
	*ret = f;
	f = (struct file_edit){ -1, NULL };
	return TP_OK;
}

void file_edit_close(struct file_edit *f)
{
	if (f->fd >= 0)
		close(f->fd);
	free(f->path);
	*f = (struct file_edit){ -1, NULL };
}

/* By the access list the service may read what root wrote. */
static enum tp_rc copy_access(int from, int to, struct tp_err *err)
{
	static const char acl[] = "system.posix_acl_access";
	char value[ACL_MOST];
	struct stat st, fresh;
	ssize_t n;

	if (fstat(from, &st) != 0 || fstat(to, &fresh) != 0)
		return cannot("cannot look at it", err);
	if ((fresh.st_uid != st.st_uid || fresh.st_gid != st.st_gid) &&
	    fchown(to, st.st_uid, st.st_gid) != 0)
		return cannot("cannot keep its owner", err);
	if (fchmod(to, st.st_mode & 07777) != 0)
		return cannot("cannot keep its mode", err);
	n = fgetxattr(from, acl, value, sizeof(value));
	if (n > 0 ? fsetxattr(to, acl, value, (size_t)n, 0) != 0
		  : n < 0 && errno != ENODATA && errno != ENOTSUP)
		return cannot("cannot keep its access list", err);
	return TP_OK;
}

enum tp_rc file_edit_replace(const struct file_edit *f, struct span content, struct tp_err *err)
{
	char temp[PATH_MOST];
	enum tp_rc rc;
	int fd;

	if (snprintf(temp, sizeof(temp), "%s.XXXXXX", f->path) >= (int)sizeof(temp))
		return tp_fail(err, TP_UNAVAILABLE, "the path is too long");
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return cannot("cannot make a file beside it", err);
	rc = copy_access(f->fd, fd, err);
	if (rc == TP_OK)
		rc = write_all(fd, content, err);
	if (close(fd) != 0 && rc == TP_OK)
		rc = cannot("cannot write", err);
	if (rc == TP_OK && rename(temp, f->path) != 0)
		rc = cannot("cannot replace it", err);
	if (rc != TP_OK) {
		unlink(temp);
		return rc;
	}
	return sync_folder(f->path, err);
}
