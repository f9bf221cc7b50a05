/* SPDX-License-Identifier: MIT */
/*
 * Result codes and error records; and the two small modules without a program of their own, the
 * clock and the random bytes.
 */
#include "base/clock.h"
#include "base/rc.h"
#include "base/rnd.h"
#include "support/check_run.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/banned.h"

/* Codes ---------------------------------------------------------------------------------------- */

/* clang-format off */
static const struct {
	enum tp_rc rc;
	struct rc_info want;
} rows[] = {
	{ TP_OK, { "TP_OK", 200, 0, 0, NULL, "OK" } },
	{ TP_NOT_FOUND, { "TP_NOT_FOUND", 401, 16, 69, "invalid_token",
			  "Could not validate credentials" } },
	{ TP_FORBIDDEN, { "TP_FORBIDDEN", 403, 7, 77, "insufficient_scope",
			  "Not enough permissions" } },
	{ TP_INVALID, { "TP_INVALID", 400, 3, 78, "invalid_request", NULL } },
	{ TP_UNAVAILABLE, { "TP_UNAVAILABLE", 503, 14, 69, "temporarily_unavailable",
			    "The service is temporarily unavailable" } },
	{ TP_INTERNAL, { "TP_INTERNAL", 500, 13, 70, "server_error", "Internal Server Error" } },
};
/* clang-format on */

static void same_text(const char *got, const char *want)
{
	if (want == NULL)
		ck_assert_ptr_null(got);
	else
		ck_assert_str_eq(got, want);
}

START_TEST(tells_what_a_code_means_to_each_protocol)
{
	const struct rc_info *want = &rows[_i].want, *got = rc_info(rows[_i].rc);

	ck_assert_str_eq(got->name, want->name);
	ck_assert_int_eq(got->http, want->http);
	ck_assert_int_eq(got->grpc, want->grpc);
	ck_assert_int_eq(got->exit_status, want->exit_status);
	same_text(got->oauth, want->oauth);
	same_text(got->detail, want->detail);
}
END_TEST

START_TEST(only_success_reads_as_success)
{
	for (int rc = 1; rc <= (int)TP_INTERNAL; rc++) {
		const struct rc_info *info = rc_info((enum tp_rc)rc);

		ck_assert_int_ge(info->http, 400);
		ck_assert_int_ne(info->grpc, 0);
		ck_assert_int_ne(info->exit_status, 0);
	}
}
END_TEST

START_TEST(reads_a_code_that_is_none_as_internal)
{
	ck_assert_ptr_eq(rc_info((enum tp_rc)(TP_INTERNAL + 1)), rc_info(TP_INTERNAL));
	ck_assert_ptr_eq(rc_info((enum tp_rc) - 1), rc_info(TP_INTERNAL));
	ck_assert_ptr_eq(rc_info((enum tp_rc)INT_MAX), rc_info(TP_INTERNAL));
}
END_TEST

/* Error records -------------------------------------------------------------------------------- */

START_TEST(fills_the_record_and_returns_the_code)
{
	struct tp_err err = { .rc = TP_OK, .retry_s = 9 };

	ck_assert_int_eq(tp_fail(&err, TP_INVALID, "%s %d", "line", 7), TP_INVALID);
	ck_assert_int_eq(err.rc, TP_INVALID);
	ck_assert_int_eq(err.retry_s, 0);
	ck_assert_str_eq(err.msg, "line 7");
}
END_TEST

START_TEST(takes_no_record)
{
	ck_assert_int_eq(tp_fail(NULL, TP_DENIED, "%s", "no"), TP_DENIED);
	ck_assert_int_eq(tp_fail_retry(NULL, TP_THROTTLED, 5, "no"), TP_THROTTLED);
}
END_TEST

START_TEST(cuts_a_long_message)
{
	struct tp_err err;
	char want[sizeof(err.msg)];

	memset(want, ' ', sizeof(want) - 2);
	want[sizeof(want) - 2] = '1';
	want[sizeof(want) - 1] = '\0';
	ck_assert_int_eq(tp_fail(&err, TP_INTERNAL, "%159d%s", 1, "x"), TP_INTERNAL);
	ck_assert_str_eq(err.msg, want);
}
END_TEST

