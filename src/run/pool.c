/* SPDX-License-Identifier: MIT */
/*
 * Owns STATE_DIR/pool.lock: byte i of its first half is the place of a worker, byte i of its second
 * half the place of a login. Locks are OFD locks (fcntl(2)), which belong to the open file and not
 * to the process, so that a stray close() elsewhere cannot drop them.
 */
#include "run/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/banned.h"

enum {
	PLACES = LIMIT_WORKERS,
	COUNT_EVERY_MS = 1000,
	WAIT_MS = 50,
	PAUSE_FIRST_US = 50,
	PAUSE_MOST_US = 2000
};

struct pool {
	int fd;
	int place;   /* ours among the workers */
	int login;   /* ours among the logins, -1: none */
	int workers; /* as last counted */
	int64_t counted_ms;
};

static struct flock byte_lock(short type, int at)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1 };

	return l;
}

static bool try_lock(int fd, int at)
{
	struct flock l = byte_lock(F_WRLCK, at);

	return fcntl(fd, F_OFD_SETLK, &l) == 0;
}

static bool is_locked(int fd, int at)
{
	struct flock l = byte_lock(F_WRLCK, at);

	return fcntl(fd, F_OFD_GETLK, &l) == 0 && l.l_type != F_UNLCK;
}

enum tp_rc pool_open(const char *state_dir, struct pool **ret, struct tp_err *err)
{
	char path[PATH_MAX];
	struct pool *p;
	int place = 0;

	if ((size_t)snprintf(path, sizeof(path), "%s/pool.lock", state_dir) >= sizeof(path))
		return tp_fail(err, TP_UNAVAILABLE, "STATE_DIR: path too long");
	p = malloc(sizeof(*p));
	if (p == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	*p = (struct pool){ .login = -1 };
	p->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0660);
	if (p->fd < 0) {
		tp_fail(err, TP_UNAVAILABLE, "STATE_DIR: %.80s: %s", path, strerrordesc_np(errno));
		free(p);
		return TP_UNAVAILABLE;
	}
	while (place < PLACES && !try_lock(p->fd, place))
		place++;
	p->place = place; /* past the last: uncounted, but working */
	*ret = p;
	return TP_OK;
}

void pool_close(struct pool *p)
{
	if (p == NULL)
		return;
	close(p->fd); /* frees the locks */
	free(p);
}

int pool_workers(const struct pool *p)
{
	int n = 1;

	/* Places are taken from the front, so a free stretch as long as what was counted ends the
	 * search: gaps come from workers that ended. */
	for (int i = 0, gap = 0; i < PLACES && gap < n + 8; i++) {
		if (i == p->place)
			continue;
		if (is_locked(p->fd, i)) {
			n++;
			gap = 0;
		} else {
			gap++;
		}
	}
	return n;
}

static bool take_login(struct pool *p)
{
	int most = p->workers / 2 > 0 ? p->workers / 2 : 1;

	for (int i = 0; i < most; i++) {
		if (try_lock(p->fd, PLACES + i)) {
			p->login = PLACES + i;
			return true;
		}
	}
	return false;
}

/* A cheap hash is over in microseconds, so a moment's patience spares most refusals. */
static bool enter(void *arg)
{
	struct pool *p = arg;
	int64_t now_ms = clock_mono_ms();
	int64_t end_ms = now_ms + WAIT_MS;

	if (p->workers == 0 || now_ms - p->counted_ms >= COUNT_EVERY_MS) {
		p->workers = pool_workers(p);
		p->counted_ms = now_ms;
	}
	for (int64_t pause_us = PAUSE_FIRST_US; !take_login(p); pause_us *= 2) {
		if (clock_mono_ms() >= end_ms)
			return false;
		clock_pause_us(pause_us < PAUSE_MOST_US ? pause_us : PAUSE_MOST_US);
	}
	return true;
}

static void leave(void *arg)
{
	struct pool *p = arg;
	struct flock l;

	if (p->login < 0)
		return;
	l = byte_lock(F_UNLCK, p->login);
	fcntl(p->fd, F_OFD_SETLK, &l);
	p->login = -1;
}

struct auth_gate pool_gate(struct pool *p)
{
	return p != NULL ? (struct auth_gate){ enter, leave, p } : (struct auth_gate){ 0 };
}
