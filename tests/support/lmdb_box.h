/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the embedded store share: a STATE_DIR of their own, stores over it, a few
 * operations on one owner's items, and child processes with a store of theirs.
 */
#ifndef SUPPORT_LMDB_BOX_H
#define SUPPORT_LMDB_BOX_H

#include "store/store.h"

#include <check.h>
#include <sys/types.h>

enum { BOX_NOW = 1800000000, BOX_TTL = 3600 };

extern int64_t box_now_s; /* the clock of every store here; BOX_NOW at first */

/* Unchecked fixtures: the folder in TMPDIR, and its end. */
void box_make(void);
void box_remove(void);

const char *box_root(void);		/* STATE_DIR */
const char *box_path(const char *name); /* of a file of the store, "": of its folder; until the
					 * next call */
off_t box_size(void);			/* of data.mdb */
void box_clear(void *unused);		/* removes the store */

/* map_bytes 0: the default. box_open() fails the case instead. */
enum tp_rc box_try(size_t map_bytes, int64_t timeout_ms, struct store **ret, struct tp_err *err);
struct store *box_open(size_t map_bytes, int64_t timeout_ms);

/* Each begins a request. Items are of owner "u" in STORE_LOGIN and live BOX_TTL; a number is an
 * item's name in decimal. */
struct store_op box_op(enum store_verb verb, const char *item);
enum tp_rc box_put(struct store *s, const char *item, size_t bytes);
enum tp_rc box_put_number(struct store *s, int n, size_t bytes);
enum tp_rc box_get(struct store *s, const char *item, struct tp_err *err);
enum tp_rc box_get_number(struct store *s, int n);
int box_count(struct store *s);

/* A store_item_fn: counts in an int. */
enum tp_rc box_count_one(void *arg, struct span item, struct span value);

/* A child, and the ends of two pipes to it. fn returns its exit status. */
struct box_child {
	pid_t pid;
	int to, from;
};
typedef int box_child_fn(struct store *s, int in, int out);

struct box_child box_start(size_t map_bytes, box_child_fn *fn);
int box_end(struct box_child *c); /* the exit status, or minus the signal that ended it */
void box_say(int fd);
void box_hear(int fd);

/* A child's work: puts 0, 1, 2 ... and writes each number, as int, when it was acknowledged. */
int box_write_for_ever(struct store *s, int in, int out);

#endif
