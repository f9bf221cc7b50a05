/* SPDX-License-Identifier: MIT */
/*
 * The handler https://HOST[:PORT]/PATH, and http:// of this machine: a POST of the question of
 * authn_question.h. 200 with claims as application/json is a yes, 401 and 403 are a no, and all
 * else is trouble, a redirect too: whoever can answer for another host must not get the password.
 *
 * libcurl stands behind a loadable object, since it doubles the time that a CGI process takes to
 * start, and most of those log nobody in.
 */
#include "auth/authn.h"
#include "auth/authn_question.h"
#include "base/fetch_module.h"
#include "base/limits.h"
#include "base/object.h"
#include "base/secret.h"
#include "base/url.h"

#include <stdlib.h>

#include "base/banned.h"

enum {
	YES = 200,
	RETRY_MOST_S = 3600,
	HEADER_MOST = LIMIT_SECRET + 64,
	PROBE_BODY = 0 /* the answer to a HEAD has none */
};

struct webhook {
	char *url;
	struct secret authorization; /* the header; empty: none */
	struct object object;
	const struct fetch_module *module; /* NULL: not loaded yet */
	struct fetch *fetch;
	const char *module_dir, *ca_file;
	int64_t limit_ms;
};

/* ---- the setting ---- */

static bool is_visible(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	}
	return true;
}

static enum tp_rc check_url(struct span text, struct tp_err *err)
{
	struct url u;

	if (!url_split(text, &u) || u.host.len == 0)
		return tp_fail(err, TP_INVALID,
			       "TOKEN_HANDLER: takes a URL https://HOST[:PORT]/PATH, of ASCII and "
			       "without a user name");
	if (span_is(u.scheme, "http") && !url_is_loopback(&u))
		return tp_fail(
			err, TP_INVALID,
			"TOKEN_HANDLER: http:// goes to this machine only (127.0.0.1, [::1], "
			"localhost), and https:// to others: it carries passwords");
	return TP_OK;
}

/* It is sent as a bearer token, RFC 6750 section 2.1. */
static enum tp_rc make_authorization(struct span key, struct secret *ret, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf line = BUF_INIT(HEADER_MOST);
	enum tp_rc rc;

	if (key.len == 0)
		return TP_OK;
	if (!is_visible(key))
		return tp_fail(err, TP_INVALID,
			       "HANDLER_SECRET: takes ASCII characters without blanks");
	buf_str(&line, "Authorization: Bearer ");
	buf_span(&line, key);
	rc = buf_rc(&line, "HANDLER_SECRET", err);
	if (rc != TP_OK)
		return tp_fail(err, rc == TP_NOMEM ? rc : TP_INVALID, "%s", err->msg);
	return secret_set(ret, buf_view(&line), err);
}

static void http_close(void *self)
{
	struct webhook *w = self;

	if (w == NULL)
		return;
	if (w->fetch != NULL)
		w->module->close(w->fetch);
	object_unload(&w->object);
	secret_release(&w->authorization);
	free(w->url);
	free(w);
}

static enum tp_rc load(struct webhook *w, struct tp_err *err)
{
	const struct fetch_spec spec = { .ca_file = w->ca_file, .timeout_ms = (int)w->limit_ms };
	enum tp_rc rc = TP_OK;

	if (w->fetch != NULL)
		return TP_OK;
	if (w->module == NULL)
		rc = object_load(&w->object, w->module_dir, FETCH_MODULE_FILE, FETCH_MODULE_SYMBOL,
				 FETCH_MODULE_ABI, err);
	if (rc != TP_OK)
		return rc;
	w->module = w->object.table;
	return w->module->open(&spec, &w->fetch, err);
}

static enum tp_rc set_up(struct webhook *w, const struct authn_spec *spec, struct tp_err *err)
{
	enum tp_rc rc = make_authorization(spec->secret, &w->authorization, err);

	if (rc != TP_OK)
		return rc;
	w->url = span_dup(spec->handler);
	if (w->url == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	w->module_dir = spec->module_dir;
	w->ca_file = spec->ca_file;
	w->limit_ms = spec->limit_ms;
	if (spec->late)
		return TP_OK;
	rc = load(w, err);
	if (rc != TP_OK && rc != TP_NOMEM)
		return tp_fail(err, TP_INVALID, "TOKEN_HANDLER: %s", err->msg);
	return rc;
}

static enum tp_rc http_open(const struct authn_spec *spec, struct span arg, void **ret,
			    struct tp_err *err)
{
	struct webhook *w;
	enum tp_rc rc = check_url(spec->handler, err);

	(void)arg;
	if (rc != TP_OK)
		return rc;
	w = calloc(1, sizeof(*w));
	if (w == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	rc = set_up(w, spec, err);
	if (rc != TP_OK) {
		http_close(w);
		return rc;
	}
	*ret = w;
	return TP_OK;
}

/* ---- the question ---- */

struct question {
	struct buf json, id; /* id: the header with the request's */
	const char *headers[4];
};

static void question_release(struct question *q)
{
	buf_release(&q->json);
	buf_release(&q->id);
}

static enum tp_rc make_question(const struct webhook *w, const struct authn_request *r,
				struct question *q, struct tp_err *err)
{
	size_t n = 0;
	enum tp_rc rc = authn_question_put(r, &q->json, err);

