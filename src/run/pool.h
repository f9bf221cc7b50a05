/* SPDX-License-Identifier: MIT */
/*
 * What the workers of one machine know of each other: how many there are, and how many of them hash
 * a password just now. Byte locks on one file (STATE_DIR/pool.lock): the kernel frees them when a
 * worker dies, however it dies. At most half of the workers are at logins, at least one may be.
 */
#ifndef RUN_POOL_H
#define RUN_POOL_H

#include "auth/auth.h"

struct pool;

/* TP_UNAVAILABLE: the folder cannot be used; logins are then not bounded. Open after fork(). */
enum tp_rc pool_open(const char *state_dir, struct pool **ret, struct tp_err *err) TP_MUSTUSE;
void pool_close(struct pool *p);

/* The gate for struct auth_ctx; with p NULL one that is always open. */
struct auth_gate pool_gate(struct pool *p);

/* How many workers hold their place, this one included. */
int pool_workers(const struct pool *p);

#endif
