/* SPDX-License-Identifier: MIT */
/*
 * What all stores have in common: which backend a URL names, what a key may look like, the time
 * budget of a request, the breaker that keeps a dead server from holding up each request, and the
 * counting rule. Knows no server; the backends are in the table that the build makes.
 */
#include "store/backend.h"

#include "base/limits.h"
#include "store/store_url.h"

#include <assert.h>
#include <stdlib.h>

#include "base/banned.h"

enum { PROBE_EVERY_MS = 1000, PROBE_MOST_MS = 250 };

struct store {
	const struct store_ops *ops;
	void *self;
	int64_t timeout_ms, left_ms;
	int64_t probe_ms; /* while down: when the next probe may go out */
	bool down;
	bool busy; /* inside the backend, where a callback may not come in again */
};

/* words: NULL-terminated, or none at all */
static bool is_among(const char *word, const char *const *words)
{
	for (const char *const *s = words; s != NULL && *s != NULL; s++)
		if (span_is_nocase(span_of(word), *s))
			return true;
	return false;
}

static const struct store_ops *find(const char *word)
{
	for (const struct store_ops *const *b = store_backends; *b != NULL; b++)
		if (is_among(word, (*b)->schemes))
			return *b;
	return NULL;
}

/* The words that would have done, for the message. */
static void put_known(struct buf *out)
{
	for (const struct store_ops *const *b = store_backends; *b != NULL; b++)
		for (const char *const *s = (*b)->schemes; *s != NULL; s++) {
			buf_str(out, out->len > 0 ? ", " : "");
			buf_str(out, *s);
		}
}

static enum tp_rc unknown(const char *what, const char *word, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf known = BUF_INIT(sizeof(err->msg));

	put_known(&known);
	return tp_fail(err, TP_INVALID, "%s: \"%.15s\" is none of %s", what, word,
		       buf_cstr(&known));
}

/* Who sets one of these counts on TLS. */
static enum tp_rc check_tls(const struct store_spec *spec, const struct store_ops *ops,
			    const char *scheme, struct tp_err *err)
{
	const char *set = NULL;

	if (spec->tls_cert != NULL || spec->tls_key != NULL)
		set = "DB_TLS_CERT";
	if (spec->tls_ca != NULL)
		set = "DB_TLS_CA";
	if (set == NULL || is_among(scheme, ops->tls_schemes))
		return TP_OK;
	return tp_fail(err, TP_INVALID, "%s is set, but DB_URL is %s://, which has no TLS", set,
		       scheme);
}

static enum tp_rc check_replicas(const struct store_spec *spec, const struct store_ops *ops,
				 const char *scheme, struct tp_err *err)
{
	const char *set =
		spec->sentinel ? "REDIS_CONNECTION_TYPE is sentinel" : "DB_WAIT_REPLICAS is set";

	if (ops->replicated || (!spec->sentinel && spec->wait_replicas == 0))
		return TP_OK;
	return tp_fail(err, TP_INVALID, "%s, but DB_URL is %s://, which has no replicas", set,
		       scheme);
}

static enum tp_rc choose(const struct store_spec *spec, const struct store_ops **ret,
			 struct tp_err *err)
{
	TP_CLEANUP(store_url_release) struct store_url url = { .port = -1 };
	const char *text = spec->url != NULL ? spec->url : "lmdb://";
	const struct store_ops *ops;
	enum tp_rc rc;

	rc = store_url_parse(span_of(text), &url, err);
	if (rc != TP_OK)
		return rc;
	ops = find(url.scheme);
	if (ops == NULL)
		return unknown("the scheme of DB_URL", url.scheme, err);
	if (spec->type != NULL && find(spec->type) == NULL)
		return unknown("DB_TYPE", spec->type, err);
	if (spec->type != NULL && find(spec->type) != ops)
		return tp_fail(err, TP_INVALID, "DB_TYPE is %.15s, but DB_URL %s %s://", spec->type,
			       spec->url != NULL ? "is" : "is not set, which means", url.scheme);
	rc = check_tls(spec, ops, url.scheme, err);
	if (rc == TP_OK)
		rc = check_replicas(spec, ops, url.scheme, err);
	if (rc == TP_OK)
		*ret = ops;
	return rc;
}

