/* SPDX-License-Identifier: MIT */
/*
 * Makes the folder and its files with their modes, knows network file systems by their numbers, and
 * owns the seal: what of the file is proved when it is opened, and how.
 */
#include "store/lmdb_file.h"

#include "store/lmdb_env.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/banned.h"

enum {
	FILE_MODE = 0660, /* web server and daemon run as different users of one group */
	FOLDER_MODE = 02770
};

/* The first two are LMDB's names. */
static const char *const files[] = { "data.mdb", "lock.mdb", LMDB_FILE_LOCK };

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

int lmdb_file_fill(int folder_fd)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < TP_COUNT(files); i++)
		e = make_file(folder_fd, files[i]);
	return e;
}

int lmdb_file_make(const char *dir)
{
	TP_CLEANUP(close_fd) int fd = -1;
	int e = make_folder(dir);

	if (e != 0)
		return e;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? lmdb_file_fill(fd) : errno;
}

/* ---- root in a folder that is another's ---- */

/* Whose folder it is; of a link that is not root's, whose link. */
static int owner_of(const char *dir, struct stat *ret)
{
	if (lstat(dir, ret) != 0)
		return errno;
	if (!S_ISLNK(ret->st_mode) || ret->st_uid != 0)
		return 0;
	return stat(dir, ret) == 0 ? 0 : errno;
}

int lmdb_file_act_as_owner(const char *dir, bool *ret_acting)
{
	struct stat st = { 0 };
	int e = geteuid() == 0 ? owner_of(dir, &st) : 0;

	*ret_acting = false;
	if (geteuid() != 0 || (e == 0 && st.st_uid == 0))
		return 0;
	if (e == ENOENT) {
		e = lmdb_file_make(dir);
		if (e == 0)
			e = owner_of(dir, &st);
	}
	if (e != 0)
		return e;
	if (setegid(st.st_gid) != 0)
		return errno;
	*ret_acting = true;
	return seteuid(st.st_uid) == 0 ? 0 : errno;
}

void lmdb_file_act_as_self(void)
{
	/* In this order: only root may choose a group. To stay somebody else is no way to go on. */
	if (seteuid(getuid()) != 0 || setegid(getgid()) != 0)
		abort();
}

/* ---- network disks ---- */

/* What statfs(2) says, where LMDB's memory map and locks do not hold across machines, or not at
 * all. */
static const unsigned long remote_types[] = {
	NFS_SUPER_MAGIC,  SMB_SUPER_MAGIC, 0xff534d42,		   /* CIFS */
	0xfe534d42,						   /* SMB2 */
	AFS_SUPER_MAGIC,  0x6b414653,				   /* kAFS */
	CODA_SUPER_MAGIC, NCP_SUPER_MAGIC, V9FS_MAGIC, 0x00c36400, /* Ceph */
	0x0bd00bd0,						   /* Lustre */
	0x01161970,						   /* GFS2 */
	0x7461636f,						   /* OCFS2 */
	0x47504653,						   /* GPFS */
	0x19830326,						   /* BeeGFS */
	0xaad7aaea,						   /* PanFS */
	0x013111a8,						   /* IBRIX */
	0x786f4256,						   /* VirtualBox' shared folders */
};

bool lmdb_file_is_remote(unsigned long fs_type)
{
	for (size_t i = 0; i < TP_COUNT(remote_types); i++)
		if (remote_types[i] == (fs_type & 0xffffffff))
			return true;
	return false;
}

int lmdb_file_check_local(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) != 0)
		return errno;
	return lmdb_file_is_remote((unsigned long)fs.f_type) ? LMDB_REMOTE_FOLDER : 0;
}

/* ---- the seal ---- */

/* One of the two pages at the file's beginning, as mdb.c 0.9 lays it out. */
struct meta_page {
	size_t pgno;
	uint16_t pad, flags;
	uint32_t pages;
	uint32_t magic, version;
	void *address;
	size_t map_bytes;
	struct {
		uint32_t pad;
		uint16_t flags, depth;
		size_t branch, leaf, overflow, entries, root;
	} trees[2];
	size_t last_pgno;
	size_t txnid;
};

/* As it lies at the beginning of write.lock, in this machine's byte order, as LMDB's file is. */
struct seal {
	char magic[8];
	uint64_t txnid;
	uint64_t hash;	/* of the page of txnid */
	uint64_t older; /* of the other page, without its txnid */
	uint64_t check; /* of all this */
};

