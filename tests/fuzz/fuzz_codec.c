/* SPDX-License-Identifier: MIT */
/*
 * Text codecs on anything. A text that decodes is the one that its bytes encode to; bytes that are
 * encoded come back; and a refusal leaves the output as it was.
 */
#include "base/codec.h"

#include <assert.h>

#include "base/banned.h"

enum { MOST = 1 << 16 };

typedef enum tp_rc decoder(struct span text, struct buf *out, struct tp_err *err);
typedef void encoder(struct buf *out, struct span bytes);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static enum tp_rc percent_get(struct span text, struct buf *out, struct tp_err *err)
{
	return codec_percent_get(text, false, out, err);
}

static enum tp_rc form_get(struct span text, struct buf *out, struct tp_err *err)
{
	return codec_percent_get(text, true, out, err);
}

static void percent_put(struct buf *out, struct span bytes)
{
	for (size_t i = 0; i < bytes.len; i++)
		buf_printf(out, "%%%02X", (unsigned)(unsigned char)bytes.p[i]);
}

static bool decode(decoder *get, struct span text, struct buf *out)
{
	struct tp_err err = { .msg = "" };
	enum tp_rc rc;

	out->cap = text.len + 1;
	buf_char(out, '^');
	rc = get(text, out, &err);
	assert(rc == TP_OK || (rc == TP_INVALID && out->len == 1));
	assert(out->p[0] == '^' && out->rc == TP_OK);
	return rc == TP_OK;
}

static void comes_back(decoder *get, encoder *put, struct span bytes)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(3 * bytes.len + 4), out = BUF_INIT(0);
	bool good;

	put(&text, bytes);
	assert(text.rc == TP_OK);
	good = decode(get, buf_view(&text), &out);
	assert(good && span_eq((struct span){ out.p + 1, out.len - 1 }, bytes));
}

static void is_the_only_spelling(decoder *get, encoder *put, struct span text)
{
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(0), again = BUF_INIT(text.len);

	if (!decode(get, text, &out))
		return;
	put(&again, (struct span){ out.p + 1, out.len - 1 });
	assert(again.rc == TP_OK && span_eq(buf_view(&again), text));
}

/* As codec_b64_get() skips them. */
static void without_blanks(struct span text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] == '\0' || strchr(" \t\r\n", text.p[i]) == NULL)
			buf_char(out, text.p[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span in = { (const char *)p, n };
	TP_CLEANUP(buf_release) struct buf tight = BUF_INIT(n), out = BUF_INIT(0);

	if (n > MOST)
		return 0;
	comes_back(codec_b64url_get, codec_b64url_put, in);
	comes_back(codec_b64_get, codec_b64_put, in);
	comes_back(percent_get, percent_put, in);
	comes_back(form_get, percent_put, in);
	is_the_only_spelling(codec_b64url_get, codec_b64url_put, in);
	without_blanks(in, &tight);
	is_the_only_spelling(codec_b64_get, codec_b64_put, buf_view(&tight));
	if (decode(percent_get, in, &out)) {
		size_t len = out.len;
		bool good;

		buf_reset(&out);
		good = decode(form_get, in, &out);
		assert(good && out.len == len);
	}
	return 0;
}
