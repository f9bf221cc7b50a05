/* SPDX-License-Identifier: MIT */
/* What a store backend is made of; seen by store.c, the backends and their tests only. */
#ifndef STORE_BACKEND_H
#define STORE_BACKEND_H

#include "store/store.h"

struct store_walk {
	store_walk_fn *each;
	void *arg;
	int64_t skipped; /* counted by the backend */
	enum tp_rc rc;	 /* what each() returned last; other than TP_OK ends the walk */
};

struct store_ops {
	const char *name;
	const char *const *schemes;	/* NULL-terminated; DB_TYPE takes the same words */
	const char *const *tls_schemes; /* those of them that mean TLS; NULL: none */
	bool replicated;		/* knows sentinels, and can wait for replicas */
	/*
	 * Nothing is at the other end of a wire: what fails, fails by itself, and the next call may
	 * well succeed (LMDB: readers go on while a stopped process keeps the writers waiting). So
	 * a failure of run() does not trip the breaker of store.c.
	 */
	bool local;
	enum tp_rc (*check)(const struct store_spec *spec, struct tp_err *err);
	/* *ret is the backend's own object, handed to the other calls. */
	enum tp_rc (*open)(const struct store_spec *spec, void **ret, struct tp_err *err);
	/*
	 * deadline_ms on clock_mono_ms()'s scale; must return by then. The keys fit (an owner
	 * where the space has one, without NUL; an item where the verb takes one; both within
	 * base/limits.h), and so do value, ttl_s and n_hits. Each op->rc is TP_UNAVAILABLE on
	 * entry; with TP_OK all must be answered.
	 */
	enum tp_rc (*run)(void *self, struct store_op *ops, size_t n, int64_t deadline_ms,
			  struct tp_err *err);
	void (*close)(void *self);
	/*
	 * For a backend over a wire, asked after a TP_UNAVAILABLE of run(): the connection stands,
	 * the server answered and refused (out of memory, no permission). Then the breaker is left
	 * alone, else a client whose login the full server refuses would keep a worker from its
	 * checks. NULL: each TP_UNAVAILABLE counts as a lost connection.
	 */
	bool (*connected)(const void *self);
	/* What it turned out to be, as far as is known by now. NULL: always .name. */
	const char *(*kind)(const void *self);
	/* See store.h. NULL: not a store in files. */
	enum tp_rc (*info)(void *self, struct store_info *ret, struct tp_err *err);
	enum tp_rc (*compact)(void *self, const char *to, struct tp_err *err);
	/*
	 * store_walk(): each round trip or transaction has step_ms. Returns TP_OK when it got to
	 * the end, or w->rc ended it. Nothing that other processes wait for may be held while
	 * each() is called. NULL: cannot be done.
	 */
	enum tp_rc (*walk)(void *self, struct store_walk *w, int64_t step_ms, struct tp_err *err);
};

/* NULL-terminated table of the backends that were built. */
extern const struct store_ops *const store_backends[];

extern const struct store_ops store_lmdb_ops;
extern const struct store_ops store_redis_ops;
extern const struct store_ops store_memcached_ops;

/* Opens a store over a backend that is not in the table (tests). */
enum tp_rc store_open_with(const struct store_ops *ops, const struct store_spec *spec,
			   struct store **ret, struct tp_err *err) TP_MUSTUSE;

/*
 * The counting rule of STORE_HIT, for backends that decide here and not in the server. state is
 * what the backend keeps for one item; zero when it has none. Returns 0 and moves *state on when
 * the attempt goes through, else the seconds to wait. *ret_ttl_s: how long the state is to be kept.
 * Of two or more hits in one operation all are asked first, and counted when none has to wait.
 * A last_s that is still to come is another machine's, whose clock is ahead, and waited for; beyond
 * memory_s the clock was set back, and one attempt is let through.
 */
struct store_count {
	int64_t n;	/* attempts let through */
	int64_t last_s; /* when the last one was; of the first with a window */
};
int64_t store_count_hit(struct store_count *state, const struct store_limit *limit, int64_t now_s,
			int64_t *ret_ttl_s);

#endif
