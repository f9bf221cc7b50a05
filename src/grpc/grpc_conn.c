/* SPDX-License-Identifier: MIT */
/*
 * Owns the nghttp2 session of a connection: streams become calls (grpc_call.h), replies become
 * frames, and whoever abuses the protocol is sent away. Flow control is opened by hand, when a
 * call's bytes are done with.
 */
#include "grpc/grpc_conn.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>

#include "base/log.h"
#include "grpc/grpc_answer.h"

#include "base/banned.h"

/* One unit pays for one idle frame. */
enum { BUDGET_MOST = 2000, BUDGET_PER_S = 50, BUDGET_PER_CALL = 8, SETTINGS_COST = 10, CRUMB = 64 };

struct stream {
	struct grpc_call call;
	struct grpc_answer answer; /* its moved_ms counts pieces that came, too */
	int32_t id;
	bool named;  /* its headers are whole */
	size_t held; /* bytes received that the window still counts */
	struct stream *prev, *next;
	struct stream *next_ready;
	bool queued;
};

struct grpc_conn {
	const struct grpc_rules *rules;
	struct span peer;
	nghttp2_session *h2;
	struct stream *streams;		   /* all that are open */
	struct stream *ready, **ready_end; /* in the order of their arrival */
	struct stream *taken, **taken_end; /* of them, those that stand in a batch */
	struct stream *opening;		   /* whose headers arrive; NULL: they are no request's */
	int64_t now_ms, opened_ms, heard_ms, idle_ms, pinged_ms, looked_ms;
	int64_t budget, budget_ms;
	bool greeted;	/* the client's settings are here */
	bool leaving;	/* opens nothing new */
	bool sent_away; /* ends with what is in the queue */
};

/* Budget ----------------------------------------------------------------------------------------*/

static void send_away(struct grpc_conn *c, const char *why)
{
	if (c->sent_away)
		return;
	c->sent_away = true;
	log_event(LOG_LEVEL_NOTICE, "grpc.abuse", LOG_SPAN("peer", c->peer),
		  LOG_STR("reason", why));
	nghttp2_session_terminate_session(c->h2, NGHTTP2_ENHANCE_YOUR_CALM);
}

static void earn(struct grpc_conn *c, int64_t n)
{
	c->budget = c->budget + n < BUDGET_MOST ? c->budget + n : BUDGET_MOST;
}

static void spend(struct grpc_conn *c, int64_t n)
{
	int64_t refill = (c->now_ms - c->budget_ms) * BUDGET_PER_S / 1000;

	if (refill > 0) {
		earn(c, refill);
		c->budget_ms = c->now_ms;
	}
	c->budget -= n;
	if (c->budget < 0)
		send_away(c, "too many frames that bring nothing forward");
}

/* Streams ---------------------------------------------------------------------------------------*/

static void link_stream(struct grpc_conn *c, struct stream *s)
{
	s->next = c->streams;
	if (s->next != NULL)
		s->next->prev = s;
	c->streams = s;
}

static void enqueue(struct grpc_conn *c, struct stream *s)
{
	s->queued = true;
	s->next_ready = NULL;
	*c->ready_end = s;
	c->ready_end = &s->next_ready;
}

static void dequeue(struct grpc_conn *c, struct stream *s)
{
	struct stream **at = &c->ready;

	if (!s->queued)
		return;
	while (*at != s)
		at = &(*at)->next_ready;
	*at = s->next_ready;
	if (*at == NULL)
		c->ready_end = at;
	s->queued = false;
}

static void drop_stream(struct grpc_conn *c, struct stream *s)
{
	dequeue(c, s);
	if (c->opening == s)
		c->opening = NULL;
	if (s->prev != NULL)
		s->prev->next = s->next;
	else
		c->streams = s->next;
	if (s->next != NULL)
		s->next->prev = s->prev;
	grpc_call_release(&s->call);
	free(s);
}

/* The window of the whole connection opens again by what the call held; that of its stream only
 * where more may come. */
