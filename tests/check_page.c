/* SPDX-License-Identifier: MIT */
/*
 * Pages: how a value gets into HTML, what a template says, and the headers that confine a page.
 */
#include "http/page.h"

#include "support/check_run.h"

#include "base/banned.h"

static const struct {
	const char *text, *html;
} escapes[] = {
	{ "", "" },
	{ "ann", "ann" },
	{ "&", "&amp;" },
	{ "&amp;", "&amp;amp;" },
	{ "<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;" },
	{ "\" onfocus=\"x", "&quot; onfocus=&quot;x" },
	{ "' onfocus='x", "&#39; onfocus=&#39;x" },
	{ "{{user}}", "{{user}}" },
	{ "caf\xc3\xa9 \xf0\x9f\x94\x91", "caf\xc3\xa9 \xf0\x9f\x94\x91" },
	{ "a\tb\nc", "a\tb\nc" },
	{ "a\x01"
	  "b\rc\x1b"
	  "d\x7f"
	  "e",
	  "a&#xfffd;b&#xfffd;c&#xfffd;d&#xfffd;e" },
};

START_TEST(a_value_is_text_whatever_it_holds)
{
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(1000);

	page_escape(span_of(escapes[_i].text), &out);
	ck_assert_str_eq(buf_cstr(&out), escapes[_i].html);
}
END_TEST

START_TEST(a_nul_is_no_end)
{
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(1000);

	page_escape(SPAN_LIT("a\0<"), &out);
	ck_assert_str_eq(buf_cstr(&out), "a&#xfffd;&lt;");
}
END_TEST

static const struct page_value values[] = {
	{ "user", { "<ann>", 5 } },
	{ "tags", { "{{user}}{{#", 11 } },
	{ "empty", { "", 0 } },
	{ "absent", { NULL, 0 } },
};

static const struct {
	const char *template, *page;
} pages[] = {
	{ "", "" },
	{ "plain", "plain" },
	{ "a{b}c}}d", "a{b}c}}d" },
	{ "{{user}}", "&lt;ann&gt;" },
	{ "<p>{{user}}</p>{{user}}", "<p>&lt;ann&gt;</p>&lt;ann&gt;" },
	{ "[{{empty}}{{absent}}{{unknown}}]", "[]" },
	{ "{{tags}}", "{{user}}{{#" },
	{ "a{{#user}}b{{/user}}c", "abc" },
	{ "a{{^user}}b{{/user}}c", "ac" },
	{ "a{{#empty}}b{{/empty}}c", "ac" },
	{ "a{{^empty}}b{{/empty}}c", "abc" },
	{ "a{{#absent}}b{{/absent}}{{^unknown}}c{{/unknown}}d", "acd" },
	{ "{{#user}}a{{#empty}}b{{/empty}}{{^empty}}c{{/empty}}d{{/user}}e", "acde" },
	{ "{{#empty}}a{{user}}{{#user}}b{{/user}}{{^user}}c{{/user}}d{{/empty}}e", "e" },
	{ "{{^user}}a{{/user}}{{#user}}b{{/user}}", "b" },
};

START_TEST(a_template_is_filled_in)
{
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(1000);

	page_render(span_of(pages[_i].template), values, TP_COUNT(values), &out);
	ck_assert_str_eq(buf_cstr(&out), pages[_i].page);
}
END_TEST

static void put(void *arg, const char *p, size_t n)
{
	buf_put(arg, p, n);
}

/* The hash is that of "p{color:red}". */
START_TEST(a_page_is_confined_by_its_headers)
{
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(4000);
	struct http_resp resp;

	response_init(&resp);
	page_answer(&resp, 200, "<style>p{color:red}</style><p>{{user}}</p>", values,
		    TP_COUNT(values));
	response_send(&resp, put, &out);
	ck_assert_str_eq(buf_cstr(&out),
			 "Status: 200 OK\r\n"
			 "Content-Type: text/html; charset=utf-8\r\n"
			 "Content-Security-Policy: default-src 'none'; style-src "
			 "'sha256-p0bF+un5yUb9MBO6xRb8kPHlY2BdpHVtLiFkDrZPF64='; form-action "
			 "'self'; frame-ancestors 'none'; base-uri 'none'\r\n"
			 "X-Content-Type-Options: nosniff\r\n"
			 "Referrer-Policy: same-origin\r\n"
			 "Content-Length: 45\r\n"
			 "\r\n"
			 "<style>p{color:red}</style><p>&lt;ann&gt;</p>");
	response_release(&resp);
}
END_TEST

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	while ((text = strstr(text, what)) != NULL) {
		text += strlen(what);
		n++;
	}
	return n;
}

/* What the policy would block, or what would need a second hash, is not in it. */
START_TEST(the_login_page_needs_nothing_from_elsewhere)
{
	static const char *const none[] = { "<script", " style=", "onclick", "src=", "url(",
					    "@import", "<link",	  "http",    "//" };

	for (size_t i = 0; i < TP_COUNT(none); i++) {
		const char *at = strstr(page_login, none[i]);

		ck_assert_msg(at == NULL, "%s", none[i]);
	}
	ck_assert_uint_eq(count(page_login, "<style"), 1);
	ck_assert_uint_eq(count(page_login, "<style>"), 1);
	ck_assert_uint_eq(count(page_login, "{{"), count(page_login, "}}"));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("page");
	TCase *t = tcase_create("page");

	tcase_add_loop_test(t, a_value_is_text_whatever_it_holds, 0, (int)TP_COUNT(escapes));
	tcase_add_test(t, a_nul_is_no_end);
	tcase_add_loop_test(t, a_template_is_filled_in, 0, (int)TP_COUNT(pages));
	tcase_add_test(t, a_page_is_confined_by_its_headers);
	tcase_add_test(t, the_login_page_needs_nothing_from_elsewhere);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(suite());
}
