/* SPDX-License-Identifier: MIT */
/*
 * Owns the reading of a request: which of several variables counts, where the client is, what it
 * shows as its credential, and its body. One pass over the variables, nothing copied that can be
 * borrowed. What the parts mean is for others to say: the router (path), auth/access (credential),
 * http/form (body).
 */
#include "http/request.h"

#include "base/rnd.h"
#include "http/bearer.h"
#include "http/cookie.h"
#include "http/site.h"

#include <assert.h>
#include <inttypes.h>

#include "base/banned.h"

enum rule {
	LAST,  /* a server's own variable: a later line overrides */
	FIRST, /* a header: what a client adds behind it does not count */
	ONCE   /* a header that decides who may do what */
};

enum var {
	VAR_METHOD,
	VAR_SCRIPT_NAME,
	VAR_PATH_INFO,
	VAR_QUERY,
	VAR_CONTENT_TYPE,
	VAR_CONTENT_LENGTH,
	VAR_REMOTE_ADDR,
	VAR_REDIRECT_AUTHORIZATION,
	VAR_AUTHORIZATION,
	VAR_COOKIE,
	VAR_ORIGIN,
	VAR_HOST,
	VAR_FORWARDED_FOR,
	VAR_SEC_FETCH_SITE,
	VAR_SEC_FETCH_MODE,
	VAR_SEC_FETCH_DEST,
	VAR_ACCEPT,
	VAR_IF_NONE_MATCH,
	VAR_USER_AGENT,
	VAR_CORS_METHOD,
	VAR_CORS_HEADERS,
	VAR_REQUEST_ID,
	VAR_TRANSFER_ENCODING,
	VAR_REFRESH,
	VAR_URI,
	VAR_TPAUTH_METHOD,
	VAR_TPAUTH_SCOPES,
	VAR_TPAUTH_SUBREQUEST,
	VAR_FORWARDED_URI,
	VAR_FORWARDED_METHOD,
	VAR_FORWARDED_HOST,
	VAR_APACHE_ROLE,
	VAR_REMOTE_PASSWD,
	VARS
};

#define VAR(name, rule)                              \
	{                                            \
		{ (name), sizeof(name) - 1 }, (rule) \
	}

/* clang-format off */
static const struct {
	struct span name;
	enum rule rule;
} vars[VARS] = {
	[VAR_METHOD]                 = VAR("REQUEST_METHOD", LAST),
	[VAR_SCRIPT_NAME]            = VAR("SCRIPT_NAME", LAST),
	[VAR_PATH_INFO]              = VAR("PATH_INFO", LAST),
	[VAR_QUERY]                  = VAR("QUERY_STRING", LAST),
	[VAR_CONTENT_TYPE]           = VAR("CONTENT_TYPE", LAST),
	[VAR_CONTENT_LENGTH]         = VAR("CONTENT_LENGTH", LAST),
	[VAR_REMOTE_ADDR]            = VAR("REMOTE_ADDR", LAST),
	[VAR_REDIRECT_AUTHORIZATION] = VAR("REDIRECT_HTTP_AUTHORIZATION", LAST),
	[VAR_AUTHORIZATION]          = VAR("HTTP_AUTHORIZATION", ONCE),
	[VAR_COOKIE]                 = VAR("HTTP_COOKIE", ONCE),
	[VAR_ORIGIN]                 = VAR("HTTP_ORIGIN", ONCE),
	[VAR_HOST]                   = VAR("HTTP_HOST", ONCE),
	[VAR_FORWARDED_FOR]          = VAR("HTTP_X_FORWARDED_FOR", ONCE),
	[VAR_SEC_FETCH_SITE]         = VAR("HTTP_SEC_FETCH_SITE", FIRST),
	[VAR_SEC_FETCH_MODE]         = VAR("HTTP_SEC_FETCH_MODE", FIRST),
	[VAR_SEC_FETCH_DEST]         = VAR("HTTP_SEC_FETCH_DEST", FIRST),
	[VAR_ACCEPT]                 = VAR("HTTP_ACCEPT", FIRST),
	[VAR_IF_NONE_MATCH]          = VAR("HTTP_IF_NONE_MATCH", FIRST),
	[VAR_USER_AGENT]             = VAR("HTTP_USER_AGENT", FIRST),
	[VAR_CORS_METHOD]            = VAR("HTTP_ACCESS_CONTROL_REQUEST_METHOD", FIRST),
	[VAR_CORS_HEADERS]           = VAR("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", FIRST),
	[VAR_REQUEST_ID]             = VAR("HTTP_X_REQUEST_ID", FIRST),
	[VAR_TRANSFER_ENCODING]      = VAR("HTTP_TRANSFER_ENCODING", FIRST),
	[VAR_REFRESH]                = VAR("HTTP_REFRESH", FIRST),
	[VAR_URI]                    = VAR("REQUEST_URI", LAST),
	[VAR_TPAUTH_METHOD]          = VAR("TPAUTH_METHOD", LAST),
	[VAR_TPAUTH_SCOPES]          = VAR("TPAUTH_REQUIRE_SCOPES", LAST),
	[VAR_TPAUTH_SUBREQUEST]      = VAR("TPAUTH_SUBREQUEST", LAST),
	[VAR_FORWARDED_URI]          = VAR("HTTP_X_FORWARDED_URI", ONCE),
	[VAR_FORWARDED_METHOD]       = VAR("HTTP_X_FORWARDED_METHOD", ONCE),
	[VAR_FORWARDED_HOST]         = VAR("HTTP_X_FORWARDED_HOST", ONCE),
	[VAR_APACHE_ROLE]            = VAR("FCGI_APACHE_ROLE", LAST),
	[VAR_REMOTE_PASSWD]          = VAR("REMOTE_PASSWD", LAST),
};
/* clang-format on */

