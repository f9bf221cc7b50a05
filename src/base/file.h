/* SPDX-License-Identifier: MIT */
/* Reading and writing a whole small file: settings, keys, rules. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buf.h"

/*
 * Appends what the regular file holds to out, whose cap is the most that it may be. Never waits: a
 * pipe or a device of that name is an error. TP_INVALID: the message says why and does not name the
 * file, which by mistake may be a secret. TP_NOMEM.
 */
enum tp_rc file_read(const char *path, struct buf *out, struct tp_err *err) TP_MUSTUSE;

/*
 * A new file of that mode, on disk when this returns. TP_EXISTS: there is something of that name,
 * and it stays. TP_UNAVAILABLE: it cannot be made. On failure nothing new is there. The messages
 * name no file.
 */
enum tp_rc file_create(const char *path, unsigned mode, struct span content,
		       struct tp_err *err) TP_MUSTUSE;

/*
 * A file that several programs change in turns. It is locked from open to close; whoever reads
 * without the lock sees the old content or the new one, whole.
 */
struct file_edit {
	int fd;	    /* of the file that is there now */
	char *path; /* without symbolic links: the file they lead to is replaced, and not a link */
};

/* Opens, waits for the lock, and appends the content to out. As file_read() fails. */
enum tp_rc file_edit_open(const char *path, struct file_edit *ret, struct buf *out,
			  struct tp_err *err) TP_MUSTUSE;

/* Puts a new file in its place, with the mode, the owner and the access list of the old one, on
 * disk when this returns. TP_UNAVAILABLE: it cannot be written; the old one stays. */
enum tp_rc file_edit_replace(const struct file_edit *f, struct span content,
			     struct tp_err *err) TP_MUSTUSE;
void file_edit_close(struct file_edit *f);

#endif
