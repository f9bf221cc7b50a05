/* SPDX-License-Identifier: MIT */
/* What the strict reader takes is JSON; an array of JSON is, and what follows a value is not. */
#include "app/json_text.h"

#include "base/buf.h"
#include "base/jval.h"

#include <assert.h>

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { MOST = 65536 };

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	TP_CLEANUP(jval_cleanup) struct jval *v = NULL;
	TP_CLEANUP(buf_release) struct buf more = BUF_INIT(MOST);
	struct span text = { (const char *)p, n };
	bool good = json_text_ok(text);

	if (n > MOST / 4)
		return 0;
	assert(good || jval_parse(text, &v, NULL) != TP_OK);
	if (!good)
		return 0;
	buf_span(&more, text);
	buf_str(&more, " 1");
	assert(!json_text_ok(buf_view(&more)));
	buf_reset(&more);
	for (int i = 0; i < 2; i++) {
		buf_char(&more, i == 0 ? '[' : ',');
		buf_span(&more, text);
	}
	buf_char(&more, ']');
	/* or it was as deep as may be */
	assert(json_text_ok(buf_view(&more)) || n > 512);
	return 0;
}
