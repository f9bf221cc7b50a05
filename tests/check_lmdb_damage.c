/* SPDX-License-Identifier: MIT */
/*
 * Damaged files of the embedded store: whatever bytes are turned over, missing, or put in the place
 * of others, an answer is the right one or TP_UNAVAILABLE, and who asks lives on (a death is the
 * case's failure).
 */
#include "base/limits.h"
#include "store/lmdb_env.h"
#include "store/lmdb_file.h"
#include "store/store.h"
#include "support/check_run.h"
#include "support/lmdb_box.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/banned.h"

enum { PAGE = 4096, ITEMS = 120, ENDED = 10, MIB = 1 << 20 };

static char *whole; /* data.mdb as it should be */
static size_t whole_len;

/* Of several sizes: inside of a page, and on pages of their own. */
static size_t value_of(int n, char *ret)
{
	size_t len = n % 10 == 9 ? 5000 : (size_t)(200 + n * 37 % 900);

	for (size_t i = 0; i < len; i++)
		ret[i] = (char)('A' + ((size_t)n * 7 + i) % 57);
	return len;
}

static enum tp_rc put_value(struct store *s, int n)
{
	struct store_op op;
	char item[16], value[LIMIT_STORE_VALUE];

	snprintf(item, sizeof(item), "item%05d", n);
	op = box_op(STORE_PUT, item);
	op.value = (struct span){ value, value_of(n, value) };
	store_begin(s);
	return store_do(s, &op, NULL);
}

static enum tp_rc del_value(struct store *s, int n)
{
	char item[16];
	struct store_op op;

	snprintf(item, sizeof(item), "item%05d", n);
	op = box_op(STORE_DEL, item);
	store_begin(s);
	return store_do(s, &op, NULL);
}

enum outcome { ALL_RIGHT, REFUSED, WRONG_NO, WRONG_YES, WRONG_VALUE, OUTCOMES };

/* Numbers below ENDED were ended by the last transactions, those from ITEMS on never were. */
static enum outcome judge(struct store *s, int n)
{
	TP_CLEANUP(buf_release) struct buf got = BUF_INIT(LIMIT_STORE_VALUE);
	bool there = n >= ENDED && n < ITEMS;
	char item[16], want[LIMIT_STORE_VALUE];
	struct store_op op;
	enum tp_rc rc;

	snprintf(item, sizeof(item), "item%05d", n);
	op = box_op(STORE_GET, item);
	op.ret = &got;
	store_begin(s);
	rc = store_do(s, &op, NULL);
	if (rc == TP_UNAVAILABLE)
		return REFUSED;
	if (rc == TP_NOT_FOUND)
		return there ? WRONG_NO : ALL_RIGHT;
	if (rc != TP_OK || !there)
		return WRONG_YES;
	return got.len == value_of(n, want) && memcmp(got.p, want, got.len) == 0 ? ALL_RIGHT
										 : WRONG_VALUE;
}

static enum outcome judge_all(struct store *s)
{
	enum outcome worst = ALL_RIGHT;

	for (int n = 0; n < ITEMS + ENDED; n++) {
		enum outcome o = judge(s, n);

		worst = o > worst ? o : worst;
	}
	return worst;
}

static enum outcome ask(void)
{
	struct store *s = NULL;
	enum outcome o = REFUSED;

	if (box_try(MIB, 1000, &s, NULL) == TP_OK)
		o = judge_all(s);
	store_close(s);
	return o;
}

static void fill(void)
{
	struct store *s;
	int fd;

	box_clear(NULL);
	s = box_open(MIB, 1000);
	for (int n = 0; n < ITEMS; n++)
		ck_assert_int_eq(put_value(s, n), TP_OK);
	for (int n = 0; n < ENDED; n++)
		ck_assert_int_eq(del_value(s, n), TP_OK);
	store_close(s);
	whole_len = (size_t)box_size();
	whole = malloc(whole_len);
	ck_assert_ptr_nonnull(whole);
	fd = open(box_path("data.mdb"), O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(read(fd, whole, whole_len), (ssize_t)whole_len);
	close(fd);
	ck_assert_int_eq(ask(), ALL_RIGHT);
}

/* The file as it was, but for n bytes at `at`. */
static void damage(size_t at, const char *bytes, size_t n)
{
	int fd = open(box_path("data.mdb"), O_WRONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, (off_t)whole_len), 0);
	ck_assert_int_eq(pwrite(fd, whole, whole_len, 0), (ssize_t)whole_len);
	ck_assert_int_eq(pwrite(fd, bytes, n, (off_t)at), (ssize_t)n);
	close(fd);
}

