/* SPDX-License-Identifier: MIT */
/*
 * What a store in files has to stand, seen through store.h: folders that cannot be used, files that
 * are damaged or full, a file that must not grow, and processes that are killed or stopped.
 */
#include "base/limits.h"
#include "store/store.h"
#include "support/check_run.h"
#include "support/lmdb_box.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/banned.h"

enum { MIB = 1 << 20 };

/* ---- opening ---- */

START_TEST(makes_its_folder_and_files_for_the_group)
{
	static const char *const files[] = { "data.mdb", "lock.mdb", "write.lock" };
	mode_t before = umask(077);
	struct stat st;

	box_clear(NULL);
	store_close(box_open(0, 1000));
	ck_assert_int_eq(umask(before), 077);
	ck_assert_int_eq(stat(box_path(""), &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 02770);
	for (size_t i = 0; i < TP_COUNT(files); i++) {
		ck_assert_int_eq(stat(box_path(files[i]), &st), 0);
		ck_assert_int_eq(st.st_mode & 07777, 0660);
	}
}
END_TEST

/* The administrator's first command must not lock the web server out. */
START_TEST(gives_what_root_makes_to_the_owner_of_the_state_folder)
{
	struct stat st;

	if (geteuid() != 0)
		return;
	box_clear(NULL);
	ck_assert_int_eq(chown(box_root(), 12345, 54321), 0);
	store_close(box_open(0, 1000));
	ck_assert_int_eq(stat(box_path(""), &st), 0);
	ck_assert_int_eq(st.st_uid, 12345);
	ck_assert_int_eq(st.st_gid, 54321);
	ck_assert_int_eq(st.st_mode & 07777, 02770);
	ck_assert_int_eq(stat(box_path("data.mdb"), &st), 0);
	ck_assert_int_eq(st.st_uid, 12345);
	ck_assert_int_eq(st.st_gid, 54321);
	ck_assert_int_eq(chown(box_root(), 0, 0), 0);
}
END_TEST

/* A folder's owner may lay a link; root at the command line must not follow it any further than the
 * owner could. */
START_TEST(root_opens_no_file_that_the_owner_may_not)
{
	static const char *const files[] = { "lock.mdb", "write.lock", "data.mdb" };
	char victim[] = "/tmp/tpauth-check-victim-XXXXXX";
	struct tp_err err = { 0 };
	struct store *s = NULL;
	struct stat st;
	int fd;

	if (geteuid() != 0)
		return;
	fd = mkstemp(victim);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, 4096), 0);
	for (size_t i = 0; i < TP_COUNT(files); i++) {
		box_clear(NULL);
		ck_assert_int_eq(chown(box_root(), 12345, 54321), 0);
		store_close(box_open(0, 1000));
		ck_assert_int_eq(unlink(box_path(files[i])), 0);
		ck_assert_int_eq(symlink(victim, box_path(files[i])), 0);
		ck_assert_int_eq(box_try(0, 1000, &s, &err), TP_UNAVAILABLE);
		ck_assert_ptr_nonnull(strstr(err.msg, "no permission"));
		ck_assert_int_eq(geteuid(), 0);
		ck_assert_int_eq(fstat(fd, &st), 0);
		ck_assert_int_eq(st.st_size, 4096);
		ck_assert_int_eq(st.st_blocks, 0); /* nothing was written */
		ck_assert_int_eq(unlink(box_path(files[i])), 0);
	}
	close(fd);
	unlink(victim);
	ck_assert_int_eq(chown(box_root(), 0, 0), 0);
}
END_TEST

static void expect_no_open(const char *state_dir, const char *what)
{
	struct store_spec spec = { .state_dir = state_dir, .timeout_ms = 1000 };
	struct store *s = NULL;
	struct tp_err err = { 0 };

	spec.clock = clock_system();
	ck_assert_int_eq(store_check_url(&spec, &err), TP_OK);
	ck_assert_int_eq(store_open(&spec, &s, &err), TP_UNAVAILABLE);
	ck_assert_ptr_null(s);
	ck_assert_msg(strstr(err.msg, state_dir) == err.msg, "%s", err.msg);
	ck_assert_msg(strstr(err.msg, what) != NULL, "%s", err.msg);
}

