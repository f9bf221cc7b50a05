/* SPDX-License-Identifier: MIT */
/*
 * The OpenAPI document: that it says what the router does, about the built-in endpoints and about
 * an application's own, under whatever settings.
 */
#include "base/jval.h"
#include "support/alloc_fail.h"
#include "support/check_run.h"
#include "support/http_rig.h"
#include "support/json_pointer.h"

#include <stdio.h>

#include "base/banned.h"

#define ENV(...) ((const char *const[]){ __VA_ARGS__, NULL })

static struct http_rig h;
static struct jval *doc;

static void open_rig(void)
{
	http_rig_open(&h);
	h.spec.path[HTTP_PATH_LOGIN_PAGE] = "/login";
	h.spec.path[HTTP_PATH_OPENAPI] = "/openapi.json";
	h.spec.path[HTTP_PATH_DOCS] = "/docs";
	h.spec.path[HTTP_PATH_REDOC] = "/redoc";
	h.spec.title = "Tea & Co";
	h.spec.version = "1.2";
	http_rig_site(&h);
}

static void release_rig(void)
{
	jval_cleanup(&doc);
	http_rig_release(&h);
}

static enum tp_rc nothing(struct http_call *c, struct tp_err *err)
{
	(void)c;
	(void)err;
	return TP_OK;
}

/* What an application adds, behind the built-in ones. */
static const struct route own[] = {
	{ .methods = HTTP_GET | HTTP_HEAD,
	  .flags = ROUTE_SESSION | ROUTE_SLIDES,
	  .scopes = "item:read item:list",
	  .handler = nothing,
	  .summary = "The \"items\"",
	  .path_template = "/items" },
	{ .methods = HTTP_POST,
	  .flags = ROUTE_SESSION | ROUTE_SLIDES,
	  .scopes = "item:write",
	  .handler = nothing,
	  .path_template = "/items" },
	{ .methods = HTTP_PUT | HTTP_PATCH,
	  .flags = ROUTE_SESSION | ROUTE_SLIDES,
	  .handler = nothing,
	  .path_template = "/users/{user}/items/{item}" },
	{ .methods = HTTP_GET | HTTP_HEAD, .handler = nothing, .path_template = "/" },
	/* Never reached: the built-in one goes first. */
	{ .methods = HTTP_DELETE, .handler = nothing, .path_template = "/token" },
};

static struct route all[64 + LIMIT_ROUTES];

static void serve_own(void)
{
	ck_assert_uint_le(http_n_routes + TP_COUNT(own), TP_COUNT(all));
	memcpy(all, http_routes, http_n_routes * sizeof(*all));
	memcpy(all + http_n_routes, own, sizeof(own));
	h.routes = all;
	h.n_routes = http_n_routes + TP_COUNT(own);
}

static const struct jval *ask_for(const char *target, const char *const *extra)
{
	struct tp_err err;
	struct span body;

	jval_cleanup(&doc);
	http_ask(&h, "GET", target, NULL, extra);
	ck_assert_int_eq(h.resp.status, 200);
	body = buf_view(&h.resp.body);
	ck_assert_msg(jval_parse(body, &doc, &err) == TP_OK, "%s", err.msg);
	return doc;
}

static const struct jval *document(void)
{
	return ask_for("/openapi.json", NULL);
}

static const char *json_at(const char *pointer)
{
	return json_text(json_pointer(doc, pointer));
}

/* ---- the document and the router ---- */

static const char *const methods[] = { "get", "put", "post", "delete", "options", "patch" };

/* "/sessions/{id}" is asked for as "/sessions/x". */
static void fill_in(const char *path, char *ret, size_t most)
{
	size_t n = 0;

	for (; *path != '\0'; path++) {
		ck_assert_uint_lt(n + 1, most);
		ret[n++] = *path == '{' ? 'x' : *path;
		if (*path == '{')
			path = strchr(path, '}');
	}
	ret[n] = '\0';
}

