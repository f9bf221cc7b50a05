/* SPDX-License-Identifier: MIT */
/* What an administrator does with the files of an environment. Seen by store_lmdb.c only. */
#ifndef STORE_LMDB_COPY_H
#define STORE_LMDB_COPY_H

#include "store/lmdb_env.h"
#include "store/store.h"

/* As store_info() and store_compact() say; dir: the environment's folder. */
enum tp_rc lmdb_copy_info(struct lmdb_env *m, const char *dir, int64_t now_s,
			  struct store_info *ret, struct tp_err *err) TP_MUSTUSE;
enum tp_rc lmdb_copy_compact(struct lmdb_env *m, const char *dir, const char *to,
			     struct tp_err *err) TP_MUSTUSE;

#endif