static const char seal_magic[8] = "tpauth1";

uint64_t lmdb_hash(uint64_t h, const void *p, size_t n)
{
	const unsigned char *b = p;

	for (size_t i = 0; i < n; i++)
		h = (h ^ b[i]) * 0x100000001b3;
	return h;
}

static uint64_t hash_of(const void *p, size_t n)
{
	return lmdb_hash(LMDB_HASH_START, p, n);
}

static void seal_make(const struct meta_page pages[2], uint64_t txnid, struct seal *ret)
{
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->magic, seal_magic, sizeof(ret->magic));
	ret->txnid = txnid;
	ret->hash = hash_of(&pages[txnid & 1], sizeof(pages[0]));
	ret->older = hash_of(&pages[~txnid & 1], offsetof(struct meta_page, txnid));
	ret->check = hash_of(ret, offsetof(struct seal, check));
}

/* No seal yet, or what a lost page of the disk leaves of it, reads as one of nothing. */
static int seal_read(int lock_fd, struct seal *ret)
{
	static const struct seal zero;
	ssize_t n = pread(lock_fd, ret, sizeof(*ret), 0);

	if (n < 0)
		return errno;
	if (n == 0 || (n == (ssize_t)sizeof(*ret) && memcmp(ret, &zero, sizeof(zero)) == 0)) {
		memset(ret, 0, sizeof(*ret));
		return 0;
	}
	if (n != (ssize_t)sizeof(*ret) || memcmp(ret->magic, seal_magic, sizeof(ret->magic)) != 0 ||
	    ret->check != hash_of(ret, offsetof(struct seal, check)))
		return MDB_CORRUPTED;
	return 0;
}

static int pages_read(const struct lmdb_file *f, struct meta_page ret[2])
{
	for (off_t i = 0; i < 2; i++)
		if (pread(f->data_fd, &ret[i], sizeof(ret[i]), i * (off_t)f->page_bytes) !=
		    (ssize_t)sizeof(ret[i]))
			return MDB_CORRUPTED;
	return 0;
}

void lmdb_file_seal(const struct lmdb_file *f, uint64_t txnid)
{
	struct meta_page pages[2];
	struct seal seal;

	if (pages_read(f, pages) != 0)
		return;
	seal_make(pages, txnid, &seal);
	/* Where it fails the seal before this one stays, which is true as well, and says less. */
	if (pwrite(f->lock_fd, &seal, sizeof(seal), 0) != (ssize_t)sizeof(seal))
		return;
}

/* LMDB writes the pages in turn, by the transaction's number. */
static bool in_turn(const struct meta_page pages[2])
{
	size_t even = pages[0].txnid, odd = pages[1].txnid;

	if (even == 0 && odd == 0)
		return true;
	return even % 2 == 0 && odd % 2 == 1 && (even + 1 == odd || odd + 1 == even);
}

int lmdb_file_check(const struct lmdb_file *f, uint64_t txnid)
{
	struct meta_page pages[2];
	struct seal seal, now;
	size_t newest;
	int e = seal_read(f->lock_fd, &seal);

	if (e == 0)
		e = pages_read(f, pages);
	if (e != 0)
		return e;
	newest = pages[pages[1].txnid > pages[0].txnid].txnid;
	/* One ahead of LMDB's lock file: a writer died between the two, and nobody wrote since. */
	if (!in_turn(pages) || newest < txnid || newest > txnid + 1 || txnid < seal.txnid)
		return MDB_CORRUPTED;
	if (seal.txnid == 0 || newest > seal.txnid + 1)
		return 0;
	seal_make(pages, seal.txnid, &now);
	if (now.hash != seal.hash)
		return MDB_CORRUPTED;
	/* A writer died before it could seal; but not so if that is the old page, renumbered. */
	return newest > seal.txnid && now.older == seal.older ? MDB_CORRUPTED : 0;
}

int lmdb_file_check_kept(const char *path, int lock_fd)
{
	struct stat st = { 0 };
	struct seal seal;
	int e = seal_read(lock_fd, &seal);

	if (e == MDB_CORRUPTED) /* or a writer is at it: lmdb_file_check() will tell */
		e = 0;
	else if (e != 0 || seal.txnid == 0)
		return e;
	if (stat(path, &st) != 0 && errno != ENOENT)
		return errno;
	return st.st_size == 0 ? MDB_CORRUPTED : e;
}