static void put_back(void)
{
	damage(0, whole, 1);
}

START_TEST(serves_nothing_by_a_damaged_first_page)
{
	static const unsigned char flips[] = { 0x02, 0x81 };
	int seen[OUTCOMES] = { 0 };

	fill();
	for (size_t i = 0; i < 320; i++) {
		size_t at = i / 160 * PAGE + i % 160;

		for (size_t k = 0; k < TP_COUNT(flips); k++) {
			char b = (char)(whole[at] ^ flips[k]);
			enum outcome o;

			damage(at, &b, 1);
			o = ask();
			ck_assert_msg(o <= REFUSED, "byte %zu ^ %x: %d", at, flips[k], (int)o);
			seen[o]++;
		}
	}
	ck_assert_int_gt(seen[REFUSED], 150);
	put_back();
	ck_assert_int_eq(ask(), ALL_RIGHT);
	free(whole);
}
END_TEST

/*
 * Nothing that is not there, ever. A "no" for what is there takes damage that leaves a page whole
 * to look at and one record shorter.
 */
static void expect_no_lie(const int seen[OUTCOMES])
{
	ck_assert_int_eq(seen[WRONG_YES], 0);
	ck_assert_int_eq(seen[WRONG_VALUE], 0);
	ck_assert_int_le(seen[WRONG_NO], 5);
}

static unsigned next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(*state >> 33);
}

START_TEST(serves_nothing_that_was_turned_over)
{
	enum { ROUNDS = 1000 };
	int seen[OUTCOMES] = { 0 };
	uint64_t state = 42;

	fill();
	for (int i = 0; i < ROUNDS; i++) {
		size_t at = 2 * PAGE + next_random(&state) % (whole_len - 2 * PAGE);
		char b = (char)(whole[at] ^ (1 + (int)(next_random(&state) % 255)));
		enum outcome o;

		damage(at, &b, 1);
		o = ask();
		seen[o]++;
	}
	ck_assert_int_gt(seen[REFUSED], ROUNDS / 4);
	expect_no_lie(seen);
	free(whole);
}
END_TEST

START_TEST(serves_nothing_by_a_damaged_header_of_a_page)
{
	static const unsigned char flips[] = { 0x01, 0x82 };
	int seen[OUTCOMES] = { 0 };

	fill();
	for (size_t at = 2 * PAGE; at < whole_len; at++) {
		if (at % PAGE == 32) /* and the places of the first records */
			at += PAGE - 32;
		for (size_t k = 0; k < TP_COUNT(flips) && at < whole_len; k++) {
			char b = (char)(whole[at] ^ flips[k]);

			damage(at, &b, 1);
			seen[ask()]++;
		}
	}
	ck_assert_int_gt(seen[REFUSED], 100);
	expect_no_lie(seen);
	free(whole);
}
END_TEST

/* ---- a file that changes below who has it open ---- */

START_TEST(outlives_a_file_that_is_cut_short_below_it)
{
	size_t step;
	int refused = 0;

	fill();
	step = whole_len / PAGE / 8;
	for (size_t pages = 0; pages < whole_len / PAGE; pages += step) {
		struct store *s;
		enum outcome o;

		put_back();
		s = box_open(MIB, 1000);
		ck_assert_int_eq(judge(s, ITEMS - 1), ALL_RIGHT);
		ck_assert_int_eq(truncate(box_path("data.mdb"), (off_t)(pages * PAGE)), 0);
		o = judge_all(s);
		ck_assert_int_le(o, REFUSED);
		refused += o == REFUSED;
		if (pages < 2)
			ck_assert_int_eq(put_value(s, ITEMS - 1), TP_UNAVAILABLE);
		store_close(s);
		ck_assert_int_le(ask(), REFUSED);
	}
	ck_assert_int_gt(refused, 4);
	free(whole);
}
END_TEST

static enum tp_rc cut_short(void *arg, struct span item, struct span value)
{
	(void)item;
	(void)value;
	ck_assert_int_eq(truncate(box_path("data.mdb"), 2 * PAGE), 0);
	return ++*(int *)arg < ITEMS ? TP_OK : TP_INTERNAL;
}

START_TEST(outlives_a_file_that_is_cut_short_while_it_reads)
{
	struct store_op op = box_op(STORE_LIST, "");
	struct tp_err err = { 0 };
	struct store *s;
	int n = 0;

	fill();
	s = box_open(MIB, 1000);
	op.each = cut_short;
	op.arg = &n;
	store_begin(s);
	ck_assert_int_eq(store_do(s, &op, &err), TP_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(err.msg, "damaged"));
	ck_assert_int_le(judge_all(s), REFUSED);
	store_close(s);
	free(whole);
}
END_TEST

