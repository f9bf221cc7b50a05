/* SPDX-License-Identifier: MIT */
/* The only place that asks for the time or waits. Tests hand in a clock of their own. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/rc.h"

/* Seconds since 1970. */
struct clock {
	int64_t (*now_s)(void *arg);
	void *arg;
};

int64_t clock_now(const struct clock *c);
struct clock clock_system(void);

/* Monotonic milliseconds, for deadlines; not settable, since it never decides who may come in. */
int64_t clock_mono_ms(void);

/* Waits; ends early on a signal. For short retry loops only. */
void clock_pause_us(int64_t us);

#endif