static void let_go(struct grpc_conn *c, struct stream *s)
{
	if (s->held == 0)
		return;
	if (s->call.complete || s->call.ended)
		nghttp2_session_consume_connection(c->h2, s->held);
	else
		nghttp2_session_consume(c->h2, s->id, s->held);
	s->held = 0;
}

/* Answers ---------------------------------------------------------------------------------------*/

static void log_refusal(const struct grpc_conn *c, const struct stream *s)
{
	const struct grpc_call *call = &s->call;

	if (call->status.code == GRPC_OK)
		return;
	log_event(LOG_LEVEL_INFO, "grpc.refused", LOG_SPAN("peer", c->peer),
		  LOG_STR("method", call->method != NULL ? call->method->path : "?"),
		  LOG_INT("status", call->status.code), LOG_STR("reason", call->status.text));
}

/* After anything that may have given the call something to say. */
static void speak(struct grpc_conn *c, struct stream *s)
{
	bool begun = s->answer.begun;

	if (s->call.ended && !s->queued)
		let_go(c, s);
	if (grpc_answer_go_on(&s->answer, c->h2, s->id) != 0)
		nghttp2_submit_rst_stream(c->h2, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_INTERNAL_ERROR);
	if (s->call.ended && s->answer.begun) {
		s->answer.moved_ms = c->now_ms;
		if (!begun)
			log_refusal(c, s);
	}
}

/* What arrives -----------------------------------------------------------------------------------
 */

static bool is_request(const nghttp2_frame *f)
{
	return f->hd.type == NGHTTP2_HEADERS && f->headers.cat == NGHTTP2_HCAT_REQUEST;
}

static int on_begin_headers(nghttp2_session *h2, const nghttp2_frame *f, void *arg)
{
	struct grpc_conn *c = arg;
	struct stream *s;

	c->opening = NULL;
	if (!is_request(f))
		return 0;
	s = malloc(sizeof(*s));
	if (s == NULL)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	*s = (struct stream){
		.id = f->hd.stream_id,
		.answer = { &s->call, &c->now_ms, .moved_ms = c->now_ms },
	};
	grpc_call_init(&s->call, c->rules, c->peer, c->now_ms);
	link_stream(c, s);
	c->opening = s;
	nghttp2_session_set_stream_user_data(h2, s->id, s);
	return 0;
}

/* NOLINTNEXTLINE(readability-function-size): the parameters are nghttp2's */
static int on_header(nghttp2_session *h2, const nghttp2_frame *f, const uint8_t *name,
		     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
		     void *arg)
{
	struct grpc_conn *c = arg;
	struct stream *s = c->opening; /* no other headers come in between */

	(void)h2;
	(void)f;
	(void)flags;
	if (s == NULL)
		spend(c, 1); /* trailers, which gRPC's clients do not send */
	else if (!grpc_call_header(&s->call, (struct span){ (const char *)name, name_len },
				   (struct span){ (const char *)value, value_len }))
		send_away(c, "a flood of headers");
	return 0;
}

static int on_data(nghttp2_session *h2, uint8_t flags, int32_t id, const uint8_t *p, size_t n,
		   void *arg)
{
	struct stream *s = nghttp2_session_get_stream_user_data(h2, id);
	struct grpc_conn *c = arg;

	(void)flags;
	if (s == NULL) {
		nghttp2_session_consume_connection(h2, n);
		return 0;
	}
	s->held += n;
	s->answer.moved_ms = c->now_ms;
	grpc_call_data(&s->call, (struct span){ (const char *)p, n });
	/* A message that is still gathered stays on the window's account. */
	if (s->call.method == NULL || s->call.method->kind == GRPC_CHAT || s->call.ended)
		let_go(c, s);
	return 0;
}