/* The methods that the router takes there, in the words of its own refusal; absent: none. */
static struct span allowed_at(const char *path)
{
	static const char any[] = "DELETE, GET, OPTIONS, PATCH, POST, PUT\r\n";
	const char *answer = http_ask(&h, "BREW", path, NULL, NULL);
	const char *allow = strstr(answer, "\r\nAllow: ");

	if (h.resp.status == 401)
		return span_of(any);
	ck_assert_msg(h.resp.status == 404 || h.resp.status == 405, "%s", answer);
	return h.resp.status == 404 ? (struct span){ NULL, 0 } : span_of(allow + 9);
}

static bool has_word(struct span line, const char *lower)
{
	char word[16];
	size_t n = strlen(lower);

	for (size_t i = 0; i <= n; i++)
		word[i] = lower[i] >= 'a' ? (char)(lower[i] - 'a' + 'A') : lower[i];
	for (const char *p = line.p; *p != '\r'; p++) {
		if (strncmp(p, word, n) == 0 && (p[n] == ',' || p[n] == '\r'))
			return true;
	}
	return false;
}

static enum tp_rc is_served(void *arg, const char *path, const struct jval *entry,
			    struct tp_err *err)
{
	size_t *count = arg;
	char concrete[256];
	struct span allowed;

	(void)err;
	fill_in(path, concrete, sizeof(concrete));
	allowed = allowed_at(concrete);
	ck_assert_msg(allowed.p != NULL, "%s is not served", path);
	for (size_t i = 0; i < TP_COUNT(methods); i++)
		ck_assert_msg(jval_has(entry, methods[i]) == has_word(allowed, methods[i]), "%s %s",
			      methods[i], path);
	(*count)++;
	return TP_OK;
}

/* Each path that a setting or a route can make. */
static size_t count_served(void)
{
	char path[256];
	size_t n = 0;

	for (size_t i = 0; i < HTTP_PATHS; i++) {
		struct span p = h.site.path[i];

		if (p.len == 0)
			continue;
		snprintf(path, sizeof(path), "%.*s", (int)p.len, p.p);
		n += allowed_at(path).p != NULL;
		snprintf(path, sizeof(path), "%.*s/x", (int)p.len, p.p);
		n += allowed_at(path).p != NULL;
	}
	if (h.routes == all) {
		for (size_t i = 0; i < TP_COUNT(own); i++) {
			fill_in(own[i].path_template, path, sizeof(path));
			/* Two are of one path, and one of a built-in path. */
			n += i != 1 && i != 4 && allowed_at(path).p != NULL;
		}
	}
	return n;
}

static void ck_same_set(size_t want)
{
	size_t n = 0;

	document();
	ck_assert_int_eq(jval_each(jval_get(doc, "paths"), is_served, &n, NULL), TP_OK);
	ck_assert_uint_eq(n, want);
	ck_assert_uint_eq(n, count_served());
}

START_TEST(has_the_routes_that_are_served_and_no_others)
{
	ck_same_set(14);
}
END_TEST

START_TEST(has_an_applications_routes_as_well)
{
	serve_own();
	ck_same_set(17);
}
END_TEST

START_TEST(a_resource_server_has_no_logins)
{
	h.spec.issues = false;
	http_rig_site(&h);
	serve_own();
	ck_same_set(14 - 3 + 4); /* its own /token is to be had there */
	ck_assert_ptr_null(json_pointer(doc, "paths/~1token/post"));
	ck_assert_ptr_null(json_pointer(doc, "paths/~1refresh"));
	ck_assert_ptr_null(json_pointer(doc, "paths/~1login"));
	ck_assert_ptr_null(json_pointer(doc, "components/securitySchemes/oauth2"));
	ck_assert_str_eq(json_at("paths/~1userinfo/get/security"),
			 "[{\"bearer\":[]},{\"session_cookie\":[],\"user_cookie\":[]}]");
}
END_TEST