START_TEST(says_why_a_folder_cannot_be_used)
{
	char dir[256];
	int fd;

	box_clear(NULL);
	snprintf(dir, sizeof(dir), "%s/missing", box_root());
	expect_no_open(dir, "set STATE_DIR");
	fd = open(box_path(""), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
	expect_no_open(box_root(), "not a folder");
	unlink(box_path(""));
}
END_TEST

START_TEST(says_that_there_is_no_permission)
{
	pid_t pid;
	int status = 0;

	box_clear(NULL);
	store_close(box_open(0, 1000));
	ck_assert_int_eq(chmod(box_root(), 0755), 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		struct store *s = NULL;
		struct tp_err err = { 0 };

		/* Rights do not bind root; anybody else loses them here. */
		if (geteuid() == 0 ? setresgid(65534, 65534, 65534) != 0 ||
					     setresuid(65534, 65534, 65534) != 0
				   : chmod(box_path(""), 0) != 0)
			_exit(2);
		if (box_try(0, 1000, &s, &err) != TP_UNAVAILABLE)
			_exit(3);
		_exit(strstr(err.msg, "no permission") == NULL);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	chmod(box_path(""), 02770);
}
END_TEST

/* ---- damage ---- */

static void write_file(const char *name, const char *bytes, size_t n)
{
	int fd = open(box_path(name), O_WRONLY | O_TRUNC | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, n), (ssize_t)n);
	close(fd);
}

START_TEST(refuses_a_file_that_is_no_store)
{
	char bytes[8192];

	box_clear(NULL);
	store_close(box_open(0, 1000));
	memset(bytes, 'x', sizeof(bytes));
	write_file("data.mdb", bytes, sizeof(bytes));
	expect_no_open(box_root(), "damaged");
	write_file("data.mdb", bytes, 10);
	expect_no_open(box_root(), "damaged");
}
END_TEST

START_TEST(cannot_tell_what_was_in_a_file_that_was_cut_short)
{
	struct tp_err err = { 0 };
	struct store *s;
	int failed = 0;

	for (int part = 1; part < 8; part++) {
		off_t size;

		box_clear(NULL);
		s = box_open(0, 1000);
		for (int i = 0; i < 100; i++)
			ck_assert_int_eq(box_put_number(s, i, 1500), TP_OK);
		store_close(s);
		size = box_size();
		ck_assert_int_eq(truncate(box_path("data.mdb"), size * part / 8), 0);
		s = NULL;
		if (box_try(0, 1000, &s, &err) != TP_OK) {
			ck_assert_int_eq(err.rc, TP_UNAVAILABLE);
			ck_assert_ptr_nonnull(strstr(err.msg, "damaged"));
			continue;
		}
		for (int i = 0; i < 100; i++) {
			enum tp_rc rc = box_get_number(s, i);

			ck_assert_msg(rc == TP_OK || rc == TP_UNAVAILABLE, "%s", rc_info(rc)->name);
			failed += rc == TP_UNAVAILABLE;
		}
		store_close(s);
	}
	ck_assert_int_gt(failed, 0);
}
END_TEST

/* ---- room ---- */

static int read_and_write_late(struct store *s, int in, int out)
{
	if (box_get_number(s, 0) != TP_NOT_FOUND)
		return 2;
	box_say(out);
	box_hear(in);
	/* The map was doubled elsewhere meanwhile. */
	if (box_get_number(s, 1999) != TP_OK || box_count(s) != 2000)
		return 3;
	box_say(out);
	box_hear(in);
	return box_put_number(s, 2000, 1000) == TP_OK ? 0 : 4;
}

START_TEST(grows_while_other_processes_have_it_open)
{
	struct box_child reader, writer;
	struct store *s;

	box_clear(NULL);
	reader = box_start(MIB / 4, read_and_write_late);
	box_hear(reader.from);
	s = box_open(MIB / 4, 5000);
	for (int i = 0; i < 2000; i++)
		ck_assert_int_eq(box_put_number(s, i, 1000), TP_OK);
	ck_assert_int_gt(box_size(), 2 * MIB);
	box_say(reader.to);
	box_hear(reader.from);
	box_say(reader.to);
	ck_assert_int_eq(box_end(&reader), 0);
	ck_assert_int_eq(box_get_number(s, 2000), TP_OK);
	store_close(s);
	/* Larger than the map that is asked for at first. */
	writer = box_start(MIB / 4, box_write_for_ever);
	box_hear(writer.from);
	kill(writer.pid, SIGKILL);
	ck_assert_int_eq(box_end(&writer), -SIGKILL);
}
END_TEST

START_TEST(takes_a_list_of_writes_that_is_larger_than_the_map)
{
	static char large[LIMIT_STORE_VALUE];
	TP_CLEANUP(buf_release) struct buf b = BUF_INIT(100);
	static const char *const items[] = { "a", "b", "c", "d", "e", "f", "g", "h" };
	struct store_op ops[TP_COUNT(items)];
	struct store *s;

	box_clear(NULL);
	s = box_open(MIB / 16, 5000);
	ck_assert_int_eq(box_put(s, "small", 5), TP_OK);
	for (size_t i = 0; i < TP_COUNT(items); i++) {
		ops[i] = box_op(STORE_PUT, items[i]);
		ops[i].value = (struct span){ large, sizeof(large) };
	}
	ops[0] = box_op(STORE_GET, "small");
	ops[0].ret = &b;
	ck_assert_int_eq(store_run(s, ops, TP_COUNT(items), NULL), TP_OK);
	ck_assert_int_eq(ops[7].ret_n, 8);
	/* Read once, however often it was tried. */
	ck_assert_uint_eq(b.len, 5);
	store_close(s);
}
END_TEST

START_TEST(does_not_grow_while_items_come_and_go)
{
	struct store *s;

	box_clear(NULL);
	s = box_open(MIB, 5000);
	for (int i = 0; i < 2000; i++) {
		box_now_s += BOX_TTL / 60;
		ck_assert_int_eq(box_put_number(s, i, 1500), TP_OK);
	}
	ck_assert_int_eq(box_count(s), 60);
	ck_assert_int_lt(box_size(), MIB);
	store_close(s);
}
END_TEST

/* Stays in the middle of a read transaction for good. */
static enum tp_rc stay(void *arg, struct span item, struct span value)
{
	(void)item;
	(void)value;
	box_say(*(int *)arg);
	pause();
	return TP_INTERNAL;
}

static int read_for_ever(struct store *s, int in, int out)
{
	struct store_op op = box_op(STORE_LIST, "");

	(void)in;
	op.each = stay;
	op.arg = &out;
	return store_do(s, &op, NULL) == TP_OK;
}

static void churn(struct store *s, int times)
{
	for (int i = 0; i < times; i++)
		ck_assert_int_eq(box_put_number(s, i % 50, 1500), TP_OK);
}

START_TEST(uses_the_pages_of_a_killed_reader_again)
{
	struct box_child reader;
	struct store *s;

	box_clear(NULL);
	s = box_open(MIB, 5000);
	churn(s, 50);
	/* Within the minutes between two regular looks for dead readers. */
	reader = box_start(MIB, read_for_ever);
	box_hear(reader.from);
	kill(reader.pid, SIGKILL);
	ck_assert_int_eq(box_end(&reader), -SIGKILL);
	churn(s, 1000);
	ck_assert_int_le(box_size(), MIB);
	store_close(s);
}
END_TEST

START_TEST(goes_on_beside_a_reader_that_does_not_end)
{
	struct box_child reader;
	struct store *s;

	box_clear(NULL);
	s = box_open(MIB, 5000);
	churn(s, 50);
	reader = box_start(MIB, read_for_ever);
	box_hear(reader.from);
	churn(s, 500);
	ck_assert_int_gt(box_size(), MIB);
	ck_assert_int_eq(box_count(s), 50);
	kill(reader.pid, SIGKILL);
	ck_assert_int_eq(box_end(&reader), -SIGKILL);
	store_close(s);
}
END_TEST

/* Puts new items until it fails; the number of those that did not. */
static int fill(struct store *s, struct tp_err *ret_err)
{
	static const char value[1000];
	struct store_op op = box_op(STORE_PUT, "");
	char item[16];

	op.value = (struct span){ value, sizeof(value) };
	for (int n = 0; n < 5000; n++) {
		snprintf(item, sizeof(item), "%d", n);
		op.key.item = span_of(item);
		store_begin(s);
		if (store_do(s, &op, ret_err) != TP_OK)
			return n;
	}
	return 0;
}

static int fill_to_the_limit(struct store *s, int in, int out)
{
	struct rlimit low = { MIB / 2, RLIM_INFINITY }, high = { RLIM_INFINITY, RLIM_INFINITY };
	struct tp_err err = { 0 };
	int n;

	(void)in;
	(void)out;
	if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR || setrlimit(RLIMIT_FSIZE, &low) != 0)
		return 2;
	n = fill(s, &err);
	if (n < 100 || err.rc != TP_UNAVAILABLE ||
	    (strstr(err.msg, "file size") == NULL && strstr(err.msg, "is full") == NULL))
		return 3;
	/* Still no room, but an answer; and what is there can be read. */
	if (box_put_number(s, n, 1000) != TP_UNAVAILABLE || box_count(s) != n)
		return 4;
	if (setrlimit(RLIMIT_FSIZE, &high) != 0)
		return 5;
	for (int i = n; i < n + 500; i++)
		if (box_put_number(s, i, 1000) != TP_OK)
			return 6;
	return box_count(s) == n + 500 ? 0 : 7;
}

