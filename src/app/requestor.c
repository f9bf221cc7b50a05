/* SPDX-License-Identifier: MIT */
/*
 * Owns the requests that a handler makes to other services as the user of its call: what goes with
 * each of them, what may be said besides, and their end. How HTTP is spoken is base/fetch's, behind
 * a loadable object, so that nobody is linked to libcurl for it.
 */
#include "app/requestor.h"

#include "app/answer.h"
#include "app/fetch_rules.h"
#include "auth/session.h"
#include "base/fetch_module.h"
#include "base/limits.h"
#include "base/object.h"
#include "hook/code.h"

#include <stdlib.h>

#include "base/banned.h"

enum { TIMEOUT_MS = 10000 };

struct requestor {
	struct object object;
	const struct fetch_module *module; /* in it; NULL: not loaded yet */
	struct fetch *client;
	struct tpauth_fetch *first;
	size_t n;
};

struct tpauth_fetch {
	struct tpauth_fetch *next;
	struct tpauth_call *call;
	struct app_answer *answer; /* of the call, which is a route's */
	struct tp_err err;	   /* the first thing that could not be set up, or how it ended */
	struct secret method, url, ca_file;
	struct secret lines[LIMIT_FETCH_HEADERS]; /* of the request's head */
	size_t n_lines;
	struct buf body;
	bool has_body;
	struct fetch_spec spec;
	const char *headers[LIMIT_FETCH_HEADERS + 1]; /* views of lines, for ask */
	struct fetch_request ask;
	struct fetch_reply reply;
	struct fetch_task *task; /* NULL: not under way */
	bool started;
};

static struct requestor *requestor_of(const struct tpauth_fetch *f)
{
	return f->answer->requestor;
}

/* Setting up -----------------------------------------------------------------------------------*/

/* Nothing can be changed any more once it is on its way, nor where something failed. */
static bool may_set(struct tpauth_fetch *f)
{
	if (f == NULL || f->err.rc != TP_OK)
		return false;
	if (!f->started)
		return true;
	tp_fail(&f->err, TP_INTERNAL, "it was changed after its start");
	return false;
}

static void add_line(struct tpauth_fetch *f, const char *name, struct span value)
{
	struct buf line = BUF_INIT(LIMIT_FETCH_HEADER);

	if (f->err.rc == TP_OK && f->n_lines == LIMIT_FETCH_HEADERS)
		tp_fail(&f->err, TP_INTERNAL, "more than %d headers", LIMIT_FETCH_HEADERS);
	if (f->err.rc != TP_OK)
		return;
	buf_str(&line, name);
	buf_str(&line, ": ");
	buf_span(&line, value);
	if (buf_rc(&line, "a header", &f->err) == TP_OK)
		secret_take(&f->lines[f->n_lines++], &line);
	else
		buf_release(&line);
}

/* The session as the other service takes it. A JWT that the client showed goes on as it is: who got
 * no more than that must not be given the handle, which lives longer. */
static void add_bearer(struct tpauth_fetch *f, const struct http_call *c)
{
	TP_CLEANUP(buf_release) struct buf value = BUF_INIT(LIMIT_FETCH_HEADER);
	struct credential shown = { 0 };

	buf_str(&value, "Bearer ");
	if (c->access->by == ACCESS_JWT) {
		if (request_credential(c->req, &shown, &f->err) != TP_OK)
			return;
		buf_span(&value, shown.bearer);
	} else {
		session_bearer(c->access->token->user_id, secret_view(&c->access->handle), &value);
	}
	if (buf_rc(&value, "the bearer", &f->err) == TP_OK)
		add_line(f, "Authorization", buf_view(&value));
}

static void set_up(struct tpauth_fetch *f, const char *method, const char *url)
{
	const struct http_call *c = f->answer->http;

	if (fetch_rules_method(method, &f->err) != TP_OK ||
	    fetch_rules_url(url, &f->err) != TP_OK ||
	    secret_set(&f->method, span_of(method), &f->err) != TP_OK ||
	    secret_set(&f->url, span_of(url), &f->err) != TP_OK)
		return;
	if (c->access != NULL)
		add_bearer(f, c);
	add_line(f, "refresh", SPAN_LIT("false"));
	add_line(f, "X-Request-ID", span_of(c->req->request_id));
}

struct tpauth_fetch *tpauth_fetch_new(struct tpauth_call *call, const char *method, const char *url)
{
	struct app_answer *a = call != NULL ? call->answer : NULL;
	struct tpauth_fetch *f;

