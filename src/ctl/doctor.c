/* SPDX-License-Identifier: MIT */
/*
 * Owns the order of the checks, the asking, and the form of what is printed. What is asked and what
 * follows from an answer is in the files of the checks.
 */
#include "ctl/doctor.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>

#include "ctl/doctor_parts.h"

#include "base/banned.h"

enum {
	COLUMNS = 100,
	NAME_COLUMNS = 15,
	INDENT = 5,
	WORDS_MOST = 4096,
	LINE_MOST = 8192,
	TEXT_MOST = 16384
};

const struct doctor_path_info doctor_paths[DOCTOR_PATHS] = {
	[DOCTOR_TOKEN] = { "token", "/token" },
	[DOCTOR_REFRESH] = { "refresh", "/refresh" },
	[DOCTOR_USERINFO] = { "userinfo", "/userinfo" },
	[DOCTOR_LOGOUT] = { "logout", "/logout" },
	[DOCTOR_HEALTH] = { "health", "/api/healthcheck" },
};

/* Printing ------------------------------------------------------------------------------------- */

/* What a server says goes to a terminal: no byte of it may be more than a letter there. */
static void put_plain(struct buf *out, struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];

		if (c < 0x20 || c > 0x7e)
			c = '?';
		buf_char(out, c);
	}
}

static void print(const struct doctor *d, struct buf *line)
{
	buf_char(line, '\n');
	d->spec->print(d->spec->print_arg, buf_cstr(line));
	buf_reset(line);
}

/* Appends a text to *line and prints it in lines that end at a blank and begin at a column. */
static void print_wrapped(const struct doctor *d, struct buf *line, struct span text, int column)
{
	bool empty = true;

	while (text.p != NULL) {
		struct span word = span_cut(&text, ' ');

		if (!empty && line->len + 1 + word.len > COLUMNS) {
			print(d, line);
			buf_printf(line, "%*s", column, "");
			empty = true;
		}
		if (!empty)
			buf_char(line, ' ');
		put_plain(line, word);
		empty = false;
	}
	print(d, line);
}

static void print_remedy(const struct doctor *d)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(TEXT_MOST);
	TP_CLEANUP(buf_release) struct buf line = BUF_INIT(WORDS_MOST);
	struct span rest;

	remedy_put(d->remedy, d->server, &text);
	rest = buf_view(&text);
	while (rest.p != NULL && rest.len > 0) {
		buf_printf(&line, "%*s", INDENT, "");
		print_wrapped(d, &line, span_cut(&rest, '\n'), INDENT);
	}
}

static void report(struct doctor *d, const char *name, enum doctor_verdict v)
{
	static const char *const marks[] = {
		[DOCTOR_OK] = "ok", [DOCTOR_BAD] = "BAD", [DOCTOR_SKIP] = "--"
	};
	TP_CLEANUP(buf_release) struct buf line = BUF_INIT(LINE_MOST);

	buf_printf(&line, "%-4s %-*s", marks[v], NAME_COLUMNS, name);
	print_wrapped(d, &line, buf_view(&d->words), INDENT + NAME_COLUMNS);
	if (v == DOCTOR_BAD) {
		d->bad++;
		print_remedy(d);
	}
}

static void words(struct doctor *d, const char *fmt, va_list args) TP_PRINTF(2, 0);

static void words(struct doctor *d, const char *fmt, va_list args)
{
	char text[WORDS_MOST];

	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): the callers have started it */
	vsnprintf(text, sizeof(text), fmt, args);
	buf_reset(&d->words);
	buf_str(&d->words, text);
}

enum doctor_verdict doctor_ok(struct doctor *d, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	words(d, fmt, args);
	va_end(args);
	return DOCTOR_OK;
}

enum doctor_verdict doctor_bad(struct doctor *d, enum remedy r, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	words(d, fmt, args);
	va_end(args);
	d->remedy = r;
	return DOCTOR_BAD;
}

enum doctor_verdict doctor_skip(struct doctor *d, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	words(d, fmt, args);
	va_end(args);
	return DOCTOR_SKIP;
}