/* What a frame costs that may bring nothing forward. */
static int64_t cost_of(const nghttp2_frame *f)
{
	switch (f->hd.type) {
	case NGHTTP2_HEADERS:
		return 0;
	case NGHTTP2_DATA:
		return f->hd.length >= CRUMB || (f->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 ? 0
											     : 1;
	case NGHTTP2_SETTINGS:
		return (f->hd.flags & NGHTTP2_FLAG_ACK) != 0 ? 1 : SETTINGS_COST;
	default:
		return 1;
	}
}

static int on_frame(nghttp2_session *h2, const nghttp2_frame *f, void *arg)
{
	struct stream *s = nghttp2_session_get_stream_user_data(h2, f->hd.stream_id);
	struct grpc_conn *c = arg;

	spend(c, cost_of(f));
	c->greeted = c->greeted || f->hd.type == NGHTTP2_SETTINGS;
	if (s == NULL || (f->hd.type != NGHTTP2_HEADERS && f->hd.type != NGHTTP2_DATA))
		return 0;
	if (is_request(f)) {
		s->named = true;
		grpc_call_headers_end(&s->call);
	}
	if ((f->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
		grpc_call_end(&s->call);
		if (s->call.ready)
			enqueue(c, s);
	}
	speak(c, s);
	return 0;
}

/* An answer that is all sent before the request is all here: the client need not send the rest. */
static int on_sent(nghttp2_session *h2, const nghttp2_frame *f, void *arg)
{
	struct grpc_conn *c = arg;
	struct stream *s;

	/* One call more than agreed; before our settings are there a client cannot know. */
	if (f->hd.type == NGHTTP2_RST_STREAM && f->rst_stream.error_code == NGHTTP2_REFUSED_STREAM)
		spend(c, 1);
	if (f->hd.type != NGHTTP2_HEADERS || (f->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0)
		return 0;
	earn(c, BUDGET_PER_CALL);
	s = nghttp2_session_get_stream_user_data(h2, f->hd.stream_id);
	if (s != NULL && !s->call.complete)
		nghttp2_submit_rst_stream(h2, NGHTTP2_FLAG_NONE, f->hd.stream_id, NGHTTP2_NO_ERROR);
	return 0;
}

static int on_close(nghttp2_session *h2, int32_t id, uint32_t code, void *arg)
{
	struct stream *s = nghttp2_session_get_stream_user_data(h2, id);
	struct grpc_conn *c = arg;

	(void)code;
	if (s == NULL)
		return 0;
	s->call.complete = true;
	let_go(c, s);
	drop_stream(c, s);
	if (c->streams == NULL)
		c->idle_ms = c->now_ms;
	return 0;
}

/* Opening and closing ---------------------------------------------------------------------------*/

static int new_session(struct grpc_conn *c)
{
	nghttp2_session_callbacks *call = NULL;
	nghttp2_option *option = NULL;
	int failed = nghttp2_session_callbacks_new(&call);

	if (failed == 0)
		failed = nghttp2_option_new(&option);
	if (failed == 0) {
		nghttp2_session_callbacks_set_on_begin_headers_callback(call, on_begin_headers);
		nghttp2_session_callbacks_set_on_header_callback(call, on_header);
		nghttp2_session_callbacks_set_on_data_chunk_recv_callback(call, on_data);
		nghttp2_session_callbacks_set_on_frame_recv_callback(call, on_frame);
		nghttp2_session_callbacks_set_on_frame_send_callback(call, on_sent);
		nghttp2_session_callbacks_set_on_stream_close_callback(call, on_close);
		nghttp2_option_set_no_auto_window_update(option, 1);
		nghttp2_option_set_no_closed_streams(option, 1);
		failed = nghttp2_session_server_new2(&c->h2, call, c, option);
	}
	nghttp2_session_callbacks_del(call);
	nghttp2_option_del(option);
	return failed;
}

static int greet(struct grpc_conn *c)
{
	static const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, LIMIT_GRPC_STREAMS },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, LIMIT_GRPC_METADATA },
	};

	return nghttp2_submit_settings(c->h2, NGHTTP2_FLAG_NONE, settings, TP_COUNT(settings));
}