START_TEST(goes_on_when_a_full_disk_has_room_again)
{
	struct box_child c;

	box_clear(NULL);
	c = box_start(0, fill_to_the_limit);
	ck_assert_int_eq(box_end(&c), 0);
}
END_TEST

/*
 * liblmdb's writes come by here: the program's own symbol goes before libc's. The two pages at the
 * beginning say which state of the file counts; they are written last.
 */
static bool first_pages_fail;

#pragma GCC visibility push(default)
ssize_t pwrite(int fd, const void *buf, size_t nbytes, off_t offset)
{
	if (first_pages_fail && offset < 8192) {
		errno = EIO;
		return -1;
	}
	return syscall(SYS_pwrite64, fd, buf, nbytes, offset);
}
#pragma GCC visibility pop

START_TEST(opens_it_anew_after_a_write_that_spoilt_it)
{
	struct store_op op = box_op(STORE_PUT, "b");
	struct tp_err err = { 0 };
	struct store *s;

	box_clear(NULL);
	s = box_open(0, 1000);
	ck_assert_int_eq(box_put(s, "a", 100), TP_OK);
	first_pages_fail = true;
	ck_assert_int_eq(store_do(s, &op, &err), TP_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(err.msg, "the disk"));
	first_pages_fail = false;
	ck_assert_int_eq(box_get(s, "a", NULL), TP_OK);
	ck_assert_int_eq(box_get(s, "b", NULL), TP_NOT_FOUND);
	ck_assert_int_eq(box_put(s, "b", 100), TP_OK);
	ck_assert_int_eq(box_get(s, "b", NULL), TP_OK);
	store_close(s);
}
END_TEST

