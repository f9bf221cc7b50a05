/* SPDX-License-Identifier: MIT */
/*
 * Owns the documentation that shows itself: the OpenAPI document, the pages of Swagger UI and of
 * ReDoc, and the files that these load, all from our own origin. The names of the files are a table
 * of constants, so that no request can name another.
 */
#include "http/router.h"

#include "base/codec.h"
#include "base/file.h"
#include "http/openapi.h"
#include "http/page.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/banned.h"

#define JAVASCRIPT "text/javascript; charset=utf-8"
#define CSS	   "text/css; charset=utf-8"

enum { LINK_MOST = 4 * LIMIT_PATH, FILE_MOST = 4096, ETAG_MOST = 64, POLICY_MOST = 2 * LIMIT_PATH };

/*
 * What a page may load besides our own scripts and data is `style`, and what comes from a CDN where
 * one is used; it may carry nothing within itself. The hashes of ReDoc are that of an empty text,
 * since the style sheets that it makes are empty elements, which it fills by way of the CSSOM
 * (CSP 3, 8.4), and that of scroll bars, which it makes in any case though they are not used.
 */
static const struct docs_page {
	enum http_path path;
	const char *html, *style;
} pages[] = {
	{ HTTP_PATH_DOCS, page_docs, "'self'" },
	{ HTTP_PATH_REDOC, page_redoc,
	  "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' "
	  "'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='" },
};

static const struct docs_file {
	enum http_path page;
	const char *name, *type;
	const char *text; /* ours; NULL: it is in DOCS_DIR */
} files[] = {
	{ HTTP_PATH_DOCS, "swagger-ui.css", CSS, NULL },
	{ HTTP_PATH_DOCS, "swagger-ui-bundle.js", JAVASCRIPT, NULL },
	{ HTTP_PATH_DOCS, "start.js", JAVASCRIPT, page_docs_js },
	{ HTTP_PATH_REDOC, "redoc.standalone.js", JAVASCRIPT, NULL },
	{ HTTP_PATH_REDOC, "start.js", JAVASCRIPT, page_redoc_js },
};

enum tp_rc h_openapi(struct http_call *c, struct tp_err *err)
{
	response_json(c->resp, 200);
	return openapi_write(c, &c->resp->body, err);
}

/* The file's name in DOCS_DIR; false: too long for one. */
static bool name_file(const struct http_call *c, const struct docs_file *f, char ret[FILE_MOST])
{
	int n = snprintf(ret, FILE_MOST, "%s/%s", c->site->docs_dir, f->name);

	return n > 0 && n < FILE_MOST;
}

/* All of the page's files are in DOCS_DIR. */
static bool is_here(const struct http_call *c, const struct docs_page *page)
{
	char name[FILE_MOST];
	struct stat st;

	for (size_t i = 0; i < TP_COUNT(files); i++) {
		if (files[i].page == page->path && files[i].text == NULL &&
		    !(name_file(c, &files[i], name) && stat(name, &st) == 0 && S_ISREG(st.st_mode)))
			return false;
	}
	return true;
}

/* From the page to the document: relative, so that it is right below every mount point and behind
 * every proxy that cuts a prefix off. */
static void put_document(const struct http_call *c, struct span page, struct buf *out)
{
	struct span to = c->site->path[HTTP_PATH_OPENAPI];

	buf_str(out, "./");
	for (size_t i = 1; i < page.len; i++) {
		if (page.p[i] == '/')
			buf_str(out, "../");
	}
	buf_span(out, (struct span){ to.p + 1, to.len - 1 });
}

static const struct docs_page *find_page(enum http_path path)
{
	size_t i = 0;

	while (i + 1 < TP_COUNT(pages) && pages[i].path != path)
		i++;
	return &pages[i];
}

/* The CDN where the page has to take its files from there; len 0: it has them here, or there is no
 * CDN. */
static struct span cdn_of(const struct http_call *c, bool here)
{
	return here ? (struct span){ NULL, 0 } : c->site->docs_cdn;
}

/* Its scheme and host, as a source of a policy. */
static void put_origin(struct span url, struct buf *out)
{
	size_t n = sizeof("https://") - 1;

	if (url.len == 0)
		return;
	while (n < url.len && url.p[n] != '/')
		n++;
	buf_char(out, ' ');
	buf_span(out, (struct span){ url.p, n });
}

