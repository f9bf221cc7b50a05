/* SPDX-License-Identifier: MIT */
/* Owns the client's nghttp2 session; bytes go straight from one session into the other. */
#include "support/h2_client.h"

#include <assert.h>
#include <nghttp2/nghttp2.h>

#include "base/codec.h"

#include "base/banned.h"

static struct h2_call *find(struct h2_client *c, int32_t id)
{
	for (size_t i = 0; i < c->n; i++) {
		if (c->calls[i].id == id)
			return &c->calls[i];
	}
	return NULL;
}

static int on_header(nghttp2_session *h2, const nghttp2_frame *f, const uint8_t *name,
		     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
		     void *arg)
{
	struct h2_call *call = find(arg, f->hd.stream_id);

	(void)h2;
	(void)flags;
	assert(call != NULL);
	buf_put(&call->got, name, name_len);
	buf_str(&call->got, ": ");
	buf_put(&call->got, value, value_len);
	buf_char(&call->got, '\n');
	return 0;
}

static int on_data(nghttp2_session *h2, uint8_t flags, int32_t id, const uint8_t *p, size_t n,
		   void *arg)
{
	struct h2_call *call = find(arg, id);

	(void)h2;
	(void)flags;
	buf_char(&call->got, '[');
	codec_hex_put(&call->got, (struct span){ (const char *)p, n });
	buf_str(&call->got, "]\n");
	return 0;
}

static int on_frame(nghttp2_session *h2, const nghttp2_frame *f, void *arg)
{
	struct h2_client *c = arg;
	struct h2_call *call = find(c, f->hd.stream_id);

	(void)h2;
	if (f->hd.type == NGHTTP2_GOAWAY) {
		c->goaways++;
		c->goaway = f->goaway.error_code;
		c->last_id = f->goaway.last_stream_id;
	}
	if (f->hd.type == NGHTTP2_PING && (f->hd.flags & NGHTTP2_FLAG_ACK) == 0)
		c->pings++;
	if (call != NULL && (f->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 &&
	    (f->hd.type == NGHTTP2_HEADERS || f->hd.type == NGHTTP2_DATA))
		buf_str(&call->got, "end\n");
	return 0;
}

static int on_close(nghttp2_session *h2, int32_t id, uint32_t code, void *arg)
{
	struct h2_call *call = find(arg, id);

	(void)h2;
	if (call == NULL)
		return 0;
	call->closed = true;
	call->reset = code;
	return 0;
}

static ssize_t give_body(nghttp2_session *h2, int32_t id, uint8_t *p, size_t room, uint32_t *flags,
			 nghttp2_data_source *source, void *arg)
{
	struct h2_call *call = source->ptr;
	size_t left = call->body.len - call->sent;
	size_t n = left < room ? left : room;

	(void)h2;
	(void)id;
	(void)arg;
	if (n > 0)
		memcpy(p, call->body.p + call->sent, n);
	call->sent += n;
	if (n < left)
		return (ssize_t)n;
	if (call->open)
		return n > 0 ? (ssize_t)n : NGHTTP2_ERR_DEFERRED;
	*flags = NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)n;
}

