/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as what memcached has for a key. A record that is taken must give the same bytes when
 * it is written again; a list must keep what it is asked to, within its bounds.
 */
#include "store/mc_item.h"

#include <assert.h>

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { NOW = 1800000000 };

static void check_list(struct span list)
{
	TP_CLEANUP(buf_release) struct buf b = BUF_INIT(MC_LIST_MOST);
	static const unsigned char digest[DIGEST_SHA256] = "a key's digest";
	size_t n = mc_list_count(list, NOW);

	assert((n > 0) == (mc_list_last(list, NOW) > NOW));
	assert(mc_list_last(list, NOW) <= (int64_t)1 << 40);
	mc_list_copy(&b, list, digest, NOW);
	assert(b.rc == TP_OK && mc_list_count(buf_view(&b), NOW) <= n);
	assert(!mc_list_has(buf_view(&b), digest, NOW));
	mc_list_add(&b, digest, NOW + 1);
	assert(b.rc == TP_OK && mc_list_has(buf_view(&b), digest, NOW));
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	TP_CLEANUP(buf_release) struct buf again = BUF_INIT(MC_RECORD_MOST + MC_LIST_MOST);
	struct span bytes = { (const char *)p, n };
	int64_t count = 0, last_s = 0;
	struct mc_record r;

	if (!mc_record_get(bytes, &r))
		return 0;
	assert(r.owner.len <= LIMIT_USER_ID && r.item.len <= LIMIT_HANDLE && r.expiry_s > 0);
	if (n <= again.cap) {
		mc_record_put(&again, &r);
		assert(span_eq(buf_view(&again), bytes));
	}
	if (r.kind == MC_LIST)
		check_list(r.body);
	if (mc_count_get(r.body, &count, &last_s))
		assert(count > 0 && last_s >= 0);
	return 0;
}