static enum var find_var(struct span name)
{
	enum var i = 0;

	while (i < VARS && !span_eq(vars[i].name, name))
		i++;
	return i;
}

/* A forwarding header that is not looked at may be given twice no more than one that is. */
static enum tp_rc check_forwarded(char *const *envp, size_t i, struct span name, struct tp_err *err)
{
	for (size_t k = 0; k < i; k++) {
		if (strncmp(envp[k], name.p, name.len + 1) == 0)
			return tp_fail(err, TP_INVALID, "a forwarding header is given twice");
	}
	return TP_OK;
}

/* Takes the variable envp[i], n bytes long, into v. */
static enum tp_rc take(char *const *envp, size_t i, size_t n, struct span v[VARS],
		       struct tp_err *err)
{
	const char *eq = memchr(envp[i], '=', n);
	struct span name;
	enum var which;

	if (eq == NULL)
		return TP_OK;
	name = (struct span){ envp[i], (size_t)(eq - envp[i]) };
	which = find_var(name);
	if (which == VARS)
		return span_starts(name, "HTTP_X_FORWARDED_") ? check_forwarded(envp, i, name, err)
							      : TP_OK;
	if (v[which].p != NULL && vars[which].rule == FIRST)
		return TP_OK;
	if (v[which].p != NULL && vars[which].rule == ONCE)
		return tp_fail(err, TP_INVALID, "the header behind %s is given twice",
			       vars[which].name.p);
	v[which] = (struct span){ eq + 1, n - name.len - 1 };
	return TP_OK;
}

/* Goes on after a refusal, so that its answer has the method, path and request id. */
static enum tp_rc collect(char *const *envp, struct span v[VARS], struct tp_err *err)
{
	enum tp_rc rc = TP_OK;
	size_t bytes = 0;

	for (size_t i = 0; envp[i] != NULL; i++) {
		size_t n = strlen(envp[i]);

		bytes += n;
		if (i == LIMIT_ENV_VARS)
			return tp_fail(err, TP_INVALID, "more than %d headers and variables",
				       LIMIT_ENV_VARS);
		if (bytes > LIMIT_ENV_BYTES)
			return tp_fail(err, TP_TOO_LARGE, "headers of more than %d bytes",
				       LIMIT_ENV_BYTES);
		if (rc == TP_OK)
			rc = take(envp, i, n, v, err);
		else
			(void)take(envp, i, n, v, NULL);
	}
	for (size_t i = 0; i < VARS; i++) {
		if (v[i].len == 0 && i != VAR_REMOTE_PASSWD)
			v[i].p = NULL;
	}
	return rc;
}

enum http_method request_method(struct span name)
{
	static const char *const names[] = { "GET",   "HEAD",	"POST",	  "PUT",
					     "PATCH", "DELETE", "OPTIONS" };

	for (unsigned i = 0; i < TP_COUNT(names); i++) {
		if (span_is(name, names[i]))
			return (enum http_method)(1U << i);
	}
	return HTTP_OTHER;
}

