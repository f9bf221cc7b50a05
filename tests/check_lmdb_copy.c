/* SPDX-License-Identifier: MIT */
/*
 * The embedded store's files as an administrator sees them: what is counted, and a copy without
 * free room that takes the store's place while others use it.
 */
#include "store/store.h"
#include "support/check_run.h"
#include "support/lmdb_box.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

enum { MIB = 1 << 20, MANY = 400 };

static int64_t box_now(void *arg)
{
	(void)arg;
	return box_now_s;
}

static struct store_spec box_spec(void)
{
	struct store_spec spec = { .url = "lmdb://", .state_dir = box_root(), .timeout_ms = 1000 };

	spec.clock.now_s = box_now;
	return spec;
}

static struct store_info look(void)
{
	struct store_spec spec = box_spec();
	struct store_info info;
	struct tp_err err = { 0 };

	ck_assert_msg(store_info(&spec, &info, &err) == TP_OK, "%s", err.msg);
	return info;
}

static void compact_now(void)
{
	struct store_spec spec = box_spec();
	struct tp_err err = { 0 };

	ck_assert_msg(store_compact(&spec, NULL, &err) == TP_OK, "%s", err.msg);
}

START_TEST(counts_what_it_holds)
{
	struct store_op op = box_op(STORE_PUT, "a");
	struct store_info info;
	struct store *s;

	box_clear(NULL);
	s = box_open(MIB, 1000);
	ck_assert_int_eq(box_put(s, "old", 10), TP_OK);
	box_now_s += BOX_TTL - 1;
	ck_assert_int_eq(box_put(s, "a", 10), TP_OK);
	ck_assert_int_eq(box_put(s, "b", 4000), TP_OK);
	op.key.space = STORE_RESTRICT;
	ck_assert_int_eq(store_do(s, &op, NULL), TP_OK);
	box_now_s++;
	store_close(s);
	info = look();
	ck_assert_str_eq(info.dir, box_path(""));
	ck_assert_int_eq(info.sessions, 2);
	ck_assert_int_eq(info.windows, 1);
	ck_assert_int_eq(info.counters, 0);
	ck_assert_int_eq(info.ended, 1);
	ck_assert_int_eq(info.damaged, 0);
	ck_assert_int_eq(info.file_bytes, box_size());
	ck_assert_int_ge(info.map_bytes, info.file_bytes);
	ck_assert_int_eq(info.readers, 1);
}
END_TEST

