/* SPDX-License-Identifier: MIT */
/*
 * Opens the environment, runs transactions in it, and deals with what LMDB leaves to its user: dead
 * readers, a map that is too small, an environment that a failed write has spoilt, file modes.
 *
 * Writers queue at a lock file of ours first, since LMDB's own lock knows no time-out and a stopped
 * process would hold up all others for good. Readers take no lock. A read transaction never
 * outlives a call: an old one keeps pages from being used again.
 */
#include "store/lmdb_env.h"

#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/banned.h"

enum {
	MAP_BYTES = 1 << 30,
	READERS = 1024,		  /* processes that have read at least once */
	READER_CHECK_MS = 180000, /* from one look for dead readers to the next */
	RETRIES = 8,		  /* of a full map; the last with one 64 times as large */
	PAUSE_LEAST_US = 50,	  /* between two tries for the lock */
	PAUSE_MOST_US = 1000,
	FILE_MODE = 0660, /* web server and daemon run as different users of one group */
	FOLDER_MODE = 02770
};

/* The first two are LMDB's names. */
static const char *const files[] = { "data.mdb", "lock.mdb", "write.lock" };
#define LOCK_FILE "write.lock"

struct lmdb_env {
	char *dir;
	size_t map_bytes;
	pid_t pid;
	int lock_fd;
	MDB_env *env;
	MDB_dbi dbi;
	MDB_txn *reader;    /* reset between calls: keeps its place in the readers' table */
	int64_t checked_ms; /* when dead readers were last looked for; 0: not yet */
	bool spoilt;	    /* env has to be opened anew */
};

#define LOCAL_DISK "the folder has to be on a local disk"
#define NO_ACCESS  "no permission: this user has to read and write the folder and its files"
#define MOVE_AWAY  "damaged; stop all processes and move its files away (all users log in again)"

static const struct {
	int e;
	const char *text;
} error_text[] = {
	{ ENOENT, "the folder is missing: make it, or set STATE_DIR" },
	{ ENOTDIR, "a part of the path is not a folder" },
	{ EACCES, NO_ACCESS },
	{ EPERM, NO_ACCESS },
	{ EROFS, "the file system is mounted read-only" },
	{ ENOSPC, "the disk is full" },
	{ EDQUOT, "the disk quota is used up" },
	{ EFBIG, "the limit of file size is reached (ulimit -f)" },
	{ EMFILE, "too many open files in this process (ulimit -n)" },
	{ ENFILE, "too many open files on this machine" },
	{ EIO, "the disk is full, or fails" }, /* what LMDB makes of a short write */
	{ EINVAL, "the file system refuses; " LOCAL_DISK },
	{ ENODEV, "the file system refuses; " LOCAL_DISK },
	{ EOPNOTSUPP, "the file system refuses; " LOCAL_DISK },
	{ ENOLCK, "no locks there; " LOCAL_DISK },
	{ LMDB_REMOTE_FOLDER, "a network file system; " LOCAL_DISK },
	{ LMDB_LOCK_TIMEOUT,
	  "another process kept the writers' lock all the time; is it stopped?" },
	{ LMDB_RECORD_DAMAGED, "a record is damaged" },
	{ LMDB_VALUE_TOO_LARGE, "a value is larger than what the caller takes" },
	{ MDB_MAP_FULL, "full, and the map cannot grow" },
	{ MDB_READERS_FULL, "more processes than the readers' table holds" },
	{ MDB_CORRUPTED, MOVE_AWAY },
	{ MDB_PAGE_NOTFOUND, MOVE_AWAY },
	{ MDB_INVALID, "not an LMDB store, or " MOVE_AWAY },
	{ MDB_VERSION_MISMATCH, "of another version of LMDB, or " MOVE_AWAY },
};

static enum tp_rc fail(const char *dir, int e, struct tp_err *err)
{
	if (e == ENOMEM)
		return tp_fail(err, TP_NOMEM, "%s: out of memory or address space (ulimit -v)",
			       dir);
	for (size_t i = 0; i < TP_COUNT(error_text); i++)
		if (error_text[i].e == e)
			return tp_fail(err, TP_UNAVAILABLE, "%s: %s", dir, error_text[i].text);
	return tp_fail(err, TP_UNAVAILABLE, "%s: %s", dir, mdb_strerror(e));
}

/* ---- folder and files ---- */

