/* SPDX-License-Identifier: MIT */
/*
 * The other end of the linker's --wrap: counts allocations and refuses one. Knows nothing of who
 * asks, and changes nothing while it is off.
 */
#include "support/alloc_fail.h"

#include <errno.h>
#include <stddef.h>

#include "base/banned.h"

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t each);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t each);
void *__wrap_realloc(void *p, size_t n);

static long fails_at, count;

void alloc_fail_at(long n)
{
	count = 0;
	fails_at = n;
}

bool alloc_fail_off(void)
{
	bool happened = fails_at > 0 && count >= fails_at;

	fails_at = 0;
	return happened;
}

long alloc_fail_count(void)
{
	return count;
}

static bool refuses(void)
{
	if (++count != fails_at)
		return false;
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t n)
{
	return refuses() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t each)
{
	return refuses() ? NULL : __real_calloc(n, each);
}

void *__wrap_realloc(void *p, size_t n)
{
	return refuses() ? NULL : __real_realloc(p, n);
}