/* Asking --------------------------------------------------------------------------------------- */

const char *doctor_path(const struct doctor *d, enum doctor_path p)
{
	return d->spec->path[p] != NULL ? d->spec->path[p] : doctor_paths[p].path;
}

static void make_url(struct doctor *d, const struct question *q)
{
	buf_reset(&d->url);
	if (q->url == NULL)
		buf_printf(&d->url, "%s%s", d->spec->url, doctor_path(d, q->path));
	else if (q->url[0] == '/')
		buf_printf(&d->url, "%.*s%s", (int)d->root.len, d->root.p, q->url);
	else
		buf_str(&d->url, q->url);
}

static bool names_request_id(const struct question *q)
{
	for (size_t i = 0; i < TP_COUNT(q->header); i++) {
		if (q->header[i] != NULL && span_starts(span_of(q->header[i]), "X-Request-ID:"))
			return true;
	}
	return false;
}

bool doctor_ask(struct doctor *d, const struct question *q)
{
	const char *headers[TP_COUNT(q->header) + 4];
	struct fetch_request ask = {
		.method = q->method, .headers = headers, .body = q->body, .chunked = q->chunked
	};
	enum tp_rc rc;
	size_t n = 0;

	headers[n++] = "User-Agent: tpauth-doctor";
	if (!names_request_id(q))
		headers[n++] = "X-Request-ID: tpauth-doctor";
	if (q->body.p != NULL)
		headers[n++] = "Content-Type: application/x-www-form-urlencoded";
	for (size_t i = 0; i < TP_COUNT(q->header); i++) {
		if (q->header[i] != NULL)
			headers[n++] = q->header[i];
	}
	headers[n] = NULL;
	make_url(d, q);
	ask.url = buf_cstr(&d->url);
	d->err = (struct tp_err){ .rc = TP_OK };
	rc = d->spec->fetch(d->spec->fetch_arg, &ask, &d->reply, &d->err);
	/* A page that is larger than what is looked at is an answer, too. */
	return rc == TP_OK || (rc == TP_TOO_LARGE && d->reply.status != 0);
}

enum doctor_verdict doctor_unasked(struct doctor *d)
{
	d->unasked++;
	return doctor_skip(
		d, "could not be asked: %s%s", d->err.msg,
		d->err.rc == TP_DENIED ? " (--cacert FILE names an authority of your own)" : "");
}

/* Answers -------------------------------------------------------------------------------------- */

struct span doctor_header(const struct doctor *d, const char *name)
{
	return fetch_header(&d->reply, name, 0);
}

size_t doctor_header_count(const struct doctor *d, const char *name)
{
	size_t n = 0;

	while (fetch_header(&d->reply, name, n).p != NULL)
		n++;
	return n;
}

bool doctor_has(struct span s, const char *word)
{
	return s.len > 0 && memmem(s.p, s.len, word, strlen(word)) != NULL;
}

bool doctor_is_ours(const struct doctor *d)
{
	struct span body = buf_view(&d->reply.body);

	return doctor_header(d, "X-Request-ID").p != NULL || span_is(body, "{\"status\":200}") ||
	       span_is(body, "{\"status\":503}") ||
	       span_is(body, "{\"detail\":\"Not authenticated\"}") ||
	       (span_starts(body, "{\"error\":\"") && doctor_has(body, "\",\"detail\":\""));
}

bool doctor_says(const struct doctor *d, const char *word)
{
	return doctor_has(buf_view(&d->reply.body), word) ||
	       doctor_has(doctor_header(d, "WWW-Authenticate"), word);
}

/* The run -------------------------------------------------------------------------------------- */

static size_t scheme_len(struct span url)
{
	if (span_starts(url, "https://"))
		return strlen("https://");
	return span_starts(url, "http://") ? strlen("http://") : 0;
}

