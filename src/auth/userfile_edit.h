/* SPDX-License-Identifier: MIT */
/*
 * Edits the text of the files that userfile.h reads. What is not changed stays as it is, byte for
 * byte: comments, other lines, what stands behind a hash. Each result is read back by userfile.h,
 * and is what was meant, or the edit fails with TP_INVALID.
 */
#ifndef AUTH_USERFILE_EDIT_H
#define AUTH_USERFILE_EDIT_H

#include "auth/scope.h"

/* A name that both formats can hold and somebody can log in with: token_user_id_ok(), no ':', no
 * blank at either end, no '#' in front, and not both kinds of quotes. */
bool userfile_name_ok(struct span user);

/* Gives the user this hash: in the first line of the name, else in a new last line. */
enum tp_rc userfile_put_user(struct span text, struct span user, struct span hash, struct buf *out,
			     struct tp_err *err) TP_MUSTUSE;

/* Takes out all lines of the name. *ret_was: there was one. */
enum tp_rc userfile_drop_user(struct span text, struct span user, struct buf *out, bool *ret_was,
			      struct tp_err *err) TP_MUSTUSE;

/* Puts the user into each of the groups: into the group's first line, else into a new one. */
enum tp_rc userfile_put_groups(struct span text, struct span user, const struct scope_set *groups,
			       struct buf *out, struct tp_err *err) TP_MUSTUSE;

/* Takes the user out of all groups, which stay, perhaps empty. */
enum tp_rc userfile_drop_groups(struct span text, struct span user, struct buf *out, bool *ret_was,
				struct tp_err *err) TP_MUSTUSE;

/* Calls fn for each name of a password file, once, in the order of the file; ends with the first
 * answer other than TP_OK. TP_INVALID as userfile_open(). */
enum tp_rc userfile_each_user(struct span text,
			      enum tp_rc (*fn)(void *arg, struct span user, struct tp_err *err),
			      void *arg, struct tp_err *err) TP_MUSTUSE;

#endif
