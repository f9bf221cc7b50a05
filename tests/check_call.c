/* SPDX-License-Identifier: MIT */
/*
 * What a program sees of a request: strings over the edge, the user's claims, and that nothing it
 * could not be given or could not do goes unnoticed.
 */
#include "hook/call.h"

#include "hook/code.h"
#include "support/alloc_fail.h"
#include "support/check_run.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

/* An edge that answers with what follows the name it is asked for, and keeps what is added. */
struct fake {
	struct auth_edge edge;
	struct jval *user, *extra;
	char added[128];
	int asked;
};

static struct span value_of(struct fake *f, const char *name, const char *prefix)
{
	static const char text[] = "header-x query-x form-x";
	size_t n = strlen(prefix);

	f->asked++;
	if (strcmp(name, "x") != 0)
		return (struct span){ NULL, 0 };
	return (struct span){ strstr(text, prefix), n + 2 };
}

static struct span fake_header(void *arg, struct span name)
{
	return value_of(arg, name.p, "header");
}

static struct span fake_query(void *arg, const char *name)
{
	return value_of(arg, name, "query");
}

static struct span fake_form(void *arg, const char *name)
{
	return value_of(arg, name, "form");
}

static struct span fake_body(void *arg)
{
	(void)arg;
	return SPAN_LIT("a\0b");
}

static enum tp_rc fake_add(void *arg, const char *name, struct span value, struct tp_err *err)
{
	struct fake *f = arg;

	if (strcmp(name, "Status") == 0)
		return tp_fail(err, TP_INTERNAL, "the header %s is not to be added", name);
	snprintf(f->added, sizeof(f->added), "%s: %.*s", name, (int)value.len, value.p);
	return TP_OK;
}

static void fake_open(struct fake *f)
{
	*f = (struct fake){
		.edge = { .method = SPAN_LIT("POST"),
			  .path = { "/token/and/more", 6 },
			  .remote_addr = SPAN_LIT("192.0.2.7"),
			  .request_id = SPAN_LIT("req-1"),
			  .arg = f,
			  .header = fake_header,
			  .query = fake_query,
			  .form = fake_form,
			  .body = fake_body,
			  .add_header = fake_add },
	};
	ck_assert_int_eq(jval_parse(SPAN_LIT("{\"user_id\":\"joe\",\"n\":1}"), &f->user, NULL),
			 TP_OK);
	ck_assert_int_eq(jval_parse(SPAN_LIT("{\"team\":[\"red\"]}"), &f->extra, NULL), TP_OK);
}

static void fake_release(struct fake *f)
{
	jval_release(f->user);
	jval_release(f->extra);
}

START_TEST(shows_the_request_as_strings)
{
	TP_CLEANUP(fake_release) struct fake f = { 0 };
	TP_CLEANUP(call_release) struct tpauth_call call;
	size_t len = 0;

	fake_open(&f);
	ck_assert_int_eq(call_open(&call, &f.edge, NULL, NULL, NULL), TP_OK);
	ck_assert_str_eq(tpauth_method(&call), "POST");
	ck_assert_str_eq(tpauth_path(&call), "/token");
	ck_assert_str_eq(tpauth_remote_addr(&call), "192.0.2.7");
	ck_assert_str_eq(tpauth_request_id(&call), "req-1");
	ck_assert_str_eq(tpauth_header(&call, "x"), "header-x");
	ck_assert_str_eq(tpauth_query(&call, "x"), "query-x");
	ck_assert_str_eq(tpauth_form(&call, "x"), "form-x");
	ck_assert_ptr_null(tpauth_header(&call, "y"));
	ck_assert_ptr_null(tpauth_query(&call, "y"));
	ck_assert_ptr_null(tpauth_form(&call, "y"));
	ck_assert_mem_eq(tpauth_body(&call, &len), "a\0b", 4);
	ck_assert_uint_eq(len, 3);
	ck_assert_ptr_nonnull(tpauth_body(&call, NULL));
	ck_assert_ptr_null(tpauth_user(&call));
	ck_assert_ptr_null(tpauth_user_get(&call, "user_id"));
	ck_assert_int_eq(call_rc(&call, NULL), TP_OK);
}
END_TEST

START_TEST(a_string_is_copied_once)
{
	TP_CLEANUP(fake_release) struct fake f = { 0 };
	TP_CLEANUP(call_release) struct tpauth_call call;
	const char *first, *again = NULL;

	fake_open(&f);
	ck_assert_int_eq(call_open(&call, &f.edge, NULL, NULL, NULL), TP_OK);
	first = tpauth_header(&call, "x");
	alloc_fail_at(1);
	for (int i = 0; i < 100; i++)
		again = tpauth_header(&call, "x");
	ck_assert(!alloc_fail_off());
	ck_assert_ptr_eq(again, first);
}
END_TEST

