/* SPDX-License-Identifier: MIT */
/*
 * The state is one handler, since each case has a process of its own. Failed
 * expectations end the case from here.
 */
#include "support/htfiles.h"

#include <check.h>
#include <stdio.h>

#include "base/banned.h"

enum { JSON_LIMIT = 10000 };

struct tp_err htfiles_err;

static struct authn *handler;

void htfiles_end(void)
{
	authn_close(handler);
	handler = NULL;
	folder_remove();
}

void htfiles_replace(const char *name, const char *text)
{
	char from[512];

	folder_write("new", text);
	snprintf(from, sizeof(from), "%s", folder_path("new"));
	ck_assert_int_eq(rename(from, folder_path(name)), 0);
}

enum tp_rc htfiles_try_open(const char *users, const char *groups)
{
	struct buf setting = BUF_INIT(2000);
	enum tp_rc rc;

	authn_close(handler);
	handler = NULL;
	htfiles_err = (struct tp_err){ 0 };
	buf_printf(&setting, "htpasswd:%s", folder_path(users));
	if (groups != NULL)
		buf_printf(&setting, ",groups=%s", folder_path(groups));
	rc = authn_open(&(struct authn_spec){ .handler = buf_view(&setting) }, &handler,
			&htfiles_err);
	buf_release(&setting);
	return rc;
}

void htfiles_open(const char *users, const char *groups)
{
	ck_assert_msg(htfiles_try_open(users, groups) == TP_OK, "%s", htfiles_err.msg);
}

void htfiles_open_with(const char *users, const char *groups)
{
	folder_write("users", users);
	if (groups != NULL)
		folder_write("groups", groups);
	htfiles_open("users", groups != NULL ? "groups" : NULL);
}

static enum tp_rc ask(const struct authn_request *r, struct buf *ret_json)
{
	struct jval *claims = NULL;
	enum tp_rc rc;

	htfiles_err = (struct tp_err){ 0 };
	rc = authn_ask(handler, r, &claims, &htfiles_err);
	ck_assert_int_eq(rc == TP_OK, claims != NULL);
	if (claims != NULL)
		jval_write(claims, ret_json);
	jval_release(claims);
	return rc;
}

static enum tp_rc ask_login(struct span user, struct span password, struct buf *ret_json)
{
	struct authn_request r = { .event = AUTHN_LOGIN };

	r.username = user;
	r.password = password;
	return ask(&r, ret_json);
}

static enum tp_rc ask_refresh(const char *user_id, struct buf *ret_json)
{
	struct authn_request r = { .event = AUTHN_REFRESH };
	struct jval *session = jval_new_object();
	enum tp_rc rc;

	ck_assert_ptr_nonnull(session);
	ck_assert_int_eq(jval_set_str(session, "sid", SPAN_LIT("x"), NULL), TP_OK);
	if (user_id != NULL)
		ck_assert_int_eq(jval_set_str(session, "user_id", span_of(user_id), NULL), TP_OK);
	r.claims = session;
	rc = ask(&r, ret_json);
	jval_release(session);
	return rc;
}

enum tp_rc htfiles_login_bytes(struct span user, struct span password)
{
	struct buf json = BUF_INIT(JSON_LIMIT);
	enum tp_rc rc = ask_login(user, password, &json);

	buf_release(&json);
	return rc;
}

bool htfiles_is_cheap(void)
{
	return authn_is_cheap(handler);
}

enum tp_rc htfiles_login(const char *user)
{
	return htfiles_login_bytes(span_of(user), SPAN_LIT("correct horse"));
}

enum tp_rc htfiles_refresh(const char *user_id)
{
	struct buf json = BUF_INIT(JSON_LIMIT);
	enum tp_rc rc = ask_refresh(user_id, &json);

	buf_release(&json);
	return rc;
}

static void expect_claims(struct buf *got, const char *user, const char *scopes)
{
	struct buf expected = BUF_INIT(JSON_LIMIT);

	buf_printf(&expected,
		   "{\"user_id\":\"%s\",\"username\":\"%s\",\"email\":null,\"scopes\":[%s]}", user,
		   user, scopes);
	ck_assert_str_eq(buf_cstr(got), buf_cstr(&expected));
	buf_release(&expected);
	buf_release(got);
}

void htfiles_expect_login(const char *user, const char *scopes)
{
	struct buf got = BUF_INIT(JSON_LIMIT);

	ck_assert_msg(ask_login(span_of(user), SPAN_LIT("correct horse"), &got) == TP_OK, "%s: %s",
		      user, htfiles_err.msg);
	expect_claims(&got, user, scopes);
}

void htfiles_expect_refresh(const char *user, const char *scopes)
{
	struct buf got = BUF_INIT(JSON_LIMIT);

	ck_assert_msg(ask_refresh(user, &got) == TP_OK, "%s: %s", user, htfiles_err.msg);
	expect_claims(&got, user, scopes);
}

void htfiles_expect_denied(const char *user)
{
	ck_assert_int_eq(htfiles_login(user), TP_DENIED);
	ck_assert_str_eq(htfiles_err.msg, HT_WRONG);
	ck_assert_int_eq(htfiles_err.retry_s, 0);
}

void htfiles_expect_msg(const char *before, const char *name, const char *after)
{
	struct buf msg = BUF_INIT(1000);

	buf_printf(&msg, "%s%s%s", before, folder_path(name), after);
	ck_assert_str_eq(htfiles_err.msg, buf_cstr(&msg));
	buf_release(&msg);
}

void htfiles_expect_trouble(const char *user, const char *before, const char *name,
			    const char *after)
{
	ck_assert_int_eq(htfiles_login(user), TP_UNAVAILABLE);
	htfiles_expect_msg(before, name, after);
}

void htfiles_expect_refused(const char *users, const char *groups, const char *before,
			    const char *name, const char *after)
{
	struct buf start = BUF_INIT(100);

	ck_assert_int_eq(htfiles_try_open(users, groups), TP_INVALID);
	ck_assert_ptr_null(handler);
	buf_printf(&start, "TOKEN_HANDLER: %s", before);
	htfiles_expect_msg(buf_cstr(&start), name, after);
	buf_release(&start);
}
