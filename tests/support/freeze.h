/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_FREEZE_H
#define SUPPORT_FREEZE_H

#include <sys/types.h>

/* SIGSTOP, and waits until all threads of the process stand still: kill(2) does not. */
void freeze(pid_t pid);

#endif