enum tp_rc grpc_conn_open(const struct grpc_rules *rules, struct span peer, int64_t now_ms,
			  struct grpc_conn **ret, struct tp_err *err)
{
	struct grpc_conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	*c = (struct grpc_conn){ .rules = rules,
				 .peer = peer,
				 .now_ms = now_ms,
				 .opened_ms = now_ms,
				 .heard_ms = now_ms,
				 .idle_ms = now_ms,
				 .looked_ms = now_ms,
				 .budget = BUDGET_MOST,
				 .budget_ms = now_ms };
	c->ready_end = &c->ready;
	c->taken_end = &c->taken;
	if (new_session(c) != 0 || greet(c) != 0) {
		grpc_conn_close(c);
		return tp_fail(err, TP_NOMEM, "out of memory");
	}
	*ret = c;
	return TP_OK;
}

void grpc_conn_close(struct grpc_conn *c)
{
	if (c == NULL)
		return;
	for (struct stream *s = c->streams, *next; s != NULL; s = next) {
		next = s->next;
		grpc_call_release(&s->call);
		free(s);
	}
	nghttp2_session_del(c->h2);
	free(c);
}

/* Work ------------------------------------------------------------------------------------------*/

bool grpc_conn_in(struct grpc_conn *c, struct span bytes, int64_t now_ms)
{
	union {
		const char *in;
		const uint8_t *out;
	} p = { .in = bytes.p };

	c->now_ms = now_ms;
	c->heard_ms = now_ms;
	c->pinged_ms = 0;
	return nghttp2_session_mem_recv(c->h2, p.out, bytes.len) == (ssize_t)bytes.len;
}

static void take(struct grpc_conn *c, struct stream *s)
{
	dequeue(c, s);
	s->next_ready = NULL;
	*c->taken_end = s;
	c->taken_end = &s->next_ready;
}

bool grpc_conn_take(struct grpc_conn *c, int most, int64_t now_ms, struct grpc_batch *b)
{
	c->now_ms = now_ms;
	for (; c->ready != NULL && most > 0; most--) {
		struct stream *s = c->ready;

		if (s->call.method != NULL && s->call.method->many != NULL) {
			if (!grpc_batch_add(b, &s->call))
				break;
			take(c, s);
			continue;
		}
		dequeue(c, s);
		/* The one before may have waited, which only a deadline has to know. */
		grpc_call_run(&s->call, s->call.deadline_ms != 0 ? clock_mono_ms() : now_ms);
		speak(c, s);
	}
	return c->ready != NULL;
}

void grpc_conn_answer(struct grpc_conn *c)
{
	struct stream *s = c->taken, *next;

	c->taken = NULL;
	c->taken_end = &c->taken;
	for (; s != NULL; s = next) {
		next = s->next_ready;
		speak(c, s);
	}
}

bool grpc_conn_work(struct grpc_conn *c, int most, int64_t now_ms)
{
	struct grpc_batch b = { .n = 0 };
	bool more = grpc_conn_take(c, most, now_ms, &b);

	grpc_batch_run(&b, clock_mono_ms());
	grpc_conn_answer(c);
	return more;
}

bool grpc_conn_out(struct grpc_conn *c, struct buf *out)
{
	while (out->len < GRPC_OUT_MOST) {
		const uint8_t *p;
		ssize_t n = nghttp2_session_mem_send(c->h2, &p);

		if (n < 0)
			return false;
		if (n == 0)
			return true;
		buf_put(out, p, (size_t)n);
		if (out->rc != TP_OK)
			return false;
	}
	return true;
}

/* Time ------------------------------------------------------------------------------------------*/

static void reset(struct grpc_conn *c, struct stream *s)
{
	nghttp2_submit_rst_stream(c->h2, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_CANCEL);
}

/* NULL: it may go on. */
static const char *overdue(const struct grpc_conn *c, const struct stream *s)
{
	const struct grpc_call *call = &s->call;
	int64_t quiet_ms = c->now_ms - s->answer.moved_ms;

	if (call->deadline_ms != 0 && c->now_ms >= call->deadline_ms)
		return "the deadline has passed";
	if (call->complete)
		return NULL;
	if (call->method->kind == GRPC_CHAT)
		return quiet_ms >= GRPC_CHAT_MS ? "nothing came for a minute" : NULL;
	return c->now_ms - call->begun_ms >= GRPC_REQUEST_MS ? "the request took too long" : NULL;
}

