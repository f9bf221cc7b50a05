/* SPDX-License-Identifier: MIT */
/*
 * A token handler that stands on a library of its own (ldap:, pam:): a loadable object with this
 * table. Such libraries block, print, read the environment and keep state, so a question is asked
 * in a child of the serving process (auth/child.h), and its answer comes back as text.
 */
#ifndef AUTH_AUTHN_MODULE_H
#define AUTH_AUTHN_MODULE_H

#include "auth/authn.h"

#define AUTHN_MODULE_SYMBOL "tpauth_authn_module"

enum { AUTHN_MODULE_ABI = 1 };

struct authn_module_question {
	struct span user;	 /* fit to be a user_id: no NUL, no control characters */
	struct span password;	 /* not empty; absent: a refresh, only whether he may still come */
	struct span remote_addr; /* may be absent */
};

struct authn_module {
	int abi;
	/* In the serving process: reads the settings, and asks nobody. TP_INVALID names the setting
	 * and what is wrong. */
	enum tp_rc (*open)(const struct authn_spec *spec, struct span arg, void **ret,
			   struct tp_err *err);
	void (*close)(void *self);
	/*
	 * In a child, once. TP_OK: *answer holds the claims as JSON, with the names of the user's
	 * groups as "scopes", also of those that cannot be scopes. TP_DENIED, TP_UNAVAILABLE,
	 * TP_NOMEM with a message.
	 */
	enum tp_rc (*ask)(const void *self, const struct authn_module_question *q,
			  struct buf *answer, struct tp_err *err);
	/* In a child, once: whether what stands behind it is there. */
	enum tp_rc (*probe)(const void *self, struct tp_err *err);
};

/* For ask(): {"user_id":,"username":,"email":,"scopes":[ ... and then authn_module_group() for each
 * group, and "]}". An absent name or email is null. */
void authn_module_begin(struct buf *answer, struct span user_id, struct span username,
			struct span email);
void authn_module_group(struct buf *answer, struct span group);
void authn_module_end(struct buf *answer);

#endif