enum tp_rc store_check_url(const struct store_spec *spec, struct tp_err *err)
{
	const struct store_ops *ops = NULL;
	enum tp_rc rc = choose(spec, &ops, err);

	if (rc != TP_OK)
		return rc;
	assert(ops != NULL);
	return ops->check(spec, err);
}

enum tp_rc store_open(const struct store_spec *spec, struct store **ret, struct tp_err *err)
{
	const struct store_ops *ops = NULL;
	enum tp_rc rc = choose(spec, &ops, err);

	if (rc != TP_OK)
		return rc;
	assert(ops != NULL);
	return store_open_with(ops, spec, ret, err);
}

enum tp_rc store_open_with(const struct store_ops *ops, const struct store_spec *spec,
			   struct store **ret, struct tp_err *err)
{
	struct store *s;
	enum tp_rc rc;

	assert(spec->timeout_ms > 0);
	rc = ops->check(spec, err);
	if (rc != TP_OK)
		return rc;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	s->ops = ops;
	s->timeout_ms = s->left_ms = spec->timeout_ms;
	rc = ops->open(spec, &s->self, err);
	if (rc != TP_OK) {
		free(s);
		return rc;
	}
	*ret = s;
	return TP_OK;
}

void store_close(struct store *s)
{
	if (s == NULL)
		return;
	s->ops->close(s->self);
	free(s);
}

const char *store_name(const struct store *s)
{
	return s->ops->kind != NULL ? s->ops->kind(s->self) : s->ops->name;
}

static enum tp_rc open_files(const struct store_spec *spec, struct store **ret, struct tp_err *err)
{
	const struct store_ops *ops = NULL;
	enum tp_rc rc = choose(spec, &ops, err);

	if (rc != TP_OK)
		return rc;
	assert(ops != NULL);
	if (ops->info == NULL)
		return tp_fail(err, TP_INVALID,
			       "DB_URL names a %s store, which keeps no files here", ops->name);
	return store_open_with(ops, spec, ret, err);
}

enum tp_rc store_info(const struct store_spec *spec, struct store_info *ret, struct tp_err *err)
{
	struct store *s = NULL;
	enum tp_rc rc = open_files(spec, &s, err);

	if (rc != TP_OK)
		return rc;
	assert(s != NULL);
	rc = s->ops->info(s->self, ret, err);
	store_close(s);
	return rc;
}

enum tp_rc store_compact(const struct store_spec *spec, const char *to, struct tp_err *err)
{
	struct store *s = NULL;
	enum tp_rc rc = open_files(spec, &s, err);

	if (rc != TP_OK)
		return rc;
	assert(s != NULL);
	rc = s->ops->compact(s->self, to, err);
	store_close(s);
	return rc;
}

void store_begin(struct store *s)
{
	s->left_ms = s->timeout_ms;
}

static bool lost(const struct store *s)
{
	return !s->ops->local && (s->ops->connected == NULL || !s->ops->connected(s->self));
}

/* Only the time spent in here counts: a slow password check is no fault of the store. */
static enum tp_rc ask(struct store *s, struct store_op *ops, size_t n, int64_t most_ms,
		      struct tp_err *err)
{
	int64_t start_ms = clock_mono_ms();
	enum tp_rc rc;

