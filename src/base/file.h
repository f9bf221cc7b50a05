/* SPDX-License-Identifier: MIT */
/* Reading a whole small file: settings, keys, rules. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buf.h"

/*
 * Appends what the regular file holds to out, whose cap is the most that it may be. Never waits: a
 * pipe or a device of that name is an error. TP_INVALID: the message says why and does not name the
 * file, which by mistake may be a secret. TP_NOMEM.
 */
enum tp_rc file_read(const char *path, struct buf *out, struct tp_err *err) TP_MUSTUSE;

#endif