	if (a == NULL)
		return NULL;
	if (a->requestor == NULL)
		a->requestor = calloc(1, sizeof(*a->requestor));
	if (a->requestor == NULL || a->requestor->n == LIMIT_FETCHES)
		return NULL;
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		return NULL;
	f->call = call;
	f->answer = a;
	f->spec.timeout_ms = TIMEOUT_MS;
	f->body = (struct buf)BUF_INIT(LIMIT_FETCH_BODY);
	f->reply = (struct fetch_reply)FETCH_REPLY_INIT(LIMIT_FETCH_BODY);
	f->next = a->requestor->first;
	a->requestor->first = f;
	a->requestor->n++;
	set_up(f, method, url);
	return f;
}

void tpauth_fetch_header(struct tpauth_fetch *fetch, const char *name, const char *value)
{
	if (may_set(fetch) && fetch_rules_header(name, value, &fetch->err) == TP_OK)
		add_line(fetch, name, span_of(value));
}

void tpauth_fetch_body(struct tpauth_fetch *fetch, const char *content_type, const void *body,
		       size_t len)
{
	if (!may_set(fetch))
		return;
	if (fetch->has_body || (body == NULL && len > 0)) {
		tp_fail(&fetch->err, TP_INTERNAL,
			fetch->has_body ? "it was given two bodies" : "its body is NULL");
		return;
	}
	fetch->has_body = true;
	buf_put(&fetch->body, body, len);
	if (buf_rc(&fetch->body, "the body", &fetch->err) != TP_OK || content_type == NULL)
		return;
	if (fetch_rules_value(content_type, &fetch->err) == TP_OK)
		add_line(fetch, "Content-Type", span_of(content_type));
}

void tpauth_fetch_timeout(struct tpauth_fetch *fetch, int timeout_ms)
{
	if (!may_set(fetch))
		return;
	if (timeout_ms < 1 || timeout_ms > LIMIT_FETCH_MS)
		tp_fail(&fetch->err, TP_INTERNAL, "a time-out of %d ms: it takes 1 to %d",
			timeout_ms, LIMIT_FETCH_MS);
	fetch->spec.timeout_ms = timeout_ms;
}

void tpauth_fetch_ca(struct tpauth_fetch *fetch, const char *file)
{
	if (!may_set(fetch))
		return;
	if (file == NULL || file[0] == '\0')
		tp_fail(&fetch->err, TP_INTERNAL, "its file of authorities has no name");
	else if (secret_set(&fetch->ca_file, span_of(file), &fetch->err) == TP_OK)
		fetch->spec.ca_file = fetch->ca_file.p;
}

void tpauth_fetch_insecure(struct tpauth_fetch *fetch)
{
	if (may_set(fetch))
		fetch->spec.insecure = true;
}

/* Under way ------------------------------------------------------------------------------------*/

static enum tp_rc open_client(struct requestor *r, const char *module_dir, struct tp_err *err)
{
	const struct fetch_spec spec = { .timeout_ms = TIMEOUT_MS };
	struct tp_err why = { 0 };
	enum tp_rc rc;

	if (r->client != NULL)
		return TP_OK;
	if (r->module == NULL) {
		rc = object_load(&r->object, module_dir, FETCH_MODULE_FILE, FETCH_MODULE_SYMBOL,
				 FETCH_MODULE_ABI, &why);
		if (rc != TP_OK)
			return tp_fail(err, rc, "the HTTP client: %s", why.msg);
		r->module = r->object.table;
	}
	return r->module->open(&spec, &r->client, err);
}

/* RFC 9110 8.6: a method that means a body says that it is empty. */
static bool means_body(const char *method)
{
	return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
	       strcmp(method, "PATCH") == 0;
}

static void fill_request(struct tpauth_fetch *f)
{
	for (size_t i = 0; i < f->n_lines; i++)
		f->headers[i] = f->lines[i].p;
	f->ask = (struct fetch_request){
		.method = f->method.p, .url = f->url.p, .headers = f->headers, .spec = &f->spec
	};
	if (f->has_body || means_body(f->method.p))
		f->ask.body = buf_view(&f->body);
}

void tpauth_fetch_start(struct tpauth_fetch *fetch)
{
	struct requestor *r;

	if (fetch == NULL || fetch->started || fetch->err.rc != TP_OK)
		return;
	r = requestor_of(fetch);
	fetch->started = true;
	fill_request(fetch);
	if (open_client(r, fetch->answer->http->site->module_dir, &fetch->err) == TP_OK)
		(void)r->module->start(r->client, &fetch->ask, &fetch->reply, &fetch->task,
				       &fetch->err); /* kept in err */
}

/* Half an answer must not be taken for one, nor a trouble of the other service's for one of the
 * client's. */
