/* SPDX-License-Identifier: MIT */
/*
 * Owns an answer while it is built, and its bytes. An answer is whole or it is replaced: what could
 * not be built leaves no header and no half body behind. Which answer it is, the router and the
 * handlers say.
 */
#include "http/response.h"

#include <assert.h>
#include <stdio.h>

#include "base/banned.h"

enum { REPLACED_MOST = 256, RETRY_UNAVAILABLE_S = 5 };

static const char replaced_headers[] = "Content-Type: application/json\r\n"
				       "Cache-Control: no-store\r\n"
				       "Vary: Origin\r\n";

void response_init(struct http_resp *r)
{
	*r = (struct http_resp){
		.headers = BUF_INIT(LIMIT_RESP_HEADERS),
		.body = BUF_INIT(LIMIT_RESP_BODY),
		.event.user = BUF_INIT(LIMIT_USER_ID),
	};
	slide_init(&r->slide);
}

void response_clear(struct http_resp *r)
{
	buf_reset(&r->headers);
	buf_reset(&r->body);
	r->status = 0;
	r->bare = false;
	r->stays = false;
	r->broken = false;
	r->replaced = TP_OK;
	slide_reset(&r->slide);
}

void response_reset(struct http_resp *r)
{
	response_clear(r);
	if (r->body.alloc > LIMIT_RESP_KEPT)
		buf_release(&r->body);
	buf_reset(&r->event.user);
	r->no_body = false;
	r->request_id[0] = '\0';
	r->event.word = NULL;
	r->event.session[0] = '\0';
}

void response_release(struct http_resp *r)
{
	if (r == NULL)
		return;
	buf_release(&r->headers);
	buf_release(&r->body);
	buf_release(&r->event.user);
	slide_release(&r->slide);
}

void response_header(struct http_resp *r, const char *name, struct span value)
{
	if (span_has_control(value)) {
		r->broken = true;
		return;
	}
	buf_str(&r->headers, name);
	buf_str(&r->headers, ": ");
	buf_span(&r->headers, value);
	buf_str(&r->headers, "\r\n");
}

bool response_has_header(const struct http_resp *r, const char *name)
{
	struct span lines = buf_view(&r->headers);

	while (lines.p != NULL) {
		struct span line = span_cut(&lines, '\n');

		if (span_is_nocase(span_cut(&line, ':'), name))
			return true;
	}
	return false;
}

void response_json(struct http_resp *r, int status)
{
	r->status = status;
	response_header(r, "Content-Type", SPAN_LIT("application/json"));
}

void response_retry(struct http_resp *r, int retry_s)
{
	if (r->status != 429 && r->status != 503)
		return;
	if (retry_s <= 0)
		retry_s = r->status == 429 ? 1 : RETRY_UNAVAILABLE_S;
	buf_str(&r->headers, "Retry-After: ");
	buf_int(&r->headers, retry_s);
	buf_str(&r->headers, "\r\n");
}

void response_event(struct http_resp *r, enum log_level level, const char *word, struct span user,
		    struct span handle)
{
	struct http_event *e = &r->event;

	e->word = word;
	e->level = level;
	e->session[0] = '\0';
	buf_reset(&e->user);
	if (user.len > LIMIT_USER_ID)
		user.len = LIMIT_USER_ID;
	buf_span(&e->user, user);
	if (handle.len > 0 && log_wants(level))
		secret_fingerprint(handle, e->session);
}

enum tp_rc response_rc(const struct http_resp *r, struct tp_err *err)
{
	if (r->headers.rc == TP_NOMEM || r->body.rc == TP_NOMEM)
		return tp_fail(err, TP_NOMEM, "out of memory");
	if (r->headers.rc != TP_OK || r->body.rc != TP_OK)
		return tp_fail(err, TP_INTERNAL, "an answer larger than its limit");
	if (r->broken)
		return tp_fail(err, TP_INTERNAL, "an answer with a control character in a header");
	return TP_OK;
}

void response_replace(struct http_resp *r, enum tp_rc rc)
{
	response_clear(r);
	r->replaced = rc;
	r->status = rc_info(rc)->http;
}

/* JSON without escapes: none of the bytes that RFC 6749 allows needs one. */
static void put_text(const char *text, struct buf *out)
{
	for (; *text != '\0'; text++) {
		if (*text >= 0x20 && *text <= 0x7e && *text != '"' && *text != '\\')
			buf_char(out, *text);
		else
			buf_char(out, '?');
	}
}

