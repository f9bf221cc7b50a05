/* SPDX-License-Identifier: MIT */
/*
 * The pages of Swagger UI and ReDoc, and their files: which there are, what confines them, and what
 * a page is without them.
 */
#include "base/codec.h"
#include "http/page.h"
#include "support/check_run.h"
#include "support/folder.h"
#include "support/http_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

#define ENV(...) ((const char *const[]){ __VA_ARGS__, NULL })

#define HEAD(style, cdn)                                                     \
	"Content-Security-Policy: default-src 'none'; script-src 'self'" cdn \
	"; style-src " style cdn                                             \
	"; img-src 'self' data:; connect-src 'self'; form-action 'none'; "   \
	"frame-ancestors 'none'; base-uri 'none'\r\n"
#define SWAGGER_STYLE "'self'"
#define REDOC_STYLE                                              \
	"'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' " \
	"'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='"

static struct http_rig h;
static char dir[256];

static void open_rig(void)
{
	folder_make();
	snprintf(dir, sizeof(dir), "%s", folder_path(""));
	folder_write("swagger-ui.css", "body{}");
	folder_write("swagger-ui-bundle.js", "one");
	folder_write("redoc.standalone.js", "two");
	folder_write("secret", "nobody's business");
	http_rig_open(&h);
	h.spec.path[HTTP_PATH_OPENAPI] = "/openapi.json";
	h.spec.path[HTTP_PATH_DOCS] = "/docs";
	h.spec.path[HTTP_PATH_REDOC] = "/redoc";
	h.spec.title = "Tea & Co";
	h.spec.docs_dir = dir;
	http_rig_site(&h);
}

static void release_rig(void)
{
	http_rig_release(&h);
	folder_remove();
}

static const char *get(const char *target)
{
	return http_ask(&h, "GET", target, NULL, NULL);
}

static bool has(const char *what)
{
	return strstr(buf_cstr(&h.resp.body), what) != NULL;
}

static void ck_headers(const char *want)
{
	ck_assert_str_eq(buf_cstr(&h.resp.headers), want);
}

#define PAGE_HEADERS(policy)                                                                      \
	"Content-Type: text/html; charset=utf-8\r\n" policy "X-Content-Type-Options: nosniff\r\n" \
	"Referrer-Policy: same-origin\r\n"                                                        \
	"Cache-Control: no-store\r\n"                                                             \
	"Vary: Origin\r\n"

START_TEST(a_page_takes_everything_from_here)
{
	get("/docs");
	ck_assert_int_eq(h.resp.status, 200);
	ck_headers(PAGE_HEADERS(HEAD(SWAGGER_STYLE, "")));
	ck_assert(has("<title>Tea &amp; Co</title>") && has("data-openapi=\"./openapi.json\""));
	ck_assert(has("\"docs/swagger-ui.css\"") && has("\"docs/swagger-ui-bundle.js\"") &&
		  has("\"docs/start.js\"") && !has("//") && !has("not installed"));
	get("/redoc");
	ck_assert_int_eq(h.resp.status, 200);
	ck_headers(PAGE_HEADERS(HEAD(REDOC_STYLE, "")));
	ck_assert(has("\"redoc/redoc.standalone.js\"") && has("\"redoc/start.js\"") &&
		  has("data-openapi=\"./openapi.json\"") && !has("//") && !has("not installed"));
}
END_TEST

/* A script or a style within the page is what the policy is against. */
START_TEST(a_page_carries_no_script_and_no_style)
{
	static const char *const none[] = { "<style", " style=", " on", "<script>", "javascript:" };

	for (size_t i = 0; i < TP_COUNT(none); i++) {
		ck_assert_ptr_null(strstr(page_docs, none[i]));
		ck_assert_ptr_null(strstr(page_redoc, none[i]));
	}
}
END_TEST

