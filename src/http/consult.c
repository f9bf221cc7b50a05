/* SPDX-License-Identifier: MIT */
/* Owns the edges that hooks get, and the log line of what a hook for the logout says. Where nobody
 * registered one, nothing is made. */
#include "http/consult.h"

#include "http/edge.h"

#include "base/banned.h"

enum tp_rc consult_access(struct http_call *c, struct access *x, struct tp_err *err)
{
	TP_CLEANUP(edge_release) struct edge e = { 0 };

	if (c->auth->hooks == NULL || c->auth->hooks->authenticate == NULL)
		return TP_OK;
	edge_init(&e, c, EDGE_HOOK, NULL);
	return access_consult(c->auth, &e.base, x, err);
}

void consult_logout(struct http_call *c, const struct jval *claims)
{
	const struct auth_hooks *hooks = c->auth->hooks;
	TP_CLEANUP(edge_release) struct edge e = { 0 };
	struct span user = { NULL, 0 };
	struct tp_err err = { 0 };

	if (hooks == NULL || hooks->logout == NULL)
		return;
	edge_init(&e, c, EDGE_HOOK, NULL);
	if (hooks->logout(hooks->arg, &e.base, claims, &err) == TP_OK)
		return;
	(void)jval_str(jval_get(claims, "user_id"), &user);
	log_event(LOG_LEVEL_WARN, "logout.hook_failed", LOG_SPAN("user", user),
		  LOG_STR("reason", err.msg));
}

enum tp_rc consult_health(struct http_call *c, struct tp_err *err)
{
	const struct auth_hooks *hooks = c->auth->hooks;
	TP_CLEANUP(edge_release) struct edge e = { 0 };

	if (hooks == NULL || hooks->health == NULL)
		return TP_OK;
	edge_init(&e, c, EDGE_HOOK, NULL);
	return hooks->health(hooks->arg, &e.base, err);
}
