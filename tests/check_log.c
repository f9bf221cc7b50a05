/* SPDX-License-Identifier: MIT */
/*
 * The log, whole lines at a time: what a line looks like in both formats, that no value can forge
 * one, and where lines go. Each case writes into a file of its own at a fixed time.
 */
#include "base/jval.h"
#include "base/limits.h"
#include "base/log.h"
#include "support/check_run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

#define TS   "ts=2026-11-24T10:00:00Z "
#define J_TS "{\"ts\":\"2026-11-24T10:00:00Z\","

enum { NOW = 1795514400 };

static char folder[] = "/tmp/check_log.XXXXXX", path[64], target[80];

static int64_t now_s(void *arg)
{
	(void)arg;
	return NOW;
}

static void setup(void)
{
	memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/log", folder);
	snprintf(target, sizeof(target), "file:%s", path);
	log_clock((struct clock){ now_s, NULL });
}

static void teardown(void)
{
	log_close();
	log_divert(NULL, NULL);
	log_request((struct span){ NULL, 0 });
	unlink(path);
	rmdir(folder);
}

static void open_log(enum log_format format, enum log_level level)
{
	struct tp_err err = { .msg = "" };

	ck_assert_msg(log_open(target, format, level, "check_log", &err) == TP_OK, "%s", err.msg);
}

/* All of a file; good until the next call. */
static const char *content(const char *name)
{
	static char text[4 * LIMIT_LOG_LINE];
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	ck_assert_int_ge(fd, 0);
	n = read(fd, text, sizeof(text) - 1);
	ck_assert_int_ge(n, 0);
	close(fd);
	text[n] = '\0';
	return text;
}

/* What was written since the last call. */
static void logged(const char *want)
{
	ck_assert_str_eq(content(path), want);
	ck_assert_int_eq(truncate(path, 0), 0);
}

/* Lines ---------------------------------------------------------------------------------------- */

START_TEST(writes_a_line_of_pairs)
{
	open_log(LOG_LOGFMT, LOG_LEVEL_INFO);
	log_event(LOG_LEVEL_INFO, "refresh.ok", LOG_STR("user", "user_099"),
		  LOG_SPAN("via", ((struct span){ "cookies", 6 })), LOG_INT("left_s", 120),
		  LOG_FP("session", span_of("abc")));
	logged(TS "level=info event=refresh.ok user=user_099 via=cookie left_s=120 "
		  "session=ba7816bf\n");
}
END_TEST

START_TEST(writes_a_line_of_json)
{
	open_log(LOG_JSON, LOG_LEVEL_INFO);
	log_event(LOG_LEVEL_INFO, "refresh.ok", LOG_STR("user", "user_099"),
		  LOG_SPAN("via", ((struct span){ "cookies", 6 })), LOG_INT("left_s", -120),
		  LOG_FP("session", span_of("abc")));
	logged(J_TS "\"level\":\"info\",\"event\":\"refresh.ok\",\"user\":\"user_099\","
		    "\"via\":\"cookie\",\"left_s\":-120,\"session\":\"ba7816bf\"}\n");
}
END_TEST

START_TEST(leaves_absent_values_out)
{
	open_log(LOG_LOGFMT, LOG_LEVEL_INFO);
	log_event(LOG_LEVEL_INFO, "a.b", LOG_STR("user", NULL), LOG_STR("none", ""),
		  LOG_SPAN("path", ((struct span){ NULL, 0 })),
		  LOG_FP("session", ((struct span){ NULL, 0 })), LOG_INT("n", INT64_MIN));
	logged(TS "level=info event=a.b none=\"\" n=-9223372036854775808\n");
}
END_TEST

START_TEST(names_the_request_until_told_otherwise)
{
	char id[] = "req-1";
	char longest[LIMIT_REQUEST_ID + 1];

	open_log(LOG_LOGFMT, LOG_LEVEL_INFO);
	log_request(span_of(id));
	memset(id, 'x', sizeof(id) - 1); /* it was copied */
	log_event(LOG_LEVEL_INFO, "a.b", LOG_INT("n", 1));
	log_event(LOG_LEVEL_INFO, "a.b", LOG_INT("n", 2));
	log_request((struct span){ NULL, 0 });
	log_event(LOG_LEVEL_INFO, "a.b", LOG_INT("n", 3));
	logged(TS "level=info event=a.b request_id=req-1 n=1\n" TS
		  "level=info event=a.b request_id=req-1 n=2\n" TS "level=info event=a.b n=3\n");

	memset(longest, 'i', sizeof(longest));
	log_request((struct span){ longest, LIMIT_REQUEST_ID });
	log_event(LOG_LEVEL_INFO, "a.b", LOG_INT("n", 4));
	ck_assert_uint_eq(strlen(content(path)),
			  strlen(TS "level=info event=a.b request_id= n=4\n") + LIMIT_REQUEST_ID);
	ck_assert_int_eq(truncate(path, 0), 0);
	log_request((struct span){ longest, LIMIT_REQUEST_ID + 1 });
	log_event(LOG_LEVEL_INFO, "a.b", LOG_INT("n", 5));
	logged(TS "level=info event=a.b n=5\n");
}
END_TEST

