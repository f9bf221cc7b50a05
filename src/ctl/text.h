/* SPDX-License-Identifier: MIT */
/* What people read on a terminal. */
#ifndef CTL_TEXT_H
#define CTL_TEXT_H

#include "base/buf.h"

/* The time of day in UTC, "2026-01-31 12:00:00Z"; "-" where it is not known (0 and below). */
enum { TEXT_TIME = 24 };
const char *text_time(int64_t t, char room[TEXT_TIME]);

/* A stranger's words: control characters, also those of C1, become '?'. */
void text_put(struct span s, struct buf *out);

/* Marks for words on a terminal; without effect elsewhere, and when NO_COLOR is set. */
enum text_colour { TEXT_GOOD, TEXT_BAD };
bool text_colours(int fd);
/* word as it is, or between marks. */
void text_mark(enum text_colour c, bool colours, const char *word, struct buf *out);

#endif
