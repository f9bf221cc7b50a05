/* SPDX-License-Identifier: MIT */
/*
 * Sessions out of one store and into another: nothing is lost or made on the way, whatever fails,
 * and a second run does no harm.
 */
#include "ctl/session_move.h"

#include "auth/session.h"
#include "support/alloc_fail.h"
#include "support/check_run.h"
#include "support/rig.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/banned.h"

enum { SESSIONS = 21 };

static struct rig from, to;
static struct session_moved moved;
static struct tp_err err;
static int64_t line;
static int fd;

static void put_sessions(void)
{
	char user[24];

	for (int i = 0; i < SESSIONS; i++) {
		TP_CLEANUP(session_minted_release) struct session_minted m = { 0 };

		snprintf(user, sizeof(user), "user_%d", i / 3);
		rig_login(&from, user, "user:read", &m);
	}
}

static void set_up(void)
{
	rig_open(&from);
	rig_open(&to);
	fd = memfd_create("sessions", MFD_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	put_sessions();
}

static void tear_down(void)
{
	close(fd);
	rig_release(&to);
	rig_release(&from);
}

static enum tp_rc take_out(void)
{
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	return session_export(&from.a, fd, &moved, &err);
}

static enum tp_rc take_in(void)
{
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	return session_import(&to.a, fd, &moved, &line, &err);
}

/* Everything of `from` stands in `to` as well, byte for byte. */
static enum tp_rc compare(void *arg, const struct store_key *key, struct span value)
{
	TP_CLEANUP(buf_release) struct buf there = BUF_INIT(LIMIT_STORE_VALUE);
	char user[LIMIT_USER_ID + 1] = "";

	(void)arg;
	memcpy(user, key->owner.p, key->owner.len);
	ck_assert(rig_get(&to, user, key->item, &there));
	ck_assert(span_eq(buf_view(&there), value));
	return TP_OK;
}

static void ck_all_there(void)
{
	int64_t unused;

	ck_assert_uint_eq(store_memory_count(to.memory, STORE_LOGIN), SESSIONS);
	ck_assert_int_eq(store_walk(from.a.store, compare, NULL, &unused, NULL), TP_OK);
}

START_TEST(all_sessions_arrive_as_they_are)
{
	ck_assert_int_eq(take_out(), TP_OK);
	ck_assert_int_eq(moved.done, SESSIONS);
	ck_assert_int_eq(moved.skipped, 0);
	ck_assert_int_eq(take_in(), TP_OK);
	ck_assert_int_eq(moved.done, SESSIONS);
	ck_all_there();
	ck_assert_uint_eq(store_memory_count(to.memory, STORE_RESTRICT), 0);
	ck_assert_int_eq(take_in(), TP_OK);
	ck_assert_int_eq(moved.done, 0);
	ck_assert_int_eq(moved.kept, SESSIONS);
}
END_TEST

START_TEST(each_keeps_its_end)
{
	struct store_op ttl = { .verb = STORE_TTL };

	rig_put(&from, RIG_SEED_USER, RIG_SEED_HANDLE, RIG_SEED_VALUE, 86400);
	ck_assert_int_eq(take_out(), TP_OK);
	to.now += 1000;
	ck_assert_int_eq(take_in(), TP_OK);
	ttl.key = (struct store_key){ STORE_LOGIN, SPAN_LIT(RIG_SEED_USER),
				      SPAN_LIT(RIG_SEED_HANDLE) };
	ck_assert_int_eq(store_do(to.a.store, &ttl, NULL), TP_OK);
	ck_assert_int_eq(ttl.ret_n, 86395 - 1000);
	to.now = RIG_NOW + 86400;
	ck_assert_uint_eq(store_memory_count(to.memory, STORE_LOGIN), 0);
	ck_assert_int_eq(take_in(), TP_OK);
	ck_assert_int_eq(moved.done, 0);
	ck_assert_int_eq(moved.expired, SESSIONS + 1);
}
END_TEST

START_TEST(what_does_not_verify_is_left_out)
{
	rig_put(&from, "user_1", "garbage", "no JSON", 86400);
	rig_put(&from, "user_1", RIG_SEED_HANDLE, RIG_SEED_VALUE, 86400); /* user_099's */
	rig_put(&from, RIG_SEED_USER, "with\nnewline", RIG_SEED_VALUE, 86400);
	rig_put(&from, RIG_SEED_USER, "no\xffutf8", RIG_SEED_VALUE, 86400);
	ck_assert_int_eq(take_out(), TP_OK);
	ck_assert_int_eq(moved.done, SESSIONS);
	ck_assert_int_eq(moved.skipped, 4);
	ck_assert_int_eq(take_in(), TP_OK);
	ck_assert_uint_eq(store_memory_count(to.memory, STORE_LOGIN), SESSIONS);
}
END_TEST

START_TEST(a_session_that_is_there_stays_as_it_is)
{
	TP_CLEANUP(buf_release) struct buf value = BUF_INIT(LIMIT_STORE_VALUE);

	rig_put(&from, RIG_SEED_USER, RIG_SEED_HANDLE, RIG_SEED_VALUE, 86400);
	rig_put(&to, RIG_SEED_USER, RIG_SEED_HANDLE, "newer", 86400);
	ck_assert_int_eq(take_out(), TP_OK);
	ck_assert_int_eq(take_in(), TP_OK);
	ck_assert_int_eq(moved.kept, 1);
	ck_assert(rig_get(&to, RIG_SEED_USER, SPAN_LIT(RIG_SEED_HANDLE), &value));
	ck_assert_str_eq(buf_cstr(&value), "newer");
}
END_TEST

START_TEST(a_store_that_fails_is_no_wrong_line)
{
	static const enum rig_failure failures[] = { RIG_DEAD, RIG_MUTE };

	ck_assert_int_eq(take_out(), TP_OK);
	for (size_t i = 0; i < TP_COUNT(failures); i++) {
		rig_store_fail(&to, failures[i], 2);
		ck_assert_int_eq(take_in(), TP_UNAVAILABLE);
		ck_assert_int_eq(line, 0);
	}
	ck_assert_int_eq(take_in(), TP_OK);
	ck_all_there();
}
END_TEST

START_TEST(a_descriptor_that_fails_is_told)
{
	int pipe_ends[2];

	ck_assert_int_eq(pipe(pipe_ends), 0);
	ck_assert_int_eq(session_export(&from.a, pipe_ends[0], &moved, &err), TP_UNAVAILABLE);
	ck_assert_int_eq(session_import(&to.a, pipe_ends[1], &moved, &line, &err), TP_UNAVAILABLE);
	ck_assert_int_eq(line, 0);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
}
END_TEST

START_TEST(without_memory_it_fails_and_can_be_repeated)
{
	bool failed = true;
	enum tp_rc rc;

	for (long n = 1; failed; n++) {
		ck_assert_int_eq(ftruncate(fd, 0), 0);
		ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
		alloc_fail_at(n);
		rc = session_export(&from.a, fd, &moved, &err);
		failed = alloc_fail_off();
		ck_assert_int_eq(rc, failed ? TP_NOMEM : TP_OK);
	}
	failed = true;
	for (long n = 1; failed; n++) {
		ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
		alloc_fail_at(n);
		rc = session_import(&to.a, fd, &moved, &line, &err);
		failed = alloc_fail_off();
		ck_assert_int_eq(rc, failed ? TP_NOMEM : TP_OK);
		ck_assert_int_eq(line, 0);
	}
	ck_all_there();
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("session_move");
	TCase *t = tcase_create("move");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, all_sessions_arrive_as_they_are);
	tcase_add_test(t, each_keeps_its_end);
	tcase_add_test(t, what_does_not_verify_is_left_out);
	tcase_add_test(t, a_session_that_is_there_stays_as_it_is);
	tcase_add_test(t, a_store_that_fails_is_no_wrong_line);
	tcase_add_test(t, a_descriptor_that_fails_is_told);
	tcase_add_test(t, without_memory_it_fails_and_can_be_repeated);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(suite());
}