START_TEST(names_the_request_in_json)
{
	open_log(LOG_JSON, LOG_LEVEL_INFO);
	log_request(span_of("req-1"));
	log_event(LOG_LEVEL_INFO, "a.b", LOG_INT("n", 1));
	logged(J_TS "\"level\":\"info\",\"event\":\"a.b\",\"request_id\":\"req-1\",\"n\":1}\n");
}
END_TEST

/* Values --------------------------------------------------------------------------------------- */

/* clang-format off */
static const struct {
	struct span value;
	const char *logfmt, *json;
} values[] = {
	{ { "plain", 5 }, "plain", "\"plain\"" },
	{ { "", 0 }, "\"\"", "\"\"" },
	{ { "a b", 3 }, "\"a b\"", "\"a b\"" },
	{ { "a=b", 3 }, "\"a=b\"", "\"a=b\"" },
	{ { "a\"b", 3 }, "\"a\\\"b\"", "\"a\\\"b\"" },
	{ { "a\\b", 3 }, "\"a\\\\b\"", "\"a\\\\b\"" },
	{ { "\\", 1 }, "\"\\\\\"", "\"\\\\\"" },
	{ { "x\nlevel=error", 13 }, "\"x\\x0alevel=error\"", "\"x\\u000alevel=error\"" },
	{ { "x\r\n", 3 }, "\"x\\x0d\\x0a\"", "\"x\\u000d\\u000a\"" },
	{ { "\t", 1 }, "\"\\x09\"", "\"\\u0009\"" },
	{ { "a\0b", 3 }, "\"a\\x00b\"", "\"a\\u0000b\"" },
	{ { "\x1b[2J", 4 }, "\"\\x1b[2J\"", "\"\\u001b[2J\"" },
	{ { "\x7f", 1 }, "\"\\x7f\"", "\"\\u007f\"" },
	{ { "caf\xc3\xa9", 5 }, "caf\xc3\xa9", "\"caf\xc3\xa9\"" },
	{ { "\xf0\x9f\x92\xa9 x", 6 }, "\"\xf0\x9f\x92\xa9 x\"", "\"\xf0\x9f\x92\xa9 x\"" },
	{ { "\xc2\xa0", 2 }, "\xc2\xa0", "\"\xc2\xa0\"" },
	{ { "\xff", 1 }, "\"\\xff\"", "\"\\u00ff\"" },
	{ { "\xc3\xa9\xff", 3 }, "\"\\xc3\\xa9\\xff\"", "\"\\u00c3\\u00a9\\u00ff\"" },
	{ { "\xc3", 1 }, "\"\\xc3\"", "\"\\u00c3\"" },
	{ { "\xc2\x9b" "2J", 4 }, "\"\\xc2\\x9b2J\"", "\"\\u00c2\\u009b2J\"" }, /* CSI */
};
/* clang-format on */

START_TEST(escapes_what_could_forge_a_line)
{
	char want[200];

	open_log(LOG_LOGFMT, LOG_LEVEL_INFO);
	log_event(LOG_LEVEL_INFO, "a.b", LOG_SPAN("v", values[_i].value), LOG_INT("n", 1));
	snprintf(want, sizeof(want), TS "level=info event=a.b v=%s n=1\n", values[_i].logfmt);
	logged(want);
	open_log(LOG_JSON, LOG_LEVEL_INFO);
	log_event(LOG_LEVEL_INFO, "a.b", LOG_SPAN("v", values[_i].value), LOG_INT("n", 1));
	snprintf(want, sizeof(want),
		 J_TS "\"level\":\"info\",\"event\":\"a.b\",\"v\":%s,\"n\":1}\n", values[_i].json);
	logged(want);
}
END_TEST

