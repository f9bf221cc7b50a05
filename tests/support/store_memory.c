/* SPDX-License-Identifier: MIT */
/*
 * The fake store: a list of items, searched from its head. Does what a backend does and no more;
 * limits, budget and breaker stay with store.c, so that tests of handlers go through them too.
 */
#include "support/store_memory.h"

#include "base/limits.h"

#include <stdlib.h>

#include "base/banned.h"

enum { SAMPLE = 3 };

struct store_memory_item {
	struct store_memory_item *next;
	enum store_space space;
	struct secret owner, item, value;
	int64_t expiry_s;
	struct store_count count; /* in STORE_THROTTLE, instead of a value */
};

static void item_free(struct store_memory_item *it)
{
	secret_release(&it->owner);
	secret_release(&it->item);
	secret_release(&it->value);
	free(it);
}

static bool of_owner(const struct store_memory_item *it, enum store_space space, struct span owner)
{
	return it->space == space && span_eq(secret_view(&it->owner), owner);
}

static bool is_live(const struct store_memory *m, const struct store_memory_item *it)
{
	int64_t now_s = clock_now(&m->clock);

	if (now_s < it->expiry_s)
		return true;
	if (!m->keeps_ended || it->space != STORE_LOGIN)
		return false;
	for (const struct store_memory_item *o = m->items; o != NULL; o = o->next)
		if (of_owner(o, STORE_LOGIN, secret_view(&it->owner)) && now_s < o->expiry_s)
			return true;
	return false;
}

static struct store_memory_item *find(const struct store_memory *m, const struct store_key *key)
{
	for (struct store_memory_item *it = m->items; it != NULL; it = it->next)
		if (of_owner(it, key->space, key->owner) &&
		    span_eq(secret_view(&it->item), key->item) && is_live(m, it))
			return it;
	return NULL;
}

static void take_out(struct store_memory *m, const struct store_memory_item *it)
{
	for (struct store_memory_item **p = &m->items; *p != NULL; p = &(*p)->next)
		if (*p == it) {
			struct store_memory_item *gone = *p;

			*p = gone->next;
			item_free(gone);
			return;
		}
}

/* With keeps_ended what is over for one must not come back when the owner gets another. */
static void sweep(struct store_memory *m)
{
	struct store_memory_item *next;

	for (struct store_memory_item *it = m->items; it != NULL; it = next) {
		next = it->next;
		if (!is_live(m, it))
			take_out(m, it);
	}
}

static enum tp_rc fill(struct store_memory_item *it, const struct store_key *key, struct span value,
		       struct tp_err *err)
{
	enum tp_rc rc;

	it->space = key->space;
	rc = secret_set(&it->owner, key->owner, err);
	if (rc == TP_OK)
		rc = secret_set(&it->item, key->item, err);
	if (rc == TP_OK)
		rc = secret_set(&it->value, value, err);
	return rc;
}

