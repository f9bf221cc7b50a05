/* SPDX-License-Identifier: MIT */
/* Asks the loadable object of a handler in this process, and not in a child as the handler does: so
 * that what it leaves behind shows. */
#ifndef SUPPORT_MODULE_RIG_H
#define SUPPORT_MODULE_RIG_H

#include "auth/authn_module.h"

/* spec with handler and limit; q as it comes from the handler. */
enum tp_rc module_rig_ask(const struct authn_spec *spec, const char *file,
			  const struct authn_module_question *q, struct tp_err *err);

/* Asks what a handler has just been asked, if that is fit for a module, and compares. rc: what came
 * of it there. */
void module_rig_compare(const struct authn_spec *spec, const char *file,
			const struct authn_request *r, enum tp_rc rc);

#endif
