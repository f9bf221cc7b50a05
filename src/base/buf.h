/* SPDX-License-Identifier: MIT */
/*
 * A growing buffer with a hard cap. Its content is wiped before memory goes back.
 *
 * Failure is sticky: after the first put that does not fit or finds no memory, further puts do
 * nothing, and buf_rc() tells. So text is built without a test after each line, and tested once.
 * p[len] is always NUL once anything was put; buf_cstr() gives "" before that.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/str.h"

struct buf {
	char *p;
	size_t len, alloc, cap; /* cap: most bytes that len may reach */
	enum tp_rc rc;		/* TP_OK, TP_TOO_LARGE or TP_NOMEM */
};

#define BUF_INIT(limit)                    \
	{                                  \
		NULL, 0, 0, (limit), TP_OK \
	}

void buf_put(struct buf *b, const void *p, size_t n);
void buf_span(struct buf *b, struct span s);
void buf_str(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
void buf_int(struct buf *b, int64_t n); /* decimal */
void buf_printf(struct buf *b, const char *fmt, ...) TP_PRINTF(2, 3);

/* Room for n more bytes at the end, to be filled by the caller and added by buf_added(); NULL when
 * it does not fit, and the buffer has failed. A secret that was filled in and then not added is the
 * caller's to wipe. */
char *buf_room(struct buf *b, size_t n);
void buf_added(struct buf *b, size_t n);

/* The first failure, filled into err ("<what> is larger than N bytes", "out of memory"). */
enum tp_rc buf_rc(const struct buf *b, const char *what, struct tp_err *err) TP_MUSTUSE;

struct span buf_view(const struct buf *b); /* borrowed until the next put; p never NULL */
const char *buf_cstr(const struct buf *b); /* the same as a C string */
void buf_cut(struct buf *b, size_t len);   /* shortens; wipes what goes */
void buf_reset(struct buf *b); /* empties, wipes, keeps the storage, forgets a failure */
void buf_release(struct buf *b);

#endif