static void finish(struct tpauth_fetch *f)
{
	struct requestor *r = requestor_of(f);
	enum tp_rc rc = r->module->end(r->client, f->task, &f->err);

	f->task = NULL;
	if (rc == TP_OK)
		return;
	fetch_reply_release(&f->reply);
	if (rc == TP_DENIED)
		f->err.rc = TP_UNAVAILABLE;
	else if (rc == TP_INVALID)
		f->err.rc = TP_INTERNAL;
}

int tpauth_fetch_wait(struct tpauth_fetch *fetch, int timeout_ms)
{
	struct requestor *r;

	if (fetch == NULL)
		return 1;
	tpauth_fetch_start(fetch);
	if (fetch->task == NULL)
		return 1;
	r = requestor_of(fetch);
	/* For ever, and still not done: the object itself cannot go on. */
	if (!r->module->wait(r->client, fetch->task, timeout_ms < 0 ? -1 : timeout_ms) &&
	    timeout_ms >= 0)
		return 0;
	finish(fetch);
	return 1;
}

void requestor_release(struct requestor *r)
{
	while (r != NULL && r->first != NULL) {
		struct tpauth_fetch *f = r->first;

		r->first = f->next;
		if (f->task != NULL)
			(void)r->module->end(r->client, f->task, NULL); /* nobody asks any more */
		for (size_t i = 0; i < f->n_lines; i++)
			secret_release(&f->lines[i]);
		secret_release(&f->method);
		secret_release(&f->url);
		secret_release(&f->ca_file);
		buf_release(&f->body);
		fetch_reply_release(&f->reply);
		free(f);
	}
	if (r == NULL)
		return;
	if (r->client != NULL)
		r->module->close(r->client);
	object_unload(&r->object);
	free(r);
}

/* Its end --------------------------------------------------------------------------------------*/

enum tpauth_rc tpauth_fetch_rc(struct tpauth_fetch *fetch)
{
	if (fetch == NULL)
		return TPAUTH_INTERNAL;
	(void)tpauth_fetch_wait(fetch, -1);
	return code_out(fetch->err.rc);
}

const char *tpauth_fetch_error(struct tpauth_fetch *fetch)
{
	if (fetch == NULL)
		return "there is no request";
	return tpauth_fetch_rc(fetch) == TPAUTH_OK ? "" : fetch->err.msg;
}

int tpauth_fetch_status(struct tpauth_fetch *fetch)
{
	return tpauth_fetch_rc(fetch) == TPAUTH_OK ? fetch->reply.status : 0;
}

const char *tpauth_fetch_get_header(struct tpauth_fetch *fetch, const char *name)
{
	struct span value;

	if (name == NULL || tpauth_fetch_rc(fetch) != TPAUTH_OK)
		return NULL;
	value = fetch_header(&fetch->reply, name, 0);
	if (value.p == NULL || fetch_header(&fetch->reply, name, 1).p != NULL)
		return NULL;
	return call_string(fetch->call, value);
}

const char *tpauth_fetch_get_body(struct tpauth_fetch *fetch, size_t *ret_len)
{
	bool good = tpauth_fetch_rc(fetch) == TPAUTH_OK;

	if (ret_len != NULL)
		*ret_len = good ? fetch->reply.body.len : 0;
	return good ? buf_cstr(&fetch->reply.body) : "";
}

/* The whole way in one -------------------------------------------------------------------------*/

static struct tpauth_fetch *whole_way(struct tpauth_fetch *f)
{
	(void)tpauth_fetch_wait(f, -1);
	return f;
}

static struct tpauth_fetch *with_body(struct tpauth_call *call, const char *method, const char *url,
				      const char *content_type, const void *body, size_t len)
{
	struct tpauth_fetch *f = tpauth_fetch_new(call, method, url);

	tpauth_fetch_body(f, content_type, body, len);
	return whole_way(f);
}

struct tpauth_fetch *tpauth_get(struct tpauth_call *call, const char *url)
{
	return whole_way(tpauth_fetch_new(call, "GET", url));
}

struct tpauth_fetch *tpauth_post(struct tpauth_call *call, const char *url,
				 const char *content_type, const void *body, size_t len)
{
	return with_body(call, "POST", url, content_type, body, len);
}

struct tpauth_fetch *tpauth_put(struct tpauth_call *call, const char *url, const char *content_type,
				const void *body, size_t len)
{
	return with_body(call, "PUT", url, content_type, body, len);
}

struct tpauth_fetch *tpauth_patch(struct tpauth_call *call, const char *url,
				  const char *content_type, const void *body, size_t len)
{
	return with_body(call, "PATCH", url, content_type, body, len);
}

struct tpauth_fetch *tpauth_delete(struct tpauth_call *call, const char *url)
{
	return whole_way(tpauth_fetch_new(call, "DELETE", url));
}
