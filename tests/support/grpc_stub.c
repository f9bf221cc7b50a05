/* SPDX-License-Identifier: MIT */
/* The scripted service: a child process, and a shared page in which it notes what it is asked. */
#include "support/grpc_stub.h"

#include "base/clock.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
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

enum { STEPS = 16, FRAME_MOST = 16384, NOTES = 16384 };
enum { DATA = 0, HEADERS = 1, RST_STREAM = 3, SETTINGS = 4, PING = 6, GOAWAY = 7 };
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4 };

struct shared {
	atomic_int connections, calls;
	size_t headers_len, body_len;
	char headers[NOTES], body[NOTES];
};

struct grpc_stub {
	pid_t pid;
	int listener, port;
	struct grpc_step steps[STEPS];
	size_t n_steps;
	struct shared *shared;
	/* the child's */
	int fd;
	size_t at;
	nghttp2_hd_inflater *inflater;
};

static _Noreturn void give_up(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

/* ---- bytes ---- */

static bool get(int fd, void *to, size_t n)
{
	unsigned char *p = to;

	while (n > 0) {
		ssize_t got = read(fd, p, n);

		if (got <= 0)
			return false;
		p += got;
		n -= (size_t)got;
	}
	return true;
}

static bool put(int fd, const void *from, size_t n)
{
	return n == 0 || send(fd, from, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static bool put_frame(int fd, int type, int flags, uint32_t stream, const void *p, size_t n)
{
	unsigned char f[9 + 512] = { (unsigned char)(n >> 16),
				     (unsigned char)(n >> 8),
				     (unsigned char)n,
				     (unsigned char)type,
				     (unsigned char)flags,
				     (unsigned char)(stream >> 24),
				     (unsigned char)(stream >> 16),
				     (unsigned char)(stream >> 8),
				     (unsigned char)stream };

	if (n > 512)
		give_up("a frame of the stub is too long");
	if (n > 0)
		memcpy(f + 9, p, n);
	return put(fd, f, 9 + n);
}

/* A header as a literal that no table keeps (RFC 7541 6.2.2). */
static size_t literal(char *to, const char *name, const char *value)
{
	size_t n = strlen(name), v = strlen(value);

	to[0] = 0;
	to[1] = (char)n;
	memcpy(to + 2, name, n);
	to[2 + n] = (char)v;
	memcpy(to + 3 + n, value, v);
	return 3 + n + v;
}

static bool put_headers(const struct grpc_stub *s, uint32_t stream, int http, int status, bool end)
{
	char block[256], number[16];
	size_t n = 0;

	if (http >= 0) {
		snprintf(number, sizeof(number), "%d", http);
		n += literal(block + n, ":status", number);
		n += literal(block + n, "content-type", "application/grpc");
	}
	if (status >= 0) {
		snprintf(number, sizeof(number), "%d", status);
		n += literal(block + n, "grpc-status", number);
	}
	return put_frame(s->fd, HEADERS, END_HEADERS | (end ? END_STREAM : 0), stream, block, n);
}

static bool put_go_away(const struct grpc_stub *s, uint32_t last)
{
	const unsigned char p[8] = { 0, 0, 0, (unsigned char)last };

	return put_frame(s->fd, GOAWAY, 0, 0, p, sizeof(p));
}

/* ---- the child ---- */

static bool chatter(const struct grpc_stub *s)
{
	static const char ping[8] = "chatter";

	while (put_frame(s->fd, PING, 0, 0, ping, sizeof(ping)))
		clock_pause_us(1000);
	return false;
}

static bool silence(const struct grpc_stub *s)
{
	char byte;

	while (get(s->fd, &byte, 1))
		;
	return false;
}

/* False: the connection is over. */
static bool act(const struct grpc_stub *s, const struct grpc_step *step, uint32_t stream)
{
	const unsigned char code[4] = { 0, 0, 0, (unsigned char)step->n };

	switch (step->act) {
	case STUB_OK:
		return put_headers(s, stream, 200, -1, false) &&
		       put_frame(s->fd, DATA, 0, stream, "\0\0\0\0", 5) &&
		       put_headers(s, stream, -1, 0, true);
	case STUB_STATUS:
		return put_headers(s, stream, 200, step->n, true);
	case STUB_SAY:
		return put(s->fd, step->say, step->len);
	case STUB_SILENCE:
		return silence(s);
	case STUB_HALF:
		return put_headers(s, stream, 200, -1, false) &&
		       put_frame(s->fd, DATA, 0, stream, "\0\0", 3) && silence(s);
	case STUB_TRAILERS:
		return put_headers(s, stream, 200, -1, false) &&
		       put_frame(s->fd, DATA, step->n < 0 ? END_STREAM : 0, stream, step->say,
				 step->len) &&
		       (step->n < 0 || put_headers(s, stream, -1, step->n, true));
	case STUB_HTTP:
		return put_headers(s, stream, step->n, 0, true);
	case STUB_RESET:
		return put_frame(s->fd, RST_STREAM, 0, stream, code, sizeof(code));
	case STUB_GOAWAY:
		put_go_away(s, 0);
		return false;
	case STUB_CHATTER:
		return chatter(s);
	}
	return false;
}

static bool answer(struct grpc_stub *s, uint32_t stream)
{
	static const struct grpc_step good = { .act = STUB_OK };
	const struct grpc_step *step = s->at < s->n_steps ? &s->steps[s->at] : &good;

	s->at++;
	atomic_fetch_add(&s->shared->calls, 1);
	if (step->wait_ms > 0)
		clock_pause_us(step->wait_ms * 1000);
	if (!act(s, step, stream))
		return false;
	if (step->go_away && !put_go_away(s, stream))
		return false;
	return !step->hang_up;
}

static void note_headers(struct grpc_stub *s, const unsigned char *p, size_t n)
{
	struct shared *sh = s->shared;
	int flags = 0;

	sh->headers_len = 0;
	sh->body_len = 0;
	while ((flags & NGHTTP2_HD_INFLATE_FINAL) == 0) {
		nghttp2_nv nv;
		ssize_t used = nghttp2_hd_inflate_hd2(s->inflater, &nv, &flags, p, n, 1);

		if (used < 0)
			give_up("the headers of a call");
		p += used;
		n -= (size_t)used;
		if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0)
			sh->headers_len += (size_t)snprintf(
				sh->headers + sh->headers_len, NOTES - sh->headers_len,
				"%.*s: %.*s\n", (int)nv.namelen, (const char *)nv.name,
				(int)nv.valuelen, (const char *)nv.value);
	}
	nghttp2_hd_inflate_end_headers(s->inflater);
}

/* One frame of the client's. False: the connection is over. */
static bool serve_frame(struct grpc_stub *s)
{
	unsigned char head[9], p[FRAME_MOST];
	uint32_t stream;
	size_t n;

	if (!get(s->fd, head, sizeof(head)))
		return false;
	n = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
	stream = (uint32_t)head[5] << 24 | (uint32_t)head[6] << 16 | (uint32_t)head[7] << 8 |
		 head[8];
	if (n > sizeof(p) || !get(s->fd, p, n))
		return false;
	if (head[3] == SETTINGS && (head[4] & ACK) == 0)
		return put_frame(s->fd, SETTINGS, ACK, 0, NULL, 0);
	if (head[3] == HEADERS)
		note_headers(s, p, n);
	if (head[3] == DATA && s->shared->body_len + n <= NOTES) {
		memcpy(s->shared->body + s->shared->body_len, p, n);
		s->shared->body_len += n;
	}
	if ((head[3] == HEADERS || head[3] == DATA) && (head[4] & END_STREAM) != 0)
		return answer(s, stream);
	return true;
}

/* Not at once: bytes that nobody read would make of it a reset, which takes the answer with it. */
static void part(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char bytes[256];

	shutdown(fd, SHUT_WR);
	while (poll(&p, 1, 10) > 0 && read(fd, bytes, sizeof(bytes)) > 0)
		;
	close(fd);
}

static void serve_connection(struct grpc_stub *s)
{
	char preface[24];
	int on = 1;

	(void)setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	atomic_fetch_add(&s->shared->connections, 1);
	if (nghttp2_hd_inflate_new(&s->inflater) != 0)
		give_up("an inflater");
	if (get(s->fd, preface, sizeof(preface)) && put_frame(s->fd, SETTINGS, 0, 0, NULL, 0)) {
		while (serve_frame(s))
			;
	}
	nghttp2_hd_inflate_del(s->inflater);
	part(s->fd);
}

/* ---- the parent ---- */

static void listen_on(struct grpc_stub *s, const char *path)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(in);
	const struct sockaddr *to = (const struct sockaddr *)&in;

	if (path != NULL) {
		snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
		to = (const struct sockaddr *)&un;
		len = sizeof(un);
	}
	s->listener = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->listener < 0 || bind(s->listener, to, len) != 0 || listen(s->listener, 16) != 0)
		give_up("the stub's socket");
	if (path == NULL && getsockname(s->listener, (struct sockaddr *)&in, &len) == 0)
		s->port = ntohs(in.sin_port);
}