	if (rc != TP_OK)
		return rc;
	q->headers[n++] = "Content-Type: application/json";
	if (w->authorization.len > 0)
		q->headers[n++] = w->authorization.p;
	/* A client may have chosen it: then it is part of the question only. */
	if (r->request_id.len > 0 && is_visible(r->request_id)) {
		buf_str(&q->id, "X-Request-ID: ");
		buf_span(&q->id, r->request_id);
		q->headers[n++] = buf_cstr(&q->id);
	}
	q->headers[n] = NULL;
	return buf_rc(&q->id, "the request's id", err);
}

/* A server that could not prove who it is has said nothing at all, so least of all "no". */
static enum tp_rc ask_server(struct webhook *w, const struct fetch_request *question,
			     struct fetch_reply *reply, struct tp_err *err)
{
	struct tp_err inner = { 0 };
	enum tp_rc rc = w->module->ask(w->fetch, question, reply, &inner);

	if (rc == TP_OK)
		return TP_OK;
	if (rc == TP_NOMEM)
		return tp_fail(err, rc, "%s", inner.msg);
	if (rc == TP_TOO_LARGE)
		return tp_fail(err, TP_UNAVAILABLE,
			       "the token handler's answer is larger than %d bytes",
			       LIMIT_AUTHN_OUTPUT);
	return tp_fail(err, TP_UNAVAILABLE, "the token handler: %s", inner.msg);
}

/* ---- the answer ---- */

static bool is_json(const struct webhook *w, const struct fetch_reply *reply)
{
	struct span type = w->module->header(reply, "Content-Type", 0);

	if (type.p == NULL || w->module->header(reply, "Content-Type", 1).p != NULL)
		return false;
	return span_is_nocase(span_trim(span_cut(&type, ';')), "application/json");
}

/* Seconds, if it says so; a date is not looked at. */
static int64_t retry_after(const struct webhook *w, const struct fetch_reply *reply)
{
	int64_t s = 0;

	(void)span_int(w->module->header(reply, "Retry-After", 0), 0, RETRY_MOST_S, &s);
	return s;
}

static enum tp_rc judge(const struct webhook *w, const struct fetch_reply *reply,
			struct tp_err *err)
{
	if (reply->status == 401 || reply->status == 403)
		return tp_fail(err, TP_DENIED, "the token handler said no (status %d)",
			       reply->status);
	if (reply->status >= 300 && reply->status < 400)
		return tp_fail(err, TP_UNAVAILABLE,
			       "the token handler answered with status %d; a redirect is not "
			       "followed",
			       reply->status);
	if (reply->status != YES)
		return tp_fail_retry(err, TP_UNAVAILABLE, retry_after(w, reply),
				     "the token handler answered with status %d", reply->status);
	if (!is_json(w, reply))
		return tp_fail(err, TP_UNAVAILABLE,
			       "the token handler's answer is not of type application/json");
	return TP_OK;
}

static enum tp_rc exchange(struct webhook *w, const struct fetch_request *question,
			   struct fetch_reply *reply, struct jval **ret_claims, struct tp_err *err)
{
	enum tp_rc rc = ask_server(w, question, reply, err);

	if (rc == TP_OK)
		rc = judge(w, reply, err);
	if (rc != TP_OK)
		return rc;
	return authn_answer_parse(buf_view(&reply->body), ret_claims, err);
}

static enum tp_rc http_ask(void *self, const struct authn_request *r, struct jval **ret_claims,
			   struct tp_err *err)
{
	TP_CLEANUP(question_release)
	struct question q = {
		.json = BUF_INIT(LIMIT_AUTHN_QUESTION),
		.id = BUF_INIT(LIMIT_FORM_VALUE + 64),
	};
	struct fetch_reply reply = FETCH_REPLY_INIT(LIMIT_AUTHN_OUTPUT);
	struct webhook *w = self;
	struct fetch_request question = { .method = "POST", .url = w->url };
	enum tp_rc rc = make_question(w, r, &q, err);

	if (rc == TP_OK)
		rc = load(w, err);
	if (rc != TP_OK)
		return rc;
	question.headers = q.headers;
	question.body = buf_view(&q.json);
	rc = exchange(w, &question, &reply, ret_claims, err);
	w->module->reply_release(&reply);
	return rc;
}

/* Whatever it answers to a HEAD, it is there, and is who it should be. */
static enum tp_rc http_probe(void *self, struct tp_err *err)
{
	struct fetch_reply reply = FETCH_REPLY_INIT(PROBE_BODY);
	struct webhook *w = self;
	const struct fetch_request question = { .method = "HEAD", .url = w->url };
	enum tp_rc rc = load(w, err);

	if (rc != TP_OK)
		return rc;
	rc = ask_server(w, &question, &reply, err);
	w->module->reply_release(&reply);
	return rc;
}

const struct authn_ops authn_https_ops = { .scheme = "https",
					   .open = http_open,
					   .ask = http_ask,
					   .close = http_close,
					   .probe = http_probe };
const struct authn_ops authn_http_ops = { .scheme = "http",
					  .open = http_open,
					  .ask = http_ask,
					  .close = http_close,
					  .probe = http_probe };