START_TEST(what_is_turned_off_or_moved_is_so_in_it)
{
	h.spec.path[HTTP_PATH_SESSIONS] = h.spec.path[HTTP_PATH_LOGIN_PAGE] = "";
	h.spec.path[HTTP_PATH_DOCS] = h.spec.path[HTTP_PATH_REDOC] = "";
	h.spec.path[HTTP_PATH_TOKEN] = "/api/v1/login";
	http_rig_site(&h);
	ck_same_set(7);
	ck_assert_str_eq(json_at("paths/~1api~1v1~1login/post/operationId"), "\"post_token\"");
	ck_assert_str_eq(json_at("components/securitySchemes/oauth2/flows/password/tokenUrl"),
			 "\"/api/v1/login\"");
}
END_TEST

/* ---- what it says ---- */

static size_t refs;

static void ck_refs(const struct jval *v);

static enum tp_rc ck_member(void *arg, const char *key, const struct jval *v, struct tp_err *err)
{
	struct span ref;

	(void)arg;
	(void)err;
	if (strcmp(key, "$ref") == 0) {
		ck_assert(jval_str(v, &ref) && span_starts(ref, "#/"));
		ck_assert_msg(json_pointer(doc, ref.p + 2) != NULL, "%s", ref.p);
		refs++;
	}
	ck_refs(v);
	return TP_OK;
}

static void ck_refs(const struct jval *v)
{
	ck_assert_int_eq(jval_each(v, ck_member, NULL, NULL), TP_OK);
	for (size_t i = 0; jval_type(v) == JVAL_ARRAY && i < jval_count(v); i++)
		ck_refs(jval_at(v, i));
}

START_TEST(each_reference_leads_somewhere)
{
	serve_own();
	refs = 0;
	ck_refs(document());
	ck_assert_uint_gt(refs, 100);
}
END_TEST

struct seen {
	char ids[4096];
	size_t n;
};

static void ck_operation(struct seen *seen, const char *path, const struct jval *op)
{
	struct span text;
	char id[128];

	ck_assert_msg(jval_str(jval_get(op, "summary"), &text) && text.len > 0, "%s", path);
	ck_assert_msg(jval_count(jval_get(op, "tags")) == 1, "%s", path);
	ck_assert_msg(jval_count(jval_get(op, "responses")) > 2, "%s", path);
	ck_assert_msg(jval_has(jval_get(op, "responses"), "503"), "%s", path);
	ck_assert_msg(jval_type(jval_get(op, "security")) == JVAL_ARRAY, "%s", path);
	if (!jval_str(jval_get(op, "operationId"), &text))
		return;
	snprintf(id, sizeof(id), "[%.*s]", (int)text.len, text.p);
	ck_assert_msg(strstr(seen->ids, id) == NULL, "%s is there twice", id);
	ck_assert_uint_lt(strlen(seen->ids) + sizeof(id), sizeof(seen->ids));
	snprintf(seen->ids + strlen(seen->ids), sizeof(id), "%s", id);
	seen->n++;
}

static enum tp_rc ck_entry(void *arg, const char *path, const struct jval *entry,
			   struct tp_err *err)
{
	(void)err;
	for (size_t i = 0; i < TP_COUNT(methods); i++) {
		if (jval_has(entry, methods[i]))
			ck_operation(arg, path, jval_get(entry, methods[i]));
	}
	return TP_OK;
}

START_TEST(each_operation_is_described)
{
	struct seen seen = { .n = 0 };

	serve_own();
	document();
	ck_assert_int_eq(jval_each(jval_get(doc, "paths"), ck_entry, &seen, NULL), TP_OK);
	ck_assert_uint_eq(seen.n, 22);
}
END_TEST

/* An endpoint without a part of openapi.json would be called the application's. */
START_TEST(no_built_in_endpoint_is_left_to_be_guessed)
{
	document();
	ck_assert_ptr_null(strstr(buf_cstr(&h.resp.body), "[\"application\"]"));
	ck_assert_ptr_null(strstr(buf_cstr(&h.resp.body), "responses/Application\""));
}
END_TEST

