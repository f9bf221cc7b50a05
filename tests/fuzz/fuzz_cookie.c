/* SPDX-License-Identifier: MIT */
/*
 * Cookies: the input as a Cookie header, and as a value. A value that was read is clean, and what
 * cookie_set() writes of it reads back the same.
 */
#include "http/cookie.h"

#include <assert.h>

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const struct span no_prefix = { "", 0 };

/* Written as a cookie and read again. */
static void there_and_back(struct span value)
{
	const struct cookie_rules rules = { .prefix = no_prefix, .path = { "/", 1 } };
	TP_CLEANUP(buf_release) struct buf set = BUF_INIT(8 * LIMIT_COOKIE);
	TP_CLEANUP(buf_release) struct buf hold = BUF_INIT(COOKIE_HOLD);
	struct span header, got;
	struct tp_err err;
	enum tp_rc rc;

	cookie_set(&rules, "a", value, &set);
	assert(set.rc == TP_OK && !span_has_control(buf_view(&set)));
	header = buf_view(&set);
	header = span_cut(&header, ';'); /* no value has one as it is */
	rc = cookie_get(header, no_prefix, "a", &hold, &got, &err);
	if (rc == TP_INVALID)
		assert(header.len - 2 > LIMIT_COOKIE); /* grown by its quoting */
	else
		assert(value.len == 0 ? rc == TP_NOT_FOUND : rc == TP_OK && span_eq(got, value));
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	TP_CLEANUP(buf_release) struct buf hold = BUF_INIT(COOKIE_HOLD);
	struct span header = { (const char *)p, n }, value = { NULL, 0 };
	struct tp_err err = { .rc = TP_OK };
	enum tp_rc rc = cookie_get(header, no_prefix, "a", &hold, &value, &err);

	assert(rc == TP_OK || rc == TP_NOT_FOUND || rc == TP_INVALID);
	if (rc == TP_OK) {
		assert(value.len > 0 && value.len <= COOKIE_HOLD && !span_has_control(value));
		if (value.len <= LIMIT_COOKIE && span_is_utf8(value))
			there_and_back(value);
	} else {
		assert(err.rc == rc && value.p == NULL);
	}
	if (n <= LIMIT_COOKIE && span_is_utf8(header) && !span_has_control(header))
		there_and_back(header);
	return 0;
}
