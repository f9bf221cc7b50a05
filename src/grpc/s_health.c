/* SPDX-License-Identifier: MIT */
/*
 * grpc.health.v1: whether the store answers, which is all that the refresh service depends on. The
 * store is asked at most once a second, however many ask us.
 */
#include "grpc/services.h"

#include "grpc/health.pb-c.h"
#include "grpc/pb.h"

#include "base/banned.h"

enum {
	SERVING = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING,
	NOT_SERVING = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING,
	NO_SERVICE = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN,
	FRESH_MS = 1000
};

static void ask_store(struct services *s)
{
	struct store_op ping = { .verb = STORE_PING };
	struct tp_err err;

	store_begin(s->auth->store);
	s->serving = store_do(s->auth->store, &ping, &err) == TP_OK;
	s->pinged_ms = clock_mono_ms();
}

static bool is_serving(struct services *s)
{
	if (s->pinged_ms == 0 || clock_mono_ms() - s->pinged_ms >= FRESH_MS)
		ask_store(s);
	return s->serving;
}

/* 0 and a failed call: the message cannot be read. */
static int status_of(struct services *s, struct grpc_call *c, struct span message)
{
	Grpc__Health__V1__HealthCheckRequest *request = NULL;
	struct span name;
	bool known;

	/* No bytes, no name: the server as a whole, which is what most ask for. */
	if (message.len == 0)
		return is_serving(s) ? SERVING : NOT_SERVING;
	if (pb_is_clean(message, 1 << 1))
		request = grpc__health__v1__health_check_request__unpack(
			NULL, message.len, (const uint8_t *)message.p);
	if (request == NULL) {
		grpc_fail(&c->status, GRPC_INVALID_ARGUMENT, "this is no HealthCheckRequest");
		return 0;
	}
	name = span_of(request->service);
	known = name.len == 0 || span_is(name, "refresh.RefreshService");
	grpc__health__v1__health_check_request__free_unpacked(request, NULL);
	if (!known)
		return NO_SERVICE;
	return is_serving(s) ? SERVING : NOT_SERVING;
}

static void reply(struct grpc_call *c, int status)
{
	/* HealthCheckResponse whole: field 1, a varint of one byte. */
	const unsigned char bytes[] = { 1 << 3, (unsigned char)status };

	buf_put(&c->out, bytes, sizeof(bytes));
}

void s_health_check(void *arg, struct grpc_call *c, struct span message)
{
	int status = status_of(arg, c, message);

	if (status == NO_SERVICE)
		grpc_fail(&c->status, GRPC_NOT_FOUND, "there is no such service");
	else if (status != 0)
		reply(c, status);
}

/* Says what changed, and at first what is. */
void s_health_watch(void *arg, struct grpc_call *c, struct span message)
{
	int status = status_of(arg, c, message);

	if (status == 0 || status == c->state)
		return;
	c->state = status;
	reply(c, status);
}
