/* SPDX-License-Identifier: MIT */
/*
 * Owns the messages to systemd and the pipe of the first worker that serves. What they are about is
 * decided by the supervisor. The protocol is a few words on a datagram socket, less than a library
 * would cost each process.
 */
#include "run/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#include "base/banned.h"

/* systemd reads at once; a supervisor must not hang on one that does not. */
enum { SEND_MOST_S = 5, US_PER_MS = 1000 };

static void say(const struct notify *n, const char *message)
{
	if (n == NULL || n->fd < 0)
		return;
	/* Not connected: the socket is another one after systemd has started itself anew. */
	if (sendto(n->fd, message, strlen(message), MSG_NOSIGNAL, (const struct sockaddr *)&n->to,
		   n->to_len) < 0)
		log_event(LOG_LEVEL_WARN, "notify.lost", LOG_STR("message", message),
			  LOG_STR("reason", strerrordesc_np(errno)));
}

static bool parse_address(const char *name, struct notify *n)
{
	size_t len = strlen(name);

	if (len < 2 || len >= sizeof(n->to.sun_path) || (name[0] != '/' && name[0] != '@'))
		return false;
	n->to = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(n->to.sun_path, name, len);
	if (name[0] == '@')
		n->to.sun_path[0] = '\0'; /* abstract: its length is part of the name */
	else
		len++;
	n->to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	return true;
}

static int open_socket(void)
{
	struct timeval most = { .tv_sec = SEND_MOST_S };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof(most));
	return fd;
}

/* WATCHDOG_PID may name another process, whose affair it is then. */
static int64_t watchdog_ms(const char *usec, const char *pid)
{
	int64_t us, whose;

	if (usec == NULL || !span_int(span_of(usec), 1, INT64_MAX, &us))
		return 0;
	if (pid != NULL && (!span_int(span_of(pid), 1, INT32_MAX, &whose) || whose != getpid()))
		return 0;
	us /= 2; /* as sd_watchdog_enabled(3) advises */
	return us < US_PER_MS ? 1 : us / US_PER_MS;
}

void notify_open(struct notify *n)
{
	/* NOLINTBEGIN(concurrency-mt-unsafe): there are no threads */
	const char *name = getenv("NOTIFY_SOCKET");

	*n = (struct notify){ .fd = -1, .serving = { -1, -1 } };
	if (name != NULL && parse_address(name, n))
		n->fd = open_socket();
	if (name != NULL && n->fd < 0)
		log_event(LOG_LEVEL_WARN, "notify.address", LOG_STR("address", name));
	if (n->fd >= 0)
		n->watchdog_ms = watchdog_ms(getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"));
	n->alive_ms = clock_mono_ms();
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	/* NOLINTEND(concurrency-mt-unsafe) */
}

static void close_pipe(struct notify *n)
{
	for (int i = 0; i < 2; i++) {
		if (n->serving[i] >= 0)
			close(n->serving[i]);
		n->serving[i] = -1;
	}
}

void notify_close(struct notify *n)
{
	if (n == NULL)
		return;
	close_pipe(n);
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
}

static void say_ready(struct notify *n)
{
	n->ready = true;
	say(n, "READY=1");
}

void notify_await(struct notify *n)
{
	if (n == NULL || n->fd < 0)
		return;
	/* Without one it cannot be told later; so it is told now, which is better than never. */
	if (pipe2(n->serving, O_CLOEXEC | O_NONBLOCK) != 0)
		say_ready(n);
}

int notify_fd(const struct notify *n)
{
	return n == NULL ? -1 : n->serving[0];
}

void notify_heard(struct notify *n)
{
	close_pipe(n);
	say_ready(n);
}

void notify_serving(struct notify *n)
{
	if (n == NULL || n->fd < 0 || n->ready)
		return;
	if (n->serving[1] < 0) {
		say_ready(n);
		return;
	}
	/* It fails when another worker was first. */
	if (write(n->serving[1], "", 1) < 0 && errno != EPIPE)
		log_event(LOG_LEVEL_WARN, "notify.lost", LOG_STR("message", "serving"),
			  LOG_STR("reason", strerrordesc_np(errno)));
	close_pipe(n);
}

void notify_reloading(struct notify *n)
{
	char message[64];

	if (n == NULL || !n->ready)
		return;
	snprintf(message, sizeof(message), "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
		 clock_mono_ms() * US_PER_MS);
	say(n, message);
}

void notify_reloaded(struct notify *n, bool good)
{
	if (n == NULL || !n->ready)
		return;
	say(n, good ? "READY=1\nSTATUS="
		    : "READY=1\nSTATUS=A reload was refused, the log says why; what was read "
		      "before stays in force");
}

void notify_stopping(struct notify *n)
{
	say(n, "STOPPING=1");
}

int64_t notify_alive(struct notify *n)
{
	int64_t now_ms = clock_mono_ms();

	if (n == NULL || n->watchdog_ms == 0)
		return -1;
	if (now_ms - n->alive_ms >= n->watchdog_ms) {
		n->alive_ms = now_ms;
		say(n, "WATCHDOG=1");
	}
	return n->alive_ms + n->watchdog_ms - now_ms;
}