/* A value of every byte, and one too long, in every form. */
static const struct {
	enum log_format format;
	const char *unit;
} long_values[] = {
	{ LOG_LOGFMT, "a" },
	{ LOG_JSON, "a" },
	{ LOG_LOGFMT, "\n" },
	{ LOG_JSON, "\n" },
	{ LOG_LOGFMT, "\xff" },
	{ LOG_JSON, "\xff" },
	{ LOG_LOGFMT, "\xe2\x82\xac" },
	{ LOG_JSON, "\xe2\x82\xac" },
	{ LOG_JSON, "\"" },
};

START_TEST(cuts_a_line_at_its_limit)
{
	TP_CLEANUP(buf_release) struct buf value = BUF_INIT(2 * LIMIT_LOG_LINE);
	const char *line, *unit = long_values[_i].unit;
	size_t len;

	while (value.len + strlen(unit) <= value.cap)
		buf_str(&value, unit);
	open_log(long_values[_i].format, LOG_LEVEL_INFO);
	log_event(LOG_LEVEL_INFO, "a.b", LOG_SPAN("v", buf_view(&value)), LOG_INT("n", 1));
	line = content(path);
	len = strlen(line);
	ck_assert_uint_le(len, LIMIT_LOG_LINE);
	ck_assert_uint_gt(len, LIMIT_LOG_LINE / 4); /* most of what fits is there */
	ck_assert_ptr_eq(strchr(line, '\n'), line + len - 1);
	ck_assert(span_is_utf8(span_of(line)));
	if (long_values[_i].format == LOG_JSON) {
		struct jval *v = NULL;

		ck_assert_int_eq(jval_parse(span_of(line), &v, NULL), TP_OK);
		ck_assert_uint_eq(jval_count(v), 5);
		jval_release(v);
	} else {
		ck_assert_str_eq(line + len - 5, " n=1\n");
	}
}
END_TEST

START_TEST(fills_a_line_to_the_last_byte)
{
	const char *head = TS "level=info event=a.b v=";
	size_t room = LIMIT_LOG_LINE - strlen(head) - 2; /* two: the ends of both formats */
	TP_CLEANUP(buf_release) struct buf value = BUF_INIT(2 * LIMIT_LOG_LINE);

	while (value.len < room)
		buf_char(&value, 'a');
	open_log(LOG_LOGFMT, LOG_LEVEL_INFO);
	log_event(LOG_LEVEL_INFO, "a.b", LOG_SPAN("v", buf_view(&value)), LOG_INT("n", 1));
	ck_assert_uint_eq(strlen(content(path)), LIMIT_LOG_LINE - 1);
	ck_assert_int_eq(truncate(path, 0), 0);
	buf_char(&value, 'a');
	log_event(LOG_LEVEL_INFO, "a.b", LOG_SPAN("v", buf_view(&value)));
	ck_assert_uint_eq(strlen(content(path)), strlen(head) + value.len / 2 + 1);
}
END_TEST

/* Levels --------------------------------------------------------------------------------------- */

START_TEST(writes_from_its_level_up)
{
	open_log(LOG_LOGFMT, LOG_LEVEL_WARN);
	ck_assert(log_wants(LOG_LEVEL_ERR));
	ck_assert(log_wants(LOG_LEVEL_WARN));
	ck_assert(!log_wants(LOG_LEVEL_NOTICE));
	ck_assert(!log_wants(LOG_LEVEL_DEBUG));
	log_event(LOG_LEVEL_DEBUG, "a.b", LOG_INT("n", 1));
	log_event(LOG_LEVEL_NOTICE, "a.b", LOG_INT("n", 2));
	log_event(LOG_LEVEL_WARN, "a.b", LOG_INT("n", 3));
	log_event(LOG_LEVEL_ERR, "a.b", LOG_INT("n", 4));
	logged(TS "level=warning event=a.b n=3\n" TS "level=error event=a.b n=4\n");
}
END_TEST

START_TEST(names_each_level)
{
	static const struct {
		const char *name;
		enum log_level level;
	} names[] = { { "error", LOG_LEVEL_ERR },
		      { "warning", LOG_LEVEL_WARN },
		      { "notice", LOG_LEVEL_NOTICE },
		      { "info", LOG_LEVEL_INFO },
		      { "debug", LOG_LEVEL_DEBUG } };

	open_log(LOG_LOGFMT, LOG_LEVEL_DEBUG);
	for (size_t i = 0; i < TP_COUNT(names); i++) {
		char want[100];

		log_event(names[i].level, "a.b", LOG_INT("n", 1));
		snprintf(want, sizeof(want), TS "level=%s event=a.b n=1\n", names[i].name);
		logged(want);
	}
}
END_TEST

/* Targets -------------------------------------------------------------------------------------- */

