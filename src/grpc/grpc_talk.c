/* SPDX-License-Identifier: MIT */
/*
 * Owns nghttp2 on the client's side: what is sent, and what of the answer counts (status, one
 * message, grpc-status). Each turn of its loop looks at the clock, so that a peer that never stops
 * talking gets no further than one that is silent.
 */
#include "grpc/grpc_talk.h"

#include "base/clock.h"
#include "grpc/grpc_frame.h"

#include <inttypes.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

enum {
	READ_BYTES = 4096,
	ANSWER_MOST = 4096, /* the message: ours is empty, a later one may have fields */
	HEADERS_MOST = 16384,
	IDLE_READS = 16 /* what a service in order says while nobody calls is a frame or two */
};

struct call {
	int32_t stream; /* 0: none */
	struct buf request;
	size_t sent;
	struct grpc_frame answer;
	int messages;
	int http, status; /* -1: none yet */
	bool nonsense, done;
	uint32_t error_code; /* of RST_STREAM */
};

struct grpc_talk {
	struct grpc_link *link;
	nghttp2_session *h2;
	const struct grpc_peer *peer;
	bool tls;
	bool going; /* the service takes no further call here */
	const uint8_t *out;
	size_t out_len; /* of out: not written yet */
	struct call call;
};

/* What nghttp2 tells -------------------------------------------------------------------------- */

static bool is_ours(const struct grpc_talk *t, int32_t stream)
{
	return t->call.stream != 0 && t->call.stream == stream;
}

static int take_number(struct grpc_talk *t, struct span s)
{
	int64_t n;

	if (span_int(s, 0, 999, &n))
		return (int)n;
	t->call.nonsense = true;
	return -1;
}

/* NOLINTNEXTLINE(readability-function-size): the library's form */
static int on_header(nghttp2_session *h2, const nghttp2_frame *frame, const uint8_t *name,
		     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
		     void *arg)
{
	struct grpc_talk *t = arg;
	struct span key = { (const char *)name, name_len };
	struct span text = { (const char *)value, value_len };

	(void)h2;
	(void)flags;
	if (!is_ours(t, frame->hd.stream_id))
		return 0;
	if (span_is(key, ":status"))
		t->call.http = take_number(t, text);
	else if (span_is(key, "grpc-status"))
		t->call.status = take_number(t, text);
	return 0;
}

static int on_data(nghttp2_session *h2, uint8_t flags, int32_t stream, const uint8_t *p, size_t n,
		   void *arg)
{
	struct grpc_talk *t = arg;
	struct span rest = { (const char *)p, n };

	(void)h2;
	(void)flags;
	while (is_ours(t, stream) && rest.len > 0 && !t->call.nonsense) {
		switch (grpc_frame_take(&t->call.answer, &rest)) {
		case GRPC_FRAME_MORE:
			break;
		case GRPC_FRAME_MESSAGE:
			t->call.messages++;
			grpc_frame_next(&t->call.answer);
			break;
		case GRPC_FRAME_COMPRESSED:
		case GRPC_FRAME_BAD_FLAG:
		case GRPC_FRAME_TOO_LARGE:
		case GRPC_FRAME_NOMEM:
			t->call.nonsense = true;
			break;
		}
	}
	return 0;
}

static int on_frame(nghttp2_session *h2, const nghttp2_frame *frame, void *arg)
{
	struct grpc_talk *t = arg;

	(void)h2;
	if (frame->hd.type == NGHTTP2_GOAWAY)
		t->going = true;
	return 0;
}

static int on_stream_close(nghttp2_session *h2, int32_t stream, uint32_t error_code, void *arg)
{
	struct grpc_talk *t = arg;

	(void)h2;
	if (!is_ours(t, stream))
		return 0;
	t->call.done = true;
	t->call.error_code = error_code;
	return 0;
}

static ssize_t give_request(nghttp2_session *h2, int32_t stream, uint8_t *p, size_t room,
			    uint32_t *flags, nghttp2_data_source *source, void *arg)
{
	struct grpc_talk *t = arg;
	size_t left = t->call.request.len - t->call.sent;
	size_t n = left < room ? left : room;

	(void)h2;
	(void)stream;
	(void)source;
	memcpy(p, t->call.request.p + t->call.sent, n);
	t->call.sent += n;
	if (n == left)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)n;
}

