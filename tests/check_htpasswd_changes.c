/* SPDX-License-Identifier: MIT */
/*
 * The handler htpasswd: while its files change, break, go and come back, and what a refresh makes
 * of that.
 */
#include "base/clock.h"
#include "support/check_run.h"
#include "support/htfiles.h"
#include "support/open_fds.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/banned.h"

START_TEST(follows_a_file_replaced_by_another)
{
	htfiles_open_with("joe:" HT_SHA "\n", "read: joe\n");
	htfiles_expect_login("joe", "\"read\"");
	htfiles_expect_denied("ann");
	htfiles_replace("users", "ann:" HT_SHA "\n");
	htfiles_expect_denied("joe");
	htfiles_expect_login("ann", "");
	htfiles_replace("groups", "write: ann\n");
	htfiles_expect_login("ann", "\"write\"");
}
END_TEST

START_TEST(sees_each_of_many_changes_within_a_tick)
{
	htfiles_open_with("joe:" HT_SHA "\n", NULL);
	for (int i = 0; i < 200; i++) {
		folder_write("users", "joe:" HT_SHA_NO "\n");
		htfiles_expect_denied("joe");
		folder_write("users", "joe:" HT_SHA "\n");
		htfiles_expect_login("joe", "");
	}
}
END_TEST

START_TEST(a_half_written_file_is_trouble_and_not_a_no)
{
	htfiles_open_with("joe:" HT_SHA "\n", "read: joe\n");
	folder_write("users", "");
	htfiles_expect_trouble("joe", "", "users", " is being written");
	ck_assert_int_eq(htfiles_err.retry_s, 2);
	folder_write("users", "joe:" HT_SHA "\nan");
	htfiles_expect_trouble("joe", "", "users", ": line 2: no ':'");
	folder_write("users", "joe:" HT_SHA "\nann:{SHA}L5");
	htfiles_expect_trouble("joe", "", "users", " is being written");
	folder_write("users", "joe:" HT_SHA "\nann:" HT_SHA "\n");
	htfiles_expect_login("joe", "\"read\"");
	/* "admin: joel" on its way to the disk */
	folder_write("groups", "admin: joe");
	htfiles_expect_trouble("joe", "", "groups", " is being written");
	folder_write("groups", "admin: joel\n");
	htfiles_expect_login("joe", "");
}
END_TEST

START_TEST(what_is_surely_wrong_later_is_trouble_until_it_is_mended)
{
	htfiles_open_with("joe:" HT_SHA "\n", "read: joe\n");
	folder_write("groups", "the admins: joe\n");
	for (int i = 0; i < 2; i++)
		htfiles_expect_trouble("joe", "", "groups",
				       ": line 1: the group name \"the admins\" cannot be a scope");
	folder_write("groups", "admins: joe\n");
	htfiles_expect_login("joe", "\"admins\"");
}
END_TEST

START_TEST(a_line_of_no_use_later_hurts_nobody_else)
{
	htfiles_open_with("joe:" HT_SHA "\nann:" HT_SHA "\n", NULL);
	folder_write("users", "joe:!" HT_SHA "\nann:" HT_SHA "\n");
	htfiles_expect_login("ann", "");
	ck_assert_int_eq(htfiles_login("joe"), TP_DENIED);
	/* Even when it was the last one of use. */
	folder_write("users", "joe:!\nann:!\n");
	htfiles_expect_denied("nobody");
}
END_TEST

START_TEST(a_file_that_went_is_trouble_until_it_is_back)
{
	static const char enoent[] = ": No such file or directory";

	htfiles_open_with("joe:" HT_SHA "\n", "read: joe\n");
	ck_assert_int_eq(unlink(folder_path("users")), 0);
	htfiles_expect_trouble("joe", "cannot stat ", "users", enoent);
	folder_write("users", "joe:" HT_SHA "\n");
	htfiles_expect_login("joe", "\"read\"");
	ck_assert_int_eq(unlink(folder_path("groups")), 0);
	htfiles_expect_trouble("joe", "cannot stat ", "groups", enoent);
	folder_write("groups", "write: joe\n");
	htfiles_expect_login("joe", "\"write\"");
}
END_TEST

