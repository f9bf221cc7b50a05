/* SPDX-License-Identifier: MIT */
/*
 * Owns libcurl: a handle for each exchange, so that nothing of one is left for the next but the
 * connection, which the handle of all of them keeps. Whose answer it is and what to make of it, the
 * callers say.
 */
#include "base/fetch.h"

#include "base/clock.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/banned.h"

enum { POLL_MS = 1000 };

struct fetch {
	CURLM *multi;
	struct fetch_spec spec;
	char *ca_file; /* behind spec */
};

struct fetch_task {
	CURL *curl;
	struct curl_slist *lines;
	struct span upload; /* what is left to send */
	struct fetch_reply *reply;
	bool interim, head_done;
	bool done;
	CURLcode code; /* once it is done */
};

enum tp_rc fetch_open(const struct fetch_spec *spec, struct fetch **ret, struct tp_err *err)
{
	struct fetch *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	f->spec = *spec;
	f->multi = curl_multi_init();
	if (spec->ca_file != NULL)
		f->ca_file = span_dup(span_of(spec->ca_file));
	f->spec.ca_file = f->ca_file;
	if (f->multi == NULL || (spec->ca_file != NULL && f->ca_file == NULL)) {
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
	curl_multi_cleanup(f->multi);
	free(f->ca_file);
	free(f);
}

/* What libcurl calls ---------------------------------------------------------------------------*/

static size_t take_body(char *p, size_t size, size_t n, void *arg)
{
	struct fetch_reply *r = ((struct fetch_task *)arg)->reply;
	size_t room = r->body.cap - r->body.len;

	(void)size; /* is 1 */
	buf_put(&r->body, p, n < room ? n : room);
	return r->body.rc == TP_OK && n <= room ? n : 0;
}

/* Interim answers (100) come before the last one, and trailers behind its body: neither are headers
 * of the answer. */
/* NOLINTNEXTLINE(readability-non-const-parameter): the type is libcurl's */
static size_t take_header(char *p, size_t size, size_t n, void *arg)
{
	struct fetch_task *t = arg;
	struct buf *head = &t->reply->head;
	struct span line = { p, n };

	(void)size;
	if (t->head_done)
		return n;
	while (line.len > 0 && (line.p[line.len - 1] == '\n' || line.p[line.len - 1] == '\r'))
		line.len--;
	if (span_starts(line, "HTTP/")) {
		buf_reset(head);
		t->interim = span_starts(line, "HTTP/1.1 1") || span_starts(line, "HTTP/1.0 1");
	} else if (line.len > 0) {
		buf_span(head, line);
		buf_char(head, '\n');
	} else {
		t->head_done = !t->interim;
	}
	return head->rc == TP_OK ? n : 0;
}

static size_t give_body(char *p, size_t size, size_t n, void *arg)
{
	struct fetch_task *t = arg;
	size_t most = size * n < t->upload.len ? size * n : t->upload.len;

	if (most > 0)
		memcpy(p, t->upload.p, most);
	t->upload = (struct span){ t->upload.p + most, t->upload.len - most };
	return most;
}

/* libcurl's own are open for what a program starts meanwhile, which could read the answers, or be
 * the client of a connection that is kept. */
static int close_on_exec(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	(void)arg;
	(void)purpose;
	return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 ? CURL_SOCKOPT_OK : CURL_SOCKOPT_ERROR;
}

/* A request ------------------------------------------------------------------------------------*/

static bool add_line(struct curl_slist **lines, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*lines, line);

	if (longer == NULL)
		return false;
	*lines = longer;
	return true;
}

/* A name with nothing behind the colon would take a header of libcurl's own away. */
static bool add_header(struct curl_slist **lines, const char *line)
{
	size_t name = strcspn(line, ":");
	char *empty;
	bool good;

	if (line[name] == '\0' || line[name + 1 + strspn(line + name + 1, " \t")] != '\0')
		return add_line(lines, line);
	empty = span_dup((struct span){ line, name + 1 });
	if (empty == NULL)
		return false;
	empty[name] = ';';
	good = add_line(lines, empty);
	free(empty);
	return good;
}

static bool has_header(const struct fetch_request *ask, const char *name)
{
	for (size_t i = 0; ask->headers != NULL && ask->headers[i] != NULL; i++) {
		struct span line = span_of(ask->headers[i]);

		if (span_is_nocase(span_cut(&line, ':'), name))
			return true;
	}
	return false;
}

/* "Expect: 100-continue" would cost a second where a server does not know it; and a body is a form
 * only where somebody says so. */
static bool make_lines(const struct fetch_request *ask, struct curl_slist **ret)
{
	bool good = add_line(ret, "Expect:") &&
		    (has_header(ask, "Content-Type") || add_line(ret, "Content-Type:")) &&
		    (has_header(ask, "Accept") || add_line(ret, "Accept: */*"));

	for (size_t i = 0; good && ask->headers != NULL && ask->headers[i] != NULL; i++)
		good = add_header(ret, ask->headers[i]);
	if (good && ask->chunked)
		good = add_line(ret, "Transfer-Encoding: chunked");
	return good;
}

/* clang-format off */
#define SET(option, value) (curl_easy_setopt(t->curl, (option), (value)) == CURLE_OK)
/* clang-format on */

/* A file of authorities stands alone: the folder of the system's would else be asked as well. */
static bool set_trust(struct fetch_task *t, const struct fetch_spec *spec)
{
	return SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
	       SET(CURLOPT_SSL_VERIFYPEER, spec->insecure ? 0L : 1L) &&
	       SET(CURLOPT_SSL_VERIFYHOST, spec->insecure ? 0L : 2L) &&
	       (spec->ca_file == NULL ||
		(SET(CURLOPT_CAINFO, spec->ca_file) && SET(CURLOPT_CAPATH, NULL)));
}