bool doctor_url(struct span url)
{
	size_t scheme = scheme_len(url);

	return scheme > 0 && url.len > scheme && url.p[scheme] != '/' && url.p[scheme] != ':' &&
	       !span_has_control(url) && !span_has_byte(url, '@') && !span_has_byte(url, '?') &&
	       !span_has_byte(url, '#') && !span_has_byte(url, ' ');
}

bool doctor_guarded(struct span url)
{
	struct span rest = url, before = span_cut(&rest, '?');
	size_t scheme = scheme_len(before);

	if (span_has_control(url) || span_has_byte(url, '#') || span_has_byte(url, ' '))
		return false;
	if (scheme == 0)
		return before.len > 0 && before.p[0] == '/';
	return doctor_url(before) && memchr(before.p + scheme, '/', before.len - scheme) != NULL;
}

static struct span host_of(struct span url)
{
	size_t scheme = scheme_len(url);
	struct span rest = { url.p + scheme, url.len - scheme };

	return span_cut(&rest, '/');
}

/* Not by a name: 127.0.0.1.example.org is anybody's. host may have a port. */
static bool is_loopback(struct span host)
{
	char address[INET_ADDRSTRLEN] = "";
	struct in_addr in;

	if (host.len > 0 && host.p[0] == '[')
		return span_is(host, "[::1]") || span_starts(host, "[::1]:");
	host = span_cut(&host, ':');
	if (host.len < sizeof(address))
		memcpy(address, host.p, host.len);
	return span_is_nocase(host, "localhost") ||
	       (inet_pton(AF_INET, address, &in) == 1 &&
		ntohl(in.s_addr) >> IN_CLASSA_NSHIFT == IN_LOOPBACKNET);
}

bool doctor_hides(const struct doctor *d, const char *url)
{
	struct span u = span_of(url[0] == '/' ? d->spec->url : url);

	return d->spec->insecure_ok || span_starts(u, "https://") || is_loopback(host_of(u));
}

static void split_url(struct doctor *d)
{
	struct span url = span_of(d->spec->url);
	size_t scheme = scheme_len(url);
	struct span host = host_of(url);

	d->root = (struct span){ url.p, scheme + host.len };
	d->https = scheme == strlen("https://");
	d->loopback = is_loopback(host);
}

static void run(struct doctor *d, const struct check *checks, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool due = checks[i].when == ALWAYS ||
			   (checks[i].when == WITH_TPAUTH ? d->here : d->open);

		if (due)
			report(d, checks[i].name, checks[i].run(d));
	}
}

static int judge(struct doctor *d)
{
	run(d, doctor_mount_checks, doctor_n_mount_checks);
	run(d, doctor_pass_checks, doctor_n_pass_checks);
	run(d, doctor_session_checks, doctor_n_session_checks);
	for (size_t i = 0; i < d->spec->n_guarded; i++) {
		d->guarded = d->spec->guarded[i];
		d->guarded_status = 0;
		run(d, doctor_guard_checks, doctor_n_guard_checks);
	}
	run(d, doctor_end_checks, doctor_n_end_checks);
	if (d->bad > 0)
		return DOCTOR_FINDINGS;
	return d->unasked > 0 ? DOCTOR_UNASKED : DOCTOR_WELL;
}

int doctor_run(const struct doctor_spec *spec)
{
	struct doctor d = {
		.spec = spec,
		.server = spec->server,
		.reply = FETCH_REPLY_INIT(DOCTOR_BODY_MOST),
		.url = BUF_INIT(WORDS_MOST),
		.words = BUF_INIT(WORDS_MOST),
		.login_head = BUF_INIT(FETCH_HEAD_MOST),
		.bearer = BUF_INIT(TEXT_MOST),
		.cookies = BUF_INIT(TEXT_MOST),
		.user_id = BUF_INIT(WORDS_MOST),
	};
	int status;

	split_url(&d);
	status = judge(&d);
	fetch_reply_release(&d.reply);
	buf_release(&d.url);
	buf_release(&d.words);
	buf_release(&d.login_head);
	buf_release(&d.bearer);
	buf_release(&d.cookies);
	buf_release(&d.user_id);
	return status;
}
