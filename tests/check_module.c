/* SPDX-License-Identifier: MIT */
/*
 * Modules: which files are one, what is said of those that are none, and that one which was loaded
 * is asked as any token handler is. They lie where the build leaves them, in
 * BUILD_DIR/tests/module/.libs.
 */
#include "hook/module.h"

#include "auth/edge.h"
#include "support/alloc_fail.h"
#include "support/check_run.h"
#include "support/folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

static char folder[4096]; /* where they lie, absolute */

static void setup(void)
{
	const char *build = getenv("BUILD_DIR");
	char *whole;

	snprintf(folder, sizeof(folder), "%s/tests/module/.libs", build != NULL ? build : ".");
	whole = realpath(folder, NULL);
	ck_assert_ptr_nonnull(whole);
	snprintf(folder, sizeof(folder), "%s", whole);
	free(whole);
}

static const char *setting(const char *name, const char *text)
{
	static char line[8192];

	snprintf(line, sizeof(line), "module:%s/%s.so%s", folder, name, text);
	return line;
}

static struct module *load(const char *name, const char *text)
{
	struct tp_err err = { 0 };
	struct module *m = NULL;

	ck_assert_msg(module_open(span_of(setting(name, text)), &m, &err) == TP_OK, "%s", err.msg);
	return m;
}

START_TEST(knows_its_setting)
{
	ck_assert(module_is_named(SPAN_LIT("module:/a.so")));
	ck_assert(module_is_named(SPAN_LIT("module:")));
	ck_assert(!module_is_named(SPAN_LIT("modules:/a.so")));
	ck_assert(!module_is_named(SPAN_LIT("exec:/bin/module:")));
	ck_assert(!module_is_named((struct span){ NULL, 0 }));
}
END_TEST

/* %s stands for the folder. */
static const struct {
	const char *setting, *msg;
	enum tp_rc rc;
} bad[] = {
	{ "module:",
	  "TOKEN_HANDLER: takes module:FILE.so with the absolute path of a shared object",
	  TP_INVALID },
	{ "module:files.so",
	  "TOKEN_HANDLER: takes module:FILE.so with the absolute path of a shared object",
	  TP_INVALID },
	{ "module:,/x",
	  "TOKEN_HANDLER: takes module:FILE.so with the absolute path of a shared object",
	  TP_INVALID },
	{ "module:/nonexistent/a.so,b",
	  "TOKEN_HANDLER: /nonexistent/a.so: No such file or directory", TP_INVALID },
	{ "module:/tmp", "TOKEN_HANDLER: /tmp is no regular file", TP_INVALID },
	{ "module:/etc/passwd", "TOKEN_HANDLER: /etc/passwd: ", TP_INVALID },
	{ "module:%s/empty.so", "TOKEN_HANDLER: %s/empty.so defines no tpauth_module", TP_INVALID },
	{ "module:%s/other.so",
	  "TOKEN_HANDLER: %s/other.so is a module of version 99, and 1 is taken", TP_INVALID },
	{ "module:%s/mute.so", "TOKEN_HANDLER: %s/mute.so has no on_token", TP_INVALID },
	{ "module:%s/lost.so", "TOKEN_HANDLER: %s/lost.so: undefined symbol: tpauth_respond_text",
	  TP_INVALID },
	{ "module:%s/files.so,=5", "TOKEN_HANDLER: %s/files.so cannot be opened: invalid",
	  TP_INVALID },
	{ "module:%s/files.so,=1", "TOKEN_HANDLER: %s/files.so cannot be opened: denied",
	  TP_INVALID },
	{ "module:%s/files.so,=77", "TOKEN_HANDLER: %s/files.so cannot be opened: no code",
	  TP_INVALID },
	{ "module:%s/files.so,=8", "TOKEN_HANDLER: %s/files.so cannot be opened: unavailable",
	  TP_UNAVAILABLE },
	{ "module:%s/files.so,=9", "TOKEN_HANDLER: %s/files.so cannot be opened: out of memory",
	  TP_NOMEM },
};

static void fill_in(const char *pattern, char *to, size_t room)
{
	const char *at = strstr(pattern, "%s");

	if (at == NULL)
		snprintf(to, room, "%s", pattern);
	else
		snprintf(to, room, "%.*s%s%s", (int)(at - pattern), pattern, folder, at + 2);
}

START_TEST(says_what_is_wrong_with_a_module)
{
	char text[8192], want[8192];
	struct module *m = NULL;
	struct tp_err err;

	fill_in(bad[_i].setting, text, sizeof(text));
	fill_in(bad[_i].msg, want, sizeof(want));
	ck_assert_int_eq(module_open(span_of(text), &m, &err), bad[_i].rc);
	ck_assert_ptr_null(m);
	/* A message is cut where the folder's name is long. */
	if (strlen(want) >= sizeof(err.msg))
		want[sizeof(err.msg) - 1] = '\0';
	ck_assert_msg(strncmp(err.msg, want, strlen(want)) == 0, "%s", err.msg);
}
END_TEST