START_TEST(puts_words_before_the_message_that_was_there)
{
	struct tp_err err;

	tp_fail(&err, TP_UNAVAILABLE, "connect: refused");
	ck_assert_int_eq(tp_fail(&err, TP_INTERNAL, "store: %s", err.msg), TP_INTERNAL);
	ck_assert_str_eq(err.msg, "store: connect: refused");
}
END_TEST

START_TEST(says_when_a_new_try_makes_sense)
{
	static const struct {
		int64_t s;
		int want;
	} times[] = { { 0, 0 },
		      { 30, 30 },
		      { -1, 0 },
		      { INT64_MIN, 0 },
		      { INT_MAX, INT_MAX },
		      { (int64_t)INT_MAX + 1, INT_MAX },
		      { INT64_MAX, INT_MAX } };

	for (size_t i = 0; i < TP_COUNT(times); i++) {
		struct tp_err err;

		ck_assert_int_eq(tp_fail_retry(&err, TP_THROTTLED, times[i].s, "wait %d", 1),
				 TP_THROTTLED);
		ck_assert_int_eq(err.retry_s, times[i].want);
		ck_assert_int_eq(err.rc, TP_THROTTLED);
		ck_assert_str_eq(err.msg, "wait 1");
	}
}
END_TEST

/* The clock ------------------------------------------------------------------------------------ */

static int64_t read_int(void *arg)
{
	return *(int64_t *)arg;
}

START_TEST(asks_the_clock_it_was_given)
{
	int64_t now = 1800000000;
	struct clock c = { read_int, &now };

	ck_assert_int_eq(clock_now(&c), 1800000000);
	now = -1;
	ck_assert_int_eq(clock_now(&c), -1);
}
END_TEST

START_TEST(system_clock_tells_the_time_of_day)
{
	struct clock c = clock_system();
	struct timespec before, after;
	int64_t now;

	clock_gettime(CLOCK_REALTIME, &before);
	now = clock_now(&c);
	clock_gettime(CLOCK_REALTIME, &after);
	ck_assert_int_ge(now, before.tv_sec);
	ck_assert_int_le(now, after.tv_sec);
}
END_TEST

START_TEST(pause_waits_by_the_monotonic_clock)
{
	int64_t begin = clock_mono_ms();

	clock_pause_us(20000);
	ck_assert_int_ge(clock_mono_ms() - begin, 19);
	clock_pause_us(0);
	clock_pause_us(-1);
	ck_assert_int_lt(clock_mono_ms() - begin, 10000);
}
END_TEST

static void on_alarm(int sig)
{
	(void)sig;
}

START_TEST(pause_ends_early_on_a_signal)
{
	struct sigaction action = { .sa_handler = on_alarm }, before;
	struct itimerval soon = { .it_value = { .tv_sec = 0, .tv_usec = 10000 } };
	int64_t begin = clock_mono_ms();

	sigaction(SIGALRM, &action, &before);
	setitimer(ITIMER_REAL, &soon, NULL);
	clock_pause_us(60 * INT64_C(1000000));
	ck_assert_int_lt(clock_mono_ms() - begin, 30000);
	sigaction(SIGALRM, &before, NULL);
}
END_TEST

/* Random bytes --------------------------------------------------------------------------------- */

/* Stands in for libc's. What it says in turn: -errno, or how many bytes it gives, each of which has
 * that number as its value; after the last of them it is the system's own. */
static const ssize_t *script;
static size_t left;

static void play(const ssize_t *says, size_t n)
{
	script = says;
	left = n;
}

ssize_t getrandom(void *p, size_t n, unsigned flags)
{
	ssize_t say;

	if (left == 0)
		return syscall(SYS_getrandom, p, n, flags);
	say = *script++;
	left--;
	if (say < 0) {
		errno = (int)-say;
		return -1;
	}
	memset(p, (int)say, (size_t)say);
	return say;
}

