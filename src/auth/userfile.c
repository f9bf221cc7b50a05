/* SPDX-License-Identifier: MIT */
/*
 * Parses password and group files. Owns the text and an index of pairs (user, hash or group) in
 * the order of the file, chained by a hash of the user's name: 16 bytes a pair, one look a login.
 * Reading files and judging passwords is done elsewhere.
 */
#include "auth/userfile.h"

#include "auth/passhash.h"
#include "base/limits.h"
#include "token/token.h"

#include <stdlib.h>

#include "base/banned.h"

/* Offsets instead of pointers: there are many, and LIMIT_AUTHN_FILE is far below 4 GB. */
struct pair {
	uint32_t user, value;
	uint16_t user_len, value_len;
	uint32_t next; /* in the chain, + 1; 0: the last */
};

struct userfile {
	struct buf text;
	struct pair *pairs;
	size_t n, alloc;
	uint32_t *heads;	    /* index of the first pair of a chain, + 1 */
	uint32_t mask;		    /* one less than the number of chains, a power of two */
	struct span first, dearest; /* hashes; p NULL: none */
	int dearest_cost;
};

void userfile_paths(struct span arg, struct span *ret_users, struct span *ret_groups)
{
	static const char option[] = ",groups=";
	const size_t len = sizeof(option) - 1;

	*ret_users = arg;
	*ret_groups = (struct span){ NULL, 0 };
	for (size_t i = 0; i + len <= arg.len; i++) {
		if (memcmp(arg.p + i, option, len) != 0)
			continue;
		*ret_users = (struct span){ arg.p, i };
		*ret_groups = (struct span){ arg.p + i + len, arg.len - i - len };
	}
}

static struct span pair_user(const struct userfile *f, const struct pair *p)
{
	return (struct span){ f->text.p + p->user, p->user_len };
}

static struct span pair_value(const struct userfile *f, const struct pair *p)
{
	return (struct span){ f->text.p + p->value, p->value_len };
}

/* FNV-1a. The names are the administrator's, so nobody aims at one chain. */
static uint32_t name_hash(struct span name)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < name.len; i++)
		h = (h ^ (unsigned char)name.p[i]) * 16777619u;
	return h ^ h >> 15;
}

static enum tp_rc add_pair(struct userfile *f, struct span user, struct span value,
			   struct tp_err *err)
{
	if (user.len == 0 || user.len > LIMIT_USER_ID)
		return TP_OK; /* can be nobody's user_id */
	if (f->n == f->alloc) {
		size_t alloc = f->alloc == 0 ? 64 : 2 * f->alloc;
		struct pair *pairs = realloc(f->pairs, alloc * sizeof(*pairs));

		if (pairs == NULL)
			return tp_fail(err, TP_NOMEM, "out of memory");
		f->pairs = pairs;
		f->alloc = alloc;
	}
	/* Longer than any hash or scope: it stays one that nobody can use. */
	if (value.len > UINT16_MAX)
		value.len = UINT16_MAX;
	f->pairs[f->n++] = (struct pair){
		.user = (uint32_t)(user.p - f->text.p),
		.value = (uint32_t)(value.p - f->text.p),
		.user_len = (uint16_t)user.len,
		.value_len = (uint16_t)value.len,
	};
	return TP_OK;
}

static enum tp_rc add_password(struct userfile *f, struct span name, struct span rest,
			       struct tp_err *err)
{
	struct span hash = span_cut(&rest, ':');
	const int cost = passhash_cost(hash);

	if (f->first.p == NULL)
		f->first = hash;
	if (cost > f->dearest_cost && passhash_known(hash)) {
		f->dearest = hash;
		f->dearest_cost = cost;
	}
	return add_pair(f, name, hash, err);
}

/* TP_DENIED: it may not be one. */
static enum tp_rc group_is_scope(struct span group, struct tp_err *err)
{
	TP_CLEANUP(jval_cleanup) struct jval *scopes = jval_new_array();
	enum tp_rc rc;

	if (scopes == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	rc = jval_add_str(scopes, group, err);
	if (rc != TP_OK)
		return rc;
	return token_scopes_ok(scopes) ? TP_OK : TP_DENIED;
}

/* Cuts the next name off a list that does not begin with a blank; false: a quote stays open. */
static bool cut_member(struct span *list, struct span *ret)
{
	size_t len = 0;

	if (list->p[0] == '"' || list->p[0] == '\'') {
		const char quote = list->p[0];

		list->p++;
		list->len--;
		*ret = span_cut(list, quote);
		return list->p != NULL;
	}
	while (len < list->len && list->p[len] != ' ' && list->p[len] != '\t')
		len++;
	*ret = (struct span){ list->p, len };
	list->p += len;
	list->len -= len;
	return true;
}

static enum tp_rc add_group(struct userfile *f, struct span group, struct span list,
			    struct tp_err *err)
{
	enum tp_rc rc;