/* ---- processes that die or stop ---- */

START_TEST(keeps_what_was_acknowledged_when_writers_are_killed)
{
	int total = 0;

	box_clear(NULL);
	for (int round = 0; round < 100; round++) {
		struct box_child c = box_start(0, box_write_for_ever);
		int last = -1, n = 0;
		struct store *s;

		/* A few die while they open it, most while they write. */
		if (round % 10 != 0)
			ck_assert_int_eq(read(c.from, &last, sizeof(last)), (ssize_t)sizeof(last));
		clock_pause_us(round * 137 % 5000);
		kill(c.pid, SIGKILL);
		while (read(c.from, &n, sizeof(n)) == (ssize_t)sizeof(n))
			last = n;
		ck_assert_int_eq(box_end(&c), -SIGKILL);
		s = box_open(0, 1000);
		for (int i = 0; i <= last; i++)
			ck_assert_int_eq(box_get_number(s, i), TP_OK);
		ck_assert_int_eq(box_put(s, "after", 10), TP_OK);
		store_close(s);
		total += last + 1;
	}
	ck_assert_int_gt(total, 100);
}
END_TEST

/* Stops the child at a moment when nobody else can write. */
static void stop_writing(const struct box_child *c, struct store *s)
{
	int status = 0;

	for (int i = 0; i < 1000; i++) {
		clock_pause_us(500 + i * 137 % 1000);
		ck_assert_int_eq(kill(c->pid, SIGSTOP), 0);
		ck_assert_int_eq(waitpid(c->pid, &status, WUNTRACED), c->pid);
		ck_assert(WIFSTOPPED(status));
		if (box_put(s, "mine", 10) == TP_UNAVAILABLE)
			return;
		ck_assert_int_eq(kill(c->pid, SIGCONT), 0);
	}
	ck_abort_msg("never stopped inside a write");
}

