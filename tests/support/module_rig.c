/* SPDX-License-Identifier: MIT */
#include "support/module_rig.h"

#include <check.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/object.h"
#include "token/token.h"

#include "base/banned.h"

enum tp_rc module_rig_ask(const struct authn_spec *spec, const char *file,
			  const struct authn_module_question *q, struct tp_err *err)
{
	struct buf answer = BUF_INIT(LIMIT_AUTHN_OUTPUT);
	struct object o = { NULL, NULL };
	struct span arg = spec->handler;
	const struct authn_module *m;
	void *self = NULL;
	enum tp_rc rc;

	(void)span_cut(&arg, ':');
	ck_assert_int_eq(
		object_load(&o, spec->module_dir, file, AUTHN_MODULE_SYMBOL, AUTHN_MODULE_ABI, err),
		TP_OK);
	m = o.table;
	ck_assert_int_eq(m->open(spec, arg, &self, err), TP_OK);
	rc = m->ask(self, q, &answer, err);
	ck_assert_int_eq(answer.rc, TP_OK);
	m->close(self);
	object_unload(&o);
	buf_release(&answer);
	return rc;
}

void module_rig_compare(const struct authn_spec *spec, const char *file,
			const struct authn_request *r, enum tp_rc rc)
{
	struct authn_module_question q = { .user = r->username, .remote_addr = r->remote_addr };
	struct tp_err err = { 0 };

	if (r->event == AUTHN_REFRESH)
		ck_assert(jval_str(jval_get(r->claims, "user_id"), &q.user));
	else
		q.password = r->password;
	if (!token_user_id_ok(q.user) || (q.password.p != NULL && q.password.len == 0))
		return;
	ck_assert_int_eq(module_rig_ask(spec, file, &q, &err), rc);
}
