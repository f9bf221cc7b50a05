/* SPDX-License-Identifier: MIT */
/*
 * Owns libcurl: one handle, set up anew for each request, so that nothing of one request is left
 * for the next but the connection. Whose answer it is and what to make of it, the callers say.
 */
#include "base/fetch.h"

#include <curl/curl.h>
#include <stdlib.h>

#include "base/banned.h"

struct fetch {
	CURL *curl;
	char *ca_file;
	long timeout_ms;
};

struct upload {
	struct span left;
};

enum tp_rc fetch_open(const struct fetch_spec *spec, struct fetch **ret, struct tp_err *err)
{
	struct fetch *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	f->timeout_ms = spec->timeout_ms;
	f->curl = curl_easy_init();
	if (spec->ca_file != NULL)
		f->ca_file = span_dup(span_of(spec->ca_file));
	if (f->curl == NULL || (spec->ca_file != NULL && f->ca_file == NULL)) {
		fetch_close(f);
		return tp_fail(err, TP_NOMEM, "out of memory");
	}
	*ret = f;
	return TP_OK;
}

void fetch_close(struct fetch *f)
{
	if (f == NULL)
		return;
	curl_easy_cleanup(f->curl);
	free(f->ca_file);
	free(f);
}

static size_t take_body(char *p, size_t size, size_t n, void *arg)
{
	struct fetch_reply *r = arg;
	size_t room = r->body.cap - r->body.len;

	(void)size; /* is 1 */
	buf_put(&r->body, p, n < room ? n : room);
	return r->body.rc == TP_OK && n <= room ? n : 0;
}

/* A new status line begins a new answer: what came before was an interim one (100). */
/* NOLINTNEXTLINE(readability-non-const-parameter): the type is libcurl's */
static size_t take_header(char *p, size_t size, size_t n, void *arg)
{
	struct fetch_reply *r = arg;
	struct span line = { p, n };

	(void)size;
	while (line.len > 0 && (line.p[line.len - 1] == '\n' || line.p[line.len - 1] == '\r'))
		line.len--;
	if (span_starts(line, "HTTP/"))
		buf_reset(&r->head);
	else if (line.len > 0) {
		buf_span(&r->head, line);
		buf_char(&r->head, '\n');
	}
	return r->head.rc == TP_OK ? n : 0;
}

static size_t give_body(char *p, size_t size, size_t n, void *arg)
{
	struct upload *u = arg;
	size_t most = size * n < u->left.len ? size * n : u->left.len;

	if (most > 0)
		memcpy(p, u->left.p, most);
	u->left = (struct span){ u->left.p + most, u->left.len - most };
	return most;
}

static bool add_line(struct curl_slist **lines, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*lines, line);

	if (longer == NULL)
		return false;
	*lines = longer;
	return true;
}

/* "Expect: 100-continue" would cost a second where a server does not know it. */
static bool make_lines(const struct fetch_request *ask, struct curl_slist **ret)
{
	bool good = add_line(ret, "Expect:") && add_line(ret, "Accept: */*");

	for (size_t i = 0; good && ask->headers != NULL && ask->headers[i] != NULL; i++)
		good = add_line(ret, ask->headers[i]);
	if (good && ask->chunked)
		good = add_line(ret, "Transfer-Encoding: chunked");
	return good;
}

/* clang-format off */
#define SET(option, value) (curl_easy_setopt(f->curl, (option), (value)) == CURLE_OK)
/* clang-format on */

static bool set_manners(struct fetch *f)
{
	return SET(CURLOPT_PROTOCOLS_STR, "http,https") && SET(CURLOPT_FOLLOWLOCATION, 0L) &&
	       SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) && SET(CURLOPT_PROXY, "") &&
	       SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) && SET(CURLOPT_PATH_AS_IS, 1L) &&
	       SET(CURLOPT_SSL_VERIFYPEER, 1L) && SET(CURLOPT_SSL_VERIFYHOST, 2L) &&
	       SET(CURLOPT_NOSIGNAL, 1L) && SET(CURLOPT_TIMEOUT_MS, f->timeout_ms) &&
	       SET(CURLOPT_CONNECTTIMEOUT_MS, f->timeout_ms) &&
	       (f->ca_file == NULL || SET(CURLOPT_CAINFO, f->ca_file));
}

static bool set_request(struct fetch *f, const struct fetch_request *ask, struct upload *u)
{
	if (!SET(CURLOPT_URL, ask->url))
		return false;
	if (strcmp(ask->method, "HEAD") == 0)
		return SET(CURLOPT_NOBODY, 1L);
	if (ask->body.p != NULL && !SET(CURLOPT_POST, 1L))
		return false;
	if (ask->body.p != NULL && ask->chunked) {
		u->left = ask->body;
		if (!SET(CURLOPT_READFUNCTION, give_body) || !SET(CURLOPT_READDATA, u))
			return false;
	} else if (ask->body.p != NULL) {
		if (!SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)ask->body.len) ||
		    !SET(CURLOPT_POSTFIELDS, ask->body.p))
			return false;
	}
	return SET(CURLOPT_CUSTOMREQUEST, ask->method);
}

static bool set_up(struct fetch *f, const struct fetch_request *ask, struct curl_slist *lines,
		   struct upload *u, struct fetch_reply *reply)
{
	curl_easy_reset(f->curl);
	return set_manners(f) && SET(CURLOPT_HTTPHEADER, lines) && set_request(f, ask, u) &&
	       SET(CURLOPT_WRITEFUNCTION, take_body) && SET(CURLOPT_WRITEDATA, reply) &&
	       SET(CURLOPT_HEADERFUNCTION, take_header) && SET(CURLOPT_HEADERDATA, reply);
}

static enum tp_rc failed(CURLcode code, const struct fetch_reply *reply, struct tp_err *err)
{
	switch ((int)code) {
	case CURLE_WRITE_ERROR:
		if (reply->body.rc == TP_NOMEM || reply->head.rc == TP_NOMEM)
			return tp_fail(err, TP_NOMEM, "out of memory");
		return tp_fail(err, TP_TOO_LARGE, "the answer is too large");
	case CURLE_OUT_OF_MEMORY:
		return tp_fail(err, TP_NOMEM, "out of memory");
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return tp_fail(err, TP_INVALID, "not an http or https URL");
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
		return tp_fail(err, TP_DENIED, "%s", curl_easy_strerror(code));
	default:
		return tp_fail(err, TP_UNAVAILABLE, "%s", curl_easy_strerror(code));
	}
}

enum tp_rc fetch_ask(struct fetch *f, const struct fetch_request *ask, struct fetch_reply *reply,
		     struct tp_err *err)
{
	struct curl_slist *lines = NULL;
	struct upload upload = { { NULL, 0 } };
	CURLcode code = CURLE_OUT_OF_MEMORY;
	long status = 0;

	reply->status = 0;
	buf_reset(&reply->head);
	buf_reset(&reply->body);
	if (make_lines(ask, &lines) && set_up(f, ask, lines, &upload, reply)) {
		code = curl_easy_perform(f->curl);
		curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &status);
	}
	curl_slist_free_all(lines);
	reply->status = (int)status;
	return code == CURLE_OK ? TP_OK : failed(code, reply, err);
}
