/* SPDX-License-Identifier: MIT */
/*
 * Owns the doctor's own session: the login, what its cookies look like, whether it holds by cookie
 * and by bearer alike, and its end, which is asked for whatever else went wrong.
 */
#include "ctl/doctor_parts.h"

#include "base/codec.h"
#include "base/jval.h"

#include "base/banned.h"

enum { FORM_MOST = 16384 };

static bool is_plain(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* application/x-www-form-urlencoded */
static void put_field(struct buf *out, const char *name, struct span value)
{
	buf_printf(out, "%s%s=", out->len > 0 ? "&" : "", name);
	for (size_t i = 0; i < value.len; i++) {
		if (is_plain(value.p[i])) {
			buf_char(out, value.p[i]);
		} else {
			buf_char(out, '%');
			codec_hex_put(out, (struct span){ value.p + i, 1 });
		}
	}
}

/* The session's two of the login's cookies; the name without the prefix. */
static bool next_cookie(const struct doctor *d, struct span *rest, struct span *ret_line)
{
	struct span name;
	size_t prefix = strlen(d->spec->cookie_prefix);

	while (fetch_next_header(rest, &name, ret_line)) {
		struct span pair = *ret_line;
		struct span cookie = span_cut(&pair, '=');

		if (!span_is_nocase(name, "Set-Cookie") || cookie.len < prefix ||
		    memcmp(cookie.p, d->spec->cookie_prefix, prefix) != 0)
			continue;
		cookie = (struct span){ cookie.p + prefix, cookie.len - prefix };
		if (span_is(cookie, "access_token") || span_is(cookie, "user_id"))
			return true;
	}
	return false;
}

static void keep_cookies(struct doctor *d)
{
	struct span rest = buf_view(&d->login_head), line;

	while (next_cookie(d, &rest, &line)) {
		buf_str(&d->cookies, d->cookies.len == 0 ? "Cookie: " : "; ");
		buf_span(&d->cookies, span_cut(&line, ';'));
	}
}

static bool keep_session(struct doctor *d)
{
	TP_CLEANUP(jval_cleanup) struct jval *body = NULL;
	struct span bearer = { NULL, 0 }, user = { NULL, 0 };

	buf_span(&d->login_head, buf_view(&d->reply.head));
	keep_cookies(d);
	if (jval_parse(buf_view(&d->reply.body), &body, NULL) == TP_OK &&
	    jval_str(jval_get(body, "access_token"), &bearer) &&
	    jval_str(jval_get(body, "user_id"), &user) && !span_has_control(bearer)) {
		buf_str(&d->bearer, "Authorization: Bearer ");
		buf_span(&d->bearer, bearer);
		buf_span(&d->user_id, user);
	}
	return d->bearer.len > 0 || d->cookies.len > 0;
}

static enum doctor_verdict judge_login(struct doctor *d)
{
	switch (d->reply.status) {
	case 200:
		d->open = keep_session(d);
		if (!d->open || d->bearer.len == 0)
			return doctor_bad(
				d, REMEDY_LOGIN,
				"the login's answer has not the fields of a token response");
		return doctor_ok(d, "logged in");
	case 400:
		if (doctor_says(d, "invalid_grant"))
			return doctor_bad(d, REMEDY_LOGIN,
					  "the login is refused: wrong user name or password");
		break;
	case 429:
		return doctor_bad(d, REMEDY_LOGIN,
				  "the login is refused for now: too many attempts (429)");
	case 503:
		return doctor_bad(d, REMEDY_LOGIN,
				  "the login cannot be decided (503): the token handler or the "
				  "session store does not do its part");
	default:
		break;
	}
	return doctor_bad(d, REMEDY_LOGIN, "the login gets %d", d->reply.status);
}

static enum doctor_verdict check_login(struct doctor *d)
{
	TP_CLEANUP(buf_release) struct buf form = BUF_INIT(FORM_MOST);
	struct question q = { .method = "POST", .path = DOCTOR_TOKEN };

	if (d->spec->user.p == NULL)
		return doctor_skip(d, "not asked: no --user");
	if (!d->issues)
		return doctor_skip(d, "not asked: no login here");
	if (!d->https && !d->loopback && !d->spec->insecure_ok)
		return doctor_bad(d, REMEDY_HTTPS,
				  "not asked, for the password would go over plain HTTP "
				  "(--insecure-http-ok sends it nevertheless)");
	put_field(&form, "username", d->spec->user);
	put_field(&form, "password", d->spec->password);
	q.body = buf_view(&form);
	if (!doctor_ask(d, &q))
		return doctor_unasked(d);
	return judge_login(d);
}

/* Cookies -------------------------------------------------------------------------------------- */

struct crumbs {
	bool http_only, secure, same_site, same_site_none;
	struct span path;
};

static void read_attributes(struct span line, struct crumbs *ret)
{
	*ret = (struct crumbs){ .path = { NULL, 0 } };
	(void)span_cut(&line, ';'); /* name=value */
	while (line.p != NULL) {
		struct span value = span_cut(&line, ';');
		struct span name = span_trim(span_cut(&value, '='));

		if (span_is_nocase(name, "HttpOnly"))
			ret->http_only = true;
		else if (span_is_nocase(name, "Secure"))
			ret->secure = true;
		else if (span_is_nocase(name, "Path"))
			ret->path = span_trim(value);
		else if (span_is_nocase(name, "SameSite")) {
			ret->same_site = true;
			ret->same_site_none = span_is_nocase(span_trim(value), "none");
		}
	}
}

/* RFC 6265 5.1.4, for the path of /userinfo in the mount. */
static bool path_covers(const struct doctor *d, struct span cookie_path)
{
	TP_CLEANUP(buf_release) struct buf path = BUF_INIT(4096);
	struct span own;

	buf_str(&path, d->spec->url + d->root.len);
	buf_str(&path, doctor_path(d, DOCTOR_USERINFO));
	own = buf_view(&path);
	if (cookie_path.p == NULL || cookie_path.len == 0)
		return false;
	if (own.len < cookie_path.len || memcmp(own.p, cookie_path.p, cookie_path.len) != 0)
		return false;
	return own.len == cookie_path.len || cookie_path.p[cookie_path.len - 1] == '/' ||
	       own.p[cookie_path.len] == '/';
}

static const char *flaw(const struct doctor *d, const struct crumbs *c)
{
	if (!c->http_only)
		return "a session cookie without HttpOnly: scripts can read it";
	if (!c->same_site)
		return "a session cookie without SameSite: other sites' requests carry it";
	if (d->https && !c->secure)
		return "a session cookie without Secure: it goes over plain HTTP, too";
	if (c->same_site_none && !c->secure)
		return "a session cookie with SameSite=None and without Secure: browsers drop it";
	if (!path_covers(d, c->path))
		return "a session cookie whose Path does not cover the service: browsers do not "
		       "send "
		       "it here";
	return NULL;
}

static enum doctor_verdict check_cookie_flags(struct doctor *d)
{
	struct span rest = buf_view(&d->login_head), line;
	struct crumbs c;
	int n = 0;

	while (next_cookie(d, &rest, &line)) {
		const char *wrong;

		n++;
		read_attributes(line, &c);
		d->secure_cookies = d->secure_cookies || c.secure;
		wrong = flaw(d, &c);
		if (wrong != NULL)
			return doctor_bad(d, REMEDY_COOKIE_FLAGS, "%s", wrong);
	}
	if (n == 0)
		return doctor_bad(d, REMEDY_COOKIES,
				  "the login sets no cookies of the names "
				  "%saccess_token and %suser_id",
				  d->spec->cookie_prefix, d->spec->cookie_prefix);
	if (n != 2)
		return doctor_bad(d, REMEDY_COOKIE_FLAGS,
				  "the login sets %d session cookies, not two", n);
	return doctor_ok(d,
			 "both cookies have HttpOnly, SameSite and a Path that covers the service");
}

static enum doctor_verdict check_https(struct doctor *d)
{
	if (d->https)
		return doctor_ok(d, "https, and the certificate verifies");
	if (d->loopback)
		return doctor_skip(d, "plain HTTP, over loopback only");
	if (d->secure_cookies)
		return doctor_bad(
			d, REMEDY_HTTPS,
			"the cookies are Secure and this is plain HTTP: browsers drop them");
	return doctor_skip(d,
			   "plain HTTP: whoever listens on the way reads passwords and sessions");
}

/* Session -------------------------------------------------------------------------------------- */

static bool ask_with(struct doctor *d, const char *method, enum doctor_path path,
		     const struct buf *credential)
{
	struct question q = { .method = method, .path = path };

	q.header[0] = buf_cstr(credential);
	if (method[0] == 'P')
		q.body = SPAN_LIT("");
	return doctor_ask(d, &q);
}

/* That no bearer arrives was told by its own check. */
static enum doctor_verdict check_cookies_alone(struct doctor *d)
{
	if (!ask_with(d, "GET", DOCTOR_USERINFO, &d->cookies))
		return doctor_unasked(d);
	if (d->reply.status != 200)
		return doctor_bad(d, REMEDY_SESSION, "the session gets %d by cookies",
				  d->reply.status);
	return doctor_ok(d, "the session holds by cookies");
}

static enum doctor_verdict check_session(struct doctor *d)
{
	TP_CLEANUP(buf_release) struct buf claims = BUF_INIT(DOCTOR_BODY_MOST);
	int by_bearer;

	if (!ask_with(d, "GET", DOCTOR_USERINFO, &d->bearer))
		return doctor_unasked(d);
	by_bearer = d->reply.status;
	buf_span(&claims, buf_view(&d->reply.body));
	if (!d->bearer_arrives && d->cookies.len > 0)
		return check_cookies_alone(d);
	if (d->cookies.len == 0)
		return by_bearer == 200 ? doctor_ok(d, "the bearer holds")
					: doctor_bad(d, REMEDY_SESSION,
						     "the bearer of the login gets %d", by_bearer);
	if (!ask_with(d, "GET", DOCTOR_USERINFO, &d->cookies))
		return doctor_unasked(d);
	if (by_bearer != 200 || d->reply.status != 200)
		return doctor_bad(d, REMEDY_SESSION,
				  "the session does not hold: %d by bearer, %d by cookies",
				  by_bearer, d->reply.status);
	if (!span_eq(buf_view(&claims), buf_view(&d->reply.body)))
		return doctor_bad(d, REMEDY_SESSION,
				  "the claims by bearer and by cookies are not the same");
	return doctor_ok(d, "the session holds, by bearer and by cookies alike");
}

/* By whatever proves it. */
static bool log_out(struct doctor *d)
{
	if (d->bearer.len > 0 && ask_with(d, "POST", DOCTOR_LOGOUT, &d->bearer) &&
	    d->reply.status == 200)
		return true;
	return d->cookies.len > 0 && ask_with(d, "POST", DOCTOR_LOGOUT, &d->cookies) &&
	       d->reply.status == 200;
}

static enum doctor_verdict check_logout(struct doctor *d)
{
	const struct buf *proof = d->bearer_arrives && d->bearer.len > 0 ? &d->bearer : &d->cookies;

	if (!log_out(d)) {
		if (d->reply.status == 0)
			return doctor_unasked(d);
		return doctor_bad(d, REMEDY_LOGOUT,
				  "the logout gets %d: the doctor's session is still open",
				  d->reply.status);
	}
	if (proof->len == 0)
		return doctor_skip(d, "logged out; not known whether the session ended");
	if (!ask_with(d, "GET", DOCTOR_USERINFO, proof))
		return doctor_unasked(d);
	if (d->reply.status == 200)
		return doctor_bad(d, REMEDY_LOGOUT, "after the logout the session still holds");
	return doctor_ok(d, "the logout ends the session");
}

const struct check doctor_session_checks[] = {
	{ "login", check_login, WITH_TPAUTH },
	{ "cookie-flags", check_cookie_flags, WITH_SESSION },
	{ "https", check_https, WITH_TPAUTH },
	{ "session", check_session, WITH_SESSION },
};
const size_t doctor_n_session_checks = TP_COUNT(doctor_session_checks);

const struct check doctor_end_checks[] = {
	{ "logout", check_logout, WITH_SESSION },
};
const size_t doctor_n_end_checks = TP_COUNT(doctor_end_checks);
