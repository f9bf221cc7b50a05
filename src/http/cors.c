/* SPDX-License-Identifier: MIT */
/*
 * Owns the answer to one question, "where does this request come from?", in its two uses: what a
 * foreign page may read, and what it may set going. The comparing is http/origin's.
 */
#include "http/cors.h"

#include "base/banned.h"

enum { ECHO_MOST = 2048 }; /* of Access-Control-Request-Headers */

/* In CORS_URLS; any: "*" counts. */
static bool is_listed(const struct http_site *site, struct span origin, bool any)
{
	struct origin o;

	if (!origin_parse(origin, &o))
		return false;
	if (any && site->cors_any)
		return true;
	for (size_t i = 0; i < site->n_cors_patterns; i++) {
		if (origin_matches(&site->cors_patterns[i], &o))
			return true;
	}
	return false;
}

/* Who may read the answer; false: nobody but our own pages. */
static bool allow_origin(const struct http_site *site, const struct http_req *r,
			 struct http_resp *resp)
{
	if (!site->cors || r->origin.p == NULL)
		return false;
	if (site->cors_any) {
		response_header(resp, "Access-Control-Allow-Origin", SPAN_LIT("*"));
		return true;
	}
	if (!is_listed(site, r->origin, false))
		return false;
	response_header(resp, "Access-Control-Allow-Origin", r->origin);
	if (site->cors_credentials)
		response_header(resp, "Access-Control-Allow-Credentials", SPAN_LIT("true"));
	return true;
}

void cors_headers(const struct http_site *site, const struct http_req *r, struct http_resp *resp)
{
	response_header(resp, "Vary", SPAN_LIT("Origin"));
	if (allow_origin(site, r, resp))
		response_header(resp, "Access-Control-Expose-Headers",
				SPAN_LIT("X-Request-ID, Retry-After, WWW-Authenticate"));
}

bool cors_is_preflight(const struct http_site *site, const struct http_req *r)
{
	return site->cors && r->method == HTTP_OPTIONS && r->origin.p != NULL &&
	       r->cors_method.p != NULL;
}

/* "*" in a list of settings: everything that is asked for, which is then echoed. */
static bool allows_all(const struct span *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (span_is(v[i], "*"))
			return true;
	}
	return false;
}

/* What can be echoed: names, commas and blanks. */
static bool is_name_list(struct span list)
{
	for (size_t i = 0; i < list.len; i++) {
		if (list.p[i] < 0x20 || list.p[i] > 0x7e || strchr("()<>@;:\\\"/[]?={}", list.p[i]))
			return false;
	}
	return list.len <= ECHO_MOST;
}

static bool method_allowed(const struct http_site *site, struct span method)
{
	for (size_t i = 0; i < site->n_cors_methods; i++) {
		if (span_eq(site->cors_methods[i], method))
			return true;
	}
	return allows_all(site->cors_methods, site->n_cors_methods) && is_name_list(method);
}

/* Those that Fetch allows always; the original lists them as well. */
static const char *const safe_headers[] = { "Accept", "Accept-Language", "Content-Language",
					    "Content-Type" };

static bool same_name(struct span a, struct span b)
{
	return a.len == b.len && strncasecmp(a.p, b.p, a.len) == 0;
}

static bool header_allowed(const struct http_site *site, struct span name)
{
	for (size_t i = 0; i < TP_COUNT(safe_headers); i++) {
		if (span_is_nocase(name, safe_headers[i]))
			return true;
	}
	for (size_t i = 0; i < site->n_cors_headers; i++) {
		if (same_name(site->cors_headers[i], name))
			return true;
	}
	return false;
}

static bool headers_allowed(const struct http_site *site, struct span list)
{
	if (!is_name_list(list))
		return false;
	if (allows_all(site->cors_headers, site->n_cors_headers))
		return true;
	while (list.p != NULL) {
		struct span name = span_trim(span_cut(&list, ','));

		if (name.len > 0 && !header_allowed(site, name))
			return false;
	}
	return true;
}

static void put_list(struct http_resp *resp, const char *name, const struct span *v, size_t n,
		     bool and_safe)
{
	const char *sep = ": ";

	buf_str(&resp->headers, name);
	for (size_t i = 0; and_safe && i < TP_COUNT(safe_headers); i++, sep = ", ") {
		buf_str(&resp->headers, sep);
		buf_str(&resp->headers, safe_headers[i]);
	}
	for (size_t i = 0; i < n; i++, sep = ", ") {
		buf_str(&resp->headers, sep);
		buf_span(&resp->headers, v[i]);
	}
	buf_str(&resp->headers, "\r\n");
}

/* The rules: as they are set, or, behind "*", as they are asked for. */
static void put_rules(const struct http_site *site, const struct http_req *r,
		      struct http_resp *resp)
{
	if (allows_all(site->cors_methods, site->n_cors_methods))
		response_header(resp, "Access-Control-Allow-Methods", r->cors_method);
	else
		put_list(resp, "Access-Control-Allow-Methods", site->cors_methods,
			 site->n_cors_methods, false);
	if (!allows_all(site->cors_headers, site->n_cors_headers))
		put_list(resp, "Access-Control-Allow-Headers", site->cors_headers,
			 site->n_cors_headers, true);
	else if (r->cors_headers.p != NULL)
		response_header(resp, "Access-Control-Allow-Headers", r->cors_headers);
	response_header(resp, "Access-Control-Max-Age", SPAN_LIT("600"));
}

static void refuse(struct http_resp *resp, const char *why)
{
	response_clear(resp);
	response_json(resp, rc_info(TP_INVALID)->http);
	response_error_body(rc_info(TP_INVALID)->oauth, why, &resp->body);
	response_header(resp, "Cache-Control", SPAN_LIT("no-store"));
	response_header(resp, "Vary", SPAN_LIT("Origin"));
}

void cors_preflight(const struct http_site *site, const struct http_req *r, struct http_resp *resp)
{
	resp->status = 204;
	response_header(resp, "Vary", SPAN_LIT("Origin"));
	if (!allow_origin(site, r, resp))
		refuse(resp, "Disallowed CORS origin");
	else if (!method_allowed(site, r->cors_method))
		refuse(resp, "Disallowed CORS method");
	else if (!headers_allowed(site, r->cors_headers))
		refuse(resp, "Disallowed CORS headers");
	else
		put_rules(site, r, resp);
}

static bool is_own(const struct http_site *site, const struct http_req *r)
{
	struct origin o;

	if (!origin_parse(r->origin, &o))
		return false;
	if (site->has_public_origin)
		return origin_matches(&site->public_origin, &o);
	return origin_is_host(&o, r->host);
}

enum tp_rc cors_same_origin(const struct http_site *site, const struct http_req *r, bool by_cookies,
			    struct tp_err *err)
{
	if (r->origin.p == NULL) {
		if (span_is(r->sec_fetch_site, "cross-site") ||
		    span_is(r->sec_fetch_site, "same-site"))
			return tp_fail(err, TP_ORIGIN, "Sec-Fetch-Site names another site");
		return TP_OK;
	}
	if (is_own(site, r) || (site->cors_urls_set && is_listed(site, r->origin, !by_cookies)))
		return TP_OK;
	return tp_fail(err, TP_ORIGIN, "Origin is neither our own nor in CORS_URLS");
}
