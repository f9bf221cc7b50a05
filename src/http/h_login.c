/* SPDX-License-Identifier: MIT */
/*
 * Owns the login page: a form for browsers, what became of it in plain words, who is logged in, and
 * the way out. The login itself is http/login's, the looks are login.html's. What belongs to the
 * page is told by cookies alone, since nothing else comes with a visit.
 */
#include "http/consult.h"
#include "http/cors.h"
#include "http/grant.h"
#include "http/login.h"
#include "http/page.h"
#include "http/return_to.h"

#include "base/banned.h"

enum { SELF_MOST = LIMIT_PATH + 2, MESSAGE_MOST = 160 };

/* What the template asks for; absent where there is nothing to say. */
struct view {
	int status, retry_s;
	struct span user; /* who is logged in; none: the form is shown */
	struct span username, scope, return_to;
	struct span message;
};

/* The page as its own visitor names it: relative, so that it is right below every mount point and
 * behind every proxy that cuts a prefix off. */
static void put_self(const struct http_call *c, struct buf *out)
{
	struct span path = c->site->path[HTTP_PATH_LOGIN_PAGE], last = path;

	while (path.p != NULL)
		last = span_cut(&path, '/');
	buf_str(out, "./");
	buf_span(out, last);
}

static enum tp_rc show(struct http_call *c, const struct view *v, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf self = BUF_INIT(SELF_MOST);
	struct page_value values[] = {
		{ "title", c->site->title }, { "action", { NULL, 0 } },
		{ "user", v->user },	     { "username", v->username },
		{ "scope", v->scope },	     { "return_to", v->return_to },
		{ "message", v->message },
	};

	put_self(c, &self);
	if (self.rc != TP_OK)
		return buf_rc(&self, "the page's own path", err);
	values[1].value = buf_view(&self);
	page_answer(c->resp, v->status, page_login, values, TP_COUNT(values));
	response_retry(c->resp, v->retry_s);
	return TP_OK;
}

static enum tp_rc go_to(struct http_call *c, struct span return_to, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf self = BUF_INIT(SELF_MOST);

	put_self(c, &self);
	if (self.rc != TP_OK)
		return buf_rc(&self, "the page's own path", err);
	c->resp->status = 303;
	response_header(c->resp, "Location", return_to.p != NULL ? return_to : buf_view(&self));
	return TP_OK;
}

/* A return_to that is not good is none. */
static struct span return_to_of(const struct form *f)
{
	struct span to = form_get(f, "return_to");

	return return_to_ok(to) ? to : (struct span){ NULL, 0 };
}

/* What went wrong, for the one who sits before it. */
static void put_message(enum tp_rc rc, int retry_s, struct buf *out)
{
	static const struct {
		enum tp_rc rc;
		const char *text;
	} messages[] = {
		{ TP_BAD_GRANT, "The user name or the password is wrong." },
		{ TP_BAD_SCOPE, "None of the permissions that were asked for can be given." },
		{ TP_INVALID, "The form is not complete. Enter your user name and password." },
		{ TP_TOO_LARGE, "What was sent is too long." },
		{ TP_UNAVAILABLE, "The service is not available right now. Try again shortly." },
		{ TP_NOMEM, "The service is not available right now. Try again shortly." },
		{ TP_INTERNAL, "Something went wrong here, and the log says what." },
	};

	if (rc == TP_THROTTLED && retry_s < 100) {
		buf_printf(out, "Too many attempts. Try again in %d second%s.",
			   retry_s > 1 ? retry_s : 1, retry_s > 1 ? "s" : "");
		return;
	}
	if (rc == TP_THROTTLED) {
		buf_printf(out, "Too many attempts. Try again in %d minutes.", (retry_s + 59) / 60);
		return;
	}
	for (size_t i = 0; i < TP_COUNT(messages); i++) {
		if (messages[i].rc == rc) {
			buf_str(out, messages[i].text);
			return;
		}
	}
	buf_str(out, "The form could not be read.");
}

/* The form again, with what may come back of what was sent: never the password. The router logs
 * *err by the status. */
