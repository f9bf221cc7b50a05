/* SPDX-License-Identifier: MIT */
/* scope_rules: what a file may say, which of its lines count for a request, and that a line which
 * would protect nothing is an error. */
#include "http/scope_rules.h"

#include "http/path.h"
#include "support/alloc_fail.h"
#include "support/check_run.h"
#include "support/folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

static struct scope_rules *rules;

static void read_text(const char *text)
{
	struct tp_err err = { .msg = "" };
	enum tp_rc rc = scope_rules_parse(span_of(text), "rules", &rules, &err);

	ck_assert_msg(rc == TP_OK, "%s", err.msg);
}

/* The scopes that a request needs, joined; the path is read as a target is. */
static const char *needed(const char *method, const char *target)
{
	static char text[1024];
	TP_CLEANUP(buf_release) struct buf path = BUF_INIT(LIMIT_URI_PATH);
	TP_CLEANUP(buf_release) struct buf joined = BUF_INIT(1000);
	struct scope_request q = { .method = span_of(method) };
	struct scope_set set = { 0 };
	struct tp_err err;

	ck_assert_int_eq(path_read(span_of(target), &path, &q.ambiguous, &err), TP_OK);
	q.path = buf_view(&path);
	ck_assert_int_eq(scope_rules_add(rules, &q, &set, &err), TP_OK);
	scope_join(&set, &joined);
	snprintf(text, sizeof(text), "%s", buf_cstr(&joined));
	return text;
}

static const char example[] = "# everything\n"
			      "/              *          user\n"
			      "\n"
			      "/app           GET        app:read   # reading\n"
			      "/app\tPUT,POST\tapp:read app:write\r\n"
			      "/app/          PUT        app:put\n"
			      "/app/open      *          -\n"
			      "/app/open/in   DELETE     admin\n"
			      "  /my%20files  HEAD       files\n"
			      "//a/./b        OPTIONS    ab";

static const struct {
	const char *method, *target, *needed;
} requests[] = {
	{ "GET", "/", "user" },
	{ "GET", "/other", "user" },
	{ "BREW", "/other", "user" },
	/* a prefix ends where a segment ends */
	{ "GET", "/app", "app:read" },
	{ "GET", "/app/", "app:read" },
	{ "GET", "/app/x/y", "app:read" },
	{ "GET", "/app?x", "app:read" },
	{ "GET", "/apple", "user" },
	{ "GET", "/App", "user" },
	{ "GET", "/x/app", "user" },
	/* GET stands for HEAD, and not the other way */
	{ "HEAD", "/app", "app:read" },
	{ "HEAD", "/my%20files/x", "files" },
	{ "GET", "/my%20files/x", "user" },
	/* whatever case an application is content with */
	{ "get", "/app", "app:read" },
	{ "hEAD", "/app", "app:read" },
	/* lines of one prefix add up, however it is written */
	{ "POST", "/app", "app:read app:write" },
	{ "PUT", "/app", "app:read app:write app:put" },
	/* a method without a line falls to the next shorter prefix that has one */
	{ "DELETE", "/app", "user" },
	{ "GETX", "/app", "user" },
	{ "GET,POST", "/app", "user" },
	{ "*", "/app", "user" },
	/* none */
	{ "GET", "/app/open", "" },
	{ "POST", "/app/open/x", "" },
	{ "DELETE", "/app/open/in", "admin" },
	{ "GET", "/app/open/in", "" },
	{ "GET", "/app/opening", "app:read" },
	{ "OPTIONS", "/a/b/c", "ab" },
	/* other spellings of the same */
	{ "GET", "//app//x", "app:read" },
	{ "GET", "/./app/./x", "app:read" },
	{ "GET", "/%61pp", "app:read" },
	{ "GET", "http://h/app", "app:read" },
	/* two readings: what either needs */
	{ "GET", "/app%2fopen", "user app:read" },
	{ "GET", "/app/open%2fx", "user app:read" },
	{ "GET", "/app;x", "user app:read" },
	{ "GET", "/app;x/y", "user app:read" },
	{ "GET", "/app/open;v=1", "user app:read" },
	{ "DELETE", "/app;a/open;b;c/in;d/x", "user admin" },
	{ "GET", "/other;app", "user" },
	/* a server that hands on the decoded path asks for /app there, and for a query */
	{ "GET", "/app%3fx", "user app:read" },
	{ "GET", "/app/open%23x/y", "user app:read" },
	{ "GET", "/app;x%3fy/z", "user app:read" },
	{ "GET", "/other%3f/app", "user" },
	/* a method that is not known: what any would need */
	{ NULL, "/app", "user app:read app:write app:put" },
	{ NULL, "/app/open", "" },
	{ NULL, "/app/open/in", "admin" },
	{ NULL, "/my%20files", "user files" },
	{ NULL, "/other", "user" },
};

