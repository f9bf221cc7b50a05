/* SPDX-License-Identifier: MIT */
/*
 * The embedded store: the contract suite, its URLs, records that are damaged, and many processes
 * that work on it at once. Files, room and processes that die are in check_lmdb_env.c.
 */
#include "store/store.h"
#include "support/check_run.h"
#include "support/lmdb_box.h"
#include "support/store_contract.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/banned.h"

enum { MIB = 1 << 20 };

/* ---- the contract ---- */

static enum tp_rc open_rig(void *arg, struct store **ret, struct tp_err *err)
{
	(void)arg;
	return box_try(0, 20000, ret, err);
}

static void pass(void *arg, int64_t s)
{
	(void)arg;
	box_now_s += s;
}

static const struct store_rig rigs[] = {
	{ .name = "lmdb",
	  .clear = box_clear,
	  .open = open_rig,
	  .pass = pass,
	  .expires = true,
	  .shared = true,
	  .rounds = STORE_RIG_ROUNDS },
};

/* ---- opening ---- */

START_TEST(keeps_everything_when_it_is_closed)
{
	struct store *s;

	box_clear(NULL);
	s = box_open(0, 1000);
	ck_assert_str_eq(store_name(s), "lmdb");
	ck_assert_int_eq(box_put(s, "a", 500), TP_OK);
	store_close(s);
	s = box_open(0, 1000);
	ck_assert_int_eq(box_get(s, "a", NULL), TP_OK);
	store_close(s);
}
END_TEST

START_TEST(takes_the_folder_from_the_url)
{
	struct store *s = NULL;
	struct store_spec spec = { .state_dir = "/does/not/exist", .timeout_ms = 1000 };
	char url[512];

	box_clear(NULL);
	spec.clock = clock_system();
	snprintf(url, sizeof(url), "lmdb://%s", box_path(""));
	spec.url = url;
	ck_assert_int_eq(store_open(&spec, &s, NULL), TP_OK);
	store_close(s);
	ck_assert_int_eq(access(box_path("data.mdb"), F_OK), 0);
	box_clear(NULL);
	spec.url = NULL;
	spec.state_dir = box_root();
	spec.type = "LMDB";
	ck_assert_int_eq(store_open(&spec, &s, NULL), TP_OK);
	store_close(s);
	ck_assert_int_eq(access(box_path("data.mdb"), F_OK), 0);
}
END_TEST

START_TEST(refuses_a_url_that_names_no_folder)
{
	static const struct {
		const char *url, *state_dir;
	} rows[] = {
		{ "lmdb://var/lib/tpauth", "/x" },
		{ "lmdb://u@/var/lib", "/x" },
		{ "lmdb://:p@/var/lib", "/x" },
		{ "lmdb://localhost", "/x" },
		{ "lmdb://", NULL },
		{ "lmdb://", "" },
		{ NULL, NULL },
	};

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		struct store_spec spec = { .url = rows[i].url, .state_dir = rows[i].state_dir };
		struct store *s = NULL;
		struct tp_err err = { 0 };

		spec.timeout_ms = 1000;
		ck_assert_int_eq(store_check_url(&spec, &err), TP_INVALID);
		ck_assert_ptr_nonnull(strstr(err.msg, "DB_URL"));
		ck_assert_int_eq(store_open(&spec, &s, &err), TP_INVALID);
	}
}
END_TEST

/* ---- damaged records ---- */

/* The item's node in each page of the file that has one: the node's size stands 8 bytes before the
 * key, the value's expiry right behind it. */
static void patch_item(const char *item, ptrdiff_t offset, const char *bytes, size_t n)
{
	int fd = open(box_path("data.mdb"), O_RDWR | O_CLOEXEC);
	size_t size = (size_t)box_size(), len = strlen(item) + 3, found = 0;
	char *p, key[32] = "lu";

	memcpy(key + 3, item, strlen(item));
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(p, MAP_FAILED);
	for (char *at = p; (at = memmem(at, (size_t)(p + size - at), key, len)) != NULL;
	     at += len) {
		/* In the index the key ends an entry and is preceded by an expiry. */
		if (at[-2] != (char)len)
			continue;
		memcpy(at + (offset < 0 ? offset : (ptrdiff_t)len + offset), bytes, n);
		found++;
	}
	munmap(p, size);
	close(fd);
	ck_assert_uint_gt(found, 0);
}