static enum tp_rc show_failure(struct http_call *c, const struct form *f, enum tp_rc why,
			       struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf message = BUF_INIT(MESSAGE_MOST);
	struct view v = {
		.status = rc_info(why)->http,
		.retry_s = err->retry_s,
		.username = form_get(f, "username"),
		.scope = form_get(f, "scope"),
		.return_to = return_to_of(f),
	};

	response_clear(c->resp);
	put_message(why, err->retry_s, &message);
	v.message = buf_view(&message);
	return show(c, &v, err);
}

static enum tp_rc log_in(struct http_call *c, const struct form *f, struct tp_err *err)
{
	TP_CLEANUP(session_minted_release) struct session_minted minted = { 0 };
	struct span user = { NULL, 0 };
	enum tp_rc rc = login_by_form(c, f, &minted, err);

	if (rc != TP_OK)
		return show_failure(c, f, rc, err);
	(void)jval_str(jval_get(minted.claims, "user_id"), &user);
	grant_set_cookies(c, user, secret_view(&minted.handle));
	response_event(c->resp, LOG_LEVEL_INFO, "login.ok", user, secret_view(&minted.handle));
	return go_to(c, return_to_of(f), err);
}

/* The session of the cookies, proved; cookies is borrowed from the request. */
static enum tp_rc own_session(struct http_call *c, struct credential *cookies, struct access *ret,
			      struct tp_err *err)
{
	enum tp_rc rc = request_cookies(c->req, cookies, err);

	return rc == TP_OK ? access_check(c->auth, cookies, ret, err) : rc;
}

/* Whether there is a session cannot be told, or it cannot be ended. */
static bool is_trouble(enum tp_rc rc)
{
	return rc_info(rc)->http >= 500;
}

/* Cookies without a session behind them go as well: there is nothing left to end. A page that may
 * log in may not log out, where CORS_URLS has "*": that one never counts with cookies. */
static enum tp_rc log_out(struct http_call *c, struct tp_err *err)
{
	TP_CLEANUP(access_release) struct access access = { 0 };
	struct credential cookies = { 0 };
	enum tp_rc rc = cors_same_origin(c->site, c->req, true, err);

	if (rc != TP_OK)
		return rc;
	rc = own_session(c, &cookies, &access, err);
	if (rc == TP_OK) {
		response_event(c->resp, LOG_LEVEL_INFO, "logout.ok", cookies.user_id,
			       cookies.access_token);
		rc = session_close(c->auth, cookies.user_id, cookies.access_token, err);
		if (rc == TP_OK || rc == TP_NOT_FOUND)
			consult_logout(c, access.token->claims);
	}
	if (is_trouble(rc)) {
		struct view v = {
			.status = rc_info(rc)->http,
			.retry_s = err->retry_s,
			.user = cookies.user_id,
			.message = SPAN_LIT("You could not be logged out. Try again shortly."),
		};

		response_clear(c->resp);
		return show(c, &v, err);
	}
	grant_delete_cookies(c);
	return go_to(c, (struct span){ NULL, 0 }, err);
}

static enum tp_rc take_form(struct http_call *c, struct tp_err *err)
{
	TP_CLEANUP(form_release) struct form f = { 0 };
	enum tp_rc rc = request_form(c->req, &f, err);

	if (rc != TP_OK)
		return show_failure(c, &f, rc, err);
	return form_get(&f, "logout").p != NULL ? log_out(c, err) : log_in(c, &f, err);
}

/* A query that is no form has no return_to. */
static enum tp_rc visit(struct http_call *c, struct tp_err *err)
{
	TP_CLEANUP(access_release) struct access access = { 0 };
	TP_CLEANUP(form_release) struct form query = { 0 }, nothing = { 0 };
	struct credential cookies = { 0 };
	struct view v = { .status = 200 };
	enum tp_rc rc = own_session(c, &cookies, &access, err);

	if (rc == TP_OK)
		rc = consult_access(c, &access, err);
	if (form_parse_query(c->req->query, &query, NULL) == TP_OK)
		v.return_to = return_to_of(&query);
	if (rc == TP_OK)
		v.user = access.token->username.len > 0 ? access.token->username
							: access.token->user_id;
	if (is_trouble(rc))
		return show_failure(c, &nothing, rc, err);
	return show(c, &v, err);
}

enum tp_rc h_login(struct http_call *c, struct tp_err *err)
{
	return c->req->method == HTTP_POST ? take_form(c, err) : visit(c, err);
}
