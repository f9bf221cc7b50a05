/* SPDX-License-Identifier: MIT */
/*
 * Counts what an environment holds, and copies it without its free pages. In place the copy is made
 * in a folder beside, under the writers' lock, and the two folders change places in one step of the
 * kernel; processes that have the old files open see by themselves that they are not the store any
 * more (lmdb_env.c).
 *
 * An administrator does this as root where the service's user may write: so the copy is only made
 * in a folder that was not there, and by its descriptor. A link in its place would lead root
 * elsewhere.
 */
#include "store/lmdb_copy.h"

#include "base/clock.h"
#include "store/lmdb_file.h"
#include "store/lmdb_item.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

enum { WAIT_MS = 10000 }; /* for the writers' lock */

/* ---- what it holds ---- */

struct count {
	struct store_info *ret;
	int64_t now_s;
};

/* Pages that LMDB may use again: the first number of each list says how many it has. */
static int count_free(MDB_txn *txn, size_t page_bytes, int64_t *ret)
{
	MDB_cursor *cursor = NULL;
	MDB_val k, v;
	size_t n = 0;
	int e = mdb_cursor_open(txn, 0, &cursor); /* LMDB's own tree, as mdb_stat(1) reads it */

	if (e != 0)
		return e;
	while ((e = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) == 0) {
		size_t pages = 0;

		if (v.mv_size < sizeof(pages))
			break;
		memcpy(&pages, v.mv_data, sizeof(pages));
		n += pages;
	}
	mdb_cursor_close(cursor);
	*ret = (int64_t)(n * page_bytes);
	return e == MDB_NOTFOUND ? 0 : MDB_CORRUPTED;
}

static int count_items(const struct count *c, MDB_txn *txn, MDB_dbi dbi)
{
	MDB_cursor *cursor = NULL;
	MDB_val k, v;
	int e = mdb_cursor_open(txn, dbi, &cursor);

	if (e != 0)
		return e;
	while ((e = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) == 0) {
		int64_t *of_space[] = { [STORE_LOGIN] = &c->ret->sessions,
					[STORE_RESTRICT] = &c->ret->windows,
					[STORE_THROTTLE] = &c->ret->counters };
		enum store_space space = STORE_LOGIN;
		int64_t expiry_s = 0;

		if (lmdb_item_is_index(&k))
			continue;
		if (lmdb_item_check(&k, &v, &space, &expiry_s) != 0)
			c->ret->damaged++;
		else if (expiry_s <= c->now_s)
			c->ret->ended++;
		else
			++*of_space[space];
	}
	mdb_cursor_close(cursor);
	return e == MDB_NOTFOUND ? 0 : e;
}

static int count_all(void *arg, MDB_txn *txn, MDB_dbi dbi)
{
	const struct count *c = arg;
	MDB_env *env = mdb_txn_env(txn);
	mdb_filehandle_t fd;
	MDB_envinfo info;
	MDB_stat tree;
	struct stat st;
	int dead = 0, e = mdb_reader_check(env, &dead);

	if (e == 0)
		e = mdb_env_info(env, &info);
	if (e == 0)
		e = mdb_env_stat(env, &tree);
	if (e == 0)
		e = mdb_env_get_fd(env, &fd);
	if (e == 0 && fstat(fd, &st) != 0)
		e = errno;
	if (e != 0)
		return e;
	c->ret->file_bytes = st.st_size;
	c->ret->map_bytes = (int64_t)info.me_mapsize;
	c->ret->readers = (int64_t)info.me_numreaders - dead;
	c->ret->dead_readers = dead;
	e = count_free(txn, tree.ms_psize, &c->ret->free_bytes);
	return e == 0 ? count_items(c, txn, dbi) : e;
}

enum tp_rc lmdb_copy_info(struct lmdb_env *m, const char *dir, int64_t now_s,
			  struct store_info *ret, struct tp_err *err)
{
	struct store_info got = { 0 };
	struct count c = { &got, now_s };
	enum tp_rc rc;

	rc = lmdb_read(m, count_all, &c, err);
	if (rc != TP_OK)
		return rc;
	snprintf(got.dir, sizeof(got.dir), "%s", dir);
	*ret = got;
	return TP_OK;
}

/* ---- the copy ---- */

struct copy {
	char *from; /* without a symbolic link at its end: that would change places, and not the
		       folder */
	const char *to;
	int to_fd;
	bool in_place;
};