START_TEST(takes_the_place_of_a_store_that_others_have_open)
{
	struct store *s;
	struct stat st;
	off_t before;

	box_clear(NULL);
	s = box_open(MIB, 1000);
	for (int i = 0; i < MANY; i++)
		ck_assert_int_eq(box_put_number(s, i, 1000), TP_OK);
	for (int i = 10; i < MANY; i++) {
		char item[16];
		struct store_op op;

		snprintf(item, sizeof(item), "%d", i);
		op = box_op(STORE_DEL, item);
		store_begin(s);
		ck_assert_int_eq(store_do(s, &op, NULL), TP_OK);
	}
	before = box_size();
	ck_assert_int_gt(look().free_bytes, before / 2);
	compact_now();
	ck_assert_int_lt(box_size(), before / 4);
	/* The one that was open before sees it, and writes to the new files. */
	ck_assert_int_eq(box_count(s), 10);
	ck_assert_int_eq(box_put(s, "new", 10), TP_OK);
	ck_assert_int_eq(look().sessions, 11);
	ck_assert_int_eq(stat(box_path("data.mdb"), &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0660);
	ck_assert_int_eq(stat(box_path(""), &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 02770);
	store_close(s);
}
END_TEST

START_TEST(clears_away_what_one_that_was_killed_left)
{
	char beside[256];
	struct store *s;
	FILE *f;

	box_clear(NULL);
	s = box_open(MIB, 1000);
	ck_assert_int_eq(box_put(s, "a", 10), TP_OK);
	snprintf(beside, sizeof(beside), "%s.compact", box_path(""));
	ck_assert_int_eq(mkdir(beside, 0700), 0);
	snprintf(beside, sizeof(beside), "%s.compact/data.mdb", box_path(""));
	f = fopen(beside, "w");
	ck_assert_ptr_nonnull(f);
	fputs("half a copy", f);
	fclose(f);
	compact_now();
	ck_assert_int_eq(access(beside, F_OK), -1);
	ck_assert_int_eq(box_get(s, "a", NULL), TP_OK);
	store_close(s);
}
END_TEST

/* Root would give away what it leads to. */
START_TEST(follows_no_link_in_the_place_of_the_copy)
{
	struct store_spec spec = box_spec();
	char beside[256], other[256], file[300];
	struct tp_err err = { 0 };
	struct store *s;
	struct stat st;

	box_clear(NULL);
	s = box_open(MIB, 1000);
	ck_assert_int_eq(box_put(s, "a", 10), TP_OK);
	snprintf(beside, sizeof(beside), "%s.compact", box_path(""));
	snprintf(other, sizeof(other), "%s/other", box_root());
	ck_assert_int_eq(mkdir(other, 0700), 0);
	ck_assert_int_eq(symlink(other, beside), 0);
	ck_assert_int_eq(store_compact(&spec, NULL, &err), TP_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(err.msg, ".compact behind it is in the way"));
	ck_assert_int_eq(stat(other, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0700);
	snprintf(file, sizeof(file), "%s/data.mdb", other);
	ck_assert_int_eq(access(file, F_OK), -1);
	ck_assert_int_eq(unlink(beside), 0);
	ck_assert_int_eq(rmdir(other), 0);
	compact_now();
	ck_assert_int_eq(box_get(s, "a", NULL), TP_OK);
	store_close(s);
}
END_TEST

START_TEST(copies_to_a_folder_that_is_not_there_yet)
{
	struct store_spec spec = box_spec();
	struct store *s = box_open(MIB, 1000);
	char to[256], url[300];
	struct store_info info;
	struct tp_err err = { 0 };

	box_clear(NULL);
	ck_assert_int_eq(box_put(s, "a", 10), TP_OK);
	ck_assert_int_eq(store_compact(&spec, box_root(), &err), TP_INVALID);
	ck_assert_ptr_nonnull(strstr(err.msg, "there already"));
	snprintf(to, sizeof(to), "%s/copy", box_root());
	ck_assert_int_eq(store_compact(&spec, to, &err), TP_OK);
	ck_assert_int_eq(box_put(s, "b", 10), TP_OK);
	snprintf(url, sizeof(url), "lmdb://%s", to);
	spec.url = url;
	ck_assert_int_eq(store_info(&spec, &info, &err), TP_OK);
	ck_assert_int_eq(info.sessions, 1);
	ck_assert_int_eq(look().sessions, 2);
	for (size_t i = 0; i < 3; i++) {
		static const char *const names[] = { "data.mdb", "lock.mdb", "write.lock" };

		snprintf(url, sizeof(url), "%s/%s", to, names[i]);
		ck_assert_int_eq(unlink(url), 0);
	}
	ck_assert_int_eq(rmdir(to), 0);
	store_close(s);
}
END_TEST

static int write_and_check(struct store *s, int in, int out)
{
	(void)in;
	box_say(out);
	for (int i = 0; i < 300; i++)
		if (box_put_number(s, i, 300) != TP_OK || box_get_number(s, i) != TP_OK ||
		    (i > 0 && box_get_number(s, i / 2) != TP_OK))
			return 1;
	return 0;
}

START_TEST(loses_nothing_that_is_written_meanwhile)
{
	struct box_child c;
	struct store *s;

	box_clear(NULL);
	c = box_start(MIB, write_and_check);
	box_hear(c.from);
	for (int i = 0; i < 20; i++)
		compact_now();
	ck_assert_int_eq(box_end(&c), 0);
	s = box_open(MIB, 1000);
	ck_assert_int_eq(box_count(s), 300);
	store_close(s);
}
END_TEST

START_TEST(knows_stores_that_keep_no_files)
{
	struct store_spec spec = box_spec();
	struct store_info info;
	struct tp_err err = { 0 };

	spec.url = "redis://localhost";
	ck_assert_int_eq(store_info(&spec, &info, &err), TP_INVALID);
	ck_assert_ptr_nonnull(strstr(err.msg, "DB_URL"));
	ck_assert_int_eq(store_compact(&spec, NULL, &err), TP_INVALID);
}
END_TEST

static Suite *lmdb_copy_suite(void)
{
	Suite *suite = suite_create("lmdb_copy");
	TCase *tc = tcase_create("lmdb_copy");

	tcase_set_timeout(tc, 60);
	tcase_add_unchecked_fixture(tc, box_make, box_remove);
	tcase_add_test(tc, counts_what_it_holds);
	tcase_add_test(tc, takes_the_place_of_a_store_that_others_have_open);
	tcase_add_test(tc, clears_away_what_one_that_was_killed_left);
	tcase_add_test(tc, follows_no_link_in_the_place_of_the_copy);
	tcase_add_test(tc, copies_to_a_folder_that_is_not_there_yet);
	tcase_add_test(tc, loses_nothing_that_is_written_meanwhile);
	tcase_add_test(tc, knows_stores_that_keep_no_files);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	return check_run(lmdb_copy_suite());
}