/* Replaces the item of that key. */
static enum tp_rc put_in(struct store_memory *m, const struct store_key *key, struct span value,
			 int64_t expiry_s, struct store_memory_item **ret, struct tp_err *err)
{
	struct store_memory_item *it = calloc(1, sizeof(*it));
	enum tp_rc rc;

	if (it == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	rc = fill(it, key, value, err);
	if (rc != TP_OK) {
		item_free(it);
		return rc;
	}
	take_out(m, find(m, key));
	it->expiry_s = expiry_s;
	it->next = m->items;
	m->items = it;
	*ret = it;
	return TP_OK;
}

static enum tp_rc do_get(const struct store_memory *m, struct store_op *op, struct tp_err *err)
{
	const struct store_memory_item *it = find(m, &op->key);

	op->rc = it != NULL ? TP_OK : TP_NOT_FOUND;
	if (it == NULL || op->ret == NULL)
		return TP_OK;
	buf_span(op->ret, secret_view(&it->value));
	if (buf_rc(op->ret, "a value", err) == TP_TOO_LARGE)
		return tp_fail(err, TP_UNAVAILABLE, "a value is larger than what the caller takes");
	return op->ret->rc;
}

static enum tp_rc do_put(struct store_memory *m, struct store_op *op, struct tp_err *err)
{
	struct store_memory_item *it = find(m, &op->key);
	enum tp_rc rc;

	op->rc = TP_OK;
	if (op->mode == STORE_IF_ABSENT && it != NULL)
		op->rc = TP_EXISTS;
	if (op->mode == STORE_IF_PRESENT && it == NULL)
		op->rc = TP_NOT_FOUND;
	if (op->rc != TP_OK)
		return TP_OK;
	rc = put_in(m, &op->key, op->value, clock_now(&m->clock) + op->ttl_s, &it, err);
	if (rc != TP_OK || op->key.space != STORE_LOGIN)
		return rc;
	for (it = m->items; it != NULL; it = it->next)
		op->ret_n += of_owner(it, STORE_LOGIN, op->key.owner);
	return TP_OK;
}

static void do_del_owner(struct store_memory *m, struct store_op *op)
{
	struct store_memory_item *next;

	op->rc = TP_OK;
	for (struct store_memory_item *it = m->items; it != NULL; it = next) {
		next = it->next;
		if (!of_owner(it, STORE_LOGIN, op->key.owner))
			continue;
		take_out(m, it);
		op->ret_n++;
	}
}

static void do_list(const struct store_memory *m, struct store_op *op, size_t most)
{
	op->rc = TP_OK;
	for (const struct store_memory_item *it = m->items; it != NULL; it = it->next) {
		if (!of_owner(it, STORE_LOGIN, op->key.owner) || !is_live(m, it))
			continue;
		if (op->rc != TP_OK || most-- == 0)
			return;
		op->rc = op->each(op->arg, secret_view(&it->item), secret_view(&it->value));
	}
}

static struct store_key key_of(const struct store_hit *hit)
{
	return (struct store_key){ .space = STORE_THROTTLE, .item = hit->item };
}

static enum tp_rc do_hit(struct store_memory *m, struct store_op *op, struct tp_err *err)
{
	int64_t now_s = clock_now(&m->clock);
	struct store_count n[STORE_HITS] = { 0 };
	int64_t ttl_s[STORE_HITS] = { 0 };
	struct store_memory_item *it;
	struct store_key key;
	enum tp_rc rc = TP_OK;

	for (size_t i = 0; i < op->n_hits; i++) {
		int64_t wait_s;

		key = key_of(&op->hits[i]);
		it = find(m, &key);
		if (it != NULL)
			n[i] = it->count;
		wait_s = store_count_hit(&n[i], op->hits[i].limit, now_s, &ttl_s[i]);
		if (wait_s > op->ret_n)
			op->ret_n = wait_s;
	}
	op->rc = op->ret_n > 0 ? TP_THROTTLED : TP_OK;
	for (size_t i = 0; rc == TP_OK && op->rc == TP_OK && i < op->n_hits; i++) {
		key = key_of(&op->hits[i]);
		rc = put_in(m, &key, SPAN_LIT(""), now_s + ttl_s[i], &it, err);
		if (rc == TP_OK)
			it->count = n[i];
	}
	return rc;
}

static void do_unhit(struct store_memory *m, struct store_op *op)
{
	op->rc = TP_OK;
	for (size_t i = 0; i < op->n_hits; i++) {
		struct store_key key = key_of(&op->hits[i]);
		struct store_memory_item *it = find(m, &key);

		if (it != NULL && (i == 0 || --it->count.n == 0))
			take_out(m, it);
	}
}

static enum tp_rc run_one(struct store_memory *m, struct store_op *op, struct tp_err *err)
{
	struct store_memory_item *it;

	switch (op->verb) {
	case STORE_GET:
		return do_get(m, op, err);
	case STORE_PUT:
		return do_put(m, op, err);
	case STORE_DEL:
		it = find(m, &op->key);
		op->rc = it != NULL ? TP_OK : TP_NOT_FOUND;
		take_out(m, it);
		return TP_OK;
	case STORE_DEL_OWNER:
		do_del_owner(m, op);
		return TP_OK;
	case STORE_LIST:
		do_list(m, op, SIZE_MAX);
		return TP_OK;
	case STORE_SAMPLE:
		do_list(m, op, m->keeps_ended ? SAMPLE : 0);
		return TP_OK;
	case STORE_TTL:
		it = find(m, &op->key);
		op->rc = it != NULL ? TP_OK : TP_NOT_FOUND;
		op->ret_n = it != NULL ? it->expiry_s - clock_now(&m->clock) : 0;
		return TP_OK;
	case STORE_HIT:
		return do_hit(m, op, err);
	case STORE_UNHIT:
		do_unhit(m, op);
		return TP_OK;
	case STORE_PING:
		op->rc = TP_OK;
		return TP_OK;
	}
	return tp_fail(err, TP_INTERNAL, "no such verb");
}

/* False: the deadline came first. */
static bool spend(int64_t ms, int64_t deadline_ms)
{
	int64_t end_ms = clock_mono_ms() + ms;
	bool in_time = ms == 0 || end_ms <= deadline_ms;

	if (!in_time)
		end_ms = deadline_ms;
	while (ms > 0 && clock_mono_ms() < end_ms)
		clock_pause_us(500);
	return in_time;
}

static void garble(struct store_op *op, size_t len)
{
	if (op->verb != STORE_GET || op->rc != TP_OK || op->ret == NULL)
		return;
	buf_cut(op->ret, len);
	buf_span(op->ret, SPAN_LIT("\xff\0{nonsense"));
}

static enum tp_rc run(void *self, struct store_op *ops, size_t n, int64_t deadline_ms,
		      struct tp_err *err)
{
	struct store_memory *m = self;
	enum store_memory_fault fault = m->next != STORE_MEMORY_WORKS ? m->next : m->all;
	enum tp_rc rc = TP_OK;

	m->next = STORE_MEMORY_WORKS;
	if (n == 1 && ops[0].verb == STORE_PING) {
		m->pings++;
	} else {
		m->calls++;
		m->ops += n;
	}
	if (fault == STORE_MEMORY_NOMEM)
		return tp_fail(err, TP_NOMEM, "out of memory");
	if (fault == STORE_MEMORY_UNAVAILABLE || !spend(m->takes_ms, deadline_ms))
		return tp_fail(err, TP_UNAVAILABLE, "the memory store was told to fail");
	if (fault == STORE_MEMORY_SILENT)
		return TP_OK;
	sweep(m);
	for (size_t i = 0; rc == TP_OK && i < n; i++) {
		size_t len = ops[i].ret != NULL ? ops[i].ret->len : 0;

		rc = run_one(m, &ops[i], err);
		if (fault == STORE_MEMORY_NONSENSE)
			garble(&ops[i], len);
	}
	if (rc == TP_OK && fault == STORE_MEMORY_LOST)
		return tp_fail(err, TP_UNAVAILABLE, "the memory store lost the answer");
	return rc;
}

static enum tp_rc check(const struct store_spec *spec, struct tp_err *err)
{
	(void)spec;
	(void)err;
	return TP_OK;
}

/* open() hands its object to store.c only; this catches it on the way. */
static struct store_memory *opened;

static enum tp_rc open_memory(const struct store_spec *spec, void **ret, struct tp_err *err)
{
	struct store_memory *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	m->clock = spec->clock;
	*ret = opened = m;
	return TP_OK;
}

static void close_memory(void *self)
{
	struct store_memory *m = self;

	while (m->items != NULL)
		take_out(m, m->items);
	free(m);
}

static bool connected(const void *self)
{
	const struct store_memory *m = self;

	return m->answers;
}

static const char *const schemes[] = { "memory", NULL };

static enum tp_rc walk(void *self, struct store_walk *w, int64_t step_ms, struct tp_err *err)
{
	struct store_memory *m = self;

	(void)step_ms;
	if (m->all == STORE_MEMORY_UNAVAILABLE)
		return tp_fail(err, TP_UNAVAILABLE, "the memory store is told to fail");
	for (struct store_memory_item *it = m->items; it != NULL && w->rc == TP_OK; it = it->next) {
		struct store_key key = { it->space, secret_view(&it->owner),
					 secret_view(&it->item) };

		if (it->space == STORE_LOGIN && is_live(m, it))
			w->rc = w->each(w->arg, &key, secret_view(&it->value));
	}
	return TP_OK;
}

static struct store_memory *open_as(bool local, struct clock clock, int64_t timeout_ms,
				    struct store **ret)
{
	static const struct store_ops ops[] = {
		{ .name = "memory",
		  .schemes = schemes,
		  .check = check,
		  .open = open_memory,
		  .run = run,
		  .close = close_memory,
		  .walk = walk,
		  .connected = connected },
		{ .name = "memory",
		  .schemes = schemes,
		  .local = true,
		  .check = check,
		  .open = open_memory,
		  .run = run,
		  .close = close_memory,
		  .walk = walk },
	};
	struct store_spec spec = { .timeout_ms = timeout_ms, .clock = clock };

	if (store_open_with(&ops[local], &spec, ret, NULL) != TP_OK)
		return NULL;
	return opened;
}

struct store_memory *store_memory_open(struct clock clock, int64_t timeout_ms, struct store **ret)
{
	return open_as(true, clock, timeout_ms, ret);
}

struct store_memory *store_memory_open_remote(struct clock clock, int64_t timeout_ms,
					      struct store **ret)
{
	return open_as(false, clock, timeout_ms, ret);
}

size_t store_memory_count(const struct store_memory *m, enum store_space space)
{
	size_t n = 0;

	for (const struct store_memory_item *it = m->items; it != NULL; it = it->next)
		n += it->space == space && is_live(m, it);
	return n;
}