START_TEST(appends_to_a_file_of_mode_0640)
{
	mode_t before = umask(0);
	struct stat st;

	open_log(LOG_LOGFMT, LOG_LEVEL_INFO);
	umask(before);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0640);
	log_event(LOG_LEVEL_INFO, "a.b", LOG_INT("n", 1));
	open_log(LOG_LOGFMT, LOG_LEVEL_INFO);
	log_event(LOG_LEVEL_INFO, "a.b", LOG_INT("n", 2));
	logged(TS "level=info event=a.b n=1\n" TS "level=info event=a.b n=2\n");
}
END_TEST

START_TEST(reopens_after_a_rotation)
{
	char old[80];

	snprintf(old, sizeof(old), "%s.1", path);
	open_log(LOG_LOGFMT, LOG_LEVEL_INFO);
	ck_assert_int_eq(rename(path, old), 0);
	log_event(LOG_LEVEL_INFO, "a.b", LOG_INT("n", 1));
	log_reopen();
	log_event(LOG_LEVEL_INFO, "a.b", LOG_INT("n", 2));
	ck_assert_str_eq(content(old), TS "level=info event=a.b n=1\n");
	logged(TS "level=info event=a.b n=2\n");
	unlink(old);
}
END_TEST

START_TEST(keeps_the_old_file_when_there_can_be_no_new_one)
{
	char old[80], expected[256];

	open_log(LOG_LOGFMT, LOG_LEVEL_INFO);
	snprintf(old, sizeof(old), "%s.1", path);
	ck_assert_int_eq(rename(path, old), 0);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	log_reopen();
	log_event(LOG_LEVEL_INFO, "a.b", LOG_INT("n", 1));
	snprintf(expected, sizeof(expected),
		 TS "level=error event=log.kept file=%s reason=\"Is a directory\"\n" TS
		    "level=info event=a.b n=1\n",
		 path);
	ck_assert_str_eq(content(old), expected);
	rmdir(path);
	unlink(old);
}
END_TEST

START_TEST(refuses_targets_that_are_none)
{
	static const char *const none[] = {
		"", "stdout", "Stderr", "file", "/var/log/x", "stderr "
	};
	struct tp_err err;

	for (size_t i = 0; i < TP_COUNT(none); i++) {
		ck_assert_int_eq(log_open(none[i], LOG_LOGFMT, LOG_LEVEL_INFO, "check_log", &err),
				 TP_INVALID);
		ck_assert_str_eq(err.msg, "LOG_TARGET: takes stderr, syslog or file:PATH");
	}
	ck_assert_int_eq(log_open("file:", LOG_LOGFMT, LOG_LEVEL_INFO, "check_log", &err),
			 TP_INVALID);
	ck_assert_int_eq(log_open("file:/nonexistent/x", LOG_LOGFMT, LOG_LEVEL_INFO, "c", &err),
			 TP_INVALID);
	ck_assert_str_eq(err.msg, "LOG_TARGET: /nonexistent/x: No such file or directory");
}
END_TEST

/* Runs fn with file descriptor 2 on the log's path. */
static void with_stderr(void (*fn)(void))
{
	int saved = dup(STDERR_FILENO),
	    fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_ge(dup2(fd, STDERR_FILENO), 0);
	fn();
	ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
	close(saved);
	close(fd);
}

static void log_unopened(void)
{
	log_close();
	log_event(LOG_LEVEL_INFO, "a.b", LOG_INT("n", 1));
	log_event(LOG_LEVEL_NOTICE, "a.b", LOG_INT("n", 2));
	/* a failure changes nothing */
	ck_assert_int_eq(log_open("nowhere", LOG_JSON, LOG_LEVEL_DEBUG, "c", NULL), TP_INVALID);
	log_event(LOG_LEVEL_INFO, "a.b", LOG_INT("n", 3));
	log_event(LOG_LEVEL_NOTICE, "a.b", LOG_INT("n", 4));
	log_reopen(); /* nothing to do */
}

START_TEST(notices_go_to_stderr_before_it_is_opened)
{
	with_stderr(log_unopened);
	logged(TS "level=notice event=a.b n=2\n" TS "level=notice event=a.b n=4\n");
}
END_TEST

START_TEST(goes_on_as_before_when_it_cannot_be_opened_anew)
{
	open_log(LOG_LOGFMT, LOG_LEVEL_INFO);
	ck_assert_int_eq(log_open("file:/nonexistent/x", LOG_JSON, LOG_LEVEL_ERR, "c", NULL),
			 TP_INVALID);
	log_event(LOG_LEVEL_INFO, "a.b", LOG_INT("n", 1));
	logged(TS "level=info event=a.b n=1\n");
}
END_TEST

