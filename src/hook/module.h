/* SPDX-License-Identifier: MIT */
/*
 * A shared object with hooks: TOKEN_HANDLER=module:FILE.so[,TEXT]. It finds the public functions on
 * claims and calls in the program that loads it, which is linked with --dynamic-list for that.
 */
#ifndef HOOK_MODULE_H
#define HOOK_MODULE_H

#include "hook/hooks.h"

struct module;

/* The setting names a module. */
bool module_is_named(struct span handler);

/*
 * Loads what the setting names, and opens it. TP_INVALID names TOKEN_HANDLER and what is wrong: no
 * absolute path, a file that cannot be loaded or that everybody may write to, no module in it, one
 * of another version or without on_token, or open() failed. TP_UNAVAILABLE, TP_NOMEM: as open()
 * says.
 */
enum tp_rc module_open(struct span handler, struct module **ret, struct tp_err *err) TP_MUSTUSE;

/* What was made of its hooks is closed before. */
void module_close(struct module *m);

const struct hook_set *module_hooks(const struct module *m); /* until it is closed */

#endif
