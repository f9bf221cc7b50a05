/* SPDX-License-Identifier: MIT */
/* Runs one suite and turns its result into an exit status. */
#ifndef SUPPORT_CHECK_RUN_H
#define SUPPORT_CHECK_RUN_H

#include <check.h>

/* CK_FORK=no in the environment runs the cases in this process (for debuggers and valgrind). */
int check_run(Suite *s);

#endif