static void copy(const char *from, const char *to)
{
	FILE *in = fopen(from, "re"), *out = fopen(to, "we");
	char bytes[65536];
	size_t n;

	ck_assert(in != NULL && out != NULL);
	while ((n = fread(bytes, 1, sizeof(bytes), in)) > 0)
		ck_assert_uint_eq(fwrite(bytes, 1, n, out), n);
	fclose(in);
	ck_assert_int_eq(fclose(out), 0);
}

/* What anybody could have written is not run. */
START_TEST(refuses_a_file_that_everybody_may_write)
{
	char from[8192], file[4096], text[8192];
	struct module *m = NULL;
	struct tp_err err;

	folder_make();
	snprintf(file, sizeof(file), "%s", folder_path("copy.so"));
	snprintf(from, sizeof(from), "%s/least.so", folder);
	copy(from, file);
	snprintf(text, sizeof(text), "module:%s", file);

	ck_assert_int_eq(chmod(file, 0775), 0);
	ck_assert_int_eq(module_open(span_of(text), &m, &err), TP_OK);
	module_close(m);
	m = NULL;
	ck_assert_int_eq(chmod(file, 0757), 0);
	ck_assert_int_eq(module_open(span_of(text), &m, &err), TP_INVALID);
	ck_assert_ptr_nonnull(strstr(err.msg, "is writable by everybody (chmod o-w)"));
	ck_assert_ptr_null(m);
	folder_remove();
}
END_TEST

START_TEST(has_the_hooks_that_it_has)
{
	struct module *all = load("files", ",/nonexistent"), *least = load("least", "");
	const struct hook_set *set = module_hooks(all);

	for (int i = 0; i < HOOK_EVENTS; i++) {
		ck_assert(set->on[i].fn != NULL);
		ck_assert_ptr_nonnull(set->on[i].arg);
		ck_assert_ptr_eq(set->on[i].arg, set->on[0].arg);
	}
	set = module_hooks(least);
	ck_assert(set->on[TPAUTH_ON_TOKEN].fn != NULL);
	for (int i = 0; i < HOOK_EVENTS; i++) {
		ck_assert(i == TPAUTH_ON_TOKEN || set->on[i].fn == NULL);
		ck_assert_ptr_null(set->on[i].arg);
	}
	module_close(all);
	module_close(least);
	module_close(NULL);
}
END_TEST

static struct span field(void *arg, const char *name)
{
	(void)arg;
	return strcmp(name, "username") == 0 ? SPAN_LIT("ann") : (struct span){ NULL, 0 };
}

/* The module's calls come back into this program: nothing is linked to it. */
START_TEST(is_asked_as_a_token_handler)
{
	const struct auth_edge edge = { .form = field };
	const struct authn_request q = { .event = AUTHN_LOGIN, .edge = &edge };
	TP_CLEANUP(jval_cleanup) struct jval *claims = NULL;
	struct module *m = load("least", ",text with, commas");
	struct authn *n = NULL;
	struct span user;

	ck_assert_int_eq(hooks_authn(module_hooks(m), NULL, &n, NULL), TP_OK);
	ck_assert_int_eq(authn_ask(n, &q, &claims, NULL), TP_OK);
	ck_assert(jval_str(jval_get(claims, "user_id"), &user) && span_is(user, "ann"));
	authn_close(n);
	module_close(m);
}
END_TEST

START_TEST(loading_survives_the_end_of_memory)
{
	char text[8192];

	snprintf(text, sizeof(text), "%s", setting("least", ",x"));
	for (long n = 1;; n++) {
		struct module *m = NULL;
		enum tp_rc rc;
		bool failed;

		alloc_fail_at(n);
		rc = module_open(span_of(text), &m, NULL);
		failed = alloc_fail_off();
		ck_assert_int_eq(rc, failed ? TP_NOMEM : TP_OK);
		ck_assert((m != NULL) == !failed);
		module_close(m);
		if (!failed)
			break;
	}
}
END_TEST

static Suite *module_suite(void)
{
	Suite *s = suite_create("module");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, knows_its_setting);
	tcase_add_loop_test(t, says_what_is_wrong_with_a_module, 0, TP_COUNT(bad));
	tcase_add_test(t, refuses_a_file_that_everybody_may_write);
	tcase_add_test(t, has_the_hooks_that_it_has);
	tcase_add_test(t, is_asked_as_a_token_handler);
	tcase_add_test(t, loading_survives_the_end_of_memory);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(module_suite());
}