START_TEST(its_addresses_hold_wherever_it_is)
{
	h.spec.path[HTTP_PATH_OPENAPI] = "/api/v1/openapi.json";
	h.spec.path[HTTP_PATH_DOCS] = "/help/api/docs";
	http_rig_site(&h);
	get("/help/api/docs");
	ck_assert_int_eq(h.resp.status, 200);
	ck_assert(has("data-openapi=\"./../../api/v1/openapi.json\""));
	ck_assert(has("\"docs/start.js\""));
	http_ask(&h, "GET", "/", NULL, ENV("SCRIPT_NAME=/cgi-bin/tpauth.cgi", "PATH_INFO=/redoc"));
	ck_assert_int_eq(h.resp.status, 200);
	ck_assert(has("\"redoc/start.js\"") && has("\"./api/v1/openapi.json\""));
}
END_TEST

START_TEST(a_hostile_title_is_text)
{
	h.spec.title = "</title><script>alert('1')</script>\"";
	http_rig_site(&h);
	get("/docs");
	ck_assert(has("<title>&lt;/title&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot;"
		      "</title>"));
	ck_assert(!has("<script>"));
}
END_TEST

/* ---- files ---- */

static const struct {
	const char *target, *type, *text;
} served[] = {
	{ "/docs/swagger-ui.css", "text/css", "body{}" },
	{ "/docs/swagger-ui-bundle.js", "text/javascript", "one" },
	{ "/docs/start.js", "text/javascript", page_docs_js },
	{ "/redoc/redoc.standalone.js", "text/javascript", "two" },
	{ "/redoc/start.js", "text/javascript", page_redoc_js },
};

static void put_tag(const char *text, struct buf *out)
{
	unsigned char digest[DIGEST_SHA256];

	codec_sha256(span_of(text), digest);
	codec_b64url_put(out, (struct span){ (const char *)digest, sizeof(digest) });
}

START_TEST(serves_the_files_of_its_pages)
{
	TP_CLEANUP(buf_release) struct buf tag = BUF_INIT(64);
	char want[512], known[128];

	put_tag(served[_i].text, &tag);
	snprintf(want, sizeof(want),
		 "Content-Type: %s; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n"
		 "Cache-Control: no-cache\r\nETag: \"%s\"\r\nVary: Origin\r\n",
		 served[_i].type, buf_cstr(&tag));
	get(served[_i].target);
	ck_assert_int_eq(h.resp.status, 200);
	ck_headers(want);
	ck_assert(span_is(buf_view(&h.resp.body), served[_i].text));
	snprintf(known, sizeof(known), "HTTP_IF_NONE_MATCH=\"other\", W/\"%s\"", buf_cstr(&tag));
	http_ask(&h, "GET", served[_i].target, NULL, ENV(known));
	ck_assert_int_eq(h.resp.status, 304);
	ck_headers(want);
	ck_assert_uint_eq(h.resp.body.len, 0);
	http_ask(&h, "GET", served[_i].target, NULL, ENV("HTTP_IF_NONE_MATCH=\"other\""));
	ck_assert_int_eq(h.resp.status, 200);
}
END_TEST

static const char *const nothing[] = {
	"/docs/secret",
	"/docs/",
	"/docs/../secret",
	"/docs/..",
	"/docs/redoc.standalone.js",
	"/redoc/swagger-ui.css",
	"/redoc/swagger-ui-bundle.js",
	"/docs/start.js/",
	"/docs/Start.js",
	"/docs/swagger-ui.css.map",
	"/docs/%73tart.js",
	"/docs//start.js",
	"/docs/./start.js",
};

START_TEST(serves_no_other_file)
{
	ck_assert_str_eq(get(nothing[_i]),
			 http_want_error("404 Not Found", "", "not_found", "Not Found"));
}
END_TEST

START_TEST(serves_regular_files_only)
{
	char name[300];

	snprintf(name, sizeof(name), "%s/swagger-ui.css", dir);
	ck_assert_int_eq(unlink(name), 0);
	ck_assert_int_eq(mkfifo(name, 0600), 0);
	get("/docs/swagger-ui.css");
	ck_assert_int_eq(h.resp.status, 404);
	ck_assert(http_logged(&h, "swagger-ui.css in DOCS_DIR: not a regular file"));
	get("/docs");
	ck_assert_int_eq(h.resp.status, 404);
}
END_TEST

