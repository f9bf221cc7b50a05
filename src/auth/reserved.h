/* SPDX-License-Identifier: MIT */
/* The claims that are ours: set at the minting of a session, whatever anybody else says. */
#ifndef AUTH_RESERVED_H
#define AUTH_RESERVED_H

#include "base/jval.h"

bool reserved_is(const char *claim);

/* Takes them out of an object; does nothing to anything else. */
void reserved_strip(struct jval *claims);

#endif
