/* SPDX-License-Identifier: MIT */
/*
 * Owns the policy of calling: when, how long, over which connection, how often again. The call
 * itself is grpc_talk's. That it may be made twice is no harm: the service does nothing inside the
 * restriction window that the first one claimed.
 */
#include "grpc/grpc_client.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/secret.h"
#include "grpc/grpc_backoff.h"
#include "grpc/grpc_talk.h"

#include <stdlib.h>

#include "base/banned.h"

#define REFRESH_METHOD "/refresh.RefreshService/RefreshToken"

enum { STATUS_OK = 0, STATUS_INVALID_ARGUMENT = 3 };

struct grpc_client {
	struct grpc_client_spec spec;
	struct grpc_peer peer;
	struct tls_ctx *tls; /* NULL: plain */
	struct grpc_talk *talk;
	struct grpc_backoff backoff;
};

/* Custom-Metadata of gRPC over HTTP/2: ASCII-Value. */
static enum tp_rc check_secret(struct span s, struct tp_err *err)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return tp_fail(err, TP_INVALID,
				       "GRPC_SECRET: takes printable ASCII characters");
	}
	return TP_OK;
}

static enum tp_rc open_tls(struct grpc_client *c, struct tp_err *err)
{
	const struct tls_client_spec spec = { .ca_file = c->spec.ca_file,
					      .cert_file = c->spec.cert_file,
					      .key_file = c->spec.key_file,
					      .alpn = "h2" };

	return c->spec.ca_file != NULL ? tls_client_open(&spec, &c->tls, err) : TP_OK;
}

enum tp_rc grpc_client_open(const struct grpc_client_spec *spec, struct grpc_client **ret,
			    struct tp_err *err)
{
	struct grpc_client *c = calloc(1, sizeof(*c));
	enum tp_rc rc;

	if (c == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	c->spec = *spec;
	rc = check_secret(spec->secret, err);
	if (rc == TP_OK)
		rc = grpc_peer_init(&c->peer, spec->target, spec->look_up, err);
	if (rc == TP_OK)
		rc = open_tls(c, err);
	if (rc != TP_OK) {
		grpc_client_close(c);
		return rc;
	}
	*ret = c;
	return TP_OK;
}

static void hang_up(struct grpc_client *c)
{
	grpc_talk_close(c->talk);
	c->talk = NULL;
}

void grpc_client_close(struct grpc_client *c)
{
	if (c == NULL)
		return;
	hang_up(c);
	tls_ctx_close(c->tls);
	free(c);
}

/* A field of protobuf's wire format: its tag for "length-delimited", the length, the bytes. */
static void put_string(struct buf *out, int field, struct span s)
{
	size_t len = s.len;

	buf_char(out, (char)(field << 3 | 2));
	for (; len > 0x7f; len >>= 7)
		buf_char(out, (char)(0x80 | (len & 0x7f)));
	buf_char(out, (char)len);
	buf_span(out, s);
}

static enum tp_rc judge_status(int status, struct tp_err *err)
{
	if (status == STATUS_OK)
		return TP_OK;
	return tp_fail(err, status == STATUS_INVALID_ARGUMENT ? TP_INVALID : TP_UNAVAILABLE,
		       "the refresh service answers with status %d", status);
}

/* One call over the connection that is there, or over a new one. *ret_again: it was an old one, and
 * lost. */
static enum tp_rc call(struct grpc_client *c, const struct grpc_question *q, int64_t deadline_ms,
		       bool *ret_again, struct tp_err *err)
{
	static const char *const ends[] = {
		[GRPC_TALK_LOST] = "the refresh service ended the connection",
		[GRPC_TALK_LATE] = "the refresh service does not answer in time",
		[GRPC_TALK_NONSENSE] = "what the refresh service answers is no answer",
		[GRPC_TALK_NOMEM] = "out of memory",
	};
	enum grpc_talk_end end;
	enum tp_rc rc = TP_OK;
	int status = 0;
	bool kept;

	if (c->talk != NULL && !grpc_talk_is_usable(c->talk))
		hang_up(c);
	kept = c->talk != NULL;
	if (!kept)
		rc = grpc_talk_open(&c->peer, c->tls, deadline_ms, &c->talk, err);
	if (rc != TP_OK)
		return rc;
	end = grpc_talk_call(c->talk, q, deadline_ms, &status);
	if (end == GRPC_TALK_STATUS)
		return judge_status(status, err);
	hang_up(c);
	*ret_again = kept && end == GRPC_TALK_LOST;
	return tp_fail(err, end == GRPC_TALK_NOMEM ? TP_NOMEM : TP_UNAVAILABLE, "%s", ends[end]);
}

enum tp_rc grpc_client_refresh(struct grpc_client *c, struct span user, struct span handle,
			       struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf message = BUF_INIT(LIMIT_USER_ID + LIMIT_HANDLE + 8);
	struct grpc_question q = { .path = REFRESH_METHOD, .secret = c->spec.secret };
	int64_t now_ms = clock_mono_ms();
	int64_t deadline_ms = now_ms + c->spec.timeout_ms;
	bool again = false;
	enum tp_rc rc;

	if (!grpc_backoff_passes(&c->backoff, now_ms))
		return tp_fail(err, TP_THROTTLED, "the refresh service failed a moment ago");
	put_string(&message, 1, user);
	put_string(&message, 2, handle);
	rc = buf_rc(&message, "user and handle", err);
	if (rc != TP_OK)
		return rc;
	q.message = buf_view(&message);
	rc = call(c, &q, deadline_ms, &again, err);
	if (again)
		rc = call(c, &q, deadline_ms, &again, err);
	/* A refusal of this one session says nothing about the next. */
	if (rc == TP_OK || rc == TP_INVALID)
		grpc_backoff_worked(&c->backoff);
	else
		grpc_backoff_failed(&c->backoff, clock_mono_ms());
	return rc;
}