START_TEST(waits_for_a_stopped_writer_no_longer_than_its_budget)
{
	enum { TIMEOUT_MS = 100 };
	struct store_op ping = { .verb = STORE_PING };
	struct tp_err err = { 0 };
	struct store_op op = box_op(STORE_PUT, "mine");
	enum tp_rc rc = TP_UNAVAILABLE;
	struct box_child c;
	struct store *s;
	int64_t start_ms;

	box_clear(NULL);
	c = box_start(0, box_write_for_ever);
	box_hear(c.from);
	ck_assert_int_eq(fcntl(c.from, F_SETPIPE_SZ, MIB) > 0, 1);
	s = box_open(0, TIMEOUT_MS);
	stop_writing(&c, s);

	for (int i = 0; i < 3; i++) {
		start_ms = clock_mono_ms();
		store_begin(s);
		ck_assert_int_eq(store_do(s, &op, &err), TP_UNAVAILABLE);
		ck_assert_ptr_nonnull(strstr(err.msg, "is it stopped?"));
		ck_assert_int_ge(clock_mono_ms() - start_ms, TIMEOUT_MS - 1);
		ck_assert_int_le(clock_mono_ms() - start_ms, TIMEOUT_MS + 250);
		/* Readers go on, at once. */
		start_ms = clock_mono_ms();
		ck_assert_int_eq(box_get_number(s, 0), TP_OK);
		ck_assert_int_eq(store_do(s, &ping, NULL), TP_OK);
		ck_assert_int_lt(clock_mono_ms() - start_ms, TIMEOUT_MS);
	}
	ck_assert_int_eq(kill(c.pid, SIGCONT), 0);
	/* It writes on as fast as it can, so one budget may not be enough. */
	for (int i = 0; i < 100 && rc != TP_OK; i++)
		rc = box_put(s, "mine", 10);
	ck_assert_int_eq(rc, TP_OK);

	/* Killed while it is stopped, it leaves no lock behind. */
	stop_writing(&c, s);
	ck_assert_int_eq(kill(c.pid, SIGKILL), 0);
	ck_assert_int_eq(box_end(&c), -SIGKILL);
	ck_assert_int_eq(box_put(s, "mine", 10), TP_OK);
	store_close(s);
}
END_TEST

static Suite *lmdb_env_suite(void)
{
	Suite *suite = suite_create("lmdb_env");
	TCase *tc = tcase_create("lmdb_env");

	tcase_set_timeout(tc, 60);
	tcase_add_unchecked_fixture(tc, box_make, box_remove);
	tcase_add_test(tc, makes_its_folder_and_files_for_the_group);
	tcase_add_test(tc, gives_what_root_makes_to_the_owner_of_the_state_folder);
	tcase_add_test(tc, root_opens_no_file_that_the_owner_may_not);
	tcase_add_test(tc, says_why_a_folder_cannot_be_used);
	tcase_add_test(tc, says_that_there_is_no_permission);
	tcase_add_test(tc, refuses_a_file_that_is_no_store);
	tcase_add_test(tc, cannot_tell_what_was_in_a_file_that_was_cut_short);
	tcase_add_test(tc, grows_while_other_processes_have_it_open);
	tcase_add_test(tc, takes_a_list_of_writes_that_is_larger_than_the_map);
	tcase_add_test(tc, does_not_grow_while_items_come_and_go);
	tcase_add_test(tc, uses_the_pages_of_a_killed_reader_again);
	tcase_add_test(tc, goes_on_beside_a_reader_that_does_not_end);
	tcase_add_test(tc, goes_on_when_a_full_disk_has_room_again);
	tcase_add_test(tc, opens_it_anew_after_a_write_that_spoilt_it);
	tcase_add_test(tc, keeps_what_was_acknowledged_when_writers_are_killed);
	tcase_add_test(tc, waits_for_a_stopped_writer_no_longer_than_its_budget);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	return check_run(lmdb_env_suite());
}
