/* SPDX-License-Identifier: MIT */
/*
 * The session store: three spaces of values with an owner, an item and an expiry, on LMDB, Redis,
 * or memory (tests). A request's work is a list of operations that goes out in one round trip.
 *
 * "No" and "cannot tell" differ: an operation answers TP_NOT_FOUND or TP_EXISTS only when the store
 * said so. Whatever else happens (time-out, broken connection, nonsense, disk full) fails the whole
 * call with TP_UNAVAILABLE (or TP_NOMEM), and then nothing may be concluded of any operation in it;
 * a write may or may not have happened.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/clock.h"
#include "base/secret.h"

enum store_space {
	STORE_LOGIN,	/* owner: user_id, item: handle, value: the session */
	STORE_RESTRICT, /* owner: user_id, item: handle: the refresh window is closed while it
			   exists */
	STORE_THROTTLE /* item: hex digest of whom it counts, no owner; written by STORE_HIT only */
};

enum store_mode {
	STORE_ANY,
	STORE_IF_ABSENT, /* answers TP_EXISTS when there is one */
	STORE_IF_PRESENT /* answers TP_NOT_FOUND when there is none */
};

struct store_key {
	enum store_space space;
	struct span owner;
	struct span item;
};

/*
 * How attempts are counted. The first `free` go through; each further one must come pause seconds
 * after the one before that was let through, pause starting at first_s and doubling up to most_s.
 * Forgotten memory_s after the last attempt that was let through; with `window`, memory_s after the
 * first one instead, and beyond `free` nothing goes through until then.
 */
struct store_limit {
	int64_t free, first_s, most_s, memory_s;
	bool window;
};

struct store_hit {
	struct span item; /* in STORE_THROTTLE */
	const struct store_limit *limit;
};

enum { STORE_HITS = 4 };

/* Gets each live item of an owner; the spans are borrowed during the call, which may not use the
 * store. Other than TP_OK ends the walk, and is then the operation's answer. */
typedef enum tp_rc store_item_fn(void *arg, struct span item, struct span value);

enum store_verb {
	STORE_GET, /* ret: the value */
	STORE_PUT, /* value, ttl_s, mode; in STORE_LOGIN ret_n: the owner's items afterwards (an
		      upper bound) */
	STORE_DEL, /* TP_NOT_FOUND when there was none */
	STORE_DEL_OWNER, /* ends all items of an owner in STORE_LOGIN; ret_n: how many */
	STORE_LIST,	 /* each, for an owner in STORE_LOGIN; in no order */
	STORE_SAMPLE,	 /* each, for a few items of an owner in STORE_LOGIN that the store cannot
			  * expire by itself; calls nothing where it can */
	STORE_TTL,	 /* ret_n: seconds until the item ends, at least 1 */
	STORE_HIT,	 /* hits, n_hits: counts one attempt under each, all or none. TP_THROTTLED:
			  * refused, nothing was counted, ret_n: seconds until it can go through */
	STORE_UNHIT, /* hits: takes one attempt back under each, but forgets the first entirely */
	STORE_PING
};

struct store_op {
	enum store_verb verb;
	enum store_mode mode;
	struct store_key key;
	struct span value;
	int64_t ttl_s;
	const struct store_hit *hits;
	size_t n_hits;
	store_item_fn *each;
	void *arg;
	bool no_wait; /* a change that nobody is told of: replicas need not have it yet */
	/* the answer */
	enum tp_rc rc;
	struct buf *ret; /* caller's; appended to. A value that does not fit fails the whole call */
	int64_t ret_n;
};

/*
 * Keys that cannot be (empty, longer than LIMIT_USER_ID and LIMIT_HANDLE, NUL in the owner, an
 * owner in STORE_THROTTLE) are TP_NOT_FOUND where an operation asks for one, and TP_INVALID, for
 * the whole call, where it would make one; so is a value over LIMIT_STORE_VALUE, and a ttl_s below
 * 1 or above STORE_TTL_MAX.
 */
enum { STORE_TTL_MAX = INT32_MAX };

