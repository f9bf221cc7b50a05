/* SPDX-License-Identifier: MIT */
/* The scripted server: a child process, and a shared page run in which it notes what it is told. */
#include "support/fake_peer.h"

#include "base/str.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/banned.h"

enum { STEPS = 64, COMMANDS = 256, WORDS = 64, NOTES = 1 << 20, AWAIT_MS = 10000 };

struct command {
	size_t n;
	size_t at[WORDS]; /* into notes, where each word ends with a NUL */
};

struct shared {
	atomic_size_t n_connections, n_commands, n_done;
	struct command commands[COMMANDS];
	size_t n_notes;
	char notes[NOTES];
};

struct fake_peer {
	pid_t pid;
	int listener, port;
	struct fake_step steps[STEPS];
	size_t n_steps;
	struct shared *shared;
	/* the child's */
	int fd; /* -1: nobody is there */
	FILE *in;
};

static _Noreturn void give_up(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

/* ---- the child ---- */

static void drop(struct fake_peer *p)
{
	if (p->in != NULL)
		fclose(p->in);
	p->in = NULL;
	p->fd = -1;
}

static void await_connection(struct fake_peer *p)
{
	int on = 1;

	p->fd = accept(p->listener, NULL, NULL);
	if (p->fd < 0)
		give_up("accept");
	/* So that what it says is there at once; a unix socket has no such option. */
	(void)setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	p->in = fdopen(p->fd, "r");
	atomic_fetch_add(&p->shared->n_connections, 1);
}

static bool read_number(struct fake_peer *p, char type, size_t *ret)
{
	char line[32];
	struct span s;
	int64_t n;

	if (fgets(line, sizeof(line), p->in) == NULL || line[0] != type)
		return false;
	s = span_of(line + 1);
	if (s.len < 2 || strcmp(line + s.len - 1, "\r\n") != 0)
		return false;
	if (!span_int((struct span){ s.p, s.len - 2 }, 0, NOTES, &n))
		return false;
	*ret = (size_t)n;
	return true;
}

static bool read_word(struct fake_peer *p, struct command *c)
{
	struct shared *s = p->shared;
	char end[2];
	size_t len;

	if (!read_number(p, '$', &len) || c->n == WORDS || len >= NOTES - s->n_notes)
		return false;
	if (fread(s->notes + s->n_notes, 1, len, p->in) != len)
		return false;
	if (fread(end, 1, sizeof(end), p->in) != sizeof(end) || memcmp(end, "\r\n", 2) != 0)
		return false;
	s->notes[s->n_notes + len] = '\0';
	c->at[c->n++] = s->n_notes;
	s->n_notes += len + 1;
	return true;
}

/* False: the other side has gone, or talks nonsense. */
static bool await_command(struct fake_peer *p)
{
	size_t at = atomic_load(&p->shared->n_commands);
	struct command *c = &p->shared->commands[at];
	size_t n;

	if (at == COMMANDS || !read_number(p, '*', &n))
		return false;
	c->n = 0;
	while (c->n < n)
		if (!read_word(p, c))
			return false;
	atomic_store(&p->shared->n_commands, at + 1);
	return true;
}

static void say(struct fake_peer *p, const struct fake_step *step)
{
	size_t left = step->len > 0 ? step->len : step->say != NULL ? strlen(step->say) : 0;
	const char *at = step->say;

	usleep((useconds_t)step->wait_ms * 1000);
	while (left > 0) {
		ssize_t n = send(p->fd, at, step->drip_ms > 0 ? 1 : left, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		at += n;
		left -= (size_t)n;
		usleep((useconds_t)step->drip_ms * 1000);
	}
}

static _Noreturn void serve(struct fake_peer *p)
{
	for (size_t i = 0;; i += i < p->n_steps) {
		static const struct fake_step silence;
		const struct fake_step *step = i < p->n_steps ? &p->steps[i] : &silence;

		do {
			if (p->fd < 0)
				await_connection(p);
			if (step->unasked || await_command(p))
				break;
			drop(p);
		} while (true);
		say(p, step);
		if (step->deaf) {
			shutdown(p->fd, SHUT_RD);
			p->in = NULL;
			p->fd = -1;
		}
		if (step->hang_up)
			drop(p);
		atomic_fetch_add(&p->shared->n_done, 1);
	}
}

/* ---- the parent ---- */

static void listen_tcp(struct fake_peer *p)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);

	p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (p->listener < 0 || bind(p->listener, (const struct sockaddr *)&a, sizeof(a)) != 0 ||
	    getsockname(p->listener, (struct sockaddr *)&a, &len) != 0)
		give_up("fake peer");
	p->port = ntohs(a.sin_port);
}

static void listen_unix(struct fake_peer *p, const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	p->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (p->listener < 0 || bind(p->listener, (const struct sockaddr *)&a, sizeof(a)) != 0)
		give_up(path);
}

struct fake_peer *fake_peer_start(const struct fake_step *steps, size_t n, const char *path)
{
	struct fake_peer *p = calloc(1, sizeof(*p));
	pid_t self = getpid();

	if (p == NULL || n > STEPS)
		give_up("fake peer");
	memcpy(p->steps, steps, n * sizeof(*steps));
	p->n_steps = n;
	p->fd = -1;
	p->shared = mmap(NULL, sizeof(*p->shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p->shared == MAP_FAILED)
		give_up("fake peer");
	if (path != NULL)
		listen_unix(p, path);
	else
		listen_tcp(p);
	if (listen(p->listener, 8) != 0)
		give_up("fake peer");
	fflush(NULL);
	p->pid = fork();
	if (p->pid < 0)
		give_up("fake peer");
	if (p->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == self)
			serve(p);
		_exit(EXIT_FAILURE);
	}
	close(p->listener);
	return p;
}

void fake_peer_stop(struct fake_peer *p)
{
	if (p == NULL)
		return;
	kill(p->pid, SIGKILL);
	waitpid(p->pid, NULL, 0);
	munmap(p->shared, sizeof(*p->shared));
	free(p);
}

int fake_peer_port(const struct fake_peer *p)
{
	return p->port;
}

size_t fake_peer_connections(const struct fake_peer *p)
{
	return atomic_load(&p->shared->n_connections);
}

void fake_peer_await(const struct fake_peer *p, size_t steps)
{
	for (int i = 0; atomic_load(&p->shared->n_done) < steps; i++) {
		if (i == AWAIT_MS)
			give_up("fake peer: a step is not done");
		usleep(1000);
	}
}

size_t fake_peer_commands(const struct fake_peer *p)
{
	return atomic_load(&p->shared->n_commands);
}

const char *fake_peer_word(const struct fake_peer *p, size_t i, size_t word)
{
	if (i >= fake_peer_commands(p) || word >= p->shared->commands[i].n)
		return "";
	return p->shared->notes + p->shared->commands[i].at[word];
}

const char *fake_peer_command(const struct fake_peer *p, size_t i)
{
	static char text[65536];
	size_t len = 0;

	text[0] = '\0';
	for (size_t k = 0; i < fake_peer_commands(p) && k < p->shared->commands[i].n; k++) {
		const char *word = fake_peer_word(p, i, k);

		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", k > 0 ? " " : "",
					strchr(word, '\n') != NULL ? "SCRIPT" : word);
		if (len >= sizeof(text))
			give_up("fake peer: a long command");
	}
	return text;
}