START_TEST(describes_an_applications_route)
{
	serve_own();
	document();
	ck_assert_str_eq(json_at("paths/~1items/get"),
			 "{\"tags\":[\"application\"],\"summary\":\"The \\\"items\\\"\","
			 "\"parameters\":[{\"$ref\":\"#/components/parameters/refresh\"}],"
			 "\"security\":[{\"oauth2\":[\"item:read\",\"item:list\"]},"
			 "{\"bearer\":[\"item:read\",\"item:list\"]},"
			 "{\"session_cookie\":[\"item:read\",\"item:list\"],"
			 "\"user_cookie\":[\"item:read\",\"item:list\"]}],"
			 "\"responses\":{\"400\":{\"$ref\":\"#/components/responses/BadRequest\"},"
			 "\"401\":{\"$ref\":\"#/components/responses/Unauthorized\"},"
			 "\"403\":{\"$ref\":\"#/components/responses/Forbidden\"},"
			 "\"500\":{\"$ref\":\"#/components/responses/ServerError\"},"
			 "\"503\":{\"$ref\":\"#/components/responses/Unavailable\"},"
			 "\"default\":{\"$ref\":\"#/components/responses/Application\"}}}");
	ck_assert_str_eq(json_at("paths/~1items/post/summary"), "\"/items\"");
	ck_assert_str_eq(json_at("paths/~1users~1{user}~1items~1{item}/parameters"),
			 "[{\"name\":\"user\",\"in\":\"path\",\"required\":true,"
			 "\"schema\":{\"type\":\"string\"}},{\"name\":\"item\",\"in\":\"path\","
			 "\"required\":true,\"schema\":{\"type\":\"string\"}}]");
	ck_assert_str_eq(json_at("paths/~1/get/security"), "[]");
	ck_assert_ptr_null(json_pointer(doc, "paths/~1/get/responses/401"));
}
END_TEST

START_TEST(shows_the_catalogue_and_what_routes_need_beyond_it)
{
	TP_CLEANUP(jval_cleanup) struct jval *scopes = NULL;

	ck_assert_int_eq(jval_parse(SPAN_LIT("{\"item:read\":\"Read \\\"items\\\"\","
					     "\"user\":\"Be \\u00e4 user\"}"),
				    &scopes, NULL),
			 TP_OK);
	h.spec.scopes = scopes;
	h.rig.rules.has_catalogue = true;
	ck_assert_int_eq(scope_parse(SPAN_LIT("item:read user"), &h.rig.rules.catalogue, NULL),
			 TP_OK);
	http_rig_site(&h);
	serve_own();
	document();
	ck_assert_str_eq(json_at("components/securitySchemes/oauth2"),
			 "{\"type\":\"oauth2\",\"flows\":{\"password\":{\"tokenUrl\":\"/token\","
			 "\"scopes\":{\"item:read\":\"Read \\\"items\\\"\",\"user\":\"Be ä user\","
			 "\"item:list\":\"\",\"item:write\":\"\"}}}}");
}
END_TEST

START_TEST(names_the_cookies_as_they_are)
{
	h.spec.cookie_prefix = "__Host-";
	http_rig_site(&h);
	document();
	ck_assert_str_eq(
		json_at("components/securitySchemes/session_cookie"),
		"{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"__Host-access_token\"}");
	ck_assert_str_eq(json_at("components/securitySchemes/user_cookie"),
			 "{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"__Host-user_id\"}");
}
END_TEST

START_TEST(says_of_what_kind_the_bearer_is)
{
	document();
	ck_assert_str_eq(json_at("components/securitySchemes/bearer"),
			 "{\"type\":\"http\",\"scheme\":\"bearer\"}");
	h.rig.rules.bearer_is_jwt = true;
	document();
	ck_assert_str_eq(json_at("components/securitySchemes/bearer"),
			 "{\"type\":\"http\",\"scheme\":\"bearer\",\"bearerFormat\":\"JWT\"}");
}
END_TEST

