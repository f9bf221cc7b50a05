/* SPDX-License-Identifier: MIT */
/*
 * The system's clocks. Wall-clock seconds decide who may come in; monotonic milliseconds bound how
 * long something may take; neither stands in for the other.
 */
#include "base/clock.h"

#include <time.h>

#include "base/banned.h"

int64_t clock_now(const struct clock *c)
{
	return c->now_s(c->arg);
}

static int64_t system_now_s(void *arg)
{
	struct timespec t = { 0 };

	(void)arg;
	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec;
}

struct clock clock_system(void)
{
	return (struct clock){ system_now_s, NULL };
}

int64_t clock_mono_ms(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void clock_pause_us(int64_t us)
{
	struct timespec t = { .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 };

	nanosleep(&t, NULL);
}
