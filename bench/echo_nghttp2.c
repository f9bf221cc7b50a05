/* SPDX-License-Identifier: MIT */
/*
 * The yardstick of bench/grpcd.py for the bare path: a unary gRPC echo on nghttp2, with nothing
 * around it. No limits, no time-outs, no checks: what HTTP/2 itself costs. usage: echo_nghttp2 PORT
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BODY_MOST = 1024, OUT_BYTES = 65536, EVENTS = 64 };

struct body {
	size_t n;
	uint8_t bytes[BODY_MOST];
};

struct peer {
	int fd;
	nghttp2_session *h2;
};

#define NV(name, value)                                                                     \
	{                                                                                   \
		(uint8_t *)(name), (uint8_t *)(value), sizeof(name) - 1, sizeof(value) - 1, \
			NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE,       \
	}

static int on_begin(nghttp2_session *h2, const nghttp2_frame *f, void *arg)
{
	(void)arg;
	nghttp2_session_set_stream_user_data(h2, f->hd.stream_id, calloc(1, sizeof(struct body)));
	return 0;
}

static int on_data(nghttp2_session *h2, uint8_t flags, int32_t id, const uint8_t *p, size_t n,
		   void *arg)
{
	struct body *b = nghttp2_session_get_stream_user_data(h2, id);

	(void)flags;
	(void)arg;
	if (b->n + n <= sizeof(b->bytes)) {
		memcpy(b->bytes + b->n, p, n);
		b->n += n;
	}
	return 0;
}

static ssize_t give(nghttp2_session *h2, int32_t id, uint8_t *p, size_t room, uint32_t *flags,
		    nghttp2_data_source *source, void *arg)
{
	const nghttp2_nv trailer[] = { NV("grpc-status", "0") };
	const struct body *b = source->ptr;

	(void)room;
	(void)arg;
	memcpy(p, b->bytes, b->n);
	*flags = NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
	nghttp2_submit_trailer(h2, id, trailer, 1);
	return (ssize_t)b->n;
}

static int on_frame(nghttp2_session *h2, const nghttp2_frame *f, void *arg)
{
	const nghttp2_nv head[] = { NV(":status", "200"), NV("content-type", "application/grpc") };
	nghttp2_data_provider echo = { .read_callback = give };

	(void)arg;
	if ((f->hd.type != NGHTTP2_DATA && f->hd.type != NGHTTP2_HEADERS) ||
	    !(f->hd.flags & NGHTTP2_FLAG_END_STREAM))
		return 0;
	echo.source.ptr = nghttp2_session_get_stream_user_data(h2, f->hd.stream_id);
	return nghttp2_submit_response(h2, f->hd.stream_id, head, 2, &echo);
}

static int on_close(nghttp2_session *h2, int32_t id, uint32_t code, void *arg)
{
	(void)code;
	(void)arg;
	free(nghttp2_session_get_stream_user_data(h2, id));
	return 0;
}

/* 0: it is over. */
static int serve(struct peer *p)
{
	static uint8_t in[OUT_BYTES], out[2 * OUT_BYTES];
	ssize_t n = read(p->fd, in, sizeof(in));
	size_t len = 0;
	const uint8_t *piece;

	if (n <= 0 || nghttp2_session_mem_recv(p->h2, in, (size_t)n) != n)
		return 0;
	do {
		n = nghttp2_session_mem_send(p->h2, &piece);
		if (n > 0)
			memcpy(out + len, piece, (size_t)n);
		len += n > 0 ? (size_t)n : 0;
		if ((n <= 0 || len > OUT_BYTES) && len > 0) {
			/* The socket blocks: who reads nothing holds up all. */
			if (write(p->fd, out, len) != (ssize_t)len)
				return 0;
			len = 0;
		}
	} while (n > 0);
	return n == 0;
}

static void meet(int epoll, int listener, nghttp2_session_callbacks *call)
{
	nghttp2_settings_entry streams = { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 128 };
	struct peer *p = calloc(1, sizeof(*p));
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = p };
	int on = 1;

	p->fd = accept(listener, NULL, NULL);
	setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	nghttp2_session_server_new(&p->h2, call, p);
	nghttp2_submit_settings(p->h2, NGHTTP2_FLAG_NONE, &streams, 1);
	epoll_ctl(epoll, EPOLL_CTL_ADD, p->fd, &e);
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	struct epoll_event events[EVENTS], e = { .events = EPOLLIN };
	int epoll = epoll_create1(0), listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	nghttp2_session_callbacks *call;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	at.sin_port = htons((uint16_t)(argc == 2 ? strtoul(argv[1], NULL, 10) : 0));
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(listener, 128) != 0 ||
	    nghttp2_session_callbacks_new(&call) != 0)
		return 1;
	nghttp2_session_callbacks_set_on_begin_headers_callback(call, on_begin);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(call, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(call, on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(call, on_close);
	epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &e);
	for (;;) {
		int n = epoll_wait(epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			struct peer *p = events[i].data.ptr;

			if (p == NULL) {
				meet(epoll, listener, call);
			} else if (!serve(p)) {
				nghttp2_session_del(p->h2);
				close(p->fd);
				free(p);
			}
		}
	}
}