/* A look-up of a name that nobody answers must not hold up the end (QUICK_EXIT). */
static bool set_manners(struct fetch_task *t, const struct fetch_spec *spec)
{
	return SET(CURLOPT_PROTOCOLS_STR, "http,https") && SET(CURLOPT_FOLLOWLOCATION, 0L) &&
	       SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) && SET(CURLOPT_PROXY, "") &&
	       SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) && SET(CURLOPT_PATH_AS_IS, 1L) &&
	       SET(CURLOPT_SOCKOPTFUNCTION, close_on_exec) && SET(CURLOPT_NOSIGNAL, 1L) &&
	       SET(CURLOPT_QUICK_EXIT, 1L) && SET(CURLOPT_TIMEOUT_MS, (long)spec->timeout_ms) &&
	       SET(CURLOPT_CONNECTTIMEOUT_MS, (long)spec->timeout_ms);
}

static bool set_request(struct fetch_task *t, const struct fetch_request *ask)
{
	if (!SET(CURLOPT_URL, ask->url))
		return false;
	if (strcmp(ask->method, "HEAD") == 0)
		return SET(CURLOPT_NOBODY, 1L);
	if (ask->body.p != NULL && !SET(CURLOPT_POST, 1L))
		return false;
	if (ask->body.p != NULL && ask->chunked) {
		t->upload = ask->body;
		if (!SET(CURLOPT_READFUNCTION, give_body) || !SET(CURLOPT_READDATA, t))
			return false;
	} else if (ask->body.p != NULL) {
		if (!SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)ask->body.len) ||
		    !SET(CURLOPT_POSTFIELDS, ask->body.p))
			return false;
	}
	return SET(CURLOPT_CUSTOMREQUEST, ask->method);
}

static bool set_up(struct fetch_task *t, const struct fetch_request *ask,
		   const struct fetch_spec *spec)
{
	return make_lines(ask, &t->lines) && set_trust(t, spec) && set_manners(t, spec) &&
	       SET(CURLOPT_HTTPHEADER, t->lines) && set_request(t, ask) &&
	       SET(CURLOPT_WRITEFUNCTION, take_body) && SET(CURLOPT_WRITEDATA, t) &&
	       SET(CURLOPT_HEADERFUNCTION, take_header) && SET(CURLOPT_HEADERDATA, t) &&
	       SET(CURLOPT_PRIVATE, t);
}

/* Its end --------------------------------------------------------------------------------------*/

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

static void task_free(struct fetch_task *t)
{
	curl_easy_cleanup(t->curl);
	curl_slist_free_all(t->lines);
	free(t);
}

/* All that are under way take a step. False: libcurl itself cannot go on. */
static bool step(struct fetch *f)
{
	CURLMsg *m;
	int n;

	if (curl_multi_perform(f->multi, &n) != CURLM_OK)
		return false;
	while ((m = curl_multi_info_read(f->multi, &n)) != NULL) {
		struct fetch_task *t = NULL;

		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t);
		t->code = m->data.result;
		t->done = true;
	}
	return true;
}

enum tp_rc fetch_start(struct fetch *f, const struct fetch_request *ask, struct fetch_reply *reply,
		       struct fetch_task **ret, struct tp_err *err)
{
	struct fetch_task *t = calloc(1, sizeof(*t));

	reply->status = 0;
	buf_reset(&reply->head);
	buf_reset(&reply->body);
	if (t == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	t->reply = reply;
	t->curl = curl_easy_init();
	if (t->curl == NULL || !set_up(t, ask, ask->spec != NULL ? ask->spec : &f->spec) ||
	    curl_multi_add_handle(f->multi, t->curl) != CURLM_OK) {
		task_free(t);
		return tp_fail(err, TP_NOMEM, "out of memory");
	}
	(void)step(f); /* what hinders it now will hinder fetch_wait() */
	*ret = t;
	return TP_OK;
}

bool fetch_wait(struct fetch *f, const struct fetch_task *t, int timeout_ms)
{
	int64_t end = clock_mono_ms() + timeout_ms, left = POLL_MS;

	while (step(f) && !t->done) {
		if (timeout_ms >= 0)
			left = end - clock_mono_ms();
		if (left > POLL_MS)
			left = POLL_MS;
		if (left <= 0 || curl_multi_poll(f->multi, NULL, 0, (int)left, NULL) != CURLM_OK)
			break;
	}
	return t->done;
}

enum tp_rc fetch_end(struct fetch *f, struct fetch_task *t, struct tp_err *err)
{
	struct fetch_reply *reply = t->reply;
	CURLcode code = t->code;
	bool done = t->done;
	long status = 0;

	curl_multi_remove_handle(f->multi, t->curl);
	curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
	task_free(t);
	reply->status = (int)status;
	if (!done)
		return tp_fail(err, TP_UNAVAILABLE, "it was given up before its end");
	return code == CURLE_OK ? TP_OK : failed(code, reply, err);
}

enum tp_rc fetch_ask(struct fetch *f, const struct fetch_request *ask, struct fetch_reply *reply,
		     struct tp_err *err)
{
	struct fetch_task *t = NULL;
	enum tp_rc rc = fetch_start(f, ask, reply, &t, err);

	if (t == NULL)
		return rc;
	(void)fetch_wait(f, t, -1);
	return fetch_end(f, t, err);
}
