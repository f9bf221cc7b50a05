/* SPDX-License-Identifier: MIT */
/*
 * Owns libfcgi: the accept loop and the streams of a request. The loop serves one connection at a
 * time, lets signals in only while it waits, never keeps a connection (an idle one would pin the
 * worker), and never processes a request whose variables did not arrive whole.
 */
#include "run/gateway.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "http/authorizer.h"
#include "http/router.h"
#include "run/signals.h"

#include "base/banned.h"

/* A peer gets at least STUCK_MS before a read on it is broken; the timer is set anew only
 * when less is left, not for each request. */
enum { STUCK_MS = 20000, ALARM_S = 40, ALARM_MS = 40000 };

/* FastCGI specification 5.1. */
enum { ROLE_RESPONDER = 1, ROLE_AUTHORIZER = 2 };

/* Under load the next connection is there already, and asking for it is cheaper than waiting for
 * it. So many requests are served between two looks at the signals. */
enum { BURST = 32, ACCEPT_PAUSE_US = 100000 };

enum { REST_MS = 1000 }; /* how long those are served who were there before the end */

struct worker {
	struct app *app;
	FCGX_Request fcgi;
	struct http_resp resp;
	int64_t alarm_ms; /* when the timer fires; in the past: not set */
	int burst;	  /* requests that may be served before the next wait */
};

static ptrdiff_t read_stream(void *arg, char *p, size_t n)
{
	FCGX_Stream *in = arg;
	int got = FCGX_GetStr(p, (int)n, in);

	/* Short for one of two reasons; only the error tells a body that ended from one that broke
	 * off. */
	return (size_t)got < n && FCGX_GetError(in) != 0 ? -1 : got;
}

static void put(void *arg, const char *p, size_t n)
{
	FCGX_PutStr(p, (int)n, arg);
}

static void answer(struct worker *w)
{
	struct http_body body = { read_stream, w->fcgi.in };

	log_divert(put, w->fcgi.err);
	response_reset(&w->resp);
	if (w->fcgi.role == ROLE_AUTHORIZER)
		authorizer_serve(&w->app->site, &w->app->auth, w->fcgi.envp, &w->resp);
	else
		http_serve(&w->app->site, &w->app->auth, w->app->routes, w->app->n_routes,
			   w->fcgi.envp, body, &w->resp);
	response_send(&w->resp, put, w->fcgi.out);
	log_divert(NULL, NULL);
}

/* Roles that this program does not play are refused, never taken for a request to answer. */
static void refuse_role(struct worker *w)
{
	static const char refusal[] = "Status: 500 Internal Server Error\r\n"
				      "Content-Type: text/plain\r\n\r\nrole not supported\n";

	log_divert(put, w->fcgi.err);
	log_event(LOG_LEVEL_ERR, "fcgi.role", LOG_INT("role", w->fcgi.role));
	put(w->fcgi.out, refusal, sizeof(refusal) - 1);
	log_divert(NULL, NULL);
}

static void reload(struct worker *w)
{
	struct tp_err err = { 0 };

	if (boot_reload(w->app, &err) == TP_OK)
		log_event(LOG_LEVEL_NOTICE, "config.reloaded",
			  LOG_STR("store", store_name(w->app->store)));
	else
		log_event(LOG_LEVEL_ERR, "config.kept", LOG_STR("reason", err.msg));
}

/* A signal came while there was nothing to do: the timer's must not come again. */
static void let_rest(struct worker *w)
{
	signals_alarm(0);
	w->alarm_ms = 0;
}

/* True when a connection waits. The only place where signals get in. */
static bool wait_for_work(struct worker *w)
{
	struct pollfd p = { .fd = w->fcgi.listen_sock, .events = POLLIN };
	int n = ppoll(&p, 1, NULL, signals_wait_mask());

	if (n > 0)
		signals_let_in();
	else
		let_rest(w);
	if (signals_reopen())
		log_reopen();
	if (signals_reload())
		reload(w);
	w->burst = n > 0 ? BURST : 0;
	return n > 0 && !signals_stop();
}

