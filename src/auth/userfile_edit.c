/* SPDX-License-Identifier: MIT */
/*
 * Password and group files as lines of text. A line is found by the rules of userfile.c; that they
 * are the same rules here is not trusted but tried, after each edit, on the result.
 */
#include "auth/userfile_edit.h"

#include "auth/userfile.h"
#include "token/token.h"

#include "base/banned.h"

/* One line: all its bytes, and what it says. */
struct line {
	struct span whole; /* with its end */
	struct span name;  /* p NULL: an empty line, or a comment */
	struct span rest;  /* behind the ':' */
	struct span end;   /* blanks, CR and LF behind what is said */
};

static bool next_line(struct span *text, struct line *ret)
{
	struct span said;
	const char *lf;

	*ret = (struct line){ .whole = *text };
	if (text->len == 0)
		return false;
	lf = memchr(text->p, '\n', text->len);
	if (lf != NULL)
		ret->whole.len = (size_t)(lf - text->p) + 1;
	text->p += ret->whole.len;
	text->len -= ret->whole.len;
	said = (struct span){ ret->whole.p, ret->whole.len - (lf != NULL) };
	if (said.len > 0 && said.p[said.len - 1] == '\r')
		said.len--;
	said = span_trim(said);
	ret->end = (struct span){ said.p + said.len,
				  ret->whole.len - (size_t)(said.p + said.len - ret->whole.p) };
	if (said.len == 0 || said.p[0] == '#' || !span_has_byte(said, ':'))
		return true;
	ret->rest = said;
	ret->name = span_cut(&ret->rest, ':');
	return true;
}

bool userfile_name_ok(struct span user)
{
	return token_user_id_ok(user) && !span_has_byte(user, ':') && user.p[0] != '#' &&
	       span_trim(user).len == user.len &&
	       !(span_has_byte(user, '"') && span_has_byte(user, '\''));
}

static enum tp_rc check_name(struct span user, struct tp_err *err)
{
	return userfile_name_ok(user)
		       ? TP_OK
		       : tp_fail(err, TP_INVALID,
				 "a user's name has no ':', no control characters and no blank "
				 "at its ends, and does not begin with '#' or \"tpauth-\"");
}

/* A new line starts at the begin of one, whatever the last one lacks. */
static void end_last_line(struct buf *out)
{
	if (out->len > 0 && out->p[out->len - 1] != '\n')
		buf_char(out, '\n');
}

/* The result as the service will read it. */
static enum tp_rc reopen(enum userfile_format format, const struct buf *out, struct userfile **ret,
			 struct tp_err *err)
{
	struct buf copy = BUF_INIT(out->cap);
	enum tp_rc rc = buf_rc(out, "the file", err);

	if (rc != TP_OK)
		return rc;
	buf_span(&copy, buf_view(out));
	rc = buf_rc(&copy, "the file", err);
	if (rc != TP_OK) {
		buf_release(&copy);
		return rc;
	}
	return userfile_open(format, &copy, ret, err);
}

static enum tp_rc not_as_meant(struct tp_err *err)
{
	return tp_fail(err, TP_INVALID, "the file cannot be edited so that it says this");
}

/* ---- password files ---- */

/* hash.p NULL: the user is none any more. */
static enum tp_rc prove_user(struct span user, struct span hash, const struct buf *out,
			     struct tp_err *err)
{
	struct userfile *f = NULL;
	struct span found = { NULL, 0 };
	enum tp_rc rc = reopen(USERFILE_PASSWORDS, out, &f, err);

	if (rc != TP_OK)
		return rc;
	userfile_hash(f, user, &found);
	if ((found.p == NULL) != (hash.p == NULL) || !span_eq(found, hash))
		rc = not_as_meant(err);
	userfile_close(f);
	return rc;
}

/* The old hash ends at the next ':'; what Apache or others keep behind it stays. */
static void put_hash(const struct line *l, struct span hash, struct buf *out)
{
	struct span behind = l->rest, old = span_cut(&behind, ':');
	const char *from = old.p + old.len;

	buf_put(out, l->whole.p, (size_t)(l->rest.p - l->whole.p));
	buf_span(out, hash);
	buf_put(out, from, (size_t)(l->whole.p + l->whole.len - from));
}

enum tp_rc userfile_put_user(struct span text, struct span user, struct span hash, struct buf *out,
			     struct tp_err *err)
{
	enum tp_rc rc = check_name(user, err);
	bool done = false;
	struct line l;

	if (rc != TP_OK)
		return rc;
	while (next_line(&text, &l)) {
		if (done || l.name.p == NULL || !span_eq(l.name, user)) {
			buf_span(out, l.whole);
			continue;
		}
		put_hash(&l, hash, out);
		done = true;
	}
	if (!done)
		end_last_line(out);
	if (!done) {
		buf_span(out, user);
		buf_char(out, ':');
		buf_span(out, hash);
	}
	end_last_line(out);
	return prove_user(user, hash, out, err);
}

enum tp_rc userfile_drop_user(struct span text, struct span user, struct buf *out, bool *ret_was,
			      struct tp_err *err)
{
	bool was = false;
	struct line l;
	enum tp_rc rc;

	while (next_line(&text, &l)) {
		if (l.name.p != NULL && span_eq(l.name, user))
			was = true;
		else
			buf_span(out, l.whole);
	}
	rc = prove_user(user, (struct span){ NULL, 0 }, out, err);
	if (rc == TP_OK)
		*ret_was = was;
	return rc;
}

