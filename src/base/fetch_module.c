/* SPDX-License-Identifier: MIT */
/* The loadable object tpauth_fetch.so: the table of fetch_module.h, found by its name. The rest of
 * the object is hidden. */
#include "base/fetch_module.h"

#include "base/banned.h"

extern const struct fetch_module tpauth_fetch __attribute__((visibility("default")));
const struct fetch_module tpauth_fetch = {
	FETCH_MODULE_ABI, fetch_open,	fetch_ask,	     fetch_start, fetch_wait,
	fetch_end,	  fetch_header, fetch_reply_release, fetch_close,
};