START_TEST(never_serves_a_damaged_record)
{
	static const struct {
		ptrdiff_t offset; /* from the key, or from the value */
		const char *bytes;
		size_t n;
	} rows[] = {
		{ 0, "\xff", 1 },	      /* expiry below zero */
		{ 0, "\x7f", 1 },	      /* far away */
		{ 0, "\0\0\0\0\0\0\0\0", 8 }, /* none */
		{ -8, "\x07\0", 2 },	      /* too short for one */
	};
	struct tp_err err = { 0 };
	int seen = 0;

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		struct store_op list = box_op(STORE_LIST, ""), claim = box_op(STORE_PUT, "bad");
		struct store *s;

		list.each = box_count_one;
		list.arg = &seen;
		claim.mode = i % 2 == 0 ? STORE_IF_ABSENT : STORE_IF_PRESENT;
		box_clear(NULL);
		s = box_open(0, 1000);
		ck_assert_int_eq(box_put(s, "bad", 100), TP_OK);
		ck_assert_int_eq(box_put(s, "good", 100), TP_OK);
		store_close(s);
		patch_item("bad", rows[i].offset, rows[i].bytes, rows[i].n);
		s = box_open(0, 1000);
		ck_assert_int_eq(box_get(s, "bad", &err), TP_UNAVAILABLE);
		ck_assert_ptr_nonnull(strstr(err.msg, "damaged"));
		ck_assert_int_eq(store_do(s, &list, NULL), TP_UNAVAILABLE);
		ck_assert_int_eq(store_do(s, &claim, NULL), TP_UNAVAILABLE);
		ck_assert_int_eq(box_get(s, "good", NULL), TP_OK);
		/* A login and a logout need not know what was there. */
		if (i % 2 == 0) {
			ck_assert_int_eq(box_put(s, "bad", 100), TP_OK);
			ck_assert_int_eq(box_get(s, "bad", NULL), TP_OK);
			ck_assert_int_eq(box_count(s), 2);
		} else {
			struct store_op del = box_op(STORE_DEL, "bad");

			ck_assert_int_eq(store_do(s, &del, NULL), TP_OK);
			ck_assert_int_eq(box_get(s, "bad", NULL), TP_NOT_FOUND);
			ck_assert_int_eq(box_count(s), 1);
		}
		store_close(s);
	}
}
END_TEST

START_TEST(sweeps_a_damaged_record_when_its_time_has_come)
{
	struct store *s;

	box_clear(NULL);
	s = box_open(0, 1000);
	ck_assert_int_eq(box_put(s, "bad", 100), TP_OK);
	store_close(s);
	patch_item("bad", 0, "\xff", 1);
	s = box_open(0, 1000);
	ck_assert_int_eq(box_get(s, "bad", NULL), TP_UNAVAILABLE);
	box_now_s += BOX_TTL;
	ck_assert_int_eq(box_put(s, "good", 100), TP_OK);
	ck_assert_int_eq(box_get(s, "bad", NULL), TP_NOT_FOUND);
	store_close(s);
}
END_TEST

/* ---- what has ended and was not swept yet ---- */

enum { MANY = 250 };

static struct store *with_many_ended(void)
{
	struct store *s;

	box_clear(NULL);
	s = box_open(0, 5000);
	for (int i = 0; i < MANY; i++)
		ck_assert_int_eq(box_put_number(s, 1000 + i, 10), TP_OK);
	box_now_s += BOX_TTL;
	return s;
}

START_TEST(takes_what_has_ended_for_gone_before_it_is_swept)
{
	/* Each write sweeps a hundred, in order. */
	struct store_op claim = box_op(STORE_PUT, "1249"), refresh = box_op(STORE_PUT, "1248");
	struct store_op del = box_op(STORE_DEL, "1247");
	struct store *s = with_many_ended();

	claim.mode = STORE_IF_ABSENT;
	refresh.mode = STORE_IF_PRESENT;
	ck_assert_int_eq(box_count(s), 0);
	ck_assert_int_eq(store_do(s, &refresh, NULL), TP_NOT_FOUND);
	ck_assert_int_eq(store_do(s, &claim, NULL), TP_OK);
	ck_assert_int_ge(claim.ret_n, 1);
	ck_assert_int_eq(box_get(s, "1249", NULL), TP_OK);
	store_close(s);
	s = with_many_ended();
	ck_assert_int_eq(store_do(s, &del, NULL), TP_NOT_FOUND);
	store_close(s);
}
END_TEST

START_TEST(counts_only_the_living_among_an_owners_items_that_end)
{
	struct store_op op = box_op(STORE_DEL_OWNER, "");
	struct store *s = with_many_ended();

	op.key.item = (struct span){ NULL, 0 };
	ck_assert_int_eq(store_do(s, &op, NULL), TP_OK);
	ck_assert_int_eq(op.ret_n, 0);
	ck_assert_int_eq(box_put(s, "new", 10), TP_OK);
	ck_assert_int_eq(store_do(s, &op, NULL), TP_OK);
	ck_assert_int_eq(op.ret_n, 1);
	store_close(s);
}
END_TEST

START_TEST(does_not_grow_while_one_item_is_replaced)
{
	static const char name[] =
		"an_item_with_a_name_that_is_long_enough_to_take_room_in_the_index";
	struct store *s;

	box_clear(NULL);
	s = box_open(MIB, 5000);
	for (int i = 0; i < BOX_TTL; i++) {
		box_now_s++;
		ck_assert_int_eq(box_put(s, name, 100), TP_OK);
	}
	ck_assert_int_lt(box_size(), MIB / 8);
	store_close(s);
}
END_TEST

