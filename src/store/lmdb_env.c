/* SPDX-License-Identifier: MIT */
/*
 * Opens the environment, runs transactions in it, and deals with what LMDB leaves to its user: dead
 * readers, a map that is too small, an environment that a failed write has spoilt, a file that was
 * cut short, damaged, or replaced by another one.
 *
 * Writers queue at a lock file of ours first, since LMDB's own lock knows no time-out and a stopped
 * process would hold up all others for good. Readers take no lock. A read transaction never
 * outlives a call: an old one keeps pages from being used again.
 */
#include "store/lmdb_env.h"

#include "base/clock.h"
#include "store/lmdb_file.h"
#include "store/lmdb_guard.h"

#include <assert.h>
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

enum {
	MAP_BYTES = 1 << 30,
	READERS = 1024,		  /* processes that have read at least once */
	READER_CHECK_MS = 180000, /* from one look for dead readers to the next */
	RETRIES = 8,		  /* of a full map; the last with one 64 times as large */
	PAUSE_LEAST_US = 50,	  /* between two tries for the lock */
	PAUSE_MOST_US = 1000,
	CHECK_MS = 1000, /* for the lock that a second look at the file wants */
	OPEN_MODE = 0660 /* unused: the files are there by then */
};

struct lmdb_env {
	char *dir, *lock_path, *data_path;
	size_t map_bytes;
	pid_t pid;
	int lock_fd;
	MDB_env *env;
	MDB_dbi dbi;
	dev_t dev; /* of data.mdb as it was opened */
	ino_t ino;
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
	{ ENOENT, "no such folder, or none to make it in: make it, or set STATE_DIR" },
	{ ENOTDIR, "a part of the path is not a folder" },
	{ EACCES, NO_ACCESS },
	{ EPERM, NO_ACCESS },
	{ EEXIST, "what has this name and .compact behind it is in the way" },
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
	{ LMDB_REPLACED, "the folder is being replaced again and again" },
	{ LMDB_NO_EXCHANGE, "the file system cannot exchange two folders here; compact with --to" },
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

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int open_lock(struct lmdb_env *m)
{
	int e;

	m->lock_fd = open(m->lock_path, O_RDWR | O_CLOEXEC);
	if (m->lock_fd < 0 && errno == ENOENT) {
		e = lmdb_file_make(m->dir);
		if (e != 0)
			return e;
		m->lock_fd = open(m->lock_path, O_RDWR | O_CLOEXEC);
	}
	return m->lock_fd >= 0 ? lmdb_file_check_local(m->lock_fd) : errno;
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

static void unlock_writers(const struct lmdb_env *m)
{
	flock(m->lock_fd, LOCK_UN);
}

/* ---- the environment ---- */

static int close_mapped(void *arg)
{
	struct lmdb_env *m = arg;

	mdb_txn_abort(m->reader);
	if (m->env != NULL)
		mdb_env_close(m->env);
	return 0;
}

static void close_env(struct lmdb_env *m)
{
	bool broken = false;

	(void)lmdb_guarded(close_mapped, m, &broken);
	m->reader = NULL;
	m->env = NULL;
	m->spoilt = false;
	close_fd(&m->lock_fd);
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
static int fill_up(void *arg)
{
	struct lmdb_env *m = arg;
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

/* What lmdb_file_check() wants, and the number of the last transaction. */
static int look_at(const struct lmdb_env *m, struct lmdb_file *ret, uint64_t *ret_txnid)
{
	MDB_envinfo info;
	MDB_stat tree;

	ret->lock_fd = m->lock_fd;
	if (mdb_env_info(m->env, &info) != 0 || mdb_env_stat(m->env, &tree) != 0 ||
	    mdb_env_get_fd(m->env, &ret->data_fd) != 0)
		return MDB_CORRUPTED;
	ret->page_bytes = tree.ms_psize;
	*ret_txnid = info.me_last_txnid;
	return 0;
}

static int check_once(const struct lmdb_env *m)
{
	struct lmdb_file f;
	uint64_t txnid = 0;
	int e = look_at(m, &f, &txnid);

	return e == 0 ? lmdb_file_check(&f, txnid) : e;
}

/* Beside a writer at work the first look may be wrong. */
static int check_file(const struct lmdb_env *m)
{
	int e = check_once(m);

	if (e != MDB_CORRUPTED)
		return e;
	e = lock_writers(m, clock_mono_ms() + CHECK_MS);
	if (e != 0)
		return e;
	e = check_once(m);
	unlock_writers(m);
	return e;
}

static void seal(const struct lmdb_env *m)
{
	struct lmdb_file f;
	uint64_t txnid = 0;

	if (look_at(m, &f, &txnid) == 0)
		lmdb_file_seal(&f, txnid);
}

static bool same_file(const struct lmdb_env *m)
{
	struct stat st;

	return stat(m->data_path, &st) == 0 && st.st_ino == m->ino && st.st_dev == m->dev;
}

/* Which file it is that is open. If the lock is still the one in the folder, no other folder came
 * in its place meanwhile, and all three files are of one. */
static int identify(struct lmdb_env *m)
{
	mdb_filehandle_t fd;
	struct stat data, lock, now;

	if (mdb_env_get_fd(m->env, &fd) != 0)
		return MDB_CORRUPTED;
	if (fstat(fd, &data) != 0 || fstat(m->lock_fd, &lock) != 0 || stat(m->lock_path, &now) != 0)
		return errno;
	m->dev = data.st_dev;
	m->ino = data.st_ino;
	return lock.st_ino == now.st_ino && lock.st_dev == now.st_dev ? 0 : LMDB_REPLACED;
}

static int open_mapped(void *arg)
{
	struct lmdb_env *m = arg;
	int e = mdb_env_create(&m->env);

	if (e == 0)
		e = mdb_env_set_maxreaders(m->env, READERS);
	if (e == 0)
		e = mdb_env_set_mapsize(m->env, m->map_bytes);
	if (e == 0)
		e = mdb_env_set_assert(m->env, lmdb_guard_assert);
	if (e == 0)
		e = mdb_env_open(m->env, m->dir, MDB_NOTLS, OPEN_MODE);
	if (e == 0)
		e = identify(m);
	if (e == 0)
		e = fill_up(m);
	if (e == 0)
		e = begin_read(m);
	if (e == 0) {
		e = mdb_dbi_open(m->reader, NULL, 0, &m->dbi);
		mdb_txn_reset(m->reader);
	}
	return e == 0 ? check_file(m) : e;
}

static int open_env(struct lmdb_env *m)
{
	bool broken = false, acting = false;
	int e = lmdb_file_act_as_owner(m->dir, &acting);

	if (e == 0)
		e = open_lock(m);
	if (e == 0)
		e = lmdb_file_check_kept(m->data_path, m->lock_fd);
	if (e == 0)
		e = lmdb_guarded(open_mapped, m, &broken);
	if (e != 0)
		close_env(m);
	if (acting)
		lmdb_file_act_as_self();
	return e;
}

/* Not in a transaction. Open, and all of the file there, as far as that can be known at little
 * cost. */
static int ready(struct lmdb_env *m)
{
	bool broken = false;
	int e = 0;

	assert(m->pid == getpid()); /* LMDB's locks do not survive a fork */
	if (m->env != NULL && (m->spoilt || !same_file(m)))
		close_env(m);
	if (m->env != NULL) {
		e = lmdb_guarded(fill_up, m, &broken);
		m->spoilt = broken;
		return e;
	}
	for (int tries = 0; tries < 3; tries++) {
		e = open_env(m);
		if (e != LMDB_REPLACED)
			break;
	}
	return e;
}

static char *path_of(const char *dir, const char *name)
{
	char *path = NULL;

	return asprintf(&path, "%s/%s", dir, name) >= 0 ? path : NULL;
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
	m->lock_path = path_of(dir, LMDB_FILE_LOCK);
	m->data_path = path_of(dir, LMDB_FILE_DATA);
	lmdb_guard_install();
	e = m->dir != NULL && m->lock_path != NULL && m->data_path != NULL ? ready(m) : ENOMEM;
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
	free(m->dir);
	free(m->lock_path);
	free(m->data_path);
	free(m);
}

/* ---- transactions ---- */

struct read_call {
	struct lmdb_env *m;
	lmdb_work *work;
	void *arg;
};

static int read_once(void *arg)
{
	struct read_call *c = arg;
	int e = begin_read(c->m);

	if (e != 0)
		return e;
	e = c->work(c->arg, c->m->reader, c->m->dbi);
	mdb_txn_reset(c->m->reader);
	return e;
}

enum tp_rc lmdb_read(struct lmdb_env *m, lmdb_work *work, void *arg, struct tp_err *err)
{
	struct read_call c = { m, work, arg };
	bool broken = false;
	int e = ready(m);

	if (e == 0)
		e = lmdb_guarded(read_once, &c, &broken);
	if (broken)
		m->spoilt = true;
	return e == 0 ? TP_OK : fail(m->dir, e, err);
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

/* The writers' lock of the file that is there now. */
static int lock_ready(struct lmdb_env *m, int64_t deadline_ms)
{
	int e;

	for (;;) {
		e = ready(m);
		if (e == 0)
			e = lock_writers(m, deadline_ms);
		if (e != 0 || same_file(m))
			return e;
		unlock_writers(m);
	}
}

enum tp_rc lmdb_write(struct lmdb_env *m, lmdb_work *work, void *arg, int64_t deadline_ms,
		      struct tp_err *err)
{
	int e = lock_ready(m, deadline_ms);

	if (e != 0)
		return fail(m->dir, e, err);
	if (m->checked_ms == 0 || clock_mono_ms() - m->checked_ms >= READER_CHECK_MS)
		check_readers(m);
	e = write_locked(m, work, arg);
	if (e == 0)
		seal(m);
	unlock_writers(m);
	return e == 0 ? TP_OK : fail(m->dir, e, err);
}

enum tp_rc lmdb_hold(struct lmdb_env *m, int (*work)(void *arg, MDB_env *env), void *arg,
		     int64_t deadline_ms, struct tp_err *err)
{
	int e = lock_ready(m, deadline_ms);

	if (e != 0)
		return fail(m->dir, e, err);
	e = work(arg, m->env);
	unlock_writers(m);
	return e == 0 ? TP_OK : fail(m->dir, e, err);
}
