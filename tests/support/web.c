/* SPDX-License-Identifier: MIT */
#include "support/web.h"

#include "base/tls.h"
#include "support/certs.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/banned.h"

enum { TOGETHER = 4, ASKED = 8192 };

struct peer {
	int fd;
	struct tls *tls; /* NULL: http */
};

static char *note; /* shared with the child */
static pid_t child;
static int port;
static struct web_spec spec;
static struct tls_ctx *ctx;

static void must(bool good, const char *what)
{
	if (!good) {
		perror(what);
		exit(EXIT_FAILURE);
	}
}

static ptrdiff_t get(const struct peer *p, char *to, size_t n)
{
	return p->tls != NULL ? tls_read(p->tls, to, n) : read(p->fd, to, n);
}

static bool put(const struct peer *p, const char *from, size_t n)
{
	while (n > 0) {
		ptrdiff_t done =
			p->tls != NULL ? tls_write(p->tls, from, n) : write(p->fd, from, n);

		if (done <= 0)
			return false;
		from += done;
		n -= (size_t)done;
	}
	return true;
}

/* Head and, by its Content-Length, body. */
static bool is_whole(const char *asked)
{
	static const char name[] = "\r\nContent-Length: ";
	const char *end = strstr(asked, "\r\n\r\n");
	const char *at = strcasestr(asked, name);
	int64_t length = 0;

	if (end == NULL)
		return false;
	if (at != NULL && at < end) {
		at += sizeof(name) - 1;
		must(span_int((struct span){ at, strcspn(at, "\r") }, 0, ASKED, &length),
		     "Content-Length");
	}
	return strlen(end + 4) >= (size_t)length;
}

/* False: who came went away again, as one does who does not trust the certificate. */
static bool take(int listener, struct peer *p)
{
	static char asked[ASKED];
	size_t len = 0;
	ptrdiff_t n;

	*p = (struct peer){ accept(listener, NULL, NULL), NULL };
	must(p->fd >= 0, "accept");
	if (ctx != NULL) {
		must(tls_accept(ctx, p->fd, &p->tls, NULL) == TP_OK, "tls_accept");
		if (tls_handshake(p->tls) != 1)
			return false;
	}
	asked[0] = '\0';
	while (!is_whole(asked) && (n = get(p, asked + len, ASKED - 1 - len)) > 0) {
		len += (size_t)n;
		asked[len] = '\0';
	}
	len = strlen(note);
	snprintf(note + len, WEB_NOTE - len, "%s", asked);
	return is_whole(asked);
}

static void answer(const struct peer *p)
{
	bool good = put(p, spec.answer, strlen(spec.answer));

	for (long i = 0; good && i < spec.times; i++)
		good = put(p, spec.trailer, strlen(spec.trailer));
}

static void drop(struct peer *p)
{
	tls_close(p->tls);
	close(p->fd);
}

static void serve(int listener)
{
	struct peer peers[TOGETHER];

	for (int n = 0;;) {
		if (!take(listener, &peers[n])) {
			drop(&peers[n]);
			continue;
		}
		if (++n < spec.together)
			continue;
		if (spec.answer == NULL)
			pause();
		while (n > 0) {
			answer(&peers[--n]);
			drop(&peers[n]);
		}
	}
}

static int listen_somewhere(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	must(bind(fd, (struct sockaddr *)&sin, len) == 0, "bind");
	must(listen(fd, 8) == 0, "listen");
	must(getsockname(fd, (struct sockaddr *)&sin, &len) == 0, "getsockname");
	port = ntohs(sin.sin_port);
	return fd;
}

static void open_tls(const char *name)
{
	struct tls_server_spec s = { 0 };
	char cert[64], key[64];

	snprintf(cert, sizeof(cert), "%s.pem", name);
	snprintf(key, sizeof(key), "%s.key", name);
	s.cert_file = certs_file(cert);
	s.key_file = certs_file(key);
	must(tls_server_open(&s, &ctx, NULL) == TP_OK, "tls_server_open");
}

void web_start(const struct web_spec *how)
{
	int fd = listen_somewhere();

	spec = *how;
	if (spec.cert != NULL)
		open_tls(spec.cert);
	note = mmap(NULL, WEB_NOTE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(note != MAP_FAILED, "mmap");
	child = fork();
	must(child >= 0, "fork");
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGPIPE, SIG_IGN);
		serve(fd);
	}
	close(fd);
}

void web_stop(void)
{
	if (child <= 0)
		return;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	child = 0;
	tls_ctx_close(ctx);
	ctx = NULL;
	munmap(note, WEB_NOTE);
}

const char *web_url(const char *path)
{
	static char url[256];

	snprintf(url, sizeof(url), "http%s://127.0.0.1:%d%s", ctx != NULL ? "s" : "", port, path);
	return url;
}

const char *web_note(void)
{
	return note;
}