	group = span_trim(group);
	rc = group_is_scope(group, err);
	if (rc == TP_DENIED)
		return tp_fail(err, TP_INVALID, "the group name \"%.*s\" cannot be a scope",
			       group.len < 40 ? (int)group.len : 40, group.p);
	for (list = span_trim(list); rc == TP_OK && list.len > 0; list = span_trim(list)) {
		struct span user;

		if (!cut_member(&list, &user))
			return tp_fail(err, TP_INVALID, "a quote is not closed");
		rc = add_pair(f, user, group, err);
	}
	return rc;
}

static enum tp_rc parse_line(struct userfile *f, enum userfile_format format, struct span line,
			     struct tp_err *err)
{
	struct span name;

	if (line.len > 0 && line.p[line.len - 1] == '\r')
		line.len--;
	line = span_trim(line);
	if (line.len == 0 || line.p[0] == '#')
		return TP_OK;
	if (span_has_byte(line, '\0'))
		return tp_fail(err, TP_INVALID, "a NUL");
	name = span_cut(&line, ':');
	if (line.p == NULL)
		return tp_fail(err, TP_INVALID, "no ':'");
	return format == USERFILE_PASSWORDS ? add_password(f, name, line, err)
					    : add_group(f, name, line, err);
}

static enum tp_rc parse(struct userfile *f, enum userfile_format format, struct tp_err *err)
{
	struct span rest = buf_view(&f->text);
	struct tp_err inner = { 0 };

	for (size_t line = 1; rest.p != NULL; line++) {
		enum tp_rc rc = parse_line(f, format, span_cut(&rest, '\n'), &inner);

		if (rc != TP_OK)
			return tp_fail(err, rc, "line %zu: %s", line, inner.msg);
	}
	return TP_OK;
}

/* Backwards, so that each chain is in the order of the file. */
static enum tp_rc make_index(struct userfile *f, struct tp_err *err)
{
	size_t chains = 1;

	while (chains < f->n)
		chains *= 2;
	f->heads = calloc(chains, sizeof(*f->heads));
	if (f->heads == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	f->mask = (uint32_t)(chains - 1);
	for (size_t i = f->n; i-- > 0;) {
		uint32_t *head = &f->heads[name_hash(pair_user(f, &f->pairs[i])) & f->mask];

		f->pairs[i].next = *head;
		*head = (uint32_t)(i + 1);
	}
	return TP_OK;
}

enum tp_rc userfile_open(enum userfile_format format, struct buf *text, struct userfile **ret,
			 struct tp_err *err)
{
	struct userfile *f = calloc(1, sizeof(*f));
	enum tp_rc rc;

	if (f == NULL) {
		buf_release(text);
		return tp_fail(err, TP_NOMEM, "out of memory");
	}
	f->text = *text;
	*text = (struct buf)BUF_INIT(0);
	rc = f->text.len > LIMIT_AUTHN_FILE
		     ? tp_fail(err, TP_INVALID, "larger than %d bytes", LIMIT_AUTHN_FILE)
		     : parse(f, format, err);
	if (rc == TP_OK)
		rc = make_index(f, err);
	if (rc != TP_OK) {
		userfile_close(f);
		return rc;
	}
	*ret = f;
	return TP_OK;
}

void userfile_close(struct userfile *f)
{
	if (f == NULL)
		return;
	buf_release(&f->text);
	free(f->pairs);
	free(f->heads);
	free(f);
}

bool userfile_is_whole(const struct userfile *f)
{
	return f->text.len > 0 && f->text.p[f->text.len - 1] == '\n';
}

/* The first pair of the user at `at` or behind it in the chain; NULL: none. */
static const struct pair *find_from(const struct userfile *f, struct span user, uint32_t at)
{
	for (; at != 0; at = f->pairs[at - 1].next) {
		if (span_eq(pair_user(f, &f->pairs[at - 1]), user))
			return &f->pairs[at - 1];
	}
	return NULL;
}

static const struct pair *find(const struct userfile *f, struct span user)
{
	return find_from(f, user, f->heads[name_hash(user) & f->mask]);
}

bool userfile_hash(const struct userfile *f, struct span user, struct span *ret_hash)
{
	const struct pair *p = find(f, user);

	if (p == NULL)
		return false;
	*ret_hash = pair_value(f, p);
	return true;
}

struct span userfile_dearest(const struct userfile *f)
{
	return f->dearest;
}

struct span userfile_stand_in(const struct userfile *f, struct span name)
{
	if (f->n == 0)
		return (struct span){ NULL, 0 };
	return pair_value(f, &f->pairs[name_hash(name) % f->n]);
}

struct span userfile_useless(const struct userfile *f)
{
	return f->dearest.p == NULL ? f->first : (struct span){ NULL, 0 };
}

static bool is_among(struct span s, const struct span *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (span_eq(s, v[i]))
			return true;
	}
	return false;
}

size_t userfile_groups(const struct userfile *f, struct span user, struct span *ret, size_t most)
{
	const struct pair *p;
	size_t n = 0;

	for (p = find(f, user); p != NULL && n < most; p = find_from(f, user, p->next)) {
		if (!is_among(pair_value(f, p), ret, n))
			ret[n++] = pair_value(f, p);
	}
	return n;
}

size_t userfile_line(const struct userfile *f, struct span part)
{
	size_t line = 1;

	for (const char *p = f->text.p; p < part.p; p++)
		line += *p == '\n';
	return line;
}