static const struct {
	const char *public_url, *root_path;
	const char *script_name, *path_info, *request_uri;
	const char *servers; /* "": none */
	const char *token;
} mounts[] = {
	{ "", "", "/openapi.json", "", "/openapi.json?a=/b", "", "/token" },
	{ "", "", "", "/openapi.json", "", "", "/token" },
	{ "", "", "/cgi-bin/tpauth.cgi", "/openapi.json", "", "[{\"url\":\"/cgi-bin/tpauth.cgi\"}]",
	  "/cgi-bin/tpauth.cgi/token" },
	{ "", "", "/tpauth.fcgi", "/openapi.json", "/openapi.json", "", "/token" },
	{ "", "", "/tpauth.fcgi", "/openapi.json", "/t/openapi.json", "[{\"url\":\"/t\"}]",
	  "/t/token" },
	{ "", "/auth", "/auth/openapi.json", "", "", "[{\"url\":\"/auth\"}]", "/auth/token" },
	{ "", "/auth", "/openapi.json", "", "/openapi.json", "[{\"url\":\"/auth\"}]",
	  "/auth/token" },
	{ "https://login.example.org", "", "/openapi.json", "", "",
	  "[{\"url\":\"https://login.example.org\"}]", "https://login.example.org/token" },
	{ "http://[::1]:8080", "", "/t", "/openapi.json", "", "[{\"url\":\"http://[::1]:8080/t\"}]",
	  "http://[::1]:8080/t/token" },
	/* What a link could make of it. */
	{ "", "", "//evil.example", "/openapi.json", "", "", "/token" },
	{ "", "", "/t", "/openapi.json", "//evil.example/openapi.json", "[{\"url\":\"/t\"}]",
	  "/t/token" },
	{ "", "", "/t", "/openapi.json", "http://evil.example/openapi.json", "[{\"url\":\"/t\"}]",
	  "/t/token" },
	{ "", "", "/a b", "/openapi.json", "/a%20b/openapi.json", "", "/token" },
	{ "", "", "/a?b", "/openapi.json", "", "", "/token" },
	{ "", "", "/\\evil.example", "/openapi.json", "", "", "/token" },
	{ "", "", "evil.example", "/openapi.json", "evil.example/openapi.json", "", "/token" },
};

START_TEST(says_where_it_is)
{
	char script[64], info[64], uri[64], want[128];

	h.spec.public_url = mounts[_i].public_url;
	h.spec.root_path = mounts[_i].root_path;
	http_rig_site(&h);
	snprintf(script, sizeof(script), "SCRIPT_NAME=%s", mounts[_i].script_name);
	snprintf(info, sizeof(info), "PATH_INFO=%s", mounts[_i].path_info);
	snprintf(uri, sizeof(uri), "REQUEST_URI=%s", mounts[_i].request_uri);
	ask_for("/", ENV(script, info, uri));
	ck_assert_str_eq(json_at("servers"), mounts[_i].servers);
	snprintf(want, sizeof(want), "\"%s\"", mounts[_i].token);
	ck_assert_str_eq(json_at("components/securitySchemes/oauth2/flows/password/tokenUrl"),
			 want);
}
END_TEST

START_TEST(text_is_text_whatever_it_holds)
{
	h.spec.title = "\"}],<script>\\ \xc3\xa4";
	h.spec.version = "1\"";
	h.spec.description = "</script> & more";
	http_rig_site(&h);
	document();
	ck_assert_str_eq(json_at("info"), "{\"title\":\"\\\"}],<script>\\\\ \xc3\xa4\",\"version\":"
					  "\"1\\\"\",\"description\":\"</script> & more\"}");
}
END_TEST

START_TEST(no_description_is_none)
{
	document();
	ck_assert_str_eq(json_at("info"), "{\"title\":\"Tea & Co\",\"version\":\"1.2\"}");
	ck_assert_str_eq(json_at("openapi"), "\"3.1.0\"");
}
END_TEST

START_TEST(a_guarded_request_needs_what_all_need)
{
	h.spec.required_scopes = ENV("staff", "read");
	http_rig_site(&h);
	document();
	ck_assert_str_eq(json_at("paths/~1auth/get/security"),
			 "[{\"oauth2\":[\"staff\",\"read\"]},{\"bearer\":[\"staff\",\"read\"]},"
			 "{\"session_cookie\":[\"staff\",\"read\"],"
			 "\"user_cookie\":[\"staff\",\"read\"]}]");
	ck_assert_ptr_null(json_pointer(doc, "paths/~1auth/get/responses/400"));
	ck_assert_ptr_null(json_pointer(doc, "paths/~1auth/get/responses/500"));
	ck_assert_ptr_nonnull(json_pointer(doc, "paths/~1auth/get/responses/503"));
}
END_TEST

