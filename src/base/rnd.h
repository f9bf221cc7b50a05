/* SPDX-License-Identifier: MIT */
/* The system's CSPRNG, getrandom(2). */
#ifndef BASE_RND_H
#define BASE_RND_H

#include "base/rc.h"

/* Fills n bytes or fails with TP_UNAVAILABLE; never returns fewer. */
enum tp_rc rnd_bytes(void *p, size_t n, struct tp_err *err) TP_MUSTUSE;

#endif
