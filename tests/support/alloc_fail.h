/* SPDX-License-Identifier: MIT */
/*
 * Memory that runs out on demand, for programs that are linked with
 * -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc. It reaches what our own objects and static
 * libraries allocate; shared libraries go on having memory. Check is a static one: assert only
 * after alloc_fail_off().
 *
 *	for (long n = 1;; n++) {
 *		alloc_fail_at(n);
 *		rc = work();
 *		if (!alloc_fail_off())
 *			break; (there is no nth allocation: rc is the answer with enough memory)
 *		ck_assert(rc == TP_NOMEM);
 *	}
 */
#ifndef SUPPORT_ALLOC_FAIL_H
#define SUPPORT_ALLOC_FAIL_H

#include <stdbool.h>

/* The nth allocation from here on fails (1: the next one), and only that one. */
void alloc_fail_at(long n);

/* No more failures. True when one has happened since alloc_fail_at(). */
bool alloc_fail_off(void);

/* Allocations since alloc_fail_at(). */
long alloc_fail_count(void);

#endif
