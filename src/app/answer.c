/* SPDX-License-Identifier: MIT */
/*
 * Owns tpauth_respond() and its like: what a program may answer, and the checks that keep it whole.
 * Its headers are the edge's (tpauth_add_header()).
 */
#include "app/answer.h"

#include "app/json_text.h"
#include "hook/code.h"
#include "http/route_path.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

enum { STATUS_LOW = 200, STATUS_HIGH = 599 };

/* RFC 9110 8.3: nearly; what it must not do is break the header. */
static bool is_type(const char *type)
{
	size_t len = strlen(type);

	for (size_t i = 0; i < len; i++) {
		if (type[i] < 0x20 || type[i] > 0x7e)
			return false;
	}
	return len <= ANSWER_TYPE_MOST && type[0] != '/' && strchr(type, '/') != NULL;
}

static enum tp_rc check(const struct app_answer *a, int status, const char *type, const void *body,
			size_t len, struct tp_err *err)
{
	if (status < STATUS_LOW || status > STATUS_HIGH)
		return tp_fail(err, TP_INTERNAL, "an answer with the status %d", status);
	if (type != NULL && !is_type(type))
		return tp_fail(err, TP_INTERNAL, "an answer whose content type is none");
	if (body == NULL && len > 0)
		return tp_fail(err, TP_INTERNAL, "an answer whose body is NULL");
	if (len > a->http->resp->body.cap)
		return tp_fail(err, TP_INTERNAL, "an answer of more than %zu bytes",
			       a->http->resp->body.cap);
	return TP_OK;
}

static enum tp_rc give(struct tpauth_call *call, int status, const char *type, const void *body,
		       size_t len, struct tp_err *err)
{
	struct app_answer *a = call->answer;
	struct buf *out = &a->http->resp->body;
	enum tp_rc rc = check(a, status, type, body, len, err);

	if (rc != TP_OK)
		return rc;
	buf_reset(out);
	buf_put(out, body, len);
	if (type == NULL && len > 0)
		type = "application/octet-stream";
	/* A copy of its own: the program's memory may hold another type the next time. */
	snprintf(a->type, sizeof(a->type), "%s", type != NULL ? type : "");
	a->status = status;
	return buf_rc(out, "an answer", err);
}

/* The last one counts, for good and bad. */
static enum tpauth_rc keep(struct app_answer *a, const struct tp_err *failure)
{
	a->failure = *failure;
	return code_out(failure->rc);
}

enum tpauth_rc tpauth_respond(struct tpauth_call *call, int status, const char *content_type,
			      const void *body, size_t len)
{
	struct tp_err err = { .rc = TP_OK };

	if (call == NULL || call->answer == NULL)
		return TPAUTH_INTERNAL;
	err.rc = give(call, status, content_type, body, len, &err);
	return keep(call->answer, &err);
}

enum tpauth_rc tpauth_respond_text(struct tpauth_call *call, int status, const char *format, ...)
{
	struct tp_err err = { .rc = TP_OK };
	char *text = NULL;
	va_list args;
	int n;

	if (call == NULL || call->answer == NULL)
		return TPAUTH_INTERNAL;
	if (format == NULL) {
		tp_fail(&err, TP_INTERNAL, "a text without a format");
		return keep(call->answer, &err);
	}
	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0)
		tp_fail(&err, TP_NOMEM, "a text could not be made");
	else
		err.rc = give(call, status, "text/plain; charset=utf-8", text, (size_t)n, &err);
	if (n >= 0)
		free(text);
	return keep(call->answer, &err);
}

enum tpauth_rc tpauth_respond_json(struct tpauth_call *call, int status, const char *json)
{
	struct tp_err err = { .rc = TP_OK };

	if (call == NULL || call->answer == NULL)
		return TPAUTH_INTERNAL;
	if (json == NULL || !json_text_ok(span_of(json)))
		tp_fail(&err, TP_INTERNAL, "an answer that is said to be JSON and is not");
	else
		err.rc = give(call, status, "application/json", json, strlen(json), &err);
	return keep(call->answer, &err);
}

const char *tpauth_param(struct tpauth_call *call, const char *name)
{
	struct app_answer *a;
	struct span value;

	if (call == NULL || call->answer == NULL || name == NULL)
		return NULL;
	a = call->answer;
	if (!route_path_param(a->http->route->path_template, a->http->at, name, &value))
		return NULL;
	return call_string(call, value);
}

enum tp_rc answer_settle(struct app_answer *a, struct tp_err *err)
{
	struct http_resp *resp = a->http->resp;

	if (a->failure.rc != TP_OK)
		return tp_fail(err, a->failure.rc, "%s", a->failure.msg);
	resp->status = a->status != 0 ? a->status : 204;
	if (a->type[0] != '\0')
		response_header(resp, "Content-Type", span_of(a->type));
	return TP_OK;
}
