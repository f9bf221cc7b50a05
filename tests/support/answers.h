/* SPDX-License-Identifier: MIT */
/* What a token handler outside this process may answer, and what becomes of it: the same for each
 * way by which it comes. */
#ifndef SUPPORT_ANSWERS_H
#define SUPPORT_ANSWERS_H

#include <stddef.h>

struct answer {
	const char *text;
	const char *claims; /* NULL: trouble */
	const char *msg;    /* of the trouble; what it begins with */
};

extern const struct answer answers_wrong[]; /* claims NULL */
extern const struct answer answers_good[];
enum { ANSWERS_WRONG = 32, ANSWERS_GOOD = 4 };

#endif