static void keep_line(void *arg, const char *line, size_t n)
{
	buf_put(arg, line, n);
}

static struct buf diverted = BUF_INIT(1000);

static void log_diverted(void)
{
	ck_assert_int_eq(log_open("stderr", LOG_LOGFMT, LOG_LEVEL_DEBUG, "c", NULL), TP_OK);
	log_event(LOG_LEVEL_DEBUG, "a.b", LOG_INT("n", 1));
	log_divert(keep_line, &diverted);
	log_event(LOG_LEVEL_INFO, "a.b", LOG_INT("n", 2));
	log_divert(NULL, NULL);
	log_event(LOG_LEVEL_INFO, "a.b", LOG_INT("n", 3));
}

START_TEST(stderr_can_be_diverted)
{
	with_stderr(log_diverted);
	logged(TS "level=debug event=a.b n=1\n" TS "level=info event=a.b n=3\n");
	ck_assert_str_eq(buf_cstr(&diverted), TS "level=info event=a.b n=2\n");
	buf_release(&diverted);
}
END_TEST

START_TEST(a_file_is_not_diverted)
{
	open_log(LOG_LOGFMT, LOG_LEVEL_INFO);
	log_divert(keep_line, &diverted);
	log_event(LOG_LEVEL_INFO, "a.b", LOG_INT("n", 1));
	logged(TS "level=info event=a.b n=1\n");
	ck_assert_uint_eq(diverted.len, 0);
}
END_TEST

static void log_to_syslog(void)
{
	ck_assert_int_eq(log_open("syslog", LOG_LOGFMT, LOG_LEVEL_INFO, "check_log", NULL), TP_OK);
	log_divert(keep_line, &diverted);
	log_event(LOG_LEVEL_INFO, "check_log.test", LOG_STR("format", "%s%n"));
	log_reopen();
}

START_TEST(syslog_gets_nothing_on_stderr)
{
	with_stderr(log_to_syslog);
	logged("");
	ck_assert_uint_eq(diverted.len, 0);
}
END_TEST

START_TEST(a_line_that_cannot_be_written_fails_nothing)
{
	ck_assert_int_eq(log_open("file:/dev/full", LOG_LOGFMT, LOG_LEVEL_INFO, "c", NULL), TP_OK);
	errno = 7;
	log_event(LOG_LEVEL_INFO, "a.b", LOG_INT("n", 1));
	ck_assert_int_eq(errno, 7); /* nor does it change what the caller is about to report */
}
END_TEST

static Suite *log_suite(void)
{
	Suite *s = suite_create("log");
	TCase *lines = tcase_create("lines"), *targets = tcase_create("targets");

	tcase_add_checked_fixture(lines, setup, teardown);
	tcase_add_test(lines, writes_a_line_of_pairs);
	tcase_add_test(lines, writes_a_line_of_json);
	tcase_add_test(lines, leaves_absent_values_out);
	tcase_add_test(lines, names_the_request_until_told_otherwise);
	tcase_add_test(lines, names_the_request_in_json);
	tcase_add_loop_test(lines, escapes_what_could_forge_a_line, 0, (int)TP_COUNT(values));
	tcase_add_loop_test(lines, cuts_a_line_at_its_limit, 0, (int)TP_COUNT(long_values));
	tcase_add_test(lines, fills_a_line_to_the_last_byte);
	tcase_add_test(lines, writes_from_its_level_up);
	tcase_add_test(lines, names_each_level);
	suite_add_tcase(s, lines);
	tcase_add_checked_fixture(targets, setup, teardown);
	tcase_add_test(targets, appends_to_a_file_of_mode_0640);
	tcase_add_test(targets, reopens_after_a_rotation);
	tcase_add_test(targets, keeps_the_old_file_when_there_can_be_no_new_one);
	tcase_add_test(targets, refuses_targets_that_are_none);
	tcase_add_test(targets, notices_go_to_stderr_before_it_is_opened);
	tcase_add_test(targets, goes_on_as_before_when_it_cannot_be_opened_anew);
	tcase_add_test(targets, stderr_can_be_diverted);
	tcase_add_test(targets, a_file_is_not_diverted);
	tcase_add_test(targets, syslog_gets_nothing_on_stderr);
	tcase_add_test(targets, a_line_that_cannot_be_written_fails_nothing);
	suite_add_tcase(s, targets);
	return s;
}

int main(void)
{
	return check_run(log_suite());
}
