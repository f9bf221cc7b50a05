/* SPDX-License-Identifier: MIT */
/*
 * Owns the shape of a response: which fields begin it, how its messages are handed to nghttp2, and
 * where the status stands (in trailers, or alone).
 */
#include "grpc/grpc_answer.h"

#include <assert.h>
#include <nghttp2/nghttp2.h>

#include "base/banned.h"

static nghttp2_nv field(const char *name, struct span value)
{
	union {
		const char *in;
		uint8_t *out; /* nghttp2 takes what it only reads as not const */
	} n = { .in = name }, v = { .in = value.p };

	return (nghttp2_nv){ n.out, v.out, strlen(name), value.len, NGHTTP2_NV_FLAG_NO_COPY_NAME };
}

/* One whose value stands in the program, too. */
static nghttp2_nv fixed(const char *name, const char *value)
{
	nghttp2_nv nv = field(name, span_of(value));

	nv.flags |= NGHTTP2_NV_FLAG_NO_COPY_VALUE;
	return nv;
}

enum {
	HEAD_FIELDS = 3,
	STATUS_FIELDS = 2,
	MESSAGE_MOST = 3 * sizeof(((struct grpc_status *)0)->text)
};

/* Fields of the trailers. text holds what they point to. */
static size_t status_fields(const struct grpc_call *call, struct buf *text, nghttp2_nv *nv)
{
	static const char *const codes[] = { "0", "1",	"2",  "3",  "4",  "5",	"6",  "7", "8",
					     "9", "10", "11", "12", "13", "14", "15", "16" };

	assert((size_t)call->status.code < TP_COUNT(codes));
	nv[0] = fixed("grpc-status", codes[call->status.code]);
	if (call->status.text[0] == '\0')
		return 1;
	grpc_message_put(span_of(call->status.text), text);
	nv[1] = field("grpc-message", buf_view(text));
	return 2;
}

/* nghttp2's word for what stands between two replies. */
static ssize_t next_piece(nghttp2_session *h2, int32_t id, uint8_t *p, size_t room, uint32_t *flags,
			  nghttp2_data_source *source, void *arg)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(MESSAGE_MOST);
	struct grpc_answer *a = source->ptr;
	struct grpc_call *call = a->call;
	size_t left = call->out.len - a->sent;
	size_t n = left < room ? left : room;
	nghttp2_nv nv[STATUS_FIELDS];

	(void)arg;
	if (n > 0)
		memcpy(p, call->out.p + a->sent, n);
	a->sent += n;
	a->moved_ms = *a->now_ms;
	if (n < left)
		return (ssize_t)n;
	buf_reset(&call->out);
	a->sent = 0;
	if (!call->ended) {
		a->waiting = n == 0;
		return n > 0 ? (ssize_t)n : NGHTTP2_ERR_DEFERRED;
	}
	*flags = NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
	if (nghttp2_submit_trailer(h2, id, nv, status_fields(call, &text, nv)) != 0)
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	return (ssize_t)n;
}

static int answer_http(const struct grpc_answer *a, nghttp2_session *h2, int32_t id)
{
	bool method = a->call->http == 405;
	nghttp2_nv nv[] = { fixed(":status", method ? "405" : "415"), fixed("content-length", "0"),
			    fixed("allow", "POST") };

	return nghttp2_submit_response(h2, id, nv, method ? 3 : 2, NULL);
}

/* Begins the response: a status alone where there is nothing else to say (Trailers-Only). */
static int answer_grpc(struct grpc_answer *a, nghttp2_session *h2, int32_t id)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(MESSAGE_MOST);
	nghttp2_data_provider body = { .source.ptr = a, .read_callback = next_piece };
	nghttp2_nv nv[HEAD_FIELDS + STATUS_FIELDS] = {
		fixed(":status", "200"),
		fixed("content-type", "application/grpc"),
	};
	size_t n = 2;

	/* Who compresses has to hear what is taken; who does not need not. */
	if (a->call->compresses)
		nv[n++] = fixed("grpc-accept-encoding", "identity");
	if (!a->call->ended || a->call->out.len > 0)
		return nghttp2_submit_response(h2, id, nv, n, &body);
	n += status_fields(a->call, &text, nv + n);
	return nghttp2_submit_response(h2, id, nv, n, NULL);
}

int grpc_answer_go_on(struct grpc_answer *a, nghttp2_session *h2, int32_t id)
{
	if (!a->call->ended && a->call->out.len == 0)
		return 0;
	if (!a->begun) {
		a->begun = true;
		return a->call->http != 0 ? answer_http(a, h2, id) : answer_grpc(a, h2, id);
	}
	if (!a->waiting)
		return 0;
	a->waiting = false;
	return nghttp2_session_resume_data(h2, id);
}
