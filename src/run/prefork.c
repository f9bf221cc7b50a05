/* SPDX-License-Identifier: MIT */
/*
 * Owns the supervisor's loop: start, watch, replace, reload, drain. It serves nothing itself and
 * holds no store or key, so there is little in it that could fail.
 */
#include "run/prefork.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "run/notify.h"
#include "run/signals.h"

#include "base/banned.h"

/* A worker that ends by itself within a second, or is killed within a tenth of one, died young. */
enum { YOUNG_EXIT_MS = 1000, YOUNG_KILL_MS = 100 };

/* One that was killed is back within a second, however often it happens. */
enum { PAUSE_FIRST_MS = 100, PAUSE_MOST_MS = 5000, PAUSE_KILLED_MS = 400 };

struct place {
	pid_t pid; /* 0: empty */
	int64_t started_ms, retry_ms;
	int64_t pause_ms;  /* before the next try, after a worker that died young */
	bool killed_young; /* and not the first time: one that was shot is replaced at once */
	bool known;	   /* not its first child */
};

struct crew {
	const struct prefork *how;
	struct place *places; /* of the workers, then of the one beside them */
	int n;
	int refused; /* exit status of a child beside the workers that refused its settings */
};

static bool is_beside(const struct crew *c, const struct place *p)
{
	return p - c->places == c->how->workers;
}

static void start(struct crew *c, struct place *p)
{
	pid_t supervisor = getpid();
	pid_t pid = fork();

	if (pid == 0) {
		signals_forget();
		/* A supervisor that is killed must not leave a pool that nobody watches. */
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != supervisor)
			_exit(EXIT_FAILURE);
		_exit(is_beside(c, p) ? c->how->beside(c->how->arg) : c->how->work(c->how->arg));
	}
	p->started_ms = clock_mono_ms();
	if (pid < 0) {
		log_event(LOG_LEVEL_ERR, "worker.fork_failed", LOG_INT("errno", errno));
		p->retry_ms = p->started_ms + PAUSE_MOST_MS;
		return;
	}
	p->pid = pid;
}

static struct place *place_of(struct crew *c, pid_t pid)
{
	for (int i = 0; i < c->n; i++) {
		if (c->places[i].pid == pid)
			return &c->places[i];
	}
	return NULL;
}

static void ended(struct crew *c, struct place *p, int status, bool stopping)
{
	int64_t now_ms = clock_mono_ms();
	int64_t limit_ms = WIFEXITED(status) ? YOUNG_EXIT_MS : YOUNG_KILL_MS;
	int64_t most_ms = WIFEXITED(status) ? PAUSE_MOST_MS : PAUSE_KILLED_MS;
	bool young = now_ms - p->started_ms < limit_ms;
	bool spared = young && !WIFEXITED(status) && !p->killed_young;

	if (!stopping)
		log_event(LOG_LEVEL_NOTICE, is_beside(c, p) ? "beside.ended" : "worker.ended",
			  LOG_INT("pid", p->pid),
			  LOG_INT("exit", WIFEXITED(status) ? WEXITSTATUS(status) : -1),
			  LOG_INT("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0));
	if (is_beside(c, p) && !p->known && WIFEXITED(status) &&
	    WEXITSTATUS(status) == rc_info(TP_INVALID)->exit_status)
		c->refused = WEXITSTATUS(status);
	p->known = true;
	/* One that died young would only do so again, but for a single shot. */
	p->killed_young = young && !WIFEXITED(status);
	if (!young || spared)
		p->pause_ms = 0;
	else if (p->pause_ms == 0)
		p->pause_ms = PAUSE_FIRST_MS;
	else
		p->pause_ms = p->pause_ms * 2 < most_ms ? p->pause_ms * 2 : most_ms;
	p->pid = 0;
	p->retry_ms = now_ms + p->pause_ms;
}

static void reap(struct crew *c, bool stopping)
{
	struct place *p;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		p = place_of(c, pid);
		if (p != NULL)
			ended(c, p, status, stopping);
	}
}

/* Starts what is due; returns milliseconds until the next is, or -1. */
static int fill(struct crew *c)
{
	int64_t now_ms = clock_mono_ms();
	int64_t next_ms = -1;

	for (int i = 0; i < c->n; i++) {
		struct place *p = &c->places[i];

		if (p->pid == 0 && p->retry_ms <= now_ms)
			start(c, p);
		if (p->pid == 0 && (next_ms < 0 || p->retry_ms - now_ms < next_ms))
			next_ms = p->retry_ms - now_ms;
	}
	return (int)next_ms;
}

static void tell(const struct crew *c, int number)
{
	for (int i = 0; i < c->n; i++) {
		if (c->places[i].pid > 0)
			kill(c->places[i].pid, number);
	}
}

static int alive(const struct crew *c)
{
	int n = 0;

	for (int i = 0; i < c->n; i++)
		n += c->places[i].pid > 0;
	return n;
}

/* At most so long, -1: for ever; less when a sign of life is due. */
static void wait_ms(const struct crew *c, int64_t ms)
{
	struct pollfd p = { .fd = notify_fd(c->how->notify), .events = POLLIN };
	int64_t alive_ms = notify_alive(c->how->notify);
	struct timespec t;

	if (alive_ms >= 0 && (ms < 0 || alive_ms < ms))
		ms = alive_ms;
	t = (struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
	if (ppoll(&p, 1, ms < 0 ? NULL : &t, signals_wait_mask()) > 0)
		notify_heard(c->how->notify);
}

static void reopen(struct crew *c)
{
	log_reopen();
	tell(c, SIGUSR2);
}

static void reload(struct crew *c)
{
	bool good;

	notify_reloading(c->how->notify);
	good = c->how->check(c->how->arg);
	/* The file may have been rotated however wrong the settings are. */
	tell(c, good ? SIGHUP : SIGUSR2);
	notify_reloaded(c->how->notify, good);
}

static void drain(struct crew *c, int grace_s)
{
	int64_t end_ms = clock_mono_ms() + (int64_t)grace_s * 1000;

	notify_stopping(c->how->notify);
	tell(c, SIGTERM);
	while (alive(c) > 0 && clock_mono_ms() < end_ms) {
		wait_ms(c, end_ms - clock_mono_ms());
		reap(c, true);
	}
	if (alive(c) > 0) {
		log_event(LOG_LEVEL_NOTICE, "pool.killed", LOG_INT("processes", alive(c)));
		tell(c, SIGKILL);
	}
}

int prefork_run(const struct prefork *how, int grace_s)
{
	struct crew c = { .how = how, .n = how->workers + (how->beside != NULL) };

	c.places = calloc((size_t)c.n, sizeof(*c.places));
	if (c.places == NULL)
		return EXIT_FAILURE;
	signals_watch_children();
	notify_await(how->notify);
	log_event(LOG_LEVEL_NOTICE, "pool.start", LOG_INT("workers", how->workers));
	while (!signals_stop() && c.refused == 0) {
		wait_ms(&c, fill(&c));
		if (signals_child())
			reap(&c, false);
		if (signals_reopen())
			reopen(&c);
		if (signals_reload())
			reload(&c);
	}
	drain(&c, grace_s);
	log_event(LOG_LEVEL_NOTICE, "pool.stop", LOG_INT("workers", how->workers));
	free(c.places);
	return c.refused;
}
