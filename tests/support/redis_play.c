/* SPDX-License-Identifier: MIT */
/* A backend and a fake peer, and what most cases say to them. */
#include "support/redis_play.h"

#include <check.h>
#include <stdio.h>

#include "base/banned.h"

void redis_play_begin(struct redis_play *p, const struct fake_step *steps, size_t n)
{
	p->peer = fake_peer_start(steps, n, NULL);
	redis_rig_open(&p->rig, "redis://127.0.0.1:%d", fake_peer_port(p->peer));
}

void redis_play_end(struct redis_play *p)
{
	redis_rig_close(&p->rig);
	fake_peer_stop(p->peer);
}

enum tp_rc redis_play_get(struct redis_play *p, int64_t budget_ms)
{
	p->rig.budget_ms = budget_ms;
	return redis_rig_get(&p->rig, PLAY_USER, PLAY_HANDLE);
}

enum tp_rc redis_play_put(struct redis_play *p)
{
	p->rig.budget_ms = RIG_BUDGET_MS;
	return redis_rig_put(&p->rig, PLAY_USER, PLAY_HANDLE, "{}", 86400, STORE_ANY);
}

void redis_play_failed(const struct redis_play *p, enum tp_rc rc, const char *says)
{
	char want[200];

	snprintf(want, sizeof(want), "redis at 127.0.0.1:%d %s", fake_peer_port(p->peer), says);
	ck_assert_int_eq(rc, TP_UNAVAILABLE);
	ck_assert_str_eq(p->rig.err.msg, want);
	ck_assert_int_le(p->rig.spent_ms, p->rig.budget_ms + PLAY_SLACK_MS);
}

void redis_play_right(struct redis_play *p)
{
	ck_assert_msg(redis_play_get(p, RIG_BUDGET_MS) == TP_OK, "%s", p->rig.err.msg);
	ck_assert_str_eq(buf_cstr(&p->rig.value), "right");
}