/* What a large file took is not kept for answers of a hundred bytes. */
START_TEST(a_large_file_leaves_no_memory_behind)
{
	enum { LARGE = 1800000 };
	char *text = malloc(LARGE + 1);

	ck_assert_ptr_nonnull(text);
	memset(text, 'x', LARGE);
	text[LARGE] = '\0';
	folder_write("swagger-ui-bundle.js", text);
	http_rig_request(&h, "GET", "/docs/swagger-ui-bundle.js", NULL, NULL);
	http_rig_serve(&h);
	ck_assert_int_eq(h.resp.status, 200);
	ck_assert_uint_eq(h.resp.body.len, LARGE);
	ck_assert(memcmp(h.resp.body.p, text, LARGE) == 0);
	free(text);
	get("/docs/start.js");
	ck_assert_uint_le(h.resp.body.alloc, LIMIT_RESP_KEPT);
}
END_TEST

/* ---- without files ---- */

START_TEST(a_page_without_its_files_says_how_to_get_them)
{
	h.spec.docs_dir = "/nonexistent";
	http_rig_site(&h);
	get("/docs");
	ck_assert_int_eq(h.resp.status, 404);
	ck_headers(PAGE_HEADERS(HEAD(SWAGGER_STYLE, "")));
	ck_assert(has("The files of Swagger UI are not installed.") && has("make docs-assets") &&
		  has("href=\"./openapi.json\""));
	ck_assert(!has("<script") && !has("stylesheet\" href=\"http") && !has("/nonexistent"));
	get("/redoc");
	ck_assert_int_eq(h.resp.status, 404);
	ck_assert(has("The files of ReDoc are not installed.") && !has("<script"));
	get("/docs/swagger-ui.css");
	ck_assert_int_eq(h.resp.status, 404);
	get("/docs/start.js");
	ck_assert_int_eq(h.resp.status, 200);
}
END_TEST

START_TEST(a_cdn_is_asked_only_for_what_is_not_here)
{
	char name[300];

	h.spec.docs_cdn = "https://cdn.example.org:8443/npm";
	http_rig_site(&h);
	get("/docs");
	ck_headers(PAGE_HEADERS(HEAD(SWAGGER_STYLE, "")));
	ck_assert(!has("cdn.example.org") && has("\"docs/swagger-ui.css\""));
	snprintf(name, sizeof(name), "%s/swagger-ui.css", dir);
	ck_assert_int_eq(unlink(name), 0);
	get("/docs");
	ck_assert_int_eq(h.resp.status, 200);
	ck_headers(PAGE_HEADERS(HEAD(SWAGGER_STYLE, " https://cdn.example.org:8443")));
	ck_assert(has("href=\"https://cdn.example.org:8443/npm/swagger-ui-dist@"));
	ck_assert(has("src=\"https://cdn.example.org:8443/npm/swagger-ui-dist@"));
	ck_assert(has("integrity=\"sha384-") && has("\"docs/start.js\"") &&
		  !has("\"docs/swagger-ui"));
	get("/redoc");
	ck_assert(!has("cdn.example.org"));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("docs");
	TCase *t = tcase_create("pages");

	tcase_add_checked_fixture(t, open_rig, release_rig);
	tcase_add_test(t, a_page_takes_everything_from_here);
	tcase_add_test(t, a_page_carries_no_script_and_no_style);
	tcase_add_test(t, its_addresses_hold_wherever_it_is);
	tcase_add_test(t, a_hostile_title_is_text);
	tcase_add_loop_test(t, serves_the_files_of_its_pages, 0, (int)TP_COUNT(served));
	tcase_add_loop_test(t, serves_no_other_file, 0, (int)TP_COUNT(nothing));
	tcase_add_test(t, serves_regular_files_only);
	tcase_add_test(t, a_large_file_leaves_no_memory_behind);
	tcase_add_test(t, a_page_without_its_files_says_how_to_get_them);
	tcase_add_test(t, a_cdn_is_asked_only_for_what_is_not_here);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(suite());
}