START_TEST(fills_all_bytes_and_no_more)
{
	enum { MANY = 1 << 20 }; /* more than one system call gives at once */
	static unsigned char p[MANY + 1];
	bool seen[256] = { false };

	p[MANY] = 0xa5;
	ck_assert_int_eq(rnd_bytes(p, MANY, NULL), TP_OK);
	ck_assert_uint_eq(p[MANY], 0xa5);
	for (size_t i = MANY - 16384; i < MANY; i++)
		seen[p[i]] = true;
	for (size_t i = 0; i < TP_COUNT(seen); i++)
		ck_assert(seen[i]); /* wrong once in 10^25 */
}
END_TEST

START_TEST(gives_other_bytes_each_time)
{
	unsigned char a[32] = { 0 }, b[32] = { 0 };

	ck_assert_int_eq(rnd_bytes(a, sizeof(a), NULL), TP_OK);
	ck_assert_int_eq(rnd_bytes(b, sizeof(b), NULL), TP_OK);
	ck_assert_int_ne(memcmp(a, b, sizeof(a)), 0);
}
END_TEST

START_TEST(goes_on_after_a_signal_and_after_a_part)
{
	static const ssize_t says[] = { -EINTR, 3, -EINTR, 5 };
	unsigned char p[9] = { 0 };

	play(says, TP_COUNT(says));
	ck_assert_int_eq(rnd_bytes(p, 8, NULL), TP_OK);
	ck_assert_uint_eq(left, 0);
	ck_assert_mem_eq(p, "\3\3\3\5\5\5\5\5\0", 9);
}
END_TEST

START_TEST(fails_rather_than_give_fewer_bytes)
{
	static const ssize_t no_call[] = { -ENOSYS }, broken[] = { 31, -EIO }, none[] = { 31, 0 };
	unsigned char p[32];
	struct tp_err err = { .rc = TP_OK };

	play(no_call, TP_COUNT(no_call));
	ck_assert_int_eq(rnd_bytes(p, sizeof(p), &err), TP_UNAVAILABLE);
	ck_assert_int_eq(err.rc, TP_UNAVAILABLE);
	ck_assert_str_eq(err.msg, "getrandom: Function not implemented");
	play(broken, TP_COUNT(broken));
	ck_assert_int_eq(rnd_bytes(p, sizeof(p), &err), TP_UNAVAILABLE);
	ck_assert_str_eq(err.msg, "getrandom: Input/output error");
	play(none, TP_COUNT(none));
	ck_assert_int_eq(rnd_bytes(p, sizeof(p), NULL), TP_UNAVAILABLE);
	ck_assert_uint_eq(left, 0);
}
END_TEST

static Suite *rc_suite(void)
{
	Suite *s = suite_create("rc");
	TCase *codes = tcase_create("codes"), *clocks = tcase_create("clock");
	TCase *bytes = tcase_create("rnd");

	tcase_add_loop_test(codes, tells_what_a_code_means_to_each_protocol, 0,
			    (int)TP_COUNT(rows));
	tcase_add_test(codes, only_success_reads_as_success);
	tcase_add_test(codes, reads_a_code_that_is_none_as_internal);
	tcase_add_test(codes, fills_the_record_and_returns_the_code);
	tcase_add_test(codes, takes_no_record);
	tcase_add_test(codes, cuts_a_long_message);
	tcase_add_test(codes, puts_words_before_the_message_that_was_there);
	tcase_add_test(codes, says_when_a_new_try_makes_sense);
	suite_add_tcase(s, codes);
	tcase_add_test(clocks, asks_the_clock_it_was_given);
	tcase_add_test(clocks, system_clock_tells_the_time_of_day);
	tcase_add_test(clocks, pause_waits_by_the_monotonic_clock);
	tcase_add_test(clocks, pause_ends_early_on_a_signal);
	tcase_set_timeout(clocks, 90);
	suite_add_tcase(s, clocks);
	tcase_add_test(bytes, fills_all_bytes_and_no_more);
	tcase_add_test(bytes, gives_other_bytes_each_time);
	tcase_add_test(bytes, goes_on_after_a_signal_and_after_a_part);
	tcase_add_test(bytes, fails_rather_than_give_fewer_bytes);
	suite_add_tcase(s, bytes);
	return s;
}

int main(void)
{
	return check_run(rc_suite());
}
