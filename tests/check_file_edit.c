/* SPDX-License-Identifier: MIT */
/* Claims of base/file.h about writing: what is there afterwards, and what is not. */
#include "base/file.h"

#include "support/check_run.h"
#include "support/folder.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/banned.h"

enum { CAP = 1000000, ROUNDS = 40, WRITERS = 4 };

static struct tp_err err;

/* folder_path() keeps one path only. */
static char *path_of(const char *name)
{
	char *path = strdup(folder_path(name));

	ck_assert_ptr_nonnull(path);
	return path;
}

static void text_is(const char *path, const char *want)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(CAP);

	ck_assert_int_eq(file_read(path, &text, &err), TP_OK);
	ck_assert_str_eq(buf_cstr(&text), want);
}

START_TEST(creates_a_file_of_its_mode_and_overwrites_nothing)
{
	char *path = path_of("new");
	struct stat st;

	ck_assert_int_eq(file_create(path, 0600, SPAN_LIT("one"), &err), TP_OK);
	text_is(path, "one");
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(file_create(path, 0600, SPAN_LIT("two"), &err), TP_EXISTS);
	text_is(path, "one");
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink("elsewhere", path), 0);
	ck_assert_int_eq(file_create(path, 0600, SPAN_LIT("two"), &err), TP_EXISTS);
	ck_assert_int_eq(file_create("/nowhere/at/all", 0600, SPAN_LIT(""), &err), TP_UNAVAILABLE);
	free(path);
}
END_TEST

static enum tp_rc replace(const char *path, const char *more)
{
	TP_CLEANUP(file_edit_close) struct file_edit f = { -1, NULL };
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(CAP);
	enum tp_rc rc = file_edit_open(path, &f, &text, &err);

	if (rc != TP_OK)
		return rc;
	buf_str(&text, more);
	return file_edit_replace(&f, buf_view(&text), &err);
}

START_TEST(replaces_with_mode_and_owner_kept)
{
	char *path = path_of("file");
	struct stat before, after;

	folder_write("file", "a");
	ck_assert_int_eq(chmod(path, 0640), 0);
	if (geteuid() == 0)
		ck_assert_int_eq(chown(path, 65534, 65534), 0);
	ck_assert_int_eq(stat(path, &before), 0);
	ck_assert_int_eq(replace(path, "b"), TP_OK);
	ck_assert_int_eq(stat(path, &after), 0);
	text_is(path, "ab");
	ck_assert_int_eq(after.st_mode, before.st_mode);
	ck_assert_int_eq(after.st_uid, before.st_uid);
	ck_assert_int_eq(after.st_gid, before.st_gid);
	ck_assert(after.st_ino != before.st_ino);
	free(path);
}
END_TEST

START_TEST(follows_a_link_and_leaves_it_one)
{
	char *path = path_of("file"), *link = path_of("link");
	struct stat st;

	folder_write("file", "a");
	ck_assert_int_eq(symlink("file", link), 0);
	ck_assert_int_eq(replace(link, "b"), TP_OK);
	text_is(path, "ab");
	ck_assert_int_eq(lstat(link, &st), 0);
	ck_assert(S_ISLNK(st.st_mode));
	free(path);
	free(link);
}
END_TEST

START_TEST(refuses_what_is_no_file)
{
	char *fifo = path_of("fifo");

	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	ck_assert_int_eq(replace(folder_path("missing"), "b"), TP_INVALID);
	ck_assert_str_eq(err.msg, "No such file or directory");
	ck_assert_int_eq(replace(folder_path(""), "b"), TP_INVALID);
	ck_assert_str_eq(err.msg, "not a regular file");
	ck_assert_int_eq(replace(fifo, "b"), TP_INVALID);
	free(fifo);
}
END_TEST

/* Each writer reads, and writes one letter more: none is lost. */
START_TEST(lets_writers_in_one_after_another)
{
	char *path = path_of("file");
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(CAP);

	folder_write("file", "");
	for (int w = 0; w < WRITERS; w++) {
		if (fork() == 0) {
			for (int i = 0; i < ROUNDS; i++) {
				if (replace(path, "x") != TP_OK)
					_exit(1);
			}
			_exit(0);
		}
	}
	for (int w = 0; w < WRITERS; w++) {
		int status = -1;

		ck_assert(wait(&status) > 0);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_int_eq(file_read(path, &text, &err), TP_OK);
	ck_assert_uint_eq(text.len, WRITERS * ROUNDS);
	free(path);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("file_edit");
	TCase *t = tcase_create("file_edit");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, folder_make, folder_remove);
	tcase_add_test(t, creates_a_file_of_its_mode_and_overwrites_nothing);
	tcase_add_test(t, replaces_with_mode_and_owner_kept);
	tcase_add_test(t, follows_a_link_and_leaves_it_one);
	tcase_add_test(t, refuses_what_is_no_file);
	tcase_add_test(t, lets_writers_in_one_after_another);
	suite_add_tcase(s, t);
	return check_run(s);
}