/* Opening and closing ------------------------------------------------------------------------- */

static bool start_session(struct grpc_talk *t)
{
	static const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_ENABLE_PUSH, 0 },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HEADERS_MOST },
	};
	nghttp2_session_callbacks *cb;
	int e;

	if (nghttp2_session_callbacks_new(&cb) != 0)
		return false;
	nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_stream_close);
	e = nghttp2_session_client_new(&t->h2, cb, t);
	nghttp2_session_callbacks_del(cb);
	return e == 0 &&
	       nghttp2_submit_settings(t->h2, NGHTTP2_FLAG_NONE, settings, TP_COUNT(settings)) == 0;
}

enum tp_rc grpc_talk_open(const struct grpc_peer *peer, const struct tls_ctx *tls,
			  int64_t deadline_ms, struct grpc_talk **ret, struct tp_err *err)
{
	struct grpc_talk *t = calloc(1, sizeof(*t));
	enum tp_rc rc;

	if (t == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	t->peer = peer;
	t->tls = tls != NULL;
	rc = grpc_link_open(peer, tls, deadline_ms, &t->link, err);
	if (rc == TP_OK && !start_session(t))
		rc = tp_fail(err, TP_NOMEM, "out of memory");
	if (rc != TP_OK) {
		grpc_talk_close(t);
		return rc;
	}
	*ret = t;
	return TP_OK;
}

void grpc_talk_close(struct grpc_talk *t)
{
	if (t == NULL)
		return;
	nghttp2_session_del(t->h2);
	grpc_link_close(t->link);
	free(t);
}

/* Turns ----------------------------------------------------------------------------------------*/

/* GRPC_TALK_STATUS: everything that nghttp2 has to say is written. */
static enum grpc_talk_end write_all(struct grpc_talk *t, int64_t deadline_ms)
{
	for (;;) {
		ptrdiff_t n;

		if (t->out_len == 0) {
			n = nghttp2_session_mem_send(t->h2, &t->out);
			if (n <= 0)
				return n == 0 ? GRPC_TALK_STATUS : GRPC_TALK_NONSENSE;
			t->out_len = (size_t)n;
		}
		n = grpc_link_write(t->link, t->out, t->out_len);
		if (n < 0)
			return GRPC_TALK_LOST;
		if (n == 0 && !grpc_link_wait(t->link, true, deadline_ms))
			return GRPC_TALK_LATE;
		t->out += n;
		t->out_len -= (size_t)n;
	}
}

/* GRPC_TALK_STATUS: something was read; GRPC_TALK_LATE: nothing is there now. */
static enum grpc_talk_end read_some(struct grpc_talk *t)
{
	uint8_t bytes[READ_BYTES];
	ptrdiff_t n = grpc_link_read(t->link, bytes, sizeof(bytes));

	if (n <= 0)
		return n == 0 ? GRPC_TALK_LATE : GRPC_TALK_LOST;
	if (nghttp2_session_mem_recv(t->h2, bytes, (size_t)n) < 0)
		return GRPC_TALK_NONSENSE;
	return GRPC_TALK_STATUS;
}

/* nghttp2 wants nothing more after an error of the peer's, once its goodbye is written. */
static bool is_over(const struct grpc_talk *t)
{
	return nghttp2_session_want_read(t->h2) == 0 && nghttp2_session_want_write(t->h2) == 0;
}

bool grpc_talk_is_usable(struct grpc_talk *t)
{
	enum grpc_talk_end end = GRPC_TALK_STATUS;

	for (int i = 0; i < IDLE_READS && end == GRPC_TALK_STATUS; i++)
		end = read_some(t);
	return end == GRPC_TALK_LATE && !t->going && !is_over(t);
}

static enum grpc_talk_end exchange(struct grpc_talk *t, int64_t deadline_ms)
{
	while (!t->call.done) {
		enum grpc_talk_end end = write_all(t, deadline_ms);

		if (end == GRPC_TALK_STATUS && is_over(t))
			return GRPC_TALK_NONSENSE;
		if (end == GRPC_TALK_STATUS)
			end = read_some(t);
		if (end == GRPC_TALK_LATE && grpc_link_wait(t->link, false, deadline_ms))
			continue;
		if (end != GRPC_TALK_STATUS)
			return end;
		if (clock_mono_ms() >= deadline_ms)
			return GRPC_TALK_LATE;
	}
	return GRPC_TALK_STATUS;
}

/* The call --------------------------------------------------------------------------------------*/

static nghttp2_nv nv(const char *name, struct span value, uint8_t flags)
{
	union {
		const char *in;
		uint8_t *out; /* nghttp2 takes what it only reads as not const */
	} n = { .in = name }, v = { .in = value.p };

	return (nghttp2_nv){ n.out, v.out, strlen(name), value.len, flags };
}

static bool submit(struct grpc_talk *t, const struct grpc_question *q, int64_t left_ms)
{
	const nghttp2_data_provider body = { .read_callback = give_request };
	char timeout[24];
	size_t n = q->secret.p != NULL ? 9 : 8;

	snprintf(timeout, sizeof(timeout), "%" PRId64 "m", left_ms);
	const nghttp2_nv headers[] = {
		nv(":method", SPAN_LIT("POST"), 0),
		nv(":scheme", t->tls ? SPAN_LIT("https") : SPAN_LIT("http"), 0),
		nv(":path", span_of(q->path), 0),
		nv(":authority", span_of(t->peer->authority), 0),
		nv("te", SPAN_LIT("trailers"), 0),
		nv("content-type", SPAN_LIT("application/grpc"), 0),
		nv("user-agent", SPAN_LIT("tpauth"), 0),
		nv("grpc-timeout", span_of(timeout), 0),
		nv("x-tpauth-secret", q->secret, NGHTTP2_NV_FLAG_NO_INDEX),
	};

	t->call.stream = nghttp2_submit_request(t->h2, NULL, headers, n, &body, NULL);
	return t->call.stream > 0;
}

static bool begin(struct grpc_talk *t, const struct grpc_question *q, int64_t left_ms)
{
	unsigned char head[GRPC_FRAME_HEAD];
	struct call *c = &t->call;

	*c = (struct call){ .request = BUF_INIT(GRPC_FRAME_HEAD + q->message.len),
			    .http = -1,
			    .status = -1 };
	grpc_frame_init(&c->answer, ANSWER_MOST);
	grpc_frame_head(head, q->message.len);
	buf_put(&c->request, head, sizeof(head));
	buf_span(&c->request, q->message);
	return c->request.rc == TP_OK && submit(t, q, left_ms);
}

/* What a call whose stream has closed is worth. A refusal may come without a message, and without
 * its own end (RFC 9113 8.1: RST_STREAM with NO_ERROR). */
static enum grpc_talk_end judge(const struct call *c)
{
	if (c->error_code == NGHTTP2_REFUSED_STREAM)
		return GRPC_TALK_LOST;
	if (c->nonsense || c->error_code != NGHTTP2_NO_ERROR || c->http != 200 || c->status < 0)
		return GRPC_TALK_NONSENSE;
	if (c->status == 0 && (c->messages != 1 || !grpc_frame_is_between(&c->answer)))
		return GRPC_TALK_NONSENSE;
	return GRPC_TALK_STATUS;
}

static void forget(struct call *c)
{
	buf_release(&c->request);
	grpc_frame_release(&c->answer);
	*c = (struct call){ 0 };
}

enum grpc_talk_end grpc_talk_call(struct grpc_talk *t, const struct grpc_question *q,
				  int64_t deadline_ms, int *ret_status)
{
	int64_t left_ms = deadline_ms - clock_mono_ms();
	enum grpc_talk_end end;

	if (left_ms <= 0)
		return GRPC_TALK_LATE;
	end = begin(t, q, left_ms) ? exchange(t, deadline_ms) : GRPC_TALK_NOMEM;
	if (end == GRPC_TALK_STATUS)
		end = judge(&t->call);
	if (end == GRPC_TALK_STATUS)
		*ret_status = t->call.status;
	forget(&t->call);
	return end;
}
