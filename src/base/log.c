/* SPDX-License-Identifier: MIT */
/*
 * Owns the process's log sink. Lines are built whole, then written by one call; a value cannot end
 * a line or forge a key. What is worth a line is decided by the callers at the edges.
 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/secret.h"

#include "base/banned.h"

enum target { TO_STDERR, TO_SYSLOG, TO_FILE };

static struct {
	enum target target;
	enum log_format format;
	enum log_level level;
	char *path; /* of a file */
	int fd;
	void (*divert)(void *arg, const char *line, size_t n);
	void *arg;
	char request_id[LIMIT_REQUEST_ID + 1];
	struct clock clock;
} sink = { .level = LOG_LEVEL_NOTICE, .fd = -1 };

static const struct {
	const char *name;
	enum log_level level;
} level_names[] = { { "error", LOG_LEVEL_ERR },
		    { "warning", LOG_LEVEL_WARN },
		    { "notice", LOG_LEVEL_NOTICE },
		    { "info", LOG_LEVEL_INFO },
		    { "debug", LOG_LEVEL_DEBUG } };

static const char *level_name(enum log_level level)
{
	for (size_t i = 0; i < TP_COUNT(level_names); i++) {
		if (level_names[i].level == level)
			return level_names[i].name;
	}
	return "error";
}

bool log_wants(enum log_level level)
{
	return level <= sink.level;
}

/* Values -----------------------------------------------------------------------------------------
 */

/* Text that may be written above 0x7f as it is: UTF-8, and without the control characters U+0080 to
 * U+009F, which some terminals obey. */
static bool is_text(struct span s)
{
	for (size_t i = 0; i + 1 < s.len; i++) {
		if ((unsigned char)s.p[i] == 0xc2 && (unsigned char)s.p[i + 1] < 0xa0)
			return false;
	}
	return span_is_utf8(s);
}

/* Needs no quotes in logfmt. */
static bool is_plain(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f)
			return false;
	}
	return s.len > 0 && is_text(s);
}

static void put_hex_escape(struct buf *line, const char *lead, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";

	buf_str(line, lead);
	buf_char(line, digits[c >> 4]);
	buf_char(line, digits[c & 15]);
}

/* In quotes, for both formats; lead is how a control byte is written: \x1f or \u001f. In a value
 * that is no text the bytes above 0x7f are written so as well. */
static void put_quoted(struct buf *line, struct span s, const char *lead)
{
	bool text = is_text(s);

	buf_char(line, '"');
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x20 || c == 0x7f || (c > 0x7f && !text)) {
			put_hex_escape(line, lead, c);
		} else {
			if (c == '"' || c == '\\')
				buf_char(line, '\\');
			buf_char(line, (char)c);
		}
	}
	buf_char(line, '"');
}

static void put_pair(struct buf *line, const char *key, struct span value)
{
	if (sink.format == LOG_JSON) {
		buf_char(line, line->len == 0 ? '{' : ',');
		put_quoted(line, span_of(key), "\\u00");
		buf_char(line, ':');
		put_quoted(line, value, "\\u00");
		return;
	}
	if (line->len > 0)
		buf_char(line, ' ');
	buf_str(line, key);
	buf_char(line, '=');
	if (is_plain(value))
		buf_span(line, value);
	else
		put_quoted(line, value, "\\x");
}

static void put_int(struct buf *line, const char *key, int64_t n)
{
	if (sink.format == LOG_JSON)
		buf_printf(line, ",\"%s\":%lld", key, (long long)n);
	else
		buf_printf(line, " %s=%lld", key, (long long)n);
}

static void put_time(struct buf *line)
{
	struct clock clock = sink.clock.now_s != NULL ? sink.clock : clock_system();
	time_t now = clock_now(&clock);
	struct tm tm = { 0 };
	char text[32];
	size_t n;

	gmtime_r(&now, &tm);
	n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	put_pair(line, "ts", (struct span){ text, n });
}

static struct span request_id(void)
{
	return span_of(sink.request_id[0] != '\0' ? sink.request_id : NULL);
}

static void put_kv(struct buf *line, const struct log_kv *kv)
{
	char hex[SECRET_FP_LEN + 1];

	switch (kv->type) {
	case LOG_KV_STR:
		if (kv->s.p != NULL)
			put_pair(line, kv->key, kv->s);
		break;
	case LOG_KV_INT:
		put_int(line, kv->key, kv->n);
		break;
	case LOG_KV_FP:
		if (kv->s.p != NULL) {
			secret_fingerprint(kv->s, hex);
			put_pair(line, kv->key, span_of(hex));
		}
		break;
	}
}

/* Lines ------------------------------------------------------------------------------------------
 */

