/* SPDX-License-Identifier: MIT */
/* The loadable object tpauth_fetch.so: the table of fetch.h, found by its name. The rest of the
 * object is hidden. */
#include "base/fetch.h"

#include "base/banned.h"

extern const struct fetch_module tpauth_fetch_module __attribute__((visibility("default")));
const struct fetch_module tpauth_fetch_module = { FETCH_ABI,   fetch_open, fetch_close, fetch_ask,
						  fetch_start, fetch_wait, fetch_end };
