/* SPDX-License-Identifier: MIT */
/*
 * Owns what a program sees of a request: C strings over the spans of the edge. They are copies,
 * wiped with the call, since one of them may be a password. What a request may carry, and a header
 * may be, the edge knows.
 */
#include "hook/call.h"

#include "hook/claims.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

struct call_copy {
	struct call_copy *next;
	struct span of; /* what it is a copy of: asked for again, it is found by that */
	char text[];
};

static struct call_copy *find_copy(const struct tpauth_call *call, struct span s)
{
	struct call_copy *copy = call->copies;

	while (copy != NULL && (copy->of.p != s.p || copy->of.len != s.len))
		copy = copy->next;
	return copy;
}

const char *call_string(struct tpauth_call *call, struct span s)
{
	struct call_copy *copy;

	if (s.p == NULL)
		return NULL;
	copy = find_copy(call, s);
	if (copy != NULL)
		return copy->text;
	copy = malloc(sizeof(*copy) + s.len + 1);
	if (copy == NULL) {
		if (call->failure.rc == TP_OK)
			tp_fail(&call->failure, TP_NOMEM, "out of memory");
		return NULL;
	}
	*copy = (struct call_copy){ .next = call->copies, .of = s };
	memcpy(copy->text, s.p, s.len);
	copy->text[s.len] = '\0';
	call->copies = copy;
	return copy->text;
}

static enum tp_rc set_user(struct tpauth_call *call, const struct jval *user,
			   const struct jval *extra, struct tp_err *err)
{
	enum tp_rc rc = TP_OK;

	if (user == NULL)
		return TP_OK;
	if (extra != NULL) {
		rc = claims_merge(user, extra, &call->merged, err);
		user = call->merged;
	}
	if (rc != TP_OK)
		return rc;
	call->user = claims_view(user);
	return call->user != NULL ? TP_OK : tp_fail(err, TP_NOMEM, "out of memory");
}

enum tp_rc call_open(struct tpauth_call *ret, const struct auth_edge *edge, const struct jval *user,
		     const struct jval *extra, struct tp_err *err)
{
	enum tp_rc rc;

	*ret = (struct tpauth_call){ .edge = edge };
	ret->method = call_string(ret, edge->method);
	ret->path = call_string(ret, edge->path);
	ret->remote_addr = call_string(ret, edge->remote_addr);
	ret->request_id = call_string(ret, edge->request_id);
	rc = call_rc(ret, err);
	if (rc == TP_OK)
		rc = set_user(ret, user, extra, err);
	if (rc != TP_OK)
		call_release(ret);
	return rc;
}

void call_release(struct tpauth_call *call)
{
	while (call->copies != NULL) {
		struct call_copy *copy = call->copies;

		call->copies = copy->next;
		explicit_bzero(copy->text, copy->of.len);
		free(copy);
	}
	tpauth_claims_free(call->user);
	jval_release(call->merged);
	*call = (struct tpauth_call){ 0 };
}

enum tp_rc call_rc(const struct tpauth_call *call, struct tp_err *err)
{
	struct tp_err why = call->failure;
	enum tp_rc rc = why.rc != TP_OK ? why.rc : claims_read_rc(call->user, &why);

	if (rc == TP_OK)
		return TP_OK;
	return tp_fail(err, rc == TP_NOMEM ? rc : TP_INTERNAL, "%s", why.msg);
}

/* The public side ------------------------------------------------------------------------------ */

const char *tpauth_method(const struct tpauth_call *call)
{
	return call != NULL ? call->method : NULL;
}

const char *tpauth_path(const struct tpauth_call *call)
{
	return call != NULL ? call->path : NULL;
}

const char *tpauth_remote_addr(const struct tpauth_call *call)
{
	return call != NULL ? call->remote_addr : NULL;
}

const char *tpauth_request_id(const struct tpauth_call *call)
{
	return call != NULL ? call->request_id : NULL;
}

const char *tpauth_header(struct tpauth_call *call, const char *name)
{
	if (call == NULL || name == NULL || call->edge->header == NULL)
		return NULL;
	return call_string(call, call->edge->header(call->edge->arg, span_of(name)));
}

const char *tpauth_query(struct tpauth_call *call, const char *name)
{
	if (call == NULL || name == NULL || call->edge->query == NULL)
		return NULL;
	return call_string(call, call->edge->query(call->edge->arg, name));
}

const char *tpauth_form(struct tpauth_call *call, const char *name)
{
	if (call == NULL || name == NULL || call->edge->form == NULL)
		return NULL;
	return call_string(call, call->edge->form(call->edge->arg, name));
}

const void *tpauth_body(struct tpauth_call *call, size_t *ret_len)
{
	struct span body = { NULL, 0 };

	if (call != NULL && call->edge->body != NULL)
		body = call->edge->body(call->edge->arg);
	if (ret_len != NULL)
		*ret_len = body.len;
	return body.p;
}

const struct tpauth_claims *tpauth_user(const struct tpauth_call *call)
{
	return call != NULL ? call->user : NULL;
}

const char *tpauth_user_get(const struct tpauth_call *call, const char *name)
{
	return tpauth_claims_get(tpauth_user(call), name);
}

void tpauth_add_header(struct tpauth_call *call, const char *name, const char *value)
{
	if (call == NULL || call->failure.rc != TP_OK)
		return;
	if (name == NULL || value == NULL)
		tp_fail(&call->failure, TP_INTERNAL, "a header without a name or a value");
	else if (call->edge->add_header != NULL)
		(void)call->edge->add_header(call->edge->arg, name, span_of(value), &call->failure);
}

void tpauth_reason(struct tpauth_call *call, const char *format, ...)
{
	va_list args;

	if (call == NULL || format == NULL)
		return;
	va_start(args, format);
	(void)vsnprintf(call->reason, sizeof(call->reason), format, args);
	va_end(args);
}
