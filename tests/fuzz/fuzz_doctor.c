/* SPDX-License-Identifier: MIT */
/*
 * The doctor before a server that says anything. The input is the server's answers, in turn and
 * over again, with a line of "%" between: status, headers, an empty line, body. Whatever they say,
 * nothing but letters reaches the terminal, and a session that was opened is closed.
 */
#include "ctl/doctor.h"

#include <assert.h>

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

struct server {
	struct span script, rest;
	int questions;
};

static struct span next_answer(struct server *s)
{
	const char *end;
	struct span one;

	if (s->rest.len == 0)
		s->rest = s->script;
	one = s->rest;
	end = one.len > 0 ? memmem(one.p, one.len, "\n%\n", 3) : NULL;
	s->rest = (struct span){ NULL, 0 };
	if (end != NULL) {
		one.len = (size_t)(end - one.p);
		s->rest = (struct span){ end + 3, s->script.len - (size_t)(end + 3 - s->script.p) };
	}
	return one;
}

static enum tp_rc answer(void *arg, const struct fetch_request *ask, struct fetch_reply *reply,
			 struct tp_err *err)
{
	struct server *s = arg;
	struct span text = next_answer(s), line;
	int64_t status = 0;

	assert(ask->method != NULL && span_starts(span_of(ask->url), "https://h/"));
	s->questions++;
	reply->status = 0;
	buf_reset(&reply->head);
	buf_reset(&reply->body);
	line = text.p != NULL ? span_cut(&text, '\n') : text;
	if (!span_int(line, 100, 599, &status))
		return tp_fail(err, TP_UNAVAILABLE, "no answer");
	reply->status = (int)status;
	while (text.p != NULL) {
		line = span_cut(&text, '\n');
		if (line.len == 0)
			break;
		buf_span(&reply->head, line);
		buf_char(&reply->head, '\n');
	}
	if (text.p != NULL)
		buf_span(&reply->body, text);
	return TP_OK;
}

static void print(void *arg, const char *line)
{
	size_t len = strlen(line);

	(void)arg;
	assert(len > 0 && line[len - 1] == '\n');
	for (size_t i = 0; i + 1 < len; i++)
		assert(line[i] >= 0x20 && line[i] < 0x7f);
}

static int64_t now(void *arg)
{
	(void)arg;
	return 784111777;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char *const guarded[] = { "/app/x?y" };
	struct server server = { .script = { (const char *)p, n } };
	struct doctor_spec spec = {
		.url = "https://h",
		.server = REMEDY_ANY,
		.user = SPAN_LIT("u"),
		.password = SPAN_LIT("p"),
		.guarded = guarded,
		.n_guarded = 1,
		.cookie_prefix = "",
		.max_body = 1024,
		.clock = { now, NULL },
		.fetch = answer,
		.fetch_arg = &server,
		.print = print,
	};
	int status = doctor_run(&spec);

	assert(status >= DOCTOR_WELL && status <= DOCTOR_UNASKED);
	assert(server.questions > 0 && server.questions < 200);
	return 0;
}