START_TEST(takes_an_emptied_file_for_no_new_store)
{
	struct tp_err err = { 0 };
	struct store *s = NULL;

	fill();
	ck_assert_int_eq(truncate(box_path("data.mdb"), 0), 0);
	ck_assert_int_eq(box_try(MIB, 1000, &s, &err), TP_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(err.msg, "damaged"));
	ck_assert_int_eq(unlink(box_path("data.mdb")), 0);
	ck_assert_int_eq(box_try(MIB, 1000, &s, &err), TP_UNAVAILABLE);
	/* As the message says: without its files it is a new one. */
	box_clear(NULL);
	s = box_open(MIB, 1000);
	ck_assert_int_eq(judge(s, ENDED), WRONG_NO);
	store_close(s);
	free(whole);
}
END_TEST

/* A copy of the one file brings back sessions that were ended since. */
START_TEST(refuses_a_file_from_before_the_last_write)
{
	struct tp_err err = { 0 };
	struct store *s = NULL;

	fill();
	s = box_open(MIB, 1000);
	ck_assert_int_eq(del_value(s, ENDED), TP_OK);
	store_close(s);
	ck_assert_int_eq(unlink(box_path("lock.mdb")), 0);
	put_back();
	ck_assert_int_eq(box_try(MIB, 1000, &s, &err), TP_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(err.msg, "damaged"));
	free(whole);
}
END_TEST

START_TEST(goes_over_to_a_store_that_came_in_the_place_of_its_own)
{
	struct store *a, *b;

	box_clear(NULL);
	a = box_open(MIB, 1000);
	ck_assert_int_eq(put_value(a, 1), TP_OK);
	box_clear(NULL);
	b = box_open(MIB, 1000);
	ck_assert_int_eq(put_value(b, 2), TP_OK);
	ck_assert_int_eq(judge(a, ENDED), WRONG_NO);
	ck_assert_int_eq(box_get(a, "item00001", NULL), TP_NOT_FOUND);
	ck_assert_int_eq(box_get(a, "item00002", NULL), TP_OK);
	ck_assert_int_eq(put_value(a, 3), TP_OK);
	ck_assert_int_eq(box_get(b, "item00003", NULL), TP_OK);
	store_close(a);
	store_close(b);
}
END_TEST

START_TEST(knows_network_file_systems)
{
	static const unsigned long remote[] = { 0x6969,	    0x517b,	0xff534d42,
						0xfe534d42, 0x5346414f, 0x01021997,
						0x00c36400, 0x0bd00bd0, 0x73757245 };
	static const unsigned long local[] = { 0xef53,	   0x58465342, 0x9123683e, 0x01021994,
					       0x794c7630, 0x2fc12fc1, 0xf2f52010 };

	for (size_t i = 0; i < TP_COUNT(remote); i++)
		ck_assert_msg(lmdb_file_is_remote(remote[i]), "%lx", remote[i]);
	/* As statfs() says it where its numbers are signed and of 32 bits. */
	ck_assert(lmdb_file_is_remote((unsigned long)(int)0xff534d42));
	for (size_t i = 0; i < TP_COUNT(local); i++)
		ck_assert_msg(!lmdb_file_is_remote(local[i]), "%lx", local[i]);
}
END_TEST

static Suite *lmdb_damage_suite(void)
{
	Suite *suite = suite_create("lmdb_damage");
	TCase *tc = tcase_create("lmdb_damage");

	tcase_set_timeout(tc, 120);
	tcase_add_unchecked_fixture(tc, box_make, box_remove);
	tcase_add_test(tc, serves_nothing_by_a_damaged_first_page);
	tcase_add_test(tc, serves_nothing_that_was_turned_over);
	tcase_add_test(tc, serves_nothing_by_a_damaged_header_of_a_page);
	tcase_add_test(tc, outlives_a_file_that_is_cut_short_below_it);
	tcase_add_test(tc, outlives_a_file_that_is_cut_short_while_it_reads);
	tcase_add_test(tc, takes_an_emptied_file_for_no_new_store);
	tcase_add_test(tc, refuses_a_file_from_before_the_last_write);
	tcase_add_test(tc, goes_over_to_a_store_that_came_in_the_place_of_its_own);
	tcase_add_test(tc, knows_network_file_systems);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	return check_run(lmdb_damage_suite());
}
