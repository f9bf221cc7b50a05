/* SPDX-License-Identifier: MIT */
/*
 * Applies the edits of auth/userfile_edit to files. One file at a time is locked, and the service
 * meets the old or the new one: so a user who is taken out of both first cannot log in any more,
 * and then has no groups.
 */
#include "ctl/user_files.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "auth/userfile.h"
#include "base/file.h"
#include "ctl/text.h"

#include "base/banned.h"

enum { MODE_NEW = 0640 };

void user_files_release(struct user_files *f)
{
	free(f->users);
	free(f->groups);
	*f = (struct user_files){ NULL, NULL };
}

static enum tp_rc take_path(struct span path, char **ret, struct tp_err *err)
{
	if (path.p == NULL)
		return TP_OK;
	*ret = span_dup(path);
	return *ret != NULL ? TP_OK : tp_fail(err, TP_NOMEM, "out of memory");
}

enum tp_rc user_files_find(const char *users, const char *groups, const char *handler,
			   struct user_files *ret, struct tp_err *err)
{
	static const char scheme[] = "htpasswd:";
	struct span u = { NULL, 0 }, g = { NULL, 0 };
	enum tp_rc rc;

	/* Not the group file of the settings to another password file. */
	if (users == NULL && handler != NULL && span_starts(span_of(handler), scheme))
		userfile_paths(span_of(handler + sizeof(scheme) - 1), &u, &g);
	if (users != NULL)
		u = span_of(users);
	if (groups != NULL)
		g = span_of(groups);
	if (u.len == 0)
		return tp_fail(err, TP_INVALID,
			       "TOKEN_HANDLER is not htpasswd:FILE: name the file by --file");
	rc = take_path(u, &ret->users, err);
	return rc == TP_OK ? take_path(g, &ret->groups, err) : rc;
}

static enum tp_rc name_it(const char *path, enum tp_rc rc, const struct tp_err *why,
			  struct tp_err *err)
{
	return tp_fail(err, rc, "%.90s: %s", path, why->msg);
}

/* ---- reading ---- */

static enum tp_rc read_file(const char *path, struct buf *out, struct tp_err *err)
{
	struct tp_err why = { 0 };
	enum tp_rc rc = file_read(path, out, &why);

	return rc == TP_OK ? TP_OK : name_it(path, rc, &why, err);
}

/* The empty text is a file that has no line yet. */
static enum tp_rc open_file(const char *path, enum userfile_format format, struct userfile **ret,
			    struct tp_err *err)
{
	struct buf text = BUF_INIT(LIMIT_AUTHN_FILE);
	struct tp_err why = { 0 };
	enum tp_rc rc = read_file(path, &text, err);

	if (rc != TP_OK) {
		buf_release(&text);
		return rc;
	}
	rc = userfile_open(format, &text, ret, &why);
	return rc == TP_OK ? TP_OK : name_it(path, rc, &why, err);
}

static enum tp_rc make_if_missing(const char *path, bool create, struct tp_err *err)
{
	struct tp_err why = { 0 };
	enum tp_rc rc;

	if (access(path, F_OK) == 0)
		return TP_OK;
	if (!create || errno != ENOENT)
		return tp_fail(err, TP_INVALID, "%.90s: %s%s", path, strerrordesc_np(errno),
			       errno == ENOENT ? " (--create makes it)" : "");
	rc = file_create(path, MODE_NEW, SPAN_LIT(""), &why);
	return rc == TP_OK || rc == TP_EXISTS ? TP_OK : name_it(path, rc, &why, err);
}

static enum tp_rc judge_presence(bool is_there, bool is_new, const char *path, struct tp_err *err)
{
	if (is_there && is_new)
		return tp_fail(err, TP_EXISTS, "%.90s: the user is there already (users passwd)",
			       path);
	if (!is_there && !is_new)
		return tp_fail(err, TP_NOT_FOUND, "%.90s: there is no such user", path);
	return TP_OK;
}

enum tp_rc user_files_ready(const struct user_files *f, bool create, struct span user, bool is_new,
			    struct tp_err *err)
{
	struct userfile *users = NULL, *groups = NULL;
	struct span hash;
	enum tp_rc rc = TP_OK;

	if (is_new)
		rc = make_if_missing(f->users, create, err);
	if (rc == TP_OK && is_new && f->groups != NULL)
		rc = make_if_missing(f->groups, create, err);
	if (rc == TP_OK && f->groups != NULL)
		rc = open_file(f->groups, USERFILE_GROUPS, &groups, err);
	if (rc == TP_OK)
		rc = open_file(f->users, USERFILE_PASSWORDS, &users, err);
	if (rc == TP_OK)
		rc = judge_presence(userfile_hash(users, user, &hash), is_new, f->users, err);
	userfile_close(users);
	userfile_close(groups);
	return rc;
}

/* ---- editing ---- */

struct change {
	struct span user, hash;
	const struct scope_set *groups;
	bool is_new, was;
	enum tp_rc (*edit)(struct change *c, const char *path, struct span text, struct buf *out,
			   struct tp_err *err);
};

static bool has_user(struct span text, struct span user, struct tp_err *err, enum tp_rc *ret_rc)
{
	struct buf copy = BUF_INIT(LIMIT_AUTHN_FILE);
	struct userfile *f = NULL;
	struct span hash;
	bool has;

	buf_span(&copy, text);
	*ret_rc = buf_rc(&copy, "the file", err);
	if (*ret_rc != TP_OK) {
		buf_release(&copy);
		return false;
	}
	*ret_rc = userfile_open(USERFILE_PASSWORDS, &copy, &f, err);
	has = *ret_rc == TP_OK && userfile_hash(f, user, &hash);
	userfile_close(f);
	return has;
}