START_TEST(the_longest_prefix_of_the_method_counts)
{
	read_text(example);
	ck_assert_str_eq(needed(requests[_i].method, requests[_i].target), requests[_i].needed);
	scope_rules_close(rules);
}
END_TEST

START_TEST(without_a_line_that_matches_nothing_is_needed)
{
	read_text("/app GET read\n");
	ck_assert_str_eq(needed("GET", "/"), "");
	ck_assert_str_eq(needed("POST", "/app"), "");
	scope_rules_close(rules);
}
END_TEST

START_TEST(scopes_add_to_those_that_are_there)
{
	struct scope_request q = { SPAN_LIT("/app"), false, SPAN_LIT("GET") };
	struct scope_set set = { .n = 1, .v = { SPAN_LIT("user") } };
	struct tp_err err;

	read_text("/app GET read user\n");
	ck_assert_int_eq(scope_rules_add(rules, &q, &set, &err), TP_OK);
	ck_assert_uint_eq(set.n, 2);
	ck_assert(scope_has(&set, SPAN_LIT("read")) && scope_has(&set, SPAN_LIT("user")));
	scope_rules_close(rules);
}
END_TEST

START_TEST(more_scopes_than_a_set_holds_are_no_set)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(100000);
	struct scope_request q = { SPAN_LIT("/"), false, SPAN_LIT("GET") };
	struct scope_set set = { 0 };
	struct tp_err err;

	for (int i = 0; i <= LIMIT_SCOPES; i++)
		buf_printf(&text, "/ * s%d\n", i);
	read_text(buf_cstr(&text));
	ck_assert_int_eq(scope_rules_add(rules, &q, &set, &err), TP_BAD_SCOPE);
	scope_rules_close(rules);
}
END_TEST

static const struct {
	const char *text, *msg;
} wrong[] = {
	{ "", "SCOPE_RULES rules: there is no rule in it" },
	{ "# nothing\n\n   # here\n", "SCOPE_RULES rules: there is no rule in it" },
	{ "/app\n", "SCOPE_RULES rules, line 1: takes PREFIX METHODS SCOPE..." },
	{ "# one\n/app #x\n", "SCOPE_RULES rules, line 2: takes PREFIX METHODS SCOPE..." },
	{ "/app GET\n", "SCOPE_RULES rules, line 1: takes scopes, or - alone, behind the methods" },
	{ "/app GET # read\n",
	  "SCOPE_RULES rules, line 1: takes scopes, or - alone, behind the methods" },
	{ "/app GET - read\n",
	  "SCOPE_RULES rules, line 1: takes scopes, or - alone, behind the methods" },
	{ "/app GET read -\n",
	  "SCOPE_RULES rules, line 1: takes scopes, or - alone, behind the methods" },
	{ "/app GET re\"ad\n",
	  "SCOPE_RULES rules, line 1: a scope has a character that is not allowed there" },
	/* the methods were forgotten, or are misspelt */
	{ "/app read write\n", "SCOPE_RULES rules, line 1: 'read' is no method in capitals" },
	{ "/app get read\n", "SCOPE_RULES rules, line 1: 'get' is no method in capitals" },
	{ "/app GET,PSOT read\n", "SCOPE_RULES rules, line 1: 'PSOT' is no method in capitals" },
	{ "/app GET, POST read\n", "SCOPE_RULES rules, line 1: '' is no method in capitals" },
	{ "/app *,GET read\n", "SCOPE_RULES rules, line 1: '*' is no method in capitals" },
	/* prefixes that no path could begin with */
	{ "app GET read\n", "SCOPE_RULES rules, line 1: a prefix is a path that begins with /" },
	{ "* GET read\n", "SCOPE_RULES rules, line 1: a prefix is a path that begins with /" },
	{ "http://h/app GET read\n",
	  "SCOPE_RULES rules, line 1: a prefix is a path that begins with /" },
	{ "/app?x GET read\n", "SCOPE_RULES rules, line 1: a prefix is a path that begins with /" },
	{ "/app/../x GET read\n",
	  "SCOPE_RULES rules, line 1: the path can be read in more than one way" },
	{ "/a%25 GET read\n",
	  "SCOPE_RULES rules, line 1: the path can be read in more than one way" },
	{ "/app#x GET read\n",
	  "SCOPE_RULES rules, line 1: the path is not one that can be judged" },
	{ "/ok * a\n/app GET re\x01"
	  "ad\n",
	  "SCOPE_RULES rules, line 2: there is a control character" },
	{ "/app GET read\r\r\n", "SCOPE_RULES rules, line 1: there is a control character" },
};

