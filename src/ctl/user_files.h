/* SPDX-License-Identifier: MIT */
/* The password file and the group file on disk: read, edited under their lock, listed. */
#ifndef CTL_USER_FILES_H
#define CTL_USER_FILES_H

#include "auth/passhash.h"
#include "auth/userfile_edit.h"

struct user_files {
	char *users, *groups; /* paths; groups NULL: there is none */
};

/* From the two flags and TOKEN_HANDLER (each may be NULL); a flag comes first. TP_INVALID: no
 * password file is named. */
enum tp_rc user_files_find(const char *users, const char *groups, const char *handler,
			   struct user_files *ret, struct tp_err *err) TP_MUSTUSE;
void user_files_release(struct user_files *f);

/*
 * Before a password is asked for: the files are there, or made; they are such files; and the user
 * is new, or known. TP_EXISTS, TP_NOT_FOUND, TP_INVALID, TP_UNAVAILABLE (a file cannot be made).
 */
enum tp_rc user_files_ready(const struct user_files *f, bool create, struct span user, bool is_new,
			    struct tp_err *err) TP_MUSTUSE;

/* Each as userfile_edit.h, with the file's name in the message; what is asked of the user's
 * presence is asked again, under the lock. TP_UNAVAILABLE: a file cannot be written. */
enum tp_rc user_files_put(const struct user_files *f, struct span user, struct span hash,
			  bool is_new, struct tp_err *err) TP_MUSTUSE;
enum tp_rc user_files_put_groups(const struct user_files *f, struct span user,
				 const struct scope_set *groups, struct tp_err *err) TP_MUSTUSE;
/* From both files. TP_NOT_FOUND: the user was in neither. */
enum tp_rc user_files_drop(const struct user_files *f, struct span user,
			   struct tp_err *err) TP_MUSTUSE;

/* A line for each user, or {"users":[{"user":..,"scopes":[..],"usable":true}, ..]}. */
enum tp_rc user_files_list(const struct user_files *f, bool json, struct buf *out,
			   struct tp_err *err) TP_MUSTUSE;

#endif
