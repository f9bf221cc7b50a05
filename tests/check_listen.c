/* SPDX-License-Identifier: MIT */
/* The listening socket: what is taken, what is refused, and what it looks like afterwards. */
#include "run/listen.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/check_run.h"
#include "support/folder.h"

#include "base/banned.h"

static char path[128];

static void setup(void)
{
	folder_make();
	snprintf(path, sizeof(path), "%s", folder_path("s.sock"));
}

static void opens(const char *address, unsigned mode, int *ret_fd)
{
	struct tp_err err = { 0 };

	ck_assert_msg(listen_open(address, mode, ret_fd, &err) == TP_OK, "%s", err.msg);
}

static void refuses(const char *address, const char *why)
{
	struct tp_err err = { 0 };
	int fd = -1;

	ck_assert_int_eq(listen_open(address, 0660, &fd, &err), TP_INVALID);
	ck_assert_msg(strstr(err.msg, why) != NULL, "%s", err.msg);
	ck_assert_int_eq(fd, -1);
}

START_TEST(makes_a_unix_socket_with_the_mode_asked_for)
{
	struct stat st;
	int fd;

	opens(path, 0600, &fd);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert(S_ISSOCK(st.st_mode));
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	close(fd);
	listen_remove(path);
	ck_assert_int_ne(stat(path, &st), 0);
}
END_TEST

START_TEST(replaces_a_socket_that_nobody_listens_on)
{
	int fd;

	opens(path, 0660, &fd);
	close(fd); /* as after a crash: the file stays */
	opens(path, 0660, &fd);
	close(fd);
}
END_TEST

START_TEST(leaves_a_socket_alone_that_somebody_listens_on)
{
	char address[160];
	int fd;

	snprintf(address, sizeof(address), "unix:%s", path);
	opens(address, 0660, &fd);
	refuses(path, "another program listens there");
	close(fd);
}
END_TEST

START_TEST(leaves_a_file_alone)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	struct stat st;

	ck_assert_int_ge(fd, 0);
	close(fd);
	refuses(path, "no socket");
	ck_assert_int_eq(stat(path, &st), 0);
}
END_TEST

static int connects(int family, const struct sockaddr *sa, socklen_t len)
{
	int fd = socket(family, SOCK_STREAM, 0);
	int rc = connect(fd, sa, len);

	close(fd);
	return rc;
}

START_TEST(listens_on_a_loopback_port)
{
	struct sockaddr_storage sa = { 0 };
	socklen_t len = sizeof(sa);
	char address[32];
	int probe = socket(AF_INET, SOCK_STREAM, 0), fd;

	/* A port that the kernel holds free at this moment. */
	((struct sockaddr *)&sa)->sa_family = AF_INET;
	ck_assert_int_eq(bind(probe, (struct sockaddr *)&sa, sizeof(struct sockaddr_in)), 0);
	ck_assert_int_eq(getsockname(probe, (struct sockaddr *)&sa, &len), 0);
	close(probe);
	snprintf(address, sizeof(address), "127.0.0.1:%d",
		 (unsigned char)((struct sockaddr *)&sa)->sa_data[0] << 8 |
			 (unsigned char)((struct sockaddr *)&sa)->sa_data[1]);
	opens(address, 0660, &fd);
	len = sizeof(sa);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	ck_assert_int_eq(connects(AF_INET, (struct sockaddr *)&sa, len), 0);
	close(fd);
}
END_TEST

static const struct {
	const char *address;
	bool local;
} reach[] = {
	{ "unix:/run/x.sock", true }, { "/run/x.sock", true },	   { "127.0.0.1:1", true },
	{ "127.9.9.9:1", true },      { "[::1]:1", true },	   { "[::ffff:127.0.0.1]:1", true },
	{ "0.0.0.0:1", false },	      { "[::]:1", false },	   { "[::ffff:10.0.0.1]:1", false },
	{ "10.0.0.1:1", false },      { "128.0.0.1:1", false },	   { "126.255.255.255:1", false },
	{ "[fe80::1]:1", false },     { "[::ffff:0:1]:1", false }, { ":1", false },
	{ "127.0.0.1", false },	      { "127.0.0.1:x", false },	   { "", false },
};

START_TEST(knows_whether_others_can_reach_an_address)
{
	ck_assert_msg(listen_is_local(reach[_i].address) == reach[_i].local, "%s",
		      reach[_i].address);
}
END_TEST