static enum tp_rc edit_put(struct change *c, const char *path, struct span text, struct buf *out,
			   struct tp_err *err)
{
	enum tp_rc rc;
	bool has = has_user(text, c->user, err, &rc);

	if (rc == TP_OK)
		rc = judge_presence(has, c->is_new, path, err);
	return rc == TP_OK ? userfile_put_user(text, c->user, c->hash, out, err) : rc;
}

static enum tp_rc edit_put_groups(struct change *c, const char *path, struct span text,
				  struct buf *out, struct tp_err *err)
{
	(void)path;
	return userfile_put_groups(text, c->user, c->groups, out, err);
}

static enum tp_rc edit_drop(struct change *c, const char *path, struct span text, struct buf *out,
			    struct tp_err *err)
{
	(void)path;
	return userfile_drop_user(text, c->user, out, &c->was, err);
}

static enum tp_rc edit_drop_groups(struct change *c, const char *path, struct span text,
				   struct buf *out, struct tp_err *err)
{
	(void)path;
	return userfile_drop_groups(text, c->user, out, &c->was, err);
}

static enum tp_rc apply(const char *path, struct change *c, struct tp_err *err)
{
	TP_CLEANUP(file_edit_close) struct file_edit f = { -1, NULL };
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(LIMIT_AUTHN_FILE);
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(LIMIT_AUTHN_FILE);
	struct tp_err why = { 0 };
	enum tp_rc rc = file_edit_open(path, &f, &text, &why);

	if (rc == TP_OK)
		rc = c->edit(c, path, buf_view(&text), &out, &why);
	if (rc == TP_EXISTS || rc == TP_NOT_FOUND)
		return tp_fail(err, rc, "%s", why.msg);
	if (rc == TP_OK && !span_eq(buf_view(&text), buf_view(&out)))
		rc = file_edit_replace(&f, buf_view(&out), &why);
	return rc == TP_OK ? TP_OK : name_it(path, rc, &why, err);
}

enum tp_rc user_files_put(const struct user_files *f, struct span user, struct span hash,
			  bool is_new, struct tp_err *err)
{
	struct change c = { .user = user, .hash = hash, .is_new = is_new, .edit = edit_put };

	return apply(f->users, &c, err);
}

enum tp_rc user_files_put_groups(const struct user_files *f, struct span user,
				 const struct scope_set *groups, struct tp_err *err)
{
	struct change c = { .user = user, .groups = groups, .edit = edit_put_groups };

	return apply(f->groups, &c, err);
}

enum tp_rc user_files_drop(const struct user_files *f, struct span user, struct tp_err *err)
{
	struct change c = { .user = user, .edit = edit_drop };
	enum tp_rc rc = apply(f->users, &c, err);
	bool was = c.was;

	c.edit = edit_drop_groups;
	c.was = false;
	if (rc == TP_OK && f->groups != NULL)
		rc = apply(f->groups, &c, err);
	if (rc == TP_OK && !was && !c.was)
		rc = tp_fail(err, TP_NOT_FOUND, "%.90s: there is no such user", f->users);
	return rc;
}

/* ---- listing ---- */

struct listing {
	struct userfile *users, *groups;
	struct buf *out;
	bool json, more;
};

static void put_scopes(const struct listing *l, const struct span *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_char(l->out, l->json ? ',' : ' ');
		if (l->json)
			jval_quote(v[i], l->out);
		else
			buf_span(l->out, v[i]);
	}
}

static enum tp_rc put_user(void *arg, struct span user, struct tp_err *err)
{
	struct listing *l = arg;
	struct span scopes[LIMIT_SCOPES], hash = { NULL, 0 };
	size_t n = 0;
	bool usable;

	(void)err;
	userfile_hash(l->users, user, &hash);
	usable = passhash_known(hash) && userfile_name_ok(user);
	if (l->groups != NULL)
		n = userfile_groups(l->groups, user, scopes, TP_COUNT(scopes));
	if (l->json) {
		buf_str(l->out, l->more ? ",{\"user\":" : "{\"user\":");
		jval_quote(user, l->out);
		buf_str(l->out, ",\"scopes\":[");
		put_scopes(l, scopes, n);
		buf_printf(l->out, "],\"usable\":%s}", usable ? "true" : "false");
	} else {
		text_put(user, l->out);
		buf_str(l->out, usable ? "" : " (cannot log in: its hash is of no known format)");
		buf_str(l->out, n > 0 ? ": " : "");
		put_scopes(l, scopes, n);
		buf_char(l->out, '\n');
	}
	l->more = true;
	return TP_OK;
}

enum tp_rc user_files_list(const struct user_files *f, bool json, struct buf *out,
			   struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(LIMIT_AUTHN_FILE);
	struct listing l = { .out = out, .json = json };
	enum tp_rc rc = open_file(f->users, USERFILE_PASSWORDS, &l.users, err);

	if (rc == TP_OK && f->groups != NULL)
		rc = open_file(f->groups, USERFILE_GROUPS, &l.groups, err);
	if (rc == TP_OK)
		rc = read_file(f->users, &text, err);
	buf_str(out, json ? "{\"users\":[" : "");
	if (rc == TP_OK)
		rc = userfile_each_user(buf_view(&text), put_user, &l, err);
	buf_str(out, json ? "]}\n" : "");
	userfile_close(l.users);
	userfile_close(l.groups);
	return rc == TP_OK ? buf_rc(out, "the list", err) : rc;
}