START_TEST(without_a_request_there_is_what_is_known)
{
	const struct auth_edge none = { .remote_addr = SPAN_LIT("::1") };
	TP_CLEANUP(call_release) struct tpauth_call call;
	size_t len = 7;

	ck_assert_int_eq(call_open(&call, &none, NULL, NULL, NULL), TP_OK);
	ck_assert_str_eq(tpauth_remote_addr(&call), "::1");
	ck_assert_ptr_null(tpauth_method(&call));
	ck_assert_ptr_null(tpauth_path(&call));
	ck_assert_ptr_null(tpauth_request_id(&call));
	ck_assert_ptr_null(tpauth_header(&call, "x"));
	ck_assert_ptr_null(tpauth_query(&call, "x"));
	ck_assert_ptr_null(tpauth_form(&call, "x"));
	ck_assert_ptr_null(tpauth_body(&call, &len));
	ck_assert_uint_eq(len, 0);
	tpauth_add_header(&call, "X-A", "b");
	ck_assert_int_eq(call_rc(&call, NULL), TP_OK);
}
END_TEST

START_TEST(the_user_is_the_session_and_what_was_added)
{
	TP_CLEANUP(fake_release) struct fake f = { 0 };
	TP_CLEANUP(call_release) struct tpauth_call call;

	fake_open(&f);
	ck_assert_int_eq(call_open(&call, &f.edge, f.user, NULL, NULL), TP_OK);
	ck_assert_str_eq(tpauth_user_get(&call, "user_id"), "joe");
	ck_assert_ptr_null(tpauth_user_get(&call, "n"));
	call_release(&call);

	ck_assert_int_eq(call_open(&call, &f.edge, f.user, f.extra, NULL), TP_OK);
	ck_assert_str_eq(tpauth_claims_get_json(tpauth_user(&call), NULL),
			 "{\"user_id\":\"joe\",\"n\":1,\"team\":[\"red\"]}");
	ck_assert(!jval_has(f.user, "team"));
}
END_TEST

START_TEST(headers_go_to_the_edge_and_its_no_stays)
{
	TP_CLEANUP(fake_release) struct fake f = { 0 };
	TP_CLEANUP(call_release) struct tpauth_call call;
	struct tp_err err;

	fake_open(&f);
	ck_assert_int_eq(call_open(&call, &f.edge, NULL, NULL, NULL), TP_OK);
	tpauth_add_header(&call, "X-A", "b c");
	ck_assert_str_eq(f.added, "X-A: b c");
	ck_assert_int_eq(call_rc(&call, NULL), TP_OK);
	tpauth_add_header(&call, "Status", "200");
	tpauth_add_header(&call, "X-A", "later");
	ck_assert_str_eq(f.added, "X-A: b c");
	ck_assert_int_eq(call_rc(&call, &err), TP_INTERNAL);
	ck_assert_str_eq(err.msg, "the header Status is not to be added");
}
END_TEST

START_TEST(a_header_has_a_name_and_a_value)
{
	TP_CLEANUP(fake_release) struct fake f = { 0 };
	TP_CLEANUP(call_release) struct tpauth_call call;

	fake_open(&f);
	ck_assert_int_eq(call_open(&call, &f.edge, NULL, NULL, NULL), TP_OK);
	tpauth_add_header(&call, _i == 0 ? NULL : "X-A", _i == 0 ? "b" : NULL);
	ck_assert_int_eq(call_rc(&call, NULL), TP_INTERNAL);
	ck_assert_str_eq(f.added, "");
}
END_TEST

START_TEST(a_reason_is_kept_and_cut)
{
	const struct auth_edge none = { 0 };
	TP_CLEANUP(call_release) struct tpauth_call call;

	ck_assert_int_eq(call_open(&call, &none, NULL, NULL, NULL), TP_OK);
	ck_assert_str_eq(call.reason, "");
	tpauth_reason(&call, "%s has %d", "joe", 3);
	ck_assert_str_eq(call.reason, "joe has 3");
	tpauth_reason(&call, "%400d", 1);
	ck_assert_uint_eq(strlen(call.reason), sizeof(call.reason) - 1);
	tpauth_reason(NULL, "x");
}
END_TEST

START_TEST(null_is_no_call_and_breaks_nothing)
{
	size_t len = 1;

	ck_assert_ptr_null(tpauth_method(NULL));
	ck_assert_ptr_null(tpauth_path(NULL));
	ck_assert_ptr_null(tpauth_remote_addr(NULL));
	ck_assert_ptr_null(tpauth_request_id(NULL));
	ck_assert_ptr_null(tpauth_header(NULL, "x"));
	ck_assert_ptr_null(tpauth_query(NULL, "x"));
	ck_assert_ptr_null(tpauth_form(NULL, "x"));
	ck_assert_ptr_null(tpauth_body(NULL, &len));
	ck_assert_uint_eq(len, 0);
	ck_assert_ptr_null(tpauth_user(NULL));
	ck_assert_ptr_null(tpauth_user_get(NULL, "user_id"));
	tpauth_add_header(NULL, "X-A", "b");
}
END_TEST

