/* SPDX-License-Identifier: MIT */
/*
 * Pages of HTML, from templates with a few forms of Mustache:
 *
 *   {{name}}               the value, escaped
 *   {{#name}}...{{/name}}  only where there is a value that is not empty
 *   {{^name}}...{{/name}}  only where there is none
 *
 * A template is ours and compiled in; nothing that a client sent is ever part of one.
 */
#ifndef HTTP_PAGE_H
#define HTTP_PAGE_H

#include "http/response.h"

struct page_value {
	const char *name;
	struct span value; /* len 0: there is none */
};

/* login.html, docs.html, redoc.html, and the scripts of the last two; NUL-terminated. */
extern const char page_login[], page_docs[], page_redoc[], page_docs_js[], page_redoc_js[];

/*
 * Answers with a page. Besides its type it gets what confines it: a policy (CSP) that allows the
 * template's one <style>, forms to our own origin and nothing else, no frames around it, no
 * guessing of its type, and its address told to our own origin only. That keeps the Origin header
 * of the form, which a stricter Referrer-Policy would turn into "null".
 */
void page_answer(struct http_resp *resp, int status, const char *template,
		 const struct page_value *values, size_t n);

/* The same for a page that needs another policy. */
void page_answer_under(struct http_resp *resp, int status, const char *template, struct span policy,
		       const struct page_value *values, size_t n);

/* The page alone, appended to out. A broken template (a tag or a section without an end) is a bug
 * of ours. */
void page_render(struct span template, const struct page_value *values, size_t n, struct buf *out);

/* Text as HTML, good between tags and in a quoted attribute: & < > " ' as character references,
 * control characters but tab and line feed as U+FFFD. */
void page_escape(struct span text, struct buf *out);

#endif
