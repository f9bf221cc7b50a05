/* SPDX-License-Identifier: MIT */
/*
 * The two formats behind htpasswd:FILE[,groups=FILE], as one text in memory with an index by user.
 *   passwords   name:hash[:anything]       the first line of a name counts, as with Apache
 *   groups      group: name "a name" ...   a name with blanks stands in quotes
 * Blanks around a line, empty lines, lines beginning with '#', and CRLF are allowed for.
 */
#ifndef AUTH_USERFILE_H
#define AUTH_USERFILE_H

#include "base/buf.h"

/* The two paths of "FILE[,groups=FILE]"; *ret_groups is absent where there is none. */
void userfile_paths(struct span arg, struct span *ret_users, struct span *ret_groups);

enum userfile_format { USERFILE_PASSWORDS, USERFILE_GROUPS };

struct userfile;

/*
 * Takes the text over, also on failure. TP_INVALID: the text is surely not of this format; the
 * message begins with the line: a NUL, no ':', a group name that cannot be a scope, an open quote.
 * A line that is of the format but of no use (a name too long to log in, a hash that cannot be
 * checked) hurts nobody but the user it names.
 */
enum tp_rc userfile_open(enum userfile_format format, struct buf *text, struct userfile **ret,
			 struct tp_err *err) TP_MUSTUSE;
void userfile_close(struct userfile *f); /* wipes the text */

/* False when there is no line, or the last one has no end: the text may be half-written. */
bool userfile_is_whole(const struct userfile *f);

/* The user's hash as it stands there, known to passhash or not; borrowed. False: no such user. */
bool userfile_hash(const struct userfile *f, struct span user, struct span *ret_hash);

/* The hash that costs most to check, of those that can be; p NULL: there is none. */
struct span userfile_dearest(const struct userfile *f);

/* The hash of one of the users, always the same one for a name; p NULL: there is none. What a check
 * of an unknown name's password costs is what some user's does. */
struct span userfile_stand_in(const struct userfile *f, struct span name);

/* The first hash of a file that has some, but none that can be checked; p NULL: all is well. */
struct span userfile_useless(const struct userfile *f);

/* The groups that list the user, distinct, in the order of the file; borrowed. Returns how many of
 * them are in ret, `most` at most. */
size_t userfile_groups(const struct userfile *f, struct span user, struct span *ret, size_t most);

/* The line, from 1, of something borrowed from f. */
size_t userfile_line(const struct userfile *f, struct span part);

#endif
