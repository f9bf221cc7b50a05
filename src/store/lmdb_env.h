/* SPDX-License-Identifier: MIT */
/*
 * An LMDB environment as tpauth uses it: a folder, its files and their modes, one tree, the lock
 * that writers queue at, and room that is found or made when it runs out. Seen by store_lmdb.c
 * only; the one place that includes lmdb.h.
 *
 * Functions on transactions return an int: 0, a code of LMDB or errno, or one of enum lmdb_trouble.
 * It becomes enum tp_rc and a message in plain words on the way out of lmdb_read() and
 * lmdb_write().
 */
#ifndef STORE_LMDB_ENV_H
#define STORE_LMDB_ENV_H

#include "base/rc.h"

#include <lmdb.h>

enum lmdb_trouble {
	LMDB_RECORD_DAMAGED = 1000000, /* beyond errno's numbers, and LMDB's are negative */
	LMDB_VALUE_TOO_LARGE,
	LMDB_REMOTE_FOLDER,
	LMDB_LOCK_TIMEOUT,
	LMDB_REPLACED,
	LMDB_NO_EXCHANGE
};

struct lmdb_env;

/*
 * Makes the last component of dir when it is missing. One for a process and folder, opened after
 * fork(). map_bytes: of the map at first; 0: 1 GiB, of which only what is used takes disk space.
 * TP_UNAVAILABLE: the folder cannot be used.
 */
enum tp_rc lmdb_open(const char *dir, size_t map_bytes, struct lmdb_env **ret,
		     struct tp_err *err) TP_MUSTUSE;
void lmdb_close(struct lmdb_env *m);

/*
 * What is done in a transaction. Called again, in a new one, when the map was too small: so it
 * starts from nothing each time. Other than 0 undoes all that it wrote.
 */
typedef int lmdb_work(void *arg, MDB_txn *txn, MDB_dbi dbi);

enum tp_rc lmdb_read(struct lmdb_env *m, lmdb_work *work, void *arg, struct tp_err *err) TP_MUSTUSE;

/* Waits for the other writers until deadline_ms (of clock_mono_ms()), and is then TP_UNAVAILABLE.
 * TP_OK: it is on the disk. */
enum tp_rc lmdb_write(struct lmdb_env *m, lmdb_work *work, void *arg, int64_t deadline_ms,
		      struct tp_err *err) TP_MUSTUSE;

/* Runs work with the writers' lock held and no transaction open; deadline_ms as above. */
enum tp_rc lmdb_hold(struct lmdb_env *m, int (*work)(void *arg, MDB_env *env), void *arg,
		     int64_t deadline_ms, struct tp_err *err) TP_MUSTUSE;

#endif
