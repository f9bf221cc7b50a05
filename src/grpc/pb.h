/* SPDX-License-Identifier: MIT */
/* What protobuf-c does not look at: it takes strings that are no UTF-8, and cuts them at a NUL. */
#ifndef GRPC_PB_H
#define GRPC_PB_H

#include "base/str.h"

/*
 * The message is well-formed at its top level, and each field that is among `strings` (bit n: field
 * n) is UTF-8 without NUL: what protobuf-c then makes of it is what the client wrote. Groups are
 * refused.
 */
bool pb_is_clean(struct span message, uint32_t strings) TP_MUSTUSE;

#endif