static void tick_stream(struct grpc_conn *c, struct stream *s, bool look)
{
	struct grpc_call *call = &s->call;
	const char *why;

	if (!s->named) {
		if (c->now_ms - call->begun_ms >= GRPC_REQUEST_MS)
			send_away(c, "headers took too long");
		return;
	}
	if (s->answer.begun && (call->ended || call->out.len > 0) &&
	    c->now_ms - s->answer.moved_ms >= GRPC_ANSWER_MS) {
		reset(c, s);
		return;
	}
	if (call->ended || s->queued)
		return;
	why = overdue(c, s);
	if (why != NULL)
		grpc_call_refuse(call, GRPC_DEADLINE_EXCEEDED, why);
	else if (look && call->complete && call->method->kind == GRPC_WATCH)
		grpc_call_look(call);
	speak(c, s);
}

static void tick_connection(struct grpc_conn *c)
{
	int64_t silent_ms = c->now_ms - c->heard_ms;

	if (!c->greeted && c->now_ms - c->opened_ms >= GRPC_REQUEST_MS) {
		send_away(c, "no greeting");
	} else if (c->streams == NULL && c->now_ms - c->idle_ms >= GRPC_IDLE_MS) {
		grpc_conn_leave(c);
	} else if (c->streams != NULL && c->pinged_ms == 0 && silent_ms >= GRPC_SILENT_MS) {
		c->pinged_ms = c->now_ms;
		nghttp2_submit_ping(c->h2, NGHTTP2_FLAG_NONE, NULL);
	} else if (c->pinged_ms != 0 && c->now_ms - c->pinged_ms >= GRPC_PONG_MS) {
		c->sent_away = true;
		nghttp2_session_terminate_session(c->h2, NGHTTP2_NO_ERROR);
	}
}

void grpc_conn_tick(struct grpc_conn *c, int64_t now_ms)
{
	struct stream *s, *next;
	bool look;

	c->now_ms = now_ms;
	look = now_ms - c->looked_ms >= GRPC_LOOK_MS;
	if (look)
		c->looked_ms = now_ms;
	for (s = c->streams; s != NULL; s = next) {
		next = s->next;
		tick_stream(c, s, look);
	}
	tick_connection(c);
}

/* Leaving ---------------------------------------------------------------------------------------*/

void grpc_conn_notice(struct grpc_conn *c)
{
	if (!c->leaving)
		nghttp2_submit_shutdown_notice(c->h2);
}

void grpc_conn_leave(struct grpc_conn *c)
{
	if (c->leaving)
		return;
	c->leaving = true;
	for (struct stream *s = c->streams; s != NULL; s = s->next) {
		if (s->named && !s->call.ended && s->call.method->kind != GRPC_UNARY) {
			grpc_call_refuse(&s->call, GRPC_UNAVAILABLE, "the service is stopping");
			speak(c, s);
		}
	}
	nghttp2_submit_goaway(c->h2, NGHTTP2_FLAG_NONE,
			      nghttp2_session_get_last_proc_stream_id(c->h2), NGHTTP2_NO_ERROR,
			      NULL, 0);
}

bool grpc_conn_is_over(struct grpc_conn *c)
{
	return nghttp2_session_want_read(c->h2) == 0 && nghttp2_session_want_write(c->h2) == 0;
}

bool grpc_conn_is_idle(const struct grpc_conn *c)
{
	return c->streams == NULL;
}

bool grpc_conn_only_watches(const struct grpc_conn *c)
{
	for (const struct stream *s = c->streams; s != NULL; s = s->next) {
		if (!s->call.complete || s->call.ended || s->call.method->kind != GRPC_WATCH)
			return false;
	}
	return true;
}

int64_t grpc_conn_heard_ms(const struct grpc_conn *c)
{
	return c->heard_ms;
}