static enum tp_rc set_path(struct http_req *r, struct span script_name, struct tp_err *err)
{
	if (script_name.len + r->path_info.len > LIMIT_PATH)
		return tp_fail(err, TP_NO_ROUTE, "a path of more than %d bytes", LIMIT_PATH);
	if (script_name.len == 0 || r->path_info.len == 0) {
		r->path = script_name.len > 0 ? script_name : r->path_info;
		return TP_OK;
	}
	buf_span(&r->joined, script_name);
	buf_span(&r->joined, r->path_info);
	r->path = buf_view(&r->joined);
	return buf_rc(&r->joined, "path", err);
}

static bool request_id_ok(struct span id)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789._-";

	for (size_t i = 0; i < id.len; i++) {
		if (id.p[i] == '\0' || strchr(allowed, id.p[i]) == NULL)
			return false;
	}
	return id.len >= 1 && id.len <= LIMIT_REQUEST_ID;
}

static enum tp_rc set_request_id(struct http_req *r, struct span given, struct tp_err *err)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char bytes[16] = { 0 };
	enum tp_rc rc;

	if (request_id_ok(given)) {
		memcpy(r->request_id, given.p, given.len);
		r->request_id[given.len] = '\0';
		return TP_OK;
	}
	rc = rnd_bytes(bytes, sizeof(bytes), err);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		r->request_id[2 * i] = digits[bytes[i] >> 4];
		r->request_id[2 * i + 1] = digits[bytes[i] & 15];
	}
	r->request_id[2 * sizeof(bytes)] = '\0';
	return rc;
}

/* Without a length there is a body only where the server passes a chunked one on (mod_cgid). */
static enum tp_rc set_content_length(struct http_req *r, struct span length, struct span encoding,
				     struct tp_err *err)
{
	r->content_length = encoding.p != NULL ? -1 : 0;
	if (length.p != NULL && !span_int(length, 0, INT64_MAX, &r->content_length))
		return tp_fail(err, TP_INVALID, "Content-Length is not a length");
	return TP_OK;
}

static struct span cut_last(struct span *list)
{
	size_t i = list->len;
	struct span last;

	while (i > 0 && list->p[i - 1] != ',')
		i--;
	last = (struct span){ list->p + i, list->len - i };
	list->len = i > 0 ? i - 1 : 0;
	return last;
}

/* Some proxies write 192.0.2.1:4711 and [2001:db8::1]:4711. */
static struct span without_port(struct span s)
{
	const char *colon = s.len > 0 ? memchr(s.p, ':', s.len) : NULL;
	const char *close = s.len > 0 ? memchr(s.p, ']', s.len) : NULL;

	if (close != NULL && s.p[0] == '[')
		return (struct span){ s.p + 1, (size_t)(close - s.p) - 1 };
	if (colon != NULL && memchr(colon + 1, ':', s.len - (size_t)(colon - s.p) - 1) == NULL)
		s.len = (size_t)(colon - s.p);
	return s;
}

/* X-Forwarded-For is read from the right: each trusted address vouches for the one before it, and
 * for nothing else. */
static struct span client_address(const struct http_site *site, struct span peer,
				  struct span forwarded)
{
	while (forwarded.len > 0 && site_trusts(site, peer)) {
		struct span before = without_port(span_trim(cut_last(&forwarded)));

		if (!site_is_address(before))
			break;
		peer = before;
	}
	return peer;
}

