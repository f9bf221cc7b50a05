/* SPDX-License-Identifier: MIT */
/* The messages to systemd, as a socket of the test gets them. */
#include "run/notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "support/check_run.h"
#include "support/folder.h"

#include "base/banned.h"

static struct notify n;
static int ear;
static char got[256];

/* Binds the ear to a name as NOTIFY_SOCKET has it. */
static void listen_at(const char *name)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct timeval t = { .tv_usec = 50 * 1000 };
	size_t len = strlen(name);

	memcpy(sun.sun_path, name, len);
	if (name[0] == '@')
		sun.sun_path[0] = '\0';
	ear = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(ear, 0);
	ck_assert_int_eq(bind(ear, (struct sockaddr *)&sun,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
			 0);
	ck_assert_int_eq(setsockopt(ear, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)), 0);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
}

/* The next message; "" when none comes. */
static const char *hear(void)
{
	ssize_t len = recv(ear, got, sizeof(got) - 1, 0);

	got[len > 0 ? len : 0] = '\0';
	return got;
}

static void setup(void)
{
	folder_make();
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	ck_assert_int_eq(log_open("stderr", LOG_LOGFMT, LOG_LEVEL_ERR, "check", NULL), TP_OK);
	listen_at(folder_path("notify"));
}

static void teardown(void)
{
	notify_close(&n);
	close(ear);
	folder_remove();
}

START_TEST(says_ready_when_a_lone_process_serves)
{
	notify_open(&n);
	ck_assert_str_eq(hear(), "");
	notify_serving(&n);
	ck_assert_str_eq(hear(), "READY=1");
	notify_serving(&n);
	ck_assert_str_eq(hear(), "");
	notify_stopping(&n);
	ck_assert_str_eq(hear(), "STOPPING=1");
}
END_TEST

START_TEST(says_ready_in_the_supervisor_when_a_worker_serves)
{
	struct notify worker;

	notify_open(&n);
	notify_await(&n);
	ck_assert_int_ge(notify_fd(&n), 0);
	/* What a fork gives it. */
	worker = n;
	worker.serving[0] = dup(n.serving[0]);
	worker.serving[1] = dup(n.serving[1]);
	notify_serving(&worker);
	ck_assert_str_eq(hear(), "");
	notify_heard(&n);
	ck_assert_str_eq(hear(), "READY=1");
	ck_assert_int_eq(notify_fd(&n), -1);
	/* A worker of later on has nothing to say. */
	worker = n;
	notify_serving(&worker);
	ck_assert_str_eq(hear(), "");
}
END_TEST

START_TEST(says_when_it_reloads)
{
	int64_t before_us, at_us;
	struct span text;

	notify_open(&n);
	notify_reloading(&n);
	notify_reloaded(&n, true);
	ck_assert_str_eq(hear(), ""); /* it never was ready */
	notify_serving(&n);
	hear();
	before_us = clock_mono_ms() * 1000;
	notify_reloading(&n);
	text = span_of(hear());
	ck_assert(span_starts(text, "RELOADING=1\nMONOTONIC_USEC="));
	while (span_cut(&text, '=').p != NULL && memchr(text.p, '=', text.len) != NULL)
		;
	ck_assert(span_int(text, before_us, before_us + 5000000, &at_us));
	notify_reloaded(&n, true);
	ck_assert_str_eq(hear(), "READY=1\nSTATUS=");
	notify_reloaded(&n, false);
	ck_assert_str_eq(hear(), "READY=1\nSTATUS=A reload was refused, the log says why; what was "
				 "read before stays in force");
}
END_TEST

START_TEST(speaks_to_an_abstract_socket)
{
	char name[64];

	close(ear);
	snprintf(name, sizeof(name), "@tpauth-check-%d", (int)getpid());
	listen_at(name);
	notify_open(&n);
	notify_serving(&n);
	ck_assert_str_eq(hear(), "READY=1");
}
END_TEST

static const char *const not_addresses[] = { "", "@", "/", "relative", "vsock:2:1234" };

