/* SPDX-License-Identifier: MIT */
/*
 * The handler htpasswd:FILE[,groups=FILE]. Owns the files in memory and the question whether they
 * are still what is on disk; what stands in them is userfile's, what a hash says passhash's.
 *
 * Lines. As with Apache the first line of a name counts. A line that nobody can use (a hash of no
 * known format, as "joe:!" is when joe is locked) is a user who cannot log in, and hurts nobody
 * else; a file in which no line can be used is an error at start. What is surely no password or
 * group file is an error at start, and 503 once it is running.
 *
 * Changes. Each request compares device, inode, size, mtime and ctime with those of the file that
 * was read. That misses a second change within the same tick of the file system's clock, so what
 * was read less than SETTLE_S after a change is read again for each request. htpasswd(1) rewrites
 * its file in place, so in that time the file may be half-written: a last line without its end is
 * 503, and a refresh that does not find its user is 503 too, since a "no" would end the session.
 * For a login an unknown name is wrong at any time: else the difference would tell names apart.
 *
 * Time. An unknown name costs one check of the dearest hash in the file; a wrong password for a
 * cheaper hash costs that check as well.
 */
#include "auth/authn.h"
#include "auth/passhash.h"
#include "auth/userfile.h"
#include "base/limits.h"
#include "token/token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

enum {
	SETTLE_S = 2,	     /* the coarsest tick that a file system has (FAT) */
	PASSWORD_MOST = 511, /* what crypt(3) takes */
	CHEAP = 10	     /* of passhash_cost(): {SHA}, which takes a microsecond */
};

/* What stat(2) tells of a file's content. Both times, since mtime can be set back. */
struct stamp {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec modified, changed; /* st_mtim and st_ctim */
};

struct watched {
	char *path; /* NULL: not configured */
	enum userfile_format format;
	struct userfile *file;
	struct stamp stamp;
	bool settled; /* was read so long after its last change that the stamp can be trusted */
};

struct htpasswd {
	struct watched users, groups;
};

static struct stamp stamp_of(const struct stat *st)
{
	return (struct stamp){ st->st_dev, st->st_ino, st->st_size, st->st_mtim, st->st_ctim };
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same_stamp(const struct stamp *a, const struct stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       same_time(a->modified, b->modified) && same_time(a->changed, b->changed);
}

static enum tp_rc cannot(const char *path, const char *verb, struct tp_err *err)
{
	const char *why = strerror(errno); /* NOLINT(concurrency-mt-unsafe): there are no threads */

