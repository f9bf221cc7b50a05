/* SPDX-License-Identifier: MIT */
/*
 * Plain CGI (RFC 3875): one request from the environment and standard input, one answer on standard
 * output, and the process ends. libfcgi's own fall-back is not used: its FCGX_Accept_r has none.
 */
#include "run/gateway.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "http/router.h"
#include "run/listen.h"
#include "run/signals.h"

#include "base/banned.h"

enum {
	STUCK_S = 30,
	DRAIN_MOST = 2 * LIMIT_BODY, /* bytes of a refused body that are still read */
};

struct source {
	int64_t left; /* of CONTENT_LENGTH; -1: until the end of the input */
};

/* Bytes beyond CONTENT_LENGTH are not ours to read: a server may leave the pipe open. */
static ptrdiff_t read_stdin(void *arg, char *p, size_t n)
{
	struct source *s = arg;
	ssize_t got;

	if (s->left == 0)
		return 0;
	if (s->left > 0 && (int64_t)n > s->left)
		n = (size_t)s->left;
	got = read(STDIN_FILENO, p, n);
	if (got > 0 && s->left > 0)
		s->left -= got;
	return got;
}

static struct span variable(char *const *envp, const char *name)
{
	size_t len = strlen(name);

	for (; *envp != NULL; envp++) {
		if (strncmp(*envp, name, len) == 0 && (*envp)[len] == '=')
			return span_of(*envp + len + 1);
	}
	return (struct span){ NULL, 0 };
}

bool gateway_is_cgi(char *const *envp)
{
	return variable(envp, "GATEWAY_INTERFACE").p != NULL && listen_inherited() < 0;
}

/* A chunked request has no CONTENT_LENGTH under mod_cgid: its body ends where the input does.
 * Without either there is no body. A length that is no number is refused by http/request. */
static struct source source_of(char *const *envp)
{
	struct source s = { 0 };

	if (span_int(variable(envp, "CONTENT_LENGTH"), 0, INT64_MAX, &s.left))
		return s;
	s.left = variable(envp, "HTTP_TRANSFER_ENCODING").p != NULL ? -1 : 0;
	return s;
}

/* Collects small pieces; needs no memory of the heap, so an answer always gets out. */
struct sink {
	char p[8192];
	size_t len;
	bool failed;
};

static void flush(struct sink *s)
{
	for (size_t at = 0; at < s->len && !s->failed;) {
		ssize_t n = write(STDOUT_FILENO, s->p + at, s->len - at);

		if (n > 0)
			at += (size_t)n;
		else
			s->failed = n == 0 || errno != EINTR;
	}
	s->len = 0;
}

static void put(void *arg, const char *p, size_t n)
{
	struct sink *s = arg;

	while (n > 0) {
		size_t part = n < sizeof(s->p) - s->len ? n : sizeof(s->p) - s->len;

		memcpy(s->p + s->len, p, part);
		s->len += part;
		p += part;
		n -= part;
		if (s->len == sizeof(s->p))
			flush(s);
	}
}

/* Apache's mod_cgid has one socket for both directions. Ending with a body unread resets it, and
 * the client gets the answer as one that broke off. */
static void drain(struct source *s)
{
	char p[4096];
	size_t most = DRAIN_MOST;
	ptrdiff_t n;

	do {
		n = read_stdin(s, p, sizeof(p));
		most -= n > 0 ? (size_t)n : 0;
	} while (n > 0 && most >= sizeof(p));
}

static int answer(struct http_resp *resp, struct source *rest)
{
	struct sink out = { .len = 0 };

	response_send(resp, put, &out);
	flush(&out);
	drain(rest);
	return out.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Tells the server that the answer is whole, which it would else learn from our end. The number
 * stays taken, so that no file of ours gets it. */
static void end_answer(void)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	dup2(fd, STDOUT_FILENO);
	close(fd);
}

int gateway_cgi(struct app *app, char *const *envp)
{
	struct source source = source_of(envp);
	struct http_body body = { read_stdin, &source };
	struct http_resp resp;
	int status;

	signals_alarm(STUCK_S);
	signals_ignore_pipe();
	response_init(&resp);
	http_serve(&app->site, &app->auth, app->routes, app->n_routes, envp, body, &resp);
	status = answer(&resp, &source);
	end_answer();
	http_after(&app->auth, &resp);
	response_release(&resp);
	return status;
}

int gateway_cgi_refuse(char *const *envp, const struct tp_err *why)
{
	static const struct http_site no_site = { 0 };
	struct source source = source_of(envp);
	struct http_body body = { read_stdin, &source };
	struct http_resp resp;
	struct http_req req;
	int status;

	signals_alarm(STUCK_S);
	response_init(&resp);
	/* Only for the id under which the client can ask and the administrator can look. */
	if (request_init(&req, &no_site, envp, body, NULL) == TP_OK || req.request_id[0] != '\0')
		memcpy(resp.request_id, req.request_id, sizeof(resp.request_id));
	log_request(span_of(resp.request_id));
	log_event(LOG_LEVEL_ERR, "start.failed", LOG_STR("reason", why->msg));
	response_replace(&resp, TP_NOMEM);
	request_release(&req);
	status = answer(&resp, &source);
	response_release(&resp);
	return status;
}