	if (s->left_ms <= 0)
		return tp_fail(err, TP_UNAVAILABLE,
			       "the request's %lld ms for the %s store are used up",
			       (long long)s->timeout_ms, s->ops->name);
	s->busy = true;
	rc = s->ops->run(s->self, ops, n, start_ms + most_ms, err);
	s->busy = false;
	s->left_ms -= clock_mono_ms() - start_ms;
	/* An operation that the backend left unanswered is no answer either. */
	for (size_t i = 0; rc == TP_OK && i < n; i++)
		if (ops[i].rc == TP_UNAVAILABLE && ops[i].each == NULL)
			rc = tp_fail(err, TP_UNAVAILABLE, "the %s store gave no answer",
				     s->ops->name);
	if (rc == TP_UNAVAILABLE && lost(s)) {
		s->down = true;
		s->probe_ms = clock_mono_ms() + PROBE_EVERY_MS;
	}
	return rc;
}

static enum tp_rc probe(struct store *s, struct tp_err *err)
{
	struct store_op ping = { .verb = STORE_PING, .rc = TP_UNAVAILABLE };
	enum tp_rc rc;

	if (clock_mono_ms() < s->probe_ms)
		return tp_fail_retry(err, TP_UNAVAILABLE, 1,
				     "the %s store failed less than a second ago and was not asked "
				     "again",
				     s->ops->name);
	rc = ask(s, &ping, 1, s->left_ms < PROBE_MOST_MS ? s->left_ms : PROBE_MOST_MS, err);
	if (rc == TP_OK)
		s->down = false;
	return rc;
}

static enum tp_rc ask_if_up(struct store *s, struct store_op *ops, size_t n, struct tp_err *err)
{
	enum tp_rc rc = s->down ? probe(s, err) : TP_OK;

	return rc == TP_OK ? ask(s, ops, n, s->left_ms, err) : rc;
}

static bool key_fits(const struct store_op *op)
{
	bool has_owner = op->key.space != STORE_THROTTLE;
	bool has_item =
		op->verb != STORE_DEL_OWNER && op->verb != STORE_LIST && op->verb != STORE_SAMPLE;

	if (op->verb == STORE_HIT || op->verb == STORE_UNHIT || op->verb == STORE_PING)
		return true;
	if (!has_owner && op->key.owner.len > 0)
		return false;
	if (has_owner && (op->key.owner.len == 0 || op->key.owner.len > LIMIT_USER_ID ||
			  span_has_byte(op->key.owner, '\0')))
		return false;
	return !has_item || (op->key.item.len > 0 && op->key.item.len <= LIMIT_HANDLE);
}

/* What an operation brings in, against the limits; its caller is wrong, not the store. */
static enum tp_rc check_op(const struct store_op *op, struct tp_err *err)
{
	bool counts = op->verb == STORE_HIT || op->verb == STORE_UNHIT;

	assert(!counts || (op->n_hits > 0 && op->n_hits <= STORE_HITS));
	assert((op->verb != STORE_LIST && op->verb != STORE_SAMPLE) || op->each != NULL);
	for (size_t i = 0; counts && i < op->n_hits; i++)
		if (op->hits[i].item.len == 0 || op->hits[i].item.len > LIMIT_HANDLE)
			return tp_fail(err, TP_INVALID, "a counter's name is empty or too long");
	if (op->verb != STORE_PUT)
		return TP_OK;
	if (!key_fits(op))
		return tp_fail(err, TP_INVALID, "a key for the store is malformed or too long");
	if (op->value.len > LIMIT_STORE_VALUE)
		return tp_fail(err, TP_INVALID, "a value for the store is larger than %d bytes",
			       LIMIT_STORE_VALUE);
	if (op->ttl_s < 1 || op->ttl_s > STORE_TTL_MAX)
		return tp_fail(err, TP_INVALID, "a lifetime for the store is out of range");
	return TP_OK;
}

/* Leaves out the operations on keys that cannot be; nearly always there is none, and all go out in
 * one round trip. */
static enum tp_rc run_fitting(struct store *s, struct store_op *ops, size_t n, struct tp_err *err)
{
	enum tp_rc rc;
	size_t end;

	for (size_t i = 0; i < n; i = end) {
		end = i;
		while (end < n && key_fits(&ops[end]))
			end++;
		if (end == i) {
			ops[end++].rc = TP_NOT_FOUND;
			continue;
		}
		rc = ask_if_up(s, ops + i, end - i, err);
		if (rc != TP_OK)
			return rc;
	}
	return TP_OK;
}

