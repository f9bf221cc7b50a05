/* SPDX-License-Identifier: MIT */
/* What the scripts of a case leave behind: files in support/folder.h's folder, and processes. */
#ifndef SUPPORT_SCRIPT_H
#define SUPPORT_SCRIPT_H

#include <stdbool.h>
#include <sys/types.h>

/* The file has this text and no more. */
void script_left(const char *name, const char *text);

/* A pid that a script wrote into the file. */
pid_t script_pid(const char *name);

/* Dead, though perhaps not reaped by whoever inherited it; now, and within 5 seconds. */
bool script_is_dead(pid_t pid);
void script_dies(pid_t pid);

#endif