static void close_fd(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/*
 * Mode and group, whatever the umask. What root makes (an administrator at the command line) goes
 * to the owner of the folder around it, or the web server could not write there afterwards.
 */
static int settle(int fd, int parent_fd, mode_t mode)
{
	struct stat st;

	if (geteuid() == 0 && (fstat(parent_fd, &st) != 0 || fchown(fd, st.st_uid, st.st_gid) != 0))
		return errno;
	return fchmod(fd, mode) == 0 ? 0 : errno;
}

static int make_file(int folder_fd, const char *name)
{
	TP_CLEANUP(close_fd)
	int fd = openat(folder_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);

	if (fd < 0)
		return errno == EEXIST ? 0 : errno;
	return settle(fd, folder_fd, FILE_MODE);
}

static int make_folder(const char *dir)
{
	TP_CLEANUP(close_fd) int fd = -1;
	TP_CLEANUP(close_fd) int parent_fd = -1;

	if (mkdir(dir, FOLDER_MODE) != 0)
		return errno == EEXIST ? 0 : errno;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno;
	parent_fd = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return parent_fd >= 0 ? settle(fd, parent_fd, FOLDER_MODE) : errno;
}

/* LMDB would make its files itself, but with what the umask leaves of their mode. */
static int make_files(const char *dir)
{
	TP_CLEANUP(close_fd) int fd = -1;
	int e = make_folder(dir);

	if (e != 0)
		return e;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	for (size_t i = 0; e == 0 && i < TP_COUNT(files); i++)
		e = make_file(fd, files[i]);
	return e;
}

static int check_local(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) != 0)
		return errno;
	switch ((unsigned long)fs.f_type) {
	case NFS_SUPER_MAGIC:
	case SMB_SUPER_MAGIC:
	case 0xff534d42: /* CIFS */
	case 0xfe534d42: /* SMB2 */
	case AFS_SUPER_MAGIC:
	case CODA_SUPER_MAGIC:
		return LMDB_REMOTE_FOLDER;
	default:
		return 0;
	}
}

static int open_lock(struct lmdb_env *m)
{
	char path[PATH_MAX];
	int e;

	if ((size_t)snprintf(path, sizeof(path), "%s/" LOCK_FILE, m->dir) >= sizeof(path))
		return ENAMETOOLONG;
	m->lock_fd = open(path, O_RDWR | O_CLOEXEC);
	if (m->lock_fd < 0 && errno == ENOENT) {
		e = make_files(m->dir);
		if (e != 0)
			return e;
		m->lock_fd = open(path, O_RDWR | O_CLOEXEC);
	}
	return m->lock_fd >= 0 ? check_local(m->lock_fd) : errno;
}

/* ---- the environment ---- */

static void close_env(struct lmdb_env *m)
{
	mdb_txn_abort(m->reader);
	m->reader = NULL;
	if (m->env != NULL)
		mdb_env_close(m->env);
	m->env = NULL;
	m->spoilt = false;
}

static void check_readers(struct lmdb_env *m)
{
	int dead = 0;

	m->checked_ms = clock_mono_ms();
	(void)mdb_reader_check(m->env, &dead);
}

/* No transaction may be alive in this process. */
static int set_map(struct lmdb_env *m, size_t bytes)
{
	int e = mdb_env_set_mapsize(m->env, bytes);

	if (e != 0)
		m->spoilt = true; /* the old map is gone as well */
	return e;
}

static int grow(struct lmdb_env *m)
{
	MDB_envinfo info;
	int e = mdb_env_info(m->env, &info);

	if (e != 0)
		return e;
	return info.me_mapsize <= SIZE_MAX / 2 ? set_map(m, info.me_mapsize * 2) : MDB_MAP_FULL;
}

/* Whether the beginning of a transaction is worth another try. */
static bool mended(struct lmdb_env *m, int e)
{
	if (e == MDB_MAP_RESIZED) /* by another process */
		return set_map(m, 0) == 0;
	if (e == MDB_READERS_FULL)
		check_readers(m);
	return e == MDB_READERS_FULL;
}

static int begin_read(struct lmdb_env *m)
{
	int e;

	for (int tries = 0;; tries++) {
		if (m->reader != NULL)
			e = mdb_txn_renew(m->reader);
		else
			e = mdb_txn_begin(m->env, NULL, MDB_RDONLY, &m->reader);
		if (e == 0 || tries == 2 || !mended(m, e))
			return e;
	}
}

static int begin_write(struct lmdb_env *m, MDB_txn **ret)
{
	int e = mdb_txn_begin(m->env, NULL, 0, ret);

	return mended(m, e) ? mdb_txn_begin(m->env, NULL, 0, ret) : e;
}

/*
 * A file that was cut short would end the process (SIGBUS) at the first page that is missing.
 * Filled up with zeros it is one that LMDB finds damaged. Never shortens, never touches data, so it
 * may race with a writer; pages at the end that LMDB gave a number but never wrote are no harm.
 */
