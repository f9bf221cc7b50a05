/* SPDX-License-Identifier: MIT */
#include "support/told_hook.h"

#include <check.h>
#include <stdio.h>

#include "base/banned.h"

static void keep(char *to, size_t room, const char *text)
{
	snprintf(to, room, "%s", text != NULL ? text : "-");
}

enum tpauth_rc told_hook(struct tpauth_call *call, const struct tpauth_claims *user,
			 struct tpauth_claims *claims, void *arg)
{
	struct told *t = arg;

	t->asked++;
	ck_assert_ptr_eq(user, tpauth_user(call));
	keep(t->user, sizeof(t->user), tpauth_claims_get_json(user, NULL));
	keep(t->before, sizeof(t->before), tpauth_claims_get_json(claims, NULL));
	keep(t->method, sizeof(t->method), tpauth_method(call));
	keep(t->remote, sizeof(t->remote), tpauth_remote_addr(call));
	if (t->fill != NULL)
		t->fill(claims);
	if (t->reason != NULL)
		tpauth_reason(call, "%s", t->reason);
	if (t->breaks)
		tpauth_add_header(call, "Status", "200 OK");
	return t->rc;
}

static enum tp_rc no_header(void *arg, const char *name, struct span value, struct tp_err *err)
{
	(void)arg;
	(void)value;
	return tp_fail(err, TP_INTERNAL, "the header %s is not to be added", name);
}

const struct auth_edge told_edge = { .method = { "POST", 4 },
				     .remote_addr = { "192.0.2.9", 9 },
				     .add_header = no_header };

enum tp_rc told_ask(const struct hook_set *set, struct authn *below, const struct authn_request *r,
		    struct buf *ret_json, struct tp_err *err)
{
	struct jval *claims = NULL;
	struct authn *n = NULL;
	enum tp_rc rc;

	ck_assert_int_eq(hooks_authn(set, below, &n, err), TP_OK);
	rc = authn_ask(n, r, &claims, err);
	ck_assert_int_eq(rc == TP_OK, claims != NULL);
	if (claims != NULL)
		jval_write(claims, ret_json);
	jval_release(claims);
	authn_close(n);
	return rc;
}
