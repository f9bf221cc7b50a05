/* SPDX-License-Identifier: MIT */
/*
 * An HTTP client on libcurl, for one exchange or several at once. HTTP/1.1 over http and https;
 * certificates and host names are verified; no redirect is followed, no proxy, cookie jar or
 * password file of the environment is used, and a path is sent as it is written.
 *
 *	TP_CLEANUP(fetch_reply_release) struct fetch_reply reply = FETCH_REPLY_INIT(65536);
 *	struct fetch_request ask = { .method = "GET", .url = "https://example.org/" };
 *
 *	rc = fetch_ask(f, &ask, &reply, err);
 *	if (rc == TP_OK && reply.status == 200)
 *		...
 *
 * fetch.c is an archive of its own, so that only programs that link it are linked to libcurl. The
 * others load it when they need it: base/fetch_module.h has the same functions as a table.
 */
#ifndef BASE_FETCH_H
#define BASE_FETCH_H

#include "base/buf.h"

enum { FETCH_HEAD_MOST = 65536 };

struct fetch;	   /* a client: its connections, and the exchanges under way */
struct fetch_task; /* one of these */

struct fetch_spec {
	const char *ca_file; /* PEM, the only authorities then; NULL: the system's */
	int timeout_ms;	     /* of one exchange in all, from its start */
	bool insecure;	     /* any certificate will do: whoever is between can be the server */
};

/* All of it borrowed until the exchange ends. */
struct fetch_request {
	const char *method; /* HEAD is known to have no body in its answer */
	const char *url;
	const char *const *headers; /* "Name: value", NULL at the end; NULL: none */
	struct span body;	    /* absent: none; else with Content-Length, or chunked */
	bool chunked;
	const struct fetch_spec *spec; /* for this one; NULL: fetch_open()'s */
};

struct fetch_reply {
	int status;	 /* 0: there was none */
	struct buf head; /* "Name: value\n" for each header of the last answer, as they came;
			    trailers are left out */
	struct buf body; /* its cap is the caller's */
};

#define FETCH_REPLY_INIT(most)                                 \
	{                                                      \
		0, BUF_INIT(FETCH_HEAD_MOST), BUF_INIT((most)) \
	}

enum tp_rc fetch_open(const struct fetch_spec *spec, struct fetch **ret,
		      struct tp_err *err) TP_MUSTUSE;
void fetch_close(struct fetch *f);

/*
 * Empties *reply and fills it. TP_UNAVAILABLE: no answer, or not all of it, in time. TP_DENIED: the
 * server could not prove that it is who the URL names. TP_INVALID: not an http or https URL.
 * TP_TOO_LARGE: the body is larger than the reply's cap; status, head and the beginning are there.
 * TP_NOMEM. err->msg never holds the URL, a header or a body.
 */
enum tp_rc fetch_ask(struct fetch *f, const struct fetch_request *ask, struct fetch_reply *reply,
		     struct tp_err *err) TP_MUSTUSE;

/*
 * The same in steps, for several at once. fetch_start() sends what can be sent without waiting;
 * *reply is filled until fetch_end(). fetch_wait() gets on with all that are under way until *t is
 * done (true), or timeout_ms are over (0: what can be done at once; -1: no end but the exchange's
 * own). fetch_end() says how it went, as fetch_ask() does, frees *t, and gives up what is not done:
 * TP_UNAVAILABLE. Every task is ended before its client is closed.
 */
enum tp_rc fetch_start(struct fetch *f, const struct fetch_request *ask, struct fetch_reply *reply,
		       struct fetch_task **ret, struct tp_err *err) TP_MUSTUSE;
bool fetch_wait(struct fetch *f, const struct fetch_task *t, int timeout_ms);
enum tp_rc fetch_end(struct fetch *f, struct fetch_task *t, struct tp_err *err) TP_MUSTUSE;

void fetch_reply_release(struct fetch_reply *r);

/* The value of the nth header of that name, from 0, without blanks around it; absent: there are
 * fewer. Borrowed from the reply. */
struct span fetch_header(const struct fetch_reply *r, const char *name, size_t nth);

/* The next header, from *rest = buf_view(&reply.head) on; false: no more. */
bool fetch_next_header(struct span *rest, struct span *ret_name, struct span *ret_value);

#endif