static void guard_against_stuck_peer(struct worker *w)
{
	int64_t now_ms = clock_mono_ms();

	if (w->alarm_ms - now_ms >= STUCK_MS)
		return;
	signals_alarm(ALARM_S);
	w->alarm_ms = now_ms + ALARM_MS;
}

/* Out of descriptors or memory, or a connection that broke: it passes. Only a socket that is none
 * ends the worker. */
static int accept_failed(struct worker *w, int rc)
{
	if (rc == -EBADF || rc == -EINVAL || rc == -ENOTSOCK || rc == -EOPNOTSUPP)
		return rc;
	log_event(LOG_LEVEL_ERR, "worker.accept", LOG_INT("errno", -rc));
	clock_pause_us(ACCEPT_PAUSE_US);
	w->burst = 0;
	return 0;
}

/* 0 to go on, else the error that ends the worker. */
static int serve_one(struct worker *w)
{
	int rc;

	guard_against_stuck_peer(w);
	rc = FCGX_Accept_r(&w->fcgi);
	if (rc == -EINTR || rc == -EAGAIN || rc == -ECONNABORTED) {
		w->burst = 0;
		return 0;
	}
	if (rc < 0)
		return accept_failed(w, rc);
	if (FCGX_GetError(w->fcgi.in) != 0) {
		FCGX_Free(&w->fcgi, 1); /* variables cut short: never process */
		return 0;
	}
	if (w->fcgi.role == ROLE_RESPONDER || w->fcgi.role == ROLE_AUTHORIZER)
		answer(w);
	else
		refuse_role(w);
	w->fcgi.keepConnection = 0;
	FCGX_Finish_r(&w->fcgi);
	http_after(&w->app->auth, &w->resp); /* the client has its answer */
	return 0;
}

/* A connection that was made before we were asked to stop: under mod_fcgid the socket is this
 * process's own, and nobody else would answer there. */
static int serve_rest(struct worker *w)
{
	struct pollfd p = { .fd = w->fcgi.listen_sock, .events = POLLIN };
	int64_t end_ms = clock_mono_ms() + REST_MS;
	int rc = 0;

	while (rc == 0 && clock_mono_ms() < end_ms && poll(&p, 1, 0) > 0)
		rc = serve_one(w);
	return rc;
}

/* libfcgi waits this long on a silent or lingering connection while the next client waits behind
 * it; its default is 2 s. */
static void shorten_waits(void)
{
	/* NOLINTBEGIN(concurrency-mt-unsafe): there are no threads */
	setenv("LIBFCGI_IS_AF_UNIX_KEEPER_POLL_TIMEOUT", "250", 0);
	setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "250", 0);
	/* NOLINTEND(concurrency-mt-unsafe) */
}

int gateway_fcgi(struct app *app, int listen_fd)
{
	struct worker w = { .app = app };
	int rc = 0;

	shorten_waits();
	if (FCGX_Init() != 0 || FCGX_InitRequest(&w.fcgi, listen_fd, FCGI_FAIL_ACCEPT_ON_INTR) != 0)
		return EXIT_FAILURE;
	signals_init(); /* again: FCGX_Init() put handlers of its own */
	/* Of several workers that poll() woke, one gets the connection; the others must not block.
	 */
	fcntl(listen_fd, F_SETFL, fcntl(listen_fd, F_GETFL) | O_NONBLOCK);
	response_init(&w.resp);
	while (rc == 0 && !signals_stop()) {
		if (w.burst-- > 0 || wait_for_work(&w))
			rc = serve_one(&w);
	}
	if (rc == 0)
		rc = serve_rest(&w);
	/* From here on a connection is refused, and not taken and lost: a web server then turns to
	 * the next worker. */
	close(listen_fd);
	FCGX_Finish_r(&w.fcgi);
	signals_alarm(0);
	response_release(&w.resp);
	if (rc != 0)
		log_event(LOG_LEVEL_ERR, "worker.accept", LOG_INT("errno", -rc));
	return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