static void set_headers(struct http_req *r, const struct span v[VARS])
{
	r->method_name = v[VAR_METHOD];
	r->method = request_method(r->method_name);
	r->path_info = v[VAR_PATH_INFO];
	r->query = v[VAR_QUERY];
	r->content_type = v[VAR_CONTENT_TYPE];
	r->origin = v[VAR_ORIGIN];
	r->host = v[VAR_HOST];
	r->sec_fetch_site = v[VAR_SEC_FETCH_SITE];
	r->sec_fetch_mode = v[VAR_SEC_FETCH_MODE];
	r->sec_fetch_dest = v[VAR_SEC_FETCH_DEST];
	r->accept = v[VAR_ACCEPT];
	r->if_none_match = v[VAR_IF_NONE_MATCH];
	r->user_agent = v[VAR_USER_AGENT];
	r->cors_method = v[VAR_CORS_METHOD];
	r->cors_headers = v[VAR_CORS_HEADERS];
	r->authorization = v[VAR_AUTHORIZATION];
	r->redirect_authorization = v[VAR_REDIRECT_AUTHORIZATION];
	r->cookie = v[VAR_COOKIE];
	r->keeps_still = span_is_nocase(span_trim(v[VAR_REFRESH]), "false");
	r->remote_addr = client_address(r->site, v[VAR_REMOTE_ADDR], v[VAR_FORWARDED_FOR]);
	r->from_proxy = site_trusts(r->site, v[VAR_REMOTE_ADDR]);
	r->uri = v[VAR_URI];
	r->tpauth_method = v[VAR_TPAUTH_METHOD];
	r->tpauth_scopes = v[VAR_TPAUTH_SCOPES];
	r->tpauth_subrequest = v[VAR_TPAUTH_SUBREQUEST];
	r->forwarded_uri = v[VAR_FORWARDED_URI];
	r->forwarded_method = v[VAR_FORWARDED_METHOD];
	r->forwarded_host = v[VAR_FORWARDED_HOST];
	r->apache_role = v[VAR_APACHE_ROLE];
	r->remote_passwd = v[VAR_REMOTE_PASSWD];
}

/* The failure that came first. */
static enum tp_rc first(enum tp_rc earlier, enum tp_rc later)
{
	return earlier != TP_OK ? earlier : later;
}

enum tp_rc request_init(struct http_req *ret, const struct http_site *site, char *const *envp,
			struct http_body source, struct tp_err *err)
{
	struct span v[VARS] = { { NULL, 0 } };
	enum tp_rc rc;

	*ret = (struct http_req){
		.site = site,
		.envp = envp,
		.source = source,
		.body = BUF_INIT((size_t)site->max_body + 1),
		.joined = BUF_INIT(LIMIT_PATH),
		.decoded = { BUF_INIT(COOKIE_HOLD), BUF_INIT(COOKIE_HOLD) },
	};
	rc = collect(envp, v, err);
	set_headers(ret, v);
	/* A refusal has a path and an id as well, but the reason stays the first one. */
	rc = first(rc, set_request_id(ret, v[VAR_REQUEST_ID], rc == TP_OK ? err : NULL));
	rc = first(rc, set_path(ret, v[VAR_SCRIPT_NAME], rc == TP_OK ? err : NULL));
	if (rc != TP_OK)
		return rc;
	return set_content_length(ret, v[VAR_CONTENT_LENGTH], v[VAR_TRANSFER_ENCODING], err);
}

static enum tp_rc get_cookie(struct http_req *r, const char *name, struct buf *hold,
			     struct span *ret, struct tp_err *err)
{
	enum tp_rc rc = cookie_get(r->cookie, r->site->cookies.prefix, name, hold, ret, err);

	return rc == TP_NOT_FOUND ? TP_OK : rc;
}

enum tp_rc request_cookies(struct http_req *r, struct credential *ret, struct tp_err *err)
{
	struct credential c = { { NULL, 0 }, { NULL, 0 }, { NULL, 0 } };
	enum tp_rc rc;

	rc = get_cookie(r, "user_id", &r->decoded[0], &c.user_id, err);
	if (rc != TP_OK)
		return rc;
	rc = get_cookie(r, "access_token", &r->decoded[1], &c.access_token, err);
	if (rc != TP_OK)
		return rc;
	*ret = c;
	return TP_OK;
}

enum tp_rc request_credential(struct http_req *r, struct credential *ret, struct tp_err *err)
{
	struct span text =
		r->authorization.p != NULL ? r->authorization : r->redirect_authorization;
	struct span bearer = { NULL, 0 };
	enum tp_rc rc;

	if (r->redirect_authorization.p != NULL && !span_eq(text, r->redirect_authorization))
		return tp_fail(err, TP_INVALID, "more than one value of Authorization");
	if (text.p != NULL) {
		rc = bearer_get(text, &bearer, err);
		if (rc != TP_OK)
			return rc;
	}
	if (bearer.p == NULL)
		return request_cookies(r, ret, err);
	*ret = (struct credential){ .bearer = bearer };
	return TP_OK;
}

/* Any header ---------------------------------------------------------------------------------- */

enum { HEADER_NAME_MOST = 128 };

