/* SPDX-License-Identifier: MIT */
/*
 * Origins: the first line of the input is a pattern, the second an origin. What parses is rebuilt
 * and parses to the same; what matches has the pattern's scheme and port, and its host's end at the
 * border of a label.
 */
#include "http/origin.h"

#include "base/buf.h"

#include <assert.h>

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check_rebuilt(const struct origin *o)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(1 << 20);
	struct origin again;

	assert(o->host.len > 0 && o->port >= 1 && o->port <= 65535 && !o->any && !o->wildcard);
	buf_str(&text, o->https ? "https://" : "http://");
	buf_span(&text, o->host);
	if (o->has_port)
		buf_printf(&text, ":%d", o->port);
	assert(origin_parse(buf_view(&text), &again));
	assert(again.https == o->https && again.port == o->port && again.has_port == o->has_port);
	assert(span_eq(again.host, o->host));
	assert(origin_matches(o, &again) && origin_is_host(o, o->host));
}

static void check_match(const struct origin *pattern, const struct origin *o)
{
	size_t before;

	if (pattern->any)
		return;
	assert(pattern->https == o->https && pattern->port == o->port);
	assert(o->host.len >= pattern->host.len);
	before = o->host.len - pattern->host.len;
	assert(strncasecmp(o->host.p + before, pattern->host.p, pattern->host.len) == 0);
	assert(pattern->wildcard ? before >= 2 && o->host.p[before - 1] == '.' : before == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span rest = { (const char *)p, n };
	struct span first = span_cut(&rest, '\n');
	struct tp_err err = { .rc = TP_OK };
	struct origin pattern, o;
	enum tp_rc rc = origin_pattern(first, &pattern, &err);
	bool parsed = origin_parse(rest, &o);

	assert(rc == TP_OK || (rc == TP_INVALID && err.rc == rc && err.msg[0] != '\0'));
	if (rc == TP_OK && pattern.wildcard)
		assert(memchr(pattern.host.p, '.', pattern.host.len) != NULL);
	if (parsed)
		check_rebuilt(&o);
	if (parsed && rc == TP_OK && origin_matches(&pattern, &o))
		check_match(&pattern, &o);
	if (parsed && origin_is_host(&o, first))
		assert(first.len >= o.host.len);
	return 0;
}