enum tp_rc userfile_each_user(struct span text,
			      enum tp_rc (*fn)(void *arg, struct span user, struct tp_err *err),
			      void *arg, struct tp_err *err)
{
	struct buf copy = BUF_INIT(LIMIT_AUTHN_FILE);
	struct userfile *f = NULL;
	struct span hash;
	struct line l;
	enum tp_rc rc;

	buf_span(&copy, text);
	rc = buf_rc(&copy, "the file", err);
	if (rc != TP_OK) {
		buf_release(&copy);
		return rc;
	}
	text = buf_view(&copy); /* the text that the index is of, so that places can be compared */
	rc = userfile_open(USERFILE_PASSWORDS, &copy, &f, err);
	if (rc != TP_OK)
		return rc;
	while (rc == TP_OK && next_line(&text, &l)) {
		/* The first line of a name counts. */
		if (l.name.p != NULL && userfile_hash(f, l.name, &hash) && hash.p == l.rest.p)
			rc = fn(arg, l.name, err);
	}
	userfile_close(f);
	return rc;
}

/* ---- group files ---- */

static enum tp_rc prove_groups(struct span user, const struct scope_set *groups,
			       const struct buf *out, struct tp_err *err)
{
	struct span found[LIMIT_SCOPES];
	struct userfile *f = NULL;
	enum tp_rc rc = reopen(USERFILE_GROUPS, out, &f, err);
	struct scope_set has = { .n = 0 };

	if (rc != TP_OK)
		return rc;
	has.n = userfile_groups(f, user, found, TP_COUNT(found));
	memcpy(has.v, found, has.n * sizeof(has.v[0]));
	if (groups == NULL ? has.n > 0 : !scope_covers(&has, groups))
		rc = not_as_meant(err);
	userfile_close(f);
	return rc;
}

/* Cuts the next name off a list: the blanks before it, its bytes, and the name without quotes.
 * False: there is none, or a quote stays open. */
static bool next_member(struct span *list, struct span *ret_blanks, struct span *ret_bytes,
			struct span *ret_name)
{
	struct span s = *list;
	const char *close;
	size_t n = 0;

	while (n < s.len && (s.p[n] == ' ' || s.p[n] == '\t'))
		n++;
	*ret_blanks = (struct span){ s.p, n };
	s = (struct span){ s.p + n, s.len - n };
	if (s.len == 0)
		return false;
	if (s.p[0] == '"' || s.p[0] == '\'') {
		close = memchr(s.p + 1, s.p[0], s.len - 1);
		if (close == NULL)
			return false;
		n = (size_t)(close - s.p) + 1;
		*ret_name = (struct span){ s.p + 1, n - 2 };
	} else {
		for (n = 0; n < s.len && s.p[n] != ' ' && s.p[n] != '\t';)
			n++;
		*ret_name = (struct span){ s.p, n };
	}
	*ret_bytes = (struct span){ s.p, n };
	*list = (struct span){ s.p + n, s.len - n };
	return true;
}

static bool lists(struct span list, struct span user)
{
	struct span blanks, bytes, name;

	while (next_member(&list, &blanks, &bytes, &name)) {
		if (span_eq(name, user))
			return true;
	}
	return false;
}

static void put_member(struct span user, struct buf *out)
{
	char quote = span_has_byte(user, '"') ? '\'' : '"';
	bool quoted = span_has_byte(user, ' ') || user.p[0] == '"' || user.p[0] == '\'';

	buf_char(out, ' ');
	if (quoted)
		buf_char(out, quote);
	buf_span(out, user);
	if (quoted)
		buf_char(out, quote);
}

static void add_to_line(const struct line *l, struct span user, struct buf *out)
{
	buf_put(out, l->whole.p, (size_t)(l->end.p - l->whole.p));
	if (!lists(l->rest, user))
		put_member(user, out);
	buf_span(out, l->end);
}

enum tp_rc userfile_put_groups(struct span text, struct span user, const struct scope_set *groups,
			       struct buf *out, struct tp_err *err)
{
	struct scope_set done = { .n = 0 };
	enum tp_rc rc = check_name(user, err);
	struct line l;

	if (rc != TP_OK)
		return rc;
	while (next_line(&text, &l)) {
		struct span group = l.name.p != NULL ? span_trim(l.name) : l.name;

		if (group.p == NULL || !scope_has(groups, group) || scope_has(&done, group)) {
			buf_span(out, l.whole);
			continue;
		}
		add_to_line(&l, user, out);
		done.v[done.n++] = group;
	}
	for (size_t i = 0; i < groups->n; i++) {
		if (scope_has(&done, groups->v[i]))
			continue;
		end_last_line(out);
		buf_span(out, groups->v[i]);
		buf_char(out, ':');
		put_member(user, out);
	}
	end_last_line(out);
	return prove_groups(user, groups, out, err);
}

static void drop_from_line(const struct line *l, struct span user, struct buf *out)
{
	struct span blanks, bytes, name, rest = l->rest;

	buf_put(out, l->whole.p, (size_t)(rest.p - l->whole.p));
	while (next_member(&rest, &blanks, &bytes, &name)) {
		if (span_eq(name, user))
			continue;
		buf_span(out, blanks);
		buf_span(out, bytes);
	}
	buf_put(out, rest.p, (size_t)(l->whole.p + l->whole.len - rest.p));
}

enum tp_rc userfile_drop_groups(struct span text, struct span user, struct buf *out, bool *ret_was,
				struct tp_err *err)
{
	bool was = false;
	struct line l;
	enum tp_rc rc;

	while (next_line(&text, &l)) {
		if (l.name.p != NULL && lists(l.rest, user)) {
			drop_from_line(&l, user, out);
			was = true;
		} else {
			buf_span(out, l.whole);
		}
	}
	rc = prove_groups(user, NULL, out, err);
	if (rc == TP_OK)
		*ret_was = was;
	return rc;
}