START_TEST(knows_whether_others_can_reach_a_socket)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	struct sockaddr_in loop = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd;

	opens(path, 0660, &fd);
	ck_assert(listen_fd_is_local(fd));
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&loop, sizeof(loop)), 0);
	ck_assert(listen_fd_is_local(fd));
	close(fd);
	/* Bound and not listening: nobody gets in. */
	fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
	ck_assert(!listen_fd_is_local(fd));
	close(fd);
	ck_assert(!listen_fd_is_local(-1));
}
END_TEST

static const char *const bad[] = {
	"9000",	       ":9000",		  "127.0.0.1",	  "127.0.0.1:",
	"127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:9x", "relative/path"
};

START_TEST(refuses_an_address_that_is_none)
{
	refuses(bad[_i], "takes a path, unix:PATH or HOST:PORT");
}
END_TEST

START_TEST(refuses_a_path_that_no_socket_can_have)
{
	char address[300] = "/";

	memset(address + 1, 'x', 200);
	refuses(address, "at most");
}
END_TEST

START_TEST(finds_an_inherited_socket)
{
	int fd;

	opens(path, 0660, &fd);
	ck_assert_int_eq(dup2(fd, STDIN_FILENO), STDIN_FILENO);
	ck_assert_int_eq(listen_inherited(), STDIN_FILENO);
	ck_assert_int_eq(dup2(open("/dev/null", O_RDONLY), STDIN_FILENO), STDIN_FILENO);
	ck_assert_int_eq(listen_inherited(), -1);
}
END_TEST

static void pass_on(int fd, const char *pid, const char *fds)
{
	char self[16];

	snprintf(self, sizeof(self), "%d", (int)getpid());
	ck_assert_int_eq(dup2(fd, 3), 3);
	setenv("LISTEN_PID", pid == NULL ? self : pid, 1);
	setenv("LISTEN_FDS", fds, 1);
	setenv("LISTEN_FDNAMES", "tpauth.socket", 1);
}

START_TEST(finds_the_socket_that_systemd_passed)
{
	int fd;

	opens(path, 0660, &fd);
	pass_on(fd, NULL, "1");
	ck_assert_int_eq(listen_inherited(), 3);
	ck_assert_int_eq(fcntl(3, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	ck_assert_ptr_null(getenv("LISTEN_PID"));
	ck_assert_ptr_null(getenv("LISTEN_FDS"));
	ck_assert_ptr_null(getenv("LISTEN_FDNAMES"));
}
END_TEST

/* clang-format off */
static const struct {
	const char *pid, *fds; /* NULL: our own */
} not_passed[] = { { "1", "1" }, { NULL, "2" }, { NULL, "0" }, { NULL, "" }, { NULL, "1x" }, { "", "1" } };
/* clang-format on */

START_TEST(takes_only_the_one_socket_that_systemd_passed_to_it)
{
	int fd;

	opens(path, 0660, &fd);
	ck_assert_int_eq(dup2(open("/dev/null", O_RDONLY), STDIN_FILENO), STDIN_FILENO);
	pass_on(fd, not_passed[_i].pid, not_passed[_i].fds);
	ck_assert_int_eq(listen_inherited(), -1);
}
END_TEST

START_TEST(takes_no_socket_that_does_not_listen)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	ck_assert_int_eq(dup2(open("/dev/null", O_RDONLY), STDIN_FILENO), STDIN_FILENO);
	pass_on(fd, NULL, "1");
	ck_assert_int_eq(listen_inherited(), -1);
}
END_TEST

static Suite *listen_suite(void)
{
	Suite *s = suite_create("listen");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, folder_remove);
	tcase_add_test(t, makes_a_unix_socket_with_the_mode_asked_for);
	tcase_add_test(t, replaces_a_socket_that_nobody_listens_on);
	tcase_add_test(t, leaves_a_socket_alone_that_somebody_listens_on);
	tcase_add_test(t, leaves_a_file_alone);
	tcase_add_test(t, listens_on_a_loopback_port);
	tcase_add_loop_test(t, knows_whether_others_can_reach_an_address, 0, (int)TP_COUNT(reach));
	tcase_add_test(t, knows_whether_others_can_reach_a_socket);
	tcase_add_loop_test(t, refuses_an_address_that_is_none, 0, (int)TP_COUNT(bad));
	tcase_add_test(t, refuses_a_path_that_no_socket_can_have);
	tcase_add_test(t, finds_an_inherited_socket);
	tcase_add_test(t, finds_the_socket_that_systemd_passed);
	tcase_add_loop_test(t, takes_only_the_one_socket_that_systemd_passed_to_it, 0,
			    (int)TP_COUNT(not_passed));
	tcase_add_test(t, takes_no_socket_that_does_not_listen);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(listen_suite());
}
