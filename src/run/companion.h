/* SPDX-License-Identifier: MIT */
/*
 * tpauth-grpcd beside a pool (--grpc): which program that is, and how it is called. It is the one
 * in MODULE_DIR where there is one, else the one that was installed with this program.
 */
#ifndef RUN_COMPANION_H
#define RUN_COMPANION_H

#include "run/boot.h"

/* TP_INVALID: there is no such program. */
enum tp_rc companion_check(const struct config *c, struct tp_err *err) TP_MUSTUSE;

/*
 * Becomes that program, in a child of the supervisor: with the same environment and the same flags,
 * but for --listen, --workers and --grpc. Descriptor 0, which may be a FastCGI socket, is not
 * handed on. Signals that have arrived or arrive are kept for it. Returns an exit status when it
 * fails.
 */
int companion_become(const struct app *app);

/* The flags that are handed on, behind program, up to the first operand. ret has argc + 1 places,
 * the last one that is used is NULL. */
void companion_flags(char *program, int argc, char **argv, char **ret);

#endif
