/* SPDX-License-Identifier: MIT */
/*
 * The structured log: an event is a fixed dotted word and key=value pairs. Values are escaped, so a
 * client cannot forge a line. Secrets have no way in but LOG_FP.
 *
 *   log_event(LOG_LEVEL_INFO, "refresh.ok", LOG_SPAN("user", user), LOG_FP("session", handle));
 *
 *   ts=2026-11-24T10:00:00Z level=info event=refresh.ok request_id=... user=u session=1a2b3c4d
 *   {"ts":"2026-11-24T10:00:00Z","level":"info","event":"refresh.ok","request_id":"...",...}
 *
 * In logfmt a value stands in quotes when it is empty or holds a blank, '=', a quote, a backslash
 * or what is written as \xNN: control bytes, and all above 0x7f where the value is no UTF-8. JSON
 * has \u00NN instead. A line has at most LIMIT_LOG_LINE bytes: values are cut until it fits, and it
 * stays well-formed.
 *
 * The sink is process-wide state, as errno is: a line that cannot be written is lost, and nothing
 * fails for it.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/clock.h"
#include "base/str.h"

/* Values of syslog(3). */
enum log_level {
	LOG_LEVEL_ERR = 3,
	LOG_LEVEL_WARN = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7
};

enum log_format { LOG_LOGFMT, LOG_JSON };

struct log_kv {
	const char *key;
	enum { LOG_KV_STR, LOG_KV_INT, LOG_KV_FP } type;
	struct span s;
	int64_t n;
};

/* clang-format off */
#define LOG_STR(k, v)  { (k), LOG_KV_STR, span_of(v), 0 }
#define LOG_SPAN(k, v) { (k), LOG_KV_STR, (v), 0 } /* an absent span is left out */
#define LOG_INT(k, v)  { (k), LOG_KV_INT, { NULL, 0 }, (v) }
#define LOG_FP(k, v)   { (k), LOG_KV_FP, (v), 0 } /* fingerprint of a secret's bytes */
#define LOG_END        { NULL, LOG_KV_STR, { NULL, 0 }, 0 }
/* clang-format on */

/* At least one pair. */
#define log_event(level, word, ...) \
	log_write((level), (word), (const struct log_kv[]){ __VA_ARGS__, LOG_END })

void log_write(enum log_level level, const char *word, const struct log_kv *kv);

/* True when such an event would be written; saves the work of making its values. */
bool log_wants(enum log_level level);

/* target: "stderr", "syslog" or "file:PATH" (opened for append, 0640, made anew by log_reopen()).
 * Until log_open(), after log_close() and after a failure everything from LOG_LEVEL_NOTICE up goes
 * to stderr in logfmt. program: syslog's name of us, borrowed until log_close(). TP_INVALID: no
 * such target, or the file cannot be opened. */
enum tp_rc log_open(const char *target, enum log_format format, enum log_level level,
		    const char *program, struct tp_err *err) TP_MUSTUSE;
/* After a rotation. Where the new file cannot be opened the old one stays in use and says so. */
void log_reopen(void);
void log_close(void);

/* Where target "stderr" goes instead, during a FastCGI request: its error stream. NULL fn: back to
 * file descriptor 2. fn gets one whole line with its newline. */
void log_divert(void (*fn)(void *arg, const char *line, size_t n), void *arg);

/* The request that the following lines belong to; an absent span or one over LIMIT_REQUEST_ID:
 * none. Copied. */
void log_request(struct span request_id);

/* The time stamps' clock; tests set it. */
void log_clock(struct clock c);

#endif
