/* SPDX-License-Identifier: MIT */
/*
 * One handler htpasswd: over password and group files in the folder of a case, which writes files,
 * opens them, and says what it expects. The password is always "correct horse".
 */
#ifndef SUPPORT_HTFILES_H
#define SUPPORT_HTFILES_H

#include "auth/authn.h"
#include "support/folder.h"

/* clang-format off */
#define HT_SHA     "{SHA}L55TUjtiq8FBorTWAZ0jy6g129A="
#define HT_SHA_NO  "{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=" /* of another password */
#define HT_BCRYPT  "$2y$04$VZIt6A6PUn4ryk5g2HmMcO2r3f2Hg6m4XBL/GP9oLBQk3jxyx1G0a"
/* clang-format on */

#define HT_WRONG "wrong user name or password"

/* What the handler said last. */
extern struct tp_err htfiles_err;

/* The end of a case that began with folder_make(): closes the handler, removes the folder. */
void htfiles_end(void);

/* Puts a new file in the place of one, as editors do. */
void htfiles_replace(const char *name, const char *text);

/* Opens the handler over files that are there; groups may be NULL. */
enum tp_rc htfiles_try_open(const char *users, const char *groups);
void htfiles_open(const char *users, const char *groups);

/* Writes "users" and, unless NULL, "groups", and opens them. */
void htfiles_open_with(const char *users, const char *groups);

enum tp_rc htfiles_login(const char *user);
enum tp_rc htfiles_login_bytes(struct span user, struct span password);
enum tp_rc htfiles_refresh(const char *user_id); /* NULL: of a session without one */

bool htfiles_is_cheap(void); /* of the handler that is open */

/* Scopes as in JSON: "\"read\",\"write\"". */
void htfiles_expect_login(const char *user, const char *scopes);
void htfiles_expect_refresh(const char *user, const char *scopes);
void htfiles_expect_denied(const char *user);

/* A message: what stands before the path of a file, the file, what stands behind it. */
void htfiles_expect_trouble(const char *user, const char *before, const char *name,
			    const char *after);
void htfiles_expect_refused(const char *users, const char *groups, const char *before,
			    const char *name, const char *after);
void htfiles_expect_msg(const char *before, const char *name, const char *after);

#endif