/* Runs fn in a child that has no rights to files of others; true: it returned true. */
static bool without_rights(bool (*fn)(void))
{
	int status = -1;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
			_exit(2);
		_exit(fn() ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool login_is_trouble(void)
{
	return htfiles_login("joe") == TP_UNAVAILABLE &&
	       strstr(htfiles_err.msg, ": Permission denied") != NULL;
}

static bool start_is_refused(void)
{
	return htfiles_try_open("users", NULL) == TP_INVALID &&
	       strstr(htfiles_err.msg, ": Permission denied") != NULL;
}

START_TEST(an_unreadable_file_is_an_error_at_start_and_trouble_later)
{
	htfiles_open_with("joe:" HT_SHA "\n", NULL);
	ck_assert_int_eq(chmod(folder_path("users"), 0), 0);
	ck_assert(without_rights(login_is_trouble));
	ck_assert(without_rights(start_is_refused));
}
END_TEST

START_TEST(leaves_no_descriptor_open)
{
	const int before = open_fds(NULL);

	htfiles_open_with("joe:" HT_SHA "\n", NULL);
	ck_assert_int_eq(htfiles_login("joe"), TP_OK);
	folder_write("users", "joe\n");
	ck_assert_int_eq(htfiles_login("joe"), TP_UNAVAILABLE);
	ck_assert_int_eq(unlink(folder_path("users")), 0);
	ck_assert_int_eq(htfiles_login("joe"), TP_UNAVAILABLE);
	ck_assert_int_eq(htfiles_try_open("users", NULL), TP_INVALID);
	ck_assert_int_eq(open_fds(NULL), before);
}
END_TEST

/* ---- refreshes ---- */

START_TEST(a_refresh_looks_user_and_groups_up_anew)
{
	htfiles_open_with("joe:" HT_SHA "\n", "read: joe\n");
	folder_write("groups", "write: joe\n");
	htfiles_expect_refresh("joe", "\"write\"");
	ck_assert_int_eq(htfiles_refresh(NULL), TP_INTERNAL);
}
END_TEST

START_TEST(a_refresh_does_not_end_a_session_while_the_file_is_being_written)
{
	htfiles_open_with("ann:" HT_SHA "\njoe:" HT_SHA "\n", NULL);
	folder_write("users", "ann:" HT_SHA "\n"); /* the first half, cut at a line's end */
	ck_assert_int_eq(htfiles_refresh("ann"), TP_OK);
	ck_assert_int_eq(htfiles_refresh("joe"), TP_UNAVAILABLE);
	htfiles_expect_msg("", "users", " lacks the user, but changed just now");
	ck_assert_int_eq(htfiles_err.retry_s, 2);
}
END_TEST

/* ---- files that have not changed for a while: one folder and one pause for all cases ---- */

static void make_settled_files(void)
{
	int64_t until;

	folder_make();
	folder_write("joe", "joe:" HT_SHA "\n");
	folder_write("set-back", "joe:" HT_SHA "\n");
	folder_write("no-end", "joe:" HT_SHA);
	folder_write("empty", "");
	folder_write("locked", "joe:!\nann:" HT_SHA "\n");
	folder_write("groups", "read: joe");
	until = clock_mono_ms() + 3100;
	while (clock_mono_ms() < until)
		clock_pause_us(100000);
}

START_TEST(a_settled_file_is_trusted_until_it_changes)
{
	htfiles_open("joe", NULL);
	for (int i = 0; i < 3; i++)
		htfiles_expect_login("joe", "");
	folder_write("joe", "joe:" HT_SHA_NO "\n");
	htfiles_expect_denied("joe");
	folder_write("joe", "joe:" HT_SHA "\n");
	htfiles_expect_login("joe", "");
}
END_TEST

START_TEST(a_time_set_back_hides_no_change)
{
	struct timespec times[2];
	struct stat st;

	ck_assert_int_eq(stat(folder_path("set-back"), &st), 0);
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	htfiles_open("set-back", NULL);
	htfiles_expect_login("joe", "");
	folder_write("set-back", "joe:" HT_SHA_NO "\n");
	ck_assert_int_eq(utimensat(AT_FDCWD, folder_path("set-back"), times, 0), 0);
	htfiles_expect_denied("joe");
}
END_TEST

START_TEST(a_settled_file_needs_no_line_end)
{
	htfiles_open("no-end", "groups");
	htfiles_expect_login("joe", "\"read\"");
	htfiles_open("empty", NULL);
	htfiles_expect_denied("joe");
}
END_TEST

START_TEST(a_refresh_of_a_user_who_went_or_was_locked_is_denied)
{
	htfiles_open("locked", NULL);
	ck_assert_int_eq(htfiles_refresh("ann"), TP_OK);
	ck_assert_int_eq(htfiles_refresh("joe"), TP_DENIED);
	htfiles_expect_msg("the user may no longer log in by ", "locked", "");
	ck_assert_int_eq(htfiles_refresh("kim"), TP_DENIED);
	htfiles_expect_msg("the user may no longer log in by ", "locked", "");
}
END_TEST

static TCase *changes_case(void)
{
	TCase *t = tcase_create("changes");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, folder_make, htfiles_end);
	tcase_add_test(t, follows_a_file_replaced_by_another);
	tcase_add_test(t, sees_each_of_many_changes_within_a_tick);
	tcase_add_test(t, a_half_written_file_is_trouble_and_not_a_no);
	tcase_add_test(t, what_is_surely_wrong_later_is_trouble_until_it_is_mended);
	tcase_add_test(t, a_line_of_no_use_later_hurts_nobody_else);
	tcase_add_test(t, a_file_that_went_is_trouble_until_it_is_back);
	tcase_add_test(t, an_unreadable_file_is_an_error_at_start_and_trouble_later);
	tcase_add_test(t, leaves_no_descriptor_open);
	tcase_add_test(t, a_refresh_looks_user_and_groups_up_anew);
	tcase_add_test(t, a_refresh_does_not_end_a_session_while_the_file_is_being_written);
	return t;
}

static TCase *settled_case(void)
{
	TCase *t = tcase_create("settled");

	tcase_set_timeout(t, 60);
	tcase_add_unchecked_fixture(t, make_settled_files, htfiles_end);
	tcase_add_test(t, a_settled_file_is_trusted_until_it_changes);
	tcase_add_test(t, a_time_set_back_hides_no_change);
	tcase_add_test(t, a_settled_file_needs_no_line_end);
	tcase_add_test(t, a_refresh_of_a_user_who_went_or_was_locked_is_denied);
	return t;
}

int main(void)
{
	Suite *s = suite_create("htpasswd_changes");

	suite_add_tcase(s, changes_case());
	suite_add_tcase(s, settled_case());
	return check_run(s);
}