void response_error_body(const char *oauth, const char *detail, struct buf *out)
{
	buf_char(out, '{');
	if (oauth != NULL) {
		buf_str(out, "\"error\":\"");
		buf_str(out, oauth);
		buf_str(out, "\",\"error_description\":\"");
		put_text(detail, out);
		buf_str(out, "\",");
	}
	buf_str(out, "\"detail\":\"");
	put_text(detail, out);
	buf_str(out, "\"}");
}

/* The same from fixed text, where not even a buffer can be had. */
static struct span replaced_body(enum tp_rc rc, char p[REPLACED_MOST])
{
	const struct rc_info *info = rc_info(rc);
	int n = snprintf(p, REPLACED_MOST,
			 "{\"error\":\"%s\",\"error_description\":\"%s\",\"detail\":\"%s\"}",
			 info->oauth, info->detail, info->detail);

	assert(n > 0 && n < REPLACED_MOST);
	return (struct span){ p, (size_t)n };
}

static void put_str(response_put *put, void *arg, const char *s)
{
	put(arg, s, strlen(s));
}

/* RFC 9110 15.3.5, 15.3.6, 15.4.5. */
static bool has_body(const struct http_resp *r)
{
	return r->status != 204 && r->status != 205 && r->status != 304;
}

void response_send(const struct http_resp *r, response_put *put, void *arg)
{
	struct span headers = buf_view(&r->headers);
	struct span body = buf_view(&r->body);
	char spare[REPLACED_MOST], line[64];

	if (r->replaced != TP_OK) {
		headers = span_of(replaced_headers);
		body = replaced_body(r->replaced, spare);
	}
	snprintf(line, sizeof(line), "Status: %d %s\r\n", r->status, response_reason(r->status));
	put_str(put, arg, line);
	put(arg, headers.p, headers.len);
	if (r->bare) {
		put_str(put, arg, "\r\n");
		return;
	}
	if (r->replaced != TP_OK && r->status == 503) {
		snprintf(line, sizeof(line), "Retry-After: %d\r\n", RETRY_UNAVAILABLE_S);
		put_str(put, arg, line);
	}
	if (r->request_id[0] != '\0') {
		put_str(put, arg, "X-Request-ID: ");
		put_str(put, arg, r->request_id);
		put_str(put, arg, "\r\n");
	}
	if (has_body(r)) {
		snprintf(line, sizeof(line), "Content-Length: %zu\r\n", body.len);
		put_str(put, arg, line);
	}
	put_str(put, arg, "\r\n");
	if (has_body(r) && !r->no_body && body.len > 0)
		put(arg, body.p, body.len);
}

const char *response_reason(int status)
{
	/* clang-format off */
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {
		{ 200, "OK" },
		{ 201, "Created" },
		{ 202, "Accepted" },
		{ 203, "Non-Authoritative Information" },
		{ 204, "No Content" },
		{ 205, "Reset Content" },
		{ 206, "Partial Content" },
		{ 300, "Multiple Choices" },
		{ 301, "Moved Permanently" },
		{ 302, "Found" },
		{ 303, "See Other" },
		{ 304, "Not Modified" },
		{ 307, "Temporary Redirect" },
		{ 308, "Permanent Redirect" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 402, "Payment Required" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 406, "Not Acceptable" },
		{ 408, "Request Timeout" },
		{ 409, "Conflict" },
		{ 410, "Gone" },
		{ 411, "Length Required" },
		{ 412, "Precondition Failed" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 416, "Range Not Satisfiable" },
		{ 417, "Expectation Failed" },
		{ 421, "Misdirected Request" },
		{ 422, "Unprocessable Content" },
		{ 423, "Locked" },
		{ 424, "Failed Dependency" },
		{ 425, "Too Early" },
		{ 426, "Upgrade Required" },
		{ 428, "Precondition Required" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 451, "Unavailable For Legal Reasons" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
		{ 507, "Insufficient Storage" },
		{ 508, "Loop Detected" },
		{ 511, "Network Authentication Required" },
	};
	/* clang-format on */

	for (size_t i = 0; i < TP_COUNT(reasons); i++) {
		if (reasons[i].status == status)
			return reasons[i].reason;
	}
	return "Unknown";
}