enum { MOST = 20000, STRIDE = 13 };

START_TEST(is_whole_or_503_when_memory_runs_out)
{
	bool failed = true;

	for (long n = 1; failed; n += STRIDE) {
		ck_assert_int_lt(n, MOST);
		response_release(&h.resp);
		response_init(&h.resp);
		http_rig_request(&h, "GET", "/openapi.json", NULL, NULL);
		alloc_fail_at(n);
		http_rig_serve(&h);
		failed = alloc_fail_off();
		ck_assert_msg(h.resp.status == (failed ? 503 : 200), "allocation %ld: %d", n,
			      h.resp.status);
		h.log_len = 0;
	}
}
END_TEST

enum { PLACES = LIMIT_ROUTES / 2 };

/* At each path a GET, and far behind it a POST; the paths come in no order. */
static struct route one_of_many(size_t i, char path[16], char scope[16])
{
	snprintf(path, 16, "/r%zu", i % PLACES * 37 % PLACES);
	snprintf(scope, 16, "scope-%zu", i);
	return (struct route){ .methods = i < PLACES ? HTTP_GET : HTTP_POST,
			       .flags = ROUTE_SESSION,
			       .scopes = scope,
			       .handler = nothing,
			       .path_template = path };
}

/* And more scopes than a session may have. */
START_TEST(has_as_many_routes_as_an_application_may_have)
{
	static char paths[LIMIT_ROUTES][16], scopes[LIMIT_ROUTES][16];
	char text[64];
	const char *p;

	serve_own();
	for (size_t i = 0; i < LIMIT_ROUTES; i++)
		all[http_n_routes + i] = one_of_many(i, paths[i], scopes[i]);
	h.n_routes = http_n_routes + LIMIT_ROUTES;
	document();
	p = buf_cstr(&h.resp.body);
	for (size_t i = 0; i < PLACES; i++) {
		snprintf(text, sizeof(text), "\"%.15s\":{\"get\":", paths[i]);
		p = strstr(p, text);
		ck_assert_msg(p != NULL, "%s is not there, or not in the order of routes", text);
		snprintf(text, sizeof(text), "paths/~1%.15s/post/security", paths[i] + 1);
		ck_assert_msg(strstr(json_at(text), scopes[PLACES + i]) != NULL, "%s", text);
	}
	for (size_t i = 0; i < LIMIT_ROUTES; i++) {
		snprintf(text, sizeof(text), "\"%.15s\":\"\"", scopes[i]);
		ck_assert_msg(strstr(buf_cstr(&h.resp.body), text) != NULL, "%s", text);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("openapi");
	TCase *t = tcase_create("document");

	tcase_add_checked_fixture(t, open_rig, release_rig);
	tcase_add_test(t, has_the_routes_that_are_served_and_no_others);
	tcase_add_test(t, has_an_applications_routes_as_well);
	tcase_add_test(t, a_resource_server_has_no_logins);
	tcase_add_test(t, what_is_turned_off_or_moved_is_so_in_it);
	tcase_add_test(t, each_reference_leads_somewhere);
	tcase_add_test(t, each_operation_is_described);
	tcase_add_test(t, no_built_in_endpoint_is_left_to_be_guessed);
	tcase_add_test(t, describes_an_applications_route);
	tcase_add_test(t, shows_the_catalogue_and_what_routes_need_beyond_it);
	tcase_add_test(t, names_the_cookies_as_they_are);
	tcase_add_test(t, says_of_what_kind_the_bearer_is);
	tcase_add_loop_test(t, says_where_it_is, 0, (int)TP_COUNT(mounts));
	tcase_add_test(t, text_is_text_whatever_it_holds);
	tcase_add_test(t, no_description_is_none);
	tcase_add_test(t, a_guarded_request_needs_what_all_need);
	tcase_add_test(t, is_whole_or_503_when_memory_runs_out);
	tcase_add_test(t, has_as_many_routes_as_an_application_may_have);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(suite());
}
