/* SPDX-License-Identifier: MIT */
/* The loading of objects, and each object of the build: none may need what only the program that
 * loads it has. They are where the build leaves them, BUILD_DIR/.libs. */
#include "base/object.h"

#include "auth/authn_module.h"
#include "base/fetch_module.h"
#include "grpc/grpc_client.h"
#include "support/check_run.h"
#include "support/folder.h"
#include "token/opinion.h"

#include <dlfcn.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/banned.h"

static const struct row {
	const char *file, *symbol;
	int abi;
} rows[] = {
	{ FETCH_MODULE_FILE, FETCH_MODULE_SYMBOL, FETCH_MODULE_ABI },
	{ GRPC_CLIENT_FILE, GRPC_CLIENT_SYMBOL, GRPC_CLIENT_ABI },
	{ OPINION_FILE, OPINION_SYMBOL, OPINION_ABI },
	{ "tpauth_ldap.so", AUTHN_MODULE_SYMBOL, AUTHN_MODULE_ABI },
	{ "tpauth_pam.so", AUTHN_MODULE_SYMBOL, AUTHN_MODULE_ABI },
};

static const char *module_dir(void)
{
	static char path[256];
	const char *build = getenv("BUILD_DIR");

	snprintf(path, sizeof(path), "%s/.libs", build ? build : ".");
	return path;
}

static enum tp_rc load(const char *folder, const struct row *row, struct object *ret,
		       struct tp_err *err)
{
	return object_load(ret, folder, row->file, row->symbol, row->abi, err);
}

static const struct row *row_of(const char *file)
{
	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		if (strcmp(rows[i].file, file) == 0)
			return &rows[i];
	}
	ck_abort_msg("%s is not in this program's table", file);
}

START_TEST(loads_every_object_of_the_build)
{
	char pattern[300];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/tpauth_*.so", module_dir());
	ck_assert_int_eq(glob(pattern, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const struct row *row = row_of(strrchr(found.gl_pathv[i], '/') + 1);
		struct object o = { NULL, NULL };
		struct tp_err err = { 0 };

		ck_assert_msg(load(module_dir(), row, &o, &err) == TP_OK, "%s", err.msg);
		ck_assert_int_eq(*(const int *)o.table, row->abi);
		object_unload(&o);
		ck_assert(o.handle == NULL && o.table == NULL);
	}
	globfree(&found);
}
END_TEST

START_TEST(says_that_the_object_is_not_there)
{
	static char long_dir[5000];
	struct object none = { NULL, NULL };
	struct tp_err err = { 0 };

	ck_assert_int_eq(load("/nonexistent", &rows[0], &none, &err), TP_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(err.msg, "No such file"));
	memset(long_dir, 'x', sizeof(long_dir) - 1);
	ck_assert_int_eq(load(long_dir, &rows[0], &none, &err), TP_UNAVAILABLE);
	ck_assert_str_eq(err.msg, "the module folder's name is too long");
	ck_assert(none.handle == NULL && none.table == NULL);
}
END_TEST

START_TEST(takes_no_other_object)
{
	struct object none = { NULL, NULL };
	struct tp_err err = { 0 };
	Dl_info libc;

	folder_make();
	ck_assert_int_ne(dladdr(dlsym(RTLD_DEFAULT, "getenv"), &libc), 0);
	ck_assert_int_eq(symlink(libc.dli_fname, folder_path(rows[0].file)), 0);
	ck_assert_int_eq(load(folder_path(""), &rows[0], &none, &err), TP_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(err.msg, "is of another version"));
	ck_assert(none.handle == NULL && none.table == NULL);
	folder_remove();
}
END_TEST

START_TEST(takes_no_other_version)
{
	struct row older = rows[0];
	struct object none = { NULL, NULL };
	struct tp_err err = { 0 };

	older.abi--;
	ck_assert_int_eq(load(module_dir(), &older, &none, &err), TP_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(err.msg, "tpauth_fetch.so is of another version"));
	ck_assert(none.handle == NULL && none.table == NULL);
}
END_TEST

static Suite *object_suite(void)
{
	Suite *s = suite_create("object");
	TCase *t = tcase_create("object");

	tcase_add_test(t, loads_every_object_of_the_build);
	tcase_add_test(t, says_that_the_object_is_not_there);
	tcase_add_test(t, takes_no_other_object);
	tcase_add_test(t, takes_no_other_version);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(object_suite());
}
