/* SPDX-License-Identifier: MIT */
/* An answer, as CGI wants it (RFC 3875 section 6): header lines with a Status, then the body. */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include "auth/slide.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/secret.h"

/* What the router writes to the log for this request; word NULL: nothing. */
struct http_event {
	const char *word; /* "login.ok", "refresh.ok", ... */
	enum log_level level;
	struct buf user;
	char session[SECRET_FP_LEN + 1]; /* fingerprint of the handle; "" where there is none */
};

struct http_resp {
	int status;
	bool no_body; /* an answer to HEAD: its length is told, its bytes are not sent */
	bool bare;    /* the authorizer's permission: Status and headers alone, since a server
		       * may put what else it is told into the protected answer */
	bool stays;   /* may be kept, as its own Cache-Control says; all others may not */
	bool broken;  /* a header could not be added as it was given */
	enum tp_rc replaced; /* other than TP_OK: response_replace() was called with it */
	char request_id[LIMIT_REQUEST_ID + 1]; /* X-Request-ID; "": none */
	struct buf headers;		       /* "Name: value\r\n" lines, without the three that
						* response_send() makes */
	struct buf body;
	struct http_event event;
	struct slide slide; /* what http_after() lets slide */
};

void response_init(struct http_resp *r);
void response_reset(
	struct http_resp *r); /* for the next request; keeps storage, unless it is a lot */
void response_release(struct http_resp *r);

/* Takes status, headers and body back, for another answer to the same request; with them goes what
 * was to slide. */
void response_clear(struct http_resp *r);

/* Adds a header line. A value with a control character is not added: the whole response fails, so a
 * value can never split into two headers. */
void response_header(struct http_resp *r, const char *name, struct span value);

/* A header of that name, in any case, was added. */
bool response_has_header(const struct http_resp *r, const char *name);

/* Status and "Content-Type: application/json"; the body is built by the caller in r->body. */
void response_json(struct http_resp *r, int status);

/* Retry-After for a status of 429 or 503, and nothing for others. retry_s 0: nothing is known, and
 * a usual time is told. */
void response_retry(struct http_resp *r, int retry_s);

/* Names whom the log line is about. A user longer than LIMIT_USER_ID is cut. */
void response_event(struct http_resp *r, enum log_level level, const char *word, struct span user,
		    struct span handle);

/* TP_INTERNAL: a header was broken, or the answer is larger than its limits. TP_NOMEM. */
enum tp_rc response_rc(const struct http_resp *r, struct tp_err *err) TP_MUSTUSE;

/* Puts the standard error of rc (TP_NOMEM or TP_INTERNAL) in the place of an answer that could not
 * be built. Needs no memory, and leaves nothing of the answer behind: no cookie, no token. */
void response_replace(struct http_resp *r, enum tp_rc rc);

/*
 * Hands the whole answer on, piece by piece: Status, headers, X-Request-ID, Content-Length (none
 * for 204, 205 and 304, which have no body), an empty line, the body. Cannot fail and allocates
 * nothing.
 */
typedef void response_put(void *arg, const char *p, size_t n);
void response_send(const struct http_resp *r, response_put *put, void *arg);

/* A body of the error shape: {"error":..,"error_description":..,"detail":..}; oauth NULL: detail
 * alone. What RFC 6749 5.2 does not allow in a description becomes '?'. */
void response_error_body(const char *oauth, const char *detail, struct buf *out);

const char *response_reason(int status);

#endif