START_TEST(a_string_that_finds_no_memory_fails_the_call)
{
	TP_CLEANUP(fake_release) struct fake f = { 0 };

	fake_open(&f);
	for (long n = 1;; n++) {
		TP_CLEANUP(call_release) struct tpauth_call call = { 0 };
		const char *x = NULL;
		enum tp_rc rc;
		bool failed;

		alloc_fail_at(n);
		rc = call_open(&call, &f.edge, f.user, f.extra, NULL);
		if (rc == TP_OK) {
			x = tpauth_form(&call, "x");
			rc = call_rc(&call, NULL);
		}
		failed = alloc_fail_off();
		ck_assert_int_eq(rc, failed ? TP_NOMEM : TP_OK);
		ck_assert((x != NULL) == !failed);
		if (!failed)
			break;
	}
}
END_TEST

START_TEST(a_claim_that_finds_no_memory_fails_the_call)
{
	TP_CLEANUP(fake_release) struct fake f = { 0 };
	TP_CLEANUP(call_release) struct tpauth_call call;
	const char *json;

	fake_open(&f);
	ck_assert_int_eq(call_open(&call, &f.edge, f.user, NULL, NULL), TP_OK);
	alloc_fail_at(1);
	json = tpauth_claims_get_json(tpauth_user(&call), "n");
	ck_assert(alloc_fail_off());
	ck_assert_ptr_null(json);
	ck_assert_int_eq(call_rc(&call, NULL), TP_NOMEM);
}
END_TEST

START_TEST(codes_go_in_and_out)
{
	for (int i = TPAUTH_OK; i <= TPAUTH_INTERNAL; i++) {
		enum tpauth_rc rc = (enum tpauth_rc)i;

		ck_assert_int_eq(code_out(code_in(rc)), rc);
		ck_assert_str_ne(tpauth_rc_name(rc), "no code");
	}
	ck_assert_int_eq(code_in((enum tpauth_rc)11), TP_INTERNAL);
	ck_assert_int_eq(code_in((enum tpauth_rc) - 1), TP_INTERNAL);
	ck_assert_int_eq(code_out((enum tp_rc)99), TPAUTH_INTERNAL);
	ck_assert_str_eq(tpauth_rc_name(TPAUTH_DENIED), "denied");
	ck_assert_str_eq(tpauth_rc_name((enum tpauth_rc) - 1), "no code");
}
END_TEST

/* What lets nobody in must not come out as what does. */
START_TEST(only_ok_is_ok)
{
	for (int i = TP_OK + 1; i <= TP_INTERNAL; i++)
		ck_assert_int_ne(code_out((enum tp_rc)i), TPAUTH_OK);
	for (int i = TPAUTH_OK + 1; i <= TPAUTH_INTERNAL; i++)
		ck_assert_int_ne(code_in((enum tpauth_rc)i), TP_OK);
}
END_TEST

/* The statuses that <tpauth.h> promises for what a handler returns. */
START_TEST(codes_have_their_status)
{
	static const int status[] = { 200, 401, 401, 401, 403, 400, 404, 413, 503, 503, 500 };

	for (int i = TPAUTH_OK; i <= TPAUTH_INTERNAL; i++)
		ck_assert_int_eq(rc_info(code_in((enum tpauth_rc)i))->http, status[i]);
}
END_TEST

START_TEST(the_version_is_the_packages)
{
	ck_assert_uint_eq(strspn(tpauth_version(), "0123456789."), strlen(tpauth_version()));
	ck_assert_ptr_nonnull(strchr(tpauth_version(), '.'));
}
END_TEST

static Suite *call_suite(void)
{
	Suite *s = suite_create("call");
	TCase *t = tcase_create("call");

	tcase_add_test(t, shows_the_request_as_strings);
	tcase_add_test(t, a_string_is_copied_once);
	tcase_add_test(t, without_a_request_there_is_what_is_known);
	tcase_add_test(t, the_user_is_the_session_and_what_was_added);
	tcase_add_test(t, headers_go_to_the_edge_and_its_no_stays);
	tcase_add_loop_test(t, a_header_has_a_name_and_a_value, 0, 2);
	tcase_add_test(t, a_reason_is_kept_and_cut);
	tcase_add_test(t, null_is_no_call_and_breaks_nothing);
	tcase_add_test(t, a_string_that_finds_no_memory_fails_the_call);
	tcase_add_test(t, a_claim_that_finds_no_memory_fails_the_call);
	suite_add_tcase(s, t);

	t = tcase_create("codes");
	tcase_add_test(t, codes_go_in_and_out);
	tcase_add_test(t, only_ok_is_ok);
	tcase_add_test(t, codes_have_their_status);
	tcase_add_test(t, the_version_is_the_packages);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(call_suite());
}
