/* SPDX-License-Identifier: MIT */
/* Result codes across the public interface. */
#ifndef HOOK_CODE_H
#define HOOK_CODE_H

#include "base/rc.h"

#include <tpauth.h>

/* What a program returned to us; a value that is no code reads as TP_INTERNAL. */
enum tp_rc code_in(enum tpauth_rc rc);

/* What we return to a program. A session that is not there is one that does not hold. */
enum tpauth_rc code_out(enum tp_rc rc);

#endif