	return tp_fail(err, TP_UNAVAILABLE, "cannot %s %s: %s", verb, path, why);
}

static void close_fd(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static enum tp_rc too_large(const char *path, struct tp_err *err)
{
	return tp_fail(err, TP_UNAVAILABLE, "%s is larger than %d bytes", path, LIMIT_AUTHN_FILE);
}

static enum tp_rc read_all(int fd, const char *path, size_t expected, struct buf *out,
			   struct tp_err *err)
{
	for (;;) {
		/* One more than is expected, to meet the end in the same room. */
		const size_t most = out->len <= expected ? expected - out->len + 1 : 4096;
		char *room = buf_room(out, most);
		ssize_t n;

		if (room == NULL && out->rc == TP_TOO_LARGE)
			return too_large(path, err);
		if (room == NULL)
			return buf_rc(out, path, err);
		n = read(fd, room, most);
		if (n == 0)
			return TP_OK;
		if (n > 0)
			buf_added(out, (size_t)n);
		else if (errno != EINTR)
			return cannot(path, "read", err);
	}
}

/* *ret_stamp is of before the reading; *ret_settled: nothing changed meanwhile or just before. */
static enum tp_rc read_file(const char *path, struct buf *out, struct stamp *ret_stamp,
			    bool *ret_settled, struct tp_err *err)
{
	/* Without O_NONBLOCK a FIFO of that name would hold us up. */
	TP_CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	const struct clock clock = clock_system();
	struct stamp before, after;
	struct stat st;
	enum tp_rc rc;

	if (fd < 0)
		return cannot(path, "open", err);
	if (fstat(fd, &st) != 0)
		return cannot(path, "stat", err);
	if (!S_ISREG(st.st_mode))
		return tp_fail(err, TP_UNAVAILABLE, "%s is no regular file", path);
	if (st.st_size > LIMIT_AUTHN_FILE)
		return too_large(path, err);
	before = stamp_of(&st);
	rc = read_all(fd, path, (size_t)st.st_size, out, err);
	if (rc != TP_OK)
		return rc;
	if (fstat(fd, &st) != 0)
		return cannot(path, "stat", err);
	after = stamp_of(&st);
	*ret_stamp = before;
	*ret_settled =
		same_stamp(&before, &after) && clock_now(&clock) - after.changed.tv_sec > SETTLE_S;
	return TP_OK;
}

/* Puts the file's content of now in place of what w has; on failure w stays as it was. */
static enum tp_rc watched_load(struct watched *w, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(LIMIT_AUTHN_FILE + 4096);
	struct tp_err inner = { 0 };
	struct userfile *file;
	struct stamp stamp = { 0 };
	bool settled = false;
	enum tp_rc rc;

	rc = read_file(w->path, &text, &stamp, &settled, err);
	if (rc != TP_OK)
		return rc;
	rc = userfile_open(w->format, &text, &file, &inner);
	if (rc != TP_OK)
		return tp_fail(err, rc == TP_NOMEM ? rc : TP_UNAVAILABLE, "%s: %s", w->path,
			       inner.msg);
	userfile_close(w->file);
	w->file = file;
	w->stamp = stamp;
	w->settled = settled;
	return TP_OK;
}

/* Sees to it that w is what is on disk. */
static enum tp_rc watched_follow(struct watched *w, struct tp_err *err)
{
	struct stat st;
	enum tp_rc rc;

	if (stat(w->path, &st) != 0)
		return cannot(w->path, "stat", err);
	if (w->settled) {
		const struct stamp now = stamp_of(&st);

		if (same_stamp(&now, &w->stamp))
			return TP_OK;
	}
	rc = watched_load(w, err);
	if (rc != TP_OK)
		return rc;
	if (!w->settled && !userfile_is_whole(w->file))
		return tp_fail_retry(err, TP_UNAVAILABLE, SETTLE_S, "%s is being written", w->path);
	return TP_OK;
}

static void watched_release(struct watched *w)
{
	userfile_close(w->file);
	free(w->path);
	*w = (struct watched){ 0 };
}

static void htpasswd_close(void *self)
{
	struct htpasswd *h = self;

	if (h == NULL)
		return;
	watched_release(&h->users);
	watched_release(&h->groups);
	free(h);
}

static enum tp_rc watched_open(struct watched *w, struct span path, enum userfile_format format,
			       struct tp_err *err)
{
	struct tp_err inner = { 0 };
	enum tp_rc rc;

	if (path.len == 0 || span_has_byte(path, '\0'))
		return tp_fail(err, TP_INVALID,
			       "TOKEN_HANDLER: takes htpasswd:FILE[,groups=FILE]; a FILE is empty");
	w->path = span_dup(path);
	if (w->path == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	w->format = format;
	rc = watched_load(w, &inner);
	if (rc != TP_OK)
		return tp_fail(err, rc == TP_NOMEM ? rc : TP_INVALID, "TOKEN_HANDLER: %s",
			       inner.msg);
	return TP_OK;
}

/* A password file that cannot let anybody in is the wrong file, unless it is empty. */
static enum tp_rc check_of_use(const struct watched *users, struct tp_err *err)
{
	struct span useless = userfile_useless(users->file);

	if (useless.p == NULL)
		return TP_OK;
	return tp_fail(
		err, TP_INVALID,
		"TOKEN_HANDLER: %s: line %zu: no password hash of a known format, nor on any "
		"other line",
		users->path, userfile_line(users->file, useless));
}

static enum tp_rc htpasswd_open(const struct authn_spec *spec, struct span arg, void **ret,
				struct tp_err *err)
{
	struct htpasswd *h = calloc(1, sizeof(*h));
	struct span users, groups;
	enum tp_rc rc = TP_OK;

	(void)spec;
	if (h == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	userfile_paths(arg, &users, &groups);
	if (groups.p != NULL)
		rc = watched_open(&h->groups, groups, USERFILE_GROUPS, err);
	if (rc == TP_OK)
		rc = watched_open(&h->users, users, USERFILE_PASSWORDS, err);
	if (rc == TP_OK)
		rc = check_of_use(&h->users, err);
	if (rc != TP_OK) {
		htpasswd_close(h);
		return rc;
	}
	*ret = h;
	return TP_OK;
}

/* The hash of a user who may log in, as far as the file goes. */
static bool find_user(const struct htpasswd *h, struct span user, struct span *ret_hash)
{
	return token_user_id_ok(user) && userfile_hash(h->users.file, user, ret_hash);
}

/* Spends the time of the dearest check, whose result is nobody's business unless it is trouble:
 * then it must be trouble for names that exist and for those that do not. */
static enum tp_rc check_dearest(const struct htpasswd *h, struct span password, struct tp_err *err)
{
	const struct span hash = userfile_dearest(h->users.file);
	struct tp_err inner = { 0 };
	enum tp_rc rc;

	if (hash.p == NULL)
		return TP_OK;
	rc = passhash_check(hash, password, &inner);
	if (rc == TP_OK || rc == TP_DENIED)
		return TP_OK;
	return tp_fail(err, rc, "%s: line %zu: %s", h->users.path,
		       userfile_line(h->users.file, hash), inner.msg);
}

/* A wrong password costs the user's own check and the file's dearest, and an unknown name those of
 * some user: so the time tells neither from the other. */
static enum tp_rc check_password(const struct htpasswd *h, struct span user, struct span password,
				 struct tp_err *err)
{
	const int dearest_cost = passhash_cost(userfile_dearest(h->users.file));
	struct span hash = { NULL, 0 }, paid;
	bool known;
	enum tp_rc rc = TP_DENIED;

	/* Not all formats take so long a one; those that do not would answer at once. */
	if (password.len > PASSWORD_MOST)
		return tp_fail(err, TP_DENIED, "a password of more than %d bytes", PASSWORD_MOST);
	known = find_user(h, user, &hash) && passhash_known(hash);
	paid = known ? hash : userfile_stand_in(h->users.file, user);
	if (passhash_known(paid))
		rc = passhash_check(paid, password, err);
	if (rc != TP_DENIED && (known || rc != TP_OK))
		return rc;
	if (passhash_cost(paid) != dearest_cost) {
		rc = check_dearest(h, password, err);
		if (rc != TP_OK)
			return rc;
	}
	if (hash.p != NULL && !known)
		return tp_fail(err, TP_DENIED, "%s: line %zu: a password hash of no known format",
			       h->users.path, userfile_line(h->users.file, hash));
	return tp_fail(err, TP_DENIED, "wrong user name or password");
}

/* At a refresh: the user is still there, and not locked. */
static enum tp_rc check_present(const struct htpasswd *h, struct span user, struct tp_err *err)
{
	struct span hash;

	if (find_user(h, user, &hash) && passhash_known(hash))
		return TP_OK;
	if (!h->users.settled)
		return tp_fail_retry(err, TP_UNAVAILABLE, SETTLE_S,
				     "%s lacks the user, but changed just now", h->users.path);
	return tp_fail(err, TP_DENIED, "the user may no longer log in by %s", h->users.path);
}

static enum tp_rc put_scopes(const struct htpasswd *h, struct span user, struct jval *claims,
			     struct tp_err *err)
{
	TP_CLEANUP(jval_cleanup) struct jval *scopes = jval_new_array();
	struct span groups[LIMIT_SCOPES + 1]; /* one too many shows in the check of the claims */
	struct jval *taken;
	size_t n = 0;

	if (scopes == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	if (h->groups.file != NULL)
		n = userfile_groups(h->groups.file, user, groups, TP_COUNT(groups));
	for (size_t i = 0; i < n; i++) {
		enum tp_rc rc = jval_add_str(scopes, groups[i], err);

		if (rc != TP_OK)
			return rc;
	}
	taken = scopes;
	scopes = NULL;
	return jval_set(claims, "scopes", taken, err);
}

static enum tp_rc make_claims(const struct htpasswd *h, struct span user, struct jval **ret,
			      struct tp_err *err)
{
	TP_CLEANUP(jval_cleanup) struct jval *claims = jval_new_object();
	enum tp_rc rc;

	if (claims == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	rc = jval_set_str(claims, "user_id", user, err);
	if (rc == TP_OK)
		rc = jval_set_str(claims, "username", user, err);
	if (rc == TP_OK)
		rc = jval_set_null(claims, "email", err);
	if (rc == TP_OK)
		rc = put_scopes(h, user, claims, err);
	if (rc != TP_OK)
		return rc;
	*ret = claims;
	claims = NULL;
	return TP_OK;
}

static enum tp_rc htpasswd_ask(void *self, const struct authn_request *r, struct jval **ret_claims,
			       struct tp_err *err)
{
	struct htpasswd *h = self;
	struct span user = r->username;
	enum tp_rc rc;

	rc = watched_follow(&h->users, err);
	if (rc == TP_OK && h->groups.path != NULL)
		rc = watched_follow(&h->groups, err);
	if (rc != TP_OK)
		return rc;
	if (r->event == AUTHN_LOGIN)
		rc = check_password(h, user, r->password, err);
	else if (jval_str(jval_get(r->claims, "user_id"), &user))
		rc = check_present(h, user, err);
	else
		rc = tp_fail(err, TP_INTERNAL, "a refresh without a user_id");
	if (rc != TP_OK)
		return rc;
	return make_claims(h, user, ret_claims, err);
}

/* By the file as it was last read: dearer hashes in it count from the request on that reads it. */
static bool htpasswd_cheap(const void *self)
{
	const struct htpasswd *h = self;

	return passhash_cost(userfile_dearest(h->users.file)) <= CHEAP;
}

const struct authn_ops authn_htpasswd_ops = { .scheme = "htpasswd",
					      .open = htpasswd_open,
					      .ask = htpasswd_ask,
					      .close = htpasswd_close,
					      .cheap = htpasswd_cheap };