static int fill_up(struct lmdb_env *m)
{
	mdb_filehandle_t fd;
	MDB_envinfo info;
	struct stat st;
	MDB_stat tree;
	off_t want;
	int e;

	if (mdb_env_info(m->env, &info) != 0 || mdb_env_stat(m->env, &tree) != 0 ||
	    mdb_env_get_fd(m->env, &fd) != 0)
		return MDB_CORRUPTED;
	if (fstat(fd, &st) != 0)
		return errno;
	want = (off_t)((info.me_last_pgno + 1) * tree.ms_psize);
	if (st.st_size >= want)
		return 0;
	if (st.st_size % tree.ms_psize != 0)
		return MDB_CORRUPTED; /* half a page may look like one with fewer items */
	do
		e = fallocate(fd, 0, st.st_size, want - st.st_size) == 0 ? 0 : errno;
	while (e == EINTR);
	return e == EOPNOTSUPP ? MDB_CORRUPTED : e;
}

static int open_env(struct lmdb_env *m)
{
	int e = mdb_env_create(&m->env);

	if (e == 0)
		e = mdb_env_set_maxreaders(m->env, READERS);
	if (e == 0)
		e = mdb_env_set_mapsize(m->env, m->map_bytes);
	if (e == 0)
		e = mdb_env_open(m->env, m->dir, MDB_NOTLS, FILE_MODE);
	if (e == 0)
		e = fill_up(m);
	if (e == 0)
		e = begin_read(m);
	if (e == 0) {
		e = mdb_dbi_open(m->reader, NULL, 0, &m->dbi);
		mdb_txn_reset(m->reader);
	}
	if (e != 0)
		close_env(m);
	return e;
}

static int ready(struct lmdb_env *m)
{
	assert(m->pid == getpid()); /* LMDB's locks do not survive a fork */
	if (m->spoilt)
		close_env(m);
	return m->env == NULL ? open_env(m) : 0;
}

enum tp_rc lmdb_open(const char *dir, size_t map_bytes, struct lmdb_env **ret, struct tp_err *err)
{
	struct lmdb_env *m = calloc(1, sizeof(*m));
	int e;

	if (m == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	m->lock_fd = -1;
	m->pid = getpid();
	m->map_bytes = map_bytes > 0 ? map_bytes : MAP_BYTES;
	m->dir = strdup(dir);
	e = m->dir != NULL ? open_lock(m) : ENOMEM;
	if (e == 0)
		e = ready(m);
	if (e != 0) {
		lmdb_close(m);
		return fail(dir, e, err);
	}
	*ret = m;
	return TP_OK;
}

void lmdb_close(struct lmdb_env *m)
{
	if (m == NULL)
		return;
	close_env(m);
	close_fd(&m->lock_fd);
	free(m->dir);
	free(m);
}

/* ---- transactions ---- */

enum tp_rc lmdb_read(struct lmdb_env *m, lmdb_work *work, void *arg, struct tp_err *err)
{
	int e = ready(m);

	if (e == 0)
		e = begin_read(m);
	if (e != 0)
		return fail(m->dir, e, err);
	e = work(arg, m->reader, m->dbi);
	mdb_txn_reset(m->reader);
	return e == 0 ? TP_OK : fail(m->dir, e, err);
}

static int lock_writers(const struct lmdb_env *m, int64_t deadline_ms)
{
	int64_t pause_us = PAUSE_LEAST_US;

	while (flock(m->lock_fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return errno;
		if (clock_mono_ms() >= deadline_ms)
			return LMDB_LOCK_TIMEOUT;
		clock_pause_us(pause_us);
		pause_us = pause_us < PAUSE_MOST_US ? pause_us * 2 : PAUSE_MOST_US;
	}
	return 0;
}

static int write_once(struct lmdb_env *m, lmdb_work *work, void *arg)
{
	MDB_txn *txn = NULL;
	int e = begin_write(m, &txn);

	if (e != 0)
		return e;
	e = work(arg, txn, m->dbi);
	if (e != 0) {
		mdb_txn_abort(txn);
		return e;
	}
	e = mdb_txn_commit(txn);
	if (e != 0 && e != MDB_MAP_FULL)
		m->spoilt = true;
	return e;
}

static int write_locked(struct lmdb_env *m, lmdb_work *work, void *arg)
{
	int e = 0;

	for (int tries = 0; tries <= RETRIES; tries++) {
		e = write_once(m, work, arg);
		if (e != MDB_MAP_FULL)
			return e;
		/* Perhaps it only looks full, for what a dead reader still sees. */
		if (tries == 0)
			check_readers(m);
		else if ((e = grow(m)) != 0)
			return e;
	}
	return e;
}

enum tp_rc lmdb_write(struct lmdb_env *m, lmdb_work *work, void *arg, int64_t deadline_ms,
		      struct tp_err *err)
{
	int e = ready(m);

	if (e != 0)
		return fail(m->dir, e, err);
	if (m->checked_ms == 0 || clock_mono_ms() - m->checked_ms >= READER_CHECK_MS)
		check_readers(m);
	e = lock_writers(m, deadline_ms);
	if (e != 0)
		return fail(m->dir, e, err);
	e = write_locked(m, work, arg);
	flock(m->lock_fd, LOCK_UN);
	return e == 0 ? TP_OK : fail(m->dir, e, err);
}