enum tp_rc store_run(struct store *s, struct store_op *ops, size_t n, struct tp_err *err)
{
	size_t len[LIMIT_STORE_OPS];
	enum tp_rc rc = TP_OK;

	assert(n >= 1 && n <= LIMIT_STORE_OPS);
	assert(!s->busy);
	for (size_t i = 0; i < n; i++) {
		ops[i].rc = TP_UNAVAILABLE;
		ops[i].ret_n = 0;
		len[i] = ops[i].ret != NULL ? ops[i].ret->len : 0;
	}
	for (size_t i = 0; rc == TP_OK && i < n; i++)
		rc = check_op(&ops[i], err);
	if (rc == TP_OK)
		rc = run_fitting(s, ops, n, err);
	/* An answer that came before the failure is not to be mistaken for one. */
	for (size_t i = 0; rc != TP_OK && i < n; i++) {
		ops[i].rc = rc;
		if (ops[i].ret != NULL)
			buf_cut(ops[i].ret, len[i]);
	}
	return rc;
}

enum tp_rc store_do(struct store *s, struct store_op *op, struct tp_err *err)
{
	enum tp_rc rc = store_run(s, op, 1, err);

	if (rc != TP_OK)
		return rc;
	if (op->rc == TP_NOT_FOUND && op->each == NULL)
		return tp_fail(err, TP_NOT_FOUND, "the store has no such item");
	if (op->rc == TP_EXISTS && op->each == NULL)
		return tp_fail(err, TP_EXISTS, "the store has such an item already");
	if (op->rc == TP_THROTTLED && op->each == NULL)
		return tp_fail_retry(err, TP_THROTTLED, op->ret_n, "too many attempts");
	return op->rc;
}

enum tp_rc store_walk(struct store *s, store_walk_fn *each, void *arg, int64_t *ret_skipped,
		      struct tp_err *err)
{
	struct store_walk w = { .each = each, .arg = arg };
	enum tp_rc rc;

	assert(!s->busy);
	if (s->ops->walk == NULL)
		return tp_fail(err, TP_INVALID, "a %s store cannot tell what is in it",
			       s->ops->name);
	s->busy = true;
	rc = s->ops->walk(s->self, &w, s->timeout_ms, err);
	s->busy = false;
	if (rc != TP_OK)
		return rc;
	*ret_skipped = w.skipped;
	return w.rc;
}

/* How long after the last attempt that was let through the next may come. 0: whenever it likes. */
static int64_t pause_after(int64_t n, const struct store_limit *limit)
{
	int64_t pause = limit->first_s;

	if (n < limit->free)
		return 0;
	if (limit->window)
		return limit->memory_s;
	for (int64_t i = limit->free; i < n && pause > 0 && pause < limit->most_s; i++)
		pause *= 2;
	return pause < limit->most_s ? pause : limit->most_s;
}

int64_t store_count_hit(struct store_count *state, const struct store_limit *limit, int64_t now_s,
			int64_t *ret_ttl_s)
{
	struct store_count next = *state;
	int64_t pause = 0;

	if (next.n > 0 && now_s - next.last_s >= limit->memory_s)
		next = (struct store_count){ 0 };
	/* The clock was set back, by more than the clocks of machines that share a store differ.
	 * Those are waited for, else who asks one after the other has each time one more. */
	if (next.n > 0 && next.last_s - now_s > limit->memory_s)
		next.last_s = now_s;
	else if (next.n > 0)
		pause = pause_after(next.n, limit);
	if (pause > 0 && next.last_s + pause > now_s)
		return next.last_s + pause - now_s;
	if (next.n == 0 || !limit->window)
		next.last_s = now_s;
	next.n++;
	*ret_ttl_s = next.last_s + limit->memory_s - now_s;
	*state = next;
	return 0;
}