static char variable_byte(char c)
{
	static const char upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

	if (c >= 'a' && c <= 'z')
		return upper[c - 'a'];
	if (c == '-')
		return '_';
	return c;
}

/* RFC 3875 4.1.18; the two that have variables of their own come without HTTP_. */
static bool variable_of(struct span header, char ret[HEADER_NAME_MOST])
{
	bool own =
		span_is_nocase(header, "Content-Type") || span_is_nocase(header, "Content-Length");
	size_t n = own ? 0 : 5;

	if (header.len == 0 || header.len + n + 2 > HEADER_NAME_MOST ||
	    span_has_byte(header, '=') || span_has_control(header))
		return false;
	memcpy(ret, "HTTP_", 5);
	for (size_t i = 0; i < header.len; i++)
		ret[n++] = variable_byte(header.p[i]);
	ret[n++] = '=';
	ret[n] = '\0';
	return true;
}

struct span request_header(const struct http_req *r, struct span name)
{
	struct span found = { NULL, 0 };
	char variable[HEADER_NAME_MOST];
	size_t n;

	if (span_is_nocase(name, "Authorization"))
		return r->authorization.p != NULL ? r->authorization : r->redirect_authorization;
	if (!variable_of(name, variable))
		return found;
	n = strlen(variable);
	for (size_t i = 0; r->envp[i] != NULL; i++) {
		if (strncmp(r->envp[i], variable, n) != 0)
			continue;
		if (found.p != NULL)
			return (struct span){ NULL, 0 };
		found = span_of(r->envp[i] + n);
	}
	return found.len > 0 ? found : (struct span){ NULL, 0 };
}

/* The body ------------------------------------------------------------------------------------ */

enum { READ_BYTES = 4096 };

/* One byte more than may come is asked for, so that too much shows. */
static enum tp_rc read_some(struct http_req *r, size_t most, bool *ret_end, struct tp_err *err)
{
	size_t want = most + 1 - r->body.len;
	ptrdiff_t n;
	char *p;

	if (want > READ_BYTES)
		want = READ_BYTES;
	p = buf_room(&r->body, want);
	if (p == NULL)
		return buf_rc(&r->body, "body", err);
	n = r->source.read(r->source.arg, p, want);
	if (n < 0)
		return tp_fail(err, TP_INVALID, "the body broke off");
	assert((size_t)n <= want);
	buf_added(&r->body, (size_t)n);
	*ret_end = n == 0;
	if (r->body.len <= most)
		return TP_OK;
	if (r->content_length >= 0)
		return tp_fail(err, TP_INVALID, "the body is longer than Content-Length");
	return tp_fail(err, TP_TOO_LARGE, "a body of more than %zu bytes", most);
}

static enum tp_rc read_body(struct http_req *r, struct tp_err *err)
{
	int64_t length = r->content_length;
	int64_t most = length >= 0 ? length : r->site->max_body;
	bool end = false;
	enum tp_rc rc;

	if (length > r->site->max_body)
		return tp_fail(err, TP_TOO_LARGE, "a body of more than %" PRId64 " bytes",
			       r->site->max_body);
	while (!end) {
		rc = read_some(r, (size_t)most, &end, err);
		if (rc != TP_OK)
			return rc;
	}
	if (length >= 0 && (int64_t)r->body.len != length)
		return tp_fail(err, TP_INVALID, "the body is shorter than Content-Length");
	return TP_OK;
}

/* Once only: what broke off would read as whole the next time, where its source then says that it
 * is at its end. */
enum tp_rc request_body(struct http_req *r, struct tp_err *err)
{
	if (!r->body_read) {
		r->body_read = true;
		r->body_rc = read_body(r, err);
	} else if (r->body_rc != TP_OK) {
		return tp_fail(err, r->body_rc, "the body could not be read");
	}
	return r->body_rc;
}

enum tp_rc request_form(struct http_req *r, struct form *ret, struct tp_err *err)
{
	enum tp_rc rc = request_body(r, err);

	if (rc != TP_OK)
		return rc;
	if (r->body.len == 0) {
		*ret = (struct form){ 0 };
		return TP_OK;
	}
	return form_parse(r->content_type, buf_view(&r->body), ret, err);
}

void request_release(struct http_req *r)
{
	if (r == NULL)
		return;
	buf_release(&r->body);
	buf_release(&r->joined);
	buf_release(&r->decoded[0]);
	buf_release(&r->decoded[1]);
}
