/* SPDX-License-Identifier: MIT */
/*
 * The files of an LMDB environment below what LMDB itself sees of them. Seen by lmdb_*.c and its
 * tests only; functions return what lmdb_env.h says.
 *
 * The seal is what LMDB lacks to notice that its file has gone back in time, or that one of the two
 * pages at its beginning, which say what counts, was damaged: the number of the last transaction
 * and hashes of the two pages, at the beginning of write.lock. It is written after each commit,
 * under the writers' lock and not through to the disk; so it is never ahead of the file, and at
 * most one transaction behind unless the machine went down.
 */
#ifndef STORE_LMDB_FILE_H
#define STORE_LMDB_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LMDB_FILE_LOCK "write.lock"
#define LMDB_FILE_DATA "data.mdb"

/* FNV-1a: finds each change of one byte, and any other but for one in 2^64. */
#define LMDB_HASH_START 0xcbf29ce484222325
uint64_t lmdb_hash(uint64_t h, const void *p, size_t n);

/*
 * A link in the folder could lead root's hand to a file that the folder's owner may not touch: root
 * opens what is there as that owner (effective user and group), and makes the folder first if it is
 * missing. *ret_acting, also with an error: lmdb_file_act_as_self() is due.
 */
int lmdb_file_act_as_owner(const char *dir, bool *ret_acting);
void lmdb_file_act_as_self(void);

/* Makes what is missing of the folder (but not of the path to it) and its files: LMDB would make
 * its files itself, but with what the umask leaves of their mode. */
int lmdb_file_make(const char *dir);
/* Only the files, in a folder that is open. */
int lmdb_file_fill(int folder_fd);

/* By the number that statfs(2) gives. */
bool lmdb_file_is_remote(unsigned long fs_type);
int lmdb_file_check_local(int fd);

struct lmdb_file {
	int lock_fd, data_fd;
	size_t page_bytes;
};

/* The last transaction of the file has this number. The writers' lock is held. */
void lmdb_file_seal(const struct lmdb_file *f, uint64_t txnid);

/* MDB_CORRUPTED: the file is not in the state that was sealed, or in one after it; without the
 * writers' lock it may also be that a writer is at work. */
int lmdb_file_check(const struct lmdb_file *f, uint64_t txnid);

/* Before LMDB opens it: for LMDB an empty file is a new store. */
int lmdb_file_check_kept(const char *path, int lock_fd);

#endif
