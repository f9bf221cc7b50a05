/* SPDX-License-Identifier: MIT */
/*
 * Survives what a damaged file does to who reads it through a memory map: a page that the file does
 * not have any more, or that the disk cannot read, is a SIGBUS, and a page with nonsense in it may
 * fail an assertion of LMDB or have it follow a pointer that it never set. Any other SIGSEGV is a
 * bug, and ends the process. Seen by lmdb_env.c only.
 */
#ifndef STORE_LMDB_GUARD_H
#define STORE_LMDB_GUARD_H

#include <lmdb.h>
#include <stdbool.h>

/* Once a process, before the first lmdb_guarded(). Outside of one the signals do what they did
 * before.
 */
void lmdb_guard_install(void);

/* For mdb_env_set_assert(). */
void lmdb_guard_assert(MDB_env *env, const char *what);

/*
 * What fn(arg) returns; MDB_CORRUPTED, and *ret_broken, when it was broken off. It is left where it
 * stood then, so it may only read, and what it had open is open still. Not from inside of one.
 */
int lmdb_guarded(int (*fn)(void *arg), void *arg, bool *ret_broken);

#endif
