/* SPDX-License-Identifier: MIT */
/*
 * What the loadable object tpauth_fetch.so holds: the HTTP client of base/fetch.h, for programs
 * that are not linked to libcurl (base/object.h loads it). What it fills in (replies, errors) is
 * the caller's as there.
 */
#ifndef BASE_FETCH_MODULE_H
#define BASE_FETCH_MODULE_H

#include "base/fetch.h"

#define FETCH_MODULE_FILE   "tpauth_fetch.so"
#define FETCH_MODULE_SYMBOL "tpauth_fetch"

enum { FETCH_MODULE_ABI = 1 };

struct fetch_module {
	int abi;
	enum tp_rc (*open)(const struct fetch_spec *spec, struct fetch **ret, struct tp_err *err);
	enum tp_rc (*ask)(struct fetch *f, const struct fetch_request *ask,
			  struct fetch_reply *reply, struct tp_err *err);
	enum tp_rc (*start)(struct fetch *f, const struct fetch_request *ask,
			    struct fetch_reply *reply, struct fetch_task **ret, struct tp_err *err);
	bool (*wait)(struct fetch *f, const struct fetch_task *t, int timeout_ms);
	enum tp_rc (*end)(struct fetch *f, struct fetch_task *t, struct tp_err *err);
	struct span (*header)(const struct fetch_reply *r, const char *name, size_t nth);
	void (*reply_release)(struct fetch_reply *r);
	void (*close)(struct fetch *f);
};

#endif
