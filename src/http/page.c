/* SPDX-License-Identifier: MIT */
/*
 * Owns the making of HTML: the one way of a value into a page, and the headers that confine a page.
 * What a page says is its template's, which page a request gets is its handler's.
 */
#include "http/page.h"

#include "base/codec.h"

#include <assert.h>

#include "base/banned.h"

enum { CSP_MOST = 512 };

void page_escape(struct span text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.p[i];

		if (c == '&')
			buf_str(out, "&amp;");
		else if (c == '<')
			buf_str(out, "&lt;");
		else if (c == '>')
			buf_str(out, "&gt;");
		else if (c == '"')
			buf_str(out, "&quot;");
		else if (c == '\'')
			buf_str(out, "&#39;");
		else if (((unsigned char)c < 0x20 && c != '\t' && c != '\n') || c == 0x7f)
			buf_str(out, "&#xfffd;");
		else
			buf_char(out, c);
	}
}

struct render {
	const struct page_value *values;
	size_t n;
	struct span skipped; /* name of the section that is being left out; p NULL: none is */
	struct buf *out;
};

static struct span value_of(const struct render *r, struct span name)
{
	for (size_t i = 0; i < r->n; i++) {
		if (span_is(name, r->values[i].name))
			return r->values[i].value;
	}
	return (struct span){ NULL, 0 };
}

/* Cuts *rest behind the mark, and returns what stands before it; absent: there is no mark. */
static struct span cut_at(struct span *rest, const char *mark)
{
	const char *at = rest->len > 0 ? memmem(rest->p, rest->len, mark, strlen(mark)) : NULL;
	struct span before = { NULL, 0 };

	if (at == NULL)
		return before;
	before = (struct span){ rest->p, (size_t)(at - rest->p) };
	rest->p = at + strlen(mark);
	rest->len -= before.len + strlen(mark);
	return before;
}

/* Inside of what is left out, only its own end counts. */
static void put_tag(struct render *r, struct span tag)
{
	struct span name = { tag.p + 1, tag.len - 1 };
	bool skipping = r->skipped.p != NULL;

	switch (tag.p[0]) {
	case '/':
		if (skipping && span_eq(name, r->skipped))
			r->skipped.p = NULL;
		break;
	case '#':
	case '^':
		if (!skipping && (value_of(r, name).len > 0) != (tag.p[0] == '#'))
			r->skipped = name;
		break;
	default:
		if (!skipping)
			page_escape(value_of(r, tag), r->out);
	}
}

void page_render(struct span template, const struct page_value *values, size_t n, struct buf *out)
{
	struct render r = { .values = values, .n = n, .out = out };
	struct span text;

	while ((text = cut_at(&template, "{{")).p != NULL) {
		struct span tag = cut_at(&template, "}}");

		assert(tag.len > 0);
		if (r.skipped.p == NULL)
			buf_span(out, text);
		put_tag(&r, tag);
	}
	assert(r.skipped.p == NULL);
	buf_span(out, template);
}

/* 'sha256-...' of what stands between <style> and </style> (CSP 3, 2.3.1). */
static void put_style_hash(struct span template, struct buf *out)
{
	unsigned char digest[DIGEST_SHA256];

	(void)cut_at(&template, "<style>");
	codec_sha256(cut_at(&template, "</style>"), digest);
	buf_str(out, "'sha256-");
	codec_b64_put(out, (struct span){ (const char *)digest, sizeof(digest) });
	buf_char(out, '\'');
}

void page_answer_under(struct http_resp *resp, int status, const char *template, struct span policy,
		       const struct page_value *values, size_t n)
{
	resp->status = status;
	response_header(resp, "Content-Type", SPAN_LIT("text/html; charset=utf-8"));
	response_header(resp, "Content-Security-Policy", policy);
	response_header(resp, "X-Content-Type-Options", SPAN_LIT("nosniff"));
	response_header(resp, "Referrer-Policy", SPAN_LIT("same-origin"));
	page_render(span_of(template), values, n, &resp->body);
}

void page_answer(struct http_resp *resp, int status, const char *template,
		 const struct page_value *values, size_t n)
{
	TP_CLEANUP(buf_release) struct buf policy = BUF_INIT(CSP_MOST);

	buf_str(&policy, "default-src 'none'; style-src ");
	put_style_hash(span_of(template), &policy);
	buf_str(&policy, "; form-action 'self'; frame-ancestors 'none'; base-uri 'none'");
	if (policy.rc != TP_OK)
		resp->headers.rc = policy.rc;
	page_answer_under(resp, status, template, buf_view(&policy), values, n);
}
