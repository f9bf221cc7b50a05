/* SPDX-License-Identifier: MIT */
/*
 * SCOPE_RULES: the first line of the input is a method and a target, the rest the file. Whatever is
 * read can be asked, and the scopes that a request needs are among those that it needs when its
 * path is ambiguous, and among those that it needs when its method is not known.
 */
#include "http/scope_rules.h"

#include "http/path.h"

#include <assert.h>

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static bool find(const struct scope_rules *r, struct scope_request q, struct scope_set *ret)
{
	struct tp_err err = { .rc = TP_OK };
	enum tp_rc rc;

	*ret = (struct scope_set){ 0 };
	rc = scope_rules_add(r, &q, ret, &err);
	assert(rc == TP_OK || rc == TP_BAD_SCOPE);
	return rc == TP_OK;
}

static void check_request(const struct scope_rules *r, struct span method, struct span path)
{
	struct scope_set plain, ambiguous, any;

	if (!find(r, (struct scope_request){ path, false, method }, &plain))
		return;
	if (find(r, (struct scope_request){ path, true, method }, &ambiguous))
		assert(scope_covers(&ambiguous, &plain));
	if (find(r, (struct scope_request){ path, false, { NULL, 0 } }, &any))
		assert(scope_covers(&any, &plain));
	if (find(r, (struct scope_request){ path, true, { NULL, 0 } }, &any))
		assert(scope_covers(&any, &plain));
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	TP_CLEANUP(buf_release) struct buf path = BUF_INIT(LIMIT_URI_PATH);
	struct span rest = { (const char *)p, n };
	struct span target = span_cut(&rest, '\n');
	struct span method = span_cut(&target, ' ');
	struct tp_err err = { .rc = TP_OK };
	struct scope_rules *r = NULL;
	bool ambiguous;
	enum tp_rc rc;

	if (rest.p == NULL)
		return 0;
	rc = scope_rules_parse(rest, "fuzz", &r, &err);
	assert(rc == TP_OK || (rc == TP_INVALID && err.rc == rc && r == NULL));
	if (rc == TP_OK && path_read(target, &path, &ambiguous, NULL) == TP_OK)
		check_request(r, method, buf_view(&path));
	scope_rules_close(r);
	return 0;
}