struct store_spec {
	const char *url;  /* DB_URL; NULL or "lmdb://": LMDB in state_dir */
	const char *type; /* DB_TYPE; NULL: from the URL */
	const char *state_dir;
	int login_db, restrict_db;
	int64_t timeout_ms; /* of the work of all calls between two store_begin(), at least 1 */
	struct clock clock;
	/* Files of a scheme with TLS: the authorities (NULL: the system's), our own certificate and
	 * its key (NULL: none). With another scheme they are an error. */
	const char *tls_ca, *tls_cert, *tls_key;
	/* url names sentinels, which know where `master` is (a name); they want a user and a
	 * password of their own, or none. */
	bool sentinel;
	const char *master, *sentinel_user;
	struct span sentinel_password;
	int wait_replicas; /* how many replicas must have a change before it is TP_OK; 0: none */
	size_t lmdb_map_bytes; /* LMDB's map at first, it grows; 0: 1 GiB */
};

struct store;

/*
 * Does not need the server to be up: TP_INVALID is an unknown scheme or a broken URL (named,
 * without its password), TP_UNAVAILABLE an LMDB folder that cannot be used. Open after fork(); with
 * TLS, ignore SIGPIPE.
 */
enum tp_rc store_open(const struct store_spec *spec, struct store **ret,
		      struct tp_err *err) TP_MUSTUSE;
void store_close(struct store *s);

/* Checks scheme, URL and type as store_open() does, without opening anything. */
enum tp_rc store_check_url(const struct store_spec *spec, struct tp_err *err) TP_MUSTUSE;

/* A request begins: its time budget is full again. */
void store_begin(struct store *s);

/*
 * Runs 1 to LIMIT_STORE_OPS operations in order. TP_OK: every op has its answer in op->rc (TP_OK,
 * TP_NOT_FOUND, TP_EXISTS, TP_THROTTLED, or what `each` returned). They are not a transaction, but
 * each is atomic, and one that answers "no" does not keep the next from running. Anything else:
 * every op->rc is the call's failure too, and nothing was appended to a `ret`.
 *
 * After a time-out or a lost connection further calls fail at once until a short probe, tried at
 * most once a second, succeeds; so a dead store does not hold up a worker for the whole budget each
 * time. The embedded store has no connection to lose, and is asked each time.
 */
enum tp_rc store_run(struct store *s, struct store_op *ops, size_t n,
		     struct tp_err *err) TP_MUSTUSE;

/* One operation; the call's failure or the operation's answer. err is filled for both, but for what
 * `each` returned. */
enum tp_rc store_do(struct store *s, struct store_op *op, struct tp_err *err) TP_MUSTUSE;

/* What a store in files holds, and what its files do. */
struct store_info {
	char dir[256];			     /* cut short where it is longer */
	int64_t sessions, windows, counters; /* that live: STORE_LOGIN, _RESTRICT, _THROTTLE */
	int64_t ended;			     /* of all three, waiting to be swept */
	int64_t damaged;
	int64_t file_bytes, free_bytes, map_bytes; /* free: inside of the file, used again */
	int64_t readers, dead_readers; /* places in the readers' table; dead: now freed */
};

/*
 * The files behind DB_URL; TP_INVALID: that is no store in files. Each record is read, and its sums
 * are checked.
 */
enum tp_rc store_info(const struct store_spec *spec, struct store_info *ret,
		      struct tp_err *err) TP_MUSTUSE;

/*
 * Copies the store without its free space: to the folder `to`, which is made, or, NULL, into its
 * own place. In place writers wait meanwhile (and fail when their time is up), readers go on, and
 * all processes go over to the new files by themselves. Whatever happens, the store is the old one
 * or the new one, whole.
 */
enum tp_rc store_compact(const struct store_spec *spec, const char *to,
			 struct tp_err *err) TP_MUSTUSE;

/* Gets each live item of STORE_LOGIN; the spans are borrowed during the call, which may take its
 * time, and may not use the store. Other than TP_OK ends the walk. */
typedef enum tp_rc store_walk_fn(void *arg, const struct store_key *key, struct span value);

/*
 * Walks over the sessions of all owners, in no order; for an administrator's program, not for a
 * request: each step has the whole time budget, and the walk as many as it takes. What is there all
 * the time is seen, perhaps twice, what comes or goes meanwhile perhaps not. The answer is that of
 * `each`, if it ended the walk. *ret_skipped: what else is there and is no session, or damaged.
 * TP_INVALID: this store cannot tell what is in it.
 */
enum tp_rc store_walk(struct store *s, store_walk_fn *each, void *arg, int64_t *ret_skipped,
		      struct tp_err *err) TP_MUSTUSE;

/* "lmdb", "redis": for the log. One host of a Redis Cluster is "redis cluster" once it was asked.
 */
const char *store_name(const struct store *s);

#endif
