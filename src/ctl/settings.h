/* SPDX-License-Identifier: MIT */
/* The settings that a command was called with, and what the service makes of them. */
#ifndef CTL_SETTINGS_H
#define CTL_SETTINGS_H

#include "ctl/args.h"
#include "run/boot.h"

/* Keys, token handler and store, for one who serves nobody. *ret is boot_close()d by the caller,
 * also after a failure, and keeps what was opened before it; args and envp are borrowed as long. */
enum tp_rc settings_open(struct args *a, char **envp, struct app *ret,
			 struct tp_err *err) TP_MUSTUSE;

#endif