static void emit(enum log_level level, struct span line)
{
	int fd = sink.target == TO_FILE ? sink.fd : STDERR_FILENO;
	ssize_t n;

	if (sink.target == TO_SYSLOG) {
		syslog((int)level, "%.*s", (int)line.len - 1, line.p);
		return;
	}
	if (sink.target == TO_STDERR && sink.divert != NULL) {
		sink.divert(sink.arg, line.p, line.len);
		return;
	}
	do {
		n = write(fd, line.p, line.len);
	} while (n < 0 && errno == EINTR);
}

/* The pair, with its value cut to what fits, at a character; or nothing of it. */
static void put_fitting(struct buf *line, struct log_kv kv)
{
	size_t before = line->len;

	for (;;) {
		put_kv(line, &kv);
		if (line->rc == TP_OK)
			return;
		buf_cut(line, before);
		line->rc = TP_OK;
		if (kv.type != LOG_KV_STR || kv.s.len == 0)
			return;
		kv.s.len /= 2;
		while (kv.s.len > 0 && ((unsigned char)kv.s.p[kv.s.len] & 0xc0) == 0x80)
			kv.s.len--;
	}
}

void log_write(enum log_level level, const char *word, const struct log_kv *kv)
{
	static const char end[] = "}\n";
	const struct log_kv head[] = { LOG_STR("level", level_name(level)), LOG_STR("event", word),
				       LOG_SPAN("request_id", request_id()) };
	TP_CLEANUP(buf_release) struct buf line = BUF_INIT(LIMIT_LOG_LINE - strlen(end));
	int saved = errno;

	if (!log_wants(level))
		return;
	put_time(&line);
	for (size_t i = 0; i < TP_COUNT(head); i++)
		put_fitting(&line, head[i]);
	for (; kv->key != NULL; kv++)
		put_fitting(&line, *kv);
	line.cap = LIMIT_LOG_LINE;
	buf_str(&line, sink.format == LOG_JSON ? end : end + 1);
	if (line.rc == TP_OK)
		emit(level, buf_view(&line));
	errno = saved;
}

/* The sink ---------------------------------------------------------------------------------------
 */

static const char *why(void)
{
	return strerror(errno); /* NOLINT(concurrency-mt-unsafe): there are no threads */
}

static int open_file(const char *path)
{
	return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
}

/* What a target's text means; fd and path of a file are new, and the caller's. */
struct opened {
	enum target target;
	char *path;
	int fd;
};

static enum tp_rc open_target(const char *target, struct opened *ret, struct tp_err *err)
{
	if (span_is(span_of(target), "stderr") || span_is(span_of(target), "syslog")) {
		ret->target = target[1] == 't' ? TO_STDERR : TO_SYSLOG;
		return TP_OK;
	}
	if (!span_starts(span_of(target), "file:"))
		return tp_fail(err, TP_INVALID, "LOG_TARGET: takes stderr, syslog or file:PATH");
	ret->target = TO_FILE;
	ret->path = span_dup(span_of(target + strlen("file:")));
	if (ret->path == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	ret->fd = open_file(ret->path);
	if (ret->fd >= 0)
		return TP_OK;
	tp_fail(err, TP_INVALID, "LOG_TARGET: %.80s: %s", ret->path, why());
	free(ret->path);
	return TP_INVALID;
}

enum tp_rc log_open(const char *target, enum log_format format, enum log_level level,
		    const char *program, struct tp_err *err)
{
	struct opened next = { .fd = -1 };
	enum tp_rc rc = open_target(target, &next, err);

	if (rc != TP_OK)
		return rc; /* lines go on to where they went */
	log_close();
	if (next.target == TO_SYSLOG)
		openlog(program, LOG_PID | LOG_NDELAY, LOG_AUTHPRIV);
	sink.target = next.target;
	sink.path = next.path;
	sink.fd = next.fd;
	sink.format = format;
	sink.level = level;
	return TP_OK;
}

void log_reopen(void)
{
	int fd;

	if (sink.target != TO_FILE)
		return;
	fd = open_file(sink.path);
	if (fd < 0) {
		log_event(LOG_LEVEL_ERR, "log.kept", LOG_STR("file", sink.path),
			  LOG_STR("reason", why()));
		return;
	}
	close(sink.fd);
	sink.fd = fd;
}

void log_close(void)
{
	if (sink.fd >= 0)
		close(sink.fd);
	free(sink.path);
	if (sink.target == TO_SYSLOG)
		closelog();
	sink.fd = -1;
	sink.path = NULL;
	sink.target = TO_STDERR;
	sink.format = LOG_LOGFMT;
	sink.level = LOG_LEVEL_NOTICE;
}

void log_divert(void (*fn)(void *arg, const char *line, size_t n), void *arg)
{
	sink.divert = fn;
	sink.arg = arg;
}

void log_request(struct span request_id)
{
	size_t n = request_id.len < sizeof(sink.request_id) ? request_id.len : 0;

	if (n > 0)
		memcpy(sink.request_id, request_id.p, n);
	sink.request_id[n] = '\0';
}

void log_clock(struct clock c)
{
	sink.clock = c;
}