static void close_fd(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static void copy_release(struct copy *c)
{
	close_fd(&c->to_fd);
	free(c->from);
}

static int sync_folder(const char *path)
{
	TP_CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 && fsync(fd) == 0 ? 0 : errno;
}

static int join(const char *dir, const char *name, char ret[PATH_MAX])
{
	int n = snprintf(ret, PATH_MAX, "%s/%s", dir, name);

	return n > 0 && n < PATH_MAX ? 0 : ENAMETOOLONG;
}

static int give(const struct copy *c, const char *name)
{
	TP_CLEANUP(close_fd)
	int fd = openat(c->to_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char from[PATH_MAX];
	struct stat st;
	int e = fd >= 0 ? join(c->from, name, from) : errno;

	if (e != 0)
		return e;
	if (stat(from, &st) != 0)
		return errno;
	/* Only root can give away; anybody else owns what it makes, in the group of the folder. */
	if (geteuid() == 0 && fchown(fd, st.st_uid, st.st_gid) != 0)
		return errno;
	return fchmod(fd, st.st_mode & (S_ISDIR(st.st_mode) ? 07777 : 0777)) == 0 ? 0 : errno;
}

static int copy_data(const struct copy *c, MDB_env *env)
{
	TP_CLEANUP(close_fd)
	int fd = openat(c->to_fd, LMDB_FILE_DATA, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	int e;

	if (fd < 0)
		return errno;
	e = mdb_env_copyfd2(env, fd, MDB_CP_COMPACT);
	return e == 0 && (fsync(fd) != 0 || fsync(c->to_fd) != 0) ? errno : e;
}

/* The folder goes last: until then nobody else can make anything in it. */
static int copy_all(const struct copy *c, MDB_env *env)
{
	static const char *const names[] = { LMDB_FILE_DATA, "lock.mdb", LMDB_FILE_LOCK, "." };
	int e = lmdb_file_fill(c->to_fd);

	if (e == 0)
		e = copy_data(c, env);
	for (size_t i = 0; e == 0 && c->in_place && i < TP_COUNT(names); i++)
		e = give(c, names[i]);
	return e;
}

/* Ours alone, and really there: what came in its place meanwhile is another's. */
static int make_folder(struct copy *c, mode_t mode)
{
	struct stat st;

	if (mkdir(c->to, mode) != 0)
		return errno;
	c->to_fd = open(c->to, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (c->to_fd < 0 || fstat(c->to_fd, &st) != 0)
		return errno;
	return st.st_uid == geteuid() ? 0 : EEXIST;
}

static int change_places(const struct copy *c)
{
	char parent[PATH_MAX];
	int e = join(c->from, "..", parent);

	if (e != 0)
		return e;
	if (renameat2(AT_FDCWD, c->to, AT_FDCWD, c->from, RENAME_EXCHANGE) != 0)
		return errno == EBUSY || errno == EINVAL || errno == ENOSYS || errno == EXDEV
			       ? LMDB_NO_EXCHANGE
			       : errno;
	return sync_folder(parent);
}

/* A folder of ours and nothing else: one that holds something more stays. */
static void remove_folder(const char *dir)
{
	static const char *const names[] = { LMDB_FILE_DATA, "lock.mdb", LMDB_FILE_LOCK };
	TP_CLEANUP(close_fd)
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	for (size_t i = 0; fd >= 0 && i < TP_COUNT(names); i++)
		unlinkat(fd, names[i], 0);
	rmdir(dir);
}

static int copy_to(void *arg, MDB_env *env)
{
	return copy_all(arg, env);
}

/*
 * The lock of the new files is held, too, until the old ones are gone: the next one to compact
 * would use the same folder beside.
 */
static int copy_in_place(void *arg, MDB_env *env)
{
	TP_CLEANUP(close_fd) int fd = -1;
	struct copy *c = arg;
	int e;

	remove_folder(c->to); /* of one that was killed: the lock says that none is at work */
	e = make_folder(c, 0700);
	if (e != 0)
		return e;
	e = copy_all(c, env);
	if (e == 0) {
		fd = openat(c->to_fd, LMDB_FILE_LOCK, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
		e = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
	}
	if (e == 0)
		e = change_places(c);
	remove_folder(c->to); /* the old one now; or what failed */
	return e;
}

static enum tp_rc compact_here(struct lmdb_env *m, struct copy *c, struct tp_err *err)
{
	char beside[PATH_MAX];
	int n = snprintf(beside, sizeof(beside), "%s.compact", c->from);

	if (n <= 0 || n >= (int)sizeof(beside))
		return tp_fail(err, TP_INVALID, "the path of the store is too long");
	c->to = beside;
	c->in_place = true;
	return lmdb_hold(m, copy_in_place, c, clock_mono_ms() + WAIT_MS, err);
}

enum tp_rc lmdb_copy_compact(struct lmdb_env *m, const char *dir, const char *to,
			     struct tp_err *err)
{
	TP_CLEANUP(copy_release)
	struct copy c = { .from = realpath(dir, NULL), .to = to, .to_fd = -1 };
	int e;

	if (c.from == NULL)
		return tp_fail(err, TP_UNAVAILABLE, "%s: cannot be resolved", dir);
	if (to == NULL)
		return compact_here(m, &c, err);
	e = make_folder(&c, 02770);
	if (e != 0)
		return tp_fail(err, TP_INVALID, "%s: %s", to,
			       e == EEXIST ? "is there already" : "cannot be made");
	return lmdb_hold(m, copy_to, &c, clock_mono_ms() + WAIT_MS, err);
}