void h2_open(struct h2_client *c, const struct grpc_rules *rules, int64_t now_ms, uint32_t window)
{
	const nghttp2_settings_entry settings = { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window };
	nghttp2_session_callbacks *call;
	struct tp_err err;

	*c = (struct h2_client){ 0 };
	assert(grpc_conn_open(rules, SPAN_LIT("client"), now_ms, &c->conn, &err) == TP_OK);
	assert(nghttp2_session_callbacks_new(&call) == 0);
	nghttp2_session_callbacks_set_on_header_callback(call, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(call, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(call, on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(call, on_close);
	assert(nghttp2_session_client_new(&c->h2, call, c) == 0);
	nghttp2_session_callbacks_del(call);
	assert(nghttp2_submit_settings(c->h2, NGHTTP2_FLAG_NONE, &settings, 1) == 0);
}

void h2_close(struct h2_client *c)
{
	for (size_t i = 0; i < c->n; i++)
		buf_release(&c->calls[i].got);
	nghttp2_session_del(c->h2);
	grpc_conn_close(c->conn);
}

static nghttp2_nv field(struct span name, struct span value)
{
	union {
		const char *in;
		uint8_t *out;
	} n = { .in = name.p }, v = { .in = value.p };

	return (nghttp2_nv){ n.out, v.out, name.len, value.len, NGHTTP2_NV_FLAG_NONE };
}

static size_t add_fields(nghttp2_nv *nv, const char *lines)
{
	struct span all = span_of(lines);
	size_t n = 0;

	while (all.len > 0) {
		struct span value = span_cut(&all, '\n');
		struct span name = span_cut(&value, ' ');

		name.len--; /* the colon */
		nv[n++] = field(name, value);
	}
	return n;
}

struct h2_call *h2_call(struct h2_client *c, const char *path, const char *headers,
			struct span body, bool open)
{
	static const char usual[] = ":scheme: http\n:authority: x\nte: trailers\n";
	struct h2_call *call = &c->calls[c->n++];
	nghttp2_data_provider provider = { .source.ptr = call, .read_callback = give_body };
	nghttp2_nv nv[16];
	size_t n = 0;

	*call = (struct h2_call){ .got = BUF_INIT(1 << 20), .body = body, .open = open };
	if (headers[0] != ':')
		n += add_fields(nv, ":method: POST\ncontent-type: application/grpc\n");
	nv[n++] = field(SPAN_LIT(":path"), span_of(path));
	n += add_fields(nv + n, headers);
	n += add_fields(nv + n, usual);
	/* Pseudo headers go first. */
	for (size_t i = 1; i < n; i++) {
		for (size_t k = i; k > 0 && nv[k].name[0] == ':' && nv[k - 1].name[0] != ':'; k--) {
			nghttp2_nv one = nv[k];

			nv[k] = nv[k - 1];
			nv[k - 1] = one;
		}
	}
	call->id = nghttp2_submit_request(c->h2, NULL, nv, n, &provider, NULL);
	assert(call->id > 0);
	return call;
}

static void hand_over(struct h2_client *c, struct span bytes, int64_t now_ms)
{
	while (bytes.len > 0 && !c->refused) {
		size_t n = c->piece > 0 && c->piece < bytes.len ? c->piece : bytes.len;

		c->refused = !grpc_conn_in(c->conn, (struct span){ bytes.p, n }, now_ms);
		bytes.p += n;
		bytes.len -= n;
	}
}

static bool client_speaks(struct h2_client *c, int64_t now_ms)
{
	const uint8_t *p;
	ssize_t n = c->deaf ? 0 : nghttp2_session_mem_send(c->h2, &p);

	assert(n >= 0);
	if (n > 0)
		hand_over(c, (struct span){ (const char *)p, (size_t)n }, now_ms);
	return n > 0;
}

static bool server_speaks(struct h2_client *c)
{
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT((size_t)4 * GRPC_OUT_MOST);

	assert(grpc_conn_out(c->conn, &out));
	if (out.len == 0)
		return false;
	if (!c->deaf || c->goaways == 0)
		assert(nghttp2_session_mem_recv(c->h2, (const uint8_t *)out.p, out.len) ==
		       (ssize_t)out.len);
	return true;
}

void h2_say(struct h2_client *c, int64_t now_ms)
{
	while (client_speaks(c, now_ms))
		;
}

void h2_pump(struct h2_client *c, int64_t now_ms)
{
	bool spoke = true;

	while (spoke) {
		h2_say(c, now_ms);
		while (grpc_conn_work(c->conn, 3, now_ms))
			;
		spoke = server_speaks(c);
	}
}

void h2_cancel(struct h2_client *c, const struct h2_call *call)
{
	assert(nghttp2_submit_rst_stream(c->h2, NGHTTP2_FLAG_NONE, call->id, NGHTTP2_CANCEL) == 0);
}

void h2_raw(struct h2_client *c, int type, int flags, int32_t id, struct span payload,
	    int64_t now_ms)
{
	TP_CLEANUP(buf_release) struct buf frame = BUF_INIT(1 << 20);

	buf_char(&frame, (char)(payload.len >> 16));
	buf_char(&frame, (char)(payload.len >> 8));
	buf_char(&frame, (char)payload.len);
	buf_char(&frame, (char)type);
	buf_char(&frame, (char)flags);
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_char(&frame, (char)(id >> shift));
	buf_span(&frame, payload);
	hand_over(c, buf_view(&frame), now_ms);
}