/* ---- several processes ---- */

static int write_when_told(struct store *s, int in, int out)
{
	box_hear(in);
	if (box_put(s, "other", 10) != TP_OK)
		return 1;
	box_say(out);
	return 0;
}

static enum tp_rc let_it_write(void *arg, struct span item, struct span value)
{
	const struct box_child *c = arg;

	(void)item;
	(void)value;
	box_say(c->to);
	box_hear(c->from);
	return TP_EXISTS;
}

START_TEST(keeps_no_writer_waiting_while_it_lists)
{
	struct store_op ops[] = { box_op(STORE_PUT, "a"), box_op(STORE_LIST, ""),
				  box_op(STORE_DEL, "a") };
	struct box_child c;
	struct store *s;

	box_clear(NULL);
	c = box_start(0, write_when_told);
	s = box_open(0, 5000);
	ops[1].each = let_it_write;
	ops[1].arg = &c;
	ck_assert_int_eq(store_run(s, ops, 3, NULL), TP_OK);
	ck_assert_int_eq(ops[1].rc, TP_EXISTS);
	ck_assert_int_eq(box_end(&c), 0);
	ck_assert_int_eq(box_count(s), 1);
	store_close(s);
}
END_TEST

START_TEST(refuses_to_be_used_after_a_fork)
{
	struct store *s;
	int status = 0;
	pid_t pid;

	box_clear(NULL);
	s = box_open(0, 1000);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		if (freopen("/dev/null", "w", stderr) == NULL) /* the assertion's words */
			_exit(1);
		_exit((int)box_get(s, "a", NULL));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	ck_assert_int_eq(box_get(s, "a", NULL), TP_NOT_FOUND);
	store_close(s);
}
END_TEST

enum { WRITERS = 4, READERS = 2, EACH = 250 };

static atomic_int *acknowledged; /* in shared memory */

static int write_mine(struct store *s, int in, int out)
{
	(void)in;
	(void)out;
	for (int i = 0; i < EACH; i++) {
		if (box_put_number(s, getpid() % 100000 * 1000 + i, 300) != TP_OK)
			return 1;
		atomic_fetch_add(acknowledged, 1);
	}
	return 0;
}

/* Who begins to read after a write was acknowledged sees it. */
static int watch(struct store *s, int in, int out)
{
	int before;

	(void)in;
	(void)out;
	do {
		before = atomic_load(acknowledged);
		if (box_count(s) < before)
			return 1;
	} while (before < WRITERS * EACH);
	return 0;
}

START_TEST(adds_up_what_many_processes_write)
{
	struct box_child c[WRITERS + READERS];
	struct store *s;

	box_clear(NULL);
	acknowledged = mmap(NULL, sizeof(*acknowledged), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(acknowledged, MAP_FAILED);
	for (int i = 0; i < WRITERS + READERS; i++)
		c[i] = box_start(MIB / 4, i < WRITERS ? write_mine : watch);
	for (int i = 0; i < WRITERS + READERS; i++)
		ck_assert_int_eq(box_end(&c[i]), 0);
	s = box_open(MIB / 4, 1000);
	ck_assert_int_eq(box_count(s), WRITERS * EACH);
	store_close(s);
}
END_TEST

static Suite *store_lmdb_suite(void)
{
	Suite *suite = suite_create("store_lmdb");
	TCase *tc = tcase_create("store_lmdb");
	TCase *contract = store_contract_case(rigs, TP_COUNT(rigs));

	tcase_set_timeout(tc, 60);
	tcase_add_unchecked_fixture(tc, box_make, box_remove);
	tcase_add_test(tc, keeps_everything_when_it_is_closed);
	tcase_add_test(tc, takes_the_folder_from_the_url);
	tcase_add_test(tc, refuses_a_url_that_names_no_folder);
	tcase_add_test(tc, never_serves_a_damaged_record);
	tcase_add_test(tc, sweeps_a_damaged_record_when_its_time_has_come);
	tcase_add_test(tc, takes_what_has_ended_for_gone_before_it_is_swept);
	tcase_add_test(tc, counts_only_the_living_among_an_owners_items_that_end);
	tcase_add_test(tc, does_not_grow_while_one_item_is_replaced);
	tcase_add_test(tc, keeps_no_writer_waiting_while_it_lists);
	tcase_add_test(tc, refuses_to_be_used_after_a_fork);
	tcase_add_test(tc, adds_up_what_many_processes_write);
	suite_add_tcase(suite, tc);
	tcase_add_unchecked_fixture(contract, box_make, box_remove);
	suite_add_tcase(suite, contract);
	return suite;
}

int main(void)
{
	return check_run(store_lmdb_suite());
}
