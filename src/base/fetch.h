/* SPDX-License-Identifier: MIT */
/*
 * An HTTP client for one request at a time, on libcurl. HTTP/1.1 over http and https; certificates
 * and host names are verified, always; no redirect is followed, no proxy, cookie jar or password
 * file of the environment is used, and a path is sent as it is written. An archive of its own, so
 * that only programs that fetch are linked to libcurl.
 *
 *	TP_CLEANUP(fetch_reply_release) struct fetch_reply reply = FETCH_REPLY_INIT(65536);
 *	struct fetch_request ask = { .method = "GET", .url = "https://example.org/" };
 *
 *	rc = fetch_ask(f, &ask, &reply, err);
 *	if (rc == TP_OK && reply.status == 200)
 *		...
 */
#ifndef BASE_FETCH_H
#define BASE_FETCH_H

#include "base/buf.h"

enum { FETCH_HEAD_MOST = 65536 };

struct fetch;

struct fetch_spec {
	const char *ca_file; /* PEM; NULL: the system's authorities */
	int timeout_ms;	     /* of one request in all */
};

/* All of it borrowed for the call. */
struct fetch_request {
	const char *method; /* HEAD is known to have no body in its answer */
	const char *url;
	const char *const *headers; /* "Name: value", NULL at the end; NULL: none */
	struct span body;	    /* absent: none; else with Content-Length, or chunked */
	bool chunked;
};

struct fetch_reply {
	int status;	 /* 0: there was none */
	struct buf head; /* "Name: value\n" for each header of the last answer, as they came */
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

void fetch_reply_release(struct fetch_reply *r);

/* The value of the nth header of that name, from 0, without blanks around it; absent: there are
 * fewer. Borrowed from the reply. */
struct span fetch_header(const struct fetch_reply *r, const char *name, size_t nth);

/* The next header, from *rest = buf_view(&reply.head) on; false: no more. */
bool fetch_next_header(struct span *rest, struct span *ret_name, struct span *ret_value);

#endif