START_TEST(a_line_that_would_protect_nothing_is_an_error)
{
	struct tp_err err = { .msg = "" };

	ck_assert_int_eq(scope_rules_parse(span_of(wrong[_i].text), "rules", &rules, &err),
			 TP_INVALID);
	ck_assert_str_eq(err.msg, wrong[_i].msg);
}
END_TEST

START_TEST(there_may_be_so_many_lines_and_bytes)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(4 * LIMIT_SCOPE_FILE);
	struct tp_err err;

	for (int i = 1; i < LIMIT_SCOPE_RULES; i++)
		buf_str(&text, "/a * b\n");
	buf_str(&text, "/a * c");
	read_text(buf_cstr(&text));
	ck_assert_str_eq(needed("GET", "/a"), "b c");
	scope_rules_close(rules);
	buf_str(&text, "\n/a * d");
	ck_assert_int_eq(scope_rules_parse(buf_view(&text), "rules", &rules, &err), TP_INVALID);

	buf_reset(&text);
	buf_str(&text, "/a * b\n#");
	while (text.len < LIMIT_SCOPE_FILE)
		buf_char(&text, 'x');
	read_text(buf_cstr(&text));
	scope_rules_close(rules);
	buf_char(&text, 'x');
	ck_assert_int_eq(scope_rules_parse(buf_view(&text), "rules", &rules, &err), TP_INVALID);
}
END_TEST

/* ---- the file ---- */

START_TEST(a_file_is_read)
{
	const char *path;
	struct tp_err err;

	folder_write("rules", example);
	path = folder_path("rules");
	ck_assert_int_eq(scope_rules_open(path, &rules, &err), TP_OK);
	ck_assert_str_eq(needed("GET", "/app"), "app:read");
	scope_rules_close(rules);
	folder_write("rules", "/app\n");
	ck_assert_int_eq(scope_rules_open(path, &rules, &err), TP_INVALID);
	ck_assert_ptr_nonnull(strstr(err.msg, "/rules, line 1: takes PREFIX"));
}
END_TEST

START_TEST(what_is_no_file_is_an_error)
{
	const char *path;
	struct tp_err err;

	path = folder_path("rules");
	ck_assert_int_eq(scope_rules_open(path, &rules, &err), TP_INVALID);
	ck_assert_ptr_nonnull(strstr(err.msg, "/rules: No such file or directory"));
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(scope_rules_open(path, &rules, &err), TP_INVALID);
	ck_assert_ptr_nonnull(strstr(err.msg, "/rules: not a regular file"));
	ck_assert_int_eq(scope_rules_open(folder_path(""), &rules, &err), TP_INVALID);
	ck_assert_int_eq(scope_rules_open("/dev/null", &rules, &err), TP_INVALID);
	ck_assert_str_eq(err.msg, "SCOPE_RULES /dev/null: not a regular file");
}
END_TEST

START_TEST(without_memory_there_are_no_rules)
{
	const char *path;
	bool failed = true;

	folder_write("rules", example);
	path = folder_path("rules");
	for (long n = 1; failed; n++) {
		struct tp_err err;
		enum tp_rc rc;

		ck_assert_int_lt(n, 1000);
		alloc_fail_at(n);
		rc = scope_rules_open(path, &rules, &err);
		failed = alloc_fail_off();
		ck_assert_int_eq(rc, failed ? TP_NOMEM : TP_OK);
	}
	scope_rules_close(rules);
	scope_rules_close(NULL);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("scope_rules");
	TCase *t = tcase_create("rules");
	TCase *f = tcase_create("file");

	tcase_add_loop_test(t, the_longest_prefix_of_the_method_counts, 0, (int)TP_COUNT(requests));
	tcase_add_test(t, without_a_line_that_matches_nothing_is_needed);
	tcase_add_test(t, scopes_add_to_those_that_are_there);
	tcase_add_test(t, more_scopes_than_a_set_holds_are_no_set);
	tcase_add_loop_test(t, a_line_that_would_protect_nothing_is_an_error, 0,
			    (int)TP_COUNT(wrong));
	tcase_add_test(t, there_may_be_so_many_lines_and_bytes);
	suite_add_tcase(s, t);
	tcase_add_checked_fixture(f, folder_make, folder_remove);
	tcase_add_test(f, a_file_is_read);
	tcase_add_test(f, what_is_no_file_is_an_error);
	tcase_add_test(f, without_memory_there_are_no_rules);
	suite_add_tcase(s, f);
	return s;
}

int main(void)
{
	return check_run(suite());
}