static void put_policy(const struct docs_page *page, struct span cdn, struct buf *out)
{
	buf_str(out, "default-src 'none'; script-src 'self'");
	put_origin(cdn, out);
	buf_str(out, "; style-src ");
	buf_str(out, page->style);
	put_origin(cdn, out);
	buf_str(out, "; img-src 'self' data:; connect-src 'self'; form-action 'none'; "
		     "frame-ancestors 'none'; base-uri 'none'");
}

enum tp_rc h_docs(struct http_call *c, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf document = BUF_INIT(LINK_MOST);
	TP_CLEANUP(buf_release) struct buf policy = BUF_INIT(POLICY_MOST);
	const struct docs_page *page = find_page(c->route->path);
	struct span rest = c->site->path[page->path], self = rest;
	bool here = is_here(c, page);
	struct span cdn = cdn_of(c, here);
	bool ready = here || cdn.len > 0;

	put_document(c, rest, &document);
	put_policy(page, cdn, &policy);
	if (document.rc != TP_OK)
		return buf_rc(&document, "the path of the document", err);
	if (policy.rc != TP_OK)
		return buf_rc(&policy, "the policy of a page", err);
	while (rest.p != NULL)
		self = span_cut(&rest, '/');
	/* self is the page as its files are below it: relative, as the document's path is. */
	const struct page_value values[] = {
		{ "title", c->site->title },
		{ "openapi", buf_view(&document) },
		{ "self", self },
		{ "ready", span_of(ready ? "yes" : "") },
		{ "cdn", cdn },
	};
	page_answer_under(c->resp, ready ? 200 : 404, page->html, buf_view(&policy), values,
			  TP_COUNT(values));
	return TP_OK;
}

static const struct docs_file *find_file(const struct http_call *c)
{
	for (size_t i = 0; i < TP_COUNT(files); i++) {
		if (files[i].page == c->route->path && span_is(c->below, files[i].name))
			return &files[i];
	}
	return NULL;
}

static enum tp_rc read_file(const struct http_call *c, const struct docs_file *f, struct buf *out,
			    struct tp_err *err)
{
	struct tp_err why = { 0 };
	char name[FILE_MOST];
	enum tp_rc rc;

	if (f->text != NULL) {
		buf_str(out, f->text);
		return TP_OK;
	}
	if (!name_file(c, f, name))
		return tp_fail(err, TP_NO_ROUTE, "DOCS_DIR is too long");
	rc = file_read(name, out, &why);
	if (rc == TP_INVALID)
		return tp_fail(err, TP_NO_ROUTE, "%s in DOCS_DIR: %s", f->name, why.msg);
	return rc == TP_OK ? rc : tp_fail(err, rc, "%s", why.msg);
}

/* The hash of what the file has (RFC 9110 8.8.3): the same on every machine and after every start.
 */
static void put_etag(struct span text, struct buf *out)
{
	unsigned char digest[DIGEST_SHA256];

	codec_sha256(text, digest);
	buf_char(out, '"');
	codec_b64url_put(out, (struct span){ (const char *)digest, sizeof(digest) });
	buf_char(out, '"');
}

/* Whoever has the file asks before each use whether it is still the one. A server between may have
 * weakened the tag ("W/"), and "*" is not for a GET. */
static void put_validators(struct http_call *c, struct span etag)
{
	struct span known = c->req->if_none_match;

	response_header(c->resp, "Cache-Control", SPAN_LIT("no-cache"));
	response_header(c->resp, "ETag", etag);
	c->resp->stays = true;
	if (known.len == 0 || memmem(known.p, known.len, etag.p, etag.len) == NULL)
		return;
	c->resp->status = 304;
	buf_reset(&c->resp->body);
}

enum tp_rc h_docs_file(struct http_call *c, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf etag = BUF_INIT(ETAG_MOST);
	const struct docs_file *f = find_file(c);
	enum tp_rc rc;

	if (f == NULL)
		return tp_fail(err, TP_NO_ROUTE, "the page has no file of this name");
	rc = read_file(c, f, &c->resp->body, err);
	if (rc != TP_OK)
		return rc;
	put_etag(buf_view(&c->resp->body), &etag);
	c->resp->status = 200;
	response_header(c->resp, "Content-Type", span_of(f->type));
	response_header(c->resp, "X-Content-Type-Options", SPAN_LIT("nosniff"));
	put_validators(c, buf_view(&etag));
	return buf_rc(&etag, "a file's tag", err);
}
