/* SPDX-License-Identifier: MIT */
/* The scripted server: a child process, and a shared page run in which it notes what it is told. */
#include "support/mc_fake.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/banned.h"

enum { STEPS = 64, HEARD = 1 << 20, HEADER = 24, ANSWER = 65536 };

struct shared {
	atomic_size_t n_connections, n_heard;
	char heard[HEARD];
};

struct mc_fake {
	pid_t pid;
	int listener, port;
	struct mc_fake_step steps[STEPS];
	size_t n_steps;
	struct shared *shared;
	/* the child's */
	int fd; /* -1: nobody is there */
	char answer[ANSWER];
	size_t len;
};

static _Noreturn void give_up(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static void await_connection(struct mc_fake *f)
{
	int on = 1;

	f->fd = accept(f->listener, NULL, NULL);
	if (f->fd < 0)
		give_up("accept");
	(void)setsockopt(f->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	atomic_fetch_add(&f->shared->n_connections, 1);
}

static void drop(struct mc_fake *f)
{
	close(f->fd);
	f->fd = -1;
	f->len = 0;
}

static bool hear(struct mc_fake *f, size_t n)
{
	size_t at = atomic_load(&f->shared->n_heard);

	if (n > HEARD - at ||
	    (n > 0 && recv(f->fd, f->shared->heard + at, n, MSG_WAITALL) != (ssize_t)n))
		return false;
	atomic_store(&f->shared->n_heard, at + n);
	return true;
}

static size_t get_be(const char *p, int n)
{
	size_t v = 0;

	for (int i = 0; i < n; i++)
		v = v << 8 | (unsigned char)p[i];
	return v;
}

/* False: the other side has gone. */
static bool await_request(struct mc_fake *f, char header[HEADER])
{
	size_t at = atomic_load(&f->shared->n_heard);

	if (!hear(f, HEADER))
		return false;
	memcpy(header, f->shared->heard + at, HEADER);
	return hear(f, get_be(header + 8, 4));
}

static void put(struct mc_fake *f, const void *p, size_t n)
{
	if (n > ANSWER - f->len)
		give_up("fake memcached: a long answer");
	memcpy(f->answer + f->len, p, n);
	f->len += n;
}

static void compose(struct mc_fake *f, const struct mc_fake_step *step, const char *request)
{
	bool found = request[1] == 0 && step->status == 0;
	const char *value = step->value != NULL ? step->value : "";
	size_t start = f->len, body = found ? 4 + strlen(value) : 0;
	char h[HEADER] = { (char)0x81, request[1] };

	h[4] = found ? 4 : 0;
	h[6] = (char)(step->status >> 8);
	h[7] = (char)step->status;
	for (int i = 0; i < 4; i++)
		h[8 + i] = (char)(body >> (24 - 8 * i));
	memcpy(h + 12, request + 12, 4);
	h[HEADER - 1] = 7;
	put(f, h, sizeof(h));
	if (found) {
		put(f, "\0\0\0\0", 4);
		put(f, value, strlen(value));
	}
	f->answer[start + (size_t)step->flip_at] ^= (char)step->flip;
	if (step->cut > 0)
		f->len = start + step->cut;
	if (step->more != NULL)
		put(f, step->more, strlen(step->more));
}

static void say(struct mc_fake *f, const struct mc_fake_step *step)
{
	size_t sent = 0;

	usleep((useconds_t)step->wait_ms * 1000);
	while (sent < f->len) {
		size_t most = step->drip_ms > 0 ? 1 : f->len - sent;
		ssize_t n = send(f->fd, f->answer + sent, most, MSG_NOSIGNAL);

		if (n <= 0)
			break;
		sent += (size_t)n;
		usleep((useconds_t)step->drip_ms * 1000);
	}
	f->len = 0;
}

static _Noreturn void serve(struct mc_fake *f)
{
	for (size_t i = 0;; i += i < f->n_steps) {
		static const struct mc_fake_step silence = { .silent = true };
		const struct mc_fake_step *step = i < f->n_steps ? &f->steps[i] : &silence;
		char request[HEADER];

		for (;;) {
			if (f->fd < 0)
				await_connection(f);
			if (await_request(f, request))
				break;
			drop(f);
		}
		if (!step->silent)
			compose(f, step, request);
		if (!step->hold)
			say(f, step);
		if (step->hang_up)
			drop(f);
	}
}

struct mc_fake *mc_fake_start(const struct mc_fake_step *steps, size_t n)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct mc_fake *f = calloc(1, sizeof(*f));
	socklen_t len = sizeof(a);
	pid_t self = getpid();

	if (f == NULL || n > STEPS)
		give_up("fake memcached");
	memcpy(f->steps, steps, n * sizeof(*steps));
	f->n_steps = n;
	f->fd = -1;
	f->shared = mmap(NULL, sizeof(*f->shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	f->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (f->shared == MAP_FAILED || f->listener < 0 ||
	    bind(f->listener, (const struct sockaddr *)&a, sizeof(a)) != 0 ||
	    getsockname(f->listener, (struct sockaddr *)&a, &len) != 0 ||
	    listen(f->listener, 8) != 0)
		give_up("fake memcached");
	f->port = ntohs(a.sin_port);
	fflush(NULL);
	f->pid = fork();
	if (f->pid < 0)
		give_up("fake memcached");
	if (f->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == self)
			serve(f);
		_exit(EXIT_FAILURE);
	}
	close(f->listener);
	return f;
}

void mc_fake_stop(struct mc_fake *f)
{
	if (f == NULL)
		return;
	kill(f->pid, SIGKILL);
	waitpid(f->pid, NULL, 0);
	munmap(f->shared, sizeof(*f->shared));
	free(f);
}

int mc_fake_port(const struct mc_fake *f)
{
	return f->port;
}

size_t mc_fake_connections(const struct mc_fake *f)
{
	return atomic_load(&f->shared->n_connections);
}

struct span mc_fake_heard(const struct mc_fake *f)
{
	return (struct span){ f->shared->heard, atomic_load(&f->shared->n_heard) };
}
