/* SPDX-License-Identifier: MIT */
/*
 * The box of lmdb_box.h. Children open their store after the fork, as workers do; a test that forks
 * while it has one open itself does not use it in the child.
 */
#include "support/lmdb_box.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/banned.h"

static char root[128];
static char filler[4096];
int64_t box_now_s = BOX_NOW;

static int64_t fake_now(void *arg)
{
	return *(int64_t *)arg;
}

void box_make(void)
{
	const char *tmp = getenv("TMPDIR");

	/* Memory, where there is some: each of many thousand writes would wait for the disk. */
	if (tmp == NULL)
		tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	snprintf(root, sizeof(root), "%s/tpauth-lmdb-XXXXXX", tmp);
	ck_assert_ptr_nonnull(mkdtemp(root));
	/* LMDB asks for 2 MB of zeros at each opening; this keeps them the kernel's work. */
	mallopt(M_MMAP_THRESHOLD, 128 * 1024);
}

const char *box_root(void)
{
	return root;
}

const char *box_path(const char *name)
{
	static char p[256];

	snprintf(p, sizeof(p), "%s/sessions%s%s", root, *name != '\0' ? "/" : "", name);
	return p;
}

void box_clear(void *unused)
{
	(void)unused;
	unlink(box_path("data.mdb"));
	unlink(box_path("lock.mdb"));
	unlink(box_path("write.lock"));
	rmdir(box_path(""));
}

void box_remove(void)
{
	box_clear(NULL);
	rmdir(root);
}

enum tp_rc box_try(size_t map_bytes, int64_t timeout_ms, struct store **ret, struct tp_err *err)
{
	struct store_spec spec = { .url = "lmdb://", .state_dir = root, .clock.arg = &box_now_s };

	spec.clock.now_s = fake_now;
	spec.lmdb_map_bytes = map_bytes;
	spec.timeout_ms = timeout_ms;
	return store_open(&spec, ret, err);
}

struct store *box_open(size_t map_bytes, int64_t timeout_ms)
{
	struct store *s = NULL;
	struct tp_err err = { 0 };

	ck_assert_msg(box_try(map_bytes, timeout_ms, &s, &err) == TP_OK, "%s", err.msg);
	return s;
}

off_t box_size(void)
{
	struct stat st;

	ck_assert_int_eq(stat(box_path("data.mdb"), &st), 0);
	return st.st_size;
}

struct store_op box_op(enum store_verb verb, const char *item)
{
	struct store_op op = { .verb = verb, .ttl_s = BOX_TTL };

	op.key = (struct store_key){ STORE_LOGIN, SPAN_LIT("u"), span_of(item) };
	return op;
}

enum tp_rc box_put(struct store *s, const char *item, size_t bytes)
{
	struct store_op op = box_op(STORE_PUT, item);

	op.value = (struct span){ filler, bytes };
	store_begin(s);
	return store_do(s, &op, NULL);
}

enum tp_rc box_put_number(struct store *s, int n, size_t bytes)
{
	char item[16];

	snprintf(item, sizeof(item), "%d", n);
	return box_put(s, item, bytes);
}

enum tp_rc box_get(struct store *s, const char *item, struct tp_err *err)
{
	struct store_op op = box_op(STORE_GET, item);

	store_begin(s);
	return store_do(s, &op, err);
}

enum tp_rc box_get_number(struct store *s, int n)
{
	char item[16];

	snprintf(item, sizeof(item), "%d", n);
	return box_get(s, item, NULL);
}

enum tp_rc box_count_one(void *arg, struct span item, struct span value)
{
	(void)item;
	(void)value;
	++*(int *)arg;
	return TP_OK;
}

int box_count(struct store *s)
{
	int n = 0;
	struct store_op op = box_op(STORE_LIST, "");

	op.each = box_count_one;
	op.arg = &n;
	store_begin(s);
	ck_assert_int_eq(store_do(s, &op, NULL), TP_OK);
	return n;
}

struct box_child box_start(size_t map_bytes, box_child_fn *fn)
{
	int down[2], up[2];
	struct box_child c;

	ck_assert_int_eq(pipe2(down, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(up, O_CLOEXEC), 0);
	fflush(NULL);
	c.pid = fork();
	if (c.pid == 0) {
		struct store *s = NULL;
		int status;

		close(down[1]);
		close(up[0]);
		if (box_try(map_bytes, 20000, &s, NULL) != TP_OK)
			_exit(99);
		status = fn(s, down[0], up[1]);
		store_close(s);
		_exit(status);
	}
	ck_assert_int_gt(c.pid, 0);
	close(down[0]);
	close(up[1]);
	c.to = down[1];
	c.from = up[0];
	return c;
}

int box_end(struct box_child *c)
{
	int status = 0;

	close(c->to);
	close(c->from);
	ck_assert_int_eq(waitpid(c->pid, &status, 0), c->pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void box_say(int fd)
{
	ck_assert_int_eq(write(fd, "!", 1), 1);
}

void box_hear(int fd)
{
	char c;

	ck_assert_int_eq(read(fd, &c, 1), 1);
}

int box_write_for_ever(struct store *s, int in, int out)
{
	(void)in;
	for (int i = 0; box_put_number(s, i, 500) == TP_OK; i++)
		if (write(out, &i, sizeof(i)) != (ssize_t)sizeof(i))
			break;
	return 1;
}
