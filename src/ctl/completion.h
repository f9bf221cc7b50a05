/* SPDX-License-Identifier: MIT */
/* Completion for bash, made from the commands' own tables, so that it knows what they know. */
#ifndef CTL_COMPLETION_H
#define CTL_COMPLETION_H

#include "base/buf.h"

/* A script that bash reads; failure is the buffer's. */
void completion_bash(struct buf *out);

#endif