struct grpc_stub *grpc_stub_start(const struct grpc_step *steps, size_t n, const char *path)
{
	struct grpc_stub *s = calloc(1, sizeof(*s));

	if (s == NULL || n > STEPS)
		give_up("the stub's steps");
	if (n > 0)
		memcpy(s->steps, steps, n * sizeof(*steps));
	s->n_steps = n;
	s->shared = mmap(NULL, sizeof(*s->shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s->shared == MAP_FAILED)
		give_up("mmap");
	listen_on(s, path);
	s->pid = fork();
	if (s->pid < 0)
		give_up("fork");
	if (s->pid > 0)
		return s;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while ((s->fd = accept(s->listener, NULL, NULL)) >= 0)
		serve_connection(s);
	_exit(0);
}

void grpc_stub_stop(struct grpc_stub *s)
{
	if (s == NULL)
		return;
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	close(s->listener);
	munmap(s->shared, sizeof(*s->shared));
	free(s);
}

void grpc_stub_pause(struct grpc_stub *s, bool on)
{
	int status;

	kill(s->pid, on ? SIGSTOP : SIGCONT);
	waitpid(s->pid, &status, on ? WUNTRACED : WCONTINUED);
}

int grpc_stub_port(const struct grpc_stub *s)
{
	return s->port;
}

int grpc_stub_connections(const struct grpc_stub *s)
{
	return atomic_load(&s->shared->connections);
}

int grpc_stub_calls(const struct grpc_stub *s)
{
	return atomic_load(&s->shared->calls);
}

const char *grpc_stub_headers(const struct grpc_stub *s)
{
	return s->shared->headers;
}

const char *grpc_stub_body(const struct grpc_stub *s, size_t *ret_len)
{
	*ret_len = s->shared->body_len;
	return s->shared->body;
}