START_TEST(tells_nobody_at_an_address_that_is_none)
{
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", not_addresses[_i], 1), 0);
	notify_open(&n);
	ck_assert_int_eq(n.fd, -1);
	notify_await(&n);
	notify_serving(&n);
	ck_assert_int_eq(notify_fd(&n), -1);
}
END_TEST

START_TEST(goes_on_when_nobody_hears)
{
	notify_open(&n);
	ck_assert_int_eq(unlink(n.to.sun_path), 0);
	notify_serving(&n);
	notify_stopping(&n);
	ck_assert_str_eq(hear(), "");
}
END_TEST

START_TEST(hides_from_its_children)
{
	setenv("WATCHDOG_USEC", "1000000", 1);
	notify_open(&n);
	ck_assert_ptr_null(getenv("NOTIFY_SOCKET"));
	ck_assert_ptr_null(getenv("WATCHDOG_USEC"));
	ck_assert_ptr_null(getenv("WATCHDOG_PID"));
}
END_TEST

/* clang-format off */
static const struct {
	const char *usec, *pid; /* "self": our own */
	int64_t every_ms;
} watchdogs[] = {
	{ "30000000", NULL, 15000 }, { "30000000", "self", 15000 }, { "30000000", "1", 0 },
	{ "1", NULL, 1 }, { "0", NULL, 0 }, { "x", NULL, 0 }, { "30000000", "", 0 }, { NULL, NULL, 0 },
};
/* clang-format on */

START_TEST(reads_how_often_a_sign_of_life_is_due)
{
	char self[16];

	snprintf(self, sizeof(self), "%d", (int)getpid());
	if (watchdogs[_i].usec != NULL)
		setenv("WATCHDOG_USEC", watchdogs[_i].usec, 1);
	if (watchdogs[_i].pid != NULL)
		setenv("WATCHDOG_PID",
		       strcmp(watchdogs[_i].pid, "self") == 0 ? self : watchdogs[_i].pid, 1);
	notify_open(&n);
	ck_assert_int_eq(n.watchdog_ms, watchdogs[_i].every_ms);
}
END_TEST

START_TEST(gives_a_sign_of_life_when_it_is_due)
{
	setenv("WATCHDOG_USEC", "40000", 1);
	notify_open(&n);
	ck_assert_int_le(notify_alive(&n), 20);
	ck_assert_str_eq(hear(), "");
	clock_pause_us(25000);
	ck_assert_int_eq(notify_alive(&n), 20);
	ck_assert_str_eq(hear(), "WATCHDOG=1");
}
END_TEST

START_TEST(does_nothing_where_nobody_listens)
{
	unsetenv("NOTIFY_SOCKET");
	notify_open(&n);
	notify_await(&n);
	notify_serving(&n);
	notify_reloading(&n);
	notify_stopping(&n);
	ck_assert_int_eq(notify_alive(&n), -1);
	notify_serving(NULL);
	notify_reloading(NULL);
	notify_reloaded(NULL, true);
	notify_stopping(NULL);
	notify_await(NULL);
	notify_close(NULL);
	ck_assert_int_eq(notify_fd(NULL), -1);
	ck_assert_int_eq(notify_alive(NULL), -1);
	ck_assert_str_eq(hear(), "");
}
END_TEST

static Suite *notify_suite(void)
{
	Suite *s = suite_create("notify");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, says_ready_when_a_lone_process_serves);
	tcase_add_test(t, says_ready_in_the_supervisor_when_a_worker_serves);
	tcase_add_test(t, says_when_it_reloads);
	tcase_add_test(t, speaks_to_an_abstract_socket);
	tcase_add_loop_test(t, tells_nobody_at_an_address_that_is_none, 0,
			    (int)TP_COUNT(not_addresses));
	tcase_add_test(t, goes_on_when_nobody_hears);
	tcase_add_test(t, hides_from_its_children);
	tcase_add_loop_test(t, reads_how_often_a_sign_of_life_is_due, 0, (int)TP_COUNT(watchdogs));
	tcase_add_test(t, gives_a_sign_of_life_when_it_is_due);
	tcase_add_test(t, does_nothing_where_nobody_listens);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(notify_suite());
}
